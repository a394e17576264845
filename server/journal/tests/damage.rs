//! Cut, flipped, foreign, newer: what the journal does with a file that is not as it left it.
#![allow(clippy::unwrap_used, reason = "a test may panic, and its small functions are outside of #[test]")]

use std::fs;
use std::path::Path;

use galley_journal::{DATABASE_FILE, Journal, JournalError, NewTask, SCHEMA_VERSION};
use serde_json::json;

const EVENTS: u64 = 40;

fn fill(dir: &Path) -> Journal {
    let journal = Journal::open(dir).unwrap();
    let text = |s: &str| s.to_owned();
    let task = NewTask {
        id: text("t"),
        workspace: text("/w"),
        title: text("title"),
        goal: text("goal"),
        created_ms: 1,
    };
    journal.create_task(&task).unwrap();
    for n in 0..EVENTS {
        journal.append_progress("t", "step", &json!({"n": n, "text": "galley ".repeat(30)}), 5).unwrap();
    }
    journal
}

/// Reads all there is; the point is that it answers instead of panicking.
fn read_all(dir: &Path) -> Result<u64, JournalError> {
    let journal = Journal::open(dir)?;
    let events = journal.events("t", 0)?;
    for (at, event) in events.iter().enumerate() {
        assert_eq!(event.value()["n"], json!(at), "events are a prefix");
    }
    let verified = journal.verify()?;
    match verified.broken {
        None => Ok(events.len() as u64),
        Some(broken) => Err(JournalError::Damaged {
            path: dir.to_owned(),
            detail: format!("{}: {}", broken.seq, broken.why),
        }),
    }
}

#[test]
fn a_file_cut_anywhere_is_an_error_that_names_it_and_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    drop(fill(dir.path()));
    let whole = fs::read(dir.path().join(DATABASE_FILE)).unwrap();
    assert!(whole.len() > 20_000, "the log was folded in: {}", whole.len());
    let cuts = (0..120).step_by(7).chain((120..whole.len()).step_by(1997));
    for cut in cuts {
        let copy = tempfile::tempdir().unwrap();
        fs::create_dir(copy.path().join("blobs")).unwrap();
        let path = copy.path().join(DATABASE_FILE);
        fs::write(&path, &whole[..cut]).unwrap();
        let error = read_all(copy.path()).expect_err("a cut file is not whole");
        assert!(matches!(error, JournalError::Damaged { .. }), "cut at {cut}: {error:?}");
        assert_eq!(fs::metadata(&path).unwrap().len(), cut as u64, "cut at {cut}: the file was kept");
    }
}

#[test]
fn a_log_cut_anywhere_leaves_a_prefix() {
    let dir = tempfile::tempdir().unwrap();
    let journal = fill(dir.path());
    // Copied while open, as a loss of power would leave it.
    let main = fs::read(dir.path().join(DATABASE_FILE)).unwrap();
    let log = fs::read(dir.path().join("journal.db-wal")).unwrap();
    drop(journal);
    let mut seen = std::collections::BTreeSet::new();
    for cut in (0..200).step_by(7).chain((200..log.len()).step_by(2511)).chain([log.len()]) {
        let copy = tempfile::tempdir().unwrap();
        fs::create_dir(copy.path().join("blobs")).unwrap();
        fs::write(copy.path().join(DATABASE_FILE), &main).unwrap();
        fs::write(copy.path().join("journal.db-wal"), &log[..cut]).unwrap();
        seen.insert(read_all(copy.path()).unwrap_or_else(|e| panic!("cut at {cut}: {e}")));
    }
    assert_eq!(seen.first(), Some(&0));
    assert_eq!(seen.last(), Some(&EVENTS));
    assert!(seen.len() > 20, "cuts fell between many commits: {seen:?}");
}

#[test]
fn a_flipped_byte_never_passes_unseen() {
    let dir = tempfile::tempdir().unwrap();
    drop(fill(dir.path()));
    let whole = fs::read(dir.path().join(DATABASE_FILE)).unwrap();
    let text = |needle: &[u8]| whole.windows(needle.len()).position(|w| w == needle).unwrap();
    // Inside a payload, a kind, the row of the task: places where SQLite itself sees nothing wrong.
    // (The record of event 30, since the pages of the first ones leave copies in free space.)
    let event = text(b"t\x05step{\"n\":30");
    for at in [event + 3, event + 30, text(b"titlegoalqueued") + 2] {
        let error = flipped(&whole, at).expect_err("the change is seen");
        assert!(error.to_string().contains("changed"), "byte {at}: {error}");
    }
    // Anywhere else: an error or bytes that mean nothing (free space), but never a panic.
    for at in (0..whole.len()).step_by(401) {
        match flipped(&whole, at) {
            Ok(events) => assert_eq!(events, EVENTS, "byte {at}"),
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
}

fn flipped(whole: &[u8], at: usize) -> Result<u64, JournalError> {
    let copy = tempfile::tempdir().unwrap();
    let mut bytes = whole.to_vec();
    bytes[at] ^= 1;
    fs::write(copy.path().join(DATABASE_FILE), bytes).unwrap();
    read_all_events(copy.path())
}

/// Like `read_all`, without insisting that what a flipped byte leaves readable is in order.
fn read_all_events(dir: &Path) -> Result<u64, JournalError> {
    let journal = Journal::open(dir)?;
    let verified = journal.verify()?;
    let count = journal.events("t", 0)?.len() as u64;
    match verified.broken {
        None => Ok(count),
        Some(broken) => Err(JournalError::Damaged { path: dir.to_owned(), detail: broken.why }),
    }
}

#[test]
fn a_newer_version_is_refused_and_untouched() {
    let dir = tempfile::tempdir().unwrap();
    drop(fill(dir.path()));
    let path = dir.path().join(DATABASE_FILE);
    let mut bytes = fs::read(&path).unwrap();
    bytes[60..64].copy_from_slice(&7u32.to_be_bytes());
    fs::write(&path, &bytes).unwrap();
    let error = Journal::open(dir.path()).unwrap_err();
    assert!(matches!(error, JournalError::NewerVersion { found: 7, known: SCHEMA_VERSION, .. }), "{error:?}");
    assert!(error.to_string().contains("version 7") && error.to_string().contains("untouched"), "{error}");
    assert_eq!(fs::read(&path).unwrap(), bytes);
    assert!(!dir.path().join("journal.db-wal").exists());
}

#[test]
fn a_newer_version_in_the_log_only_is_refused_too() {
    let dir = tempfile::tempdir().unwrap();
    drop(fill(dir.path()));
    let path = dir.path().join(DATABASE_FILE);
    let newer = rusqlite::Connection::open(&path).unwrap();
    newer.execute_batch("PRAGMA wal_autocheckpoint=0; PRAGMA user_version=9").unwrap();
    let before = fs::read(&path).unwrap();
    assert!(matches!(Journal::open(dir.path()), Err(JournalError::NewerVersion { found: 9, .. })));
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn other_files_are_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(DATABASE_FILE);
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("CREATE TABLE notes(text)").unwrap();
    drop(other);
    let before = fs::read(&path).unwrap();
    assert!(matches!(Journal::open(dir.path()), Err(JournalError::Foreign { .. })));
    assert_eq!(fs::read(&path).unwrap(), before);
    let noise = "a text of more than a hundred bytes. ".repeat(5);
    fs::write(&path, &noise).unwrap();
    assert!(matches!(Journal::open(dir.path()), Err(JournalError::Damaged { .. })));
    assert_eq!(fs::read_to_string(&path).unwrap(), noise);
}

#[test]
fn a_damaged_file_can_be_set_aside() {
    let dir = tempfile::tempdir().unwrap();
    drop(fill(dir.path()));
    let path = dir.path().join(DATABASE_FILE);
    fs::write(&path, b"").unwrap();
    assert!(matches!(Journal::open(dir.path()), Err(JournalError::Damaged { .. })));
    let aside = Journal::set_aside(dir.path()).unwrap();
    assert!(aside.exists() && !path.exists());
    assert_eq!(Journal::open(dir.path()).unwrap().tasks(None).unwrap().len(), 0);
}
