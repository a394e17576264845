//! `textDocument/definition`: where something of the name at a position is defined. By name: scopes and types are not known.

use galley_index::IndexSnapshot;
use galley_text::path::RelPath;
use tower_lsp::lsp_types::{Location, Position};

use super::places::Places;

/// So many at most.
const MOST: usize = 50;

/// The answer, the likeliest first.
pub fn definitions(index: &IndexSnapshot, path: &RelPath, at: Position, mut places: Places) -> Vec<Location> {
    let Some(name) = places.name(index, path, at) else { return Vec::new() };
    let found = index.definitions(&name).into_iter().take(MOST);
    found.filter_map(|found| places.location(index, &found.path, &found.symbol.name_range)).collect()
}
