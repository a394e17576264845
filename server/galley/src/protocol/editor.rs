//! What the server asks the client about its editor.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `galley/editor/diagnostics`, from the server: what do the other language servers say now? Sent to clients that announce
/// `experimental.galley.diagnostics`.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct EditorDiagnosticsParams {
    /// The document; null for all that the editor knows of.
    pub uri: Option<String>,
}

/// Answer to `galley/editor/diagnostics`
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct EditorDiagnostics {
    /// Documents with diagnostics.
    pub documents: Vec<EditorDocument>,
}

/// The diagnostics of one document, without Galley's own.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EditorDocument {
    /// The document.
    pub uri: String,
    /// The version of the text that they speak of; null for a document that is not open.
    #[serde(default)]
    pub version: Option<i32>,
    /// What is said.
    pub diagnostics: Vec<EditorDiagnostic>,
}

/// One diagnostic of another language server.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EditorDiagnostic {
    /// Zero-based line of its start.
    pub line: u32,
    /// As in LSP: 1 error, 2 warning, 3 information, 4 hint.
    #[serde(default)]
    pub severity: Option<u8>,
    /// Who says so.
    #[serde(default)]
    pub source: Option<String>,
    /// Its name for it.
    #[serde(default)]
    pub code: Option<String>,
    /// The message.
    pub message: String,
}
