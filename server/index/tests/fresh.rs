//! However the index came to its state, it answers as one that was filled at once; and broken code never harms it.

use galley_index::{Index, IndexSnapshot, outline_text, syntax_errors};
use galley_text::change::ChangeSet;
use galley_text::path::RelPath;
use proptest::prelude::*;
use ropey::Rope;
use std::collections::BTreeMap;
use std::sync::Arc;

const TEXTS: &[&str] = &[
    "fn alpha() { beta(); }\nstruct Gamma { delta: u8 }\n",
    "fn beta() {}\nimpl Gamma { fn alpha(&self) {} }\n",
    "class Gamma:\n    def alpha(self):\n        return beta()\n",
    "// only words: alpha beta gamma\n",
    "",
    "fn broken( {{{ \"",
];
const PATHS: &[&str] = &["a.rs", "b.rs", "c.py", "tests/d.rs", "e/f.txt", "e/a.rs"];

fn path(number: usize) -> RelPath {
    RelPath::new(PATHS[number]).expect("a path")
}

/// Everything that the index says, as text.
fn answers(snapshot: &IndexSnapshot) -> String {
    let mut said = String::new();
    for name in ["alpha", "beta", "Gamma", "delta", "nothing"] {
        said += &format!("{:?}\n{:?}\n", snapshot.definitions(name), snapshot.references(name, 50));
        said += &format!("{:?}\n{:?}\n", snapshot.impact(name, None, 50), snapshot.symbols(name, 50));
        said += &format!("{:?}\n", snapshot.reference_count(name));
    }
    said += &format!("{:?}\n", snapshot.rank("alpha of the gamma, beta", 50));
    for number in 0..PATHS.len() {
        said += &format!("{:?}\n", snapshot.outline(&path(number)));
    }
    said + &snapshot.map(500)
}

#[test]
fn what_was_only_scanned_is_found_and_gives_way_to_what_is_read() {
    let (one, other) = (path(0), path(2));
    let index = Index::new();
    index.update_file(&one, Some(TEXTS[0]));
    index.scan(&[(one.clone(), "fn stale() {}".into()), (other.clone(), TEXTS[2].into())]);
    let snapshot = index.snapshot();
    assert_eq!(snapshot.unread(), 1);
    assert!(snapshot.symbols("stale", 5).is_empty(), "what was read stays");
    assert_eq!(snapshot.definitions("Gamma").len(), 2);
    assert_eq!(snapshot.rank("gamma", 5).len(), 2);
    index.update_file(&other, Some(TEXTS[2]));
    let fresh = Index::new();
    fresh.update(&[(one, TEXTS[0].into()), (other, TEXTS[2].into())]);
    assert_eq!(index.snapshot().unread(), 0);
    assert_eq!(answers(&index.snapshot()), answers(&fresh.snapshot()));
}

#[test]
fn what_a_change_broke_beyond_its_neighbours_is_read_again_unless_there_is_something_else_to_do() {
    let (path, index) = (path(0), Index::new());
    let text: String = (0..2000).map(|n| format!("fn f{n}() {{ beta(); }}\n")).collect();
    index.open_document(&path, ropey::Rope::from_str(&text));
    assert!(index.is_settled());
    // A comment over half of the text.
    let (from, to) = (text.find("fn f500()").expect("an item"), text.find("fn f1500()").expect("an item"));
    for (at, new) in [(to, "*/"), (from, "/*")] {
        let length = index.snapshot().text_of(&path).expect("a text").len();
        assert!(index.change_document(&path, &ChangeSet::single(length, at..at, new).expect("a place")));
    }
    let count = || index.snapshot().outline(&path).len();
    assert!(!index.is_settled() && count() > 1800);
    index.settle(&mut || false);
    assert!(!index.is_settled());
    index.settle(&mut || true);
    assert!(index.is_settled());
    assert_eq!(count(), 1000);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn incremental_equals_from_scratch(
        steps in proptest::collection::vec((0..PATHS.len(), proptest::option::of(0..TEXTS.len()), any::<bool>()), 1..40),
    ) {
        let index = Index::new();
        let mut state: BTreeMap<RelPath, &str> = BTreeMap::new();
        for (file, text, in_bulk) in steps {
            let (path, text) = (path(file), text.map(|number| TEXTS[number]));
            match text {
                Some(text) if in_bulk => {
                    // Enough others beside it that old and recent are joined now and then.
                    let mut files: Vec<(RelPath, Arc<str>)> = vec![(path.clone(), text.into())];
                    files.extend((0..70).map(|n| (RelPath::new(&format!("x{n}.txt")).expect("a path"), "filler".into())));
                    index.update(&files);
                    index.retain(|path| !path.as_str().starts_with('x'));
                }
                _ => index.update_file(&path, text),
            }
            match text {
                Some(text) => state.insert(path, text),
                None => state.remove(&path),
            };
        }
        let fresh = Index::new();
        fresh.update(&state.iter().map(|(path, text)| (path.clone(), Arc::from(*text))).collect::<Vec<_>>());
        prop_assert_eq!(answers(&index.snapshot()), answers(&fresh.snapshot()));
    }

    #[test]
    fn open_documents_answer_as_files_of_the_same_text(
        steps in proptest::collection::vec((0..PATHS.len(), any::<u16>(), 0..12_usize, 0..TEXTS.len(), 0..10_u8), 1..30),
    ) {
        let index = Index::new();
        let mut state: BTreeMap<RelPath, String> = BTreeMap::new();
        for (file, at, length, text, kind) in steps {
            let (path, new) = (path(file), TEXTS[text]);
            match (kind, state.get_mut(&path)) {
                (0, Some(_)) => {
                    // A closed document is read from disk again, here as it was.
                    index.close_document(&path);
                    index.update_file(&path, state.get(&path).map(String::as_str));
                }
                (1, Some(_)) => {
                    // What is read of its file does not count while it is open.
                    index.open_document(&path, Rope::from_str(new));
                    index.update_file(&path, Some("fn stale() {}"));
                    index.update(&[(path.clone(), "fn stale() {}".into())]);
                    index.retain(|_| true);
                    state.insert(path, new.to_owned());
                }
                (_, Some(now)) => {
                    let (start, end) = (usize::from(at) % (now.len() + 1), now.len());
                    let change = ChangeSet::single(now.len(), start..end.min(start + length), new).expect("a range");
                    if !index.change_document(&path, &change) {
                        index.open_document(&path, Rope::from_str(now));
                        prop_assert!(index.change_document(&path, &change));
                    }
                    *now = change.apply(now).expect("its own text");
                }
                (_, None) => {
                    index.open_document(&path, Rope::from_str(new));
                    state.insert(path, new.to_owned());
                }
            }
        }
        let fresh = Index::new();
        fresh.update(&state.iter().map(|(path, text)| (path.clone(), Arc::from(text.as_str()))).collect::<Vec<_>>());
        prop_assert_eq!(answers(&index.snapshot()), answers(&fresh.snapshot()));
    }

    #[test]
    fn noise_is_ordinary_input(
        language in 0..galley_grammars::LANGUAGES.len(),
        text in "([a-z(){}<>\"'#=:;.,/*-]{0,12}[ \\n]){0,40}",
        any in ".{0,200}",
    ) {
        let language = &galley_grammars::LANGUAGES[language];
        for text in [&text, &any] {
            for symbol in outline_text(language, text) {
                prop_assert!(text.get(symbol.range.clone()).is_some() && text.get(symbol.name_range.clone()).is_some());
                prop_assert!(symbol.line <= symbol.end_line);
            }
            let name = format!("a.{}", language.extensions[0]);
            let _ = (syntax_errors(&name, text), galley_index::outline_lines(language, text));
            let index = Index::new();
            index.update_file(&RelPath::new(&name).expect("a path"), Some(text));
            let snapshot = index.snapshot();
            let _ = (snapshot.rank(text, 5), snapshot.symbols(text, 5), snapshot.impact(text, None, 5), snapshot.map(100));
            let _ = snapshot.references(text, 5);
        }
    }
}
