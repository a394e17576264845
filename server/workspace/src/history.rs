//! What the repository remembers: the latest commits of the checked-out branch, with the files that each changed.
//!
//! The walk is bounded in commits and in changed files a commit, so that a repository of a million commits costs what
//! one of two thousand does; it can be interrupted and goes on where it stood. Nothing here starts a process: the object
//! store is read directly, without the person's git configuration. What cannot be read (a shallow clone's edge, a damaged
//! pack) ends the walk and is no error: history only ever adds to what is known.

use crate::roots::{Root, Roots};
use galley_text::path::RelPath;
use gix::bstr::{BStr, ByteSlice};
use gix::diff::tree::visit::{Action, Change};
use gix::diff::tree::{Recorder, Visit};
use gix::objs::TreeRefIter;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

/// So many commits are looked at, merges among them.
const COMMITS: usize = 2_000;
/// A commit that changes more files than this is a sweep, and says nothing of any of them.
const FILES: usize = 40;
/// Bytes of a message that are kept.
const MESSAGE: usize = 600;
/// Bytes of unpacked objects that are kept while reading: neighbours in time share most of their trees.
const OBJECTS: usize = 8 << 20;

/// A commit of the past.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Commit {
    /// The id, in hexadecimal; with more than one root, only unique within its repository.
    pub id: String,
    /// The beginning of its message, at most 600 bytes.
    pub message: String,
    /// The files it changed, in order; empty for merges, sweeps and what lies outside of the workspace.
    pub paths: Vec<RelPath>,
}

/// The latest commits, newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct History {
    roots: Vec<OfRoot>,
}

/// What is known of one root's repository.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct OfRoot {
    name: String,
    commits: Vec<Arc<Commit>>,
    /// Did the walk come to its end?
    is_whole: bool,
}

impl History {
    /// Reads the history of the repositories that hold the roots, as far as `go_on` allows, which is asked before each
    /// commit. What `before` already knows is not read again: with nothing new this costs a look at the head, after a
    /// commit that commit, after a change of branch what the branches do not share.
    pub fn read(roots: &Roots, before: &History, go_on: &mut dyn FnMut() -> bool) -> History {
        let mut read = |root: &Root| {
            let unknown = OfRoot { name: root.name.clone(), commits: Vec::new(), is_whole: true };
            let known = before.roots.iter().find(|known| known.name == root.name).unwrap_or(&unknown);
            read(root, roots.prefix(root), known, go_on).unwrap_or(unknown)
        };
        History { roots: roots.iter().map(&mut read).collect() }
    }

    /// Did the walk come to its end? If not, reading again goes on from here.
    pub fn is_whole(&self) -> bool {
        self.roots.iter().all(|root| root.is_whole)
    }

    /// Commits that changed files of the workspace, newest first within a root.
    pub fn commits(&self) -> impl Iterator<Item = &Commit> {
        let commits = self.roots.iter().flat_map(|root| &root.commits).map(|commit| &**commit);
        commits.filter(|commit| !commit.paths.is_empty())
    }
}

/// `None` if the root is in no repository, or in one without commits.
fn read(root: &Root, prefix: &str, known: &OfRoot, go_on: &mut dyn FnMut() -> bool) -> Option<OfRoot> {
    let home = root.real.ancestors().find(|folder| folder.join(".git").exists())?;
    let mut repository = gix::open_opts(home, gix::open::Options::isolated()).ok()?;
    repository.object_cache_size(OBJECTS);
    let place = Place { inside: inside(home, &root.real)?, prefix };
    let head = repository.head_id().ok()?.detach();
    if known.is_whole && known.commits.first().is_some_and(|first| head == first.id.as_str()) {
        return Some(known.clone());
    }
    let of_id: HashMap<&str, &Arc<Commit>> =
        known.commits.iter().map(|commit| (commit.id.as_str(), commit)).collect();
    let newest = gix::revision::walk::Sorting::ByCommitTime(Default::default());
    let walk = repository.rev_walk([head]).sorting(newest).all().ok()?;
    let mut state = gix::diff::tree::State::default();
    let mut found = OfRoot { name: root.name.clone(), commits: Vec::new(), is_whole: true };
    for info in walk.map_while(Result::ok).take(COMMITS) {
        if !go_on() {
            found.is_whole = false;
            break;
        }
        let id = info.id.to_string();
        let commit = match of_id.get(id.as_str()) {
            Some(commit) => Some(Arc::clone(commit)),
            None => {
                info.object().ok().and_then(|object| commit(&object, id, &place, &mut state)).map(Arc::new)
            }
        };
        let Some(commit) = commit else { break };
        found.commits.push(commit);
    }
    Some(found)
}

/// Where the root lies in its repository, and what its paths begin with in the workspace.
struct Place<'a> {
    inside: String,
    prefix: &'a str,
}

impl Place<'_> {
    /// A repository's path as one of the workspace.
    fn path(&self, path: &BStr) -> Option<RelPath> {
        let inner = path.to_str().ok()?.strip_prefix(self.inside.as_str())?;
        let path = if self.prefix.is_empty() { inner.to_owned() } else { format!("{}/{inner}", self.prefix) };
        RelPath::new(&path).ok()
    }
}

/// The way from the repository's folder to the root, with a slash at its end; empty if they are one.
fn inside(home: &Path, root: &Path) -> Option<String> {
    let inner = root.strip_prefix(home).ok()?.to_str()?.replace('\\', "/");
    Some(if inner.is_empty() { inner } else { format!("{inner}/") })
}

/// `None` where the commit cannot be read, as behind the edge of a shallow clone.
fn commit(
    commit: &gix::Commit,
    id: String,
    place: &Place,
    state: &mut gix::diff::tree::State,
) -> Option<Commit> {
    let mut message = String::from_utf8_lossy(commit.message_raw_sloppy()).into_owned();
    message.truncate(message.floor_char_boundary(MESSAGE));
    let mut parents = commit.parent_ids();
    let (parent, second) = (parents.next(), parents.next());
    if second.is_some() {
        return Some(Commit { id, message, paths: Vec::new() });
    }
    let tree = commit.tree().ok()?;
    let before = match parent {
        Some(parent) => parent.object().ok()?.try_into_commit().ok()?.tree().ok()?,
        None => return Some(Commit { id, message, paths: Vec::new() }), // the first one adds everything
    };
    let mut changed = Changed::default();
    let (old, new) = (
        TreeRefIter::from_bytes(&before.data, before.id.kind()),
        TreeRefIter::from_bytes(&tree.data, tree.id.kind()),
    );
    let compared = gix::diff::tree(old, new, state, &commit.repo.objects, &mut changed);
    let mut paths: Vec<RelPath> = match compared {
        Ok(()) => changed.files.iter().filter_map(|path| place.path(path.as_bstr())).collect(),
        Err(_) => Vec::new(),
    };
    paths.sort_unstable();
    Some(Commit { id, message, paths })
}

/// Collects changed files and gives up where there are too many.
#[derive(Default)]
struct Changed {
    recorder: Recorder,
    files: Vec<gix::bstr::BString>,
}

impl Visit for Changed {
    fn pop_front_tracked_path_and_set_current(&mut self) {
        self.recorder.pop_front_tracked_path_and_set_current();
    }

    fn push_back_tracked_path_component(&mut self, component: &BStr) {
        self.recorder.push_back_tracked_path_component(component);
    }

    fn push_path_component(&mut self, component: &BStr) {
        self.recorder.push_path_component(component);
    }

    fn pop_path_component(&mut self) {
        self.recorder.pop_path_component();
    }

    fn visit(&mut self, change: Change) -> Action {
        if change.entry_mode().is_blob() {
            self.files.push(self.recorder.path().to_owned());
        }
        if self.files.len() > FILES { Action::Break(()) } else { Action::Continue(()) }
    }
}
