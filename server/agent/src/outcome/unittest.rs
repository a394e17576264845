//! Python's `unittest -v`: `test_a (module.Class.test_a) ... ok`, and the sections `FAIL: test_a (…)`.

use super::{PIECES, Report, TestEnd, piece};

pub(super) fn read(output: &str) -> Report {
    let mut report = Report { errors: failures(output), ..Report::default() };
    let mut pending: Option<String> = None;
    for line in output.lines() {
        if let Some(name) = full_name(line) {
            pending = Some(name);
        }
        let Some((_, end)) = line.rsplit_once(" ... ") else { continue };
        let end = match end.split_whitespace().next() {
            Some("ok") => TestEnd::Passed,
            Some("FAIL" | "ERROR") => TestEnd::Failed,
            Some("skipped" | "expected") => TestEnd::Skipped,
            Some("unexpected") => TestEnd::Failed,
            _ => continue,
        };
        // The first line of a documented test's words stands between the name and the end.
        if let Some(name) = pending.take() {
            report.test(name, end);
        }
    }
    report
}

/// `module.Class.test` from `test (module.Class.test)`, or from `test (module.Class)` as older versions print it.
fn full_name(line: &str) -> Option<String> {
    let (method, rest) = line.split_once(" (")?;
    let (place, _) = rest.split_once(')')?;
    let is_name =
        |text: &str| !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '.');
    if !is_name(method) || !is_name(place) {
        return None;
    }
    if place.rsplit('.').next() == Some(method) {
        return Some(place.to_owned());
    }
    Some(format!("{place}.{method}"))
}

fn failures(output: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut current: Option<Vec<&str>> = None;
    for line in output.lines() {
        let begins = line.starts_with("FAIL: ") || line.starts_with("ERROR: ");
        if begins || line.starts_with("=====") || line.starts_with("Ran ") {
            found.extend(current.take().map(piece));
        }
        if begins {
            current = Some(vec![line]);
        } else if let Some(lines) = &mut current
            && !line.starts_with("-----")
            && !line.trim().is_empty()
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
