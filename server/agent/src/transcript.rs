//! The conversation with the model, rebuilt from the events alone. A resumed task therefore sends the same bytes as the one
//! that was killed.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use galley_model::{Item, Reply, Usage};
use galley_text::path::RelPath;
use galley_workspace::Edits;

use crate::critic::Claim;
use crate::event::{PlanItem, Speaker, TaskEvent, Verdict};
use crate::order::Queue;
use crate::scope::ScopeSpec;
use crate::task::{Budget, TaskSpec};
use crate::tools::Set;
use crate::verify::Evidence;
use crate::view::add_usd;

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
    /// The last verified state that was worth keeping, and the last of them that came of an attempt to finish.
    pub kept: Option<Kept>,
    /// See `kept`.
    pub best: Option<Kept>,
    /// Attempts to finish that were sent back since the last proposal.
    pub repairs: u32,
    /// What the person allowed or forbade for the rest of the task.
    pub grants: BTreeMap<String, bool>,
    /// Calls that had begun to act when the journal ends.
    pub begun: BTreeSet<String>,
    /// `provider/model` that the person chose while it ran.
    pub chosen_model: Option<String>,
    /// Seconds that it ran before it was resumed.
    pub seconds: u64,
    /// Orders that wait.
    pub queue: Queue,
    /// Tokens over all turns.
    pub usage: Usage,
    /// Hash of the declarations of its tools at its start; empty where it is not known.
    pub declared: String,
    /// What it may change now.
    pub scope: ScopeSpec,
    /// Replies outside of the conversation by their key, in order.
    pub asides: HashMap<String, VecDeque<Reply>>,
    /// US dollars over all replies; `None` while no price is known.
    pub usd: Option<f64>,
    /// What the critic's look came to: notes, and claims that a command confirmed; `None` while there was none.
    pub look: Option<(Vec<String>, Vec<Claim>)>,
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
            kept: None,
            best: None,
            repairs: 0,
            grants: BTreeMap::new(),
            begun: BTreeSet::new(),
            chosen_model: None,
            seconds: 0,
            queue: Queue::default(),
            usage: Usage::default(),
            declared: declared(set),
            scope: spec.scope_spec(),
            asides: HashMap::new(),
            usd: None,
            look: None,
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

/// A verified state of the edits.
#[derive(Debug, Clone)]
pub struct Kept {
    /// The attempt to finish that it came of, from 1; 0 for none.
    pub attempt: u32,
    /// All edits.
    pub overlay: Edits,
    /// What the checks said.
    pub evidence: Vec<Evidence>,
}

/// Hash of the declarations of a tool set, as this version makes them.
pub fn declared(set: Set) -> String {
    let text = serde_json::to_string(&set.specs()).unwrap_or_default();
    blake3::hash(text.as_bytes()).to_hex().to_string()
}

/// Folds the events of a task. `None` when they do not begin with its start.
pub fn fold<'a>(events: impl IntoIterator<Item = &'a TaskEvent>) -> Option<Past> {
    let mut events = events.into_iter();
    let TaskEvent::Started { spec, instructions, tools, declared, .. } = events.next()? else { return None };
    let mut past = Past::new(spec.clone(), instructions.clone(), *tools);
    past.declared.clone_from(declared);
    let mut asked = Question::default();
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
            TaskEvent::Reply { reply, usd } => {
                past.usage += reply.usage;
                past.usd = add_usd(past.usd, *usd);
                past.steps += 1;
                past.items.push(Item::Reply((**reply).clone()));
            }
            TaskEvent::Aside { key, reply, usd, .. } => {
                past.usage += reply.usage;
                past.usd = add_usd(past.usd, *usd);
                past.asides.entry(key.clone()).or_default().push_back((**reply).clone());
            }
            TaskEvent::Looked { notes, confirmed, .. } => {
                past.look = Some((notes.clone(), confirmed.clone()));
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
                past.begun.remove(call_id);
                past.repairs += u32::from(tool == "finish" && !past.over);
                past.summaries.insert(call_id.clone(), summary.clone());
                // What its sub-tasks said has come to something; another call may get the same id.
                past.asides.retain(|key, _| !key.starts_with(&format!("{call_id}.")));
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
            TaskEvent::Compacted { shortened, .. } => {
                past.asides.retain(|key, _| !key.starts_with("summary "));
                shortened.apply(&mut past.items, &past.summaries);
            }
            TaskEvent::Checked { evidence } => {
                past.evidence.retain(|known| known.check != evidence.check || known.dir != evidence.dir);
                past.evidence.push(evidence.clone());
            }
            TaskEvent::CallBegan { call_id, .. } => {
                past.begun.insert(call_id.clone());
                asked.call.clone_from(call_id);
            }
            TaskEvent::Asked { text, grant, .. } => {
                // What waits for an answer has done nothing yet.
                past.begun.remove(&asked.call);
                text.lines().next().unwrap_or_default().clone_into(&mut asked.title);
                asked.grant.clone_from(grant);
            }
            TaskEvent::Answered { option, .. } => past.answered(&asked, option.as_deref()),
            TaskEvent::Candidate { attempt, overlay, evidence } => {
                let kept = Kept { attempt: *attempt, overlay: overlay.clone(), evidence: evidence.clone() };
                if *attempt > 0 {
                    past.best = Some(kept.clone());
                }
                past.kept = Some(kept);
            }
            TaskEvent::Switched { to, reason, .. } => {
                past.chosen_model = (reason == CHOSEN).then(|| to.clone());
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
                // Another change than the one that was looked at.
                past.look = None;
            }
            TaskEvent::Ended { .. } | TaskEvent::Proposed { .. } => {
                past.over = true;
                (past.kept, past.best, past.repairs) = (None, None, 0);
            }
            _ => {}
        }
    }
    Some(past)
}

/// The question that was asked last, and the call that it belongs to.
#[derive(Default)]
struct Question {
    call: String,
    title: String,
    grant: String,
}

/// The reason of a switch to another model that the person made.
pub const CHOSEN: &str = "you chose it";

impl Past {
    fn answered(&mut self, question: &Question, option: Option<&str>) {
        self.decisions.push(format!("{} {}", question.title, option.unwrap_or("no answer")));
        if matches!(option, Some("once" | "task" | "yes")) {
            self.begun.insert(question.call.clone());
        }
        if question.grant.is_empty() {
            return;
        }
        match option {
            Some("once" | crate::tools::SPOKEN) => {}
            Some("task") => drop(self.grants.insert(question.grant.clone(), true)),
            _ => drop(self.grants.insert(question.grant.clone(), false)),
        }
    }

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
