//! Orders to a task that runs, given from a terminal through the journal: whatever process runs it takes them from there.

use galley_agent::event::State;
use galley_agent::{Order, ScopeSpec};
use galley_journal::Journal;
use serde_json::json;

use super::terminal::{print, safe};
use super::{BoundArgs, DONE, FAILED, LimitArgs, USAGE, fail};

/// Gives orders to a task that some process runs.
pub fn give(prefix: &str, orders: Vec<Order>, what: &str) -> i32 {
    match given(prefix, orders) {
        Ok(task) => {
            print(&format!("task {task} {what}\n"));
            DONE
        }
        Err(error) => fail(FAILED, &error),
    }
}

fn given(prefix: &str, orders: Vec<Order>) -> Result<String, String> {
    let journal = journal()?;
    let row = journal.find_task(prefix).map_err(|error| error.to_string())?;
    let row = row.ok_or_else(|| format!("there is no task {prefix}"))?;
    // A task that ended keeps its claim for a moment; nobody would take the order any more.
    let state: Option<State> = serde_json::from_value(json!(row.state)).ok();
    let is_over = state.is_some_and(State::is_over);
    if is_over || !journal.owner(&row.id).ok().flatten().is_some_and(|claim| claim.alive) {
        return Err(format!(
            "task {} does not run now ({}); go on with it: galley task resume {}",
            row.id, row.state, row.id
        ));
    }
    for order in orders {
        galley_agent::order::give(&journal, &row.id, order).map_err(|error| error.to_string())?;
    }
    Ok(row.id)
}

fn journal() -> Result<Journal, String> {
    let folder = crate::config::state_dir().map_err(|error| error.to_string())?;
    Journal::open(&folder).map_err(|error| error.to_string())
}

/// `galley task change`
pub fn change(prefix: &str, limits: &LimitArgs, bounds: &BoundArgs, model: Option<&str>) -> i32 {
    let scope = match bounds.limits() {
        Ok(limits) => ScopeSpec { paths: bounds.scope.clone(), ..limits },
        Err(error) => return fail(USAGE, &error),
    };
    let mut orders = Vec::new();
    let budget = limits.budget();
    if budget != galley_agent::Budget::NONE {
        orders.push(Order::Budget { budget });
    }
    if !scope.is_empty() {
        orders.push(Order::Scope { scope });
    }
    if let Some(model) = model {
        orders.push(Order::Model { model: model.to_owned() });
    }
    if orders.is_empty() {
        return fail(USAGE, "say what to change: --max-usd, --max-steps, --scope, --model, …");
    }
    give(prefix, orders, "is changed at its next step")
}

/// `galley task queue`
pub fn queue(prefix: &str, message: Option<&str>, text: Option<&str>, remove: bool, json: bool) -> i32 {
    match (message, text) {
        (Some(id), Some(text)) => {
            let order = Order::Reword { id: id.to_owned(), text: text.to_owned() };
            give(prefix, vec![order], "will read the new words")
        }
        (Some(id), None) if remove => {
            give(prefix, vec![Order::Remove { id: id.to_owned() }], "will not read it")
        }
        (Some(_), None) => fail(USAGE, "give the message's new text, or --remove"),
        (None, _) => list(prefix, json),
    }
}

fn list(prefix: &str, json: bool) -> i32 {
    let found = journal().and_then(|journal| {
        let row = journal.find_task(prefix).map_err(|error| error.to_string())?;
        let row = row.ok_or_else(|| format!("there is no task {prefix}"))?;
        super::task::view(&journal, &row.id)
    });
    let view = match found {
        Ok(view) => view,
        Err(error) => return fail(FAILED, &error),
    };
    for queued in view.queue.iter() {
        let text = match &queued.order {
            Order::Say { text } => text.clone(),
            other => serde_json::to_string(other).unwrap_or_default(),
        };
        match json {
            true => print(&format!("{}\n", json!({ "message": queued.id, "text": text }))),
            false => print(&format!("{}  {}\n", queued.id, safe(&text))),
        }
    }
    if view.queue.is_empty() && !json {
        print("nothing waits\n");
    }
    DONE
}
