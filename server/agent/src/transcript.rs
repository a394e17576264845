//! The conversation with the model, rebuilt from the events alone. A resumed task therefore sends the same bytes as the one
//! that was killed.

use std::collections::HashMap;

use galley_model::{Item, Usage};
use galley_text::path::RelPath;
use galley_workspace::Edits;

use crate::event::{PlanItem, Speaker, TaskEvent, Verdict};
use crate::order::Queue;
use crate::scope::ScopeSpec;
use crate::task::{Budget, TaskSpec};
use crate::tools::Set;
use crate::verify::Evidence;

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
    /// Its limits now.
    pub budget: Budget,
    /// The plan.
    pub plan: Vec<PlanItem>,
    /// The person's messages after the request, oldest first.
    pub said: Vec<String>,
    /// Questions with their answers, and decisions on hunks, oldest first.
    pub decisions: Vec<String>,
    /// A line for each call, by its id.
    pub summaries: HashMap<String, String>,
    /// The last evidence of each check.
    pub evidence: Vec<Evidence>,
    /// Orders that wait.
    pub queue: Queue,
    /// Tokens over all turns.
    pub usage: Usage,
    /// Hash of the declarations of its tools at its start; empty where it is not known.
    pub declared: String,
    /// What it may change now.
    pub scope: ScopeSpec,
    /// Whether its loop had come to an end.
    pub over: bool,
    /// The review that it goes on from, and the hunks of it that are in the overlay.
    pub left: Option<(galley_review::Proposal, Vec<galley_review::HunkId>)>,
}

impl Past {
    /// A task at its very beginning.
    pub fn new(spec: TaskSpec, instructions: String, set: Set) -> Past {
        Past {
            instructions,
            set,
            items: Vec::new(),
            overlay: None,
            steps: 0,
            reasons: Vec::new(),
            budget: spec.budget,
            plan: Vec::new(),
            said: Vec::new(),
            decisions: Vec::new(),
            summaries: HashMap::new(),
            evidence: Vec::new(),
            queue: Queue::default(),
            usage: Usage::default(),
            declared: declared(set),
            scope: spec.scope_spec(),
            over: false,
            left: None,
            spec,
        }
    }

    /// The line of a call.
    pub fn summary(&self, call_id: &str) -> Option<String> {
        self.summaries.get(call_id).cloned()
    }

    /// Bytes of what every request begins with: system text and tools.
    pub fn frozen_bytes(&self) -> usize {
        let tools = self.set.specs();
        self.instructions.len()
            + tools
                .iter()
                .map(|tool| tool.schema.to_string().len() + tool.description.len() + 80)
                .sum::<usize>()
    }
}

/// Hash of the declarations of a tool set, as this version makes them.
pub fn declared(set: Set) -> String {
    let text = serde_json::to_string(&set.specs()).unwrap_or_default();
    blake3::hash(text.as_bytes()).to_hex().to_string()
}

/// Folds the events of a task. `None` when they do not begin with its start.
pub fn fold(events: &[TaskEvent]) -> Option<Past> {
    let TaskEvent::Started { spec, instructions, tools, declared, .. } = events.first()? else { return None };
    let mut past = Past::new(spec.clone(), instructions.clone(), *tools);
    past.declared.clone_from(declared);
    let mut asked = String::new();
    for event in events {
        match event {
            TaskEvent::Said { text, by } => {
                if *by == Speaker::Person {
                    past.said.push(text.clone());
                    // Words after the end open the task again.
                    past.over = false;
                }
                past.items.push(Item::User(text.clone()));
            }
            TaskEvent::Reply { reply, .. } => {
                past.usage += reply.usage;
                past.steps += 1;
                past.items.push(Item::Reply((**reply).clone()));
            }
            TaskEvent::CallEnded {
                call_id,
                tool,
                free_text,
                output,
                is_error,
                summary,
                overlay,
                partial,
                reverted,
                ..
            } => {
                past.summaries.insert(call_id.clone(), summary.clone());
                past.items.push(Item::ToolResult {
                    call_id: call_id.clone(),
                    name: tool.clone(),
                    free_text: *free_text,
                    output: output.clone(),
                    is_error: *is_error,
                });
                past.change_overlay(overlay.as_ref(), *partial, reverted);
            }
            TaskEvent::Edited { path, why, new } => {
                past.reasons.push((path.clone(), why.clone(), new.clone()));
            }
            TaskEvent::Plan { items, .. } => past.plan.clone_from(items),
            TaskEvent::Approved { instructions, tools } => {
                past.instructions.clone_from(instructions);
                past.set = *tools;
                past.declared = self::declared(*tools);
            }
            TaskEvent::Compacted { shortened, .. } => shortened.apply(&mut past.items, &past.summaries),
            TaskEvent::Checked { evidence } => {
                past.evidence.retain(|known| known.check != evidence.check || known.dir != evidence.dir);
                past.evidence.push(evidence.clone());
            }
            TaskEvent::Asked { text, .. } => text.lines().next().unwrap_or_default().clone_into(&mut asked),
            TaskEvent::Answered { option, .. } => {
                let answer = option.as_deref().unwrap_or("no answer");
                past.decisions.push(format!("{asked} {answer}"));
            }
            // Marks are the person's own business.
            TaskEvent::Decided {
                verdict: Verdict::Reviewed | Verdict::Unreviewed | Verdict::Split, ..
            } => {}
            TaskEvent::Decided { hunks, verdict, text } => {
                past.decisions.push(crate::event::decision(hunks.len(), *verdict, text.as_deref()));
            }
            TaskEvent::Budgeted { budget } => past.budget = *budget,
            TaskEvent::Ordered { queued } => past.queue.put(queued.clone()),
            TaskEvent::Taken { id } => past.queue.taken(id),
            TaskEvent::Scoped { scope, .. } => past.scope = scope.clone(),
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

impl Past {
    fn change_overlay(&mut self, edits: Option<&Edits>, partial: bool, reverted: &[RelPath]) {
        let Some(edits) = edits else { return };
        match &mut self.overlay {
            Some(known) if partial => {
                known.files.retain(|path, _| !reverted.contains(path));
                known.files.extend(edits.files.iter().map(|(path, edit)| (path.clone(), edit.clone())));
            }
            known => *known = Some(edits.clone()),
        }
    }
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
