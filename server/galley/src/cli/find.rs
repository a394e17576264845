//! `galley index`, `search`, `context`, `impact`: what is known of a workspace.

use std::time::Instant;

use galley_index::search::TextQuery;
use galley_text::path::RelPath;
use galley_workspace::Workspace;
use serde_json::{Value, json};

use super::terminal::{print, safe};
use super::{ContextArgs, DONE, FAILED, FindRoot, ImpactArgs, SearchArgs, USAGE, fail, session};

fn open(place: &FindRoot) -> Result<Workspace, i32> {
    Workspace::open(vec![place.root.clone()]).map_err(|error| fail(USAGE, &error.to_string()))
}

/// `galley index`
pub fn index(place: &FindRoot) -> i32 {
    let workspace = match open(place) {
        Ok(workspace) => workspace,
        Err(status) => return status,
    };
    let began = Instant::now();
    let index = session::index(&workspace);
    let counts = index.snapshot().counts();
    let seconds = began.elapsed().as_secs_f64();
    let skipped = workspace.listing().skipped();
    if place.json {
        let answer = json!({ "files": counts.files, "symbols": counts.symbols, "seconds": seconds, "unnameable": skipped.unnameable, "unreadable": skipped.unreadable });
        print(&format!("{answer}\n"));
    } else {
        print(&format!("{} files, {} symbols in {seconds:.2} s\n", counts.files, counts.symbols));
        if skipped.unnameable + skipped.unreadable > 0 {
            print(&format!(
                "{} names that are not UTF-8 or hold control characters, {} unreadable folders were passed over\n",
                skipped.unnameable, skipped.unreadable
            ));
        }
    }
    DONE
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
    let hits = galley_index::search::search(|path| snapshot.peek(path).ok(), &snapshot.files(), &query)
        .map_err(|error| error.to_string())?;
    let row = |hit: &galley_index::search::Hit| json!({ "path": hit.path.as_str(), "line": hit.line + 1, "kind": "text", "name": hit.text, "score": 1.0 });
    Ok(hits.hits.iter().map(row).collect())
}

fn symbols(workspace: &Workspace, args: &SearchArgs) -> Vec<Value> {
    let index = session::index(workspace).snapshot();
    let row = |found: &galley_index::SymbolMatch| json!({ "path": found.path.as_str(), "line": found.symbol.line + 1, "kind": found.symbol.kind, "name": found.symbol.name, "score": found.score });
    index.symbols(&args.query, args.limit).iter().map(row).collect()
}

fn files(workspace: &Workspace, args: &SearchArgs) -> Vec<Value> {
    let wanted = args.query.to_lowercase();
    let mut found: Vec<(usize, RelPath)> = Vec::new();
    for path in workspace.snapshot().files().iter() {
        let low = path.as_str().to_lowercase();
        // A hit in the file's own name, near its end, is what was meant more often.
        if let Some(at) = low.rfind(&wanted) {
            found.push((low.len() - at, path.clone()));
        }
    }
    found.sort();
    let row = |(far, path): &(usize, RelPath)| json!({ "path": path.as_str(), "line": 1, "kind": "file", "name": path.file_name(), "score": 1.0 / (*far as f64) });
    found.iter().take(args.limit).map(row).collect()
}

/// `galley context`
pub fn context(args: &ContextArgs) -> i32 {
    let workspace = match open(&args.place) {
        Ok(workspace) => workspace,
        Err(status) => return status,
    };
    let ranked = session::index(&workspace).snapshot().rank(&args.query, args.limit);
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
    let found = session::index(&workspace).snapshot().impact(&args.symbol, file.as_ref(), args.limit);
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
