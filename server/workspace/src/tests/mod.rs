//! Tests over real folders; each builds its own tree and removes it.

mod apply;
mod history;
mod listing;
mod overlay;
mod reading;
mod shadow;
mod watch;
mod writing;

use crate::{Snapshot, Workspace};
use galley_text::path::RelPath;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use tempfile::TempDir;

/// A workspace in a temporary folder.
pub(crate) struct Fixture {
    /// Holds the root and, beside it, what must stay out of reach.
    pub(crate) outer: TempDir,
    pub(crate) workspace: Workspace,
}

impl Fixture {
    /// Files given as path and text; a path that ends in `/` is a folder.
    pub(crate) fn new(files: &[(&str, &str)]) -> Fixture {
        let outer = tempfile::tempdir().expect("a temporary folder");
        let root = outer.path().join("root");
        std::fs::create_dir(&root).expect("a root");
        for (path, text) in files {
            put(&root, path, text);
        }
        settle(&root);
        let workspace = Workspace::open(vec![root]).expect("a workspace");
        Fixture { outer, workspace }
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.outer.path().join("root")
    }

    pub(crate) fn put(&self, path: &str, text: &str) {
        put(&self.root(), path, text);
    }

    pub(crate) fn text(&self, path: &str) -> String {
        std::fs::read_to_string(self.root().join(path)).expect("a file")
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        self.workspace.snapshot()
    }

    /// The listed files after a full look, in one line.
    pub(crate) fn files(&self) -> String {
        self.workspace.invalidate_all();
        let listing = self.workspace.listing();
        listing.files().iter().map(RelPath::as_str).collect::<Vec<_>>().join(" ")
    }
}

pub(crate) fn path(text: &str) -> RelPath {
    RelPath::new(text).expect("a path")
}

pub(crate) fn put(root: &Path, path: &str, text: &str) {
    let target = root.join(path);
    if path.ends_with('/') {
        std::fs::create_dir_all(target).expect("a folder");
        return;
    }
    std::fs::create_dir_all(target.parent().expect("a parent")).expect("folders");
    std::fs::write(target, text).expect("a file");
}

/// Gives every file below a folder an old modification time, as if written yesterday.
fn settle(folder: &Path) {
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        if entry.file_type().expect("a type").is_dir() {
            settle(&entry.path());
        } else if let Ok(file) = std::fs::File::options().append(true).open(entry.path()) {
            file.set_modified(SystemTime::now() - Duration::from_secs(86_400)).expect("a time");
        }
    }
}

#[cfg(unix)]
pub(crate) fn link(target: impl AsRef<Path>, place: impl AsRef<Path>) {
    std::os::unix::fs::symlink(target, place).expect("a link");
}

#[cfg(unix)]
pub(crate) fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    path.symlink_metadata().expect("a file").permissions().mode() & 0o7777
}

#[cfg(unix)]
pub(crate) fn set_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("a mode");
}

/// True when permission bits do not bind this process.
#[cfg(unix)]
pub(crate) fn is_privileged(folder: &Path) -> bool {
    let locked = folder.join("locked");
    std::fs::create_dir(&locked).expect("a folder");
    set_mode(&locked, 0o500);
    let written = std::fs::write(locked.join("x"), "").is_ok();
    set_mode(&locked, 0o700);
    std::fs::remove_dir_all(&locked).expect("removed");
    written
}
