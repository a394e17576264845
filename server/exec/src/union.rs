//! Unions: a writable tree put together by the kernel out of folders that stay as they are.
//!
//! A union shows its layers as one tree. What is written goes to the upper folder, whatever the way: through links, after
//! a change of mode, by mapped memory. The layers are never written, because nothing in the sandbox has a name for them.
//! Only [`Level::Namespaces`] can mount one. The union lives in the command's own mount namespace and dies with it.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use crate::{Level, probe};

/// A tree made of layers. All folders must exist, and the upper one and the one for the kernel's work must lie on one
/// file system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Union {
    /// Where the command sees the tree: an existing folder, which is covered.
    pub place: PathBuf,
    /// The folders below, the topmost first. They are only read; they must not change while a command runs, or it is not
    /// said which state of a file it sees.
    pub layers: Vec<PathBuf>,
    /// Holds what is written, and marks for what is removed, after the command too.
    pub upper: PathBuf,
    /// The kernel's own; empty, or left by an earlier union of the same upper folder.
    pub work: PathBuf,
}

/// Whether a union of `lower` with folders in `state` works on this machine, found by a canary once per pair of file
/// systems. Blocks for some tens of milliseconds then.
///
/// # Errors
/// Why not, in a sentence for `galley doctor`.
pub fn probe_union(lower: &Path, state: &Path) -> Result<(), String> {
    /// By device of the layer and of the upper folder.
    type Found = HashMap<(u64, u64), Result<(), String>>;
    static FOUND: Mutex<Option<Found>> = Mutex::new(None);
    if probe() != Level::Namespaces {
        return Err("mounting needs namespaces, which do not work here".to_owned());
    }
    // A matter of these two folders, not of their file systems: it is not remembered.
    if let (Ok(lower), Ok(state)) = (lower.canonicalize(), state.canonicalize())
        && state.starts_with(&lower)
    {
        return Err(format!(
            "Galley's own folder {} lies inside of the project; set GALLEY_STATE_DIR to one outside of it",
            state.display()
        ));
    }
    let key = (device(lower)?, device(state)?);
    if let Some(known) =
        FOUND.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_default().get(&key)
    {
        return known.clone();
    }
    let found = imp::canary(lower, state);
    let mut all = FOUND.lock().unwrap_or_else(PoisonError::into_inner);
    all.get_or_insert_default().entry(key).or_insert(found).clone()
}

#[cfg(unix)]
fn device(path: &Path) -> Result<u64, String> {
    use std::os::unix::fs::MetadataExt;
    path.metadata().map(|found| found.dev()).map_err(|error| format!("{}: {error}", path.display()))
}

#[cfg(not(unix))]
fn device(path: &Path) -> Result<u64, String> {
    path.metadata().map(|_| 0).map_err(|error| format!("{}: {error}", path.display()))
}

#[cfg(not(target_os = "linux"))]
mod imp {
    use std::path::Path;

    /// Elsewhere copies are made, or clones where the file system has them.
    pub(super) fn canary(_: &Path, _: &Path) -> Result<(), String> {
        Err("this system has no unions".to_owned())
    }
}

#[cfg(target_os = "linux")]
mod imp {
    use std::fs;
    use std::io;
    use std::os::unix::fs::PermissionsExt;
    use std::path::{Path, PathBuf};
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::time::Duration;

    use super::Union;
    use crate::{ExecError, Level, Spec};

    /// Removed, locked folders of the kernel's included, when dropped.
    struct Folder(PathBuf);

    impl Drop for Folder {
        fn drop(&mut self) {
            unlock(&self.0.join("work"));
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    /// The kernel's folders are closed to everybody.
    fn unlock(folder: &Path) {
        let _ = fs::set_permissions(folder, fs::Permissions::from_mode(0o700));
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                unlock(&entry.path());
            }
        }
    }

    const PREFIX: &str = ".canary-";

    /// Each line that holds prints a letter: a lower file is seen, a hidden one is not, one is written, a folder is
    /// replaced by an empty one, a file is removed.
    const SONG: &str = "[ \"$(cat a)\" = below ] && printf a; [ -e hidden ] || printf b; echo above > a && printf c; \
        rm -r d && mkdir d && [ -z \"$(ls -A d)\" ] && printf d; rm e && printf e";

    pub(super) fn canary(lower: &Path, state: &Path) -> Result<(), String> {
        remove_leftovers(state);
        let folder = make(state).map_err(|error| format!("no canary in {}: {error}", state.display()))?;
        let at = |name: &str| folder.0.join(name);
        let layers = vec![at("laid"), at("base"), lower.to_path_buf()];
        let union = Union { place: at("tree"), layers, upper: at("upper"), work: at("work") };
        let sung = sing(union)?;
        let kept = fs::read_to_string(at("base/a")).is_ok_and(|text| text == "below\n")
            && at("base/d/x").exists()
            && at("base/e").exists();
        let above = fs::read_to_string(at("upper/a")).is_ok_and(|text| text == "above\n");
        let gone = fs::symlink_metadata(at("upper/e")).is_ok_and(|found| !found.is_file());
        if sung == "abcde" && kept && above && gone {
            return Ok(());
        }
        Err(format!("the canary of the union did not hold: {sung:?}, {kept}, {above}, {gone}"))
    }

    fn make(state: &Path) -> io::Result<Folder> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = Folder(fs::canonicalize(state)?.join(format!("{PREFIX}{}-{count}", std::process::id())));
        for name in ["tree", "laid", "upper", "work", "base/d"] {
            fs::create_dir_all(folder.0.join(name))?;
        }
        for name in ["a", "hidden", "e", "d/x"] {
            fs::write(folder.0.join("base").join(name), "below\n")?;
        }
        let hidden = folder.0.join("laid/hidden");
        let kind = rustix::fs::FileType::CharacterDevice;
        rustix::fs::mknodat(rustix::fs::CWD, &hidden, kind, rustix::fs::Mode::empty(), 0)?;
        Ok(folder)
    }

    /// Those of processes that are gone.
    fn remove_leftovers(state: &Path) {
        for entry in fs::read_dir(state).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let pid = name.to_str().and_then(|name| name.strip_prefix(PREFIX)?.split('-').next());
            if pid.is_some_and(|pid| !Path::new("/proc").join(pid).exists()) {
                drop(Folder(entry.path()));
            }
        }
    }

    /// Runs on a thread of its own, since the caller may be inside of a runtime.
    fn sing(union: Union) -> Result<String, String> {
        let run = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.map_err(|e| e.to_string())?.block_on(async {
                let mut spec = Spec::shell(SONG, &union.place);
                spec.limits.wall = Duration::from_secs(10);
                spec.sandbox.unions = vec![union];
                let cancel = tokio_util::sync::CancellationToken::new();
                let ran = crate::run(&spec, Level::Namespaces, &mut |_, _| {}, &cancel).await;
                ran.map(|outcome| outcome.output.stdout()).map_err(|error| match error {
                    ExecError::Sandbox { why, .. } => why,
                    other => other.to_string(),
                })
            })
        };
        match std::thread::Builder::new().name("union canary".to_owned()).spawn(run) {
            Ok(thread) => thread.join().unwrap_or_else(|_| Err("the canary panicked".to_owned())),
            Err(error) => Err(format!("no thread for the canary: {error}")),
        }
    }
}
