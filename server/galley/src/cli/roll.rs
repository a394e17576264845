//! `galley rollback`: takes the latest applied change of a task back from any terminal; later work stays.

use galley_agent::event::{Checkpoint, TaskEvent};
use galley_agent::view::TaskView;
use galley_text::path::RelPath;
use galley_workspace::apply;
use serde_json::json;

use super::session::Session;
use super::terminal::{Style, print};
use super::{DONE, FAILED, RollbackArgs, USAGE, fail, task};
use crate::rollback::{self, Inverse};

/// `galley rollback`
pub fn rollback(args: &RollbackArgs) -> i32 {
    let session = match Session::open(&args.root) {
        Ok(session) => session,
        Err(error) => return fail(USAGE, &error),
    };
    let views = match task::views(&session, args.task.as_deref()) {
        Ok(views) => views,
        Err(error) => return fail(FAILED, &error),
    };
    let latest = views
        .iter()
        .flat_map(|view| view.checkpoints.iter().map(move |checkpoint| (view, checkpoint)))
        .max_by(|(_, a), (_, b)| a.id.cmp(&b.id));
    match latest {
        Some((view, checkpoint)) => take_back(&session, view, checkpoint, args.json),
        None => fail(FAILED, "there is nothing to take back in this workspace"),
    }
}

fn take_back(session: &Session, view: &TaskView, checkpoint: &Checkpoint, json: bool) -> i32 {
    let snapshot = session.workspace.snapshot();
    let (mut changes, mut conflicts) = (Vec::new(), Vec::new());
    for file in &checkpoint.files {
        let Ok(path) = RelPath::new(&file.path) else { continue };
        let now = snapshot.read(&path).ok().map(|text| text.to_string());
        match rollback::inverse(&path, file, now) {
            Inverse::Nothing => {}
            Inverse::Change(change) => changes.push(change),
            Inverse::Conflict => conflicts.push(file.path.clone()),
        }
    }
    if !conflicts.is_empty() {
        return fail(
            FAILED,
            &format!(
                "nothing was taken back: later changes touch the same lines in {}",
                conflicts.join(", ")
            ),
        );
    }
    let plan = match apply::plan(&session.workspace, &changes) {
        Ok(plan) => plan,
        Err(error) => return fail(FAILED, &error.to_string()),
    };
    let event = TaskEvent::RolledBack { checkpoint: checkpoint.id.clone(), conflicts };
    let recorded =
        galley_agent::record_in(&session.journal, &view.task, &event, galley_agent::clock::now_ms());
    if let Err(error) = recorded {
        return fail(FAILED, &error.to_string());
    }
    if let Err(error) = plan.write() {
        return fail(FAILED, &error.to_string());
    }
    let paths: Vec<&str> = changes.iter().map(|change| change.path().as_str()).collect();
    if json {
        print(&format!("{}\n", json!({ "task": view.task, "checkpoint": checkpoint.id, "files": paths })));
        return DONE;
    }
    let style = Style::of_stdout();
    for path in &paths {
        print(&format!("{} {path}\n", style.green("taken back")));
    }
    if paths.is_empty() {
        print("nothing to do: the change is not there any more\n");
    }
    DONE
}
