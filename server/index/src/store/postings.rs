//! Keys with the numbers of the files that hold them, packed: in memory where a segment is young, in the base's file
//! where it is old.

use super::mapped::Bytes;
use crate::packed::{pull, push};

/// Keys of a block.
const BLOCK: usize = 32;

/// Postings that can be asked.
#[derive(Debug, Default)]
pub(crate) struct Postings {
    bytes: Bytes,
    blocks: usize,
}

impl Postings {
    /// Packs postings: the key in the upper half, the file in the lower.
    pub(crate) fn build(mut postings: Vec<u64>) -> Vec<u8> {
        postings.sort_unstable();
        postings.dedup();
        let (mut table, mut body) = (Vec::new(), Vec::new());
        let mut before = 0;
        for (place, list) in postings.chunk_by(|one, other| one >> 32 == other >> 32).enumerate() {
            let key = (list[0] >> 32) as u32;
            if place % BLOCK == 0 {
                table.extend(key.to_le_bytes());
                table.extend((body.len() as u32).to_le_bytes());
                before = key;
            }
            push(&mut body, key - before);
            before = key;
            push(&mut body, list.len() as u32);
            let mut last = 0;
            for posting in list {
                let file = *posting as u32;
                push(&mut body, file - last);
                last = file;
            }
        }
        let mut bytes = (table.len() as u32 / 8).to_le_bytes().to_vec();
        bytes.extend(table);
        bytes.extend(body);
        bytes
    }

    /// Postings in bytes of [`Postings::build`]; `None` if these are none.
    pub(crate) fn open(bytes: Bytes) -> Option<Postings> {
        let blocks = u32::from_le_bytes(bytes.get(..4)?.try_into().ok()?) as usize;
        (4 + blocks.checked_mul(8)? <= bytes.len()).then_some(Postings { bytes, blocks })
    }

    /// The files of a key, in order.
    pub(crate) fn files(&self, key: u32) -> Vec<u32> {
        let number = |at: usize| {
            let bytes = self.bytes.get(4 + at..8 + at).and_then(|bytes| bytes.try_into().ok());
            u32::from_le_bytes(bytes.unwrap_or_default())
        };
        let (mut low, mut high) = (0, self.blocks);
        while low < high {
            let middle = (low + high) / 2;
            if number(middle * 8) <= key { low = middle + 1 } else { high = middle }
        }
        let Some(block) = low.checked_sub(1) else { return Vec::new() };
        let mut at = 4 + self.blocks * 8 + number(block * 8 + 4) as usize;
        let mut here = number(block * 8);
        for _ in 0..BLOCK {
            if at >= self.bytes.len() {
                break;
            }
            here = here.saturating_add(pull(&self.bytes, &mut at));
            let count = pull(&self.bytes, &mut at) as usize;
            let count = count.min(self.bytes.len() - at.min(self.bytes.len()));
            if here > key {
                break;
            }
            let mut file = 0_u32;
            if here == key {
                return (0..count)
                    .map(|_| {
                        file = file.saturating_add(pull(&self.bytes, &mut at));
                        file
                    })
                    .collect();
            }
            for _ in 0..count {
                pull(&self.bytes, &mut at);
            }
        }
        Vec::new()
    }

    /// Bytes of memory that are not the kernel's to take back.
    pub(crate) fn held(&self) -> usize {
        if self.bytes.is_mapped() { 0 } else { self.bytes.len() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_finds_its_files() {
        let mut postings = Vec::new();
        for key in 0..1_000_u64 {
            let key = key * 4_000_037 % (1 << 32);
            postings.extend((0..key % 7).map(|file| key << 32 | (file * 100)));
        }
        let expected = |key: u32| -> Vec<u32> {
            let mut files: Vec<u32> =
                postings.iter().filter(|posting| (*posting >> 32) as u32 == key).map(|p| *p as u32).collect();
            files.sort_unstable();
            files.dedup();
            files
        };
        let built = Postings::open(Postings::build(postings.clone()).into()).expect("postings");
        for key in 0..1_000_u64 {
            let key = (key * 4_000_037 % (1 << 32)) as u32;
            assert_eq!(built.files(key), expected(key), "{key}");
            assert_eq!(built.files(key ^ 1), expected(key ^ 1), "{key}");
        }
    }
}
