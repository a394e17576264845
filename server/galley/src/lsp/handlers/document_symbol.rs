//! `textDocument/documentSymbol`: the outline of a document, nested where the client takes that.

use galley_index::{IndexSnapshot, Symbol};
use galley_text::path::RelPath;
use tower_lsp::lsp_types::{DocumentSymbol, DocumentSymbolResponse, SymbolInformation};

use super::places::{Places, symbol_kind};

/// The answer.
pub fn document_symbols(index: &IndexSnapshot, path: &RelPath, mut places: Places) -> DocumentSymbolResponse {
    let symbols = index.outline(path);
    if places.nested_symbols {
        let mut symbols = symbols.into_iter().peekable();
        return DocumentSymbolResponse::Nested(nested(index, path, &mut places, &mut symbols, (0, 0)));
    }
    let flat = symbols.into_iter().filter_map(|symbol| {
        #[allow(deprecated)] // The type cannot be made without this field.
        Some(SymbolInformation {
            name: name(&symbol),
            kind: symbol_kind(symbol.kind),
            tags: None,
            deprecated: None,
            location: places.location(index, path, &symbol.range)?,
            container_name: symbol.container,
        })
    });
    DocumentSymbolResponse::Flat(flat.collect())
}

/// Answers are nested no deeper than this: what is in there follows on the same level.
const DEEPEST: usize = 64;

/// The symbols from here on that lie at least so deep, in a list on that level of the answer.
fn nested(
    index: &IndexSnapshot,
    path: &RelPath,
    places: &mut Places,
    symbols: &mut std::iter::Peekable<std::vec::IntoIter<Symbol>>,
    (depth, level): (u16, usize),
) -> Vec<DocumentSymbol> {
    let mut list = Vec::new();
    while let Some(symbol) = symbols.next_if(|symbol| symbol.depth >= depth) {
        let inner = symbol.depth.saturating_add(1);
        let range = places.range(index, path, &symbol.range);
        // A name outside of its item would be refused by clients.
        let is_inside =
            symbol.range.start <= symbol.name_range.start && symbol.name_range.end <= symbol.range.end;
        let selection = if is_inside { places.range(index, path, &symbol.name_range) } else { range };
        let children = match level < DEEPEST {
            true => nested(index, path, places, symbols, (inner, level + 1)),
            false => Vec::new(),
        };
        let (Some(range), Some(selection_range)) = (range, selection) else { continue };
        #[allow(deprecated)] // The type cannot be made without this field.
        list.push(DocumentSymbol {
            name: name(&symbol),
            detail: Some(symbol.signature),
            kind: symbol_kind(symbol.kind),
            tags: None,
            deprecated: None,
            range,
            selection_range,
            children: (!children.is_empty()).then_some(children),
        });
    }
    list
}

/// Clients refuse empty names.
fn name(symbol: &Symbol) -> String {
    if symbol.name.trim().is_empty() { "?".to_owned() } else { symbol.name.clone() }
}
