//! `galley review`: the latest proposal of a workspace in the terminal, hunk by hunk, or decided by the command's flags.

use galley_agent::event::State;
use galley_agent::view::TaskView;
use galley_review::{HunkId, HunkState, Proposal};
use serde_json::json;

use super::review::{self, Decisions};
use super::run;
use super::session::Session;
use super::task::views;
use super::terminal::{Style, can_ask, print};
use super::{DONE, FAILED, ReviewArgs, USAGE, fail};

/// `galley review`
pub fn command(args: &ReviewArgs) -> i32 {
    let session = match Session::open(&args.root) {
        Ok(session) => session,
        Err(error) => return fail(USAGE, &error),
    };
    let views = match views(&session, args.task.as_deref()) {
        Ok(views) => views,
        Err(error) => return fail(FAILED, &error),
    };
    let Some(view) = views.into_iter().rfind(|view| view.state == State::Proposed) else {
        return fail(FAILED, "there is no proposal to review in this workspace");
    };
    let snapshot = session.workspace.snapshot();
    let left = galley_agent::decisions::as_left(&view, &snapshot);
    let Some(mut proposal) = left else {
        return fail(FAILED, "the proposal is not in the journal");
    };
    let style = Style::of_stdout();
    if args.decides() {
        return match decided(args, &mut proposal) {
            Ok(decisions) => run::settle(&session, &view, &mut proposal, &decisions, style, args.json),
            Err(error) => fail(USAGE, &error),
        };
    }
    if args.json {
        print_hunks(&view, &proposal);
        return DONE;
    }
    if !can_ask() {
        print(&galley_review::render::unified(&proposal));
        return DONE;
    }
    let decisions = review::review(&mut proposal, &view, style);
    let status = run::settle(&session, &view, &mut proposal, &decisions, style, false);
    match run::revision(&proposal, &decisions) {
        Some(message) => run::revise(&session, &view, message, style),
        None => status,
    }
}

/// The decisions that the flags make.
///
/// # Errors
/// Words for the person: a hunk that there is not.
fn decided(args: &ReviewArgs, proposal: &mut Proposal) -> Result<Decisions, String> {
    let known = |id: &String| {
        let id = HunkId(id.clone());
        let found = proposal.hunk(&id).map(|(_, hunk)| hunk.state);
        match found {
            Some(HunkState::Pending | HunkState::Conflicted) => Ok(id),
            Some(state) => Err(format!("hunk {id} is {state} already")),
            None => Err(format!("there is no hunk {id}; `galley review --json` lists them")),
        }
    };
    let mut accepted: Vec<HunkId> = args.accept.iter().map(known).collect::<Result<_, _>>()?;
    let mut rejected: Vec<HunkId> = args.reject.iter().map(known).collect::<Result<_, _>>()?;
    if args.accept_all {
        let pending = proposal.pending().map(|(_, hunk)| hunk.id.clone());
        accepted.extend(pending.filter(|id| !rejected.contains(id)));
    }
    if args.reject_all {
        let open = proposal.all().filter(|(_, hunk)| hunk.is_open()).map(|(_, hunk)| hunk.id.clone());
        rejected.extend(open.filter(|id| !accepted.contains(id)));
    }
    accepted.dedup();
    // Those that need a rejected one go with it.
    let rejected = if rejected.is_empty() { rejected } else { proposal.reject(&rejected) };
    accepted.retain(|id| !rejected.contains(id));
    let left = proposal.all().any(|(_, hunk)| hunk.is_open() && !accepted.contains(&hunk.id));
    Ok(Decisions {
        accepted,
        rejected: rejected.into_iter().map(|id| (id, None)).collect(),
        left,
        ..Decisions::default()
    })
}

fn print_hunks(view: &TaskView, proposal: &Proposal) {
    let prices = view.prices.of(proposal);
    for (file, hunk) in proposal.all() {
        let line = json!({
            "task": view.task, "hunk": hunk.id.0, "path": file.path.as_str(), "state": hunk.state.to_string(),
            "before": hunk.before, "after": hunk.after, "reason": hunk.reason, "partial": proposal.partial,
            "usd": prices.get(&hunk.id),
        });
        print(&format!("{line}\n"));
    }
}
