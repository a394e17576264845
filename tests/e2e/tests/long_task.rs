//! Long tasks: the requests only grow, and what is shortened keeps what must be exact.

use std::fs::File;

use galley_e2e::client::{Client, full, hunks};
use galley_e2e::model::{Model, call};
use galley_e2e::place::{Place, stderr, stdout};
use serde_json::{Value, json};

fn finish(text: &str) -> Value {
    call("finish", json!({ "outcome": "done", "text": text }))
}

fn run(place: &Place, model: &Model, arguments: &[&str]) -> std::process::Output {
    let mut command = place.command(&[&["run", "--json", "--max-steps", "1000"], arguments].concat());
    command
        .env("GALLEY_MODEL", "openai-chat/fake")
        .env("GALLEY_BASE_URL", model.url())
        .env("OPENAI_API_KEY", "sk-test");
    command.output().expect("galley runs")
}

/// Bodies of the requests with tools, in order, without those that a fault was the answer to.
fn bodies(model: &Model) -> Vec<Value> {
    let log = model.log();
    let requests = log["requests"].as_array().unwrap().clone();
    requests
        .into_iter()
        .filter(|request| request["tools"] == true)
        .map(|mut request| request["body"].take())
        .collect()
}

/// A body without the marks that tell a provider where to cache: they move with the end.
fn unmarked(body: &Value) -> Value {
    match body {
        Value::Object(fields) => {
            let kept = fields.iter().filter(|(name, _)| *name != "cache_control");
            Value::Object(kept.map(|(name, value)| (name.clone(), unmarked(value))).collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(unmarked).collect()),
        other => other.clone(),
    }
}

/// Every request begins with all bytes of the one before: the same tools and system text, and its messages continued.
fn assert_append_only(bodies: &[Value]) {
    let bodies: Vec<Value> = bodies.iter().map(unmarked).collect();
    for (number, pair) in bodies.windows(2).enumerate() {
        for frozen in ["tools", "instructions", "system", "systemInstruction"] {
            assert_eq!(
                pair[0][frozen].to_string(),
                pair[1][frozen].to_string(),
                "{frozen} of request {number}"
            );
        }
        let text = |body: &Value| {
            let list = ["messages", "input", "contents"].iter().find_map(|list| body[*list].as_array());
            let messages: Vec<String> = list.unwrap().iter().map(Value::to_string).collect();
            messages.join("\n")
        };
        let (before, after) = (text(&pair[0]), text(&pair[1]));
        assert!(after.starts_with(&before), "request {} does not begin with the one before it", number + 1);
    }
}

fn source(file: usize) -> String {
    (0..30).map(|line| format!("pub fn value_{file}_{line}() -> u32 {{ {line} }} // open\n")).collect()
}

fn project(files: usize) -> Place {
    let place = Place::new(&[("AGENTS.md", "Rule: names are in English.\n")]);
    for file in 0..files {
        place.write(&format!("src/m{file}.rs"), &source(file));
    }
    place.write("galley.toml", "[checks.unit]\ncommand = \"grep -q mended src/m0.rs\"\n");
    place
}

/// Fifty steps of every kind.
fn steps() -> Vec<Value> {
    let mut turns = vec![call("plan", json!({ "items": ["[>] look", "[ ] mend", "[ ] check"] }))];
    for step in 0..12 {
        turns.push(call("search", json!({ "query": format!("value_{step}_") })));
        turns.push(call("read", json!({ "path": format!("src/m{step}.rs") })));
        turns.push(call(
            "edit",
            json!({ "path": format!("src/m{step}.rs"), "old": format!("value_{step}_3() -> u32 {{ 3 }} // open"), "new": format!("value_{step}_3() -> u32 {{ 3 }} // mended"), "why": "it was open" }),
        ));
        turns.push(match step % 4 {
            0 => call("more", json!({ "call": ["list", "src"] })),
            1 => call("nonsense", json!({})),
            2 => json!({ "calls": [{ "name": "read", "raw": "{\"path\": " }] }),
            _ => json!({ "say": "é is two bytes", "calls": [{ "name": "read", "arguments": { "path": "src/m1.rs", "lines": "2-9" } }, { "name": "read", "arguments": { "path": "missing.rs" } }] }),
        });
    }
    turns
}

#[test]
fn fifty_steps_only_append_across_retries_steering_and_a_kill() {
    for kind in ["openai-chat", "openai-responses", "anthropic", "gemini"] {
        fifty_steps(&format!("{kind}/fake"));
    }
}

fn fifty_steps(name: &str) {
    let place = project(12);
    let (asked, gate) = (place.beside("asked"), place.beside("gate"));
    let mut turns = steps();
    turns[10]["fault"] = "http_500".into();
    turns[15]["fault"] = "cut".into();
    turns[20]["fault"] = "http_429".into();
    turns[20]["retryAfter"] = "0".into();
    turns[30]["signal"] = json!(asked);
    turns[30]["waitFor"] = json!(gate);
    turns.push(finish("mended"));
    let model = Model::start(&json!({ "turns": turns }));
    let mut client = Client::start_with(&place, name, &model, full());
    let task = client.task(json!({ "goal": "mend the open ones" }));
    client.notified("galley/task/didUpdate", |view| {
        view["steps"].as_array().is_some_and(|steps| steps.len() > 4)
    });
    client.ask("galley/task/steer", json!({ "task": task, "message": "keep the names" }));
    client.until_file(&asked);
    client.child().kill().unwrap();
    drop(client);
    File::create(&gate).unwrap();
    let mut client = Client::start_with(&place, name, &model, full());
    client.until(&task, &["interrupted"]);
    client.ask("galley/task/resume", json!({ "task": task }));
    let proposal = client.proposal();
    assert_eq!(hunks(&proposal).len(), 12);
    model.assert_clean();
    let bodies = bodies(&model);
    assert!(bodies.len() > 50, "{name}: {}", bodies.len());
    assert_append_only(&bodies);
    assert!(bodies.last().unwrap().to_string().contains("keep the names"));
}

#[test]
fn three_hundred_steps_keep_goal_rules_and_open_failures_through_four_compactions() {
    let place = project(30);
    let config = place.beside("config.toml");
    std::fs::write(&config, "context_tokens = 9000\n").unwrap();
    let mut turns = vec![
        call("plan", json!({ "items": ["[>] look at all of it", "[ ] mend m29"] })),
        call("check", json!({ "what": "all" })),
    ];
    for step in 0..297 {
        let path = format!("src/m{}.rs", step % 30);
        turns.push(call(
            "read",
            json!({ "path": path, "lines": format!("{}-{}", 1 + step % 7, 12 + step % 11) }),
        ));
    }
    turns.push(call(
        "edit",
        json!({ "path": "src/m29.rs", "old": "value_29_3() -> u32 { 3 } // open", "new": "value_29_3() -> u32 { 3 } // shut", "why": "asked" }),
    ));
    turns.push(call("finish", json!({ "outcome": "blocked", "text": "m0 stays" })));
    let model = Model::start(
        &json!({ "turns": turns, "count": "requests", "prefix": "any", "side": "Nothing found so far." }),
    );
    let mut command = place.command(&[
        "run",
        "--json",
        "--max-steps",
        "1000",
        "Mend m29 but leave the word `open` in m0: exact goal",
    ]);
    command
        .env("GALLEY_MODEL", "openai-chat/fake")
        .env("GALLEY_BASE_URL", model.url())
        .env("GALLEY_CONFIG", &config)
        .env("OPENAI_API_KEY", "sk-test");
    let output = command.output().unwrap();
    let events = stdout(&output);
    let compactions = events.lines().filter(|line| line.contains("\"compacted\"")).count();
    assert!(compactions >= 4, "{compactions} compactions\n{}", stderr(&output));
    let last = bodies(&model).last().unwrap().to_string();
    for exact in [
        "Mend m29 but leave the word `open` in m0: exact goal",
        "Rule: names are in English.",
        "[>] look at all of it",
        "Red: unit",
        "// shut",
    ] {
        assert!(last.contains(exact), "`{exact}` is not in the last request:\n{last}");
    }
    assert!(bodies(&model).len() >= 300);
    for body in bodies(&model) {
        assert!(body.to_string().len() < 9_000 * 6, "a request above the window");
    }
}

#[test]
fn an_overflow_is_shortened_and_gone_on_from() {
    let place = project(6);
    let mut turns: Vec<Value> =
        (0..6).map(|file| call("read", json!({ "path": format!("src/m{file}.rs") }))).collect();
    turns.push(json!({ "calls": [{ "name": "finish", "arguments": { "outcome": "blocked", "text": "enough" } }], "fault": "overflow" }));
    let model =
        Model::start(&json!({ "turns": turns, "count": "requests", "prefix": "any", "side": "notes" }));
    let output = run(&place, &model, &["look"]);
    let events = stdout(&output);
    assert!(events.contains("\"compacted\"") && events.contains("blocked: enough"), "{events}");
}
