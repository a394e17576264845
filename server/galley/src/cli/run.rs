//! `galley run`: a task without an editor.

use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use galley_agent::event::{Checkpoint, State, TaskEvent, Verdict};
use galley_agent::services::Question;
use galley_agent::task::title_of;
use galley_agent::verify::Evidence;
use galley_agent::view::TaskView;
use galley_agent::{Class, Host, Mode, Planning, ScopeSpec, Services, TaskHandle, TaskSpec};
use galley_review::{AcceptFile, HunkId, Proposal};
use galley_workspace::Workspace;

use super::live::{self, Watched};
use super::review::{self, Decisions};
use super::session::Session;
use super::terminal::{Style, ask, can_ask, print, safe, wrapped};
use super::turn::Turn;
use super::{BoundArgs, CANCELLED, DONE, FAILED, RunArgs, STOPPED, USAGE, candidates, fail, proving};

/// How a finished task is brought to the person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// Ask for every hunk.
    Ask,
    /// Apply everything if the checks pass.
    ApplyIfGreen,
    /// Show the proposal and leave it pending.
    Show,
    /// Accept everything.
    AcceptAll,
}

/// `galley run`
pub fn run(args: &RunArgs) -> i32 {
    let session = match Session::open(&args.root) {
        Ok(session) => session,
        Err(error) => return fail(USAGE, &error),
    };
    let first = args.model.as_deref().or(args.models.first().map(String::as_str));
    let chain = match session.settings.chain(first) {
        Ok(chain) => chain,
        Err(error) => return fail(USAGE, &error.to_string()),
    };
    let (limits, planning) = match (args.bounds.limits(), args.planning(session.settings.plan)) {
        (Ok(limits), Ok(planning)) => (limits, planning),
        (Err(error), _) | (_, Err(error)) => return fail(USAGE, &error),
    };
    let budget = session.settings.task_budget();
    let budget = budget.with(&args.limits.budget());
    let spec = TaskSpec {
        goal: args.goal.clone(),
        title: title_of(&args.goal),
        mode: Mode::Free,
        origin: None,
        scope: args.bounds.scope.clone(),
        limits,
        planning,
        budget,
        contest: None,
    };
    let style = Style::of_stdout();
    let manner = match (args.apply, args.json || !can_ask()) {
        (true, _) => Manner::ApplyIfGreen,
        (false, true) => Manner::Show,
        (false, false) => Manner::Ask,
    };
    if args.best_of > 1 || args.models.len() > 1 {
        return contest(&session, args, chain, &spec, manner);
    }
    let begin = move |services, handle| galley_agent::start(services, handle, spec);
    perform(
        &session,
        chain,
        TaskHandle::new(galley_agent::clock::new_id("t")),
        begin,
        manner,
        style,
        args.json,
    )
}

/// The same request for several tasks.
fn contest(
    session: &Session,
    args: &RunArgs,
    chain: Vec<galley_model::Endpoint>,
    spec: &TaskSpec,
    manner: Manner,
) -> i32 {
    let models = u32::try_from(args.models.len()).unwrap_or(u32::MAX);
    let count = args.best_of.max(models);
    if count > candidates::MOST {
        return fail(USAGE, &format!("--best-of {count}: at most {}", candidates::MOST));
    }
    let named = args.models.iter().map(|model| session.settings.chain(Some(model)));
    let chains = match named.collect::<Result<Vec<_>, _>>() {
        Ok(chains) if chains.is_empty() => vec![chain],
        Ok(chains) => chains,
        Err(error) => return fail(USAGE, &error.to_string()),
    };
    candidates::perform(session, &chains, spec, count, manner, args.json)
}

impl BoundArgs {
    /// What binds the task's changes beside paths. The error is for the person.
    pub fn limits(&self) -> Result<ScopeSpec, String> {
        let class = |name: &String| {
            Class::named(name).ok_or_else(|| {
                format!("--protect {name}: it is one of tests, api, ci, locks, generated, rules")
            })
        };
        Ok(ScopeSpec {
            paths: Vec::new(),
            also: Vec::new(),
            symbols: self.scope_symbol.clone(),
            lines: self.max_lines,
            protect: self.protect.iter().map(class).collect::<Result<_, _>>()?,
        })
    }
}

impl RunArgs {
    /// Whether a plan comes first.
    fn planning(&self, set: Planning) -> Result<Planning, String> {
        match self.plan.as_deref() {
            None => Ok(set),
            Some("ask") => Ok(Planning::Ask),
            Some("auto") => Ok(Planning::Auto),
            Some("none") => Ok(Planning::None),
            Some(word) => Err(format!("--plan={word}: it is ask, auto or none")),
        }
    }
}

/// Runs a task to its end and brings its proposal to the person.
pub fn perform<F>(
    session: &Session,
    chain: Vec<galley_model::Endpoint>,
    handle: TaskHandle,
    begin: F,
    manner: Manner,
    style: Style,
    json: bool,
) -> i32
where
    F: FnOnce(Services, TaskHandle) -> Result<(), galley_agent::StartError>,
{
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(FAILED, &error.to_string()),
    };
    let host = Arc::new(TerminalHost { style, asks: can_ask() && !json });
    let (services, mut shown) = match session.services(chain, host) {
        Ok(services) => services,
        Err(error) => return fail(USAGE, &error),
    };
    let task = handle.task.clone();
    let interrupt = handle.clone();
    let watched = runtime.block_on(async {
        tokio::spawn(async move {
            while tokio::signal::ctrl_c().await.is_ok() {
                interrupt.stop();
            }
        });
        begin(services, handle).map_err(|error| error.to_string())?;
        Ok::<Watched, String>(live::watch(&mut shown, &task, style, json).await)
    });
    let status = match watched {
        Err(error) => fail(FAILED, &error),
        Ok(Watched { view }) => bring(session, view, manner, style, json),
    };
    runtime.shutdown_timeout(std::time::Duration::from_secs(2));
    status
}

/// Shows what a task proposes and does with it as is wanted.
pub fn bring(session: &Session, view: TaskView, manner: Manner, style: Style, json: bool) -> i32 {
    let Some(proposal) = view.proposal.clone().filter(|_| view.state == State::Proposed) else {
        if !json {
            print(&format!("{}\n", live::totals(&view, style)));
        }
        return status_of(&view);
    };
    if !json {
        print(&headline(&proposal, &view, style));
    }
    let green =
        !proposal.partial && !view.evidence.is_empty() && view.evidence.iter().all(Evidence::is_no_worse);
    let snapshot = session.workspace.snapshot();
    let mut proposal = galley_agent::decisions::as_left(&view, &snapshot).unwrap_or(proposal);
    let decisions = match manner {
        Manner::Show => {
            if !json {
                print_all(&proposal, &view.evidence, style);
            }
            return leave(&view, json, if green { DONE } else { status_of(&view) });
        }
        Manner::ApplyIfGreen if !green => {
            if !json {
                print_all(&proposal, &view.evidence, style);
                print(&style.yellow("not applied: its checks are not green\n"));
            }
            return leave(&view, json, FAILED);
        }
        Manner::ApplyIfGreen | Manner::AcceptAll => {
            if !json {
                print_all(&proposal, &view.evidence, style);
            }
            Decisions {
                accepted: proposal.pending().map(|(_, hunk)| hunk.id.clone()).collect(),
                ..Decisions::default()
            }
        }
        Manner::Ask => review::review(&mut proposal, &view, style),
    };
    let status = settle(session, &view, &mut proposal, &decisions, style, json);
    match revision(&proposal, &decisions) {
        Some(message) => revise(session, &view, message, style),
        None => status,
    }
}

/// What the model is told to revise; `None` where the person left no comment.
pub fn revision(proposal: &Proposal, decisions: &Decisions) -> Option<String> {
    let told: Vec<String> = decisions
        .comments()
        .filter_map(|(id, text)| {
            let (file, hunk) = proposal.hunk(id)?;
            Some(format!(
                "About your change in {}:\n```\n{}```\nthe person says: {text}",
                file.path.as_str(),
                hunk.after
            ))
        })
        .collect();
    let after = "Revise it, then finish again. Leave your other changes as they are.";
    (!told.is_empty()).then(|| format!("{}\n{after}", told.join("\n\n")))
}

/// Goes on with a task whose hunks got comments, and reviews what comes of it.
pub fn revise(session: &Session, view: &TaskView, message: String, style: Style) -> i32 {
    let model = Some(view.model.as_str()).filter(|model| !model.is_empty());
    let chain = match session.settings.chain_from(None, model) {
        Ok(chain) => chain,
        Err(error) => {
            return fail(USAGE, &format!("the comment is kept, but nobody can revise the hunk: {error}"));
        }
    };
    let begin = |services, handle| galley_agent::resume(services, handle, Some(message));
    let handle = TaskHandle::new(view.task.clone());
    perform(session, chain, handle, begin, Manner::Ask, style, false)
}

/// Reason and evidence of a hunk, for the terminal.
pub fn why(proposal: &Proposal, id: &HunkId, evidence: &[Evidence]) -> String {
    let reason = proposal.hunk(id).and_then(|(_, hunk)| hunk.reason.clone());
    let mut text = reason.unwrap_or_else(|| "The model gave no reason for this hunk.".to_owned());
    for known in evidence {
        text.push_str(&format!("\n  {}", known.receipt()));
    }
    if evidence.is_empty() {
        text.push_str("\n  not verified: no check was run");
    }
    text
}

fn headline(proposal: &Proposal, view: &TaskView, style: Style) -> String {
    let hunks = proposal.all().count();
    let files = proposal.files.len();
    let partial = if proposal.partial { style.yellow(" (partial)") } else { String::new() };
    let mut text = format!(
        "\n{}{partial}\n",
        style.bold(&format!("Proposal: {hunks} hunk{} in {files} file{}", plural(hunks), plural(files)))
    );
    if let Some(summary) = &view.message {
        text.push_str(&format!("{}\n", wrapped(&safe(summary))));
    }
    for evidence in &view.evidence {
        text.push_str(&format!("{}\n", live::evidence(evidence, style)));
    }
    if view.evidence.is_empty() {
        text.push_str(&format!("  {} not verified: no check was found or run\n", style.yellow("●")));
    }
    for warning in &proposal.warnings {
        text.push_str(&format!("  {} look twice: {}\n", style.yellow("!"), safe(warning)));
    }
    text
}

fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}

fn print_all(proposal: &Proposal, evidence: &[Evidence], style: Style) {
    for (_, hunk) in proposal.pending() {
        print(&format!("\n{}", review::shown(proposal, &hunk.id, evidence, style)));
    }
}

fn leave(view: &TaskView, json: bool, status: i32) -> i32 {
    if !json {
        print(&format!("Nothing was applied. Review it later: {} review (task {})\n", program(), view.task));
    }
    status
}

/// Writes what was accepted, records every decision, and says how to take it back.
pub fn settle(
    session: &Session,
    view: &TaskView,
    proposal: &mut Proposal,
    decisions: &Decisions,
    style: Style,
    json: bool,
) -> i32 {
    let record = |event: &TaskEvent| {
        galley_agent::record_in(&session.journal, &view.task, event, galley_agent::clock::now_ms())
            .map_err(|error| error.to_string())
    };
    let decided = |hunks: &[HunkId], verdict, text: Option<String>| TaskEvent::Decided {
        hunks: hunks.to_vec(),
        verdict,
        text,
    };
    for (hunk, verdict, text) in &decisions.others {
        if let Err(error) = record(&decided(std::slice::from_ref(hunk), *verdict, Some(text.clone()))) {
            return fail(FAILED, &error);
        }
    }
    for (hunk, why) in &decisions.rejected {
        if let Err(error) = record(&decided(std::slice::from_ref(hunk), Verdict::Rejected, why.clone())) {
            return fail(FAILED, &error);
        }
    }
    if decisions.accepted.is_empty() {
        return finish(session, view, proposal, decisions, style, json, &[]);
    }
    let turn = match Turn::take(session, view, &decisions.accepted) {
        Ok(turn) => turn,
        Err(error) => return fail(FAILED, &error),
    };
    let files = match proposal.plan_accept(&decisions.accepted, true) {
        Ok(files) => files,
        Err(error) => return fail(FAILED, &error.to_string()),
    };
    let changes: Vec<_> = files.iter().filter_map(AcceptFile::change).collect();
    let plan = match galley_workspace::apply::plan(&session.workspace, &changes) {
        Ok(plan) => plan.with_modes(crate::rollback::modes(&files)),
        Err(error) => return fail(FAILED, &error.to_string()),
    };
    if !proving::may_apply(session, view, proposal, &files, style) {
        return leave(view, json, FAILED);
    }
    // What is to be done, and the way back, is in the journal before the first file is written.
    let hunks: Vec<HunkId> = files.iter().flat_map(|file| file.hunks.iter().cloned()).collect();
    let label = format!("{} hunk{} accepted", hunks.len(), plural(hunks.len()));
    let checkpoint = super::roll::checkpoint(&plan, &files, label);
    let applied = Checkpoint { files: Vec::new(), ..checkpoint.clone() };
    let paths = files.iter().map(|file| file.path.as_str().to_owned()).collect();
    let intent = TaskEvent::Applying { hunks: hunks.clone(), checkpoint, takes_back: Vec::new() };
    if let Err(error) = record(&intent) {
        return fail(FAILED, &error);
    }
    if let Err(error) = plan.write() {
        return fail(FAILED, &error.to_string());
    }
    let recorded = record(&decided(&hunks, Verdict::Accepted, None))
        .and_then(|()| record(&TaskEvent::Applied { hunks: hunks.clone(), checkpoint: applied, paths }));
    if let Err(error) = recorded {
        return fail(FAILED, &error);
    }
    proposal.accepted(&hunks);
    drop(turn);
    finish(session, view, proposal, decisions, style, json, &files)
}

fn finish(
    session: &Session,
    view: &TaskView,
    proposal: &Proposal,
    decisions: &Decisions,
    style: Style,
    json: bool,
    files: &[AcceptFile],
) -> i32 {
    let accepted =
        proposal.all().filter(|(_, hunk)| hunk.state == galley_review::HunkState::Accepted).count();
    let open = proposal.all().filter(|(_, hunk)| hunk.is_open()).count();
    if open == 0 || !decisions.left {
        let message = format!("{accepted} of {} hunks accepted", proposal.all().count());
        let ended = TaskEvent::Ended { state: State::Done, message };
        let now = galley_agent::clock::now_ms();
        if open == 0
            && let Err(error) = galley_agent::record_in(&session.journal, &view.task, &ended, now)
        {
            return fail(FAILED, &error.to_string());
        }
    }
    if json {
        let paths: Vec<&str> = files.iter().map(|file| file.path.as_str()).collect();
        let line = serde_json::json!({ "task": view.task, "accepted": accepted, "hunks": proposal.all().count(), "applied": paths });
        print(&format!("{line}\n"));
        return status_after(view, accepted);
    }
    for file in files {
        print(&format!("{} {}\n", style.green("applied"), file.path.as_str()));
    }
    if !files.is_empty() {
        let accepted: Vec<HunkId> = proposal
            .all()
            .filter(|(_, hunk)| hunk.state == galley_review::HunkState::Accepted)
            .map(|(_, hunk)| hunk.id.clone())
            .collect();
        print(&proving::applied(session, view, proposal, &accepted, style));
    }
    print(&format!("{}: {accepted} of {} hunks accepted\n", style.bold("done"), proposal.all().count()));
    if open > 0 {
        print(&format!("{open} still pending: {} review --root {}\n", program(), root(&session.workspace)));
    }
    if !files.is_empty() {
        print(&format!(
            "undo: {}\n",
            style.cyan(&format!("{} rollback {} --root {}", program(), view.task, root(&session.workspace)))
        ));
    }
    print(&format!("{}\n", live::totals(view, style)));
    status_after(view, accepted)
}

/// How this program is called: by its name where the path leads to it, else by its place.
fn program() -> String {
    let own = std::env::current_exe().ok().and_then(|path| path.canonicalize().ok());
    let found = galley_exec::which("galley").and_then(|path| path.canonicalize().ok());
    match own {
        Some(own) if found.as_ref() != Some(&own) => own.display().to_string(),
        _ => "galley".to_owned(),
    }
}

fn status_after(view: &TaskView, accepted: usize) -> i32 {
    if accepted > 0 { DONE } else { status_of(view) }
}

fn root(workspace: &Workspace) -> String {
    workspace.roots().first().map(|root| root.path.display().to_string()).unwrap_or_else(|| ".".to_owned())
}

/// The exit status that a task's end stands for.
fn status_of(view: &TaskView) -> i32 {
    let message = view.message.as_deref().unwrap_or_default();
    match view.state {
        State::Done | State::Proposed if view.proposal.as_ref().is_none_or(|proposal| !proposal.partial) => {
            DONE
        }
        State::Cancelled => CANCELLED,
        _ if message.contains("stopped at its budget") => STOPPED,
        _ if message.contains("stopped by you") => CANCELLED,
        _ => FAILED,
    }
}

/// Asks in the terminal; where nobody can be asked, the answer is no.
pub struct TerminalHost {
    style: Style,
    asks: bool,
}

impl TerminalHost {
    /// One that asks nobody.
    pub fn silent(style: Style) -> TerminalHost {
        TerminalHost { style, asks: false }
    }
}

impl Host for TerminalHost {
    fn ask(&self, question: Question) -> BoxFuture<'static, Option<String>> {
        if !self.asks {
            return async { None }.boxed();
        }
        let style = self.style;
        async move { tokio::task::spawn_blocking(move || ask_here(&question, style)).await.ok().flatten() }
            .boxed()
    }
}

fn ask_here(question: &Question, style: Style) -> Option<String> {
    print(&format!("\n{}\n", style.yellow(&safe(&question.title))));
    if !question.detail.is_empty() {
        print(&format!("{}\n", safe(&question.detail)));
    }
    for (number, option) in question.options.iter().enumerate() {
        print(&format!("  {} {}\n", number + 1, safe(&option.label)));
    }
    let answer = ask(&format!("[1-{}, default 1]? ", question.options.len()))?;
    let number: usize = if answer.is_empty() { 1 } else { answer.parse().ok()? };
    question.options.get(number.checked_sub(1)?).map(|option| option.id.clone())
}
