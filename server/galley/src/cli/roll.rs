//! `galley rollback`: takes applied changes back from any terminal, a task, a checkpoint, all since one, or some hunks; later
//! work stays, and what it meets is shown and left to decide.

use galley_agent::event::{Checkpoint, CheckpointFile, TaskEvent, Verdict};
use galley_agent::view::TaskView;
use galley_review::{AcceptFile, FileKind, HunkId};
use galley_text::path::RelPath;
use galley_workspace::apply::{self, ApplyPlan, UndoFile, UndoRecord};
use serde_json::json;

use super::session::Session;
use super::terminal::{Style, print, safe};
use super::{DONE, FAILED, RollbackArgs, USAGE, fail, task};
use crate::protocol::RestoreParams;
use crate::rollback::{self, Conflict};

/// `galley rollback`
pub fn rollback(args: &RollbackArgs) -> i32 {
    let session = match Session::open(&args.root) {
        Ok(session) => session,
        Err(error) => return fail(USAGE, &error),
    };
    match performed(&session, args) {
        Ok(status) => status,
        Err(error) => fail(FAILED, &error),
    }
}

fn performed(session: &Session, args: &RollbackArgs) -> Result<i32, String> {
    let is_task = |id: &&str| session.journal.find_task(id).ok().flatten().is_some();
    let prefix = args.task.as_deref().filter(is_task);
    let views: Vec<TaskView> =
        task::views(session, None)?.into_iter().map(|view| settled(session, view)).collect();
    if args.list {
        return Ok(list(&views, args.json));
    }
    let task = prefix.map(|prefix| {
        let found = views.iter().find(|view| view.task.starts_with(prefix));
        found
            .map(|view| view.task.clone())
            .ok_or_else(|| format!("there is no task {prefix} in this workspace"))
    });
    let checkpoint = args.checkpoint.clone().or_else(|| args.task.clone().filter(|_| prefix.is_none()));
    let only: Option<Vec<HunkId>> =
        (!args.hunk.is_empty()).then(|| args.hunk.iter().map(|id| HunkId(id.clone())).collect());
    let params = RestoreParams {
        task: task.transpose()?,
        checkpoint: checkpoint.or_else(|| args.since.clone()),
        all: args.task.is_some(),
        since: args.since.is_some(),
        hunks: None,
    };
    let mut all: Vec<(String, Checkpoint)> = views
        .iter()
        .flat_map(|view| view.checkpoints.iter().map(|known| (view.task.clone(), known.clone())))
        .collect();
    all.sort_by(|(_, a), (_, b)| b.id.cmp(&a.id));
    let meant = crate::rollback::meant(all, &params, only.as_deref())?;
    take_back(session, &views, &meant, only.as_deref(), args.json)
}

/// A task's view with what an earlier process was about to write settled by the files.
fn settled(session: &Session, mut view: TaskView) -> TaskView {
    let snapshot = session.workspace.snapshot();
    for intent in view.applying.clone() {
        let there = |file: &&CheckpointFile| {
            let now = RelPath::new(&file.path).ok().and_then(|path| snapshot.read(&path).ok());
            rollback::stands(file, now.as_deref())
        };
        let files: Vec<&CheckpointFile> = intent.checkpoint.files.iter().filter(there).collect();
        if files.is_empty() {
            continue;
        }
        let paths: Vec<String> = files.iter().map(|file| file.path.clone()).collect();
        let mut events = Vec::new();
        if intent.hunks.is_empty() {
            let checkpoint = intent.takes_back.last().cloned().unwrap_or_default();
            let made = Some(intent.checkpoint.id.clone());
            events.push(TaskEvent::RolledBack { checkpoint, conflicts: Vec::new(), made, paths });
        } else {
            let hunks: Vec<HunkId> =
                files.iter().flat_map(|file| &file.hunks).map(|hunk| hunk.id.clone()).collect();
            let checkpoint = Checkpoint { files: Vec::new(), ..intent.checkpoint.clone() };
            events.push(TaskEvent::Decided { hunks: hunks.clone(), verdict: Verdict::Accepted, text: None });
            events.push(TaskEvent::Applied { hunks, checkpoint, paths });
        }
        for event in events {
            let at_ms = galley_agent::clock::now_ms();
            if galley_agent::record_in(&session.journal, &view.task, &event, at_ms).is_ok() {
                view.apply(at_ms, &event);
            }
        }
    }
    view
}

fn list(views: &[TaskView], json: bool) -> i32 {
    let style = Style::of_stdout();
    let mut all: Vec<(&TaskView, &Checkpoint)> =
        views.iter().flat_map(|view| view.checkpoints.iter().map(move |known| (view, known))).collect();
    all.sort_by(|(_, a), (_, b)| a.id.cmp(&b.id));
    for (view, known) in &all {
        let title = view.spec.as_ref().map(|spec| spec.title.clone()).unwrap_or_default();
        let files: Vec<&str> = known.files.iter().map(|file| file.path.as_str()).collect();
        if json {
            let line = json!({ "checkpoint": known.id, "task": view.task, "title": title, "label": known.label, "atMs": known.at_ms, "files": files });
            print(&format!("{line}\n"));
        } else {
            let what = format!(
                "{}  {}  {}  {}",
                style.cyan(&known.id),
                style.bold(&known.label),
                safe(&title),
                style.dim(&files.join(", "))
            );
            print(&format!("{what}\n"));
        }
    }
    if all.is_empty() && !json {
        print("nothing was applied in this workspace yet\n");
    }
    DONE
}

fn take_back(
    session: &Session,
    views: &[TaskView],
    meant: &[(String, Checkpoint)],
    only: Option<&[HunkId]>,
    json: bool,
) -> Result<i32, String> {
    let snapshot = session.workspace.snapshot();
    let checkpoints: Vec<&Checkpoint> = meant.iter().map(|(_, checkpoint)| checkpoint).collect();
    let text = |path: &RelPath| snapshot.read(path).ok().map(|text| text.to_string());
    let taken = rollback::take_back(&checkpoints, only, &text);
    let back = |file: &&AcceptFile| file.kind == FileKind::Add && taken.saved.contains_key(&file.path);
    let (back, plain): (Vec<&AcceptFile>, Vec<&AcceptFile>) = taken.files.iter().partition(back);
    let changes: Vec<_> = plain.iter().filter_map(|file| file.change()).collect();
    let plan = apply::plan(&session.workspace, &changes).map_err(|error| error.to_string())?;
    let plan = plan.with_modes(rollback::modes(&taken.files));
    let again = back.iter().filter_map(|file| {
        let saved = taken.saved.get(&file.path)?.clone();
        let after = Some(apply::Saved { text: file.result.clone(), ..saved });
        Some(UndoFile { path: file.path.clone(), before: None, after })
    });
    let again = UndoRecord { files: again.collect() };
    let forth = meant.iter().all(|(_, known)| known.rollback);
    let label = if forth { "brought back" } else { "rolled back" };
    let made = Checkpoint { rollback: !forth, ..checkpoint(&plan, &taken.files, label.to_owned()) };
    let task = meant.first().map(|(task, _)| task.clone()).ok_or("there is nothing to take back")?;
    let _turn = super::turn::Turn::of(session, &task)?;
    let takes_back: Vec<String> = match only {
        Some(_) => Vec::new(),
        None => meant.iter().map(|(_, known)| known.id.clone()).collect(),
    };
    let record = |task: &str, event: &TaskEvent| {
        galley_agent::record_in(&session.journal, task, event, galley_agent::clock::now_ms())
            .map_err(|error| error.to_string())
    };
    let (made_id, first) = (made.id.clone(), takes_back.last().cloned().unwrap_or_default());
    let paths: Vec<String> = taken.files.iter().map(|file| file.path.as_str().to_owned()).collect();
    record(&task, &TaskEvent::Applying { hunks: Vec::new(), checkpoint: made, takes_back })?;
    plan.write().map_err(|error| error.to_string())?;
    apply::redo(&session.workspace, &again).map_err(|error| error.to_string())?;
    let conflicts: Vec<String> = taken.conflicts.iter().map(rollback::told).collect();
    let made = Some(made_id.clone());
    record(
        &task,
        &TaskEvent::RolledBack {
            checkpoint: first,
            conflicts: conflicts.clone(),
            made,
            paths: paths.clone(),
        },
    )?;
    for (other, known) in meant.iter().filter(|(other, _)| *other != task && only.is_none()) {
        let checkpoint = known.id.clone();
        record(
            other,
            &TaskEvent::RolledBack { checkpoint, conflicts: Vec::new(), made: None, paths: Vec::new() },
        )?;
    }
    if let Some(only) = only {
        record(&task, &TaskEvent::Decided { hunks: only.to_vec(), verdict: Verdict::Reopened, text: None })?;
    }
    let title = views
        .iter()
        .find(|view| view.task == task)
        .and_then(|view| view.spec.as_ref())
        .map(|spec| spec.title.clone());
    offer(session, &task, &title.unwrap_or_default(), &made_id, &taken.conflicts)?;
    tell(&task, &made_id, &paths, &conflicts, json);
    Ok(if conflicts.is_empty() { DONE } else { FAILED })
}

/// Puts what both sides changed up for decision.
fn offer(
    session: &Session,
    task: &str,
    title: &str,
    made: &str,
    conflicts: &[Conflict],
) -> Result<(), String> {
    let Some(proposal) = rollback::conflicts_to_decide(task, title, made, conflicts) else { return Ok(()) };
    let summary = "rolled back but for places that changed since".to_owned();
    let event = TaskEvent::Proposed { proposal, evidence: Vec::new(), summary };
    galley_agent::record_in(&session.journal, task, &event, galley_agent::clock::now_ms())
        .map_err(|error| error.to_string())
}

fn tell(task: &str, made: &str, paths: &[String], conflicts: &[String], json: bool) {
    if json {
        let line = json!({ "task": task, "checkpoint": made, "files": paths, "conflicts": conflicts });
        return print(&format!("{line}\n"));
    }
    let style = Style::of_stdout();
    for path in paths {
        print(&format!("{} {path}\n", style.green("taken back")));
    }
    for conflict in conflicts {
        print(&format!("{} {}\n", style.yellow("left as it is"), safe(conflict)));
    }
    match (paths.is_empty(), conflicts.is_empty()) {
        (true, true) => print("nothing to do: the change is not there any more\n"),
        (_, false) => print(&format!("decide about what was left: {}\n", style.cyan("galley review"))),
        (false, true) => print(&format!(
            "bring it back: {}\n",
            style.cyan(&format!("galley rollback --checkpoint {made}"))
        )),
    }
}

/// The checkpoint of a plan that is about to be written.
pub fn checkpoint(plan: &ApplyPlan, files: &[AcceptFile], label: String) -> Checkpoint {
    let with_saved = |file: &AcceptFile| {
        let mut known = rollback::checkpoint_file(file);
        if file.kind == FileKind::Delete {
            let saved = plan.undo_record().files.iter().find(|saved| saved.path == file.path);
            known.saved = saved.and_then(|saved| saved.before.clone());
        }
        known
    };
    Checkpoint {
        id: galley_agent::clock::new_id("c"),
        at_ms: galley_agent::clock::now_ms(),
        label,
        rollback: false,
        files: files.iter().map(with_saved).collect(),
    }
}
