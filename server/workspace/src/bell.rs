//! Telling that somebody wrote into a folder, for files that several processes share. Until somebody does, nothing runs.

use std::path::Path;

use notify::event::EventKind;
use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher};

use crate::watch::WatchError;

/// Rings when files of a folder are written, made or removed; ends when dropped.
pub struct Bell {
    _watcher: RecommendedWatcher,
}

impl Bell {
    /// Watches a folder, and not the folders in it. `ring` is called on a thread of the watch, once or more for each
    /// change, also for those of this process; it must return at once.
    ///
    /// # Errors
    /// When the system cannot watch the folder.
    pub fn new(folder: &Path, ring: impl Fn() + Send + 'static) -> Result<Bell, WatchError> {
        let failed = |error: notify::Error| WatchError { why: error.to_string() };
        let heard = move |event: notify::Result<Event>| {
            // An error may stand for changes that nobody tells of any more.
            if event.map_or(true, |event| !matches!(event.kind, EventKind::Access(_))) {
                ring();
            }
        };
        let mut watcher = notify::recommended_watcher(heard).map_err(failed)?;
        watcher.watch(folder, RecursiveMode::NonRecursive).map_err(failed)?;
        Ok(Bell { _watcher: watcher })
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::sync::mpsc::channel;

    use super::*;

    #[test]
    fn it_rings_for_what_is_written_in_its_folder() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("log");
        fs::write(&file, "one\n").expect("a file");
        let (sender, rung) = channel();
        let bell = Bell::new(folder.path(), move || {
            let _ = sender.send(());
        })
        .expect("a watch");
        fs::read(&file).expect("its text");
        fs::write(&file, "one\ntwo\n").expect("a longer file");
        rung.recv().expect("a ring");
        drop(bell);
        while rung.recv().is_ok() {}
    }
}
