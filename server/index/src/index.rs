//! The index: who may write, and when old and recent facts are joined.
//!
//! Writers take a lock that no reader ever takes; readers load the present snapshot, which stays as it is however
//! long they keep it. Contents are known by hash: text that was read before, under whatever path, is not parsed again.

use crate::facts::Facts;
use crate::hash::{ContentHash, FastMap};
use crate::role::role;
use crate::segment::{File, Segment};
use crate::snapshot::{IndexSnapshot, Parts};
use arc_swap::ArcSwap;
use galley_text::path::RelPath;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, Weak};

/// Gives the text of a file, buffers before disk; `None` if it is gone.
pub type Reader = Arc<dyn Fn(&RelPath) -> Option<Arc<str>> + Send + Sync>;

/// So many recent files are kept apart before they are joined with the old ones, at least.
const RECENT: usize = 64;

/// Facts of many files, kept fresh. Clones share one index.
#[derive(Clone)]
pub struct Index {
    shared: Arc<Shared>,
}

struct Shared {
    reader: Option<Reader>,
    writing: Mutex<Writing>,
    present: ArcSwap<IndexSnapshot>,
}

#[derive(Default)]
struct Writing {
    base: Arc<Segment>,
    /// Changed since `base` was made; `None` is a removed file.
    recent: BTreeMap<RelPath, Option<Arc<File>>>,
    known: FastMap<ContentHash, Weak<Facts>>,
    revision: u64,
}

impl Default for Index {
    fn default() -> Self {
        Self::new()
    }
}

impl Index {
    /// An empty index that keeps the texts it is given.
    pub fn new() -> Self {
        Self::with(None)
    }

    /// An empty index that keeps no text; answers that show lines ask `reader` for them.
    pub fn with_reader(reader: Reader) -> Self {
        Self::with(Some(reader))
    }

    fn with(reader: Option<Reader>) -> Self {
        let present =
            ArcSwap::from_pointee(IndexSnapshot::new(Parts { reader: reader.clone(), ..Parts::default() }));
        Self { shared: Arc::new(Shared { reader, writing: Mutex::default(), present }) }
    }

    /// An immutable view of the present state.
    pub fn snapshot(&self) -> Arc<IndexSnapshot> {
        self.shared.present.load_full()
    }

    /// Adds or replaces files. Contents that are already known cost a hash; others are read on up to as many threads
    /// as the machine has processors.
    pub fn update(&self, files: &[(RelPath, Arc<str>)]) {
        let read = self.read_all(files);
        let mut writing = self.writing();
        for ((path, text), facts) in files.iter().zip(read) {
            self.put(&mut writing, path, Some((Arc::clone(text), facts)));
        }
        self.publish(&mut writing);
    }

    /// Adds, replaces or (`None`) removes one file.
    pub fn update_file(&self, path: &RelPath, text: Option<&str>) {
        let new = text.map(|text| {
            let text: Arc<str> = text.into();
            let facts = self.read(path, &text);
            (text, facts)
        });
        let mut writing = self.writing();
        self.put(&mut writing, path, new);
        self.publish(&mut writing);
    }

    /// Removes every file for which `keep` says no.
    pub fn retain(&self, keep: impl Fn(&RelPath) -> bool) {
        let gone: Vec<RelPath> = self.snapshot().paths().filter(|path| !keep(path)).cloned().collect();
        if gone.is_empty() {
            return;
        }
        let mut writing = self.writing();
        for path in &gone {
            self.put(&mut writing, path, None);
        }
        self.publish(&mut writing);
    }

    fn writing(&self) -> MutexGuard<'_, Writing> {
        match self.shared.writing.lock() {
            Ok(guard) => guard,
            // A panic while writing leaves whole files only: each `put` is one insertion.
            Err(poisoned) => poisoned.into_inner(),
        }
    }

    fn read(&self, path: &RelPath, text: &str) -> Arc<Facts> {
        let language = galley_grammars::detect_text(path.as_str(), text);
        let hash = ContentHash::of(language.map(|language| language.name), text);
        let known = self.writing().known.get(&hash).and_then(Weak::upgrade);
        known.unwrap_or_else(|| Arc::new(Facts::read(language, text, hash)))
    }

    fn read_all(&self, files: &[(RelPath, Arc<str>)]) -> Vec<Arc<Facts>> {
        let threads = std::thread::available_parallelism().map_or(1, usize::from).min(files.len() / 8 + 1);
        if threads == 1 {
            return files.iter().map(|(path, text)| self.read(path, text)).collect();
        }
        let next = AtomicUsize::new(0);
        let read_some = || {
            let mut done = Vec::new();
            while let Some((path, text)) = files.get(next.load(Ordering::Relaxed)) {
                let number = next.fetch_add(1, Ordering::Relaxed);
                let (path, text) = files.get(number).map_or((path, text), |file| (&file.0, &file.1));
                if number < files.len() {
                    done.push((number, self.read(path, text)));
                }
            }
            done
        };
        let mut all: Vec<(usize, Arc<Facts>)> = std::thread::scope(|scope| {
            let readers: Vec<_> = (0..threads).map(|_| scope.spawn(read_some)).collect();
            readers.into_iter().flat_map(|reader| reader.join().unwrap_or_default()).collect()
        });
        all.sort_unstable_by_key(|(number, _)| *number);
        if all.len() != files.len() {
            // A reader thread panicked; what it held is read again here, so that the caller sees the panic.
            return files.iter().map(|(path, text)| self.read(path, text)).collect();
        }
        all.into_iter().map(|(_, facts)| facts).collect()
    }

    fn put(&self, writing: &mut Writing, path: &RelPath, new: Option<(Arc<str>, Arc<Facts>)>) {
        let file = new.map(|(text, facts)| {
            if let Some(hash) = facts.hash {
                writing.known.insert(hash, Arc::downgrade(&facts));
            }
            let kept = self.shared.reader.is_none().then(|| Arc::clone(&text));
            Arc::new(File::new(path.clone(), role(path.as_str(), head(&text)), facts, kept))
        });
        let in_base = writing.base.find(path).is_some();
        if file.is_none() && !in_base {
            writing.recent.remove(path);
        } else {
            writing.recent.insert(path.clone(), file);
        }
    }

    fn publish(&self, writing: &mut Writing) {
        if writing.recent.len() > RECENT.max(writing.base.files.len() / 16) {
            writing.base = Arc::new(Segment::new(join(&writing.base, &writing.recent)));
            writing.recent.clear();
            writing.known.retain(|_, facts| facts.strong_count() > 0);
        }
        writing.revision += 1;
        let mut hidden: Vec<u32> = writing
            .recent
            .keys()
            .filter_map(|path| writing.base.find(path))
            .map(|number| number as u32)
            .collect();
        hidden.sort_unstable();
        self.shared.present.store(Arc::new(IndexSnapshot::new(Parts {
            base: Arc::clone(&writing.base),
            recent: Arc::new(Segment::new(writing.recent.values().flatten().cloned().collect())),
            hidden: hidden.into(),
            reader: self.shared.reader.clone(),
            revision: writing.revision,
        })));
    }
}

/// Enough of a text to see whether a program wrote it.
fn head(text: &str) -> &str {
    let mut end = text.len().min(1_000);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// Old files without those that changed, with what they changed to, in order.
fn join(base: &Segment, recent: &BTreeMap<RelPath, Option<Arc<File>>>) -> Vec<Arc<File>> {
    let old = base.files.iter().filter(|file| !recent.contains_key(&file.path));
    let mut files: Vec<Arc<File>> = old.chain(recent.values().flatten()).cloned().collect();
    files.sort_unstable_by(|one, other| one.path.cmp(&other.path));
    files
}
