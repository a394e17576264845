//! OpenAI Responses, stateless: `store: false`, and everything goes back in `input`.
//!
//! Decides how the conversation becomes input items, and which of the streamed items count: those of
//! `response.output_item.done` (what `added` shows may be incomplete). They go back byte for byte, encrypted
//! reasoning and phases with them; only the status of a custom tool's call is left out, which is no input field.
//! Free-text tools are custom tools here.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::body::Entries;
use crate::conversation::{self, Answer, Part};
use crate::dialect::{Asked, Assembler, Dialect, Fault, Optional, Progress, bearer, join};
use crate::draft::{Draft, DraftCall, DraftItem, Form};
use crate::endpoint::Endpoint;
use crate::exchange::{Reply, Stop, StreamEvent, Usage};
use crate::json::{self, Object};
use crate::sse;

/// The adapter.
pub(crate) struct Responses;

impl Dialect for Responses {
    fn url(&self, endpoint: &Endpoint) -> String {
        join(&endpoint.base_url, "/v1", "/responses")
    }

    fn headers(&self, endpoint: &Endpoint) -> Vec<(&'static str, String)> {
        bearer(endpoint)
    }

    fn head(&self, asked: &Asked) -> Object {
        let mut body = Object::with_capacity(4096)
            .field("model", &asked.endpoint.model)
            .field("stream", true)
            .field("store", false);
        if !asked.refused.has(Optional::EncryptedReasoning) {
            body = body.field("include", ["reasoning.encrypted_content"]);
        }
        body = body
            .maybe("service_tier", asked.endpoint.service_tier.as_deref())
            .maybe("max_output_tokens", asked.max_output())
            .maybe("prompt_cache_key", asked.cache_key());
        if let Some(effort) = asked.effort() {
            let summary = (!asked.refused.has(Optional::ReasoningSummary)).then_some("auto");
            let reasoning = Object::new().field("effort", effort).maybe("summary", summary).finish();
            body = body.raw("reasoning", &reasoning);
        }
        if !asked.request.tools.is_empty() {
            body = body.array(
                "tools",
                conversation::sorted_tools(asked.request).into_iter().map(|tool| {
                    let kind = if tool.free_text { "custom" } else { "function" };
                    let spec = Object::new()
                        .field("type", kind)
                        .field("name", &tool.name)
                        .field("description", &tool.description);
                    // A schema with optional fields does not fit the strict mode, which some models assume.
                    let spec = if tool.free_text {
                        spec
                    } else {
                        spec.field("parameters", &tool.schema).field("strict", false)
                    };
                    spec.finish()
                }),
            );
        }
        if !asked.request.instructions.is_empty() {
            body = body.field("instructions", &asked.request.instructions);
        }
        body
    }

    fn list(&self) -> &'static str {
        "input"
    }

    fn part(&self, asked: &Asked, part: &Part, _mark: bool, to: &mut Entries) {
        match part {
            Part::User(text) => to.push(&user(text)),
            Part::Reply(reply) if asked.takes_raw(reply) => {
                reply.raw.iter().for_each(|raw| to.push(&sendable(raw)));
            }
            Part::Reply(reply) => neutral(reply).iter().for_each(|item| to.push(item)),
            Part::Answers(reply, answers) => {
                let raw = asked.takes_raw(reply).then_some(*reply);
                answers.iter().for_each(|answer| to.push(&output(answer, raw)));
            }
        }
    }

    fn assembler(&self) -> Box<dyn Assembler> {
        Box::new(Assembly::default())
    }
}

impl Form for Responses {
    fn with_id(&self, item: &RawValue, id: &str) -> Option<Box<RawValue>> {
        json::with_field(item, &["call_id"], id)
    }
}

/// An item as it came. Only the status of a custom tool's call is left out: other than that of a function's call
/// it is no field of the input.
fn sendable(item: &RawValue) -> Cow<'_, str> {
    #[derive(Deserialize)]
    struct Kind<'a> {
        #[serde(borrow, rename = "type", default)]
        kind: Cow<'a, str>,
    }
    let custom = item.get().contains("custom_tool_call")
        && serde_json::from_str::<Kind>(item.get()).is_ok_and(|it| it.kind == "custom_tool_call");
    match custom.then(|| json::without_field(item.get(), "status")).flatten() {
        Some(without) => without.into(),
        None => item.get().into(),
    }
}

/// The short form of a message (`EasyInputMessage`), which goes out with every later request of the task.
fn user(text: &str) -> String {
    Object::new().field("role", "user").field("content", text).finish()
}

fn neutral(reply: &Reply) -> Vec<String> {
    let text = conversation::neutral_text(reply);
    let mut items = Vec::new();
    if !text.is_empty() {
        items.push(Object::new().field("role", "assistant").field("content", &text).finish());
    }
    items.extend(reply.calls.iter().map(|call| {
        let (kind, field) =
            if call.free_text { ("custom_tool_call", "input") } else { ("function_call", "arguments") };
        let arguments =
            if call.free_text { call.arguments.as_str().into() } else { conversation::wrapped(call) };
        let item =
            Object::new().field("type", kind).field("call_id", &call.call_id).field("name", &call.name);
        item.field(field, &arguments).finish()
    }));
    items
}

/// The output item must be of the kind of its call: for raw items, of the kind that stands there.
fn output(answer: &Answer, raw: Option<&Reply>) -> String {
    let custom = answer.call.free_text
        && raw.is_none_or(|reply| {
            let id = json::text_of(&answer.call.call_id);
            let own = |item: &RawValue| item.get().contains("custom_tool_call") && item.get().contains(&id);
            reply.raw.iter().any(|item| own(item))
        });
    let kind = if custom { "custom_tool_call_output" } else { "function_call_output" };
    Object::new()
        .field("type", kind)
        .field("call_id", &answer.call.call_id)
        .field("output", answer.output)
        .finish()
}

#[derive(Default)]
struct Assembly {
    items: BTreeMap<u64, (Box<RawValue>, bool)>,
    /// Output index of each call, in the order in which they began.
    calls: Vec<u64>,
    messages: usize,
    streamed_reasoning: String,
    refusal: String,
    complete: bool,
    incomplete: Option<String>,
    usage: Option<Usage>,
    tier: Option<String>,
    model: String,
}

#[derive(Deserialize)]
struct Head<'a> {
    #[serde(borrow, rename = "type", default)]
    kind: Cow<'a, str>,
}

#[derive(Deserialize)]
struct ItemEvent<'a> {
    #[serde(default)]
    output_index: Option<u64>,
    #[serde(borrow)]
    item: &'a RawValue,
}

#[derive(Deserialize)]
struct Delta<'a> {
    #[serde(default)]
    output_index: u64,
    #[serde(borrow, default)]
    delta: Cow<'a, str>,
}

#[derive(Deserialize)]
struct ResponseEvent<'a> {
    #[serde(borrow)]
    response: &'a RawValue,
}

#[derive(Deserialize)]
struct Response<'a> {
    #[serde(borrow, default)]
    output: Option<Vec<&'a RawValue>>,
    #[serde(default)]
    model: Option<String>,
    #[serde(default)]
    status: Option<String>,
    #[serde(default)]
    error: Option<Value>,
    #[serde(default)]
    incomplete_details: Option<Value>,
    #[serde(default)]
    usage: Option<Value>,
    #[serde(default)]
    service_tier: Option<String>,
}

/// What is read of an output item; the rest stays in its raw text.
#[derive(Deserialize)]
struct OutputItem {
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default)]
    status: Option<String>,
    #[serde(default)]
    call_id: Option<String>,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    arguments: Option<String>,
    #[serde(default)]
    input: Option<Value>,
    #[serde(default)]
    content: Option<Vec<Value>>,
    #[serde(default)]
    summary: Option<Vec<Value>>,
}

impl Assembler for Assembly {
    fn event(&mut self, event: &sse::Event, tell: &mut dyn FnMut(StreamEvent)) -> Result<Progress, Fault> {
        let data = event.data.trim();
        if data.is_empty() || data == "[DONE]" {
            return Ok(Progress::More);
        }
        let head: Head = serde_json::from_str(data)?;
        match if head.kind.is_empty() { event.name.as_str() } else { &head.kind } {
            "response.output_item.added" => self.began(serde_json::from_str(data)?, tell)?,
            "response.output_item.done" => {
                let done: ItemEvent = serde_json::from_str(data)?;
                let at = done.output_index.unwrap_or(self.items.len() as u64);
                self.items.insert(at, (done.item.to_owned(), event.lossy));
            }
            "response.output_text.delta" => tell(StreamEvent::Text(text(data)?)),
            "response.reasoning_summary_text.delta" | "response.reasoning_text.delta" => {
                let text = text(data)?;
                self.streamed_reasoning.push_str(&text);
                tell(StreamEvent::Reasoning(text));
            }
            "response.refusal.delta" => self.refusal.push_str(&text(data)?),
            "response.function_call_arguments.delta" | "response.custom_tool_call_input.delta" => {
                let delta: Delta = serde_json::from_str(data)?;
                if let Some(index) = self.calls.iter().position(|at| *at == delta.output_index) {
                    tell(StreamEvent::CallArguments { index, delta: delta.delta.into_owned() });
                }
            }
            "response.completed" | "response.incomplete" | "response.failed" => {
                let event: ResponseEvent = serde_json::from_str(data)?;
                self.response(serde_json::from_str(event.response.get())?)?;
                return Ok(Progress::Last);
            }
            "error" => return Err(Fault::Provider(serde_json::from_str(data)?)),
            // Unknown events say nothing to us. Some servers report errors without a type.
            "" => self.untyped(data)?,
            _ => {}
        }
        Ok(Progress::More)
    }

    fn whole(&mut self, _body: &Value, text: &str, _tell: &mut dyn FnMut(StreamEvent)) -> Result<(), Fault> {
        self.response(serde_json::from_str(text)?)
    }

    fn is_complete(&self) -> bool {
        self.complete
    }

    fn salvage(self: Box<Self>) -> Option<Draft> {
        // Only items that were said to be done are kept at all.
        Some(self.draft())
    }

    fn draft(self: Box<Self>) -> Draft {
        let stop = match self.incomplete.as_deref() {
            None => Stop::End,
            Some("max_output_tokens" | "max_tokens") => Stop::Length,
            Some("content_filter") => Stop::Filtered,
            Some(other) => Stop::Other(other.to_owned()),
        };
        let mut draft =
            Draft { stop, usage: self.usage, tier: self.tier, model: self.model, ..Draft::default() };
        let mut refusal = String::new();
        let count = self.items.len();
        for (place, (raw, lossy)) in self.items.into_values().enumerate() {
            let last_of_cut = draft.stop == Stop::Length && place + 1 == count;
            add(raw, lossy, last_of_cut, &mut draft, &mut refusal);
        }
        if draft.reasoning.is_empty() {
            draft.reasoning = self.streamed_reasoning;
        }
        if refusal.is_empty() {
            refusal = self.refusal;
        }
        draft.refusal = match (&draft.stop, refusal.is_empty()) {
            (Stop::Filtered, _) => Some(("content_filter".into(), refusal)),
            (_, false) => Some(("refusal".into(), refusal)),
            _ => None,
        };
        draft
    }
}

fn add(raw: Box<RawValue>, lossy: bool, last_of_cut: bool, draft: &mut Draft, refusal: &mut String) {
    let item: Option<OutputItem> = serde_json::from_str(raw.get()).ok();
    // A form of item that is new to us goes back as it came.
    let Some(item) = item else { return draft.items.push(DraftItem::Raw(raw)) };
    let unfinished =
        item.status.as_deref().is_some_and(|status| status == "incomplete" || status == "in_progress");
    match item.kind.as_str() {
        "function_call" => {
            let arguments = item.arguments.unwrap_or_default();
            // No text at all stands for no arguments, but is no JSON to send back.
            let none = arguments.trim().is_empty();
            let filled = none.then(|| json::with_field(&raw, &["arguments"], "{}")).flatten();
            draft.items.push(DraftItem::Call(DraftCall {
                id: item.call_id.unwrap_or_default(),
                name: item.name.unwrap_or_default(),
                arguments,
                free_text: false,
                cut: unfinished || lossy,
                raw: filled.unwrap_or(raw),
            }));
        }
        "custom_tool_call" => draft.items.push(DraftItem::Call(DraftCall {
            id: item.call_id.unwrap_or_default(),
            name: item.name.unwrap_or_default(),
            arguments: item.input.as_ref().and_then(Value::as_str).unwrap_or_default().to_owned(),
            free_text: true,
            // Free text shows no end of its own: what stands last before the limit is taken as cut.
            cut: unfinished || lossy || last_of_cut,
            raw,
        })),
        "reasoning" => {
            for part in item.summary.iter().chain(&item.content).flatten() {
                push_paragraph(&mut draft.reasoning, part["text"].as_str().unwrap_or_default());
            }
            draft.items.push(DraftItem::Lead(raw));
        }
        "message" => {
            let parts = item.content.unwrap_or_default();
            let texts =
                |field: &str| parts.iter().filter_map(|part| part[field].as_str()).collect::<String>();
            push_paragraph(&mut draft.text, &texts("text"));
            refusal.push_str(&texts("refusal"));
            if !texts("text").is_empty() {
                draft.items.push(DraftItem::Raw(raw));
            }
        }
        _ => draft.items.push(DraftItem::Raw(raw)),
    }
}

fn push_paragraph(to: &mut String, text: &str) {
    if !to.is_empty() && !text.is_empty() {
        to.push_str("\n\n");
    }
    to.push_str(text);
}

fn text(data: &str) -> Result<String, Fault> {
    let delta: Delta = serde_json::from_str(data)?;
    Ok(delta.delta.into_owned())
}

impl Assembly {
    fn began(&mut self, event: ItemEvent, tell: &mut dyn FnMut(StreamEvent)) -> Result<(), Fault> {
        let Ok(item) = serde_json::from_str::<OutputItem>(event.item.get()) else { return Ok(()) };
        match item.kind.as_str() {
            "function_call" | "custom_tool_call" => {
                let index = self.calls.len();
                self.calls.push(event.output_index.unwrap_or(self.items.len() as u64));
                tell(StreamEvent::CallBegan { index, name: item.name.unwrap_or_default() });
            }
            "message" => {
                if self.messages > 0 {
                    tell(StreamEvent::Text("\n\n".into()));
                }
                self.messages += 1;
            }
            _ => {}
        }
        Ok(())
    }

    fn untyped(&self, data: &str) -> Result<(), Fault> {
        let value: Value = serde_json::from_str(data)?;
        match value.get("error") {
            Some(error) if !error.is_null() => Err(Fault::Provider(value)),
            _ => Ok(()),
        }
    }

    fn response(&mut self, response: Response) -> Result<(), Fault> {
        let status = response.status.as_deref().unwrap_or("completed");
        if let Some(error) = response.error.filter(|error| !error.is_null()) {
            return Err(Fault::Provider(error));
        }
        if matches!(status, "failed" | "cancelled") {
            return Err(Fault::Provider(
                serde_json::json!({ "message": format!("the response is {status}") }),
            ));
        }
        if status == "incomplete" {
            let reason = response.incomplete_details.as_ref().and_then(|details| details["reason"].as_str());
            self.incomplete = Some(reason.unwrap_or("incomplete").to_owned());
        }
        self.model = response.model.unwrap_or_default();
        self.tier = response.service_tier;
        self.usage = response.usage.as_ref().and_then(usage);
        // Servers that announce no single items give them all here.
        let output = response.output.unwrap_or_default();
        if output.len() > self.items.len() {
            for (at, item) in output.into_iter().enumerate() {
                self.items.entry(at as u64).or_insert_with(|| (item.to_owned(), false));
            }
        }
        self.complete = true;
        Ok(())
    }
}

fn usage(value: &Value) -> Option<Usage> {
    let number = |path: &str| value.pointer(path).and_then(Value::as_u64);
    Some(Usage {
        input: number("/input_tokens")?,
        cached: number("/input_tokens_details/cached_tokens").unwrap_or(0),
        cache_write: number("/input_tokens_details/cache_write_tokens").unwrap_or(0),
        output: number("/output_tokens").unwrap_or(0),
        reasoning: number("/output_tokens_details/reasoning_tokens").unwrap_or(0),
        estimated: false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draft::settle;
    use crate::exchange::Request;

    fn settled(events: &[&str]) -> Reply {
        let mut assembly: Box<dyn Assembler> = Box::new(Assembly::default());
        for data in events {
            let event = sse::Event { name: String::new(), data: (*data).into(), lossy: false };
            assembly.event(&event, &mut |_| {}).unwrap();
        }
        assert!(assembly.is_complete());
        settle(assembly.draft(), &Request::default(), "o", &Responses).unwrap()
    }

    fn done(at: usize, item: &str) -> String {
        format!(r#"{{"type":"response.output_item.done","output_index":{at},"item":{item}}}"#)
    }

    const REASONING: &str = r#"{"id":"rs_1","type":"reasoning","summary":[{"type":"summary_text","text":"Hm."}],"encrypted_content":"whole","x":1.0}"#;
    const COMMENTARY: &str = r#"{"id":"m","type":"message","role":"assistant","phase":"commentary","status":"completed","content":[{"type":"output_text","text":"Gr\u00f6\u00dfe","annotations":[]}]}"#;
    const CALL: &str = r#"{"id":"fc","type":"function_call","status":"completed","call_id":"c","name":"read","arguments":"{ }","namespace":"n"}"#;
    const COMPACTION: &str = r#"{"id":"cmp","type":"compaction","encrypted_content":"zip"}"#;

    #[test]
    fn items_go_back_byte_for_byte_from_their_done_events() {
        let reply = settled(&[
            r#"{"type":"response.created","response":{"status":"in_progress"}}"#,
            r#"{"type":"response.output_item.added","output_index":0,"item":{"id":"rs_1","type":"reasoning","summary":[],"encrypted_content":"wh"}}"#,
            &done(0, REASONING),
            r#"{"type":"response.brand_new_event","delta":{"strange":[]}}"#,
            &done(1, COMMENTARY),
            &done(2, COMPACTION),
            &done(3, CALL),
            r#"{"type":"response.completed","response":{"status":"completed","model":"g","output":[],"usage":{"input_tokens":9,"input_tokens_details":{"cached_tokens":8,"cache_write_tokens":1},"output_tokens":5,"output_tokens_details":{"reasoning_tokens":2}}}}"#,
        ]);
        let raws: Vec<&str> = reply.raw.iter().map(|raw| raw.get()).collect();
        assert_eq!(raws, [REASONING, COMMENTARY, COMPACTION, CALL]);
        assert_eq!((reply.text.as_str(), reply.reasoning.as_str()), ("Größe", "Hm."));
        assert_eq!((reply.usage.cached, reply.usage.cache_write, reply.usage.reasoning), (8, 1, 2));
    }

    #[test]
    fn what_the_limit_cut_is_broken_and_takes_its_reasoning_with_it() {
        let patch = r#"{"type":"custom_tool_call","status":"completed","call_id":"p","name":"apply_patch","input":"*** Beg"}"#;
        let end = r#"{"type":"response.incomplete","response":{"status":"incomplete","incomplete_details":{"reason":"max_output_tokens"}}}"#;
        let reply =
            settled(&[&done(0, COMMENTARY), &done(1, CALL), &done(2, REASONING), &done(3, patch), end]);
        assert_eq!((reply.calls.len(), reply.broken_calls.len(), &reply.stop), (1, 1, &Stop::Length));
        assert_eq!(reply.raw.len(), 2);
        let open = CALL.replace("completed", "incomplete");
        let reply = settled(&[&done(0, REASONING), &done(1, &open), end]);
        assert_eq!((reply.raw.len(), reply.broken_calls.len()), (0, 1));
    }

    #[test]
    fn failures_and_errors_in_the_stream_are_the_providers() {
        for data in [
            r#"{"type":"error","code":"server_error","message":"m","sequence_number":3}"#,
            r#"{"type":"response.failed","response":{"status":"failed","error":{"code":"rate_limit_exceeded","message":"m"}}}"#,
            r#"{"error":{"message":"m"}}"#,
        ] {
            let event = sse::Event { name: String::new(), data: data.into(), lossy: false };
            let fault = Assembly::default().event(&event, &mut |_| {});
            assert!(matches!(fault, Err(Fault::Provider(_))), "{data}");
        }
    }
}
