//! Sub-tasks: at once, with a conversation, scope and share of their own; stopped with the task, and paid once.

use std::fs::File;

use galley_e2e::client::{Client, full, hunks};
use galley_e2e::model::{Model, call};
use galley_e2e::place::{Place, stdout};
use serde_json::{Value, json};

fn more(words: &[&str]) -> Value {
    call("more", json!({ "call": words }))
}

fn finish(text: &str) -> Value {
    call("finish", json!({ "outcome": "done", "text": text }))
}

fn edit(path: &str, old: &str, new: &str) -> Value {
    call("edit", json!({ "path": path, "old": old, "new": new, "why": "asked" }))
}

fn requests(model: &Model, conversation: &str) -> Vec<Value> {
    let log = model.log();
    let requests = log["requests"].as_array().unwrap().iter();
    let of = |request: &&Value| request["conversation"].as_str().unwrap().contains(conversation);
    requests.filter(of).cloned().collect()
}

#[test]
fn questions_are_answered_at_once_by_the_fast_model_in_short() {
    let place = Place::new(&[("a.rs", "fn one() {}\n"), ("b.rs", "fn two() {}\n")]);
    let (first, second) = (place.beside("first"), place.beside("second"));
    let long = "word ".repeat(2_000);
    let mut one = call("read", json!({ "path": "a.rs" }));
    (one["signal"], one["waitFor"]) = (json!(first), json!(second));
    let mut two = call("search", json!({ "query": "two" }));
    // Each waits for the other: one after the other, neither would come to an end.
    (two["signal"], two["waitFor"]) = (json!(second), json!(first));
    let model = Model::start(&json!({ "conversations": [
        { "match": "where is one", "turns": [one, finish("a.rs:1 defines it")] },
        { "match": "where is two", "turns": [two, finish(&long)] },
        { "match": "look around", "turns": [
            more(&["explore", "where is one?", "where is two?"]),
            { "calls": finish("seen")["calls"], "match": { "tool": "a.rs:1 defines it" } },
        ] },
    ] }));
    place.configure(&format!(
        "[roles]\nfast = 'other/quick'\n[providers.other]\nkind = 'openai-chat'\nbase_url = '{}'\n",
        model.url()
    ));
    let mut client = Client::start(&place, Some(&model.url()), full());
    let task = client.task(json!({ "goal": "look around", "mode": "explain" }));
    let ended = client.until(&task, &["done", "failed"]);
    assert_eq!(ended["state"], "done", "{ended:#}");
    model.assert_clean();
    let asked = requests(&model, "where is one");
    assert_eq!((asked.len(), &asked[0]["body"]["model"]), (2, &json!("quick")));
    let tools: Vec<&str> = asked[0]["body"]["tools"]
        .as_array()
        .unwrap()
        .iter()
        .map(|tool| tool["function"]["name"].as_str().unwrap())
        .collect();
    assert_eq!(tools, ["finish", "read", "search"]);
    assert!(!asked[1]["body"].to_string().contains("look around"), "it has a context of its own");
    let main = requests(&model, "look around");
    let answer = main[1]["body"]["messages"].as_array().unwrap().last().unwrap()["content"].to_string();
    assert!(answer.len() < 3_600, "answers are short: {}", answer.len());
    let steps = ended["steps"].as_array().unwrap();
    assert_eq!(steps.iter().filter(|step| step["tool"] == "explore" && step["state"] == "ok").count(), 2);
    let shown = stdout(&place.galley(&["task", "show", &task, "--json"]));
    let shown: Value = serde_json::from_str(&shown).unwrap();
    assert!(shown["phases"]["explore"]["input"].as_u64() > Some(0), "{:#}", shown["phases"]);
    let costs = stdout(&place.galley(&["cost", "--json"]));
    let quick = costs.lines().find(|line| line.contains("other/quick")).unwrap();
    assert!(quick.contains("\"calls\":4"), "{quick}");
}

#[test]
fn edits_of_sub_tasks_land_where_they_apply_and_stay_inside_their_scope() {
    let lines: String = (0..12).map(|line| format!("line {line}\n")).collect();
    let place = Place::new(&[("src/a.txt", &lines), ("src/b.txt", "b\n")]);
    let model = Model::start(&json!({ "conversations": [
        { "match": "job one", "turns": [edit("src/a.txt", "line 2", "line two"), finish("done one")] },
        { "match": "job two", "turns": [
            edit("src/b.txt", "b", "x"), edit("src/a.txt", "line 9", "line nine"), finish("done two"),
        ] },
        { "match": "job three", "turns": [edit("src/a.txt", "line 2", "line 2!"), finish("done three")] },
        { "match": "split it", "turns": [
            more(&["delegate", "src/a.txt", "job one", "src/a.txt", "job two", "src/**", "job three"]),
            { "calls": finish("all")["calls"], "match": { "tool": "not taken over" } },
        ] },
    ] }));
    let mut client = Client::start(&place, Some(&model.url()), full());
    client.task(json!({ "goal": "split it" }));
    let proposal = client.proposal();
    model.assert_clean();
    let after: Vec<String> =
        hunks(&proposal).iter().map(|hunk| hunk["after"].as_str().unwrap().to_owned()).collect();
    assert_eq!(after, ["line two\n", "line nine\n"], "{proposal:#}");
    assert_eq!(hunks(&proposal)[0]["reason"], "asked");
    let refused = requests(&model, "job two")[1]["body"].to_string();
    assert!(refused.contains("outside the scope"), "{refused}");
}

#[test]
fn a_stop_ends_the_sub_tasks_too() {
    let place = Place::new(&[("a.rs", "fn a() {}\n")]);
    let asked = place.beside("asked");
    let model = Model::start(&json!({ "conversations": [
        { "match": "a question", "turns": [{ "say": "x", "fault": "hang", "times": -1, "signal": asked }] },
        { "match": "look", "turns": [more(&["explore", "a question"])] },
    ] }));
    let mut client = Client::start(&place, Some(&model.url()), full());
    let task = client.task(json!({ "goal": "look", "mode": "explain" }));
    client.until_file(&asked);
    client.ask("galley/task/cancel", json!({ "task": task }));
    client.until(&task, &["cancelled"]);
}

#[test]
fn a_task_killed_in_its_sub_task_pays_no_reply_of_it_twice() {
    let place = Place::new(&[("a.rs", "fn a() {}\n"), ("b.rs", "fn b() {}\n")]);
    let (asked, gate) = (place.beside("asked"), place.beside("gate"));
    let model = Model::start(&json!({ "conversations": [
        { "match": "a question", "turns": [
            call("read", json!({ "path": "a.rs" })),
            // Not a search: what it says of symbols depends on how far the index is, and it may be made again.
            call("read", json!({ "path": "b.rs" })),
            { "calls": finish("a.rs:1")["calls"], "signal": asked, "waitFor": gate },
        ] },
        { "match": "look", "turns": [more(&["explore", "a question"]), finish("seen")] },
    ] }));
    let mut client = Client::start(&place, Some(&model.url()), full());
    let task = client.task(json!({ "goal": "look", "mode": "explain" }));
    client.until_file(&asked);
    client.child().kill().unwrap();
    drop(client);
    File::create(&gate).unwrap();
    let mut client = Client::start(&place, Some(&model.url()), full());
    client.until(&task, &["interrupted"]);
    client.ask("galley/task/resume", json!({ "task": task }));
    let ended = client.until(&task, &["done", "failed"]);
    assert_eq!(ended["state"], "done", "{ended:#}");
    let turns: Vec<i64> =
        requests(&model, "a question").iter().map(|request| request["turn"].as_i64().unwrap()).collect();
    assert_eq!(turns, [0, 1, 2, 2], "only the reply that never came is asked for again");
    assert_eq!(requests(&model, "look").len(), 2);
    assert_eq!(ended["steps"].as_array().unwrap().iter().filter(|step| step["tool"] == "explore").count(), 1);
    model.assert_clean();
}

#[test]
fn a_sub_task_has_but_a_share_of_what_may_be_spent() {
    let place = Place::new(&[("a.rs", "fn a() {}\n")]);
    let model = Model::start(&json!({ "conversations": [
        { "match": "a question", "turns": [finish("never asked")] },
        { "match": "look", "turns": [
            more(&["explore", "a question"]),
            { "calls": finish("seen")["calls"], "match": { "tool": "share of the budget is used up" } },
        ] },
    ] }));
    let mut client = Client::start(&place, Some(&model.url()), full());
    let task = client.task(json!({ "goal": "look", "mode": "explain", "budget": { "tokens": 8_000 } }));
    client.until(&task, &["done"]);
    assert_eq!(requests(&model, "a question").len(), 0);
    model.assert_clean();
}
