//! Fuzzy matching of a few letters against names: all letters in order, better where they begin words, stand
//! together, or cover much of the name. Decides only the score; who is matched against what is the caller's matter.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Longer names are cut.
pub(crate) const LONGEST: usize = 128;

/// The letters of a question.
pub(crate) struct Wanted(Vec<u8>);

impl Wanted {
    /// White space does not count.
    pub(crate) fn new(query: &str) -> Wanted {
        Wanted(query.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect())
    }

    pub(crate) fn letters(&self) -> &[u8] {
        &self.0
    }
}

/// What a letter is worth that is found.
pub(crate) const MATCH: i32 = 16;
/// More, where it begins a word.
pub(crate) const BOUNDARY: i32 = 12;
/// More, where the first one begins the name.
pub(crate) const FIRST: i32 = 8;
/// More, right behind the letter before.
pub(crate) const RUN: i32 = 10;
/// More, in the same case.
pub(crate) const SAME_CASE: i32 = 1;
/// Letters between it and the one before cost so much, ...
pub(crate) const GAP: i32 = -3;
/// ... and each further one of them so much more.
const GAP_MORE: i32 = -1;
/// What is added if the name is the question.
pub(crate) const EXACT: i32 = 40;

/// The best score of `query` as a subsequence of `name`, ignoring case; `None` if it is none.
///
/// Dynamic programming over (query letter, name letter) with two rows; names are cut at [`LONGEST`] bytes.
pub(crate) fn score(query: &[u8], name: &[u8]) -> Option<i32> {
    let name = &name[..name.len().min(LONGEST)];
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

/// What a letter of a name is worth more because it begins a word there.
pub(crate) fn bonus(name: &[u8], at: usize) -> i32 {
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

    fn better(query: &str, one: &str, other: &str) {
        let (first, second) =
            (score(query.as_bytes(), one.as_bytes()), score(query.as_bytes(), other.as_bytes()));
        assert!(first > second, "{query}: {one} {first:?}, {other} {second:?}");
    }

    #[test]
    fn what_a_person_means_comes_first() {
        better("parse", "parse", "parser");
        better("parse", "parser", "sparse_matrix");
        better("ph", "parse_header", "graph");
        better("PH", "ParseHeader", "alphabet");
        better("gcf", "get_config_file", "longcliff");
        assert_eq!(score(b"xyz", b"parse"), None);
        assert_eq!(score(b"", b"parse"), None);
        assert_eq!(score(b"parse", b""), None);
    }

    #[test]
    fn the_best_are_kept() {
        let mut best = Best::new(3);
        (0..10_000).for_each(|n| best.add(n * 7919 % 10_007));
        assert_eq!(best.worst(), Some(&10_004));
        assert_eq!(best.into_sorted(), [10_006, 10_005, 10_004]);
    }
}
