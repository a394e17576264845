//! A turn as each API's stream of events, and as its whole answer.

use serde_json::{Value, json};

use crate::conversation::{Api, Asked};
use crate::scenario::{Call, Turn};

/// A reply in wire form.
pub struct Reply {
    /// Events in order: name (empty for none) and data.
    pub events: Vec<(&'static str, String)>,
    /// The whole answer, for a client that is not streamed to.
    pub whole: Value,
}

/// A call ready to be sent.
struct Sent {
    id: String,
    name: String,
    /// JSON text, or free text.
    arguments: String,
    custom: bool,
}

/// What a reply is made of.
struct Parts<'a> {
    turn: &'a Turn,
    number: usize,
    model: String,
    text: String,
    calls: Vec<Sent>,
    finish: Finish,
    /// Tokens in, cached, out; none where the fault hides them.
    usage: Option<(u64, u64, u64)>,
}

#[derive(Clone, Copy, PartialEq)]
enum Finish {
    Ordinary,
    Length,
    Filter,
    Refusal,
}

/// The reply of a turn.
pub fn build(api: Api, number: usize, turn: &Turn, fault: &str, asked: &Asked, body: &Value) -> Reply {
    let parts = parts(number, turn, fault, asked, body);
    match api {
        Api::Chat => chat(&parts),
        Api::Responses => responses(&parts),
        Api::Messages => messages(&parts),
        Api::Gemini => gemini(&parts),
        Api::Converse => converse(&parts),
    }
}

fn parts<'a>(number: usize, turn: &'a Turn, fault: &str, asked: &Asked, body: &Value) -> Parts<'a> {
    let mut calls: Vec<Sent> =
        turn.calls.iter().enumerate().map(|(at, call)| sent(call, number, at, asked)).collect();
    let mut text = turn.say.clone();
    let mut finish = Finish::Ordinary;
    match fault {
        "empty" => (text, calls) = (String::new(), Vec::new()),
        "filter" => (text, calls, finish) = (String::new(), Vec::new(), Finish::Filter),
        "refusal" => (text, calls, finish) = ("I cannot help with that.".into(), Vec::new(), Finish::Refusal),
        "length" | "truncated" => {
            if let Some(call) = calls.last_mut() {
                call.arguments = first_half(&call.arguments);
            }
            if fault == "length" {
                finish = Finish::Length;
            }
        }
        "doubled" => {
            if let Some(first) = calls.first() {
                let Sent { id, name, arguments, custom } = first;
                calls.push(Sent {
                    id: id.clone(),
                    name: name.clone(),
                    arguments: arguments.clone(),
                    custom: *custom,
                });
            }
        }
        "no_ids" => calls.iter_mut().for_each(|call| call.id.clear()),
        "split" | "invalid_utf8" => text.push_str(" Größe 漢字 😀 naïve"),
        _ => {}
    }
    let input = asked.texts.iter().map(String::len).sum::<usize>() as u64 / 4;
    let output = (text.len() + calls.iter().map(|call| call.arguments.len()).sum::<usize>()) as u64 / 4;
    let cached =
        asked.texts[..asked.texts.len().saturating_sub(2)].iter().map(String::len).sum::<usize>() as u64 / 4;
    Parts {
        turn,
        number,
        model: body["model"].as_str().unwrap_or("fake").to_owned(),
        text,
        calls,
        finish,
        usage: (fault != "no_usage").then_some((input, cached, output)),
    }
}

fn sent(call: &Call, number: usize, at: usize, asked: &Asked) -> Sent {
    let custom = call.input.is_some() && asked.free_text_tools.contains(&call.name);
    let arguments = match (&call.raw, &call.input, &call.arguments) {
        (Some(raw), _, _) => raw.clone(),
        (_, Some(input), _) if custom => input.clone(),
        (_, Some(input), _) => json!({ "input": input }).to_string(),
        (_, _, Some(arguments)) => arguments.to_string(),
        _ => "{}".into(),
    };
    let id = call.id.clone().unwrap_or_else(|| format!("call_{number}_{at}"));
    Sent { id, name: call.name.clone(), arguments, custom }
}

fn first_half(text: &str) -> String {
    text.chars().take(text.chars().count() / 2).collect()
}

fn pieces(text: &str, size: Option<usize>) -> Vec<String> {
    let chars: Vec<char> = text.chars().collect();
    chars.chunks(size.unwrap_or(24).max(1)).map(|piece| piece.iter().collect()).collect()
}

fn chat(parts: &Parts) -> Reply {
    let size = parts.turn.pieces;
    let mut events = Vec::new();
    let base = |choices: Value| json!({ "id": format!("chatcmpl-{}", parts.number), "object": "chat.completion.chunk", "created": 1, "model": parts.model, "choices": choices });
    let mut delta = |delta: Value, finish: Option<&str>| {
        events.push(("", base(json!([{ "index": 0, "delta": delta, "finish_reason": finish }])).to_string()));
    };
    delta(json!({ "role": "assistant", "content": "" }), None);
    for piece in pieces(&parts.turn.reason, size) {
        delta(json!({ "reasoning_content": piece }), None);
    }
    for piece in pieces(&parts.text, size) {
        delta(json!({ "content": piece }), None);
    }
    for (index, call) in parts.calls.iter().enumerate() {
        let function = json!({ "name": call.name, "arguments": "" });
        delta(
            json!({ "tool_calls": [{ "index": index, "id": call.id, "type": "function", "function": function }] }),
            None,
        );
        for piece in pieces(&call.arguments, size) {
            delta(json!({ "tool_calls": [{ "index": index, "function": { "arguments": piece } }] }), None);
        }
    }
    let finish = match parts.finish {
        Finish::Ordinary if parts.calls.is_empty() => "stop",
        Finish::Ordinary => "tool_calls",
        Finish::Length => "length",
        Finish::Filter => "content_filter",
        Finish::Refusal => "refusal",
    };
    delta(json!({}), Some(finish));
    let usage = parts.usage.map(|(input, cached, output)| {
        json!({ "prompt_tokens": input, "completion_tokens": output, "total_tokens": input + output, "prompt_tokens_details": { "cached_tokens": cached } })
    });
    if let Some(usage) = &usage {
        let mut last = base(json!([]));
        last["usage"] = usage.clone();
        events.push(("", last.to_string()));
    }
    events.push(("", "[DONE]".into()));
    let calls: Vec<Value> = parts
        .calls
        .iter()
        .map(|call| json!({ "id": call.id, "type": "function", "function": { "name": call.name, "arguments": call.arguments } }))
        .collect();
    let mut message = json!({ "role": "assistant", "content": parts.text });
    if !calls.is_empty() {
        message["tool_calls"] = calls.into();
    }
    let mut whole = base(json!([{ "index": 0, "message": message, "finish_reason": finish }]));
    whole["object"] = "chat.completion".into();
    whole["usage"] = usage.into();
    Reply { events, whole }
}

fn responses(parts: &Parts) -> Reply {
    let mut events: Vec<(&'static str, String)> = Vec::new();
    let mut add = |name: &'static str, mut fields: Value| {
        fields["type"] = name.into();
        fields["sequence_number"] = events.len().into();
        events.push((name, fields.to_string()));
    };
    let base = json!({ "id": format!("resp_{}", parts.number), "object": "response", "created_at": 1, "model": parts.model, "status": "in_progress", "output": [], "error": null, "incomplete_details": null });
    add("response.created", json!({ "response": base }));
    let mut output: Vec<Value> = Vec::new();
    if !parts.turn.reason.is_empty() {
        let summary = json!([{ "type": "summary_text", "text": parts.turn.reason }]);
        let item = json!({ "id": format!("rs_{}", parts.number), "type": "reasoning", "summary": summary, "encrypted_content": format!("enc-{}-whole", parts.number) });
        let mut begun = item.clone();
        begun["encrypted_content"] = "enc".into();
        let at = output.len();
        add("response.output_item.added", json!({ "output_index": at, "item": begun }));
        for piece in pieces(&parts.turn.reason, parts.turn.pieces) {
            add("response.reasoning_summary_text.delta", json!({ "output_index": at, "delta": piece }));
        }
        add("response.output_item.done", json!({ "output_index": at, "item": item }));
        output.push(item);
    }
    if !parts.text.is_empty() {
        let refused = parts.finish == Finish::Refusal;
        let phase = if parts.calls.is_empty() { "final_answer" } else { "commentary" };
        let part = if refused {
            json!({ "type": "refusal", "refusal": parts.text })
        } else {
            json!({ "type": "output_text", "text": parts.text, "annotations": [] })
        };
        let item = json!({ "id": format!("msg_{}", parts.number), "type": "message", "role": "assistant", "status": "completed", "phase": phase, "content": [part] });
        let mut begun = item.clone();
        begun["content"] = json!([]);
        let at = output.len();
        add("response.output_item.added", json!({ "output_index": at, "item": begun }));
        let name = if refused { "response.refusal.delta" } else { "response.output_text.delta" };
        for piece in pieces(&parts.text, parts.turn.pieces) {
            add(name, json!({ "output_index": at, "content_index": 0, "delta": piece, "obfuscation": "xx" }));
        }
        add("response.output_item.done", json!({ "output_index": at, "item": item }));
        output.push(item);
    }
    for call in &parts.calls {
        let (kind, field, delta) = if call.custom {
            ("custom_tool_call", "input", "response.custom_tool_call_input.delta")
        } else {
            ("function_call", "arguments", "response.function_call_arguments.delta")
        };
        let at = output.len();
        let mut item = json!({ "id": format!("fc_{}_{at}", parts.number), "type": kind, "status": "completed", "call_id": call.id, "name": call.name });
        item[field] = "".into();
        add("response.output_item.added", json!({ "output_index": at, "item": item }));
        for piece in pieces(&call.arguments, parts.turn.pieces) {
            add(delta, json!({ "output_index": at, "delta": piece }));
        }
        item[field] = call.arguments.clone().into();
        add("response.output_item.done", json!({ "output_index": at, "item": item }));
        output.push(item);
    }
    let (name, status, reason) = match parts.finish {
        Finish::Ordinary | Finish::Refusal => ("response.completed", "completed", Value::Null),
        Finish::Length => ("response.incomplete", "incomplete", json!({ "reason": "max_output_tokens" })),
        Finish::Filter => ("response.incomplete", "incomplete", json!({ "reason": "content_filter" })),
    };
    let mut whole = base;
    whole["status"] = status.into();
    whole["incomplete_details"] = reason;
    whole["output"] = output.into();
    whole["usage"] = parts.usage.map_or(Value::Null, |(input, cached, output)| {
        json!({ "input_tokens": input, "input_tokens_details": { "cached_tokens": cached, "cache_write_tokens": 0 }, "output_tokens": output, "output_tokens_details": { "reasoning_tokens": 0 }, "total_tokens": input + output })
    });
    add(name, json!({ "response": whole }));
    Reply { events, whole }
}

fn messages(parts: &Parts) -> Reply {
    let mut events: Vec<(&'static str, String)> = Vec::new();
    let mut add = |name: &'static str, mut fields: Value| {
        fields["type"] = name.into();
        events.push((name, fields.to_string()));
    };
    let usage = parts.usage.map_or(json!({}), |(input, cached, output)| {
        json!({ "input_tokens": input.saturating_sub(cached), "cache_read_input_tokens": cached, "cache_creation_input_tokens": 0, "output_tokens": output })
    });
    let mut whole = json!({ "id": format!("msg_{}", parts.number), "type": "message", "role": "assistant", "model": parts.model, "content": [], "stop_reason": null, "stop_sequence": null, "usage": usage });
    add("message_start", json!({ "message": whole }));
    add("ping", json!({}));
    let mut content: Vec<Value> = Vec::new();
    if !parts.turn.reason.is_empty() {
        let signature = format!("sig-{}", parts.number);
        let at = content.len();
        add(
            "content_block_start",
            json!({ "index": at, "content_block": { "type": "thinking", "thinking": "", "signature": "" } }),
        );
        for piece in pieces(&parts.turn.reason, parts.turn.pieces) {
            add(
                "content_block_delta",
                json!({ "index": at, "delta": { "type": "thinking_delta", "thinking": piece } }),
            );
        }
        add(
            "content_block_delta",
            json!({ "index": at, "delta": { "type": "signature_delta", "signature": signature } }),
        );
        add("content_block_stop", json!({ "index": at }));
        content.push(json!({ "type": "thinking", "thinking": parts.turn.reason, "signature": signature }));
    }
    if !parts.text.is_empty() {
        let at = content.len();
        add("content_block_start", json!({ "index": at, "content_block": { "type": "text", "text": "" } }));
        for piece in pieces(&parts.text, parts.turn.pieces) {
            add(
                "content_block_delta",
                json!({ "index": at, "delta": { "type": "text_delta", "text": piece } }),
            );
        }
        add("content_block_stop", json!({ "index": at }));
        content.push(json!({ "type": "text", "text": parts.text }));
    }
    for call in &parts.calls {
        let at = content.len();
        let block = json!({ "type": "tool_use", "id": call.id, "name": call.name, "input": {} });
        add("content_block_start", json!({ "index": at, "content_block": block }));
        for piece in pieces(&call.arguments, parts.turn.pieces) {
            add(
                "content_block_delta",
                json!({ "index": at, "delta": { "type": "input_json_delta", "partial_json": piece } }),
            );
        }
        add("content_block_stop", json!({ "index": at }));
        let input: Value = serde_json::from_str(&call.arguments).unwrap_or_default();
        content.push(json!({ "type": "tool_use", "id": call.id, "name": call.name, "input": input }));
    }
    let stop = match parts.finish {
        Finish::Ordinary if parts.calls.is_empty() => "end_turn",
        Finish::Ordinary => "tool_use",
        Finish::Length => "max_tokens",
        Finish::Filter | Finish::Refusal => "refusal",
    };
    let output = parts.usage.map_or(json!({}), |(_, _, output)| json!({ "output_tokens": output }));
    add("message_delta", json!({ "delta": { "stop_reason": stop, "stop_sequence": null }, "usage": output }));
    add("message_stop", json!({}));
    whole["content"] = content.into();
    whole["stop_reason"] = stop.into();
    Reply { events, whole }
}

fn gemini(parts: &Parts) -> Reply {
    let usage = parts.usage.map_or(json!({}), |(input, cached, output)| {
        json!({ "promptTokenCount": input, "cachedContentTokenCount": cached, "candidatesTokenCount": output, "totalTokenCount": input + output })
    });
    let mut all: Vec<Value> = Vec::new();
    all.extend(
        pieces(&parts.turn.reason, parts.turn.pieces)
            .iter()
            .map(|piece| json!({ "text": piece, "thought": true })),
    );
    all.extend(pieces(&parts.text, parts.turn.pieces).iter().map(|piece| json!({ "text": piece })));
    for (at, call) in parts.calls.iter().enumerate() {
        // The API gives arguments as an object only; what is cut is told by the finish reason.
        let text = if call.arguments.is_empty() { "{}" } else { &call.arguments };
        let arguments: Value = serde_json::from_str(text).unwrap_or(json!("cut"));
        let mut part = json!({ "functionCall": { "name": call.name, "args": arguments } });
        if !call.id.is_empty() {
            part["functionCall"]["id"] = call.id.clone().into();
        }
        if at == 0 {
            part["thoughtSignature"] = format!("sig-{}", parts.number).into();
        }
        all.push(part);
    }
    let finish = match parts.finish {
        Finish::Ordinary => "STOP",
        Finish::Length => "MAX_TOKENS",
        Finish::Filter | Finish::Refusal => "SAFETY",
    };
    let chunk = |parts_of: &[Value], finish: Option<&str>| {
        let mut candidate = json!({ "index": 0, "content": { "role": "model", "parts": parts_of } });
        if let Some(finish) = finish {
            candidate["finishReason"] = finish.into();
        }
        json!({ "candidates": [candidate], "usageMetadata": usage, "modelVersion": parts.model })
    };
    let mut events: Vec<(&'static str, String)> =
        all.iter().map(|part| ("", chunk(std::slice::from_ref(part), None).to_string())).collect();
    events.push(("", chunk(&[], Some(finish)).to_string()));
    Reply { events, whole: chunk(&all, Some(finish)) }
}

fn converse(parts: &Parts) -> Reply {
    let mut events: Vec<(&'static str, String)> =
        vec![("messageStart", json!({ "role": "assistant" }).to_string())];
    let mut content: Vec<Value> = Vec::new();
    let mut block = |start: Option<Value>, deltas: Vec<Value>, whole: Value| {
        let at = content.len();
        if let Some(start) = start {
            events
                .push(("contentBlockStart", json!({ "contentBlockIndex": at, "start": start }).to_string()));
        }
        for delta in deltas {
            events
                .push(("contentBlockDelta", json!({ "contentBlockIndex": at, "delta": delta }).to_string()));
        }
        events.push(("contentBlockStop", json!({ "contentBlockIndex": at }).to_string()));
        content.push(whole);
    };
    let size = parts.turn.pieces;
    if !parts.turn.reason.is_empty() {
        let signature = format!("sig-{}", parts.number);
        let mut deltas: Vec<Value> = pieces(&parts.turn.reason, size)
            .iter()
            .map(|text| json!({ "reasoningContent": { "text": text } }))
            .collect();
        deltas.push(json!({ "reasoningContent": { "signature": signature } }));
        let text = json!({ "text": parts.turn.reason, "signature": signature });
        block(None, deltas, json!({ "reasoningContent": { "reasoningText": text } }));
    }
    if !parts.text.is_empty() {
        let deltas = pieces(&parts.text, size).iter().map(|text| json!({ "text": text })).collect();
        block(None, deltas, json!({ "text": parts.text }));
    }
    for call in &parts.calls {
        let start = json!({ "toolUse": { "toolUseId": call.id, "name": call.name } });
        let deltas = pieces(&call.arguments, size)
            .iter()
            .map(|text| json!({ "toolUse": { "input": text } }))
            .collect();
        let input: Value = serde_json::from_str(&call.arguments).unwrap_or_default();
        block(
            Some(start),
            deltas,
            json!({ "toolUse": { "toolUseId": call.id, "name": call.name, "input": input } }),
        );
    }
    let stop = match parts.finish {
        Finish::Ordinary if parts.calls.is_empty() => "end_turn",
        Finish::Ordinary => "tool_use",
        Finish::Length => "max_tokens",
        Finish::Filter => "content_filtered",
        Finish::Refusal => "guardrail_intervened",
    };
    let usage = parts.usage.map_or(json!({}), |(input, cached, output)| {
        json!({ "inputTokens": input.saturating_sub(cached), "outputTokens": output, "totalTokens": input + output, "cacheReadInputTokens": cached, "cacheWriteInputTokens": 0 })
    });
    events.push(("messageStop", json!({ "stopReason": stop }).to_string()));
    events.push(("metadata", json!({ "usage": usage, "metrics": { "latencyMs": 1 } }).to_string()));
    let message = json!({ "role": "assistant", "content": content });
    let whole = json!({ "output": { "message": message }, "stopReason": stop, "usage": usage });
    Reply { events, whole }
}
