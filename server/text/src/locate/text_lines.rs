//! A file's text as lines that can be matched and replaced.
//!
//! A line's content is compared without its ending, so that a patch written with `\n` fits a file of any kind. A
//! byte order mark that is left in the text belongs to no line: nothing matches it and nothing replaces it.

use std::ops::Range;

use crate::edit::TextEdit;
use crate::encoding::{LineEnding, dominant_line_ending};

#[derive(Debug)]
pub(crate) struct TextLines<'a> {
    text: &'a str,
    lines: Vec<Span>,
    ending: LineEnding,
}

#[derive(Debug, Clone, Copy)]
struct Span {
    start: usize,
    content_end: usize,
    end: usize,
}

impl<'a> TextLines<'a> {
    pub(crate) fn new(text: &'a str) -> TextLines<'a> {
        let mut start = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
        let mut lines = Vec::new();
        for line in crate::lines::split(&text[start..]) {
            let content_end = start + crate::lines::without_ending(line).len();
            lines.push(Span { start, content_end, end: start + line.len() });
            start += line.len();
        }
        TextLines { text, lines, ending: dominant_line_ending(text) }
    }

    pub(crate) fn len(&self) -> usize {
        self.lines.len()
    }

    /// A line without its ending; empty past the end.
    pub(crate) fn content(&self, line: usize) -> &'a str {
        self.lines.get(line).map_or("", |span| &self.text[span.start..span.content_end])
    }

    /// Byte offset of a line's start; the text's length past the end.
    pub(crate) fn start(&self, line: usize) -> usize {
        self.lines.get(line).map_or(self.text.len(), |span| span.start)
    }

    /// The line in which a byte offset lies.
    pub(crate) fn line_of(&self, offset: usize) -> usize {
        self.lines.partition_point(|span| span.start <= offset).saturating_sub(1)
    }

    /// By how many characters lines are mostly indented more than the one before them; zero if they never are.
    pub(crate) fn indent_step(&self) -> usize {
        let mut counts: std::collections::BTreeMap<usize, usize> = std::collections::BTreeMap::new();
        let mut before = 0;
        for line in (0..self.len()).map(|line| self.content(line)).filter(|line| !line.trim().is_empty()) {
            let indent = line.len() - line.trim_start_matches([' ', '\t']).len();
            if indent > before {
                *counts.entry(indent - before).or_default() += 1;
            }
            before = indent;
        }
        counts
            .into_iter()
            .max_by_key(|(step, count)| (*count, std::cmp::Reverse(*step)))
            .map_or(0, |(step, _)| step)
    }

    /// The first line after the body that a line begins: where the indentation comes back to the line's own, other
    /// than by closing brackets.
    pub(crate) fn body_end(&self, head: usize) -> usize {
        let indent = |line: &str| line.len() - line.trim_start().len();
        let outer = indent(self.content(head));
        let ends = |line: &usize| {
            let content = self.content(*line);
            let continues = content.trim_start().starts_with(['{', '}', ')', ']']);
            !content.trim().is_empty() && indent(content) <= outer && !continues
        };
        (head + 1..self.len()).find(ends).unwrap_or(self.len())
    }

    /// Bytes of the lines `range`, without the last one's ending.
    pub(crate) fn bytes(&self, range: Range<usize>) -> Range<usize> {
        let start = self.start(range.start);
        match range.end.checked_sub(1).and_then(|last| self.lines.get(last)) {
            Some(last) if !range.is_empty() => start..last.content_end.max(start),
            _ => start..start,
        }
    }

    fn ends_with_newline(&self) -> bool {
        self.lines.last().is_none_or(|span| span.content_end < span.end)
    }

    /// How new lines in the place of `range` end: as those that they replace and their neighbours, where these all end
    /// alike, and otherwise as most lines of the file do.
    fn ending_at(&self, range: &Range<usize>) -> &'a str {
        let around = range.start.saturating_sub(1)..(range.end + 1).min(self.lines.len());
        let around = self.lines.get(around).unwrap_or_default();
        let mut endings = around
            .iter()
            .map(|span| &self.text[span.content_end..span.end])
            .filter(|ending| !ending.is_empty());
        let first = endings.next().unwrap_or(self.ending.as_str());
        if endings.all(|other| other == first) { first } else { self.ending.as_str() }
    }

    /// The edit that puts `new` in the place of the lines `range`, with a line ending of the file's own between and
    /// after them. Whether the file ends with a line ending stays as it is, unless `final_newline` says otherwise.
    pub(crate) fn replace(
        &self,
        range: Range<usize>,
        new: &[String],
        final_newline: Option<bool>,
    ) -> TextEdit {
        let ending = self.ending_at(&range);
        let mut text: String = new.iter().flat_map(|line| [line.as_str(), ending]).collect();
        let mut start = self.start(range.start);
        let end =
            range.end.checked_sub(1).and_then(|last| self.lines.get(last)).map_or(start, |span| span.end);
        let end = if range.is_empty() { start } else { end };
        let wanted = final_newline.unwrap_or_else(|| self.ends_with_newline());
        if range.end < self.len() {
            return TextEdit::new(start..end, text);
        }
        let before = range.start.checked_sub(1).and_then(|line| self.lines.get(line)).copied();
        if let Some(before) = before.filter(|span| span.content_end == span.end && !new.is_empty()) {
            // The last line had no ending and is followed by others now.
            debug_assert_eq!(before.end, start);
            text.insert_str(0, ending);
        }
        if !wanted {
            if !new.is_empty() {
                text.truncate(text.len() - ending.len());
            } else if let Some(before) = before {
                start = before.content_end;
            }
        } else if new.is_empty() && before.is_some_and(|span| span.content_end == span.end) {
            text.push_str(ending);
        }
        TextEdit::new(start..end, text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edit::EditList;

    fn check(text: &str, range: Range<usize>, new: &[&str], expected: &str) {
        let new: Vec<String> = new.iter().map(|line| (*line).to_owned()).collect();
        let edit = TextLines::new(text).replace(range, &new, None);
        assert_eq!(EditList::new(vec![edit]).unwrap().apply(text).unwrap(), expected);
    }

    #[test]
    fn the_last_line_keeps_its_kind() {
        check("a\nb", 1..2, &["x", "y"], "a\nx\ny");
        check("a\nb", 2..2, &["c"], "a\nb\nc");
        check("a\nb", 1..2, &[], "a");
        check("a\nb\n", 1..2, &[], "a\n");
        check("a\nb\n", 2..2, &["c"], "a\nb\nc\n");
        check("", 0..0, &["c"], "c\n");
        check("a", 0..1, &[], "");
    }

    #[test]
    fn endings_and_mark_are_the_files_own() {
        check("\u{feff}a\r\nb\r\n", 0..1, &["x", "y"], "\u{feff}x\r\ny\r\nb\r\n");
        check("a\rb\r", 1..1, &["x"], "a\rx\rb\r");
    }
}
