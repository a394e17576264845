//! Several tasks at once: they stand in line at a provider, and what they propose for the same lines is marked.

use std::fs::File;

use galley_e2e::client::{Client, full};
use galley_e2e::model::{Model, finish};
use galley_e2e::place::Place;
use serde_json::{Value, json};

fn edit(old: &str, new: &str) -> Value {
    let arguments = json!({ "path": "a.txt", "old": old, "new": new, "why": "asked" });
    json!({ "calls": [{ "name": "edit", "arguments": arguments }] })
}

#[test]
fn requests_beyond_the_providers_places_wait_in_line() {
    let place = Place::new(&[("a.txt", "one\n")]);
    let (asked, gate) = (place.beside("asked"), place.beside("gate"));
    let model = Model::start(&json!({ "conversations": [
        { "match": "the first", "turns": [{ "calls": finish()["calls"], "signal": asked, "waitFor": gate }] },
        { "match": "the second", "turns": [finish()] },
    ] }));
    place.configure(&format!(
        "model = 'one/fake'\n[providers.one]\nkind = 'openai-chat'\nbase_url = '{}'\nmax_concurrent = 1\n",
        model.url()
    ));
    let mut client = Client::start(&place, None, full());
    let first = client.task(json!({ "goal": "the first", "mode": "explain" }));
    client.until_file(&asked);
    let second = client.task(json!({ "goal": "the second", "mode": "explain" }));
    client.notified("galley/task/didUpdate", |view| {
        view["task"] == json!(second) && view["activity"].as_str().is_some_and(|it| it.contains("under way"))
    });
    assert_eq!(model.log()["requests"].as_array().unwrap().len(), 1);
    File::create(&gate).unwrap();
    client.until(&first, &["done"]);
    client.until(&second, &["done"]);
}

#[test]
fn a_task_that_waits_in_line_is_stopped_at_once() {
    let place = Place::new(&[("a.txt", "one\n")]);
    let asked = place.beside("asked");
    let model =
        Model::start(&json!({ "turns": [{ "say": "x", "fault": "hang", "times": -1, "signal": asked }] }));
    place.configure(&format!(
        "model = 'one/fake'\n[providers.one]\nkind = 'openai-chat'\nbase_url = '{}'\nmax_concurrent = 1\n",
        model.url()
    ));
    let mut client = Client::start(&place, None, full());
    client.task(json!({ "goal": "the first", "mode": "explain" }));
    client.until_file(&asked);
    let second = client.task(json!({ "goal": "the second", "mode": "explain" }));
    client.notified("galley/task/didUpdate", |view| {
        view["task"] == json!(second) && view["activity"].as_str().is_some_and(|it| it.contains("under way"))
    });
    client.ask("galley/task/cancel", json!({ "task": second }));
    client.until(&second, &["cancelled"]);
    assert_eq!(model.log()["requests"].as_array().unwrap().len(), 1, "it was never sent");
}

#[test]
fn proposals_for_the_same_lines_are_marked_against_each_other() {
    let place = Place::new(&[("a.txt", "one\ntwo\nthree\nfour\nfive\n")]);
    let model = Model::start(&json!({ "conversations": [
        { "match": "louder", "turns": [edit("one", "ONE"), finish()] },
        { "match": "shorter", "turns": [edit("one", "1"), edit("five", "5"), finish()] },
    ] }));
    let mut client = Client::start(&place, Some(&model.url()), full());
    client.task(json!({ "goal": "louder" }));
    let first = client.proposal();
    assert_eq!(first["warnings"], json!([]));
    client.task(json!({ "goal": "shorter" }));
    let mut marked = Vec::new();
    for _ in 0..2 {
        let shown = client.notified("galley/proposal/didChange", |shown| shown["warnings"] != json!([]));
        marked.push(shown["warnings"].clone());
    }
    marked.sort_by_key(Value::to_string);
    let words = |title: &str| json!([format!("a.txt:1: another proposal changes the same lines ({title})")]);
    assert_eq!(marked, [words("louder"), words("shorter")]);
}
