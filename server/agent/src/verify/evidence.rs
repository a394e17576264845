//! What a check proved, and how it is told to a person and to a model.

use galley_exec::Status;
use serde::{Deserialize, Serialize};

use super::told::Told;
use crate::checks::{Check, Kind};
use crate::outcome::Diagnostic;

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum CheckStatus {
    /// It is green.
    Passed,
    /// It is red.
    Failed,
    /// It could not be run; never the same as green.
    NotRun,
}

/// The result of a check on one content.
///
/// What failed is named: tests by their names, findings of compilers and linters by file, code and message (never by line,
/// so that a moved line is no new finding).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// The check's name.
    pub check: String,
    /// Folder that it ran in, relative to the workspace; empty for its root.
    #[serde(default)]
    pub dir: String,
    /// What it judges.
    pub kind: Kind,
    /// The command as typed.
    pub command: String,
    /// Its exit code; `None` when it did not end by itself.
    pub exit_code: Option<i32>,
    /// How it ended.
    pub status: CheckStatus,
    /// One line: `2 failing before, 0 after, 9 passed`, or why it could not run.
    pub summary: String,
    /// What failed on the base and does not any more.
    pub fixed: Vec<String>,
    /// What passed on the base (or was not there) and fails now.
    pub newly_failing: Vec<String>,
    /// What failed on the base and fails still.
    pub still_failing: Vec<String>,
    /// Tests that failed and passed on one and the same content; they speak neither for nor against the change.
    #[serde(default)]
    pub flaky: Vec<String>,
    /// Tests that passed on the base and are not run any more: deleted, skipped, or no longer reached.
    #[serde(default)]
    pub gone: Vec<String>,
    /// How many tests passed.
    pub passed: usize,
    /// How many tests or findings failed on the base; `None` when the base was not checked.
    pub failing_before: Option<usize>,
    /// Errors by place, bounded.
    #[serde(default)]
    pub diagnostics: Vec<Diagnostic>,
    /// The first errors, bounded.
    pub errors: Vec<String>,
    /// Seconds that it took.
    pub seconds: f64,
    /// The level of the sandbox that it ran in.
    pub sandbox: String,
    /// Hash of the content that it ran on.
    pub hash: String,
}

/// Names of one list that the model is told.
const NAMES: usize = 20;
/// Errors that the model is told.
const ERRORS: usize = 5;

impl Evidence {
    /// A check that could not be run, and why. Never the same as green.
    pub fn not_run(check: &Check, why: impl Into<String>) -> Evidence {
        Evidence {
            check: check.name.clone(),
            dir: check.dir.clone(),
            kind: check.kind,
            command: check.command(),
            exit_code: None,
            status: CheckStatus::NotRun,
            summary: format!("not verified: {}", why.into()),
            fixed: Vec::new(),
            newly_failing: Vec::new(),
            still_failing: Vec::new(),
            flaky: Vec::new(),
            gone: Vec::new(),
            passed: 0,
            failing_before: None,
            diagnostics: Vec::new(),
            errors: Vec::new(),
            seconds: 0.0,
            sandbox: String::new(),
            hash: String::new(),
        }
    }

    /// Whether it came of this check.
    pub fn is_of(&self, check: &Check) -> bool {
        self.check == check.name && self.dir == check.dir
    }

    /// Whether the change is no worse than the base by this check: green, or red only in what was red before or is flaky.
    pub fn is_no_worse(&self) -> bool {
        match self.status {
            CheckStatus::Passed => true,
            CheckStatus::NotRun => false,
            CheckStatus::Failed => {
                self.newly_failing.is_empty()
                    && self.gone.is_empty()
                    && !(self.still_failing.is_empty() && self.flaky.is_empty())
                    && self.failing_before.is_some()
            }
        }
    }

    /// The evidence as a compact report for the model. An error that it was `told` before is only named.
    pub fn for_model(&self, told: &mut Told) -> String {
        let mut text = format!("{}: {}", self.check, self.summary);
        for (label, names) in [
            ("newly failing", &self.newly_failing),
            ("still failing", &self.still_failing),
            ("no longer run", &self.gone),
            ("flaky, no matter of yours", &self.flaky),
            ("fixed", &self.fixed),
        ] {
            // Findings of compilers are told in full below.
            if !names.is_empty() && (self.kind == Kind::Test || label == "fixed") {
                let shown: Vec<&str> = names.iter().take(NAMES).map(String::as_str).collect();
                text.push_str(&format!("\n{label}: {}", shown.join(", ")));
                if names.len() > NAMES {
                    text.push_str(&format!(" and {} more", names.len() - NAMES));
                }
            }
        }
        for error in self.errors.iter().take(ERRORS) {
            text.push_str("\n\n");
            text.push_str(&told.once(error));
        }
        text
    }

    /// The receipt in one line, as it stands beside a hunk.
    pub fn receipt(&self) -> String {
        if self.status == CheckStatus::NotRun {
            return format!("{} — {}", self.command, self.summary);
        }
        let hash: String = self.hash.chars().take(8).collect();
        format!(
            "{} — {}, {:.1} s, {}, content {hash}…",
            self.command, self.summary, self.seconds, self.sandbox
        )
    }

    /// Puts what the lists say into one line.
    pub(super) fn summarise(&mut self, status: &Status) {
        self.summary = summary(self, status);
    }
}

fn summary(evidence: &Evidence, status: &Status) -> String {
    match status {
        Status::TimedOut => return "stopped: it took too long".to_owned(),
        Status::Cancelled => return "cancelled".to_owned(),
        Status::OutputLimit => return "stopped: it printed too much".to_owned(),
        Status::MemoryLimit => return "stopped: it used too much memory".to_owned(),
        Status::ProcessLimit => return "stopped: it started too many processes".to_owned(),
        Status::DiskLimit => return "stopped: it took too much of the disk".to_owned(),
        Status::Signalled(signal) => return format!("died of signal {signal}"),
        Status::Exited(_) => {}
    }
    let failed = evidence.newly_failing.len() + evidence.still_failing.len();
    let ran_tests = evidence.passed + failed + evidence.flaky.len() > 0;
    if evidence.kind != Kind::Test || !ran_tests || (evidence.passed == 0 && !evidence.diagnostics.is_empty())
    {
        return without_tests(evidence, failed);
    }
    let mut parts = Vec::new();
    if let Some(before) = evidence.failing_before {
        parts.push(format!("{before} failing before, {failed} after"));
    } else if failed > 0 {
        parts.push(format!("{failed} failing"));
    }
    if !evidence.newly_failing.is_empty() && evidence.failing_before.is_some() {
        parts.push(format!("{} newly failing", evidence.newly_failing.len()));
    }
    if !evidence.gone.is_empty() {
        parts.push(format!("{} no longer run", evidence.gone.len()));
    }
    if !evidence.flaky.is_empty() {
        parts.push(format!("{} flaky", evidence.flaky.len()));
    }
    parts.push(format!("{} passed", evidence.passed));
    parts.join(", ")
}

fn without_tests(evidence: &Evidence, failed: usize) -> String {
    let first = evidence.errors.first().and_then(|error| error.lines().next());
    let first = first.map(|line| line.chars().take(160).collect::<String>());
    match (evidence.status, first) {
        (CheckStatus::Passed, _) => "no errors".to_owned(),
        (CheckStatus::Failed, first) if evidence.kind == Kind::Test => {
            let why = first.or_else(|| Some(format!("exit status {}", evidence.exit_code?)));
            format!("no test ran{}", why.map(|why| format!(": {why}")).unwrap_or_default())
        }
        (_, first) if evidence.failing_before.is_some() && failed > 0 => {
            let new = evidence.newly_failing.len();
            let first = first.filter(|_| new > 0).map(|line| format!(": {line}")).unwrap_or_default();
            match failed {
                1 => format!("1 error, {}{first}", if new == 0 { "not new" } else { "new" }),
                _ => format!("{failed} errors, {new} of them new{first}"),
            }
        }
        (_, Some(line)) => line,
        (_, None) => match evidence.exit_code {
            Some(code) => format!("exit status {code}"),
            None => "it did not end by itself".to_owned(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn evidence(kind: Kind, status: CheckStatus) -> Evidence {
        let check = Check {
            name: "cargo test".into(),
            kind,
            argv: vec!["cargo".into(), "test".into()],
            dir: String::new(),
            reader: crate::checks::Reader::Libtest,
            install: String::new(),
            reports: Vec::new(),
            whole: None,
        };
        Evidence { status, ..Evidence::not_run(&check, String::new()) }
    }

    #[test]
    fn not_run_is_never_green() {
        assert!(!evidence(Kind::Test, CheckStatus::NotRun).is_no_worse());
        assert!(evidence(Kind::Test, CheckStatus::Passed).is_no_worse());
    }

    #[test]
    fn red_as_before_is_no_worse_but_newly_red_is() {
        let mut red = evidence(Kind::Test, CheckStatus::Failed);
        assert!(!red.is_no_worse(), "red, and nobody knows why");
        red.failing_before = Some(1);
        red.still_failing = vec!["a".into()];
        assert!(red.is_no_worse());
        red.gone = vec!["c".into()];
        assert!(!red.is_no_worse(), "tests that are not reached any more are not as before");
        red.gone.clear();
        red.newly_failing = vec!["b".into()];
        assert!(!red.is_no_worse());
        red.newly_failing.clear();
        red.still_failing.clear();
        red.flaky = vec!["b".into()];
        assert!(red.is_no_worse());
    }

    #[test]
    fn the_summary_tells_before_and_after() {
        let mut green = evidence(Kind::Test, CheckStatus::Passed);
        green.failing_before = Some(2);
        green.passed = 9;
        assert_eq!(summary(&green, &Status::Exited(0)), "2 failing before, 0 after, 9 passed");
        green.flaky = vec!["x".into()];
        green.gone = vec!["y".into()];
        assert_eq!(
            summary(&green, &Status::Exited(1)),
            "2 failing before, 0 after, 1 no longer run, 1 flaky, 9 passed"
        );
        let mut lint = evidence(Kind::Lint, CheckStatus::Failed);
        lint.failing_before = Some(1);
        lint.still_failing = vec!["a".into()];
        lint.errors = vec!["a.c:1:1: bad\nmore".into()];
        assert_eq!(summary(&lint, &Status::Exited(1)), "1 error, not new");
        lint.newly_failing = vec!["b".into()];
        assert_eq!(summary(&lint, &Status::Exited(1)), "2 errors, 1 of them new: a.c:1:1: bad");
    }

    #[test]
    fn evidence_of_an_older_journal_reads() {
        let mut value = serde_json::to_value(evidence(Kind::Test, CheckStatus::Passed)).unwrap();
        for field in ["dir", "flaky", "gone", "diagnostics"] {
            value.as_object_mut().unwrap().remove(field);
        }
        let read: Evidence = serde_json::from_value(value).unwrap();
        assert_eq!(read, evidence(Kind::Test, CheckStatus::Passed));
    }

    #[test]
    fn an_error_is_told_in_full_only_once() {
        let mut red = evidence(Kind::Test, CheckStatus::Failed);
        red.errors = vec!["thread 'a' (123) panicked at a.rs:1:2:\nleft: 1\nright: 2".into()];
        let mut told = Told::default();
        assert!(red.for_model(&mut told).contains("right: 2"));
        red.errors = vec!["thread 'a' (987) panicked at a.rs:1:2:\nleft: 1\nright: 2".into()];
        let again = red.for_model(&mut told);
        assert!(
            again.contains("a.rs:1:2") && again.contains("as before") && !again.contains("right"),
            "{again}"
        );
        red.errors = vec!["thread 'a' (987) panicked at a.rs:1:2:\nleft: 3\nright: 2".into()];
        assert!(red.for_model(&mut told).contains("left: 3"), "another error is told");
    }
}
