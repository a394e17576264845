//! What a linter found before the change is not in the change's way: the tests are run, and the person is told the difference.

use galley_e2e::client::{Client, full};
use galley_e2e::model::{Model, call, finish};
use galley_e2e::place::Place;
use serde_json::json;

const CHECKS: &str = r#"
[checks.lint]
command = '''grep -n bad a.txt | while IFS=: read -r line rest; do echo "a.txt:$line:1: error: $rest [E1]"; done; ! grep -q bad a.txt'''
kind = "lint"
reader = "lines"

[checks.unit]
command = "echo 'ok 1 - all'"
kind = "test"
reader = "tap"
"#;

#[test]
fn tests_run_behind_what_was_found_before() {
    let place = Place::new(&[("galley.toml", CHECKS), ("a.txt", "bad old\none\n")]);
    let edit = json!({ "path": "a.txt", "old": "one", "new": "eins", "why": "asked" });
    let model = Model::start(&json!({ "turns": [call("edit", edit), call("check", json!({})), finish()] }));
    let mut client = Client::start(&place, Some(&model.url()), full());
    let task = client.task(json!({ "goal": "translate" }));
    client.until(&task, &["proposed"]);
    let log = model.log();
    let last = log["requests"].as_array().unwrap().last().unwrap()["body"]["messages"].as_array().unwrap();
    let told = last.last().unwrap()["content"].as_str().unwrap();
    assert!(told.starts_with("nothing new is red\n") && told.contains("lint: 1 error, not new"), "{told}");
    assert!(told.contains("unit: 0 failing before, 0 after, 1 passed"), "{told}");
    let proposal = client.ask("galley/proposal/get", json!({}));
    let evidence = proposal["evidence"].as_array().unwrap();
    let ends: Vec<_> = evidence.iter().map(|one| (one["check"].as_str(), one["status"].as_str())).collect();
    assert_eq!(ends, [(Some("lint"), Some("failed")), (Some("unit"), Some("passed"))], "{evidence:#?}");
}
