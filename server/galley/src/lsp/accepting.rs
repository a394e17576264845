//! Accepting: an edit goes to the editor, and the text that comes back decides whether it was applied.
//!
//! No editor's `applied` is believed: some say true for an edit that they dropped, some apply it to newer text. The hunk is
//! accepted when the document shows its text, not before.

use std::collections::HashMap;

use galley_review::{AcceptFile, FileKind, HunkId};
use galley_text::edit::{EditList, TextEdit};
use galley_text::path::RelPath;
use galley_text::position::{self, PositionEncoding};
use ropey::Rope;
use serde_json::{Value, json};
use tokio::sync::oneshot;
use tower_lsp::lsp_types::Url;

use super::client::ClientFacts;
use super::convert;
use crate::protocol::Accepted;
use crate::rollback::Conflict;

/// An accept on its way through the editor, or the taking back of one.
#[derive(Debug)]
pub struct Accepting {
    /// Its number.
    pub number: u64,
    /// The task whose journal tells of it.
    pub task: String,
    /// The checkpoint that was journalled before the edit was sent.
    pub checkpoint: String,
    /// What it is to come to, file by file, on the texts as they are now.
    pub files: Vec<AcceptFile>,
    /// The same as it was sent to the editor.
    pub sent: Vec<AcceptFile>,
    /// Files that have not come back yet.
    pub waiting: Vec<RelPath>,
    /// Files where the editor put the edit in the wrong place: the text that is there, and the one that is meant.
    pub wrong: HashMap<RelPath, (String, String)>,
    /// Whether the editor answered.
    pub answered: bool,
    /// Why the editor refused, while the person's newer text may explain it.
    pub refused: Option<String>,
    /// How often it was sent.
    pub tries: u32,
    /// Gets the answer.
    pub answer: Option<oneshot::Sender<Accepted>>,
    /// Set when the edit takes something back in place of accepting.
    pub restoring: Option<Restoring>,
}

/// Checkpoints, or hunks of them, that are being taken back.
#[derive(Debug)]
pub struct Restoring {
    /// The checkpoints that are taken back as a whole, with their tasks, latest first.
    pub takes_back: Vec<(String, String)>,
    /// The hunks that are taken back, when it is not a whole checkpoint.
    pub hunks: Vec<HunkId>,
    /// Places that stay as they are, since both sides changed them.
    pub conflicts: Vec<Conflict>,
    /// Whether what is taken back was itself a taking back.
    pub brings_back: bool,
}

impl Accepting {
    /// The hunks that it accepts.
    pub fn hunks(&self) -> Vec<HunkId> {
        if self.restoring.is_some() {
            return Vec::new();
        }
        self.files.iter().flat_map(|file| file.hunks.iter().cloned()).collect()
    }

    /// The file of this accept at a path, while it is waited for.
    pub fn waits_for(&self, path: &RelPath) -> Option<&AcceptFile> {
        self.files.iter().find(|file| self.waiting.contains(&file.path) && lies_at(file, path))
    }

    /// The file as it was sent.
    pub fn sent_at(&self, path: &RelPath) -> Option<&AcceptFile> {
        self.sent.iter().find(|file| lies_at(file, path))
    }
}

/// Whether a file of an accept lies at a path, before or after it.
pub fn lies_at(file: &AcceptFile, path: &RelPath) -> bool {
    let from = match &file.kind {
        FileKind::Move { from } => Some(from),
        _ => None,
    };
    file.path == *path || from == Some(path)
}

/// The text that an editor makes when it puts an edit, as it was sent for `base`, into another text.
pub fn misplaced(base: &str, edits: &EditList, now: &Rope, encoding: PositionEncoding) -> Option<String> {
    let rope = Rope::from_str(base);
    let place = |at: usize| position::to_offset(now, position::to_position(&rope, at, encoding), encoding);
    let moved = edits.edits().iter().map(|edit| {
        let (start, end) = (place(edit.range.start), place(edit.range.end));
        TextEdit::new(start.min(end)..end.max(start), edit.text.as_str())
    });
    EditList::new(moved.collect()).ok()?.apply(&now.to_string()).ok()
}

/// Where a file of the workspace is for the editor.
pub type Address<'a> = &'a dyn Fn(&RelPath) -> Option<Url>;

/// The workspace edit of an accept, for this client. Files that the client cannot create, rename or delete are left out and
/// are the server's to write.
pub fn workspace_edit(
    files: &[&AcceptFile],
    facts: &ClientFacts,
    address: Address<'_>,
    label: &str,
) -> Value {
    if facts.document_changes {
        versioned(files, facts, address, label)
    } else {
        plain(files, facts, address)
    }
}

fn versioned(files: &[&AcceptFile], facts: &ClientFacts, address: Address<'_>, label: &str) -> Value {
    let mut operations = Vec::new();
    for file in files {
        let Some(uri) = address(&file.path) else { continue };
        match &file.kind {
            FileKind::Add if facts.resource_operations => {
                // Without options: Neovim makes no file when it is told to ignore an existing one.
                operations.push(json!({ "kind": "create", "uri": uri }));
                operations.push(text_edit(&uri, None, &file.base, &insert_all(&file.result), facts));
            }
            FileKind::Delete if facts.resource_operations => {
                operations.push(json!({ "kind": "delete", "uri": uri }));
            }
            FileKind::Move { from } if facts.resource_operations => {
                let Some(old) = address(from) else { continue };
                operations.push(json!({ "kind": "rename", "oldUri": old, "newUri": uri }));
                if !file.edits.is_empty() {
                    operations.push(text_edit(&uri, None, &file.base, &file.edits, facts));
                }
            }
            FileKind::Modify => {
                operations.push(text_edit(&uri, file.version, &file.base, &file.edits, facts))
            }
            FileKind::Add | FileKind::Delete | FileKind::Move { .. } => {}
        }
    }
    let mut edit = json!({ "documentChanges": operations });
    if facts.change_annotations {
        let annotation =
            json!({ "label": label, "needsConfirmation": false, "description": "reviewed hunk" });
        edit["changeAnnotations"] = json!({ "galley": annotation });
    }
    edit
}

fn text_edit(uri: &Url, version: Option<i32>, base: &str, edits: &EditList, facts: &ClientFacts) -> Value {
    let annotated = facts.change_annotations;
    json!({
        "textDocument": { "uri": uri, "version": version },
        "edits": lsp_edits(base, edits, facts.encoding, annotated),
    })
}

fn plain(files: &[&AcceptFile], facts: &ClientFacts, address: Address<'_>) -> Value {
    let mut changes: HashMap<String, Value> = HashMap::new();
    for file in files.iter().filter(|file| file.kind == FileKind::Modify) {
        if let Some(uri) = address(&file.path) {
            changes.insert(uri.to_string(), lsp_edits(&file.base, &file.edits, facts.encoding, false));
        }
    }
    json!({ "changes": changes })
}

fn lsp_edits(base: &str, edits: &EditList, encoding: PositionEncoding, annotated: bool) -> Value {
    let rope = Rope::from_str(base);
    let edits: Vec<Value> = edits
        .edits()
        .iter()
        .map(|edit| {
            let mut value =
                json!({ "range": convert::range(&rope, &edit.range, encoding), "newText": edit.text });
            if annotated {
                value["annotationId"] = json!("galley");
            }
            value
        })
        .collect();
    Value::from(edits)
}

fn insert_all(text: &str) -> EditList {
    let edit = galley_text::edit::TextEdit::new(0..0, text);
    EditList::new(vec![edit]).unwrap_or_default()
}

/// The files of an accept that the server writes itself: those that the client cannot make, move or remove, and for a client
/// that takes no edits those that it has not open.
pub fn own_files<'a>(
    files: &'a [AcceptFile],
    facts: &ClientFacts,
    is_open: &dyn Fn(&RelPath) -> bool,
) -> Vec<&'a AcceptFile> {
    let through_editor = |file: &AcceptFile| match file.kind {
        FileKind::Modify => !file.is_mode_only() && (facts.apply_edit || is_open(&file.path)),
        _ => facts.apply_edit && facts.document_changes && facts.resource_operations,
    };
    files.iter().filter(|file| !through_editor(file)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misplaced_edit_is_foreseen() {
        let edits = EditList::new(vec![TextEdit::new(2..4, "B\n")]).unwrap();
        let now = Rope::from_str("new\na\nb\nc\n");
        let text = misplaced("a\nb\nc\n", &edits, &now, PositionEncoding::Utf16);
        assert_eq!(text.as_deref(), Some("new\nB\nb\nc\n"));
    }
}
