//! `textDocument/codeLens`: the bar over each hunk, for clients that do not draw their own.

use galley_review::HunkState;
use serde_json::json;
use tower_lsp::lsp_types::{CodeLens, CodeLensParams, Command};

use crate::lsp::convert;
use crate::lsp::state::State;

/// The lenses of a document.
pub fn code_lenses(state: &State, params: &CodeLensParams) -> Vec<CodeLens> {
    let Some(path) = state.locate(&params.text_document.uri).filter(|_| !state.facts.review) else {
        return Vec::new();
    };
    let mut lenses = Vec::new();
    for review in state.reviews.open() {
        for file in review.proposal.files.iter().filter(|file| *file.document() == path) {
            for hunk in file.hunks.iter().filter(|hunk| hunk.is_open()) {
                let range =
                    convert::lsp_range(convert::range(&file.current, &hunk.range, state.facts.encoding));
                let (number, of) = review.proposal.number(&hunk.id).unwrap_or((0, 0));
                let one = json!({ "hunks": [hunk.id.0] });
                let mut bar = Vec::new();
                let lacks = review.lacks(&hunk.id);
                if hunk.state == HunkState::Pending && lacks.is_empty() {
                    bar.push((format!("accept {number} of {of}"), "galley.hunk.accept", one.clone()));
                } else if hunk.state == HunkState::Pending {
                    let with = json!({ "hunks": [hunk.id.0], "prerequisites": true });
                    let title = format!("accept {number} of {of} with {}", review.numbers(&lacks));
                    bar.push((title, "galley.hunk.accept", with));
                }
                bar.push(("reject".to_owned(), "galley.hunk.reject", one));
                let reason = hunk.reason.as_deref().unwrap_or("why");
                bar.push((shortened(reason), "galley.hunk.why", json!({ "hunk": hunk.id.0 })));
                lenses.extend(bar.into_iter().map(|(title, command, argument)| CodeLens {
                    range,
                    command: Some(Command {
                        title,
                        command: command.to_owned(),
                        arguments: Some(vec![argument]),
                    }),
                    data: None,
                }));
            }
        }
    }
    lenses
}

fn shortened(reason: &str) -> String {
    let mut text: String = reason.chars().take(60).collect();
    if reason.chars().count() > 60 {
        text.push('…');
    }
    text
}
