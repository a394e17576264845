//! The end of a task: its checks, the look at its own diff, and the proposal.

use std::collections::BTreeSet;

use galley_model::Item;
use galley_review::HunkId;
use galley_text::format::FileChange;
use galley_text::path::RelPath;

use super::candidate::Candidate;
use super::looking::Standing;
use super::rounds::{Next, Rounds};
use crate::checks::{Check, Kind, Reader, relative};
use crate::event::{State, TaskEvent};
use crate::propose;
use crate::selfcheck::{self, Circumstances};
use crate::task::Mode;
use crate::tools::{self, Finish, Outcome};
use crate::verify::{CheckStatus, Evidence, Told};
use crate::{affected, formatting};

/// How often a red end goes back to the model.
const REPAIRS: u32 = 3;

/// What the person said while the task was about to end is heard before it does.
const SPOKEN_MEANWHILE: &str = "Not finished yet: the person said something meanwhile, it follows.";

/// What becomes of a claim to be finished.
pub(super) enum Ruling {
    /// The task is over.
    Over,
    /// Not yet: a report for the model.
    Repair(String),
}

/// Judges a claim to be finished: runs what was not run on this very content, and proposes or sends back.
pub(super) async fn finish(rounds: &mut Rounds, finish: Finish) -> Ruling {
    if rounds.control.has_words() {
        return Ruling::Repair(SPOKEN_MEANWHILE.to_owned());
    }
    if rounds.context.overlay.is_unchanged() {
        return without_change(rounds, finish);
    }
    let cancel = rounds.context.cancel.clone();
    let context = &mut rounds.context;
    let formatted = if context.may_execute().await {
        formatting::format(&mut context.verifier, &mut context.overlay, &cancel).await
    } else {
        Vec::new()
    };
    let evidence = verify(rounds).await;
    if rounds.control.stop_token().is_cancelled() {
        partial(rounds, State::Cancelled, "stopped by you").await;
        return Ruling::Over;
    }
    if rounds.control.has_words() {
        rounds.note_checked();
        return Ruling::Repair(SPOKEN_MEANWHILE.to_owned());
    }
    let standing = rounds.still_standing().await;
    let undone = keep_best(rounds, evidence, standing);
    let evidence = rounds.best.as_ref().map(|best| best.evidence.clone()).unwrap_or_default();
    let mut red = red_reports(rounds.past.spec.mode, &evidence, &mut rounds.context.verifier.told);
    if finish.outcome == Outcome::Done && red.is_empty() {
        look(rounds).await;
        if rounds.control.stop_token().is_cancelled() {
            partial(rounds, State::Cancelled, "stopped by you").await;
            return Ruling::Over;
        }
    }
    let checks_are_red = !red.is_empty();
    red.extend(rounds.best.iter().flat_map(|best| &best.standing).map(Standing::for_model));
    if finish.outcome == Outcome::Done && !red.is_empty() && rounds.repairs < REPAIRS {
        rounds.repairs += 1;
        let what = if checks_are_red { "checks are red" } else { "there is a defect" };
        let mut report = format!("Not finished, {what} (attempt {} of {REPAIRS}):\n", rounds.repairs);
        for line in undone.iter().chain(&formatted).chain(&red) {
            report.push_str(&format!("\n{line}\n"));
        }
        return Ruling::Repair(report.trim_end().to_owned());
    }
    let blocked = finish.outcome == Outcome::Blocked;
    let mut summary = finish.text;
    if !red.is_empty() && !blocked {
        let words = rounds.best.as_ref().map(Candidate::words).unwrap_or_default();
        summary = format!(
            "Not finished: after {} repairs {} ({words}).\n\n{summary}",
            rounds.repairs,
            if checks_are_red { "checks are still red" } else { "a defect is left" }
        );
    }
    for line in undone.iter().chain(&formatted) {
        summary.push_str(&format!("\n\n{line}"));
    }
    offer(rounds, evidence, &summary, blocked || !red.is_empty());
    Ruling::Over
}

/// Judges an end with which nothing is changed. Where something was tried in vain, that is no end before it was said once.
fn without_change(rounds: &mut Rounds, finish: Finish) -> Ruling {
    let tried = if rounds.past.spec.mode.edits() { in_vain(&rounds.past.items) } else { None };
    let (state, message) = match (finish.outcome, tried) {
        (Outcome::Blocked, _) => (State::Failed, format!("blocked: {}", finish.text)),
        (Outcome::Done, Some(tried)) if rounds.nudge() => {
            let why = match tried {
                Tried::Edit => "your edit was refused",
                Tried::Other => "your last call failed",
            };
            let report = "If a change was asked for, make it, or finish as blocked; otherwise finish again.";
            return Ruling::Repair(format!("Nothing is changed: {why}. {report}"));
        }
        (Outcome::Done, Some(Tried::Edit)) => {
            (State::Failed, format!("nothing was changed, its edits were refused. It said: {}", finish.text))
        }
        (Outcome::Done, _) => (State::Done, finish.text),
    };
    rounds.context.record(&TaskEvent::Ended { state, message });
    Ruling::Over
}

/// What a task tried that changed nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tried {
    /// An edit, or a call of a tool that is not there, which may have been meant as one.
    Edit,
    /// Something else, as its last act.
    Other,
}

fn in_vain(items: &[Item]) -> Option<Tried> {
    let mut results = items.iter().rev().filter_map(|item| match item {
        Item::ToolResult { name, is_error, .. } if name != "finish" => Some((name.as_str(), *is_error)),
        _ => None,
    });
    let last = results.next()?;
    let is_edit = |name: &str| matches!(name, "edit" | "apply_patch");
    let edit = (last.1 && !tools::is_known(last.0))
        || std::iter::once(last).chain(results).any(|(name, failed)| failed && is_edit(name));
    match (edit, last.1) {
        (true, _) => Some(Tried::Edit),
        (false, true) => Some(Tried::Other),
        (false, false) => None,
    }
}

/// Takes in what was verified. Where it is worse than what there was, that one is brought back, and the answer says so.
fn keep_best(rounds: &mut Rounds, evidence: Vec<Evidence>, standing: Vec<Standing>) -> Option<String> {
    let context = &mut rounds.context;
    let candidate = Candidate::new(&context.overlay, evidence, standing, rounds.repairs + 1);
    match &rounds.best {
        Some(best) if candidate.is_worse_than(best) => {
            best.restore(&mut context.overlay);
            context.evidence.clone_from(&best.evidence);
            Some(format!(
                "The last repair verified worse ({}) and is undone: all files are again as at attempt {} ({}).",
                candidate.words(),
                best.attempt,
                best.words()
            ))
        }
        _ => {
            rounds.keep(&candidate);
            rounds.best = Some(candidate);
            None
        }
    }
}

/// Has the best candidate looked at; what is confirmed is held against it.
async fn look(rounds: &mut Rounds) {
    let standing = rounds.look().await;
    if let Some(best) = rounds.best.as_mut().filter(|_| !standing.is_empty()) {
        best.standing = standing;
    }
}

/// Ends a task early. What it has so far is kept as a proposal marked partial.
pub(super) async fn partial(rounds: &mut Rounds, state: State, message: &str) -> Next {
    if rounds.control.is_interrupted() {
        return Next::Over;
    }
    if rounds.context.overlay.is_unchanged() && rounds.kept.is_none() {
        rounds.context.record(&TaskEvent::Ended { state, message: message.to_owned() });
        return Next::Over;
    }
    let (evidence, left_out) = rounds.settle_for_best();
    let summary = format!("{message}; what it had so far is kept as a partial proposal{left_out}");
    offer(rounds, evidence, &summary, true);
    Next::Over
}

/// What is known of this very content, where nothing that decides is missing; as far as [`verify`] would go.
pub(super) fn known(rounds: &Rounds) -> Option<Vec<Evidence>> {
    let hash = rounds.context.overlay.content_hash();
    let mut found = Vec::new();
    for check in deciding(&rounds.context.checks, &rounds.context.overlay.changed_paths()) {
        let known = rounds.context.evidence.iter().find(|known| known.is_of(&check) && known.hash == hash)?;
        found.push(known.clone());
        if known.status == CheckStatus::Failed && !known.is_no_worse() {
            break;
        }
    }
    (!found.is_empty()).then_some(found)
}

/// Runs the checks that have not spoken of this content yet, cheapest first, up to the first red. Of tests those that the
/// change touches go first.
async fn verify(rounds: &mut Rounds) -> Vec<Evidence> {
    let hash = rounds.context.overlay.content_hash();
    let touched: Vec<RelPath> = rounds.context.overlay.changed_paths();
    let mut found = Vec::new();
    for check in deciding(&rounds.context.checks, &touched) {
        let known = rounds.context.evidence.iter().find(|known| known.is_of(&check) && known.hash == hash);
        let evidence = match known {
            Some(known) => known.clone(),
            None => match red_of_affected(rounds, &check).await {
                Some(red) => red,
                None => {
                    rounds.enter(State::Verifying, &check.command());
                    rounds.context.verify(&check).await
                }
            },
        };
        let red = evidence.status == CheckStatus::Failed && !evidence.is_no_worse();
        found.push(evidence);
        if red || rounds.control.stop_token().is_cancelled() {
            break;
        }
    }
    found
}

/// Runs the tests that the change touches, where that is less than all; answers only if the change broke one.
async fn red_of_affected(rounds: &mut Rounds, check: &Check) -> Option<Evidence> {
    if check.kind != Kind::Test {
        return None;
    }
    let affected = affected::tests(&rounds.context.index(), &rounds.context.overlay);
    let part = affected::part(check, &affected)?;
    rounds.enter(State::Verifying, &format!("affected tests first: {}", affected::told(&affected)));
    let evidence = rounds.context.verify(&part).await;
    (!evidence.newly_failing.is_empty()).then_some(evidence)
}

/// The checks that decide at the end: a compile check is left out where the tests of the same tool compile everything
/// anyway, and the checks of a folder in which nothing was touched where each touched file has checks of its own folder.
fn deciding(checks: &[Check], touched: &[RelPath]) -> Vec<Check> {
    let compiled: BTreeSet<(&str, &str)> = checks
        .iter()
        .filter(|check| matches!(check.reader, Reader::Libtest | Reader::Nextest | Reader::GoTest))
        .map(|check| (check.dir.as_str(), check.argv[0].as_str()))
        .collect();
    let lies_in = |path: &RelPath, check: &Check| relative(&check.dir, path.as_str()).is_some();
    let nested = |path: &RelPath| checks.iter().any(|check| !check.dir.is_empty() && lies_in(path, check));
    let all = touched.is_empty() || !touched.iter().all(nested);
    let is_idle = |check: &Check| {
        check.kind == Kind::Compile && compiled.contains(&(check.dir.as_str(), check.argv[0].as_str()))
    };
    let concerns = |check: &Check| all || touched.iter().any(|path| lies_in(path, check));
    checks.iter().filter(|check| !is_idle(check) && concerns(check)).cloned().collect()
}

fn red_reports(mode: Mode, evidence: &[Evidence], told: &mut Told) -> Vec<String> {
    let red = |known: &&Evidence| {
        known.status == CheckStatus::Failed
            && (!known.is_no_worse() || (mode == Mode::Fix && known.fixed.is_empty()))
    };
    evidence.iter().filter(red).map(|known| known.for_model(told)).collect()
}

fn offer(rounds: &mut Rounds, evidence: Vec<Evidence>, summary: &str, partial: bool) {
    let context = &mut rounds.context;
    context.record(&TaskEvent::State {
        state: State::CheckingItself,
        activity: "looking at its own diff".to_owned(),
    });
    let changes: Vec<FileChange> = context.overlay.changes();
    let spec = &rounds.past.spec;
    let red_before: Vec<String> =
        evidence.iter().flat_map(|known| known.fixed.iter().chain(&known.still_failing)).cloned().collect();
    let circumstances = Circumstances { goal_names_tests: spec.mode == Mode::Tests, red_before: &red_before };
    let mut warnings = selfcheck::warnings(&changes, circumstances);
    warnings.extend(rounds.look.iter().flat_map(|look| look.notes.iter().cloned()));
    if let Some(best) = rounds.best.as_ref().filter(|best| best.is_of(&context.overlay)) {
        warnings.extend(best.standing.iter().map(Standing::note));
    }
    let mut proposal = propose::propose(
        &context.task,
        &spec.title,
        (changes, context.overlay.mode_edits()),
        &rounds.past.reasons,
    );
    if let Some((left, offered)) = &rounds.past.left {
        let mut number = propose::highest(left);
        proposal.revise(left, offered, &mut || {
            number += 1;
            HunkId(format!("{}-h{number}", context.task))
        });
    }
    proposal.partial = partial;
    proposal.warnings = warnings;
    context.record(&TaskEvent::Proposed { proposal, evidence, summary: summary.to_owned() });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_tried_in_vain_is_known_by_its_answers() {
        let tried = |results: &[(&str, bool)]| {
            let result = |(name, is_error): &(&str, bool)| Item::ToolResult {
                call_id: String::new(),
                name: (*name).to_owned(),
                free_text: false,
                output: String::new(),
                is_error: *is_error,
            };
            in_vain(&results.iter().map(result).collect::<Vec<_>>())
        };
        assert_eq!(tried(&[]), None);
        assert_eq!(tried(&[("read", true), ("read", false)]), None);
        assert_eq!(tried(&[("teleport", true), ("read", false)]), None, "it went on with another");
        assert_eq!(tried(&[("read", false), ("teleport", true)]), Some(Tried::Edit));
        assert_eq!(tried(&[("edit", true), ("read", false), ("finish", true)]), Some(Tried::Edit));
        assert_eq!(tried(&[("edit", false), ("run", true)]), Some(Tried::Other));
    }

    #[test]
    fn tests_that_compile_make_the_compile_check_idle() {
        let check = |kind, reader| Check {
            name: String::new(),
            kind,
            argv: vec!["x".into()],
            dir: String::new(),
            reader,
            install: String::new(),
            reports: Vec::new(),
            whole: None,
        };
        let both = [check(Kind::Compile, Reader::Cargo), check(Kind::Test, Reader::Libtest)];
        assert_eq!(deciding(&both, &[]).len(), 1);
        let other = Check { argv: vec!["mypy".into()], ..check(Kind::Compile, Reader::Mypy) };
        assert_eq!(deciding(&[other, both[1].clone()], &[]).len(), 2, "of another tool");
        let tap = [check(Kind::Compile, Reader::Generic), check(Kind::Test, Reader::Tap)];
        assert_eq!(deciding(&tap, &[]).len(), 2);
        let inside = |dir: &str| Check { dir: dir.into(), ..check(Kind::Test, Reader::Tap) };
        let folders = [inside(""), inside("web"), inside("server")];
        let paths = |paths: &[&str]| paths.iter().map(|path| RelPath::new(path).unwrap()).collect::<Vec<_>>();
        let dirs = |touched: &[&str]| {
            let checks = deciding(&folders, &paths(touched));
            checks.into_iter().map(|check| check.dir).collect::<Vec<_>>()
        };
        assert_eq!(dirs(&["web/a.js"]), ["", "web"]);
        assert_eq!(dirs(&["web/a.js", "shared/b.js"]), ["", "web", "server"]);
    }
}
