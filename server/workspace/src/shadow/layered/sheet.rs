//! The layer that Galley lays over the person's tree.

use super::Layered;
use crate::disk::{self, Stamp};
use crate::listing::{Listing, below};
use crate::roots::{Roots, is_vcs_name, join_slashed};
use crate::rules::Verdict;
use crate::shadow::lay::Want;
use crate::shadow::place::{NewFile, Place};
use crate::shadow::{Shadow, ShadowError, next_second};
use galley_text::path::RelPath;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs::Metadata;
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

/// What is to be laid at a path.
pub(super) enum Item {
    /// Nothing: what lies below is seen, if there is anything.
    Through,
    /// The disk's file is to be seen; where something was laid before, with a time that says so.
    Disk,
    /// A copy of the disk's file, in any case.
    Copy,
    /// A mark that hides what lies below.
    Hidden,
    Bytes {
        bytes: Vec<u8>,
        mode: u32,
        /// Whether it may be left to the disk when that holds the same.
        or_disk: bool,
    },
    Link(PathBuf),
}

impl Item {
    /// `on_disk` is where the person's file lies or would lie.
    pub(super) fn of(want: Want, on_disk: Option<&Path>, is_edited: bool) -> Item {
        match want {
            Want::Nothing if on_disk.is_some_and(|path| path.symlink_metadata().is_ok()) => Item::Hidden,
            Want::Nothing => Item::Through,
            Want::Disk => Item::Disk,
            Want::Bytes(bytes, mode) => Item::Bytes { bytes, mode, or_disk: !is_edited },
            Want::Link(target) => Item::Link(target),
        }
    }
}

/// True for the kernel's mark that hides what lies below.
pub(super) fn is_mark(metadata: &Metadata) -> bool {
    metadata.file_type().is_char_device() && metadata.rdev() == 0
}

/// The layer's folder. No command can write in it.
#[derive(Debug)]
pub(super) struct Sheet {
    place: Place,
}

impl Sheet {
    pub(super) fn new(path: PathBuf) -> Sheet {
        Sheet { place: Place::new(path) }
    }

    pub(super) fn path(&self) -> &Path {
        self.place.path()
    }

    pub(super) fn place(&self) -> &Place {
        &self.place
    }

    fn look(&self, path: impl AsRef<Path>) -> Option<Metadata> {
        self.path().join(path).symlink_metadata().ok()
    }

    pub(super) fn has_folder(&self, path: &str) -> bool {
        self.look(path).is_some_and(|found| found.is_dir())
    }

    /// True when a file or link is laid here.
    pub(super) fn has(&self, path: &str) -> bool {
        self.look(path).is_some_and(|found| !found.is_dir() && !is_mark(&found))
    }

    /// True when anything but a folder lies here.
    pub(super) fn hides(&self, path: &str) -> bool {
        self.look(path).is_some_and(|found| !found.is_dir())
    }

    /// True when nothing that lies below this path, or at it, is seen.
    pub(super) fn hides_or_covers(&self, path: &str) -> bool {
        let above = path.match_indices('/').map(|(end, _)| &path[..end]);
        above.into_iter().any(|folder| self.hides(folder))
            || self.look(path).is_some_and(|found| is_mark(&found))
    }

    /// Everything that is laid but folders.
    fn walk(&self) -> Vec<PathBuf> {
        let (mut found, mut waiting) = (Vec::new(), vec![PathBuf::new()]);
        while let Some(key) = waiting.pop() {
            for entry in std::fs::read_dir(self.path().join(&key)).into_iter().flatten().flatten() {
                let path = key.join(entry.file_name());
                if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                    waiting.push(path)
                } else {
                    found.push(path)
                }
            }
        }
        found
    }

    /// Makes a path what it is to be; true when what is seen there changed.
    pub(super) fn put(&self, path: &Path, item: Item, roots: &Roots) -> io::Result<bool> {
        let now = self.look(path);
        let text = || path.to_str().ok_or(io::ErrorKind::InvalidInput);
        match item {
            Item::Through => self.clear(path, now.is_some()),
            Item::Hidden if now.as_ref().is_some_and(is_mark) => Ok(false),
            Item::Hidden => self.hide(path, roots).map(|()| true),
            Item::Disk if now.is_none() => Ok(false),
            Item::Disk => self.put_disk(text()?, now.as_ref(), false, roots),
            Item::Copy => self.put_disk(text()?, now.as_ref(), true, roots),
            Item::Link(target) => self.put_link(text()?, &target, now.as_ref(), roots),
            Item::Bytes { bytes, mode, or_disk } => {
                let path = text()?;
                let is_there = match &now {
                    Some(now) => is_same(&self.path().join(path), now, &bytes, mode),
                    None if or_disk => on_disk(roots, path).is_some_and(|disk| {
                        disk.symlink_metadata().is_ok_and(|found| is_same(&disk, &found, &bytes, mode))
                    }),
                    None => false,
                };
                if !is_there {
                    self.create(path, mode, roots, |mut file| io::Write::write_all(&mut file, &bytes))?;
                }
                Ok(!is_there)
            }
        }
    }

    fn clear(&self, path: &Path, is_there: bool) -> io::Result<bool> {
        if is_there {
            match path.to_str() {
                Some(path) => self.place.remove(path)?,
                None => std::fs::remove_file(self.path().join(path))?,
            }
        }
        Ok(is_there)
    }

    fn hide(&self, path: &Path, roots: &Roots) -> io::Result<()> {
        use rustix::fs::{CWD, FileType, Mode, mknodat};
        if let Some(folder) = path.parent().and_then(Path::to_str) {
            self.make_folders(folder, roots)?;
        }
        let at = self.path().join(path);
        match at.symlink_metadata() {
            Ok(found) if found.is_dir() => crate::shadow::place::remove_tree(&at)?,
            Ok(_) => std::fs::remove_file(&at)?,
            Err(_) => {}
        }
        Ok(mknodat(CWD, &at, FileType::CharacterDevice, Mode::empty(), 0)?)
    }

    fn put_link(&self, path: &str, target: &Path, now: Option<&Metadata>, roots: &Roots) -> io::Result<bool> {
        let leads_there = |link: &Path| std::fs::read_link(link).is_ok_and(|found| found == target);
        if on_disk(roots, path).is_some_and(|disk| leads_there(&disk)) {
            return self.clear(path.as_ref(), now.is_some());
        }
        if now.is_some() && leads_there(&self.path().join(path)) {
            return Ok(false);
        }
        self.make_folders(parent(path), roots)?;
        self.place.walk().create_link(path, target).map(|()| true)
    }

    /// Lets the disk's file be seen where something else was: by a copy with the time of this change, unless the disk's own
    /// time is a later one.
    fn put_disk(&self, path: &str, now: Option<&Metadata>, always: bool, roots: &Roots) -> io::Result<bool> {
        let Some((root, inner)) = split(roots, path) else { return self.clear(path.as_ref(), now.is_some()) };
        let Ok((mut source, metadata)) = disk::open_regular(roots, root, inner) else {
            return self.clear(path.as_ref(), now.is_some());
        };
        let mode = metadata.mode() & 0o777 | 0o200;
        let at = self.path().join(path);
        if let Some(now) =
            now.filter(|now| now.is_file() && now.len() == metadata.len() && now.mode() & 0o777 == mode)
            && let Ok(mut laid) = self.place.open_file(path)
            && crate::shadow::lay::is_same_content(&mut laid, &mut source)
        {
            if !always && metadata.mtime() > now.mtime() {
                self.clear(path.as_ref(), true)?;
            }
            return Ok(false);
        }
        let Ok((mut source, _)) = disk::open_regular(roots, root, inner) else {
            return Err(io::ErrorKind::NotFound.into());
        };
        self.create(path, mode, roots, |mut file| io::copy(&mut source, &mut file).map(|_| ()))
            .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", at.display())))?;
        Ok(true)
    }

    fn create(
        &self,
        path: &str,
        mode: u32,
        roots: &Roots,
        fill: impl FnOnce(&std::fs::File) -> io::Result<()>,
    ) -> io::Result<()> {
        self.make_folders(parent(path), roots)?;
        self.place.walk().create_file(path, &NewFile { mode, modified: next_second() }, fill).map(|_| ())
    }

    /// Makes folders with the modes of those below, since the topmost one's is what commands see.
    fn make_folders(&self, key: &str, roots: &Roots) -> io::Result<()> {
        if key.is_empty() || self.has_folder(key) {
            return Ok(());
        }
        self.make_folders(parent(key), roots)?;
        self.place.create_folder(key)?;
        let mode =
            on_disk(roots, key).and_then(|folder| folder.symlink_metadata().ok()).filter(Metadata::is_dir);
        if let Some(below) = mode {
            let mode = below.mode() & 0o777 | 0o700;
            std::fs::set_permissions(self.path().join(key), std::fs::Permissions::from_mode(mode))?;
        }
        Ok(())
    }
}

fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(above, _)| above)
}

fn split<'r, 'p>(roots: &'r Roots, path: &'p str) -> Option<(&'r crate::roots::Root, &'p str)> {
    if roots.len() == 1 {
        return roots.iter().next().map(|root| (root, path));
    }
    let (name, inner) = path.split_once('/').unwrap_or((path, ""));
    Some((roots.iter().find(|root| root.name == name)?, inner))
}

fn on_disk(roots: &Roots, path: &str) -> Option<PathBuf> {
    let (root, inner) = split(roots, path)?;
    Some(join_slashed(&root.real, inner))
}

fn is_same(path: &Path, found: &Metadata, bytes: &[u8], mode: u32) -> bool {
    let alike = found.is_file() && found.len() == bytes.len() as u64 && found.mode() & 0o777 == mode & 0o777;
    alike && std::fs::read(path).is_ok_and(|content| content == bytes)
}

/// The files that commands are to see.
pub(super) struct Wanted {
    lists: [Arc<[RelPath]>; 3],
    /// Of edited paths, whether there is a file.
    edited: BTreeMap<RelPath, bool>,
}

impl Wanted {
    pub(super) fn of(shadow: &Shadow) -> Wanted {
        let listing = shadow.base.listing();
        let edit = |path: RelPath| {
            let is_there = shadow.overlay.as_ref()?.edit(&path)?.after.is_some();
            Some((path, is_there))
        };
        let edited =
            shadow.overlay.iter().flat_map(|overlay| overlay.changed_paths()).filter_map(edit).collect();
        Wanted {
            lists: [shadow.base.files(), Arc::clone(listing.hidden()), Arc::clone(listing.links())],
            edited,
        }
    }

    pub(super) fn has(&self, path: &RelPath) -> bool {
        match self.edited.get(path) {
            Some(is_there) => *is_there,
            None => self.lists.iter().any(|list| list.binary_search(path).is_ok()),
        }
    }

    /// The files below a folder.
    pub(super) fn below<'w>(&'w self, key: &str) -> impl Iterator<Item = &'w RelPath> + use<'w> {
        let prefix = if key.is_empty() { String::new() } else { format!("{key}/") };
        let start = prefix.clone();
        let listed = self.lists.iter().flat_map(move |list| {
            let prefix = start.clone();
            let from = list.partition_point(|path| path.as_str() < prefix.as_str());
            list[from..].iter().take_while(move |path| path.as_str().starts_with(&prefix))
        });
        let new = self
            .edited
            .iter()
            .filter(move |(path, is_there)| **is_there && path.as_str().starts_with(&prefix));
        listed.filter(|path| self.edited.get(*path) != Some(&false)).chain(new.map(|(path, _)| path))
    }
}

impl Shadow {
    /// Lays everything anew that is to be laid, leaving alone what is there already. `own` are files that need a copy.
    pub(super) fn lay_sheet(&mut self, own: &BTreeSet<RelPath>) -> Result<Vec<RelPath>, ShadowError> {
        let Some(mut layered) = self.layered.take() else { return Ok(Vec::new()) };
        let mut items = self.items(&mut layered, own);
        for path in layered.laid.walk() {
            // What was laid and is to be seen as on disk again.
            items.entry(path).or_insert_with_key(|path| {
                let path = path.to_str().and_then(|path| RelPath::new(path).ok());
                match path.map(|path| self.want(&path)) {
                    Some(Want::Disk) => Item::Disk,
                    Some(Want::Link(target)) => Item::Link(target),
                    _ => Item::Through,
                }
            });
        }
        layered.watched = self.base.document_paths().map(|path| (path.clone(), None)).collect();
        let (mut rewritten, roots) = (Vec::new(), self.base.roots());
        // What goes makes room for what comes.
        let (gone, present): (Vec<_>, Vec<_>) =
            items.into_iter().partition(|(_, item)| matches!(item, Item::Through));
        let mut done = Ok(());
        for (path, item) in gone.into_iter().chain(present) {
            let text = path.to_str().and_then(|text| RelPath::new(text).ok());
            match layered.laid.put(&path, item, roots) {
                Ok(true) => rewritten.extend(text.clone()),
                Ok(false) => {}
                Err(error) => {
                    done = Err(ShadowError::from_io(layered.laid.path().join(&path), &error));
                    break;
                }
            }
            layered
                .watched
                .extend(text.filter(|text| layered.laid.has(text.as_str())).map(|text| (text, None)));
        }
        for (path, stamp) in &mut layered.watched {
            *stamp = on_disk(roots, path.as_str()).and_then(|path| Stamp::at(&path));
        }
        let tops = layered.make_tops(roots).map_err(|error| ShadowError::from_io(&layered.home, &error));
        self.layered = Some(layered);
        done.and(tops)?;
        rewritten.sort_unstable();
        Ok(rewritten)
    }

    /// Everything that is to be laid.
    fn items(&self, layered: &mut Layered, own: &BTreeSet<RelPath>) -> BTreeMap<PathBuf, Item> {
        let listing = self.base.listing();
        let wanted = Wanted::of(self);
        let mut items = BTreeMap::new();
        let mut mask = Mask { shadow: self, listing: &listing, wanted: &wanted, layered, items: &mut items };
        mask.all();
        let mut put = |path: &RelPath| {
            let is_edited = self.overlay.as_ref().is_some_and(|overlay| overlay.edit(path).is_some());
            let item =
                Item::of(self.want(path), on_disk(self.base.roots(), path.as_str()).as_deref(), is_edited);
            // A folder in place of a removed file hides it by being there.
            let is_replaced = matches!(item, Item::Hidden) && wanted.below(path.as_str()).next().is_some();
            if !is_replaced {
                items.insert(PathBuf::from(path.as_str()), item);
            }
        };
        listing.links().iter().for_each(&mut put);
        self.base.document_paths().filter(|path| wanted.has(path)).for_each(&mut put);
        wanted.edited.keys().for_each(&mut put);
        for path in own.iter().filter(|path| matches!(self.want(path), Want::Disk)) {
            items.insert(PathBuf::from(path.as_str()), Item::Copy);
        }
        let mut gone = BTreeSet::new();
        for (path, _) in wanted.edited.iter().filter(|(_, is_there)| !**is_there) {
            let mut above = path.parent();
            while let Some(folder) =
                above.filter(|folder| !is_top(self.base.roots(), folder) && !self.survives(folder.as_str()))
            {
                above = folder.parent();
                gone.insert(PathBuf::from(folder.as_str()));
            }
        }
        items.retain(|path, _| !path.ancestors().skip(1).any(|above| gone.contains(above)));
        for folder in
            gone.iter().filter(|folder| !folder.ancestors().skip(1).any(|above| gone.contains(above)))
        {
            // A file may stand in its place.
            items.entry(folder.clone()).or_insert(Item::Hidden);
        }
        items
    }

    /// Whether a folder of the person's is to be seen: one goes with its last file, as it does from a copy.
    pub(super) fn survives(&self, key: &str) -> bool {
        let listing = self.base.listing();
        let Some(folder) = listing.walked_at(key) else { return true };
        let is_bare = folder.files.is_empty() && folder.links.is_empty() && folder.folders.is_empty();
        is_bare
            || Wanted::of(self).below(key).next().is_some()
            || folder.folders.iter().any(|name| self.survives(&below(key, name)))
    }
}

fn is_top(roots: &Roots, folder: &RelPath) -> bool {
    roots.iter().any(|root| roots.prefix(root) == folder.as_str())
}

/// Finds what is to be hidden.
struct Mask<'m> {
    shadow: &'m Shadow,
    listing: &'m Listing,
    wanted: &'m Wanted,
    layered: &'m mut Layered,
    items: &'m mut BTreeMap<PathBuf, Item>,
}

impl Mask<'_> {
    fn all(&mut self) {
        self.layered.seen.clear();
        for (key, folder) in self.listing.walked() {
            let (stamp, now) = (Stamp::at(&folder.path), SystemTime::now());
            if let Some(stamp) = stamp.filter(|stamp| !stamp.is_racy(now)) {
                self.layered.seen.insert(key.to_string(), stamp);
            }
            let names = if folder.is_settled && stamp == Some(folder.stamp) {
                folder.unlisted.clone()
            } else {
                names(&folder.path)
                    .filter(|name| {
                        let known = |list: &[String]| {
                            name.to_str()
                                .is_some_and(|name| list.binary_search_by(|l| l.as_str().cmp(name)).is_ok())
                        };
                        !known(&folder.files) && !known(&folder.links) && !known(&folder.folders)
                    })
                    .collect()
            };
            for name in names {
                self.entry(key, name);
            }
        }
        if self.listing.denies_something() {
            for (path, source) in self.layered.dependencies.clone() {
                self.denied(path.as_str(), &source);
            }
        }
    }

    /// Hides one entry of a folder, or what in it is not wanted.
    fn entry(&mut self, key: &str, name: OsString) {
        let Some(path) = name.to_str().and_then(|name| RelPath::new(&below(key, name)).ok()) else {
            self.items.insert(Path::new(key).join(name), Item::Hidden);
            return;
        };
        let roots = self.shadow.base.roots();
        let disk = on_disk(roots, path.as_str());
        let is_folder =
            disk.as_ref().is_some_and(|disk| disk.symlink_metadata().is_ok_and(|found| found.is_dir()));
        let is_of_a_root = roots.iter().any(|root| roots.prefix(root) == key);
        let is_storage = is_vcs_name(path.file_name())
            && is_of_a_root
            && disk.as_ref().is_some_and(|disk| !disk.is_symlink());
        let is_dependency = self.layered.dependencies.iter().any(|(other, _)| *other == path);
        if is_storage || is_dependency || self.wanted.has(&path) {
            return;
        }
        if is_folder && self.wanted.below(path.as_str()).next().is_some() {
            // Git tracks something in a folder that rules ignore, or the task wrote there.
            for name in disk.iter().flat_map(|disk| names(disk)).collect::<Vec<_>>() {
                self.entry(path.as_str(), name);
            }
            return;
        }
        self.items.insert(PathBuf::from(path.as_str()), Item::Hidden);
    }

    /// Hides what rules deny inside of a dependency folder.
    fn denied(&mut self, key: &str, folder: &Path) {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            let Some(path) = entry.file_name().to_str().and_then(|name| RelPath::new(&below(key, name)).ok())
            else {
                continue;
            };
            if self.listing.judge(&path, is_folder) == Verdict::Denied {
                self.items.insert(PathBuf::from(path.as_str()), Item::Hidden);
            } else if is_folder {
                self.denied(path.as_str(), &entry.path());
            }
        }
    }
}

fn names(folder: &Path) -> impl Iterator<Item = OsString> + use<> {
    std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.file_name())
}
