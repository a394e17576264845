//! Amazon Bedrock's own Converse API, streamed as AWS frames.
//!
//! Decides how the conversation becomes messages of tagged content blocks, for which models cache points are set,
//! and how streamed blocks are put together: reasoning with its signature exactly as it came, a call's input in
//! the model's own text. Every model of Bedrock's is asked in this form, whoever made it.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::body::Entries;
use crate::conversation::{self, Answer, Part};
use crate::dialect::{Asked, Assembler, Dialect, Fault, Optional, Progress, join};
use crate::draft::{Draft, DraftCall, DraftItem, Form};
use crate::endpoint::Endpoint;
use crate::exchange::{Item, Reply, Stop, StreamEvent, Usage};
use crate::json::{self, Object};
use crate::sse;

/// The adapter.
pub(crate) struct Converse;

const CACHE_POINT: &str = r#"{"cachePoint":{"type":"default"}}"#;

impl Dialect for Converse {
    fn url(&self, endpoint: &Endpoint) -> String {
        join(&endpoint.base_url, "", &format!("/model/{}/converse-stream", in_path(&endpoint.model)))
    }

    fn headers(&self, endpoint: &Endpoint) -> Vec<(&'static str, String)> {
        let mut headers = vec![("accept", "application/vnd.amazon.eventstream".to_owned())];
        headers.extend(endpoint.key.iter().map(|key| ("authorization", format!("Bearer {}", key.expose()))));
        headers
    }

    fn head(&self, asked: &Asked) -> Object {
        let mut body = Object::with_capacity(4096);
        if let Some(limit) = asked.max_output() {
            body = body.raw("inferenceConfig", &Object::new().field("maxTokens", limit).finish());
        }
        if let Some(thinking) = thinking(asked) {
            body = body.raw("additionalModelRequestFields", &thinking);
        }
        let points = caches(asked);
        let mut tools = tools(asked);
        if !tools.is_empty() {
            tools.extend(points.then(|| CACHE_POINT.to_owned()));
            body = body.raw("toolConfig", &Object::new().array("tools", tools).finish());
        }
        if !asked.request.instructions.is_empty() {
            let text = Object::new().field("text", &asked.request.instructions).finish();
            body = body.array("system", [text].into_iter().chain(points.then(|| CACHE_POINT.to_owned())));
        }
        body
    }

    fn list(&self) -> &'static str {
        "messages"
    }

    fn marks(&self, asked: &Asked) -> bool {
        caches(asked)
    }

    fn part(&self, asked: &Asked, part: &Part, mark: bool, to: &mut Entries) {
        let mark = mark.then(|| CACHE_POINT.to_owned());
        to.push(&match part {
            Part::User(text) => user([text_block(text)].into_iter().chain(mark)),
            Part::Reply(reply) => assistant(asked, reply),
            Part::Answers(_, answers) => user(answers.iter().map(result).chain(mark)),
        });
    }

    fn assembler(&self) -> Box<dyn Assembler> {
        Box::new(Assembly::default())
    }
}

impl Form for Converse {
    fn with_id(&self, item: &RawValue, id: &str) -> Option<Box<RawValue>> {
        json::with_field(item, &["toolUse", "toolUseId"], id)
    }
}

/// A model's name as one segment of a path; names of inference profiles hold colons and slashes.
fn in_path(model: &str) -> String {
    let mut path = String::with_capacity(model.len());
    for byte in model.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            path.push(char::from(byte));
        } else {
            path.push_str(&format!("%{byte:02X}"));
        }
    }
    path
}

/// The models that are known to take cache points; others refuse them.
fn caches(asked: &Asked) -> bool {
    let model = asked.endpoint.model.as_str();
    let known = ["anthropic.claude", "amazon.nova"].iter().any(|maker| model.contains(maker));
    known && !asked.refused.has(Optional::CachePoints)
}

/// Reasoning is asked for in the fields of the model's maker.
fn thinking(asked: &Asked) -> Option<String> {
    let effort = asked.effort().filter(|effort| *effort != "none")?;
    if !asked.endpoint.model.contains("anthropic.claude") {
        return None;
    }
    let known = asked.endpoint.capabilities();
    let limit = asked.max_output().map_or(known.max_output.min(32_000), u64::from);
    let fields = crate::anthropic::with_thinking(Object::new(), effort, known.adaptive_thinking, limit);
    Some(fields.finish()).filter(|fields| fields != "{}")
}

fn tools(asked: &Asked) -> Vec<String> {
    let spec = |name: &str, description: &str, schema: &Value| {
        let schema = Object::new().field("json", schema).finish();
        let spec = Object::new().field("name", name).field("description", description);
        Object::new().raw("toolSpec", &spec.raw("inputSchema", &schema).finish()).finish()
    };
    if !asked.request.tools.is_empty() {
        let sorted = conversation::sorted_tools(asked.request).into_iter();
        return sorted
            .map(|tool| spec(&tool.name, &tool.description, &conversation::json_schema(tool)))
            .collect();
    }
    // A history with calls is refused without tools, so those that were called are named.
    let mut called: Vec<&str> = Vec::new();
    for item in &asked.request.items {
        if let Item::Reply(reply) = item {
            called.extend(reply.calls.iter().map(|call| call.name.as_str()));
        }
    }
    called.sort_unstable();
    called.dedup();
    let open = serde_json::json!({ "type": "object" });
    called.into_iter().map(|name| spec(name, "Not to be called any more.", &open)).collect()
}

fn user(blocks: impl IntoIterator<Item = String>) -> String {
    Object::new().field("role", "user").array("content", blocks).finish()
}

/// An empty text is refused.
fn text_block(text: &str) -> String {
    Object::new().field("text", if text.trim().is_empty() { "(empty)" } else { text }).finish()
}

fn result(answer: &Answer) -> String {
    let result = Object::new()
        .field("toolUseId", &answer.call.call_id)
        .maybe("status", answer.is_error.then_some("error"))
        .array("content", [text_block(answer.output)]);
    Object::new().raw("toolResult", &result.finish()).finish()
}

fn assistant(asked: &Asked, reply: &Reply) -> String {
    let message = Object::new().field("role", "assistant");
    if asked.takes_raw(reply) {
        return message.array("content", reply.raw.iter().map(|raw| raw.get())).finish();
    }
    let text = conversation::neutral_text(reply);
    let mut blocks = Vec::new();
    if !text.trim().is_empty() {
        blocks.push(text_block(&text));
    }
    blocks.extend(
        reply.calls.iter().map(|call| tool_use(&call.call_id, &call.name, &conversation::wrapped(call))),
    );
    message.array("content", blocks).finish()
}

fn tool_use(id: &str, name: &str, input: &str) -> String {
    let call = Object::new().field("toolUseId", id).field("name", name).raw("input", input);
    Object::new().raw("toolUse", &call.finish()).finish()
}

#[derive(Default)]
struct Assembly {
    blocks: BTreeMap<u64, Block>,
    calls: usize,
    stop: Option<String>,
    usage: Option<Usage>,
}

/// A content block while it comes.
#[derive(Default)]
struct Block {
    text: String,
    reasoning: String,
    signature: Option<String>,
    redacted: Option<String>,
    call: Option<Call>,
    /// A form of block that is new to us, as it came.
    other: Option<Box<RawValue>>,
    stopped: bool,
}

#[derive(Default)]
struct Call {
    index: usize,
    id: String,
    name: String,
    input: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    #[serde(default)]
    content_block_index: u64,
    #[serde(default)]
    start: Value,
    #[serde(default)]
    delta: Value,
    #[serde(default)]
    stop_reason: Option<String>,
    #[serde(default)]
    usage: Value,
}

impl Assembler for Assembly {
    fn event(&mut self, event: &sse::Event, tell: &mut dyn FnMut(StreamEvent)) -> Result<Progress, Fault> {
        if event.name == EXCEPTION {
            return Err(Fault::Provider(serde_json::from_str(&event.data)?));
        }
        if event.data.trim().is_empty() {
            return Ok(Progress::More);
        }
        let it: Event = serde_json::from_str(&event.data)?;
        match event.name.as_str() {
            "contentBlockStart" => self.start(it.content_block_index, &it.start, tell),
            "contentBlockDelta" => self.delta(it.content_block_index, &it.delta, tell),
            "contentBlockStop" => self.blocks.entry(it.content_block_index).or_default().stopped = true,
            "messageStop" => self.stop(it.stop_reason.unwrap_or_default())?,
            "metadata" => {
                self.usage = usage(&it.usage).or(self.usage);
                // Nothing follows the numbers once the stop reason is there.
                if self.stop.is_some() {
                    return Ok(Progress::Last);
                }
            }
            _ => {}
        }
        Ok(Progress::More)
    }

    fn whole(&mut self, body: &Value, text: &str, tell: &mut dyn FnMut(StreamEvent)) -> Result<(), Fault> {
        #[derive(Deserialize)]
        struct Whole<'a> {
            #[serde(borrow)]
            output: Output<'a>,
        }
        #[derive(Deserialize)]
        struct Output<'a> {
            #[serde(borrow)]
            message: Message<'a>,
        }
        #[derive(Deserialize)]
        struct Message<'a> {
            #[serde(borrow)]
            content: Vec<&'a RawValue>,
        }
        let whole: Whole = serde_json::from_str(text)?;
        for (index, raw) in (0..).zip(whole.output.message.content) {
            self.whole_block(index, raw, tell)?;
        }
        self.usage = usage(&body["usage"]);
        self.stop(body["stopReason"].as_str().unwrap_or_default().to_owned())
    }

    fn is_complete(&self) -> bool {
        self.stop.is_some()
    }

    fn salvage(mut self: Box<Self>) -> Option<Draft> {
        self.blocks.retain(|_, block| block.stopped);
        Some(self.draft())
    }

    fn draft(self: Box<Self>) -> Draft {
        let stop = match self.stop.as_deref() {
            None | Some("end_turn" | "stop_sequence" | "") => Stop::End,
            Some("tool_use") => Stop::ToolUse,
            Some("max_tokens" | "model_context_window_exceeded") => Stop::Length,
            Some("guardrail_intervened" | "content_filtered") => Stop::Filtered,
            Some("refusal") => Stop::Refused,
            Some(other) => Stop::Other(other.to_owned()),
        };
        let refused = matches!(stop, Stop::Filtered | Stop::Refused);
        let refusal = self.stop.filter(|_| refused).map(|reason| (reason, String::new()));
        let mut draft = Draft { stop, refusal, usage: self.usage, ..Draft::default() };
        for block in self.blocks.into_values() {
            block.add_to(&mut draft);
        }
        draft
    }
}

/// The name of the event that stands for an exception frame.
pub(crate) const EXCEPTION: &str = "exception";

impl Assembly {
    fn stop(&mut self, reason: String) -> Result<(), Fault> {
        if matches!(reason.as_str(), "malformed_tool_use" | "malformed_model_output") {
            return Err(Fault::Malformed(format!("the model's output is not valid ({reason})")));
        }
        self.stop = Some(reason);
        Ok(())
    }

    fn start(&mut self, index: u64, start: &Value, tell: &mut dyn FnMut(StreamEvent)) {
        let text = |name: &str| start["toolUse"][name].as_str().unwrap_or_default().to_owned();
        let mut block = Block::default();
        if start["toolUse"].is_object() {
            let call =
                Call { index: self.calls, id: text("toolUseId"), name: text("name"), ..Call::default() };
            self.calls += 1;
            tell(StreamEvent::CallBegan { index: call.index, name: call.name.clone() });
            block.call = Some(call);
        } else if start.as_object().is_some_and(|start| !start.is_empty()) {
            block.other = json::raw(start.to_string());
        }
        self.blocks.insert(index, block);
    }

    fn delta(&mut self, index: u64, delta: &Value, tell: &mut dyn FnMut(StreamEvent)) {
        // A block of text has no start of its own.
        let block = self.blocks.entry(index).or_default();
        if let Some(text) = delta["text"].as_str() {
            block.text.push_str(text);
            tell(StreamEvent::Text(text.to_owned()));
        }
        if let (Some(piece), Some(call)) = (delta["toolUse"]["input"].as_str(), &mut block.call)
            && !piece.is_empty()
        {
            call.input.push_str(piece);
            tell(StreamEvent::CallArguments { index: call.index, delta: piece.to_owned() });
        }
        let reasoning = &delta["reasoningContent"];
        if let Some(text) = reasoning["text"].as_str() {
            block.reasoning.push_str(text);
            tell(StreamEvent::Reasoning(text.to_owned()));
        }
        if let Some(signature) = reasoning["signature"].as_str() {
            block.signature.get_or_insert_default().push_str(signature);
        }
        if let Some(bytes) = reasoning["redactedContent"].as_str() {
            block.redacted.get_or_insert_default().push_str(bytes);
        }
    }

    fn whole_block(
        &mut self,
        index: u64,
        raw: &RawValue,
        tell: &mut dyn FnMut(StreamEvent),
    ) -> Result<(), Fault> {
        #[derive(Deserialize)]
        struct Input<'a> {
            #[serde(borrow)]
            input: &'a RawValue,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Tagged<'a> {
            #[serde(borrow, default)]
            tool_use: Option<Input<'a>>,
        }
        let value: Value = serde_json::from_str(raw.get())?;
        let call: Tagged = serde_json::from_str(raw.get())?;
        if value["toolUse"].is_object() {
            self.start(index, &value, tell);
        }
        let reasoning = &value["reasoningContent"];
        self.delta(index, &serde_json::json!({ "text": value["text"] }), tell);
        self.delta(index, &serde_json::json!({ "reasoningContent": reasoning["reasoningText"] }), tell);
        self.delta(
            index,
            &serde_json::json!({ "reasoningContent": { "redactedContent": reasoning["redactedContent"] } }),
            tell,
        );
        let block = self.blocks.entry(index).or_default();
        block.stopped = true;
        if let (Some(call), Some(Input { input })) = (&mut block.call, call.tool_use) {
            call.input = input.get().to_owned();
        }
        Ok(())
    }
}

impl Block {
    fn add_to(self, draft: &mut Draft) {
        if let Some(call) = self.call {
            let sound = json::is_object(&call.input);
            let raw = tool_use(&call.id, &call.name, if sound { &call.input } else { "{}" });
            draft.items.extend(json::raw(raw).map(|raw| {
                DraftItem::Call(DraftCall {
                    id: call.id,
                    name: call.name,
                    arguments: call.input,
                    free_text: false,
                    cut: !self.stopped,
                    raw,
                })
            }));
        } else if let Some(bytes) = self.redacted {
            let content = Object::new().field("redactedContent", bytes).finish();
            let block = Object::new().raw("reasoningContent", &content).finish();
            draft.items.extend(json::raw(block).map(DraftItem::Lead));
        } else if !self.reasoning.is_empty() || self.signature.is_some() {
            draft.reasoning.push_str(&self.reasoning);
            let text = Object::new().field("text", &self.reasoning).maybe("signature", self.signature);
            let content = Object::new().raw("reasoningText", &text.finish()).finish();
            let block = Object::new().raw("reasoningContent", &content).finish();
            draft.items.extend(json::raw(block).map(DraftItem::Lead));
        } else if let Some(other) = self.other {
            draft.items.push(DraftItem::Raw(other));
        } else if !self.text.trim().is_empty() {
            draft.text.push_str(&self.text);
            let block = Object::new().field("text", &self.text).finish();
            draft.items.extend(json::raw(block).map(DraftItem::Raw));
        }
    }
}

/// The API counts cached tokens apart from `inputTokens`; ours are all of them.
fn usage(value: &Value) -> Option<Usage> {
    let number = |name: &str| value[name].as_u64();
    let (cached, cache_write) =
        (number("cacheReadInputTokens").unwrap_or(0), number("cacheWriteInputTokens").unwrap_or(0));
    Some(Usage {
        input: number("inputTokens")? + cached + cache_write,
        cached,
        cache_write,
        output: number("outputTokens").unwrap_or(0),
        reasoning: 0,
        estimated: false,
    })
}

#[cfg(test)]
mod tests;
