//! What is wrong with the place of the journal: no room on its disk, a version of tomorrow, a log that was cut.

use std::process::Command;

use galley_e2e::client::{Client, full, hunks};
use galley_e2e::model::{Model, call, finish};
use galley_e2e::place::{Place, stderr, stdout};
use galley_journal::{DATABASE_FILE, Journal};
use serde_json::{Value, json};

fn edit() -> Value {
    call("edit", json!({ "path": "a.txt", "old": "one", "new": "eins", "why": "asked" }))
}

/// Whether a disk of a test's own can be mounted here.
fn can_mount() -> bool {
    let tried = Command::new("unshare").args(["-Urm", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]).output();
    tried.is_ok_and(|output| output.status.success())
}

#[test]
fn a_full_disk_interrupts_a_task_and_room_lets_it_go_on() {
    if !can_mount() {
        println!("not tested: no disk can be mounted here");
        return;
    }
    let place = Place::new(&[("a.txt", "one\n")]);
    let gate = place.beside("gate");
    std::fs::create_dir_all(place.state()).unwrap();
    let long = "a long thought ".repeat(40_000);
    let model = Model::start(&json!({ "turns": [
        edit(),
        { "say": long, "pieces": 20_000, "calls": call("read", json!({ "path": "a.txt" }))["calls"], "waitFor": gate },
        finish(),
    ] }));
    let mount = "mount -t tmpfs -o size=6m tmpfs \"$GALLEY_STATE_DIR\" && exec \"$@\"";
    let mut command = place.program("unshare");
    command.args(["-Urm", "sh", "-c", mount, "sh"]).arg(galley_e2e::galley()).arg("lsp");
    let mut client = Client::start_by(&place, command, Some(&model.url()), full());
    let task = client.task(json!({ "goal": "translate" }));
    client.notified("galley/task/didUpdate", |view| view["steps"][0]["state"] == "ok");
    // The disk as the server sees it is filled to its last byte.
    let inside = format!("/proc/{}/root{}", client.child().id(), place.state().display());
    let filler = std::path::Path::new(&inside).join("filler");
    let block = vec![0; 4096];
    let mut file = std::fs::File::create(&filler).unwrap();
    while std::io::Write::write_all(&mut file, &block).is_ok() {}
    drop(file);
    std::fs::File::create(&gate).unwrap();
    let shown = client.until(&task, &["interrupted"]);
    let said = shown["message"].as_str().unwrap_or_default();
    assert!(said.contains("no space left on the disk") && said.contains("Free some space"), "{shown:#}");
    assert_eq!(place.read("a.txt"), "one\n");
    // Without room it does not go on; with room it does, and what was kept is not asked for again.
    std::fs::remove_file(&filler).unwrap();
    client.ask("galley/task/resume", json!({ "task": task }));
    let proposal = client.proposal();
    assert_eq!(hunks(&proposal)[0]["after"], "eins\n");
    let log = model.log();
    let firsts = log["requests"].as_array().unwrap().iter().filter(|request| request["turn"] == 0).count();
    assert_eq!(firsts, 1);
    model.assert_clean();
}

#[test]
fn a_journal_of_a_newer_version_is_told_of_and_left_as_it_is() {
    let place = Place::new(&[("a.txt", "one\n")]);
    drop(Journal::open(&place.state()).unwrap());
    let path = place.state().join(DATABASE_FILE);
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[60..64].copy_from_slice(&7_u32.to_be_bytes());
    std::fs::write(&path, &bytes).unwrap();
    for arguments in
        [&["task", "list"][..], &["audit", "verify"], &["run", "--model", "openai-chat/x", "translate"]]
    {
        let output = place.galley(arguments);
        assert!(!output.status.success(), "{arguments:?}");
        let said = stderr(&output);
        assert!(said.contains("schema version 7") && said.contains("untouched"), "{arguments:?}: {said}");
    }
    let model = Model::start(&json!({ "turns": [finish()] }));
    let mut client = Client::start(&place, Some(&model.url()), full());
    let refused = client.request("galley/task/start", json!({ "goal": "translate" }));
    assert!(refused["error"]["message"].as_str().unwrap().contains("schema version 7"), "{refused:#}");
    drop(client);
    assert_eq!(std::fs::read(&path).unwrap(), bytes);
}

#[test]
fn a_log_cut_anywhere_leaves_a_task_that_is_shown_and_goes_on() {
    let place = Place::new(&[("a.txt", "one\n")]);
    let asked = place.beside("asked");
    let model = Model::start(&json!({ "turns": [
        call("read", json!({ "path": "a.txt" })),
        edit(),
        { "say": "x", "fault": "hang", "times": 1, "signal": asked },
        finish(),
    ], "final": "." }));
    let mut client = Client::start(&place, Some(&model.url()), full());
    let task = client.task(json!({ "goal": "translate" }));
    client.until_file(&asked);
    // As a loss of power would leave it: copied while it is open.
    let (main, log) = (place.state().join(DATABASE_FILE), place.state().join("journal.db-wal"));
    let (main_bytes, log_bytes) = (std::fs::read(&main).unwrap(), std::fs::read(&log).unwrap());
    client.child().kill().unwrap();
    drop(client);
    let mut states = std::collections::BTreeSet::new();
    for part in 0..=40 {
        for suffix in ["-shm", "-wal"] {
            let _ = std::fs::remove_file(place.state().join(format!("{DATABASE_FILE}{suffix}")));
        }
        std::fs::write(&main, &main_bytes).unwrap();
        std::fs::write(&log, &log_bytes[..log_bytes.len() * part / 40]).unwrap();
        let listed = place.galley(&["task", "list", "--json"]);
        assert!(listed.status.success(), "{}", stderr(&listed));
        assert!(place.galley(&["audit", "verify"]).status.success());
        let said = stdout(&listed);
        for line in said.lines() {
            let row: Value = serde_json::from_str(line).unwrap();
            assert_eq!((&row["task"], &row["state"]), (&json!(task), &json!("interrupted")), "{row}");
        }
        states.insert(said.lines().count());
    }
    assert_eq!(states, [0, 1].into_iter().collect(), "from before its beginning to its last event");
    // From the last of them it goes on.
    let mut client = Client::start(&place, Some(&model.url()), full());
    client.until(&task, &["interrupted"]);
    client.ask("galley/task/resume", json!({ "task": task }));
    client.until(&task, &["proposed", "failed"]);
}
