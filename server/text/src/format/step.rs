//! What the formats have in common: a patch is read line by line and becomes steps.

use std::ops::Range;

use super::{EditError, EditFormat};
use crate::locate::block::Block;

/// One thing that a patch does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    Add {
        path: Name,
        lines: Vec<String>,
        /// Whether a file that exists is replaced, rather than the patch refused.
        overwrite: bool,
        /// Whether the last line has no ending.
        unended: bool,
    },
    Delete {
        path: Name,
        /// The whole text that the patch quotes, where the format does.
        quoted: Option<Block>,
    },
    Update {
        path: Name,
        chunk: Chunk,
    },
    Move {
        from: Name,
        to: Name,
    },
    Whole {
        path: Name,
        lines: Vec<String>,
    },
}

/// A path as the patch writes it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Name {
    pub(super) text: String,
    /// What else may be meant if there is no such file.
    pub(super) otherwise: Vec<String>,
}

impl Name {
    pub(super) fn new(text: impl Into<String>) -> Name {
        Name { text: text.into(), otherwise: Vec::new() }
    }
}

/// One edit within a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Chunk {
    pub(super) block: Block,
    /// Other ways to read it, where a line of the text looks like a marker of the format.
    pub(super) readings: Vec<Block>,
    /// Lines that the edit is said to come after, outermost first.
    pub(super) anchors: Vec<String>,
    /// The line, zero-based, at which it is said to be.
    pub(super) hint: Option<usize>,
    /// Whether it begins a section of the patch: the file is read anew, as the sections before left it.
    pub(super) anew: bool,
    /// Whether it is said to end with the file.
    pub(super) at_end: bool,
    /// Exactly these lines, zero-based; whatever they are.
    pub(super) lines: Option<Range<usize>>,
    /// Whether the patch may end in the middle of it, unless it stands at the end of the file.
    pub(super) may_be_cut: bool,
    /// Line of the patch, zero-based, at which it begins.
    pub(super) patch_line: usize,
}

/// Reads one of the formats.
pub(super) enum Parser {
    SearchReplace(super::search_replace::Parser),
    ApplyPatch(super::apply_patch::Parser),
    Unified(super::unified::Parser),
    WholeFile(super::whole_file::Parser),
    LineRange(super::line_range::Parser),
}

impl Parser {
    pub(super) fn new(format: EditFormat) -> Parser {
        match format {
            EditFormat::SearchReplace => Parser::SearchReplace(Default::default()),
            EditFormat::ApplyPatch => Parser::ApplyPatch(Default::default()),
            EditFormat::Unified => Parser::Unified(Default::default()),
            EditFormat::WholeFile => Parser::WholeFile(Default::default()),
            EditFormat::LineRange => Parser::LineRange(Default::default()),
        }
    }

    /// Takes the next line, without its ending; what it completes goes to `out`.
    pub(super) fn line(&mut self, line: &str, out: &mut Vec<Step>) -> Result<(), EditError> {
        match self {
            Parser::SearchReplace(parser) => parser.line(line, out),
            Parser::ApplyPatch(parser) => parser.line(line, out),
            Parser::Unified(parser) => parser.line(line, out),
            Parser::WholeFile(parser) => parser.line(line, out),
            Parser::LineRange(parser) => parser.line(line, out),
        }
    }

    /// The patch is over.
    ///
    /// `ended` says whether its last line was ended, or may have been cut off.
    pub(super) fn finish(&mut self, ended: bool, out: &mut Vec<Step>) -> Result<(), EditError> {
        match self {
            Parser::SearchReplace(parser) => parser.finish(),
            Parser::ApplyPatch(parser) => parser.finish(),
            Parser::Unified(parser) => parser.finish(ended, out),
            Parser::WholeFile(parser) => parser.finish(),
            Parser::LineRange(parser) => parser.finish(),
        }
    }
}

/// The lines of a patch, cut at `\n`; a `\r` before it belongs to the ending, any other to the line.
pub(super) fn patch_lines(patch: &str) -> impl Iterator<Item = &str> {
    let patch = patch.strip_prefix('\u{feff}').unwrap_or(patch);
    patch.split_inclusive('\n').map(|line| {
        let line = line.strip_suffix('\n').unwrap_or(line);
        line.strip_suffix('\r').unwrap_or(line)
    })
}
