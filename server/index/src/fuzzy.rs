//! Fuzzy matching of a few letters against names: all letters in order, better where they begin words, stand
//! together, or cover much of the name. Decides only the score; who is matched against what is the caller's matter.

/// One bit per letter (case ignored) and digit, one for everything else: a name whose mask lacks a bit of the
/// query's cannot match it.
pub(crate) fn mask(text: &str) -> u64 {
    text.bytes().fold(0, |mask, byte| {
        mask | match byte {
            b'a'..=b'z' => 1 << (byte - b'a'),
            b'A'..=b'Z' => 1 << (byte - b'A'),
            b'0'..=b'9' => 1 << (26 + byte - b'0'),
            b'_' => 0,
            _ => 1 << 36,
        }
    })
}

const MATCH: i32 = 16;
const BOUNDARY: i32 = 12;
const FIRST: i32 = 8;
const RUN: i32 = 10;
const SAME_CASE: i32 = 1;
const GAP: i32 = -3;
const GAP_MORE: i32 = -1;

/// The best score of `query` as a subsequence of `name`, ignoring case; `None` if it is none.
///
/// Dynamic programming over (query letter, name letter) with two rows; names are cut at 128 bytes.
pub(crate) fn score(query: &[u8], name: &str) -> Option<i32> {
    let name = &name.as_bytes()[..name.len().min(128)];
    if query.is_empty() || query.len() > name.len() || !is_subsequence(query, name) {
        return None;
    }
    const NONE: i32 = i32::MIN / 2;
    let mut ending = [NONE; 128]; // best score with this query letter matched exactly here
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
    Some(best - (name.len() - query.len()) as i32 / 2 + if exact { 40 } else { 0 })
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
    kept: Vec<T>,
}

impl<T: Ord> Best<T> {
    pub(crate) fn new(limit: usize) -> Self {
        Self { limit, kept: Vec::new() }
    }

    pub(crate) fn add(&mut self, item: T) {
        self.kept.push(item);
        if self.kept.len() > self.limit.saturating_mul(4).max(256) {
            self.shrink();
        }
    }

    fn shrink(&mut self) {
        if self.limit < self.kept.len() {
            self.kept.select_nth_unstable_by(self.limit, |one, other| other.cmp(one));
        }
        self.kept.truncate(self.limit);
    }

    /// Best first.
    pub(crate) fn into_sorted(mut self) -> Vec<T> {
        self.shrink();
        self.kept.sort_unstable_by(|one, other| other.cmp(one));
        self.kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
            assert_eq!(mask(query) & !mask(name), 0, "{query} {name}");
        }
    }

    #[test]
    fn the_best_are_kept() {
        let mut best = Best::new(3);
        (0..10_000).for_each(|n| best.add(n * 7919 % 10_007));
        assert_eq!(best.into_sorted().len(), 3);
    }
}
