//! Edits that could as well stand elsewhere.
//!
//! Typing a line twice and deleting the first or the second gives the same text, and editors that compute what
//! changed by comparing texts report either. So an undo that gives a hunk's lines back may be reported a few bytes
//! beside them. Sliding such an edit to where the hunk is changes nothing in the text and makes the undo seen.

use std::ops::Range;

use galley_text::edit::TextEdit;
use ropey::Rope;

/// No edit is slid further than this many bytes.
const REACH: usize = 4096;

/// The same change with the edits next to `range` slid to its start, or `None` where nothing slides.
pub(crate) fn to_range(old: &Rope, list: &[TextEdit], range: &Range<usize>) -> Option<Vec<TextEdit>> {
    let behind = list.partition_point(|edit| edit.range.end < range.start);
    let nearest = [behind.checked_sub(1), Some(behind)].into_iter().flatten();
    for index in nearest {
        let Some(edit) = list.get(index) else { continue };
        let before = index.checked_sub(1).map_or(0, |at| list[at].range.end + 1);
        let after = list.get(index + 1).map_or(usize::MAX, |next| next.range.start);
        let Some(slid) = slide(old, edit, range.start) else { continue };
        if slid.range.start < before || slid.range.end >= after {
            continue;
        }
        let mut out = list.to_vec();
        out[index] = slid;
        return Some(out);
    }
    None
}

/// A pure insertion or deletion moved so that it starts at `target`, where that gives the same text.
fn slide(old: &Rope, edit: &TextEdit, target: usize) -> Option<TextEdit> {
    let start = edit.range.start;
    let by = start.abs_diff(target);
    if by == 0 || by > REACH || edit.range.is_empty() == edit.text.is_empty() {
        return None;
    }
    let bytes = |range: Range<usize>| old.get_byte_slice(range).map(String::from);
    if edit.text.is_empty() {
        let len = edit.range.len();
        let lower = start.min(target);
        let same = bytes(lower..lower + by)? == bytes(lower + len..lower + len + by)?;
        return same.then(|| TextEdit::new(target..target + len, ""));
    }
    if by > edit.text.len() {
        return None;
    }
    let between = bytes(start.min(target)..start.max(target))?;
    let cut = if target > start { by } else { edit.text.len() - by };
    let (first, second) = (edit.text.get(..cut)?, edit.text.get(cut..)?);
    let same = if target > start { first == between } else { second == between };
    same.then(|| TextEdit::new(target..target, format!("{second}{first}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(old: &str, edit: TextEdit, target: usize, expected: Option<TextEdit>) {
        let slid = slide(&Rope::from_str(old), &edit, target);
        assert_eq!(slid, expected);
        let apply = |edit: TextEdit| {
            let mut text = old.to_owned();
            text.replace_range(edit.range, &edit.text);
            text
        };
        if let Some(slid) = slid {
            assert_eq!(apply(slid), apply(edit));
        }
    }

    #[test]
    fn slides_both_ways_or_not_at_all() {
        check("a}\nb", TextEdit::new(1..1, "}\nx"), 3, Some(TextEdit::new(3..3, "x}\n")));
        check("a}\nb", TextEdit::new(3..3, "x}\n"), 1, Some(TextEdit::new(1..1, "}\nx")));
        check("a}\nb", TextEdit::new(1..1, "y\nx"), 3, None);
        check("ababc", TextEdit::new(0..2, ""), 2, Some(TextEdit::new(2..4, "")));
        check("abcdc", TextEdit::new(0..2, ""), 2, None);
    }
}
