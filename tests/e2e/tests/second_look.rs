//! The critic's look: what a command confirms is mended, all else is a note, and nobody is asked or paid twice.

use std::fs::File;

use galley_e2e::client::{Client, full, hunks};
use galley_e2e::model::Model;
use galley_e2e::place::{Place, stderr, stdout};
use serde_json::{Value, json};

const TEXT: &str = "fn keep() {}\n\nfn old() {}\n";

fn edit(old: &str, new: &str) -> Value {
    let arguments = json!({ "path": "a.rs", "old": old, "new": new, "why": "a secret reason" });
    json!({ "calls": [{ "name": "edit", "arguments": arguments }] })
}

fn finish() -> Value {
    json!({ "calls": [{ "name": "finish", "arguments": { "outcome": "done", "text": "renamed it" } }] })
}

fn place() -> Place {
    let place = Place::new(&[("a.rs", TEXT)]);
    place.configure("[review]\ncritic = 'on'\n");
    place
}

/// A model whose critic says this.
fn model(turns: Vec<Value>, critic: &Value) -> Model {
    let said = json!({ "match": "Goal:\n", "turns": [{ "say": critic.to_string() }] });
    Model::start(&json!({ "turns": turns, "conversations": [said] }))
}

fn critics(model: &Model) -> Vec<Value> {
    let log = model.log();
    let requests = log["requests"].as_array().unwrap().iter();
    requests.filter(|request| request["tools"] == false).map(|request| request["body"].clone()).collect()
}

fn run(place: &Place, model: &Model, arguments: &[&str]) -> (Option<i32>, Value) {
    let mut command = place.command(&[&["run", "--json", "rename old to new"], arguments].concat());
    command
        .env("GALLEY_MODEL", "openai-chat/fake")
        .env("GALLEY_BASE_URL", model.url())
        .env("OPENAI_API_KEY", "sk-test");
    let output = command.output().unwrap();
    let listed = stdout(&place.galley(&["task", "list", "--json"]));
    let task: Value = serde_json::from_str(listed.lines().last().unwrap()).unwrap();
    let shown = place.galley(&["task", "show", task["task"].as_str().unwrap(), "--json"]);
    let shown =
        serde_json::from_str(&stdout(&shown)).unwrap_or_else(|error| panic!("{error}: {}", stderr(&output)));
    (output.status.code(), shown)
}

#[test]
fn what_a_command_confirms_is_mended_before_the_person_sees_it() {
    let place = place();
    let claim = json!({ "claims": [{ "claim": "keep() is gone", "command": "grep -q 'fn keep' a.rs" }] });
    let mut again = edit("fn new() {}", "fn keep() {}\n\nfn new() {}");
    again["match"] = json!({ "tool": "keep() is gone" });
    let model = model(vec![edit(TEXT, "fn new() {}\n"), finish(), again, finish()], &claim);
    let (status, shown) = run(&place, &model, &[]);
    model.assert_clean();
    assert_eq!((status, &shown["state"]), (Some(0), &json!("proposed")));
    assert_eq!(shown["proposal"]["warnings"], json!([]), "{:#}", shown["proposal"]);
    assert_eq!(shown["proposal"]["partial"], false);
    assert_eq!(shown["proposal"]["files"][0]["hunks"][0]["after"], "fn new() {}\n");
    let critics = critics(&model);
    assert_eq!(critics.len(), 1, "one look, also after the repair");
    let seen = critics[0].to_string();
    assert!(seen.contains("[h1] a.rs:1") && seen.contains("rename old to new"), "{seen}");
    assert!(!seen.contains("a secret reason") && !seen.contains("renamed it"), "no trajectory: {seen}");
    let spent: Value =
        serde_json::from_str(stdout(&place.galley(&["cost", "--json"])).lines().next().unwrap()).unwrap();
    assert_eq!(spent["calls"], 5, "the look is in the ledger: {spent}");
    assert!(shown["phases"]["critic"]["input"].as_u64() > Some(0), "{:#}", shown["phases"]);
}

#[test]
fn what_nothing_confirms_is_a_note_and_nobody_is_asked() {
    let place = place();
    let said = json!({
        "stray": [{ "hunk": "h1", "why": "nobody asked for it" }, { "hunk": "h7", "why": "there is none" }],
        "claims": [
            { "claim": "it does not compile", "command": "grep -q new a.rs" },
            { "claim": "it fails in production", "command": "./deploy.sh" },
            { "claim": "nothing new", "command": "grep -q nonsense a.rs" },
        ],
    });
    let model = model(vec![edit("fn old", "fn new"), finish()], &said);
    let mut client = Client::start(&place, Some(&model.url()), full());
    client.hold_approvals = true;
    client.task(json!({ "goal": "rename" }));
    client.notified("galley/task/didUpdate", |view| view["state"] == "checking itself");
    let proposal = client.proposal();
    assert_eq!(hunks(&proposal).len(), 1);
    let warnings: Vec<&str> =
        proposal["warnings"].as_array().unwrap().iter().map(|warning| warning.as_str().unwrap()).collect();
    assert_eq!(warnings.len(), 4, "{warnings:#?}");
    assert!(
        warnings[0].starts_with("a.rs:3: ") && warnings[0].ends_with("nobody asked for it"),
        "{warnings:#?}"
    );
    for (warning, why) in warnings[1..].iter().zip(["passes", "asked for", "same way"]) {
        assert!(warning.contains(why), "{warnings:#?}");
    }
    model.assert_clean();
}

#[test]
fn a_defect_that_stays_is_told_and_not_applied() {
    let place = place();
    let claim = json!({ "claims": [{ "claim": "keep() is gone", "command": "grep -q 'fn keep' a.rs" }] });
    let model = model(vec![edit(TEXT, "fn new() {}\n"), finish(), finish(), finish(), finish()], &claim);
    let (status, shown) = run(&place, &model, &["--apply"]);
    assert_eq!(status, Some(1));
    assert_eq!(shown["proposal"]["partial"], true);
    assert!(shown["message"].as_str().unwrap().contains("after 3 repairs a defect is left"), "{shown:#}");
    let warning = &shown["proposal"]["warnings"][0];
    assert_eq!(warning, "confirmed by `grep -q 'fn keep' a.rs` and not mended: keep() is gone");
    assert_eq!(place.read("a.rs"), TEXT);
}

#[test]
fn a_task_killed_after_the_look_is_not_looked_at_again() {
    let place = place();
    let (asked, gate) = (place.beside("asked"), place.beside("gate"));
    let claim = json!({ "claims": [{ "claim": "keep() is gone", "command": "grep -q 'fn keep' a.rs" }] });
    let mut again = edit("fn new() {}", "fn keep() {}\n\nfn new() {}");
    again["signal"] = json!(asked);
    again["waitFor"] = json!(gate);
    let model = model(vec![edit(TEXT, "fn new() {}\n"), finish(), again, finish()], &claim);
    let mut client = Client::start(&place, Some(&model.url()), full());
    let task = client.task(json!({ "goal": "rename" }));
    client.until_file(&asked);
    client.child().kill().unwrap();
    drop(client);
    File::create(&gate).unwrap();
    let mut client = Client::start(&place, Some(&model.url()), full());
    client.until(&task, &["interrupted"]);
    client.ask("galley/task/resume", json!({ "task": task }));
    let proposal = client.proposal();
    assert_eq!((&proposal["partial"], &proposal["warnings"]), (&json!(false), &json!([])));
    assert_eq!(critics(&model).len(), 1);
}

#[test]
fn a_small_change_is_not_looked_at_unless_somebody_is_named_for_it() {
    let place = Place::new(&[("a.rs", TEXT)]);
    let nothing = json!({});
    let small = model(vec![edit("fn old", "fn new"), finish()], &nothing);
    run(&place, &small, &[]);
    assert_eq!(critics(&small).len(), 0);
    let named = model(vec![edit("fn old", "fn new"), finish()], &nothing);
    place.configure(&format!(
        "[roles]\ncritic = 'other/second'\n[providers.other]\nkind = 'openai-chat'\nbase_url = '{}'\n",
        named.url()
    ));
    run(&place, &named, &[]);
    assert_eq!(critics(&named)[0]["model"], "second");
}
