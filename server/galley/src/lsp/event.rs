//! What wakes the loop that owns the server's state, and the handle through which everybody else reaches it.

use galley_agent::Published;
use galley_agent::services::Question;
use serde_json::Value;
use tokio::sync::{mpsc, oneshot};

use super::state::State;

/// The closed list of what the loop wakes on.
pub enum Event {
    /// A notification of the client's that changes state: text synchronisation, files, folders, settings, cancelling.
    Notified {
        /// The method.
        method: String,
        /// Its parameters.
        params: Value,
    },
    /// A request that reads or changes the state; runs in the loop, in arrival order, and must not wait for anything.
    Query(Box<dyn FnOnce(&mut State) + Send>),
    /// A task has something to show.
    Task(Published),
    /// A task asks the person.
    Ask(Question, oneshot::Sender<Option<String>>),
    /// The index knows more.
    Indexed {
        /// Symbols known now.
        symbols: usize,
        /// Whether the whole workspace has been read.
        complete: bool,
    },
    /// The editor answered to an edit.
    EditAnswered {
        /// Number of the accept.
        accept: u64,
        /// Its answer: applied, or why not.
        outcome: Result<(), String>,
    },
    /// An accept has waited long enough for the editor's text: its number, and how often it had been sent by then.
    AcceptExpired(u64, u32),
    /// A check beside the tasks has run.
    Proved(Box<super::proving::Proved>),
    /// Another process did something to a task of this workspace.
    Elsewhere(super::elsewhere::Elsewhere),
    /// Nothing was typed for a while after this renewal of a proposal's checks was asked for.
    Quiet {
        /// The proposal.
        proposal: String,
        /// Number of the renewal.
        number: u64,
    },
}

/// A way to the loop. Never blocks.
#[derive(Clone)]
pub struct FrontHandle(mpsc::UnboundedSender<Event>);

/// Notifications that are handed to the loop before anything else happens.
const HANDED_OVER: &[&str] = &[
    "textDocument/didOpen",
    "textDocument/didChange",
    "textDocument/didClose",
    "textDocument/didSave",
    "workspace/didChangeWatchedFiles",
    "workspace/didChangeWorkspaceFolders",
    "workspace/didChangeConfiguration",
    "workspace/didRenameFiles",
    "workspace/didCreateFiles",
    "workspace/didDeleteFiles",
    "window/workDoneProgress/cancel",
];

impl FrontHandle {
    /// A new handle with the end that the loop reads.
    pub fn new() -> (FrontHandle, mpsc::UnboundedReceiver<Event>) {
        let (sender, receiver) = mpsc::unbounded_channel();
        (FrontHandle(sender), receiver)
    }

    /// Sends an event. After the loop has ended nothing happens.
    pub fn send(&self, event: Event) {
        let _ = self.0.send(event);
    }

    /// Takes a message that belongs to the loop; gives back one that does not.
    pub fn hand_over(&self, mut message: Value) -> Option<Value> {
        let method = message["method"].as_str().unwrap_or_default();
        if message.get("id").is_some() || !HANDED_OVER.contains(&method) {
            return Some(message);
        }
        let method = method.to_owned();
        self.send(Event::Notified { method, params: message["params"].take() });
        None
    }

    /// Runs a function on the state, after everything that arrived before, and returns its result; `None` when the loop has
    /// ended.
    pub async fn query<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&mut State) -> T + Send + 'static,
    ) -> Option<T> {
        let (answer, answered) = oneshot::channel();
        self.send(Event::Query(Box::new(move |state| {
            let _ = answer.send(ask(state));
        })));
        answered.await.ok()
    }
}
