//! An immutable set of files with what finds them: postings of names and of terms, the list of symbol names for
//! fuzzy search. A snapshot is one large old segment and one small recent one that covers it, so that a keystroke
//! builds postings for a handful of files, not for the tree.
//!
//! Postings are made at the first question, not at the update: an update in the middle of typing costs its parse only.

use crate::facts::Facts;
use crate::hash::{FastMap, short};
use crate::role::Role;
use crate::words::{Term, parts, term, whole, words};
use galley_text::path::RelPath;
use std::sync::{Arc, OnceLock};

/// One file: its path's facts beside its content's facts.
#[derive(Debug)]
pub(crate) struct File {
    pub(crate) path: RelPath,
    pub(crate) role: Role,
    pub(crate) facts: Arc<Facts>,
    /// Kept unless the index reads texts through its owner.
    pub(crate) text: Option<Arc<str>>,
    /// Terms of the path, the file name's counted twice, sorted.
    pub(crate) path_terms: Box<[(Term, u8)]>,
}

impl File {
    pub(crate) fn new(path: RelPath, role: Role, facts: Arc<Facts>, text: Option<Arc<str>>) -> Self {
        let path_terms = path_terms(path.as_str());
        Self { path, role, facts, text, path_terms }
    }
}

fn path_terms(path: &str) -> Box<[(Term, u8)]> {
    let mut counts: FastMap<Term, u8> = FastMap::default();
    let folders = path.rfind('/').map_or(0, |at| at + 1);
    let extension = path.rfind('.').filter(|at| *at > folders).unwrap_or(path.len());
    for (text, weight) in [(&path[..folders], 1), (&path[folders..extension], 2)] {
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

/// A distinct symbol name and where it is defined.
#[derive(Debug)]
pub(crate) struct SymbolName {
    /// One bit per letter and digit that occurs, to skip names quickly.
    pub(crate) mask: u64,
    /// File and symbol number of one definition, whose text is the name.
    pub(crate) first: (u32, u32),
    /// Range of `Symbols::places`.
    pub(crate) places: (u32, u32),
}

/// All symbol names of a segment.
#[derive(Debug, Default)]
pub(crate) struct Symbols {
    pub(crate) names: Vec<SymbolName>,
    pub(crate) places: Vec<(u32, u32)>,
}

/// Files in the order of their paths, and postings over them.
#[derive(Debug, Default)]
pub(crate) struct Segment {
    pub(crate) files: Vec<Arc<File>>,
    names: OnceLock<Vec<u64>>,
    terms: OnceLock<Vec<u64>>,
    symbols: OnceLock<Symbols>,
}

impl Segment {
    /// `files` must be in the order of their paths, each path once.
    pub(crate) fn new(files: Vec<Arc<File>>) -> Self {
        debug_assert!(files.is_sorted_by(|one, other| one.path < other.path));
        Self { files, ..Self::default() }
    }

    pub(crate) fn find(&self, path: &RelPath) -> Option<usize> {
        self.files.binary_search_by(|file| file.path.cmp(path)).ok()
    }

    /// Files in which `name` may occur, in order; a few may turn out not to hold it.
    pub(crate) fn files_with_name(&self, name: &str) -> impl Iterator<Item = usize> {
        let postings = self.names.get_or_init(|| {
            postings(&self.files, |file, add| file.facts.names().for_each(|(_, name)| add(short(name))))
        });
        lookup(postings, short(name))
    }

    /// Files whose content, symbols or path hold the term, in order.
    pub(crate) fn files_with_term(&self, term: Term) -> impl Iterator<Item = usize> {
        let postings = self.terms.get_or_init(|| {
            postings(&self.files, |file, add| {
                file.facts.terms.iter().for_each(|known| add(known.0));
                file.path_terms.iter().for_each(|known| add(known.0));
            })
        });
        lookup(postings, term)
    }

    pub(crate) fn symbols(&self) -> &Symbols {
        self.symbols.get_or_init(|| symbol_names(&self.files))
    }
}

/// Key in the upper half, file in the lower: sorted, a key's files stand together.
fn postings(files: &[Arc<File>], keys: impl Fn(&File, &mut dyn FnMut(u32))) -> Vec<u64> {
    let mut postings = Vec::new();
    for (number, file) in files.iter().enumerate() {
        keys(file, &mut |key| postings.push(u64::from(key) << 32 | number as u64));
    }
    postings.sort_unstable();
    postings.dedup();
    postings.shrink_to_fit();
    postings
}

fn lookup(postings: &[u64], key: u32) -> impl Iterator<Item = usize> {
    let start = postings.partition_point(|posting| (posting >> 32) < u64::from(key));
    postings[start..]
        .iter()
        .take_while(move |posting| (**posting >> 32) as u32 == key)
        .map(|posting| (*posting & 0xFFFF_FFFF) as usize)
}

fn symbol_names(files: &[Arc<File>]) -> Symbols {
    let mut all: Vec<(&str, u32, u32)> = Vec::new();
    for (file, entry) in files.iter().enumerate() {
        let facts = &entry.facts;
        all.extend(
            (0..facts.symbol_count()).map(|symbol| (facts.symbol_name(symbol), file as u32, symbol as u32)),
        );
    }
    all.sort_unstable();
    let mut symbols = Symbols { names: Vec::new(), places: all.iter().map(|(_, f, s)| (*f, *s)).collect() };
    let mut start = 0;
    for chunk in all.chunk_by(|one, other| one.0 == other.0) {
        let (name, file, symbol) = chunk[0];
        let places = (start as u32, (start + chunk.len()) as u32);
        symbols.names.push(SymbolName { mask: crate::fuzzy::mask(name), first: (file, symbol), places });
        start += chunk.len();
    }
    symbols
}
