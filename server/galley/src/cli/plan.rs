//! `galley task plan`: the plan of a task, wherever it runs, shown, edited and approved from a terminal.

use std::io::Read;
use std::path::Path;

use galley_agent::Order;
use galley_agent::plan::{document, read};
use galley_agent::view::TaskView;

use super::orders;
use super::review::edited_text;
use super::task::view;
use super::terminal::{print, safe};
use super::{DONE, FAILED, USAGE, fail};

/// Shows the plan, or sends another one or an approval to the task.
pub fn plan(prefix: &str, edit: bool, set: Option<&Path>, approve: bool) -> i32 {
    let view = match found(prefix) {
        Ok(view) => view,
        Err(error) => return fail(FAILED, &error),
    };
    let title = view.spec.as_ref().map_or("", |spec| spec.title.as_str());
    let text = document(title, &view.plan, &view.plan_changes);
    let new = match (edit, set) {
        (true, _) => edited_text("plan.md", &text).map(Some),
        (false, Some(path)) => given(path).map(Some),
        (false, None) => Ok(None),
    };
    let items = match new {
        Ok(Some(new)) => read(&new),
        Ok(None) if approve => view.plan.clone(),
        Ok(None) => {
            print(&safe(&text));
            return DONE;
        }
        Err(error) => return fail(USAGE, &error),
    };
    if items.is_empty() {
        return fail(FAILED, "the plan has no items; the task keeps the one that it has");
    }
    let what = if approve { "will begin with this plan" } else { "will go by this plan" };
    orders::give(prefix, vec![Order::Plan { items, approve }], what)
}

fn found(prefix: &str) -> Result<TaskView, String> {
    let folder = crate::config::state_dir().map_err(|error| error.to_string())?;
    let journal = galley_journal::Journal::open(&folder).map_err(|error| error.to_string())?;
    let row = journal.find_task(prefix).map_err(|error| error.to_string())?;
    view(&journal, &row.ok_or_else(|| format!("there is no task {prefix}"))?.id)
}

fn given(path: &Path) -> Result<String, String> {
    let mut text = String::new();
    let read = match path.as_os_str() == "-" {
        true => std::io::stdin().read_to_string(&mut text).map(drop),
        false => std::fs::read_to_string(path).map(|read| text = read),
    };
    read.map(|()| text).map_err(|error| format!("{}: {error}", path.display()))
}
