//! Where no sandbox works, nothing runs unasked, and what was not run is never green.
#![allow(clippy::unwrap_used)] // A test that cannot go on ends here, with the place.

use std::sync::{Arc, Mutex};

use futures::FutureExt;
use futures::future::BoxFuture;
use galley_agent::event::TaskEvent;
use galley_agent::services::Question;
use galley_agent::verify::CheckStatus;
use galley_agent::{Budget, Host, Mode, Published, Services, TaskHandle, TaskSpec};
use galley_model::record::Recording;
use galley_model::{Client, Endpoint, Kind};
use galley_workspace::{Workspace, create_dir, write_atomically};

/// Says no, and remembers what was asked.
#[derive(Default)]
struct No(Mutex<Vec<String>>);

impl Host for No {
    fn ask(&self, question: Question) -> BoxFuture<'static, Option<String>> {
        self.0.lock().unwrap().push(question.title);
        async { Some("no".to_owned()) }.boxed()
    }
}

const REPLIES: &str = r#"{"reply":{"calls":[{"name":"check","arguments":"{\"what\":\"all\"}"},{"name":"run","arguments":"{\"command\":\"ls\"}"}]}}
{"reply":{"calls":[{"name":"finish","arguments":"{\"outcome\":\"done\",\"text\":\"looked\"}"}]}}
"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_command_is_asked_for_once_and_no_means_no() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("project");
    create_dir(&root).unwrap();
    write_atomically(&root.join("galley.toml"), b"[checks.unit]\ncommand = \"touch ran\"\n").unwrap();
    let host = Arc::new(No::default());
    let recording = Recording::parse("test", REPLIES).unwrap();
    let (published, mut shown) = tokio::sync::mpsc::unbounded_channel();
    let services = Services {
        journal: galley_journal::Journal::open(&folder.path().join("state")).unwrap(),
        workspace: Workspace::open(vec![root]).unwrap(),
        index: galley_index::Index::new(),
        client: Arc::new(Client::replay(Endpoint::new(Kind::Replay, "test"), recording)),
        level: galley_exec::Level::Copy,
        unsandboxed: false,
        network: Default::default(),
        previews: false,
        state_dir: folder.path().join("state"),
        host: host.clone(),
        client_for: galley_agent::one_model(),
        fast: None,
        critic: None,
        second_look: Default::default(),
        patience: None,
        window: None,
        purse: Default::default(),
        published,
    };
    let spec = TaskSpec {
        goal: "look".to_owned(),
        title: "look".to_owned(),
        mode: Mode::Free,
        origin: None,
        scope: Vec::new(),
        limits: Default::default(),
        planning: Default::default(),
        budget: Budget::default(),
        contest: None,
    };
    galley_agent::start(services, TaskHandle::new("t1".to_owned()), spec).unwrap();
    let mut checks = Vec::new();
    let mut outputs = Vec::new();
    while let Some(published) = shown.recv().await {
        let Published::Event { event, .. } = published else { continue };
        match *event {
            TaskEvent::Checked { evidence } => checks.push(evidence),
            TaskEvent::CallEnded { output, .. } => outputs.push(output),
            TaskEvent::Ended { .. } => break,
            _ => {}
        }
    }
    assert_eq!(*host.0.lock().unwrap(), ["Run commands without a sandbox?"], "asked once for the task");
    assert!(checks.iter().all(|evidence| evidence.status == CheckStatus::NotRun), "{checks:?}");
    assert!(outputs[0].contains("running without one was not allowed"), "{outputs:?}");
    assert!(outputs[1].contains("did not allow"), "{outputs:?}");
    assert!(!folder.path().join("project/ran").exists());
}
