//! A private copy of the workspace on disk, with a task's overlay laid over it, in which commands run.
//!
//! The person's tree is only ever read. Where the sandbox can mount, it lies below, as a layer of a union
//! ([`Method::Overlayfs`], see `layered`): nothing is copied, and all writes go to a folder of the shadow's. Elsewhere
//! nothing is shared with it that a write could reach: files are cloned where the file system can share blocks until they
//! are written ([`Method::Reflink`]) and copied otherwise; hard links are never used. Symbolic links stay links; one that
//! leads into the person's tree is turned to lead to the same file of the shadow.
//!
//! What is in the shadow: every file that no rule ignores, hidden ones too, with executable bits and empty
//! folders; open documents with their unsaved text. What builds need of the ignored rest is seen through the union, or is
//! in [`Shadow::readonly_binds`], or is copied, see `binds`. Build products of the person's are not in it; builds keep
//! theirs in the shadow, or in the folder beside it ([`Shadow::products`]). Both are kept for the next task of the
//! workspace. The products belong to one shadow: builds judge them by the times of its files, and they go with it.
//!
//! Modification times: all files of a new copy carry one and the same time, and a file whose content changes
//! later carries the time of that change rounded up to a whole second, never an older one: some builds compare
//! seconds. So no build mistakes a changed file for one that it has seen, and a second build finds all others as
//! old as they were.
//!
//! On macOS cloning is what copying does by itself on APFS, and on Windows files are copied (ReFS clones in
//! the same call); neither has a union that an ordinary user may mount.

mod binds;
mod collect;
mod fill;
mod lay;
#[cfg(target_os = "linux")]
mod layered;
#[cfg(not(target_os = "linux"))]
#[path = "layered_none.rs"]
mod layered;
mod manifest;
mod owner;
mod place;
mod sweep;

pub use binds::BIND_RULES;
pub use collect::{Marks, ShadowChange};
pub use sweep::{Swept, disk_bytes, sweep, trim};

use crate::error::ReadError;
use crate::overlay::Overlay;
use crate::snapshot::Snapshot;
use crate::workspace::Workspace;
use galley_text::path::RelPath;
use lay::{Layer, Want};
use layered::Layered;
use manifest::Manifest;
use owner::Owner;
use place::Place;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use thiserror::Error;

/// How a shadow comes to its files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Method {
    /// Files share their blocks with the originals until one of them is written.
    Reflink,
    /// The original lies below, read-only, as a layer of a union.
    Overlayfs,
    /// Files are copied.
    Copy,
}

/// A tree that a sandbox puts together of folders: what is at its place is seen nowhere else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layers {
    /// Where commands see it: an empty folder.
    pub place: PathBuf,
    /// Folders that are only read, the topmost first.
    pub lower: Vec<PathBuf>,
    /// What commands write.
    pub upper: PathBuf,
    /// The mount's own.
    pub work: PathBuf,
}

/// A shadow could not be made or brought up to date. The person's tree is untouched.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ShadowError {
    /// The disk or the quota is full.
    #[error("no space is left for the private copy at {}; free some, or remove old copies", path.display())]
    NoSpace {
        /// Where it happened.
        path: PathBuf,
    },
    /// Another task uses this shadow.
    #[error("the private copy at {} is in use by another task", path.display())]
    InUse {
        /// The shadow's folder.
        path: PathBuf,
    },
    /// A file of the workspace cannot be read.
    #[error("{path} cannot be copied: {why}")]
    Source {
        /// The file.
        path: RelPath,
        /// Why not.
        why: ReadError,
    },
    /// The system refused.
    #[error("the private copy cannot be written at {}: {message}", path.display())]
    Io {
        /// Where it happened.
        path: PathBuf,
        /// The system's kind of error.
        kind: ErrorKind,
        /// The system's words.
        message: String,
    },
}

impl ShadowError {
    pub(crate) fn from_io(path: impl Into<PathBuf>, error: &std::io::Error) -> ShadowError {
        let path = path.into();
        match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => ShadowError::NoSpace { path },
            kind => ShadowError::Io { path, kind, message: error.to_string() },
        }
    }
}

/// A private copy of a workspace on disk. Unless kept it is removed when dropped.
#[derive(Debug)]
pub struct Shadow {
    folder: PathBuf,
    place: Place,
    base: Snapshot,
    overlay: Option<Overlay>,
    manifest: Manifest,
    method: Method,
    binds: Vec<(PathBuf, PathBuf)>,
    /// The union, when it is one.
    layered: Option<Layered>,
    unreadable: Vec<RelPath>,
    is_kept: bool,
    /// Last, so that the shadow is given back only after everything else is done.
    _owner: Owner,
}

impl Shadow {
    /// Makes a shadow of the workspace as it is now, open documents included, in a folder of its own.
    pub fn create(workspace: &Workspace, shadow_dir: &Path) -> Result<Shadow, ShadowError> {
        Shadow::of_snapshot(&workspace.snapshot(), shadow_dir)
    }

    /// Makes a shadow of a snapshot in a folder of its own, or goes on with one that was kept there.
    pub fn of_snapshot(snapshot: &Snapshot, shadow_dir: &Path) -> Result<Shadow, ShadowError> {
        Shadow::try_take(snapshot, shadow_dir, false)?
            .ok_or_else(|| ShadowError::InUse { path: shadow_dir.to_path_buf() })
    }

    /// Takes a shadow of this workspace that no task uses, brings it up to date, or makes one. It is kept when
    /// dropped, so that the next task's commands find build products of this one's.
    pub fn claim(snapshot: &Snapshot, shadow_root: &Path) -> Result<Shadow, ShadowError> {
        Shadow::claim_any(snapshot, shadow_root, false)
    }

    /// As [`Shadow::claim`], for a sandbox that mounts [`Shadow::layers`]: nothing is copied then. A tree that cannot be a
    /// layer (it reaches over several file systems, or folders of it belong to others) is copied all the same.
    pub fn claim_layered(snapshot: &Snapshot, shadow_root: &Path) -> Result<Shadow, ShadowError> {
        Shadow::claim_any(snapshot, shadow_root, cfg!(target_os = "linux"))
    }

    fn claim_any(snapshot: &Snapshot, shadow_root: &Path, is_layered: bool) -> Result<Shadow, ShadowError> {
        let folder = shadow_root.join(crate::workspace_key(snapshot.roots()));
        for number in 0..1_000 {
            if let Some(mut shadow) =
                Shadow::try_take(snapshot, &folder.join(number.to_string()), is_layered)?
            {
                shadow.is_kept = true;
                return Ok(shadow);
            }
        }
        Err(ShadowError::InUse { path: folder })
    }

    fn try_take(snapshot: &Snapshot, folder: &Path, is_layered: bool) -> Result<Option<Shadow>, ShadowError> {
        let failed = |error: std::io::Error| ShadowError::from_io(folder, &error);
        std::fs::create_dir_all(folder).map_err(failed)?;
        make_private(folder).map_err(failed)?;
        // The tree's real path: a link above it is the system's or the person's, none of a command's.
        let folder = std::fs::canonicalize(folder).map_err(failed)?;
        let Some(owner) = Owner::take(&folder).map_err(failed)? else { return Ok(None) };
        let mut shadow = Shadow {
            place: Place::new(folder.join("tree")),
            layered: None,
            base: snapshot.clone(),
            overlay: None,
            method: Method::Copy,
            binds: Vec::new(),
            unreadable: Vec::new(),
            is_kept: false,
            manifest: Manifest::default(),
            _owner: owner,
            folder,
        };
        if is_layered {
            let (layered, is_new) = Layered::open(&shadow.folder, snapshot.roots()).map_err(failed)?;
            shadow.place = Place::new(layered.path().to_path_buf());
            shadow.layered = Some(layered);
            if shadow.fill_layered(is_new)?.is_some() {
                return Ok(Some(shadow));
            }
        }
        shadow.take_copy()?;
        Ok(Some(shadow))
    }

    /// Makes a copy, or goes on with one that was kept.
    fn take_copy(&mut self) -> Result<(), ShadowError> {
        self.place = Place::new(self.folder.join("tree"));
        let failed = |error: std::io::Error| ShadowError::from_io(&self.folder, &error);
        let kept = Manifest::load(&self.folder).filter(|_| self.place.path().is_dir());
        if kept.is_none() {
            clear_folder(&self.folder).map_err(failed)?;
            std::fs::create_dir(self.place.path()).map_err(failed)?;
        }
        self.fill(kept).map(drop)
    }

    /// The top of the copy. With one root it is that root's copy, with several it holds a folder for each.
    /// Of a union this is an empty folder until a sandbox mounts [`Shadow::layers`].
    pub fn path(&self) -> &Path {
        self.place.path()
    }

    /// What a sandbox has to mount before a command can run here; empty for a copy.
    pub fn layers(&self) -> Vec<Layers> {
        self.layered.as_ref().map_or_else(Vec::new, |layered| layered.layers(self.base.roots()))
    }

    /// Folders and files of the person's that commands may read at their own place too: programs in dependency folders name
    /// each other by it.
    pub fn readable(&self) -> Vec<PathBuf> {
        match &self.layered {
            Some(layered) => layered.readable(),
            None => self.binds.iter().map(|(source, _)| source.clone()).collect(),
        }
    }

    /// Folders of the person's tree, each with the place in the shadow where its files are seen in the sandbox only.
    pub fn seen_through(&self) -> &[(PathBuf, PathBuf)] {
        self.layered.as_ref().map_or(&self.binds, |layered| layered.sources())
    }

    /// The folder for build caches, beside the tree. It is made, with the mark that keeps backups away from it.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn products(&self) -> Result<PathBuf, ShadowError> {
        let folder = self.products_folder();
        let mark = folder.join("CACHEDIR.TAG");
        let make = || {
            std::fs::create_dir_all(&folder)?;
            if mark.exists() { Ok(()) } else { std::fs::write(&mark, CACHE_MARK) }
        };
        make().map_err(|error| ShadowError::from_io(&folder, &error)).map(|()| folder)
    }

    fn products_folder(&self) -> PathBuf {
        self.place.path().with_file_name("products")
    }

    /// Bytes of disk that are the shadow's own, as far as they are not shared with the person's tree by the file system.
    pub fn own_bytes(&self) -> u64 {
        disk_bytes(&self.folder)
    }

    /// Holds what commands left within a bound: when the products, and what was written into a union, take more than `most`
    /// bytes, all of it is removed. Returns the bytes that are left. What was written into a copy is not told apart.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub fn bound(&mut self, most: u64) -> Result<u64, ShadowError> {
        let products = self.products_folder();
        let bytes = disk_bytes(&products).saturating_add(self.written_bytes());
        if bytes <= most {
            return Ok(bytes);
        }
        place::remove_tree(&products).map_err(|error| ShadowError::from_io(&products, &error))?;
        self.drop_written().map(|()| 0)
    }

    /// How the files came here.
    pub fn method(&self) -> Method {
        self.method
    }

    /// Folders and files of the person's tree that builds need and that are not copied, each with the place in
    /// the shadow where a sandbox should show it, read-only. The places need not exist yet.
    pub fn readonly_binds(&self) -> &[(PathBuf, PathBuf)] {
        &self.binds
    }

    /// Files of the workspace that are missing in the shadow because they could not be read.
    pub fn unreadable(&self) -> &[RelPath] {
        &self.unreadable
    }

    /// The snapshot below the overlay.
    pub fn snapshot(&self) -> &Snapshot {
        &self.base
    }

    /// Lets the shadow outlive this value, for a later [`Shadow::claim`] or [`Shadow::of_snapshot`].
    pub fn keep(&mut self) {
        self.is_kept = true;
    }

    /// Makes the shadow hold the overlay's tree: writes what the overlay changed since the last call, restores
    /// what it no longer touches, and returns the paths that were really rewritten. When the overlay lies on
    /// another snapshot than the shadow, that one is brought in first. What commands changed in files that no
    /// edit touches stays; see [`Shadow::reset`].
    pub fn apply(&mut self, overlay: &Overlay) -> Result<Vec<RelPath>, ShadowError> {
        let mut rewritten = BTreeSet::new();
        if !overlay.snapshot().is_same(&self.base) {
            rewritten.extend(self.refresh(overlay.snapshot())?);
        }
        let edited: BTreeSet<_> = overlay.changed_paths().into_iter().collect();
        let touched: Vec<_> = edited.union(&self.manifest.edited).cloned().collect();
        self.overlay = Some(overlay.clone());
        if self.layered.is_some() {
            rewritten.extend(self.apply_layered(&touched.into_iter().collect())?);
            self.manifest.edited = edited;
            return Ok(rewritten.into_iter().collect());
        }
        self.manifest.edited.extend(edited.iter().cloned());
        // Removals first: a file may give way to a folder, or a folder to a file.
        let (gone, present): (Vec<_>, Vec<_>) =
            touched.into_iter().partition(|path| matches!(self.want(path), Want::Nothing));
        for path in gone.into_iter().chain(present) {
            if self.lay_again(&path)? {
                rewritten.insert(path);
            }
        }
        self.manifest.edited = edited;
        Ok(rewritten.into_iter().collect())
    }

    /// Brings the shadow to another snapshot and drops the overlay; what did not change keeps its time, so
    /// that the next build is incremental. Undoes what commands did to files that no rule ignores. Returns the
    /// paths that were rewritten.
    pub fn refresh(&mut self, snapshot: &Snapshot) -> Result<Vec<RelPath>, ShadowError> {
        self.base = snapshot.clone();
        self.overlay = None;
        if self.layered.is_some() {
            self.manifest.edited.clear();
            if let Some(rewritten) = self.fill_layered(false)? {
                return Ok(rewritten);
            }
            self.take_copy()?;
            return Ok(self.manifest.entries.keys().cloned().collect());
        }
        let before = std::mem::take(&mut self.manifest);
        self.fill(Some(before))
    }

    /// Undoes what commands did to files that no rule ignores, so that a check runs on exactly the overlay's
    /// tree. Looks at every file. Returns what was restored or removed.
    pub fn reset(&mut self) -> Result<Vec<RelPath>, ShadowError> {
        if self.layered.is_some() {
            return self.reset_layered();
        }
        let mut restored = Vec::new();
        for path in self.touched_paths() {
            if self.lay_again(&path)? {
                restored.push(path);
            }
        }
        Ok(restored)
    }

    /// The text of a file as it is in the shadow now; links are not followed.
    pub fn read(&self, path: &RelPath) -> Result<Arc<str>, ReadError> {
        let limit = self.base.workspace().cache().file_limit();
        let mut file = self.open(path)?;
        let size = file.metadata().map_err(|error| ReadError::from_io(&error))?.len();
        let bytes = crate::disk::read_limited(&mut file, size, limit)?;
        let decoded = galley_text::encoding::decode(&bytes).map_err(|e| ReadError::from_decode(&e))?;
        Ok(Arc::from(decoded.text))
    }

    /// Opens a file as commands see it; a link is an error.
    pub(super) fn open(&self, path: &RelPath) -> Result<File, ReadError> {
        if self.layered.is_some() {
            return self.open_layered(path);
        }
        self.place.open_file(path.as_str()).map_err(|error| match error.kind() {
            ErrorKind::InvalidInput => ReadError::NotAFile,
            _ => ReadError::from_io(&error),
        })
    }

    fn layer<'s>(&'s self, reflink: &'s AtomicBool) -> Layer<'s> {
        Layer { roots: self.base.roots(), walk: self.place.walk(), modified: next_second(), reflink }
    }

    /// Puts a path into the state that snapshot and overlay demand; true when it had to be written.
    fn lay_again(&mut self, path: &RelPath) -> Result<bool, ShadowError> {
        let reflink = AtomicBool::new(self.method == Method::Reflink);
        let done = self.layer(&reflink).lay(path, self.want(path), self.manifest.entries.get(path))?;
        match done.laid {
            Some(laid) => self.manifest.entries.insert(path.clone(), laid),
            None => self.manifest.entries.remove(path),
        };
        Ok(done.is_rewritten)
    }
}

impl Drop for Shadow {
    fn drop(&mut self) {
        let saved = match &mut self.layered {
            Some(layered) => layered.save(&self.folder),
            None => self.manifest.save(&self.folder),
        };
        if self.is_kept && saved.is_ok() {
            return;
        }
        // What cannot be removed now is found by the next sweep, as nothing says any more what it holds.
        for record in ["manifest.json", "layers.json"] {
            let _ = std::fs::remove_file(self.folder.join(record));
        }
        let _ = place::remove_tree(&self.folder);
    }
}

const CACHE_MARK: &str = "Signature: 8a477f597d28d172789f06886806bc55\n# Build products; may be removed.\n";

/// Removes everything from a shadow's folder but the mark of who holds it.
fn clear_folder(folder: &Path) -> std::io::Result<()> {
    keep_only(folder, |name| name == owner::OWNER_FILE)
}

/// Removes everything from a folder but the named entries. Links are removed, not followed.
fn keep_only(folder: &Path, is_kept: impl Fn(&str) -> bool) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)?.flatten() {
        if entry.file_name().to_str().is_some_and(&is_kept) {
            continue;
        }
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            place::remove_tree(&entry.path())?;
        } else {
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// The end of the present second. A build that compares whole seconds would take a file that changed in the second of
/// its last run for one that it has seen.
fn next_second() -> Option<SystemTime> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
    Some(UNIX_EPOCH + Duration::from_secs(since.as_secs() + 1))
}

/// The workspace may be readable to its owner only; so is every copy of it.
fn make_private(folder: &Path) -> std::io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700))
    }
    #[cfg(not(unix))]
    {
        let _ = folder;
        Ok(())
    }
}
