//! How the indentation of an edit relates to the file's, and the same change for the lines it brings.
//!
//! The relation is learned from the lines that were found. Several relations may explain them; the caller tries all
//! that do, and accepts the outcome only if they agree on it.

/// A relation between the edit's indentation and the file's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Indent {
    Same,
    /// The edit left out this prefix.
    Add(String),
    /// The edit has this prefix too much.
    Strip(String),
    /// Only the edit's first line lost its indentation.
    FirstLine(String),
    /// The edit has so many blanks for each of the file's tabs.
    Tabs(usize),
    /// The edit has a tab for so many blanks of the file.
    Blanks(usize),
    /// The edit indents by steps of the first width where the file uses the second.
    Steps(usize, usize),
}

/// Leading blanks and the rest.
pub(crate) fn split(line: &str) -> (&str, &str) {
    line.split_at(line.len() - line.trim_start_matches([' ', '\t']).len())
}

impl Indent {
    /// All relations that explain the pairs (edit's line, file's line); blank lines explain nothing.
    pub(crate) fn explaining(pairs: &[(&str, &str)]) -> Vec<Indent> {
        let first_is_blank = pairs.first().is_some_and(|(edit, _)| edit.trim().is_empty());
        let pairs: Vec<(&str, &str)> = pairs
            .iter()
            .filter(|(edit, file)| !edit.trim().is_empty() && !file.trim().is_empty())
            .map(|(edit, file)| (split(edit).0, split(file).0))
            .collect();
        if pairs.iter().all(|(edit, file)| edit == file) {
            return vec![Indent::Same];
        }
        let Some((edit, file)) = pairs.first().copied() else { return vec![Indent::Same] };
        let mut candidates = Vec::new();
        if let Some(prefix) = file.strip_suffix(edit) {
            candidates.push(Indent::Add(prefix.to_owned()));
            if !first_is_blank && pairs.len() > 1 && pairs[1..].iter().all(|(edit, file)| edit == file) {
                if edit.is_empty() {
                    return vec![Indent::FirstLine(prefix.to_owned())];
                }
                candidates.push(Indent::FirstLine(prefix.to_owned()));
            }
        }
        if let Some(prefix) = edit.strip_suffix(file) {
            candidates.push(Indent::Strip(prefix.to_owned()));
        }
        candidates.extend([2, 3, 4, 8].map(Indent::Tabs));
        candidates.extend([2, 3, 4, 8].map(Indent::Blanks));
        if distinct_widths(&pairs) > 1 {
            let widths = [2, 3, 4, 8];
            let all = widths.iter().flat_map(|from| widths.iter().map(move |to| (*from, *to)));
            candidates.extend(all.filter(|(from, to)| from != to).map(|(from, to)| Indent::Steps(from, to)));
        }
        candidates.retain(|candidate| {
            let fits = |(at, (edit, file)): (usize, &(&str, &str))| {
                candidate.blanks(edit, at == 0).as_deref() == Some(*file)
            };
            pairs.iter().enumerate().all(fits)
        });
        candidates
    }

    /// The file's indentation for the edit's; `None` where the relation says nothing about it.
    fn blanks(&self, edit: &str, first: bool) -> Option<String> {
        match self {
            Indent::Same => Some(edit.to_owned()),
            Indent::Add(prefix) => Some(format!("{prefix}{edit}")),
            Indent::Strip(prefix) => edit.strip_prefix(prefix.as_str()).map(str::to_owned),
            Indent::FirstLine(prefix) if first => Some(format!("{prefix}{edit}")),
            Indent::FirstLine(_) => Some(edit.to_owned()),
            Indent::Tabs(width) => {
                let blanks = edit.trim_start_matches('\t');
                let tabs = edit.len() - blanks.len() + blanks.len() / width;
                (!blanks.contains('\t')).then(|| "\t".repeat(tabs) + &" ".repeat(blanks.len() % width))
            }
            Indent::Blanks(width) => Some(edit.replace('\t', &" ".repeat(*width))),
            Indent::Steps(from, to) => {
                let plain = !edit.contains('\t') && edit.len().is_multiple_of(*from);
                plain.then(|| " ".repeat(edit.len() / from * to))
            }
        }
    }

    /// A line of the edit as the file would have it; `first` for the edit's first line.
    pub(crate) fn apply(&self, line: &str, first: bool) -> Option<String> {
        let (blanks, rest) = split(line);
        if rest.is_empty() {
            // A blank line has no indentation to go by.
            return Some(line.to_owned());
        }
        Some(self.blanks(blanks, first)? + rest)
    }
}

fn distinct_widths(pairs: &[(&str, &str)]) -> usize {
    let mut widths: Vec<usize> = pairs.iter().map(|(edit, _)| edit.len()).collect();
    widths.sort_unstable();
    widths.dedup();
    widths.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn learns_the_relation() {
        assert_eq!(Indent::explaining(&[("a", "a"), ("  b", "  b")]), [Indent::Same]);
        assert_eq!(Indent::explaining(&[("a", "    a"), ("  b", "      b")]), [Indent::Add("    ".into())]);
        assert_eq!(Indent::explaining(&[("  a", "a"), ("    b", "  b")]), [Indent::Strip("  ".into())]);
        assert_eq!(
            Indent::explaining(&[("a", "    a"), ("    b", "    b")]),
            [Indent::FirstLine("    ".into())]
        );
        assert_eq!(Indent::explaining(&[("a", "a"), ("    b", "\tb")]), [Indent::Tabs(4)]);
        assert_eq!(Indent::explaining(&[("\ta", "  a"), ("\t\tb", "    b")]), [Indent::Blanks(2)]);
        assert_eq!(Indent::explaining(&[("  a", "    a"), ("    b", "        b")]), [Indent::Steps(2, 4)]);
        assert_eq!(Indent::explaining(&[("a", "  a"), ("b", "b"), ("c", "    c")]), []);
    }

    #[test]
    fn applies_it() {
        assert_eq!(Indent::Strip("  ".into()).apply(" x", false), None);
        assert_eq!(Indent::Add("  ".into()).apply("   ", false).as_deref(), Some("   "));
        assert_eq!(Indent::Tabs(4).apply("      x", false).as_deref(), Some("\t  x"));
    }
}
