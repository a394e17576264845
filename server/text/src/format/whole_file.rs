//! Whole files: a path, and the file's text in a fence.
//!
//! The fence is closed by a line of the same fence characters and no others; a text that has such a line itself
//! needs a longer fence around it.

use super::error::EditError;
use super::names::{is_fence, undecorated};
use super::step::{Name, Step};

#[derive(Debug, Default)]
pub(super) struct Parser {
    number: usize,
    talk: Option<String>,
    open: Option<(usize, String, Name, Vec<String>)>,
    files: usize,
}

impl Parser {
    pub(super) fn line(&mut self, line: &str, out: &mut Vec<Step>) -> Result<(), EditError> {
        let number = self.number;
        self.number += 1;
        if let Some((_, fence, ..)) = &self.open
            && line.trim_end() == fence
        {
            if let Some((_, _, path, lines)) = self.open.take() {
                self.files += 1;
                out.push(Step::Whole { path, lines });
            }
            return Ok(());
        }
        if let Some((.., lines)) = &mut self.open {
            lines.push(line.to_owned());
            return Ok(());
        }
        if is_fence(line) {
            let Some(talk) = self.talk.take() else {
                let why = "a fence without a path before it; a text with fences needs a longer one around it";
                return Err(EditError::malformed(number, why));
            };
            let character = if line.starts_with('~') { '~' } else { '`' };
            let fence = line.chars().take_while(|c| *c == character).collect();
            self.open = Some((number, fence, Name::new(undecorated(&talk)), Vec::new()));
        } else if !line.trim().is_empty() {
            self.talk = Some(line.to_owned());
        }
        Ok(())
    }

    pub(super) fn finish(&mut self) -> Result<(), EditError> {
        if let Some((start, ..)) = self.open {
            return Err(EditError::malformed(start, "the fence is not closed; send the whole file again"));
        }
        if self.files == 0 {
            let why = "no file in it; write its path and then its whole text in a fence".to_owned();
            return Err(EditError::Malformed { line: None, why });
        }
        Ok(())
    }
}
