//! Checking the journal against itself: both chains, the rows of tasks, the blobs.

use std::fs::{self, File};
use std::path::Path;

use rusqlite::Transaction;
use serde::{Deserialize, Serialize};

use crate::event::{EVENTS, event_hash, head, hex};
use crate::ledger::{COSTS, spend_hash};
use crate::task::{digest, row_of_row};
use crate::{Journal, JournalError, Result, Seq, Spend};

/// What [`Journal::verify`] found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verified {
    /// Entries of both chains that are as they were written (up to the first broken one).
    pub entries: u64,
    /// Blobs whose content has the hash that is their name.
    pub blobs: u64,
    /// Hash at the end of the chain of events, 64 hex digits. Kept elsewhere, it proves later that nothing
    /// before it was changed.
    pub head: String,
    /// The first thing found to be wrong.
    pub broken: Option<Broken>,
}

/// A place where the journal contradicts itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Broken {
    /// Sequence number of the event or of the ledger's entry; 0 if it is neither.
    pub seq: Seq,
    /// What is wrong, in a sentence.
    pub why: String,
}

impl Journal {
    /// Recomputes everything that was hashed. What is wrong is in the answer; an error means that the file could
    /// not even be read.
    pub fn verify(&self) -> Result<Verified> {
        let mut verified = Verified { entries: 0, blobs: 0, head: hex([0; 32]), broken: None };
        let walked = self.read(|transaction| {
            let sound = self.check_pages(transaction)?;
            let mut rows = || -> rusqlite::Result<Option<Broken>> {
                if let broken @ Some(_) = check_events(transaction, &mut verified)? {
                    return Ok(broken);
                }
                if let broken @ Some(_) = check_costs(transaction, &mut verified)? {
                    return Ok(broken);
                }
                check_tasks(transaction)
            };
            Ok(sound.or(rows().map_err(|e| self.fault(e))?))
        });
        verified.broken = match walked {
            Ok(broken) => broken,
            Err(JournalError::Damaged { detail, .. }) => {
                Some(Broken { seq: verified.entries + 1, why: format!("a row cannot be read: {detail}") })
            }
            Err(other) => return Err(other),
        };
        if verified.broken.is_none() {
            verified.broken = self.check_blobs(&mut verified.blobs)?;
        }
        Ok(verified)
    }

    fn check_pages(&self, transaction: &Transaction<'_>) -> Result<Option<Broken>> {
        let answer: String = transaction
            .query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))
            .map_err(|e| self.fault(e))?;
        Ok((answer != "ok").then(|| Broken { seq: 0, why: format!("the file's pages disagree: {answer}") }))
    }

    fn check_blobs(&self, sound: &mut u64) -> Result<Option<Broken>> {
        let folder = self.blob_folder();
        let list = |folder: &Path| -> Result<Vec<_>> {
            let paths = fs::read_dir(folder).and_then(|entries| {
                entries.map(|e| e.map(|e| e.path())).collect::<std::io::Result<Vec<_>>>()
            });
            let mut paths = paths.map_err(|e| JournalError::from_io("list", folder, e))?;
            paths.sort();
            Ok(paths)
        };
        for shelf in list(&folder)?.iter().filter(|p| p.is_dir()) {
            for path in list(shelf)? {
                let name = |p: &Path| p.file_name().unwrap_or_default().to_string_lossy().into_owned();
                if name(&path).starts_with('.') {
                    continue;
                }
                let mut hasher = blake3::Hasher::new();
                let file = File::open(&path).map_err(|e| JournalError::from_io("open", &path, e))?;
                hasher.update_reader(file).map_err(|e| JournalError::from_io("read", &path, e))?;
                if hasher.finalize().to_hex().as_str() != name(shelf) + &name(&path) {
                    let why = format!("the blob {} does not have the hash that is its name", path.display());
                    return Ok(Some(Broken { seq: 0, why }));
                }
                *sound += 1;
            }
        }
        Ok(None)
    }
}

fn check_events(transaction: &Transaction<'_>, verified: &mut Verified) -> rusqlite::Result<Option<Broken>> {
    let mut statement =
        transaction.prepare("SELECT seq, task, at_ms, kind, payload, hash FROM events ORDER BY seq")?;
    let mut rows = statement.query([])?;
    let (mut last, mut previous) = (0, [0; 32]);
    while let Some(row) = rows.next()? {
        let seq: Seq = row.get(0)?;
        if seq != last + 1 {
            return Ok(Some(gap(seq, last)));
        }
        let (task, kind, payload): (String, String, String) = (row.get(1)?, row.get(3)?, row.get(4)?);
        let hash = event_hash(&previous, seq, &task, row.get(2)?, &kind, &payload);
        if row.get::<_, [u8; 32]>(5)? != hash {
            let why = format!("event {seq} ({kind} of task {task}) was changed after it was written");
            return Ok(Some(Broken { seq, why }));
        }
        (last, previous) = (seq, hash);
        verified.entries += 1;
        verified.head = hex(hash);
    }
    check_head(transaction, EVENTS, last, previous)
}

fn check_costs(transaction: &Transaction<'_>, verified: &mut Verified) -> rusqlite::Result<Option<Broken>> {
    let mut statement = transaction.prepare(
        "SELECT seq, task, model, at_ms, input, cached, cache_write, output, reasoning, usd, hash FROM costs \
         ORDER BY seq",
    )?;
    let mut rows = statement.query([])?;
    let (mut last, mut previous) = (0, [0; 32]);
    while let Some(row) = rows.next()? {
        let seq: Seq = row.get(0)?;
        if seq != last + 1 {
            return Ok(Some(gap(seq, last)));
        }
        let spend = Spend {
            task: row.get(1)?,
            model: row.get(2)?,
            at_ms: row.get(3)?,
            input: row.get(4)?,
            cached: row.get(5)?,
            cache_write: row.get(6)?,
            output: row.get(7)?,
            reasoning: row.get(8)?,
            usd: row.get(9)?,
        };
        let hash = spend_hash(&previous, seq, &spend);
        if row.get::<_, [u8; 32]>(10)? != hash {
            let why = format!("entry {seq} of the ledger was changed after it was written");
            return Ok(Some(Broken { seq, why }));
        }
        (last, previous) = (seq, hash);
        verified.entries += 1;
    }
    check_head(transaction, COSTS, last, previous)
}

fn check_tasks(transaction: &Transaction<'_>) -> rusqlite::Result<Option<Broken>> {
    let mut statement = transaction.prepare(
        "SELECT id, workspace, title, goal, state, created_ms, updated_ms, digest FROM tasks ORDER BY id",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let task = row_of_row(row)?;
        if row.get::<_, [u8; 32]>(7)? != digest(&task) {
            let why = format!("the row of task {} was changed from outside", task.id);
            return Ok(Some(Broken { seq: 0, why }));
        }
    }
    Ok(None)
}

fn check_head(
    transaction: &Transaction<'_>,
    chain: &str,
    last: Seq,
    hash: [u8; 32],
) -> rusqlite::Result<Option<Broken>> {
    if head(transaction, chain)? == (last, hash) {
        return Ok(None);
    }
    Ok(Some(Broken { seq: last + 1, why: format!("the end of the chain of {chain} is missing") }))
}

fn gap(seq: Seq, last: Seq) -> Broken {
    Broken { seq, why: format!("after entry {last} comes {seq}; what lay between is gone") }
}
