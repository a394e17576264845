//! Keeps the index fresh on a thread of its own: the whole workspace once, then what changes, the latest text only.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

use galley_index::Index;
use galley_text::path::RelPath;
use galley_workspace::Workspace;

use super::event::{Event, FrontHandle};

/// Files read between two looks at what changed meanwhile.
const CHUNK: usize = 64;

enum Job {
    /// Read everything anew.
    All,
    /// A file or document changed, came or went.
    Changed(RelPath),
}

/// The handle of the indexing thread. The thread ends with it.
pub struct Indexing(Sender<Job>);

impl Indexing {
    /// Starts the thread with the whole workspace as its first job.
    pub fn start(workspace: Workspace, index: Index, front: FrontHandle) -> std::io::Result<Indexing> {
        let (sender, jobs) = channel();
        let thread = Thread { workspace, index, front };
        std::thread::Builder::new().name("index".to_owned()).spawn(move || thread.run(&jobs))?;
        let indexing = Indexing(sender);
        indexing.refresh();
        Ok(indexing)
    }

    /// A file or document changed.
    pub fn changed(&self, path: RelPath) {
        let _ = self.0.send(Job::Changed(path));
    }

    /// Folders came or went.
    pub fn refresh(&self) {
        let _ = self.0.send(Job::All);
    }
}

struct Thread {
    workspace: Workspace,
    index: Index,
    front: FrontHandle,
}

impl Thread {
    fn run(&self, jobs: &Receiver<Job>) {
        while let Ok(job) = jobs.recv() {
            let mut changed = BTreeSet::new();
            let mut all = false;
            for job in std::iter::once(job).chain(jobs.try_iter()) {
                match job {
                    Job::All => all = true,
                    Job::Changed(path) => drop(changed.insert(path)),
                }
            }
            if all {
                self.read_all(jobs, &mut changed);
            }
            self.read_changed(&changed);
            self.tell(true);
        }
    }

    fn read_all(&self, jobs: &Receiver<Job>, changed: &mut BTreeSet<RelPath>) {
        let listing = self.workspace.listing();
        let known: BTreeSet<&RelPath> = listing.files().iter().collect();
        self.index.retain(|path| known.contains(path));
        for (at, chunk) in listing.files().chunks(CHUNK).enumerate() {
            let snapshot = self.workspace.snapshot();
            let texts: Vec<(RelPath, Arc<str>)> =
                chunk.iter().filter_map(|path| Some((path.clone(), snapshot.peek(path).ok()?))).collect();
            self.index.update(&texts);
            // What the person types does not wait for the rest of the tree.
            for job in jobs.try_iter() {
                if let Job::Changed(path) = job {
                    changed.insert(path);
                }
            }
            self.read_changed(changed);
            changed.clear();
            if at % 16 == 15 {
                self.tell(false);
            }
        }
    }

    fn read_changed(&self, changed: &BTreeSet<RelPath>) {
        let snapshot = self.workspace.snapshot();
        for path in changed {
            let text = snapshot.peek(path).ok();
            self.index.update_file(path, text.as_deref());
        }
    }

    fn tell(&self, complete: bool) {
        let symbols = self.index.snapshot().counts().symbols;
        self.front.send(Event::Indexed { symbols, complete });
    }
}
