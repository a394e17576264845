//! The journal as its callers see it.
#![allow(clippy::unwrap_used, reason = "a test may panic, and its small functions are outside of #[test]")]

use galley_journal::{Batch, Journal, JournalError, NewEntry, NewTask, Owner, Spend};
use serde_json::{Value, json};
use std::path::Path;

fn task(id: &str, workspace: &str, created_ms: i64) -> NewTask {
    let text = |s: &str| s.to_owned();
    NewTask { id: text(id), workspace: text(workspace), title: text("title"), goal: text("goal"), created_ms }
}

fn opened(dir: &Path) -> Journal {
    let journal = Journal::open(dir).unwrap();
    journal.create_task(&task("t1", "/w", 10)).unwrap();
    journal
}

fn spend(at_ms: i64, usd: Option<f64>) -> Spend {
    let (task, model) = ("t1".to_owned(), "p/m".to_owned());
    Spend { task, model, at_ms, input: 100, cached: 60, cache_write: 7, output: 20, reasoning: 5, usd }
}

#[test]
fn events_come_back_in_order_and_chained() {
    let dir = tempfile::tempdir().unwrap();
    let journal = opened(dir.path());
    assert_eq!(journal.append("t1", "began", &json!({"a": 1}), 20).unwrap(), 1);
    let raw = serde_json::value::RawValue::from_string("{\"b\":[1,2]}".to_owned()).unwrap();
    assert_eq!(journal.append_progress("t1", "streamed", &*raw, 21).unwrap(), 2);
    let many = ["x", "y"].map(|k| NewEntry::new("t1", k, &Value::Null, 22).unwrap());
    assert_eq!(journal.append_many(&many).unwrap(), 4);
    assert_eq!(journal.append_many(&[]).unwrap(), 4);

    let events = journal.events("t1", 0).unwrap();
    assert_eq!(events.iter().map(|e| e.kind.as_str()).collect::<Vec<_>>(), ["began", "streamed", "x", "y"]);
    assert_eq!(events[1].value(), json!({"b": [1, 2]}));
    assert!(events.windows(2).all(|pair| pair[0].hash != pair[1].hash));
    assert_eq!(journal.events("t1", 3).unwrap().len(), 1);
    assert_eq!(journal.last_seq("t1").unwrap(), 4);
    assert_eq!(journal.latest("t1", "began").unwrap().unwrap().seq, 1);

    let verified = Journal::open(dir.path()).unwrap().verify().unwrap();
    assert_eq!((verified.entries, verified.broken), (4, None));
    assert_eq!(verified.head, events[3].hash);
}

#[test]
fn an_event_with_its_state_and_cost_is_written_whole_or_not_at_all() {
    let dir = tempfile::tempdir().unwrap();
    let journal = opened(dir.path());
    let reply = NewEntry::new("t1", "reply", &Value::Null, 40).unwrap();
    let paid = spend(40, Some(0.5));
    let with = |state: &str, spend: &Spend| Batch {
        entries: vec![reply.clone()],
        spend: Some(spend.clone()),
        state: Some(("t1".to_owned(), state.to_owned(), 40)),
        synced: true,
        ..Batch::default()
    };
    journal.commit(&with("editing", &paid)).unwrap();
    let row = journal.task("t1").unwrap().unwrap();
    assert_eq!((row.state.as_str(), row.updated_ms), ("editing", 40));
    assert_eq!((journal.spent(Some("t1"), None).unwrap().calls, journal.last_seq("t1").unwrap()), (1, 1));

    let uncountable = Spend { input: u64::MAX, ..paid };
    let refused = journal.commit(&with("done", &uncountable));
    assert!(matches!(refused, Err(JournalError::Unstorable { .. })));
    assert_eq!(journal.last_seq("t1").unwrap(), 1, "the event went with its cost");
    assert_eq!(journal.task("t1").unwrap().unwrap().state, "editing");
    assert_eq!(journal.verify().unwrap().broken, None);
}

#[test]
fn an_event_of_no_task_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let journal = opened(dir.path());
    let refused = journal.append("nobody", "k", &Value::Null, 1);
    assert!(matches!(refused, Err(JournalError::UnknownTask { .. })), "{refused:?}");
    assert!(matches!(journal.create_task(&task("t1", "/w", 1)), Err(JournalError::TaskExists { .. })));
}

#[test]
fn tasks_are_listed_by_last_change_and_found_by_prefix() {
    let dir = tempfile::tempdir().unwrap();
    let journal = opened(dir.path());
    journal.create_task(&task("t2", "/w", 30)).unwrap();
    journal.create_task(&task("other", "/v", 20)).unwrap();
    journal.append("t1", "k", &Value::Null, 99).unwrap();
    journal.set_state("t1", "editing", 50).unwrap();
    journal.set_title("t2", "a better title", 31).unwrap();

    let ids = |w| journal.tasks(w).unwrap().into_iter().map(|t| t.id).collect::<Vec<_>>();
    assert_eq!(ids(None), ["t1", "t2", "other"]);
    assert_eq!(ids(Some("/v")), ["other"]);
    let first = journal.task("t1").unwrap().unwrap();
    assert_eq!((first.state.as_str(), first.updated_ms), ("editing", 99));
    assert_eq!(journal.find_task("o").unwrap().unwrap().id, "other");
    assert_eq!(journal.find_task("zz").unwrap(), None);
    assert!(matches!(journal.find_task("t"), Err(JournalError::AmbiguousTask { ids, .. }) if ids.len() == 2));
    assert!(matches!(journal.set_state("none", "x", 1), Err(JournalError::UnknownTask { .. })));
}

#[test]
fn blobs_are_kept_by_content() {
    let dir = tempfile::tempdir().unwrap();
    let journal = opened(dir.path());
    let id = journal.put_blob(b"hello").unwrap();
    assert_eq!(journal.put_blob(b"hello").unwrap(), id);
    assert_eq!(journal.blob(&id).unwrap().as_deref(), Some(&b"hello"[..]));
    assert_eq!(journal.blob(&"0".repeat(64).parse().unwrap()).unwrap(), None);
    assert!("../../etc/passwd".parse::<galley_journal::BlobId>().is_err());
    assert_eq!(journal.verify().unwrap().blobs, 1);

    let path = dir.path().join("blobs").join(&id.as_str()[..2]).join(&id.as_str()[2..]);
    std::fs::write(&path, b"hullo").unwrap();
    assert!(matches!(journal.blob(&id), Err(JournalError::Damaged { .. })));
    assert!(journal.verify().unwrap().broken.unwrap().why.contains("blob"));
    std::fs::write(&path, b"hel").unwrap();
    assert_eq!(journal.put_blob(b"hello").unwrap(), id, "one cut short is written again");
    assert_eq!(journal.blob(&id).unwrap().as_deref(), Some(&b"hello"[..]));
}

#[test]
fn the_ledger_sums_by_day_task_and_model() {
    let dir = tempfile::tempdir().unwrap();
    let journal = opened(dir.path());
    let day = 86_400_000;
    for spend in [spend(1, Some(0.5)), spend(2, None), spend(day + 1, Some(0.25))] {
        journal.record_cost(&spend).unwrap();
    }
    let rows = journal.costs(None).unwrap();
    assert_eq!(rows.iter().map(|r| r.day.as_str()).collect::<Vec<_>>(), ["1970-01-01", "1970-01-02"]);
    let first = &rows[0].totals;
    assert_eq!((first.calls, first.unpriced, first.input, first.cached, first.usd), (2, 1, 200, 120, 0.5));
    assert_eq!(journal.costs(Some(day)).unwrap().len(), 1);
    assert_eq!(journal.spent(Some("t1"), None).unwrap().usd, 0.75);
    assert_eq!(journal.spent(Some("t9"), None).unwrap().calls, 0);
    assert_eq!(journal.verify().unwrap().broken, None);
    assert!(journal.record_cost(&Spend { input: u64::MAX, ..spend(1, None) }).is_err());
}

#[test]
fn a_claim_holds_against_the_living_and_falls_with_the_dead() {
    let dir = tempfile::tempdir().unwrap();
    let journal = opened(dir.path());
    let me = Owner::current();
    let dead = Owner { pid: me.pid, start_time: me.start_time + 1 };
    assert_eq!(journal.owner("t1").unwrap(), None);
    assert!(journal.claim_task("t1", &Owner { pid: u32::MAX, start_time: 1 }, 4).unwrap());
    assert_eq!(journal.interrupted(None).unwrap().len(), 1);
    assert!(journal.claim_task("t1", &me, 5).unwrap());
    assert!(journal.claim_task("t1", &me, 6).unwrap());
    assert!(journal.owner("t1").unwrap().unwrap().alive);
    assert!(!journal.claim_task("t1", &Owner { pid: u32::MAX, start_time: 1 }, 7).unwrap());
    assert!(!journal.release_task("t1", &dead).unwrap());
    assert!(journal.release_task("t1", &me).unwrap());
    assert_eq!(journal.owner("t1").unwrap(), None);
    assert!(matches!(journal.claim_task("none", &me, 1), Err(JournalError::UnknownTask { .. })));
}

#[test]
fn another_connection_is_seen_by_the_poll() {
    let dir = tempfile::tempdir().unwrap();
    let (one, two) = (opened(dir.path()), Journal::open(dir.path()).unwrap());
    let before = one.data_version().unwrap();
    assert_eq!(one.data_version().unwrap(), before);
    two.append("t1", "k", &Value::Null, 1).unwrap();
    assert_ne!(one.data_version().unwrap(), before);
}

#[cfg(unix)]
#[test]
fn only_the_person_can_read_it() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let state = dir.path().join("state");
    opened(&state);
    let mode = |p: &Path| std::fs::metadata(p).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&state), 0o700);
    assert_eq!(mode(&state.join("journal.db")), 0o600);
}
