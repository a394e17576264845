//! The facts of an open document at one moment, put together at the first question that asks for them: while a person
//! types, most versions of a document are never asked about.

use crate::document::Moment;
use crate::facts::Facts;
use ropey::Rope;
use std::sync::{Arc, OnceLock};
use tree_sitter::Tree;

/// A document at one moment.
pub(crate) struct Live {
    moment: Moment,
    tree: OnceLock<Option<Tree>>,
    text: OnceLock<Arc<str>>,
    outline: OnceLock<Option<Arc<Facts>>>,
    facts: OnceLock<Arc<Facts>>,
}

impl Live {
    pub(crate) fn new(moment: Moment) -> Self {
        let (tree, text) = (OnceLock::new(), OnceLock::new());
        Self { moment, tree, text, outline: OnceLock::new(), facts: OnceLock::new() }
    }

    pub(crate) fn text(&self) -> &Arc<str> {
        self.text.get_or_init(|| self.moment.text())
    }

    pub(crate) fn rope(&self) -> &Rope {
        self.moment.rope()
    }

    /// The syntax tree, if the document has one.
    pub(crate) fn tree(&self) -> Option<&Tree> {
        self.tree.get_or_init(|| self.moment.tree()).as_ref()
    }

    /// Facts about definitions; the others may be missing.
    pub(crate) fn outline(&self) -> &Arc<Facts> {
        if let Some(facts) = self.facts.get() {
            return facts;
        }
        let outline = self.outline.get_or_init(|| self.moment.outline(self.text()).map(Arc::new));
        outline.as_ref().unwrap_or_else(|| self.facts())
    }

    pub(crate) fn facts(&self) -> &Arc<Facts> {
        self.facts.get_or_init(|| Arc::new(self.moment.facts(self.text())))
    }
}

impl std::fmt::Debug for Live {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Live").field(&self.rope().len_bytes()).finish()
    }
}
