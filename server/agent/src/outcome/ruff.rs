//! `ruff check --output-format json`: one-based, ends exclusive. Every finding makes it red, so all are errors.

use super::{Diagnostic, Place, Report, Severity, json};

pub(super) fn read(output: &str) -> Report {
    let mut report = Report::default();
    let is_ours = |value: &serde_json::Value| {
        value.as_array().is_some_and(|found| found.iter().all(|one| one["filename"].is_string()))
    };
    let Some(value) = json::find(output, is_ours) else { return report };
    for found in json::elements(&value) {
        let place = |name: &str| {
            Place::from_one_based(json::number(&found[name]["row"]), json::number(&found[name]["column"]))
        };
        report.diagnostics.push(Diagnostic {
            path: json::text(&found["filename"]).to_owned(),
            start: place("location"),
            end: found["end_location"].is_object().then(|| place("end_location")),
            severity: Severity::Error,
            code: found["code"].as_str().map(str::to_owned),
            message: json::text(&found["message"]).to_owned(),
        });
    }
    report
}
