//! The one place of this crate with `unsafe`: a file mapped into memory.
//!
//! The reason: a warm start must not read what nobody asks for, and idle memory must be the kernel's to take back.
//! Both need a mapping, and a mapping is `unsafe` because another process could change the bytes under a reference.
//! Files of the cache are written under a name of their own, renamed into place and never written again, by Galley at
//! least; a file that somebody else changes shows by its checksums, and every reader checks bounds as it reads.
#![allow(unsafe_code)]

use std::fs::File;
use std::ops::{Deref, Range};
use std::path::Path;
use std::sync::Arc;

/// Bytes in memory or in a mapped file. Cheap to clone and to cut.
#[derive(Clone)]
pub(crate) struct Bytes {
    owner: Owner,
    range: Range<usize>,
}

#[derive(Clone)]
enum Owner {
    Held(Arc<[u8]>),
    Mapped(Arc<memmap2::Mmap>),
}

impl Bytes {
    /// Maps a whole file for reading.
    pub(crate) fn map(path: &Path) -> std::io::Result<Bytes> {
        let file = File::open(path)?;
        // SAFETY: nobody writes to a file of the cache after it has its name (see the head of this module); bytes that
        // change nevertheless are plain bytes to every reader, none of which trusts them.
        let map = unsafe { memmap2::Mmap::map(&file)? };
        let range = 0..map.len();
        Ok(Bytes { owner: Owner::Mapped(Arc::new(map)), range })
    }

    /// A part of these bytes; `None` if they do not reach so far. `range` is half-open.
    pub(crate) fn part(&self, range: Range<usize>) -> Option<Bytes> {
        let start = self.range.start.checked_add(range.start)?;
        let end = self.range.start.checked_add(range.end)?;
        (start <= end && end <= self.range.end)
            .then(|| Bytes { owner: self.owner.clone(), range: start..end })
    }

    /// Do they lie in a file?
    pub(crate) fn is_mapped(&self) -> bool {
        matches!(self.owner, Owner::Mapped(_))
    }
}

impl From<Vec<u8>> for Bytes {
    fn from(bytes: Vec<u8>) -> Bytes {
        let range = 0..bytes.len();
        Bytes { owner: Owner::Held(bytes.into()), range }
    }
}

impl Default for Bytes {
    fn default() -> Bytes {
        Bytes::from(Vec::new())
    }
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        let all: &[u8] = match &self.owner {
            Owner::Held(bytes) => bytes,
            Owner::Mapped(map) => map,
        };
        all.get(self.range.clone()).unwrap_or_default()
    }
}

impl std::fmt::Debug for Bytes {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{} bytes{}", self.len(), if self.is_mapped() { ", mapped" } else { "" })
    }
}
