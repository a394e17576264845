//! What a workspace's repository remembers: read little by little, kept from start to start, told to the index.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use galley_index::{Index, PastChange};
use galley_workspace::history::{Commit, History};
use galley_workspace::{Workspace, workspace_key};

/// Bytes of a kept history that are believed; what a full one takes is a few millions.
const LIMIT: u64 = 64 << 20;
/// How long a command in a terminal waits for history that was never read; the next one goes on where it stopped.
const PATIENCE: Duration = Duration::from_secs(1);

/// A history, and where it is kept.
#[derive(Default)]
pub struct Remembered {
    file: Option<PathBuf>,
    history: History,
    /// Is what the index and the file know still true?
    is_told: bool,
    is_kept: bool,
}

impl Remembered {
    /// What was kept of the workspace's history below the state directory; nothing without one.
    pub fn open(state_dir: Option<&Path>, workspace: &Workspace) -> Remembered {
        let file = state_dir.map(|state_dir| file(state_dir, workspace));
        let kept = file.as_deref().and_then(kept);
        Remembered { is_kept: kept.is_some(), history: kept.unwrap_or_default(), file, is_told: false }
    }

    /// Reads what is new for as long as `go_on` allows. True if nothing is left to read.
    pub fn read(&mut self, workspace: &Workspace, go_on: &mut dyn FnMut() -> bool) -> bool {
        let now = History::read(&workspace.current_roots(), &self.history, go_on);
        if now != self.history {
            (self.is_told, self.is_kept) = (false, false);
            self.history = now;
        }
        self.history.is_whole()
    }

    /// Tells the index what is known, and keeps it.
    pub fn tell(&mut self, index: &Index) {
        if !self.is_told {
            let change =
                |commit: &Commit| PastChange { message: commit.message.clone(), paths: commit.paths.clone() };
            index.remember(&self.history.commits().map(change).collect::<Vec<_>>());
            self.is_told = true;
        }
        if !self.is_kept {
            // Without room on disk the next start reads it again.
            self.is_kept = self.file.as_deref().is_some_and(|file| keep(file, &self.history).is_ok());
        }
    }

    /// Reads and tells, as far as a person in a terminal would wait.
    pub fn refresh(&mut self, workspace: &Workspace, index: &Index) {
        let began = Instant::now();
        self.read(workspace, &mut || began.elapsed() < PATIENCE);
        self.tell(index);
    }
}

fn file(state_dir: &Path, workspace: &Workspace) -> PathBuf {
    state_dir.join("history").join(format!("{}.json", workspace_key(&workspace.current_roots())))
}

/// Removes what is kept of the workspace's history; gives the number of bytes that were there.
pub fn purge(state_dir: &Path, workspace: &Workspace) -> u64 {
    let file = file(state_dir, workspace);
    let bytes = std::fs::metadata(&file).map_or(0, |metadata| metadata.len());
    std::fs::remove_file(file).map_or(0, |()| bytes)
}

/// Removes the histories of the workspaces whose index is gone, but for `open`'s.
pub fn bound(state_dir: &Path, open: &Workspace) {
    let kept = file(state_dir, open);
    let files = std::fs::read_dir(state_dir.join("history")).into_iter().flatten().flatten();
    for file in files.map(|entry| entry.path()).filter(|file| *file != kept) {
        let has_index = file.file_stem().is_some_and(|key| state_dir.join("index").join(key).is_dir());
        if !has_index {
            // One that cannot be removed is tried again next time.
            let _ = std::fs::remove_file(file);
        }
    }
}

fn kept(file: &Path) -> Option<History> {
    serde_json::from_slice(&galley_workspace::read_own(file, LIMIT)?).ok()
}

fn keep(file: &Path, history: &History) -> Result<(), String> {
    galley_workspace::create_dir(file.parent().unwrap_or(file)).map_err(|error| error.to_string())?;
    let bytes = serde_json::to_vec(history).map_err(|error| error.to_string())?;
    galley_workspace::write_atomically(file, &bytes).map_err(|error| error.to_string())
}
