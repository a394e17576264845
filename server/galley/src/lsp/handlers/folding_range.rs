//! `textDocument/foldingRange`: what the syntax tree lets fold.

use galley_index::{FoldKind, IndexSnapshot};
use galley_text::path::RelPath;
use tower_lsp::lsp_types::{FoldingRange, FoldingRangeKind};

/// The answer, in the order of lines.
pub fn folding_ranges(index: &IndexSnapshot, path: &RelPath) -> Vec<FoldingRange> {
    let range = |fold: galley_index::Fold| FoldingRange {
        start_line: fold.line,
        end_line: fold.end_line,
        kind: match fold.kind {
            FoldKind::Region => None,
            FoldKind::Comment => Some(FoldingRangeKind::Comment),
            FoldKind::Imports => Some(FoldingRangeKind::Imports),
        },
        ..FoldingRange::default()
    };
    index.folds(path).into_iter().map(range).collect()
}
