//! Keeps what is known of open documents as fresh as their text, on a thread of its own, in the order of the changes:
//! neither the loop nor the reading of the whole workspace is waited for.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use galley_index::{Index, IndexSnapshot};
use galley_text::change::ChangeSet;
use galley_text::path::RelPath;
use ropey::Rope;
use tokio::sync::oneshot;

use super::indexing::Indexing;

/// A person who types no longer than this rests: what a change broke is read again then.
const REST: Duration = Duration::from_millis(400);

enum Job {
    Open(RelPath, Rope),
    /// A change, and the text after it.
    Change(RelPath, ChangeSet, Rope),
    Close(RelPath),
    /// Wants to see the index after all that came before.
    See(oneshot::Sender<Arc<IndexSnapshot>>),
}

/// The handle of the thread that reads open documents. The thread ends with it.
pub struct Reading(Sender<Job>);

impl Reading {
    /// Starts the thread. `indexing` hears of every document that is opened, and reads the files of closed ones again.
    pub fn start(index: Index, indexing: Indexing) -> std::io::Result<Reading> {
        let (sender, jobs) = channel();
        std::thread::Builder::new()
            .name("documents".to_owned())
            .spawn(move || run(&index, &indexing, &jobs))?;
        Ok(Reading(sender))
    }

    /// A document was opened, or has a new text.
    pub fn open(&self, path: RelPath, text: Rope) {
        let _ = self.0.send(Job::Open(path, text));
    }

    /// A document changed to `after`.
    pub fn change(&self, path: RelPath, change: ChangeSet, after: Rope) {
        let _ = self.0.send(Job::Change(path, change, after));
    }

    /// A document was closed.
    pub fn close(&self, path: RelPath) {
        let _ = self.0.send(Job::Close(path));
    }

    /// The index as it is once everything told so far is known to it.
    pub fn see(&self) -> oneshot::Receiver<Arc<IndexSnapshot>> {
        let (sender, receiver) = oneshot::channel();
        let _ = self.0.send(Job::See(sender));
        receiver
    }
}

fn run(index: &Index, indexing: &Indexing, jobs: &Receiver<Job>) {
    let mut next = None;
    while let Some(job) = next.take().or_else(|| next_job(index, jobs)) {
        match job {
            Job::Open(path, text) => {
                index.open_document(&path, text);
                // It is read already; the person is told what the index holds now.
                indexing.changed(path);
            }
            Job::Change(path, mut change, mut after) => {
                // Changes that wait already are taken at once.
                while let Ok(job) = jobs.try_recv() {
                    match job {
                        Job::Change(other, more, text) if other == path => match change.compose(&more) {
                            Ok(both) => (change, after) = (both, text),
                            Err(_) => (change, after) = (ChangeSet::replace_all(change.base_len(), ""), text),
                        },
                        job => {
                            next = Some(job);
                            break;
                        }
                    }
                }
                if change.new_len() != after.len_bytes() || !index.change_document(&path, &change) {
                    index.open_document(&path, after);
                }
            }
            Job::Close(path) => {
                index.close_document(&path);
                indexing.changed(path);
            }
            Job::See(sender) => drop(sender.send(index.snapshot())),
        }
    }
}

/// The next job. While there is none, documents that a change broke are read again.
fn next_job(index: &Index, jobs: &Receiver<Job>) -> Option<Job> {
    while !index.is_settled() {
        match jobs.recv_timeout(REST) {
            Ok(job) => return Some(job),
            Err(RecvTimeoutError::Disconnected) => return None,
            Err(RecvTimeoutError::Timeout) => {}
        }
        let mut next = None;
        index.settle(&mut || {
            next = jobs.try_recv().ok();
            next.is_none()
        });
        if next.is_some() {
            return next;
        }
    }
    jobs.recv().ok()
}
