//! The review in a terminal, with real keys on a real pseudo-terminal.
#![cfg(target_os = "linux")]

use std::io::Write;
use std::process::Stdio;

use galley_e2e::model::Model;
use galley_e2e::place::{Place, stdout};
use serde_json::{Value, json};

fn edit(path: &str, old: &str, new: &str) -> Value {
    json!({ "name": "edit", "arguments": { "why": "better", "edits": [{ "path": path, "old": old, "new": new }] } })
}

/// A place in which a task has proposed these edits, and they wait.
fn proposed(files: &[(&str, &str)], edits: Vec<Value>) -> Place {
    let place = Place::new(files);
    let finish = json!({ "name": "finish", "arguments": { "outcome": "done", "text": "made" } });
    let model = Model::start(&json!({ "turns": [{ "calls": edits }, { "calls": [finish] }] }));
    let mut command = place.command(&["run", "improve"]);
    command
        .env("GALLEY_MODEL", "openai-chat/fake")
        .env("GALLEY_BASE_URL", model.url())
        .env("OPENAI_API_KEY", "sk-test");
    let output = command.stdin(Stdio::null()).output().unwrap();
    assert!(stdout(&output).contains("Nothing was applied"), "{}", stdout(&output));
    place
}

/// Reviews in a terminal with these keys and returns what it showed.
fn review(place: &Place, keys: &str) -> String {
    review_with(place, keys, "")
}

fn review_with(place: &Place, keys: &str, variables: &str) -> String {
    let galley = place.command(&["review"]);
    let line = format!("{variables} {} review", galley.get_program().to_str().unwrap());
    let mut command = std::process::Command::new("script");
    command.args(["-q", "-e", "-c", &line, "/dev/null"]).current_dir(place.root());
    for (name, value) in galley.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(keys.as_bytes()).unwrap();
    stdout(&child.wait_with_output().unwrap()).replace('\r', "")
}

const A: &str = "fn one() {\n    1;\n\n    2;\n    3;\n}\n";
const B: &str = "fn two() {\n    2;\n}\n";

fn two_files() -> Vec<Value> {
    vec![
        edit("a.rs", "    1;\n\n    2;\n    3;\n", "    10;\n\n    20;\n    30;\n"),
        edit("b.rs", "    2;", "    22;"),
    ]
}

#[test]
fn a_hunk_is_split_and_its_parts_are_decided_one_by_one() {
    let place = proposed(&[("a.rs", A), ("b.rs", B)], two_files());
    let shown = review(&place, "ssynyy");
    assert!(shown.contains("hunk 1 of 2") && shown.contains("split into 2 hunks"), "{shown}");
    assert!(shown.contains("hunk 1 of 3"), "{shown}");
    assert!(shown.contains("cannot be split further"), "{shown}");
    assert_eq!(place.read("a.rs"), A.replace("1;", "10;"));
    assert_eq!(place.read("b.rs"), B.replace("2;", "22;"));
    let back = place.galley(&["rollback"]);
    assert!(back.status.success(), "{}", stdout(&back));
    assert_eq!((place.read("a.rs"), place.read("b.rs")), (A.to_owned(), B.to_owned()));
}

#[test]
fn a_split_review_goes_on_where_it_was_left() {
    let place = proposed(&[("a.rs", A), ("b.rs", B)], two_files());
    let shown = review(&place, "synq");
    assert!(shown.contains("2 of 3 hunks") || shown.contains("still pending"), "{shown}");
    assert_eq!(place.read("a.rs"), A.replace("1;", "10;"));
    let shown = review(&place, "y");
    assert!(shown.contains("b.rs:2") && shown.contains("hunk 3 of 3"), "{shown}");
    assert_eq!(place.read("b.rs"), B.replace("2;", "22;"));
}

#[test]
fn decisions_are_undone_and_whole_files_decided_at_once() {
    let place = proposed(&[("a.rs", A), ("b.rs", B)], two_files());
    review(&place, "nudu?aa");
    assert_eq!(place.read("a.rs"), A.replace("1;", "10;").replace("2;", "20;").replace("3;", "30;"));
    assert_eq!(place.read("b.rs"), B.replace("2;", "22;"));
}

#[test]
fn a_hunk_is_rewritten_in_the_persons_own_editor() {
    let place = proposed(&[("a.rs", A), ("b.rs", B)], two_files());
    let shown = review_with(&place, "jeq", "EDITOR=\"sed -i s/22/222/\"");
    assert_eq!(place.read("b.rs"), B.replace("2;", "222;"), "{shown}");
    assert_eq!(place.read("a.rs"), A);
}

#[test]
fn a_conflict_shows_both_sides_and_is_not_accepted_blindly() {
    let place = proposed(&[("a.rs", A), ("b.rs", B)], two_files());
    place.write("b.rs", "fn two() {\n    mine();\n}\n");
    let shown = review(&place, "jyn");
    assert!(shown.contains("Conflict: edit or reject?"), "{shown}");
    assert!(shown.contains("yours, as it stands") && shown.contains("mine();"), "{shown}");
    assert!(shown.contains("conflicts with what you typed"), "{shown}");
    assert_eq!(place.read("b.rs"), "fn two() {\n    mine();\n}\n");
}

#[test]
fn where_so_configured_accepted_hunks_are_checked_before_they_are_applied() {
    let settings = "[review]\ncheck = 'before'\n\n[checks.both]\ncommand = 'sh both.sh'\n";
    let check = "if grep -q 22 b.rs && ! grep -q 10 a.rs; then echo 'error: b needs a'; exit 1; fi\n";
    let files = [("a.rs", A), ("b.rs", B), ("galley.toml", settings), ("both.sh", check)];
    let place = proposed(&files, two_files());
    let shown = review(&place, "jyn");
    assert!(shown.contains("These hunks fail alone") && shown.contains("lack hunk 1"), "{shown}");
    assert_eq!((place.read("a.rs"), place.read("b.rs")), (A.to_owned(), B.to_owned()));
    let shown = review(&place, "jyy");
    assert_eq!((place.read("a.rs"), place.read("b.rs")), (A.to_owned(), B.replace("2;", "22;")), "{shown}");
}
