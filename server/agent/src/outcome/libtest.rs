//! Rust's libtest: `test name ... ok`, and the sections `---- name stdout ----`.

use super::{PIECES, Report, TestEnd, piece};

pub(super) fn read(output: &str) -> Report {
    let mut report = Report { errors: failures(output), ..Report::default() };
    for line in output.lines() {
        let Some((name, end)) = line.trim().strip_prefix("test ").and_then(|rest| rest.rsplit_once(" ... "))
        else {
            continue;
        };
        let end = match end.split([' ', ',']).next() {
            Some("ok") => TestEnd::Passed,
            Some("FAILED") => TestEnd::Failed,
            Some("ignored") => TestEnd::Skipped,
            _ => continue,
        };
        // The same name may stand in several binaries.
        report.test(name.strip_suffix(" - should panic").unwrap_or(name), end);
    }
    report
}

fn failures(output: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut current: Option<Vec<&str>> = None;
    for line in output.lines() {
        if line.starts_with("---- ") && line.ends_with(" stdout ----") {
            found.extend(current.take().map(piece));
            current = Some(vec![line]);
        } else if line == "failures:" {
            found.extend(current.take().map(piece));
        } else if let Some(lines) = &mut current
            && !line.contains("RUST_BACKTRACE")
        {
            lines.push(line);
        }
        if found.len() == PIECES {
            return found;
        }
    }
    found.extend(current.map(piece));
    found
}
