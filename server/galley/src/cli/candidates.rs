//! The same request given to several tasks: running them, showing what each came to, choosing one, mixing hunks.

use std::sync::Arc;

use galley_agent::contest::{self, Candidate};
use galley_agent::event::{State, TaskEvent};
use galley_agent::proof::{self, Which};
use galley_agent::view::TaskView;
use galley_agent::{Published, TaskHandle, TaskSpec};
use galley_model::Endpoint;
use galley_review::HunkId;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::run::{self, Manner, TerminalHost};
use super::session::Session;
use super::task::views;
use super::terminal::{Style, ask, print, safe};
use super::{DONE, FAILED, USAGE, fail, live};

/// Most tasks that one request is given to.
pub const MOST: u32 = 8;

/// Runs a request as often as wanted, with the models in turn, and brings the best to the person, or the one they choose.
pub fn perform(
    session: &Session,
    chains: &[Vec<Endpoint>],
    spec: &TaskSpec,
    count: u32,
    manner: Manner,
    json: bool,
) -> i32 {
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(FAILED, &error.to_string()),
    };
    let style = Style::of_stdout();
    let specs = contest::specs(spec, count);
    let ended = runtime.block_on(all(session, chains, specs, style, json));
    runtime.shutdown_timeout(std::time::Duration::from_secs(2));
    let views = match ended {
        Ok(views) => views,
        Err(error) => return fail(FAILED, &error),
    };
    let ranked = contest::rank(&views);
    show(&ranked, &views, style, json);
    let Some(best) = ranked.first().filter(|best| best.is_open) else { return FAILED };
    let chosen = match manner {
        Manner::Ask => match pick(&ranked) {
            Some(chosen) => chosen,
            None => return DONE,
        },
        Manner::ApplyIfGreen | Manner::AcceptAll => best.task.clone(),
        Manner::Show => {
            if !json {
                print(&format!("Nothing was applied. Choose one: galley task choose {}\n", best.task));
            }
            return DONE;
        }
    };
    if let Err(error) = close_others(session, &chosen, &views) {
        return fail(FAILED, &error);
    }
    match views.into_iter().find(|view| view.task == chosen) {
        Some(view) => run::bring(session, view, manner, style, json),
        None => FAILED,
    }
}

/// Runs the tasks of a contest to their ends.
async fn all(
    session: &Session,
    chains: &[Vec<Endpoint>],
    specs: Vec<TaskSpec>,
    style: Style,
    json: bool,
) -> Result<Vec<TaskView>, String> {
    // Questions of several tasks at once would not be told apart; the safe answer is no.
    let host = Arc::new(TerminalHost::silent(style));
    let first = chains.first().ok_or("no model is named")?;
    let (services, mut shown) = session.services(first.clone(), host)?;
    let mut views: Vec<TaskView> = Vec::new();
    let mut handles = Vec::new();
    for (at, spec) in specs.into_iter().enumerate() {
        let chain = chains[at % chains.len()].clone();
        let client = session.client(chain)?;
        let handle = TaskHandle::new(galley_agent::clock::new_id("t"));
        views.push(TaskView::new(&handle.task));
        handles.push(handle.clone());
        let services = galley_agent::Services { client, ..services.clone() };
        galley_agent::start(services, handle, spec).map_err(|error| error.to_string())?;
    }
    tokio::spawn(async move {
        while tokio::signal::ctrl_c().await.is_ok() {
            handles.iter().for_each(TaskHandle::stop);
        }
    });
    while views.iter().any(|view| !view.state.is_over()) {
        let Some(published) = shown.recv().await else { break };
        let Published::Event { task, at_ms, event } = published else { continue };
        let Some(at) = views.iter().position(|view| view.task == task) else { continue };
        views[at].apply(at_ms, &event);
        if json {
            print(&format!("{}\n", json!({ "task": task, "atMs": at_ms, "event": event })));
        } else if let TaskEvent::State { state, activity } = &*event {
            let line = format!("  {} {} · {}\n", at + 1, state.word(), safe(activity));
            print(&style.dim(&line));
        }
    }
    Ok(views)
}

/// Tells what each came to, best first.
fn show(ranked: &[Candidate], views: &[TaskView], style: Style, json: bool) {
    if json {
        let rows: Vec<_> = ranked.iter().map(|one| as_json(one, views)).collect();
        print(&format!("{}\n", json!({ "candidates": rows })));
        return;
    }
    print(&format!("\n{}\n", style.bold("Candidates, best first")));
    for (at, one) in ranked.iter().enumerate() {
        let view = views.iter().find(|view| view.task == one.task);
        let model = view.map(|view| safe(&view.model)).unwrap_or_default();
        let cost = view.map(|view| live::totals(view, style)).unwrap_or_default();
        let warnings =
            if one.warnings == 0 { String::new() } else { format!(", {} to look at twice", one.warnings) };
        print(&format!(
            "  {}  {}  {model}\n     {}\n     {} lines{warnings} · {cost}\n",
            at + 1,
            style.cyan(&one.task),
            safe(&one.words),
            one.lines
        ));
        let proposal = view.and_then(|view| view.proposal.as_ref());
        for (file, hunk) in proposal.iter().flat_map(|proposal| proposal.all()) {
            print(&style.dim(&format!("     {}  {}\n", hunk.id, safe(file.path.as_str()))));
        }
    }
}

fn as_json(one: &Candidate, views: &[TaskView]) -> serde_json::Value {
    let view = views.iter().find(|view| view.task == one.task);
    let proposal = view.and_then(|view| view.proposal.as_ref());
    let hunks: Vec<_> = proposal
        .iter()
        .flat_map(|proposal| proposal.all())
        .map(|(file, hunk)| json!({ "hunk": hunk.id, "path": file.path, "before": hunk.before, "after": hunk.after }))
        .collect();
    json!({
        "task": one.task, "open": one.is_open, "words": one.words, "warnings": one.warnings, "lines": one.lines,
        "model": view.map(|view| &view.model), "usd": view.and_then(|view| view.usd), "hunks": hunks,
    })
}

fn pick(ranked: &[Candidate]) -> Option<String> {
    let open: Vec<&Candidate> = ranked.iter().filter(|one| one.is_open).collect();
    let answer = ask(&format!("Which [1-{}, default 1]? ", open.len()))?;
    let number: usize = if answer.is_empty() { 1 } else { answer.parse().ok()? };
    open.get(number.checked_sub(1)?).map(|one| one.task.clone())
}

/// Closes the other candidates of a contest: one is enough.
fn close_others(session: &Session, chosen: &str, views: &[TaskView]) -> Result<(), String> {
    for view in views.iter().filter(|view| view.task != chosen && view.state == State::Proposed) {
        let message = format!("task {chosen} was chosen in its place");
        let ended = TaskEvent::Ended { state: State::Done, message };
        galley_agent::record_in(&session.journal, &view.task, &ended, galley_agent::clock::now_ms())
            .map_err(|error| error.to_string())?;
    }
    Ok(())
}

/// The tasks of the contest that a task takes part in; without one, of the latest.
fn group(session: &Session, prefix: Option<&str>) -> Result<Vec<TaskView>, String> {
    let named = prefix.map(|prefix| views(session, Some(prefix))).transpose()?;
    let all = views(session, None)?;
    let found = match named {
        Some(named) => named.first().and_then(contest::of).cloned(),
        None => all.iter().rev().find_map(contest::of).cloned(),
    };
    let Some(group) = found.map(|contest| contest.group) else {
        return Err("no request was given to several tasks here: galley run --best-of 3 \"…\"".to_owned());
    };
    let is_of = |view: &TaskView| contest::of(view).is_some_and(|contest| contest.group == group);
    Ok(all.into_iter().filter(is_of).collect())
}

/// `galley task candidates`
pub fn list(session: &Session, prefix: Option<&str>, json: bool) -> i32 {
    match group(session, prefix) {
        Ok(views) => {
            show(&contest::rank(&views), &views, Style::of_stdout(), json);
            DONE
        }
        Err(error) => fail(FAILED, &error),
    }
}

/// `galley task choose`
pub fn choose(session: &Session, prefix: &str) -> i32 {
    let chosen = group(session, Some(prefix)).and_then(|group| {
        let view = group.iter().find(|view| view.task.starts_with(prefix));
        let view = view.filter(|view| view.state == State::Proposed);
        let view = view.ok_or_else(|| format!("task {prefix} proposes nothing"))?;
        close_others(session, &view.task, &group)?;
        Ok(view.task.clone())
    });
    match chosen {
        Ok(task) => {
            print(&format!("task {task} is the one; review it: galley review\n"));
            DONE
        }
        Err(error) => fail(FAILED, &error),
    }
}

/// `galley task take`: hunks of one candidate into the proposal of another, checked anew.
pub fn take(session: &Session, prefix: &str, hunks: &[String]) -> i32 {
    let ids: Vec<HunkId> = hunks.iter().cloned().map(HunkId).collect();
    let found = group(session, Some(prefix)).and_then(|group| {
        let holds = |view: &&TaskView| {
            let proposal = view.proposal.as_ref();
            proposal.is_some_and(|proposal| ids.iter().all(|id| proposal.hunk(id).is_some()))
        };
        let own = group.iter().find(|view| view.task.starts_with(prefix));
        let own = own.ok_or_else(|| format!("there is no task {prefix}"))?;
        let other = group.iter().filter(|view| view.task != own.task).find(holds);
        let other = other.ok_or("no other candidate has these hunks; galley task candidates lists them")?;
        Ok((own.clone(), other.clone()))
    });
    let (own, other) = match found {
        Ok(found) => found,
        Err(error) => return fail(USAGE, &error),
    };
    match mixed(session, &own, &other, &ids) {
        Ok(words) => {
            print(&format!("taken into task {}: {words}\n", own.task));
            DONE
        }
        Err(error) => fail(FAILED, &error),
    }
}

fn mixed(session: &Session, own: &TaskView, other: &TaskView, ids: &[HunkId]) -> Result<String, String> {
    let snapshot = session.workspace.snapshot();
    let mixed = contest::mix(own, other, ids, &snapshot)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| error.to_string())?;
    let bench = galley_agent::verify::Bench {
        state_dir: session.journal.state_dir().to_path_buf(),
        level: galley_exec::probe(),
        network: session.settings.sandbox.network.granted(),
    };
    let names = own.evidence.iter().map(|known| known.check.clone()).collect();
    let may = bench.level.is_sandboxed() || session.settings.sandbox.unsandboxed;
    let evidence = if may {
        let (which, cancel) = (Which::Named(names), CancellationToken::new());
        runtime.block_on(proof::prove(bench, &mixed.overlay, &which, &cancel))?
    } else {
        Vec::new()
    };
    let words: Vec<String> =
        evidence.iter().map(|known| format!("{}: {}", known.check, known.summary)).collect();
    for event in mixed.events(evidence, &other.task) {
        galley_agent::record_in(&session.journal, &own.task, &event, galley_agent::clock::now_ms())
            .map_err(|error| error.to_string())?;
    }
    Ok(if words.is_empty() { "not verified".to_owned() } else { words.join("; ") })
}
