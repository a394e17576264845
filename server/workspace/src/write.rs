//! Writing files so that an interruption at any moment leaves the old text or the new one.
//!
//! The new text goes into a temporary file in the same folder, is forced to disk, and takes the old one's name
//! in one step; then the folder is forced to disk too. Mode and, where permitted, owner are kept. A symbolic
//! link stays a link: its target is written, and within a workspace only if that lies inside the roots. A file
//! with several hard links gets a name of its own, since replacing it is the price of never writing half.

use crate::error::WriteError;
use crate::fault;
use crate::roots::real_of_existing;
use crate::workspace::Workspace;
use galley_text::path::RelPath;
use std::fs::{File, Metadata, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

const TEMPORARY_MARK: &str = ".galley-tmp-";

/// Makes a folder of Galley's own, with those above it. Not for the workspace, whose folders come with their files.
pub fn create_dir(path: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(path)
}

/// The bytes of a file of Galley's own, such as one of [`write_atomically`]'s; `None` when it is not there, cannot be read,
/// or is longer than `limit` bytes.
pub fn read_own(path: &Path, limit: u64) -> Option<Vec<u8>> {
    let length = std::fs::metadata(path).ok()?.len();
    if length > limit { None } else { std::fs::read(path).ok() }
}

/// Replaces or creates a file in one step. Its folder must exist. On an error nothing has changed.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> Result<(), WriteError> {
    let real = real_of_existing(path).map_err(|error| WriteError::from_io(path, &error))?;
    replace(&real, bytes, None)
}

/// Replaces or creates the file at a path whose links are resolved. `mode` is for a file that is new.
pub(crate) fn replace(real: &Path, bytes: &[u8], mode: Option<u32>) -> Result<(), WriteError> {
    let failed = |error: std::io::Error| WriteError::from_io(real, &error);
    let before = match std::fs::symlink_metadata(real) {
        Ok(metadata) => Some(replaceable(real, metadata)?),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => return Err(failed(error)),
    };
    let temporary = Temporary::create(real).map_err(failed)?;
    fault::point("created");
    temporary.fill(bytes).map_err(failed)?;
    temporary.dress(before.as_ref(), mode).map_err(failed)?;
    temporary.file.sync_all().map_err(failed)?;
    fault::point("synced");
    temporary.take_name_of(real).map_err(failed)?;
    fault::point("renamed");
    sync_folder_of(real);
    Ok(())
}

fn replaceable(real: &Path, metadata: Metadata) -> Result<Metadata, WriteError> {
    let path = real.to_path_buf();
    if metadata.is_dir() {
        return Err(WriteError::InTheWay { path, what: "a folder" });
    }
    if !metadata.is_file() {
        return Err(WriteError::InTheWay { path, what: "something that is no regular file" });
    }
    // Replacing goes by the folder's permissions; without this check it would override the file's own.
    if metadata.permissions().readonly() {
        return Err(WriteError::ReadOnly { path });
    }
    Ok(metadata)
}

/// True for the names of temporary files of [`write_atomically`], which no list shows.
pub(crate) fn is_temporary_name(name: &str) -> bool {
    name.starts_with('.') && name.contains(TEMPORARY_MARK)
}

/// A file without a lasting name; removed unless it takes one.
struct Temporary {
    path: PathBuf,
    file: File,
}

impl Temporary {
    fn create(target: &Path) -> std::io::Result<Temporary> {
        static COUNTER: AtomicU64 = AtomicU64::new(0);
        let name = target.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
        // A name may have 255 bytes; the first letters are for a person who finds the file after a crash.
        let beginning: String = name.chars().take(32).collect();
        loop {
            let number = COUNTER.fetch_add(1, Ordering::Relaxed);
            let process = std::process::id();
            let path = target.with_file_name(format!(".{beginning}{TEMPORARY_MARK}{process}-{number}"));
            match OpenOptions::new().write(true).create_new(true).open(&path) {
                Ok(file) => return Ok(Temporary { path, file }),
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn fill(&self, bytes: &[u8]) -> std::io::Result<()> {
        let mut file = &self.file;
        let (first, rest) = bytes.split_at(bytes.len() / 2);
        file.write_all(first)?;
        fault::point("half-written");
        file.write_all(rest)
    }

    /// Gives it the mode and owner of the file that it replaces.
    #[cfg(unix)]
    fn dress(&self, before: Option<&Metadata>, mode: Option<u32>) -> std::io::Result<()> {
        use std::os::unix::fs::{MetadataExt, PermissionsExt};
        if let Some(before) = before {
            let own = self.file.metadata()?;
            if (own.uid(), own.gid()) != (before.uid(), before.gid()) {
                // Only a privileged process may do this; for others the file becomes theirs.
                let _ = std::os::unix::fs::fchown(&self.file, Some(before.uid()), Some(before.gid()));
            }
        }
        let mode = before.map(|before| before.permissions().mode()).or(mode);
        match mode {
            Some(mode) => self.file.set_permissions(std::fs::Permissions::from_mode(mode & 0o7777)),
            None => Ok(()),
        }
    }

    #[cfg(not(unix))]
    fn dress(&self, _before: Option<&Metadata>, _mode: Option<u32>) -> std::io::Result<()> {
        Ok(())
    }

    fn take_name_of(self, target: &Path) -> std::io::Result<()> {
        // On an error `self` is dropped and takes the temporary file with it; after success its name is gone.
        std::fs::rename(&self.path, target)
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Makes a rename or removal last. Not every system can sync a folder; the file's text is safe regardless.
fn sync_folder_of(path: &Path) {
    #[cfg(unix)]
    if let Some(folder) = path.parent() {
        let _ = File::open(folder).and_then(|folder| folder.sync_all());
    }
    #[cfg(not(unix))]
    let _ = path;
}

impl Workspace {
    /// Replaces or creates a file in one step, with the folders above it.
    pub fn write_file(&self, path: &RelPath, bytes: &[u8]) -> Result<(), WriteError> {
        self.write_with_mode(path, bytes, None)
    }

    pub(crate) fn write_with_mode(
        &self,
        path: &RelPath,
        bytes: &[u8],
        mode: Option<u32>,
    ) -> Result<(), WriteError> {
        let real = self.current_roots().real_for_write(path)?;
        create_folders_above(&real)?;
        replace(&real, bytes, mode)?;
        self.invalidate(std::slice::from_ref(path));
        Ok(())
    }

    /// Removes a file, or a link without its target, and then the folders above it that became empty.
    pub fn remove_file(&self, path: &RelPath) -> Result<(), WriteError> {
        let place = self.entry_place(path)?;
        let metadata =
            std::fs::symlink_metadata(&place).map_err(|error| WriteError::from_io(&place, &error))?;
        if metadata.is_dir() {
            return Err(WriteError::InTheWay { path: place, what: "a folder" });
        }
        std::fs::remove_file(&place).map_err(|error| WriteError::from_io(&place, &error))?;
        sync_folder_of(&place);
        self.remove_empty_folders_above(&place);
        self.invalidate(std::slice::from_ref(path));
        Ok(())
    }

    /// Gives a file another path, with the folders above it. Refused when something stands there already.
    pub fn rename_file(&self, from: &RelPath, to: &RelPath) -> Result<(), WriteError> {
        let (old, new) = (self.entry_place(from)?, self.entry_place(to)?);
        if std::fs::symlink_metadata(&old).map_err(|error| WriteError::from_io(&old, &error))?.is_dir() {
            return Err(WriteError::InTheWay { path: old, what: "a folder" });
        }
        create_folders_above(&new)?;
        rename_without_replacing(&old, &new).map_err(|error| WriteError::from_io(&new, &error))?;
        sync_folder_of(&new);
        sync_folder_of(&old);
        self.remove_empty_folders_above(&old);
        self.invalidate(&[from.clone(), to.clone()]);
        Ok(())
    }

    /// Removes the temporary files of writes that were killed `min_age` ago or longer, and tells how many. Ten
    /// minutes are more than any write takes. May walk the tree.
    pub fn sweep_leftovers(&self, min_age: std::time::Duration) -> usize {
        let is_old = |path: &&Path| {
            let modified = path.symlink_metadata().and_then(|found| found.modified()).ok();
            modified.and_then(|modified| modified.elapsed().ok()).is_some_and(|age| age >= min_age)
        };
        let listing = self.listing();
        listing.temporaries().filter(is_old).filter(|path| std::fs::remove_file(path).is_ok()).count()
    }

    /// Where an entry itself lives: the links of its folders resolved, the entry's own not.
    pub(crate) fn entry_place(&self, path: &RelPath) -> Result<PathBuf, WriteError> {
        let roots = self.current_roots();
        let outside = || WriteError::Outside { path: PathBuf::from(path.as_str()) };
        let absolute = roots.absolute(path).ok_or_else(outside)?;
        let (Some(folder), Some(name)) = (absolute.parent(), absolute.file_name()) else {
            return Err(outside());
        };
        let place =
            real_of_existing(folder).map_err(|error| WriteError::from_io(&absolute, &error))?.join(name);
        if roots.holds_real(&place) { Ok(place) } else { Err(outside()) }
    }

    fn remove_empty_folders_above(&self, place: &Path) {
        let roots = self.current_roots();
        for folder in place.ancestors().skip(1) {
            let is_inside = roots.iter().any(|root| folder != root.real && folder.starts_with(&root.real));
            if !is_inside || std::fs::remove_dir(folder).is_err() {
                return;
            }
        }
    }
}

fn create_folders_above(real: &Path) -> Result<(), WriteError> {
    let Some(folder) = real.parent() else { return Ok(()) };
    std::fs::create_dir_all(folder).map_err(|error| WriteError::from_io(folder, &error))
}

#[cfg(target_os = "linux")]
fn rename_without_replacing(old: &Path, new: &Path) -> std::io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    use rustix::io::Errno;
    match renameat_with(CWD, old, CWD, new, RenameFlags::NOREPLACE) {
        Err(Errno::INVAL | Errno::NOSYS) => rename_after_looking(old, new),
        other => Ok(other?),
    }
}

#[cfg(not(target_os = "linux"))]
fn rename_without_replacing(old: &Path, new: &Path) -> std::io::Result<()> {
    rename_after_looking(old, new)
}

fn rename_after_looking(old: &Path, new: &Path) -> std::io::Result<()> {
    if std::fs::symlink_metadata(new).is_ok() {
        return Err(std::io::Error::from(std::io::ErrorKind::AlreadyExists));
    }
    std::fs::rename(old, new)
}
