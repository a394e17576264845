//! Contents on disk: facts by content hash, and the inverted lists of their grams. Written once, read for as long as
//! some file has one of the contents, or may have it again after the next change of branch.

use super::frame::{Frame, Kind, framed, sum};
use super::mapped::Bytes;
use crate::facts::{self, Facts, Raw, Vocabulary};
use crate::grams::Grams;
use crate::grams::lists::Lists;
use crate::hash::ContentHash;
use std::path::Path;
use std::sync::OnceLock;
use zstd::dict::DecoderDictionary;

/// Hash, place and length of the record, the beginning of its checksum, the number of the first piece of its text.
const ENTRY: usize = 16 + 4 + 4 + 8 + 4;
const TABLE: usize = 0;
const RECORDS: usize = 1;
const LISTS: usize = 2;
const COMMON: usize = 3;
const VOCABULARY: usize = 4;

/// What the compressed records of a pack have in common.
struct Common(DecoderDictionary<'static>);

impl std::fmt::Debug for Common {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("what records have in common")
    }
}

/// One pack, open.
#[derive(Debug)]
pub(crate) struct Pack {
    /// The name of the file.
    pub(crate) name: String,
    frame: Frame,
    table: Bytes,
    count: usize,
    records: Bytes,
    lists: OnceLock<Option<Lists>>,
    common: OnceLock<Option<Common>>,
}

impl Pack {
    /// Opens a pack; `None` if it is not there or damaged where nothing can be read without it.
    pub(crate) fn open(folder: &Path, name: &str) -> Option<Pack> {
        let frame = Frame::open(&folder.join(name), Kind::Pack)?;
        let table = frame.section(TABLE)?;
        let count = table.len() / (ENTRY + 4);
        let records = frame.unchecked(RECORDS)?;
        Some(Pack {
            name: name.to_owned(),
            table,
            count,
            records,
            lists: OnceLock::new(),
            common: OnceLock::new(),
            frame,
        })
    }

    /// Contents in it.
    pub(crate) fn len(&self) -> usize {
        self.count
    }

    fn entry(&self, number: u32) -> Option<&[u8]> {
        let at = number as usize * ENTRY;
        ((number as usize) < self.count).then(|| self.table.get(at..at + ENTRY))?
    }

    /// The hash of a content.
    pub(crate) fn hash(&self, number: u32) -> Option<ContentHash> {
        Some(ContentHash::from_bytes(self.entry(number)?[..16].try_into().ok()?))
    }

    /// The number of a content.
    pub(crate) fn find(&self, hash: ContentHash) -> Option<u32> {
        let by_hash = &self.table[self.count * ENTRY..];
        let number = |place: usize| {
            let bytes = by_hash.get(place * 4..place * 4 + 4).and_then(|bytes| bytes.try_into().ok());
            u32::from_le_bytes(bytes.unwrap_or_default())
        };
        let (mut low, mut high) = (0, self.count);
        while low < high {
            let middle = (low + high) / 2;
            if self.hash(number(middle))? < hash { low = middle + 1 } else { high = middle }
        }
        let found = number(low);
        (low < self.count && self.hash(found)? == hash).then_some(found)
    }

    /// The record of a content, if it is whole.
    fn record(&self, number: u32) -> Option<&[u8]> {
        let entry = self.entry(number)?;
        let word = |at: usize| Some(u32::from_le_bytes(entry.get(at..at + 4)?.try_into().ok()?) as usize);
        let (start, length) = (word(16)?, word(20)?);
        let record = self.records.get(start..start.checked_add(length)?)?;
        (sum(record)[..8] == entry[24..32]).then_some(record)
    }

    /// The facts of a content as [`Facts::raw`] gave them; `None` if they are damaged.
    pub(crate) fn raw(&self, number: u32) -> Option<Raw> {
        let common = self.common.get_or_init(|| {
            let common = facts::common_from(&self.frame.section(COMMON)?)?;
            Some(Common(DecoderDictionary::copy(&common)))
        });
        let record = facts::decompress(self.record(number)?, &common.as_ref()?.0)?;
        Raw::from_record(record, &self.frame.section(VOCABULARY)?)
    }

    /// The facts of a content; `None` if they are damaged.
    pub(crate) fn facts(&self, number: u32) -> Option<Facts> {
        Facts::from_raw(self.raw(number)?, self.hash(number)?)
    }

    fn first_piece(&self, number: u32) -> Option<u32> {
        Some(u32::from_le_bytes(self.entry(number)?[32..].try_into().ok()?))
    }

    /// The content that a piece belongs to.
    pub(crate) fn of_piece(&self, piece: u32) -> Option<u32> {
        let (mut low, mut high) = (0, self.count as u32);
        while low < high {
            let middle = (low + high) / 2;
            if self.first_piece(middle)? <= piece { low = middle + 1 } else { high = middle }
        }
        low.checked_sub(1)
    }

    /// The pieces of a content, half-open.
    pub(crate) fn pieces(&self, number: u32) -> Option<std::ops::Range<usize>> {
        let start = self.first_piece(number)? as usize;
        let end = self.first_piece(number + 1).map_or(self.lists()?.len(), |end| end as usize);
        (start <= end && end <= self.lists()?.len()).then_some(start..end)
    }

    /// The lists of grams; `None` if they are damaged, and then any content may match.
    pub(crate) fn lists(&self) -> Option<&Lists> {
        self.lists.get_or_init(|| Lists::open(self.frame.section(LISTS)?)).as_ref()
    }

    /// Bytes of the lists of grams.
    pub(crate) fn gram_bytes(&self) -> u64 {
        self.frame.unchecked(LISTS).map_or(0, |lists| lists.len() as u64)
    }
}

/// A pack in the making.
#[derive(Default)]
pub(crate) struct Packing {
    table: Vec<u8>,
    hashes: Vec<(ContentHash, u32)>,
    records: Vec<u8>,
    grams: Vec<Grams>,
    /// What the records have in common, once that is settled.
    common: Option<Vec<u8>>,
    /// The terms that records speak of by number.
    vocabulary: Vocabulary,
    /// Records that are not compressed yet.
    waiting: Vec<Vec<u8>>,
    /// Bytes of them.
    weight: usize,
    /// Of each waiting record the number of the first piece of its text.
    pieces: Vec<u32>,
}

/// Records are compressed whenever so many bytes of them wait.
const WAITING: usize = 16 << 20;

impl Packing {
    /// Adds a content that is not in it yet, with its facts as [`Facts::raw`] gives them.
    pub(crate) fn add(&mut self, hash: ContentHash, raw: Raw, pieces: &[Grams]) {
        self.hashes.push((hash, self.hashes.len() as u32));
        self.pieces.push(self.grams.len() as u32);
        self.grams.extend_from_slice(pieces);
        let record = raw.into_record(&mut self.vocabulary);
        self.weight += record.len();
        self.waiting.push(record);
        if self.weight > WAITING {
            self.compress();
        }
    }

    fn compress(&mut self) {
        let waiting = std::mem::take(&mut self.waiting);
        let common = self.common.get_or_insert_with(|| facts::common(&waiting));
        let records = facts::compress(&waiting, common);
        let hashes = &self.hashes[self.hashes.len() - waiting.len()..];
        for (((hash, _), record), piece) in hashes.iter().zip(records).zip(self.pieces.drain(..)) {
            self.table.extend(hash.to_bytes());
            self.table.extend((self.records.len() as u32).to_le_bytes());
            self.table.extend((record.len() as u32).to_le_bytes());
            self.table.extend(&sum(&record)[..8]);
            self.table.extend(piece.to_le_bytes());
            self.records.extend_from_slice(&record);
        }
        self.weight = 0;
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.grams.is_empty()
    }

    /// The file's bytes.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        self.compress();
        self.hashes.sort_unstable();
        self.table.extend(self.hashes.iter().flat_map(|(_, number)| number.to_le_bytes()));
        let lists = Lists::build(&self.grams.iter().collect::<Vec<_>>());
        let common = facts::common_to(&self.common.unwrap_or_default());
        framed(Kind::Pack, &[&self.table, &self.records, &lists, &common, self.vocabulary.bytes()])
    }
}
