//! A little of every name of a table, as columns of bits: which letters it holds, which twice, which begin its words,
//! which follow one another inside of a word and which across the beginning of one. From these comes, for sixty-four names at once, a
//! bound of the score of [`crate::fuzzy::score`] that is never too low, so that a search looks closely only at names
//! which can still be among the best.

use crate::fuzzy::{BOUNDARY, EXACT, FIRST, GAP, LONGEST, MATCH, RUN, SAME_CASE, bonus};
use std::collections::BinaryHeap;

/// Letters (case ignored), digits, the underscore, everything else.
const CLASSES: usize = 38;
/// Columns for two letters in a row, the second inside of a word.
const INNER: usize = 256;
/// Columns for two letters in a row, the second at the beginning of a word.
const ACROSS: usize = 64;
/// The beginnings of the kinds of columns.
const HEADS: usize = CLASSES;
const TWICE: usize = 2 * CLASSES;
const FIRST_INNER: usize = 3 * CLASSES;
const FIRST_ACROSS: usize = FIRST_INNER + INNER;
const ALL: usize = FIRST_ACROSS + ACROSS;
/// Names of a block: the bits of a word.
const BLOCK: usize = 64;
/// So many letters of a question but the first are looked at; the others may be worth their most.
const STEPS: usize = 63;
/// What two letters in a row are worth more than the second at the beginning of a word, apart from the first.
const RUN_MORE: i32 = RUN - GAP - BOUNDARY;
const _: () = assert!(RUN_MORE >= 0 && GAP < 0 && STEPS < 1 << PLANES);

fn class(byte: u8) -> usize {
    match byte.to_ascii_lowercase() {
        letter @ b'a'..=b'z' => usize::from(letter - b'a'),
        digit @ b'0'..=b'9' => 26 + usize::from(digit - b'0'),
        b'_' => 37,
        _ => 36,
    }
}

/// A number below 256 for two letters in a row, case ignored.
fn pair(one: u8, other: u8) -> usize {
    let (one, other) = (u32::from(one.to_ascii_lowercase()), u32::from(other.to_ascii_lowercase()));
    ((one << 8 | other).wrapping_mul(0x9E37_79B1) >> 24) as usize
}

fn inner(one: u8, other: u8) -> usize {
    FIRST_INNER + pair(one, other)
}

/// Where a sign stands before a word, as in most names, the word's first letter says enough: columns that nearly all
/// names share would be of no use to other pairs.
fn across(one: u8, other: u8) -> usize {
    if one.is_ascii_alphanumeric() { FIRST_ACROSS + pair(one, other) / 4 } else { HEADS + class(other) }
}

/// The columns of a table of names. Names of one first letter, length and worth stand together, so that a bound for a
/// block is not far from that of its names.
#[derive(Debug, Default)]
pub(crate) struct Columns {
    /// One column after the other, each a word per block.
    bits: Vec<u64>,
    blocks: Vec<Block>,
    /// The numbers of the names in the order of the columns.
    numbers: Vec<u32>,
    /// In that order: length in bytes, at most [`LONGEST`]; the class of the first byte; what it is worth at most.
    names: Vec<(u8, u8, i8)>,
}

/// What holds for all names of a block.
#[derive(Debug, Clone, Copy)]
struct Block {
    /// The classes of first bytes.
    firsts: u64,
    shortest: u8,
    top: i8,
}

impl Columns {
    /// The columns of names, each given with the most that one of its places is worth.
    pub(crate) fn new<'n>(names: &[(&'n [u8], i8)]) -> Columns {
        let of = |&(name, top): &(&'n [u8], i8)| {
            let first = name.first().map_or(CLASSES - 1, |first| class(*first));
            (name.len().min(LONGEST) as u8, first as u8, top)
        };
        let mut numbers: Vec<u32> = (0..names.len() as u32).collect();
        numbers.sort_by_cached_key(|number| {
            let (length, first, top) = of(&names[*number as usize]);
            (first, length, std::cmp::Reverse(top))
        });
        let blocks = names.len().div_ceil(BLOCK);
        let mut columns = Columns {
            bits: vec![0; blocks * ALL],
            blocks: Vec::with_capacity(blocks),
            names: numbers.iter().map(|number| of(&names[*number as usize])).collect(),
            numbers,
        };
        let mut here = [0_u64; ALL];
        for (place, numbers) in columns.numbers.chunks(BLOCK).enumerate() {
            let mut block = Block { firsts: 0, shortest: u8::MAX, top: i8::MIN };
            for (bit, number) in numbers.iter().enumerate() {
                let (name, _) = &names[*number as usize];
                mark(&name[..name.len().min(LONGEST)], |column| here[column] |= 1 << bit);
                let (length, first, top) = columns.names[place * BLOCK + bit];
                block.firsts |= 1 << first;
                block.shortest = block.shortest.min(length);
                block.top = block.top.max(top);
            }
            columns.blocks.push(block);
            for (column, bits) in here.iter_mut().enumerate() {
                columns.bits[column * blocks + place] = std::mem::take(bits);
            }
        }
        columns
    }

    fn column(&self, number: usize) -> &[u64] {
        &self.bits[number * self.blocks.len()..][..self.blocks.len()]
    }

    /// Calls `each` with the number of every name that may match with at least `enough` points, the worth of its place
    /// included. The most promising blocks come first, so that what is enough rises soon.
    pub(crate) fn search(&self, letters: &[u8], enough: impl Fn() -> i32, mut each: impl FnMut(usize)) {
        if letters.is_empty() || letters.len() > LONGEST {
            return;
        }
        let asked = Asked::new(self, letters);
        let blocks =
            (0..self.blocks.len()).filter_map(|block| Some((asked.weigh(block)?.most, block as u32)));
        let mut blocks: BinaryHeap<(i32, u32)> = blocks.collect();
        while let Some((most, block)) = blocks.pop() {
            if most < enough() {
                return;
            }
            let Some(weighed) = asked.weigh(block as usize) else { continue };
            let mut left = weighed.at_least(enough());
            while left != 0 {
                let bit = left.trailing_zeros();
                left &= left - 1;
                let place = block as usize * BLOCK + bit as usize;
                if asked.bound(&weighed, place).is_some_and(|bound| bound >= enough()) {
                    each(self.numbers[place] as usize);
                }
            }
        }
    }

    /// Bytes of memory.
    pub(crate) fn weight(&self) -> usize {
        8 * self.bits.len() + size_of::<Block>() * self.blocks.len() + 7 * self.names.len()
    }
}

/// Calls `set` with the number of every column in which a name has a bit.
fn mark(name: &[u8], mut set: impl FnMut(usize)) {
    let mut seen = 0_u64;
    for (at, &letter) in name.iter().enumerate() {
        let begins = bonus(name, at) > 0;
        let letter_bit = 1 << class(letter);
        set(if seen & letter_bit == 0 { class(letter) } else { TWICE + class(letter) });
        seen |= letter_bit;
        if begins {
            set(HEADS + class(letter));
        }
        if let Some(before) = at.checked_sub(1).map(|before| name[before]) {
            set(if begins { across(before, letter) } else { inner(before, letter) });
        }
    }
}

/// A question to columns.
struct Asked<'c> {
    columns: &'c Columns,
    length: usize,
    first: usize,
    /// The columns of all its letters, and of those that it has twice.
    letters: Vec<&'c [u64]>,
    /// Where the first letter begins words.
    head: &'c [u64],
    /// Per further letter: it begins words, follows the letter before inside of a word, across a beginning.
    steps: Vec<[&'c [u64]; 3]>,
    /// What a match is worth at least, before its length counts.
    base: i32,
}

/// What is known of the names of a block: who may match, and for how many letters beside the first it may be that they
/// begin a word or follow the letter before, that they follow it, that they do both at once.
struct Weighed {
    candidates: u64,
    counts: [Planes; 3],
    /// No name of the block has more points.
    most: i32,
    /// `most` without what the counts say.
    rest: i32,
}

impl<'c> Asked<'c> {
    /// `letters` are at least one and at most [`LONGEST`].
    fn new(columns: &'c Columns, letters: &[u8]) -> Asked<'c> {
        let mut classes: Vec<usize> = letters.iter().map(|letter| class(*letter)).collect();
        let first = classes[0];
        let steps = letters.windows(2).take(STEPS).map(|two| {
            [HEADS + class(two[1]), inner(two[0], two[1]), across(two[0], two[1])].map(|n| columns.column(n))
        });
        let steps: Vec<_> = steps.collect();
        classes.sort_unstable();
        let has = |classes: &[usize]| if classes.len() > 1 { TWICE + classes[0] } else { classes[0] };
        let letters_of = classes.chunk_by(usize::eq).map(|same| columns.column(has(same))).collect();
        let further = letters.len() as i32 - 1;
        let unseen = further - steps.len() as i32;
        let base = (MATCH + SAME_CASE) * (further + 1) + GAP * further - 1 + unseen * (RUN + BOUNDARY - GAP);
        let head = columns.column(HEADS + first);
        Asked { columns, length: letters.len(), first, letters: letters_of, head, steps, base }
    }

    /// `None` if no name of the block matches.
    fn weigh(&self, number: usize) -> Option<Weighed> {
        let mut candidates = u64::MAX;
        for column in &self.letters {
            candidates &= column[number];
            if candidates == 0 {
                return None;
            }
        }
        let mut counts = [Planes::default(); 3];
        for [head, inner, across] in &self.steps {
            let (head, inner, across) = (head[number], inner[number], across[number]);
            counts[0].add(candidates & (head | inner | across));
            counts[1].add(candidates & (inner | across));
            counts[2].add(candidates & across);
        }
        let block = self.columns.blocks[number];
        let begins = block.firsts >> self.first & 1 == 1;
        let [_, runs, _] = &counts;
        let may_be_exact = begins
            && usize::from(block.shortest) <= self.length
            && runs.most(candidates) as usize == self.steps.len();
        let longer = usize::from(block.shortest).saturating_sub(self.length) as i32;
        let rest = self.base + self.opening(begins, candidates & self.head[number] != 0) - longer / 2
            + if may_be_exact { EXACT } else { 0 }
            + i32::from(block.top);
        let most = rest + worth(counts.each_ref().map(|planes| planes.most(candidates)));
        Some(Weighed { candidates, counts, most, rest })
    }

    /// What the first letter may add.
    fn opening(&self, begins: bool, heads: bool) -> i32 {
        match (begins, heads) {
            (true, _) => BOUNDARY + FIRST + 1,
            (false, true) => BOUNDARY,
            (false, false) => 0,
        }
    }

    /// A number that the score of the name at this place with its worth cannot exceed; `None` if it is too short.
    fn bound(&self, weighed: &Weighed, place: usize) -> Option<i32> {
        let (length, first, top) = self.columns.names[place];
        let longer = usize::from(length).checked_sub(self.length)?;
        let (block, bit) = (place / BLOCK, (place % BLOCK) as u32);
        let begins = usize::from(first) == self.first;
        let counts = weighed.counts.each_ref().map(|planes| planes.of(bit));
        let is_exact = longer == 0 && begins && counts[1] as usize == self.steps.len();
        let points = self.base
            + self.opening(begins, self.head[block] >> bit & 1 == 1)
            + worth(counts)
            + if is_exact { EXACT } else { 0 };
        Some(points - longer as i32 / 2 + i32::from(top))
    }
}

/// What letters beside the first add, by their counts.
fn worth([any, runs, across]: [i32; 3]) -> i32 {
    BOUNDARY * any + RUN_MORE * runs + BOUNDARY * across
}

impl Weighed {
    /// The candidates that may have so many points.
    fn at_least(&self, enough: i32) -> u64 {
        let missing = enough.saturating_sub(self.rest);
        if missing <= 0 {
            return self.candidates;
        }
        let [any, _, across] = &self.counts;
        let mut found = 0;
        for both in 0..=across.most(self.candidates) {
            // Every one that begins a word may also be one that follows.
            let needed = (missing - BOUNDARY * both).max(0) as u32;
            found |= across.equal(both) & any.at_least(needed.div_ceil((BOUNDARY + RUN_MORE) as u32));
        }
        found & self.candidates
    }
}

const PLANES: usize = 6;

/// Sixty-four small numbers, the lowest bits of all in the first word.
#[derive(Debug, Clone, Copy, Default)]
struct Planes([u64; PLANES]);

impl Planes {
    /// Adds one to each number whose bit is set.
    fn add(&mut self, mut bits: u64) {
        for plane in &mut self.0 {
            if bits == 0 {
                return;
            }
            (*plane, bits) = (*plane ^ bits, *plane & bits);
        }
    }

    /// The largest number of those whose bit is set; 0 for none.
    fn most(&self, mut among: u64) -> i32 {
        let mut most = 0;
        for (number, plane) in self.0.iter().enumerate().rev() {
            if among & plane != 0 {
                among &= plane;
                most |= 1 << number;
            }
        }
        most
    }

    fn of(&self, bit: u32) -> i32 {
        self.0.iter().rev().fold(0, |sum, plane| sum << 1 | (plane >> bit & 1) as i32)
    }

    /// Which of the numbers are not below this one.
    fn at_least(&self, number: u32) -> u64 {
        if number >> PLANES > 0 {
            return 0;
        }
        let (mut above, mut same) = (0, u64::MAX);
        for (n, plane) in self.0.iter().enumerate().rev() {
            if number >> n & 1 == 0 {
                above |= same & plane;
                same &= !plane;
            } else {
                same &= plane;
            }
        }
        above | same
    }

    /// Which of the numbers are this one.
    fn equal(&self, number: i32) -> u64 {
        let same = |(n, plane): (usize, &u64)| if number >> n & 1 == 1 { *plane } else { !plane };
        self.0.iter().enumerate().map(same).fold(u64::MAX, |all, one| all & one)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fuzzy::score;
    use proptest::prelude::*;
    use proptest::test_runner::RngSeed;

    #[test]
    fn planes_count() {
        let mut planes = Planes::default();
        (0..63).for_each(|round| planes.add(if round < 5 { 0b11 } else { 0b10 }));
        assert_eq!((planes.of(0), planes.of(1), planes.of(2)), (5, 63, 0));
        assert_eq!((planes.most(0b111), planes.most(0b101), planes.most(0)), (63, 5, 0));
        assert_eq!((planes.equal(5), planes.equal(63), planes.equal(0)), (0b1, 0b10, !0b11));
        let at_least = [0, 1, 5, 6, 63, 64].map(|number| planes.at_least(number));
        assert_eq!(at_least, [u64::MAX, 0b11, 0b11, 0b10, 0b10, 0]);
    }

    #[test]
    fn a_table_without_names_answers() {
        Columns::new(&[]).search(b"a", || 0, |_| panic!("a name out of nothing"));
    }

    proptest! {
        #![proptest_config(ProptestConfig { rng_seed: RngSeed::Fixed(11), cases: 600, ..ProptestConfig::default() })]

        /// Every name that matches is called, whatever is enough, as long as it has as much; its bound and its block's
        /// are not below its points.
        #[test]
        fn no_name_is_left_out(
            names in prop::collection::vec("([abAB_12.éX]{0,3}(ab|Ba|a_b)?){0,4}|[ab]{100,140}", 1..150),
            query in "[abAB_1é]{1,6}|(ab|b_a){1,3}|[ab]{60,130}",
            enough in -40..200_i32,
        ) {
            let top = |number: usize| (number * 7 % 26) as i8 - 22;
            let with_tops: Vec<_> = names.iter().enumerate().map(|(n, name)| (name.as_bytes(), top(n))).collect();
            let columns = Columns::new(&with_tops);
            let mut called = Vec::new();
            columns.search(query.as_bytes(), || enough, |number| called.push(number));
            called.sort_unstable();
            prop_assert!(called.is_sorted_by(|one, other| one < other));
            for (number, name) in names.iter().enumerate() {
                let Some(points) = score(query.as_bytes(), name.as_bytes()) else { continue };
                let points = points + i32::from(top(number));
                let asked = Asked::new(&columns, query.as_bytes());
                let place = columns.numbers.iter().position(|known| *known as usize == number).expect("a place");
                let weighed = asked.weigh(place / BLOCK).expect("a block with a match");
                prop_assert!(asked.bound(&weighed, place) >= Some(points), "{} {} {}", query, name, points);
                prop_assert!(weighed.most >= points, "{} {} {}", query, name, points);
                if points >= enough {
                    prop_assert!(called.binary_search(&number).is_ok(), "{} {} {}", query, name, points);
                }
            }
        }
    }
}
