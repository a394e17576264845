//! `rspec --format json`.

use super::{Report, TestEnd, json};

pub(super) fn read(output: &str) -> Report {
    let mut report = Report::default();
    let Some(value) = json::find(output, |value| value["examples"].is_array()) else { return report };
    for example in json::elements(&value["examples"]) {
        let end = match json::text(&example["status"]) {
            "passed" => TestEnd::Passed,
            "failed" => TestEnd::Failed,
            "pending" => TestEnd::Skipped,
            _ => continue,
        };
        let name = json::text(&example["full_description"]);
        report.test(name, end);
        if end == TestEnd::Failed {
            let place =
                format!("{}:{}", json::text(&example["file_path"]), json::number(&example["line_number"]));
            let message = json::text(&example["exception"]["message"]).trim();
            report.failure(name, &format!("{place}\n{message}"));
        }
    }
    // What could not be loaded at all is no example.
    for message in json::elements(&value["messages"]).iter().map(json::text) {
        if message.contains("error") && value["summary"]["errors_outside_of_examples_count"] != 0 {
            report.failure("outside of examples", message);
        }
    }
    report
}
