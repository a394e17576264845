//! What the adapter keeps of a streamed message, and what it asks for.

use super::*;
use crate::dialect::Refused;
use crate::draft::settle;
use crate::exchange::{Item, Request};

fn settled(events: &[&str]) -> Reply {
    let mut assembly: Box<dyn Assembler> = Box::new(Assembly::default());
    for data in events {
        let event = sse::Event { name: String::new(), data: (*data).into(), lossy: false };
        assembly.event(&event, &mut |_| {}).unwrap();
    }
    settle(assembly.draft(), &Request::default(), "a", &Messages).unwrap()
}

fn body(model: &str, request: &Request) -> Value {
    let endpoint = Endpoint::new(crate::Kind::Anthropic, model);
    let asked = Asked { endpoint: &endpoint, request, refused: &Refused::default(), origin: "a" };
    serde_json::from_str(&Messages.body(&asked)).unwrap()
}

#[test]
fn thinking_goes_back_whole_with_its_signature_and_input_in_its_own_text() {
    let reply = settled(&[
        r#"{"type":"message_start","message":{"model":"c","usage":{"input_tokens":3,"cache_read_input_tokens":5,"cache_creation_input_tokens":2,"output_tokens":1}}}"#,
        r#"{"type":"content_block_start","index":0,"content_block":{"type":"redacted_thinking","data":"opaque"}}"#,
        r#"{"type":"content_block_stop","index":0}"#,
        r#"{"type":"content_block_start","index":1,"content_block":{"type":"thinking","thinking":"","signature":""}}"#,
        r#"{"type":"content_block_delta","index":1,"delta":{"type":"thinking_delta","thinking":"So "}}"#,
        r#"{"type":"content_block_delta","index":1,"delta":{"type":"thinking_delta","thinking":"be it."}}"#,
        r#"{"type":"content_block_delta","index":1,"delta":{"type":"signature_delta","signature":"c2ln"}}"#,
        r#"{"type":"content_block_stop","index":1}"#,
        r#"{"type":"content_block_start","index":2,"content_block":{"type":"text","text":""}}"#,
        r#"{"type":"content_block_stop","index":2}"#,
        r#"{"type":"content_block_start","index":3,"content_block":{"type":"tool_use","id":"t","name":"read","input":{},"caller":{"type":"direct"}}}"#,
        r#"{"type":"content_block_delta","index":3,"delta":{"type":"input_json_delta","partial_json":"{\"n\": 1.50,"}}"#,
        r#"{"type":"content_block_delta","index":3,"delta":{"type":"input_json_delta","partial_json":" \"b\":2}"}}"#,
        r#"{"type":"content_block_stop","index":3}"#,
        r#"{"type":"message_delta","delta":{"stop_reason":"tool_use"},"usage":{"output_tokens":40}}"#,
        r#"{"type":"message_stop"}"#,
    ]);
    let raws: Vec<&str> = reply.raw.iter().map(|raw| raw.get()).collect();
    assert_eq!(
        raws,
        [
            r#"{"type":"redacted_thinking","data":"opaque"}"#,
            r#"{"type":"thinking","thinking":"So be it.","signature":"c2ln"}"#,
            r#"{"type":"tool_use","id":"t","name":"read","input":{"n": 1.50, "b":2},"caller":{"type":"direct"}}"#,
        ]
    );
    assert_eq!(
        (reply.usage.input, reply.usage.cached, reply.usage.cache_write, reply.usage.output),
        (10, 5, 2, 40)
    );
}

#[test]
fn effort_is_asked_for_in_the_models_own_way() {
    let request =
        Request { effort: Some("low".into()), items: vec![Item::User("x".into())], ..Request::default() };
    let new = body("claude-opus-5-5", &request);
    assert_eq!(
        (&new["thinking"]["type"], &new["output_config"]["effort"]),
        (&"adaptive".into(), &"low".into())
    );
    let old = body("claude-haiku-4-5", &request);
    assert_eq!(old["thinking"], serde_json::json!({ "type": "enabled", "budget_tokens": 2048 }));
    let tight = body("claude-haiku-4-5", &Request { max_output: Some(1500), ..request.clone() });
    assert!(tight.get("thinking").is_none() && tight["max_tokens"] == 1500);
    assert!(body("claude-opus-5-5", &Request { effort: None, ..request }).get("thinking").is_none());
}

#[test]
fn addresses_with_and_without_version_work() {
    let url = |base: &str| {
        let mut endpoint = Endpoint::new(crate::Kind::Anthropic, "m");
        endpoint.base_url = base.into();
        Messages.url(&endpoint)
    };
    assert_eq!(url("https://h"), "https://h/v1/messages");
    assert_eq!(url("https://h/v1"), "https://h/v1/messages");
    assert_eq!(url("https://h/anthropic"), "https://h/anthropic/v1/messages");
    assert_eq!(url("https://h/anthropic/v1/messages"), "https://h/anthropic/v1/messages");
}
