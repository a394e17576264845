//! Long conversations: what is sent only grows, and a strict provider accepts all of it.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::{FakeModel, KINDS, answer, request, tools};
use galley_model::record::{Pace, Recorder, Recording, Redaction};
use galley_model::{Client, Endpoint, Item, Kind, Reply, Request, Secret, Stop, StreamEvent, ToolCall};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

async fn reply(client: &Client, request: &Request) -> Reply {
    client.exchange(request, &mut |_| {}, &CancellationToken::new()).await.unwrap()
}

fn scenario() -> Value {
    let turn = |at: usize| match at % 5 {
        0 => json!({ "say": format!("Step {at}, größer."), "reason": "I think …", "calls": [
            { "name": "search", "arguments": { "path": at } }, { "name": "read", "arguments": { "path": "ß \"q\"" } } ] }),
        1 => {
            json!({ "calls": [{ "name": "apply_patch", "input": format!("*** Begin Patch\n+{at}\n*** End Patch") }], "reason": "so" })
        }
        2 => {
            json!({ "say": "Broken.", "calls": [{ "name": "read", "arguments": { "path": "x" } }, { "name": "read", "raw": "{\"path\":" }] })
        }
        3 => {
            json!({ "calls": [{ "name": "unknown_tool", "arguments": {} }], "fault": "http_500", "retryAfter": "0" })
        }
        _ => json!({ "say": format!("Said, number {at}.") }),
    };
    json!({ "turns": (0..20).map(turn).collect::<Vec<_>>() })
}

async fn converse(client: &Client, request: &mut Request, turns: usize) -> Vec<Reply> {
    let mut replies = Vec::new();
    for turn in 0..turns {
        let reply = reply(client, request).await;
        let (broken, idle) = (!reply.broken_calls.is_empty(), reply.calls.is_empty());
        replies.push(reply.clone());
        answer(request, reply);
        if broken || idle || turn % 4 == 3 {
            request.items.push(Item::User(format!("Steer {turn}: go on.")));
        }
    }
    replies
}

#[tokio::test]
async fn a_strict_provider_accepts_every_request_of_a_long_loop() {
    let fake = FakeModel::start(&scenario());
    for kind in KINDS {
        let mut request = request(&format!("Mend it, {kind}."));
        let replies = converse(&fake.client(kind), &mut request, 20).await;
        assert_eq!(replies.iter().map(|reply| reply.broken_calls.len()).sum::<usize>(), 4);
        assert_eq!(replies[1].calls[0].arguments, "*** Begin Patch\n+1\n*** End Patch");
        assert!(replies[1].calls[0].free_text);
        assert!(replies[10].usage.cached > 0);
    }
    fake.assert_no_violations();
}

/// A conversation as it would be, without a server.
fn long_conversation(kind: Kind) -> Vec<Item> {
    let mut items = vec![Item::User("Begin.".into())];
    for turn in 0..50 {
        let call = |at: usize| ToolCall {
            call_id: format!("call_{turn}_{at}"),
            name: if at == 0 { "read" } else { "apply_patch" }.into(),
            arguments: if at == 0 { format!("{{\"path\":\"{turn}\"}}") } else { "*** Begin Patch".into() },
            free_text: at == 1,
        };
        let calls = if turn % 3 == 2 { vec![] } else { vec![call(0), call(1)] };
        let reply = Reply {
            text: format!("Turn {turn}"),
            calls: calls.clone(),
            stop: Stop::End,
            origin: kind.to_string(),
            ..Reply::default()
        };
        items.push(Item::Reply(reply));
        items.extend(calls.iter().map(|call| Item::ToolResult {
            call_id: call.call_id.clone(),
            name: call.name.clone(),
            free_text: call.free_text,
            output: format!("line {turn}\n\"quoted\""),
            is_error: turn % 7 == 0,
        }));
        if turn % 3 == 2 {
            items.push(Item::User(format!("Steer {turn}")));
        }
    }
    items
}

#[test]
fn a_longer_conversation_begins_with_the_bytes_of_the_shorter() {
    for kind in [Kind::OpenAiChat, Kind::OpenAiResponses, Kind::Anthropic, Kind::Gemini] {
        let mut endpoint = Endpoint::new(kind, "claude-sonnet-5-5");
        endpoint.key = Some(Secret::new("k"));
        let client = Client::new(endpoint).unwrap();
        let items = long_conversation(kind);
        let ends = |at: &usize| !matches!(items.get(*at), Some(Item::ToolResult { .. }));
        let mut before = String::new();
        for at in (1..=items.len()).filter(ends) {
            let mut tools = tools();
            // The order in which tools are given does not matter.
            tools.rotate_left(at % 3);
            let request = Request {
                instructions: "Be brief.".into(),
                tools,
                items: items[..at].to_vec(),
                effort: Some("high".into()),
                cache_key: Some("workspace".into()),
                max_output: Some(9_000),
            };
            let body = client.body(&request).replace(r#","cache_control":{"type":"ephemeral"}"#, "");
            assert!(serde_json::from_str::<Value>(&body).is_ok(), "{kind}");
            let shared = before.strip_suffix("]}").unwrap_or(&before);
            assert!(body.starts_with(shared), "{kind} at {at}:\n{before}\n{body}");
            before = body;
        }
    }
}

#[test]
fn anthropic_gets_at_most_four_cache_marks_at_the_ends() {
    let client = Client::new(Endpoint::new(Kind::Anthropic, "m")).unwrap();
    let items = long_conversation(Kind::Anthropic);
    let request = Request { instructions: "s".into(), tools: tools(), items, ..Request::default() };
    let body: Value = serde_json::from_str(&client.body(&request)).unwrap();
    assert_eq!(body.to_string().matches("cache_control").count(), 4);
    assert!(body["tools"][2]["cache_control"].is_object() && body["system"][0]["cache_control"].is_object());
    let last =
        body["messages"].as_array().unwrap().last().unwrap()["content"].as_array().unwrap().last().unwrap();
    assert!(last["cache_control"].is_object());
}

#[tokio::test]
async fn a_conversation_goes_on_at_another_provider() {
    let fake = FakeModel::start(&json!({ "turns": [
        { "say": "Looking.", "reason": "r", "calls": [{ "name": "apply_patch", "input": "p" }, { "name": "read", "arguments": { "path": "a" } }] },
        { "say": "Then.", "calls": [{ "name": "read", "arguments": { "path": "b" } }] },
    ], "prefix": "any" }));
    for first in KINDS {
        for second in KINDS {
            let mut request = request(&format!("From {first} to {second}."));
            let begun = reply(&fake.client(first), &request).await;
            answer(&mut request, begun);
            let next = reply(&fake.client(second), &request).await;
            assert_eq!(next.text, "Then.");
            answer(&mut request, next);
            assert_eq!(reply(&fake.client(first), &request).await.text, "Done.");
        }
    }
    fake.assert_no_violations();
}

#[tokio::test]
async fn a_recording_plays_the_same_conversation_again() {
    let fake = FakeModel::start(&scenario());
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("exchange.jsonl");
    let redaction = Redaction { secrets: vec![Secret::new("Begin")], home: Some("/home/somebody".into()) };
    let mut recorder = Recorder::create(&file, redaction).unwrap();
    let client = fake.client(Kind::OpenAiResponses);
    let mut live = request("Mend it.");
    let mut replies = Vec::new();
    for _ in 0..5 {
        let reply = reply(&client, &live).await;
        recorder.record(&live, &reply, std::time::Duration::from_millis(7)).unwrap();
        replies.push(reply.clone());
        answer(&mut live, reply);
    }
    let mut endpoint = Endpoint::new(Kind::Replay, file.display().to_string());
    endpoint.provider = "replay".into();
    let player = Client::new(endpoint).unwrap();
    let mut played = request("Mend it.");
    for (turn, recorded) in replies.iter().enumerate() {
        let mut text = String::new();
        let mut pieces = 0;
        let mut on_event = |event| match event {
            StreamEvent::Text(piece) => {
                text.push_str(&piece);
                pieces += 1;
            }
            _ => pieces += 1,
        };
        let reply = player.exchange(&played, &mut on_event, &CancellationToken::new()).await.unwrap();
        assert!(pieces > 0);
        assert_eq!((&text, &reply.text), (&recorded.text, &recorded.text));
        if turn != 1 {
            assert_eq!(reply.calls, recorded.calls);
            let raw = |reply: &Reply| reply.raw.iter().map(|raw| raw.get().to_owned()).collect::<Vec<_>>();
            assert_eq!(raw(&reply), raw(recorded), "untouched items stay byte for byte");
        }
        answer(&mut played, reply);
    }
    let written = std::fs::read_to_string(&file).unwrap();
    assert!(!written.contains("Begin Patch") && written.contains("[redacted] Patch"));
    let over =
        player.exchange(&played, &mut |_| {}, &CancellationToken::new()).await.unwrap_err().to_string();
    assert!(over.contains("exchange.jsonl") && over.contains("ends after 5"), "{over}");
}

#[tokio::test]
async fn a_recording_written_by_hand_is_enough() {
    let text = "# a comment\n\n{\"reply\":{\"text\":\"Looking at it, with more than one piece of text.\",\"calls\":[{\"name\":\"read\",\"arguments\":\"{}\"}]}}\n{\"reply\":{\"text\":\"Done.\"}}\n";
    let recording = Recording::parse("demo", text).unwrap().with_pace(Pace::Instant);
    let client = Client::replay(Endpoint::new(Kind::Replay, "demo"), recording);
    let mut request = request("x");
    let first = reply(&client, &request).await;
    assert_eq!((first.calls[0].call_id.as_str(), &first.stop), ("replay_0_0", &Stop::ToolUse));
    answer(&mut request, first);
    assert_eq!(reply(&client, &request).await.text, "Done.");
    let wrong = Recording::parse("demo", "{\"reply\":3}").unwrap_err().to_string();
    assert!(wrong.contains("demo") && wrong.contains("line 1"), "{wrong}");
    let missing = Client::new(Endpoint::new(Kind::Replay, "/nonexistent.jsonl")).err().unwrap().to_string();
    assert!(missing.contains("/nonexistent.jsonl"), "{missing}");
}
