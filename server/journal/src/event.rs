//! The events of tasks: appending to the chain and reading back.

use rusqlite::{OptionalExtension, Row, Transaction, params};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Durability, Journal, JournalError, Result, task};

/// Place of an event in the one order over all tasks; the first is 1, so 0 means "before all".
pub type Seq = u64;

/// One event as it lies in the journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Place in the order over all tasks.
    pub seq: Seq,
    /// Id of the task.
    pub task: String,
    /// When, in milliseconds since 1970 UTC, as the writer saw its clock; not necessarily rising.
    pub at_ms: i64,
    /// What kind of event, a word of the writer's.
    pub kind: String,
    /// What happened: JSON text, byte for byte as it was written.
    pub payload: String,
    /// Hash that chains it to all earlier entries, 64 hex digits.
    pub hash: String,
}

impl Entry {
    /// The payload as a value; null if it is no JSON, which a verified journal never holds.
    pub fn value(&self) -> Value {
        serde_json::from_str(&self.payload).unwrap_or_default()
    }
}

/// One event to be appended, its payload already JSON text.
#[derive(Debug, Clone, PartialEq)]
pub struct NewEntry {
    /// Id of the task; the task must exist.
    pub task: String,
    /// What kind of event.
    pub kind: String,
    /// JSON text.
    pub payload: String,
    /// Milliseconds since 1970 UTC.
    pub at_ms: i64,
}

impl NewEntry {
    /// An event with `payload` written as JSON.
    pub fn new<P: Serialize + ?Sized>(task: &str, kind: &str, payload: &P, at_ms: i64) -> Result<NewEntry> {
        let payload = serde_json::to_string(payload)
            .map_err(|e| JournalError::Unstorable { kind: kind.to_owned(), detail: e.to_string() })?;
        Ok(NewEntry { task: task.to_owned(), kind: kind.to_owned(), payload, at_ms })
    }
}

impl Journal {
    /// Appends one event; it is on the disk when the call returns. For whatever guards an effect.
    pub fn append<P: Serialize + ?Sized>(
        &self,
        task: &str,
        kind: &str,
        payload: &P,
        at_ms: i64,
    ) -> Result<Seq> {
        self.append_one(Durability::Synced, NewEntry::new(task, kind, payload, at_ms)?)
    }

    /// Appends one event without waiting for the disk: it survives the death of the process, a loss of power may
    /// take it. For chatty progress that no effect depends on.
    pub fn append_progress<P: Serialize + ?Sized>(
        &self,
        task: &str,
        kind: &str,
        payload: &P,
        at_ms: i64,
    ) -> Result<Seq> {
        self.append_one(Durability::Progress, NewEntry::new(task, kind, payload, at_ms)?)
    }

    /// Appends all of `entries` or none, in order, with one wait for the disk; the sequence number of the last,
    /// or of the newest event there is if `entries` is empty.
    pub fn append_many(&self, entries: &[NewEntry]) -> Result<Seq> {
        self.write(Durability::Synced, |transaction| {
            let mut last = head(transaction, EVENTS).map_err(|e| self.fault(e))?.0;
            for entry in entries {
                last = self.link(transaction, entry)?;
            }
            Ok(last)
        })
    }

    /// The events of `task` after `after` (exclusive; 0 for all), oldest first.
    pub fn events(&self, task: &str, after: Seq) -> Result<Vec<Entry>> {
        self.read(|transaction| {
            let mut statement = transaction
                .prepare_cached(
                    "SELECT seq, task, at_ms, kind, payload, hash FROM events WHERE task=?1 AND seq>?2 ORDER BY seq",
                )
                .map_err(|e| self.fault(e))?;
            let rows = statement
                .query_map(params![task, stored(after)], entry_of_row)
                .map_err(|e| self.fault(e))?;
            rows.collect::<rusqlite::Result<Vec<_>>>().map_err(|e| self.fault(e))
        })
    }

    /// The events of a workspace's tasks after `after` (exclusive) that were not written through this handle or its clones,
    /// oldest first, and the number to ask after next time.
    pub fn others(&self, workspace: &str, after: Seq) -> Result<(Vec<Entry>, Seq)> {
        let (entries, last) = self.read(|transaction| {
            let mut statement = transaction
                .prepare_cached(
                    "SELECT e.seq, e.task, e.at_ms, e.kind, e.payload, e.hash FROM events e \
                     JOIN tasks t ON t.id=e.task WHERE t.workspace=?1 AND e.seq>?2 ORDER BY e.seq",
                )
                .map_err(|e| self.fault(e))?;
            let rows = statement
                .query_map(params![workspace, stored(after)], entry_of_row)
                .map_err(|e| self.fault(e))?;
            let entries = rows.collect::<rusqlite::Result<Vec<_>>>().map_err(|e| self.fault(e))?;
            Ok((entries, head(transaction, EVENTS).map_err(|e| self.fault(e))?.0))
        })?;
        let others = entries.into_iter().filter(|entry| !self.is_own(entry.seq)).collect();
        Ok((others, last))
    }

    /// The sequence number of the newest event of all, 0 if there is none.
    pub fn newest(&self) -> Result<Seq> {
        self.read(|transaction| Ok(head(transaction, EVENTS).map_err(|e| self.fault(e))?.0))
    }

    /// The newest event of `task` that has this kind.
    pub fn latest(&self, task: &str, kind: &str) -> Result<Option<Entry>> {
        self.read(|transaction| {
            transaction
                .prepare_cached(
                    "SELECT seq, task, at_ms, kind, payload, hash FROM events WHERE task=?1 AND kind=?2 \
                     ORDER BY seq DESC LIMIT 1",
                )
                .and_then(|mut s| s.query_row(params![task, kind], entry_of_row).optional())
                .map_err(|e| self.fault(e))
        })
    }

    /// The sequence number of the newest event of `task`, 0 if it has none.
    pub fn last_seq(&self, task: &str) -> Result<Seq> {
        self.read(|transaction| {
            let seq: Option<i64> = transaction
                .prepare_cached("SELECT max(seq) FROM events WHERE task=?1")
                .and_then(|mut s| s.query_row([task], |row| row.get(0)))
                .map_err(|e| self.fault(e))?;
            Ok(seq.and_then(|s| u64::try_from(s).ok()).unwrap_or(0))
        })
    }

    fn append_one(&self, durability: Durability, entry: NewEntry) -> Result<Seq> {
        self.write(durability, |transaction| self.link(transaction, &entry))
    }

    /// Chains one event to the head, inside a write transaction.
    pub(crate) fn link(&self, transaction: &Transaction<'_>, entry: &NewEntry) -> Result<Seq> {
        if !task::exists(transaction, &entry.task).map_err(|e| self.fault(e))? {
            return Err(JournalError::UnknownTask { task: entry.task.clone() });
        }
        let body = || -> rusqlite::Result<Seq> {
            let (last, previous) = head(transaction, EVENTS)?;
            let seq = last + 1;
            let hash = event_hash(&previous, seq, &entry.task, entry.at_ms, &entry.kind, &entry.payload);
            transaction
                .prepare_cached(
                    "INSERT INTO events(seq, task, at_ms, kind, payload, hash) VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
                )?
                .execute(params![stored(seq), entry.task, entry.at_ms, entry.kind, entry.payload, hash])?;
            set_head(transaction, EVENTS, seq, &hash)?;
            Ok(seq)
        };
        let seq = body().map_err(|e| self.fault(e))?;
        self.written().add(seq);
        Ok(seq)
    }
}

/// Name of the chain of events in the table of heads.
pub(crate) const EVENTS: &str = "events";

/// A sequence number as SQLite keeps it.
pub(crate) fn stored(seq: Seq) -> i64 {
    i64::try_from(seq).unwrap_or(i64::MAX)
}

/// The end of a chain: last sequence number and its hash; 0 and zeros for an empty one.
pub(crate) fn head(transaction: &Transaction<'_>, chain: &str) -> rusqlite::Result<(Seq, [u8; 32])> {
    let row = transaction
        .prepare_cached("SELECT seq, hash FROM heads WHERE chain=?1")?
        .query_row([chain], |row| Ok((row.get::<_, u64>(0)?, row.get::<_, [u8; 32]>(1)?)))
        .optional()?;
    Ok(row.unwrap_or((0, [0; 32])))
}

pub(crate) fn set_head(
    transaction: &Transaction<'_>,
    chain: &str,
    seq: Seq,
    hash: &[u8; 32],
) -> rusqlite::Result<()> {
    transaction
        .prepare_cached("INSERT OR REPLACE INTO heads(chain, seq, hash) VALUES(?1, ?2, ?3)")?
        .execute(params![chain, stored(seq), hash])?;
    Ok(())
}

/// The hash of an event. Every text goes in with its length, so that no two different events read alike.
pub(crate) fn event_hash(
    previous: &[u8; 32],
    seq: Seq,
    task: &str,
    at_ms: i64,
    kind: &str,
    payload: &str,
) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(previous).update(&seq.to_le_bytes()).update(&at_ms.to_le_bytes());
    for text in [task, kind, payload] {
        hasher.update(&(text.len() as u64).to_le_bytes()).update(text.as_bytes());
    }
    *hasher.finalize().as_bytes()
}

pub(crate) fn hex(bytes: [u8; 32]) -> String {
    blake3::Hash::from_bytes(bytes).to_hex().to_string()
}

fn entry_of_row(row: &Row<'_>) -> rusqlite::Result<Entry> {
    let payload: String = row.get(4)?;
    // Text that is no JSON is damage, told where it is read and not where it is used.
    serde_json::from_str::<&serde_json::value::RawValue>(&payload).map_err(|e| {
        rusqlite::Error::FromSqlConversionFailure(4, rusqlite::types::Type::Text, Box::new(e))
    })?;
    Ok(Entry {
        seq: row.get(0)?,
        task: row.get(1)?,
        at_ms: row.get(2)?,
        kind: row.get(3)?,
        payload,
        hash: hex(row.get(5)?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::NewTask;
    use serde_json::json;

    #[test]
    fn a_full_disk_is_said_and_leaves_the_chain_whole() {
        let dir = tempfile::tempdir().unwrap();
        let journal = Journal::open(dir.path()).unwrap();
        let text = |s: &str| s.to_owned();
        let (id, workspace, title, goal) = (text("t"), text("/w"), text("title"), text("goal"));
        journal.create_task(&NewTask { id, workspace, title, goal, created_ms: 1 }).unwrap();
        // A bound on the number of pages gives the same answer from SQLite as a disk without space.
        journal.lock().connection.pragma_update(None, "max_page_count", 20).unwrap();
        let large = json!("x".repeat(8000));
        let full = (0..100).find_map(|n| journal.append("t", "k", &large, n).err()).unwrap();
        assert!(matches!(full, JournalError::DiskFull { .. }), "{full:?}");
        assert!(full.to_string().contains("Free some space"), "{full}");
        journal.lock().connection.pragma_update(None, "max_page_count", 100_000).unwrap();
        journal.append("t", "k", &large, 200).unwrap();
        assert_eq!(journal.verify().unwrap().broken, None);
    }

    #[test]
    fn fields_do_not_run_into_each_other() {
        let hash = |task, kind, payload| event_hash(&[0; 32], 1, task, 0, kind, payload);
        assert_ne!(hash("ab", "c", ""), hash("a", "bc", ""));
        assert_ne!(hash("a", "b", "c"), hash("a", "bc", ""));
    }
}
