//! What a walk finds in a tree or a part of one, not yet packed: places only, no text. Places are relative to the start
//! of the part, so that they stay true when text before it changes.

use crate::facts::Use;
use galley_grammars::{Capture, ReferenceKind, SymbolKind};
use std::ops::Range;
use tree_sitter::Node;

/// Names longer than this are not remembered as occurrences, in bytes.
pub(crate) const NAME_LIMIT: usize = 200;

/// The start of a part.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Base {
    pub(crate) byte: usize,
    pub(crate) row: usize,
}

impl Base {
    /// A place that counts from here, counted from where this one does.
    pub(crate) fn and(self, inner: Base) -> Base {
        Base { byte: self.byte + inner.byte, row: self.row + inner.row }
    }

    /// A place counted from `outer`, which is before it.
    pub(crate) fn from(self, outer: Base) -> Base {
        let (byte, row) = (self.byte.saturating_sub(outer.byte), self.row.saturating_sub(outer.row));
        Base { byte, row }
    }
}

/// Bytes from the start of the part, half-open. An item around the part begins before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Span {
    pub(crate) start: i32,
    pub(crate) end: i32,
}

impl Span {
    /// Where it is in the whole text.
    pub(crate) fn range(self, base: Base) -> Range<usize> {
        base.byte.saturating_add_signed(self.start as isize)
            ..base.byte.saturating_add_signed(self.end as isize)
    }
}

/// A name that occurs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Occurrence {
    pub(crate) start: u32,
    pub(crate) length: u8,
    /// Bits of [`Use`].
    pub(crate) uses: u8,
}

/// What a pattern says of a whole item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tag {
    /// The pattern's number in its query: of several that define one name, the last is right.
    pub(crate) pattern: usize,
    pub(crate) what: What,
    pub(crate) span: Span,
    pub(crate) name: Span,
    pub(crate) row: i32,
    pub(crate) end_row: i32,
}

/// What a tagged item is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    Definition(SymbolKind),
    Container,
    Test,
}

/// Everything that one walk finds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) occurrences: Vec<Occurrence>,
    /// Comments, strings, text.
    pub(crate) prose: Vec<Span>,
    pub(crate) tags: Vec<Tag>,
    /// Uses of names that are no occurrences, or not known to be: place and bits.
    pub(crate) uses: Vec<(Span, u8)>,
    pub(crate) imports: Vec<Span>,
    /// Error and missing nodes.
    pub(crate) errors: u32,
}

impl Found {
    pub(crate) fn clear(&mut self) {
        self.occurrences.clear();
        self.prose.clear();
        self.tags.clear();
        self.uses.clear();
        self.imports.clear();
        self.errors = 0;
    }

    pub(crate) fn is_empty(&self) -> bool {
        let Self { occurrences, prose, tags, uses, imports, errors } = self;
        occurrences.is_empty()
            && prose.is_empty()
            && tags.is_empty()
            && uses.is_empty()
            && imports.is_empty()
            && *errors == 0
    }

    pub(crate) fn occurrence(&mut self, base: Base, node: &Node) {
        let start = node.start_byte();
        let length = node.end_byte().saturating_sub(start);
        if length <= NAME_LIMIT {
            self.occurrences.push(Occurrence {
                start: relative(start, base) as u32,
                length: length as u8,
                uses: 0,
            });
        }
    }

    pub(crate) fn prose(&mut self, base: Base, node: &Node) {
        self.prose.push(span(node, base));
    }

    /// Notes what a pattern says. `name` is the subject itself where the pattern has none.
    pub(crate) fn tag(&mut self, base: Base, pattern: usize, capture: Capture, node: &Node, name: &Node) {
        let what = match capture {
            Capture::Definition(kind) => What::Definition(kind),
            Capture::Container => What::Container,
            Capture::Test => What::Test,
            Capture::Reference(kind) => return self.uses(base, kind, name),
            Capture::Import => return self.imports.push(span(node, base)),
            Capture::Name | Capture::Silent | Capture::InjectionContent | Capture::InjectionLanguage => {
                return;
            }
        };
        // A node may end at the start of the line after its text.
        let (end, row) = (node.end_position(), node.start_position().row);
        let end_row = if end.column == 0 && end.row > row { end.row - 1 } else { end.row };
        self.tags.push(Tag {
            pattern,
            what,
            span: span(node, base),
            name: span(name, base),
            row: relative_row(row, base),
            end_row: relative_row(end_row, base),
        });
    }

    fn uses(&mut self, base: Base, kind: ReferenceKind, name: &Node) {
        let bit = match kind {
            ReferenceKind::Call => Use::CALLED,
            ReferenceKind::Type => Use::TYPE,
            ReferenceKind::Implementation => Use::IMPLEMENTED,
        };
        let place = span(name, base);
        // A walk comes to a name and to the rules about it one after the other.
        match self.occurrences.last_mut() {
            Some(last)
                if last.start as i32 == place.start && i32::from(last.length) == place.end - place.start =>
            {
                last.uses |= bit;
            }
            _ => self.uses.push((place, bit)),
        }
    }
}

fn span(node: &Node, base: Base) -> Span {
    Span { start: relative(node.start_byte(), base), end: relative(node.end_byte(), base) }
}

fn relative(byte: usize, base: Base) -> i32 {
    (byte as i64 - base.byte as i64) as i32
}

fn relative_row(row: usize, base: Base) -> i32 {
    (row as i64 - base.row as i64) as i32
}
