//! The end of a task: its checks, the look at its own diff, and the proposal.

use std::collections::BTreeSet;

use galley_review::{HunkId, Proposal};
use galley_text::format::FileChange;

use super::rounds::{Next, Rounds};
use crate::checks::{Check, Kind, Reader};
use crate::event::{State, TaskEvent};
use crate::propose;
use crate::selfcheck;
use crate::task::Mode;
use crate::tools::{Finish, Outcome};
use crate::verify::{CheckStatus, Evidence};

/// How often a red end goes back to the model.
const REPAIRS: u32 = 3;

/// What becomes of a claim to be finished.
pub(super) enum Ruling {
    /// The task is over.
    Over,
    /// Not yet: a report for the model.
    Repair(String),
}

/// Judges a claim to be finished: runs what was not run on this very content, and proposes or sends back.
pub(super) async fn finish(rounds: &mut Rounds, finish: Finish) -> Ruling {
    if rounds.context.overlay.is_unchanged() {
        let (state, text) = match finish.outcome {
            Outcome::Done => (State::Done, finish.text),
            Outcome::Blocked => (State::Failed, format!("blocked: {}", finish.text)),
        };
        rounds.context.record(&TaskEvent::Ended { state, message: text });
        return Ruling::Over;
    }
    let evidence = verify(rounds).await;
    if rounds.control.stop_token().is_cancelled() {
        partial(rounds, State::Cancelled, "stopped by you").await;
        return Ruling::Over;
    }
    let red = red_reports(rounds.past.spec.mode, &evidence);
    if finish.outcome == Outcome::Done && !red.is_empty() && rounds.repairs < REPAIRS {
        rounds.repairs += 1;
        return Ruling::Repair(format!(
            "Not finished, checks are red (attempt {} of {REPAIRS}):\n\n{}",
            rounds.repairs,
            red.join("\n\n")
        ));
    }
    let blocked = finish.outcome == Outcome::Blocked;
    offer(rounds, evidence, &finish.text, blocked || !red.is_empty());
    Ruling::Over
}

/// Ends a task early. What it has so far is kept as a proposal marked partial.
pub(super) async fn partial(rounds: &mut Rounds, state: State, message: &str) -> Next {
    if rounds.control.is_interrupted() {
        return Next::Over;
    }
    if rounds.context.overlay.is_unchanged() {
        rounds.context.record(&TaskEvent::Ended { state, message: message.to_owned() });
        return Next::Over;
    }
    let hash = rounds.context.overlay.content_hash();
    let evidence = rounds.context.evidence.iter().filter(|known| known.hash == hash).cloned().collect();
    offer(rounds, evidence, &format!("{message}; what it had so far is kept as a partial proposal"), true);
    Next::Over
}

/// Runs the checks that have not spoken of this content yet, cheapest first, up to the first red.
async fn verify(rounds: &mut Rounds) -> Vec<Evidence> {
    let hash = rounds.context.overlay.content_hash();
    let mut found = Vec::new();
    for check in deciding(&rounds.context.checks) {
        let known =
            rounds.context.evidence.iter().find(|known| known.check == check.name && known.hash == hash);
        let evidence = match known {
            Some(known) => known.clone(),
            None => {
                rounds.enter(State::Verifying, &check.command());
                rounds.context.verify(&check).await
            }
        };
        let red = evidence.status == CheckStatus::Failed;
        found.push(evidence);
        if red || rounds.control.stop_token().is_cancelled() {
            break;
        }
    }
    found
}

/// The checks that decide at the end: a compile check is left out where the tests compile everything anyway.
fn deciding(checks: &[Check]) -> Vec<Check> {
    let compiled: BTreeSet<&str> = checks
        .iter()
        .filter(|check| check.kind == Kind::Test && matches!(check.reader, Reader::Libtest | Reader::GoTest))
        .map(|check| check.dir.as_str())
        .collect();
    let kept = |check: &&Check| check.kind != Kind::Compile || !compiled.contains(check.dir.as_str());
    checks.iter().filter(kept).cloned().collect()
}

fn red_reports(mode: Mode, evidence: &[Evidence]) -> Vec<String> {
    let red = |known: &&Evidence| {
        known.status == CheckStatus::Failed
            && (!known.is_no_worse() || (mode == Mode::Fix && known.fixed.is_empty()))
    };
    evidence.iter().filter(red).map(Evidence::for_model).collect()
}

fn offer(rounds: &mut Rounds, evidence: Vec<Evidence>, summary: &str, partial: bool) {
    let context = &mut rounds.context;
    context.record(&TaskEvent::State {
        state: State::CheckingItself,
        activity: "looking at its own diff".to_owned(),
    });
    let changes: Vec<FileChange> = context.overlay.changes();
    let spec = &rounds.past.spec;
    let warnings = selfcheck::warnings(&changes, spec.mode == Mode::Tests);
    let mut proposal = propose::propose(&context.task, &spec.title, changes, &rounds.past.reasons);
    if let Some((left, offered)) = &rounds.past.left {
        let mut number = highest(left);
        proposal.revise(left, offered, &mut || {
            number += 1;
            HunkId(format!("{}-h{number}", context.task))
        });
    }
    proposal.partial = partial;
    proposal.warnings = warnings;
    context.record(&TaskEvent::Proposed { proposal, evidence, summary: summary.to_owned() });
}

/// The highest number among a proposal's ids.
fn highest(proposal: &Proposal) -> usize {
    let number = |id: &HunkId| id.0.rsplit("-h").next().and_then(|number| number.parse().ok());
    proposal.all().filter_map(|(_, hunk)| number(&hunk.id)).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_that_compile_make_the_compile_check_idle() {
        let check = |kind, reader| Check {
            name: String::new(),
            kind,
            argv: vec!["x".into()],
            dir: String::new(),
            reader,
            install: String::new(),
        };
        let both = [check(Kind::Compile, Reader::Generic), check(Kind::Test, Reader::Libtest)];
        assert_eq!(deciding(&both).len(), 1);
        let tap = [check(Kind::Compile, Reader::Generic), check(Kind::Test, Reader::Tap)];
        assert_eq!(deciding(&tap).len(), 2);
    }
}
