//! What the client can do, as it said in `initialize`, with the exceptions that real editors need.

use galley_text::position::PositionEncoding;
use tower_lsp::lsp_types::{ClientCapabilities, PositionEncodingKind};

/// What matters of a client's capabilities.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientFacts {
    /// The encoding of positions that was agreed on.
    pub encoding: PositionEncoding,
    /// Takes edits at all.
    pub apply_edit: bool,
    /// Takes edits with versions.
    pub document_changes: bool,
    /// Takes labels on edits.
    pub change_annotations: bool,
    /// Can create, rename and delete files within an edit.
    pub resource_operations: bool,
    /// Takes code actions with a kind, not only commands.
    pub action_literals: bool,
    /// Shows actions that are disabled, with the reason.
    pub disabled_actions: bool,
    /// Shows progress.
    pub progress: bool,
    /// Can show a document when asked.
    pub show_document: bool,
    /// Draws hunks itself, by our own protocol.
    pub review: bool,
    /// Tells what the editor's other language servers say.
    pub diagnostics: bool,
    /// Answers `workspace/configuration`.
    pub configuration: bool,
    /// Watches files for the server.
    pub watches_files: bool,
    /// Can be told to ask for code lenses again.
    pub lens_refresh: bool,
    /// Takes the symbols of a document nested.
    pub nested_symbols: bool,
}

impl Default for ClientFacts {
    fn default() -> Self {
        ClientFacts::new(&ClientCapabilities::default())
    }
}

impl ClientFacts {
    /// Reads the capabilities.
    pub fn new(capabilities: &ClientCapabilities) -> ClientFacts {
        let workspace = capabilities.workspace.as_ref();
        let edit = workspace.and_then(|workspace| workspace.workspace_edit.as_ref());
        let window = capabilities.window.as_ref();
        let action = capabilities.text_document.as_ref().and_then(|document| document.code_action.as_ref());
        let annotations = edit.is_some_and(|edit| edit.change_annotation_support.is_some());
        let resources =
            edit.is_some_and(|edit| edit.resource_operations.as_ref().is_some_and(|list| !list.is_empty()));
        let announced = edit.and_then(|edit| edit.document_changes).unwrap_or(false);
        let own = |what: &str| {
            let experimental = capabilities.experimental.as_ref();
            experimental.and_then(|experimental| experimental["galley"][what].as_bool()).unwrap_or(false)
        };
        let review = own("review");
        ClientFacts {
            encoding: encoding(capabilities),
            // Clients that say nothing of it are few and take them.
            apply_edit: workspace.and_then(|workspace| workspace.apply_edit).unwrap_or(true),
            // Neovim applies versioned edits without announcing them; it announces these two instead.
            document_changes: announced || annotations || resources,
            // Our own clients have reviewed the hunk; Neovim would stop at a message for each annotated edit.
            change_annotations: annotations && !review,
            resource_operations: resources,
            action_literals: action.is_some_and(|action| action.code_action_literal_support.is_some()),
            disabled_actions: action.and_then(|action| action.disabled_support).unwrap_or(false),
            progress: window.and_then(|window| window.work_done_progress).unwrap_or(false),
            show_document: window
                .is_some_and(|window| window.show_document.as_ref().is_some_and(|show| show.support)),
            review,
            diagnostics: own("diagnostics"),
            configuration: workspace.and_then(|workspace| workspace.configuration).unwrap_or(false),
            watches_files: workspace
                .and_then(|workspace| workspace.did_change_watched_files)
                .and_then(|watched| watched.dynamic_registration)
                .unwrap_or(false),
            nested_symbols: capabilities
                .text_document
                .as_ref()
                .and_then(|document| document.document_symbol.as_ref()?.hierarchical_document_symbol_support)
                .unwrap_or(false),
            lens_refresh: workspace
                .and_then(|workspace| workspace.code_lens.as_ref())
                .and_then(|lens| lens.refresh_support)
                .unwrap_or(false),
        }
    }

    /// The name of the agreed encoding, for the answer to `initialize`.
    pub fn encoding_kind(&self) -> PositionEncodingKind {
        match self.encoding {
            PositionEncoding::Utf8 => PositionEncodingKind::UTF8,
            PositionEncoding::Utf16 => PositionEncodingKind::UTF16,
            PositionEncoding::Utf32 => PositionEncodingKind::UTF32,
        }
    }
}

/// UTF-8 where the client offers it, since it costs us nothing; else what it likes best; UTF-16 when it says nothing.
fn encoding(capabilities: &ClientCapabilities) -> PositionEncoding {
    let offered = capabilities
        .general
        .as_ref()
        .and_then(|general| general.position_encodings.as_deref())
        .unwrap_or(&[]);
    if offered.contains(&PositionEncodingKind::UTF8) {
        return PositionEncoding::Utf8;
    }
    match offered.first() {
        Some(first) if *first == PositionEncodingKind::UTF32 => PositionEncoding::Utf32,
        _ => PositionEncoding::Utf16,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(json: serde_json::Value) -> ClientFacts {
        ClientFacts::new(&serde_json::from_value(json).unwrap())
    }

    #[test]
    fn a_client_that_says_nothing_gets_utf_16_and_plain_edits() {
        let facts = facts(serde_json::json!({}));
        assert_eq!(facts.encoding, PositionEncoding::Utf16);
        assert!(!facts.document_changes && !facts.review && !facts.progress);
    }

    #[test]
    fn neovim_takes_versions_though_it_does_not_say_so() {
        let neovim = facts(serde_json::json!({
            "workspace": { "workspaceEdit": { "resourceOperations": ["rename", "create", "delete"] } },
            "general": { "positionEncodings": ["utf-16", "utf-8"] },
            "experimental": { "galley": { "version": 1, "review": true } },
        }));
        assert!(neovim.document_changes && neovim.review);
        assert_eq!(neovim.encoding, PositionEncoding::Utf8);
    }

    #[test]
    fn utf_32_is_taken_where_it_is_liked_best() {
        let emacs = facts(serde_json::json!({ "general": { "positionEncodings": ["utf-32", "utf-16"] } }));
        assert_eq!(emacs.encoding, PositionEncoding::Utf32);
    }
}
