//! Where in a text do the words of a question stand closest together?

use crate::hash::FastMap;
use crate::words::{Term, parts, term, whole, words};

/// Lines of a passage.
const PASSAGE: u32 = 30;
/// Lines that are looked at.
const LINES: usize = 6_000;

/// What is looked for in texts.
pub(crate) struct Sought {
    /// The number of the word that each term stands for, and its weight.
    terms: FastMap<Term, (u32, f32)>,
    /// How the words begin, a bit each: most words of a text need not be made terms.
    beginnings: Vec<u64>,
}

impl Sought {
    pub(crate) fn new() -> Self {
        Self { terms: FastMap::default(), beginnings: vec![0; (1 << 16) / 64] }
    }

    /// Looks for `term` too, which stands for the word with this number; `text` begins like every word that has the term.
    pub(crate) fn add(&mut self, term: Term, number: u32, weight: f32, text: &str) {
        self.terms.entry(term).or_insert((number, weight));
        let beginning = beginning(text);
        self.beginnings[beginning / 64] |= 1 << (beginning % 64);
    }

    fn may_have(&self, text: &str) -> bool {
        let beginning = beginning(text);
        self.beginnings[beginning / 64] >> (beginning % 64) & 1 == 1
    }
}

/// The first two bytes but for `_`, in lower case: what no stem takes away.
fn beginning(text: &str) -> usize {
    let mut bytes =
        text.bytes().filter(|byte| *byte != b'_').map(|byte| usize::from(byte.to_ascii_lowercase()));
    bytes.next().unwrap_or_default() << 8 | bytes.next().unwrap_or_default()
}

/// The largest sum of weights of distinct words within one passage.
pub(crate) fn best(text: &str, sought: &Sought) -> f32 {
    let found = occurrences(text, sought);
    let mut inside: FastMap<u32, u32> = FastMap::default();
    let (mut sum, mut best, mut first) = (0.0_f32, 0.0_f32, 0);
    for &(line, word, weight) in &found {
        let count = inside.entry(word).or_default();
        *count += 1;
        if *count == 1 {
            sum += weight;
        }
        while let Some(&(_, word, weight)) = found.get(first).filter(|old| line - old.0 >= PASSAGE) {
            first += 1;
            if let Some(count) = inside.get_mut(&word) {
                *count -= 1;
                if *count == 0 {
                    sum -= weight;
                }
            }
        }
        best = best.max(sum);
    }
    best
}

/// Line, word and weight of every wanted word, in order.
fn occurrences(text: &str, sought: &Sought) -> Vec<(u32, u32, f32)> {
    let mut found = Vec::new();
    for (number, line) in text.lines().take(LINES).enumerate() {
        let mut add = |term| {
            if let Some((word, weight)) = sought.terms.get(&term) {
                found.push((number as u32, *word, *weight));
            }
        };
        words(line, |word| {
            let mut pieces = 0;
            parts(word, |part| {
                pieces += 1;
                if part.len() > 1 && sought.may_have(part) {
                    add(term(part));
                }
            });
            if pieces > 1 && sought.may_have(word) {
                add(whole(word));
            }
        });
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_count_once_and_only_together() {
        let mut sought = Sought::new();
        for (text, number, weight) in [("alpha", 0, 1.0), ("beta", 1, 2.0), ("bet", 1, 2.0)] {
            sought.add(term(text), number, weight, text);
        }
        assert_eq!(best("alpha alpha beta", &sought), 3.0);
        assert_eq!(best("alpha bet beta", &sought), 3.0, "two forms of one word count once");
        let apart = format!("alpha{}beta", "\n".repeat(40));
        assert_eq!(best(&apart, &sought), 2.0);
        assert_eq!(best("", &sought), 0.0);
    }

    #[test]
    fn words_are_found_however_they_are_written() {
        let mut sought = Sought::new();
        sought.add(term("washing"), 0, 1.0, "washing");
        sought.add(whole("eFlat_major"), 1, 2.0, "eFlat_major");
        for (text, expected) in
            [("WASHED", 1.0), ("__wash__", 1.0), ("E_FLAT_MAJOR", 2.0), ("_eFlatMajor", 2.0), ("was", 0.0)]
        {
            assert_eq!(best(text, &sought), expected, "{text}");
        }
    }
}
