//! `textDocument/selectionRange`: what a selection grows to, step by step.

use galley_index::IndexSnapshot;
use galley_text::path::RelPath;
use tower_lsp::lsp_types::{Position, Range, SelectionRange};

use super::places::Places;

/// So many steps at most: what is further out would be the whole text soon.
const STEPS: usize = 100;

/// The answer: one chain for each position, from the innermost outward.
pub fn selection_ranges(
    index: &IndexSnapshot,
    path: &RelPath,
    positions: &[Position],
    mut places: Places,
) -> Vec<SelectionRange> {
    let mut chain = |at: &Position| {
        let offset = places.offset(index, path, *at).unwrap_or_default();
        let mut outer: Option<SelectionRange> = None;
        for bytes in index.around(path, offset).iter().take(STEPS).rev() {
            if let Some(range) = places.range(index, path, bytes) {
                outer = Some(SelectionRange { range, parent: outer.map(Box::new) });
            }
        }
        // The protocol wants an answer for each position.
        outer.unwrap_or(SelectionRange { range: Range::new(*at, *at), parent: None })
    };
    positions.iter().map(&mut chain).collect()
}
