//! `diagnostics`: what the editor's other language servers say of the person's text. It is knowledge of the text before the
//! task's edits; only checks judge these.

use std::collections::BTreeMap;

use galley_text::path::RelPath;

use super::{Answer, Context};
use crate::services::Reported;

/// Lines that are told; of the rest the number.
const TOLD: usize = 30;

/// Tells the diagnostics of one file, or without a path of all that the editor knows.
///
/// # Errors
/// Words for the model: no editor, or no such file.
pub(super) async fn diagnostics(context: &Context, path: &str) -> Result<Answer, String> {
    let path = match path.trim() {
        "" | "." => None,
        path => Some(context.path(path)?),
    };
    let found = context.services.host.diagnostics(path).await?;
    // What the rules keep from the model is not read by another way.
    let files = context.overlay.files();
    let mut found: Vec<Reported> =
        found.into_iter().filter(|one| files.binary_search(&one.path).is_ok()).collect();
    found.sort_by(|a, b| (a.severity, &a.path, a.line).cmp(&(b.severity, &b.path, b.line)));
    let count = found.len();
    if found.is_empty() {
        return Ok(Answer::ok("The editor's language servers report nothing.", "diagnostics: none"));
    }
    let touched = context.overlay.changed_paths();
    let mut text = "Of the editor's language servers, on the person's text, not on your edits:\n".to_owned();
    if count > TOLD {
        text.push_str(&format!("{TOLD} of {count}, the worst first; name a file for the rest\n"));
    }
    let mut by_file: BTreeMap<&RelPath, Vec<&Reported>> = BTreeMap::new();
    for one in found.iter().take(TOLD) {
        by_file.entry(&one.path).or_default().push(one);
    }
    for (path, list) in by_file {
        let changed = if touched.contains(path) { " (you changed it since)" } else { "" };
        text.push_str(&format!("{}{changed}\n", path.as_str()));
        for one in list {
            text.push_str(&line(one));
        }
    }
    Ok(Answer::ok(text.trim_end(), format!("diagnostics: {count}")))
}

fn line(one: &Reported) -> String {
    let who: Vec<&str> =
        [one.source.as_str(), one.code.as_str()].into_iter().filter(|word| !word.is_empty()).collect();
    let who = if who.is_empty() { String::new() } else { format!(" {}", who.join(" ")) };
    let message: String =
        one.message.lines().map(str::trim).collect::<Vec<_>>().join(" ").chars().take(300).collect();
    format!("{} {}{who}: {message}\n", one.line + 1, one.severity.word())
}
