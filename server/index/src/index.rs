//! The index: who may write, and when old and recent facts are joined.
//!
//! Writers take a lock that no reader ever takes; readers load the present snapshot, which stays as it is however
//! long they keep it. Contents are known by hash: text that was read before, under whatever path, is not parsed again.

mod keeping;

pub use keeping::Kept;

use crate::document::Document;
use crate::facts::Facts;
use crate::grams::{Grams, Pieces, pieces};
use crate::hash::{ContentHash, FastMap};
use crate::layer::{Layer, hide, is_hidden};
use crate::live::Live;
use crate::past::{Past, PastChange};
use crate::role::{BEGINNING, head, role};
use crate::segment::{About, File, Segment};
use crate::snapshot::{IndexSnapshot, OpaqueFile, Parts, without};
use crate::store::{Brief, Common, Content, Degraded, Folder, Opaque, Stamp, Stored};
use arc_swap::ArcSwap;
use galley_grammars::Language;
use galley_text::change::ChangeSet;
use galley_text::path::RelPath;
use rayon::iter::{IndexedParallelIterator, IntoParallelRefIterator, ParallelIterator};
use rayon::{ThreadPool, ThreadPoolBuilder};
use ropey::Rope;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

/// Gives the text of a file, buffers before disk; `None` if it is gone.
pub type Reader = Arc<dyn Fn(&RelPath) -> Option<Arc<str>> + Send + Sync>;

/// So many recent files are kept apart before they are joined with the old ones, at least.
const RECENT: usize = 64;
/// Fewer files are read by the thread that asks. Whoever gives more writes the index before long.
const ALONE: usize = 32;
/// More threads would wait for each other.
const READERS: usize = 16;
/// Documents of so many bytes are scanned before they are parsed.
const SCAN_FIRST: usize = 256 << 10;

/// Facts of many files, kept fresh. Clones share one index.
#[derive(Clone)]
pub struct Index {
    shared: Arc<Shared>,
}

/// A file as it was read from disk.
#[derive(Debug, Clone)]
pub struct Given {
    /// Where it lies.
    pub path: RelPath,
    /// What was in it, or why that is no text.
    pub text: Result<Arc<str>, Opaque>,
    /// The state in which it was read, taken before reading and found the same after; `None` if it may have changed
    /// meanwhile or could change without its stamp.
    pub stamp: Option<Stamp>,
}

struct Shared {
    reader: Option<Reader>,
    folder: Mutex<Option<Folder>>,
    /// Held by the one who writes to disk.
    keeping: Mutex<()>,
    /// Threads that read many files.
    readers: Mutex<Option<Arc<ThreadPool>>>,
    /// Open documents, which stand before what is read of their files.
    documents: Mutex<BTreeMap<RelPath, Document>>,
    writing: Mutex<Writing>,
    present: ArcSwap<IndexSnapshot>,
}

#[derive(Default)]
struct Writing {
    base: Arc<Segment>,
    /// Changed since `base` was made; `None` is a removed file.
    recent: BTreeMap<RelPath, Option<Arc<File>>>,
    /// The layers of these two.
    on_disk: Vec<Layer>,
    /// Open documents.
    open: BTreeMap<RelPath, Arc<File>>,
    known: FastMap<ContentHash, Weak<Facts>>,
    revision: u64,
    past: Arc<Past>,
    /// What is on disk.
    common: Arc<Common>,
    opaque: Arc<BTreeMap<RelPath, OpaqueFile>>,
    /// Bytes of memory of contents that wait for a pack, roughly.
    waiting: usize,
}

/// A text, and the same to be kept if its owner shares it.
struct Text<'t> {
    text: &'t str,
    shared: Option<&'t Arc<str>>,
}

/// What came of reading a text.
struct Read {
    content: Content,
    brief: Brief,
    degraded: Degraded,
    grams: Option<Pieces>,
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
        let (folder, keeping, writing) = (Mutex::default(), Mutex::default(), Mutex::default());
        let documents = Mutex::default();
        let readers = Mutex::default();
        Self { shared: Arc::new(Shared { reader, documents, folder, keeping, readers, writing, present }) }
    }

    /// An immutable view of the present state.
    pub fn snapshot(&self) -> Arc<IndexSnapshot> {
        self.shared.present.load_full()
    }

    /// Adds or replaces files; those that are open as documents count as they are there, until they are closed. Contents
    /// that are already known cost a hash; others are read on up to as many threads as the machine has processors.
    pub fn update(&self, files: &[(RelPath, Arc<str>)]) {
        let given = |(path, text): &(RelPath, Arc<str>)| Given {
            path: path.clone(),
            text: Ok(Arc::clone(text)),
            stamp: None,
        };
        self.update_from_disk(&files.iter().map(given).collect::<Vec<_>>());
    }

    /// As [`Index::update`], for files as they lie on disk: their stamps are remembered, and files that are no text too.
    pub fn update_from_disk(&self, files: &[Given]) {
        let read = self.read_all(files);
        let mut writing = self.writing();
        for (given, read) in files.iter().zip(read) {
            let text = given.text.as_ref().ok().map(|text| Text { text, shared: Some(text) });
            self.put(&mut writing, &given.path, text.zip(read), given.stamp);
            if let Err(why) = given.text {
                let opaque = OpaqueFile { why, stamp: given.stamp };
                Arc::make_mut(&mut writing.opaque).insert(given.path.clone(), opaque);
            }
        }
        self.publish(&mut writing);
        let is_full = writing.waiting > keeping::WAITING;
        drop(writing);
        if is_full {
            self.relieve();
        }
    }

    /// Looks at the first words of the lines of files that nothing is known of, so that their definitions can be found
    /// before they are read: in a twentieth of the time, and mostly right. Answers tell by [`IndexSnapshot::unread`].
    ///
    /// Texts are not kept, so an index without a reader shows no lines of such files.
    pub fn scan(&self, files: &[(RelPath, Arc<str>)]) {
        let is_long = |text: &str| text.len() > crate::READ_LIMIT;
        let scanned =
            files.iter().filter(|(_, text)| !is_long(text)).map(|(path, text)| File::scan(path, text));
        let scanned: Vec<File> = scanned.collect();
        let mut writing = self.writing();
        for file in scanned {
            let is_in_base = writing.base.find(&file.path).is_some();
            if !is_in_base && !writing.opaque.contains_key(&file.path) {
                writing.recent.entry(file.path.clone()).or_insert_with(|| Some(Arc::new(file)));
            }
        }
        self.publish(&mut writing);
    }

    /// Adds, replaces or (`None`) removes one file, as its text changes under somebody's fingers: what a search needs
    /// of it is not prepared, and it is not kept on disk.
    pub fn update_file(&self, path: &RelPath, text: Option<&str>) {
        let read = text.map(|text| self.read(path, text, false));
        let mut writing = self.writing();
        self.put(&mut writing, path, text.map(|text| Text { text, shared: None }).zip(read), None);
        self.publish(&mut writing);
    }

    /// Removes every file for which `keep` says no; open documents stay until they are closed.
    pub fn retain(&self, keep: impl Fn(&RelPath) -> bool) {
        let mut writing = self.writing();
        let known = writing.known_paths();
        let gone: Vec<RelPath> = known.filter(|path| !keep(path)).cloned().collect();
        if gone.is_empty() {
            return;
        }
        for path in &gone {
            self.put(&mut writing, path, None, None);
        }
        self.publish(&mut writing);
    }

    /// Opens a document, or replaces an open one. Until it is closed, its text counts and not what is read of its file.
    ///
    /// A large text is known by what a scan of its lines tells, before it is parsed.
    pub fn open_document(&self, path: &RelPath, rope: Rope) {
        let language = language(path, &rope);
        let mut documents = self.documents();
        if rope.len_bytes() >= SCAN_FIRST {
            let scanned = Document::scanned(language, rope.clone());
            self.put_document(path, &scanned);
            documents.insert(path.clone(), scanned);
        }
        let document = Document::new(language, rope);
        self.put_document(path, &document);
        documents.insert(path.clone(), document);
    }

    /// Takes in a change of an open document: what it touches is parsed and read again, the rest stays. False if the
    /// document is not open here, or the change is of another text: then it has to be opened again.
    pub fn change_document(&self, path: &RelPath, change: &ChangeSet) -> bool {
        let mut documents = self.documents();
        let Some(document) = documents.get_mut(path) else { return false };
        let is_taken = document.change(change).is_ok();
        if is_taken {
            // The first line may say something else now. A header stays what it was: that costs all of its text to see.
            let language =
                if is_header(path) { document.language() } else { language(path, document.rope()) };
            if language.map(|language| language.name) != document.language().map(|language| language.name) {
                *document = Document::new(language, document.rope().clone());
            }
            self.put_document(path, document);
        }
        is_taken
    }

    /// Is nothing left for [`Index::settle`]?
    pub fn is_settled(&self) -> bool {
        self.documents().values().all(Document::is_settled)
    }

    /// Reads documents again of which a change broke more than was read at once, as an opened quote does: for when
    /// nothing else is to be done. It ends early when `go_on`, which is asked often, says no.
    pub fn settle(&self, go_on: &mut dyn FnMut() -> bool) {
        loop {
            let documents = self.documents();
            let Some((path, document)) = documents.iter().find(|(_, document)| !document.is_settled()) else {
                return;
            };
            let (path, document) = (path.clone(), document.clone());
            drop(documents);
            let Some(settled) = document.settled(go_on) else { return };
            let mut documents = self.documents();
            // Somebody may have changed it meanwhile.
            if let Some(present) = documents.get_mut(&path)
                && present.rope().is_instance(document.rope())
            {
                *present = settled;
                self.put_document(&path, present);
            }
        }
    }

    /// Closes a document. The file is as it was read last; it is unknown if it never was.
    pub fn close_document(&self, path: &RelPath) {
        let mut documents = self.documents();
        documents.remove(path);
        let mut writing = self.writing();
        if writing.open.remove(path).is_some() {
            self.show(&mut writing);
        }
    }

    fn documents(&self) -> MutexGuard<'_, BTreeMap<RelPath, Document>> {
        // A document that panicked is as it was before, or without its tree; both are whole.
        self.shared.documents.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put_document(&self, path: &RelPath, document: &Document) {
        let role = role(path.as_str(), head(&beginning(document.rope(), BEGINNING)));
        let about = About { role, degraded: document.degraded(), stamp: None, brief: Brief::default() };
        let content = Content::Live(Arc::new(Live::new(document.moment())));
        let mut writing = self.writing();
        writing.open.insert(path.clone(), Arc::new(File::new(path.clone(), about, content)));
        self.show(&mut writing);
    }

    /// Tells the index of the repository's past, newest change first; what it was told before is forgotten. Ranking and
    /// impact take it into account.
    pub fn remember(&self, past: &[PastChange]) {
        let past = Arc::new(Past::new(past));
        let mut writing = self.writing();
        writing.past = past;
        self.show(&mut writing);
    }

    fn writing(&self) -> MutexGuard<'_, Writing> {
        match self.shared.writing.lock() {
            Ok(guard) => guard,
            // A panic while writing leaves whole files only: each `put` is one insertion.
            Err(poisoned) => poisoned.into_inner(),
        }
    }

    /// Reads a text, unless its content is known.
    fn read(&self, path: &RelPath, text: &str, with_grams: bool) -> Read {
        let language = galley_grammars::detect_text(path.as_str(), text);
        let hash = ContentHash::of(language.map(|language| language.name), text);
        let (known, common) = {
            let writing = self.writing();
            (writing.known.get(&hash).and_then(Weak::upgrade), Arc::clone(&writing.common))
        };
        let stored = Stored::new(hash, &common);
        let is_stored = known.is_none() && stored.place().is_some();
        let facts = match known {
            Some(facts) => facts,
            None if is_stored => stored.facts(path),
            None => Arc::new(Facts::read(language, text, Some(hash))),
        };
        let brief = Brief::of(&facts);
        let degraded = Degraded::of(language.is_some(), &facts);
        if is_stored {
            return Read { content: Content::Stored(stored), brief, degraded, grams: None };
        }
        let grams = with_grams.then(|| pieces(text.as_bytes()));
        Read { content: Content::Held(facts), brief, degraded, grams }
    }

    fn read_given(&self, given: &Given) -> Option<Read> {
        let text = given.text.as_ref().ok()?;
        Some(self.read(&given.path, text, true))
    }

    /// In the order of `files`.
    fn read_all(&self, files: &[Given]) -> Vec<Option<Read>> {
        match self.readers(files.len()) {
            Some(readers) => readers
                .install(|| files.par_iter().with_max_len(1).map(|given| self.read_given(given)).collect()),
            None => files.iter().map(|given| self.read_given(given)).collect(),
        }
    }

    /// Threads to read so many files with, if one does not do. They stay until the index is written, because each has
    /// parsers and tables of its own, which take longer to make than many a file to read.
    fn readers(&self, files: usize) -> Option<Arc<ThreadPool>> {
        let threads = std::thread::available_parallelism().map_or(1, usize::from).min(READERS);
        if threads == 1 || files < ALONE {
            return None;
        }
        let mut readers = self.shared.readers.lock().unwrap_or_else(PoisonError::into_inner);
        if readers.is_none() {
            let named = |number| format!("index-{number}");
            *readers =
                ThreadPoolBuilder::new().num_threads(threads).thread_name(named).build().ok().map(Arc::new);
        }
        readers.clone()
    }

    /// Lets the threads of [`Index::readers`] go.
    fn dismiss_readers(&self) {
        *self.shared.readers.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Puts a file in place: its text, the same text to keep if texts are kept, and what was read of it.
    fn put(&self, writing: &mut Writing, path: &RelPath, new: Option<(Text, Read)>, stamp: Option<Stamp>) {
        let file = new.map(|(Text { text, shared }, read)| {
            let Read { content, brief, degraded, grams } = read;
            if let Content::Held(facts) = &content {
                if let Some(hash) = facts.hash {
                    writing.known.insert(hash, Arc::downgrade(facts));
                }
                writing.waiting +=
                    grams.iter().flat_map(|pieces| pieces.iter()).map(Grams::weight).sum::<usize>()
                        + facts.weight();
            }
            let about = About { role: role(path.as_str(), head(text)), degraded, stamp, brief };
            let keep = || shared.map_or_else(|| text.into(), Arc::clone);
            let text = self.shared.reader.is_none().then(keep);
            Arc::new(File { text, grams, ..File::new(path.clone(), about, content) })
        });
        if writing.opaque.contains_key(path) {
            Arc::make_mut(&mut writing.opaque).remove(path);
        }
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
        let base = Layer { segment: Arc::clone(&writing.base), hidden: Arc::default() };
        let mut layers = hide(&[base], writing.recent.keys());
        layers.push(Layer::new(Segment::new(writing.recent.values().flatten().cloned().collect())));
        writing.on_disk = layers;
        self.show(writing);
    }

    /// Publishes what is known, of which no more than open documents changed.
    fn show(&self, writing: &mut Writing) {
        writing.revision += 1;
        let mut layers = hide(&writing.on_disk, writing.open.keys());
        layers.push(Layer::new(Segment::new(writing.open.values().cloned().collect())));
        self.shared.present.store(Arc::new(IndexSnapshot::new(Parts {
            layers,
            reader: self.shared.reader.clone(),
            revision: writing.revision,
            opaque: without(&writing.opaque, writing.open.keys()),
            common: Arc::clone(&writing.common),
            past: Arc::clone(&writing.past),
        })));
    }
}

impl Writing {
    /// The files on disk that are texts, in order of layer and path.
    fn files(&self) -> impl Iterator<Item = &Arc<File>> {
        self.on_disk.iter().flat_map(|layer| {
            let files = layer.segment.files.iter().enumerate();
            files.filter(|(number, _)| !is_hidden(&layer.hidden, *number)).map(|(_, file)| file)
        })
    }

    /// The paths of all files on disk.
    fn known_paths(&self) -> impl Iterator<Item = &RelPath> {
        self.files().map(|file| &file.path).chain(self.opaque.keys())
    }
}

/// What a document is written in.
fn language(path: &RelPath, rope: &Rope) -> Option<&'static Language> {
    // What a header is written in shows anywhere in it.
    let enough = if is_header(path) { usize::MAX } else { BEGINNING };
    galley_grammars::detect_text(path.as_str(), &beginning(rope, enough))
}

fn is_header(path: &RelPath) -> bool {
    path.as_str().ends_with(".h")
}

/// The first bytes of a rope, at least as many as are enough.
fn beginning(rope: &Rope, enough: usize) -> String {
    let mut text = String::new();
    for chunk in rope.chunks() {
        text.push_str(chunk);
        if text.len() >= enough {
            break;
        }
    }
    text
}

/// Old files without those that changed, with what they changed to, in order.
fn join(base: &Segment, recent: &BTreeMap<RelPath, Option<Arc<File>>>) -> Vec<Arc<File>> {
    let old = base.files.iter().filter(|file| !recent.contains_key(&file.path));
    let mut files: Vec<Arc<File>> = old.chain(recent.values().flatten()).cloned().collect();
    files.sort_unstable_by(|one, other| one.path.cmp(&other.path));
    files
}
