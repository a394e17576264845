//! Broken source is ordinary input: every query of every language runs over truncated and garbled samples.

use galley_grammars::tree_sitter::{QueryCursor, StreamingIterator};
use galley_grammars::{LANGUAGES, Language, detect_text};
use proptest::prelude::*;
use std::path::Path;

#[allow(clippy::disallowed_methods, reason = "a test reads its samples")]
fn sample(language: &Language) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(language.name);
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let file = entries.map(|entry| entry.path()).find(|path| path.extension().is_none_or(|end| end != "scm"));
    file.and_then(|file| std::fs::read(file).ok()).unwrap_or_default()
}

fn run_queries(language: &Language, text: &[u8]) -> usize {
    let Some(tree) = language.parser().and_then(|mut parser| parser.parse(language.scannable(text), None))
    else {
        return 0;
    };
    let mut captures = 0;
    for compiled in [language.tags(), language.injections()].into_iter().flatten() {
        let mut cursor = QueryCursor::new();
        let mut matches = cursor.matches(&compiled.query, tree.root_node(), text);
        while let Some(found) = matches.next() {
            for capture in found.captures() {
                assert!(capture.node.end_byte() <= text.len());
                captures += 1;
            }
        }
    }
    captures
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn no_query_minds_broken_code(
        number in 0..LANGUAGES.len(),
        from in 0.0..1.0_f64,
        length in 0.0..1.0_f64,
        noise in proptest::collection::vec((0.0..1.0_f64, any::<u8>()), 0..20),
    ) {
        let language = &LANGUAGES[number];
        let sample = sample(language);
        let start = (from * sample.len() as f64) as usize;
        let end = start + (length * (sample.len() - start) as f64) as usize;
        let mut text = sample[start..end].to_vec();
        for (place, byte) in noise {
            let place = (place * text.len() as f64) as usize;
            text.insert(place.min(text.len()), byte);
        }
        run_queries(language, &text);
    }

    #[test]
    fn detection_takes_anything(path in ".*", text in ".*") {
        let _ = detect_text(&path, &text);
    }
}

#[test]
fn no_scanner_minds_any_character() {
    let characters = [
        "\u{80}",
        "\u{ff}",
        "\u{100}",
        "漢",
        "\u{feff}",
        "\u{ffff}",
        "🦀",
        "\u{80000}",
        "\u{e0fff}",
        "\u{10ffff}",
    ];
    for language in LANGUAGES {
        for character in characters {
            for before in
                ["", "{", "${", "$(", "<<", "\"", "'", "`", "/", "[", "#", "<", "@", "%", "\\", "0", "a"]
            {
                run_queries(language, format!("{before}{character}..5}}\n").as_bytes());
                run_queries(language, format!("x = {before}{character}{before}").as_bytes());
            }
        }
    }
}

#[test]
fn another_languages_source_is_only_broken_code() {
    let samples: Vec<Vec<u8>> = LANGUAGES.iter().map(sample).collect();
    for (number, language) in LANGUAGES.iter().enumerate() {
        run_queries(language, &samples[(number + 7) % samples.len()]);
        run_queries(language, b"");
        run_queries(language, &[0xFF, 0x00, b'(', 0xC3]);
    }
}
