//! Mechanics on the diff, without a model: what a reviewer should look at twice. A finding is a warning on the proposal,
//! never a change of it.

mod signs;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use galley_text::format::FileChange;
use galley_text::path::RelPath;
use regex::Regex;

use crate::scope::protected_class;
use signs::{EVERYWHERE, IN_TESTS, Language, SETTINGS, Sign, TESTS};

/// What is known of the task when its diff is looked at.
#[derive(Debug, Clone, Copy, Default)]
pub struct Circumstances<'a> {
    /// Whether writing tests is what was asked for.
    pub goal_names_tests: bool,
    /// Names of the tests that were red before the change.
    pub red_before: &'a [String],
}

/// Warnings about a list of changes, for the person.
pub fn warnings(changes: &[FileChange], circumstances: Circumstances<'_>) -> Vec<String> {
    let mut found = Vec::new();
    let mut moved = Balance::default();
    for change in changes {
        let (path, before, after) = change.sides();
        let name = path.as_str();
        let (old, new) = (before.unwrap_or_default(), after.unwrap_or_default());
        if let Some(class) = protected_class(path) {
            found.push(format!("{name} is changed ({class})"));
        } else if before.is_some() && is_settings(path) {
            found.push(format!("{name} is changed (settings of tests or linters)"));
        }
        let language = Language::of(path.file_name());
        if is_test(path, old) || is_test(path, new) {
            moved.take(name, language, old, new);
            if !circumstances.goal_names_tests && before.is_some() && language.is_some() {
                found.extend(grown(name, IN_TESTS, language, old, new));
                found.extend(raised_timeouts(name, old, new));
                found.extend(changed_expectations(name, language, old, new, circumstances.red_before));
            }
        }
        found.extend(grown(name, EVERYWHERE, language, old, new));
    }
    if !circumstances.goal_names_tests {
        found.extend(moved.warnings());
    }
    found
}

fn is_test(path: &RelPath, text: &str) -> bool {
    let name = path.as_str().to_ascii_lowercase();
    name.contains("test")
        || name.contains("spec")
        || text.contains("#[test]")
        || text.contains("#[cfg(test)]")
}

fn is_settings(path: &RelPath) -> bool {
    SETTINGS.iter().any(|pattern| match pattern.split_once('*') {
        Some((start, end)) => path.file_name().starts_with(start) && path.file_name().ends_with(end),
        None => path.file_name() == *pattern,
    })
}

/// How often one of the words stands in code; what stands in comments counts only for signs that live there.
fn count(text: &str, words: &[&str], in_comments: bool, language: Option<Language>) -> usize {
    let comment = language.map_or("//", Language::comment);
    let code = |line: &&str| in_comments || !line.trim_start().starts_with(comment);
    text.lines().filter(code).map(|line| words.iter().map(|word| hits(line, word)).sum::<usize>()).sum()
}

/// Occurrences of a word that no letter stands before: `it(` is not in `exit(`.
fn hits(line: &str, word: &str) -> usize {
    let bare = word.starts_with(|c: char| c.is_alphanumeric());
    let is_letter = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).filter(|(at, _)| !bare || !line[..*at].ends_with(is_letter)).count()
}

/// A warning for each sign of which there is more than before.
fn grown(name: &str, signs: &[Sign], language: Option<Language>, old: &str, new: &str) -> Vec<String> {
    let fits =
        |sign: &&Sign| sign.languages.is_empty() || language.is_some_and(|of| sign.languages.contains(&of));
    let mut found = Vec::new();
    for sign in signs.iter().filter(fits) {
        let count = |text| count(text, sign.words, sign.in_comments, language);
        if count(new) > count(old) {
            let word = sign.words.iter().find(|word| {
                let count = |text| self::count(text, &[**word], sign.in_comments, language);
                count(new) > count(old)
            });
            found.push(format!("{name}: {} (`{}`)", sign.what, word.unwrap_or(&"").trim()));
        }
    }
    found
}

/// Tests and assertions over all files: what moves from one file to another is not lost.
#[derive(Default)]
struct Balance<'a> {
    names: BTreeMap<String, (bool, bool)>,
    unnamed: (usize, usize),
    assertions: (usize, usize),
    losing: BTreeSet<&'a str>,
    fewer: BTreeSet<&'a str>,
}

impl<'a> Balance<'a> {
    fn take(&mut self, name: &'a str, language: Option<Language>, old: &str, new: &str) {
        let Some(row) = TESTS.iter().find(|row| Some(row.language) == language) else { return };
        let names = |text: &str| test_names(row.name, &without_comments(text, row.language));
        let (before, after) = (names(old), names(new));
        if before.iter().any(|test| !after.contains(test)) {
            self.losing.insert(name);
        }
        for test in before {
            self.names.entry(test).or_default().0 = true;
        }
        for test in after {
            self.names.entry(test).or_default().1 = true;
        }
        let tests = |text: &str| count(text, row.marks, false, language);
        self.unnamed.0 += tests(old);
        self.unnamed.1 += tests(new);
        let (before, after) =
            (count(old, row.assertions, false, language), count(new, row.assertions, false, language));
        if after < before {
            self.fewer.insert(name);
        }
        self.assertions.0 += before;
        self.assertions.1 += after;
    }

    fn warnings(&self) -> Vec<String> {
        let mut found = Vec::new();
        let gone: Vec<&str> =
            self.names.iter().filter(|(_, (was, is))| *was && !is).map(|(name, _)| name.as_str()).collect();
        let (before, after) = self.unnamed;
        let places = || self.losing.iter().copied().collect::<Vec<_>>().join(", ");
        if after < before {
            let named = if gone.is_empty() { String::new() } else { format!(" ({})", shown(&gone)) };
            found.push(format!("{}: {} of {before} tests removed{named}", places(), before - after));
        } else if !gone.is_empty() && self.names.values().any(|(was, is)| *was && *is) {
            found.push(format!("{}: tests renamed or replaced ({})", places(), shown(&gone)));
        }
        let (before, after) = self.assertions;
        if after < before {
            let places: Vec<&str> = self.fewer.iter().copied().collect();
            found.push(format!("{}: {before} assertions before, {after} after", places.join(", ")));
        }
        found
    }
}

fn shown(names: &[&str]) -> String {
    let mut text = names.iter().take(5).copied().collect::<Vec<_>>().join(", ");
    if names.len() > 5 {
        text.push_str(&format!(" and {} more", names.len() - 5));
    }
    text
}

/// A text without the lines that are comments as a whole: a test in one is none.
fn without_comments(text: &str, language: Language) -> String {
    let is_code = |line: &&str| !line.trim_start().starts_with(language.comment());
    text.split_inclusive('\n').filter(is_code).collect()
}

/// Names of tests, by the pattern's first group.
fn test_names(pattern: &str, text: &str) -> BTreeSet<String> {
    let Ok(pattern) = Regex::new(pattern) else { return BTreeSet::new() };
    pattern.captures_iter(text).filter_map(|found| Some(found.get(1)?.as_str().to_owned())).collect()
}

static TIMEOUT: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?i)(time_?out|wait_?for|deadline|retries|retry|tolerance|epsilon|delta|max_?diff)\w*\W{1,24}?(\d[\d_]*(?:\.\d+)?)").ok()
});

/// Numbers that stand beside a word for patience or tolerance, and grew.
fn raised_timeouts(name: &str, old: &str, new: &str) -> Vec<String> {
    let Some(pattern) = &*TIMEOUT else { return Vec::new() };
    let numbers = |text: &str| {
        let mut found: BTreeMap<String, Vec<f64>> = BTreeMap::new();
        for capture in pattern.captures_iter(text) {
            if let Ok(number) = capture[2].replace('_', "").parse::<f64>() {
                found.entry(capture[1].to_ascii_lowercase()).or_default().push(number);
            }
        }
        found
    };
    let (before, after) = (numbers(old), numbers(new));
    let mut found = Vec::new();
    for (word, was) in &before {
        let Some(is) = after.get(word).filter(|is| is.len() == was.len()) else { continue };
        if let Some((was, is)) = was.iter().zip(is).find(|(was, is)| is > was) {
            found.push(format!("{name}: {word} is raised from {was} to {is}"));
        }
    }
    found
}

/// Tests that were red before and whose own assertions are other ones now: perhaps the expectation was bent.
fn changed_expectations(
    name: &str,
    language: Option<Language>,
    old: &str,
    new: &str,
    red_before: &[String],
) -> Vec<String> {
    let Some(row) = TESTS.iter().find(|row| Some(row.language) == language) else { return Vec::new() };
    let code = |text: &str| assertions_by_test(row, &without_comments(text, row.language));
    let (before, after) = (code(old), code(new));
    let bent = |test: &&String| {
        let is_red = red_before.iter().any(|red| last_part(red) == test.as_str());
        is_red && after.get(*test).is_some_and(|is| before.get(*test) != Some(is))
    };
    before
        .keys()
        .filter(bent)
        .map(|test| format!("{name}: what `{test}` expects is changed, and it was red before"))
        .collect()
}

/// A test's own name in what a runner calls it: `a::b::test`, `pkg.Test`, `file.py::Class::test[1]`, `suite test`.
fn last_part(name: &str) -> &str {
    let name = name.split('[').next().unwrap_or(name);
    let name = name.rsplit("::").next().unwrap_or(name);
    if name.contains(' ') { name } else { name.rsplit(['.', '#']).next().unwrap_or(name) }
}

/// The lines with assertions, by the test that they stand below.
fn assertions_by_test(row: &signs::Tests, text: &str) -> BTreeMap<String, Vec<String>> {
    let Ok(pattern) = Regex::new(row.name) else { return BTreeMap::new() };
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut current: Option<String> = None;
    // An attribute stands on a line of its own before the name, so lines are looked at with the one before.
    let mut last = "";
    for line in text.lines() {
        let both = format!("{last}\n{line}");
        if let Some(name) =
            pattern.captures(line).or_else(|| pattern.captures(&both)).and_then(|found| found.get(1))
        {
            current = Some(name.as_str().to_owned());
        }
        if let Some(test) = &current
            && row.assertions.iter().any(|word| hits(line, word) > 0)
        {
            found.entry(test.clone()).or_default().push(line.trim().to_owned());
        }
        last = line;
    }
    found
}

#[cfg(test)]
mod tests;
