//! The outline of a text that may not be in the index: of an overlay, of a hunk.

use galley_index::Symbol;
use galley_text::path::RelPath;

/// The symbols of a text; none where its language has no grammar.
pub fn of(path: &RelPath, text: &str) -> Vec<Symbol> {
    match galley_index::detect(path.as_str(), text.lines().next()) {
        Some(language) => galley_index::outline_text(language, text),
        None => Vec::new(),
    }
}
