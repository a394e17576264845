//! Open documents: buffers of an editor, saved or not, which stand in for their files on disk.

use ropey::Rope;
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use galley_text::path::RelPath;

/// All open documents, by path.
pub(crate) type Documents = BTreeMap<RelPath, Arc<Document>>;

/// One open buffer at one version. Never changed; a change makes a new one.
#[derive(Debug)]
pub struct Document {
    rope: Rope,
    version: i32,
    text: OnceLock<Arc<str>>,
}

impl Document {
    pub(crate) fn new(text: DocumentText, version: i32) -> Document {
        match text {
            DocumentText::Rope(rope) => Document { rope, version, text: OnceLock::new() },
            DocumentText::Text(text) => {
                Document { rope: Rope::from_str(&text), version, text: OnceLock::from(text) }
            }
        }
    }

    /// The text as a rope; cloning it is cheap.
    pub fn rope(&self) -> &Rope {
        &self.rope
    }

    /// The editor's version number of this text.
    pub fn version(&self) -> i32 {
        self.version
    }

    /// The text in one piece, made at the first call.
    pub fn text(&self) -> Arc<str> {
        Arc::clone(self.text.get_or_init(|| Arc::from(String::from(&self.rope))))
    }
}

/// The text of a document in whichever form the caller has it.
#[derive(Debug, Clone)]
pub enum DocumentText {
    /// As a rope.
    Rope(Rope),
    /// In one piece.
    Text(Arc<str>),
}

impl From<Rope> for DocumentText {
    fn from(rope: Rope) -> DocumentText {
        DocumentText::Rope(rope)
    }
}

impl From<Arc<str>> for DocumentText {
    fn from(text: Arc<str>) -> DocumentText {
        DocumentText::Text(text)
    }
}

impl From<String> for DocumentText {
    fn from(text: String) -> DocumentText {
        DocumentText::Text(Arc::from(text))
    }
}

impl From<&str> for DocumentText {
    fn from(text: &str) -> DocumentText {
        DocumentText::Text(Arc::from(text))
    }
}
