//! Records of a pack, compressed one by one, each beginning with what the records have in common: most files are short,
//! and name what their neighbours name.

use crate::turn::{pass, worked};
use std::cell::RefCell;
use zstd::dict::{DecoderDictionary, EncoderDictionary};
use zstd::zstd_safe::DCtx;

/// Longest record, unpacked, that is believed.
const LIMIT: usize = 1 << 30;
/// The next one would save about 1 % of the records' bytes, for twice the work.
const LEVEL: i32 = 3;
/// What the records of a pack have in common is at most so many bytes long, ...
const COMMON: usize = 256 << 10;
/// ... and each record gives it at most so many.
const SHARE: usize = 2 << 10;
/// Fewer records have nothing in common that would be worth its room.
const FEW: usize = 64;

/// What the compression of a pack's records begins with: their ends, which are names.
pub(crate) fn common(records: &[Vec<u8>]) -> Vec<u8> {
    if records.len() < FEW {
        return Vec::new();
    }
    let step = records.len().div_ceil(COMMON / SHARE);
    let mut common = Vec::with_capacity(COMMON);
    for record in records.iter().step_by(step) {
        common.extend_from_slice(&record[record.len().saturating_sub(SHARE)..]);
    }
    common
}

/// What records have in common, itself compressed.
pub(crate) fn common_to(common: &[u8]) -> Vec<u8> {
    compress(&[common.to_vec()], &[]).concat()
}

/// Back from [`common_to`]; `None` if these bytes are none.
pub(crate) fn common_from(bytes: &[u8]) -> Option<Vec<u8>> {
    decompress(bytes, &DecoderDictionary::copy(&[]))
}

/// Compresses records that have this in common; it may be empty.
pub(crate) fn compress(raws: &[Vec<u8>], common: &[u8]) -> Vec<Vec<u8>> {
    let dictionary = EncoderDictionary::copy(common, LEVEL);
    let compressor = zstd::bulk::Compressor::with_prepared_dictionary(&dictionary);
    let Ok(mut compressor) = compressor else { return vec![Vec::new(); raws.len()] };
    let mut one = |raw: &Vec<u8>| {
        let mut bytes = (raw.len() as u32).to_le_bytes().to_vec();
        bytes.extend(compressor.compress(raw).unwrap_or_default());
        worked(8 * pass(raw.len()));
        bytes
    };
    raws.iter().map(&mut one).collect()
}

/// A record back from [`compress`]; `None` if these bytes are none.
pub(crate) fn decompress(bytes: &[u8], common: &DecoderDictionary) -> Option<Vec<u8>> {
    thread_local! {
        // Making one takes longer than most records do.
        static CONTEXT: RefCell<Option<DCtx<'static>>> = const { RefCell::new(None) };
    }
    let (length, packed) = bytes.split_first_chunk::<4>()?;
    let length = u32::from_le_bytes(*length) as usize;
    if length > LIMIT {
        return None;
    }
    let mut raw = Vec::with_capacity(length);
    CONTEXT.with_borrow_mut(|context| {
        let context = context.get_or_insert_with(DCtx::create);
        context.decompress_using_ddict(&mut raw, packed, common.as_ddict()).ok()
    })?;
    (raw.len() == length).then_some(raw)
}
