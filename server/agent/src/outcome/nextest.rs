//! cargo-nextest: `PASS [ 0.083s] (1/2) crate tests::name`, each failure followed by its indented output.

use super::{Report, TestEnd};

pub(super) fn read(output: &str) -> Report {
    let mut report = Report::default();
    let mut failed: Option<(String, Vec<&str>)> = None;
    for line in output.lines() {
        if let Some((name, end)) = test(line) {
            close(&mut report, failed.take());
            // A failure is told again in the summary; a test that passed on a retry counts as what it was at last.
            let again = report.tests.contains_key(&name);
            report.test(name.clone(), end);
            if end == TestEnd::Failed && !again {
                failed = Some((name, Vec::new()));
            }
        } else if line.starts_with("────") {
            close(&mut report, failed.take());
        } else if let Some((_, lines)) = &mut failed
            && is_telling(line)
        {
            lines.push(line.trim_start_matches("    "));
        }
    }
    close(&mut report, failed);
    report
}

fn close(report: &mut Report, failed: Option<(String, Vec<&str>)>) {
    if let Some((name, lines)) = failed {
        report.failure(&name, &lines.join("\n"));
    }
}

/// libtest's own frame around the one test says nothing.
fn is_telling(line: &str) -> bool {
    let line = line.trim();
    let frame = ["running 1 test", "failures:", "test result:", "stdout ───", "stderr ───", "test "];
    !line.is_empty() && !frame.iter().any(|start| line.starts_with(start)) && !line.contains("RUST_BACKTRACE")
}

fn test(line: &str) -> Option<(String, TestEnd)> {
    let (word, rest) = line.trim_start().split_once(' ')?;
    let end = match word {
        "PASS" | "FLAKY" | "LEAK" => TestEnd::Passed,
        "FAIL" | "TIMEOUT" | "SIGABRT" | "SIGSEGV" | "SIGKILL" => TestEnd::Failed,
        "SKIP" => TestEnd::Skipped,
        _ => return None,
    };
    let (_, rest) = rest.trim_start().strip_prefix('[')?.split_once(']')?;
    let rest = rest.trim_start();
    let rest = match rest.strip_prefix('(') {
        Some(counted) => counted.split_once(')')?.1.trim_start(),
        None => rest,
    };
    let (binary, name) = rest.split_once(' ')?;
    Some((format!("{binary} {}", name.trim()), end))
}
