//! What a task keeps when it is ended early: the best state of its edits that was verified.

use super::candidate::Candidate;
use super::ending;
use super::rounds::Rounds;
use crate::event::TaskEvent;
use crate::verify::Evidence;

impl Rounds {
    /// After the model ran checks: what was verified whole is worth keeping, though nothing is undone for its sake.
    pub(super) fn note_checked(&mut self) {
        if self.context.overlay.is_unchanged() {
            return;
        }
        if let Some(evidence) = ending::known(self) {
            self.keep(&Candidate::new(&self.context.overlay, evidence, Vec::new(), 0));
        }
    }

    /// Keeps a verified state unless a better one is kept; of equals the later one. In the journal, so that it outlives the
    /// process.
    pub(super) fn keep(&mut self, candidate: &Candidate) {
        if self.kept.as_ref().is_some_and(|kept| candidate.is_worse_than(kept)) {
            return;
        }
        self.context.record(&TaskEvent::Candidate {
            attempt: candidate.attempt,
            overlay: self.context.overlay.edits(),
            evidence: candidate.evidence.clone(),
        });
        self.kept = Some(candidate.clone());
    }

    /// Brings the edits to what is to be offered of a task that is ended now: the best verified state, or, where nothing was
    /// verified, the edits as they are. Returns the checks that speak of it, and a word on what is left out.
    pub(super) fn settle_for_best(&mut self) -> (Vec<Evidence>, String) {
        let now = ending::known(self);
        let as_it_is = |rounds: &Rounds| {
            let hash = rounds.context.overlay.content_hash();
            rounds.context.evidence.iter().filter(|known| known.hash == hash).cloned().collect()
        };
        let Some(kept) = self.kept.take() else { return (as_it_is(self), String::new()) };
        if let Some(evidence) = now {
            let candidate = Candidate::new(&self.context.overlay, evidence.clone(), Vec::new(), 0);
            if !candidate.is_worse_than(&kept) {
                return (evidence, String::new());
            }
        }
        let last = self.context.overlay.clone();
        kept.restore(&mut self.context.overlay);
        self.context.evidence.clone_from(&kept.evidence);
        let (before, after) = (last.edits(), self.context.overlay.edits());
        let paths = before.files.keys().chain(after.files.keys());
        let mut differ: Vec<&str> = paths
            .filter(|path| before.files.get(*path) != after.files.get(*path))
            .map(|path| path.as_str())
            .collect();
        differ.sort_unstable();
        differ.dedup();
        let left_out = match differ.as_slice() {
            [] => String::new(),
            paths => format!(
                "; it is the best state that was checked, later edits of {} are left out (they are in the journal: \
                 `galley task fork` goes on from any step)",
                paths.join(", ")
            ),
        };
        (kept.evidence, left_out)
    }
}
