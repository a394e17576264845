//! The index on disk, in a folder of its own: a cache that may vanish at any time.
//!
//! | file | what | written |
//! | --- | --- | --- |
//! | `pack-*` | facts by content hash, lists of grams | when enough contents are new |
//! | `base-*` | the files as they were, with postings of names, terms, symbols | when many files changed |
//! | `head` | which of them count, and the files that changed since the base | last, each time |
//! | `lock` | held while files are written or removed | – |
//!
//! Every file appears by a rename and never changes. A reader needs no lock: it takes the head and maps what that
//! names; a writer takes the lock, adopts the packs that another process added meanwhile, and writes a new head.
//! What does not check out is left aside, and what is missing is read anew from the texts.

mod base;
mod entry;
mod frame;
mod mapped;
mod pack;
mod postings;
mod source;

pub(crate) use base::{Base, base as base_bytes};
pub(crate) use entry::{Brief, Entry, What};
pub use entry::{Degraded, Opaque, Stamp};
pub(crate) use mapped::Bytes;
pub(crate) use pack::{Pack, Packing};
pub(crate) use postings::{Posting, Postings};
pub(crate) use source::{Common, Content, Stored};

use crate::hash::ContentHash;
use frame::{Frame, Kind, framed};
use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

const HEAD: &str = "head";
const LOCK: &str = "lock";
/// More packs than this are joined.
const PACKS: usize = 12;

/// The folder of one workspace's cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Folder(PathBuf);

/// What a folder held when it was opened.
#[derive(Debug, Default)]
pub(crate) struct Loaded {
    pub(crate) packs: Vec<Arc<Pack>>,
    pub(crate) base: Option<(Base, Vec<Entry>)>,
    /// Files that changed since the base was written.
    pub(crate) changes: Vec<Entry>,
}

/// The head, as it stands on disk.
#[derive(Debug, Default, PartialEq, Eq)]
struct Head {
    base: String,
    packs: Vec<String>,
    changes: Vec<Entry>,
}

/// Held while files of the folder are written or removed.
pub(crate) struct Writing<'f> {
    folder: &'f Folder,
    /// Given back when it is dropped.
    _lock: File,
}

impl Folder {
    /// The folder at `path`, which need not exist.
    pub(crate) fn new(path: &Path) -> Folder {
        Folder(path.to_owned())
    }

    /// All that is there and whole.
    pub(crate) fn load(&self) -> Loaded {
        // Another process may remove what the head named a moment ago; its new head is there then.
        (0..3).find_map(|_| self.try_load()).unwrap_or_default()
    }

    fn try_load(&self) -> Option<Loaded> {
        let head = self.head()?;
        let packs: Vec<_> =
            head.packs.iter().filter_map(|name| Pack::open(&self.0, name)).map(Arc::new).collect();
        let base = Base::open(&self.0, &head.base);
        if packs.len() < head.packs.len() && self.head().as_ref() != Some(&head) {
            return None;
        }
        // Changes speak of one base only.
        let changes = if base.is_some() || head.base.is_empty() { head.changes } else { Vec::new() };
        Some(Loaded { packs, base, changes })
    }

    fn head(&self) -> Option<Head> {
        let frame = Frame::open(&self.0.join(HEAD), Kind::Head)?;
        let names = frame.section(0)?;
        let mut names = std::str::from_utf8(&names).ok()?.lines();
        let base = names.next()?.to_owned();
        let packs: Vec<String> = names.map(str::to_owned).collect();
        // A name that leads elsewhere is none of ours.
        let ours = |name: &String| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        if !ours(&base) || !packs.iter().all(ours) {
            return None;
        }
        Some(Head { base, packs, changes: entry::unpack(&frame.section(1)?)? })
    }

    /// Takes the right to write, waiting for another process that has it.
    pub(crate) fn write(&self) -> std::io::Result<Writing<'_>> {
        std::fs::create_dir_all(&self.0)?;
        let lock = File::options().create(true).truncate(false).write(true).open(self.0.join(LOCK))?;
        lock.lock()?;
        Ok(Writing { folder: self, _lock: lock })
    }

    /// Removes everything; gives the number of bytes that were there.
    pub(crate) fn purge(&self) -> std::io::Result<u64> {
        if !self.0.is_dir() {
            return Ok(0);
        }
        let writing = self.write()?;
        let bytes = writing.remove_all_but(&BTreeSet::new())?;
        drop(writing);
        std::fs::remove_file(self.0.join(LOCK))?;
        // Another process may have begun anew; then the folder stays.
        let _ = std::fs::remove_dir(&self.0);
        Ok(bytes)
    }

    /// Bytes of all files.
    pub(crate) fn bytes(&self) -> u64 {
        let entries = std::fs::read_dir(&self.0).into_iter().flatten().flatten();
        entries.filter_map(|entry| entry.metadata().ok()).map(|found| found.len()).sum()
    }
}

/// A name that no other file has, of this process or another.
fn fresh_name(kind: &str) -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let nanos = std::time::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_nanos() as u64);
    format!("{kind}-{nanos:016x}-{:x}-{:x}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}

impl Writing<'_> {
    /// The packs that count now, of this process and of others: those of the head that are not among `known`, opened.
    pub(crate) fn packs(&self, known: &[Arc<Pack>]) -> Vec<Arc<Pack>> {
        let path = &self.folder.0;
        let mut packs: Vec<Arc<Pack>> =
            known.iter().filter(|pack| path.join(&pack.name).is_file()).cloned().collect();
        for name in self.folder.head().unwrap_or_default().packs {
            if packs.iter().all(|pack| pack.name != name) {
                packs.extend(Pack::open(path, &name).map(Arc::new));
            }
        }
        packs
    }

    /// Writes a pack and opens it.
    pub(crate) fn pack(&self, packing: Packing) -> std::io::Result<Arc<Pack>> {
        let name = fresh_name("pack");
        frame::write(&self.folder.0.join(&name), &packing.finish())?;
        Pack::open(&self.folder.0, &name).map(Arc::new).ok_or_else(|| unreadable(&name))
    }

    /// Writes a base and opens it.
    pub(crate) fn base(&self, bytes: &[u8]) -> std::io::Result<Base> {
        let name = fresh_name("base");
        frame::write(&self.folder.0.join(&name), bytes)?;
        Base::open(&self.folder.0, &name).map(|(base, _)| base).ok_or_else(|| unreadable(&name))
    }

    /// Does the file of this base still stand?
    pub(crate) fn has(&self, base: &Base) -> bool {
        self.folder.0.join(&base.name).is_file()
    }

    /// Writes the head and removes what it does not name.
    pub(crate) fn head(
        &self,
        base: Option<&Base>,
        packs: &[Arc<Pack>],
        changes: &[Entry],
    ) -> std::io::Result<()> {
        let base = base.map_or("", |base| &base.name);
        let mut names = vec![base];
        names.extend(packs.iter().map(|pack| pack.name.as_str()));
        let bytes = framed(Kind::Head, &[names.join("\n").as_bytes(), &entry::pack(changes)]);
        frame::write(&self.folder.0.join(HEAD), &bytes)?;
        let mut kept: BTreeSet<&str> = names.into_iter().collect();
        kept.insert(HEAD);
        self.remove_all_but(&kept)?;
        Ok(())
    }

    fn remove_all_but(&self, kept: &BTreeSet<&str>) -> std::io::Result<u64> {
        let mut bytes = 0;
        for entry in std::fs::read_dir(&self.folder.0)? {
            let entry = entry?;
            let name = entry.file_name();
            let is_ours = |name: &str| name != LOCK && !kept.contains(name);
            if name.to_str().is_some_and(is_ours) {
                bytes += entry.metadata().map_or(0, |found| found.len());
                // Where a mapped file cannot be removed, the next writer tries again.
                let _ = std::fs::remove_file(entry.path());
            }
        }
        Ok(bytes)
    }
}

fn unreadable(name: &str) -> std::io::Error {
    std::io::Error::other(format!("the file {name} of the index does not read as it was written"))
}

/// The newest pack that has the content, and its number there.
pub(crate) fn find(packs: &[Arc<Pack>], hash: ContentHash) -> Option<(&Arc<Pack>, u32)> {
    packs.iter().rev().find_map(|pack| Some((pack, pack.find(hash)?)))
}

/// Should packs be joined: too many of them, or most of what they hold is of no use any more?
pub(crate) fn is_crowded(packs: &[Arc<Pack>], live: usize) -> bool {
    let held: usize = packs.iter().map(|pack| pack.len()).sum();
    packs.len() > PACKS || held > 3 * live + 2_000
}
