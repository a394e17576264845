//! Checks beside the tasks: of what the person accepted, as exactly that subset, and of a proposal whose base moved on.
//!
//! They run in a shadow of their own, away from the loop. A newer one ends the older one of the same proposal.

use std::time::Duration;

use galley_agent::decisions;
use galley_agent::event::TaskEvent;
use galley_agent::proof::{self, Which};
use galley_agent::verify::{Bench, CheckStatus, Evidence};
use galley_review::{AcceptFile, HunkId, HunkState, Proposal};
use galley_workspace::Overlay;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use super::event::Event;
use super::reviews::{AcceptedChecks, Proof};
use super::state::State;
use crate::config::{CheckTime, SandboxSettings};
use crate::protocol::Accepted;

/// Accepts that follow each other within this time are checked once.
const SETTLING: Duration = Duration::from_millis(400);
/// Typing rests for so long before a proposal's checks are renewed.
const QUIET: Duration = Duration::from_secs(3);
/// Checks that took longer than this together, in seconds, are not renewed unasked.
const CHEAP: f64 = 10.0;

/// What a check was run for.
pub enum Purpose {
    /// Exactly the accepted hunks, which are in the files.
    After {
        /// The proposal.
        proposal: String,
        /// The accepted hunks.
        hunks: Vec<HunkId>,
    },
    /// Exactly the hunks that are about to be accepted.
    Before {
        /// The proposal.
        proposal: String,
        /// The hunks as they were asked for.
        asked: Vec<HunkId>,
        /// Whether prerequisites are taken along.
        prerequisites: bool,
        /// All hunks of the plan, and those accepted earlier.
        hunks: Vec<HunkId>,
        /// Gets the answer of the accept.
        answer: oneshot::Sender<Accepted>,
    },
    /// A proposal on the text as it is now.
    Renewal {
        /// The proposal.
        proposal: String,
    },
}

impl Purpose {
    fn proposal(&self) -> &str {
        match self {
            Purpose::After { proposal, .. }
            | Purpose::Before { proposal, .. }
            | Purpose::Renewal { proposal } => proposal,
        }
    }
}

/// A check that has run.
pub struct Proved {
    /// What for.
    pub purpose: Purpose,
    /// Its number, so that an older one is told from a newer.
    pub number: u64,
    /// The results; or why nothing could be run.
    pub outcome: Result<Vec<Evidence>, String>,
}

impl State {
    /// Whether hunks are checked before they are applied.
    pub fn checked_before(&self) -> bool {
        self.settings.review.check == CheckTime::Before
    }

    /// Checks what was accepted, once no further accept follows.
    pub fn prove_accepted(&mut self, task: &str) {
        if self.settings.review.check != CheckTime::After {
            return;
        }
        let Some(review) = self.reviews.iter_mut().rev().find(|review| review.proposal.task == task) else {
            return;
        };
        let hunks = accepted(&review.proposal);
        if hunks.is_empty() || review.evidence.is_empty() {
            return;
        }
        let proposal = review.proposal.id.0.clone();
        // At the end everything that the proposal was checked with; on the way there only what is fast.
        let which = if review.is_open() { Which::Fast } else { Which::Named(names(&review.evidence)) };
        review.accepted_checks = Some(AcceptedChecks::running(hunks.clone()));
        let overlay = Overlay::new(self.workspace.snapshot());
        self.show_review(&proposal);
        self.prove(Purpose::After { proposal, hunks }, overlay, which, SETTLING);
    }

    /// Checks hunks before they are applied; the accept goes on when that is green.
    pub fn prove_before(
        &mut self,
        asked: Vec<HunkId>,
        prerequisites: bool,
        files: Vec<AcceptFile>,
        answer: oneshot::Sender<Accepted>,
    ) {
        let mut overlay = Overlay::new(self.workspace.snapshot());
        let applied = decisions::lay(&mut overlay, &files);
        let Some(review) = asked.first().and_then(|id| self.reviews.of_hunk_mut(id)) else { return };
        if applied.is_err() || review.evidence.is_empty() {
            return self.accept_checked(&asked, prerequisites, answer);
        }
        let mut hunks = accepted(&review.proposal);
        hunks.extend(files.into_iter().flat_map(|file| file.hunks));
        let proposal = review.proposal.id.0.clone();
        review.accepted_checks = Some(AcceptedChecks::running(hunks.clone()));
        self.show_review(&proposal);
        let purpose = Purpose::Before { proposal, asked, prerequisites, hunks, answer };
        self.prove(purpose, overlay, Which::Fast, Duration::ZERO);
    }

    /// The content changed that open proposals were checked on: their proof is stale until it is renewed.
    pub fn content_changed(&mut self) {
        let mut changed = Vec::new();
        for review in self.reviews.iter_mut().filter(|review| review.is_open() && !review.evidence.is_empty())
        {
            if !review.stale {
                review.stale = true;
                changed.push(review.proposal.id.0.clone());
            }
        }
        self.dirty.status |= !changed.is_empty();
        self.dirty.proposals.extend(changed);
        let open: Vec<String> = self.reviews.open().map(|review| review.proposal.id.0.clone()).collect();
        open.iter().for_each(|proposal| self.renew_soon(proposal));
    }

    /// Runs a proposal's checks anew when the typing rests, if they are cheap.
    pub fn renew_soon(&mut self, proposal: &str) {
        if !self.settings.review.renew {
            return;
        }
        let Some(review) = self.reviews.find(Some(proposal)).filter(|review| review.is_open()) else {
            return;
        };
        let cost: f64 = review.evidence.iter().map(|evidence| evidence.seconds).sum();
        let busy = review.accepted_checks.as_ref().is_some_and(|checks| checks.proof == Proof::Running);
        let conflicted = review.open_hunks().any(|(_, hunk)| hunk.state == HunkState::Conflicted);
        if review.evidence.is_empty() || cost > CHEAP || busy || conflicted {
            return;
        }
        self.renewals += 1;
        let (number, front, proposal) = (self.renewals, self.front.clone(), proposal.to_owned());
        self.renewing.insert(proposal.clone(), number);
        tokio::spawn(async move {
            tokio::time::sleep(QUIET).await;
            front.send(Event::Quiet { proposal, number });
        });
    }

    /// The typing rests: a stale proposal is checked on the text as it is now.
    pub fn quiet(&mut self, proposal: String, number: u64) {
        if self.renewing.get(&proposal) != Some(&number) {
            return;
        }
        self.renewing.remove(&proposal);
        let Some(review) =
            self.reviews.find(Some(&proposal)).filter(|review| review.stale && review.is_open())
        else {
            return;
        };
        let pending: Vec<HunkId> = review.proposal.pending().map(|(_, hunk)| hunk.id.clone()).collect();
        let Ok(files) = review.proposal.plan_accept(&pending, true) else { return };
        let which = Which::Named(names(&review.evidence));
        let mut overlay = Overlay::new(self.workspace.snapshot());
        if decisions::lay(&mut overlay, &files).is_ok() {
            self.prove(Purpose::Renewal { proposal }, overlay, which, Duration::ZERO);
        }
    }

    fn prove(&mut self, purpose: Purpose, overlay: Overlay, which: Which, after: Duration) {
        self.proofs += 1;
        let (number, cancel) = (self.proofs, CancellationToken::new());
        let known = self.proving.insert(purpose.proposal().to_owned(), (number, cancel.clone()));
        if let Some((_, earlier)) = known {
            earlier.cancel();
        }
        let (front, state_dir, sandbox) =
            (self.front.clone(), self.state_dir.clone(), self.settings.sandbox.clone());
        self.tasks_runtime.spawn(async move {
            tokio::select! {
                () = tokio::time::sleep(after) => {}
                () = cancel.cancelled() => {}
            }
            let outcome = match cancel.is_cancelled() {
                true => Ok(Vec::new()),
                false => run(state_dir, &sandbox, &overlay, &which, &cancel).await,
            };
            front.send(Event::Proved(Box::new(Proved { purpose, number, outcome })));
        });
    }

    /// Ends every check, because the process ends.
    pub fn end_proofs(&mut self) {
        self.proving.values().for_each(|(_, cancel)| cancel.cancel());
    }

    /// A check has run.
    pub fn proved(&mut self, proved: Proved) {
        let Proved { purpose, number, outcome } = proved;
        let current = self.proving.get(purpose.proposal()).is_some_and(|(known, _)| *known == number);
        if current {
            self.proving.remove(purpose.proposal());
        }
        match purpose {
            Purpose::Before { asked, prerequisites, proposal, hunks, answer } => {
                let red = outcome.as_ref().ok().and_then(|all| self.red_words(&proposal, &hunks, all));
                self.note_proof(&proposal, hunks, outcome, current);
                match red {
                    Some(reason) => {
                        self.show(2, &format!("Galley: not accepted: {reason}"));
                        let _ =
                            answer.send(Accepted { applied: false, reason: Some(reason), hunks: Vec::new() });
                    }
                    None => self.accept_checked(&asked, prerequisites, answer),
                }
            }
            Purpose::After { proposal, hunks } if current => {
                let red = outcome.as_ref().ok().and_then(|all| self.red_words(&proposal, &hunks, all));
                self.note_proof(&proposal, hunks, outcome, true);
                if let Some(reason) = red {
                    self.show(2, &format!("Galley: {reason}"));
                }
            }
            Purpose::Renewal { proposal } if current => self.renewed(&proposal, outcome),
            Purpose::After { .. } | Purpose::Renewal { .. } => {}
        }
    }

    /// What is wrong with exactly these hunks, and what they lack; `None` where nothing is.
    fn red_words(&self, proposal: &str, hunks: &[HunkId], evidence: &[Evidence]) -> Option<String> {
        let review = self.reviews.find(Some(proposal))?;
        let red = evidence
            .iter()
            .find(|one| one.status == CheckStatus::Failed && !proof::holds(one, &review.evidence))?;
        let lacks = proof::lacks(&review.proposal, hunks, evidence);
        let numbers: Vec<String> = lacks
            .iter()
            .filter_map(|id| review.proposal.number(id))
            .map(|(number, _)| number.to_string())
            .collect();
        let lacking = match numbers.len() {
            0 => String::new(),
            1 => format!("; they lack hunk {}", numbers[0]),
            _ => format!("; they lack hunks {}", numbers.join(", ")),
        };
        Some(format!(
            "the accepted hunks by themselves do not pass `{}`: {}{lacking}",
            red.command, red.summary
        ))
    }

    fn note_proof(
        &mut self,
        id: &str,
        hunks: Vec<HunkId>,
        outcome: Result<Vec<Evidence>, String>,
        current: bool,
    ) {
        let Some(review) = self.reviews.find_mut(id).filter(|_| current) else { return };
        let evidence = outcome.unwrap_or_default();
        let holds = evidence
            .iter()
            .all(|one| one.status != CheckStatus::Failed || proof::holds(one, &review.evidence));
        let ran = evidence.iter().any(|one| one.status != CheckStatus::NotRun);
        let proof = match (holds, ran) {
            (false, _) => Proof::Failed,
            (true, true) => Proof::Passed,
            (true, false) => Proof::NotRun,
        };
        let lacks = if holds { Vec::new() } else { proof::lacks(&review.proposal, &hunks, &evidence) };
        let event = TaskEvent::SubsetChecked {
            hunks: hunks.clone(),
            evidence: evidence.clone(),
            lacks: lacks.clone(),
        };
        let task = review.proposal.task.clone();
        review.accepted_checks = Some(AcceptedChecks { hunks, proof, evidence, lacks });
        self.record(&task, event);
        self.show_review(id);
    }

    fn renewed(&mut self, id: &str, outcome: Result<Vec<Evidence>, String>) {
        let Some(review) = self.reviews.find_mut(id) else { return };
        let Ok(evidence) = outcome else { return };
        if evidence.is_empty() || evidence.iter().any(|one| one.status == CheckStatus::NotRun) {
            return;
        }
        for one in evidence {
            let known = review.evidence.iter_mut().find(|known| known.check == one.check);
            match known {
                // Against the base of the task it is told what failed before; the new run knows only its own base.
                Some(known) => *known = Evidence { failing_before: known.failing_before, ..one },
                None => review.evidence.push(one),
            }
        }
        review.stale = false;
        self.show_review(id);
    }
}

async fn run(
    state_dir: std::path::PathBuf,
    sandbox: &SandboxSettings,
    overlay: &Overlay,
    which: &Which,
    cancel: &CancellationToken,
) -> Result<Vec<Evidence>, String> {
    let level = tokio::task::spawn_blocking(galley_exec::probe).await.map_err(|error| error.to_string())?;
    if !level.is_sandboxed() && !sandbox.unsandboxed {
        return Err("no sandbox works here".to_owned());
    }
    proof::prove(Bench { state_dir, level, network: sandbox.network.granted() }, overlay, which, cancel).await
}

fn accepted(proposal: &Proposal) -> Vec<HunkId> {
    let accepted = proposal.all().filter(|(_, hunk)| hunk.state == HunkState::Accepted);
    accepted.map(|(_, hunk)| hunk.id.clone()).collect()
}

fn names(evidence: &[Evidence]) -> Vec<String> {
    evidence.iter().map(|one| one.check.clone()).collect()
}
