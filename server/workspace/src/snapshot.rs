//! An immutable view of a workspace: open documents first, then the disk, read when asked.
//!
//! What was read once through a snapshot stays as it was read, so that a task which looks at a file twice sees
//! the same text, whatever happens on disk meanwhile. That memory is bounded: past [`PINNED_BYTES`] a text is
//! handed out without being pinned. Sweeps over all files use [`Snapshot::peek`], which pins nothing.

use crate::cache::{ContentHash, DiskText};
use crate::document::Documents;
use crate::error::ReadError;
use crate::listing::Listing;
use crate::roots::Roots;
use crate::workspace::Workspace;
use galley_text::encoding::{Encoding, encode};
use galley_text::path::RelPath;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// How many bytes of texts one snapshot keeps unchanged for its reader.
pub const PINNED_BYTES: usize = 256 << 20;

/// An immutable view of a workspace at one revision. Cloning is cheap.
#[derive(Clone)]
pub struct Snapshot {
    inner: Arc<Inner>,
}

struct Inner {
    workspace: Workspace,
    roots: Arc<Roots>,
    documents: Arc<Documents>,
    revision: u64,
    listing: OnceLock<Arc<Listing>>,
    files: OnceLock<Arc<[RelPath]>>,
    pinned: Mutex<Pinned>,
}

#[derive(Default)]
struct Pinned {
    texts: HashMap<RelPath, Result<DiskText, ReadError>>,
    bytes: usize,
}

impl Snapshot {
    pub(crate) fn new(
        workspace: Workspace,
        roots: Arc<Roots>,
        documents: Arc<Documents>,
        revision: u64,
    ) -> Snapshot {
        let (listing, files, pinned) = (OnceLock::new(), OnceLock::new(), Mutex::default());
        Snapshot { inner: Arc::new(Inner { workspace, roots, documents, revision, listing, files, pinned }) }
    }

    /// Counts changes of documents and roots; equal numbers mean equal documents, not equal files.
    pub fn revision(&self) -> u64 {
        self.inner.revision
    }

    /// True when both are the same view, not merely equal ones.
    pub fn is_same(&self, other: &Snapshot) -> bool {
        Arc::ptr_eq(&self.inner, &other.inner)
    }

    /// The roots of this view.
    pub fn roots(&self) -> &Arc<Roots> {
        &self.inner.roots
    }

    /// The workspace that this is a view of.
    pub fn workspace(&self) -> &Workspace {
        &self.inner.workspace
    }

    /// The text of a file: the open buffer's, else the disk's. The second reading gives what the first gave.
    pub fn read(&self, path: &RelPath) -> Result<Arc<str>, ReadError> {
        if self.is_denied(path) {
            return Err(ReadError::Ignored);
        }
        if let Some(document) = self.inner.documents.get(path) {
            return Ok(document.text());
        }
        self.pin(path).map(|disk| disk.text)
    }

    /// As [`Snapshot::read`], without keeping the text: for indexing and searching whole trees.
    pub fn peek(&self, path: &RelPath) -> Result<Arc<str>, ReadError> {
        if self.is_denied(path) {
            return Err(ReadError::Ignored);
        }
        match self.inner.documents.get(path) {
            Some(document) => Ok(document.text()),
            None => self.disk_text(path).map(|disk| disk.text),
        }
    }

    /// The version of the open document, `None` when the path is not open.
    pub fn version(&self, path: &RelPath) -> Option<i32> {
        self.inner.documents.get(path).map(|document| document.version())
    }

    /// How the file's text is written on disk; UTF-8 for one that is not there or cannot be read.
    pub fn encoding(&self, path: &RelPath) -> Encoding {
        self.disk_text(path).map_or(Encoding::Utf8, |disk| disk.encoding)
    }

    /// All files of the workspace, sorted, new unsaved documents included. The first call may wait for the
    /// disk; see [`Workspace::files_now`] for one that does not.
    pub fn files(&self) -> Arc<[RelPath]> {
        Arc::clone(self.inner.files.get_or_init(|| {
            let listing = self.listing();
            let listed = listing.files();
            let is_new = |path: &&RelPath| {
                listed.binary_search(path).is_err()
                    && !listing.is_ignored(path)
                    && self.inner.roots.absolute(path).is_some_and(|path| path.symlink_metadata().is_err())
            };
            let new: Vec<_> = self.inner.documents.keys().filter(is_new).cloned().collect();
            if new.is_empty() {
                return Arc::clone(listed);
            }
            let mut all: Vec<_> = listed.iter().cloned().chain(new).collect();
            all.sort_unstable();
            all.into()
        }))
    }

    /// The list of files behind [`Snapshot::files`], with hidden files and links.
    pub fn listing(&self) -> Arc<Listing> {
        Arc::clone(self.inner.listing.get_or_init(|| {
            let listing = self.inner.workspace.listing();
            if listing.roots == self.inner.roots {
                return listing;
            }
            Arc::new(Listing::walk(Arc::clone(&self.inner.roots)))
        }))
    }

    /// A name for the content of all listed files: equal exactly when paths, bytes and executable bits are
    /// equal, buffers counting as if they were saved. Reads what it has not hashed before.
    pub fn content_hash(&self) -> String {
        let no_edits = |_: &RelPath| None;
        tree_hash(self.files().iter().map(|path| (path, self.file_hash(path, &no_edits))))
    }

    /// The hash of one file of a tree, with `edited` standing in for the disk where it says something.
    pub(crate) fn file_hash(
        &self,
        path: &RelPath,
        edited: &dyn Fn(&RelPath) -> Option<Arc<str>>,
    ) -> (ContentHash, bool) {
        let on_disk =
            self.inner.roots.split(path).and_then(|(root, inner)| {
                self.inner.workspace.cache().hash(&self.inner.roots, root, inner).ok()
            });
        let is_executable = on_disk.is_some_and(|(_, is_executable)| is_executable);
        let text = edited(path).or_else(|| self.inner.documents.get(path).map(|document| document.text()));
        match text {
            Some(text) => {
                let bytes = encode(&text, self.encoding(path));
                (*blake3::hash(&bytes).as_bytes(), is_executable)
            }
            None => on_disk.unwrap_or_default(),
        }
    }

    /// The paths of all open documents, sorted.
    pub(crate) fn document_paths(&self) -> impl Iterator<Item = &RelPath> {
        self.inner.documents.keys()
    }

    /// The text of an open document, in the bytes that saving it would write.
    pub(crate) fn document_bytes(&self, path: &RelPath) -> Option<Vec<u8>> {
        let document = self.inner.documents.get(path)?;
        Some(encode(&document.text(), self.encoding(path)))
    }

    /// The file of the workspace that a path leads to through symbolic links; `None` where no link is on the way, where it
    /// leads out or nowhere, or where an editor has the document open under this name.
    pub fn link_target(&self, path: &RelPath) -> Option<RelPath> {
        let (root, inner) = self.inner.roots.split(path)?;
        if self.inner.documents.contains_key(path) {
            return None;
        }
        let named = root.real.join(inner);
        let real = named.canonicalize().ok().filter(|real| *real != named && real.is_file())?;
        self.inner.roots.locate(&real)
    }

    /// True when a file stands at the path, readable or not.
    pub fn exists(&self, path: &RelPath) -> bool {
        let on_disk = || self.inner.roots.absolute(path).is_some_and(|path| path.is_file());
        self.inner.documents.contains_key(path) || on_disk()
    }

    /// The longest file, in bytes, that is read as text.
    pub(crate) fn file_limit(&self) -> u64 {
        self.inner.workspace.cache().file_limit()
    }

    /// True for a file whose text may be another here than on disk: an open document, or one that was read before.
    pub fn is_apart(&self, path: &RelPath) -> bool {
        self.inner.documents.contains_key(path) || self.lock_pinned().texts.contains_key(path)
    }

    /// The text that this view has of a file without a look at the disk.
    pub(crate) fn pinned_or_open(&self, path: &RelPath) -> Option<Arc<str>> {
        if let Some(document) = self.inner.documents.get(path) {
            return Some(document.text());
        }
        let pinned = self.lock_pinned();
        Some(Arc::clone(&pinned.texts.get(path)?.as_ref().ok()?.text))
    }

    fn lock_pinned(&self) -> std::sync::MutexGuard<'_, Pinned> {
        self.inner.pinned.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn is_denied(&self, path: &RelPath) -> bool {
        match self.inner.listing.get() {
            Some(listing) => listing.denies(path),
            None => self.inner.workspace.rules_now().denies(path),
        }
    }

    fn pin(&self, path: &RelPath) -> Result<DiskText, ReadError> {
        let lock = || self.inner.pinned.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = lock().texts.get(path) {
            return known.clone();
        }
        let read = self.disk_text_now(path);
        let mut pinned = lock();
        // Another thread may have been faster; its text is then everybody's.
        if let Some(known) = pinned.texts.get(path) {
            return known.clone();
        }
        let bytes = read.as_ref().map_or(0, |disk| disk.text.len()) + 128;
        if pinned.bytes + bytes <= PINNED_BYTES {
            pinned.bytes += bytes;
            pinned.texts.insert(path.clone(), read.clone());
        }
        read
    }

    /// What was pinned, else what is on disk now.
    fn disk_text(&self, path: &RelPath) -> Result<DiskText, ReadError> {
        let known = self.inner.pinned.lock().unwrap_or_else(PoisonError::into_inner).texts.get(path).cloned();
        known.unwrap_or_else(|| self.disk_text_now(path))
    }

    fn disk_text_now(&self, path: &RelPath) -> Result<DiskText, ReadError> {
        let (root, inner) = self.inner.roots.split(path).ok_or(ReadError::Missing)?;
        self.inner.workspace.cache().read(&self.inner.roots, root, inner)
    }
}

/// Hashes paths in order with the hash of each file and whether it is executable.
pub(crate) fn tree_hash<'p>(files: impl Iterator<Item = (&'p RelPath, (ContentHash, bool))>) -> String {
    let mut hasher = blake3::Hasher::new();
    for (path, (hash, is_executable)) in files {
        hasher.update(&(path.as_str().len() as u64).to_le_bytes());
        hasher.update(path.as_str().as_bytes());
        hasher.update(&[u8::from(is_executable)]);
        hasher.update(&hash);
    }
    hasher.finalize().to_hex().to_string()
}

impl std::fmt::Debug for Snapshot {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Snapshot").field("revision", &self.inner.revision).finish_non_exhaustive()
    }
}
