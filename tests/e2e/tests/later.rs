//! What happens under a proposal while it waits, and to a change long after it was accepted.

use galley_e2e::client::{Client, full, hunks};
use galley_e2e::model::Model;
use galley_e2e::place::{Place, stderr, stdout};
use serde_json::{Value, json};

const A: &str = "fn one() {\n    1\n}\n\nfn two() {\n    2\n}\n\nfn three() {\n    3\n}\n";

fn edit(path: &str, old: &str, new: &str) -> Value {
    json!({ "name": "edit", "arguments": { "why": "better", "edits": [{ "path": path, "old": old, "new": new }] } })
}

/// A repository with two branches, and a client before whom two hunks in `a.rs` wait.
fn waiting() -> (Place, Client, String, Value) {
    let place = Place::new(&[("a.rs", A), ("b.rs", "fn b() {}\n")]);
    for arguments in [&["init", "-q", "-b", "main"][..], &["add", "."], &["commit", "-qm", "first"]] {
        place.git(arguments);
    }
    place.git(&["checkout", "-qb", "other"]);
    place.write("a.rs", "fn another() {}\n");
    place.git(&["commit", "-qam", "second"]);
    place.git(&["checkout", "-q", "main"]);
    let calls = [edit("a.rs", "    1\n", "    10\n"), edit("a.rs", "    3\n", "    30\n")];
    let finish = json!({ "name": "finish", "arguments": { "outcome": "done", "text": "made" } });
    let model = Model::start(&json!({ "turns": [{ "calls": calls }, { "calls": [finish] }] }));
    let mut client = Client::start(&place, Some(&model.url()), full());
    let task = client.task(json!({ "goal": "improve" }));
    let proposal = client.proposal();
    (place, client, task, proposal)
}

fn tell(client: &mut Client, uri: &str, kind: u8) {
    client.notify("workspace/didChangeWatchedFiles", json!({ "changes": [{ "uri": uri, "type": kind }] }));
}

fn states(proposal: &Value) -> Vec<String> {
    hunks(proposal).iter().map(|hunk| hunk["state"].as_str().unwrap().to_owned()).collect()
}

fn now(client: &mut Client, id: &Value) -> Value {
    client.ask("galley/proposal/get", json!({ "proposal": id }))
}

#[test]
fn a_branch_switch_under_a_proposal_is_survived() {
    let (place, mut client, _, proposal) = waiting();
    let uri = place.uri("a.rs");
    place.git(&["checkout", "-q", "other"]);
    tell(&mut client, &uri, 2);
    let away = now(&mut client, &proposal["proposal"]);
    assert!(!states(&away).contains(&"pending".to_owned()), "{:?}", states(&away));
    let refused = client.ask("galley/hunk/accept", json!({ "proposal": proposal["proposal"] }));
    assert_eq!(refused["applied"], false, "{refused}");
    assert_eq!(place.read("a.rs"), "fn another() {}\n");
    place.git(&["checkout", "-q", "main"]);
    tell(&mut client, &uri, 2);
    let back = now(&mut client, &proposal["proposal"]);
    assert_eq!(states(&back), ["pending", "pending"]);
    let answer = client.ask("galley/hunk/accept", json!({ "proposal": proposal["proposal"] }));
    assert_eq!(answer["applied"], true, "{answer}");
    assert_eq!(client.text(&uri), A.replace("    1\n", "    10\n").replace("    3\n", "    30\n"));
}

#[test]
fn a_formatter_a_deletion_and_a_rename_under_a_proposal_are_survived() {
    let (place, mut client, _, proposal) = waiting();
    let (uri, renamed) = (place.uri("a.rs"), place.uri("sub/renamed.rs"));
    // Another indentation, as a formatter makes it, of everything but the lines of the hunks.
    client.open(&uri);
    client.replace(&uri, "fn two() {\n    2\n}", "fn two()\n{\n\t2\n}");
    assert_eq!(states(&now(&mut client, &proposal["proposal"])), ["pending", "pending"]);
    client.save(&uri);
    client.notify("textDocument/didClose", json!({ "textDocument": { "uri": uri } }));
    let text = place.read("a.rs");
    std::fs::remove_file(place.root().join("a.rs")).unwrap();
    tell(&mut client, &uri, 3);
    let gone = client.ask("galley/hunk/accept", json!({ "proposal": proposal["proposal"] }));
    assert_eq!(gone["applied"], false, "{gone}");
    assert!(gone["reason"].as_str().unwrap().contains("deleted"), "{gone}");
    place.write("a.rs", &text);
    tell(&mut client, &uri, 1);
    assert_eq!(states(&now(&mut client, &proposal["proposal"])), ["pending", "pending"]);
    std::fs::create_dir(place.root().join("sub")).unwrap();
    std::fs::rename(place.root().join("a.rs"), place.root().join("sub/renamed.rs")).unwrap();
    let files = json!({ "files": [{ "oldUri": uri, "newUri": renamed }] });
    client.notify("workspace/didRenameFiles", files);
    let answer = client.ask("galley/hunk/accept", json!({ "proposal": proposal["proposal"] }));
    assert_eq!(answer["applied"], true, "{answer}");
    assert_eq!(client.text(&renamed), text.replace("    1\n", "    10\n").replace("    3\n", "    30\n"));
    assert!(!place.root().join("a.rs").exists());
}

#[test]
fn one_hunk_of_a_closed_task_is_taken_back_later() {
    let (place, mut client, task, proposal) = waiting();
    let uri = place.uri("a.rs");
    let answer = client.ask("galley/hunk/accept", json!({ "proposal": proposal["proposal"] }));
    assert_eq!(answer["applied"], true, "{answer}");
    client.save(&uri);
    client.until(&task, &["done"]);
    assert!(client.shutdown().success());
    // Later work of somebody else, in a commit.
    let later = place.read("a.rs").replace("    2\n", "    2 // later\n");
    place.write("a.rs", &format!("// head\n{later}"));
    place.git(&["commit", "-qam", "later"]);
    let first = hunks(&proposal)[0]["hunk"].as_str().unwrap().to_owned();
    let output = place.galley(&["rollback", &task, "--hunk", &first]);
    assert!(output.status.success(), "{}{}", stdout(&output), stderr(&output));
    let expected = format!("// head\n{}", later.replace("    10\n", "    1\n"));
    assert_eq!(place.read("a.rs"), expected);
    // The other one from an editor that knows of the task only by the journal.
    let mut client = Client::start(&place, None, full());
    let again = client.proposal();
    assert_eq!(states(&again), ["pending", "accepted"], "what was taken back can be decided again");
    let second = hunks(&proposal)[1]["hunk"].clone();
    let answer = client.ask("galley/hunk/undo", json!({ "hunks": [second] }));
    assert_eq!(answer["applied"], true, "{answer}");
    assert_eq!(client.text(&uri), expected.replace("    30\n", "    3\n"));
}
