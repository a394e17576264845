//! The workspace: roots, open documents and the list of files, out of which snapshots are taken.

use crate::cache::Cache;
use crate::document::{Document, DocumentText, Documents};
use crate::error::WorkspaceError;
use crate::listing::Listing;
use crate::roots::{Root, Roots, is_vcs_name};
use crate::rules::{RULE_FILES, Verdict};
use crate::snapshot::Snapshot;
use galley_text::change::ChangeSet;
use galley_text::path::RelPath;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

/// How much a workspace reads and remembers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The longest file, in bytes, that is read as text.
    pub file_bytes: u64,
    /// How many bytes of texts are kept in memory for reuse.
    pub cache_bytes: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { file_bytes: 8 << 20, cache_bytes: 64 << 20 }
    }
}

/// The folders that a person works on. Cloning is cheap and gives another handle to the same workspace.
#[derive(Clone)]
pub struct Workspace {
    shared: Arc<Shared>,
}

/// What the handles of a workspace and its snapshots have in common.
pub(crate) struct Shared {
    pub(crate) cache: Cache,
    state: RwLock<State>,
    listing: RwLock<Option<Known>>,
    /// Held while the tree is walked, so that two callers do not walk it at the same time.
    walking: Mutex<()>,
    invalidations: AtomicU64,
    is_watched: AtomicBool,
}

struct State {
    roots: Arc<Roots>,
    documents: Arc<Documents>,
    /// Rules without a walk, for reads that come before the first list.
    rules: Arc<Listing>,
    revision: u64,
}

/// The last list of files and what is known of its age.
#[derive(Clone)]
struct Known {
    listing: Arc<Listing>,
    checked: Instant,
    invalidations: u64,
}

/// How long a list is taken for granted when nobody reports changes.
const UNWATCHED_TRUST: Duration = Duration::from_secs(1);

impl Workspace {
    /// Opens folders as a workspace. None is allowed too: then only open documents are known.
    pub fn open(roots: Vec<PathBuf>) -> Result<Workspace, WorkspaceError> {
        Workspace::with_limits(roots, Limits::default())
    }

    /// As [`Workspace::open`], with other limits than the usual ones.
    pub fn with_limits(roots: Vec<PathBuf>, limits: Limits) -> Result<Workspace, WorkspaceError> {
        let roots = Arc::new(Roots::new(roots)?);
        let rules = Arc::new(Listing::empty(Arc::clone(&roots)));
        let state = State { roots, documents: Arc::default(), rules, revision: 0 };
        let shared = Shared {
            cache: Cache::new(limits.cache_bytes, limits.file_bytes),
            state: RwLock::new(state),
            listing: RwLock::new(None),
            walking: Mutex::new(()),
            invalidations: AtomicU64::new(0),
            is_watched: AtomicBool::new(false),
        };
        Ok(Workspace { shared: Arc::new(shared) })
    }

    /// Replaces the roots. Open documents stay open under their new paths; those that are in no root any more
    /// are closed. Snapshots taken before keep the old roots; a watch must be started anew.
    pub fn set_roots(&self, roots: Vec<PathBuf>) -> Result<(), WorkspaceError> {
        let roots = Arc::new(Roots::new(roots)?);
        let rules = Arc::new(Listing::empty(Arc::clone(&roots)));
        let mut state = self.shared.state.write().unwrap_or_else(PoisonError::into_inner);
        let moved = |(path, document): (&RelPath, &Arc<Document>)| {
            let absolute = state.roots.absolute(path)?;
            Some((roots.locate(&absolute)?, Arc::clone(document)))
        };
        state.documents = Arc::new(state.documents.iter().filter_map(moved).collect());
        state.roots = roots;
        state.rules = rules;
        state.revision += 1;
        drop(state);
        self.set_watched(false);
        *self.shared.listing.write().unwrap_or_else(PoisonError::into_inner) = None;
        Ok(())
    }

    /// The roots as they are now.
    pub fn roots(&self) -> Vec<Root> {
        self.current_roots().iter().cloned().collect()
    }

    /// The roots with their mapping of paths.
    pub fn current_roots(&self) -> Arc<Roots> {
        Arc::clone(&self.read_state().roots)
    }

    /// The workspace path of an absolute path; `None` when it lies in no root.
    pub fn locate(&self, path: &Path) -> Option<RelPath> {
        self.current_roots().locate(path)
    }

    /// The absolute path of a workspace path; `None` when it names no root.
    pub fn absolute(&self, path: &RelPath) -> Option<PathBuf> {
        self.current_roots().absolute(path)
    }

    /// Opens a document or replaces an open one; from now on snapshots read this text instead of the file's.
    pub fn open_document(&self, path: &RelPath, text: impl Into<DocumentText>, version: i32) {
        let document = Arc::new(Document::new(text.into(), version));
        self.change_documents(|documents| {
            documents.insert(path.clone(), document);
        });
    }

    /// Applies a change to an open document. On an error the document stays as it was.
    pub fn change_document(
        &self,
        path: &RelPath,
        change: &ChangeSet,
        version: i32,
    ) -> Result<(), WorkspaceError> {
        let named = || path.as_str().to_string();
        let open = self.document(path).ok_or_else(|| WorkspaceError::NotOpen { path: named() })?;
        let mut rope = open.rope().clone();
        change.apply_rope(&mut rope).map_err(|_| WorkspaceError::WrongBase { path: named() })?;
        self.open_document(path, rope, version);
        Ok(())
    }

    /// Closes a document; from now on its file counts. False when it was not open.
    pub fn close_document(&self, path: &RelPath) -> bool {
        self.document(path).is_some() && self.change_documents(|documents| documents.remove(path).is_some())
    }

    /// The open document at a path, whether or not rules let a task read it.
    pub fn document(&self, path: &RelPath) -> Option<Arc<Document>> {
        self.read_state().documents.get(path).cloned()
    }

    /// The paths of all open documents, sorted.
    pub fn open_documents(&self) -> Vec<RelPath> {
        self.read_state().documents.keys().cloned().collect()
    }

    /// An immutable view of the workspace as it is now. Costs nothing; the disk is read when asked.
    pub fn snapshot(&self) -> Snapshot {
        let state = self.read_state();
        let (roots, documents) = (Arc::clone(&state.roots), Arc::clone(&state.documents));
        Snapshot::new(self.clone(), roots, documents, state.revision)
    }

    /// The list of files, brought up to date. May wait for the disk: the first call walks the whole tree.
    pub fn listing(&self) -> Arc<Listing> {
        if let Some(known) = self.trusted() {
            return known;
        }
        let _walking = self.shared.walking.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = self.trusted() {
            return known;
        }
        self.refresh()
    }

    fn trusted(&self) -> Option<Arc<Listing>> {
        let known = self.known()?;
        let is_untouched = known.invalidations == self.shared.invalidations.load(Ordering::Acquire);
        let is_watched = self.shared.is_watched.load(Ordering::Relaxed);
        let is_recent = is_watched || known.checked.elapsed() < UNWATCHED_TRUST;
        (is_untouched && is_recent).then_some(known.listing)
    }

    fn refresh(&self) -> Arc<Listing> {
        let (checked, roots) = (Instant::now(), self.current_roots());
        let invalidations = self.shared.invalidations.load(Ordering::Acquire);
        let before = self.known().filter(|known| known.listing.roots == roots).map(|known| known.listing);
        let listing = match before {
            Some(before) => before.revalidated().map_or(before, Arc::new),
            None => Arc::new(Listing::walk(Arc::clone(&roots))),
        };
        // The roots may have been replaced meanwhile; then the list is good for this caller only.
        let mut slot = self.shared.listing.write().unwrap_or_else(PoisonError::into_inner);
        if self.current_roots() == roots {
            *slot = Some(Known { listing: Arc::clone(&listing), checked, invalidations });
        }
        listing
    }

    fn known(&self) -> Option<Known> {
        self.shared.listing.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The files as last known, without waiting; empty before the first [`Workspace::listing`].
    pub fn files_now(&self) -> Arc<[RelPath]> {
        self.known().map_or_else(Arc::default, |known| Arc::clone(known.listing.files()))
    }

    /// The ignore rules as last known.
    pub(crate) fn rules_now(&self) -> Arc<Listing> {
        self.known().map_or_else(|| Arc::clone(&self.read_state().rules), |known| known.listing)
    }

    /// Says that something happened at these paths, so that the list of files is looked at again when it is
    /// next asked for. Paths that are already listed and no rules change nothing, because only their content did.
    pub fn invalidate(&self, paths: &[RelPath]) {
        let Some(known) = self.known() else {
            return self.forget_rules();
        };
        let concerns_list = |path: &RelPath| {
            let is_listed = known.listing.files().binary_search(path).is_ok();
            let exists = self.absolute(path).is_some_and(|path| path.symlink_metadata().is_ok());
            RULE_FILES.contains(&path.file_name()) || is_listed != exists
        };
        if paths.iter().any(concerns_list) {
            self.shared.invalidations.fetch_add(1, Ordering::AcqRel);
        }
    }

    /// Says that anything may have happened: the next list is looked at again in full.
    pub fn invalidate_all(&self) {
        self.shared.invalidations.fetch_add(1, Ordering::AcqRel);
        self.forget_rules();
    }

    fn forget_rules(&self) {
        let rules = Arc::new(Listing::empty(self.current_roots()));
        let mut state = self.shared.state.write().unwrap_or_else(PoisonError::into_inner);
        if state.roots == rules.roots {
            state.rules = rules;
        }
    }

    /// Says whether somebody reports every change through [`Workspace::invalidate`]. Without that the list is
    /// checked again whenever it is older than a second.
    pub fn set_watched(&self, is_watched: bool) {
        self.shared.is_watched.store(is_watched, Ordering::Relaxed);
    }

    /// True when rules keep a path out of the list of files, or it belongs to version control.
    pub fn is_ignored(&self, path: &RelPath) -> bool {
        path.parts().any(is_vcs_name) || self.rules_now().judge(path, false) != Verdict::Listed
    }

    pub(crate) fn cache(&self) -> &Cache {
        &self.shared.cache
    }

    fn read_state(&self) -> std::sync::RwLockReadGuard<'_, State> {
        self.shared.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn change_documents<R>(&self, change: impl FnOnce(&mut Documents) -> R) -> R {
        let mut state = self.shared.state.write().unwrap_or_else(PoisonError::into_inner);
        state.revision += 1;
        change(Arc::make_mut(&mut state.documents))
    }
}

impl std::fmt::Debug for Workspace {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Workspace").field("roots", &self.current_roots()).finish_non_exhaustive()
    }
}
