//! Where no sandbox works, nothing runs unasked, and what was not run is never green.
#![allow(clippy::unwrap_used)] // A test that cannot go on ends here, with the place.

mod common;

use std::sync::{Arc, Mutex};

use futures::FutureExt;
use futures::future::BoxFuture;
use galley_agent::event::TaskEvent;
use galley_agent::services::Question;
use galley_agent::verify::CheckStatus;
use galley_agent::{Host, Published, TaskHandle};
use galley_workspace::{create_dir, write_atomically};

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
    let (mut services, mut shown) = common::services(folder.path(), &root, REPLIES, host.clone());
    (services.level, services.unsandboxed) = (galley_exec::Level::Copy, false);
    galley_agent::start(services, TaskHandle::new("t1".to_owned()), common::spec("look")).unwrap();
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
