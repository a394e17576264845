//! Sliding a run of changed lines to where a person would put it.
//!
//! A run whose first line equals the line after it can move down by one without changing what the diff does, and
//! likewise up. Runs are merged with the ones they meet, moved as far down as they go, and moved back to stand
//! beside a change of the other side where there is one: git does the same, and where two people changed the same
//! spot this decides whether their changes meet.

use std::ops::Range;

/// Moves the runs of `changed`; `other` are the changes of the other side, which stay.
pub(super) fn compact(ids: &[u32], changed: &mut [bool], other: &[bool]) {
    let mut group = Group::first(changed);
    let mut other_group = Group::first(other);
    loop {
        if !group.run.is_empty() {
            slide(ids, changed, other, &mut group, &mut other_group);
        }
        if !group.next(changed) || !other_group.next(other) {
            return;
        }
    }
}

fn slide(ids: &[u32], changed: &mut [bool], other: &[bool], group: &mut Group, other_group: &mut Group) {
    let mut matching_end;
    let lowest;
    loop {
        let len = group.run.len();
        matching_end = None;
        while group.up(ids, changed) {
            other_group.previous(other);
        }
        let highest = group.run.end;
        if !other_group.run.is_empty() {
            matching_end = Some(highest);
        }
        while group.down(ids, changed) {
            other_group.next(other);
            if !other_group.run.is_empty() {
                matching_end = Some(group.run.end);
            }
        }
        if group.run.len() == len {
            lowest = (highest, group.run.end);
            break;
        }
    }
    if lowest.0 == lowest.1 {
        return;
    }
    if matching_end.is_some() {
        while other_group.run.is_empty() {
            if !group.up(ids, changed) {
                return;
            }
            other_group.previous(other);
        }
    }
}

/// A run of changed lines, possibly empty, between two unchanged ones.
struct Group {
    run: Range<usize>,
}

impl Group {
    fn first(changed: &[bool]) -> Group {
        let end = changed.iter().take_while(|c| **c).count();
        Group { run: 0..end }
    }

    /// Goes to the run after the next unchanged line; false at the end.
    fn next(&mut self, changed: &[bool]) -> bool {
        if self.run.end >= changed.len() {
            return false;
        }
        let start = self.run.end + 1;
        let end = start + changed[start..].iter().take_while(|c| **c).count();
        self.run = start..end;
        true
    }

    fn previous(&mut self, changed: &[bool]) -> bool {
        if self.run.start == 0 {
            return false;
        }
        let end = self.run.start - 1;
        let start = end - changed[..end].iter().rev().take_while(|c| **c).count();
        self.run = start..end;
        true
    }

    /// Moves down by one line, taking in a run that it meets; false where it cannot.
    fn down(&mut self, ids: &[u32], changed: &mut [bool]) -> bool {
        if self.run.end >= ids.len() || ids[self.run.start] != ids[self.run.end] {
            return false;
        }
        changed[self.run.start] = false;
        changed[self.run.end] = true;
        self.run.start += 1;
        self.run.end += 1;
        self.run.end += changed[self.run.end..].iter().take_while(|c| **c).count();
        true
    }

    /// Moves up by one line, taking in a run that it meets; false where it cannot.
    fn up(&mut self, ids: &[u32], changed: &mut [bool]) -> bool {
        if self.run.start == 0 || ids[self.run.start - 1] != ids[self.run.end - 1] {
            return false;
        }
        self.run.start -= 1;
        self.run.end -= 1;
        changed[self.run.start] = true;
        changed[self.run.end] = false;
        let before = changed[..self.run.start].iter().rev().take_while(|c| **c).count();
        self.run.start -= before;
        true
    }
}
