//! The patterns of a language's `tags.scm`, turned round: from the node that carries the innermost capture upward. A walk
//! knows the nodes above it, so most patterns cost one look into a table at nodes of the right kind, and comparing a few
//! kinds and fields. Only patterns that say something about siblings look at other nodes.
//!
//! What cannot be turned round stays with the query engine, pattern by pattern ([`Rules::rest`]).

use crate::hash::FastMap;
use crate::pattern::{self, Condition, Form, Kind, Part, Shape};
use galley_grammars::{Capture, CompiledQuery, Language};
use regex::bytes::Regex;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// What is known of a node kind before any node is seen: bits.
pub(crate) struct Flag;

impl Flag {
    /// Leaves of this kind are names.
    pub(crate) const NAME: u8 = 1;
    /// Holds words of people.
    pub(crate) const PROSE: u8 = 2;
    /// A rule begins at such a node.
    pub(crate) const ANCHOR: u8 = 4;
    /// A rule asks for the field that such a node has in its parent.
    pub(crate) const FIELD: u8 = 8;
    /// A token: it has no children and is no name.
    pub(crate) const TOKEN: u8 = 16;
    /// A row of siblings may begin here.
    pub(crate) const ROW: u8 = 32;
    /// A comment: what lies in it is words and marks, for which there are no rules.
    pub(crate) const COMMENT: u8 = 64;
}

/// The compiled rules of one language.
#[derive(Debug)]
pub(crate) struct Rules {
    flags: Box<[u8]>,
    /// Per kind: which of `tables`, plus one.
    tables_of: Box<[u16]>,
    /// Per anchor kind, per parent kind: which of `lists`.
    tables: Vec<Box<[u16]>>,
    /// Per parent kind: which of `lists` any named child begins.
    wild: Box<[u16]>,
    lists: Vec<Vec<u32>>,
    rules: Vec<Rule>,
    pub(crate) rows: Vec<Row>,
    pub(crate) rest: Option<Rest>,
}

/// Patterns for the query engine.
#[derive(Debug)]
pub(crate) struct Rest {
    pub(crate) query: tree_sitter::Query,
    pub(crate) captures: Vec<Capture>,
    /// The number in the whole query of each pattern.
    pub(crate) patterns: Vec<usize>,
}

/// One way to fit one pattern, from its innermost capture upward.
#[derive(Debug)]
pub(crate) struct Rule {
    pub(crate) pattern: usize,
    pub(crate) subject: Capture,
    /// How many nodes above the anchor the subject is.
    pub(crate) subject_level: usize,
    /// The same of the name, if there is one.
    pub(crate) name_level: Option<usize>,
    /// The anchor, then the nodes above it.
    pub(crate) links: Vec<Link>,
    /// What has to be looked at besides: from the node at this level down.
    pub(crate) check: Option<(usize, Fit)>,
}

/// What a node of the chain must be.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) kinds: Kinds,
    /// The field that it has in the node above; 0 for any.
    pub(crate) field: u16,
    pub(crate) absent: Vec<u16>,
    pub(crate) tests: Vec<Arc<Test>>,
}

/// A node, any number of siblings, and another node.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) pattern: usize,
    pub(crate) subject: Capture,
    pub(crate) first: Fit,
    pub(crate) between: Kinds,
    pub(crate) last: Fit,
    /// The way down from the last node to its name, as numbers of parts.
    pub(crate) name: Option<Vec<usize>>,
}

/// Which kinds fit.
#[derive(Debug, Clone)]
pub(crate) enum Kinds {
    Any,
    Named,
    OneOf(Vec<u16>),
}

/// A pattern for a node and what it holds.
#[derive(Debug)]
pub(crate) struct Fit {
    pub(crate) kinds: Kinds,
    pub(crate) absent: Vec<u16>,
    pub(crate) tests: Vec<Arc<Test>>,
    pub(crate) parts: Vec<FitPart>,
    pub(crate) closed: bool,
    /// The node must be the one at this level above the anchor.
    pub(crate) level: Option<usize>,
}

/// A child of a [`Fit`].
#[derive(Debug)]
pub(crate) struct FitPart {
    /// 0 for any.
    pub(crate) field: u16,
    pub(crate) adjacent: bool,
    pub(crate) fit: Fit,
}

/// A condition on a node's text.
#[derive(Debug)]
pub(crate) enum Test {
    OneOf(Vec<String>, bool),
    Match(Regex, bool),
}

impl Test {
    pub(crate) fn holds(&self, text: &[u8]) -> bool {
        match self {
            Self::OneOf(texts, wanted) => texts.iter().any(|known| known.as_bytes() == text) == *wanted,
            Self::Match(regex, wanted) => regex.is_match(text) == *wanted,
        }
    }
}

impl Rules {
    /// The rules of a language, made at the first call and kept.
    pub(crate) fn of(language: &'static Language) -> Arc<Rules> {
        static KNOWN: OnceLock<Mutex<FastMap<&'static str, Arc<Rules>>>> = OnceLock::new();
        let mut known = KNOWN.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(known.entry(language.name).or_insert_with(|| Arc::new(compile(language))))
    }

    /// The same kinds of names and prose, and nothing that patterns say.
    pub(crate) fn without_rules(&self) -> Rules {
        let keep = Flag::NAME | Flag::PROSE | Flag::TOKEN | Flag::COMMENT;
        let count = self.flags.len();
        Rules {
            flags: self.flags.iter().map(|flags| flags & keep).collect(),
            tables_of: vec![0; count].into(),
            tables: Vec::new(),
            wild: vec![0; count].into(),
            lists: vec![Vec::new()],
            rules: Vec::new(),
            rows: Vec::new(),
            rest: None,
        }
    }

    /// The number by which this module knows a kind: ERROR has one, too.
    pub(crate) fn slot(&self, kind: u16) -> usize {
        usize::from(kind).min(self.flags.len() - 1)
    }

    pub(crate) fn flags(&self, slot: usize) -> u8 {
        self.flags[slot]
    }

    /// The list of rules that may begin at a node of this kind under that parent.
    pub(crate) fn begin(&self, slot: usize, parent: usize) -> &[u32] {
        let table = usize::from(self.tables_of[slot]);
        let list = table.checked_sub(1).map_or(0, |table| self.tables[table][parent]);
        &self.lists[usize::from(list)]
    }

    /// The number of the list of rules that may begin at any named child of such a node; 0 for none.
    pub(crate) fn wild(&self, parent: usize) -> u16 {
        self.wild[parent]
    }

    pub(crate) fn list(&self, number: u16) -> &[u32] {
        &self.lists[usize::from(number)]
    }

    pub(crate) fn rule(&self, number: u32) -> &Rule {
        &self.rules[number as usize]
    }

    /// The parent slot of a root.
    pub(crate) fn nothing(&self) -> usize {
        self.flags.len() - 1
    }
}

impl Kinds {
    /// Wildcards do not stand for errors.
    pub(crate) fn fit(&self, kind: u16, is_named: impl FnOnce() -> bool) -> bool {
        match self {
            Self::Any => kind != u16::MAX,
            Self::Named => kind != u16::MAX && is_named(),
            Self::OneOf(kinds) => kinds.contains(&kind),
        }
    }
}

fn compile(language: &'static Language) -> Rules {
    let grammar = language.tree_sitter();
    // One slot more, for ERROR, which is also the parent of roots.
    let count = grammar.node_kind_count() + 1;
    let mut compiler = Compiler { grammar, tests: FastMap::default(), rules: Vec::new(), rows: Vec::new() };
    let mut rest: Vec<(usize, String)> = Vec::new();
    for (number, pattern) in pattern::read(language.tags_source).iter().enumerate() {
        let before = (compiler.rules.len(), compiler.rows.len());
        if compiler.pattern(number, pattern).is_none() {
            compiler.rules.truncate(before.0);
            compiler.rows.truncate(before.1);
            rest.push((number, pattern.source.clone()));
        }
    }
    let Compiler { rules, rows, .. } = compiler;
    let mut out = Rules {
        flags: flags(language, count),
        tables_of: vec![0; count].into(),
        tables: Vec::new(),
        wild: vec![0; count].into(),
        lists: vec![Vec::new()],
        rules,
        rows,
        rest: remaining(grammar, &rest),
    };
    out.dispatch(count);
    out
}

fn flags(language: &'static Language, count: usize) -> Box<[u8]> {
    let grammar = language.tree_sitter();
    let (names, prose) = (language.name_leaves(), crate::extract::prose_kinds(language));
    let of = |slot: usize| {
        let bit = |list: &[bool], flag| if list.get(slot).copied().unwrap_or_default() { flag } else { 0 };
        let id = u16::try_from(slot).ok().filter(|_| slot + 1 < count);
        let token = if id.is_some_and(|id| !grammar.node_kind_is_named(id)) { Flag::TOKEN } else { 0 };
        let kind = id.and_then(|id| grammar.node_kind_for_id(id)).unwrap_or_default();
        let comment = if kind.contains("comment") { Flag::COMMENT } else { 0 };
        bit(names, Flag::NAME) | bit(prose, Flag::PROSE) | token | comment
    };
    (0..count).map(of).collect()
}

fn remaining(grammar: &tree_sitter::Language, rest: &[(usize, String)]) -> Option<Rest> {
    if rest.is_empty() {
        return None;
    }
    let source: String = rest.iter().map(|(_, source)| source.as_str()).collect::<Vec<_>>().join("\n");
    let CompiledQuery { query, captures } = CompiledQuery::new(grammar, &source).ok()?;
    Some(Rest { query, captures, patterns: rest.iter().map(|(number, _)| *number).collect() })
}

impl Rules {
    /// Fills the tables from the rules.
    fn dispatch(&mut self, count: usize) {
        let error = count - 1;
        let slots = |kinds: &Kinds| match kinds {
            Kinds::Any | Kinds::Named => (0..count).collect::<Vec<_>>(),
            Kinds::OneOf(kinds) => kinds.iter().map(|kind| usize::from(*kind).min(error)).collect(),
        };
        let mut lists: FastMap<(usize, usize), Vec<u32>> = FastMap::default();
        for (number, rule) in self.rules.iter().enumerate() {
            let parents = rule.links.get(1).map_or_else(|| (0..count).collect(), |link| slots(&link.kinds));
            for (level, link) in rule.links.iter().enumerate().filter(|(_, link)| link.field != 0) {
                if level > 0 {
                    slots(&link.kinds).into_iter().for_each(|slot| self.flags[slot] |= Flag::FIELD);
                }
            }
            let anchors = match &rule.links[0].kinds {
                Kinds::OneOf(_) => slots(&rule.links[0].kinds),
                // `count` stands for every kind.
                Kinds::Any | Kinds::Named => vec![count],
            };
            for anchor in anchors {
                for parent in &parents {
                    lists.entry((anchor, *parent)).or_default().push(number as u32);
                }
            }
        }
        for ((anchor, parent), list) in lists {
            let number = match self.lists.iter().position(|known| *known == list) {
                Some(number) => number,
                None => {
                    self.lists.push(list);
                    self.lists.len() - 1
                }
            } as u16;
            if anchor == count {
                self.wild[parent] = number;
                continue;
            }
            self.flags[anchor] |= Flag::ANCHOR;
            if self.tables_of[anchor] == 0 {
                self.tables.push(vec![0; count].into());
                self.tables_of[anchor] = self.tables.len() as u16;
            }
            self.tables[usize::from(self.tables_of[anchor]) - 1][parent] = number;
        }
        for row in &self.rows {
            slots(&row.first.kinds).into_iter().for_each(|slot| self.flags[slot] |= Flag::ROW);
        }
    }
}

struct Compiler<'a> {
    grammar: &'a tree_sitter::Language,
    /// The tests on each capture of the pattern at hand.
    tests: FastMap<String, Vec<Arc<Test>>>,
    rules: Vec<Rule>,
    rows: Vec<Row>,
}

/// A capture that means something, and the way down to it.
type Found = (Vec<usize>, Capture);

impl Compiler<'_> {
    /// Adds the rules of a pattern; `None` if it has to be left to the query engine.
    fn pattern(&mut self, number: usize, pattern: &pattern::Pattern) -> Option<()> {
        self.tests.clear();
        for condition in &pattern.conditions {
            let test = Arc::new(test(condition)?);
            self.tests.entry(condition.capture.clone()).or_default().push(test);
        }
        for form in pattern.forms.as_ref()? {
            match form {
                Form::Single(shape) => self.single(number, shape)?,
                Form::Row { first, between, last } => self.row(number, first, between, last)?,
            }
        }
        Some(())
    }

    /// The name and the subject of a shape; `None` if there is more than one of either.
    fn captures(&self, shape: &Shape) -> Option<(Option<Found>, Option<Found>)> {
        let mut all = Vec::new();
        collect(shape, &mut Vec::new(), &mut all);
        let (mut name, mut subject) = (None, None);
        for (path, capture) in all {
            let capture = Capture::parse(&capture)?;
            let place = match capture {
                Capture::Silent => continue,
                Capture::Name => &mut name,
                Capture::InjectionContent | Capture::InjectionLanguage => return None,
                _ => &mut subject,
            };
            if place.replace((path, capture)).is_some() {
                return None;
            }
        }
        Some((name, subject))
    }

    fn single(&mut self, number: usize, shape: &Shape) -> Option<()> {
        let (name, subject) = self.captures(shape)?;
        let (path, subject) = subject?;
        let name = name.map(|(path, _)| path);
        let anchor = name.clone().filter(|name| name.len() > path.len()).unwrap_or_else(|| path.clone());
        if !anchor.starts_with(&path) || !name.as_ref().is_none_or(|name| anchor.starts_with(name)) {
            return None;
        }
        // The nodes of the chain from the top, each with its part in the one above.
        let mut chain: Vec<(&Shape, Option<&Part>)> = vec![(shape, None)];
        for part in &anchor {
            let part = chain.last()?.0.parts.get(*part)?;
            chain.push((&part.shape, Some(part)));
        }
        chain.reverse();
        if matches!(chain[0].0.kind, Kind::Any) {
            return None;
        }
        let mut links = Vec::new();
        for (shape, part) in &chain {
            links.push(Link {
                kinds: self.kinds(&shape.kind)?,
                field: part.map_or(Some(0), |part| self.field(part.field.as_deref()))?,
                absent: self.fields(&shape.absent)?,
                tests: self.tests_of(shape),
            });
        }
        let says_more = |level: usize, shape: &Shape| {
            shape.closed
                || shape.parts.len() > usize::from(level > 0)
                || shape.parts.iter().any(|part| part.adjacent)
        };
        let top = (0..chain.len()).rev().find(|level| says_more(*level, chain[*level].0));
        let check = match top {
            Some(level) => {
                let depth = anchor.len() - level;
                Some((level, self.fit(chain[level].0, Some((&anchor[depth..], level)))?))
            }
            None => None,
        };
        self.rules.push(Rule {
            pattern: number,
            subject,
            subject_level: anchor.len() - path.len(),
            name_level: name.map(|name| anchor.len() - name.len()),
            links,
            check,
        });
        Some(())
    }

    fn row(&mut self, number: usize, first: &Shape, between: &Kind, last: &Shape) -> Option<()> {
        if !matches!(self.captures(first)?, (None, None)) || self.rows.len() >= 8 {
            return None;
        }
        let (name, subject) = self.captures(last)?;
        let (path, subject) = subject?;
        if !path.is_empty() {
            return None;
        }
        let row = Row {
            pattern: number,
            subject,
            first: self.fit(first, None)?,
            between: self.kinds(between)?,
            last: self.fit(last, None)?,
            name: name.map(|(path, _)| path),
        };
        // The name has to be found by fields alone.
        let mut at = &row.last;
        for part in row.name.iter().flatten() {
            let part = at.parts.get(*part).filter(|part| part.field != 0)?;
            at = &part.fit;
        }
        self.rows.push(row);
        Some(())
    }

    /// `chain` is the way down to the anchor and how many levels above it this shape is.
    fn fit(&self, shape: &Shape, chain: Option<(&[usize], usize)>) -> Option<Fit> {
        let mut parts = Vec::new();
        for (number, part) in shape.parts.iter().enumerate() {
            let below = chain
                .and_then(|(path, level)| (path.first() == Some(&number)).then(|| (&path[1..], level - 1)));
            parts.push(FitPart {
                field: self.field(part.field.as_deref())?,
                adjacent: part.adjacent,
                fit: self.fit(&part.shape, below)?,
            });
        }
        Some(Fit {
            kinds: self.kinds(&shape.kind)?,
            absent: self.fields(&shape.absent)?,
            tests: self.tests_of(shape),
            parts,
            closed: shape.closed,
            level: chain.map(|(_, level)| level),
        })
    }

    fn tests_of(&self, shape: &Shape) -> Vec<Arc<Test>> {
        shape.captures.iter().filter_map(|capture| self.tests.get(capture)).flatten().cloned().collect()
    }

    fn kinds(&self, kind: &Kind) -> Option<Kinds> {
        let names = match kind {
            Kind::Any => return Some(Kinds::Any),
            Kind::Named => return Some(Kinds::Named),
            Kind::OneOf(names) => names,
        };
        let mut kinds = Vec::new();
        for (name, is_named) in names {
            let id = if name == "ERROR" { u16::MAX } else { self.grammar.id_for_node_kind(name, *is_named) };
            if id == 0 || id != u16::MAX && self.grammar.node_kind_is_supertype(id) {
                return None;
            }
            kinds.push(id);
        }
        Some(Kinds::OneOf(kinds))
    }

    fn field(&self, name: Option<&str>) -> Option<u16> {
        match name {
            None => Some(0),
            Some(name) => self.grammar.field_id_for_name(name).map(|id| id.get()),
        }
    }

    fn fields(&self, names: &[String]) -> Option<Vec<u16>> {
        names.iter().map(|name| self.field(Some(name))).collect()
    }
}

fn collect(shape: &Shape, path: &mut Vec<usize>, all: &mut Vec<(Vec<usize>, String)>) {
    all.extend(shape.captures.iter().map(|capture| (path.clone(), capture.clone())));
    for (number, part) in shape.parts.iter().enumerate() {
        path.push(number);
        collect(&part.shape, path, all);
        path.pop();
    }
}

fn test(condition: &Condition) -> Option<Test> {
    let wanted = !condition.name.starts_with("not-");
    let arguments = condition.arguments.clone();
    match condition.name.trim_start_matches("not-") {
        "eq?" if arguments.len() == 1 => Some(Test::OneOf(arguments, wanted)),
        "any-of?" => Some(Test::OneOf(arguments, wanted)),
        "match?" => Some(Test::Match(Regex::new(arguments.first()?).ok()?, wanted)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_of_every_language_can_be_turned_round() {
        for language in galley_grammars::LANGUAGES {
            let rules = Rules::of(language);
            let rest: Vec<usize> = rules.rest.iter().flat_map(|rest| rest.patterns.clone()).collect();
            let patterns = pattern::read(language.tags_source);
            let said: Vec<&str> = rest.iter().map(|number| patterns[*number].source.as_str()).collect();
            assert!(said.is_empty(), "{}: {said:#?}", language.name);
        }
    }
}
