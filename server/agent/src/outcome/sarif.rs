//! SARIF 2.1: one-based, ends exclusive. A region without columns stands for whole lines.

use serde_json::Value;

use super::{Diagnostic, Place, Report, Severity, json};

pub(super) fn read(output: &str) -> Report {
    let mut report = Report::default();
    let Some(value) = json::find(output, |value| value["runs"].is_array()) else { return report };
    for run in json::elements(&value["runs"]) {
        report.diagnostics.extend(json::elements(&run["results"]).iter().filter_map(diagnostic));
    }
    report
}

fn diagnostic(result: &Value) -> Option<Diagnostic> {
    let place = &json::elements(&result["locations"]).first()?["physicalLocation"];
    let region = &place["region"];
    let uri = json::text(&place["artifactLocation"]["uri"]);
    let line = region["startLine"].as_u64()?;
    let end = region["endColumn"]
        .as_u64()
        .map(|column| Place::from_one_based(region["endLine"].as_u64().unwrap_or(line), column));
    Some(Diagnostic {
        path: uri.strip_prefix("file://").unwrap_or(uri).to_owned(),
        start: Place::from_one_based(line, region["startColumn"].as_u64().unwrap_or(1)),
        end,
        severity: match json::text(&result["level"]) {
            "error" => Severity::Error,
            "note" | "none" => Severity::Note,
            // The standard's default.
            _ => Severity::Warning,
        },
        code: result["ruleId"].as_str().map(str::to_owned),
        message: json::text(&result["message"]["text"]).to_owned(),
    })
}
