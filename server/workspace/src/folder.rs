//! One folder as a walk read it.

use crate::disk::Stamp;
use crate::listing::below;
use crate::roots::{Roots, is_vcs_name};
use crate::rules::{Level, RULE_FILES, Verdict};
use galley_text::path::RelPath;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

/// The listed entries of a folder, by name, sorted.
#[derive(Debug)]
pub(crate) struct Folder {
    pub(crate) path: PathBuf,
    pub(crate) stamp: Stamp,
    /// False when the folder changed while or just before it was read, so that its stamp proves nothing.
    pub(crate) is_settled: bool,
    /// The rules above it.
    pub(crate) above: Arc<Level>,
    /// The rules for its entries.
    pub(crate) level: Arc<Level>,
    /// The files in it that hold rules.
    pub(crate) rule_files: Vec<(Stamp, PathBuf)>,
    /// Files, and links to files inside the roots.
    pub(crate) files: Vec<String>,
    pub(crate) links: Vec<String>,
    pub(crate) folders: Vec<String>,
    /// Whatever else lies in it: ignored, denied, no file, not to be named.
    pub(crate) unlisted: Vec<OsString>,
    /// Temporary files of writes, under way or killed.
    pub(crate) temporaries: Vec<PathBuf>,
    pub(crate) unnameable: u64,
    pub(crate) unreadable: bool,
}

/// Reads one folder; `None` when there is none at that path.
pub(crate) fn read_folder(roots: &Roots, key: &str, path: &Path, above: &Arc<Level>) -> Option<Folder> {
    let read_at = SystemTime::now();
    let metadata = std::fs::symlink_metadata(path).ok().filter(std::fs::Metadata::is_dir)?;
    let stamp = Stamp::of(&metadata);
    let Entries { entries, strange, is_readable } = entries(path, key);
    let holds = |name: &str| entries.iter().any(|entry| entry.name == name && !entry.is_folder);
    let is_repository_top = entries.iter().any(|entry| entry.name == ".git");
    let level = above.below_with(path, is_repository_top, holds);
    let exclude = is_repository_top.then_some(".git/info/exclude");
    let rule_files = RULE_FILES.into_iter().filter(|name| holds(name)).chain(exclude);
    let stamped = |name| {
        let file = path.join(name);
        Some((Stamp::at(&file)?, file))
    };
    let rule_files: Vec<_> = rule_files.filter_map(stamped).collect();
    let mut folder = Folder {
        path: path.to_path_buf(),
        stamp,
        is_settled: Stamp::at(path) == Some(stamp) && !stamp.is_racy(read_at),
        above: Arc::clone(above),
        level,
        rule_files,
        files: Vec::new(),
        links: Vec::new(),
        folders: Vec::new(),
        temporaries: Vec::new(),
        unnameable: strange.len() as u64,
        unlisted: strange,
        unreadable: !is_readable,
    };
    folder.is_settled &= folder.rule_files.iter().all(|(stamp, _)| !stamp.is_racy(read_at));
    for entry in entries {
        folder.take(roots, entry);
    }
    for names in [&mut folder.files, &mut folder.links, &mut folder.folders] {
        names.sort_unstable();
    }
    Some(folder)
}

struct Entry {
    name: String,
    path: PathBuf,
    is_folder: bool,
    is_link: bool,
    is_file: bool,
}

impl Folder {
    fn take(&mut self, roots: &Roots, entry: Entry) {
        if is_vcs_name(&entry.name) {
            return self.unlisted.push(entry.name.into());
        }
        if entry.is_file && crate::write::is_temporary_name(&entry.name) {
            self.unlisted.push(entry.name.into());
            self.temporaries.push(entry.path);
            return;
        }
        if self.level.judge(&entry.path, entry.is_folder) != Verdict::Listed {
            return self.unlisted.push(entry.name.into());
        }
        if entry.is_folder {
            // A root inside another root is listed once, as itself.
            if roots.iter().any(|root| root.real == entry.path) {
                self.unlisted.push(entry.name.into());
            } else {
                self.folders.push(entry.name);
            }
        } else if entry.is_link {
            if leads_to_listed_file(roots, &entry.path) {
                self.files.push(entry.name.clone());
            }
            self.links.push(entry.name);
        } else if entry.is_file {
            self.files.push(entry.name);
        } else {
            self.unlisted.push(entry.name.into());
        }
    }
}

/// True when a link ends at a regular file of the workspace. Whether rules ignore that file does not count:
/// the link's own name was judged, and reading goes by that name.
fn leads_to_listed_file(roots: &Roots, link: &Path) -> bool {
    std::fs::canonicalize(link).is_ok_and(|real| real.is_file() && roots.holds_real(&real))
}

/// What lies in a folder.
struct Entries {
    entries: Vec<Entry>,
    /// Names that no path can be made of.
    strange: Vec<OsString>,
    /// False when the folder could not be read to its end.
    is_readable: bool,
}

fn entries(path: &Path, key: &str) -> Entries {
    let mut found = Entries { entries: Vec::new(), strange: Vec::new(), is_readable: true };
    let Ok(reader) = std::fs::read_dir(path) else { return Entries { is_readable: false, ..found } };
    for entry in reader {
        let Ok(entry) = entry else {
            found.is_readable = false;
            continue;
        };
        let Ok(kind) = entry.file_type() else { continue };
        let name = match entry.file_name().into_string() {
            Ok(name) if RelPath::new(&below(key, &name)).is_ok() => name,
            Ok(name) => {
                found.strange.push(name.into());
                continue;
            }
            Err(name) => {
                found.strange.push(name);
                continue;
            }
        };
        found.entries.push(Entry {
            path: entry.path(),
            name,
            is_folder: kind.is_dir(),
            is_link: kind.is_symlink(),
            is_file: kind.is_file(),
        });
    }
    found
}
