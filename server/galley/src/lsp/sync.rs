//! The notifications that change state, one function each, applied in arrival order by the loop.

use serde::de::DeserializeOwned;
use serde_json::Value;
use tower_lsp::lsp_types::{
    CreateFilesParams, DeleteFilesParams, DidChangeConfigurationParams, DidChangeTextDocumentParams,
    DidChangeWatchedFilesParams, DidChangeWorkspaceFoldersParams, DidCloseTextDocumentParams,
    DidOpenTextDocumentParams, DidSaveTextDocumentParams, NumberOrString, RenameFilesParams, Url,
    WorkDoneProgressCancelParams,
};

use super::state::State;

impl State {
    /// Takes a notification in.
    pub fn notified(&mut self, method: &str, params: Value) {
        if !self.ready {
            return;
        }
        let taken = match method {
            "textDocument/didOpen" => read(params).map(|params| self.did_open(params)),
            "textDocument/didChange" => read(params).map(|params| self.did_change(params)),
            "textDocument/didClose" => read(params).map(|params| self.did_close(params)),
            "textDocument/didSave" => read(params).map(|params| self.did_save(params)),
            "workspace/didChangeWatchedFiles" => read(params).map(|params| self.watched(params)),
            "workspace/didChangeWorkspaceFolders" => read(params).map(|params| self.folders(params)),
            "workspace/didChangeConfiguration" => read(params).map(|params| self.configuration(params)),
            "workspace/didRenameFiles" => read(params).map(|params| self.renamed(params)),
            "workspace/didCreateFiles" => read(params).map(|params| self.created(params)),
            "workspace/didDeleteFiles" => read(params).map(|params| self.deleted(params)),
            "window/workDoneProgress/cancel" => read(params).map(|params| self.progress_cancelled(params)),
            _ => Ok(()),
        };
        if let Err(error) = taken {
            self.log(1, &format!("galley: {method} was not understood and not taken: {error}"));
        }
    }

    fn did_open(&mut self, params: DidOpenTextDocumentParams) {
        let document = params.text_document;
        let path = self.locate(&document.uri);
        self.documents.open(document.uri.clone(), &document.text, document.version, path.clone());
        let Some(path) = path else { return };
        if let Some(buffer) = self.documents.get(&document.uri) {
            self.workspace.open_document(&path, buffer.rope.clone(), document.version);
            if let Some(reading) = &self.reading {
                reading.open(path.clone(), buffer.rope.clone());
            }
        }
        self.text_came_back(&path, &document.text, Some(document.version));
    }

    fn did_change(&mut self, params: DidChangeTextDocumentParams) {
        let (uri, version) = (params.text_document.uri, params.text_document.version);
        let before = self.documents.get(&uri).map(|buffer| buffer.rope.clone()).unwrap_or_default();
        let change = match self.documents.change(&uri, version, &params.content_changes, self.facts.encoding)
        {
            Ok(change) => change,
            Err(error) => return self.log(1, &format!("galley: {error}")),
        };
        let Some(buffer) = self.documents.get(&uri) else { return };
        let (Some(path), rope) = (buffer.path.clone(), buffer.rope.clone()) else { return };
        self.workspace.open_document(&path, rope.clone(), version);
        self.document_changed(&path, &change, &before, &rope, version);
        if let Some(reading) = &self.reading {
            reading.change(path, change, rope);
        }
    }

    fn did_close(&mut self, params: DidCloseTextDocumentParams) {
        let uri = params.text_document.uri;
        let Some(path) = self.documents.close(&uri).and_then(|buffer| buffer.path) else { return };
        self.workspace.close_document(&path);
        self.text_from_disk(&path);
        if let Some(reading) = &self.reading {
            reading.close(path);
        }
    }

    fn did_save(&mut self, params: DidSaveTextDocumentParams) {
        if let Some(path) = self.locate(&params.text_document.uri) {
            self.workspace.invalidate(std::slice::from_ref(&path));
            if path.as_str() == "galley.toml" {
                self.reload_settings();
            }
        }
    }

    fn watched(&mut self, params: DidChangeWatchedFilesParams) {
        for event in params.changes {
            self.file_changed(&event.uri);
        }
    }

    fn folders(&mut self, params: DidChangeWorkspaceFoldersParams) {
        let removed: Vec<_> =
            params.event.removed.iter().filter_map(|folder| folder.uri.to_file_path().ok()).collect();
        let mut roots: Vec<_> = self.workspace.roots().into_iter().map(|root| root.path).collect();
        roots.retain(|root| !removed.contains(root));
        roots.extend(params.event.added.iter().filter_map(|folder| folder.uri.to_file_path().ok()));
        if let Err(error) = self.workspace.set_roots(roots) {
            return self.show(2, &format!("galley: {error}"));
        }
        let workspace = self.workspace.clone();
        if let Some(reading) = &self.reading {
            self.documents
                .iter()
                .filter_map(|(_, buffer)| buffer.path.clone())
                .for_each(|path| reading.close(path));
        }
        self.documents.relocate(|uri| workspace.locate(&uri.to_file_path().ok()?));
        for (_, buffer) in self.documents.iter() {
            if let Some(path) = &buffer.path {
                self.workspace.open_document(path, buffer.rope.clone(), buffer.version);
                if let Some(reading) = &self.reading {
                    reading.open(path.clone(), buffer.rope.clone());
                }
            }
        }
        if let Some(indexing) = &self.indexing {
            indexing.refresh();
        }
    }

    fn configuration(&mut self, params: DidChangeConfigurationParams) {
        self.take_editor_settings(&params.settings);
        self.reload_settings();
        self.fetch_editor_settings();
    }

    fn renamed(&mut self, params: RenameFilesParams) {
        for file in params.files {
            let (Ok(from), Ok(to)) = (file.old_uri.parse::<Url>(), file.new_uri.parse::<Url>()) else {
                continue;
            };
            if let (Some(from), Some(to)) = (self.locate(&from), self.locate(&to)) {
                for review in self.reviews.iter_mut().filter(|review| review.concerns(&from)) {
                    review.proposal.file_renamed(&from, &to);
                }
                self.mark_reviews(&to);
            }
            self.file_changed(&from);
            self.file_changed(&to);
        }
    }

    fn created(&mut self, params: CreateFilesParams) {
        for file in params.files {
            if let Ok(uri) = file.uri.parse::<Url>() {
                self.file_changed(&uri);
            }
        }
    }

    fn deleted(&mut self, params: DeleteFilesParams) {
        for file in params.files {
            if let Ok(uri) = file.uri.parse::<Url>() {
                self.file_changed(&uri);
            }
        }
    }

    fn progress_cancelled(&mut self, params: WorkDoneProgressCancelParams) {
        if let NumberOrString::String(token) = params.token
            && let Some(handle) = self.handles.get(&token)
        {
            handle.stop();
        }
    }

    /// Something happened to a file on disk.
    fn file_changed(&mut self, uri: &Url) {
        let Some(path) = self.locate(uri) else { return };
        self.workspace.invalidate(std::slice::from_ref(&path));
        if path.as_str() == "galley.toml" {
            self.reload_settings();
        }
        if self.documents.by_path(&path).is_none() {
            self.text_from_disk(&path);
        }
        self.index_changed(path);
    }

    fn index_changed(&mut self, path: galley_text::path::RelPath) {
        if let Some(indexing) = &self.indexing {
            indexing.changed(path);
        }
    }

    /// Reads the files of configuration again.
    pub fn reload_settings(&mut self) {
        let root = self.workspace.roots().into_iter().next().map(|root| root.path);
        match crate::config::load(root.as_deref()) {
            Ok(settings) => {
                self.settings = settings;
                self.settings.review.check = self.editor_check.unwrap_or(self.settings.review.check);
            }
            Err(error) => self.show(2, &format!("galley: {error}; the settings stay as they were")),
        }
        self.dirty.status = true;
    }

    /// Takes the editor's settings, with or without the `galley` around them.
    pub fn take_editor_settings(&mut self, settings: &Value) {
        let own = settings.get("galley").unwrap_or(settings);
        if let Some(model) = own.get("model") {
            self.editor_model = model.as_str().filter(|model| !model.is_empty()).map(str::to_owned);
        }
        if let Some(capabilities) = own.get("index").and_then(|index| index.get("capabilities")) {
            match serde_json::from_value(capabilities.clone()) {
                Ok(capabilities) => self.settings.index.capabilities = capabilities,
                Err(error) => self.show(2, &format!("galley: index.capabilities is not understood: {error}")),
            }
        }
        if let Some(usd) = own.get("maxUsd").and_then(Value::as_f64) {
            self.settings.budget.usd = Some(usd);
        }
        if let Some(time) = own.get("reviewCheck").and_then(|time| serde_json::from_value(time.clone()).ok())
        {
            self.settings.review.check = time;
            self.editor_check = Some(time);
        }
        if let Some(steps) = own.get("maxSteps").and_then(Value::as_u64) {
            self.settings.budget.steps = u32::try_from(steps).ok();
        }
        self.dirty.status = true;
    }
}

fn read<T: DeserializeOwned>(params: Value) -> Result<T, serde_json::Error> {
    serde_json::from_value(params)
}
