//! ExUnit's `mix test --trace`: tests below their module, and numbered sections for what failed.

use super::{PIECES, Report, TestEnd, piece};

pub(super) fn read(output: &str) -> Report {
    let lines: Vec<&str> = output.lines().collect();
    let failed: Vec<(String, String)> =
        (0..lines.len()).filter_map(|at| failure(&lines, at)).take(1_000).collect();
    let mut report = Report {
        errors: failed.iter().take(PIECES).map(|(_, text)| text.clone()).collect(),
        ..Report::default()
    };
    let mut module = "";
    for line in &lines {
        if let Some((name, file)) = line.split_once(" [")
            && file.ends_with(".exs]")
            && !name.contains(' ')
        {
            module = name;
        }
        // A test is announced and told in one line; the last `* ` is its end.
        let Some((_, told)) = line.trim_start().starts_with("* ").then(|| line.rsplit_once("* ")).flatten()
        else {
            continue;
        };
        let Some((name, how)) = told.rsplit_once(" (") else { continue };
        let name = format!("{module}: {name}");
        let end = match how {
            how if how.starts_with("skipped") || how.starts_with("excluded") => TestEnd::Skipped,
            _ if failed.iter().any(|(known, _)| *known == name) => TestEnd::Failed,
            _ => TestEnd::Passed,
        };
        report.test(name, end);
    }
    report
}

/// `  1) test adds (CalcTest)` and the lines below it.
fn failure(lines: &[&str], at: usize) -> Option<(String, String)> {
    let (number, rest) = lines[at].trim_start().split_once(") ")?;
    let (name, module) = rest.strip_suffix(')')?.rsplit_once(" (")?;
    let is_number = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
    let text = piece(lines[at..].iter().copied().take_while(|line| !line.trim().is_empty()));
    is_number.then(|| (format!("{module}: {name}"), text))
}
