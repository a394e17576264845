//! Which contents may hold a text? Three bytes in a row, letters in lower case, are a gram; an index knows the contents
//! that hold each gram, and a pattern is turned into a condition on grams that every matching line meets.
//!
//! A gram never reaches over a line end, because no match does. The condition may admit contents without a match, which
//! are then looked into; it never leaves one out (a property test says so).

pub(crate) mod lists;
pub(crate) mod pattern;

use crate::packed::{pull, push};
use crate::turn::{pass, worked};
use std::cell::RefCell;
use std::sync::Arc;

/// Three bytes, the first one highest; below 2^24.
pub(crate) type Gram = u32;

const GRAMS: usize = 1 << 24;

/// The distinct grams of one content, packed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Grams {
    count: u32,
    /// In order, as differences.
    bytes: Box<[u8]>,
}

thread_local! {
    static SEEN: RefCell<Vec<u64>> = const { RefCell::new(Vec::new()) };
}

/// Texts are cut into pieces of about so many bytes, at line ends: a long text that holds most grams somewhere would
/// else be looked into for every pattern.
const PIECE: usize = 8 << 10;

/// The grams of each piece of one content; there is at least one piece.
pub(crate) type Pieces = Arc<[Grams]>;

/// Cuts a text and reads the grams of each piece.
pub(crate) fn pieces(text: &[u8]) -> Pieces {
    let mut pieces = Vec::with_capacity(text.len() / PIECE + 1);
    let mut rest = text;
    while rest.len() > PIECE {
        let end = memchr::memchr(b'\n', &rest[PIECE..]).map_or(rest.len(), |at| PIECE + at + 1);
        pieces.push(Grams::of(&rest[..end]));
        worked(4 * pass(end));
        rest = &rest[end..];
    }
    if pieces.is_empty() || !rest.is_empty() {
        pieces.push(Grams::of(rest));
    }
    pieces.into()
}

impl Grams {
    /// The grams of a text.
    pub(crate) fn of(text: &[u8]) -> Grams {
        SEEN.with_borrow_mut(|seen| {
            seen.resize(GRAMS / 64, 0);
            let mut found: Vec<Gram> = Vec::with_capacity(text.len().min(1 << 14) / 4);
            each(text, |gram| {
                let (word, bit) = (&mut seen[gram as usize / 64], 1 << (gram % 64));
                if *word & bit == 0 {
                    *word |= bit;
                    found.push(gram);
                }
            });
            found.sort_unstable();
            found.iter().for_each(|gram| seen[*gram as usize / 64] = 0);
            Grams::of_sorted(&found)
        })
    }

    /// Packs distinct grams in order.
    pub(crate) fn of_sorted(grams: &[Gram]) -> Grams {
        let mut bytes = Vec::with_capacity(grams.len() * 2);
        let mut before = 0;
        for gram in grams {
            push(&mut bytes, gram - before);
            before = *gram;
        }
        Grams { count: grams.len() as u32, bytes: bytes.into() }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = Gram> {
        let (mut at, mut gram) = (0, 0);
        (0..self.count).map(move |_| {
            gram += pull(&self.bytes, &mut at);
            gram
        })
    }

    pub(crate) fn len(&self) -> usize {
        self.count as usize
    }

    /// Bytes of memory.
    pub(crate) fn weight(&self) -> usize {
        self.bytes.len()
    }

    /// Could a content with these grams match?
    pub(crate) fn admits(&self, needs: &Needs) -> bool {
        let mut wanted = needs.grams();
        if wanted.is_empty() {
            return needs.holds(&|_| false);
        }
        wanted.sort_unstable();
        wanted.dedup();
        let mut held = Vec::new();
        let mut rest = &wanted[..];
        for gram in self.iter() {
            while let Some((first, behind)) = rest.split_first().filter(|(first, _)| **first <= gram) {
                if *first == gram {
                    held.push(gram);
                }
                rest = behind;
            }
            if rest.is_empty() {
                break;
            }
        }
        needs.holds(&|gram| held.binary_search(&gram).is_ok())
    }
}

/// Calls `each` with every gram, as often as it occurs.
fn each(text: &[u8], mut each: impl FnMut(Gram)) {
    let mut gram = 0;
    let mut length = 0;
    for byte in text {
        if *byte == b'\n' {
            length = 0;
            continue;
        }
        gram = (gram << 8 | u32::from(byte.to_ascii_lowercase())) & 0xFF_FFFF;
        length += 1;
        if length >= 3 {
            each(gram);
        }
    }
}

/// What the grams of a content must fulfil for a match to be possible.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Needs {
    /// Nothing: any content may match.
    Nothing,
    /// This gram.
    Gram(Gram),
    /// All of these.
    All(Vec<Needs>),
    /// One of these at least.
    Any(Vec<Needs>),
}

impl Needs {
    /// Every gram that is mentioned.
    fn grams(&self) -> Vec<Gram> {
        match self {
            Needs::Nothing => Vec::new(),
            Needs::Gram(gram) => vec![*gram],
            Needs::All(parts) | Needs::Any(parts) => parts.iter().flat_map(Needs::grams).collect(),
        }
    }

    /// Is it fulfilled, if `held` says which grams are there?
    pub(crate) fn holds(&self, held: &dyn Fn(Gram) -> bool) -> bool {
        match self {
            Needs::Nothing => true,
            Needs::Gram(gram) => held(*gram),
            Needs::All(parts) => parts.iter().all(|part| part.holds(held)),
            Needs::Any(parts) => parts.iter().any(|part| part.holds(held)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grams_know_no_case_and_no_line_ends() {
        let of = |text: &str| -> Vec<u32> { Grams::of(text.as_bytes()).iter().collect() };
        assert_eq!(of("ABC"), of("abcABC").into_iter().filter(|gram| *gram == 0x616263).collect::<Vec<_>>());
        assert_eq!(of("ab\nc"), []);
        assert_eq!(of("abca"), [0x616263, 0x626361]);
        assert_eq!(Grams::of(b"aaaaaa").len(), 1);
        // The table of what was seen is clean again.
        assert_eq!(of("abca"), [0x616263, 0x626361]);
    }
}
