//! Checks of exactly the hunks that were accepted, before they are written or after, as configured.

use galley_agent::decisions;
use galley_agent::event::TaskEvent;
use galley_agent::proof::{self, Which};
use galley_agent::verify::{Bench, CheckStatus};
use galley_agent::view::TaskView;
use galley_review::{AcceptFile, HunkId, HunkState, Proposal};
use galley_workspace::Overlay;

use super::live;
use super::session::Session;
use super::terminal::{Style, key, print};
use crate::config::CheckTime;

/// What checks said of some hunks.
struct Proved {
    red: bool,
    /// Lines for the person.
    text: String,
}

/// Whether hunks may be written: where they are checked before, they are green, or the person wants them all the same.
pub fn may_apply(
    session: &Session,
    view: &TaskView,
    proposal: &Proposal,
    files: &[AcceptFile],
    style: Style,
) -> bool {
    if session.settings.review.check != CheckTime::Before || view.evidence.is_empty() {
        return true;
    }
    let mut overlay = Overlay::new(session.workspace.snapshot());
    if decisions::lay(&mut overlay, files).is_err() || is_as_checked(view, &overlay) {
        return true;
    }
    let mut hunks = accepted(proposal);
    hunks.extend(files.iter().flat_map(|file| file.hunks.iter().cloned()));
    let Some(proved) = prove(session, view, proposal, &hunks, &overlay, style) else { return true };
    print(&proved.text);
    !proved.red || key(&style.yellow("These hunks fail alone; apply them all the same [y,n]? ")) == Some('y')
}

/// Whether what is in the files now is what the checks ran on; where it is only some of the hunks, exactly these are checked.
pub fn applied(
    session: &Session,
    view: &TaskView,
    proposal: &Proposal,
    accepted: &[HunkId],
    style: Style,
) -> String {
    let overlay = Overlay::new(session.workspace.snapshot());
    let hash: String = overlay.content_hash().chars().take(8).collect();
    let same = || format!("{} what was applied is what was checked, content {hash}…\n", style.green("●"));
    if is_as_checked(view, &overlay) {
        return same();
    }
    let proved = match session.settings.review.check {
        CheckTime::Off => None,
        CheckTime::Before if !view.evidence.is_empty() => return same(),
        CheckTime::Before | CheckTime::After => prove(session, view, proposal, accepted, &overlay, style),
    };
    proved.map_or_else(
        || {
            let told = format!("content {hash}… was not checked as it is now: run the checks again\n");
            format!("{} {told}", style.yellow("●"))
        },
        |proved| proved.text,
    )
}

fn accepted(proposal: &Proposal) -> Vec<HunkId> {
    let is_accepted = |hunk: &galley_review::Hunk| hunk.state == HunkState::Accepted;
    proposal.all().filter(|(_, hunk)| is_accepted(hunk)).map(|(_, hunk)| hunk.id.clone()).collect()
}

fn is_as_checked(view: &TaskView, overlay: &Overlay) -> bool {
    let now = overlay.content_hash();
    !view.evidence.is_empty() && view.evidence.iter().all(|evidence| evidence.hash == now)
}

/// Runs the checks on a content in which these hunks are accepted; `None` where nothing can be run.
fn prove(
    session: &Session,
    view: &TaskView,
    proposal: &Proposal,
    hunks: &[HunkId],
    overlay: &Overlay,
    style: Style,
) -> Option<Proved> {
    let bench = Bench {
        state_dir: session.journal.state_dir().to_path_buf(),
        level: galley_exec::probe(),
        network: session.settings.sandbox.network.granted(),
    };
    if view.evidence.is_empty() || !(bench.level.is_sandboxed() || session.settings.sandbox.unsandboxed) {
        return None;
    }
    print(&style.dim("  … checking exactly what was accepted\n"));
    let all = proposal.pending().all(|(_, hunk)| hunks.contains(&hunk.id));
    let which = if all {
        Which::Named(view.evidence.iter().map(|evidence| evidence.check.clone()).collect())
    } else {
        Which::Fast
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
    let cancel = tokio_util::sync::CancellationToken::new();
    let found = runtime.block_on(proof::prove(bench, overlay, &which, &cancel)).ok()?;
    let red = found.iter().any(|one| one.status == CheckStatus::Failed && !proof::holds(one, &view.evidence));
    let lacks = if red { proof::lacks(proposal, hunks, &found) } else { Vec::new() };
    let mut text: String = found.iter().map(|one| format!("{}\n", live::evidence(one, style))).collect();
    if !lacks.is_empty() {
        let told = format!("the accepted hunks lack hunk {}", numbers(proposal, &lacks));
        text.push_str(&format!("{}\n", style.red(&told)));
    }
    let event = TaskEvent::SubsetChecked { hunks: hunks.to_vec(), evidence: found, lacks };
    let now = galley_agent::clock::now_ms();
    if let Err(error) = galley_agent::record_in(&session.journal, &view.task, &event, now) {
        text.push_str(&format!("{}\n", style.yellow(&error.to_string())));
    }
    Some(Proved { red, text })
}

fn numbers(proposal: &Proposal, ids: &[HunkId]) -> String {
    let mut numbers: Vec<usize> =
        ids.iter().filter_map(|id| proposal.number(id)).map(|(number, _)| number).collect();
    numbers.sort_unstable();
    numbers.iter().map(usize::to_string).collect::<Vec<_>>().join(", ")
}
