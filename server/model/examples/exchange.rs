//! Drives a scripted tool loop against a server, and prints what came: for trying an endpoint by hand.
//!
//! `exchange KIND BASE_URL MODEL TURNS [EFFORT]` asks up to TURNS times, answers every call with a short result,
//! and prints one JSON line a turn and one at the end. The key is read from standard input (may be empty); for AWS
//! credentials it is `ACCESS_KEY:SECRET_KEY:REGION`.

use std::io::Read;
use std::time::Instant;

use galley_model::{AwsCredentials, Client, Endpoint, Item, Request, Secret, Stop, ToolSpec, Usage};
use tokio_util::sync::CancellationToken;

fn tool(name: &str, free_text: bool) -> ToolSpec {
    let schema = serde_json::json!({
        "type": "object",
        "properties": { "path": { "type": "string" }, "pattern": { "type": "string" } },
        "required": ["path"],
    });
    ToolSpec { name: name.into(), description: format!("The tool {name}."), schema, free_text }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [kind, base_url, model, turns, effort @ ..] = arguments.as_slice() else {
        return Err("usage: exchange KIND BASE_URL MODEL TURNS [EFFORT] < KEY".into());
    };
    let mut key = String::new();
    std::io::stdin().read_to_string(&mut key)?;
    let mut endpoint = Endpoint::new(kind.parse()?, model);
    endpoint.base_url.clone_from(base_url);
    if let [access, secret, region] = key.trim().split(':').collect::<Vec<_>>().as_slice() {
        endpoint.aws = Some(AwsCredentials {
            access_key: (*access).into(),
            secret_key: Secret::new(*secret),
            session_token: None,
            region: (*region).into(),
        });
    } else {
        endpoint.key = Some(key.trim()).filter(|key| !key.is_empty()).map(Secret::new);
    }
    let client = Client::new(endpoint)?;
    let mut request = Request {
        instructions: "You are a careful programmer.".into(),
        tools: vec![tool("search", false), tool("read", false), tool("patch", true)],
        items: vec![Item::User("Mend the failing test. Größe 漢字 😀".into())],
        effort: effort.first().cloned(),
        cache_key: Some("example".into()),
        ..Request::default()
    };
    let mut total = Usage::default();
    for turn in 0..turns.parse()? {
        let began = Instant::now();
        let mut events = 0;
        let mut notes = Vec::new();
        let mut on_event = |event| {
            events += 1;
            if let galley_model::StreamEvent::Retrying { attempt, wait, reason } = event {
                notes.push(format!("attempt {attempt} after {} ms: {reason}", wait.as_millis()));
            }
        };
        let result = client.exchange(&request, &mut on_event, &CancellationToken::new()).await;
        let ms = began.elapsed().as_millis() as u64;
        let reply = match result {
            Ok(reply) => reply,
            Err(error) => {
                let line = serde_json::json!({ "turn": turn, "error": error.code(), "message": error.to_string(), "ms": ms, "retries": notes });
                println!("{line}");
                return Ok(());
            }
        };
        let names: Vec<&str> = reply.calls.iter().map(|call| call.name.as_str()).collect();
        let broken: Vec<&str> = reply.broken_calls.iter().map(|call| call.name.as_str()).collect();
        let line = serde_json::json!({
            "turn": turn, "text": reply.text, "reasoning": reply.reasoning.len(), "calls": names, "broken": broken,
            "stop": reply.stop, "usage": reply.usage, "attempts": reply.attempts, "events": events, "ms": ms, "retries": notes,
        });
        println!("{line}");
        total += reply.usage;
        let over = reply.calls.is_empty() && reply.broken_calls.is_empty() && reply.stop == Stop::End;
        let results: Vec<Item> = reply
            .calls
            .iter()
            .map(|call| Item::ToolResult {
                call_id: call.call_id.clone(),
                name: call.name.clone(),
                free_text: call.free_text,
                output: format!("result of {} at turn {turn}", call.name),
                is_error: call.name == "search",
            })
            .collect();
        let cut = !reply.broken_calls.is_empty();
        request.items.push(Item::Reply(reply));
        request.items.extend(results);
        if cut {
            request.items.push(Item::User("A call was cut off. Send it again, smaller.".into()));
        } else if over {
            request.items.push(Item::User(format!("Go on, part {turn}.")));
        }
    }
    println!("{}", serde_json::json!({ "total": total }));
    Ok(())
}
