//! Bringing a whole shadow to a snapshot, and finding what commands did in it.

use super::lay::{Layer, Want, method_between};
use super::manifest::{Laid, Manifest};
use super::place::Place;
use super::{Method, Shadow, ShadowError, binds, next_second};
use crate::disk::Stamp;
use crate::listing::{Listing, below};
use crate::roots::Roots;
use crate::rules::Verdict;
use galley_text::encoding;
use galley_text::path::RelPath;
use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

/// The mode of a file that exists in memory only.
const PLAIN_MODE: u32 = 0o644;

/// What one thread laid.
#[derive(Default)]
struct Part {
    entries: Vec<(RelPath, Laid)>,
    rewritten: Vec<RelPath>,
    unreadable: Vec<RelPath>,
}

impl Shadow {
    /// Makes the shadow hold the base snapshot. `before` is what a kept shadow is known to hold; without it
    /// the tree is empty and every file gets the same time.
    pub(super) fn fill(&mut self, before: Option<Manifest>) -> Result<Vec<RelPath>, ShadowError> {
        let modified = before.is_none().then(SystemTime::now).or_else(next_second);
        self.manifest = before.unwrap_or_default();
        let listing = self.base.listing();
        let wanted = self.wanted(&listing);
        let mut rewritten = self.remove_unwanted(&wanted)?;
        self.create_folders(&listing)?;
        let reflink = AtomicBool::new(self.probe(&wanted) == Method::Reflink);
        let parts = self.lay_all(&wanted, modified, &reflink)?;
        self.method = if reflink.load(Ordering::Relaxed) { Method::Reflink } else { Method::Copy };
        self.manifest.entries.clear();
        self.unreadable.clear();
        for part in parts {
            self.manifest.entries.extend(part.entries);
            rewritten.extend(part.rewritten);
            self.unreadable.extend(part.unreadable);
        }
        self.manifest.edited.clear();
        self.bring_dependencies(&listing)?;
        let failed = |error: std::io::Error| ShadowError::from_io(&self.folder, &error);
        self.manifest.save(&self.folder).map_err(failed)?;
        rewritten.sort_unstable();
        Ok(rewritten)
    }

    fn wanted(&self, listing: &Listing) -> Vec<RelPath> {
        let files = self.base.files();
        let mut wanted: Vec<_> =
            files.iter().chain(listing.hidden().iter()).chain(listing.links().iter()).cloned().collect();
        wanted.sort_unstable();
        wanted.dedup();
        wanted
    }

    /// Removes what was laid before and is not wanted any more, and what commands added.
    fn remove_unwanted(&mut self, wanted: &[RelPath]) -> Result<Vec<RelPath>, ShadowError> {
        let is_unwanted = |path: &&RelPath| wanted.binary_search(path).is_err();
        let mut unwanted: Vec<_> = self.manifest.entries.keys().filter(is_unwanted).cloned().collect();
        unwanted.extend(self.added_paths().into_iter().filter(|path| wanted.binary_search(path).is_err()));
        for path in &unwanted {
            let failed = |error: std::io::Error| ShadowError::from_io(self.place.path(), &error);
            self.place.remove(path.as_str()).map_err(failed)?;
            self.manifest.entries.remove(path);
        }
        Ok(unwanted)
    }

    fn create_folders(&self, listing: &Listing) -> Result<(), ShadowError> {
        for key in listing.folder_keys().filter(|key| !key.is_empty()) {
            let failed = |error: std::io::Error| ShadowError::from_io(self.place.path().join(key), &error);
            self.place.create_folder(key).map_err(failed)?;
        }
        Ok(())
    }

    fn probe(&self, wanted: &[RelPath]) -> Method {
        let roots = self.base.roots();
        let open = |path: &RelPath| {
            let (root, inner) = roots.split(path)?;
            crate::disk::open_regular(roots, root, inner).ok().map(|(file, _)| file)
        };
        method_between(wanted.iter().find_map(open), &self.folder)
    }

    fn lay_all(
        &self,
        wanted: &[RelPath],
        modified: Option<SystemTime>,
        reflink: &AtomicBool,
    ) -> Result<Vec<Part>, ShadowError> {
        let threads = std::thread::available_parallelism().map_or(2, usize::from).clamp(1, 8);
        let piece = wanted.len().div_ceil(threads).max(1);
        std::thread::scope(|scope| {
            let lay = |paths| move || self.lay_some(paths, modified, reflink);
            let threads: Vec<_> = wanted.chunks(piece).map(|paths| scope.spawn(lay(paths))).collect();
            let stopped = || ShadowError::Io {
                path: self.folder.clone(),
                kind: std::io::ErrorKind::Other,
                message: "copying stopped".into(),
            };
            threads.into_iter().map(|thread| thread.join().unwrap_or_else(|_| Err(stopped()))).collect()
        })
    }

    fn lay_some(
        &self,
        paths: &[RelPath],
        modified: Option<SystemTime>,
        reflink: &AtomicBool,
    ) -> Result<Part, ShadowError> {
        let mut layer = Layer { roots: self.base.roots(), walk: self.place.walk(), modified, reflink };
        let mut part = Part::default();
        for path in paths {
            match layer.lay(path, self.want_of_base(path), self.manifest.entries.get(path)) {
                Ok(done) => {
                    part.entries.extend(done.laid.map(|laid| (path.clone(), laid)));
                    part.rewritten.extend(done.is_rewritten.then(|| path.clone()));
                }
                Err(ShadowError::Source { path, .. }) => {
                    // An older text of it must not pass for the present one.
                    layer.lay(&path, Want::Nothing, None)?;
                    part.unreadable.push(path);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(part)
    }

    /// What snapshot and overlay demand at a path.
    pub(super) fn want(&self, path: &RelPath) -> Want {
        let Some((overlay, edit)) =
            self.overlay.as_ref().and_then(|overlay| Some((overlay, overlay.edit(path)?)))
        else {
            return self.want_of_base(path);
        };
        if edit.before == edit.after && overlay.mode_edit(path).is_none() {
            return self.want_of_base(path);
        }
        let Some(text) = &edit.after else { return Want::Nothing };
        let like = edit.from.as_ref().unwrap_or(path);
        let bytes = encoding::encode(text, overlay.snapshot().encoding(like));
        let mode = match (self.mode(like), overlay.is_executable(path)) {
            (mode, true) => mode | ((mode & 0o444) >> 2),
            (mode, false) => mode & !0o111,
        };
        Want::Bytes(bytes, mode)
    }

    fn want_of_base(&self, path: &RelPath) -> Want {
        let listing = self.base.listing();
        if listing.links().binary_search(path).is_ok() {
            let Some(link) = self.base.roots().absolute(path) else { return Want::Nothing };
            let Ok(target) = std::fs::read_link(&link) else { return Want::Nothing };
            return Want::Link(self.turned(path, target));
        }
        let is_listed = |list: &[RelPath]| list.binary_search(path).is_ok();
        if !is_listed(&self.base.files()) && !is_listed(listing.hidden()) {
            return Want::Nothing;
        }
        match self.base.document_bytes(path) {
            Some(bytes) => Want::Bytes(bytes, self.mode(path)),
            None => Want::Disk,
        }
    }

    fn mode(&self, path: &RelPath) -> u32 {
        let metadata = self.base.roots().absolute(path).and_then(|path| path.metadata().ok());
        metadata
            .filter(|found| found.is_file() && cfg!(unix))
            .map_or(PLAIN_MODE, |found| Stamp::of(&found).mode)
    }

    /// The target for the shadow's copy of a link. One that leads into the person's tree by its full name
    /// would let a build write through; it leads to the same place of the shadow instead.
    fn turned(&self, link: &RelPath, target: PathBuf) -> PathBuf {
        if !target.is_absolute() {
            return if self.climbs_out(link, &target) { self.refuge(link, &target) } else { target };
        }
        self.counterpart(&target).unwrap_or(target)
    }

    fn counterpart(&self, target: &Path) -> Option<PathBuf> {
        let roots = self.base.roots();
        if let Some(path) = roots.locate(target) {
            return Some(self.path().join(path.as_str()));
        }
        let root = roots.iter().find(|root| root.real == target || root.path == target)?;
        Some(self.path().join(roots.prefix(root)))
    }

    /// True when a relative target leaves the shadow by its `..`.
    fn climbs_out(&self, link: &RelPath, target: &Path) -> bool {
        let mut depth = link.parts().count() as i64 - 1;
        target.components().any(|component| {
            depth += match component {
                Component::ParentDir => -1,
                Component::Normal(_) => 1,
                _ => 0,
            };
            depth < 0
        })
    }

    /// A relative link out of the root would, from the shadow, lead to a chance neighbour. It leads where the
    /// original leads, or to the shadow's copy of that.
    fn refuge(&self, link: &RelPath, target: &Path) -> PathBuf {
        let roots: &Roots = self.base.roots();
        let folder = roots.absolute(link).and_then(|link| link.parent().map(Path::to_path_buf));
        let Some(real) = folder.and_then(|folder| std::fs::canonicalize(folder.join(target)).ok()) else {
            return target.to_path_buf();
        };
        self.counterpart(&real).unwrap_or(real)
    }

    /// Paths whose state in the shadow is not what was laid, and those that commands added, sorted.
    pub(super) fn touched_paths(&self) -> Vec<RelPath> {
        if self.layered.is_some() {
            return self.touched_layered();
        }
        let top = self.place.path();
        let is_changed =
            |(path, laid): &(&RelPath, &Laid)| Stamp::at(&top.join(path.as_str())) != Some(laid.stamp);
        let mut touched: Vec<_> =
            self.manifest.entries.iter().filter(is_changed).map(|(path, _)| path.clone()).collect();
        touched.extend(self.added_paths());
        touched.sort_unstable();
        touched.dedup();
        touched
    }

    /// Files and links in the shadow that no rule ignores and that were not laid.
    fn added_paths(&self) -> Vec<RelPath> {
        let listing = self.base.listing();
        let mut added = Vec::new();
        let mut folders = vec![String::new()];
        while let Some(key) = folders.pop() {
            let folder = self.place.path().join(&key);
            for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
                let Ok(kind) = entry.file_type() else { continue };
                let Some(name) = entry.file_name().to_str().map(str::to_string) else { continue };
                let Ok(path) = RelPath::new(&below(&key, &name)) else { continue };
                if self.manifest.entries.contains_key(&path)
                    || self.manifest.copied.contains_key(path.as_str())
                {
                    continue;
                }
                let is_root =
                    self.base.roots().iter().any(|root| self.base.roots().prefix(root) == path.as_str());
                if !is_root && listing.judge(&path, kind.is_dir()) != Verdict::Listed {
                    continue;
                }
                if kind.is_dir() { folders.push(path.as_str().to_string()) } else { added.push(path) }
            }
        }
        added
    }

    /// Copies small dependency folders and says which others are to be shown.
    fn bring_dependencies(&mut self, listing: &Listing) -> Result<(), ShadowError> {
        let found = binds::find(listing, self.place.path());
        let mut copied = BTreeMap::new();
        for small in found.small {
            if self.manifest.copied.get(&small.key) != Some(&small.digest) {
                let place: &Place = &self.place;
                place
                    .remove(&small.key)
                    .and_then(|()| binds::copy(&small, &mut place.walk()))
                    .map_err(|error| ShadowError::from_io(place.path().join(&small.key), &error))?;
            }
            copied.insert(small.key, small.digest);
        }
        self.manifest.copied = copied;
        self.binds = found.binds;
        Ok(())
    }
}
