//! `plan`: replaces the plan that the person watches.

use futures::future::BoxFuture;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Answer, Context, Tool, object, typed};
use crate::event::{PlanItem, PlanState};

pub(super) static TOOL: Tool = Tool {
    name: "plan",
    description: "Replace the plan. For work of several steps: 3 to 6 items, one active.",
    schema,
    announce: |_| "update the plan".to_owned(),
    run,
};

#[derive(Deserialize)]
struct Arguments {
    items: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    text: String,
    state: Option<PlanState>,
}

fn schema() -> Value {
    let item = object(
        json!({
            "text": { "type": "string" },
            "state": { "type": "string", "enum": ["pending", "active", "done", "dropped"] },
        }),
        &["text", "state"],
    );
    object(json!({ "items": { "type": "array", "items": item } }), &["items"])
}

fn run(_: &mut Context, arguments: Value) -> BoxFuture<'_, Answer> {
    Box::pin(async move {
        let arguments: Arguments = match typed(&TOOL, arguments) {
            Ok(arguments) => arguments,
            Err(why) => return Answer::error(why),
        };
        let items: Vec<PlanItem> = arguments
            .items
            .into_iter()
            .filter(|item| !item.text.trim().is_empty())
            .map(|item| PlanItem {
                text: item.text.trim().to_owned(),
                state: item.state.unwrap_or(PlanState::Pending),
                items: Vec::new(),
            })
            .collect();
        let done = items.iter().filter(|item| item.state == PlanState::Done).count();
        let summary = format!("plan: {done} of {} done", items.len());
        Answer { plan: Some(items), ..Answer::ok("Plan updated.", summary) }
    })
}
