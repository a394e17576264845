//! Proposals as text: for the terminal, with or without colour, and for `git apply`.
//!
//! [`hunk`], [`file()`] and [`proposal`] show what there is to decide, conflicts and decisions included.
//! [`unified`] shows only what accepting every pending hunk would do to the person's texts as they are now, and a
//! program can apply it.

use std::fmt::Write as _;

use galley_text::diff;
use ropey::Rope;

use crate::hunk::{Hunk, HunkKind, HunkState};
use crate::lines;
use crate::mode::FileMode;
use crate::proposal::{FileKind, FileProposal, Proposal};

/// Lines of the person's text shown around a hunk.
const CONTEXT: usize = 3;

/// Whether colours are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Paint {
    /// Text only.
    #[default]
    Plain,
    /// ANSI colours: removed red, added green, headings cyan, conflicts and warnings yellow.
    Ansi,
}

#[derive(Clone, Copy)]
enum Colour {
    Heading,
    Removed,
    Added,
    Warning,
    Dim,
    None,
}

/// The diff that accepting every pending hunk makes of the person's texts as they are now, as `git apply` takes it.
pub fn unified(proposal: &Proposal) -> String {
    proposal.files.iter().filter(|file| !file.gone).map(unified_file).collect()
}

/// A whole proposal: title, warnings, and every file with every hunk.
pub fn proposal(proposal: &Proposal, paint: Paint) -> String {
    let mut out = String::new();
    put(&mut out, paint, Colour::Heading, &proposal.title);
    for warning in &proposal.warnings {
        put(&mut out, paint, Colour::Warning, &format!("warning: {warning}"));
    }
    if proposal.partial {
        put(&mut out, paint, Colour::Warning, "partial: the task ended before it was done");
    }
    let of = proposal.all().count();
    let mut number = 0;
    for one in &proposal.files {
        heading(&mut out, one, paint);
        for each in &one.hunks {
            number += 1;
            write_hunk(&mut out, one, each, Some((number, of)), paint);
        }
    }
    out
}

/// One file with its hunks.
pub fn file(file: &FileProposal, paint: Paint) -> String {
    let mut out = String::new();
    heading(&mut out, file, paint);
    for hunk in &file.hunks {
        write_hunk(&mut out, file, hunk, None, paint);
    }
    out
}

/// One hunk with a few lines around it; `number` is its place in the proposal and how many there are.
pub fn hunk(file: &FileProposal, hunk: &Hunk, number: Option<(usize, usize)>, paint: Paint) -> String {
    let mut out = String::new();
    write_hunk(&mut out, file, hunk, number, paint);
    out
}

fn unified_file(file: &FileProposal) -> String {
    let pending: Vec<&Hunk> = file.hunks.iter().filter(|hunk| hunk.state == HunkState::Pending).collect();
    if pending.is_empty() {
        return String::new();
    }
    let old = file.current.to_string();
    let mut new = old.clone();
    for hunk in pending.iter().rev().filter(|hunk| !hunk.is_textless()) {
        if new.get(hunk.range.clone()).is_some() {
            new.replace_range(hunk.range.clone(), &hunk.after);
        }
    }
    let whole =
        pending.iter().map(|hunk| hunk.kind).find(|kind| !matches!(kind, HunkKind::Lines | HunkKind::Mode));
    let mode = file.mode_forth(&pending).map(|mode| mode.after);
    let (from, to) = (file.document().as_str(), file.path.as_str());
    let (a, b) = (quoted("a/", from), quoted("b/", if whole.is_some() { to } else { from }));
    let mut out = String::new();
    let (old_name, new_name) = match whole {
        Some(HunkKind::AddFile) => {
            let mode = mode.unwrap_or_default().as_git();
            let _ = writeln!(out, "diff --git {} {b}\nnew file mode {mode}", quoted("a/", to));
            ("/dev/null".to_owned(), b)
        }
        Some(HunkKind::DeleteFile) => {
            let _ = writeln!(out, "diff --git {a} {b}\ndeleted file mode 100644");
            (a, "/dev/null".to_owned())
        }
        Some(HunkKind::MoveFile) => {
            let _ = writeln!(out, "diff --git {a} {b}");
            let _ = writeln!(out, "rename from {}\nrename to {}", quoted("", from), quoted("", to));
            (a, b)
        }
        Some(HunkKind::Lines | HunkKind::Mode) | None => {
            let _ = writeln!(out, "diff --git {a} {b}");
            if let (Some(after), Some(change)) = (mode, file.mode) {
                let (old, new) = (change.before.as_git(), after.as_git());
                let _ = writeln!(out, "old mode {old}\nnew mode {new}");
            }
            (a, b)
        }
    };
    out.push_str(&diff::unified(&old_name, &new_name, &old, &new, CONTEXT));
    out
}

/// A path as git writes it in a diff: quoted like a C string where it holds quotes, backslashes or control
/// characters.
fn quoted(prefix: &str, path: &str) -> String {
    let special = |c: char| c == '"' || c == '\\' || c.is_control();
    if !path.contains(special) {
        return format!("{prefix}{path}");
    }
    let mut out = format!("\"{prefix}");
    for c in path.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c if c.is_control() => {
                for byte in c.to_string().bytes() {
                    let _ = write!(out, "\\{byte:03o}");
                }
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

fn heading(out: &mut String, file: &FileProposal, paint: Paint) {
    let name = &file.path;
    let line = match &file.kind {
        FileKind::Modify => format!("{name}"),
        FileKind::Add => format!("{name} (new file)"),
        FileKind::Delete => format!("{name} (deleted)"),
        FileKind::Move { from } => format!("{from} -> {name} (moved)"),
    };
    put(out, paint, Colour::Heading, &line);
    if file.gone && file.hunks.iter().any(Hunk::is_open) {
        put(out, paint, Colour::Warning, "this file was deleted meanwhile; its hunks wait until it is back");
    }
}

fn write_hunk(
    out: &mut String,
    file: &FileProposal,
    hunk: &Hunk,
    number: Option<(usize, usize)>,
    paint: Paint,
) {
    put(out, paint, Colour::Heading, &hunk_heading(file, hunk, number));
    if let Some(reason) = &hunk.reason {
        put(out, paint, Colour::Dim, &format!("# {}", reason.replace('\n', " ")));
    }
    if let Some(sides) = &hunk.conflict {
        put(out, paint, Colour::Warning, "<<<<<<< yours, as it stands in the file");
        put_lines(out, paint, Colour::None, ' ', &sides.yours);
        put(out, paint, Colour::Warning, "||||||| before, when this was proposed");
        put_lines(out, paint, Colour::Dim, ' ', &sides.base);
        put(out, paint, Colour::Warning, "=======");
        put_lines(out, paint, Colour::Added, '+', &sides.theirs);
        put(out, paint, Colour::Warning, ">>>>>>> proposed");
        return;
    }
    if hunk.is_textless() {
        return;
    }
    let (before, after) = context(&file.current, hunk);
    let current = matches!(hunk.state, HunkState::Accepted | HunkState::Obsolete) || hunk.is_whole_file();
    let around = |out: &mut String, text: &str| {
        if !current {
            put_lines(out, paint, Colour::None, ' ', text);
        }
    };
    around(out, &before);
    put_lines(out, paint, Colour::Removed, '-', &hunk.before);
    put_lines(out, paint, Colour::Added, '+', &hunk.after);
    around(out, &after);
}

/// What a hunk does to its file as a whole, in words for the person; `None` where it only changes lines.
pub fn whole_file(file: &FileProposal, hunk: &Hunk) -> Option<String> {
    let executable = file.mode.is_some_and(|mode| mode.after == FileMode::Executable);
    let path = &file.path;
    Some(match hunk.kind {
        HunkKind::Lines => return None,
        HunkKind::AddFile if executable => format!("new executable file {path}"),
        HunkKind::AddFile => format!("new file {path}"),
        HunkKind::DeleteFile => "delete this file".to_owned(),
        HunkKind::MoveFile => format!("move to {path}"),
        HunkKind::Mode if executable => "make this file executable".to_owned(),
        HunkKind::Mode => "make this file not executable".to_owned(),
    })
}

fn hunk_heading(file: &FileProposal, hunk: &Hunk, number: Option<(usize, usize)>) -> String {
    let at = file.current.byte_to_line(hunk.range.start.min(file.len())) + 1;
    let place = match hunk.kind {
        HunkKind::Lines if hunk.range.is_empty() => format!("before line {at}"),
        HunkKind::Lines => {
            let count = lines::split(&crate::rebase::slice(&file.current, &hunk.range)).len();
            if count == 1 { format!("line {at}") } else { format!("lines {at}-{}", at + count.max(1) - 1) }
        }
        HunkKind::AddFile => "new file".to_owned(),
        HunkKind::DeleteFile => "delete file".to_owned(),
        HunkKind::MoveFile => "move file".to_owned(),
        HunkKind::Mode => match file.mode.map(|mode| mode.after) {
            Some(FileMode::Executable) => "make executable".to_owned(),
            _ => "make not executable".to_owned(),
        },
    };
    let mut line = match number {
        Some((number, of)) => format!("@@ {place} · hunk {number} of {of}"),
        None => format!("@@ {place} · hunk {}", hunk.id),
    };
    if hunk.state != HunkState::Pending {
        let _ = write!(line, " · {}", hunk.state);
    }
    if hunk.merged_by_token {
        line.push_str(" · merged with your typing, look twice");
    }
    if !hunk.requires.is_empty() {
        let names: Vec<&str> = hunk.requires.iter().map(|id| id.0.as_str()).collect();
        let _ = write!(line, " · needs {}", names.join(", "));
    }
    line
}

/// The person's lines right before and behind a hunk.
fn context(text: &Rope, hunk: &Hunk) -> (String, String) {
    let end = hunk.range.end.min(text.len_bytes());
    let start = hunk.range.start.min(end);
    let (first, last) = (text.byte_to_line(start), text.byte_to_line(end));
    let from = text.line_to_byte(first.saturating_sub(CONTEXT));
    let to = text.line_to_byte((last + CONTEXT).min(text.len_lines()));
    let part = |range: std::ops::Range<usize>| crate::rebase::slice(text, &range);
    (part(from..start), part(end..to.max(end)))
}

fn put_lines(out: &mut String, paint: Paint, colour: Colour, sign: char, text: &str) {
    for line in lines::split(text) {
        let bare = line.trim_end_matches(['\n', '\r']);
        put(out, paint, colour, &format!("{sign}{bare}"));
        if !lines::is_ended(line) {
            put(out, paint, Colour::Dim, "\\ No newline at end of file");
        }
    }
}

/// Writes one line. Control characters of the text are shown, not obeyed: a proposal must not drive a terminal.
fn put(out: &mut String, paint: Paint, colour: Colour, line: &str) {
    let code = match colour {
        _ if paint == Paint::Plain => "",
        Colour::Heading => "36",
        Colour::Removed => "31",
        Colour::Added => "32",
        Colour::Warning => "33",
        Colour::Dim => "2",
        Colour::None => "",
    };
    if !code.is_empty() {
        let _ = write!(out, "\u{1b}[{code}m");
    }
    out.extend(line.chars().map(|c| match c {
        '\t' => '\t',
        '\u{7f}' => '\u{2421}',
        c if (c as u32) < 0x20 => char::from_u32(0x2400 + c as u32).unwrap_or('\u{fffd}'),
        c if c.is_control() || is_bidi(c) => '\u{fffd}',
        c => c,
    }));
    if !code.is_empty() {
        out.push_str("\u{1b}[0m");
    }
    out.push('\n');
}

/// Characters that make text read in another order than it is stored.
fn is_bidi(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
