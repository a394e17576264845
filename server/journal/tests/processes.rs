//! Several processes on one state directory, one of them killed. The test binary starts itself again as those.
#![allow(clippy::unwrap_used, reason = "a test may panic, and its small functions are outside of #[test]")]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use galley_journal::{Journal, NewTask, Owner};
use serde_json::json;

const ROLE: &str = "GALLEY_JOURNAL_TEST_ROLE";
const DIR: &str = "GALLEY_JOURNAL_TEST_DIR";

/// Not a test by itself: what a second process does, when started by one of the tests.
#[test]
fn second_process() {
    let (Ok(role), Ok(dir)) = (std::env::var(ROLE), std::env::var(DIR)) else { return };
    let journal = Journal::open(Path::new(&dir)).unwrap();
    match role.as_str() {
        "endless" => {
            assert!(journal.claim_task("t", &Owner::current(), 1).unwrap());
            for n in 0u64.. {
                let seq = journal.append("t", &role, &json!({ "n": n }), 1).unwrap();
                println!("\nwritten {seq}");
            }
        }
        _ => {
            for n in 0..150 {
                journal.append("t", &role, &json!({ "n": n }), 1).unwrap();
                journal.append_progress("t", "progress", &json!({ "n": n }), 1).unwrap();
            }
        }
    }
}

fn spawn(role: &str, dir: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "second_process", "--nocapture"])
        .env(ROLE, role)
        .env(DIR, dir)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

fn with_task(dir: &Path) -> Journal {
    let journal = Journal::open(dir).unwrap();
    let text = |s: &str| s.to_owned();
    let (id, workspace, title, goal) = (text("t"), text("/w"), text("title"), text("goal"));
    journal.create_task(&NewTask { id, workspace, title, goal, created_ms: 1 }).unwrap();
    journal
}

#[test]
fn three_processes_append_to_one_chain() {
    let dir = tempfile::tempdir().unwrap();
    let journal = with_task(dir.path());
    let children = ["one", "two", "three"].map(|role| spawn(role, dir.path()));
    for child in children {
        assert!(child.wait_with_output().unwrap().status.success());
    }
    let verified = journal.verify().unwrap();
    assert_eq!((verified.entries, verified.broken), (900, None));
    let events = journal.events("t", 0).unwrap();
    for role in ["one", "two", "three"] {
        let numbers: Vec<_> =
            events.iter().filter(|e| e.kind == role).map(|e| e.value()["n"].clone()).collect();
        assert_eq!(numbers, (0..150).map(|n| json!(n)).collect::<Vec<_>>());
    }
}

#[test]
fn many_processes_make_the_database_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let state = dir.path().join("state");
    let threads: Vec<_> = (0..6)
        .map(|_| {
            let state = state.clone();
            std::thread::spawn(move || Journal::open(&state).map(drop))
        })
        .collect();
    for thread in threads {
        thread.join().unwrap().unwrap();
    }
}

#[test]
fn a_killed_writer_loses_nothing_that_was_answered() {
    let dir = tempfile::tempdir().unwrap();
    let journal = with_task(dir.path());
    for round in 1..=3u64 {
        let mut child = spawn("endless", dir.path());
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut answered = 0;
        while answered == 0 || answered % 40 != 0 {
            let line = lines.next().unwrap().unwrap();
            if let Some(seq) = line.strip_prefix("written ") {
                answered = seq.parse().unwrap();
            }
        }
        assert!(journal.owner("t").unwrap().unwrap().alive);
        child.kill().unwrap();
        child.wait().unwrap();
        // Read as another process would, and go on writing.
        let fresh = Journal::open(dir.path()).unwrap();
        assert!(fresh.last_seq("t").unwrap() >= answered, "round {round}");
        assert_eq!(fresh.verify().unwrap().broken, None);
        assert!(!fresh.owner("t").unwrap().unwrap().alive);
        assert_eq!(fresh.interrupted(Some("/w")).unwrap().len(), 1);
        fresh.append("t", "after", &json!(null), 2).unwrap();
    }
    assert_eq!(journal.verify().unwrap().broken, None);
    assert!(journal.claim_task("t", &Owner::current(), 3).unwrap());
}
