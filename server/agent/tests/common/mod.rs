//! What the tests of tasks share: services in a folder, and a task that is only asked to look.

use std::path::Path;
use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use galley_agent::services::Question;
use galley_agent::{Budget, Host, Mode, Published, Services, TaskSpec};
use galley_model::record::Recording;
use galley_model::{Client, Endpoint, Kind};
use galley_workspace::Workspace;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

/// Services with their state in `folder`, for the project `root`, whose model says what is recorded in `replies`; and what
/// becomes visible of their tasks.
pub fn services(
    folder: &Path,
    root: &Path,
    replies: &str,
    host: Arc<dyn Host>,
) -> (Services, UnboundedReceiver<Published>) {
    let (published, shown) = unbounded_channel();
    let recording = Recording::parse("test", replies).unwrap();
    let services = Services {
        journal: galley_journal::Journal::open(&folder.join("state")).unwrap(),
        workspace: Workspace::open(vec![root.to_path_buf()]).unwrap(),
        index: galley_index::Index::new(),
        client: Arc::new(Client::replay(Endpoint::new(Kind::Replay, "test"), recording)),
        level: galley_exec::probe(),
        unsandboxed: true,
        network: Default::default(),
        previews: false,
        state_dir: folder.join("state"),
        host,
        client_for: galley_agent::one_model(),
        fast: None,
        critic: None,
        second_look: Default::default(),
        patience: None,
        window: None,
        purse: Default::default(),
        published,
    };
    (services, shown)
}

/// A task with this goal and no limits.
#[allow(dead_code, reason = "one of the test programs starts no task")]
pub fn spec(goal: &str) -> TaskSpec {
    TaskSpec {
        goal: goal.to_owned(),
        title: goal.to_owned(),
        mode: Mode::Free,
        origin: None,
        scope: Vec::new(),
        limits: Default::default(),
        planning: Default::default(),
        budget: Budget::default(),
        contest: None,
    }
}

/// A host whose person is not there.
#[allow(dead_code, reason = "not all tests have questions that nobody answers")]
pub struct Nobody;

impl Host for Nobody {
    fn ask(&self, _: Question) -> BoxFuture<'static, Option<String>> {
        async { None }.boxed()
    }
}
