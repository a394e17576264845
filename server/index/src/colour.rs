//! What each piece of a text is, for colouring it: from the leaves of its syntax tree, alike in every language.

use std::ops::Range;

use galley_grammars::Language;
use galley_text::path::RelPath;
use tree_sitter::Node;

use crate::extract;

/// What a piece of text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// A word of the language.
    Keyword,
    /// A string, a character, a pattern.
    Text,
    /// A number, true, false, nothing.
    Literal,
    /// A comment.
    Comment,
    /// The name of a type.
    Type,
    /// A name that is called or defined as a function.
    Function,
}

/// The pieces of a text that have a class: bytes, half-open, sorted and disjoint. Empty where the language is not known or
/// the text is too large to parse.
pub fn colours(path: &RelPath, text: &str) -> Vec<(Range<usize>, Class)> {
    let Some(language) = galley_grammars::detect(path.as_str(), text.lines().next()) else {
        return Vec::new();
    };
    colours_of(language, text)
}

fn colours_of(language: &'static Language, text: &str) -> Vec<(Range<usize>, Class)> {
    if text.len() > extract::PARSE_LIMIT {
        return Vec::new();
    }
    let Some(tree) = extract::parse(language, text, &[]) else { return Vec::new() };
    let mut out = Vec::new();
    let mut cursor = tree.walk();
    loop {
        let node = cursor.node();
        let class = class(&node, text);
        if let Some(class) = class {
            out.push((node.byte_range(), class));
        }
        // What has a class as a whole is not looked into.
        if class.is_none() && cursor.goto_first_child() {
            continue;
        }
        while !cursor.goto_next_sibling() {
            if !cursor.goto_parent() {
                return out;
            }
        }
    }
}

fn class(node: &Node<'_>, text: &str) -> Option<Class> {
    let kind = node.kind();
    if kind.contains("comment") {
        return Some(Class::Comment);
    }
    let is_text = ["string", "char_literal", "rune_literal", "character", "regex", "heredoc"];
    if node.is_named() && is_text.iter().any(|part| kind.contains(part)) && !kind.contains("interpolat") {
        return Some(Class::Text);
    }
    if node.child_count() > 0 {
        return None;
    }
    let word = text.get(node.byte_range())?;
    if !node.is_named() {
        let letters = word.len() > 1 && word.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'_');
        return letters.then_some(Class::Keyword);
    }
    match kind {
        "true" | "false" | "none" | "null" | "nil" | "boolean" | "boolean_literal" => Some(Class::Literal),
        "self" | "crate" | "super" | "this" | "mutable_specifier" => Some(Class::Keyword),
        _ if kind.contains("number") || kind.contains("integer") || kind.contains("float") => {
            Some(Class::Literal)
        }
        _ if kind.contains("type_identifier")
            || kind.contains("primitive_type")
            || kind == "predefined_type" =>
        {
            Some(Class::Type)
        }
        _ if kind.ends_with("identifier") && is_function(node) => Some(Class::Function),
        _ => None,
    }
}

/// Whether a name is what its parent calls or defines.
fn is_function(node: &Node<'_>) -> bool {
    let Some(parent) = node.parent() else { return false };
    let is = |field: &str| parent.child_by_field_name(field).is_some_and(|child| child.id() == node.id());
    if parent.kind().contains("call") || parent.kind() == "macro_invocation" {
        return is("function") || is("name") || is("macro") || is("method");
    }
    let defines = parent.kind().contains("function") || parent.kind().contains("method");
    if defines {
        return is("name");
    }
    // `a.b()`: the name behind the dot.
    let called = parent.parent().is_some_and(|call| {
        call.kind().contains("call")
            && call.child_by_field_name("function").is_some_and(|child| child.id() == parent.id())
    });
    called && (is("field") || is("attribute") || is("property") || is("name"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn classes(path: &str, text: &str) -> Vec<(String, Class)> {
        let path = RelPath::new(path).unwrap();
        colours(&path, text).into_iter().map(|(range, class)| (text[range].to_owned(), class)).collect()
    }

    #[test]
    fn rust_and_python_are_told_apart_by_their_leaves() {
        let rust = classes("a.rs", "fn one(x: u8) -> String { x.max(1).to_string() } // end\n");
        let has = |word: &str, class| rust.contains(&(word.to_owned(), class));
        assert!(
            has("fn", Class::Keyword) && has("one", Class::Function) && has("String", Class::Type),
            "{rust:?}"
        );
        assert!(has("max", Class::Function) && has("1", Class::Literal), "{rust:?}");
        assert!(rust.last().is_some_and(|(_, class)| *class == Class::Comment));
        let python = classes("a.py", "def two():\n    return 'text'\n");
        let has = |word: &str, class| python.contains(&(word.to_owned(), class));
        assert!(
            has("def", Class::Keyword) && has("'text'", Class::Text) && has("two", Class::Function),
            "{python:?}"
        );
    }

    #[test]
    fn unknown_and_broken_texts_are_harmless() {
        assert!(classes("a.unknown", "x").is_empty());
        let broken = classes("a.rs", "fn (((\u{0}\" 'a \n");
        assert!(broken.len() < 20);
    }
}
