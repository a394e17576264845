//! The list of a workspace's files: walked in parallel, kept, and brought up to date folder by folder.
//!
//! A folder's modification time changes when an entry is added to it or taken from it, so that looking at the
//! folders alone tells whether a list of files still holds; only the folders that changed are read again.
//! Links are listed as links and never walked into, which is why loops cannot happen.

use crate::disk::Stamp;
use crate::folder::{Folder, read_folder};
use crate::roots::{Root, Roots, join_slashed};
use crate::rules::{Level, Verdict};
use crate::tracked;
use galley_text::path::RelPath;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, PoisonError};

/// What a walk left out because it cannot be named or read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Skipped {
    /// Files and folders whose names are not UTF-8 or hold characters that no [`RelPath`] has.
    pub unnameable: u64,
    /// Folders that could not be read, a root that is gone included.
    pub unreadable: u64,
}

/// All files of a workspace at one moment.
#[derive(Debug)]
pub struct Listing {
    pub(crate) roots: Arc<Roots>,
    /// The rules at the top of each root, in the order of the roots.
    tops: Vec<Arc<Level>>,
    denies_something: bool,
    /// The state of each root's git index, when it has one.
    indexes: Vec<Option<Stamp>>,
    /// By workspace path of the folder; a root is `""` or its name.
    folders: HashMap<String, Arc<Folder>>,
    files: Arc<[RelPath]>,
    hidden: Arc<[RelPath]>,
    links: Arc<[RelPath]>,
    skipped: Skipped,
}

impl Listing {
    /// A list without files, which still knows the rules at the top of every root.
    pub(crate) fn empty(roots: Arc<Roots>) -> Listing {
        Listing::assemble(roots, HashMap::new())
    }

    /// Walks all roots. Takes as long as the disk needs; call it where waiting is allowed.
    pub(crate) fn walk(roots: Arc<Roots>) -> Listing {
        let starts = roots.iter().map(|root| Start::of_root(&roots, root)).collect();
        let folders = walk_folders(&roots, starts);
        Listing::assemble(roots, folders)
    }

    /// The list as it is now, read again only where a folder changed; `None` when nothing did.
    pub(crate) fn revalidated(&self) -> Option<Listing> {
        let mut folders = self.folders.clone();
        let mut starts = Vec::new();
        for (key, folder) in &self.folders {
            if folder.still_holds() {
                continue;
            }
            starts.push(Start { key: key.clone(), path: folder.path.clone(), level: folder.above.clone() });
        }
        // A root that was missing comes back.
        for root in self.roots.iter().filter(|root| !self.folders.contains_key(self.roots.prefix(root))) {
            if root.real.is_dir() {
                starts.push(Start::of_root(&self.roots, root));
            }
        }
        if starts.is_empty() && self.indexes == tracked::stamps(&self.roots) {
            return None;
        }
        for start in &starts {
            folders.remove(&start.key);
        }
        self.read_again(&mut folders, starts);
        Some(Listing::assemble(Arc::clone(&self.roots), folders))
    }

    /// Reads changed folders anew, and below them those that are new or whose rules changed.
    fn read_again(&self, folders: &mut HashMap<String, Arc<Folder>>, mut starts: Vec<Start>) {
        // From the top down, so that what a folder's fate settles for those below it is settled first.
        starts.sort_by(|one, other| one.key.cmp(&other.key));
        let mut fresh = Vec::new();
        let mut settled: Vec<String> = Vec::new();
        for start in starts {
            if settled.iter().any(|above| is_below(&start.key, above)) {
                continue;
            }
            let folder = read_folder(&self.roots, &start.key, &start.path, &start.level);
            let before = self.folders.get(&start.key);
            let is_as_before = |folder: &Folder| before.is_some_and(|b| b.rule_files == folder.rule_files);
            let Some(folder) = folder.filter(is_as_before) else {
                forget_below(folders, &start.key);
                settled.push(start.key.clone());
                fresh.push(start);
                continue;
            };
            let known: &[String] = before.map_or(&[], |before| &before.folders);
            for name in known.iter().filter(|name| folder.folders.binary_search(name).is_err()) {
                let gone = below(&start.key, name);
                folders.remove(&gone);
                forget_below(folders, &gone);
                settled.push(gone);
            }
            let is_new = |start: &Start| !self.folders.contains_key(&start.key);
            fresh.extend(folder.starts(&start.key).filter(is_new));
            folders.insert(start.key, Arc::new(folder));
        }
        folders.extend(walk_folders(&self.roots, fresh));
    }

    fn assemble(roots: Arc<Roots>, folders: HashMap<String, Arc<Folder>>) -> Listing {
        let top = |root: &Root| match folders.get(roots.prefix(root)) {
            Some(folder) => Arc::clone(&folder.level),
            None => Level::above_root(root).below(&root.real),
        };
        let tops: Vec<_> = roots.iter().map(top).collect();
        let denies_something = folders.is_empty()
            || folders
                .values()
                .map(|folder| &folder.level)
                .chain(&tops)
                .any(|level| level.denies_something());
        let missing = roots.iter().filter(|root| !folders.contains_key(roots.prefix(root))).count();
        let mut skipped = Skipped { unnameable: 0, unreadable: missing as u64 };
        let (mut files, mut hidden, mut links) = (Vec::new(), Vec::new(), Vec::new());
        for (key, folder) in &folders {
            skipped.unnameable += folder.unnameable;
            skipped.unreadable += u64::from(folder.unreadable);
            let is_hidden_folder = key.split('/').any(is_hidden_name);
            for name in &folder.files {
                let Ok(path) = RelPath::new(&below(key, name)) else { continue };
                let is_hidden = is_hidden_folder || is_hidden_name(name);
                if is_hidden { hidden.push(path) } else { files.push(path) }
            }
            links.extend(folder.links.iter().filter_map(|name| RelPath::new(&below(key, name)).ok()));
        }
        let indexes = tracked::stamps(&roots);
        let mut listing =
            Listing { tops, denies_something, folders, indexes, skipped, ..Listing::bare(roots) };
        // What git tracks belongs to the project although a rule names it.
        for path in tracked::paths(&listing.roots) {
            if listing.is_ignored_file(&path) {
                let is_hidden = path.parts().any(is_hidden_name);
                if is_hidden { hidden.push(path) } else { files.push(path) }
            }
        }
        files.sort_unstable();
        hidden.sort_unstable();
        links.sort_unstable();
        (listing.files, listing.hidden, listing.links) = (files.into(), hidden.into(), links.into());
        listing
    }

    fn bare(roots: Arc<Roots>) -> Listing {
        Listing {
            roots,
            tops: Vec::new(),
            denies_something: true,
            indexes: Vec::new(),
            folders: HashMap::new(),
            files: Arc::default(),
            hidden: Arc::default(),
            links: Arc::default(),
            skipped: Skipped::default(),
        }
    }

    /// True for a file that was left out of its folder's list because a rule ignores it, but none denies it.
    fn is_ignored_file(&self, path: &RelPath) -> bool {
        let folder = path.parent().map_or(String::new(), |folder| folder.as_str().to_string());
        let name = path.file_name().to_string();
        let is_listed = self.folders.get(&folder).is_some_and(|folder| {
            [&folder.files, &folder.links].iter().any(|l| l.binary_search(&name).is_ok())
        });
        let is_file = || {
            let Some((root, inner)) = self.roots.split(path) else { return false };
            join_slashed(&root.real, inner).symlink_metadata().is_ok_and(|found| found.is_file())
        };
        !is_listed && is_file() && self.judge(path, false) == Verdict::Ignored
    }

    /// The files that belong to the workspace, sorted. Links to files inside the roots are among them,
    /// hidden files only when they are well-known, such as `.github` and `.gitignore`.
    pub fn files(&self) -> &Arc<[RelPath]> {
        &self.files
    }

    /// The other hidden files that no rule ignores, sorted. Builds may need them; a model seldom does.
    pub fn hidden(&self) -> &Arc<[RelPath]> {
        &self.hidden
    }

    /// All symbolic links, sorted, wherever they lead.
    pub fn links(&self) -> &Arc<[RelPath]> {
        &self.links
    }

    /// Every folder that was walked, as workspace path; the lone root is the empty text.
    pub(crate) fn folder_keys(&self) -> impl Iterator<Item = &str> {
        self.folders.keys().map(String::as_str)
    }

    /// Every folder that was walked, with its workspace path.
    pub(crate) fn walked(&self) -> impl Iterator<Item = (&str, &Folder)> {
        self.folders.iter().map(|(key, folder)| (key.as_str(), &**folder))
    }

    /// A folder that was walked.
    pub(crate) fn walked_at(&self, key: &str) -> Option<&Folder> {
        self.folders.get(key).map(|folder| &**folder)
    }

    /// True when a task may not read something somewhere.
    pub(crate) fn denies_something(&self) -> bool {
        self.denies_something
    }

    /// The absolute paths of every folder that was walked.
    pub(crate) fn folder_paths(&self) -> impl Iterator<Item = &Path> {
        self.folders.values().map(|folder| folder.path.as_path())
    }

    /// True when rules keep a path out of the list.
    pub(crate) fn is_ignored(&self, path: &RelPath) -> bool {
        self.judge(path, false) != Verdict::Listed
    }

    /// True when a task may not read this path: `.galleyignore` names it, or it belongs to version control.
    pub(crate) fn denies(&self, path: &RelPath) -> bool {
        if !self.denies_something {
            return path.parts().any(crate::roots::is_vcs_name);
        }
        if self.judge(path, false) == Verdict::Denied {
            return true;
        }
        // A link with an innocent name does not open what its target's name closes.
        let real = self.roots.absolute(path).and_then(|path| std::fs::canonicalize(path).ok());
        let real = real.and_then(|real| self.roots.locate(&real));
        real.is_some_and(|real| real != *path && self.judge(&real, false) == Verdict::Denied)
    }

    /// Temporary files of writes, under way or killed.
    pub(crate) fn temporaries(&self) -> impl Iterator<Item = &Path> {
        self.folders.values().flat_map(|folder| &folder.temporaries).map(PathBuf::as_path)
    }

    /// What was left out because it cannot be named or read.
    pub fn skipped(&self) -> Skipped {
        self.skipped
    }

    /// What the rules say of a path, which need not exist or be in the list.
    pub(crate) fn judge(&self, path: &RelPath, is_folder: bool) -> Verdict {
        let Some((root, inner)) = self.roots.split(path) else { return Verdict::Ignored };
        let Some(number) = self.roots.iter().position(|other| other == root) else { return Verdict::Ignored };
        let mut key = self.roots.prefix(root).to_string();
        let mut above = Arc::clone(&self.tops[number]);
        let mut absolute = root.real.clone();
        let mut parts = inner.split('/').peekable();
        while let Some(part) = parts.next() {
            if crate::roots::is_vcs_name(part) {
                return Verdict::Denied;
            }
            absolute.push(part);
            let is_last = parts.peek().is_none();
            match above.judge(&absolute, is_folder || !is_last) {
                Verdict::Listed => {}
                // What is merely ignored at this height may be denied further down.
                Verdict::Ignored if is_last => return Verdict::Ignored,
                Verdict::Ignored => return ignored_or_denied(&above, absolute, parts, is_folder),
                Verdict::Denied => return Verdict::Denied,
            }
            if is_last {
                break;
            }
            key = below(&key, part);
            let known = self.folders.get(&key).map(|folder| Arc::clone(&folder.level));
            above = known.unwrap_or_else(|| above.below(&absolute));
        }
        Verdict::Listed
    }
}

/// Goes on below an ignored folder, where only a rule of `.galleyignore` can still change the verdict.
fn ignored_or_denied<'p>(
    level: &Arc<Level>,
    mut path: PathBuf,
    mut parts: std::iter::Peekable<impl Iterator<Item = &'p str>>,
    is_folder: bool,
) -> Verdict {
    while let Some(part) = parts.next() {
        path.push(part);
        if level.judge(&path, is_folder || parts.peek().is_some()) == Verdict::Denied {
            return Verdict::Denied;
        }
    }
    Verdict::Ignored
}

/// A folder that is to be walked.
struct Start {
    key: String,
    path: PathBuf,
    /// The rules above the folder, its own not yet among them.
    level: Arc<Level>,
}

impl Start {
    fn of_root(roots: &Roots, root: &Root) -> Start {
        Start { key: roots.prefix(root).to_string(), path: root.real.clone(), level: Level::above_root(root) }
    }
}

/// The path of an entry of a folder.
pub(crate) fn below(key: &str, name: &str) -> String {
    if key.is_empty() { name.to_string() } else { format!("{key}/{name}") }
}

fn forget_below(folders: &mut HashMap<String, Arc<Folder>>, key: &str) {
    folders.retain(|other, _| !is_below(other, key));
}

/// True when a folder lies in another at any depth; no folder lies in itself.
fn is_below(key: &str, above: &str) -> bool {
    if above.is_empty() {
        return !key.is_empty();
    }
    key.strip_prefix(above).is_some_and(|rest| rest.starts_with('/'))
}

/// Hidden names that belong to a project as much as its visible ones.
const WELL_KNOWN: &[&str] = &[
    ".babelrc",
    ".browserslistrc",
    ".buildkite",
    ".bzlrc",
    ".bazelrc",
    ".cargo",
    ".changeset",
    ".circleci",
    ".clang-format",
    ".clang-tidy",
    ".clippy.toml",
    ".config",
    ".coveragerc",
    ".devcontainer",
    ".dockerignore",
    ".editorconfig",
    ".env.example",
    ".env.sample",
    ".env.template",
    ".flake8",
    ".formatter.exs",
    ".galleyignore",
    ".gitattributes",
    ".gitea",
    ".github",
    ".gitignore",
    ".gitlab",
    ".gitlab-ci.yml",
    ".gitmodules",
    ".golangci.yaml",
    ".golangci.yml",
    ".goreleaser.yml",
    ".husky",
    ".ignore",
    ".mailmap",
    ".markdownlint.json",
    ".mocharc.json",
    ".mvn",
    ".node-version",
    ".nvmrc",
    ".pre-commit-config.yaml",
    ".prettierignore",
    ".pylintrc",
    ".python-version",
    ".readthedocs.yaml",
    ".rspec",
    ".rubocop.yml",
    ".ruby-version",
    ".rustfmt.toml",
    ".shellcheckrc",
    ".storybook",
    ".stylelintrc",
    ".swiftlint.yml",
    ".tool-versions",
    ".travis.yml",
    ".vscode",
    ".woodpecker",
    ".yamllint",
];

/// Families of such names, which come with several endings.
const WELL_KNOWN_BEGINNINGS: &[&str] = &[".eslintrc", ".prettierrc", ".stylelintrc.", ".swcrc", ".mocharc."];

fn is_hidden_name(name: &str) -> bool {
    name.starts_with('.')
        && !WELL_KNOWN.contains(&name)
        && !WELL_KNOWN_BEGINNINGS.iter().any(|beginning| name.starts_with(beginning))
}

struct Queue {
    waiting: Vec<Start>,
    /// Folders waiting or being read; the walk is over at zero.
    open: usize,
}

/// Reads folders and everything below them on as many threads as the machine has.
fn walk_folders(roots: &Roots, starts: Vec<Start>) -> HashMap<String, Arc<Folder>> {
    if starts.is_empty() {
        return HashMap::new();
    }
    let queue = Mutex::new(Queue { open: starts.len(), waiting: starts });
    let wake = Condvar::new();
    let threads = std::thread::available_parallelism().map_or(2, usize::from).clamp(1, 8);
    let mut found = HashMap::new();
    std::thread::scope(|scope| {
        let walkers: Vec<_> = (0..threads).map(|_| scope.spawn(|| walk_some(roots, &queue, &wake))).collect();
        for walker in walkers {
            found.extend(walker.join().unwrap_or_default());
        }
    });
    found
}

fn walk_some(roots: &Roots, queue: &Mutex<Queue>, wake: &Condvar) -> Vec<(String, Arc<Folder>)> {
    let mut found = Vec::new();
    loop {
        let mut state = queue.lock().unwrap_or_else(PoisonError::into_inner);
        let start = loop {
            if let Some(start) = state.waiting.pop() {
                break start;
            }
            if state.open == 0 {
                return found;
            }
            state = wake.wait(state).unwrap_or_else(PoisonError::into_inner);
        };
        drop(state);
        let folder = read_folder(roots, &start.key, &start.path, &start.level);
        let further: Vec<Start> = folder.iter().flat_map(|folder| folder.starts(&start.key)).collect();
        let mut state = queue.lock().unwrap_or_else(PoisonError::into_inner);
        state.open += further.len();
        state.open -= 1;
        state.waiting.extend(further);
        drop(state);
        wake.notify_all();
        found.extend(folder.map(|folder| (start.key, Arc::new(folder))));
    }
}

impl Folder {
    fn starts<'f>(&'f self, key: &'f str) -> impl Iterator<Item = Start> + 'f {
        self.folders.iter().map(move |name| Start {
            key: below(key, name),
            path: join_slashed(&self.path, name),
            level: Arc::clone(&self.level),
        })
    }

    /// True when neither its entries nor the rule files in it changed since it was read.
    fn still_holds(&self) -> bool {
        self.is_settled
            && Stamp::at(&self.path).is_some_and(|now| now == self.stamp)
            && self.rule_files.iter().all(|(stamp, path)| Stamp::at(path).as_ref() == Some(stamp))
    }
}
