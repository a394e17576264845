//! A hunk on the screen: old and new side by side where the terminal is wide, one below the other where it is not; with the
//! colours of its language and with what changed within a line.

use std::ops::Range;

use galley_index::colour::{self, Class};
use galley_review::{FileKind, FileProposal, Hunk, HunkKind, Proposal};
use galley_text::diff;

use super::terminal::{Style, Tint};

/// From so many columns on, old and new stand side by side.
const WIDE: usize = 120;
/// Lines of the person's text that are shown around a hunk.
const CONTEXT: usize = 3;
/// Lines of a hunk that are shown at first.
const FIRST: usize = 60;

/// How much of a hunk is shown, and how.
#[derive(Debug, Clone, Copy)]
pub struct View {
    /// Columns of the terminal.
    pub width: usize,
    /// Colours.
    pub style: Style,
    /// Whether a long hunk is shown in full.
    pub full: bool,
}

/// One line of a side.
#[derive(Debug, Clone)]
struct Line {
    /// From 1; none for a filler.
    number: Option<usize>,
    sign: Sign,
    text: String,
    colours: Vec<(Range<usize>, Class)>,
    /// What differs from the line beside it.
    changed: Vec<Range<usize>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sign {
    Same,
    Old,
    New,
    Filler,
}

/// The lines of a hunk, each ended.
pub fn lines(proposal: &Proposal, file: &FileProposal, hunk: &Hunk, view: View) -> String {
    if let Some(sides) = &hunk.conflict {
        return conflict(file, &sides.yours, &sides.theirs, view);
    }
    match hunk.kind {
        HunkKind::MoveFile => match &file.kind {
            FileKind::Move { from } => format!("  {} → {}\n", from.as_str(), file.path.as_str()),
            _ => String::new(),
        },
        HunkKind::Mode => match file.mode {
            Some(mode) => format!("  mode {} → {}\n", mode.before.as_git(), mode.after.as_git()),
            None => String::new(),
        },
        _ => {
            let rows = rows(proposal, file, hunk);
            let two_sided = hunk.kind == HunkKind::Lines && !hunk.before.is_empty() && !hunk.after.is_empty();
            shown(&rows, view, two_sided)
        }
    }
}

fn conflict(file: &FileProposal, yours: &str, theirs: &str, view: View) -> String {
    let rows = paired(file, yours, theirs, 1, &[], &[]);
    let head = if view.width >= WIDE {
        let half = (view.width - 3) / 2;
        format!(
            "{}{}\n",
            view.style.yellow(&pad("  yours, as it stands", half + 3)),
            view.style.yellow("  proposed")
        )
    } else {
        format!("{}\n", view.style.yellow("  - yours, as it stands   + proposed"))
    };
    head + &shown(&rows, view, true)
}

fn rows(_: &Proposal, file: &FileProposal, hunk: &Hunk) -> Vec<(Line, Line)> {
    let text = file.current.to_string();
    let (start, end) = (hunk.range.start.min(text.len()), hunk.range.end.min(text.len()));
    if hunk.kind != HunkKind::Lines {
        return paired(file, &hunk.before, &hunk.after, 1, &[], &[]);
    }
    let head: Vec<&str> = text[..start].lines().collect();
    let first = head.len() + 1;
    let above = &head[head.len().saturating_sub(CONTEXT)..];
    let below: Vec<&str> = text[end..].lines().take(CONTEXT).collect();
    paired(file, &hunk.before, &hunk.after, first, above, &below)
}

/// Both sides, line beside line. `first` is the number of the first old line; `above` and `below` are shown around.
fn paired(
    file: &FileProposal,
    before: &str,
    after: &str,
    first: usize,
    above: &[&str],
    below: &[&str],
) -> Vec<(Line, Line)> {
    let (old, new): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    // Coloured with what stands around, so that the parser sees a little more than a torn piece.
    let colour = |own: &[&str]| coloured(file, above, own, below);
    let (old_colours, new_colours) = (colour(&old), colour(&new));
    let line = |number, sign, text: &str, colours: &[(Range<usize>, Class)]| Line {
        number: Some(number),
        sign,
        text: text.to_owned(),
        colours: colours.to_vec(),
        changed: Vec::new(),
    };
    let mut rows: Vec<(Line, Line)> = Vec::new();
    let both = |rows: &mut Vec<(Line, Line)>,
                text: &str,
                left: usize,
                right: usize,
                colours: &[(Range<usize>, Class)]| {
        rows.push((line(left, Sign::Same, text, colours), line(right, Sign::Same, text, colours)));
    };
    for (at, text) in above.iter().enumerate() {
        let number = first - above.len() + at;
        both(&mut rows, text, number, number, &old_colours[at]);
    }
    let shift = above.len();
    let (mut left, mut right) = (0, 0);
    let last = diff::LineHunk { old: old.len()..old.len(), new: new.len()..new.len() };
    for run in diff::lines(&joined(&old), &joined(&new)).into_iter().chain([last]) {
        while left < run.old.start.min(old.len()) && right < run.new.start.min(new.len()) {
            both(&mut rows, old[left], first + left, first + right, &old_colours[shift + left]);
            (left, right) = (left + 1, right + 1);
        }
        let (olds, news) = (run.old.end.min(old.len()), run.new.end.min(new.len()));
        while left < olds || right < news {
            let mut pair = (filler(), filler());
            if left < olds {
                pair.0 = line(first + left, Sign::Old, old[left], &old_colours[shift + left]);
            }
            if right < news {
                pair.1 = line(first + right, Sign::New, new[right], &new_colours[shift + right]);
            }
            if left < olds && right < news {
                (pair.0.changed, pair.1.changed) = changed(old[left], new[right]);
            }
            (left, right) = (left + 1, right + 1);
            rows.push(pair);
        }
        (left, right) = (olds, news);
    }
    for (at, text) in below.iter().enumerate() {
        let (left, right) = (first + old.len() + at, first + new.len() + at);
        both(&mut rows, text, left, right, &old_colours[shift + old.len() + at]);
    }
    rows
}

fn joined(lines: &[&str]) -> String {
    lines.iter().flat_map(|line| [*line, "\n"]).collect()
}

fn filler() -> Line {
    Line { number: None, sign: Sign::Filler, text: String::new(), colours: Vec::new(), changed: Vec::new() }
}

/// The colours of the lines above, of the own, and below, line by line.
fn coloured(
    file: &FileProposal,
    above: &[&str],
    own: &[&str],
    below: &[&str],
) -> Vec<Vec<(Range<usize>, Class)>> {
    let all: Vec<&str> = above.iter().chain(own).chain(below).copied().collect();
    let text = joined(&all);
    let pieces = colour::colours(&file.path, &text);
    let mut start = 0;
    all.iter()
        .map(|line| {
            let (from, to) = (start, start + line.len());
            start = to + 1;
            pieces
                .iter()
                .filter(|(range, _)| range.start < to && range.end > from)
                .map(|(range, class)| (range.start.max(from) - from..range.end.min(to) - from, *class))
                .collect()
        })
        .collect()
}

/// What differs between two lines, in each; nothing where they have too little in common for that to help.
fn changed(old: &str, new: &str) -> (Vec<Range<usize>>, Vec<Range<usize>>) {
    let edits = diff::words(old, new);
    let removed: usize = edits.edits().iter().map(|edit| edit.range.len()).sum();
    let added: usize = edits.edits().iter().map(|edit| edit.text.len()).sum();
    let blank = old.len() - old.trim_start().len();
    if (removed + added) * 10 > (old.len() + new.len()).saturating_sub(2 * blank) * 7 {
        return (Vec::new(), Vec::new());
    }
    let (mut olds, mut news, mut shift) = (Vec::new(), Vec::new(), 0isize);
    for edit in edits.edits() {
        let start = edit.range.start.saturating_add_signed(shift);
        if !edit.range.is_empty() {
            olds.push(edit.range.clone());
        }
        if !edit.text.is_empty() {
            news.push(start..start + edit.text.len());
        }
        shift += edit.text.len() as isize - edit.range.len() as isize;
    }
    (olds, news)
}

fn shown(rows: &[(Line, Line)], view: View, two_sided: bool) -> String {
    let digits = rows
        .iter()
        .filter_map(|(left, right)| left.number.max(right.number))
        .max()
        .unwrap_or(1)
        .to_string()
        .len();
    let limit = if view.full { usize::MAX } else { FIRST };
    let mut out = String::new();
    if two_sided && view.width >= WIDE {
        // Two sides, a bar of one column with a blank on each side.
        let half = (view.width - 3) / 2;
        for (left, right) in rows.iter().take(limit) {
            let bar = view.style.dim("│");
            let (left, right) =
                (painted(left, half, digits, view.style), painted(right, half, digits, view.style));
            for at in 0..left.len().max(right.len()) {
                let side = |rows: &[String]| rows.get(at).cloned().unwrap_or_else(|| " ".repeat(half));
                out.push_str(&format!("{} {bar} {}\n", side(&left), side(&right)));
            }
        }
    } else {
        out.push_str(&below_each_other(rows, limit, digits, view));
    }
    if rows.len() > limit {
        out.push_str(&format!(
            "{}\n",
            view.style.dim(&format!("  … {} more lines; v shows all", rows.len() - limit))
        ));
    }
    out
}

/// The old lines of each change, then the new ones.
fn below_each_other(rows: &[(Line, Line)], limit: usize, digits: usize, view: View) -> String {
    let mut out = String::new();
    let mut news: Vec<&Line> = Vec::new();
    let put = |out: &mut String, line: &Line| {
        for row in painted(line, view.width, digits, view.style) {
            out.push_str(&row);
            out.push('\n');
        }
    };
    for (left, right) in rows.iter().take(limit) {
        if left.sign == Sign::Same {
            news.drain(..).for_each(|line| put(&mut out, line));
            put(&mut out, right);
            continue;
        }
        if left.sign == Sign::Old {
            put(&mut out, left);
        }
        if right.sign == Sign::New {
            news.push(right);
        }
    }
    news.drain(..).for_each(|line| put(&mut out, line));
    out
}

/// A line with number and sign, as wide as its column; what does not fit goes on in the next row, for nothing of a change may
/// be hidden from who decides about it.
fn painted(line: &Line, width: usize, digits: usize, style: Style) -> Vec<String> {
    let room = width.saturating_sub(digits + 3).max(8);
    let tint = style.tint(match line.sign {
        Sign::Old => Some(false),
        Sign::New => Some(true),
        Sign::Same | Sign::Filler => None,
    });
    if line.sign == Sign::Filler {
        return vec![blank(width, style)];
    }
    let mut rows = vec![gutter(line, digits, false, style, &tint.plain)];
    let (mut used, mut column, mut now) = (0, 0, String::new());
    for (at, c) in line.text.char_indices() {
        let piece = visible(c, column);
        let columns = piece.chars().map(columns).sum::<usize>();
        if used + columns > room {
            end_row(&mut rows, room - used.min(room), &tint);
            rows.push(gutter(line, digits, true, style, &tint.plain));
            (used, now) = (0, String::new());
        }
        let class = line.colours.iter().find(|(range, _)| range.contains(&at)).map(|(_, class)| *class);
        let strong = line.changed.iter().any(|range| range.contains(&at));
        let wanted = style.ink(class, if strong { &tint.strong } else { &tint.plain });
        if let Some(row) = rows.last_mut() {
            if wanted != now {
                row.push_str(&tint.reset);
                row.push_str(&wanted);
                now = wanted;
            }
            row.push_str(&piece);
        }
        used += columns;
        column += columns;
    }
    end_row(&mut rows, room - used.min(room), &tint);
    rows
}

/// Number and sign of a line, or of the row on which it goes on.
fn gutter(line: &Line, digits: usize, goes_on: bool, style: Style, ground: &str) -> String {
    let number = line.number.filter(|_| !goes_on).map(|number| number.to_string()).unwrap_or_default();
    let sign = match line.sign {
        _ if goes_on => '↳',
        Sign::Old => '-',
        Sign::New => '+',
        Sign::Same | Sign::Filler => ' ',
    };
    let number = format!("{number:>digits$} ");
    let number = match line.sign {
        Sign::Old => style.red(&number),
        Sign::New => style.green(&number),
        Sign::Same | Sign::Filler => style.dim(&number),
    };
    format!("{number}{ground}{sign} ")
}

fn end_row(rows: &mut [String], rest: usize, tint: &Tint) {
    if let Some(row) = rows.last_mut() {
        row.push_str(&tint.reset);
        row.push_str(&tint.plain);
        row.push_str(&" ".repeat(rest));
        row.push_str(&tint.reset);
    }
}

/// Where the other side has more lines.
fn blank(width: usize, style: Style) -> String {
    style.dim(&if style.is_coloured() { "╱".repeat(width) } else { " ".repeat(width) })
}

/// A character as it may be shown: tabs as blanks, control characters and marks of direction as signs.
fn visible(c: char, column: usize) -> String {
    match c {
        '\t' => " ".repeat(4 - column % 4),
        '\u{7f}' => "\u{2421}".to_owned(),
        c if (c as u32) < 0x20 => char::from_u32(0x2400 + c as u32).unwrap_or('\u{fffd}').to_string(),
        c if c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}') => {
            "\u{fffd}".to_owned()
        }
        c => c.to_string(),
    }
}

/// Columns of a character: East Asian wide ones and pictures take two, marks none.
fn columns(c: char) -> usize {
    match c as u32 {
        0x300..=0x36f | 0x200b..=0x200f | 0xfe00..=0xfe0f => 0,
        0x1100..=0x115f
        | 0x2e80..=0xa4cf
        | 0xac00..=0xd7a3
        | 0xf900..=0xfaff
        | 0xfe30..=0xfe6f
        | 0xff00..=0xff60
        | 0xffe0..=0xffe6
        | 0x1f300..=0x1faff
        | 0x20000..=0x3fffd => 2,
        _ => 1,
    }
}

fn pad(text: &str, width: usize) -> String {
    format!("{text}{}", " ".repeat(width.saturating_sub(text.chars().map(columns).sum())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use galley_review::{HunkId, ProposalId};
    use galley_text::format::FileChange;
    use galley_text::path::RelPath;

    fn screen(before: &str, after: &str, width: usize, style: Style) -> String {
        let change = FileChange::Update {
            path: RelPath::new("a.rs").unwrap(),
            before: before.into(),
            after: after.into(),
        };
        let proposal =
            Proposal::new(ProposalId("p".into()), "t", "T", vec![change], &mut || HunkId("h".into()));
        let (file, hunk) = proposal.all().next().unwrap();
        lines(&proposal, file, hunk, View { width, style, full: false })
    }

    const BEFORE: &str = "one\n\tlet x = 1;\nthree\n";
    const AFTER: &str = "one\n\tlet x = 2;\n\tnew();\nthree\n";

    #[test]
    fn narrow_is_one_below_the_other() {
        let text = screen(BEFORE, AFTER, 40, Style::plain());
        let shown: Vec<&str> = text.lines().map(str::trim_end).collect();
        assert_eq!(
            shown,
            ["1   one", "2 -     let x = 1;", "2 +     let x = 2;", "3 +     new();", "4   three"]
        );
    }

    #[test]
    fn wide_is_side_by_side_and_every_line_is_as_wide() {
        let text = screen(BEFORE, AFTER, 121, Style::plain());
        for line in text.lines() {
            assert_eq!(line.chars().map(columns).sum::<usize>(), 121, "{line:?}");
        }
        assert!(text.lines().nth(1).unwrap().contains("│ 2 +     let x = 2;"), "{text}");
    }

    #[test]
    fn long_and_wicked_lines_stay_in_their_column() {
        let wicked = format!("one\n\u{1b}[31m\u{202e}{}漢字\nthree\n", "x".repeat(300));
        let text = screen(BEFORE, &wicked, 140, Style::plain());
        assert!(!text.contains('\u{1b}') && !text.contains('\u{202e}') && text.matches('x').count() >= 300);
        assert!(text.lines().all(|line| line.chars().map(columns).sum::<usize>() <= 140), "{text}");
    }

    #[test]
    fn a_changed_word_is_emphasised() {
        let (old, new) = changed("let x = 1;", "let x = 22;");
        assert_eq!((old.first(), new.first()), (Some(&(8..9)), Some(&(8..10))));
        assert_eq!(changed("abc", "xyz"), (vec![], vec![]));
    }
}
