//! The program from a terminal: demo, run, tasks, rollback, the engines.

use std::io::Write;
use std::process::Stdio;

use galley_e2e::model::Model;
use galley_e2e::place::{Place, repository, stderr, stdout};
use serde_json::{Value, json};

fn lines(text: &str) -> Vec<Value> {
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

#[test]
fn the_demo_does_the_main_job_and_can_be_taken_back() {
    let place = Place::new(&[]);
    let folder = place.beside("demo");
    let output = place.galley(&["demo", "--yes", "--dir", folder.to_str().unwrap()]);
    let said = stdout(&output);
    assert!(output.status.success(), "{said}\n{}", stderr(&output));
    for part in [
        "recorded replies",
        "Plan",
        "2 failing before, 0 after, 8 passed",
        "Proposal: 3 hunks in 2 files",
        "what was applied is what was checked",
        "applied src/duration.rs",
        "galley rollback t",
    ] {
        assert!(said.contains(part), "`{part}` is missing in:\n{said}");
    }
    let project = folder.join("timesheet");
    let tested = std::process::Command::new("cargo")
        .args(["test", "--offline", "--quiet"])
        .current_dir(&project)
        .output()
        .unwrap();
    assert!(tested.status.success(), "{}", stdout(&tested));
    let rolled = place.galley(&["rollback", "--root", project.to_str().unwrap()]);
    assert!(rolled.status.success(), "{}", stderr(&rolled));
    for file in ["src/duration.rs", "src/report.rs"] {
        let original = std::fs::read(repository().join("server/galley/assets/demo").join(file)).unwrap();
        assert_eq!(
            std::fs::read(project.join(file)).unwrap(),
            original,
            "{file} is as it was, byte for byte"
        );
    }
}

/// The folder, with a program of that name in it which leaves a file `started` there.
fn program_that_tells<'a>(folder: &'a std::path::Path, name: &str) -> &'a std::path::Path {
    std::fs::create_dir_all(folder).unwrap();
    let script = format!("#!/bin/sh\n: > '{}'\n", folder.join("started").display());
    std::fs::write(folder.join(name), script).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(folder.join(name), mode).unwrap();
    folder
}

#[test]
fn a_task_runs_without_an_editor_and_is_in_the_journal() {
    let place = Place::copy_of("server/galley/assets/demo");
    let model = Model::from_file(&repository().join("tests/fixtures/main-job/scenario.json"));
    let before = place.files();
    let mut command = place.command(&["run", "--json", "fix the failing tests"]);
    let decoys = place.beside("decoys");
    let path = std::env::var("PATH").unwrap_or_default();
    command
        .env("PATH", format!("{}:{path}", program_that_tells(&decoys, "tput").display()))
        .env("GALLEY_MODEL", "openai-chat/fake")
        .env("GALLEY_BASE_URL", model.url())
        .env("OPENAI_API_KEY", "sk-test");
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}{}", stdout(&output), stderr(&output));
    assert!(!decoys.join("started").exists(), "a program is started to ask for the size of a terminal");
    let events = lines(&stdout(&output));
    assert!(events.iter().any(|event| event["event"]["proposed"].is_object()), "a proposal is told");
    assert_eq!(place.files(), before, "nothing is applied unasked");
    let listed = lines(&stdout(&place.galley(&["task", "list", "--json"])));
    assert_eq!(listed[0]["state"], "proposed");
    let task = listed[0]["task"].as_str().unwrap().to_owned();
    let shown: Value =
        serde_json::from_str(&stdout(&place.galley(&["task", "show", &task, "--json"]))).unwrap();
    assert_eq!(shown["evidence"][0]["status"], "passed");
    assert!(shown["steps"].as_array().unwrap().len() >= 8);
    let audit = place.galley(&["audit", "verify", "--json"]);
    assert_eq!(lines(&stdout(&audit))[0]["broken"], Value::Null);
    model.assert_clean();
}

#[test]
fn apply_applies_what_is_green_and_refuses_what_is_not() {
    let place = Place::copy_of("server/galley/assets/demo");
    let model = Model::from_file(&repository().join("tests/fixtures/main-job/scenario.json"));
    let with_model = |arguments: &[&str], url: &str| {
        let mut command = place.command(arguments);
        command
            .env("GALLEY_MODEL", "openai-responses/fake")
            .env("GALLEY_BASE_URL", url)
            .env("OPENAI_API_KEY", "sk-test");
        command.output().unwrap()
    };
    let output = with_model(&["run", "--apply", "fix the failing tests"], &model.url());
    assert!(output.status.success(), "{}{}", stdout(&output), stderr(&output));
    assert!(place.read("src/duration.rs").contains("(self.minutes + step / 2)"));
    model.assert_clean();

    let broken = Model::start(&json!({ "turns": [
        { "calls": [{ "name": "edit", "arguments": { "why": "try", "edits": [{ "path": "src/duration.rs", "old": "self.minutes / 60, self.minutes % 60", "new": "self.minutes, self.minutes % 60" }] } }] },
        { "calls": [{ "name": "finish", "arguments": { "outcome": "done", "text": "sure" } }] },
        { "calls": [{ "name": "finish", "arguments": { "outcome": "done", "text": "very sure" } }] },
        { "calls": [{ "name": "finish", "arguments": { "outcome": "done", "text": "quite sure" } }] },
        { "calls": [{ "name": "finish", "arguments": { "outcome": "done", "text": "really" } }] },
    ] }));
    let before = place.files();
    let output = with_model(&["run", "--apply", "make it worse"], &broken.url());
    assert_eq!(output.status.code(), Some(1), "{}", stdout(&output));
    assert!(stdout(&output).contains("not applied"), "{}", stdout(&output));
    assert_eq!(place.files(), before);
}

#[test]
fn a_missing_model_or_root_is_a_usage_error_with_a_way_out() {
    let place = Place::new(&[]);
    let output = place.galley(&["run", "anything"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("OPENAI_API_KEY"), "{}", stderr(&output));
    let output = place.galley(&["run", "--root", "/nowhere/at/all", "anything"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("/nowhere/at/all"));
    assert_eq!(place.galley(&["nonsense"]).status.code(), Some(2));
}

#[test]
fn edit_texts_are_applied_whole_or_not_at_all() {
    let place = Place::new(&[("a.txt", "one\ntwo\nthree\n")]);
    let apply = |text: &str| {
        let mut child = place
            .command(&["edit", "apply", "--format", "search-replace", "--json"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        (output.status.code(), lines(&stdout(&output))[0].clone())
    };
    let (status, answer) = apply("a.txt\n<<<<<<< SEARCH\ntwo\n=======\nTWO\n>>>>>>> REPLACE\n");
    assert_eq!((status, answer["status"].as_str()), (Some(0), Some("applied")), "{answer}");
    assert_eq!(place.read("a.txt"), "one\nTWO\nthree\n");
    let (status, answer) = apply("a.txt\n<<<<<<< SEARCH\nfour\n=======\n4\n>>>>>>> REPLACE\n");
    assert_eq!((status, answer["status"].as_str()), (Some(1), Some("rejected")), "{answer}");
    assert_eq!(place.read("a.txt"), "one\nTWO\nthree\n");
}

#[test]
fn files_are_merged_and_conflicts_are_an_exit_status() {
    let place = Place::new(&[
        ("base", "a\nb\nc\n"),
        ("ours", "A\nb\nc\n"),
        ("theirs", "a\nb\nC\n"),
        ("other", "X\nb\nc\n"),
    ]);
    let output = place.galley(&["edit", "merge", "base", "ours", "theirs"]);
    assert_eq!((output.status.code(), stdout(&output).as_str()), (Some(0), "A\nb\nC\n"));
    let output = place.galley(&["edit", "merge", "base", "ours", "other"]);
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn the_policy_explains_itself() {
    let place = Place::new(&[]);
    let decision = |command: &[&str]| {
        let mut arguments = vec!["policy", "explain", "--json", "--"];
        arguments.extend(command);
        lines(&stdout(&place.galley(&arguments)))[0]["decision"].clone()
    };
    assert_eq!(decision(&["git", "status"]), "allow");
    assert_eq!(decision(&["sudo", "rm", "-rf", "/"]), "forbid");
    assert_eq!(decision(&["./deploy.sh"]), "ask");
}

#[test]
fn finding_answers_in_the_agreed_form() {
    let place = Place::copy_of("server/galley/assets/demo");
    let found = lines(&stdout(&place.galley(&["search", "--json", "--kind", "symbol", "rounded"])));
    assert_eq!(
        (found[0]["path"].as_str(), found[0]["name"].as_str()),
        (Some("src/duration.rs"), Some("rounded"))
    );
    let found = lines(&stdout(&place.galley(&["search", "--json", "rounded(STEP)"])));
    assert_eq!((found[0]["path"].as_str(), found[0]["kind"].as_str()), (Some("src/report.rs"), Some("text")));
    let ranked = lines(&stdout(&place.galley(&["context", "--json", "round totals to quarter hours"])));
    assert!(ranked.iter().take(2).any(|row| row["path"] == "src/report.rs"), "{ranked:?}");
    let impact = lines(&stdout(&place.galley(&["impact", "--json", "--symbol", "totals"])));
    assert!(impact.iter().any(|row| row["path"] == "src/main.rs"), "{impact:?}");
    assert_eq!(place.galley(&["search", "no_such_text_anywhere"]).status.code(), Some(1));
}
