//! The same request given to several tasks, by other models or as other samples: which result is best, and how hunks of one
//! get into another.
//!
//! The order is made by evidence, then by what the mechanics found, then by size. What a critic said only breaks ties.

use galley_review::{HunkId, Proposal};
use galley_workspace::{Overlay, Snapshot};

use crate::event::{State, TaskEvent};
use crate::landing::{changed, land};
use crate::running::badness;
use crate::scope::changed_lines;
use crate::task::{Budget, Contest, TaskSpec};
use crate::verify::{CheckStatus, Evidence};
use crate::view::TaskView;
use crate::{clock, decisions, propose};

/// The specs of a request that is given to several tasks. They share its dollars and tokens in equal parts.
pub fn specs(spec: &TaskSpec, count: u32) -> Vec<TaskSpec> {
    let of = count.max(1);
    let group = clock::new_id("g");
    let budget = Budget {
        usd: spec.budget.usd.map(|usd| usd / f64::from(of)),
        tokens: spec.budget.tokens.map(|tokens| tokens / u64::from(of)),
        ..spec.budget
    };
    let one = |number| TaskSpec {
        budget,
        contest: Some(Contest { group: group.clone(), number, of }),
        ..spec.clone()
    };
    (1..=of).map(one).collect()
}

/// The contest that a task takes part in.
pub fn of(view: &TaskView) -> Option<&Contest> {
    view.spec.as_ref()?.contest.as_ref()
}

/// What one task of a contest came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// The task.
    pub task: String,
    /// Whether it proposes something that is not decided as a whole.
    pub is_open: bool,
    /// What its checks say, in a line.
    pub words: String,
    /// Warnings of the mechanics.
    pub warnings: usize,
    /// Lines added and removed.
    pub lines: usize,
}

/// The tasks of a contest from best to worst.
pub fn rank<'a>(views: impl IntoIterator<Item = &'a TaskView>) -> Vec<Candidate> {
    let mut all: Vec<(_, Candidate)> = views
        .into_iter()
        .map(|view| {
            let candidate = candidate(view);
            let partial = view.proposal.as_ref().is_none_or(|proposal| proposal.partial);
            let number = of(view).map_or(0, |contest| contest.number);
            let key = (
                !candidate.is_open,
                // What the person has gone on with is what they want.
                !view.continued,
                view.proposal.is_none(),
                partial,
                badness(&view.evidence),
                unproved(&view.evidence),
                candidate.warnings,
                candidate.lines,
                view.second_look.len(),
                number,
            );
            (key, candidate)
        })
        .collect();
    all.sort_by_key(|(key, _)| *key);
    all.into_iter().map(|(_, candidate)| candidate).collect()
}

fn candidate(view: &TaskView) -> Candidate {
    let lines = |proposal: &Proposal| {
        proposal.all().map(|(_, hunk)| changed_lines(hunk.base(), hunk.proposed())).sum()
    };
    let proposal = view.proposal.as_ref();
    let warnings = proposal.map_or(0, |proposal| proposal.warnings.len());
    let words = match proposal {
        None => view.message.clone().unwrap_or_else(|| view.state.word().to_owned()),
        Some(_) if view.evidence.is_empty() => "not verified".to_owned(),
        Some(_) => {
            let word = |known: &Evidence| format!("{}: {}", known.check, known.summary);
            view.evidence.iter().map(word).collect::<Vec<_>>().join("; ")
        }
    };
    Candidate {
        task: view.task.clone(),
        is_open: proposal.is_some() && view.state == State::Proposed,
        words: words.lines().next().unwrap_or_default().to_owned(),
        warnings: warnings.saturating_sub(view.second_look.len()),
        lines: proposal.map_or(0, lines),
    }
}

/// Checks that say nothing; a change that none speaks of lacks one.
fn unproved(evidence: &[Evidence]) -> usize {
    let silent = evidence.iter().filter(|known| known.status == CheckStatus::NotRun).count();
    if evidence.is_empty() { 1 } else { silent }
}

/// A candidate with hunks of another in it.
#[derive(Debug)]
pub struct Mixed {
    /// The files with it.
    pub overlay: Overlay,
    /// The candidate as the person left it.
    left: Proposal,
    /// The proposal with the hunks.
    proposal: Proposal,
    /// The hunks that it went on from.
    offered: Vec<HunkId>,
}

/// Takes hunks of `other`, with those that they need, into the proposal of `view`, on the files as they are.
///
/// # Errors
/// Words for the person: what does not apply.
pub fn mix(
    view: &TaskView,
    other: &TaskView,
    hunks: &[HunkId],
    snapshot: &Snapshot,
) -> Result<Mixed, String> {
    let nothing = |view: &TaskView| format!("task {} proposes nothing", view.task);
    let mine = decisions::as_left(view, snapshot).ok_or_else(|| nothing(view))?;
    let theirs = decisions::as_left(other, snapshot).ok_or_else(|| nothing(other))?;
    let offered: Vec<HunkId> = mine.pending().map(|(_, hunk)| hunk.id.clone()).collect();
    let start = Overlay::new(snapshot.clone());
    let (mut overlay, mut alone) = (start.clone(), start.clone());
    for (target, proposal, ids) in [(&mut overlay, &mine, &offered[..]), (&mut alone, &theirs, hunks)] {
        if ids.is_empty() {
            continue;
        }
        let plan = proposal.plan_accept(ids, true).map_err(|error| error.to_string())?;
        decisions::lay(target, &plan).map_err(|error| error.to_string())?;
    }
    let paths = changed(&start, &alone);
    land(&mut overlay, &start, &alone, &paths)?;
    let reasons: Vec<(String, String, String)> = theirs
        .all()
        .chain(mine.all())
        .map(|(file, hunk)| {
            let why = hunk.reason.clone().unwrap_or_default();
            (file.path.as_str().to_owned(), why, hunk.after.clone())
        })
        .collect();
    let changes = (overlay.changes(), overlay.mode_edits());
    let mut proposal = propose::propose(&view.task, &mine.title, changes, &reasons);
    let mut number = propose::highest(&mine);
    proposal.revise(&mine, &offered, &mut || {
        number += 1;
        HunkId(format!("{}-h{number}", view.task))
    });
    proposal.warnings.clone_from(&mine.warnings);
    Ok(Mixed { overlay, left: mine, proposal, offered })
}

impl Mixed {
    /// The events that put it in the place of the candidate, with what checks of its content say.
    pub fn events(self, evidence: Vec<Evidence>, from: &str) -> [TaskEvent; 2] {
        let mut proposal = self.proposal;
        proposal.partial = evidence.iter().any(|known| !known.is_no_worse());
        let overlay = self.overlay.edits();
        [
            TaskEvent::Continued { left: Box::new(self.left), offered: self.offered, overlay },
            TaskEvent::Proposed { proposal, evidence, summary: format!("with hunks of {from}") },
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::{Check, Kind, Reader};
    use galley_text::format::FileChange;
    use galley_text::path::RelPath;

    fn view(number: u32, after: &str, status: Option<CheckStatus>, notes: usize) -> TaskView {
        let check = Check {
            name: "unit".into(),
            kind: Kind::Test,
            argv: vec!["x".into()],
            dir: String::new(),
            reader: Reader::Generic,
            install: String::new(),
            reports: Vec::new(),
            whole: None,
        };
        let mut spec: TaskSpec = serde_json::from_str(r#"{"goal":"g","title":"t","mode":"free"}"#).unwrap();
        spec.contest = Some(Contest { group: "g".into(), number, of: 9 });
        let change = FileChange::Update {
            path: RelPath::new("a").unwrap(),
            before: "a\n".into(),
            after: after.into(),
        };
        let name = format!("t{number}");
        let mut proposal = propose::propose(&name, "t", (vec![change], Vec::new()), &[]);
        let look: Vec<String> = (0..notes).map(|note| note.to_string()).collect();
        proposal.warnings.clone_from(&look);
        let mut view = TaskView::new(name);
        view.state = State::Proposed;
        view.spec = Some(spec);
        view.proposal = Some(proposal);
        view.evidence = status
            .map(|status| Evidence { status, failing_before: Some(0), ..Evidence::not_run(&check, "") })
            .into_iter()
            .collect();
        view.second_look = look;
        view
    }

    #[test]
    fn evidence_goes_before_size_and_a_critic_only_breaks_ties() {
        let (green, red) = (Some(CheckStatus::Passed), Some(CheckStatus::Failed));
        let mut failed = TaskView::new("t9");
        failed.state = State::Failed;
        let views = [
            failed,
            view(1, "b\n", red, 0),
            view(2, "b\nc\nd\n", green, 0),
            view(3, "b\n", green, 2),
            view(4, "b\n", green, 1),
            view(5, "b\n", None, 0),
        ];
        let ranked = rank(&views);
        let order: Vec<&str> = ranked.iter().map(|one| one.task.as_str()).collect();
        assert_eq!(order, ["t4", "t3", "t2", "t5", "t1", "t9"]);
        assert!(!ranked[5].is_open && ranked[0].warnings == 0 && ranked[0].lines == 2, "{ranked:#?}");
    }

    #[test]
    fn a_contest_shares_its_budget() {
        let spec = view(1, "b\n", None, 0).spec.unwrap();
        let specs = specs(&spec, 4);
        assert_eq!(specs.len(), 4);
        assert_eq!(specs[3].budget.usd, spec.budget.usd.map(|usd| usd / 4.0));
        assert_eq!(specs[3].contest.as_ref().map(|contest| (contest.number, contest.of)), Some((4, 4)));
        assert_eq!(specs[0].contest.as_ref().unwrap().group, specs[3].contest.as_ref().unwrap().group);
    }
}
