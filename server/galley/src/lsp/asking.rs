//! Asking the person through their editor: by our own request where the client knows it, else by a message with buttons.

use galley_agent::services::Question;
use tower_lsp::Client;
use tower_lsp::lsp_types::request::{Request, ShowMessageRequest};
use tower_lsp::lsp_types::{MessageActionItem, MessageType, ShowMessageRequestParams};

use crate::protocol::{ApprovalAnswer, ApprovalOption, ApprovalParams};

/// `galley/approval/request`
enum ApprovalRequest {}

impl Request for ApprovalRequest {
    type Params = ApprovalParams;
    type Result = Option<ApprovalAnswer>;
    const METHOD: &'static str = "galley/approval/request";
}

/// Asks, and returns the id of the chosen option; `None` for a dismissal, an error, or a client that cannot ask.
pub async fn ask(client: &Client, own_request: bool, question: &Question) -> Option<String> {
    if own_request {
        let params = ApprovalParams {
            approval: question.id.clone(),
            task: question.task.clone(),
            title: question.title.clone(),
            detail: question.detail.clone(),
            options: question
                .options
                .iter()
                .map(|option| ApprovalOption { id: option.id.clone(), label: option.label.clone() })
                .collect(),
        };
        return client.send_request::<ApprovalRequest>(params).await.ok().flatten()?.option;
    }
    let message = if question.detail.is_empty() {
        question.title.clone()
    } else {
        format!("{}\n{}", question.title, question.detail)
    };
    let actions = question
        .options
        .iter()
        .map(|option| MessageActionItem { title: option.label.clone(), properties: Default::default() })
        .collect();
    let params = ShowMessageRequestParams { typ: MessageType::WARNING, message, actions: Some(actions) };
    let chosen = client.send_request::<ShowMessageRequest>(params).await.ok().flatten()?;
    question.options.iter().find(|option| option.label == chosen.title).map(|option| option.id.clone())
}
