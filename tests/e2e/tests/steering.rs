//! Steering a running task: words, pause, stop, questions, interruption.

use std::fs::File;

use galley_e2e::client::{Client, full, hunks};
use galley_e2e::model::Model;
use galley_e2e::place::Place;
use serde_json::{Value, json};

fn finish(text: &str) -> Value {
    json!({ "name": "finish", "arguments": { "outcome": "done", "text": text } })
}

#[test]
fn a_message_reaches_the_model_while_it_is_writing_prose() {
    let place = Place::new(&[("a.rs", "fn a() {}\n")]);
    let (asked, gate) = (place.beside("asked"), place.beside("gate"));
    let model = Model::start(&json!({ "turns": [
        { "say": "a long thought that goes on and on", "signal": asked, "waitForMid": gate },
        { "calls": [finish("kept")], "match": { "user": "keep the public signature" } },
    ] }));
    let mut client = Client::start(&place, Some(&model.url()), full());
    let task = client.task(json!({ "goal": "think", "mode": "explain" }));
    client.until(&task, &["exploring"]);
    client.ask("galley/task/steer", json!({ "task": task, "message": "keep the public signature" }));
    File::create(&gate).unwrap();
    // The reply that was cut is asked for again, now with the words in it.
    let ended = client.until(&task, &["done", "failed"]);
    assert_eq!(ended["state"], "done", "{ended:#}");
}

#[test]
fn a_paused_task_holds_until_it_is_resumed() {
    let place = Place::new(&[("a.rs", "fn a() {}\n")]);
    let gate = place.beside("gate");
    let model = Model::start(&json!({ "turns": [{ "calls": [finish("done")], "waitFor": gate }] }));
    let mut client = Client::start(&place, Some(&model.url()), full());
    let task = client.task(json!({ "goal": "wait", "mode": "explain" }));
    client.until(&task, &["exploring"]);
    client.ask("galley/task/pause", json!({ "task": task }));
    client.until(&task, &["paused"]);
    File::create(&gate).unwrap();
    client.ask("galley/task/resume", json!({ "task": task }));
    client.until(&task, &["done"]);
}

#[test]
fn a_stopped_task_keeps_what_it_has_as_a_partial_proposal() {
    let place = Place::new(&[("a.rs", "fn a() {}\n")]);
    let model = Model::start(&json!({ "turns": [
        { "calls": [{ "name": "edit", "arguments": { "why": "first", "edits": [{ "path": "a.rs", "old": "fn a() {}", "new": "fn b() {}" }] } }] },
        { "say": "x", "fault": "hang", "times": -1 },
    ] }));
    let mut client = Client::start(&place, Some(&model.url()), full());
    client.task(json!({ "goal": "rename" }));
    client.notified("galley/task/didUpdate", |view| view["steps"][0]["state"] == "ok");
    client.ask("galley/task/cancel", json!({}));
    let proposal = client.proposal();
    assert_eq!(proposal["partial"], true);
    assert_eq!(hunks(&proposal).len(), 1);
    assert_eq!(place.read("a.rs"), "fn a() {}\n");
}

#[test]
fn what_is_not_allowed_is_asked_and_no_means_no() {
    let place = Place::new(&[("a.rs", "fn a() {}\n"), ("Cargo.lock", "old\n")]);
    let scenario = json!({ "turns": [
        { "calls": [{ "name": "run", "arguments": { "command": "./deploy.sh now" } }] },
        { "calls": [{ "name": "edit", "arguments": { "why": "x", "edits": [{ "path": "Cargo.lock", "old": "old", "new": "new" }] } }] },
        { "calls": [{ "name": "finish", "arguments": { "outcome": "blocked", "text": "it may not" } }] },
    ] });
    let model = Model::start(&scenario);
    let mut client = Client::start(&place, Some(&model.url()), full());
    let task = client.task(json!({ "goal": "deploy" }));
    let asked = client.wait("a question", |message| message["method"] == "galley/approval/request");
    assert!(asked["params"]["title"].as_str().unwrap().contains("./deploy.sh now"), "{asked}");
    assert_eq!(asked["params"]["options"][0]["id"], "no", "the safe answer is first");
    let asked = client.wait("a question", |message| message["method"] == "galley/approval/request");
    assert!(asked["params"]["title"].as_str().unwrap().contains("Cargo.lock"), "{asked}");
    let ended = client.until(&task, &["failed"]);
    assert!(ended["steps"].as_array().unwrap()[..2].iter().all(|step| step["state"] == "error"), "{ended:#}");
    assert_eq!(place.read("Cargo.lock"), "old\n");
}

#[test]
fn commands_run_in_a_copy_and_never_in_the_persons_tree() {
    let place = Place::new(&[("a.txt", "mine\n")]);
    let model = Model::start(&json!({ "turns": [
        { "calls": [{ "name": "run", "arguments": { "command": "echo theirs > a.txt; echo new > b.txt; cat a.txt" } }] },
        { "calls": [{ "name": "finish", "arguments": { "outcome": "blocked", "text": "only looked" } }] },
    ] }));
    let mut client = Client::start(&place, Some(&model.url()), full());
    client.answer = Some("once".to_owned());
    let task = client.task(json!({ "goal": "look" }));
    let ended = client.until(&task, &["proposed"]);
    assert!(ended["steps"][0]["detail"].as_str().unwrap().contains("theirs"), "{ended:#}");
    let proposal = client.proposal();
    assert_eq!(hunks(&proposal).len(), 1, "the changed file is proposed, the new one is a by-product");
    assert_eq!(hunks(&proposal)[0]["after"], "theirs\n");
    assert_eq!(place.read("a.txt"), "mine\n");
    assert!(!place.root().join("b.txt").exists());
}

#[test]
fn what_the_model_writes_is_shown_before_it_is_whole() {
    let place = Place::new(&[("a.rs", "fn a() {}\n\nfn b() {\n    old();\n}\n")]);
    let gate = place.beside("gate");
    let new: String = (0..40).map(|at| format!("    step_{at}();\n")).collect();
    let edit = json!({ "path": "a.rs", "old": "    old();\n", "new": new, "why": "in steps" });
    let model = Model::start(&json!({ "turns": [
        { "calls": [{ "name": "edit", "arguments": edit }], "waitForMid": gate },
        { "calls": [finish("done")] },
    ] }));
    let mut client = Client::start(&place, Some(&model.url()), full());
    let task = client.task(json!({ "goal": "in steps" }));
    let shown = client.notified("galley/task/didDraft", |shown| {
        shown["drafts"][0]["new"].as_str().is_some_and(|new| new.contains("step_3"))
    });
    let draft = &shown["drafts"][0];
    assert_eq!((&shown["task"], &draft["uri"]), (&json!(task), &json!(place.uri("a.rs"))));
    assert_eq!((&draft["line"], &draft["old"]), (&json!(3), &json!("    old();\n")));
    assert!(new.starts_with(draft["new"].as_str().unwrap()) && draft["new"] != json!(new));
    assert!(hunks(&client.ask("galley/proposal/list", json!({}))["proposals"][0]).is_empty());
    File::create(&gate).unwrap();
    let proposal = client.proposal();
    assert_eq!(hunks(&proposal)[0]["after"], json!(new));
    client.notified("galley/task/didDraft", |shown| shown["drafts"] == json!([]));
}

#[test]
fn a_killed_task_is_shown_as_interrupted_and_goes_on_without_paying_twice() {
    let place = Place::new(&[("a.rs", "fn a() {}\n")]);
    let (asked, gate) = (place.beside("asked"), place.beside("gate"));
    let model = Model::start(&json!({ "turns": [
        { "calls": [{ "name": "edit", "arguments": { "why": "first", "edits": [{ "path": "a.rs", "old": "fn a() {}", "new": "fn b() {}" }] } }] },
        { "calls": [finish("renamed")], "signal": asked, "waitFor": gate },
    ] }));
    let mut client = Client::start(&place, Some(&model.url()), full());
    let task = client.task(json!({ "goal": "rename" }));
    client.notified("galley/task/didUpdate", |view| view["steps"][0]["state"] == "ok");
    client.child().kill().unwrap();
    drop(client);
    File::create(&gate).unwrap();
    let mut client = Client::start(&place, Some(&model.url()), full());
    let shown = client.until(&task, &["interrupted"]);
    assert!(shown["activity"].as_str().unwrap().contains("nothing was applied"), "{shown:#}");
    client.ask("galley/task/resume", json!({ "task": task }));
    let proposal = client.proposal();
    assert_eq!(hunks(&proposal)[0]["after"], "fn b() {}\n");
    let log = model.log();
    let first_turns =
        log["requests"].as_array().unwrap().iter().filter(|request| request["turn"] == 0).count();
    assert_eq!(first_turns, 1, "an answered turn is not asked for again");
    model.assert_clean();
}

#[test]
fn a_budget_ends_a_task_before_it_is_passed() {
    let place = Place::new(&[("a.rs", "fn a() {}\n")]);
    let look = json!({ "calls": [{ "name": "search", "arguments": { "query": "fn" } }] });
    let other = json!({ "calls": [{ "name": "search", "arguments": { "query": "a" } }] });
    let model = Model::start(&json!({ "turns": [look, other] }));
    let mut client = Client::start(&place, Some(&model.url()), full());
    let task = client.task(json!({ "goal": "look", "budget": { "steps": 2 } }));
    let ended = client.until(&task, &["failed"]);
    assert!(ended["message"].as_str().unwrap().contains("2 steps are used up"), "{ended:#}");
    assert_eq!(model.log()["requests"].as_array().unwrap().len(), 2);
}
