//! What a task that ends early keeps: its best verified state, offered as a partial proposal that can be reviewed.

use galley_e2e::client::{Client, full, hunks};
use galley_e2e::model::{Model, call, finish};
use galley_e2e::place::Place;
use serde_json::{Value, json};

fn edit(path: &str, old: &str, new: &str) -> Value {
    call("edit", json!({ "path": path, "old": old, "new": new, "why": "asked" }))
}

/// `a.txt` must hold `good`, and must not hold `bad`.
const FILES: &[(&str, &str)] = &[
    ("a.txt", "one\n\n\n\n\n\n\n\ntwo\n"),
    ("b.txt", "three\n"),
    ("check.sh", "grep -q bad a.txt && { echo 'a.txt: bad'; exit 1; }; exit 0\n"),
    ("galley.toml", "[checks.fits]\ncommand = 'sh check.sh'\n"),
];

fn partial(place: &Place, turns: &Value, start: Value, stop_at: usize) -> (Client, String, Value) {
    let model = Model::start(turns);
    let mut client = Client::start(place, Some(&model.url()), full());
    let task = client.task(start);
    if stop_at > 0 {
        model.until_asked(stop_at);
        client.ask("galley/task/cancel", json!({ "task": task }));
    }
    let proposal = client.proposal();
    assert_eq!(proposal["partial"], true);
    (client, task, proposal)
}

#[test]
fn a_stopped_task_offers_its_best_checked_state_and_not_what_came_after() {
    let place = Place::new(FILES);
    let turns = json!({ "turns": [
        edit("a.txt", "one", "eins"),
        call("check", json!({})),
        edit("a.txt", "two", "bad"),
        edit("b.txt", "three", "drei"),
        { "say": "x", "fault": "hang", "times": -1 },
    ] });
    let (mut client, task, proposal) = partial(&place, &turns, json!({ "goal": "translate" }), 5);
    let offered = hunks(&proposal);
    assert_eq!(offered.len(), 1, "{proposal:#}");
    assert_eq!(offered[0]["after"], "eins\n");
    assert_eq!(proposal["evidence"][0]["status"], "passed", "{proposal:#}");
    let shown = client.ask("galley/task/get", json!({ "task": task }));
    let message = shown["message"].as_str().unwrap();
    assert!(message.contains("later edits of a.txt, b.txt are left out"), "{message}");
    // It is reviewed like any other.
    client.open(&place.uri("a.txt"));
    let accepted = client.ask("galley/hunk/accept", json!({ "hunks": [offered[0]["hunk"]] }));
    assert_eq!(accepted["applied"], true, "{accepted}");
    client.until(&task, &["done"]);
    assert!(client.text(&place.uri("a.txt")).starts_with("eins\n"));
}

#[test]
fn a_red_attempt_gives_way_to_a_better_one_that_was_checked_before() {
    let place = Place::new(FILES);
    let turns = json!({ "turns": [
        edit("a.txt", "one", "eins"),
        call("check", json!({})),
        edit("a.txt", "two", "bad"),
        finish(),
        { "say": "x", "fault": "hang", "times": -1 },
    ] });
    let (_client, _, proposal) = partial(&place, &turns, json!({ "goal": "translate" }), 5);
    assert_eq!(hunks(&proposal).len(), 1, "{proposal:#}");
    assert_eq!(hunks(&proposal)[0]["after"], "eins\n");
}

#[test]
fn of_equals_the_later_state_is_kept() {
    let place = Place::new(FILES);
    let turns = json!({ "turns": [
        edit("a.txt", "one", "eins"),
        call("check", json!({})),
        edit("b.txt", "three", "drei"),
        call("check", json!({})),
        { "say": "x", "fault": "hang", "times": -1 },
    ] });
    let (_client, _, proposal) = partial(&place, &turns, json!({ "goal": "translate" }), 5);
    assert_eq!(hunks(&proposal).len(), 2, "{proposal:#}");
}

#[test]
fn a_task_that_runs_out_of_its_budget_or_fails_keeps_its_best_state_too() {
    let turns = |last: Value| {
        json!({ "turns": [
            edit("a.txt", "one", "eins"),
            call("check", json!({})),
            edit("a.txt", "two", "bad"),
            last,
        ] })
    };
    let budget = json!({ "goal": "translate", "budget": { "steps": 3 } });
    let failure = json!({ "goal": "translate" });
    for (last, start, said) in [
        (finish(), budget, "stopped at its budget"),
        (json!({ "say": "x", "fault": "http_401", "times": -1 }), failure, "key"),
    ] {
        let place = Place::new(FILES);
        let (mut client, task, proposal) = partial(&place, &turns(last), start, 0);
        assert_eq!(hunks(&proposal).len(), 1, "{proposal:#}");
        assert_eq!(hunks(&proposal)[0]["after"], "eins\n");
        let shown = client.ask("galley/task/get", json!({ "task": task }));
        assert!(shown["message"].as_str().unwrap().contains(said), "{shown:#}");
    }
}

#[test]
fn the_best_state_outlives_the_process() {
    let place = Place::new(FILES);
    let model = Model::start(&json!({ "turns": [
        edit("a.txt", "one", "eins"),
        call("check", json!({})),
        edit("a.txt", "two", "bad"),
        { "say": "x", "fault": "hang", "times": -1 },
    ] }));
    let mut client = Client::start(&place, Some(&model.url()), full());
    let task = client.task(json!({ "goal": "translate" }));
    model.until_asked(4);
    client.child().kill().unwrap();
    drop(client);
    let mut client = Client::start(&place, Some(&model.url()), full());
    client.until(&task, &["interrupted"]);
    client.ask("galley/task/resume", json!({ "task": task }));
    model.until_asked(5);
    client.ask("galley/task/cancel", json!({ "task": task }));
    let proposal = client.proposal();
    assert_eq!(
        (hunks(&proposal).len(), &hunks(&proposal)[0]["after"]),
        (1, &json!("eins\n")),
        "{proposal:#}"
    );
}

#[test]
fn a_comment_on_what_a_stopped_task_offers_is_heard_and_no_stopped_command_runs_again() {
    let place = Place::new(FILES);
    let nap = format!("sleep 600.{}77", std::process::id());
    let model = Model::start(&json!({ "turns": [
        edit("a.txt", "one", "eins"),
        { "calls": [
            { "name": "run", "arguments": { "command": nap, "seconds": 900 } },
            { "name": "read", "arguments": { "path": "b.txt" } },
        ] },
        edit("a.txt", "eins", "uno"),
        finish(),
    ] }));
    let mut client = Client::start(&place, Some(&model.url()), full());
    client.answer = Some("once".to_owned());
    let task = client.task(json!({ "goal": "translate" }));
    client.notified("galley/task/didUpdate", |view| {
        view["steps"][1]["tool"] == "run" && view["state"] != "waiting"
    });
    client.ask("galley/task/cancel", json!({ "task": task }));
    let proposal = client.proposal();
    client.ask("galley/hunk/comment", json!({ "hunk": hunks(&proposal)[0]["hunk"], "text": "in Spanish" }));
    let proposal = client.notified("galley/proposal/didChange", |shown| {
        hunks(shown).iter().any(|hunk| hunk["after"] == "uno\n")
    });
    assert_eq!(proposal["partial"], false);
    // No provider takes words between a call and its result.
    model.assert_clean();
    let log = model.log();
    let heard = &log["requests"][2]["body"];
    assert!(heard.to_string().contains("not run: the task was stopped"), "{heard}");
}
