//! `galley index`, `search`, `context`, `impact`: what is known of a workspace.

use std::collections::BTreeMap;
use std::time::Instant;

use galley_index::search::{Place, TextQuery};
use galley_index::{Degraded, Index, Opaque, Role};
use galley_text::path::RelPath;
use galley_workspace::Workspace;
use serde_json::{Value, json};

use super::terminal::{print, safe};
use super::{ContextArgs, DONE, FAILED, FindRoot, ImpactArgs, IndexArgs, SearchArgs, USAGE, fail, session};
use crate::config;
use crate::indexed::{self, Refreshed};
use crate::remembered;

fn open(place: &FindRoot) -> Result<Workspace, i32> {
    Workspace::open(vec![place.root.clone()]).map_err(|error| fail(USAGE, &error.to_string()))
}

/// `galley index`
pub fn index(args: &IndexArgs) -> i32 {
    let place = &args.place;
    let workspace = match open(place) {
        Ok(workspace) => workspace,
        Err(status) => return status,
    };
    if args.purge {
        return purge(&workspace, place.json);
    }
    let began = Instant::now();
    let index = session::attached(&workspace);
    let refreshed = indexed::refresh(&workspace, &index, || {});
    let written = if refreshed.read > 0 { index.persist() } else { Ok(()) };
    let report = Report { index: &index, refreshed, seconds: began.elapsed().as_secs_f64() };
    match place.json {
        true => print(&format!("{}\n", report.json(&workspace))),
        false => print(&report.text(&workspace)),
    }
    if let Err(error) = written {
        eprintln!("galley: the index cannot be kept ({error}); the next start will read every file again");
    }
    DONE
}

fn purge(workspace: &Workspace, json: bool) -> i32 {
    let removed = config::state_dir().map_err(|error| error.to_string()).and_then(|state| {
        let history = remembered::purge(&state, workspace);
        let index = Index::purge(&indexed::folder(&state, workspace)).map_err(|error| error.to_string())?;
        Ok(index + history)
    });
    match removed {
        Err(error) => return fail(FAILED, &format!("the index cannot be removed: {error}")),
        Ok(bytes) if json => print(&format!("{}\n", json!({ "removed_bytes": bytes }))),
        Ok(bytes) => print(&format!("{} removed\n", size(bytes))),
    }
    DONE
}

/// What `galley index` tells.
struct Report<'r> {
    index: &'r Index,
    refreshed: Refreshed,
    seconds: f64,
}

/// Paths that are named for each rule.
const NAMED: usize = 5;

impl Report<'_> {
    /// Files of which less is known than of others, by the rule that says so.
    fn degraded(&self) -> BTreeMap<&'static str, Vec<RelPath>> {
        let snapshot = self.index.snapshot();
        let mut rules: BTreeMap<&'static str, Vec<RelPath>> = BTreeMap::new();
        for (path, rule) in snapshot.degraded() {
            rules.entry(of_degraded(rule)).or_default().push(path);
        }
        for (path, why) in snapshot.opaque() {
            rules.entry(of_opaque(why)).or_default().push(path.clone());
        }
        for path in snapshot.paths() {
            match snapshot.role(path) {
                Some(Role::Generated) => rules.entry(GENERATED).or_default().push(path.clone()),
                Some(Role::Vendored) => rules.entry(VENDORED).or_default().push(path.clone()),
                _ => {}
            }
        }
        rules.values_mut().for_each(|paths| paths.sort());
        rules
    }

    fn json(&self, workspace: &Workspace) -> Value {
        let (counts, kept) = (self.index.snapshot().counts(), self.index.kept());
        let skipped = workspace.listing().skipped();
        json!({
            "files": counts.files, "symbols": counts.symbols, "seconds": self.seconds,
            "lines": counts.lines, "bytes": counts.bytes, "parsed": counts.parsed, "with_errors": counts.with_errors,
            "read": self.refreshed.read, "listed": self.refreshed.listed,
            "disk_bytes": kept.bytes, "search_bytes": kept.search_bytes, "memory_bytes": counts.memory,
            "degraded": self.degraded(),
            "unnameable": skipped.unnameable, "unreadable": skipped.unreadable,
        })
    }

    fn text(&self, workspace: &Workspace) -> String {
        let (counts, kept) = (self.index.snapshot().counts(), self.index.kept());
        let mut text = format!(
            "{} files, {} symbols in {:.2} s\n{} lines, {}; {} files with a grammar, {} of them with syntax errors\n",
            counts.files,
            counts.symbols,
            self.seconds,
            counts.lines,
            size(counts.bytes),
            counts.parsed,
            counts.with_errors
        );
        text += &format!(
            "{} read, {} known; {} on disk, {} of it for text search\n",
            self.refreshed.read,
            self.refreshed.listed.saturating_sub(self.refreshed.read),
            size(kept.bytes),
            size(kept.search_bytes)
        );
        for (rule, paths) in self.degraded() {
            let named: Vec<&str> = paths.iter().take(NAMED).map(RelPath::as_str).collect();
            let more = if paths.len() > NAMED { ", …" } else { "" };
            text += &safe(&format!("{}: {} ({}{more})", rule, paths.len(), named.join(", ")));
            text.push('\n');
        }
        let skipped = workspace.listing().skipped();
        if skipped.unnameable + skipped.unreadable > 0 {
            text += &format!(
                "{} names that are not UTF-8 or hold control characters, {} unreadable folders were passed over\n",
                skipped.unnameable, skipped.unreadable
            );
        }
        text
    }
}

const GENERATED: &str = "generated, ranked low";
const VENDORED: &str = "vendored, ranked low";

fn of_degraded(rule: Degraded) -> &'static str {
    match rule {
        Degraded::No => "in full",
        Degraded::TooLongToParse => "too long to parse, words only",
        Degraded::TooLongToRead => "too long to read, path only",
        Degraded::Minified => "very long lines, words only",
        Degraded::Unread => "not read yet",
    }
}

fn of_opaque(why: Opaque) -> &'static str {
    match why {
        Opaque::Binary => "binary, left out",
        Opaque::NotText => "not UTF-8, text search only",
        Opaque::TooLarge => "too large for a text, text search only",
    }
}

fn size(bytes: u64) -> String {
    match bytes {
        0..10_000 => format!("{bytes} bytes"),
        10_000..10_000_000 => format!("{} kB", bytes / 1_000),
        _ => format!("{} MB", bytes / 1_000_000),
    }
}

/// `galley search`
pub fn search(args: &SearchArgs) -> i32 {
    let workspace = match open(&args.place) {
        Ok(workspace) => workspace,
        Err(status) => return status,
    };
    let found = match args.kind.as_str() {
        "text" => match text(&workspace, args) {
            Ok(found) => found,
            Err(error) => return fail(USAGE, &error),
        },
        "symbol" => symbols(&workspace, args),
        "file" => files(&workspace, args),
        other => return fail(USAGE, &format!("there is no kind `{other}`: text, symbol or file")),
    };
    answer(&found, args.place.json, |row| {
        format!("{}:{}: {}", word(row, "path"), row["line"], safe(word(row, "name")))
    })
}

fn text(workspace: &Workspace, args: &SearchArgs) -> Result<Vec<Value>, String> {
    let snapshot = workspace.snapshot();
    let query = TextQuery {
        pattern: args.query.clone(),
        regex: args.regex,
        limit: args.limit,
        ..TextQuery::default()
    };
    // What is kept narrows the search as far as it holds; to bring it up to date would cost more than a search.
    let index = session::attached(workspace);
    let stale = indexed::stale(workspace, &index);
    let known = index.snapshot();
    let read = |path: &RelPath, bytes: &mut Vec<u8>| snapshot.bytes(path, bytes);
    let differs = |path: &RelPath| stale.binary_search(path).is_ok();
    let files = snapshot.files();
    let place = Place { list: &files, read: &read, index: Some(&known), differs: &differs };
    let hits = galley_index::search::search(&place, &query).map_err(|error| error.to_string())?;
    let row = |hit: &galley_index::search::Hit| json!({ "path": hit.path.as_str(), "line": hit.line + 1, "kind": "text", "name": hit.text, "score": 1.0 });
    Ok(hits.hits.iter().map(row).collect())
}

fn symbols(workspace: &Workspace, args: &SearchArgs) -> Vec<Value> {
    let index = session::index(workspace).snapshot();
    let row = |found: &galley_index::SymbolMatch| json!({ "path": found.path.as_str(), "line": found.symbol.line + 1, "kind": found.symbol.kind, "name": found.symbol.name, "score": found.score });
    index.symbols(&args.query, args.limit).iter().map(row).collect()
}

fn files(workspace: &Workspace, args: &SearchArgs) -> Vec<Value> {
    let listed = workspace.snapshot().files();
    let found = galley_index::find_paths(listed.iter(), &args.query, args.limit);
    let row = |(path, score): &(RelPath, f32)| json!({ "path": path.as_str(), "line": 1, "kind": "file", "name": path.file_name(), "score": score });
    found.iter().map(row).collect()
}

/// `galley context`
pub fn context(args: &ContextArgs) -> i32 {
    let workspace = match open(&args.place) {
        Ok(workspace) => workspace,
        Err(status) => return status,
    };
    let ranked = session::index_with_past(&workspace).snapshot().rank(&args.query, args.limit);
    let rows: Vec<Value> = ranked
        .iter()
        .map(|file| json!({ "path": file.path.as_str(), "score": file.score, "why": file.why }))
        .collect();
    answer(&rows, args.place.json, |row| format!("{}  {}", word(row, "path"), word(row, "why")))
}

/// `galley impact`
pub fn impact(args: &ImpactArgs) -> i32 {
    let workspace = match open(&args.place) {
        Ok(workspace) => workspace,
        Err(status) => return status,
    };
    let file = args.file.as_deref().and_then(|file| RelPath::new(file).ok());
    let found =
        session::index_with_past(&workspace).snapshot().impact(&args.symbol, file.as_ref(), args.limit);
    let rows: Vec<Value> = found
        .iter()
        .map(|impact| json!({ "path": impact.path.as_str(), "line": impact.line + 1, "kind": impact.kind, "score": impact.score }))
        .collect();
    answer(&rows, args.place.json, |row| {
        format!("{}:{} {}", word(row, "path"), row["line"], word(row, "kind"))
    })
}

fn word<'a>(row: &'a Value, key: &str) -> &'a str {
    row[key].as_str().unwrap_or_default()
}

fn answer(rows: &[Value], json: bool, line: impl Fn(&Value) -> String) -> i32 {
    for row in rows {
        match json {
            true => print(&format!("{row}\n")),
            false => print(&format!("{}\n", line(row))),
        }
    }
    if rows.is_empty() { FAILED } else { DONE }
}
