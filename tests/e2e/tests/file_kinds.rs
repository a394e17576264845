//! Scripts, links, moves, removals: what commands do to them is proposed, accepted as shown, and taken back whole.
#![cfg(unix)]

use std::os::unix::fs::PermissionsExt;

use galley_e2e::client::{Client, full, hunks};
use galley_e2e::model::Model;
use galley_e2e::place::{Place, stdout};
use serde_json::{Value, json};

fn run(command: &str) -> Value {
    json!({ "calls": [{ "name": "run", "arguments": { "command": command } }] })
}

fn finish() -> Value {
    json!({ "calls": [{ "name": "finish", "arguments": { "outcome": "done", "text": "made" } }] })
}

fn edits(edits: Value) -> Value {
    json!({ "calls": [{ "name": "edit", "arguments": { "why": "as asked", "edits": edits } }] })
}

/// A repository with a script, a tool that is not executable yet, a file and two links.
fn place() -> Place {
    let place = Place::new(&[
        ("run.sh", "#!/bin/sh\necho one\n"),
        ("tool", "#!/bin/sh\necho tool\n"),
        ("docs/real.md", "# Real\n"),
        ("old/name.txt", "moved\n"),
        ("gone.txt", "gone\n"),
        ("galley.toml", "[checks.unit]\ncommand = 'sh run.sh'\n"),
    ]);
    let root = place.root();
    set_mode(&place, "run.sh", 0o755);
    set_mode(&place, "tool", 0o644);
    std::os::unix::fs::symlink("docs/real.md", root.join("LINK.md")).unwrap();
    std::os::unix::fs::symlink("docs/real.md", root.join("dropped.md")).unwrap();
    place
}

fn set_mode(place: &Place, path: &str, mode: u32) {
    std::fs::set_permissions(place.root().join(path), std::fs::Permissions::from_mode(mode)).unwrap();
}

fn is_executable(place: &Place, path: &str) -> bool {
    place.root().join(path).metadata().unwrap().permissions().mode() & 0o100 != 0
}

fn is_link(place: &Place, path: &str) -> bool {
    place.root().join(path).is_symlink()
}

fn turns() -> Value {
    json!([
        edits(json!([
            { "path": "run.sh", "old": "one", "new": "two" },
            { "path": "LINK.md", "old": "# Real", "new": "# Really" },
            { "path": "new.sh", "old": "", "new": "#!/bin/sh\necho new\n" }
        ])),
        run("chmod +x tool && mv old/name.txt new-name.txt && rm gone.txt dropped.md && touch stray.log"),
        run("cat LINK.md new-name.txt && test -x tool && test -x new.sh"),
        finish()
    ])
}

fn assert_before(place: &Place) {
    assert_eq!(place.read("run.sh"), "#!/bin/sh\necho one\n");
    assert!(is_executable(place, "run.sh") && !is_executable(place, "tool"));
    assert_eq!(place.read("docs/real.md"), "# Real\n");
    assert!(is_link(place, "LINK.md") && is_link(place, "dropped.md"));
    assert_eq!(place.read("old/name.txt"), "moved\n");
    assert_eq!(place.read("gone.txt"), "gone\n");
    for absent in ["new.sh", "new-name.txt", "stray.log"] {
        assert!(!place.root().join(absent).exists(), "{absent}");
    }
}

fn assert_after(place: &Place) {
    assert_eq!(place.read("run.sh"), "#!/bin/sh\necho two\n");
    assert!(is_executable(place, "run.sh") && is_executable(place, "tool") && is_executable(place, "new.sh"));
    assert_eq!(place.read("docs/real.md"), "# Really\n");
    assert!(is_link(place, "LINK.md"));
    assert_eq!(place.read("new-name.txt"), "moved\n");
    for absent in ["dropped.md", "gone.txt", "old/name.txt", "stray.log"] {
        assert!(place.root().join(absent).symlink_metadata().is_err(), "{absent}");
    }
}

/// What the model was told of its commands: that they ran on its own edits, and what became of theirs.
fn assert_told(model: &Model) {
    let log = model.log().to_string();
    assert!(log.contains("# Really\\nmoved"), "{log}");
    assert!(
        log.contains("now part of your edit: ") && log.contains("not part of your edit: stray.log"),
        "{log}"
    );
}

fn through_an_editor(capabilities: Value) {
    let place = place();
    let model = Model::start(&json!({ "turns": turns() }));
    let mut client = Client::start(&place, Some(&model.url()), capabilities);
    client.open(&place.uri("tool"));
    let task = client.task(json!({ "goal": "tidy the files" }));
    let proposal = client.proposal();
    assert_before(&place);
    assert_told(&model);
    assert!(
        hunks(&proposal).iter().any(|hunk| hunk["wholeFile"] == "make this file executable"),
        "{proposal}"
    );
    let answer = client.ask("galley/hunk/accept", json!({ "proposal": proposal["proposal"] }));
    assert_eq!(answer["applied"], true, "{answer}");
    for path in ["run.sh", "docs/real.md", "new.sh"] {
        client.save_if_open(&place.uri(path));
    }
    assert_after(&place);
    let back = client.ask("galley/checkpoint/restore", json!({ "task": task }));
    assert_eq!(back["applied"], true, "{back}");
    for path in ["run.sh", "docs/real.md", "gone.txt"] {
        client.save_if_open(&place.uri(path));
    }
    assert_before(&place);
}

#[test]
fn an_editor_that_makes_and_moves_files_applies_all_kinds() {
    through_an_editor(full());
}

#[test]
fn for_an_editor_that_only_edits_text_the_rest_is_done_by_the_server() {
    let mut plain = full();
    plain["workspace"]["workspaceEdit"] = json!({ "documentChanges": true });
    through_an_editor(plain);
}

#[test]
fn the_command_line_applies_all_kinds_and_takes_them_back() {
    let place = place();
    let model = Model::start(&json!({ "turns": turns() }));
    let root = place.root();
    let root = root.to_str().unwrap();
    let mut command = place.command(&["run", "--root", root, "--apply", "tidy the files"]);
    command
        .env("GALLEY_MODEL", "openai-chat/fake")
        .env("GALLEY_BASE_URL", model.url())
        .env("OPENAI_API_KEY", "sk-test");
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", stdout(&output));
    assert_after(&place);
    assert!(stdout(&output).contains("mode 100644 → 100755"), "{}", stdout(&output));
    let output = place.galley(&["rollback", "--root", root]);
    assert!(output.status.success(), "{}", stdout(&output));
    assert_before(&place);
}

#[test]
fn a_link_is_no_way_around_what_is_protected() {
    let place =
        Place::new(&[(".github/workflows/ci.yml", "on: push\n"), (".git/hooks/pre-commit", "#!/bin/sh\n")]);
    std::os::unix::fs::symlink(".github/workflows/ci.yml", place.root().join("notes.txt")).unwrap();
    std::os::unix::fs::symlink(".git/hooks/pre-commit", place.root().join("hook")).unwrap();
    let model = Model::start(&json!({ "turns": [
        edits(json!([{ "path": "notes.txt", "old": "push", "new": "pull_request" }])),
        edits(json!([{ "path": "hook", "old": "#!/bin/sh", "new": "#!/bin/sh\nevil" }])),
        { "calls": [{ "name": "finish", "arguments": { "outcome": "blocked", "text": "not allowed" } }] },
    ] }));
    let mut client = Client::start(&place, Some(&model.url()), full());
    let task = client.task(json!({ "goal": "go around" }));
    client.until(&task, &["failed"]);
    let log = model.log().to_string();
    assert!(log.contains("did not allow a change of .github/workflows/ci.yml"), "{log}");
    assert!(log.contains("rejected, nothing was changed"), "{log}");
    assert_eq!(place.read(".git/hooks/pre-commit"), "#!/bin/sh\n");
}
