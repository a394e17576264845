//! What is kept of each file beside its content's facts: path, stamp, hash, role, and a few figures, so that a start
//! without changes reads no facts at all.

use crate::facts::Facts;
use crate::hash::ContentHash;
use crate::packed::{pull, push};
use crate::role::Role;
use galley_text::path::RelPath;

/// What tells one state of a file on disk from another without reading it: size, times, inode, as the owner of the disk
/// packs them. Equal stamps mean equal bytes; a state that could change without its stamp has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stamp(pub [u64; 4]);

/// By which rule less is known of a file than a grammar would tell.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Degraded {
    /// Nothing is missing: read with its grammar, or a text for which there is none.
    #[default]
    No,
    /// Longer than [`crate::PARSE_LIMIT`]: cut into words without a parser.
    TooLongToParse,
    /// Longer than [`crate::READ_LIMIT`]: known by its path only.
    TooLongToRead,
    /// Written by a program into very long lines: cut into words without a parser.
    Minified,
    /// Not read yet: known by the first words of its lines. Never kept on disk.
    Unread,
}

const DEGRADED: [Degraded; 4] =
    [Degraded::No, Degraded::TooLongToParse, Degraded::TooLongToRead, Degraded::Minified];
const ROLES: [Role; 6] =
    [Role::Source, Role::Test, Role::Document, Role::Configuration, Role::Vendored, Role::Generated];

impl Degraded {
    /// What became of a file of `bytes` with a grammar for its language.
    pub(crate) fn of(has_grammar: bool, facts: &Facts) -> Degraded {
        match facts.bytes as usize {
            bytes if bytes > crate::READ_LIMIT => Degraded::TooLongToRead,
            _ if !has_grammar || facts.language.is_some() => Degraded::No,
            bytes if bytes > crate::PARSE_LIMIT => Degraded::TooLongToParse,
            _ => Degraded::Minified,
        }
    }
}

/// Figures of a content.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Brief {
    pub(crate) bytes: u32,
    /// Terms, added up.
    pub(crate) length: u32,
    pub(crate) symbols: u32,
    pub(crate) names: u32,
    pub(crate) errors: u32,
    pub(crate) lines: u32,
    /// Was it read with a grammar?
    pub(crate) parsed: bool,
}

impl Brief {
    pub(crate) fn of(facts: &Facts) -> Brief {
        Brief {
            bytes: facts.bytes,
            length: facts.length,
            symbols: facts.symbol_count() as u32,
            names: facts.name_count() as u32,
            errors: facts.errors,
            lines: facts.line_count(),
            parsed: facts.language.is_some(),
        }
    }
}

/// One file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) path: RelPath,
    /// `None`: not believed at the next start, but read and hashed.
    pub(crate) stamp: Option<Stamp>,
    pub(crate) what: What,
}

/// What is known of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum What {
    /// A text with facts.
    Text { hash: ContentHash, role: Role, degraded: Degraded, brief: Brief },
    /// A file that is no text for the index.
    Opaque(Opaque),
    /// Not there any more, although an older list says so.
    Gone,
}

/// Why a file is no text for the index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Opaque {
    /// There is a NUL near its beginning; a search finds nothing in it.
    Binary,
    /// In an encoding that is not understood, or with a NUL far behind; a search looks into it.
    NotText,
    /// Longer than the workspace reads; a search looks into it.
    TooLarge,
}

const OPAQUE: [Opaque; 3] = [Opaque::Binary, Opaque::NotText, Opaque::TooLarge];
const GONE: u8 = 0xFF;
/// In the place of a role.
const NO_ROLE: u8 = 7;
const STAMPED: u8 = 0x80;
const PARSED: u8 = 0x40;

/// Entries in the order of their paths, as bytes.
pub(crate) fn pack(entries: &[Entry]) -> Vec<u8> {
    let mut out = Vec::new();
    push(&mut out, entries.len() as u32);
    let mut before = "";
    for entry in entries {
        let path = entry.path.as_str();
        let shared = path.bytes().zip(before.bytes()).take_while(|(one, other)| one == other).count();
        push(&mut out, shared as u32);
        push(&mut out, (path.len() - shared) as u32);
        out.extend(&path.as_bytes()[shared..]);
        before = path;
        pack_what(&mut out, entry);
    }
    out
}

fn pack_what(out: &mut Vec<u8>, entry: &Entry) {
    let stamped = if entry.stamp.is_some() { STAMPED } else { 0 };
    let stamp = entry.stamp.iter().flat_map(|stamp| stamp.0).flat_map(u64::to_le_bytes);
    let (hash, role, degraded, brief) = match &entry.what {
        What::Gone => return out.push(GONE),
        What::Opaque(why) => {
            let why = OPAQUE.iter().position(|known| known == why).unwrap_or_default() as u8;
            out.push(NO_ROLE | why << 3 | stamped);
            return out.extend(stamp);
        }
        What::Text { hash, role, degraded, brief } => (hash, role, degraded, brief),
    };
    let role = ROLES.iter().position(|known| known == role).unwrap_or_default() as u8;
    let degraded = DEGRADED.iter().position(|known| known == degraded).unwrap_or_default() as u8;
    out.push(role | degraded << 3 | stamped | if brief.parsed { PARSED } else { 0 });
    out.extend(hash.to_bytes());
    for number in [brief.bytes, brief.length, brief.symbols, brief.names, brief.errors, brief.lines] {
        push(out, number);
    }
    out.extend(stamp);
}

/// The entries back; `None` if these bytes are none.
pub(crate) fn unpack(bytes: &[u8]) -> Option<Vec<Entry>> {
    let mut at = 0;
    let count = pull(bytes, &mut at) as usize;
    let mut entries: Vec<Entry> = Vec::with_capacity(count.min(bytes.len()));
    let mut path: Vec<u8> = Vec::new();
    for _ in 0..count {
        path.truncate(pull(bytes, &mut at) as usize);
        let length = pull(bytes, &mut at) as usize;
        path.extend(take(bytes, &mut at, length)?);
        let path = RelPath::new(std::str::from_utf8(&path).ok()?).ok()?;
        if entries.last().is_some_and(|last| last.path >= path) {
            return None;
        }
        entries.push(unpack_one(bytes, &mut at, path)?);
    }
    (at == bytes.len()).then_some(entries)
}

fn unpack_one(bytes: &[u8], at: &mut usize, path: RelPath) -> Option<Entry> {
    let bits = take(bytes, at, 1)?[0];
    if bits == GONE {
        return Some(Entry { path, stamp: None, what: What::Gone });
    }
    if bits & 7 == NO_ROLE {
        let what = What::Opaque(*OPAQUE.get(bits as usize >> 3 & 7)?);
        return Some(Entry { path, stamp: unpack_stamp(bits, bytes, at)?, what });
    }
    let hash = ContentHash::from_bytes(take(bytes, at, 16)?.try_into().ok()?);
    let mut number = || pull(bytes, at);
    let brief = Brief {
        bytes: number(),
        length: number(),
        symbols: number(),
        names: number(),
        errors: number(),
        lines: number(),
        parsed: bits & PARSED != 0,
    };
    let stamp = unpack_stamp(bits, bytes, at)?;
    let role = *ROLES.get(bits as usize & 7)?;
    let degraded = *DEGRADED.get(bits as usize >> 3 & 7)?;
    Some(Entry { path, stamp, what: What::Text { hash, role, degraded, brief } })
}

/// Outside: do the bytes suffice; inside: is there a stamp.
#[allow(clippy::option_option)]
fn unpack_stamp(bits: u8, bytes: &[u8], at: &mut usize) -> Option<Option<Stamp>> {
    if bits & STAMPED == 0 {
        return Some(None);
    }
    let words = take(bytes, at, 32)?;
    let word = |n: usize| words[n * 8..n * 8 + 8].try_into().map(u64::from_le_bytes).unwrap_or_default();
    Some(Some(Stamp(std::array::from_fn(word))))
}

fn take<'b>(bytes: &'b [u8], at: &mut usize, length: usize) -> Option<&'b [u8]> {
    let taken = bytes.get(*at..at.checked_add(length)?)?;
    *at += length;
    Some(taken)
}
