//! Questions to one state of the index: outlines, symbols, definitions, references. Answers are the same however the
//! state came about; a test compares incremental and fresh indexes.

use crate::facts::Use;
use crate::fuzzy::{Best, Wanted, score};
use crate::index::Reader;
use crate::layer::{Layer, hide, is_hidden};
use crate::past::Past;
use crate::role::Role;
use crate::segment::{File, Segment};
use crate::store::{Common, Content, Degraded, Opaque};
use crate::symbol::{Place, Symbol, SymbolMatch};
use crate::symbols::worth;
use crate::words::Term;
use galley_text::path::RelPath;
use ropey::Rope;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

/// A symbol that may be among the best: its score, the file and its number there, the segment.
type Candidate<'s> = (i32, Reverse<(&'s RelPath, u32)>, usize);

/// Of so many definitions the signatures are read: a name can be defined in thousands of files.
const SHOWN: usize = 64;

/// What a snapshot is made of.
#[derive(Clone, Default)]
pub(crate) struct Parts {
    /// The lowest first.
    pub(crate) layers: Vec<Layer>,
    pub(crate) reader: Option<Reader>,
    pub(crate) revision: u64,
    /// Files that are no text for the index.
    pub(crate) opaque: Arc<BTreeMap<RelPath, OpaqueFile>>,
    /// What is on disk.
    pub(crate) common: Arc<Common>,
    /// What the repository's past says.
    pub(crate) past: Arc<Past>,
}

/// A file that is no text for the index, and the state in which it was that.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OpaqueFile {
    pub(crate) why: Opaque,
    pub(crate) stamp: Option<crate::store::Stamp>,
}

/// An immutable state of the index. Cheap to keep; answers never change.
pub struct IndexSnapshot {
    pub(crate) parts: Parts,
    pub(crate) ranking: OnceLock<crate::rank::Statistics>,
}

/// How large the index is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Files, with or without a grammar.
    pub files: usize,
    /// Files read with a grammar.
    pub parsed: usize,
    /// Bytes of all texts.
    pub bytes: u64,
    /// Definitions.
    pub symbols: usize,
    /// Distinct names, added up over files.
    pub names: usize,
    /// Lines of all texts.
    pub lines: u64,
    /// Bytes of memory of what is not mapped, roughly.
    pub memory: usize,
    /// Files in which the grammar saw errors.
    pub with_errors: usize,
}

impl IndexSnapshot {
    pub(crate) fn new(parts: Parts) -> Self {
        Self { parts, ranking: OnceLock::new() }
    }

    /// Grows with every update.
    pub fn revision(&self) -> u64 {
        self.parts.revision
    }

    /// All files in order of segment and path.
    pub(crate) fn files(&self) -> impl Iterator<Item = &Arc<File>> {
        self.segments().flat_map(|(segment, hidden)| {
            segment
                .files
                .iter()
                .enumerate()
                .filter(move |(n, _)| !is_hidden(hidden, *n))
                .map(|(_, file)| file)
        })
    }

    pub(crate) fn segments(&self) -> impl Iterator<Item = (&Segment, &[u32])> {
        self.parts.layers.iter().map(|layer| (&*layer.segment, &*layer.hidden))
    }

    /// Do files lie in more than one layer, so that they do not come in the order of their paths?
    pub(crate) fn is_layered(&self) -> bool {
        self.segments().filter(|(segment, _)| !segment.files.is_empty()).count() > 1
    }

    /// The same with the texts of some files replaced, or (`None`) without them: as a task's edits leave it. What
    /// `earlier`, an answer of this method, has of the very same texts is not read again.
    #[must_use]
    pub fn with(
        &self,
        texts: &BTreeMap<RelPath, Option<Arc<str>>>,
        earlier: Option<&IndexSnapshot>,
    ) -> IndexSnapshot {
        let read = |(path, text): (&RelPath, &Option<Arc<str>>)| {
            let text = text.as_ref()?;
            let known = earlier.and_then(|earlier| earlier.file(path));
            let is_same =
                |file: &&Arc<File>| file.text.as_ref().is_some_and(|known| Arc::ptr_eq(known, text));
            Some(known.filter(is_same).map_or_else(|| Arc::new(File::read(path, text)), Arc::clone))
        };
        let mut layers = hide(&self.parts.layers, texts.keys());
        layers.push(Layer::new(Segment::new(texts.iter().filter_map(read).collect())));
        let opaque = without(&self.parts.opaque, texts.keys());
        IndexSnapshot::new(Parts { layers, opaque, ..self.parts.clone() })
    }

    pub(crate) fn file(&self, path: &RelPath) -> Option<&Arc<File>> {
        self.segments().find_map(|(segment, hidden)| {
            let number = segment.find(path).filter(|number| !is_hidden(hidden, *number))?;
            segment.files.get(number)
        })
    }

    /// Files in which `name` occurs, with the name's number there, in the order of their paths, so that sums over them
    /// do not depend on how the index came about.
    pub(crate) fn files_with_name(&self, name: &str) -> Vec<(&Arc<File>, u32)> {
        let mut found = Vec::new();
        for (segment, hidden) in self.segments() {
            for number in segment.files_with_name(name).filter(|number| !is_hidden(hidden, *number)) {
                let file = &segment.files[number];
                found.extend(file.facts().name_number(name).map(|name| (file, name)));
            }
        }
        if self.is_layered() {
            found.sort_by(|one, other| one.0.path.cmp(&other.0.path));
        }
        found
    }

    /// As [`Self::files_with_name`], but nothing for a name that more than `most` files hold.
    pub(crate) fn files_with_rare_name(&self, name: &str, most: usize) -> Vec<(&Arc<File>, u32)> {
        if self.count_with_name(name, most + 1) > most { Vec::new() } else { self.files_with_name(name) }
    }

    /// In how many files the name probably is, as far as `most`.
    pub(crate) fn count_with_name(&self, name: &str, most: usize) -> usize {
        let visible = |(segment, hidden): (&'_ Segment, &'_ [u32])| {
            segment.files_with_name(name).filter(|number| !is_hidden(hidden, *number)).take(most).count()
        };
        self.segments().map(visible).sum::<usize>().min(most)
    }

    /// In how many files the term is.
    pub(crate) fn count_with_term(&self, term: Term) -> usize {
        let visible = |(segment, hidden): (&'_ Segment, &'_ [u32])| {
            segment.files_with_term(term).filter(|(number, _)| !is_hidden(hidden, *number)).count()
        };
        self.segments().map(visible).sum()
    }

    /// The paths of all files, in no particular order.
    pub fn paths(&self) -> impl Iterator<Item = &RelPath> {
        self.files().map(|file| &file.path)
    }

    /// Is the file known?
    pub fn contains(&self, path: &RelPath) -> bool {
        self.file(path).is_some()
    }

    /// The text of a file as it is known here: an open document's, or what was read.
    pub fn text_of(&self, path: &RelPath) -> Option<Arc<str>> {
        self.text(self.file(path)?)
    }

    /// As [`Self::text_of`], as a rope: an open document's costs nothing.
    pub fn rope_of(&self, path: &RelPath) -> Option<Rope> {
        match &self.file(path)?.content {
            Content::Live(live) => Some(live.rope().clone()),
            Content::Held(_) | Content::Stored(_) => self.text_of(path).map(|text| Rope::from_str(&text)),
        }
    }

    /// The part the file plays; `None` if it is not known.
    pub fn role(&self, path: &RelPath) -> Option<Role> {
        self.file(path).map(|file| file.role)
    }

    /// Sizes, for a person.
    pub fn counts(&self) -> Counts {
        let held = |file: &File| match &file.content {
            Content::Held(facts) => {
                facts.weight()
                    + file
                        .grams
                        .iter()
                        .flat_map(|pieces| pieces.iter())
                        .map(|grams| grams.weight())
                        .sum::<usize>()
            }
            Content::Live(live) => live.facts().weight(),
            Content::Stored(_) => 0,
        };
        let mut counts = self.files().fold(Counts::default(), |sum, file| Counts {
            files: sum.files + 1,
            parsed: sum.parsed + usize::from(file.brief().parsed),
            bytes: sum.bytes + u64::from(file.brief().bytes),
            lines: sum.lines + u64::from(file.brief().lines),
            symbols: sum.symbols + file.brief().symbols as usize,
            names: sum.names + file.brief().names as usize,
            memory: sum.memory + size_of::<File>() + file.path.as_str().len() + held(file),
            with_errors: sum.with_errors + usize::from(file.brief().errors > 0),
        });
        counts.memory += self.segments().map(|(segment, _)| segment.held()).sum::<usize>();
        counts
    }

    /// Files of which less is known than a grammar would tell, in the order of their paths, with the rule.
    pub fn degraded(&self) -> Vec<(RelPath, Degraded)> {
        let mut found: Vec<_> = self
            .files()
            .filter(|file| file.degraded != Degraded::No)
            .map(|file| (file.path.clone(), file.degraded))
            .collect();
        found.sort_unstable();
        found
    }

    /// Files of which only the first words of their lines are known so far.
    pub fn unread(&self) -> usize {
        self.files().filter(|file| file.degraded == Degraded::Unread).count()
    }

    /// Files that are no text for the index, in the order of their paths.
    pub fn opaque(&self) -> impl Iterator<Item = (&RelPath, Opaque)> {
        self.parts.opaque.iter().map(|(path, file)| (path, file.why))
    }

    /// The symbols of a file, in order of the text; empty for an unknown file.
    pub fn outline(&self, path: &RelPath) -> Vec<Symbol> {
        let Some(file) = self.file(path) else { return Vec::new() };
        let text = self.text(file);
        let read = |mut symbol: Symbol| {
            symbol.read_signature(text.as_deref());
            symbol
        };
        file.outline().symbols().map(read).collect()
    }

    /// What a file imports, as written.
    pub fn imports(&self, path: &RelPath) -> Vec<String> {
        self.file(path).map(|file| file.facts().imports().map(str::to_owned).collect()).unwrap_or_default()
    }

    /// The innermost symbol around the byte `offset` of a file. No text is read for it: its signature is its name alone.
    pub fn enclosing(&self, path: &RelPath, offset: usize) -> Option<Symbol> {
        let facts = self.file(path)?.outline();
        facts.symbol(facts.enclosing(u32::try_from(offset).ok()?)?)
    }

    /// Symbols whose name holds the letters of `query` in order, best first. `Container.name` and `container::name`
    /// ask for both.
    pub fn symbols(&self, query: &str, limit: usize) -> Vec<SymbolMatch> {
        let mut found = self.symbols_by_name(query, limit);
        self.read_signatures(&mut found);
        found
    }

    /// As [`Self::symbols`], for who does not show signatures: no text is read, and they are the names alone.
    pub fn symbols_by_name(&self, query: &str, limit: usize) -> Vec<SymbolMatch> {
        let (container, name) = split_query(query);
        let wanted = Wanted::new(name);
        let mut best: Best<Candidate> = Best::new(limit);
        if limit == 0 {
            return Vec::new();
        }
        for (which, (segment, hidden)) in self.segments().enumerate() {
            let symbols = segment.symbols();
            let best = std::cell::RefCell::new(&mut best);
            let enough = || best.borrow().worst().map_or(i32::MIN, |(points, ..)| *points);
            symbols.search(&wanted, enough, |name, points| {
                symbols.places(name, &segment.files, |place| {
                    let file = &segment.files[place.file as usize];
                    let is_meant = |container: &str| {
                        let outline = file.outline();
                        let own = outline.symbol_container(place.symbol as usize);
                        score(container.as_bytes(), own.as_bytes()).is_some()
                    };
                    let points = points + place.worth;
                    if points >= enough()
                        && !is_hidden(hidden, place.file as usize)
                        && container.is_none_or(is_meant)
                    {
                        best.borrow_mut().add((points, Reverse((&file.path, place.symbol)), which));
                    }
                });
            });
        }
        let found = best.into_sorted().into_iter();
        found
            .filter_map(|(points, Reverse((path, symbol)), _)| {
                let symbol = self.file(path)?.outline().symbol(symbol as usize)?;
                Some(SymbolMatch { path: path.clone(), symbol, score: points as f32 })
            })
            .collect()
    }

    /// One text at a time is held for it, and read once for symbols of a file that come together.
    fn read_signatures(&self, found: &mut [SymbolMatch]) {
        for of_file in found.chunk_by_mut(|one, other| one.path == other.path) {
            let Some(file) = of_file.first().and_then(|found| self.file(&found.path)) else { continue };
            let text = self.text(file);
            of_file.iter_mut().for_each(|found| found.symbol.read_signature(text.as_deref()));
        }
    }

    /// Files whose path holds the letters of `query` in order, best first: what matches in the file's own name comes
    /// before what matches across folders.
    pub fn find_files(&self, query: &str, limit: usize) -> Vec<(RelPath, f32)> {
        let paths = self.paths().chain(self.parts.opaque.keys());
        find_paths(paths, query, limit)
    }

    /// The files that define `name`, by the table of symbols.
    fn files_with_definition(&self, name: &str) -> Vec<&Arc<File>> {
        let mut found = Vec::new();
        for (segment, hidden) in self.segments() {
            let symbols = segment.symbols();
            let Some(number) = symbols.find(name) else { continue };
            let before = found.len();
            symbols.places(number, &segment.files, |place| {
                if !is_hidden(hidden, place.file as usize) {
                    found.push(&segment.files[place.file as usize]);
                }
            });
            found[before..].sort_by(|one, other| one.path.cmp(&other.path));
        }
        found.dedup_by(|one, other| one.path == other.path);
        found
    }

    /// Where `name` is defined: sources before tests and foreign code, types before members. Texts are read for the
    /// signatures of the first 64; the others' are their names alone.
    pub fn definitions(&self, name: &str) -> Vec<SymbolMatch> {
        let (container, name) = split_query(name);
        let mut found = Vec::new();
        for file in self.files_with_definition(name) {
            let facts = file.facts();
            // A heading or a test's title defines no name.
            if facts.name_number(name).is_none_or(|number| facts.uses(number) & Use::DEFINED == 0) {
                continue;
            }
            for symbol in (0..facts.symbol_count()).filter(|symbol| facts.symbol_name(*symbol) == name) {
                if container.is_some_and(|container| facts.symbol_container(symbol) != container) {
                    continue;
                }
                let points = facts
                    .symbol_kind(symbol)
                    .map_or(0, |kind| worth(file.role, kind, facts.symbol_is_test(symbol)));
                let symbol = facts.symbol(symbol);
                found.extend(symbol.map(|symbol| SymbolMatch {
                    path: file.path.clone(),
                    symbol,
                    score: points as f32,
                }));
            }
        }
        found.sort_by(|one, other| {
            let place = |found: &SymbolMatch| (found.path.clone(), found.symbol.name_range.start);
            other.score.total_cmp(&one.score).then_with(|| place(one).cmp(&place(other)))
        });
        let shown = found.len().min(SHOWN);
        self.read_signatures(&mut found[..shown]);
        found
    }

    /// Where `name` occurs, definitions included, in order of path and line, at most `limit` places. Occurrences are
    /// by name: two things of one name are not told apart.
    pub fn references(&self, name: &str, limit: usize) -> Vec<Place> {
        let (_, name) = split_query(name);
        let mut places = Vec::new();
        for (file, number) in self.files_with_name(name) {
            let text = self.text(file);
            for offset in file.facts().offsets(number) {
                if places.len() >= limit {
                    return places;
                }
                places.push(place(file, name, offset, text.as_deref()));
            }
        }
        places
    }

    /// How often `name` occurs, and in how many files.
    pub fn reference_count(&self, name: &str) -> (usize, usize) {
        let files = self.files_with_name(name);
        (files.iter().map(|(file, number)| file.facts().count(*number) as usize).sum(), files.len())
    }

    pub(crate) fn text(&self, file: &File) -> Option<Arc<str>> {
        file.text().or_else(|| self.parts.reader.as_ref()?(&file.path))
    }
}

/// Files that are no text, without those at `paths`.
pub(crate) fn without<'p>(
    opaque: &Arc<BTreeMap<RelPath, OpaqueFile>>,
    paths: impl Iterator<Item = &'p RelPath>,
) -> Arc<BTreeMap<RelPath, OpaqueFile>> {
    let mut left = Arc::clone(opaque);
    for path in paths.filter(|path| opaque.contains_key(*path)) {
        Arc::make_mut(&mut left).remove(path);
    }
    left
}

/// `Stack.push`, `stack::push`, `Stack#push`: what stands before the last separator is the container.
pub(crate) fn split_query(query: &str) -> (Option<&str>, &str) {
    let query = query.trim();
    let cut = query.rfind(['.', ':', '#', '/']).filter(|at| at + 1 < query.len());
    let Some(cut) = cut else { return (None, query) };
    let before = query[..cut].trim_end_matches(['.', ':', '#', '/']);
    let container = before.rsplit(['.', ':', '#', '/']).next().filter(|text| !text.is_empty());
    (container, &query[cut + 1..])
}

/// The best of `paths`; a score for the file's own name counts more than one for the whole path.
pub fn find_paths<'p>(
    paths: impl Iterator<Item = &'p RelPath>,
    query: &str,
    limit: usize,
) -> Vec<(RelPath, f32)> {
    let wanted = Wanted::new(query);
    let mut best = Best::new(limit.max(1));
    for path in paths {
        if let Some(points) = path_score(&wanted, path) {
            best.add((points, Reverse(path)));
        }
    }
    let found = best.into_sorted().into_iter().take(limit);
    found.map(|(points, Reverse(path))| (path.clone(), points as f32)).collect()
}

/// What a match in the file's own name is worth more.
const OWN_NAME: i32 = 24;

fn path_score(wanted: &Wanted, path: &RelPath) -> Option<i32> {
    let (name, path) = (path.file_name(), path.as_str());
    let mut start = path.len().saturating_sub(crate::fuzzy::LONGEST);
    while !path.is_char_boundary(start) {
        start += 1;
    }
    let whole = score(wanted.letters(), &path.as_bytes()[start..]);
    // A match in the name is one in the path, unless the path is cut.
    let own = score(wanted.letters(), name.as_bytes()).map(|points| points + OWN_NAME);
    own.max(whole)
}

/// The line is shown only if the text still has the name there.
fn place(file: &File, name: &str, offset: u32, text: Option<&str>) -> Place {
    let range = offset as usize..offset as usize + name.len();
    let fresh = text.filter(|text| text.get(range.clone()) == Some(name));
    let line = fresh.map_or("", |text| {
        let start = text[..range.start].rfind('\n').map_or(0, |at| at + 1);
        let end = text[range.start..].find('\n').map_or(text.len(), |at| range.start + at);
        text[start..end].trim()
    });
    let facts = file.facts();
    let within = facts.enclosing(offset).map(|symbol| {
        let (container, name) = (facts.symbol_container(symbol), facts.symbol_name(symbol));
        if container.is_empty() { name.to_owned() } else { format!("{container}.{name}") }
    });
    Place {
        path: file.path.clone(),
        line: facts.line_of(offset),
        range,
        text: line.to_owned(),
        within,
        is_definition: facts.is_definition(offset),
    }
}
