//! Stop, steer and pause in every state that a task can be in: the stop takes effect at once, leaves no process behind and
//! keeps what there is; words reach the next request; a pause holds.

use std::time::{Duration, Instant};

use galley_e2e::client::{Client, full, hunks};
use galley_e2e::model::{Model, call, finish};
use galley_e2e::place::Place;
use serde_json::{Value, json};

/// Far more than a stop takes; the figure itself is printed.
const LIMIT: Duration = Duration::from_secs(5);

/// How a state is reached.
struct Case {
    name: &'static str,
    start: Value,
    turns: Vec<Value>,
    checks: Option<String>,
    /// What the task's view shows when it is there; and whether the model must have been asked so often.
    shown: fn(&Value) -> bool,
    asked: usize,
    /// Answers to questions; none: they are left open.
    answer: Option<&'static str>,
    /// Where no model answers.
    nobody: bool,
    /// What can be said is heard in the next request.
    heard: bool,
    /// Whether a pause holds at once.
    pauses: bool,
}

fn edit(new: &str) -> Value {
    call("edit", json!({ "path": "a.txt", "old": "one", "new": new, "why": "asked" }))
}

fn hangs(mut turn: Value) -> Value {
    turn["fault"] = json!("hang");
    turn["times"] = json!(1);
    turn
}

/// A time to sleep that no other process of the machine sleeps.
fn nap(case: usize) -> String {
    format!("600.{}{case:02}", std::process::id())
}

fn in_state(view: &Value, state: &str) -> bool {
    view["state"] == state
}

fn cases() -> Vec<Case> {
    let case = |name, turns, shown| Case {
        name,
        start: json!({ "goal": "change a" }),
        turns,
        checks: None,
        shown,
        asked: 1,
        answer: Some("once"),
        nobody: false,
        heard: true,
        pauses: true,
    };
    let prose = "a thought that goes on and on and is never at its end";
    vec![
        Case {
            asked: 0,
            ..case("queued", vec![hangs(json!({ "say": "x" })), finish()], |view| in_state(view, "queued"))
        },
        case("before the first byte", vec![hangs(json!({ "say": "x" })), finish()], |view| {
            in_state(view, "exploring")
        }),
        case(
            "in the middle of prose",
            vec![json!({ "say": prose, "pieces": 4, "fault": "stall" }), finish()],
            |view| in_state(view, "exploring"),
        ),
        Case {
            heard: false,
            ..case(
                "in the middle of a call's arguments",
                vec![
                    json!({ "calls": edit("eins and a great deal more than that")["calls"], "pieces": 4, "fault": "stall" }),
                    finish(),
                ],
                |view| view["activity"].as_str().is_some_and(|said| said.starts_with("writing edit")),
            )
        },
        Case {
            start: json!({ "goal": "change a", "plan": "ask" }),
            ..case("while it plans", vec![hangs(json!({ "say": "x" })), finish()], |view| {
                in_state(view, "planning")
            })
        },
        Case {
            start: json!({ "goal": "change a", "plan": "ask" }),
            answer: None,
            pauses: false,
            ..case(
                "while its plan waits for approval",
                vec![call("plan", json!({ "items": ["[ ] a"] })), finish()],
                |view| in_state(view, "waiting"),
            )
        },
        Case {
            heard: false,
            pauses: false,
            ..case(
                "while a command runs",
                vec![
                    call("run", json!({ "command": format!("sleep {}", nap(6)), "seconds": 900 })),
                    finish(),
                ],
                |view| view["steps"][0]["tool"] == "run" && !in_state(view, "waiting"),
            )
        },
        Case {
            heard: false,
            pauses: false,
            checks: Some(format!("sleep {}", nap(7))),
            ..case("while a check runs", vec![edit("eins"), call("check", json!({})), finish()], |view| {
                in_state(view, "verifying") && view["steps"][1]["tool"] == "check"
            })
        },
        Case {
            heard: false,
            pauses: false,
            checks: Some(format!("sleep {}", nap(8))),
            ..case("while it verifies at its end", vec![edit("eins"), finish(), finish()], |view| {
                in_state(view, "verifying")
            })
        },
        Case {
            answer: None,
            pauses: false,
            ..case(
                "while a command waits to be allowed",
                vec![call("run", json!({ "command": "./deploy now" })), finish()],
                |view| in_state(view, "waiting"),
            )
        },
        Case {
            answer: None,
            pauses: false,
            ..case(
                "while its own question waits",
                vec![call("more", json!({ "call": ["ask", "Which?", "this", "that"] })), finish()],
                |view| in_state(view, "waiting"),
            )
        },
        Case {
            heard: false,
            ..case(
                "while it waits for the provider's limit",
                vec![json!({ "say": "x", "fault": "http_429", "retryAfter": "45" }), finish()],
                |view| view["activity"].as_str().is_some_and(|said| said.contains("again in")),
            )
        },
        Case {
            asked: 0,
            nobody: true,
            heard: false,
            ..case("while nobody answers", Vec::new(), |view| {
                view["activity"].as_str().is_some_and(|said| said.contains("again in"))
            })
        },
        Case {
            heard: false,
            pauses: false,
            ..case(
                "while a sub-task explores",
                vec![call("more", json!({ "call": ["explore", "where is a?"] })), finish()],
                |view| view["steps"][0]["tool"] == "more",
            )
        },
        case(
            "after an edit, before the next byte",
            vec![edit("eins"), hangs(json!({ "say": "x" })), finish()],
            |view| view["steps"][0]["state"] == "ok" && in_state(view, "editing"),
        ),
    ]
}

struct Stage {
    place: Place,
    model: Option<Model>,
    client: Client,
    task: String,
}

/// Brings a task into the state.
fn reach(case: &Case) -> Stage {
    let place = Place::new(&[("a.txt", "one\n")]);
    if let Some(command) = &case.checks {
        place.write("galley.toml", &format!("[checks.long]\ncommand = '{command}'\n"));
    }
    let explored =
        json!([{ "match": "where is a?", "turns": [{ "say": "x", "fault": "hang", "times": -1 }] }]);
    let model = (!case.nobody).then(|| {
        Model::start(
            &json!({ "turns": case.turns, "prefix": "any", "conversations": explored, "count": "requests" }),
        )
    });
    let url = model.as_ref().map_or("http://127.0.0.1:1/v1".to_owned(), Model::url);
    let mut client = Client::start(&place, Some(&url), full());
    client.answer = case.answer.map(str::to_owned);
    client.hold_approvals = case.answer.is_none();
    let task = client.task(case.start.clone());
    let shown = case.shown;
    let known = task.clone();
    client.wait(case.name, |message| {
        message["method"] == "galley/task/didUpdate"
            && message["params"]["task"] == known
            && shown(&message["params"])
    });
    if let Some(model) = &model {
        model.until_asked(case.asked);
    }
    Stage { place, model, client, task }
}

/// Whether any process of the machine has this text in its command line.
fn runs(text: &str) -> bool {
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let lines = processes.filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok());
    lines.map(|line| String::from_utf8_lossy(&line).replace('\0', " ")).any(|line| line.contains(text))
}

#[test]
fn a_stop_takes_effect_at_once_in_every_state() {
    let mut times = Vec::new();
    for (number, case) in cases().iter().enumerate() {
        let mut stage = reach(case);
        let began = Instant::now();
        stage.client.ask("galley/task/cancel", json!({ "task": stage.task }));
        let ended = stage.client.until(&stage.task, &["cancelled", "proposed"]);
        let time = began.elapsed();
        assert!(time < LIMIT, "{}: {time:?}", case.name);
        assert!(ended["message"].as_str().unwrap().contains("stopped by you"), "{}: {ended:#}", case.name);
        times.push((time, case.name));
        if ended["state"] == "proposed" {
            let proposal = stage.client.proposal();
            assert_eq!((&proposal["partial"], hunks(&proposal).len()), (&json!(true), 1), "{}", case.name);
        }
        let edited = ended["steps"]
            .as_array()
            .unwrap()
            .iter()
            .any(|step| step["tool"] == "edit" && step["state"] == "ok");
        assert_eq!(ended["state"] == "proposed", edited, "{}: {ended:#}", case.name);
        assert_eq!(stage.place.read("a.txt"), "one\n", "{}", case.name);
        let until = Instant::now() + LIMIT;
        while runs(&format!("sleep {}", nap(number))) {
            assert!(Instant::now() < until, "{}: its command is still there", case.name);
            std::thread::yield_now();
        }
    }
    times.sort();
    let (half, most) = (times[times.len() / 2].0, times.last().unwrap());
    println!(
        "a stop took effect within {half:?} (median of {}), {:?} at most ({})",
        times.len(),
        most.0,
        most.1
    );
}

#[test]
fn words_are_heard_in_the_next_request_in_every_state() {
    for case in cases().iter().filter(|case| case.heard) {
        let mut stage = reach(case);
        stage.client.ask("galley/task/steer", json!({ "task": stage.task, "message": "keep the name" }));
        let model = stage.model.as_ref().unwrap();
        let heard = model.until_request(|request| request["body"].to_string().contains("keep the name"));
        assert!(heard["body"]["messages"].as_array().is_some(), "{}", case.name);
        // It may have come to its end by itself.
        stage.client.request("galley/task/cancel", json!({ "task": stage.task }));
    }
}

#[test]
fn words_that_come_while_it_verifies_are_heard_before_it_ends() {
    let place = Place::new(&[("a.txt", "one\n")]);
    place.write("galley.toml", "[checks.long]\ncommand = 'sleep 2'\n");
    let model = Model::start(&json!({ "turns": [edit("eins"), finish(), finish()] }));
    let mut client = Client::start(&place, Some(&model.url()), full());
    let task = client.task(json!({ "goal": "change a" }));
    client.until(&task, &["verifying"]);
    client.ask("galley/task/steer", json!({ "task": task, "message": "keep the name" }));
    client.until(&task, &["proposed"]);
    let log = model.log();
    let last = log["requests"].as_array().unwrap().last().unwrap()["body"].to_string();
    assert!(last.contains("keep the name") && last.contains("Not finished yet"), "{last}");
    model.assert_clean();
}

#[test]
fn a_pause_holds_at_once_where_a_model_is_waited_for_and_goes_on() {
    for case in cases().iter().filter(|case| case.pauses) {
        let mut stage = reach(case);
        let began = Instant::now();
        stage.client.ask("galley/task/pause", json!({ "task": stage.task }));
        stage.client.until(&stage.task, &["paused"]);
        assert!(began.elapsed() < LIMIT, "{}: {:?}", case.name, began.elapsed());
        // Stopped while it is paused, or gone on with.
        if !case.heard {
            stage.client.ask("galley/task/cancel", json!({ "task": stage.task }));
            stage.client.until(&stage.task, &["cancelled"]);
            continue;
        }
        let before = stage.model.as_ref().unwrap().log()["requests"].as_array().unwrap().len();
        stage.client.ask("galley/task/resume", json!({ "task": stage.task }));
        stage.model.as_ref().unwrap().until_asked(before + 1);
        // It may have come to its end by itself.
        stage.client.request("galley/task/cancel", json!({ "task": stage.task }));
    }
}

#[test]
fn the_chain_is_stopped_while_it_tries_the_second_model() {
    let place = Place::new(&[("a.txt", "one\n")]);
    let (config, asked) = (place.beside("config.toml"), place.beside("asked"));
    let one = Model::start(&json!({ "turns": [{ "say": "x", "fault": "http_401", "times": -1 }] }));
    let two =
        Model::start(&json!({ "turns": [{ "say": "x", "fault": "hang", "times": -1, "signal": asked }] }));
    let text = format!(
        "[roles]\nmain = ['one/fake', 'two/fake']\n\
         [providers.one]\nkind = 'openai-chat'\nbase_url = '{}'\n\
         [providers.two]\nkind = 'openai-chat'\nbase_url = '{}'\n",
        one.url(),
        two.url()
    );
    std::fs::write(&config, text).unwrap();
    let key = std::path::Path::new("sk-test");
    let mut client =
        Client::start_in(&place, None, full(), &[("GALLEY_CONFIG", &config), ("OPENAI_API_KEY", key)]);
    let task = client.task(json!({ "goal": "change a" }));
    client.until_file(&asked);
    let began = Instant::now();
    client.ask("galley/task/cancel", json!({ "task": task }));
    client.until(&task, &["cancelled"]);
    assert!(began.elapsed() < LIMIT, "{:?}", began.elapsed());
}

#[test]
fn an_interrupted_task_is_stopped_and_keeps_what_it_has() {
    let place = Place::new(&[("a.txt", "one\n")]);
    let asked = place.beside("asked");
    let model = Model::start(&json!({ "turns": [
        edit("eins"),
        { "say": "x", "fault": "hang", "times": -1, "signal": asked },
    ] }));
    let mut client = Client::start(&place, Some(&model.url()), full());
    let task = client.task(json!({ "goal": "change a" }));
    client.until_file(&asked);
    client.child().kill().unwrap();
    drop(client);
    let requests = model.log()["requests"].as_array().unwrap().len();
    let mut client = Client::start(&place, Some(&model.url()), full());
    client.until(&task, &["interrupted"]);
    client.ask("galley/task/cancel", json!({ "task": task }));
    let proposal = client.proposal();
    assert_eq!((&proposal["partial"], hunks(&proposal).len()), (&json!(true), 1));
    assert_eq!(model.log()["requests"].as_array().unwrap().len(), requests, "nothing was asked for it");
}

#[test]
fn a_killed_server_takes_its_commands_with_it() {
    let place = Place::new(&[("a.txt", "one\n")]);
    let nap = nap(99);
    let model = Model::start(&json!({ "turns": [
        call("run", json!({ "command": format!("sleep {nap} & sleep {nap}; wait"), "seconds": 900 })),
        finish(),
    ] }));
    let mut client = Client::start(&place, Some(&model.url()), full());
    client.answer = Some("once".to_owned());
    client.task(json!({ "goal": "wait" }));
    let line = format!("sleep {nap}");
    let until = Instant::now() + Duration::from_secs(120);
    while !runs(&line) {
        assert!(Instant::now() < until, "the command never ran");
        client.ask("galley/status", json!({}));
    }
    client.child().kill().unwrap();
    client.child().wait().unwrap();
    let until = Instant::now() + LIMIT;
    while runs(&line) {
        assert!(Instant::now() < until, "the command outlives its server");
        std::thread::yield_now();
    }
}

#[test]
fn words_are_taken_while_a_providers_limit_is_waited_for_and_heard_after_it() {
    let place = Place::new(&[("a.txt", "one\n")]);
    let model =
        Model::start(&json!({ "turns": [{ "say": "x", "fault": "http_429", "retryAfter": "3" }, finish()] }));
    let mut client = Client::start(&place, Some(&model.url()), full());
    let task = client.task(json!({ "goal": "change a" }));
    client.notified("galley/task/didUpdate", |view| {
        view["activity"].as_str().is_some_and(|said| said.contains("again in"))
    });
    client.ask("galley/task/steer", json!({ "task": task, "message": "keep the name" }));
    let heard = model.until_request(|request| request["body"].to_string().contains("keep the name"));
    assert!(heard["body"]["messages"].as_array().is_some());
}

#[test]
fn a_question_that_is_open_when_the_editor_leaves_is_asked_again() {
    let place = Place::new(&[("a.txt", "one\n")]);
    let model = Model::start(&json!({ "turns": [
        call("run", json!({ "command": "./deploy now" })),
        edit("eins"),
        finish(),
    ] }));
    let mut client = Client::start(&place, Some(&model.url()), full());
    client.hold_approvals = true;
    let task = client.task(json!({ "goal": "change a" }));
    client.until(&task, &["waiting"]);
    client.vanish();
    let mut client = Client::start(&place, Some(&model.url()), full());
    client.until(&task, &["interrupted"]);
    client.ask("galley/task/resume", json!({ "task": task }));
    let asked = client.wait("the question", |message| message["method"] == "galley/approval/request");
    assert!(asked["params"]["title"].as_str().unwrap().contains("./deploy now"), "{asked}");
    client.until(&task, &["proposed"]);
    let shown = client.ask("galley/task/get", json!({ "task": task }));
    let runs = shown["steps"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|step| step["tool"] == "run" && step["state"] != "running");
    assert_eq!(runs.count(), 1, "{shown:#}");
    model.assert_clean();
}
