//! What builds need of the ignored part of a tree: dependency folders and version control's storage.
//!
//! The rule: beside a project file, the folders in [`BIND_RULES`] that are ignored and therefore not copied
//! with the rest are looked for. A small one is copied, so that it works without a sandbox and tools may write
//! into it. A large one is left where it is and named as a read-only bind for the sandbox. None is ever linked
//! to, because a build could write through the link. Build products (`target`, `build`, `dist`) are never
//! brought along. Version control's storage is a bind too, since builds ask it for a revision.

use super::place::{NewFile, Walk};
use crate::disk::Stamp;
use crate::listing::{Listing, below};
use crate::roots::join_slashed;
use crate::rules::Verdict;
use galley_text::path::RelPath;
use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

/// Project files, and the dependency folders that stand beside them.
pub const BIND_RULES: &[(&str, &[&str])] = &[
    ("package.json", &["node_modules", "bower_components", ".yarn"]),
    ("pyproject.toml", &[".venv", "venv", "__pypackages__"]),
    ("requirements.txt", &[".venv", "venv"]),
    ("setup.py", &[".venv", "venv"]),
    ("setup.cfg", &[".venv", "venv"]),
    ("Pipfile", &[".venv", "venv"]),
    ("tox.ini", &[".venv", "venv"]),
    ("pytest.ini", &[".venv", "venv"]),
    ("manage.py", &[".venv", "venv"]),
    ("go.mod", &["vendor"]),
    ("Cargo.toml", &["vendor"]),
    ("composer.json", &["vendor"]),
    ("Gemfile", &["vendor", ".bundle"]),
    ("mix.exs", &["deps"]),
    ("rebar.config", &["_checkouts"]),
    ("Package.swift", &["Packages"]),
    ("Podfile", &["Pods"]),
    ("elm.json", &["elm-stuff"]),
    ("deno.json", &["vendor"]),
];

/// Up to this many entries and bytes a dependency folder is copied.
const SMALL_ENTRIES: usize = 500;
const SMALL_BYTES: u64 = 8 << 20;

/// A dependency folder that is worth a copy.
pub(super) struct Small {
    /// Its workspace path.
    pub(super) key: String,
    source: PathBuf,
    entries: Vec<(String, Stamp)>,
    /// Changes with everything in it.
    pub(super) digest: String,
}

/// What was found.
#[derive(Default)]
pub(super) struct Found {
    pub(super) small: Vec<Small>,
    pub(super) binds: Vec<(PathBuf, PathBuf)>,
}

/// Looks for dependency folders beside the project files of a listing.
pub(super) fn find(listing: &Listing, tree: &Path) -> Found {
    let mut found = Found::default();
    for root in listing.roots.iter() {
        for name in [".git", ".hg", ".jj", ".svn"] {
            let source = root.real.join(name);
            if source.symlink_metadata().is_ok_and(|metadata| !metadata.is_symlink()) {
                found.binds.push((source, join_slashed(tree, listing.roots.prefix(root)).join(name)));
            }
        }
    }
    for (path, source) in dependencies(listing) {
        match measure(&source) {
            Some((entries, digest)) => {
                found.small.push(Small { key: path.as_str().to_string(), source, entries, digest })
            }
            None => found.binds.push((source, join_slashed(tree, path.as_str()))),
        }
    }
    found
}

/// Dependency folders beside the project files of a listing that rules ignore, by workspace path, and where they lie.
pub(super) fn dependencies(listing: &Listing) -> Vec<(RelPath, PathBuf)> {
    let (mut found, mut seen) = (Vec::new(), BTreeSet::new());
    for file in listing.files().iter() {
        let Some((_, folders)) = BIND_RULES.iter().find(|(name, _)| *name == file.file_name()) else {
            continue;
        };
        let beside = file.parent().map_or(String::new(), |folder| folder.as_str().to_string());
        for folder in *folders {
            let Ok(path) = RelPath::new(&below(&beside, folder)) else { continue };
            if seen.insert(path.clone())
                && let Some(source) = ignored_folder(listing, &path)
            {
                found.push((path, source));
            }
        }
    }
    found
}

/// Where a folder lies that rules ignore. What they list is in the shadow already; what they deny must not be.
fn ignored_folder(listing: &Listing, path: &RelPath) -> Option<PathBuf> {
    let (root, inner) = listing.roots.split(path)?;
    let source = join_slashed(&root.real, inner);
    let is_folder = source.symlink_metadata().is_ok_and(|metadata| metadata.is_dir());
    (is_folder && listing.judge(path, true) == Verdict::Ignored).then_some(source)
}

/// The entries below a folder; `None` when they are too many or too large for a copy.
fn measure(folder: &Path) -> Option<(Vec<(String, Stamp)>, String)> {
    let (mut entries, mut bytes) = (Vec::new(), 0);
    let mut waiting = vec![String::new()];
    while let Some(key) = waiting.pop() {
        for entry in std::fs::read_dir(folder.join(&key)).ok()?.flatten() {
            let name = entry.file_name().to_str()?.to_string();
            let metadata = entry.metadata().ok()?;
            let inner = below(&key, &name);
            bytes += if metadata.is_file() { metadata.len() } else { 0 };
            if entries.len() >= SMALL_ENTRIES || bytes > SMALL_BYTES {
                return None;
            }
            if metadata.is_dir() {
                waiting.push(inner.clone());
            }
            entries.push((inner, Stamp::of(&metadata)));
        }
    }
    entries.sort_by(|one, other| one.0.cmp(&other.0));
    let mut hasher = blake3::Hasher::new();
    for (inner, stamp) in &entries {
        hasher.update(format!("{inner:?} {stamp:?}\n").as_bytes());
    }
    Some((entries, hasher.finalize().to_hex().to_string()))
}

/// Copies a small folder. Links stay as they are when they stay inside it and are left out otherwise.
pub(super) fn copy(small: &Small, walk: &mut Walk<'_>) -> io::Result<()> {
    walk.place().create_folder(&small.key)?;
    let real = std::fs::canonicalize(&small.source)?;
    for (inner, stamp) in &small.entries {
        let (source, target) = (small.source.join(inner), below(&small.key, inner));
        let metadata = source.symlink_metadata()?;
        if metadata.is_dir() {
            walk.place().create_folder(&target)?;
        } else if metadata.is_symlink() {
            let leads_to = std::fs::read_link(&source)?;
            let stays = std::fs::canonicalize(&source).is_ok_and(|end| end.starts_with(&real));
            if leads_to.is_relative() && stays {
                walk.create_link(&target, &leads_to)?;
            }
        } else if metadata.is_file() {
            let new = NewFile { mode: stamp.mode | 0o200, modified: metadata.modified().ok() };
            let mut from = std::fs::File::open(&source)?;
            walk.create_file(&target, &new, |mut to| io::copy(&mut from, &mut to).map(|_| ()))?;
        }
    }
    Ok(())
}
