//! `edit`: replaces quoted text, all of a call or none of it.

use futures::future::BoxFuture;
use galley_text::format::{FileChange, Tree};
use galley_text::locate::{self, LocateError};
use galley_text::path::RelPath;
use galley_workspace::{Overlay, ReadError};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Answer, Context, Edited, Tool, object, shown, typed};

pub(super) static TOOL: Tool = Tool {
    name: "edit",
    description: "Replace exact text that stands once; empty old: new file. why: for the reviewer.",
    schema,
    announce: |arguments| match arguments["edits"].get(0) {
        Some(first) => format!("edit {}", shown(first, "path")),
        None => format!("edit {}", shown(arguments, "path")),
    },
    run,
};

/// Several replacements of one call: not declared, but models trained on such a form send them.
#[derive(Deserialize)]
struct Several {
    edits: Vec<Edit>,
}

/// `near` and `all` are not declared: an ambiguous quote is answered with them.
#[derive(Deserialize)]
struct Edit {
    path: String,
    old: String,
    new: String,
    near: Option<usize>,
    #[serde(default)]
    all: bool,
}

fn schema() -> Value {
    object(
        json!({
            "path": { "type": "string" },
            "old": { "type": "string" },
            "new": { "type": "string" },
            "why": { "type": "string" },
        }),
        &["path", "old", "new", "why"],
    )
}

fn run(context: &mut Context, arguments: Value) -> BoxFuture<'_, Answer> {
    Box::pin(async move {
        let why = arguments["why"].as_str().unwrap_or_default().to_owned();
        let edits = if arguments.get("edits").is_some() {
            typed(&TOOL, arguments).map(|several: Several| several.edits)
        } else {
            typed(&TOOL, arguments).map(|edit: Edit| vec![edit])
        };
        let edits = match edits {
            Ok(edits) => edits,
            Err(why) => return Answer::error(why),
        };
        if edits.is_empty() {
            return Answer::error("edits is empty; nothing was changed");
        }
        let before = context.overlay.clone();
        match apply(context, &before, &edits, &why).await {
            Ok(answer) => answer,
            Err(why) => {
                context.overlay = before;
                Answer::error(format!("rejected, nothing was changed: {why}"))
            }
        }
    })
}

async fn apply(context: &mut Context, before: &Overlay, edits: &[Edit], why: &str) -> Result<Answer, String> {
    let mut touched = Vec::new();
    let mut told = Vec::new();
    let mut edited = Vec::new();
    for edit in edits {
        let path = context.path(&edit.path)?;
        context.may_change(&path).await?;
        told.push(one(context, &path, edit)?);
        touched.push(path.clone());
        edited.push(Edited { path: path.as_str().to_owned(), why: why.to_owned(), new: edit.new.clone() });
    }
    context.may_keep(before, &touched).await?;
    let paths: Vec<&str> = edited.iter().map(|edit| edit.path.as_str()).collect();
    let summary = format!("edited {}", dedup(&paths).join(", "));
    Ok(Answer {
        edited,
        overlay_changed: true,
        ..Answer::ok(format!("applied {}", told.join("\n")), summary)
    })
}

fn one(context: &mut Context, path: &RelPath, edit: &Edit) -> Result<String, String> {
    let name = path.as_str();
    let text = match context.overlay.read(path) {
        Ok(text) => text,
        Err(ReadError::Missing) if edit.old.is_empty() => {
            write(context, path, edit.new.clone())?;
            return Ok(format!("{name}: new file, {} lines", edit.new.lines().count()));
        }
        Err(ReadError::Missing) => return Err(missing(context, path)),
        Err(error) => return Err(format!("{name}: {error}")),
    };
    if edit.old.is_empty() {
        if !text.trim().is_empty() {
            return Err(format!("{name} exists and is not empty; quote the text to replace in `old`"));
        }
        write(context, path, edit.new.clone())?;
        return Ok(format!("{name}: filled, {} lines", edit.new.lines().count()));
    }
    let near = edit.near.map(|line| line.saturating_sub(1));
    let replaced = locate::replace(&text, &edit.old, &edit.new, near, edit.all)
        .map_err(|error| locating(name, &error))?;
    if *replaced.text == *text {
        return Err(format!("{name}: old and new are the same"));
    }
    let note = syntax_note(path, &text, &replaced.text);
    let told = place(&replaced, &edit.new, !note.is_empty());
    write(context, path, replaced.text)?;
    Ok(format!("{name}{note}{told}"))
}

/// Where the text went. The text itself is shown only where it may not be what the model has in mind: after a quote that
/// matched but for blanks or the like, or where the syntax broke.
fn place(replaced: &locate::Replaced, new: &str, broke: bool) -> String {
    let start = replaced.places.first().map_or(0, |place| place.start);
    if broke || replaced.how != locate::How::Exact {
        return format!("\n{}", region(&replaced.text, start, new));
    }
    let line = |at: usize| replaced.text.get(..at).unwrap_or_default().matches('\n').count() + 1;
    let mut lines: Vec<String> =
        replaced.places.iter().take(9).map(|place| line(place.start).to_string()).collect();
    if replaced.places.len() > lines.len() {
        lines.push(format!("and {} more", replaced.places.len() - lines.len()));
    }
    format!(":{}", lines.join(", "))
}

fn write(context: &mut Context, path: &RelPath, text: String) -> Result<(), String> {
    context.overlay.write(path, text).map_err(|error| error.to_string())
}

fn missing(context: &Context, path: &RelPath) -> String {
    let near = context.overlay.near_paths(path.as_str());
    if near.is_empty() {
        return format!("{} does not exist", path.as_str());
    }
    format!("{} does not exist; near it: {}", path.as_str(), near.join(", "))
}

fn locating(name: &str, error: &LocateError) -> String {
    match error {
        LocateError::Ambiguous { .. } => {
            format!("{name}: {error}, or add near (its line), or all: true for every place")
        }
        error => format!("{name}: {error}"),
    }
}

/// A word about syntax errors that the edit brought, as information: half-done work may be broken for a while.
pub(super) fn syntax_note(path: &RelPath, before: &str, after: &str) -> String {
    let count = |text| galley_index::syntax_errors(path.as_str(), text).unwrap_or(0);
    let (before, after) = (count(before), count(after));
    if after > before { format!(" (note: {after} syntax errors, {before} before)") } else { String::new() }
}

/// The changed region with three lines around it, numbered.
pub(super) fn region(text: &str, start: usize, new: &str) -> String {
    let first = text[..start.min(text.len())].matches('\n').count();
    let count = new.lines().count().min(20);
    let from = first.saturating_sub(3);
    let lines = text.lines().enumerate().skip(from).take(first - from + count + 3);
    let numbered: Vec<String> = lines.map(|(number, line)| format!("{} {line}", number + 1)).collect();
    numbered.join("\n")
}

/// What a list of changes did, for the model.
pub(super) fn told(change: &FileChange) -> String {
    match change {
        FileChange::Add { path, text } => {
            format!("{}: new file, {} lines", path.as_str(), text.lines().count())
        }
        FileChange::Delete { path, .. } => format!("{}: deleted", path.as_str()),
        FileChange::Move { from, to, .. } => format!("{}: moved to {}", from.as_str(), to.as_str()),
        FileChange::Update { path, before, after } => {
            let note = syntax_note(path, before, after);
            let edits = galley_text::diff::edits(before, after);
            let mut shift = 0isize;
            let mut regions = Vec::new();
            for edit in edits.edits().iter().take(4) {
                let start = usize::try_from(edit.range.start as isize + shift).unwrap_or(0);
                regions.push(region(after, start, &edit.text));
                shift += edit.text.len() as isize - (edit.range.end - edit.range.start) as isize;
            }
            format!("{}{note}\n{}", path.as_str(), regions.join("\n  ...\n"))
        }
    }
}

pub(super) fn dedup<'a>(paths: &[&'a str]) -> Vec<&'a str> {
    let mut seen = Vec::new();
    for path in paths {
        if !seen.contains(path) {
            seen.push(*path);
        }
    }
    seen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_shows_three_lines_around() {
        let text = "a\nb\nc\nd\ne\nf\ng\nh\n";
        let shown = region(text, 8, "e\n");
        assert_eq!(shown, "2 b\n3 c\n4 d\n5 e\n6 f\n7 g\n8 h");
    }
}
