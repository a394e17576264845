//! Answers ranking and impact questions about folders, one JSON request a line on stdin, one answer a line on stdout:
//! `{"root","query","limit"}` or `{"root","file","line","symbol","limit"}` gives `{"files":[…],"seconds":…}`.
//!
//! The tree at a root may change between requests: files are found by a walk, and only those whose size or time of
//! change differ are read again.

use galley_index::Index;
use galley_text::path::RelPath;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::io::{BufRead, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Instant, SystemTime};

#[derive(Default)]
struct Tree {
    index: Index,
    seen: HashMap<RelPath, (u64, Option<SystemTime>)>,
}

#[allow(clippy::disallowed_methods, reason = "a developer's tool")]
fn main() {
    let mut trees: HashMap<String, Tree> = HashMap::new();
    for line in std::io::stdin().lock().lines().map_while(Result::ok) {
        let Ok(request) = serde_json::from_str::<Value>(&line) else { continue };
        let root = request["root"].as_str().unwrap_or_default().to_owned();
        let tree = trees.entry(root.clone()).or_default();
        let before = Instant::now();
        tree.refresh(Path::new(&root));
        let refreshed = Instant::now();
        let files = answer(&tree.index, &request);
        let (refresh, ask) = (refreshed - before, refreshed.elapsed());
        eprintln!("{root}: refresh {refresh:?}, answer {ask:?}, {:?}", tree.index.snapshot().counts());
        println!("{}", json!({"files": files, "seconds": ask.as_secs_f64()}));
        let _ = std::io::stdout().flush();
    }
}

fn answer(index: &Index, request: &Value) -> Vec<String> {
    let limit = request["limit"].as_u64().unwrap_or(100) as usize;
    let snapshot = index.snapshot();
    let text = |path: &RelPath| path.as_str().to_owned();
    if let Some(symbol) = request["symbol"].as_str() {
        let file = request["file"].as_str().and_then(|file| RelPath::new(file).ok());
        return snapshot.impact(symbol, file.as_ref(), limit).iter().map(|found| text(&found.path)).collect();
    }
    let query = request["query"].as_str().unwrap_or_default();
    snapshot.rank(query, limit).iter().map(|found| text(&found.path)).collect()
}

impl Tree {
    #[allow(clippy::disallowed_methods, reason = "a developer's tool")]
    fn refresh(&mut self, root: &Path) {
        let mut changed = Vec::new();
        let mut present = std::collections::HashSet::new();
        for file in walk(root) {
            let Ok(relative) = file.strip_prefix(root) else { continue };
            let Ok(path) = RelPath::new(&relative.to_string_lossy()) else { continue };
            let Ok(about) = std::fs::metadata(&file) else { continue };
            let state = (about.len(), about.modified().ok());
            present.insert(path.clone());
            if self.seen.get(&path) != Some(&state) && about.len() < 1 << 20 {
                if let Ok(text) = std::fs::read_to_string(&file) {
                    changed.push((path.clone(), Arc::<str>::from(text)));
                }
                self.seen.insert(path, state);
            }
        }
        self.index.update(&changed);
        self.seen.retain(|path, _| present.contains(path));
        self.index.retain(|path| present.contains(path));
    }
}

#[allow(clippy::disallowed_methods, reason = "a developer's tool")]
fn walk(root: &Path) -> Vec<PathBuf> {
    let (mut files, mut folders) = (Vec::new(), vec![root.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let name = entry.file_name();
            match entry.file_type() {
                Ok(kind) if kind.is_dir() && name != ".git" && name != "node_modules" && name != "target" => {
                    folders.push(entry.path());
                }
                Ok(kind) if kind.is_file() => files.push(entry.path()),
                _ => {}
            }
        }
    }
    files.sort();
    files
}
