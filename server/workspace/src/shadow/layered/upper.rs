//! What commands wrote and removed, read from the upper folder while nothing is mounted.
//!
//! The folder's content cannot be trusted: no link in it is followed, and what is taken away is found name by name.

use super::sheet::{Wanted, is_mark};
use crate::disk::Stamp;
use crate::listing::below as join;
use crate::roots::{Roots, is_vcs_name};
use crate::rules::Verdict;
use crate::shadow::Shadow;
use crate::shadow::place::{Place, remove_tree};
use galley_text::path::RelPath;
use std::fs::Metadata;
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Kept in dependency folders when everything else in them is restored: products of builds.
const CACHES: &[&str] = &[".cache", ".vite", ".vite-temp", ".vitest"];

/// The kernel's word for a folder through which those below are not seen.
const OPAQUE: &str = "user.overlay.opaque";

/// What a path of the layers below is covered with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cover {
    /// Nothing: the layers below are seen.
    None,
    /// The entry of this very path.
    Here,
    /// It is removed, or something above it is.
    Gone,
}

/// The upper folder.
#[derive(Debug)]
pub(super) struct Upper {
    place: Place,
}

impl Upper {
    pub(super) fn new(path: PathBuf) -> Upper {
        Upper { place: Place::new(path) }
    }

    pub(super) fn path(&self) -> &Path {
        self.place.path()
    }

    pub(super) fn place(&self) -> &Place {
        &self.place
    }

    fn look(&self, path: &str) -> Option<Metadata> {
        self.path().join(path).symlink_metadata().ok()
    }

    pub(super) fn stamp(&self, path: &str) -> Option<Stamp> {
        if self.cover(path) != Cover::Here {
            return None;
        }
        self.look(path).map(|found| Stamp::of(&found))
    }

    pub(super) fn cover(&self, path: &str) -> Cover {
        let mut is_opaque = false;
        for (end, _) in path.match_indices('/') {
            match self.look(&path[..end]) {
                None if is_opaque => return Cover::Gone,
                None => return Cover::None,
                Some(found) if !found.is_dir() => return Cover::Gone,
                Some(_) => is_opaque |= is_opaque_folder(&self.path().join(&path[..end])),
            }
        }
        match self.look(path) {
            Some(found) if is_mark(&found) => Cover::Gone,
            Some(_) => Cover::Here,
            None if is_opaque => Cover::Gone,
            None => Cover::None,
        }
    }

    /// Takes away what covers a path, so that it is seen as it lies below; true when something did.
    pub(super) fn uncover(&self, path: &str) -> io::Result<bool> {
        let mut is_changed = false;
        for (end, _) in path.match_indices('/') {
            let above = &path[..end];
            match self.look(above) {
                None => return Ok(is_changed),
                Some(found) if !found.is_dir() => return self.place.remove(above).map(|()| true),
                Some(_) => is_changed |= unseal(&self.path().join(above))?,
            }
        }
        if self.look(path).is_none() {
            return Ok(is_changed);
        }
        self.place.remove(path).map(|()| true)
    }

    /// Restores dependency folders, all but caches in them.
    pub(super) fn clean_dependencies<'p>(&self, paths: impl Iterator<Item = &'p RelPath>) -> io::Result<()> {
        for path in paths {
            if self.cover(path.as_str()) == Cover::Gone {
                self.uncover(path.as_str())?;
            }
            let folder = self.path().join(path.as_str());
            let Some(found) = self.look(path.as_str()) else { continue };
            if !found.is_dir() {
                self.uncover(path.as_str())?;
                continue;
            }
            unseal(&folder)?;
            crate::shadow::keep_only(&folder, |name| CACHES.contains(&name))?;
        }
        Ok(())
    }

    /// Gives folders of the person's the modes back that commands took from them. `below` tells of a folder what lies below
    /// it, and of others nothing.
    pub(super) fn restore_modes(
        &self,
        key: &str,
        below: &dyn Fn(&str) -> Option<Metadata>,
    ) -> io::Result<()> {
        for entry in std::fs::read_dir(self.path().join(key))?.flatten() {
            let Some(name) = entry.file_name().to_str().map(|name| join(key, name)) else { continue };
            if !entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                continue;
            }
            let Some(below_it) = below(&name) else { continue };
            let mode = below_it.mode() & 0o777 | 0o700;
            if entry.metadata()?.mode() & 0o7777 != mode {
                std::fs::set_permissions(entry.path(), std::fs::Permissions::from_mode(mode))?;
            }
            self.restore_modes(&name, below)?;
        }
        Ok(())
    }

    /// Storage of version control at the top of a root is not a command's to change.
    pub(super) fn remove_version_control(&self, roots: &Roots) -> io::Result<()> {
        for root in roots.iter() {
            let top = self.path().join(roots.prefix(root));
            for entry in std::fs::read_dir(&top).into_iter().flatten().flatten() {
                if entry.file_name().to_str().is_some_and(is_vcs_name) {
                    remove_tree_or_file(&entry.path())?;
                }
            }
        }
        Ok(())
    }
}

/// Removes whatever stands at a path; a link is not followed.
pub(in crate::shadow) fn remove_tree_or_file(path: &Path) -> io::Result<()> {
    match path.symlink_metadata() {
        Ok(found) if found.is_dir() => remove_tree(path),
        Ok(_) => std::fs::remove_file(path),
        Err(_) => Ok(()),
    }
}

fn is_opaque_folder(folder: &Path) -> bool {
    let mut value = [0; 8];
    rustix::fs::lgetxattr(folder, OPAQUE, &mut value).is_ok_and(|length| value[..length] == *b"y")
}

/// Lets what lies below a folder be seen through it again; true when it was not.
fn unseal(folder: &Path) -> io::Result<bool> {
    if !is_opaque_folder(folder) {
        return Ok(false);
    }
    rustix::fs::lremovexattr(folder, OPAQUE)?;
    Ok(true)
}

/// The workspace's files that commands wrote or removed. Looks only at what lies in the upper folder, and not into what
/// rules ignore.
pub(super) fn touched(shadow: &Shadow, upper: &Upper) -> Vec<RelPath> {
    let mut looking = Looking { shadow, upper, wanted: Wanted::of(shadow), touched: Vec::new() };
    looking.folder("", false);
    looking.touched
}

struct Looking<'l> {
    shadow: &'l Shadow,
    upper: &'l Upper,
    wanted: Wanted,
    touched: Vec<RelPath>,
}

impl Looking<'_> {
    /// `is_sealed`: the layers below are not seen here.
    fn folder(&mut self, key: &str, is_sealed: bool) {
        let folder = self.upper.path().join(key);
        // One that a command locked can be read again; whether it is locked is restored with everything else.
        if let Some(found) = self.upper.look(key).filter(|found| found.mode() & 0o700 != 0o700) {
            let open = std::fs::Permissions::from_mode(found.mode() & 0o777 | 0o700);
            let _ = std::fs::set_permissions(&folder, open);
        }
        let is_sealed = is_sealed || is_opaque_folder(&folder);
        if is_sealed {
            let gone = self.wanted.below(key).filter(|path| self.upper.cover(path.as_str()) == Cover::Gone);
            self.touched.extend(gone.cloned().collect::<Vec<_>>());
        }
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let Some(path) = name.to_str().and_then(|name| RelPath::new(&join(key, name)).ok()) else {
                continue;
            };
            if let Ok(metadata) = entry.metadata() {
                self.entry(path, &metadata, is_sealed);
            }
        }
    }

    fn entry(&mut self, path: RelPath, metadata: &Metadata, is_sealed: bool) {
        let roots = self.shadow.base.roots();
        if roots.len() > 1 && roots.iter().any(|root| roots.prefix(root) == path.as_str()) {
            return self.folder(path.as_str(), is_sealed);
        }
        if !metadata.is_dir() {
            let below: Vec<_> = self.wanted.below(path.as_str()).cloned().collect();
            self.touched.extend(below);
        }
        let is_wanted = self.wanted.has(&path);
        if is_mark(metadata) {
            self.touched.extend(is_wanted.then_some(path));
            return;
        }
        let is_listed = || self.shadow.base.listing().judge(&path, metadata.is_dir()) == Verdict::Listed;
        if metadata.is_dir() {
            let key = path.as_str().to_string();
            self.touched.extend(is_wanted.then_some(path.clone()));
            if is_listed() || self.wanted.below(&key).next().is_some() {
                self.folder(&key, is_sealed);
            }
        } else if is_wanted || is_listed() {
            self.touched.push(path);
        }
    }
}
