//! Reads one text: parses it, walks the tree once, and does the same for the parts in other languages. What comes out is
//! plain and unpacked ([`crate::found`]); [`crate::pack`] makes facts of it.
//!
//! Rules for what cannot be read in full: of a text above [`PARSE_LIMIT`] the lines are scanned for definitions, one of
//! very long lines is only cut into words, one above [`READ_LIMIT`] only counts by its path.

use crate::found::{Base, Found, Span};
use crate::nest::Definition;
use crate::role::is_minified;
use crate::rules::Rules;
use crate::turn::{pass, worked};
use crate::walk::Walk;
use galley_grammars::{Capture, Language};
use std::cell::RefCell;
use std::collections::HashMap;
use std::ops::ControlFlow;
use tree_sitter::{ParseOptions, Parser, Query, QueryCursor, StreamingIterator, Tree};

/// Texts of more bytes than this are not parsed.
pub const PARSE_LIMIT: usize = 4 << 20;
/// Texts of more bytes than this are not read at all.
pub const READ_LIMIT: usize = 64 << 20;

thread_local! {
    static PARSERS: RefCell<HashMap<&'static str, Parser>> = RefCell::default();
    static CURSOR: RefCell<QueryCursor> = RefCell::new(QueryCursor::new());
}

/// Calls `use_parser` with this thread's parser for the language.
pub(crate) fn with_parser<T>(
    language: &'static Language,
    use_parser: impl FnOnce(&mut Parser) -> Option<T>,
) -> Option<T> {
    PARSERS.with_borrow_mut(|parsers| {
        let parser = match parsers.entry(language.name) {
            std::collections::hash_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::hash_map::Entry::Vacant(entry) => entry.insert(language.parser()?),
        };
        use_parser(parser)
    })
}

/// Units of work between two looks at a parser's progress, which are a hundred of its steps.
const PARSED: u32 = 250;

/// Parses with this thread's parser for the language.
pub(crate) fn parse(language: &'static Language, text: &str, ranges: &[tree_sitter::Range]) -> Option<Tree> {
    with_parser(language, |parser| {
        parser.set_included_ranges(ranges).ok()?;
        let bytes = language.scannable(text.as_bytes());
        let mut chunk = |byte: usize, _| bytes.get(byte..).unwrap_or_default();
        let mut progress = |_: &_| {
            worked(PARSED);
            ControlFlow::Continue(())
        };
        let options = ParseOptions::new().progress_callback(&mut progress);
        parser.parse_with_options(&mut chunk, None, Some(options))
    })
}

/// May a text of this size and shape be given to a parser?
pub(crate) fn is_parsable(text: &str) -> bool {
    text.len() <= PARSE_LIMIT && !is_minified(text)
}

/// Reads `text` into `found`, whose places count from the start of the text. Was it read with a grammar?
pub(crate) fn extract(language: Option<&'static Language>, text: &str, found: &mut Found) -> bool {
    if text.len() > READ_LIMIT {
        return false;
    }
    let mut reading = Reading { text, found, by_query: false, outline_only: false, parsed: false };
    match language.filter(|_| is_parsable(text)) {
        Some(language) => reading.read(language, &[], 0),
        None => {
            reading.found.prose.push(Span { start: 0, end: text.len() as i32 });
            if let Some(language) = language.filter(|_| text.len() > PARSE_LIMIT && !is_minified(text)) {
                crate::lexical::scan(language, text, reading.found);
            }
        }
    }
    reading.parsed
}

/// Only the definitions: what an outline needs.
pub(crate) fn definitions(language: &'static Language, text: &str) -> Vec<Definition> {
    let mut found = Found::default();
    if text.len() <= PARSE_LIMIT {
        let mut reading =
            Reading { text, found: &mut found, by_query: false, outline_only: true, parsed: false };
        reading.read(language, &[], 0);
    }
    crate::nest::definitions(&[(Base::default(), &found)])
}

struct Reading<'a> {
    text: &'a str,
    found: &'a mut Found,
    /// Ask the query engine for everything, as tests do.
    by_query: bool,
    outline_only: bool,
    parsed: bool,
}

impl Reading<'_> {
    /// One language's part of the text; `ranges` is empty for all of it.
    fn read(&mut self, language: &'static Language, ranges: &[tree_sitter::Range], depth: usize) {
        let Some(tree) = parse(language, self.text, ranges) else { return };
        self.parsed = true;
        self.walk(language, &tree);
        if depth < 2 {
            self.embedded(language, &tree, depth);
        }
        drop(tree);
        worked(pass(self.text.len()));
    }

    fn walk(&mut self, language: &'static Language, tree: &Tree) {
        if tree.root_node().has_error() {
            self.found.errors += count_errors(tree) as u32;
        }
        let no_rules;
        let rules = Rules::of(language);
        let rules = if self.by_query {
            no_rules = rules.without_rules();
            &no_rules
        } else {
            &*rules
        };
        let mut walk = Walk::new(rules, self.text, std::mem::take(self.found));
        walk.outline_only = self.outline_only;
        walk.subtree(&mut tree.walk());
        *self.found = walk.found;
        if self.by_query {
            if let Some(tags) = language.tags() {
                self.ask(&tags.query, &tags.captures, |pattern| pattern, tree);
            }
        } else if let Some(rest) = &rules.rest {
            self.ask(&rest.query, &rest.captures, |pattern| rest.patterns[pattern], tree);
        }
    }

    /// Runs a query over the whole tree.
    fn ask(&mut self, query: &Query, captures: &[Capture], number: impl Fn(usize) -> usize, tree: &Tree) {
        CURSOR.with_borrow_mut(|cursor| {
            let mut matches = cursor.matches(query, tree.root_node(), self.text.as_bytes());
            while let Some(found) = matches.next() {
                let (mut name, mut subject) = (None, None);
                for capture in found.captures() {
                    match captures[capture.index as usize] {
                        Capture::Name => name = Some(capture.node),
                        Capture::Silent | Capture::InjectionContent | Capture::InjectionLanguage => {}
                        other => subject = Some((other, capture.node)),
                    }
                }
                if let Some((capture, node)) = subject {
                    let pattern = number(found.pattern_index);
                    self.found.tag(Base::default(), pattern, capture, &node, &name.unwrap_or(node));
                }
            }
        });
    }

    /// Parts in another language: scripts and styles of pages, fences of Markdown.
    fn embedded(&mut self, language: &'static Language, tree: &Tree, depth: usize) {
        // The code of a document's fences is an example: its words count, its definitions are not the document's.
        let examples = language.name == "markdown";
        if examples && self.outline_only {
            return;
        }
        for (inner, range) in injections(language, self.text, tree) {
            if examples {
                self.found.prose.push(Span { start: range.start_byte as i32, end: range.end_byte as i32 });
            } else {
                self.read(inner, &[range], depth + 1);
            }
        }
    }
}

/// The parts of a text that are in another language, and in which.
fn injections(
    language: &'static Language,
    text: &str,
    tree: &Tree,
) -> Vec<(&'static Language, tree_sitter::Range)> {
    let mut parts: Vec<(&'static Language, tree_sitter::Range)> = Vec::new();
    let Some(compiled) = language.injections() else { return parts };
    let mut cursor = QueryCursor::new();
    let mut matches = cursor.matches(&compiled.query, tree.root_node(), text.as_bytes());
    while let Some(found) = matches.next() {
        let (mut content, mut name) = (None, None);
        for setting in compiled.query.property_settings(found.pattern_index) {
            if &*setting.key == "injection.language" {
                name = setting.value.as_deref();
            }
        }
        for capture in found.captures() {
            match compiled.captures[capture.index as usize] {
                Capture::InjectionContent => content = Some(capture.node.range()),
                Capture::InjectionLanguage => name = text.get(capture.node.byte_range()),
                _ => {}
            }
        }
        if let (Some(content), Some(inner)) = (content, name.and_then(galley_grammars::by_name)) {
            match parts.iter_mut().find(|part| part.1 == content) {
                Some(part) => part.0 = inner,
                None => parts.push((inner, content)),
            }
        }
    }
    parts
}
/// Per node kind: does a node of this kind hold words of people? Comments, contents of strings, text of documents.
pub(crate) fn prose_kinds(language: &'static Language) -> &'static [bool] {
    use std::sync::{Mutex, OnceLock};
    static KINDS: OnceLock<Mutex<HashMap<&'static str, &'static [bool]>>> = OnceLock::new();
    let mut kinds = match KINDS.get_or_init(Mutex::default).lock() {
        Ok(kinds) => kinds,
        Err(poisoned) => poisoned.into_inner(),
    };
    // One small table per language and process.
    kinds.entry(language.name).or_insert_with(|| {
        let grammar = language.tree_sitter();
        let is_prose = |kind: &str| {
            kind.contains("comment")
                || kind.ends_with("string_content")
                || kind.ends_with("fragment")
                || matches!(
                    kind,
                    "number"
                        | "integer"
                        | "int_literal"
                        | "integer_literal"
                        | "number_literal"
                        | "decimal_integer_literal"
                )
                || kind.contains("heredoc_body")
                || kind.contains("plain_scalar")
                || kind.contains("quote_scalar")
                || matches!(
                    kind,
                    "inline"
                        | "text"
                        | "raw_text"
                        | "string"
                        | "string_literal"
                        | "char_literal"
                        | "paragraph"
                        | "line_string_literal"
                        | "multi_line_string_literal"
                        | "string_text"
                        | "line_str_text"
                        | "quoted_content"
                        | "template_literal"
                        | "html_block"
                        | "code_fence_content"
                        | "indented_code_block"
                        | "raw_string"
                        | "regex_pattern"
                        | "content"
                        | "docstring"
                        | "string_scalar"
                        | "block_scalar"
                        | "literal"
                )
        };
        // A string that has its content as a child is not prose itself, or interpolated names would be lost.
        let has_content = (0..grammar.node_kind_count() as u16).any(|id| {
            grammar
                .node_kind_for_id(id)
                .is_some_and(|kind| kind.ends_with("string_content") || kind.ends_with("fragment"))
        });
        (0..grammar.node_kind_count() as u16)
            .map(|id| {
                let kind = grammar.node_kind_for_id(id).unwrap_or_default();
                let outer = has_content && matches!(kind, "string" | "string_literal");
                grammar.node_kind_is_named(id) && is_prose(kind) && !outer
            })
            .collect::<Vec<_>>()
            .leak()
    })
}

/// Counts error and missing nodes, looking only where the parser says there are some.
pub(crate) fn count_errors(tree: &Tree) -> usize {
    let mut cursor = tree.walk();
    let mut errors = 0;
    loop {
        let node = cursor.node();
        errors += usize::from(node.is_error() || node.is_missing());
        if node.has_error() && cursor.goto_first_child() {
            continue;
        }
        while !cursor.goto_next_sibling() {
            if !cursor.goto_parent() {
                return errors;
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "samples are files")]
mod tests {
    use super::*;
    use crate::pack::{Content, pack};
    use proptest::prelude::*;
    use std::collections::BTreeSet;
    use std::path::{Path, PathBuf};

    /// What is found in a text, by rules or by the query engine.
    fn found(language: &'static Language, text: &str, by_query: bool) -> Found {
        let mut found = Found::default();
        Reading { text, found: &mut found, by_query, outline_only: false, parsed: false }.read(
            language,
            &[],
            0,
        );
        found
    }

    /// Says how rules and query engine differ, if they do. Of broken code the engine overlooks some things, by its own
    /// rules of what may lie between siblings; there it only must not know more.
    fn difference(language: &'static Language, text: &str) -> Option<String> {
        let [by_rules, by_query] = [false, true].map(|by_query| found(language, text, by_query));
        let uses = |found: &Found| {
            let named = found.occurrences.iter().filter(|place| place.uses != 0);
            let mut uses: Vec<(u32, u8)> = named.map(|place| (place.start, place.uses)).collect();
            uses.extend(found.uses.iter().map(|(span, bits)| (span.start as u32, *bits)));
            uses.sort_unstable();
            // One place may be said to be several things, one by one or at once.
            let mut merged: Vec<(u32, u8)> = Vec::new();
            for (start, bits) in uses {
                match merged.last_mut() {
                    Some(last) if last.0 == start => last.1 |= bits,
                    _ => merged.push((start, bits)),
                }
            }
            merged.iter().map(|use_| format!("use {use_:?}")).collect::<Vec<_>>()
        };
        let said = |found: &Found| {
            let tags = found.tags.iter().map(|tag| format!("{tag:?}"));
            let imports = found.imports.iter().map(|span| format!("import {span:?}"));
            tags.chain(imports).chain(uses(found)).collect::<BTreeSet<_>>()
        };
        let (rules, query) = (said(&by_rules), said(&by_query));
        let only_query: Vec<_> = query.difference(&rules).take(3).collect();
        let only_rules: Vec<_> = rules.difference(&query).filter(|_| by_query.errors == 0).take(3).collect();
        if !only_query.is_empty() || !only_rules.is_empty() {
            return Some(format!("only by rules {only_rules:#?}\nonly by query {only_query:#?}"));
        }
        let facts = |found: &Found| {
            let content = Content { text, language: Some(language.name), hash: None };
            format!("{:?}", pack(&content, &[(Base::default(), found)]))
        };
        (rules == query && facts(&by_rules) != facts(&by_query))
            .then(|| "the same finds, packed otherwise".to_owned())
    }

    fn sample(language: &Language) -> String {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../grammars").join(language.name);
        let mut files = std::fs::read_dir(folder).expect("a folder").flatten().map(|entry| entry.path());
        let is_sample = |path: &PathBuf| path.extension().is_none_or(|extension| extension != "scm");
        std::fs::read_to_string(files.find(is_sample).expect("a sample")).expect("text")
    }

    #[test]
    fn rules_say_what_the_query_engine_says_on_samples() {
        for language in galley_grammars::LANGUAGES {
            let text = sample(language);
            if let Some(difference) = difference(language, &text) {
                panic!("{}: {difference}", language.name);
            }
        }
    }

    /// Files of a folder named by `GALLEY_CORPUS`, if there is one.
    #[test]
    fn rules_say_what_the_query_engine_says_on_a_corpus() {
        let Some(root) = std::env::var_os("GALLEY_CORPUS") else { return };
        let (mut folders, mut read, mut wrong) = (vec![PathBuf::from(root)], 0, 0);
        while let Some(folder) = folders.pop() {
            for path in std::fs::read_dir(folder).expect("a folder").flatten().map(|entry| entry.path()) {
                if path.is_dir() {
                    folders.push(path);
                } else if let Ok(text) = std::fs::read_to_string(&path)
                    && let Some(language) = galley_grammars::detect_text(&path.to_string_lossy(), &text)
                    && is_parsable(&text)
                {
                    read += 1;
                    if let Some(difference) = difference(language, &text) {
                        eprintln!("{}: {difference}", path.display());
                        wrong += 1;
                    }
                }
            }
        }
        assert_eq!(wrong, 0, "of {read}");
    }

    const SCRAPS: &[&str] = &[
        "",
        " ",
        "\n",
        "(",
        ")",
        "{",
        "}",
        "[",
        "]",
        ";",
        ",",
        ".",
        ":",
        "=",
        "\"",
        "'",
        "#",
        "// x\n",
        "/* y */",
        "name",
        "Name",
        "fn f() {}",
        "class C",
        "def g",
        "#[test]\n",
        "@Test ",
        "->",
        "=>",
        "<",
        ">",
        "test(\"t\", () => 1)",
        "é",
    ];

    proptest! {
        #![proptest_config(ProptestConfig {
            cases: std::env::var("GALLEY_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(200),
            rng_seed: proptest::test_runner::RngSeed::Fixed(7),
            failure_persistence: None,
            ..ProptestConfig::default()
        })]

        #[test]
        fn rules_say_what_the_query_engine_says_on_noise(
            language in 0..galley_grammars::LANGUAGES.len(),
            cuts in proptest::collection::vec((any::<u16>(), 0..30_usize, 0..SCRAPS.len()), 1..8),
        ) {
            let language = &galley_grammars::LANGUAGES[language];
            let mut text = sample(language);
            for (at, length, scrap) in cuts {
                let boundary = |mut at: usize| { while !text.is_char_boundary(at) { at -= 1; } at };
                let start = boundary(usize::from(at) % (text.len() + 1));
                let end = boundary((start + length).min(text.len()));
                text.replace_range(start..end, SCRAPS[scrap]);
            }
            if let Some(difference) = difference(language, &text) {
                panic!("{}: {difference}\n{text}", language.name);
            }
        }
    }
}
