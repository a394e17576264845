//! Texts and content hashes of files, remembered as long as the file's stamp stays the same.
//!
//! Memory is bounded by two generations: when the young one holds half of the limit it becomes the old one,
//! and what the old one still held is forgotten unless it was asked for since. That needs no clock and no
//! list of uses, and a sweep over a huge tree cannot push the memory past the limit.

use crate::disk::{self, Stamp};
use crate::error::ReadError;
use crate::roots::{Root, Roots};
use galley_text::encoding::{self, Encoding};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

/// A file's text as it stood on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DiskText {
    pub(crate) text: Arc<str>,
    pub(crate) encoding: Encoding,
}

/// The BLAKE3 hash of a file's bytes.
pub(crate) type ContentHash = [u8; 32];

#[derive(Clone)]
struct Remembered {
    stamp: Stamp,
    text: Result<DiskText, ReadError>,
}

impl Remembered {
    fn weight(&self) -> usize {
        self.text.as_ref().map_or(0, |known| known.text.len()) + 256
    }
}

#[derive(Default)]
struct Generations {
    young: HashMap<PathBuf, Remembered>,
    old: HashMap<PathBuf, Remembered>,
    young_weight: usize,
}

impl Generations {
    fn get(&mut self, path: &PathBuf, limit: usize) -> Option<Remembered> {
        if let Some(known) = self.young.get(path) {
            return Some(known.clone());
        }
        let known = self.old.remove(path)?;
        self.put(path.clone(), known.clone(), limit);
        Some(known)
    }

    fn put(&mut self, path: PathBuf, known: Remembered, limit: usize) {
        let weight = known.weight();
        if self.young_weight + weight > limit / 2 {
            self.old = std::mem::take(&mut self.young);
            self.young_weight = 0;
        }
        if weight > limit / 2 {
            return;
        }
        self.young_weight += weight;
        if let Some(before) = self.young.insert(path, known) {
            self.young_weight -= before.weight();
        }
    }
}

/// The memory of file texts and hashes; shared by all snapshots of a workspace.
pub(crate) struct Cache {
    limit_bytes: usize,
    file_limit: u64,
    texts: Mutex<Generations>,
    hashes: Mutex<HashMap<PathBuf, (Stamp, ContentHash)>>,
}

impl Cache {
    pub(crate) fn new(limit_bytes: usize, file_limit: u64) -> Cache {
        Cache { limit_bytes, file_limit, texts: Mutex::default(), hashes: Mutex::default() }
    }

    /// The longest file in bytes that is read.
    pub(crate) fn file_limit(&self) -> u64 {
        self.file_limit
    }

    /// The text of a file, from memory when its stamp did not change.
    pub(crate) fn read(&self, roots: &Roots, root: &Root, inner: &str) -> Result<DiskText, ReadError> {
        let key = root.real.join(inner);
        if let Some(known) = self.known_text(&key, Stamp::at(&key)) {
            return known;
        }
        let (mut file, metadata) = disk::open_regular(roots, root, inner)?;
        let stamp = Stamp::of(&metadata);
        if let Some(known) = self.known_text(&key, Some(stamp)) {
            return known;
        }
        let read_at = SystemTime::now();
        let text = disk::read_limited(&mut file, metadata.len(), self.file_limit).and_then(decode);
        let settled = file.metadata().is_ok_and(|after| Stamp::of(&after) == stamp);
        if settled && !stamp.is_racy(read_at) && !matches!(text, Err(ReadError::Io { .. })) {
            self.lock().put(key, Remembered { stamp, text: text.clone() }, self.limit_bytes);
        }
        text
    }

    /// What is remembered of a file in this very state. A stamp names the file itself and not its path, and
    /// only files inside the roots are remembered; so a state that is known needs no second look at links.
    fn known_text(&self, key: &PathBuf, stamp: Option<Stamp>) -> Option<Result<DiskText, ReadError>> {
        let known = self.lock().get(key, self.limit_bytes)?;
        (Some(known.stamp) == stamp).then_some(known.text)
    }

    fn known_hash(&self, key: &PathBuf, stamp: Option<Stamp>) -> Option<(ContentHash, bool)> {
        let hashes = self.hashes.lock().unwrap_or_else(PoisonError::into_inner);
        let (known, hash) = hashes.get(key)?;
        (Some(*known) == stamp).then(|| (*hash, known.is_executable()))
    }

    /// The hash of a file's bytes and whether it is executable; files of any length are hashed.
    pub(crate) fn hash(
        &self,
        roots: &Roots,
        root: &Root,
        inner: &str,
    ) -> Result<(ContentHash, bool), ReadError> {
        let key = root.real.join(inner);
        if let Some(known) = self.known_hash(&key, Stamp::at(&key)) {
            return Ok(known);
        }
        let (file, metadata) = disk::open_regular(roots, root, inner)?;
        let stamp = Stamp::of(&metadata);
        if let Some(known) = self.known_hash(&key, Some(stamp)) {
            return Ok(known);
        }
        let read_at = SystemTime::now();
        let mut hasher = blake3::Hasher::new();
        hasher.update_reader(file).map_err(|error| ReadError::from_io(&error))?;
        let hash = *hasher.finalize().as_bytes();
        if !stamp.is_racy(read_at) {
            let mut hashes = self.hashes.lock().unwrap_or_else(PoisonError::into_inner);
            hashes.insert(key, (stamp, hash));
        }
        Ok((hash, stamp.is_executable()))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Generations> {
        self.texts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn decode(bytes: Vec<u8>) -> Result<DiskText, ReadError> {
    let decoded = encoding::decode(&bytes).map_err(|error| ReadError::from_decode(&error))?;
    Ok(DiskText { text: Arc::from(decoded.text), encoding: decoded.encoding })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_stays_bounded() {
        let stamp = Stamp::at(&std::env::temp_dir()).expect("a stamp");
        let mut generations = Generations::default();
        let limit = 100_000;
        for number in 0..1_000 {
            let text = DiskText { text: Arc::from("x".repeat(1_000)), encoding: Encoding::Utf8 };
            generations.put(format!("f{number}").into(), Remembered { stamp, text: Ok(text) }, limit);
            let held: usize =
                generations.young.values().chain(generations.old.values()).map(Remembered::weight).sum();
            assert!(held <= limit, "{held} bytes are held");
        }
        assert!(generations.get(&PathBuf::from("f999"), limit).is_some());
        assert!(generations.get(&PathBuf::from("f1"), limit).is_none());
    }
}
