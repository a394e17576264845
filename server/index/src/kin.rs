//! Files that belong to a symbol's file without naming anything of it: tests and sources that speak of the same things,
//! those that lie where its tests would lie, those that changed together with it.

use crate::hash::FastMap;
use crate::impact::{Affected, add};
use crate::question::{Question, Wanted};
use crate::rank::{in_path, rarity, stem_terms, subject_stem, weigh};
use crate::role::Role;
use crate::segment::{File, is_common_stem};
use crate::snapshot::IndexSnapshot;
use crate::words::{Term, is_stop, parts, term, whole, words};
use std::sync::Arc;

/// Points for the test, and for the source, that speaks most of the same things; others get their share.
const ALIKE_TEST: f32 = 3.0;
const ALIKE_SOURCE: f32 = 2.0;
/// A lesser share than this is chance.
const CHANCE: f32 = 0.2;
/// So many of the symbol's most telling words are looked for.
const TELLING: usize = 40;
/// How often the symbol's name, its container and its path count beside a word of its body.
const NAME_COUNTS: f32 = 6.0;
const CONTAINER_COUNTS: f32 = 2.0;
/// Points for the file that changed most often together with the seed.
const TOGETHER: f32 = 3.0;
/// Points for one stem, for the same folder, for a test in the mirrored folder, for a test named after the symbol, for a
/// test whose name is in the seed's path.
const SAME_STEM: f32 = 3.0;
const NEAR: f32 = 0.8;
const MIRROR: f32 = 1.0;
const NAMED_AFTER: f32 = 1.5;
const SPEAKS_OF: f32 = 1.0;
/// Points per e-fold of size: where more is, more is touched. Of tests more so, because many repositories keep the tests
/// of a subject in one large file.
const SIZE_TEST: f32 = 0.3;
const SIZE_SOURCE: f32 = 0.1;

impl IndexSnapshot {
    /// Files that speak of the same things as the symbol does: a test names a flag or a message in the words of people,
    /// which stand in the symbol's body, name or file name, even where it never calls the symbol.
    pub(crate) fn alike<'a>(&'a self, seed: &'a Arc<File>, name: &str, affected: &mut Affected<'a>) {
        let statistics = self.ranking.get_or_init(|| self.statistics());
        let rarity = |term: Term| rarity(self.count_with_term(term) as f32, statistics.files);
        let counts = self.words_of_symbol(seed, name);
        let mut telling: Vec<(f32, Term)> =
            counts.into_iter().map(|(term, count)| ((1.0 + count).ln() * rarity(term), term)).collect();
        telling.sort_by(|one, other| other.0.total_cmp(&one.0).then(one.1.cmp(&other.1)));
        telling.truncate(TELLING);
        let want = |(weight, term)| Wanted { terms: vec![(term, 1.0)], weight, word: "" };
        let question = Question { wanted: telling.into_iter().map(want).collect(), ..Question::default() };
        let mut found = self.candidates(&question);
        weigh(&question, &mut found, statistics);
        // Each kind has its own measure: tests repeat the words of their subject, other sources do not.
        for (tests, points) in [(false, ALIKE_SOURCE), (true, ALIKE_TEST)] {
            let of_kind = |file: &File| (file.role == Role::Test) == tests && file.path != seed.path;
            let those = || found.iter().filter(|candidate| of_kind(candidate.file));
            let top = those().map(|candidate| candidate.score).fold(0.0, f32::max);
            for candidate in those().filter(|candidate| candidate.score > CHANCE * top) {
                add(affected, candidate.file, points * candidate.score / top);
            }
        }
    }

    /// How often each word is in the symbol's body, name, container and path.
    fn words_of_symbol(&self, seed: &File, name: &str) -> FastMap<Term, f32> {
        let facts = seed.facts();
        let number = (0..facts.symbol_count()).find(|symbol| facts.symbol_name(*symbol) == name);
        let text = self.text(seed);
        let range = number.and_then(|number| facts.symbol_range(number)).unwrap_or_default();
        let body = text.as_deref().and_then(|text| text.get(range)).unwrap_or_default();
        let path = seed.path.as_str();
        let stem = path.rsplit_once('.').map_or(path, |(stem, _)| stem);
        let container = number.map_or("", |number| facts.symbol_container(number));
        let mut counts: FastMap<Term, f32> = FastMap::default();
        let all = [(body, 1.0), (name, NAME_COUNTS), (container, CONTAINER_COUNTS), (stem, 1.0)];
        for (text, weight) in all {
            words(text, |word| {
                let mut pieces = 0;
                parts(word, |part| {
                    pieces += 1;
                    if part.len() > 2 && !is_stop(&part.to_ascii_lowercase()) {
                        *counts.entry(term(part)).or_default() += weight;
                    }
                });
                if pieces > 1 {
                    *counts.entry(whole(word)).or_default() += weight;
                }
            });
        }
        counts
    }

    /// Files that changed together with the seed in the past, which says what no text does.
    pub(crate) fn changed_together<'a>(&'a self, seed: &Arc<File>, affected: &mut Affected<'a>) {
        for (path, share) in self.parts.past.together(&seed.path) {
            if let Some(file) = self.file(path) {
                // The root, because of a file's companions the third says nearly as much as the first.
                add(affected, file, TOGETHER * share.sqrt());
            }
        }
    }

    /// Files of the same stem wherever they lie, those in the same folder, and tests whose path speaks of the seed's.
    pub(crate) fn near<'a>(&'a self, seed: &Arc<File>, name: &str, affected: &mut Affected<'a>) {
        let seed = Seed::new(seed, name);
        for file in self.files() {
            let known = affected.contains_key(&file.path);
            let points = if file.role == Role::Test { seed.of_test(file) } else { seed.of_source(file) };
            if points > 0.0 || known {
                let size = (1.0 + file.brief().length as f32 / 1_000.0).ln();
                let folders = NEAR * shared_folders(seed.folder, folder(file.path.as_str()));
                let by_size = if file.role == Role::Test { SIZE_TEST } else { SIZE_SOURCE };
                add(affected, file, points + folders + by_size * size);
            }
        }
    }
}

/// What is compared with every file.
struct Seed<'a> {
    file: &'a File,
    folder: &'a str,
    /// Folders that say something of the subject.
    folders: Vec<&'a str>,
    /// Empty for a name like `mod.rs`.
    stem: String,
    last: Option<Term>,
    name: Vec<Term>,
}

impl<'a> Seed<'a> {
    fn new(file: &'a File, name: &str) -> Self {
        let path = file.path.as_str();
        let folder = folder(path);
        let file_name = file.path.file_name();
        let stem = subject_stem(file_name);
        let common = is_common_stem(file_name.split('.').next().unwrap_or_default());
        // What `mod.rs`, `index.ts`, `__init__.py` is about, its folder says.
        let subject = if common { folder.rsplit('/').next().unwrap_or_default() } else { file_name };
        Self {
            file,
            folder,
            folders: folder.split('/').filter(|folder| !is_layout(folder)).collect(),
            stem: if common { String::new() } else { stem },
            last: stem_terms(subject).pop(),
            name: terms_of(name, |part| part.len() > 1),
        }
    }

    fn has_stem_of(&self, file: &File) -> bool {
        !self.stem.is_empty() && subject_stem(file.path.file_name()) == self.stem
    }

    /// How much a source lies near; 0 for one that does not.
    fn of_source(&self, file: &File) -> f32 {
        if self.has_stem_of(file) {
            return SAME_STEM;
        }
        if folder(file.path.as_str()) == self.folder { f32::MIN_POSITIVE } else { 0.0 }
    }

    fn of_test(&self, file: &File) -> f32 {
        let path = file.path.as_str();
        let terms = test_terms(file.path.file_name());
        // A test's name may say the folder too: `test_domain_std.py` for `domains/std.py`.
        let in_seed = terms.iter().filter(|term| in_path(self.file, **term) > 0).count();
        let is_of_seed = self.last.is_some_and(|last| terms.contains(&last)) && in_seed * 2 > terms.len();
        let stem = if is_of_seed || self.has_stem_of(file) { SAME_STEM } else { 0.0 };
        // `tests/domains/test_std.py` mirrors `src/domains/std.py`.
        let folders: Vec<&str> = folder(path).split('/').filter(|folder| !is_layout(folder)).collect();
        let mirrored = folders.iter().filter(|folder| self.folders.contains(folder)).count();
        // `res.send.js` tests `send`.
        let named = self.name.iter().filter(|term| terms.contains(term)).count();
        let share = |part: usize, all: usize| part as f32 / all as f32;
        stem + MIRROR * share(mirrored, 1 + folders.len().max(self.folders.len()))
            + NAMED_AFTER * share(named, self.name.len().max(1))
            + SPEAKS_OF * share(in_seed, 1 + terms.len())
    }
}

/// The way to a file, without the slash at its end.
fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// Folders that every repository has, and that say nothing of the subject.
fn is_layout(folder: &str) -> bool {
    const LAYOUT: &[&str] = &[
        "__tests__",
        "crates",
        "internal",
        "java",
        "kotlin",
        "lib",
        "main",
        "packages",
        "pkg",
        "playground",
        "spec",
        "src",
        "test",
        "tests",
    ];
    folder.is_empty() || LAYOUT.contains(&folder)
}

fn terms_of(text: &str, keep: impl Fn(&str) -> bool) -> Vec<Term> {
    let mut terms = Vec::new();
    words(text, |word| {
        parts(word, |part| {
            if keep(part) {
                terms.push(term(part));
            }
        });
    });
    terms
}

/// The terms of a test's file name without its extension and without what says that it is a test.
fn test_terms(name: &str) -> Vec<Term> {
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    terms_of(stem, |part| !["test", "tests", "spec", "it"].iter().any(|word| part.eq_ignore_ascii_case(word)))
}

/// 1 for the same folder, less the further apart.
fn shared_folders(one: &str, other: &str) -> f32 {
    let (one, other): (Vec<_>, Vec<_>) = (one.split('/').collect(), other.split('/').collect());
    let shared = one.iter().zip(&other).take_while(|(a, b)| a == b).count();
    shared as f32 / one.len().max(other.len()) as f32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::Index;
    use galley_text::path::RelPath;

    fn tests_of(file: &str, symbol: &str, texts: &[(&str, &str)]) -> Vec<String> {
        let path = |path: &str| RelPath::new(path).expect("a path");
        let index = Index::new();
        let files: Vec<_> = texts.iter().map(|(name, text)| (path(name), Arc::<str>::from(*text))).collect();
        index.update(&files);
        let found = index.snapshot().impact(symbol, Some(&path(file)), 10);
        found
            .into_iter()
            .map(|found| found.path.as_str().to_owned())
            .filter(|path| path.contains("test"))
            .collect()
    }

    #[test]
    fn a_test_is_told_by_its_name() {
        let texts = [
            ("lib/response.js", "res.send = function send(body) { return 1; };"),
            ("test/res.send.js", "check('a')"),
            ("test/app.router.js", "check('b')"),
        ];
        assert_eq!(tests_of("lib/response.js", "send", &texts)[0], "test/res.send.js");
    }

    #[test]
    fn a_package_is_called_after_its_folder() {
        let texts = [
            ("sphinx/ext/autodoc/__init__.py", "def document_members(): pass"),
            ("tests/test_ext_autodoc.py", "x = 1"),
            ("tests/test_ext_graphs.py", "x = 1"),
        ];
        let found = tests_of("sphinx/ext/autodoc/__init__.py", "document_members", &texts);
        assert_eq!(found[0], "tests/test_ext_autodoc.py");
    }

    #[test]
    fn a_test_that_speaks_of_the_same_is_found_without_a_reference() {
        let texts = [
            ("src/args.rs", "fn limit() { flag(\"max-filesize\"); bytes(); }"),
            ("tests/feature.rs", "#[test]\nfn small() { run(\"--max-filesize\"); }"),
            ("tests/other.rs", "#[test]\nfn color() { run(\"--color\"); }"),
        ];
        assert_eq!(tests_of("src/args.rs", "limit", &texts)[0], "tests/feature.rs");
    }
}
