//! Which elements of two sequences to keep: Myers' algorithm in linear space.
//!
//! Elements that the other side does not have at all are changed without search, which leaves little to search in
//! ordinary edits. Where two texts have almost nothing in common the search is cut off at a fixed cost, so the
//! outcome stays the same on every machine and the time stays bounded.

use std::collections::HashMap;
use std::ops::Range;

/// Two sequences of interned elements and, for each element, whether it is changed.
pub(super) struct Sides<'a> {
    pub(super) old: &'a [u32],
    pub(super) new: &'a [u32],
    pub(super) old_changed: &'a mut [bool],
    pub(super) new_changed: &'a mut [bool],
}

/// Marks what is changed between the two ranges, with as few changes as the cost limit allows.
pub(super) fn compare(sides: &mut Sides<'_>, old: Range<usize>, new: Range<usize>) {
    let size = sides.old.iter().chain(sides.new).map(|id| *id as usize + 1).max().unwrap_or(0);
    let old_kept = keep_known(sides.old, &old, &occurrences(sides.new, &new, size), sides.old_changed);
    let new_kept = keep_known(sides.new, &new, &occurrences(sides.old, &old, size), sides.new_changed);
    let a: Vec<u32> = old_kept.iter().map(|at| sides.old[*at]).collect();
    let b: Vec<u32> = new_kept.iter().map(|at| sides.new[*at]).collect();
    let mut search = Search::new(&a, &b);
    search.run(0..a.len(), 0..b.len());
    for (at, changed) in old_kept.iter().zip(&search.a_changed) {
        sides.old_changed[*at] = *changed;
    }
    for (at, changed) in new_kept.iter().zip(&search.b_changed) {
        sides.new_changed[*at] = *changed;
    }
}

fn occurrences(ids: &[u32], range: &Range<usize>, size: usize) -> Vec<bool> {
    let mut known = vec![false; size];
    for id in &ids[range.clone()] {
        known[*id as usize] = true;
    }
    known
}

/// Positions whose element the other side has too; the others are marked as changed.
fn keep_known(ids: &[u32], range: &Range<usize>, known: &[bool], changed: &mut [bool]) -> Vec<usize> {
    let mut kept = Vec::new();
    for at in range.clone() {
        if known[ids[at] as usize] {
            kept.push(at);
        } else {
            changed[at] = true;
        }
    }
    kept
}

/// As [`compare`], but first pins the elements that are unique in both ranges, in their longest common order.
pub(super) fn by_unique_lines(sides: &mut Sides<'_>, old: Range<usize>, new: Range<usize>) {
    let pins = longest_ascending(&unique_pairs(sides, &old, &new));
    let (mut i, mut j) = (old.start, new.start);
    for (pin_old, pin_new) in pins.into_iter().chain([(old.end, new.end)]) {
        trim_and_compare(sides, i..pin_old, j..pin_new);
        i = pin_old + 1;
        j = pin_new + 1;
    }
}

fn trim_and_compare(sides: &mut Sides<'_>, mut old: Range<usize>, mut new: Range<usize>) {
    while !old.is_empty() && !new.is_empty() && sides.old[old.start] == sides.new[new.start] {
        old.start += 1;
        new.start += 1;
    }
    while !old.is_empty() && !new.is_empty() && sides.old[old.end - 1] == sides.new[new.end - 1] {
        old.end -= 1;
        new.end -= 1;
    }
    if old.is_empty() || new.is_empty() {
        sides.old_changed[old].fill(true);
        sides.new_changed[new].fill(true);
    } else {
        compare_small(sides, old, new);
    }
}

/// [`compare`] without tables as long as the whole vocabulary, for the many small gaps between pins.
fn compare_small(sides: &mut Sides<'_>, old: Range<usize>, new: Range<usize>) {
    let (a, b) = (&sides.old[old.clone()], &sides.new[new.clone()]);
    if a.len() + b.len() > 4096 {
        return compare(sides, old, new);
    }
    let mut search = Search::new(a, b);
    search.run(0..a.len(), 0..b.len());
    sides.old_changed[old].copy_from_slice(&search.a_changed);
    sides.new_changed[new].copy_from_slice(&search.b_changed);
}

fn unique_pairs(sides: &Sides<'_>, old: &Range<usize>, new: &Range<usize>) -> Vec<(usize, usize)> {
    #[derive(Default)]
    struct Seen {
        old: usize,
        new: usize,
        new_at: usize,
    }
    let mut seen: HashMap<u32, Seen> = HashMap::new();
    for at in old.clone() {
        seen.entry(sides.old[at]).or_default().old += 1;
    }
    for at in new.clone() {
        let entry = seen.entry(sides.new[at]).or_default();
        entry.new += 1;
        entry.new_at = at;
    }
    let unique = |at: usize| seen.get(&sides.old[at]).filter(|s| s.old == 1 && s.new == 1);
    old.clone().filter_map(|at| unique(at).map(|s| (at, s.new_at))).collect()
}

/// The longest subsequence, by the first member ascending, whose second members ascend as well.
fn longest_ascending(pairs: &[(usize, usize)]) -> Vec<(usize, usize)> {
    let mut tails: Vec<usize> = Vec::new();
    let mut previous: Vec<Option<usize>> = vec![None; pairs.len()];
    for (at, pair) in pairs.iter().enumerate() {
        let place = tails.partition_point(|tail| pairs[*tail].1 < pair.1);
        previous[at] = place.checked_sub(1).map(|before| tails[before]);
        if place == tails.len() {
            tails.push(at);
        } else {
            tails[place] = at;
        }
    }
    let mut chain = Vec::with_capacity(tails.len());
    let mut next = tails.last().copied();
    while let Some(at) = next {
        chain.push(pairs[at]);
        next = previous[at];
    }
    chain.reverse();
    chain
}

/// Beyond this many differences in one stretch the best split so far is taken.
const LEAST_COST_LIMIT: usize = 256;

struct Search<'a> {
    a: &'a [u32],
    b: &'a [u32],
    a_changed: Vec<bool>,
    b_changed: Vec<bool>,
    /// Furthest x per diagonal, from the front and from the back; diagonals are shifted by `shift`.
    forward: Vec<isize>,
    backward: Vec<isize>,
    shift: isize,
    cost_limit: usize,
}

impl<'a> Search<'a> {
    fn new(a: &'a [u32], b: &'a [u32]) -> Search<'a> {
        let diagonals = a.len() + b.len() + 3;
        Search {
            a,
            b,
            a_changed: vec![false; a.len()],
            b_changed: vec![false; b.len()],
            forward: vec![0; diagonals],
            backward: vec![0; diagonals],
            shift: b.len() as isize + 1,
            cost_limit: diagonals.isqrt().max(LEAST_COST_LIMIT),
        }
    }

    fn run(&mut self, mut a: Range<usize>, mut b: Range<usize>) {
        // A loop for the second half and a call for the first keeps the stack shallow.
        loop {
            while !a.is_empty() && !b.is_empty() && self.a[a.start] == self.b[b.start] {
                a.start += 1;
                b.start += 1;
            }
            while !a.is_empty() && !b.is_empty() && self.a[a.end - 1] == self.b[b.end - 1] {
                a.end -= 1;
                b.end -= 1;
            }
            if a.is_empty() || b.is_empty() {
                self.a_changed[a].fill(true);
                self.b_changed[b].fill(true);
                return;
            }
            let (x, y) = self.split(&a, &b);
            let (first_a, first_b) = (a.start..x, b.start..y);
            let (second_a, second_b) = (x..a.end, y..b.end);
            if first_a.len() + first_b.len() < second_a.len() + second_b.len() {
                self.run(first_a, first_b);
                (a, b) = (second_a, second_b);
            } else {
                self.run(second_a, second_b);
                (a, b) = (first_a, first_b);
            }
        }
    }

    /// A point on a shortest path (or, past the cost limit, on a good one) strictly between the corners.
    fn split(&mut self, a: &Range<usize>, b: &Range<usize>) -> (usize, usize) {
        let (a0, a1) = (a.start as isize, a.end as isize);
        let (b0, b1) = (b.start as isize, b.end as isize);
        let (low, high) = (a0 - b1, a1 - b0);
        let (front, back) = (a0 - b0, a1 - b1);
        let odd = (front - back) & 1 != 0;
        let s = self.shift;
        let (mut front_low, mut front_high) = (front, front);
        let (mut back_low, mut back_high) = (back, back);
        self.forward[(front + s) as usize] = a0;
        self.backward[(back + s) as usize] = a1;
        let mut cost = 0;
        loop {
            cost += 1;
            if front_low > low {
                front_low -= 1;
                self.set(true, front_low - 1, -1);
            } else {
                front_low += 1;
            }
            if front_high < high {
                front_high += 1;
                self.set(true, front_high + 1, -1);
            } else {
                front_high -= 1;
            }
            let mut d = front_high;
            while d >= front_low {
                let (left, right) = (self.forward[(d - 1 + s) as usize], self.forward[(d + 1 + s) as usize]);
                let mut x = if left >= right { left + 1 } else { right };
                let mut y = x - d;
                while x < a1 && y < b1 && self.a[x as usize] == self.b[y as usize] {
                    x += 1;
                    y += 1;
                }
                self.forward[(d + s) as usize] = x;
                if odd && back_low <= d && d <= back_high && self.backward[(d + s) as usize] <= x {
                    return (x as usize, y as usize);
                }
                d -= 2;
            }
            if back_low > low {
                back_low -= 1;
                self.set(false, back_low - 1, isize::MAX);
            } else {
                back_low += 1;
            }
            if back_high < high {
                back_high += 1;
                self.set(false, back_high + 1, isize::MAX);
            } else {
                back_high -= 1;
            }
            let mut d = back_high;
            while d >= back_low {
                let (left, right) =
                    (self.backward[(d - 1 + s) as usize], self.backward[(d + 1 + s) as usize]);
                let mut x = if left < right { left } else { right - 1 };
                let mut y = x - d;
                while x > a0 && y > b0 && self.a[(x - 1) as usize] == self.b[(y - 1) as usize] {
                    x -= 1;
                    y -= 1;
                }
                self.backward[(d + s) as usize] = x;
                if !odd && front_low <= d && d <= front_high && x <= self.forward[(d + s) as usize] {
                    return (x as usize, y as usize);
                }
                d -= 2;
            }
            if cost >= self.cost_limit {
                return self.best_so_far((front_low, front_high), (back_low, back_high), a, b);
            }
        }
    }

    fn set(&mut self, forward: bool, diagonal: isize, x: isize) {
        let side = if forward { &mut self.forward } else { &mut self.backward };
        if let Some(slot) = side.get_mut((diagonal + self.shift) as usize) {
            *slot = x;
        }
    }

    /// The end of the path that got furthest from its corner.
    fn best_so_far(
        &self,
        front: (isize, isize),
        back: (isize, isize),
        a: &Range<usize>,
        b: &Range<usize>,
    ) -> (usize, usize) {
        let (a0, a1) = (a.start as isize, a.end as isize);
        let (b0, b1) = (b.start as isize, b.end as isize);
        let mut best = (a0, b0);
        let mut gained = -1;
        for d in (front.0..=front.1).rev().step_by(2) {
            let x = self.forward[(d + self.shift) as usize].min(a1);
            let (x, y) = if x - d > b1 { (b1 + d, b1) } else { (x, x - d) };
            if x + y - a0 - b0 > gained {
                (gained, best) = (x + y - a0 - b0, (x, y));
            }
        }
        for d in (back.0..=back.1).rev().step_by(2) {
            let x = self.backward[(d + self.shift) as usize].max(a0);
            let (x, y) = if x - d < b0 { (b0 + d, b0) } else { (x, x - d) };
            if a1 + b1 - x - y > gained {
                (gained, best) = (a1 + b1 - x - y, (x, y));
            }
        }
        (best.0 as usize, best.1 as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(old: &[u32], new: &[u32]) -> usize {
        let (mut old_changed, mut new_changed) = (vec![false; old.len()], vec![false; new.len()]);
        let mut sides = Sides { old, new, old_changed: &mut old_changed, new_changed: &mut new_changed };
        compare(&mut sides, 0..old.len(), 0..new.len());
        let kept = |ids: &[u32], changed: &[bool]| -> Vec<u32> {
            ids.iter().zip(changed).filter(|(_, c)| !**c).map(|(id, _)| *id).collect()
        };
        assert_eq!(kept(old, &old_changed), kept(new, &new_changed));
        old_changed.iter().chain(&new_changed).filter(|c| **c).count()
    }

    #[test]
    fn changes_as_little_as_possible() {
        assert_eq!(changed(&[1, 2, 3, 1, 2, 2, 1], &[3, 2, 1, 2, 1, 3]), 5);
        assert_eq!(changed(&[1, 2, 3], &[1, 2, 3]), 0);
        assert_eq!(changed(&[], &[1]), 1);
        assert_eq!(changed(&[1, 2], &[2, 1]), 2);
    }

    #[test]
    fn two_long_unlike_sequences_end_soon() {
        let mut seed = 7u32;
        let mut next = || {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 16) % 97
        };
        let old: Vec<u32> = (0..20_000).map(|_| next()).collect();
        let new: Vec<u32> = (0..20_000).map(|_| next()).collect();
        assert!(changed(&old, &new) > 0);
    }
}
