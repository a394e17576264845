//! Models: who takes over when one dies, what is recorded and played again.

use galley_e2e::model::Model;
use galley_e2e::place::{Place, stderr, stdout};
use serde_json::{Value, json};

fn events(said: &str) -> Vec<Value> {
    said.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()).collect()
}

fn edit() -> Value {
    json!({ "calls": [{ "name": "edit", "arguments": { "why": "asked for", "edits": [{ "path": "a.rs", "old": "fn a() {}", "new": "fn b() {}" }] } }] })
}

fn finish() -> Value {
    json!({ "calls": [{ "name": "finish", "arguments": { "outcome": "done", "text": "Renamed." } }] })
}

fn configured(place: &Place, one: &Model, two: &Model) -> std::path::PathBuf {
    let config = place.beside("config.toml");
    let text = format!(
        "[roles]\nmain = ['one/fake', 'two/fake']\n\
         [providers.one]\nkind = 'openai-responses'\nbase_url = '{}'\n\
         [providers.two]\nkind = 'anthropic'\nbase_url = '{}'\nkey_variable = 'TWO_KEY'\n",
        one.url(),
        two.url()
    );
    std::fs::write(&config, text).unwrap();
    config
}

#[test]
fn another_model_takes_over_when_the_first_dies_and_knows_the_history() {
    let place = Place::new(&[("a.rs", "fn a() {}\n")]);
    let dying = place.beside("dying");
    let one = Model::start(&json!({ "turns": [
        { "say": "I look.", "reason": "hm", "calls": [{ "name": "read", "arguments": { "path": "a.rs" } }] },
        { "say": "never said", "signal": dying, "waitFor": place.beside("never") },
    ] }));
    // Its first turn is the second of the task: the history holds the reply of the other.
    let two = Model::start(&json!({ "turns": [
        { "say": "wrong turn" },
        { "match": { "tool": "fn a() {}" }, "calls": edit()["calls"] },
        finish(),
    ] }));
    let config = configured(&place, &one, &two);
    let mut command = place.command(&["run", "--json", "rename a to b"]);
    command
        .env("GALLEY_CONFIG", &config)
        .env("OPENAI_API_KEY", "sk-test")
        .env("TWO_KEY", "sk-two")
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped());
    let run = command.spawn().unwrap();
    while !dying.exists() {
        std::thread::yield_now();
    }
    drop(one);
    let output = run.wait_with_output().unwrap();
    let said = events(&stdout(&output));
    let switched: Vec<&Value> = said.iter().filter_map(|line| line["event"].get("switched")).collect();
    assert_eq!(switched.len(), 1, "{}\n{}", stdout(&output), stderr(&output));
    assert_eq!((&switched[0]["from"], &switched[0]["to"]), (&json!("one/fake"), &json!("two/fake")));
    assert!(switched[0]["reason"].as_str().unwrap().contains("no connection"), "{switched:?}");
    let proposed = said.iter().filter_map(|line| line["event"].get("proposed")).count();
    assert_eq!(proposed, 1, "{}", stdout(&output));
    two.assert_clean();
    let keys: Vec<Value> =
        two.log()["requests"].as_array().unwrap().iter().map(|request| request["key"].clone()).collect();
    assert!(keys.iter().all(|key| key == "sk-two"), "{keys:?}");
}

#[test]
fn a_task_is_exported_without_secrets_and_played_again_without_a_model() {
    let place = Place::new(&[("a.rs", "fn a() {}\n")]);
    let said = "My key is sk-test-1234567890abcdef.";
    let model = Model::start(&json!({ "turns": [
        { "say": said, "calls": [{ "name": "read", "arguments": { "path": "a.rs" } }] },
        edit(),
        finish(),
    ] }));
    let run = |name: &str| {
        let mut command = place.command(&["run", "--json", "rename a to b", "--model", name]);
        command.env("GALLEY_BASE_URL", model.url()).env("OPENAI_API_KEY", "sk-test-1234567890abcdef");
        let output = command.output().unwrap();
        (events(&stdout(&output)), stderr(&output))
    };
    let (first, _) = run("openai-chat/fake");
    let task = first[0]["task"].as_str().unwrap().to_owned();
    let file = place.beside("recording.jsonl");
    let exported = place.galley(&["task", "export", &task, "--out", file.to_str().unwrap()]);
    assert!(exported.status.success(), "{}", stderr(&exported));
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains("[redacted]") && !text.contains("sk-test"), "{text}");
    let asked = model.log()["requests"].as_array().unwrap().len();
    assert_eq!(text.lines().count(), asked, "a line for each reply: {text}");
    let (second, errors) = run(&format!("replay/{}", file.display()));
    let edits = |lines: &[Value]| -> Vec<Value> {
        lines.iter().filter_map(|line| line["event"].get("edited")).cloned().collect()
    };
    assert_eq!(edits(&first), edits(&second), "{errors}");
    assert_eq!(edits(&second).len(), 1);
    assert_eq!(model.log()["requests"].as_array().unwrap().len(), asked, "the recording alone answered");
}

#[test]
fn a_claim_to_be_done_after_a_refused_edit_is_not_believed() {
    let refused = json!({ "calls": [{ "name": "edit", "arguments": { "path": "a.rs", "old": "fn z() {}", "new": "fn b() {}", "why": "w" } }] });
    let unknown = json!({ "calls": [{ "name": "teleport", "arguments": {} }] });
    for tried in [refused, unknown] {
        let place = Place::new(&[("a.rs", "fn a() {}\n")]);
        let model = Model::start(&json!({ "turns": [tried, finish(), finish()] }));
        let mut command = place.command(&["run", "--json", "--apply", "rename a to b"]);
        command
            .env("GALLEY_MODEL", "openai-chat/fake")
            .env("GALLEY_BASE_URL", model.url())
            .env("OPENAI_API_KEY", "sk-test");
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
        let ended: Vec<Value> =
            events(&stdout(&output)).iter().filter_map(|line| line["event"].get("ended")).cloned().collect();
        assert_eq!(ended[0]["state"], "failed", "{ended:?}");
        assert!(ended[0]["message"].as_str().unwrap().contains("nothing was changed"), "{ended:?}");
        let requests = model.log()["requests"].as_array().unwrap().clone();
        let said = requests.last().unwrap()["body"].to_string();
        assert!(said.contains("your edit was refused"), "the model is told once: {said}");
    }
}
