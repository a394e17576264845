//! `plan`: replaces the plan that the person watches.

use futures::future::BoxFuture;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Answer, Context, Tool, object, typed};
use crate::event::{PlanItem, PlanState};

pub(super) static TOOL: Tool = Tool {
    name: "plan",
    description: "Set the plan: [ ] open, [>] active, [x] done.",
    schema,
    announce: |_| "update the plan".to_owned(),
    run,
};

#[derive(Deserialize)]
struct Arguments {
    items: Vec<Item>,
}

/// An item as a line of a check list, or, not declared, as an object.
#[derive(Deserialize)]
#[serde(untagged)]
enum Item {
    Line(String),
    Object { text: String, state: Option<PlanState> },
}

fn schema() -> Value {
    object(
        json!({ "items": {
            "type": "array",
            "items": { "type": "string" },
        } }),
        &["items"],
    )
}

fn run(_: &mut Context, arguments: Value) -> BoxFuture<'_, Answer> {
    Box::pin(async move {
        let arguments: Arguments = match typed(&TOOL, arguments) {
            Ok(arguments) => arguments,
            Err(why) => return Answer::error(why),
        };
        let mut items: Vec<PlanItem> = Vec::new();
        for item in arguments.items {
            let (depth, item) = match item {
                Item::Line(line) => read_line(&line),
                Item::Object { text, state } => (
                    0,
                    PlanItem {
                        text: text.trim().to_owned(),
                        state: state.unwrap_or(PlanState::Pending),
                        items: Vec::new(),
                    },
                ),
            };
            match items.last_mut().filter(|_| depth > 0) {
                _ if item.text.is_empty() => {}
                Some(parent) => parent.items.push(item),
                None => items.push(item),
            }
        }
        if items.is_empty() {
            return Answer::error("the plan has no items; nothing was changed");
        }
        let done = items.iter().filter(|item| item.state == PlanState::Done).count();
        let summary = format!("plan: {done} of {} done", items.len());
        Answer { plan: Some(items), ..Answer::ok("ok", summary) }
    })
}

/// A line `[x] text` with its depth: 0, or 1 where it is indented. A line without a mark is an open item.
pub fn read_line(line: &str) -> (usize, PlanItem) {
    let depth = usize::from(line.starts_with(char::is_whitespace));
    let text = line.trim_start().trim_start_matches(['-', '*']).trim_start();
    let marks = [
        ("[ ]", PlanState::Pending),
        ("[>]", PlanState::Active),
        ("[x]", PlanState::Done),
        ("[X]", PlanState::Done),
        ("[-]", PlanState::Dropped),
    ];
    let marked = marks.iter().find_map(|(mark, state)| Some((text.strip_prefix(mark)?, *state)));
    let (text, state) = marked.unwrap_or((text, PlanState::Pending));
    (depth, PlanItem { text: text.trim().to_owned(), state, items: Vec::new() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_mark_and_depth() {
        let read = |line| {
            let (depth, item) = read_line(line);
            (depth, item.text, item.state)
        };
        assert_eq!(read("[x] find it"), (0, "find it".into(), PlanState::Done));
        assert_eq!(read("  - [>] mend it"), (1, "mend it".into(), PlanState::Active));
        assert_eq!(read("test it"), (0, "test it".into(), PlanState::Pending));
        assert_eq!(read("[-]"), (0, String::new(), PlanState::Dropped));
    }
}
