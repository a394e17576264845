//! Keeping the state directory's shadows, with the build products beside them, within bounds, once per process.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use galley_workspace::shadow;

/// What was not used for so long goes.
const AGE: Duration = Duration::from_secs(30 * 86_400);
/// Bytes of all that no task uses.
const BYTES: u64 = 20 << 30;

/// Removes, beside everything else, what crashed processes left and what is too old or too much. The first task of a
/// process does it for each state directory; it does not wait for it.
pub(super) fn once(state_dir: &Path) {
    static DONE: Mutex<Option<HashSet<PathBuf>>> = Mutex::new(None);
    let mut done = DONE.lock().unwrap_or_else(PoisonError::into_inner);
    if !done.get_or_insert_default().insert(state_dir.to_path_buf()) {
        return;
    }
    let state_dir = state_dir.to_path_buf();
    // Without a thread there is nothing lost but room.
    let _ = std::thread::Builder::new().name("sweep".to_owned()).spawn(move || {
        shadow::trim(&state_dir.join("shadows"), AGE, BYTES);
    });
}
