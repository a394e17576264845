//! What a change of a symbol reaches: callers and tests, counted from the index, in a line.

use std::collections::BTreeSet;

use galley_index::{ImpactKind, IndexSnapshot};

/// Places that are looked at.
const PLACES: usize = 60;

/// A line such as `rounded: 3 callers in 2 files, 2 tests, public`; `None` for a name that the index does not know.
pub fn radius(index: &IndexSnapshot, symbol: &str) -> Option<String> {
    let name = symbol.rsplit([':', '.', '#']).next().unwrap_or(symbol);
    let known = index.symbols(name, 5).into_iter().find(|found| found.symbol.name == name)?;
    let found = index.impact(name, None, PLACES);
    let files: BTreeSet<&str> = found.iter().map(|place| place.path.as_str()).collect();
    let count = |kind| found.iter().filter(|place| place.kind == kind).count();
    let (uses, tests, dependents) =
        (count(ImpactKind::Reference), count(ImpactKind::Test), count(ImpactKind::Dependent));
    let more = if found.len() == PLACES { " or more" } else { "" };
    let mut line = format!("{name}: {} in {}", counted(uses, "use"), counted(files.len(), "file"));
    if tests > 0 {
        line.push_str(&format!(", {}", counted(tests, "test")));
    }
    if dependents > 0 {
        line.push_str(&format!(", {}", counted(dependents, "dependent")));
    }
    let signature = known.symbol.signature.trim_start();
    if signature.starts_with("pub ") || signature.starts_with("export ") {
        line.push_str(", public");
    }
    line.push_str(more);
    Some(line)
}

/// The radius of each symbol that a text names in back quotes, or as a word that the index knows as a function or type with
/// an underscore or capital in it; at most five.
pub fn of_text(index: &IndexSnapshot, text: &str) -> Vec<String> {
    let quoted = text.split('`').skip(1).step_by(2);
    let words = text
        .split(|c: char| !c.is_alphanumeric() && c != '_')
        .filter(|word| word.len() > 3 && word.chars().skip(1).any(|c| c == '_' || c.is_uppercase()));
    let mut seen = BTreeSet::new();
    quoted
        .chain(words)
        .map(|name| name.trim_end_matches("()"))
        .filter(|name| seen.insert(name.to_owned()))
        .filter_map(|name| radius(index, name))
        .take(5)
        .collect()
}

fn counted(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}
