//! Minitest's `--verbose`: `TestCalc#test_adds = 0.00 s = F`, and numbered sections for what failed.

use super::{PIECES, Report, TestEnd, piece};

pub(super) fn read(output: &str) -> Report {
    let mut report = Report { errors: failures(output), ..Report::default() };
    for line in output.lines() {
        let Some((rest, end)) = line.trim_end().rsplit_once(" s = ") else { continue };
        let Some((name, seconds)) = rest.rsplit_once(" = ") else { continue };
        if !name.contains('#') || seconds.parse::<f64>().is_err() {
            continue;
        }
        let end = match end {
            "." => TestEnd::Passed,
            "F" | "E" => TestEnd::Failed,
            "S" => TestEnd::Skipped,
            _ => continue,
        };
        report.test(name, end);
    }
    report
}

fn failures(output: &str) -> Vec<String> {
    let lines: Vec<&str> = output.lines().collect();
    let begins = |line: &str| {
        line.trim_start().split_once(") ").is_some_and(|(number, word)| {
            number.bytes().all(|b| b.is_ascii_digit()) && (word == "Failure:" || word == "Error:")
        })
    };
    let starts = lines.iter().enumerate().filter(|(_, line)| begins(line)).map(|(at, _)| at + 1);
    starts
        .take(PIECES)
        .map(|at| piece(lines[at..].iter().copied().take_while(|line| !line.trim().is_empty())))
        .collect()
}
