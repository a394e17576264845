//! The envelope of sections that add, delete, update and move files (`*** Begin Patch`).
//!
//! Headers may be indented or followed by blanks. In an update, `@@` begins a chunk and may name a line that the
//! chunk comes after; several in a row name places one inside the other. Text outside the envelope is talk.

use super::error::EditError;
use super::step::{Chunk, Name, Step};

#[derive(Debug, Default)]
pub(super) struct Parser {
    number: usize,
    state: State,
    sections: usize,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Before,
    Between,
    Adding {
        path: Name,
        lines: Vec<String>,
        /// Blank lines without a `+`, which count only if another line of the file follows.
        blank: usize,
    },
    Updating(Box<Update>),
    After,
}

#[derive(Debug)]
struct Update {
    start: usize,
    path: Name,
    to: Option<Name>,
    chunk: Option<Chunk>,
    chunks: usize,
}

enum Header<'a> {
    Begin,
    End,
    Add(&'a str),
    Delete(&'a str),
    Update(&'a str),
    Move(&'a str),
    EndOfFile,
}

fn header(line: &str) -> Option<Header<'_>> {
    let line = line.trim();
    let rest = line.strip_prefix("*** ")?;
    let named = |word: &str| rest.strip_prefix(word).map(str::trim);
    match rest {
        "Begin Patch" => return Some(Header::Begin),
        "End Patch" => return Some(Header::End),
        "End of File" => return Some(Header::EndOfFile),
        _ => {}
    }
    (named("Add File:").map(Header::Add))
        .or_else(|| named("Delete File:").map(Header::Delete))
        .or_else(|| named("Update File:").map(Header::Update))
        .or_else(|| named("Move to:").map(Header::Move))
}

impl Parser {
    pub(super) fn line(&mut self, line: &str, out: &mut Vec<Step>) -> Result<(), EditError> {
        let number = self.number;
        self.number += 1;
        match (&mut self.state, header(line)) {
            (State::Before, Some(Header::Begin)) => self.state = State::Between,
            (State::Before | State::After, _) => {}
            (_, Some(Header::Begin)) => {
                return Err(EditError::malformed(
                    number,
                    "a second `*** Begin Patch`; send one patch at a time",
                ));
            }
            (State::Updating(update), Some(Header::EndOfFile)) => match &mut update.chunk {
                Some(chunk) => chunk.at_end = true,
                None => {
                    return Err(EditError::malformed(number, "`*** End of File` without lines before it"));
                }
            },
            (State::Updating(update), Some(Header::Move(to)))
                if update.chunk.is_none() && update.to.is_none() =>
            {
                update.to = Some(Name::new(to));
            }
            (_, Some(Header::Move(_) | Header::EndOfFile)) => {
                return Err(EditError::malformed(number, "this line belongs into an update of a file"));
            }
            (_, Some(next)) => {
                self.close(number, out)?;
                self.open(number, next, out);
            }
            (State::Adding { lines, blank, .. }, None) => match line.strip_prefix('+') {
                Some(line) => {
                    lines.extend(std::iter::repeat_n(String::new(), std::mem::take(blank)));
                    lines.push(line.to_owned());
                }
                None if line.trim().is_empty() => *blank += 1,
                None => {
                    return Err(EditError::malformed(number, "every line of an added file begins with `+`"));
                }
            },
            (State::Updating(update), None) => update.line(number, line, out)?,
            (State::Between, None) if line.trim().is_empty() => {}
            (State::Between, None) => {
                let why = "expected `*** Add File: `, `*** Delete File: ` or `*** Update File: ` and a path";
                return Err(EditError::malformed(number, why));
            }
        }
        Ok(())
    }

    pub(super) fn finish(&mut self) -> Result<(), EditError> {
        let why = match self.state {
            State::After if self.sections > 0 => return Ok(()),
            State::After => "the patch has no section; name the files it adds, deletes or updates",
            State::Before => "no patch in it; it begins with `*** Begin Patch`",
            _ => "the patch is not ended by `*** End Patch`; send the whole patch again",
        };
        Err(EditError::Malformed { line: None, why: why.to_owned() })
    }

    /// Begins what a header announces.
    fn open(&mut self, number: usize, header: Header<'_>, out: &mut Vec<Step>) {
        self.sections += 1;
        self.state = match header {
            Header::Add(path) => State::Adding { path: Name::new(path), lines: Vec::new(), blank: 0 },
            Header::Update(path) => State::Updating(Box::new(Update {
                start: number,
                path: Name::new(path),
                to: None,
                chunk: None,
                chunks: 0,
            })),
            Header::Delete(path) => {
                out.push(Step::Delete { path: Name::new(path), quoted: None });
                State::Between
            }
            Header::End => {
                self.sections -= 1;
                State::After
            }
            Header::Begin | Header::Move(_) | Header::EndOfFile => State::Between,
        };
    }

    /// Ends the section at hand.
    fn close(&mut self, number: usize, out: &mut Vec<Step>) -> Result<(), EditError> {
        match std::mem::take(&mut self.state) {
            State::Adding { path, lines, .. } => {
                out.push(Step::Add { path, lines, overwrite: true, unended: false })
            }
            State::Updating(mut update) => {
                update.end_chunk(number, out)?;
                if update.chunks == 0 && update.to.is_none() {
                    return Err(EditError::malformed(update.start, "the update of this file has no lines"));
                }
                if let Some(to) = update.to {
                    out.push(Step::Move { from: update.path, to });
                }
            }
            State::Before | State::Between | State::After => {}
        }
        Ok(())
    }
}

impl Update {
    fn line(&mut self, number: usize, line: &str, out: &mut Vec<Step>) -> Result<(), EditError> {
        if let Some(anchor) = line.strip_prefix("@@") {
            let only_anchors = self.chunk.as_ref().is_some_and(|chunk| {
                chunk.block.old.is_empty() && chunk.block.new.is_empty() && !chunk.anchors.is_empty()
            });
            if !only_anchors {
                self.end_chunk(number, out)?;
            }
            let chunk = self.chunk.get_or_insert_with(|| Chunk { patch_line: number, ..Chunk::default() });
            add_anchor(chunk, anchor.trim());
            return Ok(());
        }
        let blank = line.trim().is_empty();
        if self.chunk.is_none() && blank {
            return Ok(());
        }
        let block =
            &mut self.chunk.get_or_insert_with(|| Chunk { patch_line: number, ..Chunk::default() }).block;
        match (line.chars().next(), line.get(1..)) {
            (Some(' '), Some(rest)) => {
                block.old.push(rest.to_owned());
                block.new.push(rest.to_owned());
            }
            (Some('-'), Some(rest)) => {
                block.removed.push(block.old.len());
                block.old.push(rest.to_owned());
            }
            (Some('+'), Some(rest)) => block.new.push(rest.to_owned()),
            _ if blank => {
                block.old.push(String::new());
                block.new.push(String::new());
            }
            _ => {
                let why =
                    "a line of an update begins with a blank (kept), `-` (removed), `+` (added) or `@@`";
                return Err(EditError::malformed(number, why));
            }
        }
        Ok(())
    }

    fn end_chunk(&mut self, number: usize, out: &mut Vec<Step>) -> Result<(), EditError> {
        let Some(chunk) = self.chunk.take() else { return Ok(()) };
        if chunk.block.old.is_empty() && chunk.block.new.is_empty() {
            return Err(EditError::malformed(number, "the chunk before this line has no lines"));
        }
        self.chunks += 1;
        let chunk = Chunk { anew: self.chunks == 1, ..chunk };
        out.push(Step::Update { path: self.path.clone(), chunk });
        Ok(())
    }
}

/// What stands after `@@`: a line to look for, or the line numbers of a unified diff, which are a hint.
fn add_anchor(chunk: &mut Chunk, anchor: &str) {
    if let Some(hint) = super::unified::old_start(anchor) {
        chunk.hint = Some(hint);
        return;
    }
    let anchor = anchor.strip_suffix("@@").unwrap_or(anchor).trim();
    if !anchor.is_empty() && anchor != "..." {
        chunk.anchors.push(anchor.to_owned());
    }
}
