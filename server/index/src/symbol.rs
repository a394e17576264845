//! What a caller gets to see of a definition.

use crate::outline::{clean_name, signature};
use galley_grammars::SymbolKind;
use galley_text::path::RelPath;
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// Something that a file defines, or a test that has no name of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Symbol {
    /// Its name as written; a test's title, a heading's text.
    pub name: String,
    /// What it is.
    pub kind: SymbolKind,
    /// The name of the nearest definition, `impl` or section around it.
    pub container: Option<String>,
    /// Zero-based line of its first byte.
    pub line: u32,
    /// Zero-based line of its last byte.
    pub end_line: u32,
    /// Bytes of the name, half-open.
    pub name_range: Range<usize>,
    /// Bytes of the whole item, half-open.
    pub range: Range<usize>,
    /// The item's head on one line, without its body, at most 200 characters; the name alone where the text is no longer
    /// at hand.
    pub signature: String,
    /// Is it a test, or inside one?
    pub is_test: bool,
    /// How many symbols of the same outline enclose it.
    pub depth: u16,
}

impl Symbol {
    /// Reads the signature from the text that defines the symbol; it stays what it is where that has changed meanwhile.
    pub(crate) fn read_signature(&mut self, text: Option<&str>) {
        let is_there = |text: &&str| {
            text.get(self.name_range.clone()).is_some_and(|there| clean_name(there) == self.name)
        };
        if let Some(text) = text.filter(is_there) {
            self.signature = signature(text, &self.range, &self.name_range);
        }
    }
}

/// A symbol of some file of the index.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SymbolMatch {
    /// The file that defines it.
    pub path: RelPath,
    /// The definition.
    pub symbol: Symbol,
    /// Higher is better; comparable only within one answer.
    pub score: f32,
}

/// An occurrence of a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The file it is in.
    pub path: RelPath,
    /// Zero-based line.
    pub line: u32,
    /// Bytes of the name, half-open.
    pub range: Range<usize>,
    /// The line, without its end and its indentation; empty where the text is no longer at hand.
    pub text: String,
    /// The innermost symbol around it, as `container.name` or `name`.
    pub within: Option<String>,
    /// Is it the name of a definition?
    pub is_definition: bool,
}
