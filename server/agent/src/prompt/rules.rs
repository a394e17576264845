//! The repository's own rules for agents: the nearest `AGENTS.md`, and `CLAUDE.md`. They steer style and commands; they
//! cannot widen policy, scope or budget, since none of these reads them.

use galley_text::path::RelPath;
use galley_workspace::Snapshot;

/// Bytes of rules that are sent whole; about 1,500 tokens.
const WHOLE: usize = 6_000;

/// The rules that govern a place, as a fragment with their source; `None` where there are none.
pub fn rules(snapshot: &Snapshot, place: Option<&RelPath>) -> Option<String> {
    let mut found: Vec<(String, String)> = Vec::new();
    for name in ["AGENTS.md", "CLAUDE.md"] {
        if let Some((path, text)) = nearest(snapshot, place, name)
            && !found.iter().any(|(_, known)| *known == text)
        {
            found.push((path, text));
        }
    }
    if found.is_empty() {
        return None;
    }
    let fragments: Vec<String> = found
        .iter()
        .map(|(path, text)| format!("Rules of the repository ({path}):\n{}", cut(path, text)))
        .collect();
    Some(fragments.join("\n\n"))
}

fn nearest(snapshot: &Snapshot, place: Option<&RelPath>, name: &str) -> Option<(String, String)> {
    let mut folder = place.and_then(RelPath::parent);
    loop {
        let path = match &folder {
            Some(folder) => folder.join(name).ok()?,
            None => RelPath::new(name).ok()?,
        };
        if let Ok(text) = snapshot.read(&path) {
            return Some((path.as_str().to_owned(), text.to_string()));
        }
        folder = folder?.parent();
    }
}

/// Short rules whole; of long ones the headings with their lines, to be read where they matter.
fn cut(path: &str, text: &str) -> String {
    if text.len() <= WHOLE {
        return text.trim().to_owned();
    }
    let headings: Vec<String> = text
        .lines()
        .enumerate()
        .filter(|(_, line)| line.starts_with('#'))
        .map(|(number, line)| format!("{:>5} {line}", number + 1))
        .take(60)
        .collect();
    format!("(long; headings of {path} by line, read what matters)\n{}", headings.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_rules_are_cut_to_headings() {
        let long = format!("# One\n{}\n## Two\n", "word ".repeat(2000));
        assert_eq!(
            cut("AGENTS.md", &long),
            "(long; headings of AGENTS.md by line, read what matters)\n    1 # One\n    3 ## Two"
        );
        assert_eq!(cut("AGENTS.md", " short \n"), "short");
    }
}
