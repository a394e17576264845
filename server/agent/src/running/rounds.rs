//! The rounds of a task: ask the model, run what it calls, answer, again.

use std::sync::Arc;
use std::time::Instant;

use galley_model::{Client, Item, ModelError, Reply, Request, Stop, Switch, ToolCall, Usage};
use galley_workspace::Edits;

use super::candidate::Candidate;
use super::control::Control;
use super::ending;
use super::looking::Look;
use crate::aside::{self, Allowance};
use crate::budget::{self, Estimate, Reserved, Spent};
use crate::compact::item_bytes;
use crate::event::{PlanItem, PlanState, Speaker, State, TaskEvent};
use crate::repetition::{Advice, Repetition};
use crate::services::Services;
use crate::tools::{self, Answer, Context, Finish, Set};
use crate::transcript::Past;
use crate::view::add_usd;

/// The working state of the loop.
pub(super) struct Rounds {
    pub(super) context: Context,
    pub(super) past: Past,
    pub(super) control: Arc<Control>,
    pub(super) client: Arc<Client>,
    pub(super) repairs: u32,
    /// The best of what was verified so far.
    pub(super) best: Option<Candidate>,
    /// What is offered if the task ends now: the best that was verified, also on the way.
    pub(super) kept: Option<Candidate>,
    /// What the critic's look came to, once there was one.
    pub(super) look: Option<Look>,
    pub(super) plan: Vec<PlanItem>,
    /// Bytes of the conversation as it would be sent now.
    pub(super) bytes: usize,
    /// Input tokens that the provider counted last, with the bytes that these were.
    pub(super) counted: Option<(u64, usize)>,
    /// How often in a row the conversation was shortened without a reply in between.
    pub(super) shortened: u32,
    /// The order that approved the plan, to be recorded with what comes of it.
    pub(super) approved_by: Vec<TaskEvent>,
    recorded: Edits,
    repetition: Repetition,
    nudged: bool,
    cut: u32,
    pub(super) warned: bool,
    pub(super) spent: Spent,
    began: Instant,
    state: State,
}

/// How a round ended.
pub(super) enum Next {
    /// Go on with another.
    Again,
    /// The task is over.
    Over,
}

/// How often a reply that the output limit cut is asked for again.
const CUTS: u32 = 2;

impl Rounds {
    pub(super) fn new(context: Context, past: Past, control: Arc<Control>) -> Rounds {
        let spent = spent_before(&context.task, &past, &context.services);
        let bytes = past.items.iter().map(item_bytes).sum::<usize>() + past.frozen_bytes();
        let mut rounds = Rounds {
            client: context.services.client.clone(),
            look: past.look.clone().map(Look::from_past),
            plan: past.plan.clone(),
            recorded: context.overlay.edits(),
            context,
            past,
            control,
            repairs: 0,
            best: None,
            kept: None,
            bytes,
            counted: None,
            shortened: 0,
            approved_by: Vec::new(),
            repetition: Repetition::default(),
            nudged: false,
            cut: 0,
            warned: false,
            spent,
            began: Instant::now(),
            state: State::Queued,
        };
        rounds.repairs = rounds.past.repairs;
        rounds.best = rounds.past.best.as_ref().map(|best| rounds.candidate_of(best));
        rounds.kept = rounds.past.kept.as_ref().map(|kept| rounds.candidate_of(kept));
        if let (Some(best), Some(look)) = (&mut rounds.best, &rounds.look) {
            best.standing = look.standing();
        }
        if let Some(model) = rounds.past.chosen_model.clone()
            && let Ok(client) = (rounds.context.services.client_for)(&model)
        {
            rounds.client = client;
        }
        rounds
    }

    /// Runs the task to its end.
    pub(super) async fn run(mut self) {
        // An interrupted round goes on where it stood: its reply is paid for and in the journal.
        if let Next::Over = self.take_up().await {
            return;
        }
        while let Next::Again = self.round().await {}
    }

    async fn round(&mut self) -> Next {
        if let Next::Over = self.safe_point().await {
            return Next::Over;
        }
        if let Next::Over = self.within_budget().await {
            return Next::Over;
        }
        if let Next::Over = self.within_window().await {
            return Next::Over;
        }
        if self.past.set == Set::Planning {
            self.enter(State::Planning, "waiting for the model");
        } else if self.context.overlay.is_unchanged() {
            self.enter(State::Exploring, "waiting for the model");
        } else {
            self.enter(State::Editing, "waiting for the model");
        }
        match self.exchange().await {
            Ok(Some(reply)) => self.take(reply).await,
            Ok(None) => Next::Again,
            Err(ModelError::Cancelled) => self.stopped().await,
            Err(error) if is_overflow(&error) => self.overflowed(&error).await,
            Err(error) => {
                self.pay_for(&error);
                ending::partial(self, State::Failed, &error.to_string()).await
            }
        }
    }

    /// Where steers, a pause and a stop are taken.
    async fn safe_point(&mut self) -> Next {
        if self.control.is_paused() {
            self.enter(State::Paused, "paused");
            self.control.resumed().await;
        }
        if self.control.stop_token().is_cancelled() {
            return self.stopped().await;
        }
        for queued in self.control.take() {
            self.obey(queued);
        }
        Next::Again
    }

    pub(super) async fn stopped(&mut self) -> Next {
        ending::partial(self, State::Cancelled, "stopped by you").await
    }

    /// Whether a next turn fits the budget; the person is told at four fifths, and asked at the end.
    async fn within_budget(&mut self) -> Next {
        let spent = self.spent_now();
        let elsewhere = budget::elsewhere(&self.context.services, &self.context.task);
        let estimate = self.estimate();
        if !self.warned
            && let Some(warning) = budget::warning(&self.past.budget, &spent, &estimate)
                .or_else(|| budget::warning_all(&self.context.services.purse, &elsewhere, &spent, &estimate))
        {
            self.warned = true;
            self.context.record(&TaskEvent::Warned { text: warning });
        }
        let refused = budget::check(&self.past.budget, &spent, &estimate)
            .and_then(|()| budget::check_all(&self.context.services.purse, &elsewhere, &spent, &estimate));
        let Err(why) = refused else { return Next::Again };
        if let Some(switch) = self.cheaper() {
            self.context.record(&super::exchange::switched(switch));
            return Next::Again;
        }
        let options = [
            ("stop", "Stop here with what there is"),
            ("once", "Allow the next call"),
            ("more", "Allow half as much again"),
        ];
        let title = "The budget of this task is used up. Go on?";
        match self.context.ask(title, &why, &options).await.as_deref() {
            Some("more") => {
                let budget = self.past.budget.larger();
                self.context.record(&TaskEvent::Budgeted { budget });
                self.past.budget = budget;
                self.context.services.purse = self.context.services.purse.larger();
                return Next::Again;
            }
            Some("once") => return Next::Again,
            // Other limits, perhaps; or words to be heard before the question is asked again.
            Some(tools::SPOKEN) => {
                return match self.safe_point().await {
                    Next::Over => Next::Over,
                    Next::Again => Box::pin(self.within_budget()).await,
                };
            }
            _ if self.control.stop_token().is_cancelled() => return self.stopped().await,
            _ => {}
        }
        ending::partial(self, State::Failed, &format!("stopped at its budget: {why}")).await
    }

    /// One request and its reply; `None` when the person's words came in between.
    async fn exchange(&mut self) -> Result<Option<Reply>, ModelError> {
        let request = Request {
            instructions: std::mem::take(&mut self.past.instructions),
            tools: self.past.set.specs(),
            // Lent, not copied: a step costs the same however long the conversation is.
            items: std::mem::take(&mut self.past.items),
            max_output: None,
            effort: None,
            cache_key: Some(self.context.task.clone()),
        };
        let _set_aside = Reserved::new(&self.context.task, self.estimate());
        let outcome =
            super::exchange::ask(&self.context, &self.client.clone(), &self.control, &request).await;
        self.past.instructions = request.instructions;
        self.past.items = request.items;
        outcome
    }

    async fn take(&mut self, reply: Reply) -> Next {
        self.shortened = 0;
        self.counted = (!reply.usage.estimated).then_some((reply.usage.input, self.bytes));
        self.spent.steps += 1;
        self.context.step += 1;
        let usd = self.client.cost(&reply);
        let mut usage = reply.usage;
        usage += reply.wasted;
        // Reply and cost together: an answered call is never asked for again, and never forgotten in the ledger.
        let spend = self.spend(&usage, usd);
        self.context.record_paid(&[TaskEvent::Reply { reply: Box::new(reply.clone()), usd }], Some(spend));
        self.push(Item::Reply(reply.clone()));
        if !reply.broken_calls.is_empty() {
            let names: Vec<&str> = reply.broken_calls.iter().map(|call| call.name.as_str()).collect();
            let note = format!(
                "Note: a call of {} was cut off or is not valid JSON; it was not run. Send it again, smaller.",
                names.join(", ")
            );
            let output = names.join(" ");
            if !reply.calls.is_empty()
                && let Next::Over = self.run_calls(reply.calls).await
            {
                return Next::Over;
            }
            if let Advice::Stop(why) = self.repetition.record("a broken call", "", &output, true) {
                return ending::partial(self, State::Failed, &why).await;
            }
            self.say(Speaker::Harness, note);
            return Next::Again;
        }
        if reply.calls.is_empty() {
            return self.without_calls(&reply).await;
        }
        self.run_calls(reply.calls).await
    }

    /// Adds a reply's cost to the sum, and returns it as it is entered into the ledger.
    pub(super) fn spend(&mut self, usage: &Usage, usd: Option<f64>) -> galley_journal::Spend {
        self.count(usage, usd);
        aside::spend(&self.context.task, &self.client, usage, usd)
    }

    fn count(&mut self, usage: &Usage, usd: Option<f64>) {
        self.spent.usage += *usage;
        self.spent.usd = add_usd(self.spent.usd, usd);
    }

    /// Takes what replies outside the conversation cost into the sum; the ledger has it.
    pub(super) fn count_asides(&mut self) {
        for (usage, usd) in std::mem::take(&mut self.context.aside) {
            self.count(&usage, usd);
        }
    }

    /// Says what may be spent outside the conversation until the next turn.
    pub(super) fn allow_asides(&mut self) {
        let (spent, purse) = (self.spent_now(), self.context.services.purse);
        let elsewhere = budget::elsewhere(&self.context.services, &self.context.task);
        let left = |limit, others: &Spent| {
            let mut usage = others.usage;
            usage += spent.usage;
            let usd = add_usd(others.usd, spent.usd);
            Allowance::left(limit, &Spent { usage, usd, ..Spent::default() })
        };
        self.context.allowance = Allowance::left(&self.past.budget, &spent)
            .at_most(left(&purse.day, &elsewhere.day))
            .at_most(left(&purse.workspace, &elsewhere.workspace));
    }

    /// What a fault cost all the same.
    fn pay_for(&mut self, error: &ModelError) {
        let usage = match error {
            ModelError::Refused { usage, .. } | ModelError::EmptyReply { usage, .. } => *usage,
            _ => return,
        };
        if usage != Usage::default() {
            let usd = self.client.capabilities().cost(&usage);
            let spend = self.spend(&usage, usd);
            self.context.record_paid(&[], Some(spend));
        }
    }

    /// A reply in words only is an end if nothing is open; otherwise it is nudged, once.
    async fn without_calls(&mut self, reply: &Reply) -> Next {
        if reply.stop == Stop::Length {
            self.cut += 1;
            if self.cut > CUTS {
                let why = "the model's replies were cut by its output limit, again and again";
                return ending::partial(self, State::Failed, why).await;
            }
            self.say(
                Speaker::Harness,
                "Note: your reply was cut by the output limit. Go on, in smaller steps.".to_owned(),
            );
            return Next::Again;
        }
        if self.past.set == Set::Planning {
            return self.nudged("Note: submit the plan with `plan`.", &reply.text).await;
        }
        let open = self.plan.iter().any(|item| item.state == PlanState::Active);
        let untouched = self.context.overlay.is_unchanged() && self.past.spec.mode.edits();
        if untouched || (open && !self.nudged) {
            return self
                .nudged("Note: go on with a tool call, or end with finish (done or blocked).", &reply.text)
                .await;
        }
        let finish = Finish { outcome: tools::Outcome::Done, text: reply.text.clone() };
        match ending::finish(self, finish).await {
            ending::Ruling::Over => Next::Over,
            ending::Ruling::Repair(report) => {
                self.say(Speaker::Harness, report);
                Next::Again
            }
        }
    }

    /// Tells the model, once, that words alone do nothing; the second time the person is to look.
    async fn nudged(&mut self, note: &str, text: &str) -> Next {
        if self.nudged {
            let said: String = text.chars().take(2_000).collect();
            let why =
                format!("it needs you: the model answered in words and changed nothing. It said: {said}");
            return ending::partial(self, State::Failed, &why).await;
        }
        self.nudged = true;
        self.say(Speaker::Harness, note.to_owned());
        Next::Again
    }

    /// Whether the one note that a claim to be finished may get is still to be said; from now on it is not.
    pub(super) fn nudge(&mut self) -> bool {
        !std::mem::replace(&mut self.nudged, true)
    }

    /// Runs the calls of one reply, in order.
    pub(super) async fn run_calls(&mut self, calls: Vec<ToolCall>) -> Next {
        let mut notes = Vec::new();
        let mut calls = calls.into_iter();
        while let Some(call) = calls.next() {
            if self.control.stop_token().is_cancelled() {
                return self.stopped().await;
            }
            let began = Instant::now();
            self.announce(&call);
            // Where the call could not be put down it must not run.
            if self.control.fault().is_some() {
                return Next::Over;
            }
            self.allow_asides();
            let mut answer = tools::run(&mut self.context, &call).await;
            self.count_asides();
            if self.control.stop_token().is_cancelled() {
                return self.stopped().await;
            }
            if let Some(finish) = answer.finish.take() {
                // Formatting, and an undone repair, change the overlay.
                answer.overlay_changed = true;
                match ending::finish(self, finish).await {
                    ending::Ruling::Over => {
                        // Answered, so that the conversation can go on when the person comments on the proposal.
                        self.put_answer(&call, answer, began);
                        return Next::Over;
                    }
                    ending::Ruling::Repair(report) => {
                        answer.output = report;
                        answer.summary = "not accepted yet: checks are red".to_owned();
                    }
                }
            }
            let advice = self.repetition.record(&call.name, &call.arguments, &answer.output, answer.is_error);
            if call.name == "check" {
                self.note_checked();
            }
            let submitted = answer.plan.is_some() && self.past.set == Set::Planning;
            self.put_answer(&call, answer, began);
            if submitted {
                // No provider takes words between a call and its result.
                calls.by_ref().for_each(|call| self.put_aside(&call));
                return self.approval().await;
            }
            match advice {
                Advice::Go => {}
                Advice::Warn(note) => notes.push(note),
                Advice::Stop(why) => return ending::partial(self, State::Failed, &why).await,
            }
        }
        for note in notes {
            self.say(Speaker::Harness, note);
        }
        Next::Again
    }

    fn announce(&mut self, call: &ToolCall) {
        let summary = tools::announce(call);
        let state = match call.name.as_str() {
            "edit" | "apply_patch" => State::Editing,
            "check" | "run" => State::Verifying,
            "finish" => State::CheckingItself,
            "plan" => State::Planning,
            _ if self.past.set == Set::Planning => State::Planning,
            _ if self.context.overlay.is_unchanged() => State::Exploring,
            _ => State::Editing,
        };
        let entered = Self::entered(state, &summary);
        self.state = state;
        let began = TaskEvent::CallBegan {
            step: self.context.step,
            call_id: call.call_id.clone(),
            tool: call.name.clone(),
            summary,
        };
        self.context.record_all(&[entered, began]);
    }

    fn put_answer(&mut self, call: &ToolCall, answer: Answer, began: Instant) {
        // Together or not at all: a call without its end is run again.
        let mut events: Vec<TaskEvent> = answer.plan.map(|items| self.new_plan(items)).into_iter().collect();
        for edit in answer.edited {
            self.past.reasons.push((edit.path.clone(), edit.why.clone(), edit.new.clone()));
            events.push(TaskEvent::Edited { path: edit.path, why: edit.why, new: edit.new });
        }
        let (overlay, reverted) = match answer.overlay_changed {
            true => self.overlay_change(),
            false => (None, Vec::new()),
        };
        self.past.summaries.insert(call.call_id.clone(), answer.summary.clone());
        events.push(TaskEvent::CallEnded {
            step: self.context.step,
            call_id: call.call_id.clone(),
            tool: call.name.clone(),
            free_text: call.free_text,
            output: answer.output.clone(),
            is_error: answer.is_error,
            summary: answer.summary,
            ms: u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
            overlay,
            partial: true,
            reverted,
        });
        self.context.record_all(&events);
        self.push(Item::ToolResult {
            call_id: call.call_id.clone(),
            name: call.name.clone(),
            free_text: call.free_text,
            output: answer.output,
            is_error: answer.is_error,
        });
    }

    /// What of the overlay is new since the journal was last told of it: edits, and files that are as at the start again.
    fn overlay_change(&mut self) -> (Option<Edits>, Vec<galley_text::path::RelPath>) {
        let now = self.context.overlay.edits();
        let before = std::mem::replace(&mut self.recorded, now.clone());
        let gone = before.files.keys().filter(|path| !now.files.contains_key(*path)).cloned().collect();
        let new = now.files.into_iter().filter(|(path, edit)| before.files.get(path) != Some(edit)).collect();
        (Some(Edits { files: new }), gone)
    }

    /// Replaces the plan. The event is to be recorded; it tells what the new one touches.
    pub(super) fn new_plan(&mut self, items: Vec<PlanItem>) -> TaskEvent {
        let same = self.plan.iter().map(|item| &item.text).eq(items.iter().map(|item| &item.text));
        let touches = if same { Vec::new() } else { crate::plan::touches(&self.context.index(), &items) };
        self.plan.clone_from(&items);
        TaskEvent::Plan { items, touches }
    }

    pub(super) fn say(&mut self, by: Speaker, text: String) {
        self.say_with(Vec::new(), by, text);
    }

    /// As [`Rounds::say`], with the events that led to it: all of them are recorded, or none.
    pub(super) fn say_with(&mut self, mut events: Vec<TaskEvent>, by: Speaker, text: String) {
        events.push(TaskEvent::Said { text: text.clone(), by });
        self.context.record_all(&events);
        if by == Speaker::Person {
            self.past.said.push(text.clone());
        }
        self.push(Item::User(text));
    }

    pub(super) fn push(&mut self, item: Item) {
        self.bytes += item_bytes(&item);
        self.past.items.push(item);
    }

    /// Tells the state, if it or its activity is new.
    pub(super) fn enter(&mut self, state: State, activity: &str) {
        if self.state == state && activity == "waiting for the model" {
            return;
        }
        self.context.record(&Self::entered(state, activity));
        self.state = state;
    }

    fn entered(state: State, activity: &str) -> TaskEvent {
        TaskEvent::State { state, activity: activity.to_owned() }
    }

    pub(super) fn spent_now(&self) -> Spent {
        Spent { seconds: self.past.seconds + self.began.elapsed().as_secs(), ..self.spent }
    }

    /// Input tokens of the next request: the provider's last count where there is one, by its own bytes a token.
    pub(super) fn next_input(&self) -> u64 {
        match self.counted {
            Some((tokens, bytes)) if bytes > 0 => {
                let grown = self.bytes.saturating_sub(bytes) as u64;
                let rate = (bytes as f64 / tokens.max(1) as f64).clamp(1.5, 6.0);
                if self.bytes >= bytes {
                    tokens + (grown as f64 / rate) as u64
                } else {
                    (self.bytes as f64 / rate) as u64
                }
            }
            _ => (self.bytes / 4) as u64,
        }
    }

    /// Hands over to a model of the chain that fits into the dollars that are left, where only they are short.
    fn cheaper(&self) -> Option<Switch> {
        let (limit, spent) = (&self.past.budget, self.spent_now());
        let next = self.estimate();
        budget::check(limit, &spent, &Estimate { usd: None, ..next }).ok()?;
        let left = limit.usd? - spent.usd.unwrap_or(0.0);
        self.client.switch_for_budget(&self.next_usage(), left)
    }

    /// What the next turn costs at most.
    fn estimate(&self) -> Estimate {
        let usage = self.next_usage();
        let usd = self.client.capabilities().cost(&usage);
        Estimate { tokens: usage.input + usage.output, usd }
    }

    /// The next turn at most: all that is sent, none of it cached, and an ordinary reply.
    fn next_usage(&self) -> Usage {
        Usage { input: self.next_input(), output: 2_000, ..Usage::default() }
    }
}

/// Whether the model's window was too small, at once or at the last attempt.
fn is_overflow(error: &ModelError) -> bool {
    match error {
        ModelError::ContextOverflow { .. } => true,
        ModelError::GaveUp { last, .. } => is_overflow(last),
        _ => false,
    }
}

fn spent_before(task: &str, past: &Past, services: &Services) -> Spent {
    let mut spent = Spent { steps: past.steps, ..Spent::default() };
    spent.usage = past.usage;
    // The ledger knows of every call, those beside the conversation included; a fork begins a ledger of its own.
    if let Ok(totals) = services.journal.spent(Some(task), None)
        && totals.calls > 0
    {
        spent.usage.input = totals.input;
        spent.usage.output = totals.output;
        spent.usd = (totals.unpriced < totals.calls).then_some(totals.usd);
    }
    spent
}
