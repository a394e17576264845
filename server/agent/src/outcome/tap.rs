//! TAP, and the `spec` lines of node's own runner.

use super::{PIECES, Report, TestEnd, piece};

pub(super) fn read(output: &str) -> Report {
    let mut report = Report { errors: failures(output), ..Report::default() };
    for line in output.lines() {
        let line = line.trim_start();
        if let Some((name, end)) = point(line) {
            report.test(name, end);
        }
    }
    if report.tests.is_empty() {
        for line in output.lines() {
            if let Some((name, end)) = spec(line.trim_start()) {
                report.test(name, end);
            }
        }
    }
    report
}

fn point(line: &str) -> Option<(&str, TestEnd)> {
    let (failed, rest) = match (line.strip_prefix("not ok "), line.strip_prefix("ok ")) {
        (Some(rest), _) => (true, rest),
        (None, Some(rest)) => (false, rest),
        (None, None) => return None,
    };
    let name = rest.trim_start_matches(|c: char| c.is_ascii_digit()).trim_start_matches([' ', '-']);
    let (name, directive) = name.split_once(" # ").unwrap_or((name, ""));
    let directive = directive.to_ascii_lowercase();
    let end = match failed {
        _ if directive.starts_with("skip") || directive.starts_with("todo") => TestEnd::Skipped,
        true => TestEnd::Failed,
        false => TestEnd::Passed,
    };
    (!name.is_empty()).then_some((name, end))
}

/// `✔ name (1.2ms)`
fn spec(line: &str) -> Option<(&str, TestEnd)> {
    let signs = [("✔ ", TestEnd::Passed), ("✖ ", TestEnd::Failed), ("﹣ ", TestEnd::Skipped)];
    let (rest, end) = signs.iter().find_map(|(sign, end)| Some((line.strip_prefix(sign)?, *end)))?;
    let (name, time) = rest.rsplit_once(" (")?;
    time.contains("ms)").then_some((name, end))
}

/// Each `not ok` with its diagnostic, the stack left out.
fn failures(output: &str) -> Vec<String> {
    let lines: Vec<&str> = output.lines().collect();
    let failed = (0..lines.len())
        .filter(|at| point(lines[*at].trim_start()).is_some_and(|(_, end)| end == TestEnd::Failed));
    let telling = |line: &&str| {
        let word = line.trim_start();
        !["---", "duration_ms:", "failureType:", "type:", "..."].iter().any(|start| word.starts_with(start))
            && !word.is_empty()
    };
    failed
        .take(PIECES)
        .map(|at| {
            let rest = lines[at + 1..].iter().take_while(|line| {
                let word = line.trim_start();
                !word.starts_with("stack:")
                    && word != "..."
                    && point(word).is_none()
                    && !word.starts_with("# Subtest")
            });
            piece(std::iter::once(lines[at].trim_start()).chain(rest.copied().filter(telling)))
        })
        .collect()
}
