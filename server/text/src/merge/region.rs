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
        let (ours, theirs) = (on_side(ours, i_start, i), on_side(theirs, j_start, j));
        regions.push(Region { side, base: base.clone(), ours, theirs });
    }
    regions
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
