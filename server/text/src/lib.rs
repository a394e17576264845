//! Pure text: paths, encodings, positions, edits, change sets, diffs, three-way merge, and finding the text that an
//! edit quotes.
//!
//! Everything here is a function of its arguments. This crate never touches disk, clock, process or network, knows
//! no protocol type, and never panics on what it is given: text, patches and bytes may be anything.
//!
//! Two invariants hold throughout. Bytes that no edit touches come out as they went in, line endings and the final
//! newline included. And an edit is placed where it can only mean one place, or refused with a reason: nothing
//! here takes the first of several matches, or overwrites text that the edit did not quote.
#![forbid(unsafe_code)]

pub mod batch;
pub mod change;
pub mod diff;
pub mod edit;
pub mod encoding;
pub mod format;
mod lines;
pub mod locate;
pub mod merge;
pub mod path;
pub mod position;
