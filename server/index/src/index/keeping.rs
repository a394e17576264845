//! The index and its folder on disk: what is taken from it at the start, and when what is written.

use super::{Index, Reader, join};
use crate::facts::Facts;
use crate::grams::Grams;
use crate::hash::ContentHash;
use crate::segment::{File, Segment};
use crate::snapshot::OpaqueFile;
use crate::store::{self, Common, Content, Entry, Folder, Pack, Packing, Stamp, Stored, What};
use crate::turn::{pass, worked};
use galley_text::path::RelPath;
use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::sync::{Arc, PoisonError};

/// So many bytes of facts wait in memory, before they are written to a pack while the rest of a tree is still read. What
/// went there is unpacked again for the base: with a quarter of this, six million lines took a tenth more processor time.
pub(super) const WAITING: usize = 256 << 20;
/// So many bytes of text are behind one pack at most.
const PACK_TEXT: u64 = 48 << 20;
/// By how much facts become smaller when they are compressed, about.
const PACKED: usize = 3;

type Recent = BTreeMap<RelPath, Option<Arc<File>>>;

/// What is on disk.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Kept {
    /// Bytes of all files of the cache.
    pub bytes: u64,
    /// Of these, for text search.
    pub search_bytes: u64,
    /// Contents, those that no file has at present among them.
    pub contents: usize,
}

impl Index {
    /// The index that was kept in `folder`, as it was; an empty one if there is nothing there that can be used. What is
    /// read later is kept there by [`Index::persist`]. Answers that show lines ask `reader` for them.
    ///
    /// The files are those that were there then: [`Index::stale`] tells which must be read.
    pub fn open(folder: &Path, reader: Reader) -> Index {
        let index = Index::with_reader(reader);
        index.attach(folder);
        index
    }

    /// Goes on with what was kept in `folder`, in place of all that is known; does nothing if that is the folder
    /// already. Texts are asked from the reader that the index was made with.
    pub fn attach(&self, folder: &Path) {
        let _alone = self.shared.keeping.lock().unwrap_or_else(PoisonError::into_inner);
        let folder = Folder::new(folder);
        if self.folder().as_ref() == Some(&folder) {
            return;
        }
        let loaded = folder.load();
        *self.shared.folder.lock().unwrap_or_else(PoisonError::into_inner) = Some(folder);
        let reader = self.shared.reader.clone();
        let mut writing = self.writing();
        writing.recent.clear();
        writing.base = Arc::default();
        writing.common = Arc::new(Common { packs: loaded.packs, reader, ..Common::default() });
        let common = Arc::clone(&writing.common);
        if let Some((base, entries)) = loaded.base {
            let files: Vec<Arc<File>> = entries
                .into_iter()
                .filter_map(|entry| File::of_entry(entry, &common))
                .map(Arc::new)
                .collect();
            writing.base = Arc::new(Segment::on_disk(files, Arc::new(base)));
        }
        let mut opaque = BTreeMap::new();
        for entry in loaded.changes {
            let (path, stamp) = (entry.path.clone(), entry.stamp);
            if let What::Opaque(why) = entry.what {
                opaque.insert(path.clone(), OpaqueFile { why, stamp });
            }
            let file = File::of_entry(entry, &common).map(Arc::new);
            if file.is_some() || writing.base.find(&path).is_some() {
                writing.recent.insert(path, file);
            }
        }
        writing.opaque = Arc::new(opaque);
        self.publish(&mut writing);
    }

    fn folder(&self) -> Option<Folder> {
        self.shared.folder.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Compares what is known with what is on disk: `listed` are all files with their present stamps, in the order of
    /// their paths. Gives those whose content is not known, to be read and handed to [`Index::update_from_disk`];
    /// files that are not listed are removed.
    pub fn stale(&self, listed: &[(RelPath, Option<Stamp>)]) -> Vec<RelPath> {
        let writing = self.writing();
        let mut known: Vec<(&RelPath, Option<Stamp>)> =
            writing.files().map(|file| (&file.path, file.stamp)).collect();
        known.extend(writing.opaque.iter().map(|(path, file)| (path, file.stamp)));
        if !known.is_sorted_by_key(|(path, _)| *path) {
            known.sort_unstable_by_key(|(path, _)| *path);
        }
        let (mut stale, mut gone) = (Vec::new(), false);
        let mut known = known.into_iter().peekable();
        for (path, stamp) in listed {
            while known.next_if(|(other, _)| *other < path).is_some() {
                gone = true;
            }
            let before = known.next_if(|(other, _)| *other == path).and_then(|(_, stamp)| stamp);
            if before.is_none() || before != *stamp {
                stale.push(path.clone());
            }
        }
        let gone = gone || known.next().is_some();
        drop(known);
        drop(writing);
        if gone {
            self.retain(|path| listed.binary_search_by(|(other, _)| other.cmp(path)).is_ok());
        }
        stale
    }

    /// Writes what is new to the folder, if the index has one; costs what changed, as a rule.
    pub fn persist(&self) -> std::io::Result<()> {
        self.dismiss_readers();
        self.write_out(true)
    }

    /// Makes room in memory in the middle of a large tree: contents go to a pack, all else waits for the end.
    pub(super) fn relieve(&self) {
        // Without room on disk the index goes on in memory.
        let _ = self.write_out(false);
        self.writing().waiting = 0;
    }

    /// Removes what is kept in `folder`, whoever uses it; gives the number of bytes that were there. An index that is
    /// open goes on with what it has.
    pub fn purge(folder: &Path) -> std::io::Result<u64> {
        Folder::new(folder).purge()
    }

    /// What is on disk at present.
    pub fn kept(&self) -> Kept {
        let packs = &self.snapshot().parts.common.packs;
        Kept {
            bytes: self.folder().as_ref().map_or(0, Folder::bytes),
            search_bytes: packs.iter().map(|pack| pack.gram_bytes()).sum(),
            contents: packs.iter().map(|pack| pack.len()).sum(),
        }
    }

    fn write_out(&self, with_base: bool) -> std::io::Result<()> {
        let _alone = self.shared.keeping.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(folder) = self.folder() else { return Ok(()) };
        let lock = folder.write()?;
        let (base, recent, common, opaque) = {
            let writing = self.writing();
            let (base, recent) = (Arc::clone(&writing.base), writing.recent.clone());
            (base, recent, Arc::clone(&writing.common), Arc::clone(&writing.opaque))
        };
        let mut packs = lock.packs(&common.packs);
        let files = || base.files.iter().chain(recent.values().flatten());
        write_packs(&lock, &mut packs, files())?;
        let live: HashSet<ContentHash> = files().filter_map(|file| file.content.hash()).collect();
        if store::is_crowded(&packs, live.len()) {
            packs = join_packs(&lock, &packs, &live)?;
        }
        let common =
            Arc::new(Common { packs, recent: Arc::clone(&common.recent), reader: common.reader.clone() });
        let kept = base.base.as_ref().filter(|base| lock.has(base));
        let segment =
            if with_base && (kept.is_none() || recent.len() > super::RECENT.max(base.files.len() / 16)) {
                let ready = join(&base, &recent).into_iter().filter(|file| file.entry().is_some());
                let ready = Segment::new(ready.collect());
                // From what is still in memory, where it is: unpacking costs more than packing did.
                let [names, terms, symbols] = ready.build();
                let segment = Segment::new(ready.files.iter().map(|file| in_pack(file, &common)).collect());
                let entries: Vec<Entry> = segment.files.iter().filter_map(|file| file.entry()).collect();
                let written = lock.base(&store::base_bytes(&entries, &names, &terms, &symbols))?;
                lock.head(Some(&written), &common.packs, &changes(&Recent::new(), &opaque, None))?;
                Segment::on_disk(segment.files, Arc::new(written))
            } else {
                let on_disk = kept.map(|_| &*base);
                let changed = if kept.is_some() { changes(&recent, &opaque, on_disk) } else { Vec::new() };
                lock.head(kept.map(|base| &**base), &common.packs, &changed)?;
                let files = base.files.iter().map(|file| in_pack(file, &common)).collect();
                Segment { base: base.base.clone(), ..Segment::new(files) }
            };
        drop(lock);
        self.adopt(&base, &recent, segment, common);
        Ok(())
    }

    /// Takes what was written in place of what was in memory, unless that changed meanwhile.
    fn adopt(&self, base: &Arc<Segment>, before: &Recent, segment: Segment, common: Arc<Common>) {
        let mut writing = self.writing();
        if Arc::ptr_eq(&writing.base, base) {
            let mut recent = std::mem::take(&mut writing.recent);
            // What could not be written stays above the base.
            for file in base.files.iter().filter(|file| segment.find(&file.path).is_none()) {
                recent.entry(file.path.clone()).or_insert_with(|| Some(Arc::clone(file)));
            }
            let is_same = |path: &RelPath, file: &Option<Arc<File>>| match (before.get(path), file) {
                (Some(Some(one)), Some(other)) => Arc::ptr_eq(one, other),
                (Some(None), None) => true,
                _ => false,
            };
            let is_new =
                segment.base.as_ref().map(|base| &base.name) != base.base.as_ref().map(|base| &base.name);
            recent.retain(|path, file| {
                let is_in_base = segment.find(path).is_some() == file.is_some();
                !(is_new
                    && is_in_base
                    && is_same(path, file)
                    && file.as_ref().is_none_or(|file| file.entry().is_some()))
            });
            for file in recent.values_mut().flatten() {
                *file = in_pack(file, &common);
            }
            writing.base = Arc::new(segment);
            writing.recent = recent;
            writing.waiting = 0;
        }
        writing.common = common;
        self.publish(&mut writing);
    }
}

/// The file with its facts in a pack, if they are in one.
fn in_pack(file: &Arc<File>, common: &Arc<Common>) -> Arc<File> {
    let hash = match &file.content {
        Content::Held(_) if file.grams.is_none() => None,
        content => content.hash(),
    };
    let stored = hash.map(|hash| Stored::new(hash, common)).filter(|stored| stored.place().is_some());
    stored.map_or_else(|| Arc::clone(file), |stored| Arc::new(file.stored(stored)))
}

/// The files that are not as the base says, with those that are no text.
fn changes(recent: &Recent, opaque: &BTreeMap<RelPath, OpaqueFile>, base: Option<&Segment>) -> Vec<Entry> {
    let mut all: BTreeMap<&RelPath, Entry> = BTreeMap::new();
    for (path, file) in recent {
        let in_base = base.is_some_and(|base| base.find(path).is_some());
        let entry = match file {
            Some(file) => file.entry(),
            None => in_base.then(|| Entry { path: path.clone(), stamp: None, what: What::Gone }),
        };
        all.extend(entry.map(|entry| (path, entry)));
    }
    for (path, file) in opaque {
        let what = What::Opaque(file.why);
        all.insert(path, Entry { path: path.clone(), stamp: file.stamp, what });
    }
    all.into_values().collect()
}

/// Writes contents that are in no pack yet.
fn write_packs<'f>(
    lock: &store::Writing,
    packs: &mut Vec<Arc<Pack>>,
    files: impl Iterator<Item = &'f Arc<File>>,
) -> std::io::Result<()> {
    let mut seen = HashSet::new();
    let mut packing = Packing::default();
    let mut text = 0;
    for file in files {
        let Some((facts, grams, hash)) = waiting(file) else { continue };
        if store::find(packs, hash).is_some() || !seen.insert(hash) {
            continue;
        }
        packing.add(hash, facts.raw(), grams);
        worked(pass(facts.weight()));
        text += u64::from(file.brief.bytes);
        if text > PACK_TEXT {
            packs.push(lock.pack(std::mem::take(&mut packing))?);
            text = 0;
        }
    }
    if !packing.is_empty() {
        packs.push(lock.pack(packing)?);
    }
    Ok(())
}

fn waiting(file: &File) -> Option<(&Facts, &[Grams], ContentHash)> {
    let Content::Held(facts) = &file.content else { return None };
    Some((facts, file.grams.as_deref()?, facts.hash?))
}

/// The contents of all packs in as few as possible, without most of those that no file has. What no file has at present
/// is kept as far as it does not outweigh the rest, the newest first: it comes back with the next change of branch.
fn join_packs(
    lock: &store::Writing,
    packs: &[Arc<Pack>],
    live: &HashSet<ContentHash>,
) -> std::io::Result<Vec<Arc<Pack>>> {
    let mut spare = live.len() + 500;
    let mut seen = HashSet::new();
    let mut joined = Vec::new();
    let (mut packing, mut bytes) = (Packing::default(), 0);
    for pack in packs.iter().rev() {
        let Some(lists) = pack.lists() else { continue };
        let grams = lists.contents();
        for number in 0..pack.len() as u32 {
            let (Some(hash), Some(raw)) = (pack.hash(number), pack.raw(number)) else { continue };
            let Some(pieces) = pack.pieces(number).and_then(|pieces| grams.get(pieces)) else { continue };
            if !seen.insert(hash) {
                continue;
            }
            if !live.contains(&hash) {
                if spare == 0 {
                    continue;
                }
                spare -= 1;
            }
            bytes += raw.weight() / PACKED + pieces.iter().map(|grams| grams.weight()).sum::<usize>();
            packing.add(hash, raw, pieces);
            if bytes > WAITING {
                joined.push(lock.pack(std::mem::take(&mut packing))?);
                bytes = 0;
            }
        }
    }
    if !packing.is_empty() {
        joined.push(lock.pack(packing)?);
    }
    joined.reverse();
    Ok(joined)
}
