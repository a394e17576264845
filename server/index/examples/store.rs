//! Measures the cache and the searches, one thing per run, and prints it as JSON; `benches/run.py` runs it beside its
//! peers.
//!
//! `store cold ROOT CACHE`, `store warm ROOT CACHE`, `store stat ROOT`, `store symbols COUNT`,
//! `store text ROOT CACHE ROUNDS QUERY…`.

use galley_index::search::{Place, TextQuery, search};
use galley_index::{Given, Index, Opaque, Stamp};
use galley_text::path::RelPath;
use galley_workspace::{ReadError, Workspace};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

/// Milliseconds of processor time of this process, all threads.
fn cpu_ms() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    time.tv_sec as f64 * 1e3 + time.tv_nsec as f64 / 1e6
}

/// Megabytes of a line of the process's status.
fn status_mb(key: &str) -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with(key));
    line.and_then(|line| line.split_whitespace().nth(1)?.parse::<f64>().ok()).unwrap_or_default() / 1024.0
}

fn workspace(root: &str) -> Workspace {
    Workspace::open(vec![root.into()]).expect("a folder")
}

fn listed(workspace: &Workspace) -> Vec<(RelPath, Option<Stamp>)> {
    let states = workspace.snapshot().states();
    states.into_iter().map(|(path, state)| (path, state.map(|state| Stamp(state.0)))).collect()
}

fn given(workspace: &Workspace, path: &RelPath) -> Given {
    let observed = workspace.snapshot().observe(path);
    let text = observed.text.map_err(|error| match error {
        ReadError::TooLarge { .. } => Opaque::TooLarge,
        _ if observed.nul.is_some() => Opaque::Binary,
        _ => Opaque::NotText,
    });
    Given { path: path.clone(), text, stamp: observed.state.map(|state| Stamp(state.0)) }
}

fn open(workspace: &Workspace, cache: &str) -> (Index, usize) {
    let reading = workspace.clone();
    let index = Index::open(Path::new(cache), Arc::new(move |path| reading.snapshot().peek(path).ok()));
    let stale = index.stale(&listed(workspace));
    for chunk in stale.chunks(64) {
        index.update_from_disk(&chunk.iter().map(|path| given(workspace, path)).collect::<Vec<_>>());
    }
    (index, stale.len())
}

fn start(root: &str, cache: &str) -> Value {
    let (cpu, wall) = (cpu_ms(), Instant::now());
    let workspace = workspace(root);
    let (index, read) = open(&workspace, cache);
    let ready = cpu_ms() - cpu;
    if read > 0 {
        index.persist().expect("room on disk");
    }
    let counts = index.snapshot().counts();
    let kept = index.kept();
    let (cpu, wall) = (cpu_ms() - cpu, wall.elapsed().as_secs_f64() * 1e3);
    json!({
        "cpu_ms": cpu, "ready_cpu_ms": ready, "wall_ms": wall, "read": read, "files": counts.files,
        "lines": counts.lines, "bytes": counts.bytes, "symbols": counts.symbols, "disk_bytes": kept.bytes,
        "search_bytes": kept.search_bytes, "held_bytes": counts.memory,
        "rss_mb": status_mb("VmRSS"), "anonymous_mb": status_mb("RssAnon"), "peak_mb": status_mb("VmHWM"),
    })
}

fn text(root: &str, cache: &str, rounds: usize, queries: &[String]) -> Vec<Value> {
    let workspace = workspace(root);
    let (index, _) = open(&workspace, cache);
    let (snapshot, known) = (workspace.snapshot(), index.snapshot());
    let files = snapshot.files();
    let read = |path: &RelPath, bytes: &mut Vec<u8>| snapshot.bytes(path, bytes);
    let place = Place { list: &files, read: &read, index: Some(&known), differs: &|_| false };
    let mut rows = Vec::new();
    for query in queries {
        let (kind, pattern) = query.split_once(':').expect("kind:pattern");
        // All lines are counted, so many are listed: as for the agent.
        let (regex, limit) = (kind == "regex", 400);
        let wanted = TextQuery { pattern: pattern.into(), regex, limit, ..TextQuery::default() };
        let mut times = Vec::new();
        let mut found = (0, 0, 0);
        for _ in 0..rounds {
            let cpu = cpu_ms();
            let hits = search(&place, &wanted).expect("a pattern");
            times.push(cpu_ms() - cpu);
            found = (hits.total(), hits.files.len(), hits.read);
        }
        times.sort_by(f64::total_cmp);
        let (lines, files, read) = found;
        rows.push(json!({ "query": query, "cpu_ms": times[rounds / 2], "lines": lines, "files": files, "read": read }));
    }
    rows
}

/// Names as people write them, out of a few hundred words, `count` of them.
fn symbols(count: usize) -> Value {
    let words: Vec<String> = include_str!("../src/words.rs")
        .split(|letter: char| !letter.is_ascii_lowercase())
        .filter(|word| word.len() > 2)
        .map(str::to_owned)
        .collect();
    let mut seed = 7_u64;
    let mut next = |below: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize % below
    };
    let mut files = Vec::new();
    for file in 0..count / 500 {
        let mut text = String::new();
        for _ in 0..500 {
            let parts: Vec<&str> = (0..2 + next(3)).map(|_| words[next(words.len())].as_str()).collect();
            text += &format!("fn {}() {{}}\n", parts.join("_"));
        }
        files.push((RelPath::new(&format!("f{file}.rs")).expect("a path"), text.into()));
    }
    let index = Index::new();
    files.chunks(64).for_each(|chunk| index.update(chunk));
    let snapshot = index.snapshot();
    let first = Instant::now();
    let _ = snapshot.symbols("warm", 1);
    let first = first.elapsed().as_secs_f64() * 1e3;
    let mut queries: Vec<String> = Vec::new();
    for _ in 0..150 {
        let (one, other) = (&words[next(words.len())], &words[next(words.len())]);
        queries.push(one[..1 + next(one.len())].to_owned());
        queries.push(format!("{}{}", &one[..2], &other[..2]));
        queries.push(format!("{one}_{other}"));
        queries.push([&one[..1], &other[..1], &one[1..2]].concat());
    }
    let mut times = Vec::new();
    for query in &queries {
        let began = (Instant::now(), cpu_ms());
        let found = snapshot.symbols(query, 20);
        times.push((began.0.elapsed().as_secs_f64() * 1e3, cpu_ms() - began.1, query, found));
    }
    let mut full = Vec::new();
    for (_, _, query, found) in times.iter().step_by(40) {
        let began = Instant::now();
        let all = snapshot.symbols(query, usize::MAX >> 1);
        full.push(began.elapsed().as_secs_f64() * 1e3);
        assert_eq!(found[..], all[..found.len()], "{query}");
    }
    times.sort_by(|one, other| one.1.total_cmp(&other.1));
    full.sort_by(f64::total_cmp);
    let at = |part: f64| times[((times.len() - 1) as f64 * part) as usize].1;
    let mut walls: Vec<f64> = times.iter().map(|time| time.0).collect();
    walls.sort_by(f64::total_cmp);
    json!({
        "symbols": snapshot.counts().symbols, "queries": queries.len(), "first_ms": first,
        "cpu_ms_p50": at(0.5), "cpu_ms_p99": at(0.99), "cpu_ms_max": at(1.0), "slowest": times.iter().rev().take(8).map(|time| (time.2, time.1)).collect::<Vec<_>>(),
        "wall_ms_p99": walls[(walls.len() - 1) * 99 / 100], "full_ms_p50": full[full.len() / 2],
        "rss_mb": status_mb("VmRSS"),
    })
}

/// As in the program itself.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["cold" | "warm", root, cache] => println!("{}", start(root, cache)),
        ["stat", root] => {
            let cpu = cpu_ms();
            let files = listed(&workspace(root)).len();
            println!("{}", json!({ "cpu_ms": cpu_ms() - cpu, "files": files }));
        }
        ["text", root, cache, rounds, ref queries @ ..] => {
            let queries: Vec<String> = queries.iter().map(|query| (*query).to_owned()).collect();
            let rounds = rounds.parse().expect("a number");
            text(root, cache, rounds, &queries).iter().for_each(|row| println!("{row}"));
        }
        ["symbols", count] => println!("{}", symbols(count.parse().expect("a number"))),
        _ => eprintln!(
            "usage: store cold|warm ROOT CACHE, stat ROOT, text ROOT CACHE ROUNDS QUERY…, symbols COUNT"
        ),
    }
}
