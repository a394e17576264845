//! Fuzzy matching of a few letters against names: all letters in order, better where they begin words, stand
//! together, or cover much of the name. Decides only the score; who is matched against what is the caller's matter.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// One bit per letter (case ignored) and digit, one for everything else: a name whose mask lacks a bit of the
/// query's cannot match it.
pub(crate) fn mask(text: &[u8]) -> u64 {
    text.iter().fold(0, |mask, byte| mask | bit(*byte))
}

fn bit(byte: u8) -> u64 {
    match byte {
        b'a'..=b'z' => 1 << (byte - b'a'),
        b'A'..=b'Z' => 1 << (byte - b'A'),
        b'0'..=b'9' => 1 << (26 + byte - b'0'),
        b'_' => 1 << 37,
        _ => 1 << 36,
    }
}

/// One of 128 bits for two letters in a row, case ignored.
fn pair(one: u8, other: u8) -> u128 {
    let (one, other) = (u32::from(one.to_ascii_lowercase()), u32::from(other.to_ascii_lowercase()));
    1 << ((one << 8 | other).wrapping_mul(0x9E37_79B1) >> 25)
}

/// The outline of a name, from which [`bound`] tells how well it can match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shape {
    /// The letters that occur; above them the length in bytes, at most [`LONGEST`].
    pub(crate) letters: u64,
    /// The letters that begin words.
    heads: u64,
    /// Which letters follow which.
    pairs: u128,
    /// The first byte, in lower case.
    first: u8,
}

/// Longer names are cut.
pub(crate) const LONGEST: usize = 128;
const LENGTH: u32 = 48;

impl Shape {
    pub(crate) fn of(name: &str) -> Shape {
        let name = &name.as_bytes()[..name.len().min(LONGEST)];
        let heads =
            (0..name.len()).filter(|at| bonus(name, *at) > 0).fold(0, |heads, at| heads | bit(name[at]));
        let pairs = name.windows(2).fold(0, |pairs, two| pairs | pair(two[0], two[1]));
        let first = name.first().map_or(0, u8::to_ascii_lowercase);
        Shape { letters: mask(name) | (name.len() as u64) << LENGTH, heads, pairs, first }
    }
}

/// The letters of a question.
pub(crate) struct Wanted {
    letters: Vec<u8>,
    mask: u64,
    /// Per letter.
    bits: Vec<u64>,
    /// Per letter but the first: it and the one before.
    pairs: Vec<u128>,
}

impl Wanted {
    /// May a name with these letters match?
    pub(crate) fn may_be_in(&self, letters: u64) -> bool {
        self.mask & !letters == 0
    }

    /// White space does not count.
    pub(crate) fn new(query: &str) -> Wanted {
        let letters: Vec<u8> = query.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
        let bits = letters.iter().map(|letter| bit(*letter)).collect();
        let pairs = letters.windows(2).map(|two| pair(two[0], two[1])).collect();
        Wanted { mask: mask(&letters), bits, pairs, letters }
    }

    pub(crate) fn letters(&self) -> &[u8] {
        &self.letters
    }
}

/// A number that [`score`] cannot exceed for a name of this shape; `None` if it cannot match at all.
pub(crate) fn bound(wanted: &Wanted, shape: &Shape) -> Option<i32> {
    let length = (shape.letters >> LENGTH) as usize;
    let letters = &wanted.letters;
    if wanted.mask & !shape.letters != 0 || letters.is_empty() || letters.len() > length {
        return None;
    }
    let begins = letters[0].eq_ignore_ascii_case(&shape.first);
    let heads = wanted.bits.iter().filter(|bit| shape.heads & **bit != 0).count() as i32;
    let runs = wanted.pairs.iter().filter(|pair| shape.pairs & **pair != 0).count() as i32;
    let most = (MATCH + SAME_CASE) * letters.len() as i32
        + BOUNDARY * heads
        + RUN * runs
        + GAP * (wanted.pairs.len() as i32 - runs)
        + if begins { FIRST } else { -1 };
    let exact = if letters.len() == length { EXACT } else { 0 };
    Some(most - (length - letters.len()) as i32 / 2 + exact)
}

const MATCH: i32 = 16;
const BOUNDARY: i32 = 12;
const FIRST: i32 = 8;
const RUN: i32 = 10;
const SAME_CASE: i32 = 1;
const GAP: i32 = -3;
const GAP_MORE: i32 = -1;
const EXACT: i32 = 40;

/// The best score of `query` as a subsequence of `name`, ignoring case; `None` if it is none.
///
/// Dynamic programming over (query letter, name letter) with two rows; names are cut at [`LONGEST`] bytes.
pub(crate) fn score(query: &[u8], name: &str) -> Option<i32> {
    let name = &name.as_bytes()[..name.len().min(LONGEST)];
    if query.is_empty() || query.len() > name.len() || !is_subsequence(query, name) {
        return None;
    }
    const NONE: i32 = i32::MIN / 2;
    let mut ending = [NONE; LONGEST]; // best score with this query letter matched exactly here
    for (row, &wanted) in query.iter().enumerate() {
        let mut diagonal = NONE; // `ending` of the letter before, one place back
        let mut reach = NONE; // best of the row before, with gap costs up to here
        for (at, &letter) in name.iter().enumerate() {
            let here = ending[at];
            ending[at] = NONE;
            if letter.eq_ignore_ascii_case(&wanted) {
                let value = MATCH + bonus(name, at) + SAME_CASE * i32::from(letter == wanted);
                if row == 0 {
                    ending[at] = value + if at == 0 { FIRST } else { GAP.max(-(at as i32)) };
                } else {
                    let run = diagonal.saturating_add(RUN);
                    ending[at] = run.max(reach).max(NONE).saturating_add(value).max(NONE);
                }
            }
            reach = (reach + GAP_MORE).max(diagonal.saturating_add(GAP)).max(NONE);
            diagonal = here;
        }
    }
    let best = ending[..name.len()].iter().copied().max().filter(|best| *best > NONE / 2)?;
    let exact = name.eq_ignore_ascii_case(query);
    Some(best - (name.len() - query.len()) as i32 / 2 + if exact { EXACT } else { 0 })
}

fn bonus(name: &[u8], at: usize) -> i32 {
    let Some(&before) = at.checked_sub(1).and_then(|before| name.get(before)) else { return BOUNDARY };
    let here = name[at];
    let boundary = !before.is_ascii_alphanumeric() && here.is_ascii_alphanumeric()
        || before.is_ascii_lowercase() && here.is_ascii_uppercase()
        || before.is_ascii_alphabetic() && here.is_ascii_digit();
    if boundary { BOUNDARY } else { 0 }
}

fn is_subsequence(query: &[u8], name: &[u8]) -> bool {
    let mut rest = name.iter();
    query.iter().all(|wanted| rest.any(|letter| letter.eq_ignore_ascii_case(wanted)))
}

/// Keeps the best `limit` of many, without sorting all of them.
pub(crate) struct Best<T> {
    limit: usize,
    /// The worst on top.
    kept: BinaryHeap<Reverse<T>>,
}

impl<T: Ord> Best<T> {
    pub(crate) fn new(limit: usize) -> Self {
        Self { limit, kept: BinaryHeap::new() }
    }

    pub(crate) fn add(&mut self, item: T) {
        if self.kept.len() < self.limit {
            self.kept.push(Reverse(item));
        } else if let Some(mut worst) = self.kept.peek_mut()
            && item > worst.0
        {
            *worst = Reverse(item);
        }
    }

    /// The worst of those that are kept, once there are as many as wanted.
    pub(crate) fn worst(&self) -> Option<&T> {
        self.kept.peek().filter(|_| self.kept.len() >= self.limit).map(|worst| &worst.0)
    }

    /// Best first.
    pub(crate) fn into_sorted(self) -> Vec<T> {
        self.kept.into_sorted_vec().into_iter().map(|item| item.0).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use proptest::test_runner::RngSeed;

    fn better(query: &str, one: &str, other: &str) {
        let (first, second) = (score(query.as_bytes(), one), score(query.as_bytes(), other));
        assert!(first > second, "{query}: {one} {first:?}, {other} {second:?}");
    }

    #[test]
    fn what_a_person_means_comes_first() {
        better("parse", "parse", "parser");
        better("parse", "parser", "sparse_matrix");
        better("ph", "parse_header", "graph");
        better("PH", "ParseHeader", "alphabet");
        better("gcf", "get_config_file", "longcliff");
        assert_eq!(score(b"xyz", "parse"), None);
        assert_eq!(score(b"", "parse"), None);
        assert_eq!(score(b"parse", ""), None);
    }

    #[test]
    fn masks_never_hide_a_match() {
        for (query, name) in [("ab1", "xA_b-1"), ("ü", "größeü"), ("_a", "a_a")] {
            assert_eq!(mask(query.as_bytes()) & !mask(name.as_bytes()), 0, "{query} {name}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { rng_seed: RngSeed::Fixed(11), cases: 20_000, ..ProptestConfig::default() })]

        #[test]
        fn no_score_exceeds_its_bound(query in "[abAB_1]{1,5}", name in "[abcABC_12.]{0,12}") {
            let (wanted, shape) = (Wanted::new(&query), Shape::of(&name));
            if let Some(score) = score(wanted.letters(), &name) {
                let bound = bound(&wanted, &shape);
                prop_assert!(bound >= Some(score), "{query} {name} {score} {bound:?}");
            }
        }
    }

    #[test]
    fn the_best_are_kept() {
        let mut best = Best::new(3);
        (0..10_000).for_each(|n| best.add(n * 7919 % 10_007));
        assert_eq!(best.worst(), Some(&10_004));
        assert_eq!(best.into_sorted(), [10_006, 10_005, 10_004]);
    }
}
