//! Putting one file or link into a shadow, if what is there already is not the same.

use super::manifest::{Laid, Origin};
use super::place::{NewFile, Walk};
use super::{Method, ShadowError};
use crate::disk::{self, Stamp};
use crate::error::ReadError;
use crate::roots::Roots;
use galley_text::path::RelPath;
use std::fs::{File, Metadata};
use std::io::{self, Read, Seek};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

/// What is to stand at a path.
pub(crate) enum Want {
    Nothing,
    /// The file of the person's tree.
    Disk,
    /// These bytes; executable or not.
    Bytes(Vec<u8>, u32),
    Link(PathBuf),
}

/// Lays entries into one shadow.
pub(crate) struct Layer<'s> {
    pub(crate) roots: &'s Roots,
    pub(crate) walk: Walk<'s>,
    /// The modification time of what is written; the present when absent.
    pub(crate) modified: Option<SystemTime>,
    pub(crate) reflink: &'s AtomicBool,
}

/// What became of a path.
pub(crate) struct Done {
    pub(crate) laid: Option<Laid>,
    pub(crate) is_rewritten: bool,
}

impl Layer<'_> {
    /// Makes the shadow's entry what is wanted. Content that is there already keeps its modification time,
    /// which is what lets builds see that nothing happened.
    pub(crate) fn lay(
        &mut self,
        path: &RelPath,
        want: Want,
        before: Option<&Laid>,
    ) -> Result<Done, ShadowError> {
        let inner = path.as_str();
        let target = self.walk.place().path().join(inner);
        let now = Stamp::at(&target);
        let failed = |error: io::Error| ShadowError::from_io(target, &error);
        let untouched = before.filter(|laid| now == Some(laid.stamp));
        match want {
            Want::Nothing => {
                if now.is_some() {
                    self.walk.remove(inner).map_err(failed)?;
                }
                Ok(Done { laid: None, is_rewritten: now.is_some() })
            }
            Want::Bytes(bytes, mode) => self.lay_bytes(inner, &bytes, mode, untouched).map_err(failed),
            Want::Link(target) => self.lay_link(inner, &target, untouched).map_err(failed),
            Want::Disk => self.lay_disk(path, untouched),
        }
    }

    fn lay_bytes(&mut self, inner: &str, bytes: &[u8], mode: u32, before: Option<&Laid>) -> io::Result<Done> {
        let origin = Origin::Text(*blake3::hash(bytes).as_bytes());
        if let Some(before) = before {
            let is_same = before.origin == origin || self.holds(inner, bytes);
            if is_same && before.stamp.mode & 0o777 == mode & 0o777 {
                return Ok(Done { laid: Some(Laid { origin, stamp: before.stamp }), is_rewritten: false });
            }
        }
        let new = NewFile { mode, modified: self.modified };
        let fill = |mut file: &File| io::Write::write_all(&mut file, bytes);
        let metadata = self.walk.create_file(inner, &new, fill)?;
        Ok(written(origin, &metadata))
    }

    fn lay_link(&mut self, inner: &str, target: &Path, before: Option<&Laid>) -> io::Result<Done> {
        let origin = Origin::Link(target.to_string_lossy().into_owned());
        if let Some(before) = before.filter(|before| before.origin == origin) {
            return Ok(Done { laid: Some(before.clone()), is_rewritten: false });
        }
        self.walk.create_link(inner, target)?;
        Ok(written(origin, &self.walk.place().path().join(inner).symlink_metadata()?))
    }

    fn lay_disk(&mut self, path: &RelPath, before: Option<&Laid>) -> Result<Done, ShadowError> {
        let inner = path.as_str();
        let Some((root, in_root)) = self.roots.split(path) else {
            return Ok(Done { laid: None, is_rewritten: false });
        };
        if let Some(before) = before
            && let Origin::Disk(known) = before.origin
            && Stamp::at(&root.real.join(in_root)) == Some(known)
            && !known.is_racy(SystemTime::now())
        {
            return Ok(Done { laid: Some(before.clone()), is_rewritten: false });
        }
        let (mut source, metadata) = match disk::open_regular(self.roots, root, in_root) {
            Ok(opened) => opened,
            // It vanished or became something else since it was listed.
            Err(ReadError::Missing | ReadError::NotAFile | ReadError::Outside | ReadError::Ignored) => {
                return self.lay(path, Want::Nothing, None);
            }
            Err(why) => return Err(ShadowError::Source { path: path.clone(), why }),
        };
        let stamp = Stamp::of(&metadata);
        let origin = if stamp.is_racy(SystemTime::now()) { Origin::Fresh } else { Origin::Disk(stamp) };
        let target = self.walk.place().path().join(inner);
        let failed = |error: io::Error| ShadowError::from_io(&target, &error);
        if let Some(before) = before {
            let has_mode = before.stamp.mode & 0o777 == stamp.mode & 0o777;
            if has_mode && self.holds_same(inner, &mut source, stamp.size) {
                return Ok(Done { laid: Some(Laid { origin, stamp: before.stamp }), is_rewritten: false });
            }
            source.rewind().map_err(failed)?;
        }
        let new = NewFile { mode: stamp.mode, modified: self.modified };
        let reflink = self.reflink;
        let fill = |target: &File| copy(reflink, &source, target);
        let metadata = self.walk.create_file(inner, &new, fill).map_err(failed)?;
        Ok(written(origin, &metadata))
    }

    fn holds(&self, inner: &str, bytes: &[u8]) -> bool {
        let Ok(mut file) = self.walk.place().open_file(inner) else { return false };
        is_same_content(&mut file, &mut &bytes[..])
    }

    fn holds_same(&self, inner: &str, source: &mut File, size: u64) -> bool {
        let Ok(mut file) = self.walk.place().open_file(inner) else { return false };
        file.metadata().is_ok_and(|found| found.len() == size) && is_same_content(&mut file, source)
    }
}

fn written(origin: Origin, metadata: &Metadata) -> Done {
    Done { laid: Some(Laid { origin, stamp: Stamp::of(metadata) }), is_rewritten: true }
}

fn copy(reflink: &AtomicBool, mut source: &File, mut target: &File) -> io::Result<()> {
    if reflink.load(Ordering::Relaxed) {
        if clone_blocks(source, target) {
            return Ok(());
        }
        reflink.store(false, Ordering::Relaxed);
    }
    io::copy(&mut source, &mut target).map(|_| ())
}

pub(super) fn is_same_content(one: &mut impl Read, other: &mut impl Read) -> bool {
    let (mut left, mut right) = (vec![0; 64 << 10], vec![0; 64 << 10]);
    loop {
        let (Ok(some), Ok(more)) = (read_full(one, &mut left), read_full(other, &mut right)) else {
            return false;
        };
        if left[..some] != right[..more] {
            return false;
        }
        if some == 0 {
            return true;
        }
    }
}

fn read_full(from: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match from.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// Lets two files share their blocks until one is written; false where the file system cannot.
#[cfg(target_os = "linux")]
fn clone_blocks(source: &File, target: &File) -> bool {
    rustix::fs::ioctl_ficlone(target, source).is_ok()
}

/// macOS clones by path (`clonefile`), which `std::fs::copy` does itself; other systems copy.
#[cfg(not(target_os = "linux"))]
fn clone_blocks(_source: &File, _target: &File) -> bool {
    false
}

/// Whether files of a folder can share blocks with files of another, found by trying.
pub(crate) fn method_between(source: Option<File>, folder: &Path) -> Method {
    let probe = folder.join("reflink-probe");
    let shares = source
        .is_some_and(|source| File::create_new(&probe).is_ok_and(|target| clone_blocks(&source, &target)));
    let _ = std::fs::remove_file(probe);
    if shares { Method::Reflink } else { Method::Copy }
}
