//! One case from its project to its result, on this machine.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::FutureExt;
use futures::future::BoxFuture;
use galley_agent::event::State;
use galley_agent::services::Question;
use galley_agent::task::title_of;
use galley_agent::verify::{Call, Verifier};
use galley_agent::view::TaskView;
use galley_agent::{Budget, Host, Mode, Planning, Published, TaskHandle, TaskSpec};
use galley_exec::Status;
use galley_review::HunkId;
use galley_text::path::RelPath;
use galley_workspace::Overlay;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use super::prepare;
use super::suite::Case;
use crate::cli::session::Session;

/// A case to be run by somebody, with the model that is to do it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Assignment {
    /// The case.
    pub case: Case,
    /// `provider/model`; absent: the configured one.
    #[serde(default)]
    pub model: Option<String>,
}

/// What came of a case.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Outcome {
    /// The case's id.
    pub case: String,
    /// `provider/model` as it was asked for; empty: the configured one.
    pub model: String,
    /// Whether all that judges it ended with 0.
    pub resolved: bool,
    /// Whether the task's own checks were green.
    pub green: bool,
    /// Rounds.
    pub steps: u32,
    /// Tokens sent.
    pub input: u64,
    /// Of these, read from the provider's cache.
    pub cached: u64,
    /// The share of these, 0 to 1.
    pub cached_share: f64,
    /// Tokens received.
    pub output: u64,
    /// US dollars; none while no price is known.
    pub usd: Option<f64>,
    /// Seconds from the first request to the proposal.
    pub seconds: f64,
    /// The task in the journal of the machine that ran it.
    pub task: String,
    /// Why it is not resolved.
    pub failure: Option<String>,
    /// Whether the case could not be run at all: it is run again when the suite is taken up.
    pub error: bool,
}

impl Outcome {
    /// A case that could not be run.
    pub fn error(assignment: &Assignment, why: impl Into<String>) -> Outcome {
        Outcome {
            case: assignment.case.id.clone(),
            model: assignment.model.clone().unwrap_or_default(),
            failure: Some(why.into()),
            error: true,
            ..Outcome::default()
        }
    }
}

/// Nobody is there to be asked, which means no.
struct Nobody;

impl Host for Nobody {
    fn ask(&self, _: Question) -> BoxFuture<'static, Option<String>> {
        async { None }.boxed()
    }
}

/// Runs a case in a new folder below `place`.
pub async fn perform(assignment: &Assignment, place: &Path, cancel: &CancellationToken) -> Outcome {
    match attempt(assignment, place, cancel).await {
        Ok(outcome) => outcome,
        Err(why) => Outcome::error(assignment, why),
    }
}

async fn attempt(
    assignment: &Assignment,
    place: &Path,
    cancel: &CancellationToken,
) -> Result<Outcome, String> {
    let case = &assignment.case;
    let folder = place.join(galley_agent::clock::new_id("c")).join(&case.id);
    prepare::prepare(case, &folder, cancel).await?;
    let session = Session::open(&folder)?;
    let chain = session.settings.chain(assignment.model.as_deref()).map_err(|error| error.to_string())?;
    let (services, mut shown) = session.services(chain, Arc::new(Nobody))?;
    let bench = services.bench();
    let handle = TaskHandle::new(galley_agent::clock::new_id("t"));
    let mut view = TaskView::new(&handle.task);
    let began = Instant::now();
    galley_agent::start(services, handle.clone(), spec(case, session.settings.task_budget()))
        .map_err(|error| error.to_string())?;
    while !view.state.is_over() {
        tokio::select! {
            published = shown.recv() => match published {
                Some(Published::Event { at_ms, event, .. }) => view.apply(at_ms, &event),
                Some(Published::Live { .. }) => {}
                None => break,
            },
            () = cancel.cancelled() => {
                handle.stop();
                return Err("cancelled".to_owned());
            }
        }
    }
    let seconds = began.elapsed().as_secs_f64();
    let failure = match judge(case, &session, &view, bench, cancel).await {
        Ok(()) => None,
        Err(why) => Some(told(&view, why)),
    };
    let usage = view.usage;
    Ok(Outcome {
        case: case.id.clone(),
        model: assignment.model.clone().unwrap_or_default(),
        resolved: failure.is_none(),
        green: view.proposal.as_ref().is_some_and(|proposal| !proposal.partial),
        steps: view.turns,
        input: usage.input,
        cached: usage.cached,
        cached_share: if usage.input == 0 { 0.0 } else { usage.cached as f64 / usage.input as f64 },
        output: usage.output,
        usd: view.usd,
        seconds,
        task: view.task,
        failure,
        error: false,
    })
}

/// What judged it, with how the task ended where it did not end well.
fn told(view: &TaskView, why: String) -> String {
    match (&view.message, view.state) {
        (Some(message), State::Failed | State::Cancelled) => {
            format!("{why}; the task ended: {}", message.lines().next().unwrap_or_default())
        }
        _ => why,
    }
}

fn spec(case: &Case, budget: Budget) -> TaskSpec {
    TaskSpec {
        goal: case.request.clone(),
        title: title_of(&case.request),
        mode: Mode::Free,
        origin: None,
        scope: case.scope.clone(),
        limits: Default::default(),
        // Nobody could approve a plan.
        planning: Planning::None,
        budget: Budget {
            usd: case.max_usd.or(budget.usd),
            steps: case.max_steps.or(budget.steps),
            seconds: case.seconds.or(budget.seconds),
            ..budget
        },
        contest: None,
    }
}

/// Runs what judges a case on its proposal with the hidden files, in a shadow of its own.
///
/// # Errors
/// Why it is not resolved.
async fn judge(
    case: &Case,
    session: &Session,
    view: &TaskView,
    bench: galley_agent::verify::Bench,
    cancel: &CancellationToken,
) -> Result<(), String> {
    let snapshot = session.workspace.snapshot();
    let mut overlay = Overlay::new(snapshot.clone());
    if let Some(proposal) = &view.proposal {
        let all: Vec<HunkId> = proposal.pending().map(|(_, hunk)| hunk.id.clone()).collect();
        let plan = proposal.plan_accept(&all, true).map_err(|error| error.to_string())?;
        galley_agent::decisions::lay(&mut overlay, &plan).map_err(|error| error.to_string())?;
    }
    for (path, text) in &case.hidden_texts {
        let path = RelPath::new(path).map_err(|error| format!("hidden file {path}: {error}"))?;
        overlay.write(&path, text.as_str()).map_err(|error| error.to_string())?;
    }
    let mut verifier = Verifier::new(bench, snapshot);
    for command in &case.check {
        let argv = vec!["sh".to_owned(), "-c".to_owned(), command.clone()];
        let call = Call { argv, wall: Duration::from_secs(1800), ..Call::default() };
        let ran =
            verifier.call(&overlay, call, &mut |_| {}, cancel).await.map_err(|error| error.to_string())?;
        if ran.outcome.status != Status::Exited(0) {
            let proposed = if view.proposal.is_some() { "" } else { "nothing was proposed; " };
            let last = ran.printed.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
            let last: String = last.trim().chars().take(160).collect();
            return Err(format!("{proposed}`{command}` failed: {last}"));
        }
    }
    Ok(())
}
