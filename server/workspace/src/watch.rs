//! Noticing changes on disk for clients that cannot do it.
//!
//! Folders are watched one by one where the system works that way (Linux), so that ignored trees cost nothing;
//! elsewhere each root is watched as a whole. Reports come in bursts: the first change starts a short wait for
//! its companions. Without changes the thread sleeps in the system and uses no time at all.

use crate::roots::is_vcs_name;
use crate::rules::RULE_FILES;
use crate::workspace::Workspace;
use galley_text::path::RelPath;
use notify::event::{EventKind, ModifyKind};
use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher};
use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use thiserror::Error;

/// Quiet time after which a burst of changes is over.
const QUIET: Duration = Duration::from_millis(40);
/// The longest that a change waits for the burst to end.
const PATIENCE: Duration = Duration::from_millis(400);
/// Folders watched singly; past this many the rest is left to revalidation.
const MOST_FOLDERS: usize = 60_000;

/// Watching is not possible, wholly or in part. Lists of files are then checked by looking.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("changes on disk cannot be watched: {why}; on Linux a higher fs.inotify.max_user_watches may help")]
pub struct WatchError {
    /// What the system said.
    pub why: String,
}

/// What is reported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// Files and folders that no rule ignores and that changed, came or went, sorted.
    pub paths: Vec<RelPath>,
    /// True when the system lost count: anything may have changed.
    pub is_incomplete: bool,
}

/// A running watch; ends when dropped.
pub struct Watch {
    watcher: Arc<Mutex<Option<RecommendedWatcher>>>,
    /// False when some folders are not watched.
    is_complete: bool,
}

impl Watch {
    /// Watches a workspace's roots as they are now. The workspace is told of every change before `report` is
    /// called, on a thread of the watch. Walks the tree first if that was not done yet.
    pub fn start(
        workspace: &Workspace,
        report: impl FnMut(Changed) + Send + 'static,
    ) -> Result<Watch, WatchError> {
        let (sender, receiver) = channel();
        let failed = |error: notify::Error| WatchError { why: error.to_string() };
        let mut watcher = notify::recommended_watcher(move |event| {
            // The receiver is gone only when the watch is being dropped.
            let _ = sender.send(event);
        })
        .map_err(failed)?;
        let mut watched = HashSet::new();
        let is_complete = watch_folders(workspace, &mut watcher, &mut watched).map_err(failed)?;
        let watcher = Arc::new(Mutex::new(Some(watcher)));
        let reporter = Reporter {
            workspace: workspace.clone(),
            watcher: Arc::downgrade(&watcher),
            watched,
            report: Box::new(report),
        };
        std::thread::Builder::new()
            .name("galley-watch".into())
            .spawn(move || reporter.run(&receiver))
            .map_err(|error| WatchError { why: error.to_string() })?;
        workspace.set_watched(is_complete);
        Ok(Watch { watcher, is_complete })
    }

    /// True when every folder is watched. If not, lists of files are still checked by looking.
    pub fn is_complete(&self) -> bool {
        self.is_complete
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        // Dropping the watcher closes the channel, which ends the thread.
        self.watcher.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

/// Watching single folders is what inotify does anyway, ignored ones included; doing it here leaves them out.
const ONE_BY_ONE: bool = cfg!(target_os = "linux");

fn watch_folders(
    workspace: &Workspace,
    watcher: &mut RecommendedWatcher,
    watched: &mut HashSet<PathBuf>,
) -> notify::Result<bool> {
    if !ONE_BY_ONE {
        for root in workspace.current_roots().iter() {
            watcher.watch(&root.real, RecursiveMode::Recursive)?;
        }
        return Ok(true);
    }
    let listing = workspace.listing();
    let mut is_complete = true;
    for folder in listing.folder_paths() {
        if watched.contains(folder) {
            continue;
        }
        if watched.len() >= MOST_FOLDERS {
            return Ok(false);
        }
        match watcher.watch(folder, RecursiveMode::NonRecursive) {
            Ok(()) => {
                watched.insert(folder.to_path_buf());
            }
            // It went away again; its parent will say so.
            Err(error) if matches!(error.kind, notify::ErrorKind::PathNotFound) => {}
            Err(error) if watched.is_empty() => return Err(error),
            Err(_) => is_complete = false,
        }
    }
    Ok(is_complete)
}

struct Reporter {
    workspace: Workspace,
    watcher: std::sync::Weak<Mutex<Option<RecommendedWatcher>>>,
    watched: HashSet<PathBuf>,
    report: Box<dyn FnMut(Changed) + Send>,
}

#[derive(Default)]
struct Burst {
    paths: BTreeSet<PathBuf>,
    is_incomplete: bool,
}

impl Reporter {
    fn run(mut self, events: &Receiver<notify::Result<Event>>) {
        while let Ok(first) = events.recv() {
            let mut burst = Burst::default();
            burst.take(first);
            let begun = Instant::now();
            let mut is_over = false;
            while begun.elapsed() < PATIENCE {
                match events.recv_timeout(QUIET) {
                    Ok(event) => burst.take(event),
                    Err(RecvTimeoutError::Timeout) => break,
                    Err(RecvTimeoutError::Disconnected) => {
                        is_over = true;
                        break;
                    }
                }
            }
            if is_over {
                return;
            }
            self.tell(burst);
        }
    }

    fn tell(&mut self, burst: Burst) {
        let roots = self.workspace.current_roots();
        let touched: Vec<_> = burst.paths.iter().filter_map(|path| roots.locate(path)).collect();
        if burst.is_incomplete {
            self.workspace.invalidate_all();
        }
        self.workspace.invalidate(&touched);
        let (mut paths, mut has_new_folder) = (BTreeSet::new(), false);
        for path in touched {
            if self.workspace.is_ignored(&path) && !RULE_FILES.contains(&path.file_name()) {
                continue;
            }
            has_new_folder |= roots.absolute(&path).is_some_and(|path| path.is_dir());
            paths.insert(path);
        }
        if has_new_folder || burst.is_incomplete {
            paths.extend(self.watch_more());
        }
        self.watched.retain(|folder| !burst.paths.contains(folder) || folder.is_dir());
        if !paths.is_empty() || burst.is_incomplete {
            let paths = paths.into_iter().collect();
            (self.report)(Changed { paths, is_incomplete: burst.is_incomplete });
        }
    }

    /// Watches folders that are new. Files may have come into them before they were watched: those are told
    /// as if they had just come.
    fn watch_more(&mut self) -> Vec<RelPath> {
        if !ONE_BY_ONE {
            return Vec::new();
        }
        let Some(watcher) = self.watcher.upgrade() else { return Vec::new() };
        let mut watcher = watcher.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(watcher) = watcher.as_mut() else { return Vec::new() };
        let before = self.watched.clone();
        // A folder is walked once more after it is watched, so that nothing slips in between.
        for _ in 0..2 {
            self.workspace.invalidate_all();
            let is_complete = watch_folders(&self.workspace, watcher, &mut self.watched).unwrap_or(false);
            self.workspace.set_watched(is_complete);
        }
        let listing = self.workspace.listing();
        let fresh = |path: &&RelPath| {
            let folder = listing.roots.iter().find_map(|root| {
                let (other, inner) = listing.roots.split(path)?;
                (other == root).then(|| root.real.join(inner).parent().map(Path::to_path_buf)).flatten()
            });
            folder.is_some_and(|folder| self.watched.contains(&folder) && !before.contains(&folder))
        };
        listing.files().iter().filter(fresh).cloned().collect()
    }
}

impl Burst {
    fn take(&mut self, event: notify::Result<Event>) {
        let Ok(event) = event else {
            self.is_incomplete = true;
            return;
        };
        self.is_incomplete |= event.need_rescan();
        let is_change = match event.kind {
            EventKind::Access(_) => false,
            EventKind::Modify(ModifyKind::Metadata(kind)) => {
                !matches!(kind, notify::event::MetadataKind::AccessTime)
            }
            _ => true,
        };
        if !is_change {
            return;
        }
        let is_ours = |path: &PathBuf| {
            !path.iter().filter_map(|part| part.to_str()).any(is_vcs_name)
                && !path
                    .file_name()
                    .and_then(|name| name.to_str())
                    .is_some_and(crate::write::is_temporary_name)
        };
        self.paths.extend(event.paths.into_iter().filter(is_ours));
    }
}
