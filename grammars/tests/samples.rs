//! Every language's sample says, in marks inside its comments, what the queries must find in it.
//!
//! `marks: definition.function alpha; reference.call beta` speaks of its own line, `above:` of the nearest line above
//! that has no mark. Definitions, containers, imports and tests must be exactly those that are marked; of references
//! only the marked ones are checked.

use galley_grammars::tree_sitter::{QueryCursor, StreamingIterator, Tree};
use galley_grammars::{Capture, CompiledQuery, LANGUAGES, Language, detect_text};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Zero-based line, capture name, text.
type Fact = (usize, String, String);

fn folder(language: &Language) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(language.name)
}

#[allow(clippy::disallowed_methods, reason = "a test reads its samples")]
fn samples(language: &Language) -> Vec<(String, String)> {
    let Ok(entries) = std::fs::read_dir(folder(language)) else { return Vec::new() };
    let mut found = Vec::new();
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if !name.ends_with(".scm") {
            found.push((name, std::fs::read_to_string(entry.path()).expect("a sample is text")));
        }
    }
    found
}

fn parse(language: &Language, text: &str) -> Tree {
    language
        .parser()
        .and_then(|mut parser| parser.parse(language.scannable(text.as_bytes()), None))
        .expect("a parser")
}

fn facts(language: &Language, text: &str) -> BTreeSet<Fact> {
    let compiled = language.tags().expect("a query that compiles");
    let tree = parse(language, text);
    let mut cursor = QueryCursor::new();
    let mut matches = cursor.matches(&compiled.query, tree.root_node(), text.as_bytes());
    let mut winners = std::collections::BTreeMap::new();
    let mut facts = BTreeSet::new();
    while let Some(found) = matches.next() {
        let mut name = None;
        let mut subject = None;
        for capture in found.captures() {
            match compiled.captures[capture.index as usize] {
                Capture::Name => name = Some(capture.node),
                Capture::Silent => {}
                _ => subject = Some((capture.node, capture.index)),
            }
        }
        let Some((node, index)) = subject else { continue };
        let name = name.unwrap_or(node);
        let word = compiled.query.capture_names()[index as usize].to_owned();
        let fact = (name.start_position().row, word, text[name.byte_range()].trim().to_owned());
        match compiled.captures[index as usize] {
            Capture::Definition(_) => {
                let best = winners
                    .entry((name.byte_range().start, name.byte_range().end))
                    .or_insert((found.pattern_index, fact.clone()));
                if found.pattern_index >= best.0 {
                    *best = (found.pattern_index, fact);
                }
            }
            _ => {
                facts.insert(fact);
            }
        }
    }
    facts.extend(winners.into_values().map(|(_, fact)| fact));
    facts
}

fn marks(text: &str) -> BTreeSet<Fact> {
    let mut marks = BTreeSet::new();
    let mut unmarked = 0;
    for (number, line) in text.lines().enumerate() {
        let (row, list) = if let Some((_, list)) = line.split_once("marks: ") {
            (number, list)
        } else if let Some((_, list)) = line.split_once("above: ") {
            (unmarked, list)
        } else {
            // The line under a Markdown heading is part of it.
            if line.trim_matches(['-', '=']).trim() != "" || line.is_empty() {
                unmarked = number;
            }
            continue;
        };
        let list = list.trim_end().trim_end_matches("-->").trim_end_matches("*/").trim_end_matches("-}");
        for mark in list.trim_end().trim_end_matches("*)").split("; ") {
            let (word, name) = mark.trim().split_once(' ').unwrap_or((mark.trim(), ""));
            marks.insert((row, word.to_owned(), name.to_owned()));
        }
    }
    marks
}

#[test]
fn samples_hold_what_their_marks_say() {
    let mut wrong = Vec::new();
    for language in LANGUAGES {
        for (file, text) in samples(language) {
            let (found, marked) = (facts(language, &text), marks(&text));
            for (line, word, name) in marked.difference(&found) {
                wrong.push(format!("{}/{file}:{}: not found: {word} {name}", language.name, line + 1));
            }
            for (line, word, name) in
                found.difference(&marked).filter(|fact| !fact.1.starts_with("reference"))
            {
                wrong.push(format!("{}/{file}:{}: not marked: {word} {name}", language.name, line + 1));
            }
        }
    }
    assert!(wrong.is_empty(), "{} differences\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn every_language_has_a_sample_that_parses_cleanly_and_is_detected() {
    for language in LANGUAGES {
        let samples = samples(language);
        assert!(!samples.is_empty(), "{} has no sample", language.name);
        for (file, text) in samples {
            assert!(
                !parse(language, &text).root_node().has_error(),
                "{}/{file} has syntax errors",
                language.name
            );
            assert_eq!(detect_text(&file, &text), Some(language), "{}/{file}", language.name);
            assert!(
                marks(&text).iter().any(|mark| mark.1.starts_with("definition")),
                "{}/{file}",
                language.name
            );
        }
    }
}

#[test]
fn every_query_compiles_and_uses_the_common_names() {
    for language in LANGUAGES {
        for source in [Some(language.tags_source), language.injections_source].into_iter().flatten() {
            if let Err(error) = CompiledQuery::new(language.tree_sitter(), source) {
                panic!("{}: {error}", language.name);
            }
        }
    }
}

#[test]
fn names_and_extensions_belong_to_one_language() {
    let mut seen = BTreeSet::new();
    for language in LANGUAGES {
        assert!(seen.insert(language.name), "{} twice", language.name);
        for extension in language.extensions {
            assert!(seen.insert(extension) || *extension == language.name, ".{extension} twice");
        }
    }
}
