//! The old files of a workspace on disk: their entries, and what finds them. One file, written whole; the entries are
//! read at the start, the rest is mapped.

use super::entry::{Entry, pack, unpack};
use super::frame::{Frame, Kind, framed};
use super::mapped::Bytes;
use std::path::Path;

const ENTRIES: usize = 0;
const NAMES: usize = 1;
const TERMS: usize = 2;
const SYMBOLS: usize = 3;

/// A base, open.
#[derive(Debug)]
pub(crate) struct Base {
    /// The name of the file.
    pub(crate) name: String,
    frame: Frame,
}

impl Base {
    /// Opens a base with its entries.
    pub(crate) fn open(folder: &Path, name: &str) -> Option<(Base, Vec<Entry>)> {
        let frame = Frame::open(&folder.join(name), Kind::Base)?;
        let entries = unpack(&frame.section(ENTRIES)?)?;
        Some((Base { name: name.to_owned(), frame }, entries))
    }

    /// Postings of names; `None` if they are damaged.
    pub(crate) fn names(&self) -> Option<Bytes> {
        self.frame.section(NAMES)
    }

    /// Postings of terms; `None` if they are damaged.
    pub(crate) fn terms(&self) -> Option<Bytes> {
        self.frame.section(TERMS)
    }

    /// The names of symbols; `None` if they are damaged.
    pub(crate) fn symbols(&self) -> Option<Bytes> {
        self.frame.section(SYMBOLS)
    }
}

/// The bytes of a base.
pub(crate) fn base(entries: &[Entry], names: &[u8], terms: &[u8], symbols: &[u8]) -> Vec<u8> {
    framed(Kind::Base, &[&pack(entries), names, terms, symbols])
}
