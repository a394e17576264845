//! Answers that need no index, only a text: outline and syntax errors. They serve overlays and unsaved buffers.

use crate::extract;
use crate::found::{Base, Found};
use crate::nest::Definition;
use crate::symbol::Symbol;
use galley_grammars::Language;
use std::ops::Range;

/// The longest signature, in bytes.
const SIGNATURE: usize = 200;

/// The symbols that `text` defines, in order of the text, outer before inner.
pub fn outline_text(language: &'static Language, text: &str) -> Vec<Symbol> {
    extract::definitions(language, text).into_iter().map(|definition| symbol(definition, text)).collect()
}

/// The symbols that the first words of the lines of `text` tell of: quick, without a parser, and mostly right.
pub fn outline_lines(language: &'static Language, text: &str) -> Vec<Symbol> {
    if text.len() > extract::READ_LIMIT {
        return Vec::new();
    }
    let mut found = Found::default();
    crate::lexical::scan(language, text, &mut found);
    let definitions = crate::nest::definitions(&[(Base::default(), &found)]);
    definitions.into_iter().map(|definition| symbol(definition, text)).collect()
}

/// How many error and missing nodes the grammar sees in `text`; `None` if the file at `path` has no grammar.
///
/// Grammars are imperfect: compare the count before and after an edit, do not ask for zero.
pub fn syntax_errors(path: &str, text: &str) -> Option<usize> {
    if text.len() > extract::PARSE_LIMIT {
        return None;
    }
    let language = galley_grammars::detect_text(path, text)?;
    Some(extract::count_errors(&extract::parse(language, text, &[])?))
}

fn symbol(definition: Definition, text: &str) -> Symbol {
    Symbol {
        name: clean_name(text.get(definition.name.clone()).unwrap_or_default()),
        kind: definition.kind,
        container: definition.container.and_then(|range| text.get(range)).map(clean_name),
        line: definition.line,
        end_line: definition.end_line,
        signature: signature(text, &definition.range, &definition.name),
        name_range: definition.name,
        range: definition.range,
        is_test: definition.is_test,
        depth: definition.depth,
    }
}

/// A name on one line, at most 120 characters: headings and test titles can be anything.
pub(crate) fn clean_name(name: &str) -> String {
    let line = name.trim().lines().next().unwrap_or_default();
    line.chars().take(120).collect()
}

/// The head of an item: from its first line that matters up to its body, on one line.
pub(crate) fn signature(text: &str, range: &Range<usize>, name: &Range<usize>) -> String {
    // Annotations above the line of the name are left out.
    let line_start = text.get(..name.start).and_then(|before| before.rfind('\n')).map_or(0, |at| at + 1);
    let start = range.start.max(line_start);
    let Some(body) = text.get(start..range.end.max(name.end)) else { return String::new() };
    let mut out = String::new();
    let mut depth = 0_i32;
    let mut space = false;
    for (at, character) in body.char_indices() {
        let past_name = start + at >= name.end;
        match character {
            '{' if depth == 0 && past_name => break,
            '\n' if depth <= 0 && past_name => break,
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth -= 1,
            _ => {}
        }
        if character.is_whitespace() {
            space = !out.is_empty();
            continue;
        }
        if std::mem::take(&mut space) && !out.ends_with(['(', '[']) {
            out.push(' ');
        }
        out.push(character);
        if out.len() >= SIGNATURE {
            out.push('…');
            break;
        }
    }
    out
}
