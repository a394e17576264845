//! An immutable set of files with what finds them: postings of names and of terms, the table of symbol names for
//! fuzzy search. A snapshot is one large old segment and one small recent one that covers it, so that a keystroke
//! builds postings for a handful of files, not for the tree.
//!
//! Postings are made at the first question, not at the update: an update in the middle of typing costs its parse only.
//! Those of a segment that lies on disk are mapped, and made anew only if they are damaged.

use crate::facts::Facts;
use crate::grams::Pieces;
use crate::hash::{FastMap, short};
use crate::role::{Role, head, role};
use crate::store::{Base, Brief, Common, Content, Degraded, Entry, Posting, Postings, Stamp, Stored, What};
use crate::symbols::{Collected, Symbols};
use crate::tally::Tally;
use crate::turn::{pass, worked};
use crate::words::{Term, parts, term, whole, words};
use galley_text::path::RelPath;
use std::sync::{Arc, OnceLock};

/// One file: its path's facts beside its content's facts.
#[derive(Debug)]
pub(crate) struct File {
    pub(crate) path: RelPath,
    pub(crate) role: Role,
    pub(crate) degraded: Degraded,
    pub(crate) brief: Brief,
    pub(crate) content: Content,
    /// The state of the file on disk that was read, if it is one that can be told from others.
    pub(crate) stamp: Option<Stamp>,
    /// Kept until they are in a pack; `None` for what is being typed too, which a search always looks into.
    pub(crate) grams: Option<Pieces>,
    /// Kept unless the index reads texts through its owner.
    pub(crate) text: Option<Arc<str>>,
    /// Terms of the path, the file name's counted twice, sorted.
    pub(crate) path_terms: OnceLock<PathTerms>,
}

pub(crate) type PathTerms = Box<[(Term, u8)]>;

/// What is known of a file beside its content.
pub(crate) struct About {
    pub(crate) role: Role,
    pub(crate) degraded: Degraded,
    pub(crate) stamp: Option<Stamp>,
    pub(crate) brief: Brief,
}

impl File {
    pub(crate) fn new(path: RelPath, about: About, content: Content) -> Self {
        let About { role, degraded, stamp, brief } = about;
        Self {
            path,
            role,
            degraded,
            stamp,
            brief,
            content,
            grams: None,
            text: None,
            path_terms: OnceLock::new(),
        }
    }

    /// Reads a text that is no file's on disk.
    pub(crate) fn read(path: &RelPath, text: &Arc<str>) -> Self {
        let language = galley_grammars::detect_text(path.as_str(), text);
        let facts = Facts::read(language, text, None);
        let about = About {
            role: role(path.as_str(), head(text)),
            degraded: Degraded::of(language.is_some(), &facts),
            stamp: None,
            brief: Brief::of(&facts),
        };
        let file = Self::new(path.clone(), about, Content::Held(Arc::new(facts)));
        Self { text: Some(Arc::clone(text)), ..file }
    }

    /// Looks at the first words of the lines of a text that is to be read later.
    pub(crate) fn scan(path: &RelPath, text: &str) -> Self {
        worked(4 * pass(text.len()));
        let facts = Facts::scan(galley_grammars::detect_text(path.as_str(), text), text);
        let role = role(path.as_str(), head(text));
        let about = About { role, degraded: Degraded::Unread, stamp: None, brief: Brief::of(&facts) };
        Self::new(path.clone(), about, Content::Held(Arc::new(facts)))
    }

    /// The same file, with its facts where they now lie.
    pub(crate) fn stored(&self, stored: Stored) -> Self {
        let (role, degraded, stamp, brief) = (self.role, self.degraded, self.stamp, self.brief);
        let file =
            Self::new(self.path.clone(), About { role, degraded, stamp, brief }, Content::Stored(stored));
        Self { text: self.text.clone(), ..file }
    }

    /// The facts of its content.
    pub(crate) fn facts(&self) -> Arc<Facts> {
        match &self.content {
            Content::Held(facts) => Arc::clone(facts),
            Content::Stored(stored) => stored.facts(&self.path),
            Content::Live(live) => Arc::clone(live.facts()),
        }
    }

    /// Facts about its definitions; the others may be missing.
    pub(crate) fn outline(&self) -> Arc<Facts> {
        match &self.content {
            Content::Live(live) => Arc::clone(live.outline()),
            Content::Held(_) | Content::Stored(_) => self.facts(),
        }
    }

    /// Figures of its content.
    pub(crate) fn brief(&self) -> Brief {
        match &self.content {
            Content::Live(live) => Brief::of(live.facts()),
            Content::Held(_) | Content::Stored(_) => self.brief,
        }
    }

    pub(crate) fn has_symbols(&self) -> bool {
        match &self.content {
            Content::Live(live) => live.outline().symbol_count() > 0,
            Content::Held(_) | Content::Stored(_) => self.brief.symbols > 0,
        }
    }

    /// The text, where it is kept here.
    pub(crate) fn text(&self) -> Option<Arc<str>> {
        match &self.content {
            Content::Live(live) => Some(Arc::clone(live.text())),
            Content::Held(_) | Content::Stored(_) => self.text.clone(),
        }
    }

    pub(crate) fn path_terms(&self) -> &[(Term, u8)] {
        self.path_terms.get_or_init(|| path_terms(self.path.as_str()))
    }

    /// What the cache keeps of it; `None` if its content is not in a pack, nor ready for one.
    pub(crate) fn entry(&self) -> Option<Entry> {
        let is_kept = matches!(self.content, Content::Stored(_)) || self.grams.is_some();
        let hash = self.content.hash().filter(|_| is_kept)?;
        let (role, degraded, brief) = (self.role, self.degraded, self.brief);
        let what = What::Text { hash, role, degraded, brief };
        Some(Entry { path: self.path.clone(), stamp: self.stamp, what })
    }

    /// The file of an entry; `None` for one that is no text.
    pub(crate) fn of_entry(entry: Entry, common: &Arc<Common>) -> Option<Self> {
        let What::Text { hash, role, degraded, brief } = entry.what else { return None };
        let about = About { role, degraded, stamp: entry.stamp, brief };
        Some(Self::new(entry.path, about, Content::Stored(Stored::new(hash, common))))
    }
}

fn path_terms(path: &str) -> Box<[(Term, u8)]> {
    let mut counts: FastMap<Term, u8> = FastMap::default();
    let folders = path.rfind('/').map_or(0, |at| at + 1);
    let extension = path.rfind('.').filter(|at| *at > folders).unwrap_or(path.len());
    // `optimizer/index.ts` is called after its folder, as `optimizer.ts` would be.
    let named = if is_common_stem(&path[folders..extension]) {
        path[..folders].trim_end_matches('/').rfind('/').map_or(0, |at| at + 1)
    } else {
        folders
    };
    for (text, weight) in [(&path[..named], 1), (&path[named..extension], 2)] {
        words(text, |word| {
            let mut pieces = 0;
            let mut add = |term| {
                let count = counts.entry(term).or_default();
                *count = count.saturating_add(weight);
            };
            parts(word, |part| {
                pieces += 1;
                add(term(part));
            });
            if pieces > 1 {
                add(whole(word));
            }
        });
    }
    let mut terms: Vec<_> = counts.into_iter().collect();
    terms.sort_unstable();
    terms.into()
}

/// File names that say only what part of its folder a file is.
pub(crate) fn is_common_stem(stem: &str) -> bool {
    matches!(stem, "index" | "mod" | "lib" | "main" | "__init__" | "__main__" | "init" | "package")
}

/// Files in the order of their paths, and postings over them.
#[derive(Debug, Default)]
pub(crate) struct Segment {
    pub(crate) files: Vec<Arc<File>>,
    /// Where postings over exactly these files lie on disk.
    pub(crate) base: Option<Arc<Base>>,
    pub(crate) names: OnceLock<Postings>,
    pub(crate) terms: OnceLock<Postings>,
    pub(crate) symbols: OnceLock<Symbols>,
}

impl Segment {
    /// `files` must be in the order of their paths, each path once.
    pub(crate) fn new(files: Vec<Arc<File>>) -> Self {
        debug_assert!(files.is_sorted_by(|one, other| one.path < other.path));
        Self { files, ..Self::default() }
    }

    /// A segment whose postings lie in `base`, which must have been written for the paths of these files.
    pub(crate) fn on_disk(files: Vec<Arc<File>>, base: Arc<Base>) -> Self {
        Self { base: Some(base), ..Self::new(files) }
    }

    pub(crate) fn find(&self, path: &RelPath) -> Option<usize> {
        self.files.binary_search_by(|file| file.path.cmp(path)).ok()
    }

    /// Files in which `name` may occur, in order; a few may turn out not to hold it.
    pub(crate) fn files_with_name(&self, name: &str) -> impl Iterator<Item = usize> {
        let postings = self.names.get_or_init(|| {
            let stored = self.base.as_ref().and_then(|base| Postings::open(base.names()?));
            stored.or_else(|| Postings::open(self.build_names().into())).unwrap_or_default()
        });
        self.known(postings.files(short(name))).map(|(file, _)| file)
    }

    /// Files whose content, symbols or path hold the term, in order, with how often content and symbols do.
    pub(crate) fn files_with_term(&self, term: Term) -> impl Iterator<Item = (usize, Tally)> {
        let postings = self.terms.get_or_init(|| {
            let stored = self.base.as_ref().and_then(|base| Postings::open(base.terms()?));
            stored.or_else(|| Postings::open(self.build_terms().into())).unwrap_or_default()
        });
        self.known(postings.files(term)).map(|(file, mark)| (file, Tally::of(mark)))
    }

    fn known(&self, files: Vec<(u32, u8)>) -> impl Iterator<Item = (usize, u8)> {
        let count = self.files.len();
        files.into_iter().map(|(file, mark)| (file as usize, mark)).filter(move |(file, _)| *file < count)
    }

    /// The names of all symbols.
    pub(crate) fn symbols(&self) -> &Symbols {
        self.symbols.get_or_init(|| {
            let stored = self.base.as_ref().and_then(|base| Symbols::open(base.symbols()?, &self.files));
            stored.or_else(|| Symbols::open(self.build_symbols().into(), &self.files)).unwrap_or_default()
        })
    }

    fn build_names(&self) -> Vec<u8> {
        let mut postings = Vec::new();
        self.files
            .iter()
            .enumerate()
            .for_each(|(number, file)| add_names(&mut postings, number, &file.facts()));
        Postings::build(postings)
    }

    fn build_terms(&self) -> Vec<u8> {
        let mut postings = Vec::new();
        let each = self.files.iter().enumerate();
        each.for_each(|(number, file)| add_terms(&mut postings, number, file, &file.facts()));
        Postings::build(postings)
    }

    fn build_symbols(&self) -> Vec<u8> {
        let mut symbols = Collected::default();
        self.files.iter().enumerate().for_each(|(number, file)| symbols.add(number, &file.outline()));
        symbols.finish()
    }

    /// Postings of names and of terms, the table of symbols: all that a base keeps, with one look at each file's facts.
    pub(crate) fn build(&self) -> [Vec<u8>; 3] {
        let (mut names, mut terms, mut symbols) = (Vec::new(), Vec::new(), Collected::default());
        for (number, file) in self.files.iter().enumerate() {
            let facts = file.facts();
            add_names(&mut names, number, &facts);
            add_terms(&mut terms, number, file, &facts);
            symbols.add(number, &facts);
            worked(pass(facts.weight()));
        }
        [Postings::build(names), Postings::build(terms), symbols.finish()]
    }

    /// Bytes of memory beside the files that are not the kernel's to take back.
    pub(crate) fn held(&self) -> usize {
        self.names.get().map_or(0, Postings::held)
            + self.terms.get().map_or(0, Postings::held)
            + self.symbols.get().map_or(0, Symbols::held)
    }
}

fn add_names(postings: &mut Vec<Posting>, number: usize, facts: &Facts) {
    let posting = |name| Posting { key: short(name), file: number as u32, mark: Posting::PLAIN };
    postings.extend(facts.names().map(|(_, name)| posting(name)));
}

fn add_terms(postings: &mut Vec<Posting>, number: usize, file: &File, facts: &Facts) {
    let posting = |key, tally: Tally| Posting { key, file: number as u32, mark: tally.mark() };
    let terms = facts.terms();
    postings.extend(terms.iter().map(|&(term, content, names)| posting(term, Tally { content, names })));
    let only_in_path = |term: &Term| terms.binary_search_by_key(term, |known| known.0).is_err();
    let of_path = file.path_terms().iter().map(|known| known.0).filter(only_in_path);
    postings.extend(of_path.map(|term| posting(term, Tally::default())));
}
