//! Where in a text do the words of a question stand closest together?

use crate::hash::FastMap;
use crate::words::{Term, parts, term, whole, words};

/// Lines of a passage.
const PASSAGE: u32 = 30;
/// Lines that are looked at.
const LINES: usize = 6_000;

/// The largest sum of weights of distinct words within one passage. A term has the number of its word and its weight.
pub(crate) fn best(text: &str, weights: &FastMap<Term, (u32, f32)>) -> f32 {
    let found = occurrences(text, weights);
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
fn occurrences(text: &str, weights: &FastMap<Term, (u32, f32)>) -> Vec<(u32, u32, f32)> {
    let mut found = Vec::new();
    for (number, line) in text.lines().take(LINES).enumerate() {
        let mut add = |term| {
            if let Some((word, weight)) = weights.get(&term) {
                found.push((number as u32, *word, *weight));
            }
        };
        words(line, |word| {
            let mut pieces = 0;
            parts(word, |part| {
                pieces += 1;
                if part.len() > 1 {
                    add(term(part));
                }
            });
            if pieces > 1 {
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
        let weights: FastMap<Term, (u32, f32)> =
            [(term("alpha"), (0, 1.0)), (term("beta"), (1, 2.0)), (term("bet"), (1, 2.0))]
                .into_iter()
                .collect();
        assert_eq!(best("alpha alpha beta", &weights), 3.0);
        assert_eq!(best("alpha bet beta", &weights), 3.0, "two forms of one word count once");
        let apart = format!("alpha{}beta", "\n".repeat(40));
        assert_eq!(best(&apart, &weights), 2.0);
        assert_eq!(best("", &weights), 0.0);
    }
}
