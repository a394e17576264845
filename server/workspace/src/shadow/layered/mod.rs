//! Shadows that are not copied: the person's tree lies below, read-only, as the lowest layer of a union that the sandbox
//! mounts for each command.
//!
//! ```text
//! upper   what commands wrote and removed        kept between commands; products of builds stay, the rest is undone
//! laid    what Galley lays over the disk         edits, unsaved texts, turned links, marks that hide
//! roots   the person's folders                   as they are on disk now
//! ```
//!
//! Why three: `laid` is an ordinary folder that Galley writes from outside, with nothing mounted, and which no command can
//! write, so that what commands did is exactly what lies in `upper`; telling it means to look at that folder alone.
//! Things are hidden by the mark that the kernel itself uses, a character device 0/0, which every user may make since
//! Linux 5.8; marks by attributes would need 6.7. Hidden are all that a copy would not hold: what rules ignore or deny and no
//! build needs, files that the task deleted, and files that came to be after the snapshot was taken.
//!
//! What lies on disk is seen as it is when a command starts, which is also what the content's hash is made of; texts that
//! are open or edited are laid.
//!
//! Modification times: files that nobody touched carry those of the person's tree. Since some builds compare them with that
//! of their last run, a file whose content goes back to the disk's gets a copy in `laid` with the time of that change, and
//! so does one that changed on disk, while a task ran, without a later time. With a union whose record is lost go the products
//! of builds, which know what was laid in it.
//!
//! What a union cannot do: move a folder of the lower layer with one call (`mv` copies it then), and write to files of
//! other owners; those are copied while they are few.

mod record;
mod sheet;
mod survey;
mod upper;

use super::binds;
use super::lay::Want;
use super::{Layers, Method, Shadow, ShadowError};
use crate::disk::Stamp;
use crate::error::ReadError;
use crate::listing::Listing;
use crate::roots::{Roots, join_slashed};
use galley_text::path::RelPath;
use record::Record;
use sheet::Sheet;
use std::collections::{BTreeSet, HashMap};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use upper::Upper;

pub(super) use record::last_used;

/// The folders of one union and what is known of them.
#[derive(Debug)]
pub(super) struct Layered {
    /// Holds all the others.
    home: PathBuf,
    tree: PathBuf,
    work: PathBuf,
    laid: Sheet,
    upper: Upper,
    record: Record,
    /// The state in which each folder of the person's was looked through for what is to be hidden.
    seen: HashMap<String, Stamp>,
    /// Files of the person's on whose state depends what is laid.
    watched: HashMap<RelPath, Option<Stamp>>,
    /// Dependency folders by workspace path, and where they lie.
    dependencies: Vec<(RelPath, PathBuf)>,
    /// Each root and where commands see it.
    sources: Vec<(PathBuf, PathBuf)>,
}

impl Layered {
    /// Goes on with the union that was kept in a shadow's folder, or makes a new one there. True for a new one.
    pub(super) fn open(folder: &Path, roots: &Roots) -> io::Result<(Layered, bool)> {
        let kept = Record::load(folder).filter(|record| folder.join(&record.home).join("tree").is_dir());
        let is_new = kept.is_none();
        let record = match kept {
            Some(record) => record,
            None => {
                super::clear_folder(folder)?;
                Record::new()
            }
        };
        let home = folder.join(&record.home);
        let layered = Layered {
            tree: home.join("tree"),
            work: home.join("work"),
            laid: Sheet::new(home.join("laid")),
            upper: Upper::new(home.join("upper")),
            record,
            seen: HashMap::new(),
            watched: HashMap::new(),
            dependencies: Vec::new(),
            sources: Vec::new(),
            home,
        };
        layered.make_tops(roots)?;
        Ok((layered, is_new))
    }

    pub(super) fn path(&self) -> &Path {
        &self.tree
    }

    /// The unions to be mounted, one per root.
    pub(super) fn layers(&self, roots: &Roots) -> Vec<Layers> {
        let of = |(number, root): (usize, &crate::roots::Root)| {
            let prefix = roots.prefix(root);
            Layers {
                place: join_slashed(&self.tree, prefix),
                lower: vec![join_slashed(self.laid.path(), prefix), root.real.clone()],
                upper: join_slashed(self.upper.path(), prefix),
                work: self.work.join(number.to_string()),
            }
        };
        roots.iter().enumerate().map(of).collect()
    }

    /// Dependency folders, at their own place.
    pub(super) fn readable(&self) -> Vec<PathBuf> {
        self.dependencies.iter().map(|(_, source)| source.clone()).collect()
    }

    pub(super) fn sources(&self) -> &[(PathBuf, PathBuf)] {
        &self.sources
    }

    pub(super) fn save(&mut self, folder: &Path) -> io::Result<()> {
        self.record.used = Some(SystemTime::now());
        self.record.save(folder)
    }

    /// The folders that are mounted and mounted upon.
    fn make_tops(&self, roots: &Roots) -> io::Result<()> {
        for layers in self.layers(roots) {
            for folder in [&layers.place, &layers.lower[0], &layers.upper, &layers.work] {
                std::fs::create_dir_all(folder)?;
            }
        }
        Ok(())
    }
}

impl Shadow {
    /// Makes the union show the base snapshot, and undoes what commands did to its files. `None` when the tree cannot be a
    /// layer. `is_new` says that no command has seen it.
    pub(super) fn fill_layered(&mut self, is_new: bool) -> Result<Option<Vec<RelPath>>, ShadowError> {
        let Some(mut layered) = self.layered.take() else { return Ok(None) };
        let listing = self.base.listing();
        // Taken before anything is looked at: what changes meanwhile is then looked at the next time.
        let mut synced = SystemTime::now();
        let mut survey = survey::look(&listing, (!is_new).then_some(&layered.record));
        if survey.is_unfit {
            let _ = super::place::remove_tree(&layered.home);
            return Ok(None);
        }
        let failed = |error: io::Error| ShadowError::from_io(&self.folder, &error);
        if survey.is_overturned {
            // So much changed that a build from the beginning is the cheaper way.
            Record::forget(&self.folder);
            layered = Layered::open(&self.folder, self.base.roots()).map_err(failed)?.0;
            self.place = super::place::Place::new(layered.tree.clone());
            synced = SystemTime::now();
            survey = survey::look(&listing, None);
        }
        layered.dependencies = binds::dependencies(&listing);
        let roots = self.base.roots();
        layered.sources = layered
            .layers(roots)
            .into_iter()
            .zip(roots.iter())
            .map(|(l, r)| (r.real.clone(), l.place))
            .collect();
        layered.record.folders = survey.folders;
        layered.record.synced = synced;
        self.method = Method::Overlayfs;
        self.unreadable.clear();
        self.layered = Some(layered);
        let mut rewritten: BTreeSet<RelPath> = self.reset_layered()?.into_iter().collect();
        rewritten.extend(self.lay_sheet(&survey.own)?);
        let folder = self.folder.clone();
        if let Some(layered) = &mut self.layered {
            layered.record.used = None;
            layered.record.save(&folder).map_err(|error| ShadowError::from_io(&folder, &error))?;
        }
        Ok(Some(rewritten.into_iter().collect()))
    }

    /// As [`Shadow::apply`].
    pub(super) fn apply_layered(&mut self, touched: &BTreeSet<RelPath>) -> Result<Vec<RelPath>, ShadowError> {
        let Some(layered) = &self.layered else { return Ok(Vec::new()) };
        let appeared = self.appeared(layered);
        let moved = layered.watched.iter().filter(|(path, stamp)| self.disk_stamp(path) != **stamp);
        let mut paths: BTreeSet<RelPath> = moved.map(|(path, _)| path.clone()).collect();
        paths.extend(touched.iter().cloned());
        if !appeared.is_empty() || paths.iter().any(|path| self.is_structural(layered, path)) {
            let mut rewritten: BTreeSet<RelPath> = self.lay_sheet(&BTreeSet::new())?.into_iter().collect();
            rewritten.extend(self.uncover(touched.iter())?);
            return Ok(rewritten.into_iter().collect());
        }
        let mut rewritten = BTreeSet::new();
        for path in &paths {
            if self.lay_one(path)? {
                rewritten.insert(path.clone());
            }
        }
        rewritten.extend(self.uncover(touched.iter())?);
        Ok(rewritten.into_iter().collect())
    }

    /// True when laying this path alone would not do: folders come or go with it.
    fn is_structural(&self, layered: &Layered, path: &RelPath) -> bool {
        let want = self.want(path);
        let on_disk = self.on_disk(path).and_then(|path| path.symlink_metadata().ok());
        if on_disk.is_some_and(|found| found.is_dir()) || layered.laid.has_folder(path.as_str()) {
            return true;
        }
        let mut above = path.parent();
        while let Some(folder) = above {
            if layered.laid.hides(folder.as_str())
                || self.on_disk(&folder).is_some_and(|f| f.symlink_metadata().is_ok_and(|m| !m.is_dir()))
            {
                return true;
            }
            above = folder.parent();
        }
        matches!(want, Want::Nothing) && path.parent().is_some_and(|folder| !self.survives(folder.as_str()))
    }

    /// Lays one path; true when what commands see there changed.
    fn lay_one(&mut self, path: &RelPath) -> Result<bool, ShadowError> {
        let want = self.want(path);
        let stamp = self.disk_stamp(path);
        let Some(layered) = &mut self.layered else { return Ok(false) };
        let on_disk = self.base.roots().split(path).map(|(root, inner)| join_slashed(&root.real, inner));
        let item = sheet::Item::of(
            want,
            on_disk.as_deref(),
            self.overlay.as_ref().is_some_and(|o| o.edit(path).is_some()),
        );
        let done = layered.laid.put(path.as_str().as_ref(), item, self.base.roots());
        let is_laid = layered.laid.has(path.as_str());
        let is_rewritten =
            done.map_err(|error| ShadowError::from_io(layered.laid.path().join(path.as_str()), &error))?;
        if is_laid || self.base.version(path).is_some() {
            layered.watched.insert(path.clone(), stamp);
        } else {
            layered.watched.remove(path);
        }
        Ok(is_rewritten)
    }

    /// Takes away what commands put over these paths; tells where there was something.
    fn uncover<'p>(&self, paths: impl Iterator<Item = &'p RelPath>) -> Result<Vec<RelPath>, ShadowError> {
        let Some(layered) = &self.layered else { return Ok(Vec::new()) };
        let mut uncovered = Vec::new();
        for path in paths {
            let failed =
                |error: io::Error| ShadowError::from_io(layered.upper.path().join(path.as_str()), &error);
            if layered.upper.uncover(path.as_str()).map_err(failed)? {
                uncovered.push(path.clone());
            }
        }
        layered.make_tops(self.base.roots()).map_err(|error| ShadowError::from_io(&layered.home, &error))?;
        Ok(uncovered)
    }

    /// As [`Shadow::reset`]. Restores dependency folders too, all but their caches: checks are to speak of those that the
    /// person has.
    pub(super) fn reset_layered(&mut self) -> Result<Vec<RelPath>, ShadowError> {
        let touched = self.touched_layered();
        let restored = self.uncover(touched.iter())?;
        let Some(layered) = &self.layered else { return Ok(restored) };
        let roots = self.base.roots();
        let failed = |error: io::Error| ShadowError::from_io(&layered.home, &error);
        layered
            .upper
            .clean_dependencies(layered.dependencies.iter().map(|(path, _)| path))
            .map_err(failed)?;
        layered.upper.remove_version_control(roots).map_err(failed)?;
        let listing = self.base.listing();
        let below = |key: &str| listing.walked_at(key)?.path.symlink_metadata().ok();
        layered.upper.restore_modes("", &below).map_err(failed)?;
        if roots.len() > 1 {
            super::keep_only(&layered.tree, |name| roots.iter().any(|root| root.name == name))
                .map_err(failed)?;
        }
        layered.make_tops(roots).map_err(failed)?;
        Ok(restored)
    }

    /// Paths whose state is due to commands, sorted.
    pub(super) fn touched_layered(&self) -> Vec<RelPath> {
        let Some(layered) = &self.layered else { return Vec::new() };
        let mut touched = upper::touched(self, &layered.upper);
        touched.sort_unstable();
        touched.dedup();
        touched
    }

    /// The state of a path that commands touched; none when it is gone.
    pub(super) fn stamp_layered(&self, path: &RelPath) -> Option<Stamp> {
        self.layered.as_ref()?.upper.stamp(path.as_str())
    }

    /// Opens a file as commands see it; links are not followed.
    pub(super) fn open_layered(&self, path: &RelPath) -> Result<File, ReadError> {
        let Some(layered) = &self.layered else { return Err(ReadError::Missing) };
        let open = |place: &super::place::Place| {
            place.open_file(path.as_str()).map_err(|error| match error.kind() {
                io::ErrorKind::InvalidInput => ReadError::NotAFile,
                _ => ReadError::from_io(&error),
            })
        };
        match layered.upper.cover(path.as_str()) {
            upper::Cover::Here => return open(layered.upper.place()),
            upper::Cover::Gone => return Err(ReadError::Missing),
            upper::Cover::None => {}
        }
        if layered.laid.hides_or_covers(path.as_str()) {
            return Err(ReadError::Missing);
        }
        if layered.laid.has(path.as_str()) {
            return open(layered.laid.place());
        }
        let (root, inner) = self.base.roots().split(path).ok_or(ReadError::Missing)?;
        if join_slashed(&root.real, inner).is_symlink() {
            return Err(ReadError::NotAFile);
        }
        crate::disk::open_regular(self.base.roots(), root, inner).map(|(file, _)| file)
    }

    /// Bytes of disk that take what commands wrote.
    pub(super) fn written_bytes(&self) -> u64 {
        self.layered.as_ref().map_or(0, |layered| super::disk_bytes(layered.upper.path()))
    }

    /// Removes all that commands wrote.
    pub(super) fn drop_written(&mut self) -> Result<(), ShadowError> {
        let Some(layered) = &self.layered else { return Ok(()) };
        let failed = |error: io::Error| ShadowError::from_io(&layered.home, &error);
        super::place::remove_tree(layered.upper.path()).map_err(failed)?;
        layered.make_tops(self.base.roots()).map_err(failed)
    }

    fn on_disk(&self, path: &RelPath) -> Option<PathBuf> {
        let (root, inner) = self.base.roots().split(path)?;
        Some(join_slashed(&root.real, inner))
    }

    fn disk_stamp(&self, path: &RelPath) -> Option<Stamp> {
        Stamp::at(&self.on_disk(path)?)
    }

    /// Folders of the person's that changed since they were looked through.
    fn appeared(&self, layered: &Layered) -> Vec<String> {
        let listing: std::sync::Arc<Listing> = self.base.listing();
        let is_changed = |(key, folder): &(&str, &crate::folder::Folder)| {
            layered.seen.get(*key).copied() != Stamp::at(&folder.path)
        };
        listing.walked().filter(is_changed).map(|(key, _)| key.to_string()).collect()
    }
}
