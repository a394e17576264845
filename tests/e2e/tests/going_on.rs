//! A task that ended before its work did is gone on with from where it was; one at its end is not.

use galley_e2e::client::{Client, full, hunks};
use galley_e2e::model::{Model, call, finish};
use galley_e2e::place::{Place, stderr, stdout};
use serde_json::{Value, json};

const FILES: &[(&str, &str)] = &[("a.txt", "one\ntwo\n")];

fn edit(old: &str, new: &str) -> Value {
    call("edit", json!({ "path": "a.txt", "old": old, "new": new, "why": "asked" }))
}

/// The same turn, whose first request meets this fault.
fn once(fault: &str, mut turn: Value) -> Value {
    turn["fault"] = json!(fault);
    turn
}

#[test]
fn a_task_that_failed_goes_on_from_where_it_was() {
    for turns in [
        json!([call("read", json!({ "path": "a.txt" })), once("http_401", edit("one", "eins")), finish()]),
        json!([edit("one", "eins"), once("http_401", finish())]),
    ] {
        let place = Place::new(FILES);
        let model = Model::start(&json!({ "turns": turns }));
        let mut client = Client::start(&place, Some(&model.url()), full());
        let task = client.task(json!({ "goal": "translate" }));
        let failed = client.until(&task, &["failed", "proposed"]);
        assert_eq!(failed["resumable"], true, "{failed:#}");
        client.ask("galley/task/resume", json!({ "task": task }));
        let done = client.notified("galley/task/didUpdate", |told| {
            told["task"] == task && told["state"] == "proposed" && told["resumable"] == false
        });
        assert_eq!(done["message"], "ready", "{done:#}");
        let proposal = client.ask("galley/proposal/get", json!({}));
        assert_eq!(hunks(&proposal)[0]["after"], "eins\n", "{proposal:#}");
        let asked = model.log()["requests"].as_array().unwrap().len();
        assert_eq!(
            asked,
            turns.as_array().unwrap().len() + 1,
            "one request was refused, no other was repeated"
        );
        model.assert_clean();
    }
}

#[test]
fn a_task_at_its_end_stays_as_it_is() {
    let place = Place::new(FILES);
    let model = Model::start(&json!({ "turns": [edit("one", "eins"), finish()] }));
    let mut client = Client::start(&place, Some(&model.url()), full());
    let task = client.task(json!({ "goal": "translate" }));
    client.until(&task, &["proposed"]);
    let refused = client.request("galley/task/resume", json!({ "task": task }));
    assert!(refused["error"]["message"].as_str().unwrap().contains("at the end of its work"), "{refused:#}");
    let shown = client.ask("galley/task/get", json!({ "task": task }));
    assert_eq!((&shown["state"], &shown["message"]), (&json!("proposed"), &json!("ready")), "{shown:#}");
    assert_eq!(hunks(&client.ask("galley/proposal/get", json!({}))).len(), 1);
}

#[test]
fn a_stopped_task_goes_on_from_the_terminal() {
    let place = Place::new(FILES);
    let model = Model::start(&json!({ "turns": [
        edit("one", "eins"),
        once("hang", edit("two", "zwei")),
        finish(),
    ] }));
    let mut client = Client::start(&place, Some(&model.url()), full());
    let task = client.task(json!({ "goal": "translate" }));
    model.until_asked(2);
    client.ask("galley/task/cancel", json!({ "task": task }));
    client.until(&task, &["proposed"]);
    client.shutdown();
    let mut command = place.command(&["task", "resume", "--json"]);
    command
        .env("GALLEY_MODEL", "openai-chat/fake")
        .env("GALLEY_BASE_URL", model.url())
        .env("OPENAI_API_KEY", "sk-test");
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}{}", stdout(&output), stderr(&output));
    let shown = stdout(&place.galley(&["review", "--json"]));
    assert!(shown.contains("eins") && shown.contains("zwei"), "{shown}");
    let words = model.log()["requests"][2]["body"]["messages"].as_array().unwrap().last().cloned().unwrap();
    assert_eq!(words["content"], "Go on.", "{words:#}");
}
