//! What all files of the cache have in common: a head that names kind, version and sections, and a checksum for each.
//!
//! A file is written once, under a name of its own, and renamed into place. The head is checked when the file is opened,
//! a section at its first use, so that a start does not read what nobody asks for. Whatever does not fit in any respect
//! counts as absent; absent parts are made anew from the texts.

use super::mapped::Bytes;
use std::io::Write;
use std::path::Path;
use std::sync::OnceLock;

/// Grows whenever the layout of any file changes.
const VERSION: u32 = 3;
const MAGIC: &[u8; 8] = b"galley\x0Ai";
/// Checksum of a head, a section or a record: the beginning of its BLAKE3.
pub(crate) type Sum = [u8; 16];

pub(crate) fn sum(bytes: &[u8]) -> Sum {
    let mut short = [0; 16];
    short.copy_from_slice(&blake3::hash(bytes).as_bytes()[..16]);
    short
}

/// What decides facts besides the text: grammars, queries, and the code that reads them. A file with another mark is
/// not used.
pub(crate) fn mark() -> Sum {
    static MARK: OnceLock<Sum> = OnceLock::new();
    *MARK.get_or_init(|| {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&VERSION.to_le_bytes());
        let sources = [
            include_str!("../extract.rs"),
            include_str!("../facts.rs"),
            include_str!("../facts/compressed.rs"),
            include_str!("../facts/stored.rs"),
            include_str!("../facts/terms.rs"),
            include_str!("../found.rs"),
            include_str!("../lexical.rs"),
            include_str!("../nest.rs"),
            include_str!("../outline.rs"),
            include_str!("../pack.rs"),
            include_str!("../packed.rs"),
            include_str!("../pattern.rs"),
            include_str!("../role.rs"),
            include_str!("../rules.rs"),
            include_str!("../tally.rs"),
            include_str!("../walk.rs"),
            include_str!("../wordlist.rs"),
            include_str!("../words.rs"),
            include_str!("../grams/mod.rs"),
            include_str!("../grams/lists.rs"),
            include_str!("../symbols.rs"),
            include_str!("pack.rs"),
            include_str!("postings.rs"),
        ];
        for source in sources {
            hasher.update(source.as_bytes());
        }
        for language in galley_grammars::LANGUAGES {
            let grammar = language.tree_sitter();
            let sizes = [grammar.abi_version(), grammar.node_kind_count(), grammar.parse_state_count()];
            hasher.update(format!("{}{sizes:?}{:?}", language.name, language.name_kinds).as_bytes());
            hasher.update(language.tags_source.as_bytes());
            hasher.update(language.injections_source.unwrap_or_default().as_bytes());
        }
        let mut mark = [0; 16];
        mark.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
        mark
    })
}

/// Which file this is. The number stands in the head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Head = 1,
    Base = 2,
    Pack = 3,
}

/// An open file.
#[derive(Debug)]
pub(crate) struct Frame {
    sections: Vec<Section>,
}

#[derive(Debug)]
struct Section {
    bytes: Bytes,
    sum: Sum,
    is_whole: OnceLock<bool>,
}

const FIXED: usize = MAGIC.len() + 4 + 16 + 4;
const PER_SECTION: usize = 8 + 16;

impl Frame {
    /// Maps a file and checks its head; `None` if it is not there or not what it should be.
    pub(crate) fn open(path: &Path, kind: Kind) -> Option<Frame> {
        Frame::read(Bytes::map(path).ok()?, kind)
    }

    pub(crate) fn read(file: Bytes, kind: Kind) -> Option<Frame> {
        let count = u32::from_le_bytes(file.get(FIXED - 4..FIXED)?.try_into().ok()?) as usize;
        let table = FIXED.checked_add(count.checked_mul(PER_SECTION)?)?;
        let start = table.checked_add(16)?;
        if sum(file.get(..table)?)[..] != *file.get(table..start)? || file.get(..FIXED - 4)? != opening(kind)
        {
            return None;
        }
        let mut at = start;
        let mut sections = Vec::with_capacity(count);
        for entry in file.get(FIXED..table)?.chunks_exact(PER_SECTION) {
            let length = usize::try_from(u64::from_le_bytes(entry[..8].try_into().ok()?)).ok()?;
            let end = at.checked_add(length)?;
            sections.push(Section {
                bytes: file.part(at..end)?,
                sum: entry[8..].try_into().ok()?,
                is_whole: OnceLock::new(),
            });
            at = end;
        }
        (at == file.len()).then_some(Frame { sections })
    }

    /// A section whose checksum holds; `None` for one that is damaged or missing.
    pub(crate) fn section(&self, number: usize) -> Option<Bytes> {
        let section = self.sections.get(number)?;
        let is_whole = section.is_whole.get_or_init(|| sum(&section.bytes) == section.sum);
        is_whole.then(|| section.bytes.clone())
    }

    /// A section whose records have checksums of their own.
    pub(crate) fn unchecked(&self, number: usize) -> Option<Bytes> {
        self.sections.get(number).map(|section| section.bytes.clone())
    }
}

fn opening(kind: Kind) -> Vec<u8> {
    [&MAGIC[..], &(kind as u32).to_le_bytes(), &mark()].concat()
}

/// A file as bytes, ready to be written.
pub(crate) fn framed(kind: Kind, sections: &[&[u8]]) -> Vec<u8> {
    let mut file = opening(kind);
    file.extend((sections.len() as u32).to_le_bytes());
    for section in sections {
        file.extend((section.len() as u64).to_le_bytes());
        file.extend(sum(section));
    }
    file.extend(sum(&file));
    sections.iter().for_each(|section| file.extend_from_slice(section));
    file
}

/// Writes a file so that nobody ever sees a part of it under its name.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let temporary = path.with_file_name(format!("{name}.{}.new", std::process::id()));
    let mut file = std::fs::File::create(&temporary)?;
    let written = file.write_all(bytes).and_then(|()| std::fs::rename(&temporary, path));
    if written.is_err() {
        // What could not be put in place is of no use to anyone.
        let _ = std::fs::remove_file(&temporary);
    }
    written
}
