//! Where a chunk may stand that is said to come after certain lines.
//!
//! An anchor names a function or a class by its first line. What is meant lies in its body, which ends where the
//! indentation comes back to the anchor's; the first match in there is the one, and a match beyond counts only if
//! it is the only one there is.

use std::ops::Range;

use crate::locate::LocateError;
use crate::locate::ladder::{Level, matches};
use crate::locate::text_lines::TextLines;

/// The ranges of lines that the anchors may mean, from `cursor` on.
pub(super) fn scopes(
    text: &TextLines<'_>,
    anchors: &[String],
    cursor: usize,
) -> Result<Vec<Range<usize>>, LocateError> {
    let mut scopes: Vec<Range<usize>> = std::iter::once(cursor..text.len()).collect();
    for anchor in anchors {
        let found = anchor_lines(text, anchor);
        let inside: Vec<usize> =
            found.iter().copied().filter(|line| scopes.iter().any(|scope| scope.contains(line))).collect();
        if inside.is_empty() {
            let nearest = crate::locate::nearest_to(text, std::slice::from_ref(anchor));
            return Err(LocateError::NotFound { nearest });
        }
        scopes = inside.into_iter().map(|line| line..text.body_end(line) + 1).collect();
    }
    Ok(scopes)
}

/// Lines that are the anchor, exactly or loosely, or that begin with it.
fn anchor_lines(text: &TextLines<'_>, anchor: &str) -> Vec<usize> {
    let wanted = [anchor.to_owned()];
    let levels = [Level::Exact, Level::TrailingBlanks, Level::Indentation, Level::Typography];
    if let Some(found) =
        levels.into_iter().map(|level| matches(text, &wanted, level)).find(|found| !found.is_empty())
    {
        return found;
    }
    let starts = |line: &usize| text.content(*line).trim_start().starts_with(anchor.trim());
    (0..text.len()).filter(starts).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, anchors: &[&str], expected: &[(usize, usize)]) {
        let anchors: Vec<String> = anchors.iter().map(|anchor| (*anchor).to_owned()).collect();
        let found = scopes(&TextLines::new(text), &anchors, 0).unwrap_or_default();
        let found: Vec<(usize, usize)> = found.into_iter().map(|range| (range.start, range.end)).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_body_ends_with_its_indentation() {
        let text = "class A:\n  def f():\n    x\n\n  def g():\n    x\nclass B:\n  def f():\n    x\n";
        check(text, &["class A:"], &[(0, 7)]);
        check(text, &["def f():"], &[(1, 5), (7, 10)]);
        check(text, &["class B:", "def f():"], &[(7, 10)]);
        check(text, &["class C:"], &[]);
        check("f()\n{\n  x\n}\ng()\n", &["f()"], &[(0, 5)]);
    }
}
