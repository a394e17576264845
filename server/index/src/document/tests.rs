#![allow(clippy::disallowed_methods, reason = "samples are files")]

use super::*;
use proptest::prelude::*;
use std::path::{Path, PathBuf};

/// The sample of a language, again and again, so that there is something to open.
fn sample(language: &Language, times: usize) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../grammars").join(language.name);
    let mut files = std::fs::read_dir(folder).expect("a folder").flatten().map(|entry| entry.path());
    let is_sample = |path: &PathBuf| path.extension().is_none_or(|extension| extension != "scm");
    std::fs::read_to_string(files.find(is_sample).expect("a sample")).expect("text").repeat(times)
}

fn facts(document: &Document) -> String {
    let moment = document.moment();
    format!("{:?}", moment.facts(&moment.text()))
}

/// The first lines in which two texts differ.
fn difference(one: &str, other: &str) -> Option<String> {
    let (one, other): (Vec<&str>, Vec<&str>) = (one.split("}, ").collect(), other.split("}, ").collect());
    let at = one.iter().zip(&other).position(|(one, other)| one != other);
    let at = at.or_else(|| (one.len() != other.len()).then(|| one.len().min(other.len())))?;
    Some(format!(
        "{:#?}\n{:#?}",
        one.iter().skip(at).take(3).collect::<Vec<_>>(),
        other.iter().skip(at).take(3).collect::<Vec<_>>()
    ))
}

/// The same trees, walked anew.
fn walked_again(document: &Document) -> String {
    let parsed = document.parsed.as_ref().map(|parsed| Arc::new(parsed.walked_again(&document.rope)));
    facts(&Document { parsed, ..document.clone() })
}

fn is_broken(document: &Document) -> bool {
    document.parsed.as_ref().is_some_and(|parsed| parsed.errors() > 0)
}

fn settled(document: &Document) -> Document {
    document.settled(&mut || true).expect("a document")
}

const SCRAPS: &[&str] = &[
    "",
    "",
    " ",
    "\n",
    "\r\n",
    "\r",
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
    "/*",
    "*/",
    "name",
    "Name",
    "\nfn f() { g() }\n",
    "\nclass C:\n    x = 1\n",
    "\ndef g(): pass\n",
    "#[test]\n",
    "é",
    "\u{1F600}",
];

proptest! {
    #![proptest_config(ProptestConfig {
        cases: std::env::var("GALLEY_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(150),
        rng_seed: proptest::test_runner::RngSeed::Fixed(11),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn changes_give_the_facts_of_the_text_from_scratch(
        language in 0..galley_grammars::LANGUAGES.len(),
        times in 1..12_usize,
        steps in proptest::collection::vec(
            (proptest::collection::vec((any::<u32>(), 0..40_usize, 0..SCRAPS.len()), 1..3), 0..6_u8), 1..8),
    ) {
        let language = &galley_grammars::LANGUAGES[language];
        let mut document = Document::new(Some(language), Rope::from_str(&sample(language, times)));
        for (step, then) in steps {
            let text = document.rope.to_string();
            let mut change = ChangeSet::identity(text.len());
            for (at, length, scrap) in step {
                let now = change.apply(&text).expect("its own text");
                let boundary = |mut at: usize| { while !now.is_char_boundary(at) { at -= 1; } at };
                let start = boundary(at as usize % (now.len() + 1));
                let end = boundary((start + length).min(now.len()));
                let next = ChangeSet::single(now.len(), start..end, SCRAPS[scrap]).expect("a range of the text");
                change = change.compose(&next).expect("one after the other");
            }
            document.change(&change).expect("its own text");
            agrees(language, &document)?;
            // Typing rests, or what was typed is taken back.
            if then == 0 {
                document = settled(&document);
            } else if then < 4 {
                document.change(&change.invert(&text).expect("its own text")).expect("its own text");
                agrees(language, &document)?;
            }
        }
    }
}

/// Does a document say what its text says?
fn agrees(language: &'static Language, document: &Document) -> Result<(), TestCaseError> {
    let known = facts(document);
    prop_assert_eq!(difference(&known, &walked_again(document)), None, "{}", language.name);
    // Broken code may be understood otherwise when its pieces come one by one: what a parser takes for the error depends
    // on what it knew, even whether there is one. Code that is not broken may not.
    let fresh = Document::new(Some(language), document.rope.clone());
    let read = format!("{:?}", Facts::read(Some(language), &document.rope.to_string(), None));
    prop_assert_eq!(difference(&facts(&fresh), &read), None, "{}", language.name);
    let is_as_fresh =
        document.parsed.as_ref().is_none_or(|parsed| parsed.is_as_broken_as_fresh(&document.rope));
    if is_as_fresh && !is_broken(&fresh) {
        let settled = settled(document);
        prop_assert_eq!(difference(&read, &facts(&settled)), None, "{}, settled", language.name);
        if document.is_settled() {
            prop_assert_eq!(difference(&read, &known), None, "{}", language.name);
        }
    } else if document.is_settled() && is_broken(&fresh) {
        prop_assert!(is_broken(document), "{} is broken", language.name);
    }
    Ok(())
}

#[test]
fn only_what_changed_is_walked_again() {
    let language = galley_grammars::by_name("rust").expect("Rust");
    let text: String = (0..300).map(|n| format!("fn f{n}() {{ g{n}(); }}\n")).collect();
    let mut document = Document::new(Some(language), Rope::from_str(&text));
    let all = |document: &Document| {
        let mut found: Vec<*const Found> = Vec::new();
        document.parsed.as_ref().expect("parts").each(&mut |_, one| found.push(one));
        found
    };
    let at = text.find("g150").expect("a call");
    // Of the item at the start of the stretch more is known once the stretch is parsed by itself.
    for new in [2, 1, 1] {
        let first = document.clone();
        let before = all(&first);
        let change = ChangeSet::single(text.len(), at..at + 1, ["h", "i"][new - 1]).expect("a range");
        document.change(&change).expect("its own text");
        let after = all(&document);
        assert_eq!((after.len(), after.iter().filter(|found| !before.contains(found)).count()), (300, new));
    }
}

/// So many stretches have a tree of their own, and so many there are.
fn stretches(document: &Document) -> (usize, usize) {
    document.parsed.as_ref().expect("parts").stretch_counts()
}

#[test]
fn a_quote_that_is_not_closed_costs_its_stretch_until_the_whole_says_less() {
    let language = galley_grammars::by_name("rust").expect("Rust");
    let text: String = (0..300).map(|n| format!("fn f{n}() {{ g{n}(); }}\n")).collect();
    let mut document = Document::new(Some(language), Rope::from_str(&text));
    let names = |document: &Document| document.moment().facts(&document.rope.to_string()).symbol_count();
    let change = |document: &mut Document, at: usize, new: &str| {
        let change = ChangeSet::single(document.rope.len_bytes(), at..at, new).expect("a range");
        document.change(&change).expect("its own text");
    };
    let all = stretches(&document).1;
    assert!(all > 10);
    // Only a comment that goes on is open here: all behind it in the stretch is lost, until the whole is read.
    let (at, end) = (text.find("g150").expect("a call"), text.find("g250").expect("a call"));
    change(&mut document, at, "/*");
    assert!(!document.is_settled() && stretches(&document) == (1, all));
    let left = names(&document);
    assert!(left > 250, "{left}");
    let tried = settled(&document);
    assert!(tried.is_settled() && names(&tried) == left, "all that follows would be lost");
    // The comment is closed far behind.
    change(&mut document, end + 2, "*/");
    assert!(!document.is_settled());
    assert_eq!(names(&settled(&document)), 200);
    // It is not one any more.
    let gone = ChangeSet::single(document.rope.len_bytes(), at..at + 2, "").expect("a range");
    document.change(&gone).expect("its own text");
    let gone = ChangeSet::single(document.rope.len_bytes(), end..end + 2, "").expect("a range");
    document.change(&gone).expect("its own text");
    assert!(document.is_settled() && names(&document) == 300);
    assert_eq!(stretches(&document), (2, all));
}

#[test]
fn an_item_that_grows_into_the_next_is_read_with_it() {
    let language = galley_grammars::by_name("javascript").expect("JavaScript");
    // Without the semicolon it is one statement, a call.
    let text: String = (0..200).map(|n| format!("let name{n} = f{n};\n(g{n})\n")).collect();
    let mut document = Document::new(Some(language), Rope::from_str(&text));
    assert!(stretches(&document).1 > 3);
    while let Some(at) = document.rope.to_string().find(";\n") {
        let change = ChangeSet::single(document.rope.len_bytes(), at..at + 1, "").expect("a range");
        document.change(&change).expect("its own text");
    }
    assert!(document.is_settled());
    assert_eq!(facts(&document), facts(&Document::new(Some(language), document.rope.clone())));
}

#[test]
fn nothing_is_too_deep() {
    for (language, inner) in [("rust", "(["), ("json", "[{\"a\":"), ("python", "f([")] {
        let text = format!("{}1", inner.repeat(20_000));
        let mut document = Document::new(galley_grammars::by_name(language), Rope::from_str(&text));
        let change = ChangeSet::single(text.len(), text.len() - 1..text.len(), "name").expect("a range");
        document.change(&change).expect("its own text");
        assert_eq!(document.moment().facts(&document.rope.to_string()).bytes as usize, text.len() + 3);
    }
}

#[test]
fn a_change_of_another_text_is_refused() {
    let mut document = Document::new(galley_grammars::by_name("rust"), Rope::from_str("fn a() {}"));
    let before = facts(&document);
    assert!(document.change(&ChangeSet::replace_all(3, "x")).is_err());
    assert_eq!(facts(&document), before);
}
