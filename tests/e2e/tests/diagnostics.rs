//! What the editor's other language servers say reaches a task, and nothing that speaks of an older text.

use galley_e2e::client::{Client, full};
use galley_e2e::model::Model;
use galley_e2e::place::Place;
use serde_json::{Value, json};

fn ask(words: &[&str]) -> Value {
    json!({ "calls": [{ "name": "more", "arguments": { "call": words } }] })
}

fn finish() -> Value {
    json!({ "calls": [{ "name": "finish", "arguments": { "outcome": "blocked", "text": "seen" } }] })
}

/// The outputs of the tool calls, in order.
fn outputs(model: &Model) -> Vec<String> {
    let log = model.log();
    let last = log["requests"].as_array().unwrap().last().unwrap()["body"]["messages"].clone();
    let tools = last.as_array().unwrap().iter().filter(|message| message["role"] == "tool");
    tools.map(|message| message["content"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn diagnostics_of_the_editor_reach_the_model_and_never_stale_ones() {
    let place = Place::new(&[
        ("a.ts", "let a: number = 1\n"),
        ("b.ts", "let b = 2\n"),
        (".gitignore", "secret.ts\n"),
    ]);
    place.write("secret.ts", "let s = 3\n");
    let model = Model::start(&json!({ "turns": [
        ask(&["diagnostics"]),
        ask(&["diagnostics", "a.ts"]),
        finish(),
    ] }));
    let mut capabilities = full();
    capabilities["experimental"]["galley"]["diagnostics"] = json!(true);
    let mut client = Client::start(&place, Some(&model.url()), capabilities);
    client.open(&place.uri("a.ts"));
    client.open(&place.uri("b.ts"));
    let said = |file: &str, version: Value, message: &str| {
        json!({ "uri": place.uri(file), "version": version, "diagnostics": [
            { "line": 0, "severity": 1, "source": "ts", "code": "2322", "message": message },
        ] })
    };
    client.other_servers = json!({ "documents": [
        said("a.ts", json!(1), "not a number"),
        said("b.ts", json!(0), "of an older text"),
        said("secret.ts", Value::Null, "hidden by a rule"),
        json!({ "uri": "file:///etc/passwd", "version": null, "diagnostics": [{ "line": 0, "message": "outside" }] }),
    ] });
    let task = client.task(json!({ "goal": "look" }));
    client.until(&task, &["failed"]);
    let told = outputs(&model);
    assert!(told[0].contains("a.ts\n1 error ts 2322: not a number"), "{told:?}");
    for hidden in ["older text", "hidden by", "outside"] {
        assert!(!told[0].contains(hidden), "{hidden}: {told:?}");
    }
    assert!(told[1].contains("not a number"), "{told:?}");
}

#[test]
fn an_editor_that_cannot_tell_is_no_failure() {
    let place = Place::new(&[("a.ts", "let a = 1\n")]);
    let model = Model::start(&json!({ "turns": [ask(&["diagnostics"]), finish()] }));
    let mut client = Client::start(&place, Some(&model.url()), full());
    let task = client.task(json!({ "goal": "look" }));
    client.until(&task, &["failed"]);
    assert!(outputs(&model)[0].contains("does not tell"), "{:?}", outputs(&model));
}
