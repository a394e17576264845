//! Places in plain lines, as gcc, clang, javac, `go vet`, shellcheck and rustc print them, and lines that look like errors.

use super::{Diagnostic, PIECES, Place, Report, Severity, piece};

pub(super) fn read(output: &str) -> Report {
    Report { diagnostics: diagnostics(output), ..Report::default() }
}

/// Every `path:line[:column]: message` of the output, and rustc's `error[code]: message` with ` --> place` below. Numbers
/// are taken as one-based.
pub(super) fn diagnostics(output: &str) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let mut head: Option<(Severity, Option<String>, &str)> = None;
    for line in output.lines() {
        if let Some(place) = line.trim_start().strip_prefix("--> ") {
            if let (Some((severity, code, message)), Some((path, start))) = (head.take(), at(place)) {
                let path = path.to_owned();
                found.push(Diagnostic {
                    path,
                    start,
                    end: None,
                    severity,
                    code,
                    message: message.to_owned(),
                });
            }
        } else if let Some(said) = rustc_head(line) {
            head = Some(said);
        } else if let Some(placed) = placed(line) {
            found.push(placed);
        }
        if found.len() == super::DIAGNOSTICS {
            break;
        }
    }
    found
}

/// `error[E0308]: mismatched types`
fn rustc_head(line: &str) -> Option<(Severity, Option<String>, &str)> {
    let (head, message) = line.split_once(": ")?;
    let (word, code) = match head.split_once('[') {
        Some((word, code)) => (word, Some(code.strip_suffix(']')?.to_owned())),
        None => (head, None),
    };
    Some((severity(word)?, code, message))
}

/// `path:line:column` or `path:line`
fn at(place: &str) -> Option<(&str, Place)> {
    let (rest, last) = place.trim().rsplit_once(':')?;
    let last = last.parse().ok()?;
    match rest.rsplit_once(':').and_then(|(path, line)| Some((path, line.parse().ok()?))) {
        Some((path, line)) => Some((path, Place::from_one_based(line, last))),
        None => Some((rest, Place::from_one_based(last, 1))),
    }
}

/// A line `path:line[:column]: [severity:] message [code]`.
pub(super) fn placed(line: &str) -> Option<Diagnostic> {
    let line = line.strip_prefix("vet: ").unwrap_or(line);
    // Maven marks its lines, and writes the place in brackets.
    if let Some(rest) = line.strip_prefix("[ERROR] ") {
        return maven(rest);
    }
    // A drive's colon belongs to the path.
    let skip = if line.get(1..3) == Some(":\\") { 2 } else { 0 };
    let (path, rest) = line.get(skip..)?.split_once(':')?;
    let path = line.get(..skip + path.len())?;
    if !looks_like_path(path) {
        return None;
    }
    let (row, rest) = rest.split_once(':')?;
    let row: u64 = row.parse().ok()?;
    let (column, message) = match rest.split_once(':').map(|(column, rest)| (column.parse::<u64>(), rest)) {
        Some((Ok(column), rest)) => (column, rest),
        _ => (1, rest),
    };
    let message = message.trim();
    let (severity, message) =
        match message.split_once(": ").and_then(|(word, rest)| Some((severity(word)?, rest))) {
            Some(said) => said,
            None => (Severity::Error, message),
        };
    if message.is_empty() {
        return None;
    }
    let (message, code) = match message.rsplit_once(" [") {
        Some((text, code)) if code.ends_with(']') && !code.contains(' ') => {
            (text.trim_end(), Some(code.trim_end_matches(']').to_owned()))
        }
        _ => (message, None),
    };
    Some(Diagnostic {
        path: path.strip_prefix("./").unwrap_or(path).to_owned(),
        start: Place::from_one_based(row, column),
        end: None,
        severity,
        code,
        message: message.to_owned(),
    })
}

/// `/path/A.java:[3,5] incompatible types`
fn maven(line: &str) -> Option<Diagnostic> {
    let (path, rest) = line.split_once(":[")?;
    let (numbers, message) = rest.split_once("] ")?;
    let (row, column) = numbers.split_once(',')?;
    Some(Diagnostic {
        path: path.to_owned(),
        start: Place::from_one_based(row.parse().ok()?, column.parse().ok()?),
        end: None,
        severity: Severity::Error,
        code: None,
        message: message.to_owned(),
    })
}

fn severity(word: &str) -> Option<Severity> {
    match word {
        "error" | "fatal error" | "Error" | "ERROR" => Some(Severity::Error),
        "warning" | "Warning" | "WARNING" => Some(Severity::Warning),
        "note" | "info" | "style" | "help" => Some(Severity::Note),
        _ => None,
    }
}

/// A name with an extension and no blanks: times, addresses and stack frames have colons and numbers too.
fn looks_like_path(text: &str) -> bool {
    let name = text.rsplit(['/', '\\']).next().unwrap_or(text);
    let extension = name.rsplit_once('.').map(|(_, extension)| extension).unwrap_or_default();
    !text.is_empty()
        && !text.contains(['(', '"', '\'', '<', '\t'])
        && !text.starts_with(' ')
        && !text.contains("://")
        && (1..=6).contains(&extension.len())
        && extension.starts_with(|c: char| c.is_ascii_alphabetic())
        && extension.chars().all(|c| c.is_ascii_alphanumeric())
}

/// Lines that look like errors, each with the few that follow it up to the next blank line.
pub(super) fn errors(output: &str) -> Vec<String> {
    let lines: Vec<&str> = output.lines().collect();
    let mut found = Vec::new();
    let mut at = 0;
    while at < lines.len() && found.len() < PIECES {
        if looks_like_error(lines[at]) {
            let end = (at..lines.len()).find(|&line| lines[line].trim().is_empty()).unwrap_or(lines.len());
            found.push(piece(lines[at..end].iter().copied()));
            at = end;
        }
        at += 1;
    }
    found
}

fn looks_like_error(line: &str) -> bool {
    let low = line.trim_start().to_ascii_lowercase();
    let starts =
        ["error", "fatal", "failed", "e   ", "traceback", "assertionerror", "panic", "--- fail", "not ok "];
    starts.iter().any(|start| low.starts_with(start)) || low.contains(": error") || low.contains("error ts")
}
