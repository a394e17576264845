//! Following the person's typing.
//!
//! Every change of a document moves the hunks behind it; those that it takes part in are settled anew from what
//! was proposed and what the person's lines are now. What the person deletes and restores, by whatever way, brings
//! a hunk back as it was; an accepted hunk whose text the person takes back waits for a decision again.

use std::collections::HashMap;
use std::ops::Range;

use galley_text::change::ChangeSet;
use galley_text::edit::TextEdit;
use galley_text::merge;
use galley_text::path::RelPath;
use ropey::Rope;
use serde::{Deserialize, Serialize};

use crate::hunk::{ConflictSides, Hunk, HunkId, HunkKind, HunkState, Sides};
use crate::lines;
use crate::place;
use crate::proposal::{FileProposal, Proposal};
use crate::refine;
use crate::settle::{self, Settled, Three};
use crate::slide;
use crate::span::{self, Absorb, Edits, Trace};

/// Lines around a hunk that are kept to recognise its place after they were all deleted, in bytes a side.
const CONTEXT_LIMIT: usize = 1 << 13;

/// What a change of a document did to the hunks on it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rebased {
    /// Hunks that only changed their place.
    pub moved: Vec<HunkId>,
    /// Pending hunks that now contain the person's typing.
    pub merged: Vec<HunkId>,
    /// Hunks whose lines the person changed in another way; both sides are kept.
    pub conflicted: Vec<HunkId>,
    /// Hunks that the person made themselves.
    pub obsolete: Vec<HunkId>,
    /// Hunks that wait for a decision again as they were proposed: the person took back what they typed, or the
    /// text of an accepted hunk.
    pub reopened: Vec<HunkId>,
    /// The change was made for another text than the one the hunks lie on. Nothing was changed; call
    /// [`Proposal::document_replaced`] with the text as it is now.
    pub out_of_step: bool,
}

impl Rebased {
    /// Whether nothing at all happened to the hunks.
    pub fn is_empty(&self) -> bool {
        *self == Rebased::default()
    }

    /// Whether a hunk changed in more than its place.
    pub fn is_telling(&self) -> bool {
        let moved = Rebased { moved: self.moved.clone(), ..Rebased::default() };
        *self != moved
    }
}

/// One change of one document.
struct Change<'a> {
    old: &'a Rope,
    new: &'a Rope,
    edits: &'a Edits,
}

/// A change by one edit, for hunks that an accept of another may run into.
pub(crate) struct Single<'a> {
    old: &'a Rope,
    new: &'a Rope,
    edits: Edits,
}

impl<'a> Single<'a> {
    pub(crate) fn new(old: &'a Rope, new: &'a Rope, edit: TextEdit) -> Single<'a> {
        Single { old, new, edits: Edits::new(vec![edit]) }
    }

    /// Follows one hunk through it.
    pub(crate) fn follow(&self, hunk: &mut Hunk, out: &mut Rebased) -> bool {
        Change { old: self.old, new: self.new, edits: &self.edits }.follow(hunk, out)
    }
}

impl Proposal {
    /// A document changed: the person typed, or anything else edited it.
    pub fn document_changed(&mut self, path: &RelPath, change: &ChangeSet, version: Option<i32>) -> Rebased {
        let mut out = Rebased::default();
        for file in self.files.iter_mut().filter(|file| file.document() == path) {
            let mut new = file.current.clone();
            if change.apply_rope(&mut new).is_err() {
                out.out_of_step = true;
                continue;
            }
            file.rebase(new, change.edits(), version, &mut out);
        }
        out
    }

    /// A document has another text and nobody knows by which edits: a formatter, a checkout, a reload.
    pub fn document_replaced(&mut self, path: &RelPath, new_text: &str, version: Option<i32>) -> Rebased {
        let mut out = Rebased::default();
        for file in self.files.iter_mut().filter(|file| file.document() == path) {
            let whole = TextEdit::new(0..file.len(), new_text);
            let edits = if file.current == *new_text { Vec::new() } else { vec![whole] };
            file.rebase(Rope::from_str(new_text), edits, version, &mut out);
            for hunk in &mut file.hunks {
                place::in_its_lines(hunk, new_text);
            }
        }
        out
    }
}

impl FileProposal {
    /// Moves the hunks on to the text `new`, which `edits` make of the current one.
    pub(crate) fn rebase(
        &mut self,
        new: Rope,
        edits: Vec<TextEdit>,
        version: Option<i32>,
        out: &mut Rebased,
    ) {
        let old = std::mem::replace(&mut self.current, new);
        self.version = version;
        let back = std::mem::take(&mut self.gone);
        let edits = Edits::new(refine::edits(&old, edits, &self.hunks));
        let change = Change { old: &old, new: &self.current, edits: &edits };
        let mut touched = back;
        for hunk in &mut self.hunks {
            touched |= match hunk.kind {
                HunkKind::Lines => change.follow(hunk, out),
                HunkKind::AddFile | HunkKind::DeleteFile => whole_file(hunk, &self.current, out),
                HunkKind::MoveFile | HunkKind::Mode => reappeared(hunk, back, out),
            };
        }
        if touched {
            self.settle_overlaps(out);
        }
    }

    /// Hunks whose places run into one another cannot be applied on their own; those that no longer do, can.
    pub(crate) fn settle_overlaps(&mut self, out: &mut Rebased) {
        let open: Vec<usize> = (0..self.hunks.len())
            .filter(|&at| self.hunks[at].is_open() && self.hunks[at].kind == HunkKind::Lines)
            .collect();
        let mut overlapping = vec![false; self.hunks.len()];
        let mut furthest: Option<usize> = None;
        for at in open.iter().copied() {
            if let Some(last) = furthest
                && self.hunks[last].range.end > self.hunks[at].range.start
            {
                (overlapping[last], overlapping[at]) = (true, true);
            }
            if furthest.is_none_or(|last| self.hunks[at].range.end >= self.hunks[last].range.end) {
                furthest = Some(at);
            }
        }
        for at in open {
            let hunk = &mut self.hunks[at];
            match (overlapping[at], hunk.state) {
                (true, HunkState::Pending) => {
                    let (base, theirs) = (hunk.base().to_owned(), hunk.proposed().to_owned());
                    conflict(hunk, Three { base, yours: hunk.before.clone(), theirs }, out);
                }
                (false, HunkState::Conflicted) => settle_in_place(hunk, &self.current, out),
                _ => {}
            }
        }
    }
}

impl Change<'_> {
    /// Follows one hunk; tells whether the change took part in it.
    fn follow(&self, hunk: &mut Hunk, out: &mut Rebased) -> bool {
        let deletions = self.edits.list.iter().filter(|edit| edit.text.is_empty());
        place::note_lost(hunk, self.old, deletions.map(|edit| edit.range.clone()));
        let touched = self.followed(hunk, out);
        place::between_neighbours(hunk, self.new, |range| self.wrote(range));
        touched
    }

    /// Whether this change wrote, or deleted, something within a range of the new text or at one of its ends.
    fn wrote(&self, range: Range<usize>) -> bool {
        (0..self.edits.list.len()).any(|index| {
            let written = self.edits.written(index);
            written.start <= range.end && written.end >= range.start
        })
    }

    fn followed(&self, hunk: &mut Hunk, out: &mut Rebased) -> bool {
        let by_decision = matches!(hunk.state, HunkState::Accepted | HunkState::Obsolete);
        if (hunk.origin.is_some() || by_decision) && self.restored(hunk, out) {
            return true;
        }
        // Where all of a hunk's lines were deleted, what comes back there may come back in several steps.
        let lost = hunk.range.is_empty() && hunk.origin.is_some() && !by_decision;
        let absorb = if lost { Absorb::Lost(hunk.base()) } else { Absorb::Nothing };
        let trace = span::trace(self.old, self.new, self.edits, &hunk.range, absorb);
        match trace {
            Trace::Moved(range) => self.moved(hunk, range, out),
            Trace::Touched { old, new } => {
                let three = self.three(hunk, &old, &new);
                let beside = Beside::of((self.old, &old), (self.new, &new));
                touched(hunk, three, new, &beside, out);
                true
            }
        }
    }

    fn moved(&self, hunk: &mut Hunk, range: Range<usize>, out: &mut Rebased) -> bool {
        let inserts = hunk.state == HunkState::Pending && hunk.before.is_empty();
        let typed = if inserts { self.typed_already(hunk, range.start) } else { None };
        if let Some(range) = typed {
            hunk.range = range;
            hunk.origin = None;
            hunk.state = HunkState::Obsolete;
            out.obsolete.push(hunk.id.clone());
            return true;
        }
        if hunk.range != range {
            hunk.range = range;
            out.moved.push(hunk.id.clone());
        }
        false
    }

    /// Whether this change made the lines that the hunk inserts stand right before or behind its place.
    fn typed_already(&self, hunk: &Hunk, at: usize) -> Option<Range<usize>> {
        let len = hunk.after.len();
        let reach = hunk.range.start.saturating_sub(len + 1)..hunk.range.end + len + 1;
        let written = |range: &Range<usize>| {
            self.edits.near(&reach).any(|index| {
                let new = self.edits.written(index);
                new.start < range.end && new.end > range.start
            })
        };
        let places = [Some(at..at + len), at.checked_sub(len).map(|start| start..at)];
        places
            .into_iter()
            .flatten()
            .find(|range| {
                written(range) && self.new.get_byte_slice(range.clone()).is_some_and(|s| s == *hunk.after)
            })
            .filter(|range| span::starts_line(self.new, range.start) && span::ends_line(self.new, range.end))
    }

    /// Tries to find the hunk as it was proposed, or an accepted hunk's former text, where this change restored
    /// it; insertions directly beside the hunk's place count, and those that can be slid there.
    fn restored(&self, hunk: &mut Hunk, out: &mut Rebased) -> bool {
        if self.edits.list.is_empty() {
            return false;
        }
        let slid = slide::to_range(self.old, &self.edits.list, &hunk.range).map(Edits::new);
        [slid.as_ref(), Some(self.edits)].into_iter().flatten().any(|edits| {
            let change = Change { edits, ..*self };
            let Trace::Touched { old, new } =
                span::trace(self.old, self.new, edits, &hunk.range, Absorb::Lines)
            else {
                return false;
            };
            let three = change.three(hunk, &old, &new);
            match hunk.state {
                HunkState::Accepted => taken_back(hunk, three, new, out),
                _ => as_proposed(hunk, three, new, out),
            }
        })
    }

    /// Base, yours and theirs for a hunk widened to `old`, which is now `new`.
    fn three(&self, hunk: &Hunk, old: &Range<usize>, new: &Range<usize>) -> Three {
        let left = lines_of(self.old, old.start..hunk.range.start, true);
        let right = lines_of(self.old, hunk.range.end..old.end, false);
        Three {
            base: [&left, hunk.base(), &right].concat(),
            yours: slice(self.new, new),
            theirs: [&left, hunk.proposed(), &right].concat(),
        }
    }
}

/// Whether the lines directly beside a stretch are the same before and after a change of it.
struct Beside {
    above: bool,
    below: bool,
}

impl Beside {
    fn of((old, was): (&Rope, &Range<usize>), (new, is): (&Rope, &Range<usize>)) -> Beside {
        let above = |text: &Rope, at: usize| {
            let line = text.byte_to_line(at.min(text.len_bytes())).checked_sub(1)?;
            Some(text.line(line).to_string())
        };
        let below = |text: &Rope, at: usize| {
            (at < text.len_bytes()).then(|| text.line(text.byte_to_line(at)).to_string())
        };
        Beside {
            above: above(old, was.start) == above(new, is.start),
            below: below(old, was.end) == below(new, is.end),
        }
    }

    /// Whether an insertion, all of whose lines on one side are gone, still has a line on its other side that tells
    /// its place.
    fn tells(&self, settled: &Settled) -> bool {
        let Three { base, yours, theirs } = &settled.sides;
        if settled.state != HunkState::Pending || !yours.is_empty() || base.is_empty() {
            return true;
        }
        match theirs.ends_with(base.as_str()) {
            true => settled.head > 0 || self.above,
            false => settled.tail > 0 || self.below,
        }
    }
}

/// Sets a hunk whose lines the change took part in to what follows from its three sides.
fn touched(hunk: &mut Hunk, three: Three, new: Range<usize>, beside: &Beside, out: &mut Rebased) {
    hunk.remember();
    match hunk.state {
        HunkState::Accepted => {
            if !taken_back(hunk, three.clone(), new.clone(), out) && !undone(hunk, &three, &new, out) {
                let cut = settle::locate(three);
                hunk.range = new.start + cut.head..new.end - cut.tail;
                (hunk.before, hunk.after) = (cut.sides.base, cut.sides.theirs);
            }
        }
        HunkState::Rejected => {
            let cut = settle::locate(three);
            hunk.range = new.start + cut.head..new.end - cut.tail;
            let Three { base, yours, theirs } = cut.sides;
            hunk.after.clone_from(&theirs);
            hunk.origin = (base != yours).then_some(Sides { before: base, after: theirs });
            hunk.before = yours;
            hunk.merged_by_token = false;
        }
        HunkState::Pending | HunkState::Conflicted | HunkState::Obsolete => {
            let mut settled = recognised(hunk, settle::settle(three));
            if !beside.tells(&settled) || brings_others(hunk, &settled) {
                settled.state = HunkState::Conflicted;
                settled.after.clone_from(&settled.sides.theirs);
            }
            hunk.range = new.start + settled.head..new.end - settled.tail;
            put(hunk, settled, out);
        }
    }
}

/// Whether accepting would bring lines that are neither the person's nor proposed by the hunk itself: lines around it that the
/// person took away meanwhile.
fn brings_others(hunk: &Hunk, settled: &Settled) -> bool {
    if settled.state != HunkState::Pending || settled.by_token {
        return false;
    }
    let Some(first) = &hunk.first else { return false };
    let mut known: HashMap<&str, usize> = HashMap::new();
    for line in lines::split(&settled.sides.yours).into_iter().chain(lines::split(&first.after)) {
        *known.entry(line).or_default() += 1;
    }
    let is_other = |line: &&str| match known.get_mut(*line) {
        Some(left @ 1..) => {
            *left -= 1;
            false
        }
        _ => line.contains(char::is_alphanumeric),
    };
    lines::split(&settled.after).iter().any(is_other)
}

/// The hunk exactly as it was proposed, where its own lines stand again or where accepting it would do exactly what
/// was proposed, whatever became of the lines around.
fn recognised(hunk: &Hunk, settled: Settled) -> Settled {
    // With none of the lines left that tell an insertion's place, they must be kept in mind.
    let told = settled.state == HunkState::Pending && !settled.sides.yours.is_empty();
    let own = told.then(|| settled.changed_lines());
    let own = own.filter(|own| {
        hunk.first
            .as_ref()
            .is_some_and(|first| first.before == own.sides.yours && first.after == own.sides.theirs)
    });
    let (first, head, tail) = match (own, hunk.first_with(&settled.sides.yours)) {
        (Some(own), _) => (hunk.first.as_ref(), own.head, own.tail),
        (None, first) => (first, settled.head, settled.tail),
    };
    let Some(Sides { before, after }) = first.cloned() else { return settled };
    let sides = Three { base: before.clone(), yours: before, theirs: after.clone() };
    Settled { state: HunkState::Pending, sides, head, tail, after, by_token: false }
}

/// Whether the accepted hunk's former text stands there again; then it is pending once more.
fn taken_back(hunk: &mut Hunk, three: Three, new: Range<usize>, out: &mut Rebased) -> bool {
    let cut = settle::locate(three);
    let Three { base, yours, theirs } = cut.sides;
    let Sides { before, after } = match hunk.first_with(&yours) {
        Some(first) => first.clone(),
        None if yours == base && base != theirs => Sides { before: base, after: theirs },
        None => return false,
    };
    hunk.range = new.start + cut.head..new.end - cut.tail;
    hunk.state = HunkState::Pending;
    (hunk.before, hunk.after, hunk.origin) = (before, after, None);
    hunk.merged_by_token = false;
    out.reopened.push(hunk.id.clone());
    true
}

/// Whether nothing of an accepted hunk is left that could be taken back, though the lines around it are not as they
/// were; then it is open once more.
fn undone(hunk: &mut Hunk, three: &Three, new: &Range<usize>, out: &mut Rebased) -> bool {
    let back = merge::merge(&three.theirs, &three.yours, &three.base);
    if !back.is_clean() || back.text != three.yours {
        return false;
    }
    let settled = recognised(hunk, settle::settle(three.clone()));
    if settled.state != HunkState::Pending {
        return false;
    }
    hunk.range = new.start + settled.head..new.end - settled.tail;
    put(hunk, settled, out);
    true
}

/// Whether the hunk's base stands there again, so that it is as it was proposed.
fn as_proposed(hunk: &mut Hunk, three: Three, new: Range<usize>, out: &mut Rebased) -> bool {
    let settled = recognised(hunk, settle::settle(three));
    let whole = settled.state == HunkState::Pending && settled.sides.yours == settled.sides.base;
    // An insertion has no lines of its own to come back; its place alone proves nothing.
    if !whole || (settled.sides.base.is_empty() && hunk.base().is_empty()) {
        return false;
    }
    hunk.range = new.start + settled.head..new.end - settled.tail;
    if hunk.state == HunkState::Rejected {
        (hunk.before, hunk.after, hunk.origin) = (settled.sides.base, settled.after, None);
    } else {
        put(hunk, settled, out);
    }
    true
}

/// Writes what a hunk was settled to into it, and tells of it.
pub(crate) fn put(hunk: &mut Hunk, settled: Settled, out: &mut Rebased) {
    let Three { base, yours, theirs } = settled.sides;
    let was = hunk.state;
    match settled.state {
        HunkState::Conflicted => return conflict(hunk, Three { base, yours, theirs }, out),
        HunkState::Obsolete => {
            (hunk.before, hunk.after, hunk.origin) = (base, theirs, None);
            out.obsolete.push(hunk.id.clone());
        }
        _ => {
            let as_proposed = base == yours;
            hunk.before = yours;
            hunk.origin = (!as_proposed).then_some(Sides { before: base, after: theirs });
            hunk.after = settled.after;
            let list = match (as_proposed, was) {
                (true, HunkState::Pending) => &mut out.moved,
                (true, _) => &mut out.reopened,
                (false, _) => &mut out.merged,
            };
            list.push(hunk.id.clone());
        }
    }
    hunk.state = settled.state;
    hunk.merged_by_token = settled.by_token && hunk.origin.is_some();
    hunk.conflict = None;
}

fn conflict(hunk: &mut Hunk, three: Three, out: &mut Rebased) {
    let Three { base, yours, theirs } = three;
    hunk.state = HunkState::Conflicted;
    hunk.before.clone_from(&yours);
    hunk.after.clone_from(&theirs);
    hunk.origin = Some(Sides { before: base.clone(), after: theirs.clone() });
    hunk.conflict = Some(ConflictSides { base, yours, theirs });
    hunk.merged_by_token = false;
    if !out.conflicted.contains(&hunk.id) {
        out.conflicted.push(hunk.id.clone());
    }
}

/// Settles a hunk from the lines at its place, when something else about it changed than those lines.
pub(crate) fn settle_in_place(hunk: &mut Hunk, current: &Rope, out: &mut Rebased) {
    let three = Three {
        base: hunk.base().to_owned(),
        yours: slice(current, &hunk.range),
        theirs: hunk.proposed().to_owned(),
    };
    let settled = recognised(hunk, settle::settle(three));
    // The place of an insertion whose surroundings were deleted looks untouched and is not.
    if settled.state == HunkState::Conflicted && hunk.state == HunkState::Conflicted {
        return;
    }
    hunk.range = hunk.range.start + settled.head..hunk.range.end - settled.tail;
    put(hunk, settled, out);
}

/// Follows a hunk about the whole file; tells whether anything about it changed.
fn whole_file(hunk: &mut Hunk, current: &Rope, out: &mut Rebased) -> bool {
    let was = std::mem::replace(&mut hunk.range, 0..current.len_bytes());
    match (hunk.state, hunk.kind) {
        (HunkState::Accepted, HunkKind::DeleteFile) if *current == *hunk.before => {
            hunk.state = HunkState::Pending;
            out.reopened.push(hunk.id.clone());
            true
        }
        (HunkState::Accepted, _) => false,
        (HunkState::Rejected, _) => {
            let (base, theirs) = (hunk.base().to_owned(), hunk.proposed().to_owned());
            hunk.before = current.to_string();
            hunk.origin = (hunk.before != base).then_some(Sides { before: base, after: theirs });
            false
        }
        // The same length is the usual sign that nothing happened here; only then is it worth comparing.
        (HunkState::Pending, _) if was == hunk.range && *current == *hunk.before => false,
        _ => {
            settle_whole_file(hunk, current, out);
            true
        }
    }
}

/// Any other text than the one that a hunk about the whole file speaks of is a conflict.
pub(crate) fn settle_whole_file(hunk: &mut Hunk, current: &Rope, out: &mut Rebased) {
    let (base, theirs) = (hunk.base().to_owned(), hunk.proposed().to_owned());
    let state = if *current == *base {
        HunkState::Pending
    } else if hunk.kind == HunkKind::AddFile && *current == *theirs {
        HunkState::Obsolete
    } else {
        HunkState::Conflicted
    };
    let after = theirs.clone();
    let sides = Three { base, yours: current.to_string(), theirs };
    put(hunk, Settled { state, sides, head: 0, tail: 0, after, by_token: false }, out);
}

/// A move whose file was deleted can be made again once the file is back.
fn reappeared(hunk: &mut Hunk, back: bool, out: &mut Rebased) -> bool {
    if back && hunk.state == HunkState::Conflicted {
        hunk.state = HunkState::Pending;
        hunk.conflict = None;
        hunk.origin = None;
        out.reopened.push(hunk.id.clone());
    }
    false
}

/// Lines beside a hunk, no more than are needed to recognise them; the nearest ones are kept.
fn lines_of(text: &Rope, range: Range<usize>, before: bool) -> String {
    if range.len() <= CONTEXT_LIMIT {
        return slice(text, &range);
    }
    let cut = |at: usize| text.line_to_byte(text.byte_to_line(at));
    let range = if before {
        cut(range.end - CONTEXT_LIMIT).max(range.start)..range.end
    } else {
        range.start..cut(range.start + CONTEXT_LIMIT).max(range.start)
    };
    slice(text, &range)
}

pub(crate) fn slice(text: &Rope, range: &Range<usize>) -> String {
    text.get_byte_slice(range.clone()).map(String::from).unwrap_or_default()
}
