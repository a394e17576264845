//! The packed facts of one content. They depend on text and language alone, never on the path, so that equal
//! contents share them and a branch switch finds them again by hash.

mod stored;

use crate::extract::{Definition, Extract};
use crate::hash::{ContentHash, FastMap};
use crate::outline::{clean_name, signature};
use crate::packed::{Lines, Texts, pull, push};
use crate::symbol::Symbol;
use crate::words::{Term, parts, term, whole};
use galley_grammars::{Language, SymbolKind};

/// How a name is used in a file: bits.
pub(crate) struct Use;

impl Use {
    pub(crate) const CALLED: u8 = 1;
    pub(crate) const TYPE: u8 = 2;
    pub(crate) const IMPLEMENTED: u8 = 4;
    pub(crate) const DEFINED: u8 = 8;
}

/// One definition, packed. Text lies in [`Facts::symbol_texts`].
#[derive(Debug, Clone)]
struct Packed {
    kind: SymbolKind,
    is_test: bool,
    depth: u16,
    start: u32,
    end: u32,
    name_start: u32,
    name_length: u32,
    line: u32,
    end_line: u32,
}

/// Which of a symbol's texts.
const NAME: u32 = 0;
const CONTAINER: u32 = 1;
const SIGNATURE: u32 = 2;

/// The facts of one content.
#[derive(Debug, Default)]
pub(crate) struct Facts {
    pub(crate) hash: Option<ContentHash>,
    pub(crate) language: Option<&'static str>,
    pub(crate) errors: u32,
    pub(crate) bytes: u32,
    lines: Lines,
    symbols: Box<[Packed]>,
    symbol_texts: Texts,
    names: Texts,
    uses: Box<[u8]>,
    /// Per name: place of its offsets in `offsets`.
    starts: Box<[u32]>,
    offsets: Box<[u8]>,
    imports: Texts,
    /// Sorted by term: count in the content, count in names of definitions.
    pub(crate) terms: Box<[(Term, u16, u16)]>,
    /// The sum of all counts: the length of the content in terms.
    pub(crate) length: u32,
}

impl Facts {
    /// Reads `text` and packs what is found.
    pub(crate) fn read(language: Option<&'static Language>, text: &str, hash: ContentHash) -> Self {
        let extract = crate::extract::extract(language, text);
        let (starts, offsets) = pack_occurrences(&extract);
        let terms = pack_terms(&extract, text);
        Self {
            hash: Some(hash),
            language: language.map(|language| language.name).filter(|_| extract.parsed),
            errors: extract.errors,
            bytes: u32::try_from(text.len()).unwrap_or(u32::MAX),
            lines: Lines::new(text),
            symbols: extract.definitions.iter().map(pack).collect(),
            symbol_texts: symbol_texts(&extract.definitions, text),
            uses: pack_uses(&extract, text),
            names: Texts::new(extract.names.iter().copied()),
            starts,
            offsets,
            imports: Texts::new(extract.imports.iter().map(|import| import.trim())),
            length: terms.iter().map(|term| u32::from(term.1)).sum(),
            terms,
        }
    }

    pub(crate) fn line_of(&self, offset: u32) -> u32 {
        self.lines.line_of(offset)
    }

    pub(crate) fn line_count(&self) -> u32 {
        self.lines.count()
    }

    pub(crate) fn symbol_count(&self) -> usize {
        self.symbols.len()
    }

    /// The symbol with this number, unpacked.
    pub(crate) fn symbol(&self, number: usize) -> Option<Symbol> {
        let packed = self.symbols.get(number)?;
        let container = self.symbol_text(number, CONTAINER);
        let name_start = packed.name_start as usize;
        Some(Symbol {
            name: self.symbol_text(number, NAME).to_owned(),
            kind: packed.kind,
            container: (!container.is_empty()).then(|| container.to_owned()),
            line: packed.line,
            end_line: packed.end_line,
            name_range: name_start..name_start + packed.name_length as usize,
            range: packed.start as usize..packed.end as usize,
            signature: self.symbol_text(number, SIGNATURE).to_owned(),
            is_test: packed.is_test,
            depth: packed.depth,
        })
    }

    pub(crate) fn symbols(&self) -> impl Iterator<Item = Symbol> {
        (0..self.symbols.len()).filter_map(|number| self.symbol(number))
    }

    pub(crate) fn symbol_name(&self, number: usize) -> &str {
        self.symbol_text(number, NAME)
    }

    pub(crate) fn symbol_container(&self, number: usize) -> &str {
        self.symbol_text(number, CONTAINER)
    }

    pub(crate) fn symbol_kind(&self, number: usize) -> Option<SymbolKind> {
        self.symbols.get(number).map(|symbol| symbol.kind)
    }

    pub(crate) fn symbol_is_test(&self, number: usize) -> bool {
        self.symbols.get(number).is_some_and(|symbol| symbol.is_test)
    }

    fn symbol_text(&self, number: usize, which: u32) -> &str {
        self.symbol_texts.get(number as u32 * 3 + which)
    }

    /// The innermost symbol that holds the byte `offset`.
    pub(crate) fn enclosing(&self, offset: u32) -> Option<usize> {
        let holds = |symbol: &Packed| symbol.start <= offset && offset < symbol.end;
        let behind = self.symbols.partition_point(|symbol| symbol.start <= offset);
        self.symbols[..behind]
            .iter()
            .enumerate()
            .rev()
            .find(|(_, symbol)| holds(symbol))
            .map(|(number, _)| number)
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = (u32, &str)> {
        self.names.iter().enumerate().map(|(number, name)| (number as u32, name))
    }

    pub(crate) fn name_count(&self) -> usize {
        self.names.len()
    }

    /// The number of a name that occurs here.
    pub(crate) fn name_number(&self, name: &str) -> Option<u32> {
        self.names().find(|(_, known)| *known == name).map(|(number, _)| number)
    }

    /// How the name with this number is used: bits of [`Use`].
    pub(crate) fn uses(&self, name: u32) -> u8 {
        self.uses.get(name as usize).copied().unwrap_or_default()
    }

    /// Byte offsets of a name, in order.
    pub(crate) fn offsets(&self, name: u32) -> Vec<u32> {
        let Some(&start) = self.starts.get(name as usize) else { return Vec::new() };
        let mut at = start as usize;
        let count = pull(&self.offsets, &mut at);
        let mut offset = 0;
        (0..count)
            .map(|_| {
                offset += pull(&self.offsets, &mut at);
                offset
            })
            .collect()
    }

    /// How often a name occurs.
    pub(crate) fn count(&self, name: u32) -> u32 {
        self.starts.get(name as usize).map_or(0, |start| pull(&self.offsets, &mut (*start as usize)))
    }

    /// Is the name at `offset` the name of a definition?
    pub(crate) fn is_definition(&self, offset: u32) -> bool {
        self.symbols.iter().any(|symbol| symbol.name_start == offset)
    }

    pub(crate) fn imports(&self) -> impl Iterator<Item = &str> {
        self.imports.iter()
    }

    /// Counts in the content and in names of definitions.
    pub(crate) fn term(&self, term: Term) -> (u16, u16) {
        self.terms
            .binary_search_by_key(&term, |known| known.0)
            .map_or((0, 0), |at| (self.terms[at].1, self.terms[at].2))
    }

    /// Roughly how many bytes of memory these facts take.
    pub(crate) fn weight(&self) -> usize {
        size_of::<Self>()
            + self.lines.bytes()
            + self.symbols.len() * size_of::<Packed>()
            + self.symbol_texts.bytes()
            + self.names.bytes()
            + self.uses.len()
            + 4 * self.starts.len()
            + self.offsets.len()
            + self.imports.bytes()
            + 8 * self.terms.len()
    }
}

fn pack(definition: &Definition) -> Packed {
    Packed {
        kind: definition.kind,
        is_test: definition.is_test,
        depth: definition.depth,
        start: definition.range.start as u32,
        end: definition.range.end as u32,
        name_start: definition.name.start as u32,
        name_length: definition.name.len() as u32,
        line: definition.line,
        end_line: definition.end_line,
    }
}

fn symbol_texts(definitions: &[Definition], text: &str) -> Texts {
    let of = |range: &std::ops::Range<usize>| clean_name(text.get(range.clone()).unwrap_or_default());
    let texts: Vec<String> = definitions
        .iter()
        .flat_map(|definition| {
            let container = definition.container.as_ref().map(of).unwrap_or_default();
            [of(&definition.name), container, signature(text, &definition.range, &definition.name)]
        })
        .collect();
    Texts::new(texts.iter().map(String::as_str))
}

/// Offsets by name: a count, then differences.
fn pack_occurrences(extract: &Extract) -> (Box<[u32]>, Box<[u8]>) {
    let mut by_name = vec![Vec::new(); extract.names.len()];
    for (name, offset) in &extract.occurrences {
        by_name[*name as usize].push(*offset);
    }
    let (mut starts, mut bytes) = (Vec::with_capacity(by_name.len()), Vec::new());
    for mut offsets in by_name {
        // Embedded languages are read after the outer one, so order is not given.
        offsets.sort_unstable();
        starts.push(bytes.len() as u32);
        push(&mut bytes, offsets.len() as u32);
        let mut before = 0;
        for offset in offsets {
            push(&mut bytes, offset - before);
            before = offset;
        }
    }
    (starts.into(), bytes.into())
}

fn pack_uses(extract: &Extract, text: &str) -> Box<[u8]> {
    let mut defined = crate::hash::FastSet::default();
    defined.extend(extract.definitions.iter().filter_map(|definition| text.get(definition.name.clone())));
    let of = |name: &&str| {
        let bits = extract.uses.get(name).copied().unwrap_or_default();
        bits | if defined.contains(name) { Use::DEFINED } else { 0 }
    };
    extract.names.iter().map(of).collect()
}

fn pack_terms(extract: &Extract, text: &str) -> Box<[(Term, u16, u16)]> {
    let mut in_names: FastMap<Term, u16> = FastMap::default();
    for definition in &extract.definitions {
        let Some(name) = text.get(definition.name.clone()) else { continue };
        let mut add = |term| {
            let count = in_names.entry(term).or_default();
            *count = count.saturating_add(1);
        };
        let mut pieces = 0;
        crate::words::words(name, |word| {
            parts(word, |part| {
                pieces += 1;
                if part.len() > 1 {
                    add(term(part));
                }
            });
            add(whole(word));
        });
    }
    let mut terms: FastMap<Term, (u16, u16)> = FastMap::default();
    for (term, count) in &extract.terms {
        terms.entry(*term).or_default().0 = u16::try_from(*count).unwrap_or(u16::MAX);
    }
    for (term, count) in in_names {
        terms.entry(term).or_default().1 = count;
    }
    let mut terms: Vec<_> = terms.into_iter().map(|(term, (content, name))| (term, content, name)).collect();
    terms.sort_unstable();
    terms.into()
}
