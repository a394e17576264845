//! `galley edit` and `galley policy`: the engines on single cases.

use std::io::Read;
use std::path::Path;

use galley_text::format::{self, EditFormat, FileChange};
use galley_text::merge::merge;
use galley_workspace::{Overlay, Workspace, apply};
use serde_json::json;

use super::terminal::print;
use super::{DONE, EditCommand, FAILED, STOPPED, USAGE, batch, fail};

/// `galley edit`
pub fn edit(command: &EditCommand) -> i32 {
    match command {
        EditCommand::Apply { root, format, dry_run, json } => apply_text(root, format, *dry_run, *json),
        EditCommand::Merge { json, base, ours, theirs } => merge_files(*json, base, ours, theirs),
    }
}

fn apply_text(root: &Path, format: &str, dry_run: bool, json: bool) -> i32 {
    let Some(format) = EditFormat::from_name(format) else {
        return fail(
            USAGE,
            &format!("there is no edit format `{format}`: search-replace, apply-patch or unified"),
        );
    };
    let mut patch = String::new();
    if let Err(error) = std::io::stdin().read_to_string(&mut patch) {
        return fail(USAGE, &format!("the edit cannot be read from standard input: {error}"));
    }
    let workspace = match Workspace::open(vec![root.to_path_buf()]) {
        Ok(workspace) => workspace,
        Err(error) => return fail(USAGE, &error.to_string()),
    };
    let outcome = format::apply(format, &patch, &Overlay::new(workspace.snapshot()))
        .map_err(|error| error.to_string())
        .and_then(|changes| {
            if !dry_run {
                apply::apply(&workspace, &changes).map_err(|error| error.to_string())?;
            }
            Ok(changes)
        });
    match outcome {
        Ok(changes) => {
            let files: Vec<&str> = changes.iter().map(|change| change.path().as_str()).collect();
            match json {
                true => print(&format!("{}\n", json!({ "status": "applied", "files": files }))),
                false => print(&summary(&changes, dry_run)),
            }
            DONE
        }
        Err(reason) => {
            if json {
                print(&format!("{}\n", json!({ "status": "rejected", "files": [], "reason": reason })));
                return FAILED;
            }
            fail(FAILED, &reason)
        }
    }
}

fn summary(changes: &[FileChange], dry_run: bool) -> String {
    let word = if dry_run { "would apply" } else { "applied" };
    changes.iter().map(|change| format!("{word} {}\n", change.path().as_str())).collect()
}

fn merge_files(json: bool, base: &Path, ours: &Path, theirs: &Path) -> i32 {
    let mut texts = Vec::new();
    for path in [base, ours, theirs] {
        match std::fs::read_to_string(path) {
            Ok(text) => texts.push(text),
            Err(error) => return fail(USAGE, &format!("{} cannot be read: {error}", path.display())),
        }
    }
    let merged = merge(&texts[0], &texts[1], &texts[2]);
    let status = if merged.is_clean() { DONE } else { FAILED };
    if json {
        let answer = json!({
            "clean": merged.is_clean(),
            "conflicts": merged.conflicts.len(),
            "byToken": merged.by_token,
            "text": merged.text,
        });
        print(&format!("{answer}\n"));
    } else {
        print(&merged.text);
    }
    status
}

/// `galley policy explain`
pub fn explain(json: bool, command: &[String]) -> i32 {
    let answer = batch::judged(&command.join(" "));
    if json {
        print(&format!("{answer}\n"));
    } else {
        let word = |key: &str| answer[key].as_str().unwrap_or_default().to_owned();
        print(&format!("{} (risk: {})\n", word("decision"), word("risk")));
        for reason in answer["reasons"].as_array().into_iter().flatten().filter_map(|reason| reason.as_str())
        {
            print(&format!("  {reason}\n"));
        }
    }
    match answer["decision"].as_str() {
        Some("forbid") => STOPPED,
        _ => DONE,
    }
}
