//! The repository on a page: the most used files with the heads of their most used symbols, cut to a budget of tokens.
//!
//! The map stands in a prompt's stable prefix, so it must be byte-identical as long as nothing changed: everything is
//! ordered by count and then by text, and nothing depends on when or how the index was filled.

use crate::facts::{Facts, Use};
use crate::hash::{FastMap, short};
use crate::role::Role;
use crate::segment::File;
use crate::snapshot::IndexSnapshot;
use galley_grammars::SymbolKind as Kind;
use std::fmt::Write;
use std::sync::Arc;

/// Bytes that a token has on average; code has a little less, so the budget is kept.
const BYTES_PER_TOKEN: usize = 3;
/// At most so many symbols of one file.
const PER_FILE: usize = 12;

struct Entry<'a> {
    file: &'a Arc<File>,
    weight: f32,
    /// Symbols by number, most used first.
    symbols: Vec<(f32, usize)>,
}

impl IndexSnapshot {
    /// The map within `token_budget` tokens: files in order of path, indented symbol heads in order of the text.
    pub fn map(&self, token_budget: usize) -> String {
        let mut entries = self.entries();
        entries.sort_by(|one, other| {
            other.weight.total_cmp(&one.weight).then_with(|| one.file.path.cmp(&other.file.path))
        });
        let mut left = token_budget.saturating_mul(BYTES_PER_TOKEN);
        let mut kept: Vec<(&Arc<File>, String)> = Vec::new();
        for entry in &entries {
            let text = entry.render(self.text(entry.file).as_deref());
            if text.len() > left {
                break;
            }
            left -= text.len();
            kept.push((entry.file, text));
        }
        kept.sort_by(|one, other| one.0.path.cmp(&other.0.path));
        let mut map: String = kept.iter().map(|(_, text)| text.as_str()).collect();
        let omitted = entries.len() - kept.len();
        if omitted > 0 && left > 40 {
            let _ = writeln!(map, "({omitted} more source files)");
        }
        map
    }

    /// Sources with how much the rest uses what they define.
    fn entries(&self) -> Vec<Entry<'_>> {
        // Per name: files that hold it, files that define it.
        let mut spread: FastMap<u32, (u32, u32)> = FastMap::default();
        let sources = || self.files().filter(|file| file.role == Role::Source && file.has_symbols());
        for file in sources() {
            let facts = file.facts();
            for (number, name) in facts.names() {
                let counts = spread.entry(short(name)).or_default();
                counts.0 += 1;
                counts.1 += u32::from(facts.uses(number) & Use::DEFINED != 0);
            }
        }
        let weigh = |facts: &Facts, symbol: usize| {
            let (held, defined) = spread.get(&short(facts.symbol_name(symbol))).copied().unwrap_or_default();
            let others = held.saturating_sub(defined) as f32;
            (others / defined.max(1) as f32).sqrt()
        };
        sources()
            .map(|file| {
                let facts = file.facts();
                let shown = |symbol: &usize| is_shown(&facts, *symbol);
                let mut symbols: Vec<_> = (0..facts.symbol_count())
                    .filter(shown)
                    .map(|symbol| (weigh(&facts, symbol), symbol))
                    .collect();
                symbols.sort_by(|one, other| other.0.total_cmp(&one.0).then(one.1.cmp(&other.1)));
                let weight = symbols.iter().map(|symbol| symbol.0).sum();
                symbols.truncate(PER_FILE);
                Entry { file, weight, symbols }
            })
            .collect()
    }
}

/// Members and configuration keys would drown what matters.
fn is_shown(facts: &Facts, symbol: usize) -> bool {
    let kind = facts.symbol_kind(symbol);
    let member = matches!(
        kind,
        Some(Kind::Field | Kind::Variant | Kind::Key | Kind::Section | Kind::Element | Kind::Variable)
    );
    !member && !facts.symbol_is_test(symbol)
}

impl Entry<'_> {
    fn render(&self, content: Option<&str>) -> String {
        let mut numbers: Vec<usize> = self.symbols.iter().map(|symbol| symbol.1).collect();
        numbers.sort_unstable();
        let mut text = format!("{}\n", self.file.path.as_str());
        let facts = self.file.facts();
        for mut symbol in numbers.iter().filter_map(|number| facts.symbol(*number)) {
            symbol.read_signature(content);
            let head: String = symbol.signature.chars().take(100).collect();
            let indent = if symbol.container.is_some() { "    " } else { "  " };
            let _ = writeln!(text, "{indent}{}: {head}", symbol.line + 1);
        }
        text
    }
}
