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

#[cfg(test)]
mod tests {
    use super::*;
    use galley_text::path::RelPath;
    use std::sync::Arc;
    use tempfile::TempDir;

    /// A repository with one commit beside a state directory; `None` where there is no git.
    fn repository() -> Option<(TempDir, Workspace, PathBuf)> {
        let folder = TempDir::new().expect("a folder");
        let root = folder.path().join("kitchen");
        std::fs::create_dir(&root).expect("a root");
        std::fs::write(root.join("sink.rs"), "fn open() {}\n").expect("a file");
        let git = |arguments: &[&str]| {
            let mut command = std::process::Command::new("git");
            command.args([
                "-c",
                "user.name=N",
                "-c",
                "user.email=n@example.org",
                "-c",
                "commit.gpgsign=false",
            ]);
            command.args(arguments).current_dir(&root).env("HOME", folder.path());
            command.output().is_ok_and(|output| output.status.success())
        };
        if !git(&["init", "-q"]) {
            return None;
        }
        assert!(git(&["add", "-A"]) && git(&["commit", "-q", "-m", "Begin"]));
        std::fs::write(root.join("sink.rs"), "fn open() {}\nfn close() {}\n").expect("a file");
        assert!(git(&["add", "-A"]) && git(&["commit", "-q", "-m", "Rinse the plates"]));
        let workspace = Workspace::open(vec![root]).expect("a workspace");
        let state_dir = folder.path().join("state");
        Some((folder, workspace, state_dir))
    }

    fn index() -> Index {
        let index = Index::new();
        index.update(&[(
            RelPath::new("sink.rs").expect("a path"),
            Arc::from("fn open() {}\nfn close() {}\n"),
        )]);
        index
    }

    /// Does the index know of the commit? None of its words are in the file.
    fn is_known(index: &Index) -> bool {
        !index.snapshot().rank("rinsing plates", 5).is_empty()
    }

    #[test]
    fn what_was_read_is_known_at_the_next_start_without_reading() {
        let Some((_folder, workspace, state_dir)) = repository() else { return };
        let mut first = Remembered::open(Some(&state_dir), &workspace);
        let told = index();
        first.tell(&told);
        assert!(!is_known(&told), "nothing was read yet");
        assert!(first.read(&workspace, &mut || true));
        first.tell(&told);
        assert!(is_known(&told));

        let told = index();
        Remembered::open(Some(&state_dir), &workspace).tell(&told);
        assert!(is_known(&told), "it was kept");
        let told = index();
        Remembered::open(None, &workspace).tell(&told);
        assert!(!is_known(&told), "without a state directory there is nothing to know it from");
    }

    #[test]
    fn reading_goes_on_where_it_stopped() {
        let Some((_folder, workspace, state_dir)) = repository() else { return };
        let mut remembered = Remembered::open(Some(&state_dir), &workspace);
        assert!(!remembered.read(&workspace, &mut || false), "commits are left");
        let mut looked_at = 0;
        let mut count = || {
            looked_at += 1;
            true
        };
        assert!(remembered.read(&workspace, &mut count));
        assert!(remembered.read(&workspace, &mut || true), "with nothing new it stays whole");
        assert_eq!(looked_at, 2);
    }

    #[test]
    fn a_damaged_file_is_as_good_as_none() {
        let Some((_folder, workspace, state_dir)) = repository() else { return };
        let mut remembered = Remembered::open(Some(&state_dir), &workspace);
        remembered.read(&workspace, &mut || true);
        remembered.tell(&index());
        let kept = file(&state_dir, &workspace);
        let whole = std::fs::read(&kept).expect("what was kept");
        for damaged in [&whole[..whole.len() / 2], b"", b"{\"roots\":3}"] {
            std::fs::write(&kept, damaged).expect("a file");
            let told = index();
            let mut remembered = Remembered::open(Some(&state_dir), &workspace);
            remembered.tell(&told);
            assert!(!is_known(&told));
            assert!(remembered.read(&workspace, &mut || true));
            remembered.tell(&told);
            assert!(is_known(&told), "it is read again");
            assert_eq!(std::fs::read(&kept).expect("what was kept"), whole, "and kept again");
        }
    }

    #[test]
    fn histories_go_with_their_index() {
        let Some((_folder, workspace, state_dir)) = repository() else { return };
        let mut remembered = Remembered::open(Some(&state_dir), &workspace);
        remembered.read(&workspace, &mut || true);
        remembered.tell(&index());
        let beside = |name: &str| state_dir.join("history").join(name);
        for name in ["indexed-1.json", "gone-2.json"] {
            std::fs::write(beside(name), "{}").expect("a file");
        }
        std::fs::create_dir_all(state_dir.join("index/indexed-1")).expect("a folder");
        bound(&state_dir, &workspace);
        assert!(file(&state_dir, &workspace).exists() && beside("indexed-1.json").exists());
        assert!(!beside("gone-2.json").exists());

        assert!(purge(&state_dir, &workspace) > 0);
        assert!(!file(&state_dir, &workspace).exists() && beside("indexed-1.json").exists());
        assert_eq!(purge(&state_dir, &workspace), 0);
    }
}
