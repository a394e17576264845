//! pytest's `-rA`: the short summary names the tests, the sections `____ name ____` say why.

use super::{PIECES, Report, TestEnd, piece};

const ENDS: [(&str, TestEnd); 6] = [
    ("PASSED ", TestEnd::Passed),
    ("FAILED ", TestEnd::Failed),
    ("ERROR ", TestEnd::Failed),
    ("SKIPPED ", TestEnd::Skipped),
    ("XFAIL ", TestEnd::Skipped),
    ("XPASS ", TestEnd::Passed),
];

pub(super) fn read(output: &str) -> Report {
    let mut report = Report { errors: failures(output), ..Report::default() };
    for line in output.lines() {
        let Some((rest, end)) =
            ENDS.iter().find_map(|(prefix, end)| Some((line.strip_prefix(prefix)?, *end)))
        else {
            continue;
        };
        // Skipped ones are told by place: `[1] test_a.py:16: reason`.
        let rest =
            rest.strip_prefix('[').and_then(|rest| rest.split_once("] ")).map_or(rest, |(_, rest)| rest);
        let name = rest.split(" - ").next().unwrap_or(rest);
        let name = if end == TestEnd::Skipped { name.split(": ").next().unwrap_or(name) } else { name };
        let name = name.trim();
        if name.contains("::") || name.contains(".py") {
            report.test(name, end);
        }
    }
    report
}

fn failures(output: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut current: Option<Vec<&str>> = None;
    let mut inside = false;
    for line in output.lines() {
        if line.starts_with("=====") {
            found.extend(current.take().map(telling));
            inside = line.contains(" FAILURES ") || line.contains(" ERRORS ");
        } else if inside && line.starts_with("____") {
            found.extend(current.take().map(telling));
            current = Some(vec![line.trim_matches(['_', ' '])]);
        } else if let Some(lines) = &mut current {
            lines.push(line);
        }
        if found.len() == PIECES {
            return found;
        }
    }
    found.extend(current.map(telling));
    found
}

/// The name, the line that failed, what pytest says to it, and where; of a long section only that.
fn telling(lines: Vec<&str>) -> String {
    if lines.len() <= 15 {
        return piece(lines.into_iter().filter(|line| !line.trim().is_empty()));
    }
    let place = |line: &str| line.contains(".py:") && !line.starts_with(' ');
    let kept = lines.iter().enumerate().filter(|(number, line)| {
        *number == 0 || line.starts_with('>') || line.starts_with("E  ") || place(line)
    });
    piece(kept.map(|(_, line)| *line))
}
