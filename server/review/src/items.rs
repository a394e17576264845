//! Items of a text (functions, types, sections), as the caller knows them, and which lines belong to which.
//!
//! This crate does not parse. It is told where the outermost items of a text lie, and keeps changes of two items
//! apart.

use std::ops::Range;

use galley_text::diff::LineHunk;

/// An outermost item of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// What a person calls it.
    pub name: String,
    /// Its bytes, half-open. Comments and attributes before it need not be among them.
    pub range: Range<usize>,
}

/// The lines of a text, and the items that they belong to.
#[derive(Debug)]
pub(crate) struct Outline {
    /// The first line of each item, with what stands directly before it, and its name; ascending.
    begins: Vec<(usize, String)>,
    /// Lines behind the last item that are blank or close nothing of it belong to it all the same.
    lines: usize,
}

impl Outline {
    /// `starts` are the bytes at which the lines start, and the text's length.
    pub(crate) fn new(text: &str, starts: &[usize], items: &[Item]) -> Outline {
        let lines = starts.len().saturating_sub(1);
        let line_of =
            |byte: usize| starts.partition_point(|start| *start <= byte).saturating_sub(1).min(lines);
        let is_blank = |line: usize| text[starts[line]..starts[line + 1]].trim().is_empty();
        let mut sorted: Vec<&Item> = items
            .iter()
            .filter(|item| item.range.start < item.range.end && item.range.end <= text.len())
            .collect();
        sorted.sort_by_key(|item| item.range.start);
        let mut begins: Vec<(usize, String)> = Vec::with_capacity(sorted.len());
        let mut behind = 0;
        for item in sorted {
            let mut first = line_of(item.range.start);
            if first < behind {
                // It shares a line with the item before, or lies in it.
                continue;
            }
            while first > behind && !is_blank(first - 1) {
                first -= 1;
            }
            begins.push((first, item.name.clone()));
            behind = line_of(item.range.end - 1) + 1;
        }
        Outline { begins, lines }
    }

    /// The name of the item that a line belongs to; `None` before the first.
    pub(crate) fn name(&self, line: usize) -> Option<&str> {
        let at = self.begins.partition_point(|(first, _)| *first <= line).checked_sub(1)?;
        (line < self.lines).then(|| self.begins[at].1.as_str())
    }

    /// The items that begin strictly inside a range of lines.
    fn within(&self, range: &Range<usize>) -> &[(usize, String)] {
        let from = self.begins.partition_point(|(first, _)| *first <= range.start);
        let to = self.begins.partition_point(|(first, _)| *first < range.end);
        &self.begins[from..to.max(from)]
    }
}

/// A run of changed lines, cut where one item ends and another begins on both sides.
pub(crate) fn cut(run: LineHunk, old: &Outline, new: &Outline) -> Vec<LineHunk> {
    let mut cuts: Vec<(usize, usize)> = Vec::new();
    if run.old.is_empty() {
        cuts.extend(new.within(&run.new).iter().map(|(line, _)| (run.old.start, *line)));
    } else if run.new.is_empty() {
        cuts.extend(old.within(&run.old).iter().map(|(line, _)| (*line, run.new.start)));
    } else {
        for (old_line, name) in old.within(&run.old) {
            let after = cuts.last().map_or(run.new.start, |(_, line)| *line);
            let same = new.within(&run.new).iter().find(|(line, other)| other == name && *line > after);
            cuts.extend(same.map(|(new_line, _)| (*old_line, *new_line)));
        }
    }
    let mut out = Vec::with_capacity(cuts.len() + 1);
    let (mut old_at, mut new_at) = (run.old.start, run.new.start);
    for (old_line, new_line) in cuts.into_iter().chain([(run.old.end, run.new.end)]) {
        out.push(LineHunk { old: old_at..old_line, new: new_at..new_line });
        (old_at, new_at) = (old_line, new_line);
    }
    out
}

/// The name of the item that a run belongs to: where its new lines are, or the removed ones were.
pub(crate) fn name(
    run: &LineHunk,
    old: &Outline,
    new: &Outline,
    solid: impl Fn(usize) -> bool,
) -> Option<String> {
    let name = match run.new.is_empty() {
        true => old.name(run.old.start),
        false => new.name(run.new.clone().find(|line| solid(*line)).unwrap_or(run.new.start)),
    };
    name.map(str::to_owned)
}
