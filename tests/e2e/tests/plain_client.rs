//! An editor that knows nothing of Galley: diagnostics, code actions, code lenses, a diff document. Less comfort, nothing
//! less safe.

use galley_e2e::client::{Client, hunks};
use galley_e2e::model::Model;
use galley_e2e::place::Place;
use serde_json::{Value, json};

const TEXT: &str = "fn one() {\n    1\n}\n\nfn two() {\n    2\n}\n";

/// What Helix announces, cut to what matters.
fn helix() -> Value {
    json!({
        "workspace": {
            "applyEdit": true,
            "workspaceEdit": { "documentChanges": true, "resourceOperations": ["create", "rename", "delete"] },
        },
        "textDocument": {
            "codeAction": { "codeActionLiteralSupport": { "codeActionKind": { "valueSet": [""] } }, "disabledSupport": true },
        },
        "window": { "workDoneProgress": true, "showDocument": { "support": true } },
        "general": { "positionEncodings": ["utf-8", "utf-32", "utf-16"] },
    })
}

fn edit(old: &str, new: &str) -> Value {
    json!({ "name": "edit", "arguments": { "why": format!("use {new}"), "edits": [{ "path": "a.rs", "old": old, "new": new }] } })
}

fn proposed(place: &Place, capabilities: Value) -> (Client, Model, String) {
    let model = Model::start(&json!({ "turns": [
        { "calls": [edit("    1", "    10"), edit("    2", "    20")] },
        { "calls": [{ "name": "finish", "arguments": { "outcome": "done", "text": "made" } }] },
    ] }));
    let mut client = Client::start(place, Some(&model.url()), capabilities);
    let uri = place.uri("a.rs");
    client.open(&uri);
    let command = json!({ "command": "galley.task.start", "arguments": [{ "goal": "improve", "uri": uri }] });
    let started = client.ask("workspace/executeCommand", command);
    assert!(started["task"].is_string(), "answered at once with the task's id: {started}");
    client.notified("textDocument/publishDiagnostics", |params| {
        params["diagnostics"].as_array().is_some_and(|marks| marks.len() == 2)
    });
    (client, model, uri)
}

fn place() -> Place {
    Place::new(&[("a.rs", TEXT)])
}

#[test]
fn hunks_are_lenses_and_actions_and_a_diff() {
    let place = place();
    let (mut client, _model, uri) = proposed(&place, helix());
    let lenses = client.ask("textDocument/codeLens", json!({ "textDocument": { "uri": uri } }));
    let titles: Vec<&str> =
        lenses.as_array().unwrap().iter().filter_map(|lens| lens["command"]["title"].as_str()).collect();
    assert_eq!(titles, ["accept 1 of 2", "reject", "use     10", "accept 2 of 2", "reject", "use     20"]);

    let proposals = client.ask("galley/proposal/list", json!({}));
    let diff = client
        .ask("workspace/executeCommand", json!({ "command": "galley.proposal.diff", "arguments": [{}] }));
    let shown = client.wait("the diff is shown", |message| message["method"] == "window/showDocument");
    assert_eq!(shown["params"]["uri"], diff["uri"]);
    let text =
        std::fs::read_to_string(diff["uri"].as_str().unwrap().strip_prefix("file://").unwrap()).unwrap();
    assert!(text.contains("-    1\n+    10\n") && text.contains("a/a.rs"), "{text}");

    let at = json!({ "start": { "line": 1, "character": 0 }, "end": { "line": 1, "character": 0 } });
    let ask = json!({ "textDocument": { "uri": uri }, "range": at, "context": { "diagnostics": [], "only": ["quickfix"] } });
    let actions = client.ask("textDocument/codeAction", ask);
    let kinds: Vec<&str> =
        actions.as_array().unwrap().iter().filter_map(|action| action["kind"].as_str()).collect();
    assert!(kinds.iter().all(|kind| kind.starts_with("quickfix")), "{kinds:?}");
    let comment = actions
        .as_array()
        .unwrap()
        .iter()
        .find(|action| action["kind"] == "quickfix.galley.comment")
        .unwrap();
    assert!(comment["disabled"]["reason"].is_string() && comment["command"].is_null(), "{comment}");

    let first = &hunks(&proposals["proposals"][0])[0];
    let accept = json!({ "command": "galley.hunk.accept", "arguments": [{ "hunks": [first["hunk"]] }] });
    assert_eq!(client.ask("workspace/executeCommand", accept), Value::Null);
    client.notified("galley/proposal/didChange", |params| hunks(params)[0]["state"] == "accepted");
    assert_eq!(client.text(&uri), TEXT.replace("    1\n", "    10\n"));
}

#[test]
fn a_client_without_versions_gets_plain_changes() {
    let place = place();
    let (mut client, _model, uri) = proposed(&place, json!({ "workspace": { "applyEdit": true } }));
    client.ask(
        "workspace/executeCommand",
        json!({ "command": "galley.hunk.accept", "arguments": [{ "uri": uri }] }),
    );
    client.notified("textDocument/publishDiagnostics", |params| params["diagnostics"] == json!([]));
    assert_eq!(
        client.edits[0]["edit"]["changes"][&uri].as_array().unwrap().len(),
        2,
        "{:#}",
        client.edits[0]
    );
    assert_eq!(client.text(&uri), "fn one() {\n    10\n}\n\nfn two() {\n    20\n}\n");
}

#[test]
fn files_that_change_on_disk_move_their_hunks() {
    let place = place();
    let (mut client, _model, uri) = proposed(&place, helix());
    client.notify("textDocument/didClose", json!({ "textDocument": { "uri": uri } }));
    place.write("a.rs", &format!("// by another hand\n{TEXT}"));
    client.notify("workspace/didChangeWatchedFiles", json!({ "changes": [{ "uri": uri, "type": 2 }] }));
    let moved = client
        .notified("galley/proposal/didChange", |params| hunks(params)[0]["range"]["start"]["line"] == 2);
    assert_eq!(hunks(&moved)[0]["state"], "pending");
    // The file is renamed under the proposal; its hunks go along.
    let renamed = place.uri("b.rs");
    std::fs::rename(place.root().join("a.rs"), place.root().join("b.rs")).unwrap();
    client.notify("workspace/didRenameFiles", json!({ "files": [{ "oldUri": uri, "newUri": renamed }] }));
    let moved =
        client.notified("galley/proposal/didChange", |params| params["files"][0]["uri"] == renamed.as_str());
    assert_eq!(hunks(&moved)[0]["state"], "pending");
}

#[test]
fn an_offer_of_actions_costs_next_to_nothing() {
    let place = place();
    let (mut client, _model, uri) = proposed(&place, helix());
    let at = json!({ "start": { "line": 1, "character": 0 }, "end": { "line": 1, "character": 0 } });
    let ask = json!({ "textDocument": { "uri": uri }, "range": at, "context": { "diagnostics": [] } });
    let began = std::time::Instant::now();
    for _ in 0..200 {
        let actions = client.ask("textDocument/codeAction", ask.clone());
        assert!(actions.as_array().is_some_and(|list| list.len() > 8));
    }
    // Printed, never judged: machines are noisy.
    println!("codeAction, round trip through both pipes: {:?} each", began.elapsed() / 200);
}
