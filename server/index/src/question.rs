//! A task in words as weighted terms: what it wants to find, how much each word of it says, and which other forms of a
//! word would do.

use crate::hash::FastMap;
use crate::words::{Term, is_stop, parts, term, whole, words};

/// How much words of the first line say, whole identifiers of several parts, two words that may be one, and how much a
/// word says at most that comes again and again.
const FIRST_LINE: f32 = 1.5;
const WHOLE: f32 = 1.2;
const JOINED: f32 = 0.5;
const AT_MOST: f32 = 3.0;
/// A question of fewer words has none to spare: those that say little ("else", "case") are looked for too.
const FEW: usize = 4;
const EMPTY: f32 = 0.3;
/// Bytes of two words that may be one.
const LONGEST: usize = 40;

/// A word of the question, with the terms that stand for it.
pub(crate) struct Wanted<'a> {
    /// The terms, each with how well it stands for the word; the word's own come first, with 1.
    pub(crate) terms: Vec<(Term, f32)>,
    /// How much the word says: by its place in the question and how often it comes.
    pub(crate) weight: f32,
    /// As written.
    pub(crate) word: &'a str,
}

/// A question, taken apart.
#[derive(Default)]
pub(crate) struct Question<'a> {
    pub(crate) wanted: Vec<Wanted<'a>>,
    /// Terms of the question's own prefix: of `parser/lexer: …` and of `fix(parser): …`.
    pub(crate) scope: Vec<Term>,
    /// What looks like the path or name of a file, in lower case.
    pub(crate) paths: Vec<String>,
}

impl<'a> Question<'a> {
    pub(crate) fn of(query: &'a str) -> Self {
        let query = query.trim_start();
        Self { wanted: wanted(query), scope: scope(query), paths: paths(query) }
    }
}

#[derive(Default)]
struct Collect<'a> {
    found: Vec<Wanted<'a>>,
    places: FastMap<Term, usize>,
}

impl<'a> Collect<'a> {
    fn add(&mut self, terms: Vec<(Term, f32)>, weight: f32, word: &'a str) {
        let Some(first) = terms.first() else { return };
        let place = *self.places.entry(first.0).or_insert(self.found.len());
        match self.found.get_mut(place) {
            Some(known) => known.weight = (known.weight + weight).min(AT_MOST),
            None => self.found.push(Wanted { terms, weight, word }),
        }
    }
}

/// The question as terms. What looks like code counts more than prose, the first line more than the rest.
fn wanted(query: &str) -> Vec<Wanted<'_>> {
    let first_line = query.lines().next().unwrap_or_default();
    let rest = query.get(first_line.len()..).unwrap_or_default();
    let mut collect = Collect::default();
    for (text, weight, is_first) in [(first_line, FIRST_LINE, true), (rest, 1.0, false)] {
        let mut before: Option<&str> = None;
        words(text, |word| {
            if is_stop(&word.to_ascii_lowercase()) {
                before = None;
                if is_first && is_letter(word) {
                    collect.add(vec![(term(word), 1.0)], weight, word);
                }
                return;
            }
            if let Some(before) = before.filter(|before| are_adjacent(text, before, word)) {
                collect.joined(text, before, word, weight);
            }
            before = Some(word);
            collect.one(word, weight);
        });
    }
    if (1..FEW).contains(&collect.found.len()) {
        words(query, |word| {
            if word.len() > 1 && is_stop(&word.to_ascii_lowercase()) {
                collect.add(vec![(term(word), 1.0)], EMPTY, word);
            }
        });
    }
    collect.found
}

impl<'a> Collect<'a> {
    fn one(&mut self, word: &'a str, weight: f32) {
        let mut pieces = 0;
        parts(word, |part| {
            pieces += 1;
            if part.len() > 1 && !is_stop(&part.to_ascii_lowercase()) {
                self.add(vec![(term(part), 1.0)], weight, part);
            }
        });
        if pieces > 1 {
            self.add(vec![(whole(word), 1.0)], weight * WHOLE, word);
        }
    }

    /// "code block" may be written `CodeBlock`, `code_block` or `codeblock`, and so may "code blocks".
    fn joined(&mut self, text: &'a str, one: &'a str, other: &'a str, weight: f32) {
        if one.len() + other.len() > LONGEST {
            return;
        }
        let joined = format!("{one}{other}");
        let written = text.get(place_in(text, one)..place_in(text, other) + other.len()).unwrap_or(one);
        let mut terms = vec![(whole(&joined), 1.0), (term(&joined), 1.0)];
        terms.extend(joined.strip_suffix('s').map(|singular| (whole(singular), 1.0)));
        self.add(terms, weight * JOINED, written);
    }
}

/// Is it a capital that is a name, as in "C domain" or "scripts in R"? Such names are known of paths alone.
fn is_letter(word: &str) -> bool {
    matches!(word.as_bytes(), [letter] if letter.is_ascii_uppercase() && !matches!(letter, b'A' | b'I'))
}

/// Where a part of `text` begins in it.
fn place_in(text: &str, part: &str) -> usize {
    (part.as_ptr() as usize).saturating_sub(text.as_ptr() as usize)
}

fn are_adjacent(text: &str, one: &str, other: &str) -> bool {
    let between = text.get(place_in(text, one) + one.len()..place_in(text, other));
    matches!(between, Some(" " | "-" | "." | "/"))
}

fn scope(query: &str) -> Vec<Term> {
    let line = query.lines().next().unwrap_or_default();
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

/// `src/app.rs`, `docutils.py`: what has a slash or ends like a file name.
fn paths(query: &str) -> Vec<String> {
    let is_path = |c: char| c.is_alphanumeric() || matches!(c, '/' | '.' | '_' | '-');
    let mut found = Vec::new();
    for token in
        query.split(|c: char| !is_path(c)).filter(|token| (4..=200).contains(&token.len())).take(2_000)
    {
        let token = token.trim_matches(['.', '-']).trim_start_matches('/');
        let name = token.rsplit('/').next().unwrap_or(token);
        let Some((stem, extension)) = name.rsplit_once('.') else { continue };
        let is_name = stem.len() > 1
            && (1..=5).contains(&extension.len())
            && extension.bytes().all(|byte| byte.is_ascii_alphanumeric())
            && extension.starts_with(|c: char| c.is_ascii_alphabetic());
        let lower = token.to_ascii_lowercase();
        if is_name && !found.contains(&lower) {
            found.push(lower);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words_of(query: &str) -> Vec<&str> {
        Question::of(query).wanted.into_iter().map(|want| want.word).collect()
    }

    #[test]
    fn two_words_may_be_one() {
        let question = Question::of("wrong code block in the margin of a page");
        let joined = question.wanted.iter().find(|want| want.word == "code block").expect("the pair");
        assert!(joined.terms.contains(&(whole("CodeBlock"), 1.0)));
        assert!(joined.terms.contains(&(term("codeblock"), 1.0)));
        let question = Question::of("wrong code blocks in margins");
        let joined = question.wanted.iter().find(|want| want.word == "code blocks").expect("the pair");
        assert!(joined.terms.contains(&(whole("CodeBlock"), 1.0)));
        assert!(!words_of("a code, block of the margin in pages").contains(&"code, block"));
    }

    #[test]
    fn a_short_question_has_no_word_to_spare() {
        assert_eq!(words_of("fix the else clause"), ["clause", "fix", "the", "else"]);
        assert!(words_of("fix the else").is_empty(), "nothing but empty words asks for nothing");
        assert!(!words_of("the parser drops every second token").contains(&"the"));
    }

    #[test]
    fn a_capital_may_be_a_name() {
        assert!(words_of("C domain: slow since the last release").contains(&"C"));
        assert!(!words_of("A domain that I know").iter().any(|word| word.len() == 1));
        assert!(!words_of("a slow domain\n\nwhere C is 3").contains(&"C"), "only of the first line");
    }

    #[test]
    fn the_prefix_is_the_scope() {
        assert_eq!(Question::of("fix(parser): accept tabs").scope, [term("parser")]);
        assert_eq!(Question::of("net/http: accept tabs").scope, [term("net"), term("http")]);
        assert!(Question::of("Then it said: no").scope.is_empty());
    }

    #[test]
    fn paths_are_seen() {
        let paths = Question::of("see `src/App.rs`, line 3, and docutils.py. Version 1.2, e.g. x.").paths;
        assert_eq!(paths, ["src/app.rs", "docutils.py"]);
    }
}
