//! The methods of the language server protocol: convert in, one call, convert out.

use serde_json::Value;
use tower_lsp::jsonrpc::{Error, ErrorCode, Result};
use tower_lsp::lsp_types::{
    CodeAction, CodeActionParams, CodeActionResponse, CodeLens, CodeLensParams, ExecuteCommandParams,
    InitializeParams, InitializeResult, InitializedParams,
};
use tower_lsp::{LanguageServer, async_trait};

use super::event::FrontHandle;
use super::handlers::{code_action, code_lens, initialize};
use super::requests::{self, Refusal};
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
