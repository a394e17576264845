//! Positions as the language server protocol counts them, and byte offsets as we do.
//!
//! A line ends at `\n`, `\r\n` or a lone `\r`, and at nothing else: U+2028, U+0085 and their like are ordinary
//! characters. An offset between the `\r` and the `\n` of one line ending counts as the line's end. Positions
//! that do not exist are clamped as the protocol says, so no input fails here.

use ropey::Rope;
use serde::{Deserialize, Serialize};

/// The unit in which the client counts [`Position::character`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum PositionEncoding {
    /// Bytes of UTF-8.
    Utf8,
    /// Code units of UTF-16, the protocol's default.
    #[default]
    Utf16,
    /// Unicode scalar values.
    Utf32,
}

/// A place in a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Position {
    /// Line, zero-based.
    pub line: u32,
    /// Distance from the line's start in units of a [`PositionEncoding`].
    pub character: u32,
}

impl Position {
    /// The place at `character` in `line`, both zero-based.
    pub fn new(line: u32, character: u32) -> Position {
        Position { line, character }
    }
}

impl PositionEncoding {
    /// How many units a character takes.
    pub fn width(self, character: char) -> usize {
        match self {
            PositionEncoding::Utf8 => character.len_utf8(),
            PositionEncoding::Utf16 => character.len_utf16(),
            PositionEncoding::Utf32 => 1,
        }
    }
}

/// The byte offset of a position.
///
/// Past the line's end it is the end before the line ending; past the last line the end of the text; inside a
/// character (or between the halves of a surrogate pair) that character's start.
pub fn to_offset(rope: &Rope, position: Position, encoding: PositionEncoding) -> usize {
    let line = position.line as usize;
    if line >= rope.len_lines() {
        return rope.len_bytes();
    }
    let start = rope.line_to_byte(line);
    let end = line_end(rope, line);
    let wanted = position.character as usize;
    match encoding {
        PositionEncoding::Utf8 => rope.char_to_byte(rope.byte_to_char(start.saturating_add(wanted).min(end))),
        PositionEncoding::Utf32 => {
            let last = rope.byte_to_char(end);
            rope.char_to_byte(rope.byte_to_char(start).saturating_add(wanted).min(last))
        }
        PositionEncoding::Utf16 => {
            let last = rope.char_to_utf16_cu(rope.byte_to_char(end));
            let first = rope.char_to_utf16_cu(rope.byte_to_char(start));
            rope.char_to_byte(rope.utf16_cu_to_char(first.saturating_add(wanted).min(last)))
        }
    }
}

/// The position of a byte offset; past the end it is the end, inside a character that character's start.
pub fn to_position(rope: &Rope, offset: usize, encoding: PositionEncoding) -> Position {
    let offset = offset.min(rope.len_bytes());
    let line = rope.byte_to_line(offset);
    let start = rope.line_to_byte(line);
    let offset = offset.min(line_end(rope, line));
    let (from, to) = (rope.byte_to_char(start), rope.byte_to_char(offset));
    let units = match encoding {
        PositionEncoding::Utf8 => rope.char_to_byte(to) - start,
        PositionEncoding::Utf32 => to - from,
        PositionEncoding::Utf16 => rope.char_to_utf16_cu(to) - rope.char_to_utf16_cu(from),
    };
    Position { line: clamp(line), character: clamp(units) }
}

/// Where a line ends, before its line ending, in bytes.
fn line_end(rope: &Rope, line: usize) -> usize {
    if line + 1 >= rope.len_lines() {
        return rope.len_bytes();
    }
    let next = rope.line_to_byte(line + 1);
    let start = rope.line_to_byte(line);
    // The line has an ending, so `next - 1` is its last byte.
    if next >= start + 2 && rope.byte(next - 1) == b'\n' && rope.byte(next - 2) == b'\r' {
        next - 2
    } else {
        next - 1
    }
}

fn clamp(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// Line starts of a text, for positions in text that is no rope.
#[derive(Debug, Clone)]
pub struct LineIndex<'a> {
    text: &'a str,
    /// Byte offset at which each line starts; never empty.
    starts: Vec<usize>,
}

impl<'a> LineIndex<'a> {
    /// Finds the lines of `text`.
    pub fn new(text: &'a str) -> LineIndex<'a> {
        let mut starts = vec![0];
        starts.extend(crate::lines::ends(text));
        LineIndex { text, starts }
    }

    /// How many lines there are; a text that ends with a line ending has an empty last one.
    pub fn line_count(&self) -> usize {
        self.starts.len()
    }

    /// The line, zero-based, in which a byte offset lies.
    pub fn line_of(&self, offset: usize) -> usize {
        self.starts.partition_point(|start| *start <= offset).saturating_sub(1)
    }

    /// Bytes of a line (zero-based) without its ending; empty at the end of the text for a line past the last.
    pub fn line_range(&self, line: usize) -> std::ops::Range<usize> {
        let Some(start) = self.starts.get(line).copied() else {
            return self.text.len()..self.text.len();
        };
        let Some(next) = self.starts.get(line + 1).copied() else {
            return start..self.text.len();
        };
        start..start + crate::lines::without_ending(&self.text[start..next]).len()
    }

    /// Byte offset at which a line (zero-based) starts; the text's length past the last line.
    pub fn line_start(&self, line: usize) -> usize {
        self.starts.get(line).copied().unwrap_or(self.text.len())
    }

    /// As [`to_offset`].
    pub fn to_offset(&self, position: Position, encoding: PositionEncoding) -> usize {
        let range = self.line_range(position.line as usize);
        let mut left = position.character as usize;
        for (at, character) in self.text[range.clone()].char_indices() {
            let width = encoding.width(character);
            if width > left {
                return range.start + at;
            }
            left -= width;
        }
        range.end
    }

    /// As [`to_position`].
    pub fn to_position(&self, offset: usize, encoding: PositionEncoding) -> Position {
        let line = self.line_of(offset.min(self.text.len()));
        let range = self.line_range(line);
        let end = crate::lines::floor_boundary(self.text, offset.min(range.end));
        let units: usize =
            self.text[range.start..end.max(range.start)].chars().map(|c| encoding.width(c)).sum();
        Position { line: clamp(line), character: clamp(units) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_ends_are_the_three_of_the_protocol() {
        let rope = Rope::from_str("a\u{2028}b\u{85}c\x0bd\x0c\ne\r\nf\rg");
        assert_eq!(rope.len_lines(), 4);
        assert_eq!(to_position(&rope, rope.len_bytes(), PositionEncoding::Utf8), Position::new(3, 1));
    }

    #[test]
    fn clamps_as_the_protocol_says() {
        let text = "a\u{1f600}b\r\nc";
        let rope = Rope::from_str(text);
        let index = LineIndex::new(text);
        for (position, offset) in [((0, 2), 1), ((0, 3), 5), ((0, 99), 6), ((1, 9), 9), ((7, 0), 9)] {
            let position = Position::new(position.0, position.1);
            assert_eq!(to_offset(&rope, position, PositionEncoding::Utf16), offset);
            assert_eq!(index.to_offset(position, PositionEncoding::Utf16), offset);
        }
        // Between \r and \n there is no position but the line's end.
        assert_eq!(to_position(&rope, 7, PositionEncoding::Utf16), Position::new(0, 4));
        assert_eq!(index.to_position(7, PositionEncoding::Utf16), Position::new(0, 4));
    }
}
