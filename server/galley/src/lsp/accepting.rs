//! Accepting: an edit goes to the editor, and the text that comes back decides whether it was applied.
//!
//! No editor's `applied` is believed: some say true for an edit that they dropped, some apply it to newer text. The hunk is
//! accepted when the document shows its text, not before.

use std::collections::HashMap;

use galley_review::{AcceptFile, FileKind, HunkId};
use galley_text::edit::EditList;
use galley_text::path::RelPath;
use galley_text::position::PositionEncoding;
use ropey::Rope;
use serde_json::{Value, json};
use tokio::sync::oneshot;
use tower_lsp::lsp_types::Url;

use super::client::ClientFacts;
use super::convert;
use crate::protocol::Accepted;

/// An accept on its way through the editor.
#[derive(Debug)]
pub struct Accepting {
    /// Its number.
    pub number: u64,
    /// What it is to come to, file by file.
    pub files: Vec<AcceptFile>,
    /// Files that have not come back yet.
    pub waiting: Vec<RelPath>,
    /// Whether the editor said that it applied the edit.
    pub answered: bool,
    /// Gets the answer.
    pub answer: Option<oneshot::Sender<Accepted>>,
    /// Set when the edit takes something back in place of accepting.
    pub restoring: Option<Restoring>,
}

/// A checkpoint that is being returned to.
#[derive(Debug)]
pub struct Restoring {
    /// The task.
    pub task: String,
    /// The checkpoint.
    pub checkpoint: String,
    /// Files that stay as they are, since both sides changed them.
    pub conflicts: Vec<String>,
}

impl Accepting {
    /// The hunks that it accepts.
    pub fn hunks(&self) -> Vec<HunkId> {
        self.files.iter().flat_map(|file| file.hunks.iter().cloned()).collect()
    }

    /// The file of this accept at a path, while it is waited for.
    pub fn waits_for(&self, path: &RelPath) -> Option<&AcceptFile> {
        self.files.iter().find(|file| {
            self.waiting.contains(&file.path) && (file.path == *path || from(file) == Some(path))
        })
    }
}

fn from(file: &AcceptFile) -> Option<&RelPath> {
    match &file.kind {
        FileKind::Move { from } => Some(from),
        _ => None,
    }
}

/// Where a file of the workspace is for the editor.
pub type Address<'a> = &'a dyn Fn(&RelPath) -> Option<Url>;

/// The workspace edit of an accept, for this client. Files that the client cannot create, rename or delete are left out and
/// are the server's to write.
pub fn workspace_edit(files: &[AcceptFile], facts: &ClientFacts, address: Address<'_>, label: &str) -> Value {
    if facts.document_changes {
        versioned(files, facts, address, label)
    } else {
        plain(files, facts, address)
    }
}

fn versioned(files: &[AcceptFile], facts: &ClientFacts, address: Address<'_>, label: &str) -> Value {
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

fn plain(files: &[AcceptFile], facts: &ClientFacts, address: Address<'_>) -> Value {
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

/// The files of an accept that the client cannot make, move or remove, so that the server writes them itself.
pub fn own_files<'a>(files: &'a [AcceptFile], facts: &ClientFacts) -> Vec<&'a AcceptFile> {
    let through_editor = facts.document_changes && facts.resource_operations;
    files.iter().filter(|file| file.kind != FileKind::Modify && !through_editor).collect()
}
