//! Reading what a check printed: tests by name, and the lines that say what is wrong.

use std::collections::BTreeMap;

use crate::checks::Reader;

/// How a test ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TestEnd {
    /// It passed.
    Passed,
    /// It failed.
    Failed,
    /// It was skipped.
    Skipped,
}

/// What a check printed, in structure.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Tests by name; empty where the runner's lines are not known.
    pub tests: BTreeMap<String, TestEnd>,
    /// Lines that say what is wrong, each with what belongs to it, at most 15 lines a piece.
    pub errors: Vec<String>,
}

impl Report {
    /// Names of the tests that ended so.
    pub fn named(&self, end: TestEnd) -> Vec<&str> {
        self.tests.iter().filter(|(_, known)| **known == end).map(|(name, _)| name.as_str()).collect()
    }
}

/// Reads the output of a check. Never fails: what is not understood is left out.
pub fn read(reader: Reader, output: &str) -> Report {
    let tests = match reader {
        Reader::Libtest => libtest(output),
        Reader::Pytest => pytest(output),
        Reader::GoTest => go_test(output),
        Reader::Tap => tap(output),
        Reader::Generic => BTreeMap::new(),
    };
    let mut errors = match reader {
        Reader::Libtest => libtest_failures(output),
        _ => Vec::new(),
    };
    if errors.is_empty() {
        errors = error_lines(output);
    }
    errors.truncate(8);
    Report { tests, errors }
}

fn libtest(output: &str) -> BTreeMap<String, TestEnd> {
    let mut tests = BTreeMap::new();
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
        let name = name.strip_suffix(" - should panic").unwrap_or(name);
        // The same name may stand in several binaries; a failure of any of them is a failure.
        let known = tests.entry(name.to_owned()).or_insert(end);
        if end == TestEnd::Failed {
            *known = end;
        }
    }
    tests
}

/// The sections `---- name stdout ----` of libtest, and the compiler's errors.
fn libtest_failures(output: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut current: Option<Vec<&str>> = None;
    for line in output.lines() {
        if line.starts_with("---- ") && line.ends_with(" stdout ----") {
            found.extend(current.take().map(|lines| piece(&lines)));
            current = Some(vec![line]);
        } else if line == "failures:" {
            found.extend(current.take().map(|lines| piece(&lines)));
        } else if let Some(lines) = &mut current
            && !line.contains("RUST_BACKTRACE")
        {
            lines.push(line);
        }
    }
    found.extend(current.map(|lines| piece(&lines)));
    found
}

fn pytest(output: &str) -> BTreeMap<String, TestEnd> {
    let ends = [
        ("PASSED ", TestEnd::Passed),
        ("FAILED ", TestEnd::Failed),
        ("ERROR ", TestEnd::Failed),
        ("SKIPPED ", TestEnd::Skipped),
        ("XFAIL ", TestEnd::Skipped),
        ("XPASS ", TestEnd::Passed),
    ];
    let mut tests = BTreeMap::new();
    for line in output.lines() {
        for (prefix, end) in ends {
            if let Some(rest) = line.strip_prefix(prefix) {
                let name = rest.split(" - ").next().unwrap_or(rest).trim();
                if name.contains("::") || name.ends_with(".py") {
                    tests.insert(name.to_owned(), end);
                }
            }
        }
    }
    tests
}

fn go_test(output: &str) -> BTreeMap<String, TestEnd> {
    let mut tests = BTreeMap::new();
    for line in output.lines() {
        let Ok(event) = serde_json::from_str::<serde_json::Value>(line) else { continue };
        let (Some(action), Some(test)) = (event["Action"].as_str(), event["Test"].as_str()) else { continue };
        let end = match action {
            "pass" => TestEnd::Passed,
            "fail" => TestEnd::Failed,
            "skip" => TestEnd::Skipped,
            _ => continue,
        };
        tests.insert(format!("{}.{test}", event["Package"].as_str().unwrap_or_default()), end);
    }
    tests
}

fn tap(output: &str) -> BTreeMap<String, TestEnd> {
    let mut tests = BTreeMap::new();
    for line in output.lines() {
        let line = line.trim_start();
        let (failed, rest) = match (line.strip_prefix("not ok "), line.strip_prefix("ok ")) {
            (Some(rest), _) => (true, rest),
            (None, Some(rest)) => (false, rest),
            (None, None) => continue,
        };
        let name = rest.trim_start_matches(|c: char| c.is_ascii_digit()).trim_start_matches([' ', '-']);
        let (name, directive) = name.split_once(" # ").unwrap_or((name, ""));
        if name.is_empty() {
            continue;
        }
        let end = match (directive.to_ascii_lowercase(), failed) {
            (word, _) if word.starts_with("skip") || word.starts_with("todo") => TestEnd::Skipped,
            (_, true) => TestEnd::Failed,
            (_, false) => TestEnd::Passed,
        };
        tests.insert(name.to_owned(), end);
    }
    tests
}

/// Lines that look like errors, each with the few that follow it up to the next blank line.
fn error_lines(output: &str) -> Vec<String> {
    let lines: Vec<&str> = output.lines().collect();
    let mut found = Vec::new();
    let mut at = 0;
    while at < lines.len() && found.len() < 8 {
        if looks_like_error(lines[at]) {
            let end = (at..lines.len()).find(|&line| lines[line].trim().is_empty()).unwrap_or(lines.len());
            found.push(piece(&lines[at..end]));
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

fn piece(lines: &[&str]) -> String {
    let kept: Vec<&str> = lines.iter().take(15).map(|line| line.trim_end()).collect();
    kept.join("\n").trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIBTEST: &str = "\nrunning 3 tests\ntest range::splits ... ok\ntest range::merges ... FAILED\ntest slow ... ignored, takes long\n\nfailures:\n\n---- range::merges stdout ----\n\nthread 'range::merges' panicked at src/range.rs:40:9:\nassertion `left == right` failed\n  left: 1\n right: 2\nnote: run with `RUST_BACKTRACE=1` environment variable to display a backtrace\n\n\nfailures:\n    range::merges\n\ntest result: FAILED. 1 passed; 1 failed; 1 ignored\n";

    #[test]
    fn libtest_lines_are_read() {
        let report = read(Reader::Libtest, LIBTEST);
        assert_eq!(report.named(TestEnd::Failed), ["range::merges"]);
        assert_eq!(report.named(TestEnd::Passed), ["range::splits"]);
        assert_eq!(report.named(TestEnd::Skipped), ["slow"]);
        assert_eq!(report.errors.len(), 1);
        assert!(report.errors[0].contains("src/range.rs:40:9"), "{}", report.errors[0]);
    }

    #[test]
    fn a_compile_error_is_found_where_no_test_ran() {
        let report = read(
            Reader::Libtest,
            "   Compiling a v0.1.0\nerror[E0425]: cannot find value `x`\n --> src/lib.rs:2:5\n  |\n\nerror: could not compile `a`\n",
        );
        assert!(report.tests.is_empty());
        assert!(report.errors[0].starts_with("error[E0425]") && report.errors[0].contains("src/lib.rs:2:5"));
    }

    #[test]
    fn pytest_go_and_tap_name_their_tests() {
        let pytest =
            read(Reader::Pytest, "PASSED test_a.py::test_ok\nFAILED test_a.py::test_no - assert 1 == 2\n");
        assert_eq!(pytest.named(TestEnd::Failed), ["test_a.py::test_no"]);
        let go =
            read(Reader::GoTest, "{\"Action\":\"fail\",\"Package\":\"a/b\",\"Test\":\"TestX\"}\nnot json\n");
        assert_eq!(go.named(TestEnd::Failed), ["a/b.TestX"]);
        let tap =
            read(Reader::Tap, "TAP version 13\nok 1 - adds\nnot ok 2 - subtracts\nok 3 - later # SKIP\n");
        assert_eq!(
            (tap.named(TestEnd::Passed), tap.named(TestEnd::Failed)),
            (vec!["adds"], vec!["subtracts"])
        );
    }
}
