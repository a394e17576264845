//! Google Gemini.
//!
//! Decides how the conversation becomes `contents`. The parts of a reply go back one by one as they came, never
//! merged and never reordered, thought signatures with them; the responses to its calls follow in one content,
//! in the calls' order.

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::body::Entries;
use crate::conversation::{self, Answer, Part};
use crate::dialect::{Asked, Assembler, Dialect, Fault, Progress, join};
use crate::draft::{Draft, DraftCall, DraftItem, Form, MADE_ID};
use crate::endpoint::Endpoint;
use crate::exchange::{Reply, Stop, StreamEvent, ToolCall, Usage};
use crate::json::{self, Object};
use crate::sse;

/// The adapter.
pub(crate) struct Gemini;

/// Accepted in place of the signature of a call that another model made.
const FOREIGN_SIGNATURE: &str = "skip_thought_signature_validator";

impl Dialect for Gemini {
    fn url(&self, endpoint: &Endpoint) -> String {
        let model = endpoint.model.trim_start_matches("models/");
        format!(
            "{}?alt=sse",
            join(&endpoint.base_url, "/v1beta", &format!("/models/{model}:streamGenerateContent"))
        )
    }

    fn headers(&self, endpoint: &Endpoint) -> Vec<(&'static str, String)> {
        endpoint.key.iter().map(|key| ("x-goog-api-key", key.expose().to_owned())).collect()
    }

    fn head(&self, asked: &Asked) -> Object {
        let mut body = Object::with_capacity(4096);
        let mut generation = Object::new().maybe("maxOutputTokens", asked.max_output());
        if let Some(effort) = asked.effort() {
            let thinking =
                Object::new().field("includeThoughts", true).field("thinkingLevel", effort.to_uppercase());
            generation = generation.raw("thinkingConfig", &thinking.finish());
        }
        let generation = generation.finish();
        if generation != "{}" {
            body = body.raw("generationConfig", &generation);
        }
        if !asked.request.tools.is_empty() {
            let declarations = conversation::sorted_tools(asked.request).into_iter().map(|tool| {
                Object::new()
                    .field("name", &tool.name)
                    .field("description", &tool.description)
                    .field("parametersJsonSchema", conversation::json_schema(tool))
                    .finish()
            });
            body = body.array("tools", [Object::new().array("functionDeclarations", declarations).finish()]);
        }
        if !asked.request.instructions.is_empty() {
            let text = Object::new().field("text", &asked.request.instructions).finish();
            body = body.raw("systemInstruction", &Object::new().array("parts", [text]).finish());
        }
        body
    }

    fn list(&self) -> &'static str {
        "contents"
    }

    fn part(&self, asked: &Asked, part: &Part, _mark: bool, to: &mut Entries) {
        to.push(&match part {
            Part::User(text) => content("user", [Object::new().field("text", text).finish()]),
            Part::Reply(reply) if asked.takes_raw(reply) => {
                content("model", reply.raw.iter().map(|raw| raw.get()))
            }
            Part::Reply(reply) => content("model", neutral(reply)),
            Part::Answers(_, answers) => content("user", answers.iter().map(response)),
        });
    }

    fn assembler(&self) -> Box<dyn Assembler> {
        Box::new(Assembly::default())
    }
}

impl Form for Gemini {
    /// Ids are optional here: a call whose id was missing or taken goes back without one, and its response is
    /// matched by its place.
    fn with_id(&self, item: &RawValue, _id: &str) -> Option<Box<RawValue>> {
        let mut part: Value = serde_json::from_str(item.get()).ok()?;
        match part.get_mut("functionCall")?.as_object_mut()?.remove("id") {
            Some(_) => json::raw(json::text_of(part)),
            None => Some(item.to_owned()),
        }
    }
}

fn content<T: AsRef<str>>(role: &str, parts: impl IntoIterator<Item = T>) -> String {
    Object::new().field("role", role).array("parts", parts).finish()
}

fn neutral(reply: &Reply) -> Vec<String> {
    let text = conversation::neutral_text(reply);
    let mut parts = Vec::new();
    if !text.is_empty() {
        parts.push(Object::new().field("text", &text).finish());
    }
    parts.extend(reply.calls.iter().enumerate().map(|(at, call)| {
        let function = Object::new().maybe("id", own_id(call)).field("name", &call.name);
        let part =
            Object::new().raw("functionCall", &function.raw("args", &conversation::wrapped(call)).finish());
        part.maybe("thoughtSignature", (at == 0).then_some(FOREIGN_SIGNATURE)).finish()
    }));
    parts
}

fn response(answer: &Answer) -> String {
    let field = if answer.is_error { "error" } else { "output" };
    let output = Object::new().field(field, answer.output).finish();
    let response = Object::new().maybe("id", own_id(answer.call)).field("name", &answer.call.name);
    Object::new().raw("functionResponse", &response.raw("response", &output).finish()).finish()
}

/// The id, where the provider knows it.
fn own_id(call: &ToolCall) -> Option<&str> {
    Some(call.call_id.as_str()).filter(|id| !id.starts_with(MADE_ID))
}

#[derive(Default)]
struct Assembly {
    parts: Vec<(Box<RawValue>, bool)>,
    calls: usize,
    finish: Option<String>,
    finish_message: String,
    blocked: Option<String>,
    usage: Option<Usage>,
    model: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Chunk<'a> {
    #[serde(borrow, default)]
    candidates: Option<Vec<Candidate<'a>>>,
    #[serde(default)]
    prompt_feedback: Option<Value>,
    #[serde(default)]
    usage_metadata: Option<Value>,
    #[serde(default)]
    model_version: Option<String>,
    #[serde(default)]
    error: Option<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Candidate<'a> {
    #[serde(borrow, default)]
    content: Option<Content<'a>>,
    #[serde(default)]
    finish_reason: Option<String>,
    #[serde(default)]
    finish_message: Option<String>,
}

#[derive(Deserialize)]
struct Content<'a> {
    #[serde(borrow, default)]
    parts: Option<Vec<&'a RawValue>>,
}

/// What is read of a part; the rest stays in its raw text.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ReadPart<'a> {
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    thought: Option<bool>,
    #[serde(borrow, default)]
    function_call: Option<FunctionCall<'a>>,
}

#[derive(Deserialize)]
struct FunctionCall<'a> {
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    name: String,
    #[serde(borrow, default)]
    args: Option<&'a RawValue>,
}

impl Assembler for Assembly {
    fn event(&mut self, event: &sse::Event, tell: &mut dyn FnMut(StreamEvent)) -> Result<Progress, Fault> {
        let data = event.data.trim();
        if !data.is_empty() && data != "[DONE]" {
            self.chunk(serde_json::from_str(data)?, event.lossy, tell)?;
        }
        // Usage may follow the finish reason: the stream's end is the end.
        Ok(Progress::More)
    }

    fn whole(&mut self, _body: &Value, text: &str, tell: &mut dyn FnMut(StreamEvent)) -> Result<(), Fault> {
        if text.trim_start().starts_with('[') {
            let chunks: Vec<&RawValue> = serde_json::from_str(text)?;
            return chunks
                .into_iter()
                .try_for_each(|raw| self.chunk(serde_json::from_str(raw.get())?, false, tell));
        }
        self.chunk(serde_json::from_str(text)?, false, tell)
    }

    fn is_complete(&self) -> bool {
        self.finish.is_some() || self.blocked.is_some()
    }

    fn salvage(self: Box<Self>) -> Option<Draft> {
        // Parts come whole.
        Some(self.draft())
    }

    fn draft(self: Box<Self>) -> Draft {
        let it = *self;
        let stop = match it.finish.as_deref() {
            None | Some("STOP" | "FINISH_REASON_UNSPECIFIED") => Stop::End,
            Some("MAX_TOKENS") => Stop::Length,
            Some("SAFETY" | "RECITATION" | "BLOCKLIST" | "PROHIBITED_CONTENT" | "SPII" | "LANGUAGE") => {
                Stop::Filtered
            }
            Some(other) => Stop::Other(other.to_owned()),
        };
        let filtered = (stop == Stop::Filtered).then(|| it.finish.unwrap_or_default());
        let refusal = it.blocked.or(filtered).map(|reason| (reason, it.finish_message));
        let mut draft = Draft { stop, refusal, usage: it.usage, model: it.model, ..Draft::default() };
        let count = it.parts.len();
        for (at, (raw, lossy)) in it.parts.into_iter().enumerate() {
            // The arguments come as an object, which shows no cut: the last before the limit is not trusted.
            let cut = lossy || draft.stop == Stop::Length && at + 1 == count;
            add(raw, cut, &mut draft);
        }
        draft
    }
}

fn add(raw: Box<RawValue>, cut: bool, draft: &mut Draft) {
    let Ok(part) = serde_json::from_str::<ReadPart>(raw.get()) else {
        return draft.items.push(DraftItem::Raw(raw));
    };
    let (thought, text) = (part.thought == Some(true), part.text.unwrap_or_default());
    if let Some(call) = part.function_call {
        let arguments = call.args.map_or("{}", RawValue::get).to_owned();
        let (id, name) = (call.id.unwrap_or_default(), call.name);
        draft.items.push(DraftItem::Call(DraftCall { id, name, arguments, free_text: false, cut, raw }));
    } else if thought {
        draft.reasoning.push_str(&text);
        draft.items.push(DraftItem::Lead(raw));
    } else {
        draft.text.push_str(&text);
        // An empty text is refused as input, but for one that carries a signature.
        if !text.is_empty() || !raw.get().contains("\"text\"") || raw.get().contains("thoughtSignature") {
            draft.items.push(DraftItem::Raw(raw));
        }
    }
}

/// Finish reasons that another attempt may mend.
const MALFORMED: [&str; 5] = [
    "MALFORMED_FUNCTION_CALL",
    "MALFORMED_RESPONSE",
    "UNEXPECTED_TOOL_CALL",
    "TOO_MANY_TOOL_CALLS",
    "MISSING_THOUGHT_SIGNATURE",
];

impl Assembly {
    fn chunk(&mut self, chunk: Chunk, lossy: bool, tell: &mut dyn FnMut(StreamEvent)) -> Result<(), Fault> {
        if let Some(error) = chunk.error.filter(|error| !error.is_null()) {
            return Err(Fault::Provider(error));
        }
        if let Some(model) = chunk.model_version {
            self.model = model;
        }
        if let Some(usage) = chunk.usage_metadata.as_ref().and_then(usage) {
            self.usage = Some(usage);
        }
        if let Some(reason) = chunk.prompt_feedback.as_ref().and_then(|it| it["blockReason"].as_str()) {
            self.blocked = Some(reason.to_owned());
        }
        let Some(candidate) = chunk.candidates.into_iter().flatten().next() else { return Ok(()) };
        for raw in candidate.content.and_then(|content| content.parts).into_iter().flatten() {
            self.tell(raw, tell);
            self.parts.push((raw.to_owned(), lossy));
        }
        if let Some(message) = candidate.finish_message {
            self.finish_message = message;
        }
        if let Some(reason) = candidate.finish_reason {
            if MALFORMED.contains(&reason.as_str()) {
                let message = std::mem::take(&mut self.finish_message);
                return Err(Fault::Malformed(format!("the model's call is not valid ({reason}) {message}")));
            }
            self.finish = Some(reason);
        }
        Ok(())
    }

    fn tell(&mut self, raw: &RawValue, tell: &mut dyn FnMut(StreamEvent)) {
        let Ok(part) = serde_json::from_str::<ReadPart>(raw.get()) else { return };
        if let Some(call) = part.function_call {
            let index = self.calls;
            self.calls += 1;
            tell(StreamEvent::CallBegan { index, name: call.name });
            let delta = call.args.map_or("{}", RawValue::get).to_owned();
            tell(StreamEvent::CallArguments { index, delta });
        } else if let Some(text) = part.text.filter(|text| !text.is_empty()) {
            let thought = part.thought == Some(true);
            tell(if thought { StreamEvent::Reasoning(text) } else { StreamEvent::Text(text) });
        }
    }
}

fn usage(value: &Value) -> Option<Usage> {
    let number = |name: &str| value[name].as_u64();
    let reasoning = number("thoughtsTokenCount").unwrap_or(0);
    Some(Usage {
        input: number("promptTokenCount")? + number("toolUsePromptTokenCount").unwrap_or(0),
        cached: number("cachedContentTokenCount").unwrap_or(0),
        cache_write: 0,
        output: number("candidatesTokenCount").unwrap_or(0) + reasoning,
        reasoning,
        estimated: false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::Refused;
    use crate::draft::settle;
    use crate::exchange::{Item, Request};

    fn settled(chunks: &[&str]) -> (Reply, Vec<StreamEvent>) {
        let mut assembly: Box<dyn Assembler> = Box::new(Assembly::default());
        let mut events = Vec::new();
        for chunk in chunks {
            let event = sse::Event { name: String::new(), data: (*chunk).into(), lossy: false };
            assembly.event(&event, &mut |event| events.push(event)).unwrap();
        }
        assert!(assembly.is_complete());
        (settle(assembly.draft(), &Request::default(), "gemini/g", &Gemini).unwrap(), events)
    }

    const THOUGHT: &str = r#"{"text":"Hm.","thought":true}"#;
    const CALL: &str =
        r#"{"functionCall":{"name":"read","args":{ "path":"a", "n":1.50 }},"thoughtSignature":"c2ln"}"#;
    const SECOND: &str = r#"{"functionCall":{"id":"own","name":"read","args":{"path":"b"}}}"#;

    #[test]
    fn parts_go_back_as_they_came_and_responses_follow_in_order() {
        let (reply, events) = settled(&[
            &format!(
                r#"{{"candidates":[{{"content":{{"role":"model","parts":[{THOUGHT}]}}}}],"modelVersion":"g-1"}}"#
            ),
            &format!(r#"{{"candidates":[{{"content":{{"parts":[{CALL},{SECOND}]}}}}]}}"#),
            r#"{"candidates":[{"content":{"parts":[{"text":""}]},"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":10,"cachedContentTokenCount":4,"candidatesTokenCount":3,"thoughtsTokenCount":2}}"#,
        ]);
        let raws: Vec<&str> = reply.raw.iter().map(|raw| raw.get()).collect();
        assert_eq!(raws, [THOUGHT, CALL, SECOND]);
        assert_eq!(
            (reply.reasoning.as_str(), reply.model.as_str(), &reply.stop),
            ("Hm.", "g-1", &Stop::ToolUse)
        );
        assert_eq!(
            (reply.usage.input, reply.usage.cached, reply.usage.output, reply.usage.reasoning),
            (10, 4, 5, 2)
        );
        assert_eq!(reply.calls[0].arguments, r#"{ "path":"a", "n":1.50 }"#);
        assert_eq!(events.iter().filter(|event| matches!(event, StreamEvent::CallBegan { .. })).count(), 2);

        let result = |call: &ToolCall, is_error| Item::ToolResult {
            call_id: call.call_id.clone(),
            name: call.name.clone(),
            free_text: false,
            output: "out".into(),
            is_error,
        };
        let results = [result(&reply.calls[1], true), result(&reply.calls[0], false)];
        let request = Request {
            items: std::iter::once(Item::Reply(reply)).chain(results).collect(),
            ..Request::default()
        };
        let endpoint = Endpoint::new(crate::Kind::Gemini, "g");
        let asked = Asked {
            endpoint: &endpoint,
            request: &request,
            refused: &Refused::default(),
            origin: "gemini/g",
        };
        let first = r#"{"functionResponse":{"name":"read","response":{"output":"out"}}}"#;
        let second = r#"{"functionResponse":{"id":"own","name":"read","response":{"error":"out"}}}"#;
        let model = format!(r#"{{"role":"model","parts":[{THOUGHT},{CALL},{SECOND}]}}"#);
        let user = format!(r#"{{"role":"user","parts":[{first},{second}]}}"#);
        assert_eq!(Gemini.body(&asked), format!(r#"{{"contents":[{model},{user}]}}"#));
        // Another provider's history has no signatures: a word that is accepted stands in.
        let foreign = Asked { origin: "gemini/other", ..asked };
        assert!(Gemini.body(&foreign).contains(FOREIGN_SIGNATURE));
    }

    #[test]
    fn a_call_at_the_limit_is_not_trusted_and_a_blocked_prompt_is_refused() {
        let chunk = |finish: &str| {
            format!(r#"{{"candidates":[{{"content":{{"parts":[{SECOND}]}},"finishReason":"{finish}"}}]}}"#)
        };
        let (cut, _) = settled(&[&chunk("MAX_TOKENS")]);
        assert_eq!((cut.calls.len(), cut.broken_calls.len(), cut.stop), (0, 1, Stop::Length));
        let mut assembly = Assembly::default();
        let event = |data: &str| sse::Event { name: String::new(), data: data.into(), lossy: false };
        let malformed = assembly.event(&event(&chunk("MALFORMED_FUNCTION_CALL")), &mut |_| {});
        assert!(matches!(malformed, Err(Fault::Malformed(_))));
        let mut assembly: Box<Assembly> = Box::default();
        assembly.event(&event(r#"{"promptFeedback":{"blockReason":"SAFETY"}}"#), &mut |_| {}).unwrap();
        assert_eq!(assembly.draft().refusal.unwrap().0, "SAFETY");
    }

    #[test]
    fn the_model_stands_in_the_address() {
        let mut endpoint = Endpoint::new(crate::Kind::Gemini, "gemini-3.8-flash");
        endpoint.base_url = "http://host".into();
        let path = "/models/gemini-3.8-flash:streamGenerateContent?alt=sse";
        assert_eq!(Gemini.url(&endpoint), format!("http://host/v1beta{path}"));
        endpoint.base_url = "http://host/v1/".into();
        assert_eq!(Gemini.url(&endpoint), format!("http://host/v1{path}"));
    }
}
