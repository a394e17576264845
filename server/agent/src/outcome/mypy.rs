//! mypy: `a.py:9:12:9:12: error: message  [code]` with one-based columns and inclusive ends, or `-O json` with zero-based
//! columns and inclusive ends; lines are one-based in both.

use serde_json::Value;

use super::{Diagnostic, Place, Report, Severity, json, lines};

pub(super) fn read(output: &str) -> Report {
    let mut diagnostics: Vec<Diagnostic> = json::lines(output).filter_map(|line| of_json(&line)).collect();
    if diagnostics.is_empty() {
        diagnostics = output.lines().filter_map(of_line).collect();
    }
    Report { diagnostics, ..Report::default() }
}

fn of_json(line: &Value) -> Option<Diagnostic> {
    let one_based = |column: &Value| json::number(column).saturating_add(1);
    let end_line = line["end_line"].as_u64().filter(|_| line["end_column"].is_u64());
    Some(Diagnostic {
        path: line["file"].as_str()?.to_owned(),
        start: Place::from_one_based(line["line"].as_u64()?, one_based(&line["column"])),
        end: end_line.map(|end| Place::from_one_based(end, one_based(&line["end_column"]).saturating_add(1))),
        severity: severity(json::text(&line["severity"]))?,
        code: line["code"].as_str().map(str::to_owned),
        message: line["message"].as_str()?.to_owned(),
    })
}

fn of_line(line: &str) -> Option<Diagnostic> {
    let mut found = lines::placed(line)?;
    // The end of the range, where it is printed, stands before the word: `9:12: error: …`.
    if let Some((end_line, rest)) = found.message.split_once(':')
        && let (Ok(row), Some((end_column, rest))) = (end_line.parse::<u64>(), rest.split_once(':'))
        && let Ok(column) = end_column.parse::<u64>()
    {
        found.end = Some(Place::from_one_based(row, column.saturating_add(1)));
        let (word, message) = rest.trim_start().split_once(": ")?;
        found.severity = severity(word)?;
        found.message = message.to_owned();
    }
    if let Some((message, code)) = found.message.rsplit_once("  [") {
        found.code = code.strip_suffix(']').map(str::to_owned);
        found.message = message.to_owned();
    }
    Some(found)
}

fn severity(word: &str) -> Option<Severity> {
    match word {
        "error" => Some(Severity::Error),
        "warning" => Some(Severity::Warning),
        "note" => Some(Severity::Note),
        _ => None,
    }
}
