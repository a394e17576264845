//! Two editors and a terminal on one workspace share tasks: what is started in one is seen, steered and reviewed in the
//! others, and nothing is applied twice.

use std::fs::File;

use galley_e2e::client::{Client, full, hunks};
use galley_e2e::model::{Model, call, finish};
use galley_e2e::place::{Place, stderr, stdout};
use serde_json::{Value, json};

fn edit(path: &str, old: &str, new: &str) -> Value {
    call("edit", json!({ "path": path, "old": old, "new": new, "why": "asked" }))
}

/// Capabilities of an editor as Neovim is: edits with versions, no extension of ours.
fn lean() -> Value {
    json!({
        "workspace": { "applyEdit": true, "workspaceEdit": { "documentChanges": true, "resourceOperations": ["create", "rename", "delete"] } },
        "window": { "workDoneProgress": true },
        "general": { "positionEncodings": ["utf-16"] },
    })
}

const TEXT: &str = "one\n\n\n\n\n\n\n\ntwo\n\n\n\n\n\n\n\nthree\n";

#[test]
fn a_task_of_one_editor_is_seen_steered_and_reviewed_in_another_and_finished_in_a_terminal() {
    let place = Place::new(&[("a.txt", TEXT)]);
    let gate = place.beside("gate");
    let model = Model::start(&json!({ "turns": [
        edit("a.txt", "one", "eins"),
        { "say": "a long thought that goes on and on ".repeat(40), "calls": edit("a.txt", "two", "zwei")["calls"], "waitForMid": gate },
        edit("a.txt", "three", "drei"),
        finish(),
    ] }));
    let mut one = Client::start(&place, Some(&model.url()), full());
    let mut two = Client::start(&place, Some(&model.url()), lean());
    let uri = place.uri("a.txt");
    two.open(&uri);
    let task = one.task(json!({ "goal": "translate" }));
    // Seen in the other as it happens.
    two.notified("galley/task/didUpdate", |view| view["task"] == task && view["steps"][0]["state"] == "ok");
    let listed = two.ask("galley/task/list", json!({}));
    assert!(listed["tasks"].as_array().unwrap().iter().any(|view| view["task"] == task), "{listed:#}");
    model.until_asked(2);
    // Steered from the other, which does not run it.
    two.ask("galley/task/steer", json!({ "task": task, "message": "in German" }));
    let heard = model.until_request(|request| request["body"].to_string().contains("in German"));
    assert!(heard["body"]["messages"].as_array().is_some());
    File::create(&gate).unwrap();
    // Reviewed in the other: one hunk is accepted there.
    let proposal =
        two.notified("galley/proposal/didChange", |shown| shown["open"] == true && hunks(shown).len() == 3);
    one.notified("galley/proposal/didChange", |shown| shown["open"] == true && hunks(shown).len() == 3);
    let ids: Vec<Value> = hunks(&proposal).iter().map(|hunk| hunk["hunk"].clone()).collect();
    let accepted = two.ask("galley/hunk/accept", json!({ "hunks": [ids[0]] }));
    assert_eq!(accepted["applied"], true, "{accepted}");
    two.save(&uri);
    // The first sees the decision, and the file that its editor watches, and cannot repeat it.
    one.notify("workspace/didChangeWatchedFiles", json!({ "changes": [{ "uri": uri, "type": 2 }] }));
    one.notified("galley/proposal/didChange", |shown| {
        hunks(shown).iter().any(|hunk| hunk["state"] == "accepted")
    });
    let again = one.ask("galley/hunk/accept", json!({ "hunks": [ids[0]] }));
    assert_eq!(again["applied"], false, "{again}");
    // Finished in a terminal.
    let open: Value =
        serde_json::from_str(&stdout(&place.galley(&["task", "show", &task, "--json"]))).unwrap();
    assert_eq!(open["state"], "proposed", "{open:#}");
    let done = place.galley(&["review", "--accept-all", "--json"]);
    assert!(done.status.success(), "{}", stderr(&done));
    assert_eq!(
        place.read("a.txt"),
        TEXT.replace("one", "eins").replace("two", "zwei").replace("three", "drei")
    );
    // Both editors hear of the end.
    one.until(&task, &["done"]);
    two.until(&task, &["done"]);
    let shown: Value =
        serde_json::from_str(&stdout(&place.galley(&["task", "show", &task, "--json"]))).unwrap();
    assert_eq!(shown["checkpoints"].as_array().unwrap().len(), 2, "two accepts, two checkpoints: {shown:#}");
    assert!(place.galley(&["audit", "verify"]).status.success());
}

#[test]
fn a_hunk_that_both_accept_at_once_is_applied_once() {
    let place = Place::new(&[("a.txt", TEXT)]);
    let model = Model::start(&json!({ "turns": [edit("a.txt", "one", "eins"), finish()] }));
    let mut one = Client::start(&place, Some(&model.url()), full());
    let mut two = Client::start(&place, Some(&model.url()), full());
    let task = one.task(json!({ "goal": "translate" }));
    let proposal = one.proposal();
    two.proposal();
    let hunk = hunks(&proposal)[0]["hunk"].clone();
    let first = one.begin("galley/hunk/accept", json!({ "hunks": [hunk] }));
    let second = two.begin("galley/hunk/accept", json!({ "hunks": [hunk] }));
    let answers = [one.answer_to(first), two.answer_to(second)];
    let applied = answers.iter().filter(|answer| answer["result"]["applied"] == true).count();
    assert_eq!(applied, 1, "{answers:#?}");
    one.until(&task, &["done"]);
    two.until(&task, &["done"]);
    let shown: Value =
        serde_json::from_str(&stdout(&place.galley(&["task", "show", &task, "--json"]))).unwrap();
    assert_eq!(shown["checkpoints"].as_array().unwrap().len(), 1, "{shown:#}");
}

#[test]
fn a_task_whose_editor_dies_is_seen_as_interrupted_in_the_other_and_goes_on_there() {
    let place = Place::new(&[("a.txt", TEXT)]);
    let asked = place.beside("asked");
    let model = Model::start(&json!({ "turns": [
        edit("a.txt", "one", "eins"),
        { "calls": finish()["calls"], "fault": "hang", "times": 1, "signal": asked },
    ] }));
    let mut one = Client::start(&place, Some(&model.url()), full());
    let mut two = Client::start(&place, Some(&model.url()), full());
    let task = one.task(json!({ "goal": "translate" }));
    one.until_file(&asked);
    // While it runs there, nobody takes it over.
    two.notified("galley/task/didUpdate", |view| view["task"] == task && view["steps"][0]["state"] == "ok");
    one.child().kill().unwrap();
    one.child().wait().unwrap();
    two.until(&task, &["interrupted"]);
    two.ask("galley/task/resume", json!({ "task": task }));
    let proposal = two.proposal();
    assert_eq!(hunks(&proposal).len(), 1);
    let log = model.log();
    let firsts = log["requests"].as_array().unwrap().iter().filter(|request| request["turn"] == 0).count();
    assert_eq!(firsts, 1, "an answered turn is not asked for again");
}
