//! The loosest matches: quoted text with parts left out, with blank lines forgotten, or with a line of context from
//! an older version.
//!
//! Here the quoted lines are not all in the file, so the rest must be plenty and in one place only; and every line
//! that the edit replaces must be there as quoted.

mod blank;
mod elided;
mod stale;

pub(crate) use blank::{blank_lines, side_of_gap};
pub(crate) use elided::{elided, is_about_omission, is_elision};
pub(crate) use stale::stale_context;

use super::block::Block;
use super::ladder::{Level, Placed};
use super::rewrite::{Alignment, rewrite};
use super::text_lines::TextLines;
use super::{How, LocateError, nearest, rival};

/// A place, a refusal, or nothing to say.
type Outcome = Option<Result<Placed, LocateError>>;

/// What has to match at least, as [`super::block::weight`] counts.
const LEAST_WEIGHT: usize = 12;

/// All of these compare lines but for trailing blanks.
const LEVEL: Level = Level::TrailingBlanks;

fn finish(
    text: &TextLines<'_>,
    block: &Block,
    lines: Vec<Option<usize>>,
    how: How,
) -> Result<Placed, LocateError> {
    let first = lines.iter().flatten().next().copied().unwrap_or(0);
    let last = lines.iter().flatten().next_back().copied().unwrap_or(0);
    let place = first..last + 1;
    let rival = match how {
        // Every line that says something is there; only what stands exactly elsewhere can compete.
        How::BlankLines => rival::exact_elsewhere(text, &block.old, &place),
        _ => rival::alike_elsewhere(text, &block.old, &place),
    };
    match rewrite(text, block, &Alignment { lines, level: LEVEL }) {
        _ if rival => Err(LocateError::NotFound { nearest: nearest::find(text, &block.old) }),
        Some(found) if found.repeats_neighbours => Err(LocateError::AlreadyApplied { line: first }),
        Some(found) => Ok(Placed { lines: first..last + 1, edits: found.edits, how }),
        None => Err(LocateError::NotFound { nearest: nearest::at(text, first..last + 1) }),
    }
}
