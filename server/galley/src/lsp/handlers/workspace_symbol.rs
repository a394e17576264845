//! `workspace/symbol`: symbols by the letters of their names.

use galley_index::IndexSnapshot;
use tower_lsp::lsp_types::SymbolInformation;

use super::places::{Places, symbol_kind};

/// So many at most; a person narrows the question sooner than reading more.
const MOST: usize = 128;

/// The answer, best first.
pub fn workspace_symbols(index: &IndexSnapshot, query: &str, mut places: Places) -> Vec<SymbolInformation> {
    let found = index.symbols_by_name(query, MOST).into_iter().filter_map(|found| {
        #[allow(deprecated)] // The type cannot be made without this field.
        Some(SymbolInformation {
            kind: symbol_kind(found.symbol.kind),
            tags: None,
            deprecated: None,
            location: places.location(index, &found.path, &found.symbol.name_range)?,
            container_name: found.symbol.container,
            name: found.symbol.name,
        })
    });
    found.collect()
}
