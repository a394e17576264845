//! Verification: checks run in the task's shadow, and what they prove.
//!
//! Evidence is made here alone, from exit codes and runner output; no text of the model's reaches it. It names the content
//! that it speaks of by hash, so that a later change makes it stale by itself. What failed on the base is known by running
//! the same check there (once per content: results are kept across tasks), and told apart from what the change broke and
//! what it mended. A test that fails anew is run again before it is believed: one that disagrees with itself is flaky.

mod baseline;
mod end;
mod evidence;
mod keeping;
pub mod own;
mod place;
mod queue;
mod told;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use galley_exec::{ExecError, Level, Limits, Network, Outcome, SandboxSpec, Spec, Status, Stream};
use galley_text::path::RelPath;
use galley_workspace::shadow::Marks;
use galley_workspace::{Overlay, Shadow, ShadowChange, ShadowError, Snapshot};
use tokio_util::sync::CancellationToken;

use crate::checks::{Check, Kind, Only, joined};
use crate::outcome::{self, Diagnostic, Report, Severity, TestEnd};
use baseline::{Baseline, Baselines, red};
pub use end::End;
pub use evidence::{CheckStatus, Evidence};
pub use told::Told;

/// One run of a command in the shadow.
#[derive(Debug)]
pub struct Ran {
    /// What the process did.
    pub outcome: Outcome,
    /// Hash of the content that it ran on.
    pub hash: String,
    /// Standard output, then standard error, with paths relative to the workspace; up to some megabytes of each.
    pub printed: String,
    /// Standard output alone, as it came.
    pub stdout: Vec<u8>,
    /// What a casual command did to files that no rule ignores.
    pub changes: Vec<ShadowChange>,
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

/// A command to run in the shadow.
#[derive(Debug, Clone, Default)]
pub struct Call {
    /// Program and arguments.
    pub argv: Vec<String>,
    /// Folder to run in, relative to the workspace.
    pub dir: String,
    /// Wall time; that of a check when zero.
    pub wall: Duration,
    /// What it reads.
    pub stdin: Option<String>,
    /// No evidence comes of it: what earlier commands left behind may stay, the content is not named, and what it does to
    /// files is told.
    pub casual: bool,
    /// Files that are told as changed also when an earlier command did it.
    pub wanted: Vec<RelPath>,
    /// What it may reach beside what all commands may.
    pub network: Network,
}

/// Shows pieces of output as they come.
pub type Sink<'a> = &'a mut (dyn FnMut(&[u8]) + Send);

/// Where checks run.
#[derive(Debug, Clone)]
pub struct Bench {
    /// Where caches and shadows live.
    pub state_dir: PathBuf,
    /// The strongest sandbox that works on this machine.
    pub level: Level,
    /// What all commands may reach.
    pub network: Network,
}

/// A task's shadow with what was learnt in it.
pub struct Verifier {
    bench: Bench,
    base: Snapshot,
    base_hash: Option<String>,
    shadow: Option<Shadow>,
    baselines: Baselines,
    /// Errors that the model knows.
    pub told: Told,
}

/// Wall time of a check.
const WALL: Duration = Duration::from_secs(600);
/// Bytes of each stream that readers see.
const READ_BYTES: usize = 8 << 20;
/// So many newly failing tests are run again; more at once are no accident.
const SUSPECTS: usize = 12;
/// Where a runner cannot be cut down, a check that took less than this is run again as a whole.
const RERUN_SECONDS: f64 = 30.0;
/// Lines of the end of an output in which no error is recognised.
const TAIL_LINES: usize = 12;
/// Diagnostics that evidence keeps.
const DIAGNOSTICS: usize = 20;

impl Verifier {
    /// A verifier over the snapshot that the task began with. The shadow is made at the first need.
    pub fn new(bench: Bench, base: Snapshot) -> Verifier {
        let key = galley_workspace::workspace_key(base.roots());
        let folder = bench.state_dir.join("baselines").join(key);
        Verifier {
            bench,
            base,
            base_hash: None,
            shadow: None,
            baselines: Baselines::kept_in(Some(folder)),
            told: Told::default(),
        }
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
        on_output: Sink<'_>,
        cancel: &CancellationToken,
    ) -> Result<Ran, VerifyError> {
        let call = Call { argv, dir: dir.to_owned(), wall, ..Call::default() };
        self.call(overlay, call, on_output, cancel).await
    }

    /// A text of a command with the paths of the shadow, and those at which it saw the shadow, as in the workspace.
    pub fn own_paths(&self, text: &str) -> String {
        let shadow = self.shadow.iter().map(|shadow| (shadow.path().to_path_buf(), String::new()));
        let folders: Vec<_> = shadow.chain(place::named_roots(&self.base)).collect();
        place::as_in_workspace(text, &folders)
    }

    /// As [`Verifier::run`], with what the command is to read.
    ///
    /// # Errors
    /// As [`Verifier::run`].
    pub async fn call(
        &mut self,
        overlay: &Overlay,
        call: Call,
        on_output: Sink<'_>,
        cancel: &CancellationToken,
    ) -> Result<Ran, VerifyError> {
        let roots = place::named_roots(&self.base);
        let shadow = self.prepared(overlay, !call.casual)?;
        let cache = shadow.products()?;
        let root = shadow.path().to_path_buf();
        let binds = shadow.seen_through().to_vec();
        let sandbox = place::sandbox(shadow, &roots);
        let tmp = cache.join("tmp");
        galley_workspace::create_dir(&tmp).map_err(VerifyError::Place)?;
        let network = place::network(&self.bench, &call.network);
        // Without walls a project does not choose what the name of a harmless program means.
        let programs = match self.bench.level {
            Level::Copy => Vec::new(),
            _ => own::program_folders(&root, &call.dir, &binds),
        };
        let spec = Spec {
            argv: own::with_own_program(call.argv, &root, &call.dir, &binds),
            cwd: if call.dir.is_empty() { root.clone() } else { root.join(&call.dir) },
            env: place::environment(&cache, &tmp, &programs, network == Network::None),
            stdin: call.stdin,
            limits: Limits { wall: if call.wall.is_zero() { WALL } else { call.wall }, ..Limits::default() },
            sandbox: SandboxSpec { writable: vec![root.clone(), tmp, cache], network, ..sandbox },
        };
        let hash = if call.casual { String::new() } else { overlay.content_hash() };
        let level = self.bench.level;
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        let mut take = |stream: Stream, bytes: &[u8]| {
            let kept = if stream == Stream::Stdout { &mut stdout } else { &mut stderr };
            let room = READ_BYTES.saturating_sub(kept.len()).min(bytes.len());
            kept.extend_from_slice(&bytes[..room]);
            on_output(bytes);
        };
        let marks = call
            .casual
            .then(|| self.shadow.as_ref().map(|shadow| shadow.marks().without(&call.wanted)))
            .flatten();
        let turn = if call.casual { None } else { queue::place(cancel).await };
        let outcome = galley_exec::run(&spec, level, &mut take, cancel).await?;
        drop(turn);
        let since = |marks: &Marks| Some(self.shadow.as_ref()?.collect_since(marks));
        let changes = marks.as_ref().and_then(since).unwrap_or_default();
        let mut printed = String::from_utf8_lossy(&stdout).into_owned();
        printed.push('\n');
        printed.push_str(&String::from_utf8_lossy(&stderr));
        // The shadow's folder says nothing to anybody.
        let printed = self.own_paths(&printed);
        Ok(Ran { outcome, hash, printed, stdout, changes })
    }

    /// Runs a check on the overlay, and on the base before or after it where that is not known yet.
    pub async fn check(
        &mut self,
        check: &Check,
        overlay: &Overlay,
        on_output: Sink<'_>,
        cancel: &CancellationToken,
    ) -> Evidence {
        let unchanged = overlay.is_unchanged();
        // All tests are compared in any case: what the change mended is worth knowing.
        if check.kind == Kind::Test
            && check.whole.is_none()
            && !unchanged
            && let Err(evidence) = self.learn_baseline(check, on_output, cancel).await
        {
            return *evidence;
        }
        let (ran, report) = match self.read_run(check, overlay, on_output, cancel).await {
            Ok(read) => read,
            Err(evidence) => return *evidence,
        };
        if unchanged {
            self.keep_baseline(check, &ran, &report);
        } else if ran.outcome.status != Status::Exited(0) && ran.outcome.status != Status::Cancelled {
            let _ = self.learn_baseline(check, on_output, cancel).await;
        }
        let mut evidence = self.evidence(check, &ran, report);
        if check.kind == Kind::Test && !unchanged {
            self.settle(check, overlay, &mut evidence, on_output, cancel).await;
        }
        evidence.summarise(&ran.outcome.status);
        evidence
    }

    /// Sees to it that it is known what a check says of the base.
    ///
    /// # Errors
    /// Evidence that it could not be run.
    async fn learn_baseline(
        &mut self,
        check: &Check,
        on_output: Sink<'_>,
        cancel: &CancellationToken,
    ) -> Result<(), Box<Evidence>> {
        let hash = self.base_hash();
        if self.baselines.recall(check, &hash).is_some() {
            return Ok(());
        }
        let base = Overlay::new(self.base.clone());
        let (ran, report) = self.read_run(check, &base, on_output, cancel).await?;
        self.keep_baseline(check, &ran, &report);
        Ok(())
    }

    /// Keeps what a finished run on the base said; one that was ended says nothing.
    fn keep_baseline(&mut self, check: &Check, ran: &Ran, report: &Report) {
        if matches!(ran.outcome.status, Status::Exited(_)) {
            let hash = self.base_hash();
            self.baselines.learn(check, &hash, Baseline { report: report.clone() });
        }
    }

    fn base_hash(&mut self) -> String {
        self.base_hash.get_or_insert_with(|| self.base.content_hash()).clone()
    }

    /// Runs a check and reads what it printed.
    ///
    /// # Errors
    /// Evidence that it could not be run, boxed for its size.
    async fn read_run(
        &mut self,
        check: &Check,
        overlay: &Overlay,
        on_output: Sink<'_>,
        cancel: &CancellationToken,
    ) -> Result<(Ran, Report), Box<Evidence>> {
        let not_run = |why: String| Box::new(Evidence::not_run(check, why));
        self.prepared(overlay, false).map_err(|error| not_run(VerifyError::from(error).to_string()))?;
        let argv = self.own_program(check);
        if !argv[0].contains('/') && galley_exec::which(&argv[0]).is_none() {
            return Err(not_run(place::not_installed(&argv[0], check)));
        }
        let argv = place::reporting(argv, &check.reports);
        let call = Call { argv, dir: check.dir.clone(), ..Call::default() };
        let ran =
            self.call(overlay, call, on_output, cancel).await.map_err(|error| not_run(error.to_string()))?;
        let mut report = outcome::read(check.reader, &ran.printed);
        if report.tests.is_empty()
            && let Some(tool) = place::missing_tool(&ran.outcome.status, &ran.printed)
        {
            return Err(not_run(place::not_installed(&tool, check)));
        }
        let plain = report.errors == shown(&report, None);
        settle_paths(&mut report, &check.dir, overlay);
        if plain {
            report.errors = shown(&report, Some(overlay));
        }
        Ok((ran, report))
    }

    fn own_program(&self, check: &Check) -> Vec<String> {
        match &self.shadow {
            Some(shadow) => {
                own::with_own_program(check.argv.clone(), shadow.path(), &check.dir, shadow.seen_through())
            }
            None => check.argv.clone(),
        }
    }

    fn evidence(&self, check: &Check, ran: &Ran, report: Report) -> Evidence {
        let before = self.baselines.of(check);
        let red_before: BTreeSet<String> =
            before.map(Baseline::red).unwrap_or_default().into_iter().collect();
        let red_now = red(&report);
        let status = match &ran.outcome.status {
            Status::Exited(0) => CheckStatus::Passed,
            Status::Cancelled => CheckStatus::NotRun,
            _ => CheckStatus::Failed,
        };
        let is_red = status == CheckStatus::Failed;
        let (still_failing, newly_failing): (Vec<String>, Vec<String>) =
            red_now.iter().filter(|_| is_red).cloned().partition(|name| red_before.contains(name));
        let mended = |name: &&String| match check.kind {
            Kind::Test => report.tests.get(*name) == Some(&TestEnd::Passed),
            _ => !red_now.contains(name),
        };
        let in_reach = |name: &&String| check.whole.is_none() || report.tests.contains_key(*name);
        let mut errors = if is_red { report.errors.clone() } else { Vec::new() };
        if is_red && errors.is_empty() {
            // Nothing that looks like an error: what was said last is what there is.
            errors.extend(Some(tail(&ran.printed)).filter(|tail| !tail.is_empty()));
        }
        Evidence {
            status,
            exit_code: match ran.outcome.status {
                Status::Exited(code) => Some(code),
                _ => None,
            },
            fixed: red_before.iter().filter(mended).cloned().collect(),
            newly_failing,
            still_failing,
            gone: gone(check, before, &report),
            passed: report.named(TestEnd::Passed).len(),
            failing_before: before.map(|_| red_before.iter().filter(in_reach).count()),
            diagnostics: if is_red {
                report.diagnostics.into_iter().take(DIAGNOSTICS).collect()
            } else {
                Vec::new()
            },
            errors,
            seconds: ran.outcome.duration.as_secs_f64(),
            sandbox: ran.outcome.level.to_string(),
            hash: ran.hash.clone(),
            command: Check { argv: self.own_program(check), ..check.clone() }.command(),
            ..Evidence::not_run(check, String::new())
        }
    }

    /// Runs newly failing tests again, on the change and, where they fail there again, on the base: those that disagree
    /// with themselves on one content are flaky.
    async fn settle(
        &mut self,
        check: &Check,
        overlay: &Overlay,
        evidence: &mut Evidence,
        on_output: Sink<'_>,
        cancel: &CancellationToken,
    ) {
        let before = self.baselines.of(check);
        // Only what passed on the base may disagree with itself; a test that is new fails by its own fault.
        let suspects: Vec<String> = evidence
            .newly_failing
            .iter()
            .filter(|name| before.is_some_and(|base| base.passed(name)))
            .cloned()
            .collect();
        if suspects.is_empty() || suspects.len() > SUSPECTS || evidence.status != CheckStatus::Failed {
            return;
        }
        let part = match check.narrowed(Only::Named(&suspects)) {
            Some(part) => part,
            None if evidence.seconds < RERUN_SECONDS => check.clone(),
            None => return,
        };
        let base = Overlay::new(self.base.clone());
        for (content, disagreeing) in [(overlay, TestEnd::Passed), (&base, TestEnd::Failed)] {
            let left = evidence.newly_failing.iter().any(|name| suspects.contains(name));
            if !left || cancel.is_cancelled() {
                return;
            }
            let Ok((_, report)) = self.read_run(&part, content, on_output, cancel).await else { return };
            let is_flaky =
                |name: &String| suspects.contains(name) && report.tests.get(name) == Some(&disagreeing);
            let (flaky, failing) =
                std::mem::take(&mut evidence.newly_failing).into_iter().partition(is_flaky);
            evidence.newly_failing = failing;
            evidence.flaky.extend::<Vec<String>>(flaky);
        }
    }

    fn prepared(&mut self, overlay: &Overlay, clean: bool) -> Result<&Shadow, ShadowError> {
        let mut shadow = match self.shadow.take() {
            Some(shadow) => shadow,
            None => place::claim(&self.base, &self.bench)?,
        };
        // What an earlier command left behind is no part of the content that evidence speaks of.
        let reset = if clean { shadow.reset().map(drop) } else { Ok(()) };
        let ready = reset.and_then(|()| shadow.apply(overlay));
        let shadow = self.shadow.insert(shadow);
        ready.map(|_| &*shadow)
    }
}

/// The last lines of an output that are not blank.
fn tail(printed: &str) -> String {
    let mut lines: Vec<&str> =
        printed.lines().rev().filter(|line| !line.trim().is_empty()).take(TAIL_LINES).collect();
    lines.reverse();
    let width = |line: &&str| line.chars().take(300).collect::<String>();
    lines.iter().map(width).collect::<Vec<_>>().join("\n")
}

/// The first errors by place as pieces, with the line that each speaks of where the texts are given.
fn shown(report: &Report, texts: Option<&Overlay>) -> Vec<String> {
    let grave = report.diagnostics.iter().filter(|found| found.severity == Severity::Error);
    let piece = |found: &Diagnostic| {
        let mut piece = found.shown();
        let text = texts.and_then(|texts| texts.peek(&RelPath::new(&found.path).ok()?).ok());
        let line = text.as_deref().and_then(|text| text.lines().nth(found.start.line as usize));
        if let Some(line) = line.map(str::trim).filter(|line| !line.is_empty()) {
            piece.push_str("\n    ");
            piece.extend(line.chars().take(200));
        }
        piece
    };
    grave.take(outcome::PIECES).map(piece).collect()
}

/// Names files as the workspace does: a tool names them relative to where it ran, or in full.
fn settle_paths(report: &mut Report, dir: &str, overlay: &Overlay) {
    for found in &mut report.diagnostics {
        let plain = found.path.replace('\\', "/");
        let plain = plain.strip_prefix("./").unwrap_or(&plain);
        let inside = joined(dir, plain);
        let exists = |path: &str| RelPath::new(path).is_ok_and(|path| overlay.peek(&path).is_ok());
        found.path = if exists(&inside) || !exists(plain) { inside } else { plain.to_owned() };
    }
}

/// Tests that passed on the base and did not run to an end now. Of a part nobody knows that.
fn gone(check: &Check, before: Option<&Baseline>, report: &Report) -> Vec<String> {
    let Some(before) = before.filter(|_| check.whole.is_none() && !report.tests.is_empty()) else {
        return Vec::new();
    };
    let ran = |name: &str| matches!(report.tests.get(name), Some(TestEnd::Passed | TestEnd::Failed));
    before.report.named(TestEnd::Passed).into_iter().filter(|name| !ran(name)).map(str::to_owned).collect()
}
