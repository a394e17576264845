//! Which tests ran which lines, from the reports that coverage tools leave in a project.
//!
//! Read are coverage.py's JSON with contexts (`coverage json --show-contexts`, after `pytest --cov-context=test` or with
//! `dynamic_context = test_function`) and lcov's tracefiles where `TN` names a file of tests. A report speaks of the text
//! at its time and may be old: it says which tests to run first, and proves nothing.

use std::collections::{BTreeMap, BTreeSet};

use galley_text::path::RelPath;
use galley_workspace::Overlay;
use serde_json::Value;

/// Where reports lie.
const REPORTS: [&str; 4] = ["coverage.json", "coverage/coverage.json", "lcov.info", "coverage/lcov.info"];
/// Bytes of a report beyond which it is not read.
const LARGEST: usize = 32 << 20;

/// Lines that were run, by source file and by file of tests.
#[derive(Debug, Default)]
pub(crate) struct Coverage(BTreeMap<RelPath, BTreeMap<RelPath, BTreeSet<u32>>>);

impl Coverage {
    /// Reads the reports of a workspace. What cannot be read says nothing.
    pub(crate) fn of(overlay: &Overlay) -> Coverage {
        let files = overlay.files();
        let mut found = Coverage::default();
        for report in REPORTS {
            let Ok(text) =
                RelPath::new(report).map_err(|_| ()).and_then(|path| overlay.peek(&path).map_err(|_| ()))
            else {
                continue;
            };
            if text.len() > LARGEST {
                continue;
            }
            match report.ends_with(".json") {
                true => found.read_json(&text, &files),
                false => found.read_lcov(&text, &files),
            }
        }
        found
    }

    /// The files of tests that ran one of these lines (zero-based) of a file; with no lines, any line of it.
    pub(crate) fn tests(&self, path: &RelPath, lines: &BTreeSet<u32>) -> Vec<&RelPath> {
        let tests = self.0.get(path).into_iter().flatten();
        let ran = |covered: &BTreeSet<u32>| lines.is_empty() || !covered.is_disjoint(lines);
        tests.filter(|(_, covered)| ran(covered)).map(|(test, _)| test).collect()
    }

    /// A line, from 1.
    fn put(&mut self, path: &RelPath, test: RelPath, line: u32) {
        let Some(line) = line.checked_sub(1) else { return };
        self.0.entry(path.clone()).or_default().entry(test).or_default().insert(line);
    }

    fn read_json(&mut self, text: &str, files: &[RelPath]) {
        let Ok(report) = serde_json::from_str::<Value>(text) else { return };
        for (name, file) in report["files"].as_object().into_iter().flatten() {
            let Some(path) = known(name, files) else { continue };
            for (line, contexts) in file["contexts"].as_object().into_iter().flatten() {
                let Ok(line) = line.parse() else { continue };
                for context in contexts.as_array().into_iter().flatten().filter_map(Value::as_str) {
                    if let Some(test) = test_of(context, files) {
                        self.put(&path, test, line);
                    }
                }
            }
        }
    }

    fn read_lcov(&mut self, text: &str, files: &[RelPath]) {
        let (mut test, mut path) = (None, None);
        for line in text.lines() {
            match line.split_once(':') {
                Some(("TN", name)) => test = test_of(name, files),
                Some(("SF", name)) => path = known(name, files),
                Some(("DA", counted)) => {
                    let mut numbers =
                        counted.split(',').map(|number| number.trim().parse::<u64>().unwrap_or(0));
                    let (line, count) = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
                    if let (Some(test), Some(path), Ok(line), true) =
                        (&test, &path, u32::try_from(line), count > 0)
                    {
                        self.put(path, test.clone(), line);
                    }
                }
                _ => {}
            }
        }
    }
}

/// The file of the workspace that a report names, by its path in it or by one that ends in that.
fn known(name: &str, files: &[RelPath]) -> Option<RelPath> {
    let name = name.trim().replace('\\', "/");
    let name = name.trim_start_matches("./");
    if let Some(path) = RelPath::new(name).ok().filter(|path| files.binary_search(path).is_ok()) {
        return Some(path);
    }
    let ends = |path: &&RelPath| name.strip_suffix(path.as_str()).is_some_and(|above| above.ends_with('/'));
    files.iter().filter(ends).max_by_key(|path| path.as_str().len()).cloned()
}

/// The file of a test: `tests/test_a.py::test_x|run`, `tests.test_a.TestCase.test_x`, or a file's name.
fn test_of(context: &str, files: &[RelPath]) -> Option<RelPath> {
    let context = context.split(['|']).next().unwrap_or_default();
    if let Some(path) = known(context.split("::").next().unwrap_or_default(), files) {
        return Some(path);
    }
    let mut dotted = context;
    while let Some((module, _)) = dotted.rsplit_once('.') {
        let name = format!("{}.py", module.replace('.', "/"));
        if let Some(path) = RelPath::new(&name).ok().filter(|path| files.binary_search(path).is_ok()) {
            return Some(path);
        }
        dotted = module;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(names: &[&str]) -> Vec<RelPath> {
        let mut paths: Vec<RelPath> = names.iter().map(|name| RelPath::new(name).unwrap()).collect();
        paths.sort();
        paths
    }

    fn told(coverage: &Coverage, path: &str, lines: &[u32]) -> Vec<String> {
        let lines = lines.iter().copied().collect();
        coverage
            .tests(&RelPath::new(path).unwrap(), &lines)
            .iter()
            .map(|test| test.as_str().to_owned())
            .collect()
    }

    #[test]
    fn contexts_of_coverage_py_name_the_tests_of_a_line() {
        let files = paths(&["src/range.py", "tests/test_use.py", "tests/test_far.py"]);
        let mut coverage = Coverage::default();
        let report = r#"{"files": {"src/range.py": {"contexts": {
            "2": ["tests/test_use.py::test_a|run", ""], "5": ["tests.test_far.TestFar.test_c", "gone.test_x"], "x": ["y"]
        }}, "elsewhere.py": {"contexts": {"1": ["tests/test_use.py::test_a"]}}}}"#;
        coverage.read_json(report, &files);
        assert_eq!(told(&coverage, "src/range.py", &[1]), ["tests/test_use.py"]);
        assert_eq!(told(&coverage, "src/range.py", &[4, 9]), ["tests/test_far.py"]);
        assert_eq!(told(&coverage, "src/range.py", &[]), ["tests/test_far.py", "tests/test_use.py"]);
        assert!(
            told(&coverage, "src/range.py", &[7]).is_empty()
                && told(&coverage, "elsewhere.py", &[]).is_empty()
        );
        for broken in
            ["", "[]", "{\"files\": 3}", "{\"files\": {\"src/range.py\": {\"contexts\": {\"0\": [3]}}}}"]
        {
            coverage.read_json(broken, &files);
        }
    }

    #[test]
    fn an_lcov_tracefile_names_its_test() {
        let files = paths(&["src/a.ts", "test/a.test.ts"]);
        let mut coverage = Coverage::default();
        let report = "TN:test/a.test.ts\nSF:/build/project/src/a.ts\nDA:3,1\nDA:4,0\nDA:,\nDA:9\nend_of_record\nTN:\nSF:src/a.ts\nDA:7,1\n";
        coverage.read_lcov(report, &files);
        assert_eq!(told(&coverage, "src/a.ts", &[2]), ["test/a.test.ts"]);
        assert!(told(&coverage, "src/a.ts", &[3]).is_empty(), "not run");
        assert!(told(&coverage, "src/a.ts", &[6]).is_empty(), "by no test that is named");
    }
}
