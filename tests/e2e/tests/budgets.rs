//! Limits on what tasks spend: each kind holds before the call that would pass it, for a task, a day and a workspace; the
//! person is warned at four fifths and asked at the end; what was spent is told by phase.

use galley_e2e::client::{Client, full, hunks};
use galley_e2e::model::{Model, call, finish};
use galley_e2e::place::{Place, stderr, stdout};
use serde_json::{Value, json};

fn edit(old: &str, new: &str) -> Value {
    call("edit", json!({ "path": "a.txt", "old": old, "new": new, "why": "asked" }))
}

fn turns() -> Value {
    json!({ "turns": [edit("one", "two"), edit("two", "three"), edit("three", "four"), edit("four", "five"), finish()] })
}

/// A request of about ten thousand tokens, so that a call is dear.
fn goal() -> String {
    format!("count {}", "one by one ".repeat(3_700))
}

/// Prices that make a call of the fake model cost some cents.
const PRICES: &str = "[models.\"openai-chat/fake\"]\nprices = { input = 20.0, output = 100.0 }\n";

fn client(place: &Place, model: &Model, config: &str) -> Client {
    let path = place.beside("config.toml");
    std::fs::write(&path, config).unwrap();
    Client::start_in(place, Some(&model.url()), full(), &[("GALLEY_CONFIG", &path)])
}

fn asked(model: &Model) -> usize {
    model.log()["requests"].as_array().unwrap().len()
}

#[test]
fn each_limit_of_a_task_holds_before_the_call_that_would_pass_it() {
    for (budget, said) in [
        (json!({ "steps": 2 }), "2 steps are used up"),
        (json!({ "tokens": 25_000 }), "tokens spent, the next call would need about"),
        (json!({ "seconds": 0 }), "0 s of time are used up"),
    ] {
        let place = Place::new(&[("a.txt", "one\n")]);
        let model = Model::start(&turns());
        let mut client = client(&place, &model, "");
        let task = client.task(json!({ "goal": goal(), "budget": budget }));
        let ended = client.until(&task, &["failed", "proposed"]);
        let message = ended["message"].as_str().unwrap();
        assert!(message.contains("stopped at its budget") && message.contains(said), "{budget}: {message}");
        assert!(asked(&model) < 5, "{budget}: {} calls", asked(&model));
        assert_eq!(ended["state"] == "proposed", asked(&model) > 0, "what there is is offered: {ended:#}");
    }
}

#[test]
fn limits_over_all_tasks_count_what_earlier_tasks_spent() {
    for (config, said) in [
        (
            "[budget]\nday_steps = 7\n",
            "7 steps are used up; allow more with a higher limit on steps, over all tasks for a day",
        ),
        ("[budget]\nworkspace_steps = 7\n", "over all tasks of this workspace"),
        ("[budget]\nworkspace_tokens = 56000\n", "tokens spent"),
    ] {
        let place = Place::new(&[("a.txt", "one\n")]);
        let model = Model::start(&turns());
        let mut client = client(&place, &model, config);
        let first = client.task(json!({ "goal": goal() }));
        let ended = client.until(&first, &["failed", "proposed"]);
        assert!(!ended["message"].as_str().unwrap().contains("budget"), "{config}: {ended:#}");
        let second = client.task(json!({ "goal": goal() }));
        let ended = client.until(&second, &["failed", "proposed"]);
        let message = ended["message"].as_str().unwrap();
        assert!(message.contains("stopped at its budget") && message.contains(said), "{config}: {message}");
        assert!(asked(&model) < 10, "{config}");
    }
}

#[test]
fn the_person_allows_one_more_call_at_a_time_or_takes_what_there_is() {
    let place = Place::new(&[("a.txt", "one\n")]);
    let model = Model::start(&turns());
    let mut client = client(&place, &model, "");
    client.hold_approvals = true;
    let task = client.task(json!({ "goal": "count", "budget": { "steps": 1 } }));
    for (calls, answer) in [(1, "once"), (2, "once"), (3, "stop")] {
        let question = client.wait("a question", |message| message["method"] == "galley/approval/request");
        let options: Vec<&str> = question["params"]["options"]
            .as_array()
            .unwrap()
            .iter()
            .map(|option| option["id"].as_str().unwrap())
            .collect();
        assert_eq!(options, ["stop", "once", "more"]);
        assert_eq!(asked(&model), calls, "no call is made while the question is open");
        client.respond(&question, json!({ "option": answer }));
    }
    let proposal = client.proposal();
    assert_eq!(proposal["partial"], true);
    assert_eq!(hunks(&proposal)[0]["after"], "four\n");
    let shown = client.ask("galley/task/get", json!({ "task": task }));
    assert!(shown["notes"][0].as_str().unwrap().contains("four fifths of the budget"), "{shown:#}");
}

#[test]
fn a_higher_limit_that_is_given_while_the_question_is_open_answers_it() {
    let place = Place::new(&[("a.txt", "one\n")]);
    let model = Model::start(&turns());
    let mut client = client(&place, &model, "");
    client.hold_approvals = true;
    let task = client.task(json!({ "goal": "count", "budget": { "steps": 1 } }));
    client.until(&task, &["waiting"]);
    client.ask("galley/task/change", json!({ "task": task, "budget": { "steps": 50 } }));
    let proposal = client.proposal();
    assert_eq!((&proposal["partial"], &hunks(&proposal)[0]["after"]), (&json!(false), &json!("five\n")));
}

#[test]
fn what_was_spent_before_a_kill_still_counts() {
    let place = Place::new(&[("a.txt", "one\n")]);
    let signal = place.beside("asked");
    let mut script = turns();
    script["turns"][2]["signal"] = json!(signal);
    script["turns"][2]["fault"] = json!("hang");
    let model = Model::start(&script);
    let mut one = client(&place, &model, "");
    let task = one.task(json!({ "goal": "count", "budget": { "steps": 3 } }));
    one.until_file(&signal);
    one.child().kill().unwrap();
    drop(one);
    let mut two = client(&place, &model, "");
    two.until(&task, &["interrupted"]);
    two.ask("galley/task/resume", json!({ "task": task }));
    let proposal = two.proposal();
    assert_eq!((&proposal["partial"], &hunks(&proposal)[0]["after"]), (&json!(true), &json!("four\n")));
}

#[test]
fn the_command_line_limits_a_task_and_tells_what_it_cost_by_phase() {
    let place = Place::new(&[("a.txt", "one\n")]);
    let model = Model::start(&turns());
    let goal = goal();
    let run = |limit: &[&str]| {
        let mut command = place.command(&[&["run", "--json"], limit, &[goal.as_str()]].concat());
        command
            .env("GALLEY_MODEL", "openai-chat/fake")
            .env("GALLEY_BASE_URL", model.url())
            .env("OPENAI_API_KEY", "sk-test");
        command.output().unwrap()
    };
    for limit in [["--max-tokens", "25000"], ["--max-seconds", "0"], ["--max-steps", "2"]] {
        let output = run(&limit);
        assert_eq!(output.status.code(), Some(3), "{limit:?}: {}", stderr(&output));
    }
    assert_eq!(run(&[]).status.code(), Some(0));
    let told = stdout(&place.galley(&["cost", "--phases", "--json"]));
    let rows: Vec<Value> = told.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let calls = |phase: &str| {
        let of_phase = rows.iter().filter(|row| row["phase"] == phase);
        of_phase.map(|row| row["calls"].as_u64().unwrap()).sum::<u64>()
    };
    assert!(calls("exploring") >= 2 && calls("editing") >= 4, "{told}");
    let all: u64 = rows.iter().map(|row| row["calls"].as_u64().unwrap()).sum();
    assert_eq!(all, asked(&model) as u64, "{told}");
}

#[test]
fn dollars_hold_for_a_task_a_day_and_a_workspace() {
    for (limit, said) in [
        ("[budget]\nusd = 0.5\n", "of a limit of $0.50"),
        ("[budget]\nday_usd = 0.5\n", "over all tasks for a day"),
        ("[budget]\nworkspace_usd = 0.5\n", "over all tasks of this workspace"),
    ] {
        let place = Place::new(&[("a.txt", "one\n")]);
        let model = Model::start(&turns());
        let mut client = client(&place, &model, &format!("{limit}\n{PRICES}"));
        let task = client.task(json!({ "goal": goal() }));
        let ended = client.until(&task, &["failed", "proposed"]);
        let message = ended["message"].as_str().unwrap();
        assert!(message.contains("stopped at its budget") && message.contains(said), "{limit}: {message}");
        assert!(ended["usage"]["usd"].as_f64().unwrap() <= 0.5, "{ended:#}");
        assert!(asked(&model) < 5, "{limit}");
    }
}

/// One turn looks, two edit; what led to a hunk is its price, and the end is nobody's.
#[test]
fn the_review_tells_what_each_hunk_cost() {
    let place = Place::new(&[("a.txt", "one\n2\n3\n4\n5\n6\n7\n8\nnine\n")]);
    let model = Model::start(&json!({ "turns": [
        call("read", json!({ "path": "a.txt" })),
        edit("one", "uno"),
        edit("nine", "nove"),
        finish(),
    ] }));
    let mut client = client(&place, &model, PRICES);
    let task = client.task(json!({ "goal": goal() }));
    let ended = client.until(&task, &["proposed"]);
    let proposal = client.proposal();
    let cost = |hunk: &Value| -> f64 {
        let output = place.galley(&["review", "--json"]);
        let lines = stdout(&output);
        let mut lines = lines.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        lines.find(|line| line["hunk"] == *hunk).unwrap()["usd"].as_f64().unwrap()
    };
    let [first, second] = [0, 1].map(|number| hunks(&proposal)[number]["hunk"].clone());
    let (dear, cheap, whole) = (cost(&first), cost(&second), ended["usage"]["usd"].as_f64().unwrap());
    assert!(dear > 1.5 * cheap && cheap > 0.0, "two calls and one: {dear} {cheap}");
    assert!(dear + cheap < whole, "the last call led to no edit: {dear} {cheap} {whole}");
    let why = client.ask("galley/hunk/why", json!({ "hunk": first }));
    let told = format!("It cost ${dear:.3}.");
    assert!(why["markdown"].as_str().unwrap().contains(&told), "{told}: {why:#}");
}
