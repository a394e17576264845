//! Broken code is ordinary input to every question: samples of all languages, cut, joined and garbled, are kept on disk,
//! come back, and give the same answers as in memory, none of which points outside of a text.

use galley_grammars::{LANGUAGES, Language};
use galley_index::search::{Place, TextQuery, search};
use galley_index::{Given, Index, IndexSnapshot, Stamp};
use galley_text::path::RelPath;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

type Files = BTreeMap<RelPath, Arc<str>>;

#[allow(clippy::disallowed_methods, reason = "a test reads its samples")]
fn sample(language: &Language) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../grammars").join(language.name);
    let files = std::fs::read_dir(folder).expect("the folder of a language");
    let mut samples: Vec<_> = files
        .map(|file| file.expect("a file").path())
        .filter(|path| {
            path.file_name().is_some_and(|name| name.to_string_lossy().to_lowercase().contains("sample"))
        })
        .collect();
    samples.sort();
    samples.first().map(|path| std::fs::read_to_string(path).expect("a sample")).unwrap_or_default()
}

/// What is done to a sample.
#[derive(Debug, Clone)]
struct Harm {
    language: usize,
    /// The part that is kept, as shares of the whole.
    from: f64,
    length: f64,
    /// What is put in where, as a share of the kept part.
    noise: Vec<(f64, String)>,
    name: u8,
}

fn harm() -> impl Strategy<Value = Harm> {
    let noise = prop::collection::vec((0.0..1.0, "[(){}\\[\\]\"'`#/*<>=:;,\\\\\n\té€\u{0}\r]{1,4}"), 0..6);
    (0..LANGUAGES.len(), 0.0..0.6, 0.1..1.0, noise, 0..40_u8)
        .prop_map(|(language, from, length, noise, name)| Harm { language, from, length, noise, name })
}

fn boundary(text: &str, share: f64) -> usize {
    let mut at = ((text.len() as f64 * share) as usize).min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

fn harmed(harm: &Harm) -> (RelPath, Arc<str>) {
    let language = &LANGUAGES[harm.language];
    let sample = sample(language);
    let kept = &sample[boundary(&sample, harm.from)..];
    let mut text = kept[..boundary(kept, harm.length)].to_owned();
    for (share, noise) in &harm.noise {
        text.insert_str(boundary(&text, *share), noise);
    }
    let extension = language.extensions.first().copied().unwrap_or("txt");
    let path = RelPath::new(&format!("src/part{}/file{}.{extension}", harm.name % 3, harm.name));
    (path.expect("a path"), text.into())
}

/// Every question, with the answers as text; what they point at is checked.
fn asked(snapshot: &IndexSnapshot, files: &Files, questions: &[String]) -> String {
    let mut said = String::new();
    for (path, text) in files {
        let outline = snapshot.outline(path);
        for symbol in &outline {
            assert!(text.get(symbol.range.clone()).is_some(), "{path:?} {symbol:?}");
            assert!(text.get(symbol.name_range.clone()).is_some(), "{path:?} {symbol:?}");
            assert!(symbol.line <= symbol.end_line, "{path:?} {symbol:?}");
        }
        let (folds, offsets) = (snapshot.folds(path), [0, text.len() / 3, text.len(), text.len() + 9]);
        let around: Vec<_> = offsets.iter().map(|offset| snapshot.around(path, *offset)).collect();
        let enclosing: Vec<_> = offsets.iter().map(|offset| snapshot.enclosing(path, *offset)).collect();
        let colours = galley_index::colour::colours(path, text);
        assert!(colours.iter().all(|(range, _)| text.get(range.clone()).is_some()), "{path:?}");
        let lines = text.split('\n').count() as u32;
        assert!(folds.iter().all(|fold| fold.line < fold.end_line && fold.end_line < lines), "{path:?}");
        said += &format!("{outline:?}{:?}{folds:?}{around:?}{enclosing:?}\n", snapshot.imports(path));
    }
    for question in questions {
        let references = snapshot.references(question, 50);
        for place in &references {
            assert!(files[&place.path].get(place.range.clone()).is_some(), "{place:?}");
        }
        said += &format!("{references:?}{:?}\n", snapshot.reference_count(question));
        said += &format!("{:?}{:?}\n", snapshot.symbols(question, 20), snapshot.definitions(question));
        said += &format!("{:?}{:?}\n", snapshot.rank(question, 20), snapshot.find_files(question, 20));
        said += &format!("{:?}\n", snapshot.impact(question, None, 20));
    }
    said + &snapshot.map(300)
}

/// The lines that hold a literal, by the index and by looking at all of them.
fn lines_with(snapshot: Option<&IndexSnapshot>, files: &Files, literal: &str) -> Vec<(RelPath, u32)> {
    let list: Vec<RelPath> = files.keys().cloned().collect();
    let read = |path: &RelPath, bytes: &mut Vec<u8>| {
        bytes.extend_from_slice(files[path].as_bytes());
        true
    };
    let place = Place { list: &list, read: &read, index: snapshot, differs: &|_| false };
    let query = TextQuery { pattern: literal.to_owned(), ..TextQuery::default() };
    search(&place, &query).expect("a literal").hits.into_iter().map(|hit| (hit.path, hit.line)).collect()
}

fn cases() -> u32 {
    std::env::var("GALLEY_PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(24)
}

proptest! {
    #![proptest_config(ProptestConfig { rng_seed: RngSeed::Fixed(17), cases: cases(), ..ProptestConfig::default() })]

    #[test]
    fn broken_code_answers_every_question(
        harms in prop::collection::vec(harm(), 1..12),
        words in prop::collection::vec("[a-zA-Z_(:.{\"é]{1,9}", 3),
    ) {
        let files: Files = harms.iter().map(harmed).collect();
        let folder = tempfile::tempdir().expect("a folder");
        let texts = files.clone();
        let reader: galley_index::Reader = Arc::new(move |path| texts.get(path).cloned());
        let given: Vec<Given> = files
            .iter()
            .map(|(path, text)| Given { path: path.clone(), text: Ok(Arc::clone(text)), stamp: Some(Stamp([1, 2, 3, 4])) })
            .collect();
        // Words of the texts themselves, and others.
        let own = files.values().flat_map(|text| text.split(|letter: char| !letter.is_alphanumeric()));
        let own = own.filter(|word| word.len() > 2).step_by(23).take(6).map(str::to_owned);
        let questions: Vec<String> = words.into_iter().chain(own).collect();

        let memory = Index::with_reader(Arc::clone(&reader));
        memory.update(&files.iter().map(|(path, text)| (path.clone(), Arc::clone(text))).collect::<Vec<_>>());
        let expected = asked(&memory.snapshot(), &files, &questions);
        let disk = Index::open(folder.path(), Arc::clone(&reader));
        disk.update_from_disk(&given);
        disk.persist().expect("room on disk");
        drop(disk);
        let again = Index::open(folder.path(), reader);
        let listed: Vec<_> = given.iter().map(|given| (given.path.clone(), given.stamp)).collect();
        prop_assert_eq!(again.stale(&listed), Vec::<RelPath>::new());
        let snapshot = again.snapshot();
        prop_assert_eq!(asked(&snapshot, &files, &questions), expected);
        for word in &questions {
            let known = lines_with(Some(&snapshot), &files, word);
            prop_assert_eq!(&known, &lines_with(None, &files, word), "{}", word);
        }
    }
}
