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

    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = &str> {
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

    /// Where each line begins, and where the last one ends.
    pub(crate) fn starts(&self) -> Vec<u32> {
        let (mut starts, mut at, mut offset) = (vec![0], 0, 0_u32);
        while at < self.lengths.len() {
            offset = offset.wrapping_add(pull(&self.lengths, &mut at));
            starts.push(offset);
        }
        starts
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

/// Where names stand. Per name a count, then its offsets, each as the difference to the one before.
#[derive(Debug, Default)]
pub(crate) struct Places {
    /// Per name: where it begins in `bytes`.
    starts: Box<[u32]>,
    bytes: Box<[u8]>,
}

impl Places {
    /// `places` are offsets with the number of the name, in order of the text; every number is below `names`.
    pub(crate) fn new(places: &[(u32, u32)], names: usize) -> Self {
        // Where the offsets of each name end, once all are in place; until then, where its next one goes.
        let mut ends = vec![0_usize; names];
        for (_, name) in places {
            ends[*name as usize] += 1;
        }
        let mut end = 0;
        for count in &mut ends {
            end += std::mem::replace(count, end);
        }
        let mut by_name = vec![0_u32; places.len()];
        for (offset, name) in places {
            let end = &mut ends[*name as usize];
            by_name[*end] = *offset;
            *end += 1;
        }
        let mut starts = Vec::with_capacity(names);
        let mut bytes = Vec::with_capacity(places.len() * 2);
        let mut from = 0;
        for end in ends {
            starts.push(bytes.len() as u32);
            push(&mut bytes, (end - from) as u32);
            let mut before = 0;
            for offset in &by_name[from..end] {
                push(&mut bytes, offset - before);
                before = *offset;
            }
            from = end;
        }
        Self { starts: starts.into(), bytes: bytes.into() }
    }

    /// How often a name occurs; 0 for a number that was never given.
    pub(crate) fn count(&self, name: u32) -> u32 {
        self.starts.get(name as usize).map_or(0, |start| pull(&self.bytes, &mut (*start as usize)))
    }

    /// The offsets of a name, in order.
    pub(crate) fn of(&self, name: u32) -> impl Iterator<Item = u32> {
        let mut at = self.starts.get(name as usize).map_or(self.bytes.len(), |start| *start as usize);
        let mut offset = 0;
        (0..pull(&self.bytes, &mut at)).map(move |_| {
            offset += pull(&self.bytes, &mut at);
            offset
        })
    }

    /// All offsets with the number of the name, in order.
    pub(crate) fn in_order(&self) -> Vec<(u32, u32)> {
        let names = 0..self.starts.len() as u32;
        let mut places: Vec<_> =
            names.flat_map(|name| self.of(name).map(move |offset| (offset, name))).collect();
        places.sort_unstable();
        places
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes.len() + 4 * self.starts.len()
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
    fn places_come_back_by_name_and_in_order() {
        let all = [(3, 0), (9, 1), (9, 2), (300, 0), (70_000, 2)];
        let places = Places::new(&all, 4);
        assert_eq!(places.in_order(), all);
        assert_eq!([0, 1, 2, 3, 9].map(|name| places.count(name)), [2, 1, 2, 0, 0]);
        assert_eq!(places.of(0).collect::<Vec<_>>(), [3, 300]);
        assert_eq!(places.of(9).count(), 0);
    }

    #[test]
    fn lines_are_found_by_offset() {
        let text: String = (0..300).map(|n| "x".repeat(n % 200) + "\n").collect();
        let lines = Lines::new(&text);
        for (offset, _) in text.char_indices() {
            let expected = text[..offset].matches('\n').count() as u32;
            assert_eq!(lines.line_of(offset as u32), expected, "{offset}");
            assert_eq!(
                lines.starts().partition_point(|start| *start <= offset as u32),
                expected as usize + 1
            );
        }
        assert_eq!(Lines::new("").line_of(9), 0);
    }
}
