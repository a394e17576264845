//! The main job through the protocol: ask, watch, review, accept, done, undo.

use galley_e2e::client::{Client, full, hunks};
use galley_e2e::model::Model;
use galley_e2e::place::{Place, repository};
use serde_json::{Value, json};

fn scenario() -> Model {
    Model::from_file(&repository().join("tests/fixtures/main-job/scenario.json"))
}

#[test]
fn a_failing_test_is_fixed_reviewed_accepted_and_taken_back() {
    let place = Place::copy_of("server/galley/assets/demo");
    let before = place.files();
    let model = scenario();
    let mut client = Client::start(&place, Some(&model.url()), full());
    client.notified("galley/status/didChange", |status| {
        status["text"].as_str().is_some_and(|text| text.starts_with("ready"))
    });
    let (duration, report) = (place.uri("src/duration.rs"), place.uri("src/report.rs"));
    client.open(&duration);

    // The light bulb on the failing test's name.
    let line = client
        .text(&duration)
        .lines()
        .position(|line| line.contains("fn rounds_to_the_nearest_quarter"))
        .unwrap();
    let at = json!({ "start": { "line": line, "character": 8 }, "end": { "line": line, "character": 8 } });
    let actions = client.ask(
        "textDocument/codeAction",
        json!({ "textDocument": { "uri": duration }, "range": at, "context": { "diagnostics": [] } }),
    );
    let fix = actions
        .as_array()
        .unwrap()
        .iter()
        .find(|action| action["kind"] == "quickfix.galley.test")
        .expect("the fix");
    assert_eq!(fix["title"], "Galley: fix this failing test");
    let resolved = client.ask("codeAction/resolve", fix.clone());
    assert_eq!(&resolved, fix);
    let started = client.ask("workspace/executeCommand", fix["command"].clone());
    let task = started["task"].as_str().unwrap().to_owned();

    // Watched while it runs: plan and steps come one by one.
    client.notified("galley/task/didUpdate", |view| {
        view["task"] == task.as_str() && view["plan"].as_array().is_some_and(|plan| plan.len() == 4)
    });
    let proposal = client.proposal();
    assert_eq!(place.files(), before, "nothing reaches a file before it is accepted");
    assert_eq!(client.text(&duration).as_bytes(), before["src/duration.rs"]);
    assert_eq!(proposal["evidence"][0]["summary"], "2 failing before, 0 after, 8 passed");
    let all = hunks(&proposal);
    assert_eq!(all.len(), 3);
    assert!(all.iter().all(|hunk| hunk["reason"].is_string()), "{all:#?}");

    // Hunks stand as diagnostics in every editor.
    let marks = client.notified("textDocument/publishDiagnostics", |params| {
        params["uri"] == duration.as_str() && params["diagnostics"][0].is_object()
    });
    let mark = &marks["diagnostics"][0];
    assert_eq!(
        (mark["source"].as_str(), mark["code"].as_str(), mark["severity"].as_i64()),
        (Some("galley"), Some("hunk"), Some(3))
    );
    assert_eq!(mark["data"]["hunk"], all[0]["hunk"]);

    // One by the code action at its place, the rest at once.
    let actions = client.ask(
        "textDocument/codeAction",
        json!({ "textDocument": { "uri": duration }, "range": mark["range"], "context": { "diagnostics": [mark] } }),
    );
    let kinds: Vec<&str> =
        actions.as_array().unwrap().iter().filter_map(|action| action["kind"].as_str()).collect();
    for kind in ["accept", "reject", "why", "next", "previous", "acceptFile", "acceptAll", "rejectAll"] {
        assert!(
            kinds.contains(&format!("quickfix.galley.{kind}").as_str()),
            "{kind} is missing in {kinds:?}"
        );
    }
    let accept =
        actions.as_array().unwrap().iter().find(|action| action["kind"] == "quickfix.galley.accept").unwrap();
    let accepted = client.ask("workspace/executeCommand", accept["command"].clone());
    assert_eq!(accepted["applied"], true, "{accepted}");
    assert!(client.text(&duration).contains("(self.minutes + step / 2) / step * step"));
    assert_eq!(client.edits.len(), 1, "one accept is one edit");
    assert_eq!(client.edits[0]["edit"]["documentChanges"][0]["textDocument"]["version"], 1);
    let rest = client.ask("galley/hunk/accept", json!({ "proposal": proposal["proposal"] }));
    assert_eq!(rest["hunks"].as_array().unwrap().len(), 2, "{rest}");
    client.until(&task, &["done"]);
    client.save(&duration);
    client.save(&report);
    let tested = std::process::Command::new("cargo")
        .args(["test", "--offline", "--quiet"])
        .current_dir(place.root())
        .output()
        .unwrap();
    assert!(tested.status.success());

    // Taken back, newest first, byte for byte.
    for _ in 0..2 {
        let restored = client.ask("galley/checkpoint/restore", json!({ "task": task }));
        assert_eq!(restored["applied"], true, "{restored}");
    }
    client.save(&duration);
    client.save(&report);
    let mut after = place.files();
    after.remove("Cargo.lock");
    let mut before = before;
    before.remove("Cargo.lock");
    assert_eq!(after, before);
    model.assert_clean();
    assert!(client.shutdown().success());
}

#[test]
fn the_prompt_is_small_and_grows_at_its_end_only() {
    let place = Place::copy_of("server/galley/assets/demo");
    let model = scenario();
    let mut client = Client::start(&place, Some(&model.url()), full());
    let task = client.task(json!({ "goal": "fix the failing tests", "mode": "fix" }));
    client.until(&task, &["proposed"]);
    let log = model.log();
    assert_eq!(log["violations"], json!([]), "{:#}", log["violations"]);
    let bodies: Vec<&Value> =
        log["requests"].as_array().unwrap().iter().map(|request| &request["body"]).collect();
    assert_eq!(bodies.len(), 5);
    let first = bodies[0];
    let bytes = first["tools"].to_string().len() + first["messages"].to_string().len();
    println!("first request: {bytes} bytes of tools and messages, about {} tokens", bytes / 4);
    assert!(bytes < 6_000, "{bytes} bytes");
    for pair in bodies.windows(2) {
        let (earlier, later) =
            (pair[0]["messages"].as_array().unwrap(), pair[1]["messages"].as_array().unwrap());
        assert_eq!(earlier[..], later[..earlier.len()], "an earlier message changed");
        assert_eq!(pair[0]["tools"], pair[1]["tools"]);
    }
}

#[test]
fn a_question_is_answered_without_any_edit() {
    let place = Place::copy_of("server/galley/assets/demo");
    let model = Model::start(&json!({ "turns": [
        { "calls": [{ "name": "read", "arguments": { "path": "src/report.rs", "symbol": "totals" } }] },
        { "calls": [{ "name": "edit", "arguments": { "why": "x", "edits": [] } }] },
        { "calls": [{ "name": "finish", "arguments": { "outcome": "done", "text": "It adds up times by project (src/report.rs:31)." } }] },
    ] }));
    let mut client = Client::start(&place, Some(&model.url()), full());
    let task = client.task(json!({ "goal": "what does totals do?", "mode": "explain" }));
    let ended = client.until(&task, &["done"]);
    assert_eq!(ended["message"], "It adds up times by project (src/report.rs:31).");
    assert!(ended["steps"][1]["detail"].as_str().unwrap().contains("no tool `edit`"), "{ended:#}");
    client.notified("window/showMessage", |params| {
        params["message"].as_str().is_some_and(|text| text.contains("adds up"))
    });
}

#[test]
fn progress_is_shown_and_its_cancel_works() {
    let place = Place::new(&[("a.rs", "fn a() {}\n")]);
    let model = Model::start(&json!({ "turns": [{ "say": "x", "fault": "hang", "times": -1 }] }));
    let mut client = Client::start(&place, Some(&model.url()), full());
    let task = client.task(json!({ "goal": "wait" }));
    let begun = client.notified("$/progress", |params| params["value"]["kind"] == "begin");
    assert_eq!(begun["value"]["cancellable"], true);
    client.until(&task, &["exploring"]);
    client.notify("window/workDoneProgress/cancel", json!({ "token": begun["token"] }));
    client.until(&task, &["cancelled"]);
    client.notified("$/progress", |params| params["value"]["kind"] == "end");
}
