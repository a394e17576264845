//! `initialize` and `initialized`: what the client can do, what we can do, and what begins after.

use std::path::PathBuf;

use serde_json::json;
use tower_lsp::jsonrpc::{Error, Result};
use tower_lsp::lsp_types::{
    CodeActionKind, CodeActionOptions, CodeActionProviderCapability, CodeLensOptions,
    DidChangeWatchedFilesRegistrationOptions, ExecuteCommandOptions, FileOperationFilter,
    FileOperationPattern, FileOperationRegistrationOptions, FileSystemWatcher,
    FoldingRangeProviderCapability, GlobPattern, InitializeParams, InitializeResult, OneOf, Registration,
    SaveOptions, SelectionRangeProviderCapability, ServerCapabilities, ServerInfo,
    TextDocumentSyncCapability, TextDocumentSyncKind, TextDocumentSyncOptions, TextDocumentSyncSaveOptions,
    WorkDoneProgressOptions, WorkspaceFileOperationsServerCapabilities, WorkspaceFoldersServerCapabilities,
    WorkspaceServerCapabilities,
};

use crate::config::{IndexCapability, IndexSettings};
use crate::lsp::client::ClientFacts;
use crate::lsp::indexing::Indexing;
use crate::lsp::reading::Reading;
use crate::lsp::state::State;
use crate::protocol;

/// Kinds of the actions that we offer.
const KINDS: [&str; 3] = ["quickfix.galley", "refactor.galley", "source.galley"];

/// Takes the client's word in and gives ours.
pub fn initialize(state: &mut State, params: &InitializeParams) -> Result<InitializeResult> {
    state.facts = ClientFacts::new(&params.capabilities);
    if let Err(error) = state.workspace.set_roots(roots(params)) {
        return Err(Error::invalid_params(format!("the workspace cannot be opened: {error}")));
    }
    if let Some(options) = &params.initialization_options {
        state.take_editor_settings(options);
    }
    if let Some(pid) = params.process_id {
        super::super::watch_parent(pid);
    }
    follow(state);
    state.ready = true;
    Ok(InitializeResult {
        capabilities: capabilities(&state.facts, &state.settings.index),
        server_info: Some(ServerInfo {
            name: "galley".to_owned(),
            version: Some(env!("CARGO_PKG_VERSION").to_owned()),
        }),
    })
}

fn roots(params: &InitializeParams) -> Vec<PathBuf> {
    let folders =
        params.workspace_folders.iter().flatten().filter_map(|folder| folder.uri.to_file_path().ok());
    let mut roots: Vec<PathBuf> = folders.collect();
    #[allow(deprecated)] // Older clients send only this.
    if roots.is_empty()
        && let Some(root) = params.root_uri.as_ref().and_then(|uri| uri.to_file_path().ok())
    {
        roots.push(root);
    }
    roots.retain(|root| root.is_dir());
    roots
}

fn capabilities(facts: &ClientFacts, index: &IndexSettings) -> ServerCapabilities {
    let answers = |capability| index.capabilities.contains(&capability);
    let files = || Some(file_operations());
    ServerCapabilities {
        position_encoding: Some(facts.encoding_kind()),
        text_document_sync: Some(TextDocumentSyncCapability::Options(TextDocumentSyncOptions {
            open_close: Some(true),
            change: Some(TextDocumentSyncKind::INCREMENTAL),
            save: Some(TextDocumentSyncSaveOptions::SaveOptions(SaveOptions { include_text: Some(false) })),
            ..TextDocumentSyncOptions::default()
        })),
        code_action_provider: Some(CodeActionProviderCapability::Options(CodeActionOptions {
            code_action_kinds: Some(
                KINDS.iter().map(|kind| CodeActionKind::from((*kind).to_owned())).collect(),
            ),
            resolve_provider: Some(true),
            work_done_progress_options: WorkDoneProgressOptions::default(),
        })),
        code_lens_provider: (!facts.review).then_some(CodeLensOptions { resolve_provider: Some(false) }),
        execute_command_provider: Some(ExecuteCommandOptions {
            commands: protocol::REQUESTS.iter().map(|method| protocol::command(method)).collect(),
            work_done_progress_options: WorkDoneProgressOptions::default(),
        }),
        document_symbol_provider: answers(IndexCapability::DocumentSymbol).then_some(OneOf::Left(true)),
        workspace_symbol_provider: answers(IndexCapability::WorkspaceSymbol).then_some(OneOf::Left(true)),
        folding_range_provider: answers(IndexCapability::FoldingRange)
            .then_some(FoldingRangeProviderCapability::Simple(true)),
        selection_range_provider: answers(IndexCapability::SelectionRange)
            .then_some(SelectionRangeProviderCapability::Simple(true)),
        definition_provider: answers(IndexCapability::Definition).then_some(OneOf::Left(true)),
        references_provider: answers(IndexCapability::References).then_some(OneOf::Left(true)),
        workspace: Some(WorkspaceServerCapabilities {
            workspace_folders: Some(WorkspaceFoldersServerCapabilities {
                supported: Some(true),
                change_notifications: Some(OneOf::Left(true)),
            }),
            file_operations: Some(WorkspaceFileOperationsServerCapabilities {
                did_create: files(),
                did_rename: files(),
                did_delete: files(),
                ..WorkspaceFileOperationsServerCapabilities::default()
            }),
        }),
        experimental: Some(json!({ "galley": { "version": protocol::VERSION } })),
        ..ServerCapabilities::default()
    }
}

fn file_operations() -> FileOperationRegistrationOptions {
    let pattern = FileOperationPattern { glob: "**/*".to_owned(), matches: None, options: None };
    FileOperationRegistrationOptions {
        filters: vec![FileOperationFilter { scheme: Some("file".to_owned()), pattern }],
    }
}

/// Starts what reads for the index. It is there before the first request, which may be about an open document; the
/// workspace is read once the client is ready.
fn follow(state: &mut State) {
    let (workspace, index) = (state.workspace.clone(), state.index.clone());
    let started = Indexing::start(workspace, index, state.front.clone(), state.state_dir.clone());
    let Ok(indexing) = started else { return };
    if let Ok(reading) = Reading::start(state.index.clone(), indexing.clone()) {
        // Some clients open documents before they are answered.
        for (_, buffer) in state.documents.iter() {
            buffer.path.iter().for_each(|path| reading.open(path.clone(), buffer.rope.clone()));
        }
        state.reading = Some(reading);
    }
    state.indexing = Some(indexing);
}

/// Begins what may begin now: the index, the tasks of earlier sessions, the watching of files, the editor's settings.
pub fn initialized(state: &mut State) {
    match &state.indexing {
        Some(indexing) => indexing.refresh(),
        None => state.log(1, "galley: the index cannot be built: no thread can be started"),
    }
    if let Err(error) = &state.journal {
        state.show(1, &format!("Galley: {error}"));
    }
    state.reload_settings();
    state.fetch_editor_settings();
    state.find_earlier_tasks();
    if state.facts.watches_files {
        let client = state.client.clone();
        tokio::spawn(async move { client.register_capability(vec![watching()]).await });
    }
    state.find_sandbox();
    state.dirty.status = true;
    state.log(
        3,
        &format!("galley {} on {} folder(s)", env!("CARGO_PKG_VERSION"), state.workspace.roots().len()),
    );
}

fn watching() -> Registration {
    let watcher = FileSystemWatcher { glob_pattern: GlobPattern::String("**/*".to_owned()), kind: None };
    let options = DidChangeWatchedFilesRegistrationOptions { watchers: vec![watcher] };
    Registration {
        id: "galley-files".to_owned(),
        method: "workspace/didChangeWatchedFiles".to_owned(),
        register_options: serde_json::to_value(options).ok(),
    }
}
