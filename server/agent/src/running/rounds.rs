//! The rounds of a task: ask the model, run what it calls, answer, again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use galley_model::{Item, ModelError, Reply, Request, StreamEvent, Switch, ToolCall, Usage};

use super::control::Control;
use super::ending;
use crate::budget::{self, Estimate, Spent};
use crate::event::{PlanItem, PlanState, Speaker, State, TaskEvent};
use crate::repetition::{Advice, Repetition};
use crate::services::{Published, Services, Sign};
use crate::tools::{self, Answer, Context, Finish};
use crate::transcript::{self, Past};

/// The working state of the loop.
pub(super) struct Rounds {
    pub(super) context: Context,
    pub(super) past: Past,
    pub(super) control: Arc<Control>,
    pub(super) repairs: u32,
    plan: Vec<PlanItem>,
    repetition: Repetition,
    nudged: bool,
    spent: Spent,
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

impl Rounds {
    pub(super) fn new(context: Context, past: Past, control: Arc<Control>) -> Rounds {
        let spent = spent_before(&past, &context.services);
        Rounds {
            context,
            past,
            control,
            repairs: 0,
            plan: Vec::new(),
            repetition: Repetition::default(),
            nudged: false,
            spent,
            began: Instant::now(),
            state: State::Queued,
        }
    }

    /// Runs the task to its end.
    pub(super) async fn run(mut self) {
        // An interrupted round goes on where it stood: its reply is paid for and in the journal.
        let open = transcript::unanswered(&self.past.items);
        if !open.is_empty()
            && let Next::Over = self.run_calls(open).await
        {
            return;
        }
        while let Next::Again = self.round().await {}
    }

    async fn round(&mut self) -> Next {
        if let Next::Over = self.safe_point().await {
            return Next::Over;
        }
        if let Err(why) = budget::check(&self.past.spec.budget, &self.spent_now(), &self.estimate()) {
            if let Some(switch) = self.cheaper() {
                self.context.record(&switched(switch));
                return Next::Again;
            }
            return ending::partial(self, State::Failed, &format!("stopped at its budget: {why}")).await;
        }
        if self.context.overlay.is_unchanged() {
            self.enter(State::Exploring, "waiting for the model");
        } else {
            self.enter(State::Editing, "waiting for the model");
        }
        match self.exchange().await {
            Ok(Some(reply)) => self.take(reply).await,
            Ok(None) => Next::Again,
            Err(ModelError::Cancelled) => self.stopped().await,
            Err(error) => ending::partial(self, State::Failed, &error.to_string()).await,
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
        for message in self.control.take_steers() {
            self.say(Speaker::Person, message);
        }
        Next::Again
    }

    async fn stopped(&mut self) -> Next {
        ending::partial(self, State::Cancelled, "stopped by you").await
    }

    /// One request and its reply; `None` when the person's words came in between.
    async fn exchange(&mut self) -> Result<Option<Reply>, ModelError> {
        let request = Request {
            instructions: self.past.instructions.clone(),
            tools: self.past.set.specs(),
            items: self.past.items.clone(),
            max_output: None,
            effort: None,
            cache_key: Some(self.context.task.clone()),
        };
        let cancel = self.control.stop_token().child_token();
        let calling = Arc::new(AtomicBool::new(false));
        let mut sink = stream_sink(&self.context.services, &self.context.task, calling.clone());
        let client = self.context.services.client.clone();
        let exchange = client.exchange(&request, &mut sink, &cancel);
        tokio::pin!(exchange);
        let mut interrupted = false;
        let outcome = loop {
            tokio::select! {
                outcome = &mut exchange => break outcome,
                () = self.control.news(), if !interrupted => {
                    // Prose can be spoken into; a call that is being written is let finish, a pause cuts both.
                    if self.control.is_paused() || !calling.load(Ordering::SeqCst) {
                        cancel.cancel();
                    }
                    interrupted = true;
                }
            }
        };
        match outcome {
            Err(ModelError::Cancelled) if interrupted && !self.control.stop_token().is_cancelled() => {
                Ok(None)
            }
            outcome => outcome.map(Some),
        }
    }

    async fn take(&mut self, reply: Reply) -> Next {
        let usd = self.context.services.client.cost(&reply);
        self.spent.usage += reply.usage;
        self.spent.usage += reply.wasted;
        self.spent.usd = match (self.spent.usd, usd) {
            (Some(sum), Some(more)) => Some(sum + more),
            (sum, more) => sum.or(more),
        };
        self.spent.steps += 1;
        self.context.step += 1;
        self.context.record(&TaskEvent::Reply { reply: Box::new(reply.clone()), usd });
        self.record_cost(&reply.usage, usd);
        self.past.items.push(Item::Reply(reply.clone()));
        if !reply.broken_calls.is_empty() {
            let names: Vec<&str> = reply.broken_calls.iter().map(|call| call.name.as_str()).collect();
            let note = format!(
                "Note: a call of {} was cut off or is not valid JSON; it was not run. Send it again, smaller.",
                names.join(", ")
            );
            if !reply.calls.is_empty()
                && let Next::Over = self.run_calls(reply.calls).await
            {
                return Next::Over;
            }
            self.say(Speaker::Harness, note);
            return Next::Again;
        }
        if reply.calls.is_empty() {
            return self.without_calls(&reply.text).await;
        }
        self.run_calls(reply.calls).await
    }

    fn record_cost(&self, usage: &Usage, usd: Option<f64>) {
        let endpoint = self.context.services.client.endpoint();
        let spend = galley_journal::Spend {
            task: self.context.task.clone(),
            model: format!("{}/{}", endpoint.provider, endpoint.model),
            at_ms: crate::clock::now_ms(),
            input: usage.input,
            cached: usage.cached,
            cache_write: usage.cache_write,
            output: usage.output,
            reasoning: usage.reasoning,
            usd,
        };
        if let Err(error) = self.context.services.journal.record_cost(&spend) {
            self.context.live(Sign::Retry(error.to_string()));
        }
    }

    /// A reply in words only is an end if nothing is open; otherwise it is nudged, once.
    async fn without_calls(&mut self, text: &str) -> Next {
        let open = self.plan.iter().any(|item| item.state == PlanState::Active);
        let untouched = self.context.overlay.is_unchanged() && self.past.spec.mode.edits();
        if (open || untouched) && !self.nudged {
            self.nudged = true;
            let note = "Note: go on with a tool call, or end with finish (done or blocked).";
            self.say(Speaker::Harness, note.to_owned());
            return Next::Again;
        }
        let finish = Finish { outcome: tools::Outcome::Done, text: text.to_owned() };
        match ending::finish(self, finish).await {
            ending::Ruling::Over => Next::Over,
            ending::Ruling::Repair(report) => {
                self.say(Speaker::Harness, report);
                Next::Again
            }
        }
    }

    /// Runs the calls of one reply, in order.
    pub(super) async fn run_calls(&mut self, calls: Vec<ToolCall>) -> Next {
        let mut notes = Vec::new();
        for call in calls {
            if self.control.stop_token().is_cancelled() {
                return self.stopped().await;
            }
            let began = Instant::now();
            self.announce(&call);
            let mut answer = tools::run(&mut self.context, &call).await;
            if self.control.stop_token().is_cancelled() {
                return self.stopped().await;
            }
            if let Some(finish) = answer.finish.take() {
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
            self.put_answer(&call, answer, began);
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
            _ if self.context.overlay.is_unchanged() => State::Exploring,
            _ => State::Editing,
        };
        self.enter(state, &summary);
        self.context.record(&TaskEvent::CallBegan {
            step: self.context.step,
            call_id: call.call_id.clone(),
            tool: call.name.clone(),
            summary,
        });
    }

    fn put_answer(&mut self, call: &ToolCall, answer: Answer, began: Instant) {
        if let Some(items) = answer.plan {
            self.plan.clone_from(&items);
            self.context.record(&TaskEvent::Plan { items });
        }
        for edit in answer.edited {
            self.past.reasons.push((edit.path.clone(), edit.why.clone(), edit.new.clone()));
            self.context.record(&TaskEvent::Edited { path: edit.path, why: edit.why, new: edit.new });
        }
        let overlay = answer.overlay_changed.then(|| self.context.overlay.edits());
        self.context.record(&TaskEvent::CallEnded {
            step: self.context.step,
            call_id: call.call_id.clone(),
            tool: call.name.clone(),
            free_text: call.free_text,
            output: answer.output.clone(),
            is_error: answer.is_error,
            summary: answer.summary,
            ms: u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
            overlay,
        });
        self.past.items.push(Item::ToolResult {
            call_id: call.call_id.clone(),
            name: call.name.clone(),
            free_text: call.free_text,
            output: answer.output,
            is_error: answer.is_error,
        });
    }

    fn say(&mut self, by: Speaker, text: String) {
        self.context.record(&TaskEvent::Said { text: text.clone(), by });
        self.past.items.push(Item::User(text));
    }

    /// Tells the state, if it or its activity is new.
    pub(super) fn enter(&mut self, state: State, activity: &str) {
        if self.state == state && activity == "waiting for the model" {
            return;
        }
        self.state = state;
        self.context.record(&TaskEvent::State { state, activity: activity.to_owned() });
    }

    fn spent_now(&self) -> Spent {
        Spent { seconds: self.began.elapsed().as_secs(), ..self.spent }
    }

    /// Hands over to a model of the chain that fits into the dollars that are left, where only they are short.
    fn cheaper(&self) -> Option<Switch> {
        let (limit, spent) = (&self.past.spec.budget, self.spent_now());
        let next = self.estimate();
        budget::check(limit, &spent, &Estimate { usd: None, ..next }).ok()?;
        let left = limit.usd? - spent.usd.unwrap_or(0.0);
        self.context.services.client.switch_for_budget(&self.next_usage(), left)
    }

    /// What the next turn costs at most.
    fn estimate(&self) -> Estimate {
        let usage = self.next_usage();
        let usd = self.context.services.client.capabilities().cost(&usage);
        Estimate { tokens: usage.input + usage.output, usd }
    }

    /// The next turn at most: all that is sent, none of it cached, and an ordinary reply.
    fn next_usage(&self) -> Usage {
        let sent: usize =
            self.past.items.iter().map(item_bytes).sum::<usize>() + self.past.instructions.len() + 2_500;
        Usage { input: (sent / 4) as u64, output: 2_000, ..Usage::default() }
    }
}

fn item_bytes(item: &Item) -> usize {
    match item {
        Item::User(text) => text.len(),
        Item::Reply(reply) => reply.raw.iter().map(|raw| raw.get().len()).sum(),
        Item::ToolResult { output, .. } => output.len(),
    }
}

fn spent_before(past: &Past, services: &Services) -> Spent {
    let mut spent = Spent { steps: past.steps, ..Spent::default() };
    for item in &past.items {
        if let Item::Reply(reply) = item {
            spent.usage += reply.usage;
        }
    }
    if !past.items.is_empty() {
        spent.usd = services.client.capabilities().cost(&spent.usage);
    }
    spent
}

/// Shows what streams in, and notes when a call has begun.
fn stream_sink(
    services: &Services,
    task: &str,
    calling: Arc<AtomicBool>,
) -> impl FnMut(StreamEvent) + Send + use<> {
    let services = services.clone();
    let task = task.to_owned();
    let mut call = (String::new(), 0);
    move |event| {
        let sign = match event {
            StreamEvent::Text(text) => Sign::Text(text),
            StreamEvent::Reasoning(text) => Sign::Reasoning(text),
            StreamEvent::CallBegan { name, .. } => {
                calling.store(true, Ordering::SeqCst);
                call = (name, 0);
                Sign::Call(call.0.clone(), 0)
            }
            StreamEvent::CallArguments { delta, .. } => {
                call.1 += delta.len();
                Sign::Call(call.0.clone(), call.1)
            }
            StreamEvent::Retrying { attempt, wait, reason } => Sign::Retry(format!(
                "attempt {attempt} failed ({reason}); again in {:.1} s",
                wait.as_secs_f64()
            )),
            StreamEvent::Waiting { wait, reason } => {
                Sign::Retry(format!("waiting {:.1} s: {reason}", wait.as_secs_f64()))
            }
            StreamEvent::Switched(switch) => {
                // Journalled before its reply comes; an event, so that everybody sees it.
                let _ = super::record(&services, &task, &switched(switch));
                return;
            }
            StreamEvent::Restarted => {
                calling.store(false, Ordering::SeqCst);
                Sign::Restarted
            }
        };
        let _ = services.published.send(Published::Live { task: task.clone(), sign });
    }
}

fn switched(switch: Switch) -> TaskEvent {
    let Switch { from, to, reason } = switch;
    TaskEvent::Switched { from, to, reason }
}
