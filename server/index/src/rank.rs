//! Which files is a task in words about? BM25 over three fields (content, names of definitions, path), because a
//! match in a name says more than one in a comment, and one in the path more still. Tests are ranked too, but what a
//! test says counts mostly for the file it tests.

use crate::facts::{Facts, Use};
use crate::hash::FastMap;
use crate::layer::is_hidden;
use crate::passage::{Sought, best};
use crate::question::{Question, Wanted};
use crate::role::Role;
use crate::segment::File;
use crate::snapshot::IndexSnapshot;
use crate::words::{Term, parts, term, words};
use galley_text::path::RelPath;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::Arc;

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
    /// Files of any role.
    pub(crate) files: f32,
    pub(crate) sources: f32,
    average_length: f32,
    average_names: f32,
}

/// How soon more of the same word says nothing.
const K1: f32 = 1.6;
/// How much a match in each field says beside one in the content, and how much a long field takes from it.
const CONTENT_LENGTH: f32 = 0.65;
const NAMES: f32 = 1.5;
const NAMES_LENGTH: f32 = 0.6;
const PATH: f32 = 7.0;
/// How much names and paths say by the rarity that the word has among names and among paths.
const OWN_NAMES: f32 = 0.25;
const OWN_PATH: f32 = 0.6;
/// The share of a score that depends on how much of the question the file has at all: many words once say more than one
/// word often.
const COVERED: f32 = 0.4;
/// Points per e-fold of size: where more is, more is changed. The norms above take more than that from a long file.
const SIZE: f32 = 0.02;
/// The share of a test's score that its subject gets.
const FROM_TESTS: f32 = 0.4;
/// How much a path gains that the question's own prefix ("parser: …", "fix(parser): …") names.
const SCOPE: f32 = 0.8;
/// Shares of the best score: for a file that the question names, for one that was changed for such a reason before, and
/// for the best passage.
const MENTIONED: f32 = 0.3;
const REASON: f32 = 0.3;
const PASSAGE: f32 = 0.5;
/// In how many files passages are looked for.
const PASSAGE_FILES: usize = 20;
/// How much good neighbours in the same folder say.
const NEIGHBOURS: f32 = 0.15;
/// How much is said by using what the first `STRONG` sources define; looked at in the first `NEAR` sources, and not for names
/// that `COMMON` files hold.
const USERS: f32 = 0.3;
const STRONG: usize = 3;
const NEAR: usize = 40;
const COMMON: usize = 60;

/// A file with some of the question's words.
pub(crate) struct Candidate<'a> {
    pub(crate) file: &'a Arc<File>,
    pub(crate) score: f32,
    /// Per word of the question: how much of it is in the content, the names and the path.
    counts: Vec<[f32; 3]>,
}

/// In how many sources a word is: anywhere, in names of definitions, in the path.
type Spread = [f32; 3];

impl IndexSnapshot {
    /// Files in the order in which someone with the task `query` should look at them, at most `limit`.
    pub fn rank(&self, query: &str, limit: usize) -> Vec<Ranked> {
        let statistics = self.ranking.get_or_init(|| self.statistics());
        let question = Question::of(query);
        let mut found = self.candidates(&question);
        let weights = weigh(&question, &mut found, statistics);
        let reasons = self.parts.past.by_words(&question.wanted);
        lend_to_subjects(&mut found);
        self.prefer_scope(&question, &mut found, statistics);
        prefer_mentioned(&question, &mut found);
        lend_to_neighbours(&mut found);
        self.prefer_past(&reasons, &question, &mut found);
        for candidate in &mut found {
            candidate.score *= weight_of_role(candidate.file.role);
        }
        sort(&mut found);
        self.prefer_passages(&question, &weights, &mut found);
        sort(&mut found);
        self.prefer_users(&mut found);
        found.truncate(limit);
        let explain = |candidate: Candidate| Ranked {
            path: candidate.file.path.clone(),
            score: candidate.score,
            why: why(&candidate, &question.wanted, &weights),
        };
        found.into_iter().map(explain).collect()
    }

    /// Every file that has one of the words.
    pub(crate) fn candidates(&self, question: &Question) -> Vec<Candidate<'_>> {
        let mut found = Vec::new();
        for (segment, hidden) in self.segments() {
            let mut places = vec![usize::MAX; segment.files.len()];
            for (number, want) in question.wanted.iter().enumerate() {
                for (term, share) in &want.terms {
                    let files = segment.files_with_term(*term);
                    for (place, tally) in files.filter(|(place, _)| !is_hidden(hidden, *place)) {
                        let file = &segment.files[place];
                        if places[place] == usize::MAX {
                            places[place] = found.len();
                            let counts = vec![[0.0; 3]; question.wanted.len()];
                            found.push(Candidate { file, score: 0.0, counts });
                        }
                        let counts = &mut found[places[place]].counts[number];
                        let here =
                            [tally.content, tally.names, u16::from(in_path(file, *term))].map(f32::from);
                        counts.iter_mut().zip(here).for_each(|(sum, count)| *sum += share * count);
                    }
                }
            }
        }
        found
    }

    /// What was changed for such a reason before is likely to be changed for it again, also if none of the words is in it.
    fn prefer_past<'a>(
        &'a self,
        reasons: &[(&RelPath, f32)],
        question: &Question,
        found: &mut Vec<Candidate<'a>>,
    ) {
        if reasons.is_empty() {
            return;
        }
        let top = found.iter().map(|candidate| candidate.score).fold(0.0, f32::max);
        let mut shares: FastMap<&RelPath, f32> = reasons.iter().copied().collect();
        for candidate in found.iter_mut() {
            if let Some(share) = shares.remove(&candidate.file.path) {
                candidate.score += REASON * top * share;
            }
        }
        for (path, share) in shares {
            if let Some(file) = self.file(path) {
                let counts = vec![[0.0; 3]; question.wanted.len()];
                found.push(Candidate { file, score: REASON * top * share, counts });
            }
        }
    }

    /// "parser: accept tabs" is about a path with `parser` in it.
    fn prefer_scope(&self, question: &Question, found: &mut [Candidate], statistics: &Statistics) {
        let with = |term: Term| {
            found.iter().filter(|c| c.file.role == Role::Source && in_path(c.file, term) > 0).count() as f32
        };
        let scope: Vec<(Term, f32)> =
            question.scope.iter().map(|term| (*term, rarity(with(*term), statistics.sources))).collect();
        let all: f32 = scope.iter().map(|(_, rarity)| rarity).sum();
        if all <= 0.0 {
            return;
        }
        for candidate in found {
            let named = scope.iter().filter(|(term, _)| in_path(candidate.file, *term) > 0);
            candidate.score *= 1.0 + SCOPE * named.map(|(_, rarity)| rarity).sum::<f32>() / all;
        }
    }

    /// Of files with the same words, the one that has them close together is meant. `found` is in order.
    fn prefer_passages(&self, question: &Question, weights: &[f32], found: &mut [Candidate]) {
        let mut sought = Sought::new();
        for (number, want) in question.wanted.iter().enumerate() {
            for (term, share) in &want.terms {
                sought.add(*term, number as u32, share * weights[number], want.word);
            }
        }
        let all: f32 = weights.iter().sum();
        let top = found.first().map_or(0.0, |best| best.score);
        if all <= 0.0 {
            return;
        }
        // Documents have their turn, but do not take that of the code which is usually wanted.
        let mut code = 0;
        for (place, candidate) in found.iter_mut().enumerate() {
            let is_code = matches!(candidate.file.role, Role::Source | Role::Test);
            code += usize::from(is_code);
            if code > PASSAGE_FILES {
                break;
            }
            if let Some(text) =
                (is_code || place < PASSAGE_FILES).then(|| self.text(candidate.file)).flatten()
            {
                let share = best(&text, &sought) / all;
                candidate.score += PASSAGE * top * share * weight_of_role(candidate.file.role);
            }
        }
    }

    /// What uses what the best files define is near: a fix in a thing often ends where it is used. `found` is in order,
    /// and is again.
    ///
    /// Only the files at the top are looked at, and only names that few files hold, so nothing needs to be resolved.
    fn prefer_users(&self, found: &mut [Candidate]) {
        let sources = found.iter().enumerate().filter(|(_, candidate)| candidate.file.role == Role::Source);
        let near: Vec<(usize, Arc<Facts>)> =
            sources.take(NEAR).map(|(place, candidate)| (place, candidate.file.facts())).collect();
        let mut definers: FastMap<&str, Vec<usize>> = FastMap::default();
        for (place, facts) in near.iter().take(STRONG) {
            let defined = |number: u32| facts.uses(number) & Use::DEFINED != 0;
            for (_, name) in facts.names().filter(|(number, name)| name.len() > 3 && defined(*number)) {
                definers.entry(name).or_default().push(*place);
            }
        }
        definers.retain(|_, places| places.len() < 3);
        let mut held: FastMap<&str, usize> = FastMap::default();
        let mut links: FastMap<(usize, usize), f32> = FastMap::default();
        for (place, facts) in &near {
            for (_, name) in facts.names() {
                let Some(places) = definers.get(name) else { continue };
                let files = *held.entry(name).or_insert_with(|| self.count_with_name(name, COMMON));
                if files >= COMMON {
                    continue;
                }
                for definer in places.iter().filter(|definer| *definer != place) {
                    *links.entry((*place, *definer)).or_default() += 1.0 / (files * places.len()) as f32;
                }
            }
        }
        let mut links: Vec<_> = links.into_iter().collect();
        links.sort_unstable_by_key(|link| link.0); // sums of fractions depend on their order
        let scores: Vec<f32> = found.iter().map(|candidate| candidate.score).collect();
        for ((user, definer), link) in links {
            found[user].score += USERS / STRONG as f32 * link / (link + 0.5) * scores[definer];
        }
        sort(found);
    }

    pub(crate) fn statistics(&self) -> Statistics {
        let (mut sources, mut length, mut names) = (0, 0_u64, 0_u64);
        for file in self.files().filter(|file| file.role == Role::Source) {
            sources += 1;
            length += u64::from(file.brief().length);
            names += u64::from(file.brief().symbols);
        }
        let count = sources.max(1) as f32;
        Statistics {
            files: self.files().count() as f32,
            sources: sources as f32,
            average_length: (length as f32 / count).max(1.0),
            average_names: (names as f32 / count).max(1.0),
        }
    }
}

fn sort(found: &mut [Candidate]) {
    found.sort_by(|one, other| {
        other.score.total_cmp(&one.score).then_with(|| one.file.path.cmp(&other.file.path))
    });
}

/// Inverse document frequency of what `with` of `all` files have.
pub(crate) fn rarity(with: f32, all: f32) -> f32 {
    (1.0 + (all - with + 0.5).max(0.0) / (with + 0.5)).ln()
}

/// BM25 of every candidate; gives what each word of the question weighs.
///
/// Content, names and path are one field with weights, so that a word that is rare anywhere counts wherever it stands. To
/// that come names and path once more with rarities of their own: "server" is in every file, and yet it is telling where
/// it is the name of one.
pub(crate) fn weigh(question: &Question, found: &mut [Candidate], statistics: &Statistics) -> Vec<f32> {
    let rarities = rarities(question, found, statistics);
    let weight = |(want, rarity): (&Wanted, &Spread)| want.weight * rarity[0];
    let weights: Vec<f32> = question.wanted.iter().zip(&rarities).map(weight).collect();
    let all: f32 = weights.iter().sum::<f32>().max(f32::MIN_POSITIVE);
    let norm = |length: f32, average: f32, share: f32| 1.0 - share + share * length / average;
    for candidate in found {
        let length = candidate.file.brief().length as f32;
        let of_content = norm(length, statistics.average_length, CONTENT_LENGTH);
        let of_names = norm(candidate.file.brief().symbols as f32, statistics.average_names, NAMES_LENGTH);
        let (mut score, mut covered) = (0.0, 0.0);
        for (number, want) in question.wanted.iter().enumerate() {
            let [content, names, path] = candidate.counts[number];
            if content + names + path <= 0.0 {
                continue;
            }
            covered += weights[number];
            let (content, names) = (content / of_content, names / of_names);
            let frequency = content + NAMES * names + PATH * path;
            let [_, in_names, in_path] = rarities[number];
            score += weights[number] * frequency / (K1 + frequency)
                + want.weight * OWN_NAMES * in_names * names / (1.0 + names)
                + want.weight * OWN_PATH * in_path * path / (1.0 + path);
        }
        let size = 1.0 + SIZE * (1.0 + length / statistics.average_length).ln();
        candidate.score = score * size * (1.0 - COVERED + COVERED * covered / all);
    }
    weights
}

/// How rare each word of the question is among sources.
fn rarities(question: &Question, found: &[Candidate], statistics: &Statistics) -> Vec<Spread> {
    let mut spread: Vec<Spread> = vec![[0.0; 3]; question.wanted.len()];
    for candidate in found.iter().filter(|candidate| candidate.file.role == Role::Source) {
        for (spread, counts) in spread.iter_mut().zip(&candidate.counts) {
            let [content, names, path] = *counts;
            for (files, count) in spread.iter_mut().zip([content + names + path, names, path]) {
                *files += f32::from(u8::from(count > 0.0));
            }
        }
    }
    spread.iter().map(|spread| spread.map(|with| rarity(with, statistics.sources))).collect()
}

/// The words that brought the file here, strongest first.
fn why(candidate: &Candidate, wanted: &[Wanted], weights: &[f32]) -> String {
    let part = |number: usize| {
        let [content, names, path] = candidate.counts[number];
        let frequency = content + 2.0 * names + 4.0 * path;
        weights[number] * frequency / (1.0 + frequency)
    };
    let mut matched: Vec<(f32, &str)> = wanted
        .iter()
        .enumerate()
        .map(|(number, want)| (part(number), want.word))
        .filter(|(score, _)| *score > 0.0)
        .collect();
    matched.sort_by(|one, other| other.0.total_cmp(&one.0));
    let mut words: Vec<&str> = Vec::new();
    for (_, word) in matched {
        if words.len() < 6 && !words.contains(&word) {
            words.push(word);
        }
    }
    words.join(", ")
}

fn weight_of_role(role: Role) -> f32 {
    match role {
        Role::Source => 1.0,
        Role::Test => 0.6,
        Role::Document | Role::Configuration => 0.5,
        Role::Vendored | Role::Generated => 0.3,
    }
}

/// A question that writes a path means it.
fn prefer_mentioned(question: &Question, found: &mut [Candidate]) {
    if question.paths.is_empty() {
        return;
    }
    let top = found.iter().map(|candidate| candidate.score).fold(0.0, f32::max);
    for candidate in found {
        let path = candidate.file.path.as_str().to_ascii_lowercase();
        let is_meant = |mention: &String| {
            path.strip_suffix(mention.as_str())
                .is_some_and(|before| before.is_empty() || before.ends_with('/'))
        };
        if question.paths.iter().any(is_meant) {
            candidate.score += MENTIONED * top;
        }
    }
}

/// How often the path holds the term; the file name counts twice.
pub(crate) fn in_path(file: &File, term: Term) -> u8 {
    let terms = file.path_terms();
    terms.binary_search_by_key(&term, |known| known.0).map_or(0, |at| terms[at].1)
}

/// A test that matches speaks for what it tests: the sources whose path holds all words of its stem, as
/// `tests/test_domain_std.py` speaks for `domains/std.py`.
fn lend_to_subjects(found: &mut [Candidate]) {
    // By the stem's last word, which the subject's file name has.
    let mut lenders: HashMap<Term, Vec<(f32, Vec<Term>)>> = HashMap::new();
    for candidate in found.iter().filter(|candidate| candidate.file.role == Role::Test) {
        let terms = stem_terms(candidate.file.path.file_name());
        if let Some(last) = terms.last() {
            lenders.entry(*last).or_default().push((candidate.score, terms));
        }
    }
    for candidate in found.iter_mut().filter(|candidate| candidate.file.role == Role::Source) {
        let Some(last) = stem_terms(candidate.file.path.file_name()).last().copied() else { continue };
        let tests = lenders.get(&last).into_iter().flatten();
        let mine = tests.filter(|(_, terms)| terms.iter().all(|term| in_path(candidate.file, *term) > 0));
        candidate.score += FROM_TESTS * mine.map(|(score, _)| *score).fold(0.0, f32::max);
    }
}

pub(crate) fn stem_terms(name: &str) -> Vec<Term> {
    let mut terms = Vec::new();
    words(subject(name), |word| parts(word, |part| terms.push(term(part))));
    terms
}

/// A folder in which several files match is more likely the place than one with a single match.
fn lend_to_neighbours(found: &mut [Candidate]) {
    let folder = |file: &File| file.path.parent();
    let mut best: HashMap<Option<RelPath>, Vec<f32>> = HashMap::new();
    for candidate in found.iter().filter(|candidate| candidate.file.role == Role::Source) {
        let scores = best.entry(folder(candidate.file)).or_default();
        scores.push(candidate.score);
        scores.sort_by(|one, other| other.total_cmp(one));
        scores.truncate(4);
    }
    for candidate in found.iter_mut() {
        let Some(scores) = best.get(&folder(candidate.file)) else { continue };
        let own = scores.iter().position(|known| *known == candidate.score);
        let others = scores.iter().enumerate().filter(|(place, _)| Some(*place) != own).take(3);
        candidate.score += NEIGHBOURS * others.map(|(_, score)| score).sum::<f32>() / 3.0;
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
