//! Anthropic Messages.
//!
//! Decides how the conversation becomes messages of content blocks, where the (at most four) cache marks stand,
//! and how streamed blocks are put together: thinking blocks with their signatures exactly as they came, a call's
//! input in the provider's own text.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::body::Entries;
use crate::conversation::{self, Part};
use crate::dialect::{Asked, Assembler, Dialect, Fault, Progress, join};
use crate::draft::{Draft, DraftCall, DraftItem, Form};
use crate::endpoint::Endpoint;
use crate::exchange::{Reply, Stop, StreamEvent, Usage};
use crate::json::{self, Object};
use crate::sse;

/// The adapter.
pub(crate) struct Messages;

const VERSION: &str = "2023-06-01";
const MARK: &str = r#"{"type":"ephemeral"}"#;

impl Dialect for Messages {
    fn url(&self, endpoint: &Endpoint) -> String {
        let base = endpoint.base_url.trim_end_matches('/');
        let last = base.rsplit('/').next().unwrap_or_default();
        let versioned =
            last.strip_prefix('v').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
        join(base, "", if versioned || last == "messages" { "/messages" } else { "/v1/messages" })
    }

    fn headers(&self, endpoint: &Endpoint) -> Vec<(&'static str, String)> {
        let mut headers = vec![("anthropic-version", VERSION.to_owned())];
        headers.extend(endpoint.key.iter().map(|key| match endpoint.kind {
            crate::Kind::Bedrock => ("authorization", format!("Bearer {}", key.expose())),
            _ => ("x-api-key", key.expose().to_owned()),
        }));
        headers
    }

    fn head(&self, asked: &Asked) -> Object {
        let model = &asked.endpoint.model;
        let known = asked.endpoint.capabilities();
        let limit = asked.max_output().map_or(known.max_output.min(32_000), u64::from);
        let mut body = Object::with_capacity(4096)
            .field("model", model)
            .field("stream", true)
            .field("max_tokens", limit);
        if let Some(effort) = asked.effort().filter(|effort| *effort != "none") {
            body = with_thinking(body, effort, known.adaptive_thinking, limit);
        }
        let tools = conversation::sorted_tools(asked.request);
        if !tools.is_empty() {
            let last = tools.len() - 1;
            body = body.array(
                "tools",
                tools.into_iter().enumerate().map(|(at, tool)| {
                    let spec = Object::new()
                        .field("name", &tool.name)
                        .field("description", &tool.description)
                        .field("input_schema", conversation::json_schema(tool));
                    marked(spec, at == last).finish()
                }),
            );
        }
        if !asked.request.instructions.is_empty() {
            let block = Object::new().field("type", "text").field("text", &asked.request.instructions);
            body = body.array("system", [marked(block, true).finish()]);
        }
        body
    }

    fn list(&self) -> &'static str {
        "messages"
    }

    fn marks(&self, _asked: &Asked) -> bool {
        true
    }

    fn part(&self, asked: &Asked, part: &Part, mark: bool, to: &mut Entries) {
        to.push(&match part {
            Part::User(text) => user([marked(text_block(text), mark).finish()]),
            Part::Reply(reply) => assistant(asked, reply),
            Part::Answers(_, answers) => {
                let last = answers.len() - 1;
                user(answers.iter().enumerate().map(|(at, answer)| {
                    let block = Object::new()
                        .field("type", "tool_result")
                        .field("tool_use_id", &answer.call.call_id)
                        .maybe("is_error", answer.is_error.then_some(true))
                        .field("content", answer.output);
                    marked(block, mark && at == last).finish()
                }))
            }
        });
    }

    fn assembler(&self) -> Box<dyn Assembler> {
        Box::new(Assembly::default())
    }
}

impl Form for Messages {
    fn with_id(&self, item: &RawValue, id: &str) -> Option<Box<RawValue>> {
        json::with_field(item, &["id"], id)
    }
}

/// Newer models steer by effort; older ones by a number of thinking tokens, which must stay below the limit.
pub(crate) fn with_thinking(body: Object, effort: &str, adaptive: bool, limit: u64) -> Object {
    if adaptive {
        let effort = Object::new().field("effort", effort).finish();
        return body.raw("thinking", r#"{"type":"adaptive"}"#).raw("output_config", &effort);
    }
    let tokens: u64 = match effort {
        "minimal" | "low" => 2_048,
        "medium" => 8_192,
        _ => 16_384,
    };
    let tokens = tokens.min(limit.saturating_sub(1_024));
    if tokens < 1_024 {
        return body;
    }
    body.raw("thinking", &Object::new().field("type", "enabled").field("budget_tokens", tokens).finish())
}

fn marked(object: Object, mark: bool) -> Object {
    if mark { object.raw("cache_control", MARK) } else { object }
}

fn user(blocks: impl IntoIterator<Item = String>) -> String {
    Object::new().field("role", "user").array("content", blocks).finish()
}

/// An empty text block is refused.
fn text_block(text: &str) -> Object {
    let text = if text.trim().is_empty() { "(empty)" } else { text };
    Object::new().field("type", "text").field("text", text)
}

fn assistant(asked: &Asked, reply: &Reply) -> String {
    let message = Object::new().field("role", "assistant");
    if asked.takes_raw(reply) {
        return message.array("content", reply.raw.iter().map(|raw| raw.get())).finish();
    }
    let text = conversation::neutral_text(reply);
    let mut blocks = Vec::new();
    if !text.trim().is_empty() {
        blocks.push(text_block(&text).finish());
    }
    blocks.extend(reply.calls.iter().map(|call| {
        let block =
            Object::new().field("type", "tool_use").field("id", &call.call_id).field("name", &call.name);
        block.raw("input", &conversation::wrapped(call)).finish()
    }));
    message.array("content", blocks).finish()
}

#[derive(Default)]
struct Assembly {
    blocks: BTreeMap<u64, Block>,
    calls: usize,
    stop: Option<String>,
    done: bool,
    usage: Map<String, Value>,
    model: String,
}

/// A content block while it comes.
#[derive(Default)]
struct Block {
    /// The block as it was announced; what the deltas bring replaces its fields.
    start: Option<Box<RawValue>>,
    kind: String,
    text: String,
    thinking: String,
    signature: String,
    input: String,
    call: usize,
    stopped: bool,
    lossy: bool,
}

#[derive(Deserialize)]
struct Event {
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default)]
    index: u64,
    #[serde(default)]
    content_block: Option<Box<RawValue>>,
    #[serde(default)]
    delta: Value,
    #[serde(default)]
    message: Value,
    #[serde(default)]
    usage: Option<Map<String, Value>>,
}

impl Assembler for Assembly {
    fn event(&mut self, event: &sse::Event, tell: &mut dyn FnMut(StreamEvent)) -> Result<Progress, Fault> {
        let data = event.data.trim();
        if data.is_empty() || data == "[DONE]" {
            return Ok(Progress::More);
        }
        let it: Event = serde_json::from_str(data)?;
        match it.kind.as_str() {
            "message_start" => self.message(&it.message),
            "content_block_start" => {
                if let Some(block) = it.content_block {
                    self.start(it.index, block, tell);
                }
            }
            "content_block_delta" => self.delta(it.index, &it.delta, event.lossy, tell),
            "content_block_stop" => {
                if let Some(block) = self.blocks.get_mut(&it.index) {
                    block.stopped = true;
                }
            }
            "message_delta" => {
                if let Some(stop) = it.delta["stop_reason"].as_str() {
                    self.stop = Some(stop.to_owned());
                }
                self.count(it.usage);
            }
            "message_stop" => {
                self.done = true;
                return Ok(Progress::Last);
            }
            "error" => return Err(Fault::Provider(serde_json::from_str(data)?)),
            // Gateways may report errors in another provider's form.
            "" if data.contains("\"error\"") => return Err(Fault::Provider(serde_json::from_str(data)?)),
            _ => {}
        }
        Ok(Progress::More)
    }

    fn whole(&mut self, body: &Value, text: &str, tell: &mut dyn FnMut(StreamEvent)) -> Result<(), Fault> {
        #[derive(Deserialize)]
        struct Whole<'a> {
            #[serde(borrow)]
            content: Vec<&'a RawValue>,
        }
        #[derive(Deserialize)]
        struct Input<'a> {
            #[serde(borrow, default)]
            input: Option<&'a RawValue>,
        }
        self.message(body);
        let whole: Whole = serde_json::from_str(text)?;
        for (index, raw) in (0..).zip(whole.content) {
            self.start(index, raw.to_owned(), tell);
            let input: Input = serde_json::from_str(raw.get())?;
            if let (Some(block), Some(input)) = (self.blocks.get_mut(&index), input.input) {
                block.input = input.get().to_owned();
            }
            if let Some(block) = self.blocks.get_mut(&index) {
                block.stopped = true;
            }
        }
        self.stop = body["stop_reason"].as_str().map(str::to_owned);
        self.done = true;
        Ok(())
    }

    fn is_complete(&self) -> bool {
        self.done || self.stop.is_some()
    }

    fn salvage(mut self: Box<Self>) -> Option<Draft> {
        self.blocks.retain(|_, block| block.stopped);
        Some(self.draft())
    }

    fn draft(self: Box<Self>) -> Draft {
        let stop = match self.stop.as_deref() {
            None | Some("end_turn" | "stop_sequence") => Stop::End,
            Some("tool_use") => Stop::ToolUse,
            Some("max_tokens" | "model_context_window_exceeded") => Stop::Length,
            Some("refusal") => Stop::Refused,
            Some(other) => Stop::Other(other.to_owned()),
        };
        let refusal = (stop == Stop::Refused).then(|| ("refusal".to_owned(), String::new()));
        let usage = usage(&self.usage);
        let tier = self.usage.get("service_tier").and_then(Value::as_str).map(str::to_owned);
        let mut draft = Draft { stop, refusal, usage, tier, model: self.model, ..Draft::default() };
        for block in self.blocks.into_values() {
            block.add_to(&mut draft);
        }
        draft
    }
}

impl Assembly {
    fn message(&mut self, message: &Value) {
        self.model = message["model"].as_str().unwrap_or_default().to_owned();
        self.count(message["usage"].as_object().cloned());
    }

    fn count(&mut self, usage: Option<Map<String, Value>>) {
        // Later numbers are totals, and replace the earlier ones.
        self.usage.extend(usage.into_iter().flatten().filter(|(_, value)| !value.is_null()));
    }

    fn start(&mut self, index: u64, start: Box<RawValue>, tell: &mut dyn FnMut(StreamEvent)) {
        let fields: Value = serde_json::from_str(start.get()).unwrap_or_default();
        let text = |name: &str| fields[name].as_str().unwrap_or_default().to_owned();
        let mut block = Block {
            text: text("text"),
            thinking: text("thinking"),
            signature: text("signature"),
            call: self.calls,
            kind: text("type"),
            ..Block::default()
        };
        if !block.text.is_empty() {
            tell(StreamEvent::Text(block.text.clone()));
        }
        if !block.thinking.is_empty() {
            tell(StreamEvent::Reasoning(block.thinking.clone()));
        }
        if block.kind == "tool_use" {
            self.calls += 1;
            tell(StreamEvent::CallBegan { index: block.call, name: text("name") });
        }
        block.start = Some(start);
        self.blocks.insert(index, block);
    }

    fn delta(&mut self, index: u64, delta: &Value, lossy: bool, tell: &mut dyn FnMut(StreamEvent)) {
        let Some(block) = self.blocks.get_mut(&index) else { return };
        let text = |name: &str| delta[name].as_str().unwrap_or_default().to_owned();
        block.lossy |= lossy;
        match delta["type"].as_str().unwrap_or_default() {
            "text_delta" => {
                block.text.push_str(&text("text"));
                tell(StreamEvent::Text(text("text")));
            }
            "thinking_delta" => {
                block.thinking.push_str(&text("thinking"));
                tell(StreamEvent::Reasoning(text("thinking")));
            }
            "signature_delta" => block.signature.push_str(&text("signature")),
            "input_json_delta" => {
                let delta = text("partial_json");
                if !delta.is_empty() {
                    block.input.push_str(&delta);
                    tell(StreamEvent::CallArguments { index: block.call, delta });
                }
            }
            _ => {}
        }
    }
}

impl Block {
    /// The block goes back as it was announced, with what the deltas brought in the place of its fields.
    fn add_to(self, draft: &mut Draft) {
        let Some(start) = &self.start else { return };
        let with = |block: Option<Box<RawValue>>, name: &str, text: &str| {
            block.and_then(|block| json::with_json(&block, name, &json::text_of(text)))
        };
        match self.kind.as_str() {
            "text" => {
                draft.text.push_str(&self.text);
                if !self.text.trim().is_empty() {
                    draft.items.extend(with(Some(start.clone()), "text", &self.text).map(DraftItem::Raw));
                }
            }
            "thinking" => {
                draft.reasoning.push_str(&self.thinking);
                let block = with(Some(start.clone()), "thinking", &self.thinking);
                draft.items.extend(with(block, "signature", &self.signature).map(DraftItem::Lead));
            }
            "redacted_thinking" => draft.items.push(DraftItem::Lead(start.clone())),
            "tool_use" => draft.items.extend(self.into_call()),
            _ => draft.items.push(DraftItem::Raw(start.clone())),
        }
    }

    fn into_call(mut self) -> Option<DraftItem> {
        let start = self.start?;
        let fields: Value = serde_json::from_str(start.get()).unwrap_or_default();
        let text = |name: &str| fields[name].as_str().unwrap_or_default().to_owned();
        // The input is sent back in the provider's own text, where that is an object at all.
        if self.input.trim().is_empty() {
            self.input = if fields["input"].is_object() { fields["input"].to_string() } else { "{}".into() };
        }
        let input = if json::is_object(&self.input) { self.input.as_str() } else { "{}" };
        let raw = json::with_json(&start, "input", input)?;
        Some(DraftItem::Call(DraftCall {
            id: text("id"),
            name: text("name"),
            arguments: self.input,
            free_text: false,
            cut: !self.stopped || self.lossy,
            raw,
        }))
    }
}

/// The API counts cached tokens apart from `input_tokens`; ours are all of them.
fn usage(fields: &Map<String, Value>) -> Option<Usage> {
    let number = |name: &str| fields.get(name).and_then(Value::as_u64).unwrap_or(0);
    fields.get("input_tokens")?;
    let (cached, cache_write) = (number("cache_read_input_tokens"), number("cache_creation_input_tokens"));
    Some(Usage {
        input: number("input_tokens") + cached + cache_write,
        cached,
        cache_write,
        output: number("output_tokens"),
        reasoning: fields
            .get("output_tokens_details")
            .and_then(|details| details["thinking_tokens"].as_u64())
            .unwrap_or(0),
        estimated: false,
    })
}

#[cfg(test)]
mod tests;
