//! What a task is given to work with. The front end makes one [`Services`] per workspace and shares it among its tasks.

use std::path::PathBuf;
use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use galley_exec::{Level, Network};
use galley_index::Index;
use galley_journal::Journal;
use galley_model::Client;
use galley_text::path::RelPath;
use galley_workspace::Workspace;
use tokio::sync::mpsc::UnboundedSender;

use crate::drafting::Draft;
use crate::event::TaskEvent;
use crate::task::Budget;
use crate::verify::Bench;

/// The parts of the house that a task uses.
#[derive(Clone)]
pub struct Services {
    /// The record of everything.
    pub journal: Journal,
    /// The person's files and buffers.
    pub workspace: Workspace,
    /// What is known of them.
    pub index: Index,
    /// The model that answers, and those for other roles ([`Client::role`]).
    pub client: Arc<Client>,
    /// The strongest sandbox that works on this machine.
    pub level: Level,
    /// Whether commands may run where no sandbox works on this machine, without asking each task's person.
    pub unsandboxed: bool,
    /// What commands may reach unasked.
    pub network: Network,
    /// Whether edits are shown while the model writes them ([`Sign::Drafts`]).
    pub previews: bool,
    /// Where journal, caches and shadows live.
    pub state_dir: PathBuf,
    /// Asks the person.
    pub host: Arc<dyn Host>,
    /// Makes a client for `provider/model`, when the person changes the model of a task that runs.
    pub client_for: ClientFor,
    /// A fast model for summaries and exploring; absent: the task's own.
    pub fast: Option<Arc<Client>>,
    /// The model that looks at a finished diff with fresh eyes; absent: the task's own.
    pub critic: Option<Arc<Client>>,
    /// Whether there is such a look.
    pub second_look: crate::critic::When,
    /// The window of the model in tokens where it is configured; absent: as known of the model.
    pub window: Option<u64>,
    /// How long a question of a model's waits before the task goes on with what the model assumes; absent: for ever. What has
    /// to be allowed waits in any case.
    pub patience: Option<std::time::Duration>,
    /// Limits over all tasks.
    pub purse: Purse,
    /// Gets every event after it is in the journal, and the passing signs of life between events.
    pub published: UnboundedSender<Published>,
}

/// Makes a client for `provider/model`; the error is for the person.
pub type ClientFor = Arc<dyn Fn(&str) -> Result<Arc<Client>, String> + Send + Sync>;

/// For a front that has but one model.
pub fn one_model() -> ClientFor {
    Arc::new(|model| Err(format!("there is no way to {model} here")))
}

/// Limits over all tasks, from the journal. A limit that is absent does not bind.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Purse {
    /// Over the last 24 hours.
    pub day: Budget,
    /// Over all tasks of the workspace, ever.
    pub workspace: Budget,
}

impl Default for Purse {
    fn default() -> Purse {
        Purse { day: Budget::NONE, workspace: Budget::NONE }
    }
}

impl Purse {
    /// Half as much again of every limit.
    pub fn larger(&self) -> Purse {
        Purse { day: self.day.larger(), workspace: self.workspace.larger() }
    }
}

impl Services {
    /// What is around commands, in words for the model.
    pub fn walls(&self) -> String {
        match (&self.network, self.level) {
            (_, Level::Copy) => "not sandboxed".to_owned(),
            (Network::All, _) => "network open".to_owned(),
            (Network::Hosts(hosts), Level::Namespaces) => {
                let names: Vec<String> = hosts.iter().map(ToString::to_string).collect();
                format!("network only to {}", names.join(", "))
            }
            _ => "no network".to_owned(),
        }
    }

    /// Where checks run.
    pub fn bench(&self) -> Bench {
        Bench { state_dir: self.state_dir.clone(), level: self.level, network: self.network.clone() }
    }
}

/// Something that became visible of a task.
#[derive(Debug, Clone)]
pub enum Published {
    /// An event, already in the journal.
    Event {
        /// The task.
        task: String,
        /// Milliseconds since the epoch.
        at_ms: i64,
        /// The event.
        event: Box<TaskEvent>,
    },
    /// A passing sign of life that no journal keeps: words of a reply as they come, lines of a command's output.
    Live {
        /// The task.
        task: String,
        /// What happens.
        sign: Sign,
    },
}

/// A passing sign of life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sign {
    /// A piece of the model's prose.
    Text(String),
    /// A piece of the model's reasoning summary.
    Reasoning(String),
    /// The model is writing a tool call: the tool, and bytes of its arguments so far.
    Call(String, usize),
    /// The edits of the call that is being written, as far as it goes.
    Drafts(Vec<Draft>),
    /// A request is tried again.
    Retry(String),
    /// What was streamed of this reply is void; it starts anew.
    Restarted,
    /// A piece of a command's output.
    Output(String),
}

/// A question to the person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// Its id.
    pub id: String,
    /// The task that asks.
    pub task: String,
    /// The question in one line.
    pub title: String,
    /// What they need to know to answer it.
    pub detail: String,
    /// The answers to choose from, the safe one first.
    pub options: Vec<Choice>,
}

/// One answer to choose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// What the task gets.
    pub id: String,
    /// What the person reads.
    pub label: String,
}

/// The way to the person.
pub trait Host: Send + Sync {
    /// Asks, and answers with the id of the chosen option; `None` when the person dismissed it or cannot be asked, which
    /// always means no.
    fn ask(&self, question: Question) -> BoxFuture<'static, Option<String>>;

    /// What the editor's other language servers say now, of one file or of all; the error says why that cannot be known.
    fn diagnostics(&self, _path: Option<RelPath>) -> BoxFuture<'static, Result<Vec<Reported>, String>> {
        futures::future::ready(Err("no editor is connected that tells its diagnostics".to_owned())).boxed()
    }
}

/// What another language server of the editor says of a place in the text that the person has now.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reported {
    /// The file.
    pub path: RelPath,
    /// Zero-based line.
    pub line: u32,
    /// How bad it is.
    pub severity: Severity,
    /// Who says so, `tsserver` or `rust-analyzer`; may be empty.
    pub source: String,
    /// Its name for it, `E0308` or `2322`; may be empty.
    pub code: String,
    /// The message.
    pub message: String,
}

/// As in LSP, the worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// An error.
    Error,
    /// A warning.
    Warning,
    /// An information.
    Information,
    /// A hint.
    Hint,
}

impl Severity {
    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Information => "information",
            Severity::Hint => "hint",
        }
    }
}
