//! Notices a model that goes round in circles, by counting. A round is the same only if tool, arguments and result are the
//! same: another range, another file, a rerun after an edit are progress.

use std::collections::VecDeque;

/// How many rounds are remembered.
const REMEMBERED: usize = 8;

/// The memory of recent rounds.
#[derive(Debug, Default)]
pub struct Repetition {
    rounds: VecDeque<u64>,
    errors: u32,
    last_error: Option<u64>,
    warned: bool,
}

/// What to do about a repetition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Advice {
    /// Nothing: there is progress.
    Go,
    /// Tell the model once, in these words.
    Warn(String),
    /// It was told and repeats still: end the attempt, in these words for the person.
    Stop(String),
}

impl Repetition {
    /// Takes in one finished call.
    pub fn record(&mut self, tool: &str, arguments: &str, output: &str, is_error: bool) -> Advice {
        let round = fingerprint(&[tool, arguments, output]);
        self.rounds.push_back(round);
        if self.rounds.len() > REMEMBERED {
            self.rounds.pop_front();
        }
        if is_error && self.last_error == Some(round) {
            self.errors += 1;
        } else {
            self.errors = u32::from(is_error);
        }
        self.last_error = is_error.then_some(round);
        match self.circle() {
            None => Advice::Go,
            Some(what) if self.warned => {
                Advice::Stop(format!("stopped: the model kept repeating itself ({what} of `{tool}`)"))
            }
            Some(what) => {
                self.warned = true;
                self.rounds.clear();
                self.errors = 0;
                Advice::Warn(format!(
                    "Note: {what} of `{tool}` gave the same result. Take another way, or end with finish (blocked) and name what is in the way."
                ))
            }
        }
    }

    fn circle(&self) -> Option<&'static str> {
        let rounds: Vec<u64> = self.rounds.iter().rev().copied().collect();
        if self.errors >= 3 {
            return Some("3 identical failing calls");
        }
        if rounds.len() >= 4 && rounds[..4].iter().all(|round| *round == rounds[0]) {
            return Some("4 identical calls");
        }
        let alternating = rounds.len() >= 6
            && rounds[0] != rounds[1]
            && (2..6).all(|place| rounds[place] == rounds[place - 2]);
        alternating.then_some("a circle of two calls, three times,")
    }
}

fn fingerprint(parts: &[&str]) -> u64 {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    let mut first = [0; 8];
    first.copy_from_slice(&hasher.finalize().as_bytes()[..8]);
    u64::from_le_bytes(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(rounds: &[(&str, bool)]) -> Vec<Advice> {
        let mut repetition = Repetition::default();
        rounds
            .iter()
            .map(|(arguments, is_error)| repetition.record("read", arguments, arguments, *is_error))
            .collect()
    }

    #[test]
    fn different_calls_are_progress() {
        let said = run(&[("a", false), ("b", false), ("c", false), ("d", true), ("e", true), ("f", true)]);
        assert!(said.iter().all(|advice| *advice == Advice::Go));
    }

    #[test]
    fn four_of_the_same_are_warned_of_then_stopped() {
        let said = run(&[("a", false); 8]);
        assert!(matches!(said[3], Advice::Warn(_)));
        assert!(matches!(said[7], Advice::Stop(_)));
    }

    #[test]
    fn three_same_errors_and_a_circle_of_two_are_noticed() {
        assert!(matches!(run(&[("a", true); 3])[2], Advice::Warn(_)));
        let circle =
            run(&[("a", false), ("b", false), ("a", false), ("b", false), ("a", false), ("b", false)]);
        assert!(matches!(circle[5], Advice::Warn(_)));
    }
}
