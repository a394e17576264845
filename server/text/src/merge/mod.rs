//! Three-way merge: by line as git does it, and by token where lines alone would conflict.
//!
//! Where git merges cleanly the outcome is git's. Where it conflicts, the two changes may still be apart within the
//! region: the token merge takes them both only if they change different words with something unchanged between
//! them, and if neither looks like a part of the other. All else is a [`Conflict`] with all three sides, in the
//! text as diff3 markers. The caller can tell from [`Merge::token_ranges`] what was merged below the line.

mod region;
mod token;

use std::ops::Range;

use region::{Region, Side};

/// The outcome of a merge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merge {
    /// The merged text; conflicts stand in it between markers.
    pub text: String,
    /// What could not be merged, in the order of the text.
    pub conflicts: Vec<Conflict>,
    /// How many regions were merged by token, where lines alone would have conflicted.
    pub by_token: usize,
    /// These regions, as byte ranges of `text`.
    pub token_ranges: Vec<Range<usize>>,
}

/// A region that both sides changed differently.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// The bytes of [`Merge::text`] from the first marker to the end of the last.
    pub range: Range<usize>,
    /// What the base has there; whole lines.
    pub base: String,
    /// What our side has there.
    pub ours: String,
    /// What their side has there.
    pub theirs: String,
}

impl Merge {
    /// Whether nothing is left to decide.
    pub fn is_clean(&self) -> bool {
        self.conflicts.is_empty()
    }

    fn clean(text: &str) -> Merge {
        Merge { text: text.to_owned(), conflicts: Vec::new(), by_token: 0, token_ranges: Vec::new() }
    }
}

/// Merges the changes from `base` to `ours` and from `base` to `theirs`.
pub fn merge(base: &str, ours: &str, theirs: &str) -> Merge {
    if ours == theirs || theirs == base {
        return Merge::clean(ours);
    }
    if ours == base {
        return Merge::clean(theirs);
    }
    let sides = Sides {
        base: crate::lines::split_lf(base),
        ours: crate::lines::split_lf(ours),
        theirs: crate::lines::split_lf(theirs),
    };
    let regions =
        region::find(&sides, &crate::diff::git_lines(base, ours), &crate::diff::git_lines(base, theirs));
    let merged = write(&sides, &regions, ours, true);
    let doubtful =
        merged.by_token > 0 && merged.is_clean() && !token::confirms(base, ours, theirs, &merged.text);
    if doubtful { write(&sides, &regions, ours, false) } else { merged }
}

/// The merged text, region by region; `tokens` allows merging below the line.
fn write(sides: &Sides<'_>, regions: &[Region], ours: &str, tokens: bool) -> Merge {
    let ending = crate::encoding::dominant_line_ending(ours).as_str();
    let mut merge = Merge::clean("");
    let mut done = 0;
    for region in regions {
        // What no region covers is the same on both sides as far as they still follow the base; identical
        // changes of both are among it, so it is taken from ours.
        merge.text.push_str(&sides.ours[done..region.ours.start].concat());
        write_region(&mut merge, sides, region, ending, tokens);
        done = region.ours.end;
    }
    merge.text.push_str(&sides.ours[done..].concat());
    merge
}

struct Sides<'a> {
    base: Vec<&'a str>,
    ours: Vec<&'a str>,
    theirs: Vec<&'a str>,
}

fn write_region(merge: &mut Merge, sides: &Sides<'_>, region: &Region, ending: &str, tokens: bool) {
    let ours = sides.ours[region.ours.clone()].concat();
    let theirs = sides.theirs[region.theirs.clone()].concat();
    match region.side {
        Side::Ours => return merge.text.push_str(&ours),
        Side::Theirs => return merge.text.push_str(&theirs),
        Side::Both if ours == theirs => return merge.text.push_str(&ours),
        Side::Both => {}
    }
    let base = sides.base[region.base.clone()].concat();
    let start = merge.text.len();
    let tokens = tokens && !region.ambiguous;
    if let Some(text) = token::merge(&base, &ours, &theirs).filter(|_| tokens) {
        merge.text.push_str(&text);
        merge.by_token += 1;
        merge.token_ranges.push(start..merge.text.len());
        return;
    }
    for (marker, lines) in [("<<<<<<< ours", &ours), ("||||||| base", &base), ("=======", &theirs)] {
        merge.text.push_str(marker);
        merge.text.push_str(ending);
        merge.text.push_str(lines);
        if !lines.is_empty() && !lines.ends_with('\n') {
            merge.text.push_str(ending);
        }
    }
    merge.text.push_str(">>>>>>> theirs");
    merge.text.push_str(ending);
    merge.conflicts.push(Conflict { range: start..merge.text.len(), base, ours, theirs });
}

#[cfg(test)]
mod tests;
