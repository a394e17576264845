//! What is shown of a task: the fold of its events. Nothing else holds a task's state, so a live view, a view after a crash
//! and a view in another editor are the same.

use std::collections::BTreeMap;

use galley_model::{Reply, Usage};
use galley_review::Proposal;

use crate::aside::Phase;
use crate::event::{Checkpoint, PlanItem, Speaker, State, TaskEvent, Verdict};
use crate::order::Queue;
use crate::price::Prices;
use crate::scope::ScopeSpec;
use crate::task::{Budget, TaskSpec};
use crate::verify::Evidence;
use crate::worked::Worked;

/// A task as it stands after some number of its events.
#[derive(Debug, Clone)]
pub struct TaskView {
    /// The task's id.
    pub task: String,
    /// What was asked for; `None` until the first event was seen.
    pub spec: Option<TaskSpec>,
    /// `provider/model`.
    pub model: String,
    /// Whether the replies come from a recording.
    pub recorded: bool,
    /// Where it stands.
    pub state: State,
    /// One line: what happens now.
    pub activity: String,
    /// The plan.
    pub plan: Vec<PlanItem>,
    /// What its last replanning changed, as lines that begin with `+`, `-` or `~`.
    pub plan_changes: Vec<String>,
    /// What the plan reaches beyond what it names, a line a symbol.
    pub touches: Vec<String>,
    /// Orders that wait to be taken.
    pub queue: Queue,
    /// What it may change now.
    pub scope: ScopeSpec,
    /// Its limits, if they were changed.
    pub budget: Option<Budget>,
    /// What the person was told: warnings, shortened conversations, broken caches.
    pub notes: Vec<String>,
    /// State and activity at the question that waits for its answer.
    before_question: Option<(State, String)>,
    /// How often its conversation was shortened.
    pub compactions: u32,
    /// The steps, one for each tool call.
    pub steps: Vec<StepView>,
    /// Tokens over all turns.
    pub usage: Usage,
    /// US dollars over all turns; `None` while no price is known.
    pub usd: Option<f64>,
    /// What the turns in each state cost, in the order in which these were first entered.
    pub by_state: Vec<StateCost>,
    /// What was spent by what it was for: tokens, and US dollars where a price is known.
    pub phases: BTreeMap<Phase, (Usage, Option<f64>)>,
    /// What its edits cost.
    pub prices: Prices,
    /// Turns taken.
    pub turns: u32,
    /// The proposal as it was made. The review's live state is kept by its front.
    pub proposal: Option<Proposal>,
    /// Evidence of the proposal, or of the last checks.
    pub evidence: Vec<Evidence>,
    /// Whether it went on from a review: the person made something of its proposal.
    pub continued: bool,
    /// What a critic noted of the change; the proposal's warnings hold it, too.
    pub second_look: Vec<String>,
    /// What was applied and can be taken back, oldest first.
    pub checkpoints: Vec<Checkpoint>,
    /// What was about to be applied and was not told of since: the texts tell whether it is there.
    pub applying: Vec<Intent>,
    /// The decisions on hunks that the proposal itself does not know of yet, in order.
    pub decisions: Vec<(Vec<galley_review::HunkId>, crate::event::Verdict, Option<String>)>,
    /// How many of these a task knew when it went on.
    known_decisions: usize,
    /// The last check of what was accepted: hunks, results, hunks that it lacks.
    pub subset: Option<(Vec<galley_review::HunkId>, Vec<Evidence>, Vec<galley_review::HunkId>)>,
    /// Steers of the person's, in order.
    pub steers: Vec<String>,
    /// The closing sentence: summary or error.
    pub message: Option<String>,
    /// Time of the first event, milliseconds since the epoch.
    pub created_ms: i64,
    /// Time of the last event, milliseconds since the epoch.
    pub updated_ms: i64,
    /// How long it ran.
    pub worked: Worked,
}

/// What the turns in one state of a task cost.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StateCost {
    /// The state.
    pub state: State,
    /// Turns taken in it.
    pub turns: u32,
    /// Their tokens.
    pub usage: Usage,
    /// Their US dollars; `None` while no price is known.
    pub usd: Option<f64>,
}

/// A change on its way to the person's files.
#[derive(Debug, Clone, PartialEq)]
pub struct Intent {
    /// The hunks that it accepts; none when checkpoints are taken back.
    pub hunks: Vec<galley_review::HunkId>,
    /// What it changes.
    pub checkpoint: Checkpoint,
    /// The checkpoints that it takes back.
    pub takes_back: Vec<String>,
}

/// One tool call as a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepView {
    /// Number of the round, from 1; the calls of one reply share it.
    pub step: u32,
    /// The provider's id of the call.
    pub call_id: String,
    /// The tool.
    pub tool: String,
    /// One line: what is done, then what came out.
    pub summary: String,
    /// Whether it still runs, and how it ended.
    pub state: StepState,
    /// Milliseconds, 0 while it runs.
    pub ms: u64,
    /// What the model was told.
    pub detail: Option<String>,
}

/// How far a step is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepState {
    /// Still at work.
    Running,
    /// Ended well.
    Ok,
    /// Ended with an error that the model was told.
    Error,
}

impl TaskView {
    /// The view of a task before its first event.
    pub fn new(task: impl Into<String>) -> TaskView {
        TaskView {
            task: task.into(),
            spec: None,
            model: String::new(),
            recorded: false,
            state: State::Queued,
            activity: String::new(),
            plan: Vec::new(),
            plan_changes: Vec::new(),
            touches: Vec::new(),
            queue: Queue::default(),
            scope: ScopeSpec::default(),
            budget: None,
            notes: Vec::new(),
            before_question: None,
            compactions: 0,
            steps: Vec::new(),
            usage: Usage::default(),
            usd: None,
            by_state: Vec::new(),
            phases: BTreeMap::new(),
            prices: Prices::default(),
            turns: 0,
            proposal: None,
            evidence: Vec::new(),
            continued: false,
            second_look: Vec::new(),
            checkpoints: Vec::new(),
            applying: Vec::new(),
            decisions: Vec::new(),
            known_decisions: 0,
            subset: None,
            steers: Vec::new(),
            message: None,
            created_ms: 0,
            updated_ms: 0,
            worked: Worked::default(),
        }
    }

    /// Whether the task can be gone on with although it does not run: it did not come to the end of its work, whether its
    /// process died, its model could not be reached, a limit was met, or the person stopped it.
    pub fn can_go_on(&self) -> bool {
        match self.state {
            State::Interrupted | State::Failed | State::Cancelled => true,
            State::Proposed => self.proposal.as_ref().is_some_and(|proposal| proposal.partial),
            _ => false,
        }
    }

    /// Takes one more event in.
    pub fn apply(&mut self, at_ms: i64, event: &TaskEvent) {
        if self.created_ms == 0 {
            self.created_ms = at_ms;
        }
        self.updated_ms = at_ms;
        self.worked.apply(at_ms, event);
        match event {
            TaskEvent::Started { spec, model, recorded, .. } => {
                self.spec = Some(spec.clone());
                self.scope = spec.scope_spec();
                self.model.clone_from(model);
                self.recorded = *recorded;
            }
            TaskEvent::State { state, activity } => {
                self.state = *state;
                self.activity.clone_from(activity);
            }
            TaskEvent::Said { text, by } => {
                if *by == Speaker::Person {
                    self.steers.push(text.clone());
                }
            }
            TaskEvent::Reply { reply, usd } => {
                self.turns += 1;
                self.usage += reply.usage;
                self.usd = add_usd(self.usd, *usd);
                self.add_to_state(reply.usage, *usd);
                self.spend(Phase::Work, &reply.usage, *usd);
                self.prices.replied(*usd);
            }
            TaskEvent::Edited { path, new, .. } => self.prices.edited(path, new),
            TaskEvent::Switched { to, reason, .. } => {
                self.model.clone_from(to);
                self.activity = format!("{to} took over: {reason}");
            }
            TaskEvent::CallBegan { step, call_id, tool, summary } => self.steps.push(StepView {
                step: *step,
                call_id: call_id.clone(),
                tool: tool.clone(),
                summary: summary.clone(),
                state: StepState::Running,
                ms: 0,
                detail: None,
            }),
            TaskEvent::CallEnded { call_id, output, is_error, summary, ms, .. } => {
                self.end_step(call_id, output, *is_error, summary, *ms)
            }
            TaskEvent::Plan { items, touches } => {
                let changed = crate::plan::diff(&self.plan, items);
                if !changed.is_empty() && !self.plan.is_empty() {
                    self.plan_changes = changed;
                }
                if !touches.is_empty() || self.plan.is_empty() {
                    self.touches.clone_from(touches);
                }
                self.plan.clone_from(items);
            }
            TaskEvent::Ordered { queued } => self.queue.put(queued.clone()),
            TaskEvent::Taken { id } => self.queue.taken(id),
            TaskEvent::Scoped { scope, .. } => self.scope = scope.clone(),
            TaskEvent::Budgeted { budget } => self.budget = Some(*budget),
            TaskEvent::Warned { text } => self.notes.push(text.clone()),
            TaskEvent::PrefixBroken { cause } => {
                self.notes.push(format!("the provider's cache starts anew: {cause}"))
            }
            TaskEvent::Compacted { before, after, cause, .. } => {
                self.compactions += 1;
                self.notes
                    .push(format!("the conversation was shortened from {before} to {after} tokens: {cause}"));
            }
            TaskEvent::Approved { .. } | TaskEvent::Forked { .. } | TaskEvent::Candidate { .. } => {}
            TaskEvent::Resumed { .. } => {
                // A question of the process that died is asked anew.
                self.before_question = None;
                self.state = State::Queued;
                "goes on".clone_into(&mut self.activity);
                self.message = None;
            }
            TaskEvent::Aside { phase, reply, usd, key, .. } => {
                self.usage += reply.usage;
                self.usd = add_usd(self.usd, *usd);
                self.spend(*phase, &reply.usage, *usd);
                self.sub_replied(key, reply);
            }
            TaskEvent::SubBegan { step, sub, phase, ask } => self.begin_sub(*step, sub, *phase, ask),
            TaskEvent::SubEnded { sub, output, is_error, summary, ms } => {
                self.end_step(sub, output, *is_error, summary, *ms);
            }
            TaskEvent::Looked { notes, .. } => self.second_look.clone_from(notes),
            TaskEvent::Checked { evidence } => {
                self.evidence.retain(|known| known.check != evidence.check);
                self.evidence.push(evidence.clone());
            }
            TaskEvent::Asked { text, .. } => {
                self.before_question = Some((self.state, self.activity.clone()));
                self.state = State::Waiting;
                self.activity = text.lines().next().unwrap_or_default().to_owned();
            }
            TaskEvent::Answered { .. } => {
                if let Some((state, activity)) = self.before_question.take() {
                    (self.state, self.activity) = (state, activity);
                }
            }
            TaskEvent::Proposed { proposal, evidence, summary } => {
                self.state = State::Proposed;
                self.activity = "waits for review".to_owned();
                self.proposal = Some(proposal.clone());
                self.evidence.clone_from(evidence);
                self.message = Some(summary.clone());
                // A revised proposal holds what was decided before the task went on.
                let known = std::mem::take(&mut self.known_decisions).min(self.decisions.len());
                self.decisions.drain(..known);
            }
            TaskEvent::Continued { .. } => {
                self.continued = true;
                self.known_decisions = self.decisions.len();
            }
            TaskEvent::Decided { hunks, verdict, text } => {
                if *verdict == Verdict::Reopened && self.state == State::Done {
                    self.state = State::Proposed;
                    self.activity = "waits for review".to_owned();
                }
                self.decisions.push((hunks.clone(), *verdict, text.clone()));
            }
            TaskEvent::Applying { hunks, checkpoint, takes_back } => self.applying.push(Intent {
                hunks: hunks.clone(),
                checkpoint: checkpoint.clone(),
                takes_back: takes_back.clone(),
            }),
            TaskEvent::Applied { checkpoint, paths, .. } => {
                let told = self.intended(&checkpoint.id, paths);
                let told = if checkpoint.files.is_empty() { told } else { None };
                self.checkpoints.push(told.unwrap_or_else(|| checkpoint.clone()));
            }
            TaskEvent::RolledBack { checkpoint, made, paths, .. } => {
                let intent = made
                    .as_ref()
                    .and_then(|made| self.applying.iter().find(|known| known.checkpoint.id == *made));
                let mut gone = intent.map(|intent| intent.takes_back.clone()).unwrap_or_default();
                gone.push(checkpoint.clone());
                self.checkpoints.retain(|known| !gone.contains(&known.id));
                let told = made.as_ref().and_then(|made| self.intended(made, paths));
                self.checkpoints.extend(told);
            }
            TaskEvent::SubsetChecked { hunks, evidence, lacks } => {
                self.subset = Some((hunks.clone(), evidence.clone(), lacks.clone()));
            }
            TaskEvent::Ended { state, message } => {
                self.state = *state;
                self.activity.clear();
                self.message = Some(message.clone());
            }
        }
    }

    fn add_to_state(&mut self, usage: Usage, usd: Option<f64>) {
        let state = self.state;
        let at = self.by_state.iter().position(|known| known.state == state).unwrap_or_else(|| {
            self.by_state.push(StateCost { state, turns: 0, usage: Usage::default(), usd: None });
            self.by_state.len() - 1
        });
        let cost = &mut self.by_state[at];
        cost.turns += 1;
        cost.usage += usage;
        cost.usd = add_usd(cost.usd, usd);
    }

    fn spend(&mut self, phase: Phase, usage: &Usage, usd: Option<f64>) {
        let spent = self.phases.entry(phase).or_default();
        spent.0 += *usage;
        spent.1 = add_usd(spent.1, usd);
    }

    /// A sub-task is a step of its own; one that is taken up again after a kill is the same.
    fn begin_sub(&mut self, step: u32, sub: &str, phase: Phase, ask: &str) {
        if self.steps.iter().any(|known| known.call_id == sub) {
            return;
        }
        let ask = ask.lines().next().unwrap_or_default();
        self.steps.push(StepView {
            step,
            call_id: sub.to_owned(),
            tool: phase.word().to_owned(),
            summary: format!("{}: {ask}", phase.word()),
            state: StepState::Running,
            ms: 0,
            detail: None,
        });
    }

    /// What a sub-task does now.
    fn sub_replied(&mut self, sub: &str, reply: &Reply) {
        let Some(call) = reply.calls.first() else { return };
        if let Some(known) = self.steps.iter_mut().rev().find(|known| known.call_id == sub) {
            known.summary = format!("{}: {}", known.tool, crate::tools::announce(call));
        }
    }

    /// The checkpoint of an intent, which is settled by this: the files that were changed.
    fn intended(&mut self, id: &str, paths: &[String]) -> Option<Checkpoint> {
        let at = self.applying.iter().position(|known| known.checkpoint.id == id)?;
        let mut checkpoint = self.applying.remove(at).checkpoint;
        checkpoint.files.retain(|file| paths.contains(&file.path));
        Some(checkpoint)
    }

    fn end_step(&mut self, call_id: &str, output: &str, is_error: bool, summary: &str, ms: u64) {
        if let Some(known) = self.steps.iter_mut().rev().find(|known| known.call_id == call_id) {
            known.state = if is_error { StepState::Error } else { StepState::Ok };
            known.summary = summary.to_owned();
            known.ms = ms;
            known.detail = Some(output.to_owned());
        }
    }
}

/// The sum of two prices; one that is not known adds nothing.
pub(crate) fn add_usd(sum: Option<f64>, more: Option<f64>) -> Option<f64> {
    match (sum, more) {
        (Some(sum), Some(more)) => Some(sum + more),
        (sum, more) => sum.or(more),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_runs_then_ends() {
        let mut view = TaskView::new("t1");
        view.apply(
            5,
            &TaskEvent::CallBegan {
                step: 1,
                call_id: "c".into(),
                tool: "read".into(),
                summary: "read src/lib.rs".into(),
            },
        );
        assert_eq!(view.steps[0].state, StepState::Running);
        view.apply(
            9,
            &TaskEvent::CallEnded {
                step: 1,
                call_id: "c".into(),
                tool: "read".into(),
                free_text: false,
                output: "text".into(),
                is_error: false,
                summary: "read src/lib.rs, 40 lines".into(),
                ms: 4,
                overlay: None,
                partial: false,
                reverted: Vec::new(),
            },
        );
        assert_eq!(view.steps[0].state, StepState::Ok);
        assert_eq!((view.created_ms, view.updated_ms), (5, 9));
    }

    #[test]
    fn an_unknown_price_is_not_nothing() {
        assert_eq!(add_usd(None, None), None);
        assert_eq!(add_usd(None, Some(0.25)), Some(0.25));
    }
}
