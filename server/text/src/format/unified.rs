//! Unified diffs, git's and those that models write.
//!
//! Counts in hunk headers are ignored, for models miscount; line numbers are a hint. A new file header inside a hunk
//! is told from removed lines by the shape of three lines in a row. `\ No newline at end of file` is honoured.

use super::error::EditError;
use super::step::{Chunk, Name, Step};
use crate::locate::block::Block;

#[derive(Debug, Default)]
pub(super) struct Parser {
    number: usize,
    /// Lines that may turn out to be a file header, with their numbers.
    held: Vec<(usize, String)>,
    section: Section,
    hunk: Option<Hunk>,
    files: usize,
    /// Whether a hunk was ended by text that cannot be part of a diff.
    talk: bool,
}

#[derive(Debug, Default)]
struct Section {
    old: Option<String>,
    new: Option<String>,
    rename_from: Option<String>,
    rename_to: Option<String>,
    /// The path in a `diff --git` line, for files that have no other header because they are empty.
    git: Option<String>,
    created: bool,
    deleted: bool,
    added: Vec<String>,
    unended: bool,
}

#[derive(Debug, Default)]
struct Hunk {
    start: usize,
    hint: Option<usize>,
    /// Lines of the header's counts that are still to come; zero for both when it has none.
    left: (usize, usize),
    counted: bool,
    block: Block,
    /// Blank lines without a prefix, which count only if other lines of the hunk follow.
    blank: usize,
    last: char,
    old_unended: bool,
    new_unended: bool,
    may_be_cut: bool,
}

const NULL: &str = "/dev/null";

impl Parser {
    pub(super) fn line(&mut self, line: &str, out: &mut Vec<Step>) -> Result<(), EditError> {
        let number = self.number;
        self.number += 1;
        let fits = match self.held.len() {
            0 => line.starts_with("--- "),
            1 => line.starts_with("+++ "),
            _ => line.starts_with("@@"),
        };
        if self.held.len() == 2 && fits {
            self.file_header(out)?;
            return self.plain(number, line, out);
        }
        if fits {
            self.held.push((number, line.to_owned()));
            return Ok(());
        }
        self.release(out)?;
        if line.starts_with("--- ") {
            self.held.push((number, line.to_owned()));
            return Ok(());
        }
        self.plain(number, line, out)
    }

    pub(super) fn finish(&mut self, ended: bool, out: &mut Vec<Step>) -> Result<(), EditError> {
        if self.held.len() == 2 && self.hunk.is_none() {
            self.file_header(out)?;
        }
        self.release(out)?;
        if let Some(hunk) = &mut self.hunk {
            if !ended && hunk.counted && hunk.left != (0, 0) {
                let why = "the patch ends in the middle of this hunk; send the whole patch again";
                return Err(EditError::malformed(hunk.start, why));
            }
            hunk.may_be_cut = hunk.looks_cut();
        }
        self.end_section(out)?;
        if self.files == 0 {
            let why = "no diff in it; it begins with `--- a/path`, `+++ b/path` and `@@`".to_owned();
            return Err(EditError::Malformed { line: None, why });
        }
        Ok(())
    }

    /// The held lines are no header after all.
    fn release(&mut self, out: &mut Vec<Step>) -> Result<(), EditError> {
        for (number, line) in std::mem::take(&mut self.held) {
            self.plain(number, &line, out)?;
        }
        Ok(())
    }

    fn file_header(&mut self, out: &mut Vec<Step>) -> Result<(), EditError> {
        let held = std::mem::take(&mut self.held);
        // Renames stand before the header and belong to the same section.
        if self.section.old.is_some() || self.hunk.is_some() {
            self.end_section(out)?;
        }
        let mut names = held.iter().map(|(_, line)| header_name(&line[4..]));
        self.section.old = names.next();
        self.section.new = names.next();
        self.files += 1;
        Ok(())
    }

    fn plain(&mut self, number: usize, line: &str, out: &mut Vec<Step>) -> Result<(), EditError> {
        if line.starts_with("diff ") {
            self.end_section(out)?;
            self.section.git = line.split_once(" b/").map(|(_, path)| path.to_owned());
            return Ok(());
        }
        if line.starts_with("@@") {
            self.end_hunk(out)?;
            if self.section.old.is_none() {
                return Err(EditError::malformed(number, "a hunk before `--- a/path` and `+++ b/path`"));
            }
            self.hunk = Some(Hunk::new(number, line));
            self.talk = false;
            return Ok(());
        }
        if let Some(hunk) = &mut self.hunk {
            if hunk.take(number, line)? {
                return Ok(());
            }
            self.talk = true;
            return self.end_hunk(out);
        }
        if !self.talk && line.starts_with(['+', '-']) && !line.starts_with("---") && !line.starts_with("+++")
        {
            return Err(EditError::malformed(
                number,
                "a changed line outside a hunk; begin the hunk with `@@`",
            ));
        }
        if line.starts_with("GIT binary patch") || line.starts_with("copy from ") {
            return Err(EditError::malformed(number, "binary patches and copies are not supported"));
        }
        self.section.created |= line.starts_with("new file mode ");
        self.section.deleted |= line.starts_with("deleted file mode ");
        self.files +=
            usize::from(line.starts_with("new file mode ") || line.starts_with("deleted file mode "));
        if let Some(name) = line.strip_prefix("rename from ") {
            self.section.rename_from = Some(name.to_owned());
        } else if let Some(name) = line.strip_prefix("rename to ") {
            self.section.rename_to = Some(name.to_owned());
            self.files += 1;
        }
        Ok(())
    }

    fn end_hunk(&mut self, out: &mut Vec<Step>) -> Result<(), EditError> {
        let Some(hunk) = self.hunk.take() else { return Ok(()) };
        let start = hunk.start;
        let mut chunk = hunk.into_chunk();
        if chunk.block.old.is_empty() && chunk.block.new.is_empty() {
            return Err(EditError::malformed(start, "the hunk has no lines"));
        }
        let section = &mut self.section;
        let (Some(old), Some(new)) = (section.old.clone(), section.new.clone()) else { return Ok(()) };
        match (old.as_str(), new.as_str()) {
            (NULL, _) => {
                if !chunk.block.old.is_empty() {
                    return Err(EditError::malformed(start, "a diff against /dev/null can only add lines"));
                }
                section.unended = chunk.block.final_newline == Some(false);
                section.added.append(&mut chunk.block.new);
            }
            (_, NULL) => {
                if !chunk.block.new.is_empty() {
                    return Err(EditError::malformed(start, "a diff to /dev/null can only remove lines"));
                }
                out.push(Step::Delete { path: name(&old, None), quoted: Some(chunk.block) });
            }
            _ => out.push(Step::Update { path: name(&new, Some(&old)), chunk }),
        }
        Ok(())
    }

    fn end_section(&mut self, out: &mut Vec<Step>) -> Result<(), EditError> {
        self.end_hunk(out)?;
        let section = std::mem::take(&mut self.section);
        match (&section.old, &section.new) {
            (Some(old), Some(new)) if old == NULL && new != NULL => {
                let (lines, unended) = (section.added, section.unended);
                out.push(Step::Add { path: name(new, None), lines, overwrite: false, unended });
            }
            (None, _) => {
                let path = section.git.map(Name::new);
                if let Some(path) = path.clone().filter(|_| section.created) {
                    out.push(Step::Add { path, lines: Vec::new(), overwrite: false, unended: false });
                }
                if let Some(path) = path.filter(|_| section.deleted) {
                    out.push(Step::Delete { path, quoted: Some(Block::default()) });
                }
            }
            _ => {}
        }
        if let (Some(from), Some(to)) = (section.rename_from, section.rename_to) {
            out.push(Step::Move { from: Name::new(from), to: Name::new(to) });
        }
        Ok(())
    }
}

impl Hunk {
    fn new(start: usize, header: &str) -> Hunk {
        let ranges = header.trim_start_matches('@').trim();
        let left = counts(ranges);
        Hunk {
            start,
            hint: old_start(ranges),
            left: left.unwrap_or_default(),
            counted: left.is_some(),
            last: ' ',
            ..Hunk::default()
        }
    }

    /// Takes a line of the hunk; false where it is none.
    fn take(&mut self, number: usize, line: &str) -> Result<bool, EditError> {
        let complete = self.counted && self.left == (0, 0);
        if line.starts_with("\\ ") {
            self.old_unended |= self.last != '+';
            self.new_unended |= self.last != '-';
            return Ok(true);
        }
        if line.is_empty() {
            self.blank += 1;
            return Ok(true);
        }
        if complete && line == "-- " || line.starts_with("```") || line.starts_with("~~~") {
            return Ok(false);
        }
        let (sign, rest) = match line.chars().next() {
            Some(sign @ (' ' | '-' | '+')) => (sign, &line[1..]),
            _ if complete || self.blank > 0 => return Ok(false),
            _ => {
                let why = "a line of a hunk begins with a blank (kept), `-` (removed) or `+` (added)";
                return Err(EditError::malformed(number, why));
            }
        };
        for _ in 0..std::mem::take(&mut self.blank) {
            self.push(' ', "");
        }
        self.push(sign, rest);
        Ok(true)
    }

    fn push(&mut self, sign: char, text: &str) {
        if sign == '-' {
            self.block.removed.push(self.block.old.len());
        }
        if sign != '+' {
            self.block.old.push(text.to_owned());
            self.left.0 = self.left.0.saturating_sub(1);
        }
        if sign != '-' {
            self.block.new.push(text.to_owned());
            self.left.1 = self.left.1.saturating_sub(1);
        }
        self.last = sign;
    }

    /// Whether lines are missing on both sides, and less context follows the last change than goes before the first:
    /// miscounting alone seldom looks like this.
    fn looks_cut(&self) -> bool {
        let Block { old, new, .. } = &self.block;
        let ahead = old.iter().zip(new).take_while(|(a, b)| a == b).count();
        let behind = old.iter().rev().zip(new.iter().rev()).take_while(|(a, b)| a == b).count() + self.blank;
        let missing = self.left.0.min(self.left.1);
        self.counted && missing > self.blank && behind < ahead.max(1)
    }

    fn into_chunk(mut self) -> Chunk {
        // Blank lines at the end are the hunk's only as far as its header counts them.
        for _ in 0..self.blank.min(self.left.0.min(self.left.1)) {
            self.push(' ', "");
        }
        if self.old_unended || self.new_unended {
            self.block.final_newline = Some(!self.new_unended);
        }
        Chunk {
            at_end: self.block.final_newline.is_some(),
            block: self.block,
            hint: self.hint,
            may_be_cut: self.may_be_cut,
            patch_line: self.start,
            ..Chunk::default()
        }
    }
}

/// The name in a `---` or `+++` line, without date and quotes.
fn header_name(text: &str) -> String {
    let text = text.split('\t').next().unwrap_or(text).trim_end();
    let unquoted = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
    unquoted.unwrap_or(text).to_owned()
}

/// A name with git's prefix, which is taken off where both names have theirs.
fn name(text: &str, old: Option<&str>) -> Name {
    let stripped = |text: &str| {
        let rest = text.strip_prefix("a/").or_else(|| text.strip_prefix("b/"));
        rest.map_or_else(|| text.to_owned(), str::to_owned)
    };
    let first = stripped(text);
    // A folder may really be called `a` or `b`, and a diff of two files may name only the old one rightly.
    let others = [text.to_owned(), old.map(stripped).unwrap_or_default(), old.unwrap_or_default().to_owned()];
    let otherwise = others.into_iter().filter(|other| !other.is_empty() && *other != first).collect();
    Name { text: first, otherwise }
}

/// The first line, zero-based, of the old side of a hunk header such as `-3,4 +3,5 @@`.
pub(super) fn old_start(ranges: &str) -> Option<usize> {
    let (start, count) = range(ranges, '-')?;
    Some(if count == 0 { start } else { start.saturating_sub(1) })
}

fn counts(ranges: &str) -> Option<(usize, usize)> {
    Some((range(ranges, '-')?.1, range(ranges, '+')?.1))
}

fn range(ranges: &str, sign: char) -> Option<(usize, usize)> {
    let word = ranges.split_whitespace().take(2).find_map(|word| word.strip_prefix(sign))?;
    let (start, count) = word.split_once(',').unwrap_or((word, "1"));
    Some((start.parse().ok()?, count.parse().ok()?))
}
