use super::*;
use crate::dialect::Refused;
use crate::draft::settle;
use crate::exchange::{Request, ToolSpec};

fn event(name: &str, data: &str) -> sse::Event {
    sse::Event { name: name.into(), data: data.into(), lossy: false }
}

fn settled(events: &[(&str, &str)]) -> Reply {
    let mut assembly: Box<dyn Assembler> = Box::new(Assembly::default());
    for (name, data) in events {
        assembly.event(&event(name, data), &mut |_| {}).unwrap();
    }
    assert!(assembly.is_complete());
    settle(assembly.draft(), &Request::default(), "bedrock/aws", &Converse).unwrap()
}

const CALLING: &[(&str, &str)] = &[
    ("messageStart", r#"{"role":"assistant"}"#),
    ("contentBlockDelta", r#"{"contentBlockIndex":0,"delta":{"reasoningContent":{"text":"H"}}}"#),
    ("contentBlockDelta", r#"{"contentBlockIndex":0,"delta":{"reasoningContent":{"text":"m."}}}"#),
    ("contentBlockDelta", r#"{"contentBlockIndex":0,"delta":{"reasoningContent":{"signature":"c2ln"}}}"#),
    ("contentBlockStop", r#"{"contentBlockIndex":0}"#),
    ("contentBlockDelta", r#"{"contentBlockIndex":1,"delta":{"text":"Gr\u00f6\u00dfe"},"p":"abc"}"#),
    ("contentBlockStop", r#"{"contentBlockIndex":1}"#),
    ("brandNewEvent", r#"{"strange":[]}"#),
    ("contentBlockStart", r#"{"contentBlockIndex":2,"start":{"toolUse":{"toolUseId":"t1","name":"read"}}}"#),
    ("contentBlockDelta", r#"{"contentBlockIndex":2,"delta":{"toolUse":{"input":"{ \"n\":"}}}"#),
    ("contentBlockDelta", r#"{"contentBlockIndex":2,"delta":{"toolUse":{"input":"1.50}"}}}"#),
    ("contentBlockStop", r#"{"contentBlockIndex":2}"#),
    ("messageStop", r#"{"stopReason":"tool_use"}"#),
    (
        "metadata",
        r#"{"usage":{"inputTokens":3,"outputTokens":5,"totalTokens":12,"cacheReadInputTokens":4,"cacheWriteInputTokens":1}}"#,
    ),
];

fn endpoint(model: &str) -> Endpoint {
    let mut endpoint = Endpoint::new(crate::Kind::Bedrock, model);
    endpoint.base_url = "https://bedrock-runtime.eu-central-1.amazonaws.com".into();
    endpoint
}

#[test]
fn blocks_go_back_as_they_came() {
    let reply = settled(CALLING);
    let raws: Vec<&str> = reply.raw.iter().map(|raw| raw.get()).collect();
    assert_eq!(
        raws,
        [
            r#"{"reasoningContent":{"reasoningText":{"text":"Hm.","signature":"c2ln"}}}"#,
            r#"{"text":"Größe"}"#,
            r#"{"toolUse":{"toolUseId":"t1","name":"read","input":{ "n":1.50}}}"#,
        ]
    );
    assert_eq!((reply.usage.input, reply.usage.cached, reply.usage.cache_write), (8, 4, 1));
    let request = Request { items: vec![Item::Reply(reply)], ..Request::default() };
    let endpoint = endpoint("us.anthropic.claude-opus-5-5");
    let refused = Refused::default();
    let asked = Asked { endpoint: &endpoint, request: &request, refused: &refused, origin: "bedrock/aws" };
    let body = Converse.body(&asked);
    assert!(body.contains(&raws_joined(&request)), "{body}");
    // Without tools of its own, the request names those that were called.
    assert!(body.contains(r#""toolSpec":{"name":"read""#), "{body}");
}

fn raws_joined(request: &Request) -> String {
    let Item::Reply(reply) = &request.items[0] else { return String::new() };
    reply.raw.iter().map(|raw| raw.get()).collect::<Vec<_>>().join(",")
}

#[test]
fn a_longer_conversation_begins_with_the_bytes_of_the_shorter() {
    let tool = ToolSpec {
        name: "read".into(),
        description: "d".into(),
        schema: serde_json::json!({"type":"object"}),
        free_text: false,
    };
    let mut request = Request {
        instructions: "Be brief.".into(),
        tools: vec![tool],
        items: vec![Item::User("go".into())],
        ..Request::default()
    };
    // A model without cache points: with them, marks move.
    let (endpoint, refused) = (endpoint("openai.gpt-oss-120b"), Refused::default());
    let body = |request: &Request| {
        Converse.body(&Asked { endpoint: &endpoint, request, refused: &refused, origin: "bedrock/aws" })
    };
    let first = body(&request);
    assert!(!first.contains("cachePoint"), "{first}");
    request.items.push(Item::Reply(settled(CALLING)));
    let second = body(&request);
    assert!(second.starts_with(first.trim_end_matches(['}', ']'])), "{second}");
}

#[test]
fn the_name_of_the_model_is_one_segment_of_the_path() {
    assert_eq!(
        Converse.url(&endpoint("arn:aws:bedrock:us-east-1:1:inference-profile/us.x-v1:0")),
        "https://bedrock-runtime.eu-central-1.amazonaws.com/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Ainference-profile%2Fus.x-v1%3A0/converse-stream"
    );
}

#[test]
fn an_exception_is_the_providers_and_malformed_output_is_tried_again() {
    let mut assembly = Assembly::default();
    let thrown = assembly.event(&event(EXCEPTION, r#"{"error":{"message":"m"}}"#), &mut |_| {});
    assert!(matches!(thrown, Err(Fault::Provider(_))));
    let malformed =
        assembly.event(&event("messageStop", r#"{"stopReason":"malformed_tool_use"}"#), &mut |_| {});
    assert!(matches!(malformed, Err(Fault::Malformed(_))));
}

#[test]
fn a_call_that_was_cut_is_broken_and_a_whole_answer_is_read_too() {
    let cut = settled(&[
        (
            "contentBlockStart",
            r#"{"contentBlockIndex":0,"start":{"toolUse":{"toolUseId":"t","name":"read"}}}"#,
        ),
        ("contentBlockDelta", r#"{"contentBlockIndex":0,"delta":{"toolUse":{"input":"{\"a\":"}}}"#),
        ("messageStop", r#"{"stopReason":"max_tokens"}"#),
    ]);
    assert_eq!((cut.calls.len(), cut.broken_calls.len(), cut.stop), (0, 1, Stop::Length));
    let text = r#"{"output":{"message":{"role":"assistant","content":[{"text":"Hi."},{"toolUse":{"toolUseId":"t","name":"read","input":{"n": 1.0}}}]}},"stopReason":"tool_use","usage":{"inputTokens":1,"outputTokens":2}}"#;
    let mut assembly: Box<dyn Assembler> = Box::new(Assembly::default());
    assembly.whole(&serde_json::from_str(text).unwrap(), text, &mut |_| {}).unwrap();
    let reply = settle(assembly.draft(), &Request::default(), "o", &Converse).unwrap();
    assert_eq!((reply.text.as_str(), reply.calls[0].arguments.as_str()), ("Hi.", r#"{"n": 1.0}"#));
    assert_eq!((reply.usage.input, reply.usage.output), (1, 2));
}
