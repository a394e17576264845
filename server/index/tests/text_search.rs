//! Text search finds the lines that a plain scan finds, and that ripgrep finds where it is installed.

use galley_index::search::{Case, Hit, Place, TextQuery, search};
use galley_index::{Given, Index, Opaque, Stamp};
use galley_text::path::RelPath;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{RngAlgorithm, RngSeed, TestRng, TestRunner};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

/// Bytes of each file, by path.
type Files = BTreeMap<RelPath, Vec<u8>>;

fn path(text: &str) -> RelPath {
    RelPath::new(text).expect("a path")
}

/// Files of words that resemble one another, with all line ends, encodings and NULs that matter.
fn files(runner: &mut TestRunner) -> Files {
    let word = "(alpha|Alpha|ALPHA|beta|betaAlpha|al_pha|alph|lpha|é|É|ſtack|Stack|stacK|\u{212a}ey|x|\\(|\\.|0|42|\t)";
    let line = format!("({word}[ ._]?){{0,8}}");
    let text = prop::collection::vec((line.as_str(), prop_oneof![8 => Just("\n"), 1 => Just("\r\n")]), 0..60);
    let mut files = Files::new();
    for number in 0..80 {
        let lines = text.new_tree(runner).expect("a text").current();
        let mut bytes: Vec<u8> =
            lines.iter().flat_map(|(line, end)| [line.as_bytes(), end.as_bytes()].concat()).collect();
        match number {
            0 => bytes.insert(0, 0),
            1 => bytes.extend([b"alpha \xFF\xFE beta\n".as_slice(), &bytes.clone()].concat()),
            2 => {
                bytes.splice(0..0, [0xEF, 0xBB, 0xBF]);
            }
            3 => {
                let text = String::from_utf8(bytes).expect("UTF-8");
                bytes =
                    [0xFF, 0xFE].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect();
            }
            // A NUL in a later piece than the first.
            4 => bytes = [b"alpha one\n".repeat(9_000), b"beta\0\nalpha two\n".to_vec()].concat(),
            5 => bytes = b"alpha without an end".to_vec(),
            6 => bytes.clear(),
            _ => {}
        }
        files.insert(path(&format!("d{}/f{number}.{}", number % 7, ["rs", "txt", "py"][number % 3])), bytes);
    }
    files
}

const LITERALS: &[&str] = &[
    "alpha",
    "Alpha",
    "lpha b",
    "eta",
    "é",
    "stack",
    "key",
    "(",
    "al_pha",
    "zzz",
    "4",
    "x x",
    "a",
    "beta alpha",
];
const REGEXES: &[&str] = &[
    "alpha",
    "(alpha|beta)[ .]",
    r"\bal\w+",
    "a.p",
    "^al",
    "pha$",
    "[a-c]e",
    "(é|É)",
    r"\s+x",
    "be?ta",
    ".*",
    "x{2}",
    "lp(ha)+",
    "[^a]lpha",
    r"\S\s\S",
    "st.*ck",
    "$",
    r"\d+",
    "^$",
    r"(?i)stack",
    r"\w{5}",
    "alpha|zzz",
    r"a\s+b",
    "(",
];

fn query(runner: &mut TestRunner) -> TextQuery {
    let pattern = prop_oneof![
        prop::sample::select(LITERALS).prop_map(|text| (text.to_owned(), false)),
        prop::sample::select(REGEXES).prop_map(|text| (text.to_owned(), true)),
        (prop::sample::select(REGEXES), prop::sample::select(REGEXES))
            .prop_map(|(one, other)| (format!("{one}{other}"), true)),
    ];
    let case = prop::sample::select(&[Case::Sensitive, Case::Insensitive, Case::Smart][..]);
    let strategy = (pattern, case, prop::bool::weighted(0.2));
    let ((pattern, regex), case, word) = strategy.new_tree(runner).expect("a query").current();
    TextQuery { pattern, regex, case, word, ..TextQuery::default() }
}

fn seed() -> u64 {
    std::env::var("GALLEY_PROPTEST_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(5)
}

fn runner() -> TestRunner {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed().to_le_bytes());
    let config = ProptestConfig { rng_seed: RngSeed::Fixed(seed()), ..ProptestConfig::default() };
    TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes))
}

/// What an index over these files on disk is given of one.
fn given(path: &RelPath, bytes: &[u8]) -> Given {
    let text = galley_text::encoding::decode(bytes).map(|decoded| decoded.text);
    let text = text.map(Arc::from).map_err(|_| match bytes.iter().position(|byte| *byte == 0) {
        Some(at) if at < 60_000 => Opaque::Binary,
        _ => Opaque::NotText,
    });
    Given { path: path.clone(), text, stamp: Some(Stamp([bytes.len() as u64, 0, 0, 0])) }
}

fn found(files: &Files, index: Option<&Index>, query: &TextQuery) -> Result<Vec<Hit>, String> {
    let list: Vec<RelPath> = files.keys().cloned().collect();
    let read = |path: &RelPath, bytes: &mut Vec<u8>| {
        bytes.extend_from_slice(&files[path]);
        true
    };
    let snapshot = index.map(Index::snapshot);
    let place = Place { list: &list, read: &read, index: snapshot.as_deref(), differs: &|_| false };
    let hits = search(&place, query).map_err(|error| error.to_string())?;
    assert_eq!(hits.total(), hits.hits.len());
    assert_eq!(hits.searched, files.len());
    Ok(hits.hits)
}

/// Paths and one-based line numbers, as ripgrep gives them; `None` if it takes the pattern for none.
fn of_ripgrep(folder: &Path, query: &TextQuery) -> Option<Vec<(String, u64)>> {
    let mut command = Command::new("rg");
    command.current_dir(folder).args(["--no-config", "--json", "--no-ignore", "--hidden", "--sort=path"]);
    command.args(match query.case {
        Case::Sensitive => ["-s"],
        Case::Insensitive => ["-i"],
        Case::Smart => ["-S"],
    });
    if query.word {
        command.arg("-w");
    }
    if !query.regex {
        command.arg("-F");
    }
    let output = command.args(["-e", &query.pattern, "."]).output().expect("ripgrep runs");
    if output.status.code() == Some(2) {
        return None;
    }
    let lines = String::from_utf8(output.stdout).expect("JSON");
    let mut found = Vec::new();
    for line in lines.lines() {
        let event: serde_json::Value = serde_json::from_str(line).expect("JSON");
        if event["type"] == "match" {
            let path = event["data"]["path"]["text"].as_str().expect("a path").trim_start_matches("./");
            found.push((path.to_owned(), event["data"]["line_number"].as_u64().expect("a number")));
        }
    }
    Some(found)
}

#[test]
fn an_index_changes_no_answer() {
    let mut runner = runner();
    for _ in 0..6 {
        let files = files(&mut runner);
        let (folder, memory) = (tempfile::tempdir().expect("a folder"), Index::new());
        let texts = files.clone();
        let disk = Index::open(
            folder.path(),
            Arc::new(move |path| String::from_utf8(texts[path].clone()).ok().map(Arc::from)),
        );
        let all: Vec<Given> = files.iter().map(|(path, bytes)| given(path, bytes)).collect();
        memory.update_from_disk(&all);
        // Two packs, and files that changed since.
        let (first, rest) = all.split_at(50);
        disk.update_from_disk(first);
        disk.persist().expect("room on disk");
        disk.update_from_disk(rest);
        disk.persist().expect("room on disk");
        disk.update_from_disk(&all[20..24]);
        disk.update_file(&all[30].path, all[30].text.as_deref().ok());
        for _ in 0..60 {
            let query = query(&mut runner);
            let scanned = found(&files, None, &query);
            assert_eq!(found(&files, Some(&memory), &query), scanned, "{query:?}");
            assert_eq!(found(&files, Some(&disk), &query), scanned, "{query:?}");
        }
    }
}

#[test]
fn ripgrep_finds_the_same_lines() {
    if Command::new("rg").arg("--version").output().is_err() {
        eprintln!("ripgrep is not installed; the comparison with it was passed over");
        return;
    }
    let mut runner = runner();
    for _ in 0..3 {
        let (files, folder) = (files(&mut runner), tempfile::tempdir().expect("a folder"));
        for (path, bytes) in &files {
            let file = folder.path().join(path.as_str());
            std::fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
            std::fs::write(file, bytes).expect("a file");
        }
        let index = Index::new();
        index.update_from_disk(&files.iter().map(|(path, bytes)| given(path, bytes)).collect::<Vec<_>>());
        for _ in 0..40 {
            let query = query(&mut runner);
            let Some(mut expected) = of_ripgrep(folder.path(), &query) else { continue };
            let mut ours: Vec<(String, u64)> = found(&files, Some(&index), &query)
                .expect("a pattern")
                .into_iter()
                .map(|hit| (hit.path.as_str().to_owned(), u64::from(hit.line) + 1))
                .collect();
            expected.sort();
            ours.sort();
            assert_eq!(ours, expected, "{query:?}");
        }
    }
}

#[test]
fn what_cannot_match_is_not_read() {
    let files: Files = (0..200)
        .map(|n| (path(&format!("f{n:03}.txt")), format!("the number is {n:03}, no other\n").into_bytes()))
        .collect();
    let index = Index::new();
    index.update_from_disk(&files.iter().map(|(path, bytes)| given(path, bytes)).collect::<Vec<_>>());
    let list: Vec<RelPath> = files.keys().cloned().collect();
    let read = |path: &RelPath, bytes: &mut Vec<u8>| {
        bytes.extend_from_slice(&files[path]);
        true
    };
    let snapshot = index.snapshot();
    let mut differs: &(dyn Fn(&RelPath) -> bool + Sync) = &|_| false;
    let query = TextQuery { pattern: "number is 123".into(), ..TextQuery::default() };
    let place = Place { list: &list, read: &read, index: Some(&snapshot), differs };
    let hits = search(&place, &query).expect("a query");
    assert_eq!((hits.total(), hits.read, hits.searched), (1, 1, 200));
    differs = &|path| path.as_str() < "f010";
    let place = Place { list: &list, read: &read, index: Some(&snapshot), differs };
    assert_eq!(search(&place, &query).expect("a query").read, 11);
    let one = TextQuery { limit: 3, pattern: "number".into(), ..TextQuery::default() };
    let hits = search(&place, &one).expect("a query");
    assert_eq!((hits.hits.len(), hits.total(), hits.truncated), (3, 200, true));
}

#[test]
fn a_limit_lists_the_first_lines_and_counts_all() {
    let mut runner = runner();
    let files = files(&mut runner);
    let list: Vec<RelPath> = files.keys().cloned().collect();
    let read = |path: &RelPath, bytes: &mut Vec<u8>| {
        bytes.extend_from_slice(&files[path]);
        true
    };
    for _ in 0..40 {
        let query = query(&mut runner);
        let Ok(all) = search(&Place::unknown(&list, &read), &query) else { continue };
        for limit in [1, 7, 60, 1_000] {
            let limited = TextQuery { limit, ..query.clone() };
            let hits = search(&Place::unknown(&list, &read), &limited).expect("a pattern");
            assert_eq!(hits.hits[..], all.hits[..limit.min(all.hits.len())], "{limited:?}");
            assert_eq!(
                (hits.files, hits.truncated),
                (all.files.clone(), all.hits.len() > limit),
                "{limited:?}"
            );
        }
    }
}
