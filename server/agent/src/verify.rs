//! Verification: checks run in the task's shadow, and what they prove.
//!
//! Evidence is made here alone, from exit codes and runner output; no text of the model's reaches it. It names the content
//! that it speaks of by hash, so that a later change makes it stale by itself. What failed on the base is known by running
//! the same check there, and told apart from what the change broke and what it mended.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use galley_exec::{ExecError, Level, Limits, Network, Outcome, SandboxSpec, Spec, Status};
use galley_workspace::{Overlay, Shadow, ShadowError, Snapshot};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::checks::{Check, Kind};
use crate::outcome::{self, Report, TestEnd};

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
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// The check's name.
    pub check: String,
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
    /// Tests that failed on the base and pass now.
    pub fixed: Vec<String>,
    /// Tests that passed on the base (or were not there) and fail now.
    pub newly_failing: Vec<String>,
    /// Tests that failed on the base and fail still.
    pub still_failing: Vec<String>,
    /// How many tests passed.
    pub passed: usize,
    /// How many tests failed on the base; `None` when the base was not checked.
    pub failing_before: Option<usize>,
    /// The first errors, bounded.
    pub errors: Vec<String>,
    /// Seconds that it took.
    pub seconds: f64,
    /// The level of the sandbox that it ran in.
    pub sandbox: String,
    /// Hash of the content that it ran on.
    pub hash: String,
}

/// One run of a command in the shadow.
#[derive(Debug)]
pub struct Ran {
    /// What the process did.
    pub outcome: Outcome,
    /// Hash of the content that it ran on.
    pub hash: String,
}

/// Why nothing could be run.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// The shadow could not be made or brought up to date.
    #[error("the shadow copy could not be prepared: {0}")]
    Shadow(#[from] ShadowError),
    /// The folder for build products could not be made.
    #[error("the folder for build products cannot be made: {0}")]
    Place(std::io::Error),
    /// The command could not be started.
    #[error(transparent)]
    Exec(#[from] ExecError),
}

/// Where checks run.
#[derive(Debug, Clone)]
pub struct Bench {
    /// Where caches and shadows live.
    pub state_dir: PathBuf,
    /// The strongest sandbox that works on this machine.
    pub level: Level,
}

/// A task's shadow with what was learnt in it.
pub struct Verifier {
    bench: Bench,
    base: Snapshot,
    shadow: Option<Shadow>,
    baseline: BTreeMap<String, (Option<i32>, Report)>,
}

impl Verifier {
    /// A verifier over the snapshot that the task began with. The shadow is made at the first need.
    pub fn new(bench: Bench, base: Snapshot) -> Verifier {
        Verifier { bench, base, shadow: None, baseline: BTreeMap::new() }
    }

    /// Runs a command in the shadow, brought up to `overlay` before.
    ///
    /// # Errors
    /// When the shadow or the process could not be made. A command that fails is an [`Outcome`].
    pub async fn run(
        &mut self,
        overlay: &Overlay,
        argv: Vec<String>,
        dir: &str,
        wall: Duration,
        on_output: &mut (dyn FnMut(&[u8]) + Send),
        cancel: &CancellationToken,
    ) -> Result<Ran, VerifyError> {
        let shadow = self.prepared(overlay)?;
        let root = shadow.path().to_path_buf();
        let readable = shadow.readonly_binds().iter().map(|(source, _)| source.clone()).collect();
        let cache = self.cache_dir()?;
        let tmp = cache.join("tmp");
        galley_workspace::create_dir(&tmp).map_err(VerifyError::Place)?;
        let cwd = if dir.is_empty() { root.clone() } else { root.join(dir) };
        let spec = Spec {
            argv,
            cwd,
            env: environment(&cache, &tmp),
            stdin: None,
            limits: Limits { wall, ..Limits::default() },
            sandbox: SandboxSpec {
                writable: vec![root, tmp, cache],
                readable,
                readable_hidden: Vec::new(),
                network: Network::None,
            },
        };
        let hash = overlay.content_hash();
        let level = self.bench.level;
        let outcome = galley_exec::run(&spec, level, &mut |_, bytes| on_output(bytes), cancel).await?;
        Ok(Ran { outcome, hash })
    }

    /// Runs a check on the overlay, and on the base before it where that was not done yet.
    pub async fn check(
        &mut self,
        check: &Check,
        overlay: &Overlay,
        on_output: &mut (dyn FnMut(&[u8]) + Send),
        cancel: &CancellationToken,
    ) -> Evidence {
        if galley_exec::which(&check.argv[0]).is_none() {
            return not_run(check, format!("{} is not installed ({})", check.argv[0], check.install));
        }
        if check.kind == Kind::Test && !self.baseline.contains_key(&check.name) {
            let base = self.learn_baseline(check, on_output, cancel).await;
            if let Some(evidence) = base.filter(|_| overlay.is_unchanged()) {
                return evidence;
            }
        }
        let ran = match self.run(overlay, check.argv.clone(), &check.dir, WALL, on_output, cancel).await {
            Ok(ran) => ran,
            Err(error) => return not_run(check, error.to_string()),
        };
        let text = ran.outcome.output.text();
        let report = outcome::read(check.reader, &text);
        if let Some(tool) = missing_tool(&ran.outcome.status, &text).filter(|_| report.tests.is_empty()) {
            return not_run(check, format!("{tool} is not installed ({})", check.install));
        }
        self.evidence(check, &ran, report)
    }

    /// Runs a check on the base, so that what failed before the change is known.
    pub async fn learn_baseline(
        &mut self,
        check: &Check,
        on_output: &mut (dyn FnMut(&[u8]) + Send),
        cancel: &CancellationToken,
    ) -> Option<Evidence> {
        let base = Overlay::new(self.base.clone());
        let ran = self.run(&base, check.argv.clone(), &check.dir, WALL, on_output, cancel).await.ok()?;
        if matches!(ran.outcome.status, Status::Cancelled) {
            return None;
        }
        let text = ran.outcome.output.text();
        let report = outcome::read(check.reader, &text);
        if let Some(tool) = missing_tool(&ran.outcome.status, &text).filter(|_| report.tests.is_empty()) {
            return Some(not_run(check, format!("{tool} is not installed ({})", check.install)));
        }
        let evidence = self.evidence(check, &ran, report.clone());
        self.baseline.insert(check.name.clone(), (exit_code(&ran.outcome.status), report));
        Some(evidence)
    }

    fn evidence(&self, check: &Check, ran: &Ran, report: Report) -> Evidence {
        let before = self.baseline.get(&check.name);
        let code = exit_code(&ran.outcome.status);
        let names = |end| report.named(end).into_iter().map(str::to_owned).collect::<Vec<_>>();
        let failed_before =
            |name: &String| before.is_some_and(|(_, base)| base.tests.get(name) == Some(&TestEnd::Failed));
        let passed = names(TestEnd::Passed);
        let failed = names(TestEnd::Failed);
        let status = match (&ran.outcome.status, code) {
            (Status::Exited(0), _) => CheckStatus::Passed,
            (Status::Cancelled, _) => CheckStatus::NotRun,
            _ => CheckStatus::Failed,
        };
        let mut evidence = Evidence {
            check: check.name.clone(),
            kind: check.kind,
            command: check.command(),
            exit_code: code,
            status,
            summary: String::new(),
            fixed: passed.iter().filter(|name| failed_before(name)).cloned().collect(),
            newly_failing: failed.iter().filter(|name| !failed_before(name)).cloned().collect(),
            still_failing: failed.iter().filter(|name| failed_before(name)).cloned().collect(),
            passed: passed.len(),
            failing_before: before.map(|(_, base)| base.named(TestEnd::Failed).len()),
            errors: if status == CheckStatus::Failed { report.errors } else { Vec::new() },
            seconds: ran.outcome.duration.as_secs_f64(),
            sandbox: ran.outcome.level.to_string(),
            hash: ran.hash.clone(),
        };
        evidence.summary = summary(&evidence, &ran.outcome.status, failed.len());
        evidence
    }

    fn prepared(&mut self, overlay: &Overlay) -> Result<&Shadow, VerifyError> {
        if self.shadow.is_none() {
            let place = self.bench.state_dir.join("shadows");
            self.shadow = Some(Shadow::claim(&self.base, &place)?);
        }
        match &mut self.shadow {
            Some(shadow) => {
                // What an earlier command left behind is no part of the content that evidence speaks of.
                shadow.reset()?;
                shadow.apply(overlay)?;
                Ok(shadow)
            }
            None => unreachable!("the shadow was made just above"),
        }
    }

    fn cache_dir(&self) -> Result<PathBuf, VerifyError> {
        let key = galley_workspace::workspace_key(self.base.roots());
        galley_workspace::cache_dir(&self.bench.state_dir, &key).map_err(VerifyError::Place)
    }
}

/// Wall time of a check.
const WALL: Duration = Duration::from_secs(600);

/// What commands find in their environment beside what the sandbox lets through.
fn environment(cache: &std::path::Path, tmp: &std::path::Path) -> Vec<(String, String)> {
    let place = |name: &str| cache.join(name).to_string_lossy().into_owned();
    let pairs = [
        ("PAGER", "cat".to_owned()),
        ("NO_COLOR", "1".to_owned()),
        ("TERM", "dumb".to_owned()),
        ("CI", "1".to_owned()),
        ("CARGO_TARGET_DIR", place("cargo")),
        ("CARGO_NET_OFFLINE", "true".to_owned()),
        ("CARGO_TERM_COLOR", "never".to_owned()),
        ("GOCACHE", place("go")),
        ("GOFLAGS", "-mod=mod".to_owned()),
        ("PYTHONDONTWRITEBYTECODE", "1".to_owned()),
        ("TMPDIR", tmp.to_string_lossy().into_owned()),
    ];
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// The tool that a check stumbled over because this machine lacks it: that is no verdict on the change.
fn missing_tool(status: &Status, output: &str) -> Option<String> {
    if exit_code(status) == Some(0) {
        return None;
    }
    let module = output.lines().find_map(|line| line.split_once("No module named ")).map(|(_, name)| name);
    let name = match (module, exit_code(status)) {
        (Some(name), _) => name,
        // The shell's own word: `sh: 1: tsc: not found`.
        (None, Some(127)) => {
            output.lines().find_map(|line| line.strip_suffix(": not found"))?.rsplit(' ').next()?
        }
        (None, _) => return None,
    };
    Some(name.trim_matches(|c: char| !c.is_alphanumeric()).to_owned()).filter(|name| !name.is_empty())
}

fn exit_code(status: &Status) -> Option<i32> {
    match status {
        Status::Exited(code) => Some(*code),
        _ => None,
    }
}

fn summary(evidence: &Evidence, status: &Status, failed: usize) -> String {
    match status {
        Status::TimedOut => return "stopped: it took too long".to_owned(),
        Status::Cancelled => return "cancelled".to_owned(),
        Status::OutputLimit => return "stopped: it printed too much".to_owned(),
        Status::MemoryLimit => return "stopped: it used too much memory".to_owned(),
        Status::ProcessLimit => return "stopped: it started too many processes".to_owned(),
        Status::Signalled(signal) => return format!("died of signal {signal}"),
        Status::Exited(_) => {}
    }
    if evidence.kind != Kind::Test || (evidence.passed == 0 && failed == 0) {
        let first = evidence.errors.first().and_then(|error| error.lines().next());
        return match (evidence.status, first) {
            (CheckStatus::Passed, _) => "no errors".to_owned(),
            (_, Some(line)) => line.chars().take(160).collect(),
            (_, None) => format!("exit status {}", evidence.exit_code.unwrap_or(-1)),
        };
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
    parts.push(format!("{} passed", evidence.passed));
    parts.join(", ")
}

fn not_run(check: &Check, why: String) -> Evidence {
    Evidence {
        check: check.name.clone(),
        kind: check.kind,
        command: check.command(),
        exit_code: None,
        status: CheckStatus::NotRun,
        summary: format!("not verified: {why}"),
        fixed: Vec::new(),
        newly_failing: Vec::new(),
        still_failing: Vec::new(),
        passed: 0,
        failing_before: None,
        errors: Vec::new(),
        seconds: 0.0,
        sandbox: String::new(),
        hash: String::new(),
    }
}

impl Evidence {
    /// A check that could not be run, and why. Never the same as green.
    pub fn not_run(check: &Check, why: impl Into<String>) -> Evidence {
        not_run(check, why.into())
    }

    /// Whether the change is no worse than the base by this check: green, or red only in what was red before.
    pub fn is_no_worse(&self) -> bool {
        match self.status {
            CheckStatus::Passed => true,
            CheckStatus::NotRun => false,
            CheckStatus::Failed => {
                self.newly_failing.is_empty()
                    && !self.still_failing.is_empty()
                    && self.failing_before.is_some()
            }
        }
    }

    /// The evidence as a compact report for the model.
    pub fn for_model(&self) -> String {
        let mut text = format!("{}: {}", self.command, self.summary);
        for (label, names) in [
            ("newly failing", &self.newly_failing),
            ("still failing", &self.still_failing),
            ("fixed", &self.fixed),
        ] {
            if !names.is_empty() {
                let shown: Vec<&str> = names.iter().take(20).map(String::as_str).collect();
                text.push_str(&format!("\n{label}: {}", shown.join(", ")));
                if names.len() > 20 {
                    text.push_str(&format!(" and {} more", names.len() - 20));
                }
            }
        }
        for error in self.errors.iter().take(5) {
            text.push_str("\n\n");
            text.push_str(error);
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
        };
        Evidence { status, ..not_run(&check, String::new()) }
    }

    #[test]
    fn a_missing_tool_is_no_verdict() {
        let missing = |code, output| missing_tool(&Status::Exited(code), output);
        assert_eq!(missing(1, "/usr/bin/python3: No module named pytest\n").as_deref(), Some("pytest"));
        assert_eq!(missing(127, "sh: 1: tsc: not found\n").as_deref(), Some("tsc"));
        assert_eq!(missing(1, "1 failed\n"), None);
        assert_eq!(missing(0, "No module named x"), None);
    }

    #[test]
    fn not_run_is_never_green() {
        assert!(!evidence(Kind::Test, CheckStatus::NotRun).is_no_worse());
        assert!(evidence(Kind::Test, CheckStatus::Passed).is_no_worse());
    }

    #[test]
    fn red_as_before_is_no_worse_but_newly_red_is() {
        let mut red = evidence(Kind::Test, CheckStatus::Failed);
        red.failing_before = Some(1);
        red.still_failing = vec!["a".into()];
        assert!(red.is_no_worse());
        red.newly_failing = vec!["b".into()];
        assert!(!red.is_no_worse());
    }

    #[test]
    fn the_summary_tells_before_and_after() {
        let mut green = evidence(Kind::Test, CheckStatus::Passed);
        green.failing_before = Some(2);
        green.passed = 9;
        assert_eq!(summary(&green, &Status::Exited(0), 0), "2 failing before, 0 after, 9 passed");
    }
}
