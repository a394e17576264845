//! Edits to one text: plain byte ranges and what replaces them.
//!
//! An [`EditList`] exists only if its edits can all be applied at once, so nobody applies two edits that fight
//! over the same bytes. Whether it fits a given text is known only when it is applied.

use std::ops::Range;

use serde::{Deserialize, Serialize};

/// One replacement.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TextEdit {
    /// The bytes replaced, half-open; empty for an insertion.
    pub range: Range<usize>,
    /// What stands there afterwards.
    pub text: String,
}

impl TextEdit {
    /// Replaces the bytes of `range` by `text`.
    pub fn new(range: Range<usize>, text: impl Into<String>) -> TextEdit {
        TextEdit { range, text: text.into() }
    }
}

/// Edits to the same base text, sorted and disjoint. Several insertions at one place keep their given order, and
/// an insertion at the start of a replaced range comes before the replacement.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<TextEdit>", into = "Vec<TextEdit>")]
pub struct EditList(Vec<TextEdit>);

/// Why edits make no [`EditList`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditListError {
    /// A range ends before it starts.
    #[error("an edit's range {start}..{end} ends before it starts")]
    Backwards {
        /// Start of the range in bytes.
        start: usize,
        /// End of the range in bytes.
        end: usize,
    },
    /// Two edits change the same bytes.
    #[error("the edits at bytes {first:?} and {second:?} overlap; merge them into one")]
    Overlap {
        /// The earlier range.
        first: Range<usize>,
        /// The later range.
        second: Range<usize>,
    },
}

/// Why an [`EditList`] does not fit a text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// A range reaches past the text's end.
    #[error(
        "an edit at bytes {range:?} reaches past the end of a text of {len} bytes; the text is another one"
    )]
    OutOfBounds {
        /// The range.
        range: Range<usize>,
        /// Length of the text in bytes.
        len: usize,
    },
    /// A range begins or ends inside a character.
    #[error("an edit at bytes {range:?} cuts a character in two; the text is another one")]
    InsideCharacter {
        /// The range.
        range: Range<usize>,
    },
}

impl EditList {
    /// Sorts the edits and makes sure that they are disjoint.
    pub fn new(mut edits: Vec<TextEdit>) -> Result<EditList, EditListError> {
        if let Some(edit) = edits.iter().find(|edit| edit.range.start > edit.range.end) {
            return Err(EditListError::Backwards { start: edit.range.start, end: edit.range.end });
        }
        edits.sort_by_key(|edit| (edit.range.start, edit.range.end));
        for pair in edits.windows(2) {
            if pair[0].range.end > pair[1].range.start {
                return Err(EditListError::Overlap {
                    first: pair[0].range.clone(),
                    second: pair[1].range.clone(),
                });
            }
        }
        Ok(EditList(edits))
    }

    /// The edits in the order of their places.
    pub fn edits(&self) -> &[TextEdit] {
        &self.0
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The text after all edits.
    pub fn apply(&self, text: &str) -> Result<String, EditError> {
        let grown: usize = self.0.iter().map(|edit| edit.text.len()).sum();
        let mut out = String::with_capacity(text.len() + grown);
        let mut done = 0;
        for edit in &self.0 {
            check_range(text, &edit.range)?;
            out.push_str(&text[done..edit.range.start]);
            out.push_str(&edit.text);
            done = edit.range.end;
        }
        out.push_str(&text[done..]);
        Ok(out)
    }
}

fn check_range(text: &str, range: &Range<usize>) -> Result<(), EditError> {
    if range.end > text.len() {
        return Err(EditError::OutOfBounds { range: range.clone(), len: text.len() });
    }
    if !text.is_char_boundary(range.start) || !text.is_char_boundary(range.end) {
        return Err(EditError::InsideCharacter { range: range.clone() });
    }
    Ok(())
}

impl TryFrom<Vec<TextEdit>> for EditList {
    type Error = EditListError;
    fn try_from(edits: Vec<TextEdit>) -> Result<EditList, EditListError> {
        EditList::new(edits)
    }
}

impl From<EditList> for Vec<TextEdit> {
    fn from(list: EditList) -> Vec<TextEdit> {
        list.0
    }
}

impl IntoIterator for EditList {
    type Item = TextEdit;
    type IntoIter = std::vec::IntoIter<TextEdit>;
    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn applies_in_any_order_given() {
        let list = EditList::new(vec![
            TextEdit::new(4..5, "E"),
            TextEdit::new(0..2, ""),
            TextEdit::new(2..2, "x"),
            TextEdit::new(2..2, "y"),
        ])
        .unwrap();
        assert_eq!(list.apply("abcdef").unwrap(), "xycdEf");
    }

    #[test]
    fn refuses_what_cannot_be() {
        assert!(EditList::new(vec![TextEdit::new(0..3, ""), TextEdit::new(2..4, "")]).is_err());
        #[allow(clippy::reversed_empty_ranges)]
        let backwards = TextEdit::new(3..1, "");
        assert!(EditList::new(vec![backwards]).is_err());
        let list = EditList::new(vec![TextEdit::new(1..2, "")]).unwrap();
        assert!(matches!(list.apply("é"), Err(EditError::InsideCharacter { .. })));
        assert!(matches!(list.apply("a"), Err(EditError::OutOfBounds { .. })));
    }
}
