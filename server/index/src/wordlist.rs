//! The distinct words of one text with their counts, as places in it: a table that is cleared and used again for the next
//! text, so that reading a file allocates next to nothing.

use std::ops::Range;

/// Numbers words by first addition.
#[derive(Debug, Default)]
pub(crate) struct WordList {
    /// Open addressing: number plus one, or 0. A power of two long, at most half full.
    slots: Vec<u32>,
    words: Vec<Word>,
}

#[derive(Debug, Clone, Copy)]
struct Word {
    hash: u32,
    start: u32,
    length: u32,
    count: u32,
}

/// Tables above this many slots are not kept for the next text.
const KEEP: usize = 1 << 18;

impl WordList {
    pub(crate) fn clear(&mut self) {
        self.words.clear();
        if self.slots.len() > KEEP || self.slots.is_empty() {
            self.slots = vec![0; 1 << 12];
        } else {
            self.slots.fill(0);
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.words.len()
    }

    /// Counts the word in this range of the text, which must be the same text at every call. Returns its number.
    pub(crate) fn add(&mut self, text: &str, range: Range<usize>) -> u32 {
        let hash = hash(text.as_bytes(), &range);
        let mask = self.slots.len() - 1;
        let mut slot = hash as usize & mask;
        loop {
            match self.slots[slot].checked_sub(1) {
                Some(number) => {
                    let word = &mut self.words[number as usize];
                    if word.hash == hash && is_same(text, word, &range) {
                        word.count += 1;
                        return number;
                    }
                }
                None => return self.insert(slot, hash, &range),
            }
            slot = (slot + 1) & mask;
        }
    }

    fn insert(&mut self, slot: usize, hash: u32, range: &Range<usize>) -> u32 {
        let number = self.words.len() as u32;
        self.slots[slot] = number + 1;
        self.words.push(Word { hash, start: range.start as u32, length: range.len() as u32, count: 1 });
        if self.words.len() * 2 > self.slots.len() {
            self.grow();
        }
        number
    }

    fn grow(&mut self) {
        let mask = self.slots.len() * 2 - 1;
        self.slots.clear();
        self.slots.resize(mask + 1, 0);
        for (number, word) in self.words.iter().enumerate() {
            let mut slot = word.hash as usize & mask;
            while self.slots[slot] != 0 {
                slot = (slot + 1) & mask;
            }
            self.slots[slot] = number as u32 + 1;
        }
    }

    /// The number of the word in this range, if it was added.
    pub(crate) fn find(&self, text: &str, range: Range<usize>) -> Option<u32> {
        text.get(range.clone())?;
        let hash = hash(text.as_bytes(), &range);
        let mask = self.slots.len().checked_sub(1)?;
        let mut slot = hash as usize & mask;
        loop {
            let number = self.slots[slot].checked_sub(1)?;
            let word = &self.words[number as usize];
            if word.hash == hash && is_same(text, word, &range) {
                return Some(number);
            }
            slot = (slot + 1) & mask;
        }
    }

    pub(crate) fn text<'a>(&self, text: &'a str, number: u32) -> &'a str {
        self.words.get(number as usize).map_or("", |word| place(text, word))
    }

    /// All words with their counts.
    pub(crate) fn counted<'a>(&self, text: &'a str) -> impl Iterator<Item = (&'a str, u32)> {
        self.words.iter().map(move |word| (place(text, word), word.count))
    }
}

fn place<'a>(text: &'a str, word: &Word) -> &'a str {
    text.get(word.start as usize..(word.start + word.length) as usize).unwrap_or_default()
}

fn is_same(text: &str, word: &Word, range: &Range<usize>) -> bool {
    let bytes = text.as_bytes();
    let start = word.start as usize;
    word.length as usize == range.len() && bytes[start..start + range.len()] == bytes[range.clone()]
}

/// Eight bytes at a time; bytes behind the word are masked away, where there are enough, rather than copied.
fn hash(bytes: &[u8], range: &Range<usize>) -> u32 {
    const ODD: u64 = 0x9E37_79B9_7F4A_7C15;
    let mut mixed = range.len() as u64;
    let mut at = range.start;
    while at < range.end {
        let rest = range.end - at;
        let mut eight = match bytes.get(at..at + 8) {
            Some(eight) => u64::from_le_bytes(eight.try_into().unwrap_or_default()),
            None => {
                let mut last = [0; 8];
                let tail = &bytes[at..];
                last[..tail.len()].copy_from_slice(tail);
                u64::from_le_bytes(last)
            }
        };
        if rest < 8 {
            eight &= (1 << (rest * 8)) - 1;
        }
        mixed = (mixed.rotate_left(5) ^ eight).wrapping_mul(ODD);
        at += 8;
    }
    let mixed = (mixed ^ (mixed >> 32)).wrapping_mul(ODD);
    (mixed >> 32) as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn it_counts_as_a_map_does() {
        let text: String = (0..9_000).map(|n| format!("w{} größe{} ", n % 4_001, n * n % 91)).collect();
        let (mut list, mut map) = (WordList::default(), BTreeMap::new());
        list.clear();
        for word in text.split_whitespace() {
            let start = word.as_ptr().addr() - text.as_ptr().addr();
            let number = list.add(&text, start..start + word.len());
            assert_eq!(list.text(&text, number), word);
            assert_eq!(list.find(&text, start..start + word.len()), Some(number));
            *map.entry(word).or_insert(0) += 1;
        }
        assert_eq!(list.counted(&text).collect::<BTreeMap<_, _>>(), map);
        assert_eq!(list.find(&text, 0..4), None, "a part of a word is not a word");
        list.clear();
        assert_eq!((list.len(), list.find(&text, 0..2)), (0, None));
    }
}
