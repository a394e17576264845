//! `mocha --reporter json`.

use super::{Report, TestEnd, json};

pub(super) fn read(output: &str) -> Report {
    let mut report = Report::default();
    let wanted = |value: &serde_json::Value| value["stats"].is_object() && value["passes"].is_array();
    let Some(value) = json::find(output, wanted) else { return report };
    for (list, end) in
        [("passes", TestEnd::Passed), ("pending", TestEnd::Skipped), ("failures", TestEnd::Failed)]
    {
        for test in json::elements(&value[list]) {
            let name = json::text(&test["fullTitle"]);
            report.test(name, end);
            if end == TestEnd::Failed {
                let stack = json::text(&test["err"]["stack"]);
                let text = if stack.is_empty() { json::text(&test["err"]["message"]) } else { stack };
                report.failure(name, text);
            }
        }
    }
    report
}
