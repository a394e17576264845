//! Open documents exactly as the client has them: the one place where `didOpen`, `didChange` and `didClose` take effect.

use std::collections::BTreeMap;

use galley_text::change::{ChangeSet, WrongBase};
use galley_text::path::RelPath;
use galley_text::position::{self, Position, PositionEncoding};
use ropey::Rope;
use tower_lsp::lsp_types::{TextDocumentContentChangeEvent, Url};

/// One open document.
#[derive(Debug, Clone)]
pub struct Buffer {
    /// Its text.
    pub rope: Rope,
    /// The client's version of it.
    pub version: i32,
    /// Its place in the workspace, if it has one.
    pub path: Option<RelPath>,
}

/// All open documents, by address.
#[derive(Debug, Default)]
pub struct Documents(BTreeMap<Url, Buffer>);

/// Why a change did not take effect. The document stays as it was.
#[derive(Debug, thiserror::Error)]
pub enum SyncError {
    /// A change of a document that was never opened.
    #[error("{0} was changed but never opened; the change was not taken")]
    NotOpen(Url),
    /// A change that does not fit.
    #[error("a change of {0} does not fit its text: {1}")]
    Unfit(Url, WrongBase),
}

impl Documents {
    /// Opens a document, or replaces an open one.
    pub fn open(&mut self, uri: Url, text: &str, version: i32, path: Option<RelPath>) {
        self.0.insert(uri, Buffer { rope: Rope::from_str(text), version, path });
    }

    /// Applies the changes of one notification, each on the result of the one before, and returns them as one change of the
    /// text before.
    ///
    /// # Errors
    /// When the document is not open or a change does not fit; then nothing was changed.
    pub fn change(
        &mut self,
        uri: &Url,
        version: i32,
        changes: &[TextDocumentContentChangeEvent],
        encoding: PositionEncoding,
    ) -> Result<ChangeSet, SyncError> {
        let buffer = self.0.get_mut(uri).ok_or_else(|| SyncError::NotOpen(uri.clone()))?;
        let unfit = |error| SyncError::Unfit(uri.clone(), error);
        let mut rope = buffer.rope.clone();
        let mut all = ChangeSet::identity(rope.len_bytes());
        for change in changes {
            let step = step(&rope, change, encoding).map_err(unfit)?;
            step.apply_rope(&mut rope).map_err(unfit)?;
            all = all.compose(&step).map_err(unfit)?;
        }
        buffer.rope = rope;
        buffer.version = version;
        Ok(all)
    }

    /// Closes a document.
    pub fn close(&mut self, uri: &Url) -> Option<Buffer> {
        self.0.remove(uri)
    }

    /// An open document.
    pub fn get(&self, uri: &Url) -> Option<&Buffer> {
        self.0.get(uri)
    }

    /// The address and the buffer of an open document of the workspace.
    pub fn by_path(&self, path: &RelPath) -> Option<(&Url, &Buffer)> {
        self.0.iter().find(|(_, buffer)| buffer.path.as_ref() == Some(path))
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (&Url, &Buffer)> {
        self.0.iter()
    }

    /// Finds the places in the workspace anew, after its folders changed.
    pub fn relocate(&mut self, locate: impl Fn(&Url) -> Option<RelPath>) {
        for (uri, buffer) in &mut self.0 {
            buffer.path = locate(uri);
        }
    }
}

fn step(
    rope: &Rope,
    change: &TextDocumentContentChangeEvent,
    encoding: PositionEncoding,
) -> Result<ChangeSet, WrongBase> {
    let Some(range) = change.range else {
        return Ok(ChangeSet::replace_all(rope.len_bytes(), &change.text));
    };
    let offset = |at: tower_lsp::lsp_types::Position| {
        position::to_offset(rope, Position::new(at.line, at.character), encoding)
    };
    let (start, end) = (offset(range.start), offset(range.end));
    ChangeSet::single(rope.len_bytes(), start.min(end)..end.max(start), &change.text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(line: u32, start: u32, end: u32, text: &str) -> TextDocumentContentChangeEvent {
        let at = |character| tower_lsp::lsp_types::Position { line, character };
        TextDocumentContentChangeEvent {
            range: Some(tower_lsp::lsp_types::Range { start: at(start), end: at(end) }),
            range_length: None,
            text: text.to_owned(),
        }
    }

    #[test]
    fn changes_of_one_notification_build_on_each_other() {
        let uri: Url = "file:///a".parse().unwrap();
        let mut documents = Documents::default();
        documents.open(uri.clone(), "a😀b\r\nc", 1, None);
        let all = documents
            .change(
                &uri,
                2,
                &[change(0, 3, 4, "X"), change(0, 1, 3, ""), change(1, 9, 9, "!")],
                PositionEncoding::Utf16,
            )
            .unwrap();
        let buffer = documents.get(&uri).unwrap();
        assert_eq!(buffer.rope.to_string(), "aX\r\nc!");
        assert_eq!(all.apply("a😀b\r\nc").unwrap(), "aX\r\nc!");
        assert_eq!(buffer.version, 2);
    }

    #[test]
    fn a_change_of_a_closed_document_is_an_error() {
        let uri: Url = "file:///a".parse().unwrap();
        assert!(Documents::default().change(&uri, 1, &[], PositionEncoding::Utf8).is_err());
    }
}
