//! `cargo --message-format=json`: a message a line; lines and columns are one-based, ends exclusive.

use serde_json::Value;

use super::{Diagnostic, PIECES, Place, Report, Severity, json, piece};

pub(super) fn read(output: &str) -> Report {
    let mut report = Report::default();
    for line in json::lines(output).filter(|line| line["reason"] == "compiler-message") {
        let message = &line["message"];
        let Some(found) = diagnostic(message) else { continue };
        // Every target that a file belongs to says the same again.
        if report.diagnostics.contains(&found) || report.diagnostics.len() == super::DIAGNOSTICS {
            continue;
        }
        if found.severity == Severity::Error && report.errors.len() < PIECES {
            report.errors.push(piece(json::text(&message["rendered"]).lines()));
        }
        report.diagnostics.push(found);
    }
    report
}

fn diagnostic(message: &Value) -> Option<Diagnostic> {
    let severity = match json::text(&message["level"]) {
        level if level.starts_with("error") => Severity::Error,
        "warning" => Severity::Warning,
        _ => return None,
    };
    let spans = json::elements(&message["spans"]);
    let span = spans.iter().find(|span| span["is_primary"] == true)?;
    let place = |line: &str, column: &str| {
        Place::from_one_based(json::number(&span[line]), json::number(&span[column]))
    };
    Some(Diagnostic {
        path: json::text(&span["file_name"]).to_owned(),
        start: place("line_start", "column_start"),
        end: Some(place("line_end", "column_end")),
        severity,
        code: message["code"]["code"].as_str().map(str::to_owned),
        message: json::text(&message["message"]).to_owned(),
    })
}
