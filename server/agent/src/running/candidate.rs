//! Candidates: states of the overlay that were verified. A repair that verifies worse than what there was is undone.

use galley_workspace::{Checkpoint, Overlay};

use super::looking::Standing;
use crate::checks::Kind;
use crate::verify::{CheckStatus, Evidence};

/// A verified state of the overlay.
#[derive(Clone)]
pub(super) struct Candidate {
    checkpoint: Checkpoint,
    /// What the checks said of it.
    pub(super) evidence: Vec<Evidence>,
    /// What a critic said of it and a command confirmed.
    pub(super) standing: Vec<Standing>,
    /// The attempt that it came of, from 1.
    pub(super) attempt: u32,
}

impl Candidate {
    pub(super) fn new(
        overlay: &Overlay,
        evidence: Vec<Evidence>,
        standing: Vec<Standing>,
        attempt: u32,
    ) -> Candidate {
        Candidate { checkpoint: overlay.checkpoint(), evidence, standing, attempt }
    }

    /// Brings the overlay back to this state.
    pub(super) fn restore(&self, overlay: &mut Overlay) {
        overlay.restore(&self.checkpoint);
    }

    /// Whether the overlay is at this state.
    pub(super) fn is_of(&self, overlay: &Overlay) -> bool {
        overlay.is_at(&self.checkpoint)
    }

    pub(super) fn is_worse_than(&self, other: &Candidate) -> bool {
        let worth = |candidate: &Candidate| (badness(&candidate.evidence), candidate.standing.len());
        worth(self) > worth(other)
    }

    /// What is red in a few words; empty when nothing is.
    pub(super) fn words(&self) -> String {
        match (first_red(&self.evidence), self.standing.first()) {
            (Some(red), _) => format!("{}: {}", red.check, red.summary),
            (None, Some(standing)) => standing.note(),
            (None, None) => String::new(),
        }
    }
}

fn first_red(evidence: &[Evidence]) -> Option<&Evidence> {
    evidence.iter().find(|known| known.status == CheckStatus::Failed && !known.is_no_worse())
}

/// The earlier the checks stopped the worse, then by what the change broke, then by what it left broken.
pub(crate) fn badness(evidence: &[Evidence]) -> (u8, usize, usize) {
    let red = first_red(evidence);
    let stage = match red.map(|red| red.kind) {
        Some(Kind::Format | Kind::Compile) => 3,
        // Tests that could not be built have no tests to speak of.
        Some(Kind::Test) if red.is_some_and(|red| red.passed == 0 && !red.diagnostics.is_empty()) => 3,
        Some(Kind::Lint) => 2,
        Some(Kind::Test) => 1,
        None => 0,
    };
    let broken = red.map_or(0, |red| red.newly_failing.len() + red.gone.len());
    (stage, broken, evidence.iter().map(|known| known.still_failing.len()).sum())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::{Check, Reader};

    fn evidence(kind: Kind, new: usize, still: usize) -> Evidence {
        let check = Check {
            name: "x".into(),
            kind,
            argv: vec!["x".into()],
            dir: String::new(),
            reader: Reader::Generic,
            install: String::new(),
            reports: Vec::new(),
            whole: None,
        };
        let names = |count| (0..count).map(|number: usize| number.to_string()).collect();
        Evidence {
            status: if new + still > 0 { CheckStatus::Failed } else { CheckStatus::Passed },
            newly_failing: names(new),
            still_failing: names(still),
            failing_before: Some(still),
            passed: 3,
            ..Evidence::not_run(&check, "")
        }
    }

    #[test]
    fn candidates_are_ordered_by_how_far_they_got() {
        let from_best = [
            vec![evidence(Kind::Lint, 0, 0), evidence(Kind::Test, 0, 0)],
            vec![evidence(Kind::Lint, 0, 0), evidence(Kind::Test, 0, 2)],
            vec![evidence(Kind::Lint, 0, 0), evidence(Kind::Test, 1, 0)],
            vec![evidence(Kind::Lint, 0, 0), evidence(Kind::Test, 3, 0)],
            vec![evidence(Kind::Lint, 1, 0)],
            vec![evidence(Kind::Compile, 1, 0)],
        ];
        for pair in from_best.windows(2) {
            assert!(badness(&pair[0]) < badness(&pair[1]), "{:?}", pair);
        }
    }
}
