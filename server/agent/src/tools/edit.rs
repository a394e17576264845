//! `edit`: replaces quoted text, all of a call or none of it.

use futures::future::BoxFuture;
use galley_text::format::{FileChange, Tree};
use galley_text::locate::{self, LocateError};
use galley_text::path::RelPath;
use galley_workspace::ReadError;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Answer, Context, Edited, Tool, object, shown, typed};

pub(super) static TOOL: Tool = Tool {
    name: "edit",
    description: "Replace exact text, all edits or none. Empty old makes a new file or replaces an empty one.",
    schema,
    announce: |arguments| format!("edit {}", shown(&arguments["edits"][0], "path")),
    run,
};

#[derive(Deserialize)]
struct Arguments {
    #[serde(default)]
    why: String,
    edits: Vec<Edit>,
}

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
    let edit = object(
        json!({
            "path": { "type": "string" },
            "old": { "type": "string" },
            "new": { "type": "string" },
            "near": { "type": "integer", "description": "line, when old stands in several places" },
            "all": { "type": "boolean" },
        }),
        &["path", "old", "new"],
    );
    object(
        json!({
            "why": { "type": "string", "description": "the reason, one sentence for the reviewer" },
            "edits": { "type": "array", "items": edit },
        }),
        &["why", "edits"],
    )
}

fn run(context: &mut Context, arguments: Value) -> BoxFuture<'_, Answer> {
    Box::pin(async move {
        let arguments: Arguments = match typed(&TOOL, arguments) {
            Ok(arguments) => arguments,
            Err(why) => return Answer::error(why),
        };
        if arguments.edits.is_empty() {
            return Answer::error("edits is empty; nothing was changed");
        }
        let before = context.overlay.checkpoint();
        match apply(context, &arguments).await {
            Ok(answer) => answer,
            Err(why) => {
                context.overlay.restore(&before);
                Answer::error(format!("rejected, nothing was changed: {why}"))
            }
        }
    })
}

async fn apply(context: &mut Context, arguments: &Arguments) -> Result<Answer, String> {
    let mut told = Vec::new();
    let mut edited = Vec::new();
    for edit in &arguments.edits {
        let path = context.path(&edit.path)?;
        context.may_change(&path).await?;
        told.push(one(context, &path, edit)?);
        edited.push(Edited {
            path: path.as_str().to_owned(),
            why: arguments.why.clone(),
            new: edit.new.clone(),
        });
    }
    let paths: Vec<&str> = edited.iter().map(|edit| edit.path.as_str()).collect();
    let summary = format!("edited {}", dedup(&paths).join(", "));
    Ok(Answer {
        edited,
        overlay_changed: true,
        ..Answer::ok(format!("applied\n{}", told.join("\n")), summary)
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
    let region = region(&replaced.text, replaced.places.first().map_or(0, |place| place.start), &edit.new);
    let note = syntax_note(path, &text, &replaced.text);
    write(context, path, replaced.text)?;
    Ok(format!("{name}{note}\n{region}"))
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
    format!("{name}: {error}")
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
    let numbered: Vec<String> = lines.map(|(number, line)| format!("{:>5} {line}", number + 1)).collect();
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
        assert_eq!(shown, "    2 b\n    3 c\n    4 d\n    5 e\n    6 f\n    7 g\n    8 h");
    }
}
