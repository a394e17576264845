//! What a strict provider would refuse, and what would cost its cache.

use std::collections::HashMap;

use serde_json::Value;

use crate::conversation::{Api, Asked, Entry};
use crate::scenario::Match;

/// What is wrong with a request taken by itself.
pub fn request(api: Api, body: &Value, asked: &Asked) -> Vec<String> {
    let mut wrong = Vec::new();
    let known = fields(api);
    for name in body.as_object().into_iter().flatten().map(|(name, _)| name) {
        if !known.contains(&name.as_str()) {
            wrong.push(format!("unknown field {name}"));
        }
    }
    let in_path = matches!(api, Api::Gemini | Api::Converse);
    if !in_path && body["model"].as_str().is_none_or(str::is_empty) {
        wrong.push("model is missing".into());
    }
    if api == Api::Messages && !body["max_tokens"].is_u64() {
        wrong.push("max_tokens is missing".into());
    }
    if api == Api::Messages && body.to_string().matches("\"cache_control\"").count() > 4 {
        wrong.push("more than four cache_control marks".into());
    }
    if api == Api::Responses && body["store"] != false {
        wrong.push("store is not false: the conversation would be kept by the provider".into());
    }
    if api == Api::Converse && !asked.has_tools && body["messages"].to_string().contains("\"toolUse\"") {
        wrong.push("the history holds calls, and no tool is named".into());
    }
    tool_order(&asked.tool_names, &mut wrong);
    pairs(asked, &mut wrong);
    wrong
}

fn fields(api: Api) -> &'static [&'static str] {
    match api {
        Api::Chat => &[
            "model",
            "messages",
            "tools",
            "tool_choice",
            "stream",
            "stream_options",
            "max_tokens",
            "max_completion_tokens",
            "reasoning_effort",
            "prompt_cache_key",
            "parallel_tool_calls",
            "temperature",
            "response_format",
            "stop",
            "seed",
            "top_p",
            "store",
            "user",
            "metadata",
            "service_tier",
        ],
        Api::Gemini => &[
            "contents",
            "systemInstruction",
            "tools",
            "toolConfig",
            "generationConfig",
            "safetySettings",
            "cachedContent",
        ],
        Api::Converse => &[
            "messages",
            "system",
            "toolConfig",
            "inferenceConfig",
            "additionalModelRequestFields",
            "additionalModelResponseFieldPaths",
            "guardrailConfig",
            "performanceConfig",
            "requestMetadata",
        ],
        Api::Responses => &[
            "model",
            "input",
            "instructions",
            "tools",
            "tool_choice",
            "stream",
            "store",
            "include",
            "reasoning",
            "max_output_tokens",
            "prompt_cache_key",
            "parallel_tool_calls",
            "text",
            "temperature",
            "top_p",
            "truncation",
            "service_tier",
            "metadata",
            "context_management",
        ],
        Api::Messages => &[
            "model",
            "messages",
            "system",
            "tools",
            "tool_choice",
            "stream",
            "max_tokens",
            "thinking",
            "output_config",
            "temperature",
            "top_p",
            "top_k",
            "stop_sequences",
            "metadata",
            "cache_control",
        ],
    }
}

fn tool_order(names: &[String], wrong: &mut Vec<String>) {
    if !names.is_sorted() {
        wrong.push(format!("the tools are not sorted by name: {names:?}"));
    }
    if names.windows(2).any(|pair| pair[0] == pair[1]) {
        wrong.push(format!("a tool is offered twice: {names:?}"));
    }
}

fn pairs(asked: &Asked, wrong: &mut Vec<String>) {
    let mut open: HashMap<&str, bool> = HashMap::new();
    let mut seen: Vec<&str> = Vec::new();
    for entry in &asked.entries {
        match entry {
            Entry::Call(id, free_text, arguments) => {
                if id.is_empty() {
                    wrong.push("a call without id".into());
                }
                if seen.contains(&id.as_str()) {
                    wrong.push(format!("the call id {id} twice"));
                }
                let object =
                    |text: &String| serde_json::from_str::<Value>(text).is_ok_and(|value| value.is_object());
                if arguments.as_ref().is_some_and(|text| !object(text)) {
                    wrong.push(format!("call {id}: arguments are no JSON object"));
                }
                seen.push(id);
                open.insert(id, *free_text);
            }
            Entry::Output(id, free_text, _) => match open.remove(id.as_str()) {
                None => wrong.push(format!("output for {id}, which no open call has")),
                Some(kind) if kind != *free_text => wrong.push(format!("output of the wrong kind for {id}")),
                Some(_) => {}
            },
            Entry::User(_) | Entry::System(_) if !open.is_empty() => {
                wrong.push(format!("calls without output: {:?}", open.keys()));
                open.clear();
            }
            Entry::User(_) | Entry::System(_) | Entry::Model => {}
        }
    }
    if !open.is_empty() {
        wrong.push(format!("calls without output at the end: {:?}", open.keys()));
    }
}

/// What a turn demands of its request.
pub fn matching(demand: &Match, asked: &Asked, body: &str) -> Vec<String> {
    let held = [
        ("system text", &demand.system, asked.system()),
        ("last user message", &demand.user, asked.last_user()),
        ("last tool output", &demand.tool, asked.last_output()),
    ];
    let mut wrong: Vec<String> = held
        .into_iter()
        .filter_map(|(place, wanted, text)| {
            let wanted = wanted.as_ref().filter(|wanted| !text.contains(wanted.as_str()))?;
            Some(format!("the {place} lacks {wanted:?}: {text:?}"))
        })
        .collect();
    if let Some(unwanted) = demand.lacks.as_ref().filter(|text| body.contains(text.as_str())) {
        wrong.push(format!("the request holds {unwanted:?}"));
    }
    wrong
}

/// The histories seen so far, by conversation.
#[derive(Default)]
pub struct Histories(HashMap<String, Vec<Asked>>);

impl Histories {
    /// Adds a request to its conversation; what it breaks of the requests before.
    pub fn add(&mut self, conversation: &str, asked: &Asked) -> Vec<String> {
        let heads = self.0.entry(conversation.to_owned()).or_default();
        let fits = |head: &Asked| asked.texts.starts_with(&head.texts);
        let longest = heads.iter_mut().filter(|head| fits(head)).max_by_key(|head| head.texts.len());
        if let Some(head) = longest {
            let mut wrong = Vec::new();
            if head.tools != asked.tools {
                wrong.push("the tools changed within the conversation".into());
            }
            *head = asked.clone();
            return wrong;
        }
        let begins = asked.replies() == 0;
        let shared = |head: &Asked| head.texts.iter().zip(&asked.texts).take_while(|(a, b)| a == b).count();
        let nearest = heads.iter().map(|head| (shared(head), head.texts.len())).max();
        heads.push(asked.clone());
        match nearest {
            Some((shared, length)) if !begins => {
                vec![format!(
                    "the history was rewritten: only {shared} of {length} earlier messages are the same"
                )]
            }
            _ => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn wrong(api: Api, body: Value) -> Vec<String> {
        request(api, &body, &Asked::read(api, &body))
    }

    fn call(id: &str, arguments: &str) -> Value {
        let call =
            json!({ "id": id, "type": "function", "function": { "name": "read", "arguments": arguments } });
        json!({ "role": "assistant", "content": null, "tool_calls": [call] })
    }

    #[test]
    fn a_sound_request_passes() {
        let messages = json!([{ "role": "user", "content": "x" }, call("a", "{}"), { "role": "tool", "tool_call_id": "a", "content": "y" }]);
        assert_eq!(wrong(Api::Chat, json!({ "model": "m", "messages": messages })), Vec::<String>::new());
        let blocks = json!([{ "type": "tool_result", "tool_use_id": "t", "content": "y" }, { "type": "text", "text": "go" }]);
        let own = json!([{ "type": "tool_use", "id": "t", "name": "read", "input": {} }]);
        let messages = json!([{ "role": "user", "content": "x" }, { "role": "assistant", "content": own }, { "role": "user", "content": blocks }]);
        assert_eq!(
            wrong(Api::Messages, json!({ "model": "m", "max_tokens": 9, "messages": messages })),
            Vec::<String>::new()
        );
    }

    #[test]
    fn what_a_strict_provider_refuses_is_found() {
        let chat =
            |messages: Value| wrong(Api::Chat, json!({ "model": "m", "messages": messages })).join("; ");
        let user = json!({ "role": "user", "content": "x" });
        let output = |id: &str| json!({ "role": "tool", "tool_call_id": id, "content": "y" });
        assert!(chat(json!([user, call("a", "{}")])).contains("without output at the end"));
        assert!(chat(json!([user, call("a", "{}"), user])).contains("calls without output"));
        assert!(chat(json!([user, output("b")])).contains("no open call"));
        assert!(chat(json!([user, call("a", "{\"x\":"), output("a")])).contains("no JSON object"));
        assert!(
            chat(json!([user, call("a", "{}"), output("a"), call("a", "{}"), output("a")])).contains("twice")
        );
        assert!(wrong(Api::Chat, json!({ "model": "m", "max_token": 3 })).join("").contains("max_token"));
        let items = json!([{ "type": "custom_tool_call", "call_id": "c", "name": "p", "input": "" }, { "type": "function_call_output", "call_id": "c", "output": "" }]);
        let kinds = wrong(Api::Responses, json!({ "model": "m", "store": false, "input": items }));
        assert!(kinds.join("").contains("wrong kind"), "{kinds:?}");
    }

    #[test]
    fn a_history_may_only_grow() {
        let asked = |texts: &[&str], tools: &str| {
            let messages: Vec<Value> = texts
                .iter()
                .enumerate()
                .map(|(at, text)| json!({ "role": if at % 2 == 0 { "user" } else { "assistant" }, "content": text }))
                .collect();
            Asked::read(Api::Chat, &json!({ "messages": messages, "tools": [{ "name": tools }] }))
        };
        let mut histories = Histories::default();
        assert!(histories.add("c", &asked(&["a"], "t")).is_empty());
        assert!(histories.add("c", &asked(&["a"], "t")).is_empty(), "a retry");
        assert!(histories.add("c", &asked(&["a", "b", "c"], "t")).is_empty());
        assert_eq!(histories.add("c", &asked(&["a", "x", "c", "d", "e"], "t")).len(), 1);
        assert_eq!(histories.add("c", &asked(&["a", "b", "c", "d", "e"], "other")).len(), 1);
        assert!(
            histories.add("c", &asked(&["a"], "t")).is_empty(),
            "the same words begin another conversation"
        );
    }
}
