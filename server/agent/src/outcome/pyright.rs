//! `pyright --outputjson`: zero-based, ends exclusive.

use serde_json::Value;

use super::{Diagnostic, Place, Report, Severity, json};

pub(super) fn read(output: &str) -> Report {
    let mut report = Report::default();
    let Some(value) = json::find(output, |value| value["generalDiagnostics"].is_array()) else {
        return report;
    };
    for found in json::elements(&value["generalDiagnostics"]) {
        let place = |of: &Value| Place {
            line: u32::try_from(json::number(&of["line"])).unwrap_or(u32::MAX),
            column: u32::try_from(json::number(&of["character"])).unwrap_or(u32::MAX),
        };
        report.diagnostics.push(Diagnostic {
            path: json::text(&found["file"]).to_owned(),
            start: place(&found["range"]["start"]),
            end: found["range"]["end"].is_object().then(|| place(&found["range"]["end"])),
            severity: match json::text(&found["severity"]) {
                "error" => Severity::Error,
                "warning" => Severity::Warning,
                _ => Severity::Note,
            },
            code: found["rule"].as_str().map(str::to_owned),
            message: json::text(&found["message"]).to_owned(),
        });
    }
    report
}
