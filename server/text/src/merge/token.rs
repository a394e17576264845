//! Merging below the line, only where both changes are plainly apart.
//!
//! Words that happen to stay in place inside two rewritten lines prove nothing, and somebody who types half of what
//! is proposed must not get it twice. So a region is refused when the changes touch, when one of them rewrites a
//! line that the other changes as well, and when both bring the same new word or line.

use std::collections::HashSet;
use std::ops::Range;

use crate::diff::{is_word, split_tokens, tokens, words};
use crate::edit::{EditList, TextEdit};

/// Regions longer than this (bytes, all sides) are no matter of a few words any more.
const LONGEST_REGION: usize = 256 * 1024;

/// The merged region, or nothing where a person must decide.
pub(super) fn merge(base: &str, ours: &str, theirs: &str) -> Option<String> {
    if base.is_empty() || base.len() + ours.len() + theirs.len() > LONGEST_REGION {
        return None;
    }
    if share_something_new(base, ours, theirs) {
        return None;
    }
    let by_line = combine(base, &words(base, ours), &words(base, theirs))?;
    // Where lines are much alike, tokens can be paired in more than one way; all must come to the same.
    let freely = combine(base, &tokens(base, ours), &tokens(base, theirs))?;
    (by_line == freely).then_some(by_line)
}

/// Whether a merge of whole texts comes to `merged` without any regard to lines.
///
/// The last safeguard of a merge below the line: where a text repeats itself, lines may have been paired with the
/// wrong ones, and then the tokens tell another story.
pub(super) fn confirms(base: &str, ours: &str, theirs: &str, merged: &str) -> bool {
    join(base, &tokens(base, ours), &tokens(base, theirs)).is_some_and(|text| text == merged)
}

/// Both sides' edits together, if they are apart and neither is a rewrite.
fn combine(base: &str, ours: &EditList, theirs: &EditList) -> Option<String> {
    if rewrites_a_shared_line(base, ours.edits(), theirs.edits()) {
        return None;
    }
    join(base, ours, theirs)
}

/// Both sides' edits together, if they are apart or the same.
fn join(base: &str, ours: &EditList, theirs: &EditList) -> Option<String> {
    let mut all: Vec<(bool, &TextEdit)> = ours.edits().iter().map(|edit| (true, edit)).collect();
    all.extend(theirs.edits().iter().map(|edit| (false, edit)));
    all.sort_by_key(|(_, edit)| (edit.range.start, edit.range.end));
    all.dedup_by(|later, earlier| later.0 != earlier.0 && later.1 == earlier.1);
    for pair in all.windows(2) {
        let (before, after) = (pair[0].1, pair[1].1);
        if pair[0].0 != pair[1].0 && !apart(base, before.range.end, after.range.start) {
            return None;
        }
    }
    let edits = all.into_iter().map(|(_, edit)| edit.clone()).collect();
    EditList::new(edits).ok()?.apply(base).ok()
}

/// Whether something stays unchanged between two edits.
fn apart(base: &str, from: usize, to: usize) -> bool {
    from < to && base.get(from..to).is_some()
}

/// Whether both sides add the same word, or the same line.
fn share_something_new(base: &str, ours: &str, theirs: &str) -> bool {
    let lines =
        |text| -> HashSet<&str> { str::lines(text).map(str::trim).filter(|l| !l.is_empty()).collect() };
    let words = |text| -> HashSet<&str> {
        split_tokens(text).into_iter().filter(|token| is_word(token) && token.chars().count() > 1).collect()
    };
    shared_beyond(&lines(base), &lines(ours), &lines(theirs))
        || half_typed(&words(base), &words(ours), &words(theirs))
}

/// Whether a new word of one side is a new word of the other, or its beginning.
fn half_typed(base: &HashSet<&str>, ours: &HashSet<&str>, theirs: &HashSet<&str>) -> bool {
    let begins = |a: &str, b: &str| a == b || (a.chars().count() > 2 && b.starts_with(a));
    let ours = ours.difference(base);
    ours.into_iter().any(|a| theirs.difference(base).any(|b| begins(a, b) || begins(b, a)))
}

fn shared_beyond(base: &HashSet<&str>, ours: &HashSet<&str>, theirs: &HashSet<&str>) -> bool {
    ours.iter().any(|item| theirs.contains(item) && !base.contains(item))
}

/// Whether a base line that both change keeps less than half of its text on one side.
fn rewrites_a_shared_line(base: &str, ours: &[TextEdit], theirs: &[TextEdit]) -> bool {
    let mut start = 0;
    base.split_inclusive('\n').any(|line| {
        let range = start..start + line.len();
        start = range.end;
        let size = solid(line);
        let (lost_ours, lost_theirs) = (lost(base, &range, ours), lost(base, &range, theirs));
        match (lost_ours, lost_theirs) {
            (Some(a), Some(b)) => 2 * a.max(b) > size,
            _ => false,
        }
    })
}

/// How much of a line the edits remove, without blanks; `None` where they leave it alone.
fn lost(base: &str, line: &Range<usize>, edits: &[TextEdit]) -> Option<usize> {
    let mut touched = false;
    let mut lost = 0;
    for edit in edits {
        let (from, to) = (edit.range.start.max(line.start), edit.range.end.min(line.end));
        // An insertion at the line's very start that ends with a line end adds lines before it only.
        let inside = from < to || (edit.range.is_empty() && line.contains(&edit.range.start));
        let before = edit.range.is_empty() && edit.range.start == line.start && edit.text.ends_with('\n');
        if inside && !before {
            touched = true;
            let removed = base.get(from..to).map_or(0, solid);
            lost += removed.saturating_sub(kept_within(base, edit));
        }
    }
    touched.then_some(lost)
}

/// How much of a replaced text the new one begins and ends with: a word that gets a letter more is not rewritten.
fn kept_within(base: &str, edit: &TextEdit) -> usize {
    let Some(old) = base.get(edit.range.clone()) else { return 0 };
    let ahead = old.chars().zip(edit.text.chars()).take_while(|(a, b)| a == b).count();
    let behind = old.chars().rev().zip(edit.text.chars().rev()).take_while(|(a, b)| a == b).count();
    (ahead + behind).min(old.chars().count()).min(edit.text.chars().count())
}

fn solid(text: &str) -> usize {
    text.chars().filter(|c| !c.is_whitespace()).count()
}
