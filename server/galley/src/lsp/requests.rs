//! The `galley/*` requests, and the commands that mirror them: parameters in, one call, answer out.

use galley_agent::{Budget, Order};
use galley_review::HunkId;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::deciding::Undoing;
use super::event::FrontHandle;
use super::state::State;
use crate::protocol::{
    Accepted, CandidateList, ChangeParams, CheckpointList, DiffDocument, DocumentRef, DocumentText, Empty,
    ForkParams, HunkChoice, HunkList, HunkRef, HunkText, MarkParams, MessageRef, OptionalTask, PlanDocument,
    PlanParams, ProposalList, ProposalRef, RequeueParams, RestoreParams, Restored, StartParams, SteerParams,
    TakeParams, TaskList, TaskRef, UndoParams, Undone, Why,
};

/// Why a request has no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The code of JSON-RPC.
    pub code: i64,
    /// Words for the person.
    pub message: String,
}

const INVALID_PARAMS: i64 = -32602;
const METHOD_NOT_FOUND: i64 = -32601;
const NOT_INITIALIZED: i64 = -32002;
/// The request could not be done, for a reason that the message tells (LSP: RequestFailed).
const FAILED: i64 = -32803;

type Answer = Result<Value, Refusal>;

/// Answers one request. `wait` says whether an accept waits for the editor's text; a client that freezes while its command
/// runs must not be made to wait for itself.
pub async fn answer(front: &FrontHandle, method: &str, params: Value, wait: bool) -> Answer {
    match front.query(|state| state.ready).await {
        Some(true) => {}
        _ => {
            return Err(Refusal {
                code: NOT_INITIALIZED,
                message: "the server is not initialized".to_owned(),
            });
        }
    }
    let params = if params.is_null() { json!({}) } else { params };
    match method {
        "galley/hunk/accept" => accept(front, read(params)?, wait).await,
        "galley/checkpoint/restore" => restore(front, read(params)?, wait).await,
        "galley/hunk/undo" => undo(front, read(params)?, wait).await,
        "galley/hunk/show" => show(front, read(params)?).await,
        _ => {
            let method = method.to_owned();
            front.query(move |state| at_once(state, &method, params)).await.unwrap_or_else(|| Err(ended()))
        }
    }
}

fn at_once(state: &mut State, method: &str, params: Value) -> Answer {
    match method {
        "galley/task/start" => start(state, read(params)?),
        "galley/task/list" => {
            value(TaskList { tasks: state.tasks.keys().filter_map(|task| state.task_shown(task)).collect() })
        }
        "galley/task/get" => task(state, read(params)?),
        "galley/task/steer" => steer(state, read(params)?),
        "galley/task/requeue" => requeue(state, read(params)?),
        "galley/task/change" => change(state, read(params)?),
        "galley/task/fork" => fork(state, read(params)?),
        "galley/candidate/list" => {
            let params: OptionalTask = read(params)?;
            value(CandidateList { candidates: state.candidates(params.task.as_deref()).map_err(failed)? })
        }
        "galley/candidate/choose" => {
            let params: TaskRef = read(params)?;
            state.choose_candidate(&params.task).map_err(failed)?;
            value(Empty {})
        }
        "galley/candidate/take" => {
            let params: TakeParams = read(params)?;
            state.take_hunks(&params.task, params.hunks).map_err(failed)?;
            value(Empty {})
        }
        "galley/plan/get" => plan_document(state, read(params)?),
        "galley/plan/update" => plan(state, read(params)?),
        "galley/task/pause" => with_task(state, read(params)?, Order::Pause),
        "galley/task/resume" => resume(state, read(params)?),
        "galley/task/cancel" => with_task(state, read(params)?, Order::Stop),
        "galley/proposal/list" => value(ProposalList {
            proposals: state.reviews.iter().map(|review| state.proposal_shown(review)).collect(),
        }),
        "galley/proposal/get" => proposal(state, read(params)?),
        "galley/proposal/diff" => diff(state, read(params)?),
        "galley/hunk/reject" => value(HunkList { hunks: state.reject(&read::<HunkChoice>(params)?) }),
        "galley/hunk/edit" => edit(state, read(params)?),
        "galley/hunk/mark" => mark(state, read(params)?),
        "galley/hunk/split" => split(state, read(params)?),
        "galley/hunk/comment" => comment(state, read(params)?),
        "galley/hunk/why" => why(state, read(params)?),
        "galley/checkpoint/list" => value(CheckpointList { checkpoints: state.checkpoints() }),
        "galley/document/text" => document(state, read(params)?),
        "galley/status" => value(state.status()),
        other => Err(Refusal { code: METHOD_NOT_FOUND, message: format!("there is no request {other}") }),
    }
}

fn start(state: &mut State, params: StartParams) -> Answer {
    match state.start_task(params) {
        Ok(task) => value(TaskRef { task }),
        Err(message) => {
            // Some editors show nothing of an error answer.
            state.show(2, &format!("Galley: {message}"));
            Err(failed(message))
        }
    }
}

fn task(state: &mut State, params: TaskRef) -> Answer {
    value(state.task_shown(&params.task).ok_or_else(|| failed(format!("there is no task {}", params.task)))?)
}

fn steer(state: &mut State, params: SteerParams) -> Answer {
    let said = Order::Say { text: params.message };
    value(MessageRef { message: state.order(params.task.as_deref(), said).map_err(failed)? })
}

fn requeue(state: &mut State, params: RequeueParams) -> Answer {
    let id = params.message;
    let order = match params.text {
        Some(text) => Order::Reword { id, text },
        None => Order::Remove { id },
    };
    state.order(params.task.as_deref(), order).map_err(failed)?;
    value(Empty {})
}

fn change(state: &mut State, params: ChangeParams) -> Answer {
    let scope = params.scope.as_ref().map(super::tasks::scope_of).transpose().map_err(failed)?;
    let task = params.task.as_deref();
    if let Some(asked) = params.budget {
        let budget =
            Budget { usd: asked.usd, tokens: asked.tokens, steps: asked.steps, seconds: asked.seconds };
        state.order(task, Order::Budget { budget }).map_err(failed)?;
    }
    if let Some(scope) = scope {
        state.order(task, Order::Scope { scope }).map_err(failed)?;
    }
    if let Some(model) = params.model {
        state.order(task, Order::Model { model }).map_err(failed)?;
    }
    value(Empty {})
}

fn fork(state: &mut State, params: ForkParams) -> Answer {
    value(TaskRef { task: state.fork_task(&params.task, params.step, params.message).map_err(failed)? })
}

fn plan(state: &mut State, params: PlanParams) -> Answer {
    let items = match &params.text {
        Some(text) => galley_agent::plan::read(text),
        None => super::convert::plan_items(&params.plan),
    };
    let plan = Order::Plan { items, approve: params.approve };
    state.order(params.task.as_deref(), plan).map_err(failed)?;
    value(Empty {})
}

fn plan_document(state: &mut State, params: OptionalTask) -> Answer {
    let task = match params.task {
        Some(task) => task,
        None => state.meant_task(None).map_err(failed)?.task.clone(),
    };
    let view = state.tasks.get(&task).ok_or_else(|| failed(format!("there is no task {task}")))?;
    let title = view.spec.as_ref().map_or("", |spec| spec.title.as_str());
    let text = galley_agent::plan::document(title, &view.plan, &view.plan_changes);
    let asks = view.spec.as_ref().is_some_and(|spec| spec.planning == galley_agent::Planning::Ask);
    let waits = asks && view.state == galley_agent::event::State::Waiting && !view.plan.is_empty();
    value(PlanDocument { task, text, waits })
}

fn with_task(state: &mut State, params: OptionalTask, order: Order) -> Answer {
    let interrupted = |task: &&String| {
        state.tasks.get(*task).is_some_and(|view| view.state == galley_agent::event::State::Interrupted)
    };
    // One whose process died is stopped like any other: what it has is offered, or it ends.
    if order == Order::Stop
        && let Some(task) = params.task.as_ref().filter(interrupted)
    {
        let task = task.clone();
        state.end_interrupted(&task).map_err(failed)?;
        return value(Empty {});
    }
    state.order(params.task.as_deref(), order).map_err(failed)?;
    value(Empty {})
}

fn resume(state: &mut State, params: OptionalTask) -> Answer {
    let paused = state.order(params.task.as_deref(), Order::Resume);
    if paused.is_ok() {
        return value(Empty {});
    }
    let interrupted =
        |view: &&galley_agent::view::TaskView| view.state == galley_agent::event::State::Interrupted;
    let view = match &params.task {
        Some(task) => state.tasks.get(task).ok_or_else(|| failed(format!("there is no task {task}")))?,
        None => state
            .tasks
            .values()
            .rfind(interrupted)
            .or_else(|| state.tasks.values().next_back().filter(|view| view.can_go_on()))
            .ok_or_else(|| failed("no task is paused, interrupted or ended before its work".to_owned()))?,
    };
    let task = view.task.clone();
    if !view.can_go_on() {
        return Err(failed(galley_agent::StartError::Over(task).to_string()));
    }
    state.continue_task(&task, None).map_err(failed)?;
    value(Empty {})
}

fn proposal(state: &mut State, params: ProposalRef) -> Answer {
    let review = state
        .reviews
        .find(params.proposal.as_deref())
        .ok_or_else(|| failed("there is no proposal".to_owned()))?;
    value(state.proposal_shown(review))
}

fn diff(state: &mut State, params: ProposalRef) -> Answer {
    let review = state
        .reviews
        .find(params.proposal.as_deref())
        .ok_or_else(|| failed("there is no proposal".to_owned()))?;
    let text = galley_review::render::unified(&review.proposal);
    let path = state.state_dir.join("diffs").join(format!("{}.diff", review.proposal.id.0));
    let written = path
        .parent()
        .map_or(Ok(()), galley_workspace::create_dir)
        .map_err(|error| error.to_string())
        .and_then(|()| {
            galley_workspace::write_atomically(&path, text.as_bytes()).map_err(|error| error.to_string())
        });
    written.map_err(failed)?;
    let uri = tower_lsp::lsp_types::Url::from_file_path(&path)
        .map_err(|()| failed("no address for the diff".to_owned()))?;
    show_document(state, uri.clone(), None);
    value(DiffDocument { uri: uri.to_string() })
}

fn document(state: &State, params: DocumentRef) -> Answer {
    let buffer = params.uri.parse().ok().and_then(|uri| state.documents.get(&uri));
    let buffer = buffer.ok_or_else(|| failed(format!("{} is not open", params.uri)))?;
    value(DocumentText { text: buffer.rope.to_string(), version: buffer.version })
}

fn edit(state: &mut State, params: HunkText) -> Answer {
    state.edit_hunk(&HunkId(params.hunk), params.text).map_err(failed)?;
    value(Empty {})
}

fn mark(state: &mut State, params: MarkParams) -> Answer {
    let MarkParams { hunks, uri, proposal, reviewed } = params;
    let choice = HunkChoice { hunks, uri, proposal, ..HunkChoice::default() };
    value(HunkList { hunks: state.mark_hunks(&choice, reviewed) })
}

async fn undo(front: &FrontHandle, params: UndoParams, wait: bool) -> Answer {
    let begun = front
        .query(move |state| {
            let begun = state.undo_decision(&params);
            if let Err(reason) = &begun {
                state.show(2, &format!("Galley: {reason}"));
            }
            begun
        })
        .await
        .ok_or_else(ended)?;
    match begun {
        Err(reason) => value(Undone { applied: false, reason: Some(reason), hunks: Vec::new() }),
        Ok(Undoing::Done(hunks)) => value(Undone { applied: true, reason: None, hunks }),
        Ok(Undoing::Waits(..)) if !wait => Ok(Value::Null),
        Ok(Undoing::Waits(answered, hunks)) => {
            let Accepted { applied, reason, .. } = answered.await.map_err(|_| ended())?;
            value(Undone { applied, reason, hunks: if applied { hunks } else { Vec::new() } })
        }
    }
}

fn comment(state: &mut State, params: HunkText) -> Answer {
    state.comment(&HunkId(params.hunk), &params.text).map_err(failed)?;
    value(Empty {})
}

fn split(state: &mut State, params: HunkRef) -> Answer {
    let hunks = state.split_hunk(&HunkId(params.hunk)).map_err(failed)?;
    value(HunkList { hunks })
}

fn why(state: &mut State, params: HunkRef) -> Answer {
    let id = HunkId(params.hunk);
    let found = state.reviews.of_hunk(&id).and_then(|review| Some((review.why(&id)?, review)));
    let (mut markdown, review) = found.ok_or_else(|| failed(format!("there is no hunk {id}")))?;
    let view = state.tasks.get(&review.proposal.task);
    if let Some(usd) = view.and_then(|view| view.prices.of(&review.proposal).get(&id).copied()) {
        markdown.push_str(&format!("\nIt cost ${usd:.3}.\n"));
    }
    if !state.facts.review {
        state.show(3, &markdown);
    }
    value(Why { markdown })
}

async fn accept(front: &FrontHandle, choice: HunkChoice, wait: bool) -> Answer {
    let answered = front.query(move |state| state.accept(&choice)).await.ok_or_else(ended)?;
    if !wait {
        return Ok(Value::Null);
    }
    value(answered.await.map_err(|_| ended())?)
}

async fn restore(front: &FrontHandle, params: RestoreParams, wait: bool) -> Answer {
    let begun = front
        .query(move |state| {
            let begun = state.restore(&params);
            if let Err(reason) = &begun {
                state.show(2, &format!("Galley: {reason}"));
            }
            begun
        })
        .await
        .ok_or_else(ended)?;
    let (answered, conflicts) = match begun {
        Ok(begun) => begun,
        Err(reason) => {
            return value(Restored { applied: false, reason: Some(reason), conflicts: Vec::new() });
        }
    };
    if !wait {
        return Ok(Value::Null);
    }
    let Accepted { applied, reason, .. } = answered.await.map_err(|_| ended())?;
    value(Restored { applied, reason, conflicts })
}

async fn show(front: &FrontHandle, params: HunkRef) -> Answer {
    let shown = front
        .query(move |state| {
            let id = HunkId(params.hunk);
            let review = state.reviews.of_hunk(&id)?;
            let (file, hunk) = review.proposal.hunk(&id)?;
            let range = super::convert::range(&file.current, &hunk.range, state.facts.encoding);
            let uri = state.address(file.document())?;
            show_document(state, uri, Some(super::convert::lsp_range(range)));
            Some(())
        })
        .await
        .flatten();
    shown.ok_or_else(|| failed("there is no such hunk".to_owned()))?;
    value(Empty {})
}

fn show_document(
    state: &State,
    uri: tower_lsp::lsp_types::Url,
    selection: Option<tower_lsp::lsp_types::Range>,
) {
    if !state.facts.show_document {
        return;
    }
    let client = state.client.clone();
    let params =
        tower_lsp::lsp_types::ShowDocumentParams { uri, external: None, take_focus: Some(true), selection };
    tokio::spawn(async move { client.show_document(params).await });
}

fn read<T: DeserializeOwned>(params: Value) -> Result<T, Refusal> {
    serde_json::from_value(params).map_err(|error| Refusal {
        code: INVALID_PARAMS,
        message: format!("the parameters are not understood: {error}"),
    })
}

fn value<T: Serialize>(answer: T) -> Answer {
    serde_json::to_value(answer).map_err(|error| failed(error.to_string()))
}

fn failed(message: String) -> Refusal {
    Refusal { code: FAILED, message }
}

fn ended() -> Refusal {
    failed("the server is shutting down".to_owned())
}
