//! A workspace, a journal and a model for a command that runs in a terminal.

use std::path::Path;
use std::sync::Arc;

use galley_agent::{Host, Published, Services};
use galley_index::Index;
use galley_journal::Journal;
use galley_model::{Client, Endpoint, Role};
use galley_workspace::Workspace;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::config::{self, Settings};
use crate::indexed;
use crate::remembered::{self, Remembered};

/// What a command works with.
pub struct Session {
    /// The configuration of this workspace.
    pub settings: Settings,
    /// The files.
    pub workspace: Workspace,
    /// The record.
    pub journal: Journal,
}

impl Session {
    /// Opens a workspace. The text of an error is for the person.
    pub fn open(root: &Path) -> Result<Session, String> {
        let root = root
            .canonicalize()
            .map_err(|error| format!("{} is no folder that can be opened: {error}", root.display()))?;
        let settings = config::load(Some(&root)).map_err(|error| error.to_string())?;
        let workspace = Workspace::open(vec![root]).map_err(|error| error.to_string())?;
        let state_dir = config::state_dir().map_err(|error| error.to_string())?;
        let journal = Journal::open(&state_dir).map_err(|error| error.to_string())?;
        Ok(Session { settings, workspace, journal })
    }

    /// A client for a chain of models, with those for the other roles. The error is for the person.
    pub fn client(&self, chain: Vec<Endpoint>) -> Result<Arc<Client>, String> {
        let others = self.settings.other_roles().map_err(|error| error.to_string())?;
        Ok(Arc::new(Client::chain(chain).map_err(|error| error.to_string())?.with_roles(others)))
    }

    /// The parts of the house for a task, with the end where its events come out.
    pub fn services(
        &self,
        chain: Vec<Endpoint>,
        host: Arc<dyn Host>,
    ) -> Result<(Services, UnboundedReceiver<Published>), String> {
        let client = self.client(chain)?;
        let (published, shown) = unbounded_channel();
        let services = Services {
            journal: self.journal.clone(),
            workspace: self.workspace.clone(),
            index: index_with_past(&self.workspace),
            client,
            client_for: {
                let settings = self.settings.clone();
                Arc::new(move |model| settings.client(model))
            },
            fast: self.settings.role_client(Role::Fast)?,
            critic: self.settings.role_client(Role::Critic)?,
            second_look: self.settings.review.critic,
            patience: self.settings.questions.patience(),
            window: self.settings.context_tokens,
            purse: self.settings.purse(),
            level: galley_exec::probe(),
            unsandboxed: self.settings.sandbox.unsandboxed,
            network: self.settings.sandbox.network.granted(),
            previews: false,
            state_dir: self.journal.state_dir().to_path_buf(),
            host,
            published,
        };
        Ok((services, shown))
    }
}

/// The index over a workspace as it is now: what was kept, and what changed since read anew and kept in turn.
pub fn index(workspace: &Workspace) -> Index {
    let index = attached(workspace);
    let refreshed = indexed::refresh(workspace, &index, || {});
    if refreshed.read > 0 {
        // Without room on disk the next start reads everything again.
        let _ = index.persist();
    }
    index
}

/// As [`index`], with what the repository remembers: for ranking and impact.
pub fn index_with_past(workspace: &Workspace) -> Index {
    let index = index(workspace);
    remembered(workspace).refresh(workspace, &index);
    index
}

/// The history of a workspace as it was kept.
pub fn remembered(workspace: &Workspace) -> Remembered {
    Remembered::open(config::state_dir().ok().as_deref(), workspace)
}

/// The index as it was kept, however old; empty where there is no state directory.
pub fn attached(workspace: &Workspace) -> Index {
    let index = Index::with_reader(indexed::reader(workspace));
    if let Ok(state_dir) = config::state_dir() {
        let folder = indexed::folder(&state_dir, workspace);
        index.attach(&folder);
        indexed::bound(&state_dir, &folder);
        remembered::bound(&state_dir, workspace);
    }
    index
}
