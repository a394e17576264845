//! CTest: `1/2 Test #1: adds ....***Failed    0.02 sec`, with the output of failed tests below.

use super::{Report, TestEnd, lines};

pub(super) fn read(output: &str) -> Report {
    let mut report = Report::default();
    let all: Vec<&str> = output.lines().collect();
    for (at, line) in all.iter().enumerate() {
        let Some((name, end)) = test(line) else { continue };
        if end == TestEnd::Failed {
            let below = all[at + 1..].iter().take_while(|line| {
                test(line).is_none()
                    && !line.trim_start().starts_with("Start ")
                    && !line.contains("% tests passed")
            });
            report.failure(name, &below.copied().collect::<Vec<_>>().join("\n"));
        }
        report.test(name, end);
    }
    if report.tests.is_empty() {
        report.diagnostics = lines::diagnostics(output);
    }
    report
}

fn test(line: &str) -> Option<(&str, TestEnd)> {
    let (count, rest) = line.trim_start().split_once(" Test ")?;
    if !count.contains('/') {
        return None;
    }
    let (_, rest) = rest.trim_start().strip_prefix('#')?.split_once(": ")?;
    let (name, rest) = rest.trim_start().split_once(' ')?;
    let end = match rest {
        rest if rest.contains("***Skipped") || rest.contains("Not Run (Disabled)") => TestEnd::Skipped,
        rest if rest.contains("***") => TestEnd::Failed,
        rest if rest.contains("Passed") => TestEnd::Passed,
        _ => return None,
    };
    Some((name, end))
}
