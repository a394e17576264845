//! Opening and identifying files on disk: one careful way in for every read.
//!
//! A repository is untrusted. A link in it may lead to a private key, and a name may turn out to be a pipe
//! that blocks its reader; neither is ever opened for reading here.

use crate::error::ReadError;
use crate::roots::{Root, Roots, is_vcs_name, join_slashed};
use std::fs::{File, Metadata};
use std::io::Read;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// What tells one state of a file or folder from another without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub(crate) struct Stamp {
    device: u64,
    inode: u64,
    pub(crate) size: u64,
    /// Nanoseconds since 1970, saturated.
    modified: i64,
    /// Nanoseconds since 1970, saturated. Catches a write whose modification time was set back.
    changed: i64,
    pub(crate) mode: u32,
}

impl Stamp {
    /// Reads the stamp of a file's metadata.
    pub(crate) fn of(metadata: &Metadata) -> Stamp {
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt;
            let nanos =
                |seconds: i64, nanos: i64| seconds.saturating_mul(1_000_000_000).saturating_add(nanos);
            Stamp {
                device: metadata.dev(),
                inode: metadata.ino(),
                size: metadata.len(),
                modified: nanos(metadata.mtime(), metadata.mtime_nsec()),
                changed: nanos(metadata.ctime(), metadata.ctime_nsec()),
                mode: metadata.mode(),
            }
        }
        #[cfg(not(unix))]
        {
            let modified = metadata.modified().map_or(0, nanos_since_epoch);
            let mode = u32::from(metadata.permissions().readonly());
            Stamp { device: 0, inode: 0, size: metadata.len(), modified, changed: modified, mode }
        }
    }

    /// The stamp of what stands at a path, a link not followed; `None` when nothing does.
    pub(crate) fn at(path: &Path) -> Option<Stamp> {
        std::fs::symlink_metadata(path).ok().map(|metadata| Stamp::of(&metadata))
    }

    /// True when the file changed so shortly before `read_at` that a later change could carry the same
    /// times; such a stamp proves nothing. File systems with whole seconds get a wider margin.
    pub(crate) fn is_racy(&self, read_at: SystemTime) -> bool {
        let coarse = self.changed % 1_000_000_000 == 0 && self.modified % 1_000_000_000 == 0;
        let margin = if coarse { Duration::from_secs(2) } else { Duration::from_millis(20) };
        nanos_since_epoch(read_at).saturating_sub(self.changed.max(self.modified)) < margin.as_nanos() as i64
    }

    /// The stamp in four words: equal for equal stamps, as good as never for others.
    pub(crate) fn words(&self) -> [u64; 4] {
        let place = self.inode ^ self.device.rotate_left(40) ^ u64::from(self.mode).rotate_left(20);
        [place, self.size, self.modified as u64, self.changed as u64]
    }

    /// True for a symbolic link, whose stamp says nothing of what it leads to.
    pub(crate) fn is_link(&self) -> bool {
        cfg!(unix) && self.mode & 0o170_000 == 0o120_000
    }

    /// True when any of the executable bits is set.
    pub(crate) fn is_executable(&self) -> bool {
        cfg!(unix) && self.mode & 0o111 != 0
    }
}

fn nanos_since_epoch(time: SystemTime) -> i64 {
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_nanos()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_nanos()).map_or(i64::MIN, |nanos| -nanos),
    }
}

/// Opens a regular file of a root for reading, without ever following a link out of the roots.
pub(crate) fn open_regular(roots: &Roots, root: &Root, inner: &str) -> Result<(File, Metadata), ReadError> {
    if inner.split('/').any(is_vcs_name) {
        return Err(ReadError::Ignored);
    }
    let file = match open_without_links(root, inner) {
        Some(opened) => opened.map_err(|error| ReadError::from_io(&error))?,
        None => open_resolved(roots, &join_slashed(&root.path, inner))?,
    };
    let metadata = file.metadata().map_err(|error| ReadError::from_io(&error))?;
    if metadata.is_file() { Ok((file, metadata)) } else { Err(ReadError::NotAFile) }
}

/// The fast way: the kernel itself refuses every link. `None` when a link is met or the call is unknown.
#[cfg(target_os = "linux")]
fn open_without_links(root: &Root, inner: &str) -> Option<std::io::Result<File>> {
    use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, openat, openat2};
    use rustix::io::Errno;
    let folder = openat(CWD, &root.real, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty());
    let folder = match folder {
        Ok(folder) => folder,
        Err(error) => return Some(Err(error.into())),
    };
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    match openat2(&folder, inner, READ_FLAGS, Mode::empty(), resolve) {
        Ok(file) => Some(Ok(File::from(file))),
        Err(Errno::LOOP | Errno::NOSYS | Errno::PERM | Errno::XDEV | Errno::AGAIN | Errno::INVAL) => None,
        // A socket cannot be opened; the caller would else report a riddle.
        Err(Errno::NXIO) => Some(Err(std::io::Error::from(std::io::ErrorKind::IsADirectory))),
        Err(error) => Some(Err(error.into())),
    }
}

#[cfg(not(target_os = "linux"))]
fn open_without_links(_root: &Root, _inner: &str) -> Option<std::io::Result<File>> {
    None
}

/// Without blocking, so that a pipe under a file's name does not hang the reader.
#[cfg(target_os = "linux")]
const READ_FLAGS: rustix::fs::OFlags = rustix::fs::OFlags::RDONLY
    .union(rustix::fs::OFlags::NONBLOCK)
    .union(rustix::fs::OFlags::NOCTTY)
    .union(rustix::fs::OFlags::CLOEXEC);

fn open_resolved(roots: &Roots, path: &Path) -> Result<File, ReadError> {
    let real = std::fs::canonicalize(path).map_err(|error| ReadError::from_io(&error))?;
    if !roots.holds_real(&real) {
        return Err(ReadError::Outside);
    }
    let metadata = std::fs::symlink_metadata(&real).map_err(|error| ReadError::from_io(&error))?;
    if !metadata.is_file() {
        return Err(ReadError::NotAFile);
    }
    open_plain(&real).map_err(|error| ReadError::from_io(&error))
}

#[cfg(unix)]
fn open_plain(real: &Path) -> std::io::Result<File> {
    use rustix::fs::{Mode, OFlags};
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    Ok(File::from(rustix::fs::open(real, flags, Mode::empty())?))
}

#[cfg(not(unix))]
fn open_plain(real: &Path) -> std::io::Result<File> {
    File::open(real)
}

/// Reads a whole open file, refusing more than `limit` bytes without reading them all.
pub(crate) fn read_limited(file: &mut File, size: u64, limit: u64) -> Result<Vec<u8>, ReadError> {
    if size > limit {
        return Err(ReadError::TooLarge { bytes: size, limit });
    }
    let mut bytes = Vec::with_capacity(size as usize + 1);
    file.take(limit + 1).read_to_end(&mut bytes).map_err(|error| ReadError::from_io(&error))?;
    if bytes.len() as u64 > limit {
        return Err(ReadError::TooLarge { bytes: bytes.len() as u64, limit });
    }
    Ok(bytes)
}
