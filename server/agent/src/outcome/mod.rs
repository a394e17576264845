//! Reading what a check printed: tests by name, diagnostics by place, and the lines that say what is wrong.
//!
//! One reader a file; `TABLE` names them. What a tool prints is untrusted: a reader never fails and never panics, what it
//! does not understand it leaves out.

mod cargo;
mod ctest;
mod eslint;
mod exunit;
mod go_test;
mod jest;
mod json;
mod junit;
mod libtest;
mod lines;
mod minitest;
mod mocha;
mod mypy;
mod nextest;
mod pyright;
mod pytest;
mod quiet;
mod rspec;
mod ruff;
mod sarif;
mod tap;
mod trx;
mod tsc;
mod unittest;
mod xml;

use std::collections::BTreeMap;

pub use quiet::quiet;

use serde::{Deserialize, Serialize};

/// How the output of a check is read. The names are those of `reader` in `galley.toml`, in lower case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reader {
    /// Rust's libtest lines, and what the compiler says where they do not compile.
    Libtest,
    /// cargo-nextest's lines.
    Nextest,
    /// pytest's `-rA` lines.
    Pytest,
    /// Python's `unittest -v`.
    Unittest,
    /// `go test -json`.
    GoTest,
    /// `jest --json` and `vitest --reporter=json`.
    Jest,
    /// `mocha --reporter json`.
    Mocha,
    /// JUnit XML, as Maven, Gradle, PHPUnit and many others write it.
    Junit,
    /// TAP lines, as bats and node's own runner print them, and node's `spec` lines.
    Tap,
    /// CTest's lines.
    Ctest,
    /// Visual Studio's test results, `dotnet test --logger trx`.
    Trx,
    /// `rspec --format json`.
    Rspec,
    /// Minitest's `--verbose` lines.
    Minitest,
    /// `mix test --trace`.
    Exunit,
    /// `cargo --message-format=json`.
    Cargo,
    /// The TypeScript compiler's `--pretty false` lines.
    Tsc,
    /// `eslint -f json`.
    Eslint,
    /// `ruff check --output-format json`.
    Ruff,
    /// mypy, as lines or as `-O json`.
    Mypy,
    /// `pyright --outputjson`.
    Pyright,
    /// SARIF 2.1.
    Sarif,
    /// Lines `path:line:column: message`, as gcc, clang, javac, `go vet`, shellcheck and many others print them.
    Lines,
    /// Whatever is recognised: test lines of any runner above, else places and lines that look like errors.
    Generic,
}

/// How a test ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum TestEnd {
    /// It passed.
    Passed,
    /// It failed.
    Failed,
    /// It was skipped.
    Skipped,
}

/// How grave a diagnostic is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// It stops the build.
    Error,
    /// It does not.
    Warning,
    /// A remark.
    Note,
}

/// A place in a file. Both numbers are zero-based; columns count what the tool counts (characters or UTF-16 units).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place {
    /// Zero-based line.
    pub line: u32,
    /// Zero-based column.
    pub column: u32,
}

/// Something that a tool says about a place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnostic {
    /// The file as the tool names it; relative to the folder in which it ran, unless absolute.
    pub path: String,
    /// Where it begins.
    pub start: Place,
    /// Where it ends, exclusive; `None` when the tool does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<Place>,
    /// How grave it is.
    pub severity: Severity,
    /// The tool's name for this kind of finding.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// What is wrong, possibly over several lines.
    pub message: String,
}

/// What a check printed, in structure.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Tests by name; empty where the runner's lines are not known.
    pub tests: BTreeMap<String, TestEnd>,
    /// What is wrong where, in the tool's order, bounded.
    #[serde(default)]
    pub diagnostics: Vec<Diagnostic>,
    /// Pieces that say what is wrong, each with what belongs to it, at most 15 lines a piece.
    pub errors: Vec<String>,
}

/// Diagnostics that a report keeps.
const DIAGNOSTICS: usize = 500;
/// Pieces that a report keeps.
pub(crate) const PIECES: usize = 8;
/// Lines of a piece.
const PIECE_LINES: usize = 15;
/// Bytes of one line of a piece.
const PIECE_WIDTH: usize = 400;

type Read = fn(&str) -> Report;

/// Which function reads for which name.
const TABLE: &[(Reader, Read)] = &[
    (Reader::Libtest, libtest::read),
    (Reader::Nextest, nextest::read),
    (Reader::Pytest, pytest::read),
    (Reader::Unittest, unittest::read),
    (Reader::GoTest, go_test::read),
    (Reader::Jest, jest::read),
    (Reader::Mocha, mocha::read),
    (Reader::Junit, junit::read),
    (Reader::Tap, tap::read),
    (Reader::Ctest, ctest::read),
    (Reader::Trx, trx::read),
    (Reader::Rspec, rspec::read),
    (Reader::Minitest, minitest::read),
    (Reader::Exunit, exunit::read),
    (Reader::Cargo, cargo::read),
    (Reader::Tsc, tsc::read),
    (Reader::Eslint, eslint::read),
    (Reader::Ruff, ruff::read),
    (Reader::Mypy, mypy::read),
    (Reader::Pyright, pyright::read),
    (Reader::Sarif, sarif::read),
    (Reader::Lines, lines::read),
];

/// Reads the output of a check. Never fails: what is not understood is left out.
pub fn read(reader: Reader, output: &str) -> Report {
    let mut report = match TABLE.iter().find(|(name, _)| *name == reader) {
        Some((_, read)) => read(output),
        None => recognised(output),
    };
    if report.diagnostics.is_empty() && report.named(TestEnd::Failed).is_empty() {
        // Whatever was to be read, a compiler may have spoken in place of it.
        report.diagnostics = lines::diagnostics(output);
    }
    report.diagnostics.truncate(DIAGNOSTICS);
    if report.errors.is_empty() {
        let grave = report.diagnostics.iter().filter(|found| found.severity == Severity::Error);
        report.errors = grave.take(PIECES).map(Diagnostic::shown).collect();
    }
    if report.errors.is_empty() {
        report.errors = lines::errors(output);
    }
    report.errors.truncate(PIECES);
    report
}

/// The first reader of tests that finds any; a reader of lines is in each of them.
fn recognised(output: &str) -> Report {
    let found = TABLE.iter().map(|(_, read)| read(output)).find(|report| !report.tests.is_empty());
    found.unwrap_or_default()
}

impl Report {
    /// Names of the tests that ended so.
    pub fn named(&self, end: TestEnd) -> Vec<&str> {
        self.tests.iter().filter(|(_, known)| **known == end).map(|(name, _)| name.as_str()).collect()
    }

    /// Takes in how a test ended. The same name may come several times; a failure of any is a failure.
    fn test(&mut self, name: impl Into<String>, end: TestEnd) {
        let known = self.tests.entry(name.into()).or_insert(end);
        if end == TestEnd::Failed {
            *known = end;
        }
    }

    /// Takes in why a test failed.
    fn failure(&mut self, name: &str, text: &str) {
        if self.errors.len() < PIECES {
            self.errors.push(piece(std::iter::once(name).chain(text.trim_matches('\n').lines())));
        }
    }

    /// The errors by what they say and not by where in the file: equal ones are numbered, so that a second of the same
    /// kind is another. A moved line is no new error.
    pub fn findings(&self) -> Vec<String> {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        let grave = self.diagnostics.iter().filter(|found| found.severity == Severity::Error);
        grave
            .map(|found| {
                let first = found.message.lines().next().unwrap_or_default();
                let code = found.code.as_deref().unwrap_or("error");
                let name = format!("{}: {code}: {}", found.path, clipped(first, 120));
                let count = counts.entry(name.clone()).or_default();
                *count += 1;
                if *count == 1 { name } else { format!("{name} (no. {count})") }
            })
            .collect()
    }
}

impl Diagnostic {
    /// The diagnostic as compilers print it, with one-based numbers.
    pub fn shown(&self) -> String {
        let severity = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "note",
        };
        let code = self.code.as_ref().map(|code| format!("[{code}]")).unwrap_or_default();
        let head = format!(
            "{}:{}:{}: {severity}{code}: {}",
            self.path,
            self.start.line.saturating_add(1),
            self.start.column.saturating_add(1),
            self.message
        );
        piece(head.lines())
    }
}

impl Place {
    /// A place from one-based numbers; a zero counts as one.
    fn from_one_based(line: u64, column: u64) -> Place {
        let zero = |number: u64| u32::try_from(number.saturating_sub(1)).unwrap_or(u32::MAX);
        Place { line: zero(line), column: zero(column) }
    }
}

/// Lines joined to a piece of bounded height and width.
fn piece<'a>(lines: impl IntoIterator<Item = &'a str>) -> String {
    let kept: Vec<&str> =
        lines.into_iter().take(PIECE_LINES).map(|line| clipped(line.trim_end(), PIECE_WIDTH)).collect();
    kept.join("\n").trim_end().to_owned()
}

/// The beginning of a text, at most so many bytes.
fn clipped(text: &str, bytes: usize) -> &str {
    &text[..text.floor_char_boundary(bytes)]
}

#[cfg(test)]
mod tests;
