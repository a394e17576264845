//! The same request given to several tasks: ranked by evidence, chosen by the person, hunks taken from one into another.

use galley_e2e::client::{Client, full, hunks};
use galley_e2e::model::{Model, finish};
use galley_e2e::place::{Place, stderr, stdout};
use serde_json::{Value, json};

fn edits(pairs: &[(&str, &str)]) -> Value {
    let edits: Vec<Value> =
        pairs.iter().map(|(old, new)| json!({ "path": "a.txt", "old": old, "new": new })).collect();
    json!({ "calls": [{ "name": "edit", "arguments": { "why": "asked", "edits": edits } }] })
}

/// A model whose every conversation does this; it claims to be finished as often as it is asked.
fn model(pairs: &[(&str, &str)]) -> Model {
    Model::start(&json!({ "turns": [edits(pairs), finish(), finish(), finish(), finish()] }))
}

const TEXT: &str = "one\ntwo\nthree\nfour\nfive\nsix\nseven\n";

fn place(models: &[&Model]) -> Place {
    let checks = "[checks.unit]\ncommand = \"grep -q ONE a.txt\"\n";
    let place = Place::new(&[("a.txt", TEXT), ("galley.toml", checks)]);
    let providers: Vec<String> = models
        .iter()
        .enumerate()
        .map(|(at, model)| format!("[providers.p{at}]\nkind = 'openai-chat'\nbase_url = '{}'\n", model.url()))
        .collect();
    place.configure(&providers.join("\n"));
    place
}

fn galley(place: &Place, arguments: &[&str]) -> (Option<i32>, String) {
    let output = place.command(arguments).env("OPENAI_API_KEY", "sk-test").output().unwrap();
    (output.status.code(), format!("{}{}", stdout(&output), stderr(&output)))
}

fn candidates(place: &Place) -> Vec<Value> {
    let said = stdout(&place.galley(&["task", "candidates", "--json"]));
    let listed: Value = serde_json::from_str(said.lines().last().unwrap()).unwrap();
    listed["candidates"].as_array().unwrap().clone()
}

#[test]
fn the_candidate_whose_checks_are_green_is_best_and_hunks_of_another_get_into_it() {
    let green = model(&[("one", "ONE"), ("two", "2")]);
    let red = model(&[("two", "TWO"), ("seven", "SEVEN")]);
    let place = place(&[&red, &green]);
    let models = ["run", "--models", "p0/red,p1/green", "--max-usd", "1", "shout"];
    let (status, said) = galley(&place, &models);
    assert_eq!(status, Some(0), "{said}");
    assert!(said.contains("Candidates, best first") && said.contains("galley task choose"), "{said}");
    assert_eq!(place.read("a.txt"), TEXT, "nothing is applied unasked");
    let ranked = candidates(&place);
    assert_eq!([&ranked[0]["model"], &ranked[1]["model"]], [&json!("p1/green"), &json!("p0/red")], "{said}");
    let (best, other) = (ranked[0]["task"].as_str().unwrap(), &ranked[1]);
    let hunk = |after: &str| {
        let hunks = other["hunks"].as_array().unwrap();
        let hunk = hunks.iter().find(|hunk| hunk["after"].as_str().unwrap().contains(after)).unwrap();
        hunk["hunk"].as_str().unwrap().to_owned()
    };
    // The same line in both: what does not apply is refused whole.
    let (status, said) = galley(&place, &["task", "take", best, &hunk("TWO")]);
    assert_eq!(status, Some(1), "{said}");
    assert!(said.contains("a.txt is changed in the same lines already"), "{said}");
    let (status, said) = galley(&place, &["task", "take", best, &hunk("SEVEN")]);
    assert_eq!(status, Some(0), "{said}");
    assert!(said.contains("unit: no errors") || said.contains("unit: "), "{said}");
    let (status, said) = galley(&place, &["task", "choose", best]);
    assert_eq!(status, Some(0), "{said}");
    let shown: Value =
        serde_json::from_str(&stdout(&place.galley(&["task", "show", best, "--json"]))).unwrap();
    let after: String = shown["proposal"]["files"][0]["hunks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|hunk| hunk["after"].as_str().unwrap())
        .collect();
    assert_eq!(after, "ONE\n2\nSEVEN\n", "{:#}", shown["proposal"]);
    assert_eq!(
        (&shown["evidence"][0]["status"], &shown["proposal"]["partial"]),
        (&json!("passed"), &json!(false))
    );
    let ranked = candidates(&place);
    assert_eq!([&ranked[0]["open"], &ranked[1]["open"]], [&json!(true), &json!(false)]);
    let (_, diff) = galley(&place, &["review", "--json"]);
    assert!(diff.contains("SEVEN") && !diff.contains("TWO"), "{diff}");
}

#[test]
fn an_editor_reviews_the_best_chooses_another_and_mixes() {
    let green = model(&[("one", "ONE"), ("two", "2")]);
    let other = model(&[("one", "ONE"), ("six", "6"), ("seven", "7")]);
    let place = place(&[&other, &green]);
    let mut client = Client::start(&place, None, full());
    client.task(json!({ "goal": "shout", "bestOf": 2, "models": ["p0/other", "p1/green"] }));
    // Two lines against three: the smaller of two green ones. The other is held back.
    let best = client.proposal();
    assert_eq!(hunks(&best).len(), 1, "{best:#}");
    let all = |client: &mut Client| {
        client.ask("galley/proposal/list", json!({}))["proposals"].as_array().unwrap().clone()
    };
    assert_eq!(all(&mut client).len(), 1);
    let listed = client.ask("galley/candidate/list", json!({}));
    let task = |at: usize| listed["candidates"][at]["task"].as_str().unwrap().to_owned();
    assert_eq!(
        [&listed["candidates"][0]["model"], &listed["candidates"][1]["open"]],
        [&json!("p1/green"), &json!(true)]
    );
    assert_eq!(best["task"], json!(task(0)));
    let last = listed["candidates"][1]["hunks"].as_array().unwrap().last().unwrap()["hunk"].clone();
    client.ask("galley/candidate/take", json!({ "task": task(0), "hunks": [last] }));
    let mixed = client.notified("galley/proposal/didChange", |shown| hunks(shown).len() == 2);
    assert_eq!(hunks(&mixed)[1]["after"], "6\n7\n");
    assert_eq!(hunks(&mixed)[0]["hunk"], hunks(&best)[0]["hunk"], "what was there keeps its name");
    // Another process sees the same after a restart.
    drop(client);
    let mut client = Client::start(&place, None, full());
    let again = client.proposal();
    assert_eq!((again["task"].as_str(), hunks(&again).len()), (Some(task(0).as_str()), 2));
    client.ask("galley/candidate/choose", json!({ "task": task(1) }));
    let chosen = client.notified("galley/proposal/didChange", |shown| {
        shown["task"] == json!(task(1)) && shown["open"] == true
    });
    assert_eq!(hunks(&chosen).len(), 2);
    let open: Vec<_> = all(&mut client).into_iter().filter(|shown| shown["open"] == true).collect();
    assert_eq!((open.len(), &open[0]["task"]), (1, &json!(task(1))));
    assert_eq!(place.read("a.txt"), TEXT);
}

#[test]
fn samples_of_one_model_share_the_budget_and_the_best_is_applied() {
    let only = model(&[("one", "ONE")]);
    let place = place(&[&only]);
    let (status, said) = galley(
        &place,
        &["run", "--best-of", "3", "--model", "p0/only", "--max-usd", "3", "--apply", "shout"],
    );
    assert_eq!(status, Some(0), "{said}");
    assert_eq!(place.read("a.txt"), TEXT.replace("one", "ONE"));
    let ranked = candidates(&place);
    assert_eq!(ranked.len(), 3);
    for one in &ranked {
        let task = one["task"].as_str().unwrap();
        let shown = stdout(&place.galley(&["task", "show", task, "--json"]));
        let shown: Value = serde_json::from_str(&shown).unwrap();
        assert_eq!((&shown["state"], &shown["spec"]["budget"]["usd"]), (&json!("done"), &json!(1.0)));
    }
    only.assert_clean();
    let (status, said) = galley(&place, &["run", "--best-of", "99", "--model", "p0/only", "shout"]);
    assert_eq!(status, Some(2), "{said}");
}
