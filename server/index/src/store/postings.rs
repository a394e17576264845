//! Keys with the numbers of the files that hold them, and a small mark for each, packed: in memory where a segment is
//! young, in the base's file where it is old.

use super::mapped::Bytes;
use crate::packed::{pull, push};
use crate::turn::worked;

/// So many are sorted at a stroke.
const STROKE: usize = 1 << 14;
/// Leading bits of a key by which more are parted before they are sorted; keys are hashes, so the parts are alike.
const PARTED: u32 = 12;

/// Keys of a block.
const BLOCK: usize = 32;

/// A file that holds a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Posting {
    pub(crate) key: u32,
    pub(crate) file: u32,
    /// What is to be known of the key in this file; [`Posting::PLAIN`] costs no room.
    pub(crate) mark: u8,
}

impl Posting {
    pub(crate) const PLAIN: u8 = 0;
}

/// Sorts as one would, but lets others have their turn meanwhile: parts that begin alike, each moved to its place by
/// exchanges ("American flag" sort, McIlroy, Bostic and McIlroy 1993), then sorted.
fn sort(postings: &mut [Posting]) {
    if postings.len() <= STROKE {
        return postings.sort_unstable();
    }
    let part = |posting: &Posting| (posting.key >> (u32::BITS - PARTED)) as usize;
    let mut ends = vec![0_usize; 1 << PARTED];
    postings.iter().for_each(|posting| ends[part(posting)] += 1);
    let (mut next, mut start) = (Vec::with_capacity(ends.len()), 0);
    for end in &mut ends {
        next.push(start);
        start += *end;
        *end = start;
    }
    for number in 0..ends.len() {
        let mut moved = 0;
        while next[number] < ends[number] {
            let belongs = part(&postings[next[number]]);
            postings.swap(next[number], next[belongs]);
            next[belongs] += 1;
            moved += 1;
        }
        worked(moved / 8);
    }
    let mut rest = postings;
    let mut start = 0;
    for end in ends {
        let (part, behind) = rest.split_at_mut(end - start);
        part.sort_unstable();
        worked(part.len() as u32 / 4);
        (rest, start) = (behind, end);
    }
}

/// Postings that can be asked.
#[derive(Debug, Default)]
pub(crate) struct Postings {
    bytes: Bytes,
    blocks: usize,
}

impl Postings {
    /// Packs postings. A key that a file holds twice must have one mark there.
    pub(crate) fn build(mut postings: Vec<Posting>) -> Vec<u8> {
        sort(&mut postings);
        postings.dedup();
        let (mut table, mut body) = (Vec::new(), Vec::new());
        let mut before = 0;
        for (place, list) in postings.chunk_by(|one, other| one.key == other.key).enumerate() {
            let key = list[0].key;
            if place % BLOCK == 0 {
                table.extend(key.to_le_bytes());
                table.extend((body.len() as u32).to_le_bytes());
                before = key;
            }
            push(&mut body, key - before);
            before = key;
            push_list(&mut body, list);
            worked(1);
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

    /// The files of a key, in order, each with its mark.
    pub(crate) fn files(&self, key: u32) -> Vec<(u32, u8)> {
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
            let list = self.list(&mut at, count);
            if here == key {
                return list.collect();
            }
            list.for_each(drop);
        }
        Vec::new()
    }

    /// The next `count` files of a list.
    fn list<'p>(&'p self, at: &'p mut usize, count: usize) -> impl Iterator<Item = (u32, u8)> + 'p {
        let mut file = 0_u32;
        (0..count).map(move |_| {
            let step = pull(&self.bytes, at);
            file = file.saturating_add(step >> 1);
            let mark = if step & 1 == 0 { 0 } else { pull_byte(&self.bytes, at) };
            (file, mark)
        })
    }

    /// Bytes of memory that are not the kernel's to take back.
    pub(crate) fn held(&self) -> usize {
        if self.bytes.is_mapped() { 0 } else { self.bytes.len() }
    }
}

/// The files of one key: each the step from the one before, doubled, and one more if a mark follows.
fn push_list(body: &mut Vec<u8>, list: &[Posting]) {
    push(body, list.len() as u32);
    let mut last = 0;
    for posting in list {
        let step = (posting.file - last) << 1;
        last = posting.file;
        if posting.mark == Posting::PLAIN {
            push(body, step);
        } else {
            push(body, step | 1);
            body.push(posting.mark);
        }
    }
}

fn pull_byte(bytes: &[u8], at: &mut usize) -> u8 {
    let byte = bytes.get(*at).copied().unwrap_or_default();
    *at += 1;
    byte
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_finds_its_files() {
        let mut postings = Vec::new();
        for key in 0..1_000_u64 {
            let (key, count) = ((key * 4_000_037 % (1 << 32)) as u32, key % 7);
            postings.extend((0..count as u32).map(|n| Posting { key, file: n * 100, mark: (n % 3) as u8 }));
        }
        let expected = |key: u32| -> Vec<(u32, u8)> {
            let mut files: Vec<_> =
                postings.iter().filter(|posting| posting.key == key).map(|p| (p.file, p.mark)).collect();
            files.sort_unstable();
            files
        };
        let built = Postings::open(Postings::build(postings.clone()).into()).expect("postings");
        for key in 0..1_000_u64 {
            let key = (key * 4_000_037 % (1 << 32)) as u32;
            assert_eq!(built.files(key), expected(key), "{key}");
            assert_eq!(built.files(key ^ 1), expected(key ^ 1), "{key}");
        }
    }

    #[test]
    fn many_are_in_order() {
        for spread in [0, 1, 4_000_037, u32::MAX / 3] {
            let posting = |n: u32| Posting { key: n.wrapping_mul(spread), file: n % 97, mark: (n % 5) as u8 };
            let mut postings: Vec<Posting> = (0..3 * STROKE as u32).rev().map(posting).collect();
            let mut expected = postings.clone();
            expected.sort_unstable();
            sort(&mut postings);
            assert!(postings == expected, "{spread}");
        }
    }
}
