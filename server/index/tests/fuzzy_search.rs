//! The search over symbol names looks closely at few of them and still gives what a look at all gives.

use galley_index::Index;
use galley_text::path::RelPath;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use std::fmt::Write;

const WORDS: &[&str] = &[
    "get", "set", "parse", "Header", "config", "File", "path", "node", "Tree", "index", "Map", "ab", "b",
    "A", "x1", "2", "handle", "Request", "is", "to", "String", "_", "HTTP", "io",
];

fn cases() -> u32 {
    std::env::var("GALLEY_PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(24)
}

/// A query from letters of the words.
fn query() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-zA-Z_]{1,2}",
        "[gspHcFnTi][etaroni]{0,3}[PHCFTM]?[a-e]{0,2}",
        "(get|par|conf|map|HT)[a-z_]{0,4}"
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { rng_seed: RngSeed::Fixed(23), cases: cases(), ..ProptestConfig::default() })]

    #[test]
    fn the_best_are_those_of_a_full_scan(
        names in prop::collection::vec(prop::collection::vec(0..WORDS.len(), 1..5), 1..400),
        queries in prop::collection::vec(query(), 12),
        recent in prop::collection::vec(0..6_usize, 0..3),
    ) {
        let index = Index::new();
        let mut texts = vec![String::new(); 6];
        for (number, name) in names.iter().enumerate() {
            let name: String = name.iter().map(|word| WORDS[*word]).collect();
            let kind = ["struct", "fn", "const"][number % 3];
            let rest = [" {}", "() {}", ": u8 = 0;"][number % 3];
            writeln!(texts[number % 6], "{kind} n{name}{rest}").expect("room");
        }
        let path = |n: usize| RelPath::new(["a.rs", "b.rs", "tests/c.rs", "vendor/d.rs", "e/f.rs", "z.rs"][n]).expect("a path");
        let files: Vec<_> = (0..6).map(|n| (path(n), texts[n].as_str().into())).collect();
        index.update(&files);
        for file in recent {
            index.update_file(&path(file), Some(&texts[file][..texts[file].len() / 2]));
        }
        let snapshot = index.snapshot();
        for query in &queries {
            let all = snapshot.symbols(query, usize::MAX >> 1);
            for limit in [1, 7, 20] {
                let best = snapshot.symbols(query, limit);
                prop_assert_eq!(&best[..], &all[..limit.min(all.len())], "{}", query);
            }
        }
    }
}

#[test]
fn files_are_found_by_a_few_letters() {
    let paths =
        ["src/parser/mod.rs", "src/lexer.rs", "docs/parser.md", "src/pipeline/arse.rs", "web/pa/r/ser.ts"];
    let paths = paths.map(|path| RelPath::new(path).expect("a path"));
    let index = Index::new();
    index.update(&paths.clone().map(|path| (path, "x\n".into())));
    let found = |query: &str| -> Vec<String> {
        let found = index.snapshot().find_files(query, 3);
        found.into_iter().map(|(path, _)| path.as_str().to_owned()).collect()
    };
    assert_eq!(found("parser")[0], "docs/parser.md", "the file's own name counts most");
    assert_eq!(found("lex"), ["src/lexer.rs"]);
    assert_eq!(found("parser/mod")[0], "src/parser/mod.rs");
    assert_eq!(found("nothing like it"), [""; 0]);
    assert_eq!(found("s").len(), 3);
}
