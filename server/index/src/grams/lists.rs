//! The inverted lists: per gram the numbers of the contents that hold it, as differences in Golomb-Rice code, which is
//! close to the least that such lists can take. Grams stand in order in blocks; a small table leads to the block.

use super::{Gram, Grams, Needs};
use crate::packed::{pull, push};
use crate::store::Bytes;
use crate::turn::worked;

/// Grams of a block.
const BLOCK: usize = 64;
const HEAD: usize = 12;
/// So many lists of a conjunction are read at most; the rarest first.
const LISTS: usize = 16;

/// Lists over the contents of one pack.
#[derive(Debug)]
pub(crate) struct Lists {
    bytes: Bytes,
    contents: u32,
    grams: u32,
    blocks: usize,
}

/// The contents that fulfil something, in order.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// Every one may.
    All,
    /// Only these may.
    Only(Vec<u32>),
}

impl Lists {
    /// Lists over contents with these grams, the first with the number 0, as bytes.
    pub(crate) fn build(contents: &[&Grams]) -> Vec<u8> {
        let pairs = sorted_pairs(contents);
        let (mut table, mut body) = (Vec::new(), Vec::new());
        let mut before = 0;
        let mut grams = 0;
        for list in pairs.chunk_by(|one, other| one.0 == other.0) {
            let gram = list[0].0;
            if grams % BLOCK == 0 {
                table.extend(gram.to_le_bytes());
                table.extend((body.len() as u32).to_le_bytes());
                before = gram;
            }
            grams += 1;
            push(&mut body, gram - before);
            before = gram;
            push_list(&mut body, list, contents.len() as u32);
            worked(1 + list.len() as u32 / 16);
        }
        let mut bytes = Vec::with_capacity(HEAD + table.len() + body.len());
        bytes.extend((contents.len() as u32).to_le_bytes());
        bytes.extend((table.len() as u32 / 8).to_le_bytes());
        bytes.extend((grams as u32).to_le_bytes());
        bytes.extend(table);
        bytes.extend(body);
        bytes
    }

    /// The lists in bytes of [`Lists::build`]; `None` if these are none.
    pub(crate) fn open(bytes: Bytes) -> Option<Lists> {
        let number = |at: usize| Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
        let (contents, blocks, grams) = (number(0)?, number(4)? as usize, number(8)?);
        (HEAD + blocks.checked_mul(8)? <= bytes.len()).then_some(())?;
        Some(Lists { contents, grams, blocks, bytes })
    }

    /// Pieces of texts that the lists speak of.
    pub(crate) fn len(&self) -> usize {
        self.contents as usize
    }

    /// The contents that may match.
    pub(crate) fn find(&self, needs: &Needs) -> Found {
        match needs {
            Needs::Nothing => Found::All,
            Needs::Gram(gram) => Found::Only(self.list(*gram)),
            Needs::All(parts) => self.all(parts),
            Needs::Any(parts) => {
                let mut union = Vec::new();
                for part in parts {
                    match self.find(part) {
                        Found::All => return Found::All,
                        Found::Only(found) => union.extend(found),
                    }
                }
                union.sort_unstable();
                union.dedup();
                Found::Only(union)
            }
        }
    }

    fn all(&self, parts: &[Needs]) -> Found {
        let mut grams: Vec<(u32, Gram)> = parts
            .iter()
            .filter_map(
                |part| if let Needs::Gram(gram) = part { Some((self.count(*gram), *gram)) } else { None },
            )
            .collect();
        grams.sort_unstable();
        let mut found = Found::All;
        for (_, gram) in grams.into_iter().take(LISTS) {
            found = both(found, Found::Only(self.list(gram)));
            if matches!(&found, Found::Only(found) if found.is_empty()) {
                return found;
            }
        }
        for part in parts.iter().filter(|part| !matches!(part, Needs::Gram(_))) {
            found = both(found, self.find(part));
        }
        found
    }

    /// The grams of each content, as they were given to [`Lists::build`].
    pub(crate) fn contents(&self) -> Vec<Grams> {
        let mut contents = vec![Vec::new(); self.contents as usize];
        let mut at = HEAD + self.blocks * 8;
        let mut gram = 0;
        for number in 0..self.grams {
            let step = pull(&self.bytes, &mut at);
            if number % BLOCK as u32 == 0 {
                gram = self.number(HEAD + number as usize / BLOCK * 8);
            }
            gram += step;
            for content in self.list_at(pull(&self.bytes, &mut at), &mut at) {
                contents[content as usize].push(gram);
            }
        }
        contents.into_iter().map(|grams| Grams::of_sorted(&grams)).collect()
    }

    fn number(&self, at: usize) -> u32 {
        let bytes = self.bytes.get(at..at + 4).and_then(|bytes| bytes.try_into().ok());
        u32::from_le_bytes(bytes.unwrap_or_default())
    }

    fn count(&self, gram: Gram) -> u32 {
        self.entry(gram).map_or(0, |(count, _)| count)
    }

    /// How many contents hold the gram, and where the rest of its list begins.
    fn entry(&self, gram: Gram) -> Option<(u32, usize)> {
        let number = |at: usize| self.number(HEAD + at);
        let (mut low, mut high) = (0, self.blocks);
        while low < high {
            let middle = (low + high) / 2;
            if number(middle * 8) <= gram { low = middle + 1 } else { high = middle }
        }
        let block = low.checked_sub(1)?;
        let body = HEAD + self.blocks * 8;
        let mut at = body + number(block * 8 + 4) as usize;
        let end = if low < self.blocks { body + number(low * 8 + 4) as usize } else { self.bytes.len() };
        let mut here = number(block * 8);
        while at < end {
            here = here.checked_add(pull(&self.bytes, &mut at))?;
            let count = pull(&self.bytes, &mut at);
            match here.cmp(&gram) {
                std::cmp::Ordering::Equal => return Some((count, at)),
                std::cmp::Ordering::Greater => return None,
                std::cmp::Ordering::Less => {}
            }
            let length = pull(&self.bytes, &mut at) as usize;
            // A lone number stands in place of the length.
            at += if count == 1 { 0 } else { length };
        }
        None
    }

    fn list(&self, gram: Gram) -> Vec<u32> {
        self.entry(gram).map_or_else(Vec::new, |(count, mut at)| self.list_at(count, &mut at))
    }

    /// The list of `count` contents that begins at `at`, which is moved behind it.
    fn list_at(&self, count: u32, at: &mut usize) -> Vec<u32> {
        let first = pull(&self.bytes, at);
        if count == 1 {
            return if first < self.contents { vec![first] } else { Vec::new() };
        }
        let end = at.saturating_add(first as usize);
        let bits = self.bytes.get(*at..end).unwrap_or_default();
        *at = end;
        unrice(bits, count.min(self.contents), self.contents)
    }
}

fn both(one: Found, other: Found) -> Found {
    match (one, other) {
        (Found::All, found) | (found, Found::All) => found,
        (Found::Only(mut one), Found::Only(other)) => {
            let mut rest = &other[..];
            one.retain(|number| {
                rest = &rest[rest.partition_point(|known| known < number)..];
                rest.first() == Some(number)
            });
            Found::Only(one)
        }
    }
}

/// All (gram, content) in order: two rounds of a radix sort over twelve bits each, which keep the contents' order.
fn sorted_pairs(contents: &[&Grams]) -> Vec<(Gram, u32)> {
    let mut pairs: Vec<(Gram, u32)> = Vec::with_capacity(contents.iter().map(|grams| grams.len()).sum());
    for (number, grams) in contents.iter().enumerate() {
        pairs.extend(grams.iter().map(|gram| (gram, number as u32)));
        worked(grams.len() as u32 / 32);
    }
    let mut other = vec![(0, 0); pairs.len()];
    for shift in [0, 12] {
        let digit = |pair: &(Gram, u32)| (pair.0 >> shift) as usize & 0xFFF;
        let mut places = [0_usize; 4096];
        pairs.iter().for_each(|pair| places[digit(pair)] += 1);
        let mut sum = 0;
        for place in &mut places {
            sum += std::mem::replace(place, sum);
        }
        for some in pairs.chunks(4096) {
            for pair in some {
                let place = &mut places[digit(pair)];
                other[*place] = *pair;
                *place += 1;
            }
            worked(200);
        }
        std::mem::swap(&mut pairs, &mut other);
    }
    pairs
}

/// The count, then a lone number as it is, or the length in bytes and the coded differences.
fn push_list(out: &mut Vec<u8>, list: &[(Gram, u32)], contents: u32) {
    push(out, list.len() as u32);
    if let [(_, lone)] = list {
        return push(out, *lone);
    }
    let low = low_bits(list.len() as u32, contents);
    let (mut bytes, mut word, mut used) = (Vec::new(), 0_u64, 0);
    let mut put = |value: u64, width: u32| {
        word |= value << used;
        used += width;
        while used >= 8 {
            bytes.push(word as u8);
            word >>= 8;
            used -= 8;
        }
    };
    let mut next = 0;
    for (_, number) in list {
        let gap = number - next;
        next = number + 1;
        let mut high = gap >> low;
        while high > 31 {
            put(0xFFFF_FFFF, 32);
            high -= 32;
        }
        put((1_u64 << high) - 1, high + 1);
        put(u64::from(gap & ((1_u32 << low) - 1)), low);
    }
    put(0, 7);
    push(out, bytes.len() as u32);
    out.extend(bytes);
}

/// How many low bits of a difference stand as they are; both sides compute it from the counts.
fn low_bits(count: u32, contents: u32) -> u32 {
    // 0.69 of the mean difference is the best divisor of a random list.
    let mean = f64::from(contents - count.min(contents)) / f64::from(count.max(1));
    let wanted = mean * 0.69;
    if wanted < 1.0 { 0 } else { (wanted.log2().round() as u32).min(24) }
}

fn unrice(bytes: &[u8], count: u32, contents: u32) -> Vec<u32> {
    let low = low_bits(count, contents);
    let mut list = Vec::with_capacity(count as usize);
    let (mut at, mut word, mut held) = (0, 0_u64, 0_u32);
    let mut next = 0_u64;
    for _ in 0..count {
        let mut high = 0;
        loop {
            while held <= 56 && at < bytes.len() {
                word |= u64::from(bytes[at]) << held;
                at += 1;
                held += 8;
            }
            let ones = word.trailing_ones().min(held);
            high += u64::from(ones);
            if ones == held {
                if at >= bytes.len() {
                    return list;
                }
                (word, held) = (0, 0);
                continue;
            }
            word = word.checked_shr(ones + 1).unwrap_or_default();
            held -= ones + 1;
            break;
        }
        while held < low && at < bytes.len() {
            word |= u64::from(bytes[at]) << held;
            at += 1;
            held += 8;
        }
        let rest = word & ((1_u64 << low) - 1);
        word >>= low;
        held = held.saturating_sub(low);
        let number = next + (high << low | rest);
        if number >= u64::from(contents) {
            return list;
        }
        list.push(number as u32);
        next = number + 1;
    }
    list
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grams(numbers: &[u32]) -> Grams {
        let text: Vec<u8> = numbers.iter().flat_map(|n| format!("{n:03}\n").into_bytes()).collect();
        Grams::of(&text)
    }

    fn gram(number: u32) -> Gram {
        let text = format!("{number:03}");
        text.bytes().fold(0, |gram, byte| gram << 8 | u32::from(byte))
    }

    #[test]
    fn every_list_comes_back() {
        // Lists of all densities: gram n is held by each content whose number n divides, 0 by all, 999 by one.
        let contents: Vec<Grams> = (0..700_u32)
            .map(|content| {
                let mut held: Vec<u32> = (1..400).filter(|n| content % n == 0).collect();
                held.push(0);
                if content == 333 {
                    held.push(999);
                }
                grams(&held)
            })
            .collect();
        let bytes = Lists::build(&contents.iter().collect::<Vec<_>>());
        let lists = Lists::open(bytes.into()).expect("lists");
        for n in 1..400 {
            let expected: Vec<u32> = (0..700).filter(|content| content % n == 0).collect();
            assert_eq!(lists.find(&Needs::Gram(gram(n))), Found::Only(expected), "{n}");
        }
        assert_eq!(lists.list(gram(0)).len(), 700);
        assert_eq!(lists.list(gram(999)), [333]);
        assert_eq!(lists.list(gram(998)), [0; 0]);
        let two = Needs::All(vec![Needs::Gram(gram(6)), Needs::Gram(gram(35))]);
        assert_eq!(lists.find(&two), Found::Only(vec![0, 210, 420, 630]));
        let one = Needs::Any(vec![Needs::Gram(gram(999)), Needs::Gram(gram(350))]);
        assert_eq!(lists.find(&one), Found::Only(vec![0, 333, 350]));
        for (back, given) in lists.contents().iter().zip(&contents) {
            assert!(back.iter().eq(given.iter()));
        }
    }

    #[test]
    fn far_gaps_come_back() {
        let (none, some) = (Grams::default(), grams(&[7]));
        let contents: Vec<&Grams> =
            (0..5_000).map(|n| if n % 2_499 == 1 || n < 40 { &some } else { &none }).collect();
        let lists = Lists::open(Lists::build(&contents).into()).expect("lists");
        let expected: Vec<u32> = (0..5_000).filter(|n| n % 2_499 == 1 || *n < 40).collect();
        assert_eq!(lists.list(gram(7)), expected);
    }
}
