//! Answers the scorers' requests, one JSON value a line: `batch edit` or `batch merge`.

use std::collections::BTreeMap;
use std::io::{BufRead, Write};

use galley_text::batch;
use serde_json::{Value, json};

fn main() {
    let kind = std::env::args().nth(1).unwrap_or_default();
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let Ok(request) = serde_json::from_str::<Value>(&line.unwrap_or_default()) else { break };
        let answer = match kind.as_str() {
            "merge" => merge(&request),
            _ => edit(&request),
        };
        writeln!(out, "{answer}").and_then(|()| out.flush()).expect("stdout is open");
    }
}

fn text<'a>(request: &'a Value, key: &str) -> &'a str {
    request[key].as_str().unwrap_or_default()
}

fn merge(request: &Value) -> Value {
    match batch::merge(text(request, "base"), text(request, "user"), text(request, "proposal")) {
        Some(merged) => json!({ "text": merged }),
        None => json!({ "conflict": true }),
    }
}

fn edit(request: &Value) -> Value {
    let files: BTreeMap<String, String> =
        serde_json::from_value(request["files"].clone()).unwrap_or_default();
    match batch::edit(text(request, "format"), text(request, "patch"), files) {
        Ok(files) => json!({ "files": files }),
        Err(refusal) => json!({ "error": refusal.kind, "reason": refusal.message }),
    }
}
