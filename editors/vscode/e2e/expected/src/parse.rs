//! What a person writes: `3-7`, one-based, both ends meant.

use crate::range::LineRange;

/// Reads `first-last`.
pub fn parse(text: &str) -> Option<LineRange> {
    let (first, last) = text.split_once('-')?;
    let first: usize = first.trim().parse().ok()?;
    let last: usize = last.trim().parse().ok()?;
    Some(LineRange { start: first - 1, end: last })
}
