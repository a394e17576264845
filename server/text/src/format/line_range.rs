//! Replacements of numbered lines.
//!
//! Numbers are right only for the very text that was shown with them. Where the edit also quotes the old lines, the
//! numbers are a hint and the quoted text decides.

use super::error::EditError;
use super::names::{is_fence, undecorated};
use super::search_replace::marker;
use super::step::{Chunk, Name, Step};
use crate::locate::block::Block;

#[derive(Debug, Default)]
pub(super) struct Parser {
    number: usize,
    talk: Option<String>,
    file: Option<String>,
    open: Option<Open>,
    edits: usize,
}

#[derive(Debug)]
struct Open {
    start: usize,
    path: Name,
    lines: std::ops::Range<usize>,
    old: Option<Vec<String>>,
    new: Vec<String>,
}

impl Parser {
    pub(super) fn line(&mut self, line: &str, out: &mut Vec<Step>) -> Result<(), EditError> {
        let number = self.number;
        self.number += 1;
        let Some(open) = &mut self.open else {
            if line.starts_with("<<<<<") {
                self.begin(number, line)?;
            } else if !line.trim().is_empty() && !is_fence(line) {
                self.talk = Some(line.to_owned());
            }
            return Ok(());
        };
        if marker(line, '>', &["REPLACE"]).is_some() {
            if let Some(open) = self.open.take() {
                self.edits += 1;
                out.push(open.close());
            }
        } else if marker(line, '=', &[]).is_some() && open.old.is_none() {
            open.old = Some(std::mem::take(&mut open.new));
        } else {
            open.new.push(line.to_owned());
        }
        Ok(())
    }

    fn begin(&mut self, number: usize, line: &str) -> Result<(), EditError> {
        let numbers = line.trim_start_matches('<').trim().strip_prefix("LINES").map(str::trim);
        let Some(lines) = numbers.and_then(parse_range) else {
            return Err(EditError::malformed(
                number,
                "write `<<<<<<< LINES first-last`, one-based and inclusive",
            ));
        };
        if let Some(talk) = self.talk.take() {
            self.file = Some(undecorated(&talk).to_owned());
        }
        let Some(file) = self.file.clone() else {
            return Err(EditError::malformed(number, "write the file's path in the line before"));
        };
        self.open = Some(Open { start: number, path: Name::new(file), lines, old: None, new: Vec::new() });
        Ok(())
    }

    pub(super) fn finish(&mut self) -> Result<(), EditError> {
        if let Some(open) = &self.open {
            let why = "the edit is not ended by `>>>>>>> REPLACE`; send it again";
            return Err(EditError::malformed(open.start, why));
        }
        if self.edits == 0 {
            let why =
                "no edit in it; write a path, `<<<<<<< LINES first-last`, the new lines, `>>>>>>> REPLACE`";
            return Err(EditError::Malformed { line: None, why: why.to_owned() });
        }
        Ok(())
    }
}

impl Open {
    fn close(self) -> Step {
        let old = self.old.unwrap_or_default();
        let chunk = Chunk {
            hint: Some(self.lines.start),
            lines: old.is_empty().then_some(self.lines),
            block: Block { old, new: self.new, ..Block::default() },
            patch_line: self.start,
            ..Chunk::default()
        };
        Step::Update { path: self.path, chunk }
    }
}

/// `3-5` as zero-based and half-open; `5-4` is the empty range before line 5.
fn parse_range(text: &str) -> Option<std::ops::Range<usize>> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last): (usize, usize) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
    (first >= 1 && last + 1 >= first).then(|| first - 1..last)
}
