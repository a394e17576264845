//! Keeps the index fresh on a thread of its own: the whole workspace once, then what changes, the latest text only.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};

use galley_index::Index;
use galley_text::path::RelPath;
use galley_workspace::Workspace;

use crate::indexed;
use crate::remembered::Remembered;

use super::event::{Event, FrontHandle};

/// So many files changed on disk are written to the cache without waiting for the end.
const KEPT_AT_ONCE: usize = 32;

enum Job {
    /// Read everything anew.
    All,
    /// A file or document changed, came or went.
    Changed(RelPath),
}

/// A handle of the indexing thread. The thread ends with the last one.
#[derive(Clone)]
pub struct Indexing(Sender<Job>);

impl Indexing {
    /// Starts the thread; it waits for its first job.
    pub fn start(
        workspace: Workspace,
        index: Index,
        front: FrontHandle,
        state_dir: PathBuf,
    ) -> std::io::Result<Indexing> {
        let (sender, jobs) = channel();
        let remembered = Remembered::open(Some(&state_dir), &workspace);
        let thread = Thread { workspace, index, front, state_dir, remembered };
        std::thread::Builder::new().name("index".to_owned()).spawn(move || thread.run(&jobs))?;
        Ok(Indexing(sender))
    }

    /// A file or document changed.
    pub fn changed(&self, path: RelPath) {
        let _ = self.0.send(Job::Changed(path));
    }

    /// Reads the whole workspace: for the first time, or because folders came or went.
    pub fn refresh(&self) {
        let _ = self.0.send(Job::All);
    }
}

struct Thread {
    workspace: Workspace,
    index: Index,
    front: FrontHandle,
    state_dir: PathBuf,
    remembered: Remembered,
}

impl Thread {
    fn run(mut self, jobs: &Receiver<Job>) {
        // A person who types goes first, and what answers them.
        galley_exec::give_way();
        let mut waiting = Vec::new();
        let mut knows_past = true;
        while !waiting.is_empty()
            || jobs.recv().is_ok_and(|job| {
                waiting.push(job);
                true
            })
        {
            waiting.extend(jobs.try_iter());
            let mut changed = BTreeSet::new();
            let mut all = false;
            for job in waiting.drain(..) {
                match job {
                    Job::All => all = true,
                    Job::Changed(path) => drop(changed.insert(path)),
                }
            }
            if all {
                self.read_all(jobs, &mut changed);
            }
            // Many changes at once are another commit or branch.
            let is_moved = self.read_changed(&changed) >= KEPT_AT_ONCE || all;
            self.tell(true);
            if is_moved || !knows_past {
                knows_past = self.read_past(jobs, &mut waiting);
            }
            if is_moved {
                crate::allocator::give_back();
            }
        }
        // The server ends: what was saved since the last time is kept too.
        self.persist();
    }

    /// Brings everything up to date. What the person types meanwhile does not wait for the rest of the tree.
    fn read_all(&self, jobs: &Receiver<Job>, changed: &mut BTreeSet<RelPath>) {
        let folder = indexed::folder(&self.state_dir, &self.workspace);
        self.index.attach(&folder);
        self.tell(false);
        let mut chunks = 0;
        let refreshed = indexed::refresh_in_use(&self.workspace, &self.index, || {
            for job in jobs.try_iter() {
                if let Job::Changed(path) = job {
                    changed.insert(path);
                }
            }
            self.read_changed(changed);
            changed.clear();
            chunks += 1;
            if chunks % 16 == 0 {
                self.tell(false);
            }
        });
        if refreshed.read > 0 {
            self.persist();
            indexed::bound(&self.state_dir, &folder);
        }
    }

    /// Reads the repository's past until there is something else to do. True if nothing is left to read.
    fn read_past(&mut self, jobs: &Receiver<Job>, waiting: &mut Vec<Job>) -> bool {
        let is_whole = self.remembered.read(&self.workspace, &mut || match jobs.try_recv() {
            Ok(job) => {
                waiting.push(job);
                false
            }
            Err(TryRecvError::Empty) => true,
            Err(TryRecvError::Disconnected) => false,
        });
        if is_whole {
            self.remembered.tell(&self.index);
        }
        is_whole
    }

    /// Gives the number of files that changed on disk.
    fn read_changed(&self, changed: &BTreeSet<RelPath>) -> usize {
        let snapshot = self.workspace.snapshot();
        let mut from_disk = Vec::new();
        for path in changed {
            if snapshot.version(path).is_some() {
                // Open documents are followed change by change, and read from disk once they are closed.
                continue;
            }
            if snapshot.exists(path) {
                from_disk.push(indexed::given(&self.workspace, path));
            } else {
                self.index.update_file(path, None);
            }
        }
        if !from_disk.is_empty() {
            self.index.update_from_disk(&from_disk);
        }
        // One file that is saved now and then waits; a change of branch is kept at once.
        if from_disk.len() >= KEPT_AT_ONCE {
            self.persist();
        }
        from_disk.len()
    }

    /// Without room on disk the next start reads what changed again; nobody needs to be told.
    fn persist(&self) {
        let _ = self.index.persist();
    }

    fn tell(&self, complete: bool) {
        let symbols = self.index.snapshot().counts().symbols;
        self.front.send(Event::Indexed { symbols, complete });
    }
}
