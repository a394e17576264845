//! Facts are kept packed: numbers as variable-length bytes, texts end to end in one allocation.

/// Appends a number, seven bits a byte, low bits first.
pub(crate) fn push(bytes: &mut Vec<u8>, mut number: u32) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

/// Reads what [`push`] wrote, and moves `at` behind it. Past the end it reads zeros.
pub(crate) fn pull(bytes: &[u8], at: &mut usize) -> u32 {
    let (mut number, mut shift) = (0, 0);
    while let Some(&byte) = bytes.get(*at) {
        *at += 1;
        number |= u32::from(byte & 0x7F).checked_shl(shift).unwrap_or_default();
        if byte < 0x80 {
            break;
        }
        shift += 7;
    }
    number
}

/// Many texts in one.
#[derive(Debug, Default)]
pub(crate) struct Texts {
    text: Box<str>,
    ends: Box<[u32]>,
}

impl Texts {
    pub(crate) fn new<'a>(texts: impl IntoIterator<Item = &'a str>) -> Self {
        let (mut text, mut ends) = (String::new(), Vec::new());
        for one in texts {
            text.push_str(one);
            ends.push(text.len() as u32);
        }
        Self { text: text.into(), ends: ends.into() }
    }

    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The text with this number; empty for a number that was never given.
    pub(crate) fn get(&self, number: u32) -> &str {
        let number = number as usize;
        let Some(&end) = self.ends.get(number) else { return "" };
        let start = if number == 0 { 0 } else { self.ends[number - 1] };
        self.text.get(start as usize..end as usize).unwrap_or_default()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.ends.len() as u32).map(|number| self.get(number))
    }

    pub(crate) fn bytes(&self) -> usize {
        self.text.len() + 4 * self.ends.len()
    }
}

/// Where lines begin: their lengths, packed. A byte a line as a rule.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    lengths: Box<[u8]>,
    /// (line, offset, place in `lengths`) of every 64th line.
    marks: Box<[(u32, u32, u32)]>,
}

impl Lines {
    /// Lines end with LF alone, as in ripgrep and tree-sitter.
    pub(crate) fn new(text: &str) -> Self {
        let (mut lengths, mut marks) = (Vec::with_capacity(text.len() / 24), Vec::new());
        let mut offset = 0;
        for (number, line) in text.split_inclusive('\n').enumerate() {
            if number % 64 == 0 {
                marks.push((number as u32, offset, lengths.len() as u32));
            }
            push(&mut lengths, line.len() as u32);
            offset += line.len() as u32;
        }
        Self { lengths: lengths.into(), marks: marks.into() }
    }

    /// The lengths as [`Lines::lengths`] gave them.
    pub(crate) fn from_lengths(lengths: &[u8]) -> Self {
        let mut marks = Vec::new();
        let (mut at, mut offset, mut number) = (0, 0_u32, 0_u32);
        while at < lengths.len() {
            if number.is_multiple_of(64) {
                marks.push((number, offset, at as u32));
            }
            offset = offset.wrapping_add(pull(lengths, &mut at));
            number += 1;
        }
        Self { lengths: lengths.into(), marks: marks.into() }
    }

    pub(crate) fn count(&self) -> u32 {
        self.lengths.iter().filter(|byte| **byte < 0x80).count() as u32
    }

    /// The length of every line in bytes, packed.
    pub(crate) fn lengths(&self) -> &[u8] {
        &self.lengths
    }

    /// The zero-based line that holds the byte `offset`.
    pub(crate) fn line_of(&self, offset: u32) -> u32 {
        let mark = self.marks.partition_point(|mark| mark.1 <= offset).saturating_sub(1);
        let Some(&(mut line, mut start, at)) = self.marks.get(mark) else { return 0 };
        let mut at = at as usize;
        while at < self.lengths.len() {
            let length = pull(&self.lengths, &mut at);
            if offset < start.saturating_add(length) || at >= self.lengths.len() {
                break;
            }
            start = start.saturating_add(length);
            line += 1;
        }
        line
    }

    pub(crate) fn bytes(&self) -> usize {
        self.lengths.len() + 12 * self.marks.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back() {
        let mut bytes = Vec::new();
        let numbers = [0, 1, 127, 128, 300, u32::MAX];
        numbers.iter().for_each(|number| push(&mut bytes, *number));
        let mut at = 0;
        assert_eq!(numbers.map(|_| pull(&bytes, &mut at)), numbers);
        assert_eq!(pull(&bytes, &mut at), 0);
    }

    #[test]
    fn lines_are_found_by_offset() {
        let text: String = (0..300).map(|n| "x".repeat(n % 200) + "\n").collect();
        let lines = Lines::new(&text);
        for (offset, _) in text.char_indices() {
            let expected = text[..offset].matches('\n').count() as u32;
            assert_eq!(lines.line_of(offset as u32), expected, "{offset}");
        }
        assert_eq!(Lines::new("").line_of(9), 0);
    }
}
