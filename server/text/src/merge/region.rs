//! Which stretches of the base one side changed, and which both.
//!
//! Two changes meet when no unchanged line lies between them, as for git: an edit next to another one conflicts by
//! line, because each was made without seeing the other.

use std::ops::Range;

use super::Sides;
use crate::diff::LineHunk;

/// Who changed a region.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Ours,
    Theirs,
    Both,
}

/// A changed stretch, in lines of each text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Region {
    pub(super) side: Side,
    pub(super) base: Range<usize>,
    pub(super) ours: Range<usize>,
    pub(super) theirs: Range<usize>,
    /// Whether one side deleted lines that the other side changed, or may have: among lines that are equal nothing tells
    /// which of them was meant.
    pub(super) ambiguous: bool,
}

/// The changed stretches in order, from the hunks of both sides against the base.
pub(super) fn find(sides: &Sides<'_>, ours: &[LineHunk], theirs: &[LineHunk]) -> Vec<Region> {
    let mut regions = Vec::new();
    let (mut i, mut j) = (0, 0);
    while i < ours.len() || j < theirs.len() {
        let (i_start, j_start) = (i, j);
        let mut base = next_start(ours.get(i), theirs.get(j));
        // A stretch grows as long as a hunk of either side begins in it or at its end.
        loop {
            if let Some(hunk) = ours.get(i).filter(|hunk| hunk.old.start <= base.end) {
                base.end = base.end.max(hunk.old.end);
                i += 1;
            } else if let Some(hunk) = theirs.get(j).filter(|hunk| hunk.old.start <= base.end) {
                base.end = base.end.max(hunk.old.end);
                j += 1;
            } else {
                break;
            }
        }
        let (a, b) = (&ours[i_start..i], &theirs[j_start..j]);
        if same_change(sides, a, b) {
            continue;
        }
        let side = match (a.is_empty(), b.is_empty()) {
            (false, true) => Side::Ours,
            (true, false) => Side::Theirs,
            _ => Side::Both,
        };
        let on_side = |hunks: &[LineHunk], from: usize, to: usize| {
            shifted(base.start, hunks[..from].last())..shifted(base.end, hunks[..to].last())
        };
        let ambiguous = side == Side::Both
            && (a.iter().any(|hunk| slides_onto(hunk, &sides.base, &sides.ours, b))
                || b.iter().any(|hunk| slides_onto(hunk, &sides.base, &sides.theirs, a)));
        let (ours, theirs) = (on_side(ours, i_start, i), on_side(theirs, j_start, j));
        regions.push(Region { side, base: base.clone(), ours, theirs, ambiguous });
    }
    regions
}

/// Whether a hunk deletes lines that the other side changed, or the same text comes of it when it deletes or inserts lines
/// there.
fn slides_onto(hunk: &LineHunk, base: &[&str], side: &[&str], others: &[LineHunk]) -> bool {
    let (mut up, mut down) = (hunk.old.clone(), hunk.old.clone());
    if hunk.new.is_empty() {
        while up.start > 0 && base[up.start - 1] == base[up.end - 1] {
            up = up.start - 1..up.end - 1;
        }
        while down.end < base.len() && base[down.start] == base[down.end] {
            down = down.start + 1..down.end + 1;
        }
    } else if hunk.old.is_empty() {
        let lines = &side[hunk.new.clone()];
        let mut turned = 0;
        while up.start > 0 && base[up.start - 1] == lines[lines.len() - 1 - turned % lines.len()] {
            up = up.start - 1..up.start - 1;
            turned += 1;
        }
        turned = 0;
        while down.end < base.len() && base[down.end] == lines[turned % lines.len()] {
            down = down.end + 1..down.end + 1;
            turned += 1;
        }
    }
    if !hunk.new.is_empty() && !hunk.old.is_empty() {
        return false;
    }
    let reach = up.start..down.end;
    let meets =
        |range: &Range<usize>, other: &Range<usize>| range.start < other.end && other.start < range.end;
    let deletes = |other: &LineHunk| other.new.is_empty() && meets(&hunk.old, &other.old);
    others.iter().any(|other| meets(&reach, &other.old) && !deletes(other))
}

fn next_start(a: Option<&LineHunk>, b: Option<&LineHunk>) -> Range<usize> {
    let start = [a, b].into_iter().flatten().map(|hunk| hunk.old.start).min().unwrap_or(0);
    start..start
}

fn same_change(sides: &Sides<'_>, ours: &[LineHunk], theirs: &[LineHunk]) -> bool {
    match (ours, theirs) {
        ([a], [b]) => a.old == b.old && sides.ours[a.new.clone()] == sides.theirs[b.new.clone()],
        _ => false,
    }
}

/// A base line on a side, given the side's last hunk before it.
fn shifted(line: usize, after: Option<&LineHunk>) -> usize {
    match after {
        Some(hunk) => line - hunk.old.end + hunk.new.end,
        None => line,
    }
}
