//! What the handlers that answer from the index share: which file is asked about, and where in it.

use std::collections::BTreeMap;
use std::ops::Range;

use galley_index::IndexSnapshot;
use galley_text::path::RelPath;
use galley_text::position::{self, Position, PositionEncoding};
use galley_workspace::Workspace;
use ropey::Rope;
use tokio_util::sync::CancellationToken;
use tower_lsp::lsp_types::{self, Location, Url};

use crate::lsp::convert;
use crate::lsp::state::State;

/// What a question needs of the server's state.
pub struct Places {
    workspace: Workspace,
    /// Addresses of open documents, as the client wrote them.
    open: BTreeMap<RelPath, Url>,
    /// The encoding of positions.
    pub encoding: PositionEncoding,
    /// Does the client take the symbols of a document nested?
    pub nested_symbols: bool,
    ropes: BTreeMap<RelPath, Option<Rope>>,
    cancelled: CancellationToken,
}

impl Places {
    /// Takes it from the state. Once the token is cancelled, nothing is found any more.
    pub fn new(state: &State, cancelled: CancellationToken) -> Places {
        let open =
            state.documents.iter().filter_map(|(uri, buffer)| Some((buffer.path.clone()?, uri.clone())));
        Places {
            workspace: state.workspace.clone(),
            open: open.collect(),
            encoding: state.facts.encoding,
            nested_symbols: state.facts.nested_symbols,
            ropes: BTreeMap::new(),
            cancelled,
        }
    }

    /// Is nobody waiting for the answer any more?
    pub fn is_cancelled(&self) -> bool {
        self.cancelled.is_cancelled()
    }

    /// The text of a file, as the index knows it.
    pub fn rope(&mut self, index: &IndexSnapshot, path: &RelPath) -> Option<&Rope> {
        if self.is_cancelled() {
            return None;
        }
        let read = || index.rope_of(path);
        self.ropes.entry(path.clone()).or_insert_with(read).as_ref()
    }

    /// A range of bytes as positions.
    pub fn range(
        &mut self,
        index: &IndexSnapshot,
        path: &RelPath,
        bytes: &Range<usize>,
    ) -> Option<lsp_types::Range> {
        let encoding = self.encoding;
        self.rope(index, path).map(|rope| convert::lsp_range(convert::range(rope, bytes, encoding)))
    }

    /// A range of a file as a place that the client understands.
    pub fn location(
        &mut self,
        index: &IndexSnapshot,
        path: &RelPath,
        bytes: &Range<usize>,
    ) -> Option<Location> {
        let range = self.range(index, path, bytes)?;
        let uri = match self.open.get(path) {
            Some(uri) => uri.clone(),
            None => Url::from_file_path(self.workspace.absolute(path)?).ok()?,
        };
        Some(Location { uri, range })
    }

    /// The byte at a position.
    pub fn offset(
        &mut self,
        index: &IndexSnapshot,
        path: &RelPath,
        at: lsp_types::Position,
    ) -> Option<usize> {
        let encoding = self.encoding;
        self.rope(index, path)
            .map(|rope| position::to_offset(rope, Position::new(at.line, at.character), encoding))
    }

    /// The name at a position, or just before it.
    pub fn name(&mut self, index: &IndexSnapshot, path: &RelPath, at: lsp_types::Position) -> Option<String> {
        let offset = self.offset(index, path, at)?;
        let rope = self.rope(index, path)?;
        let at = rope.byte_to_char(offset);
        let is_name = |character: char| character.is_alphanumeric() || matches!(character, '_' | '$');
        let before = rope.chars_at(at).reversed().take_while(|character| is_name(*character)).count();
        let after = rope.chars_at(at).take_while(|character| is_name(*character)).count();
        let name = rope.slice(at - before..at + after).to_string();
        (!name.is_empty() && name.len() <= 200).then_some(name)
    }
}

/// The protocol's kind of a symbol.
pub fn symbol_kind(kind: galley_index::SymbolKind) -> lsp_types::SymbolKind {
    use galley_index::SymbolKind as Kind;
    use lsp_types::SymbolKind as Theirs;
    match kind {
        Kind::Function | Kind::Macro => Theirs::FUNCTION,
        Kind::Method => Theirs::METHOD,
        Kind::Constructor => Theirs::CONSTRUCTOR,
        Kind::Class | Kind::Type | Kind::Element => Theirs::CLASS,
        Kind::Struct | Kind::Table => Theirs::STRUCT,
        Kind::Enum => Theirs::ENUM,
        Kind::Variant => Theirs::ENUM_MEMBER,
        Kind::Interface | Kind::Trait => Theirs::INTERFACE,
        Kind::Module => Theirs::MODULE,
        Kind::Constant => Theirs::CONSTANT,
        Kind::Variable => Theirs::VARIABLE,
        Kind::Field => Theirs::FIELD,
        Kind::Section => Theirs::STRING,
        Kind::Key => Theirs::KEY,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lsp::handlers::references::references;
    use galley_index::Index;

    #[test]
    fn work_that_nobody_waits_for_stops() {
        let folder = std::path::PathBuf::from(env!("CARGO_MANIFEST_DIR"));
        let index = Index::new();
        let path = RelPath::new("a.rs").unwrap();
        index.update_file(&path, Some("fn name() { name() }\n"));
        let (index, at) = (index.snapshot(), lsp_types::Position::new(0, 4));
        let ask = |cancelled: &CancellationToken| {
            let places = Places {
                workspace: Workspace::open(vec![folder.clone()]).unwrap(),
                open: BTreeMap::new(),
                encoding: PositionEncoding::Utf16,
                nested_symbols: true,
                ropes: BTreeMap::new(),
                cancelled: cancelled.clone(),
            };
            references(&index, &path, at, true, places).len()
        };
        let cancelled = CancellationToken::new();
        assert_eq!(ask(&cancelled), 2);
        cancelled.cancel();
        assert_eq!(ask(&cancelled), 0);
    }
}
