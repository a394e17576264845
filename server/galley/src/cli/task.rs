//! `galley task`: the tasks of a workspace from any terminal.

use galley_agent::event::State;
use galley_agent::view::{StepState, TaskView};
use galley_agent::{Order, TaskHandle};
use serde_json::json;

use super::candidates;
use super::live;
use super::orders;
use super::plan;
use super::run::{self, Manner};
use super::session::Session;
use super::terminal::{Style, can_ask, print, safe};
use super::{DONE, FAILED, RootArgs, TaskCommand, USAGE, fail};

/// `galley task`
pub fn task(command: &TaskCommand) -> i32 {
    match command {
        TaskCommand::List(args) => list(args),
        TaskCommand::Show { task, json } => show(task, *json),
        TaskCommand::Export { task, out } => export(task, out.as_deref()),
        TaskCommand::Steer { task, message } => {
            orders::give(task, vec![Order::Say { text: message.clone() }], "will read it")
        }
        TaskCommand::Pause { task } => orders::give(task, vec![Order::Pause], "will hold"),
        TaskCommand::Cancel { task } => orders::give(task, vec![Order::Stop], "will stop"),
        TaskCommand::Change { task, limits, bounds, model } => {
            orders::change(task, limits, bounds, model.as_deref())
        }
        TaskCommand::Queue { task, message, text, remove, json } => {
            orders::queue(task, message.as_deref(), text.as_deref(), *remove, *json)
        }
        TaskCommand::Plan { task, edit, set, approve } => plan::plan(task, *edit, set.as_deref(), *approve),
        TaskCommand::Candidates { task, place } => {
            with_session(&place.root, |session| candidates::list(session, task.as_deref(), place.json))
        }
        TaskCommand::Choose { task, root } => with_session(root, |session| candidates::choose(session, task)),
        TaskCommand::Take { task, hunks, root } => {
            with_session(root, |session| candidates::take(session, task, hunks))
        }
        TaskCommand::Fork { task, step, message, root, model, apply, json } => {
            let session = match Session::open(root) {
                Ok(session) => session,
                Err(error) => return fail(USAGE, &error),
            };
            fork(&session, task, *step, message, model.as_deref(), *apply, *json)
        }
        TaskCommand::Resume { task, root, model, apply, json } => {
            let session = match Session::open(root) {
                Ok(session) => session,
                Err(error) => return fail(USAGE, &error),
            };
            resume(&session, task.as_deref(), model.as_deref(), *apply, *json)
        }
    }
}

fn with_session(root: &std::path::Path, act: impl FnOnce(&Session) -> i32) -> i32 {
    match Session::open(root) {
        Ok(session) => act(&session),
        Err(error) => fail(USAGE, &error),
    }
}

/// The tasks of a workspace, or the one whose id begins so, oldest first.
pub fn views(session: &Session, prefix: Option<&str>) -> Result<Vec<TaskView>, String> {
    let rows = match prefix {
        Some(prefix) => {
            let row = session.journal.find_task(prefix).map_err(|error| error.to_string())?;
            vec![row.ok_or_else(|| format!("there is no task {prefix}"))?]
        }
        None => {
            let key = galley_agent::workspace_key(&session.workspace);
            session.journal.tasks(Some(&key)).map_err(|error| error.to_string())?
        }
    };
    let mut views = Vec::new();
    for row in rows {
        views.push(view(&session.journal, &row.id)?);
    }
    views.sort_by_key(|view| view.created_ms);
    Ok(views)
}

/// A task as its events tell of it.
pub fn view(journal: &galley_journal::Journal, task: &str) -> Result<TaskView, String> {
    let events = galley_agent::timed_events(journal, task).map_err(|error| error.to_string())?;
    let mut view = TaskView::new(task);
    for (at_ms, event) in &events {
        view.apply(*at_ms, event);
    }
    let alive = journal.owner(task).ok().flatten().is_some_and(|claim| claim.alive);
    if !view.state.is_over() && !alive {
        view.state = State::Interrupted;
    }
    Ok(view)
}

fn list(args: &RootArgs) -> i32 {
    let session = match Session::open(&args.root) {
        Ok(session) => session,
        Err(error) => return fail(USAGE, &error),
    };
    let views = match views(&session, None) {
        Ok(views) => views,
        Err(error) => return fail(FAILED, &error),
    };
    let style = Style::of_stdout();
    for view in &views {
        let title = view.spec.as_ref().map(|spec| spec.title.clone()).unwrap_or_default();
        if args.json {
            let line = json!({ "task": view.task, "state": view.state, "title": title, "createdMs": view.created_ms, "usd": view.usd });
            print(&format!("{line}\n"));
        } else {
            print(&format!(
                "{}  {}  {}\n",
                style.cyan(&view.task),
                style.bold(view.state.word()),
                safe(&title)
            ));
        }
    }
    if views.is_empty() && !args.json {
        print("no task in this workspace yet; start one: galley run \"…\"\n");
    }
    DONE
}

fn show(prefix: &str, json: bool) -> i32 {
    let journal = match crate::config::state_dir() {
        Ok(folder) => galley_journal::Journal::open(&folder),
        Err(error) => return fail(USAGE, &error.to_string()),
    };
    let found = journal.map_err(|error| error.to_string()).and_then(|journal| {
        let row = journal.find_task(prefix).map_err(|error| error.to_string())?;
        let row = row.ok_or_else(|| format!("there is no task {prefix}"))?;
        view(&journal, &row.id)
    });
    let view = match found {
        Ok(view) => view,
        Err(error) => return fail(FAILED, &error),
    };
    match json {
        true => print(&format!("{:#}\n", as_json(&view))),
        false => print(&as_text(&view, Style::of_stdout())),
    }
    DONE
}

fn export(prefix: &str, out: Option<&std::path::Path>) -> i32 {
    let text = match exported(prefix) {
        Ok(text) => text,
        Err(error) => return fail(FAILED, &error),
    };
    match out {
        None => print(&text),
        Some(path) => {
            if let Err(error) = galley_workspace::write_atomically(path, text.as_bytes()) {
                return fail(FAILED, &error.to_string());
            }
            print(&format!("play it: galley run --model replay/{} \"…\"\n", path.display()));
        }
    }
    DONE
}

fn exported(prefix: &str) -> Result<String, String> {
    let folder = crate::config::state_dir().map_err(|error| error.to_string())?;
    let settings = crate::config::load(None).map_err(|error| error.to_string())?;
    let journal = galley_journal::Journal::open(&folder).map_err(|error| error.to_string())?;
    let row = journal.find_task(prefix).map_err(|error| error.to_string())?;
    let row = row.ok_or_else(|| format!("there is no task {prefix}"))?;
    let events = galley_agent::timed_events(&journal, &row.id).map_err(|error| error.to_string())?;
    galley_agent::recording(&events, &settings.redaction())
        .ok_or_else(|| format!("the journal of task {} has no beginning", row.id))?
        .map_err(|error| error.to_string())
}

fn fork(
    session: &Session,
    prefix: &str,
    step: u32,
    message: &str,
    model: Option<&str>,
    apply: bool,
    json: bool,
) -> i32 {
    let from = match views(session, Some(prefix)) {
        Ok(mut views) => views.remove(0),
        Err(error) => return fail(FAILED, &error),
    };
    let recorded_model = Some(from.model.as_str()).filter(|model| !model.is_empty());
    let chain = match session.settings.chain_from(model, recorded_model) {
        Ok(chain) => chain,
        Err(error) => return fail(USAGE, &error.to_string()),
    };
    let manner = manner(apply, json);
    let handle = TaskHandle::new(galley_agent::clock::new_id("t"));
    let new = handle.task.clone();
    let journal = session.journal.clone();
    let (old, message) = (from.task.clone(), message.to_owned());
    let begin = move |services, handle| {
        galley_agent::fork(&journal, &old, step, &new)?;
        galley_agent::resume(services, handle, Some(message))
    };
    run::perform(session, chain, handle, begin, manner, Style::of_stdout(), json)
}

fn manner(apply: bool, json: bool) -> Manner {
    match (apply, json || !can_ask()) {
        (true, _) => Manner::ApplyIfGreen,
        (false, true) => Manner::Show,
        (false, false) => Manner::Ask,
    }
}

fn as_json(view: &TaskView) -> serde_json::Value {
    let steps: Vec<_> = view
        .steps
        .iter()
        .map(|step| json!({ "step": step.step, "tool": step.tool, "summary": step.summary, "ms": step.ms, "ok": step.state == StepState::Ok }))
        .collect();
    let phases: serde_json::Map<_, _> = view
        .phases
        .iter()
        .map(|(phase, (usage, usd))| {
            let spent =
                json!({ "input": usage.input, "cached": usage.cached, "output": usage.output, "usd": usd });
            (phase.word().to_owned(), spent)
        })
        .collect();
    json!({
        "phases": phases,
        "task": view.task, "state": view.state, "spec": view.spec, "model": view.model, "recorded": view.recorded,
        "plan": view.plan, "steps": steps, "usage": view.usage, "usd": view.usd, "turns": view.turns,
        "planChanges": view.plan_changes, "touches": view.touches, "notes": view.notes,
        "queue": view.queue.iter().collect::<Vec<_>>(), "scope": view.scope, "compactions": view.compactions,
        "evidence": view.evidence, "proposal": view.proposal, "message": view.message,
        "checkpoints": view.checkpoints.iter().map(|checkpoint| &checkpoint.id).collect::<Vec<_>>(),
        "createdMs": view.created_ms, "updatedMs": view.updated_ms,
    })
}

fn as_text(view: &TaskView, style: Style) -> String {
    let goal = view.spec.as_ref().map(|spec| spec.goal.clone()).unwrap_or_default();
    let mut text = format!(
        "{}  {}  {}\n{}\n",
        style.cyan(&view.task),
        style.bold(view.state.word()),
        view.model,
        safe(&goal)
    );
    if !view.plan.is_empty() {
        text.push_str(&live::plan(&view.plan, style));
    }
    for step in &view.steps {
        let mark = match step.state {
            StepState::Ok => style.green("✓"),
            StepState::Error => style.red("✗"),
            StepState::Running => style.dim("…"),
        };
        text.push_str(&format!("  {mark} {}\n", safe(&step.summary)));
    }
    for evidence in &view.evidence {
        text.push_str(&format!("{}\n", live::evidence(evidence, style)));
    }
    if let Some(proposal) = &view.proposal {
        text.push_str(&galley_review::render::unified(proposal));
    }
    if let Some(message) = &view.message {
        text.push_str(&format!("{}\n", safe(message)));
    }
    text.push_str(&format!("{}\n", live::totals(view, style)));
    text
}

fn resume(session: &Session, prefix: Option<&str>, model: Option<&str>, apply: bool, json: bool) -> i32 {
    let views = match views(session, prefix) {
        Ok(views) => views,
        Err(error) => return fail(FAILED, &error),
    };
    if let Some(view) = views.iter().rfind(|view| view.state == State::Paused) {
        return orders::give(&view.task, vec![Order::Resume], "goes on");
    }
    let interrupted = views.iter().rfind(|view| view.state == State::Interrupted);
    let Some(view) = interrupted.or_else(|| views.last().filter(|view| view.can_go_on())) else {
        return fail(
            FAILED,
            "there is no task to go on with: none was interrupted, and the last is at the end of its work",
        );
    };
    let recorded_model = Some(view.model.as_str()).filter(|model| !model.is_empty());
    let chain = match session.settings.chain_from(model, recorded_model) {
        Ok(chain) => chain,
        Err(error) => return fail(USAGE, &error.to_string()),
    };
    let manner = manner(apply, json);
    let begin = |services, handle| galley_agent::resume(services, handle, None);
    run::perform(session, chain, TaskHandle::new(view.task.clone()), begin, manner, Style::of_stdout(), json)
}
