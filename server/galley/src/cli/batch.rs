//! `galley batch`: the product's own engines on many cases, one JSON request a line on standard input, one answer a line on
//! standard output.

use std::collections::BTreeMap;
use std::io::{BufRead, Write};
use std::path::PathBuf;
use std::time::Instant;

use galley_exec::policy::{self, Rules};
use galley_index::Index;
use galley_text::batch;
use galley_text::path::RelPath;
use galley_workspace::{Workspace, WorkspaceError};
use serde_json::{Value, json};

use super::{DONE, FAILED, USAGE, fail, session};
use crate::indexed;
use crate::remembered::Remembered;

/// `galley batch`
pub fn batch(what: &str) -> i32 {
    let mut places = Places::default();
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let Ok(line) = line else { return fail(FAILED, "standard input is not UTF-8") };
        if line.trim().is_empty() {
            continue;
        }
        let answer = match serde_json::from_str::<Value>(&line) {
            Err(error) => {
                json!({ "error": "malformed", "reason": format!("the request is not JSON: {error}") })
            }
            Ok(request) => match what {
                "edit" => edit(&request),
                "merge" => merge(&request),
                "policy" => judged(text(&request, "command")),
                "context" => places.context(&request),
                "impact" => places.impact(&request),
                other => {
                    return fail(
                        USAGE,
                        &format!("there is no batch of `{other}`: context, impact, edit, merge or policy"),
                    );
                }
            },
        };
        if writeln!(out, "{answer}").and_then(|()| out.flush()).is_err() {
            return DONE;
        }
    }
    DONE
}

fn text<'a>(request: &'a Value, key: &str) -> &'a str {
    request[key].as_str().unwrap_or_default()
}

fn edit(request: &Value) -> Value {
    let files: BTreeMap<String, String> = match serde_json::from_value(request["files"].clone()) {
        Ok(files) => files,
        Err(error) => return json!({ "error": "malformed", "reason": format!("files: {error}") }),
    };
    match batch::edit(text(request, "format"), text(request, "patch"), files) {
        Ok(files) => json!({ "files": files }),
        Err(refusal) => json!({ "error": refusal.kind, "reason": refusal.message }),
    }
}

fn merge(request: &Value) -> Value {
    match batch::merge(text(request, "base"), text(request, "user"), text(request, "proposal")) {
        Some(merged) => json!({ "text": merged }),
        None => json!({ "conflict": true }),
    }
}

/// What the policy says to a command, as JSON.
pub fn judged(command: &str) -> Value {
    let verdict = policy::judge(command, &Rules::default());
    json!({ "decision": verdict.decision, "risk": verdict.risk, "reasons": verdict.reasons })
}

/// The workspace of the last request, kept while the requests name the same root.
#[derive(Default)]
struct Places {
    open: Option<Place>,
}

struct Place {
    root: PathBuf,
    workspace: Workspace,
    index: Index,
    remembered: Remembered,
}

impl Places {
    /// The index over the request's root as it is now.
    fn index(&mut self, request: &Value) -> Result<&Index, Value> {
        let root = PathBuf::from(text(request, "root"));
        if self.open.as_ref().is_some_and(|place| place.root != root) {
            self.open = None;
        }
        let is_new = self.open.is_none();
        let place = match &mut self.open {
            Some(place) => place,
            none => {
                let fault = |error: WorkspaceError| json!({ "error": "root", "reason": error.to_string() });
                let workspace = Workspace::open(vec![root.clone()]).map_err(fault)?;
                let (index, remembered) = (session::index(&workspace), session::remembered(&workspace));
                none.insert(Place { root, workspace, index, remembered })
            }
        };
        if !is_new {
            // Whoever asks may have changed the tree since; what is known by content is not read again.
            place.workspace.invalidate_all();
            indexed::refresh(&place.workspace, &place.index, || {});
        }
        place.remembered.refresh(&place.workspace, &place.index);
        Ok(&place.index)
    }

    fn context(&mut self, request: &Value) -> Value {
        match self.index(request) {
            Err(fault) => fault,
            Ok(index) => {
                let began = Instant::now();
                let ranked = index.snapshot().rank(text(request, "query"), limit(request));
                answered(ranked.iter().map(|file| &file.path), began)
            }
        }
    }

    fn impact(&mut self, request: &Value) -> Value {
        let file = RelPath::new(text(request, "file")).ok();
        match self.index(request) {
            Err(fault) => fault,
            Ok(index) => {
                let began = Instant::now();
                let found = index.snapshot().impact(text(request, "symbol"), file.as_ref(), limit(request));
                answered(found.iter().map(|impact| &impact.path), began)
            }
        }
    }
}

/// Files, and how long the answer took; to bring the index up to date is not in it, which a server does beforehand.
fn answered<'p>(files: impl Iterator<Item = &'p RelPath>, began: Instant) -> Value {
    let files: Vec<&str> = files.map(RelPath::as_str).collect();
    json!({ "files": files, "seconds": began.elapsed().as_secs_f64() })
}

fn limit(request: &Value) -> usize {
    request["limit"].as_u64().and_then(|limit| usize::try_from(limit).ok()).unwrap_or(20)
}
