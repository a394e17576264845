//! The tools that a model may call: one file and one row of `TABLE` each.
//!
//! A tool reads its arguments as untrusted text, answers in the smallest text that serves, and never touches anything but
//! the task's overlay and shadow. What it did for the person's eyes stands in [`Answer::summary`].

mod apply_patch;
mod ask;
mod check;
mod context;
mod diagnostics;
mod edit;
mod explore;
mod finish;
mod more;
mod overlaid;
pub mod plan;
mod reaching;
mod read;
mod run;
mod search;
mod seen;
mod subtask;
mod taking;
mod widen;

use std::collections::BTreeSet;

use futures::future::BoxFuture;
use galley_model::{ToolCall, ToolSpec};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub use context::{Context, Finish, Outcome, SPOKEN};

use crate::event::PlanItem;

/// Which tools a task is given. Frozen at its start, since a changed set would void the provider's cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Set {
    /// Edits by exact replacement.
    Replace,
    /// Edits by the patch envelope, as free text where the provider has free-text tools.
    ApplyPatch,
    /// No tool that writes: for questions.
    ReadOnly,
    /// No tool that writes, asks or delegates: for a sub-task.
    Exploring,
    /// Reading and editing, nothing that runs, asks or delegates: for a sub-task that edits.
    Delegated,
    /// No tool that writes or ends: for the exploration before a plan, which is submitted with `plan`.
    Planning,
}

/// What a tool call came to.
#[derive(Debug, Default)]
pub struct Answer {
    /// What the model is told.
    pub output: String,
    /// Whether it failed.
    pub is_error: bool,
    /// One line for the person.
    pub summary: String,
    /// The plan, if the call replaced it.
    pub plan: Option<Vec<PlanItem>>,
    /// Edits with their reason, if the call changed the overlay.
    pub edited: Vec<Edited>,
    /// Whether the overlay changed.
    pub overlay_changed: bool,
    /// The end of the task, if the call asks for it.
    pub finish: Option<Finish>,
}

/// An edit with its reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edited {
    /// The file.
    pub path: String,
    /// The model's reason.
    pub why: String,
    /// The text that was put in place.
    pub new: String,
}

impl Answer {
    /// A good answer.
    pub fn ok(output: impl Into<String>, summary: impl Into<String>) -> Answer {
        Answer { output: output.into(), summary: summary.into(), ..Answer::default() }
    }

    /// An error that the model can act on. Its first line also stands in the person's line.
    pub fn error(output: impl Into<String>) -> Answer {
        let output = output.into();
        let summary = output.lines().next().unwrap_or_default().chars().take(120).collect();
        Answer { output, is_error: true, summary, ..Answer::default() }
    }
}

struct Tool {
    name: &'static str,
    /// In the answer to the model: a few words.
    description: &'static str,
    schema: fn() -> Value,
    /// What the person reads while it runs.
    announce: fn(&Value) -> String,
    run: for<'a> fn(&'a mut Context, Value) -> BoxFuture<'a, Answer>,
}

/// Every tool, sorted by name.
const TABLE: &[&Tool] = &[
    &apply_patch::TOOL,
    &check::TOOL,
    &edit::TOOL,
    &finish::TOOL,
    &more::TOOL,
    &plan::TOOL,
    &read::TOOL,
    &run::TOOL,
    &search::TOOL,
];

impl Set {
    fn names(self) -> &'static [&'static str] {
        match self {
            Set::Replace => &["check", "edit", "finish", "more", "plan", "read", "run", "search"],
            Set::ApplyPatch => &["apply_patch", "check", "finish", "more", "plan", "read", "run", "search"],
            Set::ReadOnly => &["finish", "more", "read", "search"],
            Set::Exploring => &["finish", "read", "search"],
            Set::Delegated => &["edit", "finish", "read", "search"],
            Set::Planning => &["more", "plan", "read", "search"],
        }
    }

    /// Whether any tool of the set changes the overlay or runs commands.
    pub fn writes(self) -> bool {
        matches!(self, Set::Replace | Set::ApplyPatch | Set::Delegated)
    }

    /// The declarations for a request, sorted by name.
    pub fn specs(self) -> Vec<ToolSpec> {
        let description = |tool: &Tool| match (tool.name, self.writes()) {
            ("finish", true) if self == Set::Delegated => "Tell what you changed.",
            ("more", false) => more::READING,
            ("finish", false) => "Give the answer.",
            ("plan", false) => "Submit the plan for approval: 3 to 8 items with their files, a check last.",
            _ => tool.description,
        };
        let schema = |tool: &Tool| {
            let mut schema = (tool.schema)();
            // What must be given goes without saying where the tool is about nothing else. A call without it is told.
            if !matches!(tool.name, "edit" | "finish")
                && let Some(fields) = schema.as_object_mut()
            {
                fields.remove("required");
            }
            schema
        };
        let spec = |tool: &&Tool| ToolSpec {
            name: tool.name.to_owned(),
            description: description(tool).to_owned(),
            schema: schema(tool),
            free_text: tool.name == "apply_patch",
        };
        TABLE.iter().filter(|tool| self.names().contains(&tool.name)).map(spec).collect()
    }
}

/// What the person reads while a call runs.
pub fn announce(call: &ToolCall) -> String {
    let arguments = arguments(call).unwrap_or(Value::Null);
    match find(&call.name) {
        Some(tool) => (tool.announce)(&arguments),
        None => call.name.clone(),
    }
}

/// Whether there is a tool of this name, in any set.
pub fn is_known(name: &str) -> bool {
    find(name).is_some()
}

/// Whether a call that was under way when its process died may be run again: it only reads, or changes nothing but the
/// task's own overlay, which is rebuilt from the journal. Checks are made to be repeated; of other commands those that the
/// policy knows to read only.
pub fn is_repeatable(call: &ToolCall) -> bool {
    if call.name != "run" {
        return true;
    }
    let arguments = arguments(call).unwrap_or(Value::Null);
    let command = arguments["command"].as_str().unwrap_or_default();
    let verdict = galley_exec::policy::judge(command, &galley_exec::policy::Rules::default());
    verdict.risk == galley_exec::policy::Risk::None
}

/// Runs a call. Unknown tools and arguments that do not parse are answers, too.
pub async fn run(context: &mut Context, call: &ToolCall) -> Answer {
    let known = context.set.names();
    context.call.clone_from(&call.call_id);
    let Some(tool) = find(&call.name).filter(|tool| known.contains(&tool.name)) else {
        return Answer::error(format!(
            "there is no tool `{}`; the tools are {}",
            call.name,
            known.join(", ")
        ));
    };
    match arguments(call) {
        Ok(arguments) => (tool.run)(context, arguments).await,
        Err(error) => Answer::error(format!(
            "the arguments of `{}` are not valid JSON ({error}); nothing was done. Its arguments are: {}",
            call.name,
            shape(tool)
        )),
    }
}

fn find(name: &str) -> Option<&'static Tool> {
    TABLE.iter().find(|tool| tool.name == name).copied()
}

fn arguments(call: &ToolCall) -> Result<Value, serde_json::Error> {
    if call.free_text {
        return Ok(json!({ "input": call.arguments }));
    }
    if call.arguments.trim().is_empty() {
        return Ok(json!({}));
    }
    serde_json::from_str(&call.arguments)
}

/// Reads the arguments into a tool's own type.
///
/// # Errors
/// Words for the model that name the fault and the shape.
fn typed<T: DeserializeOwned>(tool: &Tool, arguments: Value) -> Result<T, String> {
    serde_json::from_value(arguments).map_err(|error| {
        format!("`{}`: {error}; nothing was done. Its arguments are: {}", tool.name, shape(tool))
    })
}

fn shape(tool: &Tool) -> String {
    let schema = (tool.schema)();
    let required: BTreeSet<&str> =
        schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let Some(properties) = schema["properties"].as_object() else { return "none".to_owned() };
    let names: Vec<String> = properties
        .iter()
        .map(|(name, property)| {
            let kind = property["type"].as_str().unwrap_or("value");
            let optional = if required.contains(name.as_str()) { "" } else { ", optional" };
            format!("{name} ({kind}{optional})")
        })
        .collect();
    names.join(", ")
}

/// The schema of an object: properties, and which of them must be given.
fn object(properties: Value, required: &[&str]) -> Value {
    json!({ "type": "object", "properties": properties, "required": required })
}

/// A string argument as the person may read it: one short line.
fn shown<'a>(arguments: &'a Value, name: &str) -> &'a str {
    let text = arguments[name].as_str().unwrap_or("…").lines().next().unwrap_or_default();
    match text.char_indices().nth(80) {
        Some((end, _)) => &text[..end],
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_and_each_set_are_sorted() {
        let names: Vec<&str> = TABLE.iter().map(|tool| tool.name).collect();
        assert!(names.is_sorted(), "{names:?}");
        for set in
            [Set::Replace, Set::ApplyPatch, Set::ReadOnly, Set::Exploring, Set::Delegated, Set::Planning]
        {
            assert!(set.names().is_sorted());
            assert_eq!(set.specs().len(), set.names().len(), "a name of {set:?} is not in the table");
        }
    }

    #[test]
    fn a_shape_names_what_may_be_left_out() {
        assert_eq!(shape(&read::TOOL), "path (string), symbol (string, optional), lines (string, optional)");
    }
}
