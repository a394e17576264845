//! What a person orders holds: plan before work, scope, budgets, a queue, words from another process, forks.

use std::fs::File;

use galley_e2e::client::{Client, full, hunks};
use galley_e2e::model::{Model, call, finish};
use galley_e2e::place::{Place, stderr, stdout};
use serde_json::{Value, json};

fn edit(path: &str, old: &str, new: &str) -> Value {
    call("edit", json!({ "path": path, "old": old, "new": new, "why": "asked" }))
}

fn tools(request: &Value) -> Vec<String> {
    let names = request["body"]["tools"].as_array().unwrap().iter();
    names.map(|tool| tool["function"]["name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn while_it_plans_a_task_has_no_tool_that_writes_and_the_approved_plan_is_the_persons() {
    let place = Place::new(&[("a.rs", "pub fn old_name() {}\n\nfn user() {\n    old_name()\n}\n")]);
    let plan = json!({ "items": ["[ ] rename `old_name` in a.rs", "[ ] write docs"] });
    let model = Model::start(&json!({ "prefix": "any", "turns": [
        call("more", json!({ "call": ["delete", "a.rs"] })),
        call("plan", plan),
        edit("a.rs", "pub fn old_name", "pub fn new_name"),
        finish(),
    ] }));
    let mut client = Client::start(&place, Some(&model.url()), full());
    client.hold_approvals = true;
    client.wait("the index", |message| {
        message["method"] == "galley/status/didChange" && message["params"]["symbols"].as_u64() >= Some(2)
    });
    let task = client.task(json!({ "goal": "rename it", "plan": "ask" }));
    let asked = client.wait("the plan", |message| message["method"] == "galley/approval/request");
    let detail = asked["params"]["detail"].as_str().unwrap();
    assert!(detail.contains("[ ] write docs") && detail.contains("old_name: 1 use in 1 file"), "{detail}");
    client.ask(
        "galley/plan/update",
        json!({ "task": task, "plan": [{ "text": "rename only", "state": "pending" }], "approve": true }),
    );
    let proposal = client.proposal();
    assert_eq!(hunks(&proposal).len(), 1);
    let log = model.log();
    let requests = log["requests"].as_array().unwrap();
    assert_eq!(tools(&requests[0]), ["more", "plan", "read", "search"]);
    assert!(tools(&requests[2]).contains(&"edit".to_owned()));
    let deleted = requests[1]["body"].to_string();
    assert!(deleted.contains("nothing may be changed now"), "{deleted}");
    let work = requests[2]["body"].to_string();
    assert!(work.contains("rename only") && work.contains("approved"), "{work}");
    let shown = client.ask("galley/task/get", json!({ "task": task }));
    assert_eq!(shown["plan"][0]["text"], "rename only");
    assert_eq!(shown["planChanges"][0], "- rename `old_name` in a.rs", "{shown:#}");
    assert!(shown["notes"][0].as_str().unwrap().contains("the plan is approved"), "{shown:#}");
}

#[test]
fn a_question_that_nobody_answers_gets_the_assumption_and_is_not_asked_again() {
    let place = Place::new(&[("a.rs", "fn a() {}\n")]);
    place.configure("[questions]\nseconds = 1\n");
    let ask = |more: Value| {
        let mut turn = call("more", json!({ "call": ["ask", "Which name?", "kept", "other"] }));
        turn["match"] = more;
        turn
    };
    let model = Model::start(&json!({ "turns": [
        ask(json!({})),
        ask(json!({ "tool": "Go on with your assumption (kept)" })),
        { "calls": finish()["calls"], "match": { "tool": "asked already" } },
    ] }));
    let mut client = Client::start(&place, Some(&model.url()), full());
    client.hold_approvals = true;
    let task = client.task(json!({ "goal": "look", "mode": "explain" }));
    let asked = client.wait("the question", |message| message["method"] == "galley/approval/request");
    assert_eq!(asked["params"]["options"][0]["id"], "kept", "the assumed one is first");
    client.until(&task, &["done"]);
    model.assert_clean();
}

#[test]
fn a_plan_is_edited_as_a_text_and_approved_from_a_terminal() {
    let place = Place::new(&[("a.rs", "fn old() {}\n")]);
    let first = json!({ "items": ["[ ] rename it", "  [ ] its users", "[ ] write docs"] });
    let model = Model::start(&json!({ "prefix": "any", "turns": [
        call("plan", first), edit("a.rs", "fn old", "fn new"), finish(),
    ] }));
    let mut client = Client::start(&place, Some(&model.url()), full());
    client.hold_approvals = true;
    let task = client.task(json!({ "goal": "rename it", "plan": "ask" }));
    client.wait("the plan", |message| message["method"] == "galley/approval/request");
    let shown = client.ask("galley/plan/get", json!({ "task": task }));
    let text = shown["text"].as_str().unwrap();
    assert!(text.contains("- [ ] rename it\n  - [ ] its users\n- [ ] write docs\n"), "{text}");
    assert_eq!(shown["waits"], true);
    assert_eq!(stdout(&place.galley(&["task", "plan", &task])), text);
    // Reordered, one dropped, one new, as a person leaves it in an editor.
    let edited = "- [ ] look at the users\n- [ ] rename it\n- [-] ~~write docs~~\n# a note\n";
    let file = place.beside("plan.md");
    std::fs::write(&file, edited).unwrap();
    let said = place.galley(&["task", "plan", &task, "--set", file.to_str().unwrap(), "--approve"]);
    assert!(said.status.success(), "{}", stderr(&said));
    client.proposal();
    let shown = client.ask("galley/plan/get", json!({ "task": task }));
    let text = shown["text"].as_str().unwrap();
    assert!(text.contains("- [ ] look at the users\n- [ ] rename it\n- [-] ~~write docs~~\n"), "{text}");
    assert!(text.contains("# ~~its users~~\n"), "what went stays readable: {text}");
    assert_eq!(shown["waits"], false);
    let work = model.log()["requests"][1]["body"].to_string();
    assert!(work.contains("look at the users") && work.contains("approved"), "{work}");
}

#[test]
fn a_plain_client_changes_the_plan_of_a_running_task_through_a_command() {
    let place = Place::new(&[("a.rs", "fn old() {}\n")]);
    let (asked, gate) = (place.beside("asked"), place.beside("gate"));
    let model = Model::start(&json!({ "turns": [
        call("plan", json!({ "items": ["[>] one", "[ ] two"] })),
        { "calls": call("search", json!({ "query": "old" }))["calls"], "signal": asked, "waitFor": gate },
        finish(),
    ] }));
    let mut client = Client::start(&place, Some(&model.url()), json!({}));
    let task = client.task(json!({ "goal": "look", "mode": "free" }));
    client.until_file(&asked);
    let arguments = json!([{ "task": task, "text": "[>] one\n[-] two\n[ ] three" }]);
    client
        .ask("workspace/executeCommand", json!({ "command": "galley.plan.update", "arguments": arguments }));
    File::create(&gate).unwrap();
    client.until(&task, &["done", "failed"]);
    let last = model.log()["requests"].as_array().unwrap().last().unwrap()["body"].to_string();
    assert!(
        last.contains("I changed the plan") && last.contains("[-] two") && last.contains("three"),
        "{last}"
    );
    let shown = client.ask("galley/task/get", json!({ "task": task }));
    assert_eq!(shown["planChanges"], json!(["~ two: dropped", "+ three"]));
}

#[test]
fn the_scope_is_enforced_and_widened_by_the_person_alone() {
    let place = Place::new(&[
        ("src/a.rs", "fn one() {\n    x()\n}\n\nfn two() {\n    x()\n}\n"),
        ("docs/a.md", "text\n"),
        ("tests/t.rs", "old\n"),
    ]);
    let model = Model::start(&json!({ "turns": [
        edit("docs/a.md", "text", "words"),
        edit("src/a.rs", "fn two() {\n    x()", "fn two() {\n    y()"),
        edit("src/a.rs", "fn one() {\n    x()", "fn one() {\n    y();\n    y();\n    y();\n    y()"),
        edit("src/a.rs", "fn one() {\n    x()", "fn one() {\n    y()"),
        call("more", json!({ "call": ["widen", "docs/**", "the docs name it"] })),
        edit("docs/a.md", "text", "words"),
        finish(),
    ] }));
    let mut client = Client::start(&place, Some(&model.url()), full());
    client.answer = Some("yes".to_owned());
    let task = client.task(
        json!({ "goal": "change one", "scope": ["src/**"], "limits": { "symbols": ["one"], "lines": 4 } }),
    );
    let proposal = client.proposal();
    assert_eq!(hunks(&proposal).len(), 2, "{proposal:#}");
    let shown = client.ask("galley/task/get", json!({ "task": task }));
    let states: Vec<&str> =
        shown["steps"].as_array().unwrap().iter().map(|step| step["state"].as_str().unwrap()).collect();
    assert_eq!(states[..6], ["error", "error", "error", "ok", "ok", "ok"], "{shown:#}");
    assert!(shown["steps"][0]["detail"].as_str().unwrap().contains("outside the scope"), "{shown:#}");
    assert!(shown["steps"][2]["detail"].as_str().unwrap().contains("the scope allows 4"), "{shown:#}");
    assert_eq!(shown["scope"]["also"], json!(["docs/**"]));
    assert_eq!(shown["scope"]["symbols"], json!(["one"]));
}

#[test]
fn a_task_is_steered_paused_and_stopped_from_another_process() {
    let place = Place::new(&[("a.rs", "fn a() {}\n")]);
    let (asked, gate) = (place.beside("asked"), place.beside("gate"));
    let model = Model::start(&json!({ "turns": [
        { "say": "a long thought that goes on and on", "signal": asked, "waitForMid": gate },
        { "calls": [{ "name": "run", "arguments": { "command": "sleep 600" } }] },
    ] }));
    let mut client = Client::start(&place, Some(&model.url()), full());
    client.answer = Some("once".to_owned());
    let task = client.task(json!({ "goal": "think" }));
    client.until_file(&asked);
    std::fs::remove_file(&asked).unwrap();
    let said = place.galley(&["task", "steer", &task, "keep the public signature"]);
    assert!(said.status.success(), "{}", stderr(&said));
    // The prose is cut and asked for again, now with the words in it; then it runs a command that does not end.
    client.until_file(&asked);
    File::create(&gate).unwrap();
    client.notified("galley/task/didUpdate", |view| view["steps"][0]["tool"] == "run");
    let log = model.log();
    let last = log["requests"].as_array().unwrap().last().unwrap()["body"].to_string();
    assert!(last.contains("keep the public signature"), "{last}");
    let said = place.galley(&["task", "cancel", &task]);
    assert!(said.status.success(), "{}", stderr(&said));
    client.until(&task, &["cancelled"]);
    let said = place.galley(&["task", "steer", &task, "too late"]);
    assert!(!said.status.success() && stderr(&said).contains("does not run now"), "{}", stderr(&said));
}

#[test]
fn messages_wait_in_a_queue_and_can_be_reworded_and_taken_back() {
    let place = Place::new(&[("a.rs", "fn a() {}\n")]);
    let (asked, gate) = (place.beside("asked"), place.beside("gate"));
    let mut slow = call("read", json!({ "path": "a.rs" }));
    slow["signal"] = json!(asked);
    slow["waitForMid"] = json!(gate);
    slow["pieces"] = json!(4);
    let model = Model::start(
        &json!({ "turns": [slow, call("finish", json!({ "outcome": "blocked", "text": "enough" }))] }),
    );
    let mut client = Client::start(&place, Some(&model.url()), full());
    let task = client.task(json!({ "goal": "look" }));
    client.notified("galley/task/didUpdate", |view| {
        view["activity"].as_str().is_some_and(|said| said.contains("writing read"))
    });
    let first = client.ask("galley/task/steer", json!({ "task": task, "message": "first words" }));
    let second = client.ask("galley/task/steer", json!({ "task": task, "message": "second words" }));
    client.notified("galley/task/didUpdate", |view| {
        view["queue"].as_array().is_some_and(|queue| queue.len() == 2)
    });
    client.ask(
        "galley/task/requeue",
        json!({ "task": task, "message": first["message"], "text": "better words" }),
    );
    client.ask("galley/task/requeue", json!({ "task": task, "message": second["message"] }));
    client.notified("galley/task/didUpdate", |view| {
        view["queue"].as_array().is_some_and(|queue| queue.len() == 1 && queue[0]["text"] == "better words")
    });
    File::create(&gate).unwrap();
    client.until(&task, &["failed"]);
    let log = model.log();
    let last = log["requests"].as_array().unwrap().last().unwrap()["body"].to_string();
    assert!(
        last.contains("better words") && !last.contains("first words") && !last.contains("second words"),
        "{last}"
    );
    model.assert_clean();
}

#[test]
fn a_fork_shares_the_beginning_and_goes_on_with_other_words() {
    let place = Place::new(&[("a.rs", "fn a() {}\n")]);
    let model = Model::start(&json!({ "turns": [
        call("read", json!({ "path": "a.rs" })),
        edit("a.rs", "fn a()", "fn b()"),
        finish(),
    ] }));
    let run = |arguments: &[&str]| {
        let mut command = place.command(arguments);
        command
            .env("GALLEY_MODEL", "openai-chat/fake")
            .env("GALLEY_BASE_URL", model.url())
            .env("OPENAI_API_KEY", "sk-test");
        command.output().unwrap()
    };
    run(&["run", "rename a"]);
    let listed = stdout(&place.galley(&["task", "list", "--json"]));
    let first: Value = serde_json::from_str(listed.lines().next().unwrap()).unwrap();
    let id = first["task"].as_str().unwrap();
    let forked = run(&["task", "fork", id, "--step", "1", "call it c"]);
    let log = model.log();
    let requests = log["requests"].as_array().unwrap();
    assert_eq!(requests.len(), 5, "{}", stderr(&forked));
    let body = requests[3]["body"].to_string();
    assert!(body.contains("call it c") && !body.contains("fn b()"), "{body}");
    assert_eq!(stdout(&place.galley(&["task", "list", "--json"])).lines().count(), 2);
    let beyond = run(&["task", "fork", id, "--step", "9", "x"]);
    assert!(!beyond.status.success());
}

#[test]
fn words_without_work_are_never_done() {
    let place = Place::new(&[("a.rs", "fn a() {}\n")]);
    let model = Model::start(&json!({ "turns": [{ "say": "I renamed it." }, { "say": "All done!" }] }));
    let mut client = Client::start(&place, Some(&model.url()), full());
    let task = client.task(json!({ "goal": "rename a" }));
    let ended = client.until(&task, &["failed", "done"]);
    assert_eq!(ended["state"], "failed");
    assert!(ended["message"].as_str().unwrap().contains("it needs you"), "{ended:#}");
}

#[test]
fn a_budget_is_warned_of_and_raised_by_the_person() {
    let place = Place::new(&[("a.rs", "fn a() {}\n")]);
    let look = |query: &str| call("search", json!({ "query": query }));
    let mut turns: Vec<Value> = ["a", "b", "c", "d", "e"].into_iter().map(look).collect();
    turns.push(call("finish", json!({ "outcome": "blocked", "text": "seen" })));
    let model = Model::start(&json!({ "turns": turns }));
    let mut client = Client::start(&place, Some(&model.url()), full());
    client.answer = Some("more".to_owned());
    let task = client.task(json!({ "goal": "look", "budget": { "steps": 4 } }));
    let ended = client.until(&task, &["failed", "done"]);
    assert_eq!(ended["message"], "blocked: seen", "{ended:#}");
    assert!(ended["notes"][0].as_str().unwrap().contains("four fifths of the budget"), "{ended:#}");
}

#[test]
fn a_terminal_changes_budget_scope_and_model_of_a_running_task_and_its_queue() {
    let place = Place::new(&[("a.txt", "one\n"), ("b.txt", "two\n")]);
    let (asked, gate) = (place.beside("asked"), place.beside("gate"));
    let mut slow = call("read", json!({ "path": "a.txt" }));
    slow["signal"] = json!(asked);
    slow["waitForMid"] = json!(gate);
    slow["pieces"] = json!(4);
    let model = Model::start(&json!({ "prefix": "any", "turns": [
        slow,
        edit("b.txt", "two", "zwei"),
        edit("a.txt", "one", "eins"),
        finish(),
    ] }));
    let mut client = Client::start(&place, Some(&model.url()), full());
    let task = client.task(json!({ "goal": "translate", "budget": { "steps": 2 } }));
    client.notified("galley/task/didUpdate", |view| {
        view["activity"].as_str().is_some_and(|said| said.contains("writing read"))
    });
    let done = |arguments: &[&str]| {
        let output = place.galley(&[&["task"], arguments].concat());
        assert!(output.status.success(), "{arguments:?}: {}", stderr(&output));
        stdout(&output)
    };
    done(&["steer", &task, "first words"]);
    done(&["steer", &task, "second words"]);
    client.notified("galley/task/didUpdate", |view| {
        view["queue"].as_array().is_some_and(|queue| queue.len() == 2)
    });
    let queue: Vec<Value> =
        done(&["queue", &task, "--json"]).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((&queue[0]["text"], &queue[1]["text"]), (&json!("first words"), &json!("second words")));
    done(&["queue", &task, queue[0]["message"].as_str().unwrap(), "better words"]);
    done(&["queue", &task, queue[1]["message"].as_str().unwrap(), "--remove"]);
    done(&["change", &task, "--max-steps", "50", "--scope", "a.txt", "--model", "openai-chat/other"]);
    let nothing = place.galley(&["task", "change", &task]);
    assert_eq!(nothing.status.code(), Some(2), "{}", stderr(&nothing));
    client.notified("galley/task/didUpdate", |view| {
        view["queue"].as_array().is_some_and(|queue| queue.len() == 4 && queue[0]["text"] == "better words")
    });
    File::create(&gate).unwrap();
    let proposal = client.proposal();
    assert_eq!(hunks(&proposal).len(), 1, "the edit outside the scope is refused: {proposal:#}");
    let log = model.log();
    let second = &log["requests"][1]["body"];
    assert_eq!(second["model"], "other");
    let said = second.to_string();
    assert!(said.contains("better words") && !said.contains("second words"), "{said}");
    assert!(said.contains("The scope is now"), "{said}");
}

#[test]
fn a_model_that_the_person_chose_outlives_the_process() {
    let place = Place::new(&[("a.txt", "one\n")]);
    let gate = place.beside("gate");
    let model = Model::start(&json!({ "prefix": "any", "turns": [
        { "say": "a long thought that goes on and on", "waitForMid": gate },
        finish(),
    ] }));
    let mut client = Client::start(&place, Some(&model.url()), full());
    let task = client.task(json!({ "goal": "look", "mode": "explain" }));
    model.until_asked(1);
    client.ask("galley/task/change", json!({ "task": task, "model": "openai-chat/other" }));
    let other = model.until_request(|request| request["body"]["model"] == "other");
    assert!(other["body"]["messages"].is_array());
    client.child().kill().unwrap();
    drop(client);
    File::create(&gate).unwrap();
    let mut client = Client::start(&place, Some(&model.url()), full());
    let shown = client.until(&task, &["interrupted"]);
    assert_eq!(shown["model"], "openai-chat/other", "{shown:#}");
    client.ask("galley/task/resume", json!({ "task": task }));
    client.until(&task, &["done", "failed"]);
    let log = model.log();
    assert_eq!(log["requests"].as_array().unwrap().last().unwrap()["body"]["model"], "other");
}

#[test]
fn a_review_is_decided_by_flags_and_partly() {
    let place = Place::new(&[("a.txt", "one\n"), ("b.txt", "two\n")]);
    let model = Model::start(
        &json!({ "turns": [edit("a.txt", "one", "eins"), edit("b.txt", "two", "zwei"), finish()] }),
    );
    let mut command = place.command(&["run", "--json", "translate"]);
    command
        .env("GALLEY_MODEL", "openai-chat/fake")
        .env("GALLEY_BASE_URL", model.url())
        .env("OPENAI_API_KEY", "sk-test");
    command.output().unwrap();
    let shown: Vec<Value> = stdout(&place.galley(&["review", "--json"]))
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(shown.len(), 2);
    let hunk = |at: usize| shown[at]["hunk"].as_str().unwrap();
    let unknown = place.galley(&["review", "--accept", "nonsense"]);
    assert_eq!(unknown.status.code(), Some(2), "{}", stderr(&unknown));
    let done = place.galley(&["review", "--accept", hunk(0), "--json"]);
    assert!(done.status.success(), "{}", stderr(&done));
    assert_eq!((place.read("a.txt").as_str(), place.read("b.txt").as_str()), ("eins\n", "two\n"));
    let again = place.galley(&["review", "--accept", hunk(0)]);
    assert_eq!(again.status.code(), Some(2), "{}", stderr(&again));
    place.galley(&["review", "--reject-all"]);
    assert_eq!(place.read("b.txt"), "two\n");
    let listed: Value =
        serde_json::from_str(stdout(&place.galley(&["task", "list", "--json"])).trim()).unwrap();
    assert_eq!(listed["state"], "done");
}
