//! Search-and-replace blocks.
//!
//! The marker lines are runs of five to nine `<`, `=` and `>`; those of one block have the same length. Everything
//! outside blocks is talk, except that the last line before a block names its file. A block without such a line
//! belongs to the file of the block before it.

use super::error::EditError;
use super::names::{is_fence, looks_like_path, undecorated};
use super::step::{Chunk, Name, Step};
use crate::locate::block::Block;

/// More readings of one block than this are not tried.
const MOST_READINGS: usize = 8;

#[derive(Debug, Default)]
pub(super) struct Parser {
    number: usize,
    /// The last line of talk, not blank and no fence, since the last block.
    talk: Option<String>,
    /// The file of the last block.
    file: Option<String>,
    open: Option<Open>,
    blocks: usize,
}

#[derive(Debug)]
struct Open {
    start: usize,
    width: usize,
    path: Name,
    lines: Vec<String>,
    dividers: Vec<usize>,
}

impl Parser {
    pub(super) fn line(&mut self, line: &str, out: &mut Vec<Step>) -> Result<(), EditError> {
        let number = self.number;
        self.number += 1;
        let Some(open) = &mut self.open else {
            if let Some(width) = marker(line, '<', &["SEARCH", "ORIGINAL"]) {
                let path = self.path(number)?;
                self.open =
                    Some(Open { start: number, width, path, lines: Vec::new(), dividers: Vec::new() });
            } else if !line.trim().is_empty() && !is_fence(line) {
                self.talk = Some(line.to_owned());
            }
            return Ok(());
        };
        if marker(line, '>', &["REPLACE", "UPDATED"]).is_some() {
            let Some(open) = self.open.take() else { return Ok(()) };
            self.blocks += 1;
            out.push(close(open)?);
            return Ok(());
        }
        if marker(line, '<', &["SEARCH", "ORIGINAL"]).is_some() {
            let why = "a block begins before `>>>>>>> REPLACE` ended the one before it";
            return Err(EditError::malformed(number, why));
        }
        if marker(line, '=', &[]).is_some() {
            open.dividers.push(open.lines.len());
        }
        open.lines.push(line.to_owned());
        Ok(())
    }

    pub(super) fn finish(&mut self) -> Result<(), EditError> {
        if let Some(open) = &self.open {
            let why = "the block is not ended by `>>>>>>> REPLACE`; send the whole edit again";
            return Err(EditError::malformed(open.start, why));
        }
        if self.blocks == 0 {
            let why =
                "no edit in it; write the file's path, `<<<<<<< SEARCH`, the lines to replace, `=======`, \
                       the new lines, `>>>>>>> REPLACE`"
                    .to_owned();
            return Err(EditError::Malformed { line: None, why });
        }
        Ok(())
    }

    /// The file that a block beginning here is about.
    fn path(&mut self, number: usize) -> Result<Name, EditError> {
        let before = self.file.clone();
        let name = match (self.talk.take(), before) {
            (Some(talk), before) => {
                let text = undecorated(&talk).to_owned();
                let otherwise = before.filter(|_| !looks_like_path(&text)).into_iter().collect();
                Name { text, otherwise }
            }
            (None, Some(before)) => Name::new(before),
            (None, None) => {
                return Err(EditError::malformed(
                    number,
                    "write the file's path in the line before the block",
                ));
            }
        };
        // Talk between two blocks of one file does not become the file of a third.
        self.file = Some(name.otherwise.first().unwrap_or(&name.text).clone());
        Ok(name)
    }
}

/// The width of a marker line: a run of one character, then one of the words.
pub(super) fn marker(line: &str, character: char, words: &[&str]) -> Option<usize> {
    let rest = line.trim_start_matches(character);
    let width = line.len() - rest.len();
    let rest = rest.trim();
    let word = rest.trim_end_matches(':');
    let named = if words.is_empty() { rest.is_empty() } else { words.contains(&word) };
    ((5..=9).contains(&width) && named).then_some(width)
}

fn close(open: Open) -> Result<Step, EditError> {
    let own_width = |at: &usize| open.lines[*at].trim_end().len() == open.width;
    let own: Vec<usize> = open.dividers.iter().copied().filter(own_width).collect();
    let dividers = if own.is_empty() { &open.dividers } else { &own };
    let mut readings = dividers.iter().take(MOST_READINGS).map(|at| Block {
        old: open.lines[..*at].to_vec(),
        new: open.lines[at + 1..].to_vec(),
        ..Block::default()
    });
    let Some(block) = readings.next() else {
        return Err(EditError::malformed(open.start, "the block has no `=======` between old and new lines"));
    };
    let readings = readings.collect();
    let chunk = Chunk { block, readings, patch_line: open.start, ..Chunk::default() };
    Ok(Step::Update { path: open.path, chunk })
}
