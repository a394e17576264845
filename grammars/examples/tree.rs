//! Prints the syntax tree of a file, with field names: what one needs to see to write a query.
//!
//! `cargo run -p galley-grammars --example tree -- FILE`
use galley_grammars::tree_sitter::TreeCursor;

#[allow(clippy::disallowed_methods, reason = "a developer's tool")]
fn main() {
    let path = std::env::args().nth(1).unwrap_or_default();
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) => return eprintln!("{path}: {error}"),
    };
    let Some(language) = galley_grammars::detect_text(&path, &text) else {
        return eprintln!("{path}: no grammar");
    };
    let Some(tree) = language.parser().and_then(|mut parser| parser.parse(&text, None)) else { return };
    show(&mut tree.walk(), &text, 0);
}

fn show(cursor: &mut TreeCursor, text: &str, depth: usize) {
    loop {
        let node = cursor.node();
        if node.is_named() {
            let field = cursor.field_name().map(|field| format!("{field}: ")).unwrap_or_default();
            let leaf = if node.child_count() == 0 { &text[node.byte_range()] } else { "" };
            println!("{}{field}{} {leaf}", "  ".repeat(depth), node.kind());
        }
        if cursor.goto_first_child() {
            show(cursor, text, depth + 1);
            cursor.goto_parent();
        }
        if !cursor.goto_next_sibling() {
            return;
        }
    }
}
