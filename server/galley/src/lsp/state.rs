//! The server's state and the one loop that owns it.
//!
//! Everything that changes state arrives here as an [`Event`], in order; nothing here waits. What has to be shown is noted in
//! [`Dirty`] and sent when the queue is empty, so that a flood of changes costs one update, not thousands.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::Arc;

use galley_agent::TaskHandle;
use galley_agent::services::Question;
use galley_agent::view::TaskView;
use galley_index::Index;
use galley_journal::Journal;
use galley_workspace::Workspace;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tower_lsp::Client;
use tower_lsp::lsp_types::Url;

use super::accepting::Accepting;
use super::client::ClientFacts;
use super::documents::Documents;
use super::elsewhere::Others;
use super::event::{Event, FrontHandle};
use super::indexing::Indexing;
use super::reading::Reading;
use super::reviews::Reviews;
use super::transport::Outbox;
use crate::config::Settings;
use crate::protocol;

/// All that the server knows of one client.
pub struct State {
    /// The way back into the loop, for work done elsewhere.
    pub front: FrontHandle,
    /// Sends requests to the client.
    pub client: Client,
    /// Sends notifications to the client.
    pub outbox: Outbox,
    /// Runs tasks, apart from the editor's requests.
    pub tasks_runtime: tokio::runtime::Handle,
    /// What the client can do.
    pub facts: ClientFacts,
    /// Whether `initialize` was answered.
    pub ready: bool,
    /// Where the state lives.
    pub state_dir: PathBuf,
    /// The record; or why there is none.
    pub journal: Result<Journal, String>,
    /// The person's files and buffers.
    pub workspace: Workspace,
    /// What is known of them.
    pub index: Index,
    /// Keeps it fresh.
    pub indexing: Option<Indexing>,
    /// Keeps it fresh about open documents.
    pub reading: Option<Reading>,
    /// Symbols known, and whether everything was read.
    pub symbols: (usize, bool),
    /// The configuration of files and environment.
    pub settings: Settings,
    /// The model that the editor's settings name.
    pub editor_model: Option<String>,
    /// When the editor's settings want accepted hunks checked.
    pub editor_check: Option<crate::config::CheckTime>,
    /// Open documents.
    pub documents: Documents,
    /// Tasks of this session and those found in the journal.
    pub tasks: BTreeMap<String, TaskView>,
    /// The running ones.
    pub handles: HashMap<String, TaskHandle>,
    /// What other processes do.
    pub others: Others,
    /// Proposals.
    pub reviews: Reviews,
    /// Accepts on their way.
    pub accepting: Vec<Accepting>,
    /// Number of the next accept.
    pub next_accept: u64,
    /// Checks beside the tasks, by proposal: the number of the run, and what ends it.
    pub proving: HashMap<String, (u64, CancellationToken)>,
    /// Tasks whose edits are shown while the model writes them.
    pub drafting: BTreeSet<String>,
    /// Number of the latest such check.
    pub proofs: u64,
    /// Renewals of a proposal's checks that wait for the typing to rest, by proposal.
    pub renewing: HashMap<String, u64>,
    /// Number of the latest renewal.
    pub renewals: u64,
    /// Tasks whose progress the client shows.
    pub progress: BTreeSet<String>,
    /// What is to be shown.
    pub dirty: Dirty,
    /// Documents that have diagnostics of ours now.
    pub marked: BTreeSet<Url>,
    /// The status that was shown last.
    pub shown_status: Option<protocol::Status>,
}

/// What has to be shown at the next pause.
#[derive(Debug, Default)]
pub struct Dirty {
    /// Tasks that changed.
    pub tasks: BTreeSet<String>,
    /// Proposals that changed.
    pub proposals: BTreeSet<String>,
    /// Whether diagnostics and lenses changed.
    pub marks: bool,
    /// Whether the status may have changed.
    pub status: bool,
}

/// What the loop is made of.
pub struct Parts {
    /// The way back into the loop.
    pub front: FrontHandle,
    /// Sends requests to the client.
    pub client: Client,
    /// Sends notifications to the client.
    pub outbox: Outbox,
    /// Runs tasks.
    pub tasks_runtime: tokio::runtime::Handle,
    /// Where the state lives.
    pub state_dir: PathBuf,
    /// The configuration.
    pub settings: Settings,
}

impl State {
    /// The state before `initialize`.
    pub fn new(parts: Parts, workspace: Workspace) -> State {
        let journal = Journal::open(&parts.state_dir).map_err(|error| error.to_string());
        State {
            front: parts.front,
            client: parts.client,
            outbox: parts.outbox,
            tasks_runtime: parts.tasks_runtime,
            facts: ClientFacts::default(),
            ready: false,
            state_dir: parts.state_dir,
            journal,
            index: Index::with_reader(crate::indexed::reader(&workspace)),
            workspace,
            indexing: None,
            reading: None,
            symbols: (0, false),
            settings: parts.settings,
            editor_model: None,
            editor_check: None,
            documents: Documents::default(),
            tasks: BTreeMap::new(),
            handles: HashMap::new(),
            others: Others::default(),
            reviews: Reviews::default(),
            accepting: Vec::new(),
            next_accept: 1,
            proving: HashMap::new(),
            drafting: BTreeSet::new(),
            proofs: 0,
            renewing: HashMap::new(),
            renewals: 0,
            progress: BTreeSet::new(),
            dirty: Dirty::default(),
            marked: BTreeSet::new(),
            shown_status: None,
        }
    }

    /// Runs until nobody can send events any more.
    pub async fn run(mut self, mut events: mpsc::UnboundedReceiver<Event>) {
        while let Some(event) = events.recv().await {
            self.take(event);
            // Whatever is queued is taken before anything is shown.
            while let Ok(event) = events.try_recv() {
                self.take(event);
            }
            self.end_turns();
            self.flush();
        }
    }

    fn take(&mut self, event: Event) {
        match event {
            Event::Notified { method, params } => self.notified(&method, params),
            Event::Query(ask) => ask(self),
            Event::Task(published) => self.task_published(published),
            Event::Ask(question, answer) => self.ask_person(question, answer),
            Event::Indexed { symbols, complete } => {
                self.symbols = (symbols, complete);
                self.dirty.status = true;
            }
            Event::EditAnswered { accept, outcome } => self.edit_answered(accept, outcome),
            Event::AcceptExpired(accept, tries) => self.accept_expired(accept, tries),
            Event::Proved(proved) => self.proved(*proved),
            Event::Elsewhere(done) => self.elsewhere(done),
            Event::Quiet { proposal, number } => self.quiet(proposal, number),
        }
    }

    /// Writes into the client's log.
    pub fn log(&self, level: u8, message: &str) {
        self.outbox.notify("window/logMessage", &serde_json::json!({ "type": level, "message": message }));
    }

    /// Shows a message to the person: 1 error, 2 warning, 3 information.
    pub fn show(&self, level: u8, message: &str) {
        self.outbox.notify("window/showMessage", &serde_json::json!({ "type": level, "message": message }));
    }

    /// The model in use, or why there is none.
    ///
    /// # Errors
    /// Words for the person.
    pub fn model_name(&self) -> Result<String, String> {
        let names =
            self.settings.model_names(self.editor_model.as_deref()).map_err(|error| error.to_string())?;
        Ok(names.join(", "))
    }

    /// The address of a file of the workspace.
    pub fn address(&self, path: &galley_text::path::RelPath) -> Option<Url> {
        if let Some((uri, _)) = self.documents.by_path(path) {
            return Some(uri.clone());
        }
        Url::from_file_path(self.workspace.absolute(path)?).ok()
    }

    /// The place of an address in the workspace.
    pub fn locate(&self, uri: &Url) -> Option<galley_text::path::RelPath> {
        self.workspace.locate(&uri.to_file_path().ok()?)
    }

    fn ask_person(&mut self, question: Question, answer: oneshot::Sender<Option<String>>) {
        self.dirty.tasks.insert(question.task.clone());
        let client = self.client.clone();
        let review = self.facts.review;
        // The person may take minutes; nothing waits for them here.
        tokio::spawn(async move {
            let chosen = super::asking::ask(&client, review, &question).await;
            let _ = answer.send(chosen);
        });
    }
}

/// Shares one runtime for tasks among the whole process.
pub fn tasks_runtime() -> std::io::Result<Arc<tokio::runtime::Runtime>> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("tasks")
        .enable_all()
        .build()?;
    Ok(Arc::new(runtime))
}
