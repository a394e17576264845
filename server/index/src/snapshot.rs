//! Questions to one state of the index: outlines, symbols, definitions, references. Answers are the same however the
//! state came about; a test compares incremental and fresh indexes.

use crate::facts::Use;
use crate::fuzzy::{Best, mask, score};
use crate::index::Reader;
use crate::role::Role;
use crate::segment::{File, Segment};
use crate::symbol::{Place, Symbol, SymbolMatch};
use galley_text::path::RelPath;
use std::cmp::Reverse;
use std::sync::{Arc, OnceLock};

/// What a snapshot is made of.
#[derive(Default)]
pub(crate) struct Parts {
    pub(crate) base: Arc<Segment>,
    pub(crate) recent: Arc<Segment>,
    /// Numbers of files of `base` that `recent` covers, sorted.
    pub(crate) hidden: Box<[u32]>,
    pub(crate) reader: Option<Reader>,
    pub(crate) revision: u64,
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
    /// Bytes of memory of all facts, roughly.
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
        [(&*self.parts.base, &*self.parts.hidden), (&*self.parts.recent, &[][..])].into_iter()
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
                found.extend(file.facts.name_number(name).map(|name| (file, name)));
            }
        }
        if !self.parts.recent.files.is_empty() {
            found.sort_by(|one, other| one.0.path.cmp(&other.0.path));
        }
        found
    }

    /// As [`Self::files_with_name`], but nothing for a name that more than `most` files hold.
    pub(crate) fn files_with_rare_name(&self, name: &str, most: usize) -> Vec<(&Arc<File>, u32)> {
        let held = self.segments().map(|(segment, _)| segment.files_with_name(name).take(most + 1).count());
        if held.sum::<usize>() > most { Vec::new() } else { self.files_with_name(name) }
    }

    /// The paths of all files, in no particular order.
    pub fn paths(&self) -> impl Iterator<Item = &RelPath> {
        self.files().map(|file| &file.path)
    }

    /// Is the file known?
    pub fn contains(&self, path: &RelPath) -> bool {
        self.file(path).is_some()
    }

    /// The part the file plays; `None` if it is not known.
    pub fn role(&self, path: &RelPath) -> Option<Role> {
        self.file(path).map(|file| file.role)
    }

    /// Sizes, for a person.
    pub fn counts(&self) -> Counts {
        self.files().fold(Counts::default(), |sum, file| Counts {
            files: sum.files + 1,
            parsed: sum.parsed + usize::from(file.facts.language.is_some()),
            bytes: sum.bytes + u64::from(file.facts.bytes),
            symbols: sum.symbols + file.facts.symbol_count(),
            names: sum.names + file.facts.name_count(),
            memory: sum.memory + file.facts.weight(),
            with_errors: sum.with_errors + usize::from(file.facts.errors > 0),
        })
    }

    /// The symbols of a file, in order of the text; empty for an unknown file.
    pub fn outline(&self, path: &RelPath) -> Vec<Symbol> {
        self.file(path).map(|file| file.facts.symbols().collect()).unwrap_or_default()
    }

    /// What a file imports, as written.
    pub fn imports(&self, path: &RelPath) -> Vec<String> {
        self.file(path).map(|file| file.facts.imports().map(str::to_owned).collect()).unwrap_or_default()
    }

    /// The innermost symbol around the byte `offset` of a file.
    pub fn enclosing(&self, path: &RelPath, offset: usize) -> Option<Symbol> {
        let facts = &self.file(path)?.facts;
        facts.symbol(facts.enclosing(u32::try_from(offset).ok()?)?)
    }

    /// Symbols whose name holds the letters of `query` in order, best first. `Container.name` and `container::name`
    /// ask for both.
    pub fn symbols(&self, query: &str, limit: usize) -> Vec<SymbolMatch> {
        let (container, name) = split_query(query);
        let letters: Vec<u8> = name.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
        let wanted = mask(name);
        let mut best = Best::new(limit);
        for (which, (segment, hidden)) in self.segments().enumerate() {
            let symbols = segment.symbols();
            for known in symbols.names.iter().filter(|known| wanted & !known.mask == 0) {
                let (file, symbol) = known.first;
                let Some(points) =
                    score(&letters, segment.files[file as usize].facts.symbol_name(symbol as usize))
                else {
                    continue;
                };
                for &(file, symbol) in &symbols.places[known.places.0 as usize..known.places.1 as usize] {
                    if is_hidden(hidden, file as usize) {
                        continue;
                    }
                    let file = &segment.files[file as usize];
                    let Some(points) = place_score(file, symbol as usize, points, container) else {
                        continue;
                    };
                    best.add((points, Reverse((&file.path, symbol)), which));
                }
            }
        }
        let found = best.into_sorted().into_iter();
        found
            .filter_map(|(points, Reverse((path, symbol)), _)| {
                let symbol = self.file(path)?.facts.symbol(symbol as usize)?;
                Some(SymbolMatch { path: path.clone(), symbol, score: points as f32 })
            })
            .collect()
    }

    /// Where `name` is defined: sources before tests and foreign code, types before members.
    pub fn definitions(&self, name: &str) -> Vec<SymbolMatch> {
        let (container, name) = split_query(name);
        let mut found = Vec::new();
        for (file, number) in self.files_with_name(name) {
            if file.facts.uses(number) & Use::DEFINED == 0 {
                continue;
            }
            let facts = &file.facts;
            for symbol in (0..facts.symbol_count()).filter(|symbol| facts.symbol_name(*symbol) == name) {
                if container.is_some_and(|container| facts.symbol_container(symbol) != container) {
                    continue;
                }
                let points = place_score(file, symbol, 0, None).unwrap_or_default();
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
        found
    }

    /// Where `name` occurs, definitions included, in order of path and line, at most `limit` places. Occurrences are
    /// by name: two things of one name are not told apart.
    pub fn references(&self, name: &str, limit: usize) -> Vec<Place> {
        let (_, name) = split_query(name);
        let mut places = Vec::new();
        for (file, number) in self.files_with_name(name) {
            let text = self.text(file);
            for offset in file.facts.offsets(number) {
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
        (files.iter().map(|(file, number)| file.facts.count(*number) as usize).sum(), files.len())
    }

    pub(crate) fn text(&self, file: &File) -> Option<Arc<str>> {
        file.text.clone().or_else(|| self.parts.reader.as_ref()?(&file.path))
    }
}

pub(crate) fn is_hidden(hidden: &[u32], number: usize) -> bool {
    !hidden.is_empty() && hidden.binary_search(&(number as u32)).is_ok()
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

fn place_score(file: &File, symbol: usize, points: i32, container: Option<&str>) -> Option<i32> {
    use galley_grammars::SymbolKind as Kind;
    if let Some(container) = container {
        score(container.as_bytes(), file.facts.symbol_container(symbol))?;
    }
    let role = match file.role {
        Role::Source => 0,
        Role::Test => -6,
        Role::Document | Role::Configuration => -8,
        Role::Vendored | Role::Generated => -12,
    };
    let kind = match file.facts.symbol_kind(symbol)? {
        Kind::Class | Kind::Struct | Kind::Enum | Kind::Interface | Kind::Trait => 3,
        Kind::Function | Kind::Type | Kind::Macro | Kind::Table => 2,
        Kind::Method | Kind::Constructor | Kind::Module | Kind::Constant => 1,
        Kind::Variable | Kind::Variant => 0,
        Kind::Field | Kind::Section | Kind::Key | Kind::Element => -2,
    };
    Some(points + role + kind - if file.facts.symbol_is_test(symbol) { 4 } else { 0 })
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
    let facts = &file.facts;
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
