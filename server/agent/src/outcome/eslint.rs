//! `eslint -f json`: one-based, ends exclusive.

use super::{Diagnostic, Place, Report, Severity, json};

pub(super) fn read(output: &str) -> Report {
    let mut report = Report::default();
    let is_ours = |value: &serde_json::Value| {
        value.as_array().is_some_and(|files| files.iter().all(|file| file["messages"].is_array()))
    };
    let Some(value) = json::find(output, is_ours) else { return report };
    for file in json::elements(&value) {
        for message in json::elements(&file["messages"]) {
            let end = message["endLine"]
                .as_u64()
                .map(|line| Place::from_one_based(line, json::number(&message["endColumn"])));
            report.diagnostics.push(Diagnostic {
                path: json::text(&file["filePath"]).to_owned(),
                start: Place::from_one_based(
                    json::number(&message["line"]),
                    json::number(&message["column"]),
                ),
                end,
                severity: if message["severity"] == 2 { Severity::Error } else { Severity::Warning },
                code: message["ruleId"].as_str().map(str::to_owned),
                message: json::text(&message["message"]).to_owned(),
            });
        }
    }
    report
}
