//! Measures reading, beside the physical limit of reading and parsing, in processor time.
//!
//! `bench cold ROOT [ROUNDS] [TSLIMIT]`: definitions, all occurrences and postings of the files under ROOT, on one thread,
//! in turn with only finding, reading and parsing them, and with `tslimit parse` where its path is given.

use galley_index::{Index, Language};
use galley_text::path::RelPath;
use rustix::time::{ClockId, clock_gettime};
use serde_json::json;
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

#[allow(clippy::disallowed_methods, reason = "a developer's tool")]
fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let argument = |number: usize| arguments.get(number).map(String::as_str);
    match (argument(0), argument(1)) {
        (Some("cold"), Some(root)) => {
            let rounds = argument(2).and_then(|rounds| rounds.parse().ok()).unwrap_or(3);
            cold(Path::new(root), rounds, argument(3));
        }
        _ => eprintln!("usage: bench cold ROOT [ROUNDS] [TSLIMIT]"),
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
    let mut parsers: HashMap<&str, galley_grammars::tree_sitter::Parser> = HashMap::new();
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
fn cold(root: &Path, rounds: usize, tslimit: Option<&str>) {
    let (mut limits, mut ours, mut outside) = (Vec::new(), Vec::new(), Vec::new());
    let (mut size, mut counts) = ((0, 0), galley_index::Counts::default());
    for _ in 0..rounds {
        let (time, found) = timed(|| limit(root));
        limits.push(time);
        size = found;
        let (time, found) = timed(|| index(root));
        ours.push(time);
        counts = found;
        outside.extend(tslimit.and_then(|program| tslimit_parse(program, root)));
    }
    let ratios: Vec<f64> = ours.iter().zip(&limits).map(|(ours, limit)| ours / limit).collect();
    let (ours, limit) = (median(&mut ours), median(&mut limits));
    let outside = (!outside.is_empty()).then(|| median(&mut outside));
    let row = json!({
        "root": root.file_name().map(|name| name.to_string_lossy()),
        "files": size.0, "bytes": size.1,
        "limit_ms": limit, "index_ms": ours, "ratio": median(&mut ratios.clone()),
        "tslimit_parse_ms": outside, "ratio_to_tslimit": outside.map(|outside| ours / outside),
        "counts": format!("{counts:?}"),
    });
    println!("{row}");
}

/// What the outside tool says it took.
#[allow(clippy::disallowed_methods, reason = "a developer's tool")]
fn tslimit_parse(program: &str, root: &Path) -> Option<f64> {
    let output = std::process::Command::new(program).arg("parse").arg(root).arg("1").output().ok()?;
    serde_json::from_slice::<serde_json::Value>(&output.stdout).ok()?["cpu_ms"].as_f64()
}
