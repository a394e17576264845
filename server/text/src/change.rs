//! Change sets: what turns one text of a known length into another.
//!
//! A [`ChangeSet`] is a normal form (its splices are sorted, never touch, and none is empty), so that two change
//! sets that do the same to every text of the right shape compare equal more often than not, and mapping a
//! position is one binary search. It knows the length of its base and refuses a text of any other.

use std::ops::Range;

use ropey::Rope;

use crate::edit::{EditList, TextEdit};

/// A replacement together with where it stands in the new text.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Splice {
    start: usize,
    end: usize,
    text: String,
    /// Byte offset in the new text at which `text` begins.
    new_start: usize,
}

/// Replacements over a base of known length in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeSet {
    base_len: usize,
    new_len: usize,
    splices: Vec<Splice>,
}

/// Which side a position stays at when text is inserted exactly there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bias {
    /// Before the inserted text.
    Before,
    /// After it.
    After,
}

/// A change set was used with a text it was not made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the change is meant for a text of {expected} bytes and was given another one of {found} bytes")]
pub struct WrongBase {
    /// Length of the base it was made for, in bytes.
    pub expected: usize,
    /// Length of the text that was given, in bytes.
    pub found: usize,
}

impl ChangeSet {
    /// The change that changes nothing in a text of `base_len` bytes.
    pub fn identity(base_len: usize) -> ChangeSet {
        ChangeSet { base_len, new_len: base_len, splices: Vec::new() }
    }

    /// The change that a list of edits makes; refused when an edit reaches past `base_len`.
    pub fn from_edits(base_len: usize, edits: &EditList) -> Result<ChangeSet, WrongBase> {
        let mut builder = Builder::default();
        for edit in edits.edits() {
            if edit.range.end > base_len {
                return Err(WrongBase { expected: edit.range.end, found: base_len });
            }
            builder.retain(edit.range.start - builder.base);
            builder.insert(&edit.text);
            builder.delete(edit.range.len());
        }
        builder.retain(base_len - builder.base);
        Ok(builder.finish())
    }

    /// One replacement in a text of `base_len` bytes.
    pub fn single(base_len: usize, range: Range<usize>, text: &str) -> Result<ChangeSet, WrongBase> {
        if range.start > range.end || range.end > base_len {
            return Err(WrongBase { expected: range.end, found: base_len });
        }
        let mut builder = Builder::default();
        builder.retain(range.start);
        builder.insert(text);
        builder.delete(range.len());
        builder.retain(base_len - range.end);
        Ok(builder.finish())
    }

    /// The change from one text to another, by tokens.
    pub fn between(old: &str, new: &str) -> ChangeSet {
        ChangeSet::from_edits(old.len(), &crate::diff::words(old, new))
            .unwrap_or_else(|_| ChangeSet::replace_all(old.len(), new))
    }

    /// The change that throws the base away and puts `text` there.
    pub fn replace_all(base_len: usize, text: &str) -> ChangeSet {
        let mut builder = Builder::default();
        builder.insert(text);
        builder.delete(base_len);
        builder.finish()
    }

    /// Length of the text it is made for, in bytes.
    pub fn base_len(&self) -> usize {
        self.base_len
    }

    /// Length of the text it gives, in bytes.
    pub fn new_len(&self) -> usize {
        self.new_len
    }

    /// Whether it changes nothing.
    pub fn is_identity(&self) -> bool {
        self.splices.is_empty()
    }

    /// The replacements, in byte offsets of the base, sorted.
    pub fn edits(&self) -> Vec<TextEdit> {
        self.splices.iter().map(|s| TextEdit::new(s.start..s.end, s.text.clone())).collect()
    }

    /// The ranges of the new text that this change wrote, sorted; empty ones where it only deleted.
    pub fn new_ranges(&self) -> impl Iterator<Item = Range<usize>> + '_ {
        self.splices.iter().map(|s| s.new_start..s.new_start + s.text.len())
    }

    /// The text after the change.
    pub fn apply(&self, text: &str) -> Result<String, WrongBase> {
        let wrong = WrongBase { expected: self.base_len, found: text.len() };
        if text.len() != self.base_len {
            return Err(wrong);
        }
        let mut out = String::with_capacity(self.new_len);
        let mut done = 0;
        for splice in &self.splices {
            // A boundary inside a character can only mean another text of the same length.
            out.push_str(text.get(done..splice.start).ok_or(wrong)?);
            out.push_str(&splice.text);
            done = splice.end;
        }
        out.push_str(text.get(done..).ok_or(wrong)?);
        Ok(out)
    }

    /// Changes a rope in place; on an error the rope is as it was.
    pub fn apply_rope(&self, rope: &mut Rope) -> Result<(), WrongBase> {
        let wrong = WrongBase { expected: self.base_len, found: rope.len_bytes() };
        if rope.len_bytes() != self.base_len {
            return Err(wrong);
        }
        let on_boundary = |at: usize| rope.char_to_byte(rope.byte_to_char(at)) == at;
        if !self.splices.iter().all(|s| on_boundary(s.start) && on_boundary(s.end)) {
            return Err(wrong);
        }
        for splice in self.splices.iter().rev() {
            let from = rope.byte_to_char(splice.start);
            let to = rope.byte_to_char(splice.end);
            rope.remove(from..to);
            rope.insert(from, &splice.text);
        }
        Ok(())
    }

    /// The change that takes this one back; needs the base for the text that was deleted.
    pub fn invert(&self, base: &str) -> Result<ChangeSet, WrongBase> {
        let wrong = WrongBase { expected: self.base_len, found: base.len() };
        if base.len() != self.base_len {
            return Err(wrong);
        }
        let mut builder = Builder::default();
        for splice in &self.splices {
            builder.retain(splice.new_start - builder.base);
            builder.insert(base.get(splice.start..splice.end).ok_or(wrong)?);
            builder.delete(splice.text.len());
        }
        builder.retain(self.new_len - builder.base);
        Ok(builder.finish())
    }

    /// This change and then `next` as one change.
    pub fn compose(&self, next: &ChangeSet) -> Result<ChangeSet, WrongBase> {
        let wrong = WrongBase { expected: next.base_len, found: self.new_len };
        if next.base_len != self.new_len {
            return Err(wrong);
        }
        let (mut first, mut second) = (Pieces::new(self), Pieces::new(next));
        let mut builder = Builder::default();
        loop {
            match (first.peek(), second.peek()) {
                (None, None) => return Ok(builder.finish()),
                (Some(Piece::Delete(n)), _) => {
                    builder.delete(n);
                    first.advance(n);
                }
                (_, Some(Piece::Insert(text))) => {
                    builder.insert(text);
                    second.advance(text.len());
                }
                (Some(Piece::Retain(a)), Some(Piece::Retain(b))) => {
                    builder.retain(a.min(b));
                    first.advance(a.min(b));
                    second.advance(a.min(b));
                }
                (Some(Piece::Retain(a)), Some(Piece::Delete(b))) => {
                    builder.delete(a.min(b));
                    first.advance(a.min(b));
                    second.advance(a.min(b));
                }
                (Some(Piece::Insert(text)), Some(Piece::Retain(n))) => {
                    let n = n.min(text.len());
                    builder.insert(text.get(..n).ok_or(wrong)?);
                    first.advance(n);
                    second.advance(n);
                }
                (Some(Piece::Insert(text)), Some(Piece::Delete(n))) => {
                    let n = n.min(text.len());
                    text.get(..n).ok_or(wrong)?;
                    first.advance(n);
                    second.advance(n);
                }
                (None, Some(_)) | (Some(_), None) => return Err(wrong),
            }
        }
    }

    /// Where a byte offset of the base lies in the new text.
    ///
    /// Inside replaced bytes, [`Bias::Before`] gives the replacement's start and [`Bias::After`] its end. At the
    /// start of replaced bytes it is the replacement's start, at their end the replacement's end; where text was
    /// only inserted the bias decides. Past the base's end it is the new end.
    pub fn map(&self, pos: usize, bias: Bias) -> usize {
        let pos = pos.min(self.base_len);
        let after = self.splices.partition_point(|s| s.start <= pos);
        let Some(splice) = after.checked_sub(1).and_then(|at| self.splices.get(at)) else {
            return pos;
        };
        let new_end = splice.new_start + splice.text.len();
        if splice.start == splice.end && pos == splice.start {
            return if bias == Bias::Before { splice.new_start } else { new_end };
        }
        if pos >= splice.end {
            return pos - splice.end + new_end;
        }
        if pos == splice.start || bias == Bias::Before { splice.new_start } else { new_end }
    }

    /// Whether it changes bytes of `range` (in the base) or stands directly at one of its ends.
    pub fn touches(&self, range: Range<usize>) -> bool {
        let first = self.splices.partition_point(|s| s.end < range.start);
        self.splices.get(first).is_some_and(|s| s.start <= range.end)
    }

    /// Whether it changes bytes strictly inside `range` (in the base); standing at an end does not count.
    pub fn overlaps(&self, range: Range<usize>) -> bool {
        let first = self.splices.partition_point(|s| s.end <= range.start);
        self.splices.get(first).is_some_and(|s| s.start < range.end)
    }
}

/// Puts a change set together from left to right, in normal form.
#[derive(Debug, Default)]
struct Builder {
    base: usize,
    new: usize,
    splices: Vec<Splice>,
}

impl Builder {
    fn retain(&mut self, n: usize) {
        self.base += n;
        self.new += n;
    }

    /// The splice that ends here, or a new one.
    fn open(&mut self) -> &mut Splice {
        let (base, new) = (self.base, self.new);
        let continues = self.splices.last().is_some_and(|s| s.end == base);
        if !continues {
            self.splices.push(Splice { start: base, end: base, text: String::new(), new_start: new });
        }
        let last = self.splices.len() - 1;
        &mut self.splices[last]
    }

    fn insert(&mut self, text: &str) {
        if !text.is_empty() {
            self.open().text.push_str(text);
            self.new += text.len();
        }
    }

    fn delete(&mut self, n: usize) {
        if n > 0 {
            self.open().end += n;
            self.base += n;
        }
    }

    fn finish(self) -> ChangeSet {
        ChangeSet { base_len: self.base, new_len: self.new, splices: self.splices }
    }
}

/// A stretch of a change set, as composing sees it.
#[derive(Clone, Copy)]
enum Piece<'a> {
    Retain(usize),
    Insert(&'a str),
    Delete(usize),
}

/// Walks a change set; each splice is its insertion and then its deletion.
struct Pieces<'a> {
    change: &'a ChangeSet,
    splice: usize,
    /// How far we are in the base.
    base: usize,
    /// How much of the current splice's text is taken.
    inserted: usize,
}

impl<'a> Pieces<'a> {
    fn new(change: &'a ChangeSet) -> Pieces<'a> {
        Pieces { change, splice: 0, base: 0, inserted: 0 }
    }

    fn peek(&self) -> Option<Piece<'a>> {
        let Some(splice) = self.change.splices.get(self.splice) else {
            let left = self.change.base_len - self.base;
            return (left > 0).then_some(Piece::Retain(left));
        };
        if self.base < splice.start {
            return Some(Piece::Retain(splice.start - self.base));
        }
        match splice.text.get(self.inserted..) {
            Some(text) if !text.is_empty() => Some(Piece::Insert(text)),
            _ => Some(Piece::Delete(splice.end - self.base)),
        }
    }

    /// Takes `n` bytes of the piece that `peek` gives.
    fn advance(&mut self, n: usize) {
        match self.peek() {
            Some(Piece::Insert(_)) => self.inserted += n,
            Some(Piece::Retain(_) | Piece::Delete(_)) => self.base += n,
            None => {}
        }
        let finished = |s: &Splice| self.base == s.end && self.inserted == s.text.len();
        if self.change.splices.get(self.splice).is_some_and(finished) {
            self.splice += 1;
            self.inserted = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(base: &str, edits: &[(Range<usize>, &str)]) -> ChangeSet {
        let edits = edits.iter().map(|(range, text)| TextEdit::new(range.clone(), *text)).collect();
        ChangeSet::from_edits(base.len(), &EditList::new(edits).unwrap()).unwrap()
    }

    #[test]
    fn touching_edits_become_one() {
        let set = change("abcdef", &[(1..2, "x"), (2..3, "y"), (3..3, "z")]);
        assert_eq!(set.edits(), [TextEdit::new(1..3, "xyz")]);
        assert_eq!(set.apply("abcdef").unwrap(), "axyzdef");
        assert!(change("ab", &[(1..1, "")]).is_identity());
    }

    #[test]
    fn refuses_the_wrong_base() {
        let set = change("aéb", &[(1..3, "x")]);
        assert_eq!(set.apply("abcde"), Err(WrongBase { expected: 4, found: 5 }));
        assert!(set.apply("abéc".trim_end_matches('c')).is_err());
        let mut rope = Rope::from_str("abé");
        assert!(set.apply_rope(&mut rope).is_err());
        assert_eq!(rope.to_string(), "abé");
        assert!(set.compose(&ChangeSet::identity(9)).is_err());
    }

    #[test]
    fn maps_positions() {
        let set = change("0123456789", &[(2..2, "ab"), (4..6, "x")]);
        // 01ab23x6789
        for (pos, before, after) in
            [(0, 0, 0), (2, 2, 4), (3, 5, 5), (4, 6, 6), (5, 6, 7), (6, 7, 7), (10, 11, 11)]
        {
            assert_eq!((set.map(pos, Bias::Before), set.map(pos, Bias::After)), (before, after), "{pos}");
        }
    }

    #[test]
    fn says_what_it_touches() {
        let set = change("0123456789", &[(4..6, "x")]);
        assert!(set.touches(0..4) && set.touches(6..8) && set.touches(5..5) && !set.touches(0..3));
        assert!(!set.overlaps(0..4) && !set.overlaps(6..8) && set.overlaps(0..5) && !set.touches(7..9));
    }
}
