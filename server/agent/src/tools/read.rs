//! `read`: lines of a file, one symbol of it, its outline when it is long, or the rest of a long output.

use futures::future::BoxFuture;
use galley_index::Symbol;
use galley_text::format::Tree;
use galley_text::path::RelPath;
use galley_workspace::ReadError;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Answer, Context, Tool, object, shown, typed};

pub(super) static TOOL: Tool = Tool {
    name: "read",
    description: "Read a file, symbol or lines (10-40).",
    schema,
    announce: |arguments| format!("read {}", shown(arguments, "path")),
    run,
};

/// Lines of a file that are read whole, and of a range.
const LINES: usize = 400;
/// Bytes of an answer.
const BYTES: usize = 24_000;

/// `start` and `end` are not declared: other harnesses' form of `lines`.
#[derive(Deserialize)]
struct Arguments {
    path: String,
    symbol: Option<String>,
    lines: Option<String>,
    start: Option<usize>,
    end: Option<usize>,
}

impl Arguments {
    /// The range that was asked for, one-based and inclusive.
    fn range(&self) -> (Option<usize>, Option<usize>) {
        let Some(lines) = &self.lines else { return (self.start, self.end) };
        let mut numbers = lines.split(|c: char| !c.is_ascii_digit()).filter_map(|word| word.parse().ok());
        let start = numbers.next();
        let open = lines.trim_end().ends_with('-');
        (start, numbers.next().or(start.filter(|_| !open)))
    }
}

fn schema() -> Value {
    object(
        json!({
            "path": { "type": "string" },
            "symbol": { "type": "string" },
            "lines": { "type": "string" },
        }),
        &["path"],
    )
}

fn run(context: &mut Context, arguments: Value) -> BoxFuture<'_, Answer> {
    Box::pin(async move {
        let arguments: Arguments = match typed(&TOOL, arguments) {
            Ok(arguments) => arguments,
            Err(why) => return Answer::error(why),
        };
        if let Some(output) = context.outputs.get(&arguments.path) {
            let (start, end) = arguments.range();
            let start = start.unwrap_or(1).max(1);
            let end = end.unwrap_or(start + LINES - 1).min(start + LINES - 1);
            return Answer::ok(
                numbered(output, start, end),
                format!("output {}, lines {start} to {end}", arguments.path),
            );
        }
        match read(context, &arguments) {
            Ok(answer) => answer,
            Err(why) => Answer::error(why),
        }
    })
}

fn read(context: &mut Context, arguments: &Arguments) -> Result<Answer, String> {
    let path = context.path(&arguments.path)?;
    let name = path.as_str().to_owned();
    let text = match context.overlay.read(&path) {
        Ok(text) => text,
        Err(ReadError::Missing) => return Err(missing(context, &path)),
        Err(error) => return Err(format!("{name}: {error}")),
    };
    let total = text.lines().count();
    let (start, end) = arguments.range();
    let (start, end) = match (&arguments.symbol, start, end) {
        (Some(symbol), _, _) => symbol_lines(&path, &text, symbol)?,
        (None, None, None) if total > LINES => return Ok(outline_answer(&path, &text, total)),
        (None, start, end) => {
            let start = start.unwrap_or(1).max(1);
            (start, end.unwrap_or(total).clamp(start, start + LINES - 1).min(total.max(start)))
        }
    };
    if start > total.max(1) {
        return Err(format!("{name} has {total} lines"));
    }
    if let Some(known) = context.seen.recall(&name, &text, start, end, context.step) {
        return Ok(Answer::ok(known, format!("read {name} again, nothing or little new")));
    }
    // Who edits copies text, which numbers would only spoil; who answers names lines.
    let body = if context.set.writes() { plain(&text, start, end) } else { numbered(&text, start, end) };
    let head =
        if start == 1 && end >= total { String::new() } else { format!("{name} {start}-{end} of {total}\n") };
    let summary = format!("read {name}, {} lines", end + 1 - start);
    Ok(Answer::ok(format!("{head}{body}"), summary))
}

fn missing(context: &Context, path: &RelPath) -> String {
    let near = context.overlay.near_paths(path.as_str());
    let hint = if near.is_empty() { String::new() } else { format!("; near it: {}", near.join(", ")) };
    format!("{} does not exist{hint}", path.as_str())
}

fn symbol_lines(path: &RelPath, text: &str, symbol: &str) -> Result<(usize, usize), String> {
    let outline = crate::outline::of(path, text);
    let wanted = symbol.rsplit(['.', ':', '#']).next().unwrap_or(symbol);
    let found = outline
        .iter()
        .find(|known| known.name == symbol)
        .or_else(|| outline.iter().find(|known| known.name == wanted));
    match found {
        Some(found) => {
            let first = with_comment(text, found.line as usize);
            Ok((first + 1, (found.end_line as usize + 1).min(first + LINES)))
        }
        None => {
            Err(format!("{} defines no `{symbol}`; its outline:\n{}", path.as_str(), outline_text(&outline)))
        }
    }
}

/// The first line of the comment block and attributes above a symbol, zero-based.
fn with_comment(text: &str, line: usize) -> usize {
    let lines: Vec<&str> = text.lines().collect();
    let mut first = line.min(lines.len());
    while first > 0 {
        let above = lines[first - 1].trim_start();
        let belongs =
            ["//", "#", "*", "/*", "--", "@", "\"\"\""].iter().any(|start| above.starts_with(start));
        match (belongs, attribute_above(&lines[..first])) {
            (true, _) => first -= 1,
            (false, Some(begins)) => first = begins,
            (false, None) => break,
        }
    }
    first
}

/// Longest attribute or decorator that is looked for, in lines.
const ATTRIBUTE_LINES: usize = 60;

/// Where an attribute or decorator over several lines begins that ends with the last of these lines, zero-based.
fn attribute_above(lines: &[&str]) -> Option<usize> {
    let indent = |line: &str| line.len() - line.trim_start().len();
    let last = *lines.last()?;
    if !last.trim_start().starts_with([')', ']', '}']) {
        return None;
    }
    let inside = |line: &str| line.trim().is_empty() || indent(line) > indent(last);
    let begins = (lines.len().saturating_sub(ATTRIBUTE_LINES)..lines.len() - 1)
        .rev()
        .find(|at| !inside(lines[*at]))?;
    let head = lines[begins].trim_start();
    (indent(lines[begins]) == indent(last) && (head.starts_with('@') || head.starts_with("#[")))
        .then_some(begins)
}

fn outline_answer(path: &RelPath, text: &str, total: usize) -> Answer {
    let outline = crate::outline::of(path, text);
    let name = path.as_str();
    if outline.is_empty() {
        return Answer::ok(
            format!(
                "{name} has {total} lines; the first {LINES}, read on with lines\n{}",
                numbered(text, 1, LINES)
            ),
            format!("read {name}, {LINES} of {total} lines"),
        );
    }
    Answer::ok(
        format!(
            "{name} has {total} lines; outline, read on with symbol or lines\n{}",
            outline_text(&outline)
        ),
        format!("outline of {name}, {} symbols", outline.len()),
    )
}

pub(super) fn outline_text(outline: &[Symbol]) -> String {
    let mut text = String::new();
    for symbol in outline {
        let indent = if symbol.container.is_some() { "  " } else { "" };
        text.push_str(&format!("{}-{} {indent}{}\n", symbol.line + 1, symbol.end_line + 1, symbol.signature));
        if text.len() > BYTES / 2 {
            text.push_str("[cut]\n");
            break;
        }
    }
    text
}

/// Lines `start` to `end`, one-based and inclusive, as they stand, bounded in bytes.
fn plain(text: &str, start: usize, end: usize) -> String {
    let mut out = String::new();
    for (number, line) in text.lines().enumerate().skip(start - 1).take((end + 1).saturating_sub(start)) {
        if out.len() + line.len() > BYTES {
            out.push_str(&format!("[cut after line {number}; read on with lines]\n"));
            break;
        }
        out.push_str(line);
        out.push('\n');
    }
    out
}

/// Lines `start` to `end`, one-based and inclusive, with their numbers, bounded in bytes.
pub(super) fn numbered(text: &str, start: usize, end: usize) -> String {
    let mut out = String::new();
    for (number, line) in text.lines().enumerate().skip(start - 1).take((end + 1).saturating_sub(start)) {
        if out.len() + line.len() > BYTES {
            out.push_str(&format!("[cut after line {}; read on with lines]\n", number));
            break;
        }
        out.push_str(&format!("{} {line}\n", number + 1));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_numbered_from_one() {
        assert_eq!(numbered("a\nb\nc\n", 2, 3), "2 b\n3 c\n");
        assert_eq!(numbered("", 1, 1), "");
    }

    #[test]
    fn lines_are_asked_for_as_people_write_them() {
        let range = |lines: &str| {
            Arguments { path: String::new(), symbol: None, lines: Some(lines.into()), start: None, end: None }
                .range()
        };
        assert_eq!(range("10-40"), (Some(10), Some(40)));
        assert_eq!(range("L10:L40"), (Some(10), Some(40)));
        assert_eq!(range("7"), (Some(7), Some(7)));
        assert_eq!(range("7-"), (Some(7), None));
        assert_eq!(range("all"), (None, None));
    }

    #[test]
    fn a_comment_belongs_to_its_symbol() {
        let text = "use a;\n\n/// Doc.\n#[test]\nfn f() {}\n";
        assert_eq!(with_comment(text, 4), 2);
        assert_eq!(with_comment(text, 0), 0);
        let text = "x = f(\n    1,\n)\n@command(\n    \"routes\",\n)\n@option(\n    \"-s\",\n\n    help=(\n        \"a\"\n    ),\n)\n@flag\ndef f(): pass\n";
        assert_eq!(with_comment(text, 14), 3, "decorators, and not the call above them");
    }
}
