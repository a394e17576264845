//! Who uses a shadow: a locked file, so that the system itself tells when its process is gone.
//!
//! The file also names the process and when it took the shadow, for a person who looks. The lock is what
//! counts: it cannot outlive its process, and a number that was given to another process cannot be mistaken.

use std::fs::{File, TryLockError};
use std::io::{self, Write};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

pub(super) const OWNER_FILE: &str = "owner";

/// A held shadow; given back when dropped or when the process ends, however it ends.
#[derive(Debug)]
pub(crate) struct Owner {
    file: File,
}

impl Drop for Owner {
    fn drop(&mut self) {
        // Said, not left to the closing: a process that is just being started may still have a copy of the descriptor. If
        // it fails, closing gives back all the same, only later.
        let _ = self.file.unlock();
    }
}

impl Owner {
    /// Takes a shadow's folder, which must exist; `None` when another task has it.
    pub(crate) fn take(folder: &Path) -> io::Result<Option<Owner>> {
        let path = folder.join(OWNER_FILE);
        let mut file = File::options().read(true).write(true).create(true).truncate(false).open(&path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(error),
        }
        // Between opening and locking, the folder may have been swept; then the lock is on a file without name.
        if !is_same_file(&file, &path) {
            return Ok(None);
        }
        let since = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        file.set_len(0)?;
        writeln!(file, "process {}\nsince {since}", std::process::id())?;
        Ok(Some(Owner { file }))
    }
}

#[cfg(unix)]
fn is_same_file(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let (Ok(held), Ok(named)) = (file.metadata(), path.metadata()) else { return false };
    (held.dev(), held.ino()) == (named.dev(), named.ino())
}

#[cfg(not(unix))]
fn is_same_file(_file: &File, path: &Path) -> bool {
    path.exists()
}
