//! JUnit XML. Several documents may follow one another, with other text between them.

use super::xml::{Met, walk};
use super::{Report, TestEnd, lines};

pub(super) fn read(output: &str) -> Report {
    let mut report = Report::default();
    for document in documents(output) {
        read_document(document, &mut report);
    }
    if report.tests.is_empty() {
        report.diagnostics = lines::diagnostics(output);
    }
    report
}

/// The pieces from `<testsuites` or `<testsuite` to the last end of one of them.
fn documents(output: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = output;
    while let Some(start) = rest.find("<testsuite") {
        let ends = if rest[start..].starts_with("<testsuites") { "</testsuites>" } else { "</testsuite>" };
        let Some(length) = rest[start..].find(ends) else {
            found.push(&rest[start..]);
            break;
        };
        let end = start + length + ends.len();
        found.push(&rest[start..end]);
        rest = &rest[end..];
    }
    found
}

#[derive(Default)]
struct Case {
    name: String,
    end: Option<TestEnd>,
    said: String,
}

fn read_document(document: &str, report: &mut Report) {
    let mut case: Option<Case> = None;
    let mut inside = false;
    walk(document, |met| match met {
        Met::Begin(name, attributes) if name == "testcase" => {
            let of = |key: &str| attributes.get(key).cloned().unwrap_or_default();
            let class = of("classname");
            let name = if class.is_empty() { of("name") } else { format!("{class}.{}", of("name")) };
            case = Some(Case { name, ..Case::default() });
        }
        Met::Begin(name, attributes) => {
            let Some(case) = &mut case else { return };
            let end = match name.as_str() {
                "failure" | "error" => TestEnd::Failed,
                "skipped" => TestEnd::Skipped,
                _ => return,
            };
            inside = end == TestEnd::Failed;
            case.end = Some(end);
            if let Some(message) = attributes.get("message").filter(|_| inside) {
                case.said = format!("{message}\n");
            }
        }
        Met::Text(text) => {
            if let Some(case) = case.as_mut().filter(|_| inside) {
                case.said.push_str(&text);
            }
        }
        Met::End(name) if name == "testcase" => {
            let Some(case) = case.take() else { return };
            if case.end == Some(TestEnd::Failed) {
                report.failure(&case.name, &case.said);
            }
            report.test(case.name, case.end.unwrap_or(TestEnd::Passed));
        }
        Met::End(name) if name == "failure" || name == "error" => inside = false,
        Met::End(_) => {}
    });
}
