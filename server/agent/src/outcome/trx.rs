//! Visual Studio's test results, as `dotnet test --logger trx` writes them.

use super::xml::{Met, walk};
use super::{Report, TestEnd, lines};

pub(super) fn read(output: &str) -> Report {
    let mut report = Report::default();
    let mut test: Option<(String, TestEnd)> = None;
    let mut said: Option<String> = None;
    let mut kept = String::new();
    // What dotnet prints stands before the files that it wrote; several of them may follow one another.
    for document in output.split("<TestRun").skip(1) {
        walk(&format!("<TestRun{document}"), |met| match met {
            Met::Begin(name, attributes) if name == "UnitTestResult" => {
                let of = |key: &str| attributes.get(key).map(String::as_str).unwrap_or_default();
                let end = match of("outcome") {
                    "Passed" | "Warning" | "PassedButRunAborted" => TestEnd::Passed,
                    "NotExecuted" | "Inconclusive" | "Pending" | "NotRunnable" | "Disconnected" => {
                        TestEnd::Skipped
                    }
                    _ => TestEnd::Failed,
                };
                kept.clear();
                test = Some((of("testName").to_owned(), end));
            }
            Met::Begin(name, _) if name == "Message" || name == "StackTrace" => said = Some(String::new()),
            Met::Begin(..) => {}
            Met::Text(text) => {
                if let Some(said) = &mut said {
                    said.push_str(&text);
                }
            }
            Met::End(name) if name == "Message" || name == "StackTrace" => {
                if let Some(text) = said.take() {
                    kept.push_str(&text);
                    kept.push('\n');
                }
            }
            Met::End(name) if name == "UnitTestResult" => {
                let Some((name, end)) = test.take() else { return };
                if end == TestEnd::Failed {
                    report.failure(&name, &kept);
                }
                report.test(name, end);
            }
            Met::End(_) => {}
        });
    }
    if report.tests.is_empty() {
        report.diagnostics = lines::diagnostics(output);
    }
    report
}
