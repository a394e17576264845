//! OpenAI Chat Completions, and the many servers compatible with it.
//!
//! Decides how the conversation becomes `messages`, and how deltas become one assistant message. The API has no
//! output items; the message put together here, once, is what goes back ever after. `reasoning_content` (or
//! `reasoning`, `reasoning_details`) goes back where a server gave it.

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::body::Entries;
use crate::conversation::{self, Part};
use crate::dialect::{Asked, Assembler, Dialect, Fault, Optional, Progress, bearer, join};
use crate::draft::{Draft, DraftCall, DraftItem, Form};
use crate::endpoint::Endpoint;
use crate::exchange::{Reply, Stop, StreamEvent, ToolCall, Usage};
use crate::json::{self, Object};
use crate::sse;

/// The adapter.
pub(crate) struct Chat;

impl Dialect for Chat {
    fn url(&self, endpoint: &Endpoint) -> String {
        join(&endpoint.base_url, "/v1", "/chat/completions")
    }

    fn headers(&self, endpoint: &Endpoint) -> Vec<(&'static str, String)> {
        bearer(endpoint)
    }

    fn head(&self, asked: &Asked) -> Object {
        let old_limit = asked.refused.has(Optional::CompletionLimit) || knows_only_max_tokens(asked.endpoint);
        let limit = if old_limit { "max_tokens" } else { "max_completion_tokens" };
        let usage = (!asked.refused.has(Optional::StreamOptions)).then_some(r#"{"include_usage":true}"#);
        // Only OpenAI itself is known to route by a cache key; others may refuse an unknown field.
        let cache_key = asked.cache_key().filter(|_| asked.endpoint.base_url.contains("api.openai.com"));
        let mut body =
            Object::with_capacity(4096).field("model", &asked.endpoint.model).field("stream", true);
        if let Some(usage) = usage {
            body = body.raw("stream_options", usage);
        }
        body = body
            .maybe("service_tier", asked.endpoint.service_tier.as_deref())
            .maybe(limit, asked.max_output())
            .maybe("reasoning_effort", asked.effort())
            .maybe("prompt_cache_key", cache_key);
        if !asked.request.tools.is_empty() {
            body = body.array(
                "tools",
                conversation::sorted_tools(asked.request).into_iter().map(|tool| {
                    let function = Object::new()
                        .field("name", &tool.name)
                        .field("description", &tool.description)
                        .field("parameters", conversation::json_schema(tool))
                        .finish();
                    Object::new().field("type", "function").raw("function", &function).finish()
                }),
            );
        }
        body
    }

    fn list(&self) -> &'static str {
        "messages"
    }

    fn lead(&self, asked: &Asked) -> Option<String> {
        let text = &asked.request.instructions;
        (!text.is_empty()).then(|| plain("system", text))
    }

    fn part(&self, asked: &Asked, part: &Part, _mark: bool, to: &mut Entries) {
        match part {
            Part::User(text) => to.push(&plain("user", text)),
            Part::Reply(reply) if asked.takes_raw(reply) => {
                reply.raw.iter().for_each(|raw| to.push(raw.get()));
            }
            Part::Reply(reply) => to.push(&neutral(reply)),
            Part::Answers(_, answers) => {
                for answer in answers {
                    let message = Object::new()
                        .field("role", "tool")
                        .field("tool_call_id", &answer.call.call_id)
                        .field("content", answer.output);
                    to.push(&message.finish());
                }
            }
        }
    }

    fn assembler(&self) -> Box<dyn Assembler> {
        Box::new(Assembly::default())
    }
}

impl Form for Chat {
    fn with_id(&self, item: &RawValue, id: &str) -> Option<Box<RawValue>> {
        json::with_field(item, &["id"], id)
    }

    /// Until here `raw` holds the entries of the calls; what goes back is the whole message.
    fn complete(&self, mut reply: Reply, kept: &Map<String, Value>) -> Reply {
        let calls: Vec<String> = reply.raw.iter().map(|raw| raw.get().to_owned()).collect();
        reply.raw.clear();
        if !reply.text.is_empty() || !calls.is_empty() {
            reply.raw.extend(json::raw(message(&reply.text, kept, &calls)));
        }
        reply
    }
}

fn knows_only_max_tokens(endpoint: &Endpoint) -> bool {
    endpoint.base_url.contains("api.mistral.ai") || endpoint.base_url.contains(":11434")
}

fn plain(role: &str, content: &str) -> String {
    Object::new().field("role", role).field("content", content).finish()
}

fn neutral(reply: &Reply) -> String {
    let calls: Vec<String> = reply.calls.iter().map(tool_call).collect();
    message(&conversation::neutral_text(reply), &Map::new(), &calls)
}

fn message(text: &str, kept: &Map<String, Value>, calls: &[String]) -> String {
    let content = (!text.is_empty()).then_some(text);
    let mut message = Object::new().field("role", "assistant").field("content", content);
    for (name, value) in kept {
        message = message.field(name, value);
    }
    if !calls.is_empty() {
        message = message.array("tool_calls", calls);
    }
    message.finish()
}

fn tool_call(call: &ToolCall) -> String {
    entry(&call.call_id, &call.name, &conversation::wrapped(call), &Map::new())
}

fn entry(id: &str, name: &str, arguments: &str, kept: &Map<String, Value>) -> String {
    let function = Object::new().field("name", name).field("arguments", arguments).finish();
    let mut entry = Object::new().field("id", id).field("type", "function").raw("function", &function);
    for (name, value) in kept {
        entry = entry.field(name, value);
    }
    entry.finish()
}

#[derive(Default)]
struct Assembly {
    text: String,
    reasoning: String,
    refusal: String,
    calls: Vec<PartialCall>,
    /// Fields of the message that go back as they came: reasoning in this server's form.
    kept: Map<String, Value>,
    finish: Option<String>,
    done: bool,
    usage: Option<Usage>,
    tier: Option<String>,
    model: String,
}

#[derive(Default)]
struct PartialCall {
    index: Option<u64>,
    id: String,
    name: String,
    arguments: String,
    /// Fields that go back as they came (signatures of providers behind a compatible API).
    kept: Map<String, Value>,
    announced: bool,
    damaged: bool,
}

#[derive(Deserialize)]
struct Chunk {
    #[serde(default)]
    service_tier: Option<String>,
    #[serde(default)]
    model: Option<String>,
    #[serde(default)]
    choices: Option<Vec<Choice>>,
    #[serde(default)]
    usage: Option<Value>,
    #[serde(default)]
    error: Option<Value>,
}

#[derive(Deserialize)]
struct Choice {
    #[serde(default)]
    delta: Option<Map<String, Value>>,
    #[serde(default)]
    message: Option<Map<String, Value>>,
    #[serde(default)]
    finish_reason: Option<String>,
    #[serde(default)]
    error: Option<Value>,
}

impl Assembler for Assembly {
    fn event(&mut self, event: &sse::Event, tell: &mut dyn FnMut(StreamEvent)) -> Result<Progress, Fault> {
        let data = event.data.trim();
        if data == "[DONE]" {
            self.done = true;
            return Ok(Progress::Last);
        }
        if data.is_empty() {
            return Ok(Progress::More);
        }
        self.chunk(serde_json::from_str(data)?, event.lossy, tell)?;
        Ok(Progress::More)
    }

    fn whole(&mut self, body: &Value, _text: &str, tell: &mut dyn FnMut(StreamEvent)) -> Result<(), Fault> {
        self.chunk(Chunk::deserialize(body)?, false, tell)?;
        self.done = true;
        Ok(())
    }

    fn is_complete(&self) -> bool {
        self.done || self.finish.is_some()
    }

    fn salvage(mut self: Box<Self>) -> Option<Draft> {
        // A call has no end of its own: an object that is closed is one.
        self.calls.retain(|call| json::is_object(&call.arguments));
        Some(self.draft())
    }

    fn draft(self: Box<Self>) -> Draft {
        let stop = match self.finish.as_deref() {
            None | Some("stop" | "eos" | "end_turn" | "") => Stop::End,
            Some("tool_calls" | "function_call" | "tool_use") => Stop::ToolUse,
            Some("length" | "max_tokens" | "model_length") => Stop::Length,
            Some("content_filter") => Stop::Filtered,
            Some("refusal") => Stop::Refused,
            Some(other) => Stop::Other(other.to_owned()),
        };
        let refusal = match &stop {
            Stop::Filtered => Some(("content_filter".to_owned(), self.refusal)),
            Stop::Refused => Some(("refusal".to_owned(), self.refusal)),
            _ if !self.refusal.is_empty() => Some(("refusal".to_owned(), self.refusal)),
            _ => None,
        };
        let items = self.calls.into_iter().filter_map(PartialCall::into_item).collect();
        Draft {
            items,
            text: self.text,
            reasoning: self.reasoning,
            stop,
            refusal,
            usage: self.usage,
            tier: self.tier,
            model: self.model,
            kept: self.kept,
        }
    }
}

impl Assembly {
    fn chunk(&mut self, chunk: Chunk, lossy: bool, tell: &mut dyn FnMut(StreamEvent)) -> Result<(), Fault> {
        if let Some(error) = chunk.error.filter(|error| !error.is_null()) {
            return Err(Fault::Provider(error));
        }
        if let Some(model) = chunk.model.filter(|model| !model.is_empty()) {
            self.model = model;
        }
        self.tier = chunk.service_tier.or(self.tier.take());
        if let Some(usage) = chunk.usage.as_ref().and_then(usage) {
            self.usage = Some(usage);
        }
        // One choice is asked for.
        if let Some(choice) = chunk.choices.into_iter().flatten().next() {
            if let Some(error) = choice.error.filter(|error| !error.is_null()) {
                return Err(Fault::Provider(error));
            }
            if let Some(delta) = choice.delta.or(choice.message) {
                self.delta(delta, lossy, tell);
            }
            if choice.finish_reason.is_some() {
                self.finish = choice.finish_reason;
            }
        }
        Ok(())
    }

    fn delta(&mut self, delta: Map<String, Value>, lossy: bool, tell: &mut dyn FnMut(StreamEvent)) {
        for (name, value) in delta {
            match name.as_str() {
                "content" => {
                    let text = text_of(&value);
                    if !text.is_empty() {
                        self.text.push_str(&text);
                        tell(StreamEvent::Text(text));
                    }
                }
                "reasoning_content" | "reasoning" => self.reason(name, &value, tell),
                "reasoning_details" => self.keep_list(name, value),
                "refusal" => self.refusal.push_str(value.as_str().unwrap_or_default()),
                "tool_calls" => {
                    for call in value.as_array().into_iter().flatten() {
                        self.call(call, lossy, tell);
                    }
                }
                _ => {}
            }
        }
    }

    fn reason(&mut self, name: String, value: &Value, tell: &mut dyn FnMut(StreamEvent)) {
        let Some(text) = value.as_str().filter(|text| !text.is_empty()) else { return };
        // A server that gives both says the same twice; the first name is the one it takes back.
        let other = if name == "reasoning" { "reasoning_content" } else { "reasoning" };
        if self.kept.contains_key(other) {
            return;
        }
        if let Value::String(kept) = self.kept.entry(name).or_insert_with(|| Value::String(String::new())) {
            kept.push_str(text);
        }
        self.reasoning.push_str(text);
        tell(StreamEvent::Reasoning(text.to_owned()));
    }

    fn keep_list(&mut self, name: String, value: Value) {
        let Value::Array(more) = value else { return };
        if let Value::Array(kept) = self.kept.entry(name).or_insert_with(|| Value::Array(Vec::new())) {
            kept.extend(more);
        }
    }

    fn call(&mut self, delta: &Value, lossy: bool, tell: &mut dyn FnMut(StreamEvent)) {
        let id = delta["id"].as_str().unwrap_or_default();
        let function = &delta["function"];
        let name = function["name"].as_str().unwrap_or_default();
        let at = self.place(delta["index"].as_u64(), id, name);
        let call = &mut self.calls[at];
        if call.id.is_empty() {
            call.id = id.to_owned();
        }
        if call.name.is_empty() {
            call.name = name.to_owned();
        }
        call.damaged |= lossy;
        for (field, value) in delta.as_object().into_iter().flatten() {
            if !matches!(field.as_str(), "index" | "id" | "type" | "function") && !value.is_null() {
                call.kept.insert(field.clone(), value.clone());
            }
        }
        if !call.announced && !call.name.is_empty() {
            call.announced = true;
            tell(StreamEvent::CallBegan { index: at, name: call.name.clone() });
        }
        let arguments = match &function["arguments"] {
            Value::String(text) => text.clone(),
            Value::Null => String::new(),
            // Some servers give the object itself.
            object => object.to_string(),
        };
        if !arguments.is_empty() {
            call.arguments.push_str(&arguments);
            tell(StreamEvent::CallArguments { index: at, delta: arguments });
        }
    }

    /// Which call a delta belongs to: by index; where servers leave it out, or number every call 0, by id.
    fn place(&mut self, index: Option<u64>, id: &str, name: &str) -> usize {
        let known = match index {
            Some(index) => self.calls.iter().rposition(|call| call.index == Some(index)),
            None if id.is_empty() => self.calls.len().checked_sub(1),
            None => self.calls.iter().rposition(|call| call.id == id),
        };
        if let Some(at) = known {
            let call = &self.calls[at];
            let another = !id.is_empty() && !call.id.is_empty() && call.id != id && !name.is_empty();
            if !another {
                return at;
            }
        }
        self.calls.push(PartialCall { index, ..PartialCall::default() });
        self.calls.len() - 1
    }
}

impl PartialCall {
    fn into_item(self) -> Option<DraftItem> {
        let arguments = if self.arguments.trim().is_empty() { "{}" } else { &self.arguments };
        let raw = json::raw(entry(&self.id, &self.name, arguments, &self.kept))?;
        Some(DraftItem::Call(DraftCall {
            id: self.id,
            name: self.name,
            arguments: self.arguments,
            free_text: false,
            cut: self.damaged,
            raw,
        }))
    }
}

/// A message's content: a text, or a list of parts of which the texts count.
fn text_of(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().filter_map(|part| part["text"].as_str()).collect(),
        _ => String::new(),
    }
}

fn usage(value: &Value) -> Option<Usage> {
    let number = |path: &str| value.pointer(path).and_then(Value::as_u64);
    let input = number("/prompt_tokens")?;
    let cached =
        number("/prompt_tokens_details/cached_tokens").or_else(|| number("/prompt_cache_hit_tokens"));
    Some(Usage {
        input,
        cached: cached.unwrap_or(0),
        cache_write: number("/prompt_tokens_details/cache_write_tokens").unwrap_or(0),
        output: number("/completion_tokens").unwrap_or(0),
        reasoning: number("/completion_tokens_details/reasoning_tokens").unwrap_or(0),
        estimated: false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draft::settle;
    use crate::exchange::Request;

    fn settled(chunks: &[&str]) -> Reply {
        let mut assembly: Box<dyn Assembler> = Box::new(Assembly::default());
        for data in chunks {
            let event = sse::Event { name: String::new(), data: (*data).into(), lossy: false };
            assembly.event(&event, &mut |_| {}).unwrap();
        }
        assert!(assembly.is_complete());
        settle(assembly.draft(), &Request::default(), "c", &Chat).unwrap()
    }

    #[test]
    fn reasoning_and_signatures_of_a_server_go_back_to_it() {
        let reply = settled(&[
            r#"{"choices":[{"delta":{"role":"assistant","reasoning_content":"Hm, "}}]}"#,
            r#"{"choices":[{"delta":{"reasoning_content":"yes.","reasoning":"Hm, yes."}}]}"#,
            r#"{"choices":[{"delta":{"content":"I read."}}]}"#,
            r#"{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"a","function":{"name":"read","arguments":"{\"p\":"},"extra_content":{"sig":"x"}}]}}]}"#,
            r#"{"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":"1}"}}]},"finish_reason":"tool_calls"}]}"#,
            r#"{"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":3,"prompt_tokens_details":{"cached_tokens":6}}}"#,
            "[DONE]",
        ]);
        assert_eq!((reply.reasoning.as_str(), reply.usage.cached), ("Hm, yes.", 6));
        assert_eq!(
            reply.raw[0].get(),
            r#"{"role":"assistant","content":"I read.","reasoning_content":"Hm, yes.","tool_calls":[{"id":"a","type":"function","function":{"name":"read","arguments":"{\"p\":1}"},"extra_content":{"sig":"x"}}]}"#
        );
    }

    #[test]
    fn calls_are_told_apart_without_index_and_with_every_index_zero() {
        for index in ["", "\"index\":0,"] {
            let delta = |id: &str, name: &str, arguments: &str| {
                format!(
                    r#"{{"choices":[{{"delta":{{"tool_calls":[{{{index}"id":"{id}","function":{{"name":"{name}","arguments":{arguments}}}}}]}}}}]}}"#
                )
            };
            let reply = settled(&[
                &delta("a", "read", r#""{\"p\":1""#),
                &delta("", "", r#""}""#),
                &delta("b", "read", r#"{"p":2}"#),
                r#"{"choices":[{"delta":{},"finish_reason":"stop"}]}"#,
            ]);
            let calls: Vec<_> =
                reply.calls.iter().map(|it| (it.call_id.as_str(), it.arguments.as_str())).collect();
            assert_eq!(calls, [("a", r#"{"p":1}"#), ("b", r#"{"p":2}"#)], "{index}");
            assert_eq!(reply.stop, Stop::ToolUse);
        }
    }

    #[test]
    fn an_unknown_finish_is_kept_in_its_own_word() {
        let reply = settled(&[
            r#"{"choices":[{"delta":{"content":[{"type":"text","text":"x"}]},"finish_reason":"odd","new":{}}]}"#,
        ]);
        assert_eq!((reply.text.as_str(), reply.stop), ("x", Stop::Other("odd".into())));
    }
}
