//! The conversation with the model, rebuilt from the events alone. A resumed task therefore sends the same bytes as the one
//! that was killed.

use galley_model::Item;
use galley_workspace::Edits;

use crate::event::TaskEvent;
use crate::task::TaskSpec;
use crate::tools::Set;

/// What a task has to know of its past to go on.
#[derive(Debug)]
pub struct Past {
    /// What was asked for.
    pub spec: TaskSpec,
    /// The frozen system text.
    pub instructions: String,
    /// The frozen tools.
    pub set: Set,
    /// The conversation.
    pub items: Vec<Item>,
    /// The overlay's edits, if there are any.
    pub overlay: Option<Edits>,
    /// Steps taken.
    pub steps: u32,
    /// The reasons of edits: file, reason, new text.
    pub reasons: Vec<(String, String, String)>,
    /// Whether its loop had come to an end.
    pub over: bool,
    /// The review that it goes on from, and the hunks of it that are in the overlay.
    pub left: Option<(galley_review::Proposal, Vec<galley_review::HunkId>)>,
}

/// Folds the events of a task. `None` when they do not begin with its start.
pub fn fold(events: &[TaskEvent]) -> Option<Past> {
    let TaskEvent::Started { spec, instructions, tools, .. } = events.first()? else { return None };
    let mut past = Past {
        spec: spec.clone(),
        instructions: instructions.clone(),
        set: *tools,
        items: Vec::new(),
        overlay: None,
        steps: 0,
        reasons: Vec::new(),
        over: false,
        left: None,
    };
    for event in events {
        match event {
            TaskEvent::Said { text, .. } => past.items.push(Item::User(text.clone())),
            TaskEvent::Reply { reply, .. } => past.items.push(Item::Reply((**reply).clone())),
            TaskEvent::CallBegan { step, .. } => past.steps = past.steps.max(*step),
            TaskEvent::CallEnded { call_id, tool, free_text, output, is_error, overlay, .. } => {
                past.items.push(Item::ToolResult {
                    call_id: call_id.clone(),
                    name: tool.clone(),
                    free_text: *free_text,
                    output: output.clone(),
                    is_error: *is_error,
                });
                if let Some(overlay) = overlay {
                    past.overlay = Some(overlay.clone());
                }
            }
            TaskEvent::Edited { path, why, new } => {
                past.reasons.push((path.clone(), why.clone(), new.clone()))
            }
            TaskEvent::Continued { left, offered, overlay } => {
                past.left = Some(((**left).clone(), offered.clone()));
                past.overlay = Some(overlay.clone());
                past.over = false;
            }
            TaskEvent::Ended { .. } | TaskEvent::Proposed { .. } => past.over = true,
            _ => {}
        }
    }
    Some(past)
}

/// The calls of the last reply that have no result yet: where an interrupted task goes on.
pub fn unanswered(items: &[Item]) -> Vec<galley_model::ToolCall> {
    let Some(at) = items.iter().rposition(|item| matches!(item, Item::Reply(_))) else { return Vec::new() };
    let Item::Reply(reply) = &items[at] else { return Vec::new() };
    let answered = |id: &str| {
        items[at..].iter().any(|item| matches!(item, Item::ToolResult { call_id, .. } if call_id == id))
    };
    reply.calls.iter().filter(|call| !answered(&call.call_id)).cloned().collect()
}
