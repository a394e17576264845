//! The outline of a text that may not be in the index: of an overlay, of a hunk.

use galley_index::Symbol;
use galley_review::Item;
use galley_text::path::RelPath;

/// The symbols of a text; none where its language has no grammar.
pub fn of(path: &RelPath, text: &str) -> Vec<Symbol> {
    match galley_index::detect(path.as_str(), text.lines().next()) {
        Some(language) => galley_index::outline_text(language, text),
        None => Vec::new(),
    }
}

/// The outermost items of a text, so that a hunk keeps to one of them.
pub fn items(path: &RelPath, text: &str) -> Vec<Item> {
    let outermost = of(path, text).into_iter().filter(|symbol| symbol.depth == 0);
    outermost.map(|symbol| Item { name: symbol.name, range: symbol.range }).collect()
}
