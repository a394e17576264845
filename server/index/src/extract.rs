//! Reads one text: parses it, walks the tree once for names and words, runs the language's tags query for
//! definitions, calls, imports and tests. What comes out is plain and unpacked; [`crate::facts`] packs it.
//!
//! Rules for what cannot be read in full: a text above [`PARSE_LIMIT`] or of very long lines is cut into words without
//! a parser, one above [`READ_LIMIT`] only counts by its path.

use crate::hash::{FastMap, FastSet};
use crate::role::is_minified;
use crate::words::{Term, parts, term, whole, words};
use galley_grammars::{Capture, Language, ReferenceKind, SymbolKind};
use std::cell::RefCell;
use std::collections::HashMap;
use std::ops::Range;
use tree_sitter::{Node, Parser, QueryCursor, StreamingIterator, Tree};

/// Texts of more bytes than this are not parsed.
pub const PARSE_LIMIT: usize = 4 << 20;
/// Texts of more bytes than this are not read at all.
pub const READ_LIMIT: usize = 64 << 20;

/// A definition as it is found.
#[derive(Debug, Clone)]
pub(crate) struct Definition {
    pub(crate) kind: SymbolKind,
    pub(crate) name: Range<usize>,
    pub(crate) range: Range<usize>,
    pub(crate) line: u32,
    pub(crate) end_line: u32,
    pub(crate) is_test: bool,
    /// The nearest definition around it, as an index into the list.
    pub(crate) parent: Option<usize>,
    /// The name of the nearest definition or `@container` around it.
    pub(crate) container: Option<Range<usize>>,
    pub(crate) depth: u16,
}

/// All that one reading finds.
#[derive(Debug, Default)]
pub(crate) struct Extract<'a> {
    pub(crate) definitions: Vec<Definition>,
    /// Distinct names, in order of first occurrence.
    pub(crate) names: Vec<&'a str>,
    /// Index into `names`, byte offset; in order of the text.
    pub(crate) occurrences: Vec<(u32, u32)>,
    /// Per name: how it is used (see [`crate::facts::Use`]).
    pub(crate) uses: FastMap<&'a str, u8>,
    pub(crate) imports: Vec<&'a str>,
    /// How often each term occurs.
    pub(crate) terms: FastMap<Term, u32>,
    /// Error and missing nodes.
    pub(crate) errors: u32,
    /// Was it read with a grammar?
    pub(crate) parsed: bool,
}

thread_local! {
    static PARSERS: RefCell<HashMap<&'static str, Parser>> = RefCell::default();
    static CURSOR: RefCell<QueryCursor> = RefCell::new(QueryCursor::new());
}

/// Parses with this thread's parser for the language.
pub(crate) fn parse(language: &'static Language, text: &str, ranges: &[tree_sitter::Range]) -> Option<Tree> {
    PARSERS.with_borrow_mut(|parsers| {
        let parser = match parsers.entry(language.name) {
            std::collections::hash_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::hash_map::Entry::Vacant(entry) => entry.insert(language.parser()?),
        };
        parser.set_included_ranges(ranges).ok()?;
        parser.parse(language.scannable(text.as_bytes()), None)
    })
}

/// Reads `text`.
pub(crate) fn extract<'a>(language: Option<&'static Language>, text: &'a str) -> Extract<'a> {
    let mut reading = Reading::default();
    if text.len() > READ_LIMIT {
        return reading.out;
    }
    match language.filter(|_| text.len() <= PARSE_LIMIT && !is_minified(text)) {
        Some(language) => reading.read(language, text, &[], 0),
        None => words(text, |word| reading.word(word)),
    }
    reading.finish(text)
}

/// Only the definitions: what an outline needs.
pub(crate) fn definitions(language: &'static Language, text: &str) -> Vec<Definition> {
    let mut reading = Reading { outline_only: true, ..Reading::default() };
    if text.len() <= PARSE_LIMIT {
        reading.read(language, text, &[], 0);
    }
    reading.finish(text).definitions
}

#[derive(Default)]
struct Reading<'a> {
    out: Extract<'a>,
    outline_only: bool,
    numbers: FastMap<&'a str, u32>,
    loose_words: FastMap<&'a str, u32>,
    /// Per name range: the pattern that stands latest in its query, and what it says.
    found: FastMap<(usize, usize), (usize, Definition)>,
    containers: Vec<(Range<usize>, Range<usize>)>,
    tests: FastSet<(usize, usize)>,
    titles: Vec<Definition>,
}

impl<'a> Reading<'a> {
    /// One language's part of the text; `ranges` is empty for all of it.
    fn read(
        &mut self,
        language: &'static Language,
        text: &'a str,
        ranges: &[tree_sitter::Range],
        depth: usize,
    ) {
        let Some(tree) = parse(language, text, ranges) else { return };
        self.out.parsed = true;
        if !self.outline_only {
            self.walk(language, text, &tree);
        }
        self.tags(language, text, &tree);
        if depth < 2 {
            self.embedded(language, text, &tree, depth);
        }
    }

    /// One pass of a cursor: names with their places, words of comments and strings, errors.
    fn walk(&mut self, language: &'static Language, text: &'a str, tree: &Tree) {
        let leaves = language.name_leaves();
        let prose = prose_kinds(language);
        let mut cursor = tree.walk();
        loop {
            let node = cursor.node();
            let kind = node.kind_id() as usize;
            self.out.errors += u32::from(node.is_error() || node.is_missing());
            let mut descend = true;
            if leaves.get(kind).copied().unwrap_or_default() && node.child_count() == 0 {
                self.name(text, node.byte_range());
                descend = false;
            } else if prose.get(kind).copied().unwrap_or_default() {
                if let Some(part) = text.get(node.byte_range()) {
                    words(part, |word| *self.loose_words.entry(word).or_default() += 1);
                }
                descend = node.has_error();
            }
            if descend && cursor.goto_first_child() {
                continue;
            }
            while !cursor.goto_next_sibling() {
                if !cursor.goto_parent() {
                    return;
                }
            }
        }
    }

    fn name(&mut self, text: &'a str, range: Range<usize>) {
        let Some(name) = text.get(range.clone()).filter(|name| name.len() <= 200) else { return };
        let next = self.out.names.len() as u32;
        let number = *self.numbers.entry(name).or_insert(next);
        if number == next {
            self.out.names.push(name);
        }
        self.out.occurrences.push((number, range.start as u32));
    }

    fn tags(&mut self, language: &'static Language, text: &'a str, tree: &Tree) {
        let Some(compiled) = language.tags() else { return };
        CURSOR.with_borrow_mut(|cursor| {
            let mut matches = cursor.matches(&compiled.query, tree.root_node(), text.as_bytes());
            while let Some(found) = matches.next() {
                let (mut name, mut subject) = (None, None);
                for capture in found.captures() {
                    match compiled.captures[capture.index as usize] {
                        Capture::Name => name = Some(capture.node),
                        Capture::Silent | Capture::InjectionContent | Capture::InjectionLanguage => {}
                        other => subject = Some((other, capture.node)),
                    }
                }
                if let Some((capture, node)) = subject {
                    self.tag(text, found.pattern_index, capture, node, name);
                }
            }
        });
    }

    fn tag(&mut self, text: &'a str, pattern: usize, capture: Capture, node: Node, name: Option<Node>) {
        let range = node.byte_range();
        let name = name.map_or(range.clone(), |name| name.byte_range());
        match capture {
            Capture::Definition(kind) => {
                let definition = define(kind, node, name);
                let key = (definition.name.start, definition.name.end);
                match self.found.entry(key) {
                    std::collections::hash_map::Entry::Occupied(mut entry) if entry.get().0 <= pattern => {
                        entry.insert((pattern, definition));
                    }
                    std::collections::hash_map::Entry::Occupied(_) => {}
                    std::collections::hash_map::Entry::Vacant(entry) => {
                        entry.insert((pattern, definition));
                    }
                }
            }
            Capture::Container => self.containers.push((range, name)),
            Capture::Test => {
                self.tests.insert((range.start, range.end));
                let title = Definition { is_test: true, ..define(SymbolKind::Function, node, name) };
                self.titles.push(title);
            }
            Capture::Reference(kind) => {
                let bit = match kind {
                    ReferenceKind::Call => crate::facts::Use::CALLED,
                    ReferenceKind::Type => crate::facts::Use::TYPE,
                    ReferenceKind::Implementation => crate::facts::Use::IMPLEMENTED,
                };
                if let Some(name) = text.get(name) {
                    *self.out.uses.entry(name).or_default() |= bit;
                }
            }
            Capture::Import => {
                self.out.imports.extend(text.get(range).map(|path| path.trim_matches(['"', '\'', '<', '>'])))
            }
            Capture::Name | Capture::Silent | Capture::InjectionContent | Capture::InjectionLanguage => {}
        }
    }

    /// Parts in another language: scripts and styles of pages, fences of Markdown.
    fn embedded(&mut self, language: &'static Language, text: &'a str, tree: &Tree, depth: usize) {
        // The code of a document's fences is an example: its words count, its definitions are not the document's.
        let Some(compiled) = language.injections() else { return };
        let examples = language.name == "markdown";
        if examples && self.outline_only {
            return;
        }
        let mut parts: Vec<(&'static Language, tree_sitter::Range)> = Vec::new();
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
        drop(matches);
        for (inner, range) in parts {
            if examples {
                if let Some(part) = text.get(range.start_byte..range.end_byte) {
                    words(part, |word| *self.loose_words.entry(word).or_default() += 1);
                }
            } else {
                self.read(inner, text, &[range], depth + 1);
            }
        }
    }

    fn word(&mut self, word: &'a str) {
        *self.loose_words.entry(word).or_default() += 1;
    }

    fn finish(mut self, text: &'a str) -> Extract<'a> {
        self.nest();
        if !self.outline_only {
            self.count_terms();
        }
        debug_assert!(self.out.definitions.iter().all(|d| text.get(d.name.clone()).is_some()));
        self.out
    }

    /// Puts definitions in order, finds what encloses each, and marks tests.
    fn nest(&mut self) {
        let named: FastSet<(usize, usize)> =
            self.found.values().map(|(_, d)| (d.range.start, d.range.end)).collect();
        let mut items: Vec<(Definition, bool)> = Vec::with_capacity(self.found.len() + self.containers.len());
        items.extend(self.found.drain().map(|(_, (_, definition))| (definition, true)));
        items.extend(
            self.titles
                .drain(..)
                .filter(|t| !named.contains(&(t.range.start, t.range.end)))
                .map(|t| (t, true)),
        );
        items.extend(self.containers.drain(..).map(|(range, name)| {
            let nowhere = Definition {
                kind: SymbolKind::Module,
                name,
                range,
                line: 0,
                end_line: 0,
                is_test: false,
                parent: None,
                container: None,
                depth: 0,
            };
            (nowhere, false)
        }));
        // Outer before inner; a container before the definition of the same range.
        items.sort_by_key(|(item, real)| {
            (item.range.start, std::cmp::Reverse(item.range.end), *real, item.name.start)
        });
        let mut open: Vec<Open> = Vec::new();
        for (mut item, real) in items {
            while open
                .last()
                .is_some_and(|outer| outer.range.end <= item.range.start && !outer.range.is_empty())
            {
                open.pop();
            }
            let holds = |outer: &&Open| outer.range.end >= item.range.end;
            let outer = open.iter().rev().filter(holds).find(|outer| outer.name != item.name);
            item.is_test |= outer.is_some_and(|outer| outer.is_test);
            item.is_test |= self.tests.contains(&(item.range.start, item.range.end));
            item.container = outer.map(|outer| outer.name.clone());
            item.parent = open.iter().rev().filter(holds).find_map(|outer| outer.number);
            item.depth = item.parent.map_or(0, |parent| self.out.definitions[parent].depth.saturating_add(1));
            open.push(Open {
                range: item.range.clone(),
                name: item.name.clone(),
                number: real.then_some(self.out.definitions.len()),
                is_test: item.is_test,
            });
            if real {
                self.out.definitions.push(item);
            }
        }
    }

    /// Terms come from the distinct words and their counts, so that each is cut and stemmed once.
    fn count_terms(&mut self) {
        let mut counts: FastMap<&str, u32> = std::mem::take(&mut self.loose_words);
        for (number, _) in &self.out.occurrences {
            *counts.entry(self.out.names[*number as usize]).or_default() += 1;
        }
        for (word, count) in counts {
            let mut pieces = 0;
            parts(word, |part| {
                pieces += 1;
                if part.len() > 1 {
                    *self.out.terms.entry(term(part)).or_default() += count;
                }
            });
            if pieces > 1 {
                *self.out.terms.entry(whole(word)).or_default() += count;
            }
        }
    }
}

/// An item or container whose end has not been passed yet.
struct Open {
    range: Range<usize>,
    name: Range<usize>,
    /// Its index among the definitions; containers have none.
    number: Option<usize>,
    is_test: bool,
}

fn define(kind: SymbolKind, node: Node, name: Range<usize>) -> Definition {
    let range = node.byte_range();
    // A node may end at the start of the line after its text.
    let (end, last) = (node.end_position(), node.start_position().row);
    let end_line = if end.column == 0 && end.row > last { end.row - 1 } else { end.row };
    Definition {
        kind,
        name,
        range,
        line: last as u32,
        end_line: end_line as u32,
        is_test: false,
        parent: None,
        container: None,
        depth: 0,
    }
}

/// Per node kind: does a node of this kind hold words of people? Comments, contents of strings, text of documents.
fn prose_kinds(language: &'static Language) -> &'static [bool] {
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
