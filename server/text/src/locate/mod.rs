//! Finding the text that an edit quotes, and replacing it.
//!
//! Models quote from memory: blanks are lost, indentation shifts, quotes turn typographic, context is an hour old.
//! The search goes from exact to loose and takes a loose match only when it is the only one and the evidence is
//! strong; otherwise it says what is there instead, so that the model can quote again. Whatever matched, lines that
//! the edit does not change stay as the file has them.

pub(crate) mod block;
mod fold;
mod indent;
pub(crate) mod ladder;
pub(crate) mod loose;
pub(crate) mod marks;
mod nearest;
mod replace;
mod rewrite;
mod rival;
pub(crate) mod text_lines;

use std::fmt;
use std::ops::Range;

pub use replace::{Replaced, replace};

use block::Block;
use ladder::Scope;
use text_lines::TextLines;

/// Quoted text to be found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Query<'a> {
    /// The text as it was quoted.
    pub old: &'a str,
    /// The line, zero-based, at which it is supposed to begin; settles only which of several equal places is meant.
    pub near: Option<usize>,
}

/// Where quoted text was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placement {
    /// Its bytes in the text, half-open, without the ending of the last line unless that was quoted exactly.
    pub range: Range<usize>,
    /// How it matched.
    pub how: How,
}

/// How quoted text matched; from exact to loose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum How {
    /// Character by character.
    Exact,
    /// But for line endings.
    LineEndings,
    /// But for blanks at line ends.
    TrailingBlanks,
    /// But for indentation.
    Indentation,
    /// But for typographic quotes, dashes and blanks, or how accented letters are composed.
    Typography,
    /// But for the amount of blanks between words.
    InnerBlanks,
    /// After undoing one escaping too many.
    Escapes,
    /// After taking line numbers, diff marks or a fence off the quoted lines.
    Marks,
    /// In pieces, with the text between them left out.
    Elided,
    /// But for blank lines.
    BlankLines,
    /// But for a line of context from an older version.
    StaleContext,
}

impl fmt::Display for How {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            How::Exact => "exact",
            How::LineEndings => "exact but for line endings",
            How::TrailingBlanks => "exact but for trailing blanks",
            How::Indentation => "exact but for indentation",
            How::Typography => "exact but for typographic characters",
            How::InnerBlanks => "exact but for the amount of blanks",
            How::Escapes => "exact after undoing escapes",
            How::Marks => "exact after taking marks off its lines",
            How::Elided => "in pieces around an elision",
            How::BlankLines => "exact but for blank lines",
            How::StaleContext => "exact but for a line of context",
        })
    }
}

/// A place that looks like text that was not found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nearest {
    /// Its first line, zero-based.
    pub line: usize,
    /// Its lines as the file has them.
    pub text: String,
}

/// Why quoted text has no place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LocateError {
    /// It is not there.
    #[error("the quoted text is not in the file{}", shown(nearest))]
    NotFound {
        /// What looks most like it.
        nearest: Vec<Nearest>,
    },
    /// It is there more than once.
    #[error("the quoted text is in the file {} times, at lines {}; quote more lines around the one you mean", places.len(), numbers(places))]
    Ambiguous {
        /// The lines, zero-based, at which it begins.
        places: Vec<usize>,
    },
    /// What was to replace it is there already.
    #[error("the edit is already in the file, at line {}; nothing is left to do for it", line + 1)]
    AlreadyApplied {
        /// The line, zero-based, at which the replacement stands.
        line: usize,
    },
    /// Nothing was quoted.
    #[error("the quoted text is empty or blank; quote the lines that are to be replaced")]
    Empty,
}

impl LocateError {
    /// The kind of error, one word: `not_found`, `ambiguous` or `empty`.
    pub fn kind(&self) -> &'static str {
        match self {
            LocateError::NotFound { .. } | LocateError::AlreadyApplied { .. } => "not_found",
            LocateError::Ambiguous { .. } => "ambiguous",
            LocateError::Empty => "empty",
        }
    }
}

fn shown(nearest: &[Nearest]) -> String {
    let mut out = match nearest {
        [] => return "; read the file and quote it as it is".to_owned(),
        _ => String::from("; quote it as it is. Nearest:"),
    };
    for place in nearest {
        for (at, line) in place.text.lines().enumerate() {
            out.push_str(&format!("\n{:>5} | {line}", place.line + at + 1));
        }
        out.push('\n');
    }
    out.truncate(out.trim_end().len());
    out
}

fn numbers(lines: &[usize]) -> String {
    let shown: Vec<String> = lines.iter().take(8).map(|line| (line + 1).to_string()).collect();
    let more = if lines.len() > 8 { ", …" } else { "" };
    shown.join(", ") + more
}

/// What looks most like lines that were not found.
pub(crate) fn nearest_to(text: &TextLines<'_>, old: &[String]) -> Vec<Nearest> {
    nearest::find(text, old)
}

/// Finds quoted text in a text.
pub fn locate(text: &str, query: &Query<'_>) -> Result<Placement, LocateError> {
    if query.old.trim().is_empty() {
        return Err(LocateError::Empty);
    }
    let lines = TextLines::new(text);
    if let Some((range, how)) = replace::by_characters(text, &lines, query.old, query.near)? {
        return Ok(Placement { range, how });
    }
    let scope = Scope { near: query.near, ..Scope::anywhere() };
    let placed = ladder::place(&lines, &Block::new(query.old, query.old), &scope)?;
    Ok(Placement { range: lines.bytes(placed.lines), how: placed.how })
}

#[cfg(test)]
mod tests;
