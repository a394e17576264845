//! Reviewing while the person types, and editors that do not do what they say.

use galley_e2e::client::{Client, OnEdit, full, hunks};
use galley_e2e::model::Model;
use galley_e2e::place::Place;
use serde_json::{Value, json};

const TEXT: &str = "fn one() {\n    1\n}\n\nfn two() {\n    2\n}\n\nfn three() {\n    3\n}\n";

/// A place, a client and a proposal that changes the bodies of `one` and `three`, and adds a file.
struct Reviewed {
    place: Place,
    client: Client,
    uri: String,
    proposal: Value,
    task: String,
    _model: Model,
}

fn edit(path: &str, old: &str, new: &str) -> Value {
    json!({ "name": "edit", "arguments": { "why": format!("make {path} better"), "edits": [{ "path": path, "old": old, "new": new }] } })
}

fn reviewed(calls: Vec<Value>, capabilities: Value) -> Reviewed {
    let place = Place::new(&[("a.rs", TEXT), ("gone.rs", "fn gone() {}\n")]);
    let finish = |text: &str| json!({ "calls": [{ "name": "finish", "arguments": { "outcome": "done", "text": text } }] });
    let revision =
        json!({ "calls": [edit("a.rs", "    10", "    100")], "match": { "user": "use a hundred" } });
    let model =
        Model::start(&json!({ "turns": [{ "calls": calls }, finish("made"), revision, finish("revised")] }));
    let mut client = Client::start(&place, Some(&model.url()), capabilities);
    let uri = place.uri("a.rs");
    client.open(&uri);
    let task = client.task(json!({ "goal": "improve" }));
    let proposal = client.proposal();
    Reviewed { place, client, uri, proposal, task, _model: model }
}

fn two_hunks() -> Reviewed {
    reviewed(vec![edit("a.rs", "    1\n", "    10\n"), edit("a.rs", "    3\n", "    30\n")], full())
}

fn accept(client: &mut Client, hunk: &Value) -> Value {
    client.ask("galley/hunk/accept", json!({ "hunks": [hunk["hunk"]] }))
}

#[test]
fn hunks_follow_the_persons_typing() {
    let Reviewed { mut client, uri, proposal, _model, .. } = two_hunks();
    let second = &hunks(&proposal)[1];
    client.replace(&uri, "fn two() {\n    2\n", "fn two() {\n    // a thought\n    // another\n    22\n");
    let moved = client.notified("galley/proposal/didChange", |params| {
        hunks(params).get(1).is_some_and(|hunk| hunk["range"]["start"]["line"] == 11)
    });
    assert_eq!(hunks(&moved)[1]["state"], "pending");
    assert_eq!(moved["evidence"].as_array().map(Vec::len), Some(0), "no check runs in a folder without one");
    let accepted = accept(&mut client, second);
    assert_eq!(accepted["applied"], true, "{accepted}");
    let text = client.text(&uri);
    assert!(
        text.contains("// another\n    22\n") && text.contains("    30\n") && text.contains("    1\n"),
        "{text}"
    );
}

#[test]
fn typing_into_a_hunk_is_a_conflict_with_both_sides_until_it_is_undone() {
    let Reviewed { mut client, uri, proposal, _model, .. } = two_hunks();
    client.replace(&uri, "    1\n", "    one_of_mine()\n");
    let changed =
        client.notified("galley/proposal/didChange", |params| hunks(params)[0]["state"] == "conflicted");
    let sides = &hunks(&changed)[0]["conflict"];
    assert!(sides["yours"].as_str().unwrap().contains("one_of_mine"), "{sides}");
    assert!(sides["theirs"].as_str().unwrap().contains("10"), "{sides}");
    let refused = accept(&mut client, &hunks(&proposal)[0]);
    assert_eq!(refused["applied"], false);
    assert!(refused["reason"].as_str().unwrap().contains("conflicts"), "{refused}");
    assert!(client.text(&uri).contains("one_of_mine"));
    client.replace(&uri, "    one_of_mine()\n", "    1\n");
    client.notified("galley/proposal/didChange", |params| hunks(params)[0]["state"] == "pending");
}

#[test]
fn what_the_person_does_themselves_is_obsolete() {
    let Reviewed { mut client, uri, _model, .. } = two_hunks();
    client.replace(&uri, "    1\n", "    10\n");
    client.notified("galley/proposal/didChange", |params| hunks(params)[0]["state"] == "obsolete");
}

#[test]
fn an_editor_that_lies_or_refuses_leaves_the_hunk_pending() {
    let Reviewed { mut client, uri, proposal, _model, .. } = two_hunks();
    let hunk = hunks(&proposal)[0].clone();
    client.on_edit = OnEdit::Lie;
    let answer = accept(&mut client, &hunk);
    assert_eq!(answer["applied"], false, "{answer}");
    assert!(answer["reason"].as_str().unwrap().contains("did not change"), "{answer}");
    client.on_edit = OnEdit::Refuse;
    let answer = accept(&mut client, &hunk);
    assert_eq!((answer["applied"].clone(), answer["reason"].clone()), (json!(false), json!("not now")));
    assert_eq!(client.text(&uri), TEXT);
    client.on_edit = OnEdit::Apply;
    assert_eq!(accept(&mut client, &hunk)["applied"], true);
}

#[test]
fn a_rejected_hunk_leaves_the_others() {
    let Reviewed { mut client, uri, proposal, task, _model, .. } = two_hunks();
    let all = hunks(&proposal);
    let rejected = client.ask("galley/hunk/reject", json!({ "hunks": [all[0]["hunk"]] }));
    assert_eq!(rejected["hunks"], json!([all[0]["hunk"]]));
    assert_eq!(accept(&mut client, &all[1])["applied"], true);
    let ended = client.until(&task, &["done"]);
    assert_eq!(ended["message"], "1 of 2 hunks accepted");
    assert!(client.text(&uri).contains("    1\n") && client.text(&uri).contains("    30\n"));
}

#[test]
fn an_undone_accept_is_open_again() {
    let Reviewed { mut client, uri, proposal, _model, .. } = two_hunks();
    assert_eq!(accept(&mut client, &hunks(&proposal)[0])["applied"], true);
    // The person presses undo.
    client.replace(&uri, "    10\n", "    1\n");
    client.notified("galley/proposal/didChange", |params| {
        hunks(params)[0]["state"] == "pending" && params["open"] == true
    });
}

#[test]
fn the_persons_own_words_for_a_hunk_are_what_is_applied() {
    let Reviewed { mut client, uri, proposal, _model, .. } = two_hunks();
    let hunk = &hunks(&proposal)[0];
    client.ask("galley/hunk/edit", json!({ "hunk": hunk["hunk"], "text": "    11\n" }));
    assert_eq!(accept(&mut client, hunk)["applied"], true);
    assert!(client.text(&uri).contains("fn one() {\n    11\n}"));
}

#[test]
fn a_comment_goes_to_the_model_and_the_hunk_is_revised_in_place() {
    let Reviewed { mut client, proposal, _model, .. } = two_hunks();
    let hunk = &hunks(&proposal)[0];
    client.ask("galley/hunk/comment", json!({ "hunk": hunk["hunk"], "text": "use a hundred" }));
    let revised = client.notified("galley/proposal/didChange", |params| {
        hunks(params).iter().any(|hunk| hunk["after"].as_str().is_some_and(|after| after.contains("100")))
    });
    assert_eq!(revised["proposal"], proposal["proposal"]);
    assert_eq!(hunks(&revised).len(), 2);
}

#[test]
fn files_are_made_and_removed_by_an_accept_only() {
    let calls = vec![
        edit("new/b.rs", "", "fn b() {}\n"),
        json!({ "name": "more", "arguments": { "call": ["delete", "gone.rs"] } }),
    ];
    let Reviewed { place, mut client, proposal, _model, .. } = reviewed(calls, full());
    assert!(place.root().join("gone.rs").exists() && !place.root().join("new/b.rs").exists());
    let answer = client.ask("galley/hunk/accept", json!({ "proposal": proposal["proposal"] }));
    assert_eq!(answer["applied"], true, "{answer}");
    assert!(!place.root().join("gone.rs").exists());
    assert_eq!(client.text(&place.uri("new/b.rs")), "fn b() {}\n");
}

#[test]
fn a_client_without_file_operations_gets_its_files_from_the_server() {
    let calls = vec![
        edit("new/b.rs", "", "fn b() {}\n"),
        json!({ "name": "more", "arguments": { "call": ["delete", "gone.rs"] } }),
    ];
    let emacs = json!({ "workspace": { "applyEdit": true, "workspaceEdit": { "documentChanges": true } } });
    let Reviewed { place, mut client, proposal, task, _model, .. } = reviewed(calls, emacs);
    let answer = client.ask(
        "workspace/executeCommand",
        json!({ "command": "galley.hunk.accept", "arguments": [{ "proposal": proposal["proposal"] }] }),
    );
    assert_eq!(answer, Value::Null, "a client that may freeze is answered at once");
    client.until(&task, &["done"]);
    assert_eq!(place.read("new/b.rs"), "fn b() {}\n");
    assert!(!place.root().join("gone.rs").exists());
}

#[test]
fn a_proposal_survives_the_death_of_the_server() {
    let Reviewed { place, mut client, uri, proposal, _model: model, .. } = two_hunks();
    let all = hunks(&proposal);
    client.ask("galley/hunk/reject", json!({ "hunks": [all[0]["hunk"]] }));
    client.child().kill().unwrap();
    drop(client);
    let mut client = Client::start(&place, Some(&model.url()), full());
    client.open(&uri);
    let again = client.proposal();
    assert_eq!(hunks(&again)[0]["state"], "rejected");
    assert_eq!(hunks(&again)[1]["state"], "pending");
    assert_eq!(accept(&mut client, &all[1])["applied"], true);
}

#[test]
fn later_work_stays_when_a_change_is_taken_back() {
    let Reviewed { mut client, uri, proposal, task, _model, .. } = two_hunks();
    client.ask("galley/hunk/accept", json!({ "proposal": proposal["proposal"] }));
    client.until(&task, &["done"]);
    client.replace(&uri, "    2\n", "    2 + later()\n");
    let restored = client.ask("galley/checkpoint/restore", json!({ "task": task }));
    assert_eq!(restored["applied"], true, "{restored}");
    assert_eq!(client.text(&uri), TEXT.replace("    2\n", "    2 + later()\n"));
}
