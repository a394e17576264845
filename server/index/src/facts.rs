//! The packed facts of one content. They depend on text and language alone, never on the path, so that equal
//! contents share them and a branch switch finds them again by hash.

mod compressed;
mod stored;
mod terms;
#[cfg(test)]
mod tests;

pub(crate) use compressed::{common, common_from, common_to, compress, decompress};
pub(crate) use stored::Raw;
pub(crate) use terms::{Counted, Terms, Vocabulary};

use crate::extract::READ_LIMIT;
use crate::found::{Base, Found};
use crate::hash::ContentHash;
use crate::pack::{Content, pack};
use crate::packed::{Lines, Places, Texts};
use crate::symbol::Symbol;
use galley_grammars::{Language, SymbolKind};
use std::cell::RefCell;
use std::ops::Range;

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
pub(crate) struct Packed {
    pub(crate) kind: SymbolKind,
    pub(crate) is_test: bool,
    pub(crate) depth: u16,
    pub(crate) start: u32,
    pub(crate) end: u32,
    pub(crate) name_start: u32,
    pub(crate) name_length: u32,
    pub(crate) line: u32,
    pub(crate) end_line: u32,
}

impl Packed {
    fn range(&self) -> Range<usize> {
        self.start as usize..self.end as usize
    }

    fn name_range(&self) -> Range<usize> {
        let start = self.name_start as usize;
        start..start + self.name_length as usize
    }
}

/// Which of a symbol's texts. Its signature is none of them: it stands in the content.
const NAME: u32 = 0;
const CONTAINER: u32 = 1;
/// So many texts has a symbol.
pub(crate) const SYMBOL_TEXTS: u32 = 2;

/// The facts of one content.
#[derive(Debug, Default)]
pub(crate) struct Facts {
    pub(crate) hash: Option<ContentHash>,
    pub(crate) language: Option<&'static str>,
    pub(crate) errors: u32,
    pub(crate) bytes: u32,
    pub(crate) lines: Lines,
    pub(crate) symbols: Box<[Packed]>,
    pub(crate) symbol_texts: Texts,
    pub(crate) names: Texts,
    pub(crate) uses: Box<[u8]>,
    pub(crate) places: Places,
    pub(crate) imports: Texts,
    pub(crate) terms: Terms,
    /// The sum of all counts: the length of the content in terms.
    pub(crate) length: u32,
}

impl Facts {
    /// Reads `text` and packs what is found.
    pub(crate) fn read(language: Option<&'static Language>, text: &str, hash: Option<ContentHash>) -> Self {
        thread_local! {
            static FOUND: RefCell<Found> = RefCell::default();
        }
        FOUND.with_borrow_mut(|found| {
            found.clear();
            let parsed = crate::extract::extract(language, text, found);
            let language = language.map(|language| language.name).filter(|_| parsed);
            let bytes = u32::try_from(text.len()).unwrap_or(u32::MAX);
            let text = if text.len() <= READ_LIMIT { text } else { "" };
            let facts = pack(&Content { text, language, hash }, &[(Base::default(), &*found)]);
            Self { bytes, ..facts }
        })
    }

    /// Only what the first words of lines tell.
    pub(crate) fn scan(language: Option<&'static Language>, text: &str) -> Self {
        let mut found = Found::default();
        if let Some(language) = language {
            crate::lexical::scan(language, text, &mut found);
        }
        let language = language.map(|language| language.name);
        pack(&Content { text, language, hash: None }, &[(Base::default(), &found)])
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

    /// The symbol with this number, unpacked; for its signature see [`Symbol::read_signature`].
    pub(crate) fn symbol(&self, number: usize) -> Option<Symbol> {
        let packed = self.symbols.get(number)?;
        let (name, container) = (self.symbol_text(number, NAME), self.symbol_text(number, CONTAINER));
        Some(Symbol {
            name: name.to_owned(),
            kind: packed.kind,
            container: (!container.is_empty()).then(|| container.to_owned()),
            line: packed.line,
            end_line: packed.end_line,
            signature: name.to_owned(),
            name_range: packed.name_range(),
            range: packed.range(),
            is_test: packed.is_test,
            depth: packed.depth,
        })
    }

    /// All symbols, in order of the text.
    pub(crate) fn symbols(&self) -> impl Iterator<Item = Symbol> {
        (0..self.symbols.len()).filter_map(|number| self.symbol(number))
    }

    /// The bytes of a symbol.
    pub(crate) fn symbol_range(&self, number: usize) -> Option<Range<usize>> {
        self.symbols.get(number).map(Packed::range)
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
        self.symbol_texts.get(number as u32 * SYMBOL_TEXTS + which)
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
    pub(crate) fn offsets(&self, name: u32) -> impl Iterator<Item = u32> {
        self.places.of(name)
    }

    /// How often a name occurs.
    pub(crate) fn count(&self, name: u32) -> u32 {
        self.places.count(name)
    }

    /// Is the name at `offset` the name of a definition?
    pub(crate) fn is_definition(&self, offset: u32) -> bool {
        self.symbols.iter().any(|symbol| symbol.name_start == offset)
    }

    pub(crate) fn imports(&self) -> impl Iterator<Item = &str> {
        self.imports.iter()
    }

    /// Roughly how many bytes of memory these facts take.
    pub(crate) fn weight(&self) -> usize {
        size_of::<Self>()
            + self.lines.bytes()
            + self.symbols.len() * size_of::<Packed>()
            + self.symbol_texts.bytes()
            + self.names.bytes()
            + self.uses.len()
            + self.places.bytes()
            + self.imports.bytes()
            + self.terms.bytes()
    }
}
