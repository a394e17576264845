//! Hunks as the model writes them.
//!
//! A piece appears as soon as the line that completes it has come. Nothing is placed or checked here: what the
//! patch does is known when it is whole.

use super::error::EditError;
use super::step::{Parser, Step};
use super::{EditFormat, FileChange, Tree};

/// A part of a patch that is complete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// A file that is added or wholly written.
    Add {
        /// The path as written.
        path: String,
        /// Its text, each line ended by `\n`.
        text: String,
    },
    /// A file that is deleted.
    Delete {
        /// The path as written.
        path: String,
    },
    /// A file that is moved.
    Move {
        /// The path before, as written.
        from: String,
        /// The path afterwards, as written.
        to: String,
    },
    /// Lines that are replaced.
    Hunk {
        /// The path as written.
        path: String,
        /// The quoted lines, each ended by `\n`.
        old: String,
        /// The new lines, each ended by `\n`.
        new: String,
    },
    /// The patch cannot be read beyond this point.
    Broken(EditError),
}

/// Reads a patch that comes in parts.
pub struct Stream {
    format: EditFormat,
    parser: Parser,
    text: String,
    /// How much of `text` the parser has seen.
    read: usize,
    broken: bool,
}

impl Stream {
    /// Begins a patch of the given format.
    pub fn new(format: EditFormat) -> Stream {
        Stream { format, parser: Parser::new(format), text: String::new(), read: 0, broken: false }
    }

    /// Takes the next part, cut anywhere, and gives what it completes.
    pub fn push(&mut self, part: &str) -> Vec<Piece> {
        self.text.push_str(part);
        let Some(end) = self.text.rfind('\n').map(|at| at + 1).filter(|end| *end > self.read) else {
            return Vec::new();
        };
        let lines = self.text[self.read..end].to_owned();
        self.read = end;
        self.take(&lines)
    }

    /// The patch is over; gives what its end completes.
    pub fn finish(&mut self) -> Vec<Piece> {
        let ended = self.text.is_empty() || self.text.ends_with('\n');
        let rest = self.text[self.read..].to_owned();
        self.read = self.text.len();
        let mut pieces = self.take(&rest);
        if !self.broken {
            let mut steps = Vec::new();
            let outcome = self.parser.finish(ended, &mut steps);
            pieces.extend(steps.into_iter().map(piece));
            pieces.extend(outcome.err().map(Piece::Broken));
            self.broken = true;
        }
        pieces
    }

    /// Everything that has come so far.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Applies what has come, as [`super::apply`] does.
    pub fn apply(&self, tree: &dyn Tree) -> Result<Vec<FileChange>, EditError> {
        super::apply(self.format, &self.text, tree)
    }

    fn take(&mut self, lines: &str) -> Vec<Piece> {
        let mut steps = Vec::new();
        let mut error = None;
        for line in super::step::patch_lines(lines) {
            if self.broken {
                break;
            }
            if let Err(reason) = self.parser.line(line, &mut steps) {
                self.broken = true;
                error = Some(Piece::Broken(reason));
            }
        }
        steps.into_iter().map(piece).chain(error).collect()
    }
}

fn piece(step: Step) -> Piece {
    let joined = |lines: &[String]| lines.iter().flat_map(|line| [line.as_str(), "\n"]).collect::<String>();
    match step {
        Step::Add { path, lines, .. } | Step::Whole { path, lines } => {
            Piece::Add { path: path.text, text: joined(&lines) }
        }
        Step::Delete { path, .. } => Piece::Delete { path: path.text },
        Step::Move { from, to } => Piece::Move { from: from.text, to: to.text },
        Step::Update { path, chunk } => {
            let (old, new) = (joined(&chunk.block.old), joined(&chunk.block.new));
            Piece::Hunk { path: path.text, old, new }
        }
    }
}
