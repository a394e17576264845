//! The methods of the language server protocol: convert in, one call, convert out.

use std::sync::Arc;

use galley_index::IndexSnapshot;
use galley_text::path::RelPath;
use serde_json::Value;
use tokio::sync::oneshot;
use tokio_util::sync::{CancellationToken, DropGuard};
use tower_lsp::jsonrpc::{Error, ErrorCode, Result};
use tower_lsp::lsp_types::{
    CodeAction, CodeActionParams, CodeActionResponse, CodeLens, CodeLensParams, DocumentSymbolParams,
    DocumentSymbolResponse, ExecuteCommandParams, FoldingRange, FoldingRangeParams, GotoDefinitionParams,
    GotoDefinitionResponse, InitializeParams, InitializeResult, InitializedParams, Location, ReferenceParams,
    SelectionRange, SelectionRangeParams, SymbolInformation, Url, WorkspaceSymbolParams,
};
use tower_lsp::{LanguageServer, async_trait};

use super::event::FrontHandle;
use super::handlers::places::Places;
use super::handlers::{
    code_action, code_lens, definition, document_symbol, folding_range, initialize, references,
    selection_range, workspace_symbol,
};
use super::reading::Reading;
use super::requests::{self, Refusal};
use super::state::State;
use crate::protocol;

/// The front end's side of tower-lsp.
pub struct Backend {
    /// The way to the state.
    pub front: FrontHandle,
}

impl Backend {
    async fn query<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&mut super::state::State) -> T + Send + 'static,
    ) -> Result<T> {
        self.front.query(ask).await.ok_or_else(Error::internal_error)
    }
}

impl Backend {
    /// Answers a question about a document from the index as it is after everything that arrived before, away from the
    /// loop. None for a document outside of the workspace.
    async fn ask<T: Send + 'static>(
        &self,
        uri: Url,
        answer: impl FnOnce(&IndexSnapshot, &RelPath, Places) -> T + Send + 'static,
    ) -> Result<Option<T>> {
        let asked = self.query(move |state| Some((state.locate(&uri)?, Asked::new(state))));
        let Some((path, asked)) = asked.await? else { return Ok(None) };
        asked.answered(move |index, places| answer(index, &path, places)).await.map(Some)
    }
}

/// A question to the index that is on its way. When the client takes its request back, the work for it stops.
struct Asked {
    seen: Option<oneshot::Receiver<Arc<IndexSnapshot>>>,
    present: Arc<IndexSnapshot>,
    places: Places,
    guard: DropGuard,
}

impl Asked {
    fn new(state: &State) -> Asked {
        let cancelled = CancellationToken::new();
        Asked {
            seen: state.reading.as_ref().map(Reading::see),
            present: state.index.snapshot(),
            places: Places::new(state, cancelled.clone()),
            guard: cancelled.drop_guard(),
        }
    }

    async fn answered<T: Send + 'static>(
        self,
        answer: impl FnOnce(&IndexSnapshot, Places) -> T + Send + 'static,
    ) -> Result<T> {
        let Asked { seen, present, places, guard } = self;
        let index = match seen {
            Some(seen) => seen.await.map_err(|_| Error::internal_error())?,
            None => present,
        };
        let answered = tokio::task::spawn_blocking(move || answer(&index, places)).await;
        drop(guard);
        answered.map_err(|_| Error::internal_error())
    }
}

#[async_trait]
impl LanguageServer for Backend {
    async fn initialize(&self, params: InitializeParams) -> Result<InitializeResult> {
        self.query(move |state| initialize::initialize(state, &params)).await?
    }

    async fn initialized(&self, _: InitializedParams) {
        let _ = self.query(initialize::initialized).await;
    }

    async fn shutdown(&self) -> Result<()> {
        self.query(|state| {
            state.handles.values().for_each(|handle| handle.interrupt());
            state.end_proofs();
        })
        .await
    }

    async fn code_action(&self, params: CodeActionParams) -> Result<Option<CodeActionResponse>> {
        self.query(move |state| Some(code_action::code_actions(state, &params))).await
    }

    async fn code_action_resolve(&self, action: CodeAction) -> Result<CodeAction> {
        // Every action carries its command; some editors resolve it all the same.
        Ok(action)
    }

    async fn code_lens(&self, params: CodeLensParams) -> Result<Option<Vec<CodeLens>>> {
        self.query(move |state| Some(code_lens::code_lenses(state, &params))).await
    }

    async fn document_symbol(&self, params: DocumentSymbolParams) -> Result<Option<DocumentSymbolResponse>> {
        self.ask(params.text_document.uri, document_symbol::document_symbols).await
    }

    async fn symbol(&self, params: WorkspaceSymbolParams) -> Result<Option<Vec<SymbolInformation>>> {
        let answer = move |index: &IndexSnapshot, places: Places| {
            workspace_symbol::workspace_symbols(index, &params.query, places)
        };
        let asked = self.query(|state| Asked::new(state)).await?;
        asked.answered(answer).await.map(Some)
    }

    async fn folding_range(&self, params: FoldingRangeParams) -> Result<Option<Vec<FoldingRange>>> {
        self.ask(params.text_document.uri, |index, path, _| folding_range::folding_ranges(index, path)).await
    }

    async fn selection_range(&self, params: SelectionRangeParams) -> Result<Option<Vec<SelectionRange>>> {
        let positions = params.positions;
        self.ask(params.text_document.uri, move |index, path, places| {
            selection_range::selection_ranges(index, path, &positions, places)
        })
        .await
    }

    async fn goto_definition(&self, params: GotoDefinitionParams) -> Result<Option<GotoDefinitionResponse>> {
        let at = params.text_document_position_params;
        let found = self.ask(at.text_document.uri, move |index, path, places| {
            definition::definitions(index, path, at.position, places)
        });
        Ok(found.await?.map(GotoDefinitionResponse::Array))
    }

    async fn references(&self, params: ReferenceParams) -> Result<Option<Vec<Location>>> {
        let (at, with_definitions) = (params.text_document_position, params.context.include_declaration);
        self.ask(at.text_document.uri, move |index, path, places| {
            references::references(index, path, at.position, with_definitions, places)
        })
        .await
    }

    async fn execute_command(&self, params: ExecuteCommandParams) -> Result<Option<Value>> {
        let method = protocol::method(&params.command);
        if !protocol::REQUESTS.contains(&method.as_str()) {
            return Err(Error::invalid_params(format!("there is no command {}", params.command)));
        }
        let argument = params.arguments.into_iter().next().unwrap_or(Value::Null);
        let wait = self.query(|state| state.facts.review).await?;
        match requests::answer(&self.front, &method, argument, wait).await {
            Ok(answer) => Ok(Some(answer)),
            Err(Refusal { code, message }) => {
                Err(Error { code: ErrorCode::ServerError(code), message: message.into(), data: None })
            }
        }
    }
}
