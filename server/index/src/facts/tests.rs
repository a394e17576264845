//! Facts come back from a record as they were, and a record that is not whole is never believed too much.

use super::{Counted, Facts, Raw, Vocabulary};
use crate::hash::ContentHash;
use galley_grammars::LANGUAGES;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use std::path::Path;

#[allow(clippy::disallowed_methods, reason = "a test reads its samples")]
fn samples() -> Vec<(&'static str, String)> {
    let mut samples = Vec::new();
    for language in LANGUAGES {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../grammars").join(language.name);
        for file in std::fs::read_dir(folder).expect("the folder of a language") {
            let path = file.expect("a file").path();
            if path.is_file() {
                samples.push((language.name, std::fs::read_to_string(path).expect("a text")));
            }
        }
    }
    samples
}

fn read(language: &str, text: &str) -> Facts {
    let hash = ContentHash::of(Some(language), text);
    Facts::read(galley_grammars::by_name(language), text, Some(hash))
}

/// All that facts say, as text, but for their terms.
fn said(facts: &Facts) -> String {
    let about = (facts.hash, facts.language, facts.errors, facts.bytes, facts.length, facts.lines.lengths());
    let symbols: Vec<_> = facts.symbols().collect();
    let names = (&facts.names, &facts.uses, &facts.places, &facts.imports);
    format!("{about:?} {symbols:?} {names:?}")
}

fn again(facts: &Facts, vocabulary: &mut Vocabulary) -> Option<Facts> {
    let record = facts.raw().into_record(vocabulary);
    Facts::from_raw(Raw::from_record(record, vocabulary.bytes())?, facts.hash?)
}

#[test]
fn facts_come_back_from_a_record() {
    let odd = [
        ("rust", ""),
        ("rust", "fn a() {}"),
        ("rust", "\r\n\r\nfn größe() { é(); }\r\nimpl Größe { fn a() {} }"),
        ("python", "\n\n\nclass A:\n  def a(self): pass\n\n\n\n"),
        ("markdown", "# a  b \n\n## a  b\n\n```rust\nfn a() {}\n```\n"),
    ];
    let odd = odd.map(|(language, text)| (language, text.to_owned()));
    // One for all, so that most terms have their number from another content.
    let mut vocabulary = Vocabulary::default();
    let mut symbols = 0;
    for (language, text) in samples().into_iter().chain(odd) {
        let facts = read(language, &text);
        symbols += facts.symbol_count();
        let back = again(&facts, &mut vocabulary).expect("whole facts");
        assert_eq!(said(&back), said(&facts), "{language}: {text}");
        assert_eq!(back.terms(), facts.terms(), "{language}: {text}");
        let first_again = back.raw().into_record(&mut vocabulary);
        assert_eq!(first_again, facts.raw().into_record(&mut vocabulary), "a record of what came back");
    }
    assert!(symbols > 100);
}

#[test]
fn a_term_without_a_number_is_no_term() {
    let facts = read("rust", "// prose that no name gives\nfn a() {}\n");
    let mut vocabulary = Vocabulary::default();
    let record = facts.raw().into_record(&mut vocabulary);
    let cut = &vocabulary.bytes()[..vocabulary.bytes().len() - 1];
    assert!(Raw::from_record(record.clone(), cut).is_none());
    assert!(Raw::from_record(record, &[]).is_none());
}

/// Asks facts that may be nonsense for all that they say.
fn ask(record: Vec<u8>, vocabulary: &[u8], text: &str) {
    let raw = Raw::from_record(record, vocabulary);
    let Some(facts) = raw.and_then(|raw| Facts::from_raw(raw, ContentHash::of(None, ""))) else { return };
    for mut symbol in facts.symbols() {
        symbol.read_signature(Some(text));
        facts.enclosing(symbol.name_range.start as u32);
    }
    for (number, _) in facts.names() {
        let offsets: Vec<u32> = facts.offsets(number).collect();
        assert_eq!(offsets.len(), facts.count(number) as usize);
        assert!(offsets.into_iter().all(|offset| facts.line_of(offset) <= facts.line_count()));
    }
    let _: &[Counted] = facts.terms();
    drop(facts.raw());
}

#[test]
fn damaged_records_are_none_or_say_something_else() {
    let config = ProptestConfig {
        cases: std::env::var("GALLEY_PROPTEST_CASES")
            .ok()
            .and_then(|cases| cases.parse().ok())
            .unwrap_or(400),
        rng_seed: RngSeed::Fixed(7),
        ..ProptestConfig::default()
    };
    let samples = samples();
    let harm = prop::collection::vec((0.0..1.0, any::<u8>()), 1..4);
    let all = (0..samples.len(), harm, prop::option::of(0.0..1.0));
    proptest!(config, |((sample, harm, cut) in all)| {
        let (language, text) = &samples[sample];
        let mut vocabulary = Vocabulary::default();
        let mut record = read(language, text).raw().into_record(&mut vocabulary);
        let length = record.len() as f64;
        for (place, byte) in harm {
            record[(length * place) as usize] = byte;
        }
        if let Some(cut) = cut {
            record.truncate((length * cut) as usize);
        }
        ask(record, vocabulary.bytes(), text);
    });
}
