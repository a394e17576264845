//! Measures reading, beside the physical limit of reading and parsing, in processor time.
//!
//! `bench cold ROOT [ROUNDS] [PROGRAM]`: definitions, all occurrences and postings of the files under ROOT, on one thread,
//! in turn with only finding, reading and parsing them, and with `PROGRAM parse ROOT`, as in `benches/run.py`, where one is
//! given. Beside them the scan of lines that stands in for the parse.
//!
//! `bench keys FILE [EDITS]`: changes of one character in FILE as an open document, until its facts are current; beside
//! them the parser alone, then what the first question costs that asks for its symbols, and the first that asks for every
//! name and term.

use galley_index::{Index, Language};
use galley_text::change::ChangeSet;
use galley_text::path::RelPath;
use ropey::Rope;
use rustix::time::{ClockId, clock_gettime};
use serde_json::json;
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

/// As in the program itself.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[allow(clippy::disallowed_methods, reason = "a developer's tool")]
fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let argument = |number: usize| arguments.get(number).map(String::as_str);
    match (argument(0), argument(1)) {
        (Some("cold"), Some(root)) => {
            let rounds = argument(2).and_then(|rounds| rounds.parse().ok()).unwrap_or(3);
            cold(Path::new(root), rounds, argument(3));
        }
        (Some("keys"), Some(file)) => {
            keys(file, argument(2).and_then(|edits| edits.parse().ok()).unwrap_or(500));
        }
        _ => eprintln!("usage: bench cold ROOT [ROUNDS] [PROGRAM] | bench keys FILE [EDITS]"),
    }
}

/// Processor time of this process, in milliseconds.
fn cpu() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 * 1e3 + time.tv_nsec as f64 / 1e6
}

fn timed<T>(run: impl FnOnce() -> T) -> (f64, T) {
    let before = cpu();
    let result = run();
    (cpu() - before, result)
}

fn median(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or_default()
}

/// Every source under `root`, found and read as the limit does it: what `.gitignore` names is left out.
#[allow(clippy::disallowed_methods, reason = "a developer's tool")]
fn read(root: &Path, mut each: impl FnMut(RelPath, &'static Language, String)) {
    for entry in ignore::WalkBuilder::new(root).require_git(false).build().flatten() {
        let path = entry.path();
        let relative = path.strip_prefix(root).ok().and_then(|path| RelPath::new(path.to_str()?).ok());
        let Some(relative) = relative.filter(|_| entry.file_type().is_some_and(|kind| kind.is_file())) else {
            continue;
        };
        let Some(language) = galley_index::detect(relative.as_str(), None) else { continue };
        if let Ok(text) = std::fs::read_to_string(path) {
            each(relative, language, text);
        }
    }
}

/// Finding, reading and parsing, and nothing kept.
fn limit(root: &Path) -> (usize, usize) {
    let mut parsers: HashMap<&str, tree_sitter::Parser> = HashMap::new();
    let (mut files, mut bytes) = (0, 0);
    read(root, |_, language, text| {
        if text.len() > galley_index::PARSE_LIMIT {
            return;
        }
        files += 1;
        bytes += text.len();
        let parser = parsers.entry(language.name).or_insert_with(|| language.parser().expect("a parser"));
        parser.parse(&text, None).expect("a tree");
    });
    (files, bytes)
}

/// What the first words of lines tell, of all files.
fn scan(root: &Path) -> usize {
    let mut symbols = 0;
    read(root, |_, language, text| symbols += galley_index::outline_lines(language, &text).len());
    symbols
}

/// All facts and all postings.
fn index(root: &Path) -> galley_index::Counts {
    let index = Index::with_reader(Arc::new(|_| None));
    let mut chunk = Vec::new();
    read(root, |path, _, text| {
        chunk.push((path, Arc::from(text)));
        if chunk.len() == 7 {
            index.update(&std::mem::take(&mut chunk));
        }
    });
    index.update(&chunk);
    let snapshot = index.snapshot();
    // Each of these makes postings that are made once.
    let _ = (snapshot.reference_count("main"), snapshot.symbols("main", 5), snapshot.rank("main", 5));
    snapshot.counts()
}

#[allow(clippy::disallowed_methods, reason = "a developer's tool")]
fn cold(root: &Path, rounds: usize, program: Option<&str>) {
    let (mut limits, mut ours, mut outside, mut scans) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let (mut size, mut counts) = ((0, 0), galley_index::Counts::default());
    for _ in 0..rounds {
        let (time, found) = timed(|| limit(root));
        limits.push(time);
        size = found;
        let (time, found) = timed(|| index(root));
        ours.push(time);
        counts = found;
        scans.push(timed(|| scan(root)).0);
        outside.extend(program.and_then(|program| parsed_by(program, root)));
    }
    let ratios: Vec<f64> = ours.iter().zip(&limits).map(|(ours, limit)| ours / limit).collect();
    let scanned: Vec<f64> = scans.iter().zip(&limits).map(|(scan, limit)| scan / limit).collect();
    let (ours, limit) = (median(&mut ours), median(&mut limits));
    let outside = (!outside.is_empty()).then(|| median(&mut outside));
    let row = json!({
        "root": root.file_name().map(|name| name.to_string_lossy()),
        "files": size.0, "bytes": size.1,
        "limit_ms": limit, "index_ms": ours, "ratio": median(&mut ratios.clone()),
        "scan_ms": median(&mut scans), "scan_ratio": median(&mut scanned.clone()),
        "outside_parse_ms": outside, "ratio_to_outside": outside.map(|outside| ours / outside),
        "counts": format!("{counts:?}"),
    });
    println!("{row}");
}

/// What the outside tool says it took.
#[allow(clippy::disallowed_methods, reason = "a developer's tool")]
fn parsed_by(program: &str, root: &Path) -> Option<f64> {
    let output = std::process::Command::new(program).arg("parse").arg(root).arg("1").output().ok()?;
    serde_json::from_slice::<serde_json::Value>(&output.stdout).ok()?["cpu_ms"].as_f64()
}

/// A sequence that is the same every time.
struct Steps(u64);

impl Steps {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit.max(1) as u64) as usize
    }
}

/// Changes a text as the index does it, with nothing but the parser.
struct Alone {
    parser: tree_sitter::Parser,
    tree: tree_sitter::Tree,
}

impl Alone {
    fn new(language: &Language, rope: &Rope) -> Self {
        let mut parser = language.parser().expect("a parser");
        let tree = parse(&mut parser, rope, None);
        Self { parser, tree }
    }

    /// Replaces `removed` bytes at `at`, of one line, by `added`; `rope` is the text after.
    fn change(&mut self, rope: &Rope, at: usize, removed: usize, added: usize) {
        let row = rope.byte_to_line(at);
        let column = at - rope.line_to_byte(row);
        let point = |column| tree_sitter::Point::new(row, column);
        self.tree.edit(&tree_sitter::InputEdit {
            start_byte: at,
            old_end_byte: at + removed,
            new_end_byte: at + added,
            start_position: point(column),
            old_end_position: point(column + removed),
            new_end_position: point(column + added),
        });
        self.tree = parse(&mut self.parser, rope, Some(&self.tree));
    }
}

fn parse(
    parser: &mut tree_sitter::Parser,
    rope: &Rope,
    old: Option<&tree_sitter::Tree>,
) -> tree_sitter::Tree {
    let mut chunk = |byte: usize, _: tree_sitter::Point| {
        let found = rope.get_chunk_at_byte(byte).filter(|_| byte < rope.len_bytes());
        found.map_or(&[][..], |(chunk, start, _, _)| &chunk.as_bytes()[byte - start..])
    };
    parser.parse_with_options(&mut chunk, old, None).expect("a tree")
}

#[allow(clippy::disallowed_methods, reason = "a developer's tool")]
fn keys(file: &str, edits: usize) {
    let text = std::fs::read_to_string(file).expect("a text");
    let path = RelPath::new(file.rsplit('/').next().unwrap_or(file)).expect("a name");
    let language = galley_index::detect_text(path.as_str(), &text).expect("a language");
    let mut rope = Rope::from_str(&text);
    let index = Index::new();
    let (open, ()) = timed(|| index.open_document(&path, rope.clone()));
    let mut alone = Alone::new(language, &rope);
    let mut steps = Steps(88_172_645_463_325_252);
    for (kind, anywhere) in [("in names", false), ("anywhere", true)] {
        let (mut changes, mut parses, mut outlines, mut names) = (vec![], vec![], vec![], vec![]);
        let (mut rests, mut open_ends) = (vec![], 0);
        while changes.len() < 2 * edits {
            let at = 1 + steps.below(text.len() - 2);
            let bytes = text.as_bytes();
            let is_name = bytes[at].is_ascii_lowercase() && bytes[at - 1].is_ascii_lowercase();
            if !(bytes[at].is_ascii() && bytes[at - 1].is_ascii() && (anywhere || is_name)) {
                continue;
            }
            let new = if anywhere { ["a", "(", "\"", " ", "1", "{"][steps.below(6)] } else { "x" };
            // What is typed is taken back, so that errors do not add up.
            for (removed, added) in [(0, new), (1, "")] {
                let change = ChangeSet::single(rope.len_bytes(), at..at + removed, added).expect("a place");
                change.apply_rope(&mut rope).expect("its own text");
                changes.push(timed(|| assert!(index.change_document(&path, &change))).0);
                open_ends += usize::from(!index.is_settled());
                if changes.len() % 7 == 0 {
                    outlines.push(timed(|| index.snapshot().outline(&path)).0);
                    names.push(timed(|| index.snapshot().reference_count("main")).0);
                    if !index.is_settled() {
                        rests.push(timed(|| index.settle(&mut || true)).0);
                    }
                }
                parses.push(timed(|| alone.change(&rope, at, removed, added.len())).0);
            }
        }
        let row = json!({
            "file": path.as_str(), "lines": text.lines().count(), "bytes": text.len(), "edits": kind,
            "open_ms": rounded(open),
            "change_ms": spread(&mut changes), "reparse_alone_ms": spread(&mut parses),
            "then_outline_ms": spread(&mut outlines), "then_names_ms": spread(&mut names),
            // Changes that leave something to be read when typing rests, and what that takes.
            "left_to_rest": open_ends, "rest_ms": (!rests.is_empty()).then(|| spread(&mut rests)),
        });
        println!("{row}");
    }
}

fn spread(times: &mut [f64]) -> serde_json::Value {
    times.sort_by(f64::total_cmp);
    let at = |share: f64| rounded(times[((times.len() - 1) as f64 * share) as usize]);
    json!({ "p50": at(0.5), "p99": at(0.99), "max": at(1.0) })
}

fn rounded(ms: f64) -> f64 {
    (ms * 1e3).round() / 1e3
}
