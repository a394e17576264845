use super::*;
use crate::dialect::{Refused, dialect};
use crate::draft::{self, Draft, DraftCall, DraftItem};
use crate::endpoint::{Endpoint, Kind, Secret};
use crate::exchange::{Request, ToolCall, ToolSpec};
use crate::json;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

/// Every API: kind, base URL, model, and a call's item in the API's form.
const APIS: [(Kind, &str, &str, &str); 7] = [
    (
        Kind::OpenAiResponses,
        "http://h/v1",
        "m",
        r#"{"type":"function_call","call_id":"ID","name":"read","arguments":"ARGUMENTS","namespace":"n"}"#,
    ),
    (
        Kind::OpenAiChat,
        "http://h/v1",
        "m",
        r#"{"id":"ID","type":"function","function":{"name":"read","arguments":"ARGUMENTS"}}"#,
    ),
    (Kind::Anthropic, "http://h/v1", "m", r#"{"type":"tool_use","id":"ID","name":"read","input":OBJECT}"#),
    (
        Kind::Gemini,
        "http://h/v1",
        "m",
        r#"{"functionCall":{"name":"read","id":"ID","args":OBJECT},"thoughtSignature":"c2ln"}"#,
    ),
    (
        Kind::Bedrock,
        "http://h",
        "us.anthropic.claude-x",
        r#"{"toolUse":{"toolUseId":"ID","name":"read","input":OBJECT}}"#,
    ),
    (
        Kind::Bedrock,
        "http://h",
        "openai.gpt-oss",
        r#"{"toolUse":{"toolUseId":"ID","name":"read","input":OBJECT}}"#,
    ),
    (
        Kind::Bedrock,
        "http://h/anthropic/v1",
        "m",
        r#"{"type":"tool_use","id":"ID","name":"read","input":OBJECT}"#,
    ),
];

fn endpoint(kind: Kind, base_url: &str, model: &str) -> Endpoint {
    let mut endpoint = Endpoint::new(kind, model);
    endpoint.base_url = base_url.into();
    endpoint.key = Some(Secret::new("k"));
    endpoint
}

fn request() -> Request {
    let tool = ToolSpec {
        name: "read".into(),
        description: "d".into(),
        schema: serde_json::json!({ "type": "object" }),
        free_text: false,
    };
    Request {
        instructions: "Be \"brief\".".into(),
        tools: vec![tool],
        items: vec![Item::User("go".into())],
        ..Request::default()
    }
}

/// JSON text that a careless round trip would change: odd numbers, escapes, spaces, the order of fields.
fn odd_json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("1.50".to_owned()),
        Just("1e2".to_owned()),
        Just("-0.0".to_owned()),
        Just("12345678901234567890123".to_owned()),
        Just(r#""\u00df\/\ud83d\ude00""#.to_owned()),
        Just("\"ß\"".to_owned()),
        Just("null".to_owned()),
        Just("[ ]".to_owned()),
        "[a-z \\\\\"\n]{0,8}".prop_map(|text| json::text_of(&text)),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(|list| format!("[{}]", list.join(" , "))),
            prop::collection::vec(("[a-zA-Z_]{1,6}", inner), 0..3).prop_map(|fields| {
                let fields: Vec<String> =
                    fields.iter().map(|(name, it)| format!("\"{name}\" :{it}")).collect();
                format!("{{ {} }}", fields.join(","))
            }),
        ]
    })
}

fn raw_item(extra: &str) -> Box<serde_json::value::RawValue> {
    json::raw(format!(r#"{{"zeta": {extra}, "type":"brand_new","alpha":{extra}}}"#)).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, rng_seed: RngSeed::Fixed(11), ..ProptestConfig::default() })]

    /// What a provider gave goes back byte for byte, after the journal too, and every later request begins with
    /// the bytes of the earlier, kept or rendered anew.
    #[test]
    fn items_go_back_byte_for_byte_through_the_journal(
        turns in prop::collection::vec((odd_json(), "[a-z\"\\\\ ß\n]{0,12}", any::<bool>()), 1..6)
    ) {
        for (kind, base_url, model, form) in APIS {
            let (endpoint, refused) = (endpoint(kind, base_url, model), Refused::default());
            let dialect = dialect(&endpoint).unwrap().unwrap();
            let origin = format!("{kind}/x");
            let mut request = request();
            let mut kept = Kept::default();
            let mut before: Option<String> = None;
            for (at, (odd, words, failed)) in turns.iter().enumerate() {
                let arguments = format!("{{\"odd\": {odd}}}");
                let quoted = json::text_of(&arguments);
                let call = form
                    .replace("\"ARGUMENTS\"", &quoted)
                    .replace("OBJECT", &arguments)
                    .replace("ID", &format!("c{at}"));
                let items = vec![
                    DraftItem::Lead(raw_item(odd)),
                    DraftItem::Call(DraftCall {
                        id: format!("c{at}"), name: "read".into(), arguments, free_text: false, cut: false,
                        raw: json::raw(call.clone()).unwrap(),
                    }),
                ];
                // A chat's reply has no items but its calls.
                let items = if kind == Kind::OpenAiChat { items.into_iter().skip(1).collect() } else { items };
                let draft = Draft { items, text: words.clone(), ..Draft::default() };
                let reply = draft::settle(draft, &request, &origin, dialect).unwrap();
                let journalled: Reply = serde_json::from_str(&serde_json::to_string(&reply).unwrap()).unwrap();
                prop_assert!(same_reply(&reply, &journalled));
                request.items.push(Item::Reply(journalled));
                request.items.push(Item::ToolResult {
                    call_id: format!("c{at}"), name: "read".into(), free_text: false,
                    output: words.clone(), is_error: *failed,
                });
                let asked = Asked { endpoint: &endpoint, request: &request, refused: &refused, origin: &origin };
                let body = render(dialect, &asked, &mut kept);
                prop_assert!(body.contains(&call), "{kind}: {call} in {body}");
                prop_assert!(kind == Kind::OpenAiChat || body.contains(raw_item(odd).get()), "{kind}: {body}");
                prop_assert_eq!(&body, &render(dialect, &asked, &mut Kept::default()));
                prop_assert!(serde_json::from_str::<serde_json::Value>(&body).is_ok(), "{}", body);
                let stem = body.replace(r#","cache_control":{"type":"ephemeral"}"#, "");
                let stem = stem.replace(r#",{"cachePoint":{"type":"default"}}"#, "");
                if let Some(before) = &before {
                    prop_assert!(stem.starts_with(before.as_str()), "{kind}: {before} then {stem}");
                }
                before = Some(stem.trim_end_matches([']', '}']).to_owned());
            }
        }
    }
}

fn call(id: &str) -> ToolCall {
    ToolCall { call_id: id.into(), name: "read".into(), arguments: "{}".into(), free_text: false }
}

#[test]
fn a_history_that_was_rewritten_is_rendered_anew() {
    for (kind, base_url, model, _) in APIS {
        let (endpoint, refused) = (endpoint(kind, base_url, model), Refused::default());
        let dialect = dialect(&endpoint).unwrap().unwrap();
        let mut kept = Kept::default();
        let mut request = request();
        let reply = Reply { text: "I look.".into(), calls: vec![call("a")], ..Reply::default() };
        let result = |output: &str| Item::ToolResult {
            call_id: "a".into(),
            name: "read".into(),
            free_text: false,
            output: output.into(),
            is_error: false,
        };
        let first = [Item::Reply(reply.clone()), result("one"), Item::User("on".into())];
        let changed = [Item::Reply(reply.clone()), result("two"), Item::User("on".into())];
        let shorter = [Item::Reply(Reply { text: "Other.".into(), ..reply })];
        for items in [&first[..], &changed[..], &first[..1], &shorter[..], &first[..]] {
            request.items.truncate(1);
            request.items.extend_from_slice(items);
            let asked = Asked { endpoint: &endpoint, request: &request, refused: &refused, origin: "o" };
            let fresh = render(dialect, &asked, &mut Kept::default());
            assert_eq!(render(dialect, &asked, &mut kept), fresh, "{kind}");
        }
    }
}

#[test]
fn the_last_two_of_our_parts_are_marked() {
    let (endpoint, refused) = (endpoint(Kind::Anthropic, "http://h/v1", "m"), Refused::default());
    let dialect = dialect(&endpoint).unwrap().unwrap();
    let mut request = request();
    request.items.extend((0..5).map(|at| Item::User(format!("words {at}"))));
    let asked = Asked { endpoint: &endpoint, request: &request, refused: &refused, origin: "o" };
    let body = render(dialect, &asked, &mut Kept::default());
    let marked = |words: &str| body.contains(&format!(r#""text":"{words}","cache_control""#));
    assert!(marked("words 3") && marked("words 4") && !marked("words 2"), "{body}");
    assert_eq!(body.matches("cache_control").count(), 4);
}
