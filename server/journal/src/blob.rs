//! Contents too large for an event, kept by their hash: one file each under `blobs/`, written once.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

use crate::{Journal, JournalError, Result, schema::BLOB_FOLDER};

/// The blake3 hash of a content, as 64 lower-case hex digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BlobId(String);

impl BlobId {
    /// The id that `content` has, stored or not.
    pub fn of(content: &[u8]) -> BlobId {
        BlobId(blake3::hash(content).to_hex().to_string())
    }

    /// The hex digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for BlobId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for BlobId {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<BlobId, String> {
        let digits = text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        if digits { Ok(BlobId(text.to_owned())) } else { Err(format!("{text:?} is not the id of a blob")) }
    }
}

impl TryFrom<String> for BlobId {
    type Error = String;

    fn try_from(text: String) -> std::result::Result<BlobId, String> {
        text.parse()
    }
}

impl From<BlobId> for String {
    fn from(id: BlobId) -> String {
        id.0
    }
}

impl Journal {
    /// Stores `content` and returns its id; on the disk when the call returns. A content that is there already is
    /// not written again.
    pub fn put_blob(&self, content: &[u8]) -> Result<BlobId> {
        let id = BlobId::of(content);
        let path = self.blob_path(&id);
        // A file cut short by an earlier loss of power has another length and is replaced.
        if fs::metadata(&path).is_ok_and(|m| m.len() == content.len() as u64) {
            return Ok(id);
        }
        write_once(&path, content)?;
        Ok(id)
    }

    /// The content of a blob, or none if it was never stored.
    ///
    /// # Errors
    /// [`JournalError::Damaged`] if the file no longer has the content its name says.
    pub fn blob(&self, id: &BlobId) -> Result<Option<Vec<u8>>> {
        let path = self.blob_path(id);
        let content = match fs::read(&path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            other => other.map_err(|e| JournalError::from_io("read", &path, e))?,
        };
        if BlobId::of(&content) != *id {
            let detail = "its content does not have the hash that is its name".to_owned();
            return Err(JournalError::Damaged { path, detail });
        }
        Ok(Some(content))
    }

    pub(crate) fn blob_folder(&self) -> PathBuf {
        self.inner.state_dir.join(BLOB_FOLDER)
    }

    fn blob_path(&self, id: &BlobId) -> PathBuf {
        let (shelf, name) = id.0.split_at(2);
        self.blob_folder().join(shelf).join(name)
    }
}

/// Writes the whole file or nothing: readers never see a part of it.
fn write_once(path: &Path, content: &[u8]) -> Result<()> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let shelf = path.parent().unwrap_or(path);
    fs::create_dir_all(shelf).map_err(|e| JournalError::from_io("make the folder", shelf, e))?;
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let temporary = shelf.join(format!(".new-{}-{count}", std::process::id()));
    let written = (|| {
        let mut file = File::create(&temporary)?;
        file.write_all(content)?;
        file.sync_all()?;
        fs::rename(&temporary, path)?;
        sync_folder(shelf)
    })();
    written.map_err(|e| {
        // Best effort: the error that counts is the first one.
        let _ = fs::remove_file(&temporary);
        JournalError::from_io("write", path, e)
    })
}

#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Windows has no way to sync a folder; its file systems journal the rename.
#[cfg(not(unix))]
fn sync_folder(_folder: &Path) -> io::Result<()> {
    Ok(())
}
