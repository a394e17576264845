//! A task's journal as a recording that can be played in place of its model: for a bug report, a test, a demo.

use galley_model::record::{self, Redaction};
use galley_model::{Item, Request};

use crate::event::TaskEvent;
use crate::transcript;

/// The replies of a task in order, one JSON line each, without what the redaction names. `None` when the events do
/// not begin with the task's start.
///
/// # Errors
/// A reply that cannot be written as JSON.
pub fn recording(events: &[(i64, TaskEvent)], redaction: &Redaction) -> Option<std::io::Result<String>> {
    let begin = transcript::fold(&events.iter().take(1).map(|(_, event)| event.clone()).collect::<Vec<_>>())?;
    let mut request =
        Request { instructions: begin.instructions, tools: begin.set.specs(), ..Request::default() };
    let mut lines = String::new();
    let mut before = events.first().map_or(0, |(at_ms, _)| *at_ms);
    for (at_ms, event) in events {
        if let TaskEvent::Reply { reply, .. } = event {
            let took = std::time::Duration::from_millis(u64::try_from(at_ms - before).unwrap_or(0));
            match record::line(&request, reply, took, redaction) {
                Ok(line) => lines.push_str(&line),
                Err(error) => return Some(Err(error)),
            }
        }
        request.items.extend(item(event));
        before = *at_ms;
    }
    Some(Ok(lines))
}

/// What an event adds to the conversation.
fn item(event: &TaskEvent) -> Option<Item> {
    match event {
        TaskEvent::Said { text, .. } => Some(Item::User(text.clone())),
        TaskEvent::Reply { reply, .. } => Some(Item::Reply((**reply).clone())),
        TaskEvent::CallEnded { call_id, tool, free_text, output, is_error, .. } => Some(Item::ToolResult {
            call_id: call_id.clone(),
            name: tool.clone(),
            free_text: *free_text,
            output: output.clone(),
            is_error: *is_error,
        }),
        _ => None,
    }
}
