//! The index of a workspace: where it is kept, and how it is brought up to date with the disk.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use galley_index::{Given, Index, Opaque, Reader, Stamp};
use galley_text::path::RelPath;
use galley_workspace::{ReadError, Workspace, workspace_key};

/// Files that are read before the index takes them in.
const CHUNK: usize = 64;
/// So many files to be read take long enough that they are looked at before.
const SCAN_FIRST: usize = 1_000;
/// Files that are looked at before the index takes them in.
const SCANNED: usize = 500;
/// Bytes of all workspaces' indexes; past that the ones that were used longest ago go.
const LIMIT: u64 = 4 << 30;
/// A NUL so near the beginning means that a search finds nothing in the file: ripgrep decides by its first buffer.
const FIRST_BUFFER: usize = 64 << 10;

/// Where the index of a workspace lies below the state directory.
pub fn folder(state_dir: &Path, workspace: &Workspace) -> PathBuf {
    state_dir.join("index").join(workspace_key(&workspace.current_roots()))
}

/// Gives the texts that the index asks for, buffers first.
pub fn reader(workspace: &Workspace) -> Reader {
    let workspace = workspace.clone();
    Arc::new(move |path| workspace.snapshot().peek(path).ok())
}

/// What a refresh did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Refreshed {
    /// Files that are listed.
    pub listed: usize,
    /// Files that were read because they were new or their state was not the known one.
    pub read: usize,
}

/// Brings the index up to date: one look at the state of every file, a reading of those that changed. Calls `between`
/// after each few files.
pub fn refresh(workspace: &Workspace, index: &Index, between: impl FnMut()) -> Refreshed {
    let listed = listed(workspace);
    let stale = index.stale(&listed);
    read(workspace, index, &stale, between);
    Refreshed { listed: listed.len(), read: stale.len() }
}

/// As [`refresh`], for somebody who asks meanwhile: where much is to be read, all of it is looked at quickly first.
pub fn refresh_in_use(workspace: &Workspace, index: &Index, mut between: impl FnMut()) -> Refreshed {
    let listed = listed(workspace);
    let stale = index.stale(&listed);
    if stale.len() >= SCAN_FIRST {
        for chunk in stale.chunks(SCANNED) {
            let text = |path: &RelPath| Some((path.clone(), given(workspace, path).text.ok()?));
            index.scan(&chunk.iter().filter_map(text).collect::<Vec<_>>());
            between();
        }
    }
    read(workspace, index, &stale, between);
    Refreshed { listed: listed.len(), read: stale.len() }
}

fn read(workspace: &Workspace, index: &Index, stale: &[RelPath], mut between: impl FnMut()) {
    for chunk in stale.chunks(CHUNK) {
        let given: Vec<Given> = chunk.iter().map(|path| given(workspace, path)).collect();
        index.update_from_disk(&given);
        between();
    }
}

/// Files that are new or whose state is not the known one, in the order of their paths.
pub fn stale(workspace: &Workspace, index: &Index) -> Vec<RelPath> {
    index.stale(&listed(workspace))
}

fn listed(workspace: &Workspace) -> Vec<(RelPath, Option<Stamp>)> {
    let states = workspace.snapshot().states();
    states.into_iter().map(|(path, state)| (path, state.map(|state| Stamp(state.0)))).collect()
}

/// A file as the index takes it.
pub fn given(workspace: &Workspace, path: &RelPath) -> Given {
    let observed = workspace.snapshot().observe(path);
    let text = observed.text.map_err(|error| match error {
        ReadError::TooLarge { .. } => Opaque::TooLarge,
        _ if observed.nul.is_some_and(|at| at < FIRST_BUFFER) => Opaque::Binary,
        _ => Opaque::NotText,
    });
    Given { path: path.clone(), text, stamp: observed.state.map(|state| Stamp(state.0)) }
}

/// Removes the indexes that were used longest ago until all together are within the limit; `kept` stays in any case.
pub fn bound(state_dir: &Path, kept: &Path) {
    let folders = std::fs::read_dir(state_dir.join("index")).into_iter().flatten().flatten();
    let mut known: Vec<(std::time::SystemTime, u64, PathBuf)> = folders
        .map(|entry| entry.path())
        .filter(|folder| folder != kept)
        .map(|folder| {
            let files = std::fs::read_dir(&folder).into_iter().flatten().flatten();
            let found: Vec<_> = files.filter_map(|file| file.metadata().ok()).collect();
            let used = found.iter().filter_map(|file| file.modified().ok()).max();
            (used.unwrap_or(std::time::UNIX_EPOCH), found.iter().map(|file| file.len()).sum(), folder)
        })
        .collect();
    known.sort();
    let mut all: u64 = known.iter().map(|folder| folder.1).sum();
    for (_, bytes, folder) in known {
        if all <= LIMIT {
            return;
        }
        all -= bytes;
        // One that is in use elsewhere goes on in memory; one that cannot be removed is tried again next time.
        let _ = Index::purge(&folder);
    }
}
