//! What the editor's other language servers say, asked for through the client, which is the only one who hears them all.

use std::time::Duration;

use galley_agent::services::{Reported, Severity};
use galley_text::path::RelPath;
use tower_lsp::Client;
use tower_lsp::lsp_types::Url;
use tower_lsp::lsp_types::request::Request;

use super::event::FrontHandle;
use super::state::State;
use crate::protocol::{EditorDiagnostic, EditorDiagnostics, EditorDiagnosticsParams, EditorDocument};

/// `galley/editor/diagnostics`
enum DiagnosticsRequest {}

impl Request for DiagnosticsRequest {
    type Params = EditorDiagnosticsParams;
    type Result = EditorDiagnostics;
    const METHOD: &'static str = "galley/editor/diagnostics";
}

/// How long a client may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Asks the client, and keeps of its answer what speaks of the texts that are there now.
///
/// # Errors
/// Words for the model: the client cannot tell, or did not answer.
pub(super) async fn diagnostics(front: FrontHandle, path: Option<RelPath>) -> Result<Vec<Reported>, String> {
    let gone = || "the editor is gone".to_owned();
    let asked = front.query(move |state| state.ask_of(path.as_ref())).await.ok_or_else(gone)?;
    let (client, params) = asked?;
    let answer = tokio::time::timeout(PATIENCE, client.send_request::<DiagnosticsRequest>(params)).await;
    let answer = answer.map_err(|_| "the editor did not answer in time".to_owned())?;
    let answer = answer.map_err(|error| format!("the editor cannot tell its diagnostics: {error}"))?;
    front.query(move |state| state.current(answer.documents)).await.ok_or_else(gone)
}

impl State {
    fn ask_of(&self, path: Option<&RelPath>) -> Result<(Client, EditorDiagnosticsParams), String> {
        if !self.facts.diagnostics {
            return Err("this editor does not tell what its other language servers say".to_owned());
        }
        let uri = path.map(|path| {
            // The editor's own spelling, where it has the file open.
            let open = self.documents.by_path(path).map(|(uri, _)| uri.clone());
            let uri = open.or_else(|| Url::from_file_path(self.workspace.absolute(path)?).ok());
            uri.map(|uri| uri.to_string()).ok_or_else(|| format!("there is no file {}", path.as_str()))
        });
        Ok((self.client.clone(), EditorDiagnosticsParams { uri: uri.transpose()? }))
    }

    /// Leaves out what is not in the workspace and what speaks of a text that has been typed on since.
    fn current(&self, documents: Vec<EditorDocument>) -> Vec<Reported> {
        let mut found = Vec::new();
        for document in documents {
            let Ok(uri) = Url::parse(&document.uri) else { continue };
            let Some(path) = self.locate(&uri) else { continue };
            if self.documents.get(&uri).is_some_and(|open| document.version != Some(open.version)) {
                continue;
            }
            found.extend(document.diagnostics.into_iter().map(|one| reported(path.clone(), one)));
        }
        found
    }
}

fn reported(path: RelPath, one: EditorDiagnostic) -> Reported {
    let severity = match one.severity {
        None | Some(0 | 1) => Severity::Error,
        Some(2) => Severity::Warning,
        Some(3) => Severity::Information,
        Some(_) => Severity::Hint,
    };
    Reported {
        path,
        line: one.line,
        severity,
        source: one.source.unwrap_or_default(),
        code: one.code.unwrap_or_default(),
        message: one.message,
    }
}
