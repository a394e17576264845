//! The end of a task whose checks are red: what the model is told, what is undone, and what the person is told.
#![allow(clippy::unwrap_used)] // A test that cannot go on ends here, with the place.

mod common;

use std::sync::Arc;

use common::Nobody;
use galley_agent::event::TaskEvent;
use galley_agent::{Published, TaskHandle};
use galley_workspace::{create_dir, write_atomically};

/// Red by one test for each letter in the file.
const TESTS: &str = "red=0\nfor letter in x y; do\n  if grep -q $letter a.txt; then\n    echo \"not ok 1 - no $letter\"\n    echo '  ---'\n    echo \"  error: found $letter where none may be\"\n    echo '  ...'\n    red=1\n  else\n    echo \"ok 1 - no $letter\"\n  fi\ndone\nexit $red\n";

fn edit(from: &str, to: &str) -> String {
    let arguments =
        serde_json::json!({ "why": "try", "edits": [{ "path": "a.txt", "old": from, "new": to }] });
    serde_json::json!({ "name": "edit", "arguments": arguments.to_string() }).to_string()
}

fn finish(text: &str) -> String {
    let arguments = serde_json::json!({ "outcome": "done", "text": text });
    serde_json::json!({ "name": "finish", "arguments": arguments.to_string() }).to_string()
}

/// What the calls of each reply came to, and the events of the end.
async fn outputs_of(replies: &[Vec<String>]) -> (Vec<String>, TaskEvent) {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("project");
    create_dir(&root).unwrap();
    let toml = "[checks.unit]\ncommand = 'sh run.sh'\nreader = 'tap'\n";
    for (name, text) in [("galley.toml", toml), ("run.sh", TESTS), ("a.txt", "start\n")] {
        write_atomically(&root.join(name), text.as_bytes()).unwrap();
    }
    let lines: Vec<String> =
        replies.iter().map(|calls| format!("{{\"reply\":{{\"calls\":[{}]}}}}", calls.join(","))).collect();
    let (services, mut shown) = common::services(folder.path(), &root, &lines.join("\n"), Arc::new(Nobody));
    galley_agent::start(services, TaskHandle::new("t1".to_owned()), common::spec("change")).unwrap();
    let mut outputs = Vec::new();
    while let Some(published) = shown.recv().await {
        let Published::Event { event, .. } = published else { continue };
        match *event {
            TaskEvent::CallEnded { tool, output, .. } if tool == "finish" => outputs.push(output),
            event @ (TaskEvent::Proposed { .. } | TaskEvent::Ended { .. }) => return (outputs, event),
            _ => {}
        }
    }
    panic!("the task came to no end: {outputs:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worse_repair_is_undone_and_the_end_is_honest() {
    let (outputs, end) = outputs_of(&[
        vec![edit("start", "x"), finish("all done")],
        vec![edit("x", "x y"), finish("now it is")],
        vec![finish("surely")],
        vec![finish("it is all green")],
    ])
    .await;
    assert!(
        outputs[0].contains("1 newly failing") && outputs[0].contains("found x where none may be"),
        "{outputs:#?}"
    );
    assert!(outputs[1].contains("verified worse (unit: 0 failing before, 2 after"), "{outputs:#?}");
    assert!(outputs[1].contains("all files are again as at attempt 1"), "{outputs:#?}");
    assert!(!outputs[1].contains("found x where none may be"), "told in full only once: {outputs:#?}");
    assert!(outputs[1].contains("not ok 1 - no x (as before)"), "{outputs:#?}");
    let TaskEvent::Proposed { proposal, evidence, summary } = end else { panic!("{end:?}") };
    assert!(proposal.partial, "never dressed up");
    assert_eq!(proposal.files[0].hunks[0].after, "x\n", "the better candidate");
    assert!(summary.starts_with("Not finished: after 3 repairs checks are still red (unit: "), "{summary}");
    assert_eq!(evidence[0].newly_failing, ["no x"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_better_repair_is_kept() {
    let (outputs, end) = outputs_of(&[
        vec![edit("start", "x y"), finish("all done")],
        vec![edit("x y", "y"), finish("better")],
        vec![edit("y", "fine"), finish("done")],
    ])
    .await;
    assert!(outputs[0].contains("2 newly failing") && outputs[1].contains("1 newly failing"), "{outputs:#?}");
    assert!(!outputs[1].contains("undone"), "{outputs:#?}");
    let TaskEvent::Proposed { proposal, evidence, summary } = end else { panic!("{end:?}") };
    assert!(!proposal.partial && evidence[0].is_no_worse(), "{evidence:?}");
    assert_eq!((proposal.files[0].hunks[0].after.as_str(), summary.as_str()), ("fine\n", "done"));
}
