//! Which files is a task in words about? BM25 over three fields (content, names of definitions, path), because a
//! match in a name says more than one in a comment, and one in the path more still. Tests are ranked too, but what a
//! test says counts mostly for the file it tests.

use crate::hash::FastMap;
use crate::layer::is_hidden;
use crate::role::Role;
use crate::segment::File;
use crate::snapshot::IndexSnapshot;
use crate::words::{Term, is_stop, parts, term, whole, words};
use galley_text::path::RelPath;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// A file that a task may be about.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ranked {
    /// The file.
    pub path: RelPath,
    /// Higher is better; comparable only within one answer.
    pub score: f32,
    /// The words of the question that led here, strongest first.
    pub why: String,
}

/// What ranking needs to know of all files at once; made at the first question.
#[derive(Debug, Default)]
pub(crate) struct Statistics {
    files: f32,
    average_length: f32,
    average_names: f32,
}

/// How soon more of the same word says nothing.
const K1: f32 = 1.6;
/// How much a match in each field says, and how much a long field takes from it.
const CONTENT: f32 = 1.0;
const CONTENT_LENGTH: f32 = 0.75;
const NAMES: f32 = 2.5;
const NAMES_LENGTH: f32 = 0.6;
const PATH: f32 = 4.0;
/// Words of the question: of its first line, whole identifiers, and each time a word comes again.
const FIRST_LINE: f32 = 2.0;
const WHOLE: f32 = 1.2;
const AGAIN: f32 = 1.0;
const AT_MOST: f32 = 3.0;
/// The share of a test's score that its subject gets.
const FROM_TESTS: f32 = 0.25;
/// How much a path gains that the question's own prefix ("parser: …", "fix(parser): …") names.
const SCOPE: f32 = 0.8;
/// How much the best passage says, as a share of the best score, and in how many files it is looked for.
const PASSAGE: f32 = 0.35;
const PASSAGE_FILES: usize = 20;
/// How much good neighbours in the same folder say.
const NEIGHBOURS: f32 = 0.1;

/// A word of the question.
struct Wanted<'a> {
    term: Term,
    weight: f32,
    word: &'a str,
}

impl IndexSnapshot {
    /// Files in the order in which someone with the task `query` should look at them, at most `limit`.
    pub fn rank(&self, query: &str, limit: usize) -> Vec<Ranked> {
        let statistics = self.ranking.get_or_init(|| self.statistics());
        let mut wanted = wanted(query);
        for want in &mut wanted {
            want.weight *= self.rarity(want.term, statistics);
        }
        let mut ranked = self.by_words(&wanted, statistics);
        lend_to_subjects(&mut ranked);
        self.prefer_scope(query, statistics, &mut ranked);
        lend_to_neighbours(&mut ranked);
        for (score, file) in &mut ranked {
            *score *= weight_of_role(file.role);
        }
        sort(&mut ranked);
        self.prefer_passages(&wanted, &mut ranked);
        sort(&mut ranked);
        ranked.truncate(limit);
        let explain = |(score, file): (f32, &File)| Ranked {
            path: file.path.clone(),
            score,
            why: why(file, &wanted, statistics),
        };
        ranked.into_iter().map(explain).collect()
    }

    /// BM25 of every file that has one of the words.
    fn by_words<'a>(&'a self, wanted: &[Wanted], statistics: &Statistics) -> Scores<'a> {
        let mut ranked = Scores::new();
        for (segment, hidden) in self.segments() {
            let mut scores = vec![0.0; segment.files.len()];
            for want in wanted {
                for number in segment.files_with_term(want.term).filter(|number| !is_hidden(hidden, *number))
                {
                    scores[number] += want.weight * saturated(&segment.files[number], want.term, statistics);
                }
            }
            let found = segment.files.iter().zip(&scores).filter(|(_, score)| **score > 0.0);
            ranked.extend(found.map(|(file, score)| (*score, &**file)));
        }
        ranked
    }

    /// "parser: accept tabs" is about a path with `parser` in it.
    fn prefer_scope(&self, query: &str, statistics: &Statistics, ranked: &mut Scores) {
        let scope: Vec<(Term, f32)> =
            scope(query).into_iter().map(|term| (term, self.rarity(term, statistics))).collect();
        let all: f32 = scope.iter().map(|(_, rarity)| rarity).sum();
        if all <= 0.0 {
            return;
        }
        for (score, file) in ranked {
            let named = scope.iter().filter(|(term, _)| in_path(file, *term) > 0);
            *score *= 1.0 + SCOPE * named.map(|(_, rarity)| rarity).sum::<f32>() / all;
        }
    }

    /// Of files with the same words, the one that has them close together is meant. `ranked` is in order.
    fn prefer_passages(&self, wanted: &[Wanted], ranked: &mut Scores) {
        let weights: FastMap<Term, f32> = wanted.iter().map(|want| (want.term, want.weight)).collect();
        let all: f32 = wanted.iter().map(|want| want.weight).sum();
        let top = ranked.first().map_or(0.0, |best| best.0);
        if all <= 0.0 {
            return;
        }
        for (score, file) in ranked.iter_mut().take(PASSAGE_FILES) {
            if let Some(text) = self.text(file) {
                let share = crate::passage::best(&text, &weights) / all;
                *score += PASSAGE * top * share * weight_of_role(file.role);
            }
        }
    }

    fn statistics(&self) -> Statistics {
        let (mut files, mut length, mut names) = (0, 0_u64, 0_u64);
        for file in self.files().filter(|file| file.role == Role::Source) {
            files += 1;
            length += u64::from(file.brief().length);
            names += u64::from(file.brief().symbols);
        }
        let count = files.max(1) as f32;
        Statistics {
            files: files as f32,
            average_length: (length as f32 / count).max(1.0),
            average_names: (names as f32 / count).max(1.0),
        }
    }

    /// Inverse document frequency, over sources.
    fn rarity(&self, term: Term, statistics: &Statistics) -> f32 {
        let mut with = 0.0;
        for (segment, hidden) in self.segments() {
            let live = segment.files_with_term(term).filter(|number| !is_hidden(hidden, *number));
            with += live.filter(|number| segment.files[*number].role == Role::Source).count() as f32;
        }
        (1.0 + (statistics.files - with + 0.5).max(0.0) / (with + 0.5)).ln()
    }
}

type Scores<'a> = Vec<(f32, &'a File)>;

fn sort(ranked: &mut Scores) {
    ranked.sort_by(|one, other| other.0.total_cmp(&one.0).then_with(|| one.1.path.cmp(&other.1.path)));
}

/// The words that brought the file here, strongest first.
fn why(file: &File, wanted: &[Wanted], statistics: &Statistics) -> String {
    let part = |want: &Wanted| want.weight * saturated(file, want.term, statistics);
    let mut matched: Vec<(f32, &str)> =
        wanted.iter().map(|want| (part(want), want.word)).filter(|(score, _)| *score > 0.0).collect();
    matched.sort_by(|one, other| other.0.total_cmp(&one.0));
    let mut words: Vec<&str> = Vec::new();
    for (_, word) in matched {
        if words.len() < 6 && !words.contains(&word) {
            words.push(word);
        }
    }
    words.join(", ")
}

/// The question as terms. What looks like code counts more than prose, the first line more than the rest.
fn wanted(query: &str) -> Vec<Wanted<'_>> {
    let query = query.trim_start();
    let first_line = query.lines().next().unwrap_or_default();
    let rest = query.get(first_line.len()..).unwrap_or_default();
    let mut found: Vec<Wanted> = Vec::new();
    let mut places: FastMap<Term, usize> = FastMap::default();
    for (text, line_weight) in [(first_line, FIRST_LINE), (rest, 1.0)] {
        words(text, |word| {
            if is_stop(&word.to_ascii_lowercase()) {
                return;
            }
            let mut add = |term, weight: f32, word| {
                let place = *places.entry(term).or_insert(found.len());
                match found.get_mut(place) {
                    Some(known) => known.weight = (known.weight + weight * AGAIN).min(AT_MOST),
                    None => found.push(Wanted { term, weight, word }),
                }
            };
            let mut pieces = Vec::new();
            parts(word, |part| pieces.push(part));
            let code = pieces.len() > 1;
            for part in pieces {
                if part.len() > 1 && !is_stop(&part.to_ascii_lowercase()) {
                    add(term(part), line_weight, part);
                }
            }
            if code {
                add(whole(word), line_weight * WHOLE, word);
            }
        });
    }
    found
}

/// How much the file has of the term, between 0 and 1.
fn saturated(file: &File, term: Term, statistics: &Statistics) -> f32 {
    let (content, names) = file.facts().term(term);
    let norm = |length: f32, average: f32, share: f32| 1.0 - share + share * length / average;
    let content = CONTENT * f32::from(content)
        / norm(file.brief().length as f32, statistics.average_length, CONTENT_LENGTH);
    let names =
        NAMES * f32::from(names) / norm(file.brief().symbols as f32, statistics.average_names, NAMES_LENGTH);
    let frequency = content + names + PATH * f32::from(in_path(file, term));
    frequency / (K1 + frequency)
}

fn weight_of_role(role: Role) -> f32 {
    match role {
        Role::Source => 1.0,
        Role::Test => 0.6,
        Role::Document | Role::Configuration => 0.5,
        Role::Vendored | Role::Generated => 0.3,
    }
}

/// The terms of the question's own prefix: of `parser/lexer: …` and of `fix(parser): …`.
fn scope(query: &str) -> Vec<Term> {
    let line = query.trim_start().lines().next().unwrap_or_default();
    let Some((prefix, _)) = line.split_once(": ").filter(|(prefix, _)| prefix.len() <= 60) else {
        return Vec::new();
    };
    let inner = prefix.split_once('(').map_or(prefix, |(_, inner)| inner.trim_end_matches(['!', ')']));
    if inner.contains(' ') && !inner.contains(", ") {
        return Vec::new(); // a sentence with a colon
    }
    let mut terms = Vec::new();
    words(inner, |word| {
        parts(word, |part| {
            if !is_stop(&part.to_ascii_lowercase()) {
                terms.push(term(part));
            }
        });
    });
    terms
}

/// How often the path holds the term; the file name counts twice.
pub(crate) fn in_path(file: &File, term: Term) -> u8 {
    let terms = file.path_terms();
    terms.binary_search_by_key(&term, |known| known.0).map_or(0, |at| terms[at].1)
}

/// A test that matches speaks for what it tests: the sources whose path holds all words of its stem, as
/// `tests/test_domain_std.py` speaks for `domains/std.py`.
fn lend_to_subjects(ranked: &mut Scores) {
    // By the stem's last word, which the subject's file name has.
    let mut lenders: HashMap<Term, Vec<(f32, Vec<Term>)>> = HashMap::new();
    for (score, file) in ranked.iter().filter(|(_, file)| file.role == Role::Test) {
        let terms = stem_terms(file.path.file_name());
        if let Some(last) = terms.last() {
            lenders.entry(*last).or_default().push((*score, terms));
        }
    }
    for (score, file) in ranked.iter_mut().filter(|(_, file)| file.role == Role::Source) {
        let Some(last) = stem_terms(file.path.file_name()).last().copied() else { continue };
        let tests = lenders.get(&last).into_iter().flatten();
        let mine = tests.filter(|(_, terms)| terms.iter().all(|term| in_path(file, *term) > 0));
        *score += FROM_TESTS * mine.map(|(score, _)| *score).fold(0.0, f32::max);
    }
}

pub(crate) fn stem_terms(name: &str) -> Vec<Term> {
    let mut terms = Vec::new();
    words(subject(name), |word| parts(word, |part| terms.push(term(part))));
    terms
}

/// A folder in which several files match is more likely the place than one with a single match.
fn lend_to_neighbours(ranked: &mut Scores) {
    let folder = |file: &File| file.path.parent();
    let mut best: HashMap<Option<RelPath>, Vec<f32>> = HashMap::new();
    for (score, file) in ranked.iter().filter(|(_, file)| file.role == Role::Source) {
        let scores = best.entry(folder(file)).or_default();
        scores.push(*score);
        scores.sort_by(|one, other| other.total_cmp(one));
        scores.truncate(4);
    }
    for (score, file) in ranked.iter_mut() {
        let Some(scores) = best.get(&folder(file)) else { continue };
        let own = scores.iter().position(|known| known == score);
        let others = scores.iter().enumerate().filter(|(place, _)| Some(*place) != own).take(3);
        *score += NEIGHBOURS * others.map(|(_, score)| score).sum::<f32>() / 3.0;
    }
}

/// `test_stack.py`, `stack_test.go`, `StackTest.java`, `stack.spec.ts` and `stack.rs` have one stem, in lower case.
pub(crate) fn subject_stem(name: &str) -> String {
    subject(name).to_ascii_lowercase().replace(['_', '-'], "")
}

/// A file name without its extensions and without what says that it is a test.
fn subject(name: &str) -> &str {
    const ENDS: &[&str] = &["Tests", "Test", "_test", "_tests", "_spec", "-test", "-spec", "_integration"];
    let stem = name.split('.').next().unwrap_or(name);
    let stem = stem.strip_prefix("test_").or_else(|| stem.strip_prefix("test-")).unwrap_or(stem);
    ENDS.iter().find_map(|end| stem.strip_suffix(end)).filter(|stem| !stem.is_empty()).unwrap_or(stem)
}
