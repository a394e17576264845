//! What a hunk stands at, given what it came from, what the person's lines are now, and what was proposed.
//!
//! This is a function of those three texts alone, which is why undoing one's typing gives back the hunk as it was.
//! It first cuts away what does not belong to the hunk (lines that all three share at their ends, lines that the
//! person added around it) and only then merges.

use std::ops::Range;

use galley_text::{diff, merge};

use crate::hunk::HunkState;
use crate::lines;

/// Base, yours and theirs; whole lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Three {
    pub(crate) base: String,
    pub(crate) yours: String,
    pub(crate) theirs: String,
}

/// What came of it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Settled {
    /// Pending, conflicted or obsolete.
    pub(crate) state: HunkState,
    /// The three texts without what does not belong to the hunk.
    pub(crate) sides: Three,
    /// Bytes of the person's lines before the hunk's own.
    pub(crate) head: usize,
    /// Bytes of the person's lines behind the hunk's own.
    pub(crate) tail: usize,
    /// What accepting puts there: the merged text, or what was proposed.
    pub(crate) after: String,
    /// Whether the merge went below lines.
    pub(crate) by_token: bool,
}

impl Settled {
    /// The lines that accepting really changes.
    pub(crate) fn changed_lines(&self) -> Cut {
        let yours = &self.sides.yours;
        let cut = trim(Three { base: yours.clone(), yours: yours.clone(), theirs: self.after.clone() });
        Cut { head: self.head + cut.head, tail: self.tail + cut.tail, ..cut }
    }
}

/// Three texts without what does not belong to the hunk at their ends.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Cut {
    pub(crate) sides: Three,
    /// Bytes of the person's lines before the hunk's own.
    pub(crate) head: usize,
    /// Bytes of the person's lines behind the hunk's own.
    pub(crate) tail: usize,
}

impl Cut {
    /// Leaves only those of the person's lines that `own` finds, unless they are one of the sides already.
    fn narrowed(self, own: impl Fn(&Three) -> Range<usize>) -> Cut {
        let Cut { mut sides, head, tail } = self;
        if sides.yours == sides.base || sides.yours == sides.theirs {
            return Cut { sides, head, tail };
        }
        let kept = own(&sides);
        let (head, tail) = (head + kept.start, tail + sides.yours.len() - kept.end);
        sides.yours = sides.yours[kept].to_owned();
        let again = trim(sides);
        Cut { sides: again.sides, head: head + again.head, tail: tail + again.tail }
    }
}

/// The same for a hunk whose text stands in the document by a decision: what it wrote, or what stood there before,
/// is looked for among the person's lines, and nothing is merged.
pub(crate) fn locate(three: Three) -> Cut {
    trim(three).narrowed(|sides| {
        [&sides.theirs, &sides.base]
            .into_iter()
            .find_map(|side| find_lines(&sides.yours, side).map(|at| at..at + side.len()))
            .unwrap_or(0..sides.yours.len())
    })
}

/// Above this many bytes, lines around a hunk are only recognised where the base stands among them byte for byte.
const DIFF_LIMIT: usize = 1 << 16;

pub(crate) fn settle(three: Three) -> Settled {
    let Cut { sides, head, tail } = without_context(trim(three).narrowed(own_lines));
    let plain = |state, sides: Three| {
        let after = sides.theirs.clone();
        Settled { state, sides, head, tail, after, by_token: false }
    };
    if sides.yours == sides.theirs {
        return plain(HunkState::Obsolete, sides);
    }
    if sides.yours == sides.base {
        return plain(HunkState::Pending, sides);
    }
    if deleted_already(&sides) {
        return plain(HunkState::Obsolete, sides);
    }
    if let Some((before_base, text)) = only_inserts_beside(&sides) {
        let after = text.to_owned();
        let (head, tail) =
            if before_base { (head, tail + sides.yours.len()) } else { (head + sides.yours.len(), tail) };
        // Lines that are all gone are kept in mind as the place; lines that still stand are the place.
        let base = if sides.yours.is_empty() {
            sides
        } else {
            Three { base: String::new(), theirs: after.clone(), ..sides }
        };
        let sides = Three { yours: String::new(), ..base };
        return Settled { state: HunkState::Pending, sides, head, tail, after, by_token: false };
    }
    if sides.yours.is_empty() {
        // All is gone that the change speaks of; no merge would find otherwise.
        return plain(HunkState::Conflicted, sides);
    }
    let merged = merge::merge(&sides.base, &sides.yours, &sides.theirs);
    if !merged.is_clean() || (merged.by_token > 0 && is_rewritten(&sides)) {
        return plain(HunkState::Conflicted, sides);
    }
    let state = if merged.text == sides.yours { HunkState::Obsolete } else { HunkState::Pending };
    Settled { state, sides, head, tail, after: merged.text, by_token: merged.by_token > 0 }
}

/// Cuts away the lines that all three share at their ends.
fn trim(three: Three) -> Cut {
    let [base, yours, theirs] = [&*three.base, &*three.yours, &*three.theirs];
    let mut head = 0;
    for line in lines::split(base) {
        let longer = head + line.len();
        let shared = |text: &str| text[head..].starts_with(line) && lines::starts_at(text, longer);
        if ![base, yours, theirs].into_iter().all(shared) {
            break;
        }
        head = longer;
    }
    let (base, yours, theirs) = (&base[head..], &yours[head..], &theirs[head..]);
    let mut tail = 0;
    for line in lines::split(base).into_iter().rev() {
        let longer = tail + line.len();
        if !ends_with_lines(base, yours, longer) || !ends_with_lines(base, theirs, longer) {
            break;
        }
        tail = longer;
    }
    let cut = |text: &str| text[..text.len() - tail].to_owned();
    Cut { sides: Three { base: cut(base), yours: cut(yours), theirs: cut(theirs) }, head, tail }
}

/// Whether `text` ends in the last `len` bytes of `base`, as whole lines.
fn ends_with_lines(base: &str, text: &str, len: usize) -> bool {
    text.ends_with(&base[base.len() - len..]) && lines::starts_at(text, text.len() - len)
}

/// Whether so little is left of the base that a word of it which still stands says nothing about a place.
fn is_rewritten(sides: &Three) -> bool {
    let kept_no_line =
        |text: &str| diff::lines(&sides.base, text).iter().any(|run| run.old == whole(&sides.base));
    let deleted: usize =
        diff::words(&sides.base, &sides.yours).edits().iter().map(|edit| edit.range.len()).sum();
    deleted * 2 > sides.base.len() || (kept_no_line(&sides.yours) && inserts_within(sides))
}

fn whole(text: &str) -> Range<usize> {
    0..lines::split(text).len()
}

/// Whether the hunk only inserts lines, between lines of the base.
fn inserts_within(sides: &Three) -> bool {
    diff::lines(&sides.base, &sides.theirs).iter().all(|run| run.old.is_empty())
}

/// Where the hunk's text stands among lines that the person added around it: the base, or the change itself.
fn own_lines(sides: &Three) -> Range<usize> {
    let Three { base, yours, theirs } = sides;
    // The change may already stand there, with more around it. A lone brace or blank line proves nothing.
    let telling = theirs.chars().any(char::is_alphanumeric) && !base.contains(theirs.as_str());
    if telling && let Some(at) = find_lines(yours, theirs) {
        let end = at + theirs.len();
        let around = yours[..at].lines().chain(yours[end..].lines());
        if around.filter(|line| !line.trim().is_empty()).all(|line| base.lines().all(|old| old != line)) {
            return at..end;
        }
    }
    if base.is_empty() {
        return 0..0;
    }
    find_lines(yours, base).map_or(0..yours.len(), |at| at..at + base.len())
}

/// Where `lines` stand in `text` as whole lines.
fn find_lines(text: &str, wanted: &str) -> Option<usize> {
    if wanted.is_empty() {
        return None;
    }
    text.match_indices(wanted).map(|(at, _)| at).find(|&at| {
        let end = at + wanted.len();
        lines::starts_at(text, at) && (end == text.len() || lines::starts_at(text, end))
    })
}

/// Cuts away the lines around the hunk that the model left alone, whatever the person made of them, as long as no
/// change of the person's reaches from them into the hunk.
fn without_context(cut: Cut) -> Cut {
    let Cut { sides, head, tail } = cut;
    let settled = sides.yours == sides.base || sides.yours == sides.theirs;
    if settled || sides.yours.is_empty() || sides.yours.len() > DIFF_LIMIT {
        return Cut { sides, head, tail };
    }
    let [base, yours, theirs] = [&sides.base, &sides.yours, &sides.theirs].map(|text| lines::split(text));
    let lead = base.iter().zip(&theirs).take_while(|(a, b)| a == b).count();
    let longest = base.len().min(theirs.len()) - lead;
    let trail = base.iter().rev().zip(theirs.iter().rev()).take_while(|(a, b)| a == b).count().min(longest);
    let runs = diff::lines(&sides.base, &sides.yours);
    let Some(own) = counterpart(&runs, lead..base.len() - trail, base.len()) else {
        return Cut { sides, head, tail };
    };
    let bytes = |lines: &[&str]| lines.iter().map(|line| line.len()).sum::<usize>();
    let (head, tail) = (head + bytes(&yours[..own.start]), tail + bytes(&yours[own.end..]));
    let sides = Three {
        base: base[lead..base.len() - trail].concat(),
        yours: yours[own].concat(),
        theirs: theirs[lead..theirs.len() - trail].concat(),
    };
    Cut { sides, head, tail }
}

/// The person's lines that stand for the lines `own` of a base of `count` lines, if no changed run reaches over the
/// ends of `own`.
fn counterpart(runs: &[diff::LineHunk], own: Range<usize>, count: usize) -> Option<Range<usize>> {
    let within = |at: usize| runs.iter().any(|run| run.old.start < at && at < run.old.end);
    let changed = |line: usize| runs.iter().any(|run| run.old.contains(&line));
    let moved = |at: usize, inserted_before: bool| {
        let before = |run: &&diff::LineHunk| {
            run.old.end < at || (run.old.end == at && (inserted_before || !run.old.is_empty()))
        };
        let last = runs.iter().rev().find(before);
        last.map_or(at, |run| at - run.old.end + run.new.end)
    };
    if within(own.start) || within(own.end) {
        return None;
    }
    if own.is_empty() {
        // A place is told by the line before it or behind it, and only by one that still stands.
        let told = (own.start > 0 && !changed(own.start - 1)) || (own.end < count && !changed(own.end));
        let at = moved(own.start, false);
        return told.then_some(at..at);
    }
    let (start, end) = (moved(own.start, true), moved(own.end, false));
    Some(start..end.max(start))
}

/// What the hunk inserts right before (`true`) or behind its base, if that is all it does. Whatever the person made
/// of those lines, there is still a place beside them.
fn only_inserts_beside(sides: &Three) -> Option<(bool, &str)> {
    let Three { base, theirs, .. } = sides;
    let suffix = theirs.strip_suffix(base.as_str());
    if let Some(text) = suffix.filter(|text| lines::starts_at(theirs, text.len())) {
        return Some((true, text));
    }
    let text = theirs.strip_prefix(base.as_str()).filter(|_| lines::starts_at(theirs, base.len()))?;
    Some((false, text)).filter(|_| lines::is_ended(&sides.yours) || sides.yours.is_empty())
}

/// Whether the hunk only deletes and the person deleted all of that and more.
fn deleted_already(sides: &Three) -> bool {
    let only_deletes = |old: &str, new: &str| {
        if new.is_empty() || new.len() >= old.len() {
            return new.len() < old.len();
        }
        let three = Three { base: old.to_owned(), yours: new.to_owned(), theirs: old.to_owned() };
        let rest = trim(three).sides;
        diff::lines(&rest.base, &rest.yours).iter().all(|run| run.new.is_empty())
    };
    only_deletes(&sides.base, &sides.theirs) && only_deletes(&sides.theirs, &sides.yours)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(base: &str, yours: &str, theirs: &str, state: HunkState, own: &str, after: &str) {
        let three = Three { base: base.into(), yours: yours.into(), theirs: theirs.into() };
        let settled = settle(three);
        let kept = &yours[settled.head..yours.len() - settled.tail];
        assert_eq!((settled.state, kept, settled.after.as_str()), (state, own, after));
        assert_eq!(settled.sides.yours, kept);
    }

    use HunkState::{Conflicted, Obsolete, Pending};

    #[test]
    fn untouched_is_pending() {
        check("a\n", "a\n", "b\n", Pending, "a\n", "b\n");
        check("x\na\ny\n", "x\na\ny\n", "x\nb\ny\n", Pending, "a\n", "b\n");
    }

    #[test]
    fn lines_added_around_are_not_the_hunks() {
        check("a\n", "new\na\n", "b\n", Pending, "a\n", "b\n");
        check("a\n", "a\nnew\n", "b\n", Pending, "a\n", "b\n");
        check("a\nm\nq\n", "1\na\nm\nz\n", "A\nm\nq\n", Pending, "a\n", "A\n");
    }

    #[test]
    fn the_same_change_is_obsolete() {
        check("a\n", "b\n", "b\n", Obsolete, "b\n", "b\n");
        check("a\n", "new\nb\n", "b\n", Obsolete, "b\n", "b\n");
        check("a\nb\nc\n", "a\n", "a\nb\n", Obsolete, "", "b\n");
    }

    #[test]
    fn both_sides_of_a_conflict_are_kept() {
        check("one\n", "two\n", "three\n", Conflicted, "two\n", "three\n");
        check("one\n", "", "three\n", Conflicted, "", "three\n");
    }

    #[test]
    fn a_missing_last_line_ending_is_not_lost() {
        check("a", "a", "b", Pending, "a", "b");
        check("x\na", "x\na", "x\nb", Pending, "a", "b");
        check("a\nx", "a\nx", "b\nx", Pending, "a\n", "b\n");
    }
}
