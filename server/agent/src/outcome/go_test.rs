//! `go test -json`: an event a line; output events carry what a test printed.

use std::collections::BTreeMap;

use super::{Report, TestEnd, json};

/// Bytes of one test's output that are kept.
const KEPT: usize = 4_000;

pub(super) fn read(output: &str) -> Report {
    let mut report = Report::default();
    let mut printed: BTreeMap<String, String> = BTreeMap::new();
    for event in json::lines(output) {
        let Some(test) = event["Test"].as_str() else { continue };
        let name = format!("{}.{test}", json::text(&event["Package"]));
        let end = match json::text(&event["Action"]) {
            "pass" => TestEnd::Passed,
            "fail" => TestEnd::Failed,
            "skip" => TestEnd::Skipped,
            "output" => {
                let text = json::text(&event["Output"]);
                let kept = printed.entry(name).or_default();
                let is_frame = text.trim_start().starts_with("=== ") || text.trim_start().starts_with("--- ");
                if kept.len() < KEPT && !is_frame {
                    kept.push_str(text);
                }
                continue;
            }
            _ => continue,
        };
        if end == TestEnd::Failed {
            // A parent fails with its subtests and has nothing of its own to say.
            match printed.get(&name).filter(|text| !text.trim().is_empty()) {
                Some(text) => report.failure(&name, text),
                None if report.errors.is_empty() => report.failure(&name, ""),
                None => {}
            }
        }
        report.test(name, end);
    }
    report
}
