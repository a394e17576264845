//! What the tools of one task work on.

use std::collections::BTreeMap;
use std::sync::Arc;

use galley_exec::Network;
use galley_exec::policy::{self, Decision, Rules, Verdict};
use galley_index::IndexSnapshot;
use galley_text::path::RelPath;
use galley_workspace::Overlay;
use tokio_util::sync::CancellationToken;

use super::Set;
use super::overlaid::Overlaid;
use super::seen::Seen;
use crate::aside::{Allowance, Answered};
use crate::checks::Check;
use crate::event::TaskEvent;
use crate::running::Control;
use crate::scope::{Ruling, Scope};
use crate::services::{Choice, Published, Question, Services, Sign};
use crate::verify::{Evidence, Verifier};

/// The key of the grant to run commands where no sandbox works.
const BARE: &str = "run without a sandbox";

/// The answer of a person who said something in place of answering.
pub const SPOKEN: &str = "said something instead";

/// The working state of a task's tools. Owned by the task alone.
pub struct Context {
    /// The task.
    pub task: String,
    /// The parts of the house.
    pub services: Services,
    /// The tools that it was given.
    pub set: Set,
    /// The base with the task's edits.
    pub overlay: Overlay,
    /// The index with the edits over it, as it was seen last.
    pub overlaid: Overlaid,
    /// The shadow, and what is known of the base.
    pub verifier: Verifier,
    /// The project's checks.
    pub checks: Vec<Check>,
    /// What the task may change.
    pub scope: Scope,
    /// The step that runs, from 1.
    pub step: u32,
    /// Evidence of this task's checks, the last of each.
    pub evidence: Vec<Evidence>,
    /// What the model has read.
    pub seen: Seen,
    /// Long outputs by id, for reading on.
    pub outputs: BTreeMap<String, String>,
    /// Decisions of the person's for this task: command or class → allowed.
    pub grants: BTreeMap<String, bool>,
    /// Questions that were asked with their answers, since the task began or was resumed.
    pub answers: Vec<String>,
    /// The provider's id of the call that runs.
    pub call: String,
    /// What replies outside the conversation cost that the task's sum does not hold yet: tokens and US dollars.
    pub aside: Vec<(galley_model::Usage, Option<f64>)>,
    /// What may be spent on replies outside the conversation.
    pub allowance: Allowance,
    /// Such replies from before the task was resumed.
    pub answered: Answered,
    /// How long the question that is asked now waits; absent: for ever.
    pub patience: Option<std::time::Duration>,
    /// What the person orders meanwhile.
    pub control: Arc<Control>,
    /// Ends what runs.
    pub cancel: CancellationToken,
}

/// The end of a task as the model sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finish {
    /// What it claims.
    pub outcome: Outcome,
    /// Its summary.
    pub text: String,
}

/// What a model claims at the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The request is fulfilled.
    Done,
    /// It cannot be, and the text names the contradiction.
    Blocked,
}

impl Context {
    /// The index over the workspace as it is known now, with the task's edits.
    pub fn index(&self) -> Arc<IndexSnapshot> {
        self.overlaid.view(self.services.index.snapshot(), &self.overlay)
    }

    /// Shows a passing sign of life.
    pub fn live(&self, sign: Sign) {
        let _ = self.services.published.send(Published::Live { task: self.task.clone(), sign });
    }

    /// A way to show pieces of a command's output that outlives a borrow of the context.
    pub fn output_sink(&self) -> impl FnMut(&[u8]) + Send + use<> {
        let published = self.services.published.clone();
        let task = self.task.clone();
        move |bytes| {
            let text = String::from_utf8_lossy(bytes).into_owned();
            let _ = published.send(Published::Live { task: task.clone(), sign: Sign::Output(text) });
        }
    }

    /// A path argument as a path of the workspace.
    ///
    /// # Errors
    /// Words for the model.
    pub fn path(&self, text: &str) -> Result<RelPath, String> {
        let text = text.trim().trim_start_matches("./");
        RelPath::new(text).map_err(|error| format!("`{text}` is not a path in the workspace: {error}"))
    }

    /// Whether a file may be changed; asks the person where its class is protected.
    ///
    /// # Errors
    /// Words for the model.
    pub async fn may_change(&mut self, path: &RelPath) -> Result<(), String> {
        for path in self.with_target(path) {
            let ruling = self.scope.rule(&path);
            self.obey(&path, ruling).await?;
        }
        Ok(())
    }

    /// A file and, where it is a link, the one that it leads to: a change by its name is one of that.
    fn with_target(&self, path: &RelPath) -> Vec<RelPath> {
        std::iter::once(path.clone()).chain(self.overlay.snapshot().link_target(path)).collect()
    }

    /// Whether the texts that a call left in the overlay are inside the scope, by symbols, classes and lines.
    ///
    /// # Errors
    /// Words for the model; the caller takes the call's changes back.
    pub async fn may_keep(&mut self, before: &Overlay, paths: &[RelPath]) -> Result<(), String> {
        for path in paths.iter().flat_map(|path| self.with_target(path)).collect::<Vec<_>>() {
            let (old, new) = (before.read(&path).ok(), self.overlay.read(&path).ok());
            let ruling = self.scope.rule_change(&path, old.as_deref(), new.as_deref());
            self.obey(&path, ruling).await?;
        }
        if self.scope.spec().lines.is_none() {
            return Ok(());
        }
        let edits = self.overlay.edits();
        let lines = edits.files.values().map(|edit| {
            crate::scope::changed_lines(
                edit.before.as_deref().unwrap_or_default(),
                edit.after.as_deref().unwrap_or_default(),
            )
        });
        self.scope.rule_lines(lines.sum())
    }

    async fn obey(&mut self, path: &RelPath, ruling: Ruling) -> Result<(), String> {
        match ruling {
            Ruling::Allowed => Ok(()),
            Ruling::Refused(why) => Err(why),
            Ruling::Ask(class) => {
                let class = class.words();
                let key = format!("change {} ({class})", path.as_str());
                let title = format!("Let the task change {} ({class})?", path.as_str());
                if self.granted(&key, &title, "It is outside what a task changes unasked.").await {
                    return Ok(());
                }
                Err(format!(
                    "the person did not allow a change of {} ({class}); go another way",
                    path.as_str()
                ))
            }
        }
    }

    /// Judges a command by the policy; asks the person where it says so.
    ///
    /// # Errors
    /// Words for the model.
    pub async fn may_run(&mut self, command: &str, network: &Network) -> Result<Verdict, String> {
        let rules =
            Rules { checks: self.checks.iter().flat_map(Check::kindred).collect(), ..Rules::default() };
        let verdict = policy::judge(command, &rules);
        let reasons = verdict.reasons.join("; ");
        if verdict.decision != Decision::Forbid && !self.may_execute().await {
            return Err("no sandbox works here, and the person did not allow running without one".to_owned());
        }
        match verdict.decision {
            Decision::Allow => Ok(verdict),
            Decision::Forbid => Err(format!("the command is forbidden here: {reasons}")),
            Decision::Ask => {
                let closed = *network == Network::None && self.services.network == Network::None;
                let reach = if closed { "without network" } else { "with the network that you granted" };
                let level = self.services.level;
                let place = format!("It runs in a shadow copy, sandboxed as {level}, {reach}. {reasons}");
                // The title says a single line already.
                let detail = match command.trim().lines().count() {
                    0 | 1 => place,
                    _ => format!("{command}\n\n{place}"),
                };
                if self
                    .granted(&format!("run {command}"), &format!("Run `{}`?", first_line(command)), &detail)
                    .await
                {
                    return Ok(verdict);
                }
                Err(format!(
                    "the person did not allow the command ({reasons}); go another way, or use `check`"
                ))
            }
        }
    }

    /// Whether a command may run without a word of the person's.
    ///
    /// # Errors
    /// Why it may not.
    pub fn may_run_unasked(&self, command: &str) -> Result<(), String> {
        let rules =
            Rules { checks: self.checks.iter().flat_map(Check::kindred).collect(), ..Rules::default() };
        let granted = |key: &str| self.grants.get(key) == Some(&true);
        let boxed = self.services.level.is_sandboxed() || self.services.unsandboxed;
        match policy::judge(command, &rules).decision {
            Decision::Forbid => Err("its command is forbidden here".to_owned()),
            _ if !boxed && !granted(BARE) => Err("no sandbox works here".to_owned()),
            Decision::Ask if !granted(&format!("run {command}")) => {
                Err("its command would have to be asked for".to_owned())
            }
            Decision::Allow | Decision::Ask => Ok(()),
        }
    }

    pub(super) async fn granted(&mut self, key: &str, title: &str, detail: &str) -> bool {
        if let Some(known) = self.grants.get(key) {
            return *known;
        }
        let options = [("no", "No"), ("once", "Allow once"), ("task", "Allow for this task")];
        match self.ask_for(key, title, detail, &options).await.as_deref() {
            Some("once") => true,
            Some(SPOKEN) => false,
            Some("task") => {
                self.grants.insert(key.to_owned(), true);
                true
            }
            _ => {
                self.grants.insert(key.to_owned(), false);
                false
            }
        }
    }

    /// Asks the person; `None` when dismissed or when the task ends meanwhile, [`SPOKEN`] when they said something instead.
    pub async fn ask(&mut self, title: &str, detail: &str, options: &[(&str, &str)]) -> Option<String> {
        self.ask_for("", title, detail, options).await
    }

    /// As [`Context::ask`], for what the answer may allow or forbid for the rest of the task.
    async fn ask_for(
        &mut self,
        grant: &str,
        title: &str,
        detail: &str,
        options: &[(&str, &str)],
    ) -> Option<String> {
        let id = crate::clock::new_id("q");
        self.record(&TaskEvent::Asked {
            question: id.clone(),
            text: format!("{title}\n{detail}"),
            grant: grant.to_owned(),
        });
        let question = Question {
            id: id.clone(),
            task: self.task.clone(),
            title: title.to_owned(),
            detail: detail.to_owned(),
            options: options
                .iter()
                .map(|(id, label)| Choice { id: (*id).to_owned(), label: (*label).to_owned() })
                .collect(),
        };
        let answer = tokio::select! {
            answer = self.services.host.ask(question) => answer,
            () = self.cancel.cancelled() => None,
            // Who speaks in place of answering wants to be heard now.
            () = self.control.spoken() => Some(SPOKEN.to_owned()),
            () = waited(self.patience) => None,
        };
        // The process ends: the question is asked again when the task is resumed.
        if self.control.is_interrupted() {
            return None;
        }
        self.answers.push(format!("{title} {}", answer.as_deref().unwrap_or("no answer")));
        self.record(&TaskEvent::Answered { question: id, option: answer.clone() });
        answer
    }

    /// Puts an event into the journal, then shows it. An unwritable journal ends what runs; the event is not
    /// shown, since nothing is visible that is not recorded.
    pub fn record(&self, event: &TaskEvent) {
        self.record_all(std::slice::from_ref(event));
    }

    /// As [`Context::record`], for events that are true together or not at all.
    pub fn record_all(&self, events: &[TaskEvent]) {
        self.record_paid(events, None);
    }

    /// As [`Context::record_all`], with what a call of a model cost.
    pub fn record_paid(&self, events: &[TaskEvent], spend: Option<galley_journal::Spend>) {
        // After one that is missing none may follow: the journal would tell of effects without their causes.
        if self.control.fault().is_some() {
            return;
        }
        if let Err(error) = crate::running::record_all(&self.services, &self.task, events, spend) {
            self.control.fail(error.to_string());
        }
    }

    /// Whether commands may run at all: in a sandbox always; where none works, only as the person allows.
    pub(crate) async fn may_execute(&mut self) -> bool {
        if self.services.level.is_sandboxed() || self.services.unsandboxed {
            return true;
        }
        let detail = "No sandbox works on this machine (`galley doctor` tells why). Commands would run in a copy of the \
                      project, but with your rights and your network.";
        self.granted(BARE, "Run commands without a sandbox?", detail).await
    }

    /// Runs a check on the overlay as it is, records its evidence, and returns it.
    pub async fn verify(&mut self, check: &Check) -> Evidence {
        if !self.may_execute().await {
            return Evidence::not_run(
                check,
                "no sandbox works here, and running without one was not allowed",
            );
        }
        let mut sink = self.output_sink();
        let cancel = self.cancel.clone();
        let evidence = self.verifier.check(check, &self.overlay, &mut sink, &cancel).await;
        self.record(&TaskEvent::Checked { evidence: evidence.clone() });
        self.evidence.retain(|known| known.check != evidence.check || known.dir != evidence.dir);
        self.evidence.push(evidence.clone());
        evidence
    }
}

/// Returns after so long, if ever.
async fn waited(patience: Option<std::time::Duration>) {
    match patience {
        Some(patience) => tokio::time::sleep(patience).await,
        None => std::future::pending().await,
    }
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}
