//! `jest --json` and `vitest --reporter=json`, which print the same shape.

use super::{Report, TestEnd, json};

pub(super) fn read(output: &str) -> Report {
    let mut report = Report::default();
    let Some(value) = json::find(output, |value| value["testResults"].is_array()) else { return report };
    for suite in json::elements(&value["testResults"]) {
        let tests = json::elements(&suite["assertionResults"]);
        for test in tests {
            let end = match json::text(&test["status"]) {
                "passed" => TestEnd::Passed,
                "failed" => TestEnd::Failed,
                "pending" | "skipped" | "todo" | "disabled" => TestEnd::Skipped,
                _ => continue,
            };
            let name = json::text(&test["fullName"]).trim();
            report.test(name, end);
            if end == TestEnd::Failed {
                let messages = json::elements(&test["failureMessages"]).iter().map(json::text);
                report.failure(name, &messages.collect::<Vec<_>>().join("\n"));
            }
        }
        // A file that could not even be loaded has no tests: it fails under its own name.
        if tests.is_empty() && json::text(&suite["status"]) == "failed" {
            let file = json::text(&suite["name"]);
            report.test(file, TestEnd::Failed);
            report.failure(file, json::text(&suite["message"]));
        }
    }
    report
}
