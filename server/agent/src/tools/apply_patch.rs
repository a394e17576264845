//! `apply_patch`: the patch envelope that some model families write best, as free text.

use futures::future::BoxFuture;
use galley_text::format::{self, EditFormat, FileChange};
use galley_workspace::Overlay;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Answer, Context, Edited, Tool, object, typed};

pub(super) static TOOL: Tool = Tool {
    name: "apply_patch",
    description: "Change files by a patch.",
    schema,
    announce: |arguments| match first_path(arguments["input"].as_str().unwrap_or_default()) {
        Some(path) => format!("patch {path}"),
        None => "patch".to_owned(),
    },
    run,
};

#[derive(Deserialize)]
struct Arguments {
    input: String,
}

fn schema() -> Value {
    object(json!({ "input": { "type": "string" } }), &["input"])
}

fn first_path(patch: &str) -> Option<&str> {
    patch
        .lines()
        .find_map(|line| line.strip_prefix("*** ")?.split_once(" File: ").map(|(_, path)| path.trim()))
}

fn run(context: &mut Context, arguments: Value) -> BoxFuture<'_, Answer> {
    Box::pin(async move {
        let arguments: Arguments = match typed(&TOOL, arguments) {
            Ok(arguments) => arguments,
            Err(why) => return Answer::error(why),
        };
        let before = context.overlay.clone();
        match apply(context, &before, &arguments.input).await {
            Ok(answer) => answer,
            Err(why) => {
                context.overlay = before;
                Answer::error(format!("rejected, nothing was changed: {why}"))
            }
        }
    })
}

async fn apply(context: &mut Context, before: &Overlay, patch: &str) -> Result<Answer, String> {
    let changes =
        format::apply(EditFormat::ApplyPatch, patch, &context.overlay).map_err(|error| error.to_string())?;
    if changes.is_empty() {
        return Err("the patch changes nothing".to_owned());
    }
    let mut told = Vec::new();
    let mut edited = Vec::new();
    let mut paths = Vec::new();
    for change in &changes {
        for path in touched(change) {
            context.may_change(path).await?;
            paths.push(path.clone());
        }
        told.push(super::edit::told(change));
        edited.push(note(change));
        put(context, change)?;
    }
    context.may_keep(before, &paths).await?;
    let paths: Vec<&str> = edited.iter().map(|edit| edit.path.as_str()).collect();
    let summary = format!("patched {}", super::edit::dedup(&paths).join(", "));
    Ok(Answer {
        edited,
        overlay_changed: true,
        ..Answer::ok(format!("applied {}", told.join("\n")), summary)
    })
}

fn touched(change: &FileChange) -> Vec<&galley_text::path::RelPath> {
    match change {
        FileChange::Add { path, .. } | FileChange::Update { path, .. } | FileChange::Delete { path, .. } => {
            vec![path]
        }
        FileChange::Move { from, to, .. } => vec![from, to],
    }
}

fn note(change: &FileChange) -> Edited {
    let (path, new) = match change {
        FileChange::Add { path, text } => (path, text.clone()),
        FileChange::Update { path, after, .. } => (path, after.clone()),
        FileChange::Delete { path, .. } => (path, String::new()),
        FileChange::Move { to, after, .. } => (to, after.clone()),
    };
    Edited { path: path.as_str().to_owned(), why: String::new(), new }
}

/// Puts one change into the overlay.
pub(super) fn put(context: &mut Context, change: &FileChange) -> Result<(), String> {
    context.overlay.apply(std::slice::from_ref(change)).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_file_of_a_patch_is_announced() {
        assert_eq!(first_path("*** Begin Patch\n*** Update File: src/a.rs\n@@\n"), Some("src/a.rs"));
        assert_eq!(first_path("nonsense"), None);
    }
}
