//! Tasks as the front sees them: starting, steering, showing.

use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use galley_agent::event::{Speaker, State as TaskState, TaskEvent};
use galley_agent::services::{Question, Reported, Sign};
use galley_agent::view::TaskView;
use galley_agent::{
    Class, Host, Mode, Origin, Planning, Published, ScopeSpec, Services, TaskHandle, TaskSpec,
};
use galley_model::{Client as ModelClient, Role};
use galley_text::path::RelPath;
use galley_text::position::{self, Position};
use serde_json::json;
use tokio::sync::{mpsc, oneshot};
use tower_lsp::lsp_types::Url;

use super::event::{Event, FrontHandle};
use super::reviews::Review;
use super::state::State;
use crate::protocol::{ScopeParams, StartParams};

/// Brings a task's questions into the loop.
struct FrontHost(FrontHandle);

impl Host for FrontHost {
    fn ask(&self, question: Question) -> BoxFuture<'static, Option<String>> {
        let (answer, answered) = oneshot::channel();
        self.0.send(Event::Ask(question, answer));
        async move { answered.await.ok().flatten() }.boxed()
    }

    fn diagnostics(&self, path: Option<RelPath>) -> BoxFuture<'static, Result<Vec<Reported>, String>> {
        super::editor::diagnostics(self.0.clone(), path).boxed()
    }
}

impl State {
    /// Starts a task and returns its id at once; everything that takes time happens elsewhere.
    ///
    /// # Errors
    /// Words for the person: no goal, no model, no journal.
    pub fn start_task(&mut self, params: StartParams) -> Result<String, String> {
        if params.best_of.is_some_and(|count| count > 1) || params.models.len() > 1 {
            return self.start_contest(&params);
        }
        let spec = self.spec(&params)?;
        let model = params.models.first().or(params.model.as_ref());
        let services = self.services(model.map(String::as_str))?;
        let handle = TaskHandle::new(galley_agent::clock::new_id("t"));
        let task = handle.task.clone();
        self.begin_task(handle, spec, services);
        Ok(task)
    }

    /// Begins a task with what it works with.
    pub fn begin_task(
        &mut self,
        handle: TaskHandle,
        spec: TaskSpec,
        services: impl FnOnce() -> Services + Send + 'static,
    ) {
        let task = handle.task.clone();
        let mut view = TaskView::new(&task);
        view.apply(
            galley_agent::clock::now_ms(),
            &TaskEvent::State { state: TaskState::Queued, activity: "starting".to_owned() },
        );
        view.spec = Some(spec.clone());
        self.tasks.insert(task.clone(), view);
        self.begin_progress(&task, &spec.title);
        self.launch(handle, move |handle| galley_agent::start(services(), handle, spec));
    }

    /// Goes on with a task: one that was interrupted, or one whose proposal got a comment.
    ///
    /// # Errors
    /// Words for the person.
    pub fn continue_task(&mut self, task: &str, message: Option<String>) -> Result<(), String> {
        let services = self.services(None)?;
        let handle = TaskHandle::new(task.to_owned());
        let title = self.tasks.get(task).and_then(|view| view.spec.as_ref()).map(|spec| spec.title.clone());
        self.begin_progress(task, title.as_deref().unwrap_or("task"));
        self.launch(handle, move |handle| galley_agent::resume(services(), handle, message));
        Ok(())
    }

    /// Stops a task whose process died: it is gone on with just far enough to offer what it has.
    ///
    /// # Errors
    /// Words for the person.
    pub fn end_interrupted(&mut self, task: &str) -> Result<(), String> {
        match self.services(None) {
            Ok(services) => {
                let handle = TaskHandle::new(task.to_owned());
                handle.stop();
                self.launch(handle, move |handle| galley_agent::resume(services(), handle, None));
            }
            // Without a model there is nobody to go on with it; it ends as it is.
            Err(_) => {
                let message = "stopped by you".to_owned();
                self.record(task, TaskEvent::Ended { state: TaskState::Cancelled, message });
            }
        }
        Ok(())
    }

    fn launch<F>(&mut self, handle: TaskHandle, begin: F)
    where
        F: FnOnce(TaskHandle) -> Result<(), galley_agent::StartError> + Send + 'static,
    {
        let task = handle.task.clone();
        self.handles.insert(task.clone(), handle.clone());
        self.yield_turn(&task);
        let journal = self.journal.clone();
        self.dirty.tasks.insert(task.clone());
        self.dirty.status = true;
        let front = self.front.clone();
        self.tasks_runtime.spawn_blocking(move || {
            if let Err(error) = begin(handle) {
                // Claimed perhaps before it failed; another process may go on with it.
                if let Ok(journal) = &journal {
                    let _ = journal.release_task(&task, &galley_journal::Owner::current());
                }
                let event = TaskEvent::Ended { state: TaskState::Failed, message: error.to_string() };
                let at_ms = galley_agent::clock::now_ms();
                front.send(Event::Task(Published::Event { task, at_ms, event: Box::new(event) }));
            }
        });
    }

    /// Has the sandbox tried where waiting is allowed, and says which level it is.
    pub fn find_sandbox(&self) {
        let front = self.front.clone();
        self.tasks_runtime.spawn_blocking(move || {
            let level = galley_exec::probe();
            let reasons = galley_exec::probe_report();
            front.send(Event::Query(Box::new(move |state| {
                let why: String =
                    reasons.iter().map(|(level, why)| format!("; not {level}: {why}")).collect();
                let kind = if level.is_sandboxed() { 3 } else { 2 };
                state.log(kind, &format!("galley: commands run at the level {level}{why}"));
                state.dirty.status = true;
            })));
        });
    }

    /// What a task works with, made where waiting is allowed: the sandbox's canary and the model's client take a moment.
    pub fn services(
        &self,
        model: Option<&str>,
    ) -> Result<impl FnOnce() -> Services + Send + 'static, String> {
        let chain =
            self.settings.chain(model.or(self.editor_model.as_deref())).map_err(|error| error.to_string())?;
        let others = self.settings.other_roles().map_err(|error| error.to_string())?;
        let client = ModelClient::chain(chain).map_err(|error| error.to_string())?.with_roles(others);
        let client = Arc::new(client);
        let journal = self.journal.clone()?;
        let (published, mut shown) = mpsc::unbounded_channel();
        let front = self.front.clone();
        tokio::spawn(async move {
            while let Some(published) = shown.recv().await {
                front.send(Event::Task(published));
            }
        });
        let (workspace, index, state_dir) =
            (self.workspace.clone(), self.index.clone(), self.state_dir.clone());
        let host = Arc::new(FrontHost(self.front.clone()));
        let (unsandboxed, network) =
            (self.settings.sandbox.unsandboxed, self.settings.sandbox.network.granted());
        let settings = self.settings.clone();
        let (fast, critic) = (settings.role_client(Role::Fast)?, settings.role_client(Role::Critic)?);
        Ok(move || Services {
            fast,
            critic,
            second_look: settings.review.critic,
            patience: settings.questions.patience(),
            window: settings.context_tokens,
            purse: settings.purse(),
            client_for: Arc::new(move |model| settings.client(model)),
            journal,
            workspace,
            index,
            client,
            level: galley_exec::probe(),
            unsandboxed,
            network,
            previews: true,
            state_dir,
            host,
            published,
        })
    }

    /// What a request asks for. The error is for the person.
    pub fn spec(&self, params: &StartParams) -> Result<TaskSpec, String> {
        let mode = match params.mode.as_deref() {
            None | Some("" | "free") => Mode::Free,
            Some(word) => serde_json::from_value(json!(word)).map_err(|_| {
                format!("`{word}` is no mode: fix, implement, refactor, tests, document, explain or free")
            })?,
        };
        let origin = match &params.uri {
            Some(uri) => self.origin(uri, params)?,
            None => None,
        };
        let goal = match (params.goal.trim(), &origin) {
            ("", None) => return Err("a task needs a goal: say what is to be done".to_owned()),
            ("", Some(origin)) => default_goal(mode, origin),
            (goal, _) => goal.to_owned(),
        };
        let mut budget = self.settings.task_budget();
        if let Some(asked) = params.budget {
            budget.usd = asked.usd.or(budget.usd);
            budget.tokens = asked.tokens.or(budget.tokens);
            budget.steps = asked.steps.or(budget.steps);
            budget.seconds = asked.seconds.or(budget.seconds);
        }
        let title = galley_agent::task::title_of(&goal);
        Ok(TaskSpec {
            goal,
            title,
            mode,
            origin,
            scope: params.scope.clone(),
            limits: scope_of(&params.limits)?,
            planning: planning_of(params.plan.as_deref(), self.settings.plan)?,
            budget,
            contest: None,
        })
    }

    fn origin(&self, uri: &str, params: &StartParams) -> Result<Option<Origin>, String> {
        let uri: Url = uri.parse().map_err(|_| format!("`{uri}` is not an address of a document"))?;
        let Some(path) = self.locate(&uri) else {
            return Err(format!("{uri} is not in the workspace; open its folder first"));
        };
        let lines = params.range.map(|range| {
            let end = if range.end.character == 0 && range.end.line > range.start.line {
                range.end.line
            } else {
                range.end.line + 1
            };
            (range.start.line + 1, end)
        });
        let symbol = match (self.documents.get(&uri), params.range) {
            (Some(buffer), Some(range)) => {
                let at = Position::new(range.start.line, range.start.character);
                let offset = position::to_offset(&buffer.rope, at, self.facts.encoding);
                self.index.snapshot().enclosing(&path, offset).map(|symbol| symbol.name)
            }
            _ => None,
        };
        Ok(Some(Origin { path, lines, symbol, diagnostics: params.diagnostics.clone() }))
    }

    /// A new task that shares the beginning of another, going on with other words.
    ///
    /// # Errors
    /// Words for the person.
    pub fn fork_task(&mut self, from: &str, step: u32, message: String) -> Result<String, String> {
        let services = self.services(None)?;
        let journal = self.journal.clone()?;
        let handle = TaskHandle::new(galley_agent::clock::new_id("t"));
        let (task, from) = (handle.task.clone(), from.to_owned());
        self.begin_progress(&task, &format!("from step {step} of {from}"));
        let new = task.clone();
        self.launch(handle, move |handle| {
            galley_agent::fork(&journal, &from, step, &new)?;
            galley_agent::resume(services(), handle, Some(message))
        });
        Ok(task)
    }

    /// The task that is meant: the named one, or the latest that runs.
    ///
    /// # Errors
    /// Words for the person.
    pub fn meant_task(&self, task: Option<&str>) -> Result<&TaskHandle, String> {
        let running = |task: &&String| self.tasks.get(*task).is_some_and(|view| !view.state.is_over());
        let found = match task {
            Some(task) => self.handles.get(task),
            None => {
                let mut ids: Vec<&String> = self.handles.keys().filter(running).collect();
                ids.sort();
                ids.last().and_then(|task| self.handles.get(*task))
            }
        };
        found.ok_or_else(|| match task {
            Some(task) => format!("task {task} does not run here"),
            None => "no task is running".to_owned(),
        })
    }

    /// Takes in what a task shows.
    pub fn task_published(&mut self, published: Published) {
        match published {
            Published::Event { task, at_ms, event } => {
                self.tasks.entry(task.clone()).or_insert_with(|| TaskView::new(&task)).apply(at_ms, &event);
                self.task_event(&task, &event);
                self.dirty.tasks.insert(task);
                self.dirty.status = true;
            }
            Published::Live { task, sign } => self.task_sign(&task, sign),
        }
    }

    fn task_event(&mut self, task: &str, event: &TaskEvent) {
        if matches!(event, TaskEvent::Proposed { .. } | TaskEvent::Ended { .. }) {
            self.forget_drafts(task);
        }
        match event {
            TaskEvent::Proposed { summary, .. } if self.held_in_contest(task) => {
                self.end_progress(task, summary);
            }
            TaskEvent::Proposed { proposal, evidence, summary } => {
                let id = proposal.id.0.clone();
                let paths: Vec<_> = proposal.files.iter().map(|file| file.document().clone()).collect();
                let mut review = Review::new(proposal.clone(), evidence.clone());
                if let Some(earlier) = self.reviews.find(Some(&id)).filter(|known| known.proposal.id.0 == id)
                {
                    review.decided.clone_from(&earlier.decided);
                    review.accepted_checks.clone_from(&earlier.accepted_checks);
                }
                self.reviews.add(review);
                // What was typed since the task began is under the proposal at once, and so is what was decided while it
                // was revised.
                for path in paths {
                    self.text_as_it_is(&path);
                }
                if let (Some(review), Some(view)) = (self.reviews.find_mut(&id), self.tasks.get(task)) {
                    galley_agent::decisions::replay(&mut review.proposal, view);
                }
                self.close_if_decided(task);
                // The others may now have lines in common with it.
                self.dirty.proposals.extend(self.reviews.open().map(|review| review.proposal.id.0.clone()));
                self.dirty.proposals.insert(id);
                self.dirty.marks = true;
                self.end_progress(task, summary);
            }
            TaskEvent::Ended { state, message } => {
                self.end_progress(task, message);
                self.held_in_contest(task);
                match state {
                    TaskState::Failed => {
                        self.show(
                            2,
                            &format!("Galley: {message}\nThe task can be resumed from where it was."),
                        );
                    }
                    TaskState::Done if self.explains(task) => self.show(3, message),
                    _ => {}
                }
                self.log(3, &format!("galley: task {task} {}: {message}", state.word()));
            }
            TaskEvent::Switched { from, to, reason } => {
                self.show(2, &format!("Galley: {to} took over from {from}: {reason}"));
            }
            TaskEvent::State { state, activity } => {
                self.report_progress(task, &format!("{} · {activity}", state.word()))
            }
            TaskEvent::Warned { text } => {
                self.show(2, &format!("Galley: {text}"));
            }
            TaskEvent::PrefixBroken { cause } => {
                self.log(3, &format!("galley: task {task}: the provider's cache starts anew: {cause}"))
            }
            TaskEvent::Compacted { before, after, cause, .. } => {
                let text = format!("the conversation was shortened from {before} to {after} tokens: {cause}");
                self.show(3, &format!("Galley: {text}"));
            }
            TaskEvent::Said { text, by: Speaker::Harness } => {
                self.log(4, &format!("galley: task {task}: {text}"))
            }
            _ => {}
        }
    }

    fn explains(&self, task: &str) -> bool {
        let spec = self.tasks.get(task).and_then(|view| view.spec.as_ref());
        spec.is_some_and(|spec| !spec.mode.edits())
    }

    fn task_sign(&mut self, task: &str, sign: Sign) {
        let Some(view) = self.tasks.get_mut(task) else { return };
        match sign {
            Sign::Retry(why) => {
                view.activity = why;
                self.dirty.tasks.insert(task.to_owned());
            }
            Sign::Call(tool, bytes) => {
                view.activity = format!("writing {tool}, {bytes} bytes");
                self.dirty.tasks.insert(task.to_owned());
            }
            Sign::Drafts(drafts) => self.show_drafts(task, &drafts),
            Sign::Restarted => self.forget_drafts(task),
            Sign::Text(_) | Sign::Reasoning(_) | Sign::Output(_) => {}
        }
    }

    fn begin_progress(&mut self, task: &str, title: &str) {
        if !self.facts.progress || !self.progress.insert(task.to_owned()) {
            return;
        }
        let (client, outbox, front) = (self.client.clone(), self.outbox.clone(), self.front.clone());
        let (task, title) = (task.to_owned(), title.to_owned());
        tokio::spawn(async move {
            let created = client
                .send_request::<tower_lsp::lsp_types::request::WorkDoneProgressCreate>(
                    tower_lsp::lsp_types::WorkDoneProgressCreateParams {
                        token: tower_lsp::lsp_types::NumberOrString::String(task.clone()),
                    },
                )
                .await;
            if created.is_ok() {
                let begin = json!({ "kind": "begin", "title": format!("Galley: {title}"), "cancellable": true, "message": "starting" });
                outbox.notify("$/progress", &json!({ "token": task, "value": begin }));
            } else {
                front.query(move |state| state.progress.remove(&task)).await;
            }
        });
    }

    fn report_progress(&self, task: &str, message: &str) {
        if self.progress.contains(task) {
            let value = json!({ "kind": "report", "message": message });
            self.outbox.notify("$/progress", &json!({ "token": task, "value": value }));
        }
    }

    fn end_progress(&mut self, task: &str, message: &str) {
        if self.progress.remove(task) {
            let first = message.lines().next().unwrap_or_default();
            let value = json!({ "kind": "end", "message": first });
            self.outbox.notify("$/progress", &json!({ "token": task, "value": value }));
        }
    }
}

/// The scope's other limits as the agent has them.
///
/// # Errors
/// Words for the person: a class that is not known.
pub fn scope_of(params: &ScopeParams) -> Result<ScopeSpec, String> {
    let class = |name: &String| {
        Class::named(name).ok_or_else(|| {
            format!("`{name}` is no protected class: tests, ci, locks, api, generated or rules")
        })
    };
    Ok(ScopeSpec {
        paths: params.paths.clone(),
        also: params.also.clone(),
        symbols: params.symbols.clone(),
        lines: params.lines,
        protect: params.protect.iter().map(class).collect::<Result<_, _>>()?,
    })
}

fn planning_of(word: Option<&str>, set: Planning) -> Result<Planning, String> {
    match word {
        None => Ok(set),
        Some("none") => Ok(Planning::None),
        Some("auto") => Ok(Planning::Auto),
        Some("ask") => Ok(Planning::Ask),
        Some(word) => Err(format!("`{word}` is no way to plan: none, auto or ask")),
    }
}

/// What is asked for when the person names only a place.
pub fn default_goal(mode: Mode, origin: &Origin) -> String {
    let what = match (&origin.symbol, origin.lines) {
        (Some(symbol), _) => format!("`{symbol}` in {}", origin.path.as_str()),
        (None, Some((start, end))) if start == end => format!("line {start} of {}", origin.path.as_str()),
        (None, Some((start, end))) => format!("lines {start} to {end} of {}", origin.path.as_str()),
        (None, None) => origin.path.as_str().to_owned(),
    };
    match mode {
        Mode::Fix => match origin.diagnostics.first() {
            Some(diagnostic) => format!("Fix: {}", diagnostic.lines().next().unwrap_or_default()),
            None if origin.symbol.is_some() => format!("Make {what} pass"),
            None => format!("Fix {what}"),
        },
        Mode::Implement => format!("Implement or complete {what}"),
        Mode::Refactor => format!("Refactor {what}, as the nearest comment asks; without one, for clarity"),
        Mode::Tests => format!("Write tests for {what}"),
        Mode::Document => format!("Document {what}"),
        Mode::Explain => format!("Explain {what}"),
        Mode::Free => format!("Improve {what}"),
    }
}
