//! `textDocument/references`: where the name at a position stands. By name: two things of one name are not told apart.

use galley_index::IndexSnapshot;
use galley_text::path::RelPath;
use tower_lsp::lsp_types::{Location, Position};

use super::places::Places;

/// So many at most.
const MOST: usize = 2_000;

/// The answer, in the order of paths and lines.
pub fn references(
    index: &IndexSnapshot,
    path: &RelPath,
    at: Position,
    with_definitions: bool,
    mut places: Places,
) -> Vec<Location> {
    let Some(name) = places.name(index, path, at) else { return Vec::new() };
    let found =
        index.references(&name, MOST).into_iter().filter(|place| with_definitions || !place.is_definition);
    found.filter_map(|place| places.location(index, &place.path, &place.range)).collect()
}
