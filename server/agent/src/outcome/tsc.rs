//! The TypeScript compiler: `a.ts(1,53): error TS2322: message`, one-based; further lines are indented.

use super::{Diagnostic, Place, Report, Severity};

pub(super) fn read(output: &str) -> Report {
    let mut report = Report::default();
    for line in output.lines() {
        if let Some(found) = diagnostic(line) {
            report.diagnostics.push(found);
        } else if let Some(last) = report.diagnostics.last_mut().filter(|_| line.starts_with("  ")) {
            last.message.push('\n');
            last.message.push_str(line);
        }
    }
    report
}

fn diagnostic(line: &str) -> Option<Diagnostic> {
    let (place, rest) = line.split_once("): ")?;
    let (path, numbers) = place.rsplit_once('(')?;
    let (row, column) = numbers.split_once(',')?;
    let (severity, rest) = rest.split_once(' ')?;
    let severity = match severity {
        "error" => Severity::Error,
        "warning" => Severity::Warning,
        _ => return None,
    };
    let (code, message) = rest.split_once(": ")?;
    Some(Diagnostic {
        path: path.to_owned(),
        start: Place::from_one_based(row.parse().ok()?, column.parse().ok()?),
        end: None,
        severity,
        code: code.starts_with("TS").then(|| code.to_owned()),
        message: message.to_owned(),
    })
}
