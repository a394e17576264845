//! From the agent's and the review's own values to the protocol's.

use galley_agent::event::{PlanItem, PlanState};
use galley_agent::verify::{CheckStatus, Evidence};
use galley_agent::view::{StepState, StepView, TaskView};
use galley_review::{FileKind, FileProposal, Hunk};
use galley_text::position::{self, PositionEncoding};
use ropey::Rope;
use tower_lsp::lsp_types;

use super::reviews::{Proof, Review};
use crate::protocol;

/// A byte range of a text as positions.
pub fn range(rope: &Rope, bytes: &std::ops::Range<usize>, encoding: PositionEncoding) -> protocol::Range {
    let at = |offset: usize| {
        let position = position::to_position(rope, offset.min(rope.len_bytes()), encoding);
        protocol::Position { line: position.line, character: position.character }
    };
    protocol::Range { start: at(bytes.start), end: at(bytes.end) }
}

/// The same range in the types of the language server protocol.
pub fn lsp_range(range: protocol::Range) -> lsp_types::Range {
    let at = |position: protocol::Position| lsp_types::Position {
        line: position.line,
        character: position.character,
    };
    lsp_types::Range { start: at(range.start), end: at(range.end) }
}

/// A task as it is shown.
pub fn task(view: &TaskView, proposal: Option<String>) -> protocol::Task {
    protocol::Task {
        task: view.task.clone(),
        title: view.spec.as_ref().map(|spec| spec.title.clone()).unwrap_or_default(),
        goal: view.spec.as_ref().map(|spec| spec.goal.clone()).unwrap_or_default(),
        state: view.state.word().to_owned(),
        activity: view.activity.clone(),
        plan: view.plan.iter().map(plan_item).collect(),
        plan_changes: view.plan_changes.clone(),
        touches: view.touches.clone(),
        queue: view.queue.iter().map(waiting).collect(),
        scope: scope(&view.scope),
        notes: view.notes.clone(),
        steps: view.steps.iter().map(step).collect(),
        usage: usage(&view.usage, view.usd),
        phases: view.by_state.iter().map(phase).collect(),
        model: view.model.clone(),
        recorded: view.recorded,
        resumable: view.state == galley_agent::event::State::Paused || view.can_go_on(),
        proposal,
        message: view.message.clone(),
        created_ms: view.created_ms,
        updated_ms: view.updated_ms,
        worked_ms: view.worked.ms(),
    }
}

fn usage(usage: &galley_model::Usage, usd: Option<f64>) -> protocol::Usage {
    protocol::Usage {
        input: usage.input,
        cached: usage.cached,
        output: usage.output,
        reasoning: usage.reasoning,
        usd,
    }
}

fn phase(phase: &galley_agent::view::StateCost) -> protocol::Phase {
    protocol::Phase {
        phase: phase.state.word().to_owned(),
        turns: phase.turns,
        usage: usage(&phase.usage, phase.usd),
    }
}

fn waiting(queued: &galley_agent::Queued) -> protocol::WaitingMessage {
    use galley_agent::Order;
    let text = match &queued.order {
        Order::Say { text } => text.clone(),
        Order::Budget { .. } => "another budget".to_owned(),
        Order::Scope { scope } => format!("another scope: {scope}"),
        Order::Model { model } => format!("another model: {model}"),
        Order::Plan { .. } => "another plan".to_owned(),
        Order::Pause | Order::Resume | Order::Stop | Order::Reword { .. } | Order::Remove { .. } => {
            String::new()
        }
    };
    protocol::WaitingMessage { message: queued.id.clone(), text }
}

fn scope(scope: &galley_agent::ScopeSpec) -> protocol::ScopeParams {
    protocol::ScopeParams {
        paths: scope.paths.clone(),
        also: scope.also.clone(),
        symbols: scope.symbols.clone(),
        lines: scope.lines,
        protect: scope.protect.iter().map(|class| class.name().to_owned()).collect(),
    }
}

/// A plan as the protocol writes it, read. An unknown state is pending.
pub fn plan_items(items: &[protocol::PlanItem]) -> Vec<PlanItem> {
    let item = |item: &protocol::PlanItem| PlanItem {
        text: item.text.clone(),
        state: match item.state.as_str() {
            "active" => PlanState::Active,
            "done" => PlanState::Done,
            "dropped" => PlanState::Dropped,
            _ => PlanState::Pending,
        },
        items: plan_items(&item.items),
    };
    items.iter().filter(|item| !item.text.trim().is_empty()).map(item).collect()
}

fn plan_item(item: &PlanItem) -> protocol::PlanItem {
    let state = match item.state {
        PlanState::Pending => "pending",
        PlanState::Active => "active",
        PlanState::Done => "done",
        PlanState::Dropped => "dropped",
    };
    protocol::PlanItem {
        text: item.text.clone(),
        state: state.to_owned(),
        items: item.items.iter().map(plan_item).collect(),
    }
}

fn step(view: &StepView) -> protocol::Step {
    let state = match view.state {
        StepState::Running => "running",
        StepState::Ok => "ok",
        StepState::Error => "error",
    };
    protocol::Step {
        step: view.step,
        tool: view.tool.clone(),
        summary: view.summary.clone(),
        state: state.to_owned(),
        ms: view.ms,
        detail: view.detail.as_ref().map(|detail| detail.chars().take(4_000).collect()),
    }
}

/// Evidence as it is shown.
pub fn evidence(evidence: &Evidence, stale: bool) -> protocol::Evidence {
    let status = match evidence.status {
        CheckStatus::Passed => "passed",
        CheckStatus::Failed => "failed",
        CheckStatus::NotRun => "notRun",
    };
    protocol::Evidence {
        check: evidence.check.clone(),
        command: evidence.command.clone(),
        exit_code: evidence.exit_code,
        status: status.to_owned(),
        summary: evidence.summary.clone(),
        fixed: evidence.fixed.clone(),
        newly_failing: evidence.newly_failing.clone(),
        still_failing: evidence.still_failing.clone(),
        flaky: evidence.flaky.clone(),
        gone: evidence.gone.clone(),
        seconds: evidence.seconds,
        sandbox: evidence.sandbox.clone(),
        hash: evidence.hash.clone(),
        stale,
    }
}

/// The check of what was accepted, as it is shown.
pub fn accepted_checks(review: &Review) -> Option<protocol::AcceptedChecks> {
    let checks = review.accepted_checks.as_ref()?;
    let state = match checks.proof {
        Proof::Running => "running",
        Proof::Passed => "passed",
        Proof::Failed => "failed",
        Proof::NotRun => "notRun",
    };
    Some(protocol::AcceptedChecks {
        state: state.to_owned(),
        summary: review.accepted_words(checks),
        hunks: checks.hunks.iter().map(|id| id.0.clone()).collect(),
        lacks: checks.lacks.iter().map(|id| id.0.clone()).collect(),
    })
}

/// The word for what a proposal does to a file.
pub fn kind(kind: &FileKind) -> &'static str {
    match kind {
        FileKind::Modify => "modify",
        FileKind::Add => "add",
        FileKind::Delete => "delete",
        FileKind::Move { .. } => "move",
    }
}

/// A hunk as it is shown.
pub fn hunk(review: &Review, file: &FileProposal, hunk: &Hunk, encoding: PositionEncoding) -> protocol::Hunk {
    let (number, of) = review.proposal.number(&hunk.id).unwrap_or((0, 0));
    protocol::Hunk {
        hunk: hunk.id.0.clone(),
        number,
        of,
        state: hunk.state.as_str().to_owned(),
        whole_file: galley_review::render::whole_file(file, hunk),
        range: range(&file.current, &hunk.range, encoding),
        before: hunk.before.clone(),
        after: hunk.after.clone(),
        reason: hunk.reason.clone(),
        requires: hunk.requires.iter().map(|id| id.0.clone()).collect(),
        needed_by: review.needed_by(&hunk.id).into_iter().map(|id| id.0).collect(),
        reviewed: hunk.reviewed,
        edited: hunk.edited,
        comment: review.comments.get(&hunk.id).cloned(),
        merged_by_token: hunk.merged_by_token,
        conflict: hunk.conflict.as_ref().map(|sides| protocol::Conflict {
            base: sides.base.clone(),
            yours: sides.yours.clone(),
            theirs: sides.theirs.clone(),
        }),
    }
}
