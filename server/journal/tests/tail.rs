//! The end of the log cut at every byte, as a loss of power may leave it: the journal opens, its chain is whole, and what is
//! there is a prefix of what was written.
#![allow(clippy::unwrap_used, reason = "a test may panic, and its small functions are outside of #[test]")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use galley_journal::{Batch, DATABASE_FILE, Journal, NewEntry, NewTask, Owner, Spend};
use serde_json::json;

/// Bytes of the log's end that are cut one by one; `GALLEY_TAIL_BYTES` for more. Before them one in so many.
const EVERY_BYTE: usize = 1_200;
const COARSE: usize = 997;

fn write(journal: &Journal) {
    let task = NewTask {
        id: "t".into(),
        workspace: "/w".into(),
        title: "title".into(),
        goal: "goal".into(),
        created_ms: 1,
    };
    let entry = |n: u64| NewEntry::new("t", "step", &json!({ "n": n }), 1).unwrap();
    journal
        .commit(&Batch {
            task: Some(task),
            claim: Some(Owner { pid: 1, start_time: 1 }),
            entries: vec![entry(0), entry(1)],
            synced: true,
            ..Batch::default()
        })
        .unwrap();
    for n in 1..12 {
        // Two events and what they cost: together or not at all.
        let spend = Spend {
            task: "t".into(),
            model: "p/m".into(),
            at_ms: 1,
            input: 10,
            cached: 0,
            cache_write: 0,
            output: 1,
            reasoning: 0,
            usd: Some(0.1),
        };
        journal
            .commit(&Batch {
                entries: vec![entry(2 * n), entry(2 * n + 1)],
                spend: Some(spend),
                state: Some(("t".into(), format!("state {n}"), 1)),
                synced: n % 2 == 0,
                ..Batch::default()
            })
            .unwrap();
    }
}

/// Opens what a cut left and returns how many events are there.
fn left(dir: &Path, main: &[u8], log: &[u8]) -> u64 {
    for suffix in ["-shm", "-wal"] {
        let _ = fs::remove_file(dir.join(format!("{DATABASE_FILE}{suffix}")));
    }
    fs::write(dir.join(DATABASE_FILE), main).unwrap();
    fs::write(dir.join("journal.db-wal"), log).unwrap();
    let journal = Journal::open(dir).unwrap();
    assert_eq!(journal.verify().unwrap().broken, None);
    let events = journal.events("t", 0).unwrap();
    for (n, event) in events.iter().enumerate() {
        assert_eq!(event.value()["n"], json!(n), "what is there is a prefix");
    }
    let count = events.len() as u64;
    assert_eq!(count % 2, 0, "what belongs together is there together");
    assert_eq!(journal.spent(Some("t"), None).unwrap().calls, (count / 2).saturating_sub(1));
    match journal.task("t").unwrap() {
        None => assert_eq!(count, 0),
        Some(row) => {
            let state = if count == 2 { "queued".to_owned() } else { format!("state {}", count / 2 - 1) };
            assert_eq!(row.state, state);
            assert_eq!(journal.interrupted(Some("/w")).unwrap().len(), 1, "its process is dead");
        }
    }
    count
}

#[test]
fn the_log_cut_at_every_byte_of_its_end_leaves_whole_steps() {
    let dir = tempfile::tempdir().unwrap();
    let journal = Journal::open(dir.path()).unwrap();
    write(&journal);
    let main = fs::read(dir.path().join(DATABASE_FILE)).unwrap();
    let log = fs::read(dir.path().join("journal.db-wal")).unwrap();
    let wanted = std::env::var("GALLEY_TAIL_BYTES").ok().and_then(|bytes| bytes.parse().ok());
    let fine = log.len().saturating_sub(wanted.unwrap_or(EVERY_BYTE));
    let scratch = tempfile::tempdir().unwrap();
    fs::create_dir(scratch.path().join("blobs")).unwrap();
    let mut seen = BTreeSet::new();
    for cut in (0..fine).step_by(COARSE).chain(fine..=log.len()) {
        seen.insert(left(scratch.path(), &main, &log[..cut]));
    }
    assert_eq!((seen.first(), seen.last()), (Some(&0), Some(&24)));
    println!("{} of {} bytes cut one by one", log.len() - fine, log.len());
    drop(journal);
}
