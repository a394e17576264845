//! Every fault of a server, on every API that the fake model speaks: how it ends, and that the history sent
//! afterwards is one that a strict provider accepts.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::time::{Duration, Instant};

use common::{FakeModel, KINDS, answer, request};
use galley_model::{Client, Endpoint, Item, Kind, ModelError, Reply, Request, Secret, Stop, StreamEvent};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

async fn exchange(client: &Client, request: &Request) -> (Result<Reply, ModelError>, Vec<StreamEvent>) {
    let mut events = Vec::new();
    let result = client.exchange(request, &mut |event| events.push(event), &CancellationToken::new()).await;
    (result, events)
}

/// A conversation of its own for each kind and fault.
fn name(kind: Kind, case: &str) -> String {
    format!("case [{kind} {case}]")
}

fn conversations(cases: &[(&str, Value)]) -> Value {
    let own = KINDS.iter().flat_map(|kind| {
        cases
            .iter()
            .map(|(case, turn)| json!({ "match": name(*kind, case), "turns": [turn, { "say": "Done." }] }))
    });
    json!({ "conversations": own.collect::<Vec<_>>() })
}

fn turn(fault: &str) -> Value {
    json!({ "say": "I look at it.", "reason": "hm", "calls": [{ "name": "read", "arguments": { "path": "a.rs" } }], "fault": fault, "retryAfter": "0.01" })
}

#[tokio::test]
async fn a_fault_that_passes_costs_one_more_attempt() {
    let faults = [
        "http_429",
        "http_500",
        "http_502",
        "http_529",
        "reset",
        "cut",
        "unclosed",
        "stall",
        "hang",
        "garbage",
        "error_mid",
        "empty",
        "html",
    ];
    let cases: Vec<(&str, Value)> = faults.iter().map(|fault| (*fault, turn(fault))).collect();
    let fake = FakeModel::start(&conversations(&cases));
    let mut all = Vec::new();
    for kind in KINDS {
        for fault in faults {
            let client = fake.client(kind);
            all.push(tokio::spawn(async move {
                let mut request = request(&name(kind, fault));
                let (reply, events) = exchange(&client, &request).await;
                let reply = reply.unwrap_or_else(|error| panic!("{kind} {fault}: {error}"));
                assert_eq!((reply.text.as_str(), reply.calls.len()), ("I look at it.", 1), "{kind} {fault}");
                assert_eq!(reply.attempts, 2, "{kind} {fault}");
                let retries =
                    events.iter().filter(|event| matches!(event, StreamEvent::Retrying { .. })).count();
                assert_eq!(retries, 1, "{kind} {fault}");
                // What a listener has put together since the last restart is the reply.
                let valid = events.rsplit(|event| *event == StreamEvent::Restarted).next().unwrap();
                let text: String = valid
                    .iter()
                    .filter_map(|event| match event {
                        StreamEvent::Text(text) => Some(text.as_str()),
                        _ => None,
                    })
                    .collect();
                assert_eq!(text, reply.text, "{kind} {fault}");
                answer(&mut request, reply);
                assert_eq!(exchange(&client, &request).await.0.unwrap().text, "Done.");
            }));
        }
    }
    for case in all {
        case.await.unwrap();
    }
    fake.assert_no_violations();
}

#[tokio::test]
async fn a_fault_that_stays_is_told_in_words_that_help() {
    let expected = [
        ("http_401", "unauthorized", 1, "Incorrect API key"),
        ("http_403", "unauthorized", 1, "Check the key in"),
        ("http_402", "payment", 1, "balance"),
        ("http_404", "not_found", 1, "does not exist"),
        ("quota", "payment", 1, "check your plan"),
        ("overflow", "context_overflow", 1, "maximum context length is 8192"),
        ("http_418", "http", 1, "418"),
        ("filter", "refused", 1, "Reword"),
        ("refusal", "refused", 1, "Reword"),
        ("loading", "loading", 1, "loading its model"),
        ("http_429", "rate_limited", 2, "Rate limit reached."),
        ("empty", "empty_reply", 2, "replied with nothing"),
        ("html", "malformed", 2, "Sign in"),
        ("cut", "cut", 2, "gave up after 2 attempts"),
        ("runaway", "runaway", 2, "cut off by us"),
    ];
    let cases: Vec<(&str, Value)> = expected
        .iter()
        .map(|(fault, ..)| {
            let mut turn = turn(fault);
            turn["times"] = json!(-1);
            (*fault, turn)
        })
        .collect();
    let fake = FakeModel::start(&conversations(&cases));
    for kind in KINDS {
        for (fault, code, attempts, words) in expected {
            let mut endpoint = fake.endpoint(kind);
            endpoint.max_attempts = attempts;
            let started = Instant::now();
            let error =
                exchange(&Client::new(endpoint).unwrap(), &request(&name(kind, fault))).await.0.unwrap_err();
            assert_eq!(error.code(), code, "{kind} {fault}: {error}");
            assert!(error.to_string().contains(words), "{kind} {fault}: {error}");
            assert!(started.elapsed() < Duration::from_secs(5), "{kind} {fault}");
            let log = fake.log();
            let count = log["requests"]
                .as_array()
                .unwrap()
                .iter()
                .filter(|it| it["conversation"] == name(kind, fault))
                .count();
            assert_eq!(count, attempts as usize, "{kind} {fault}");
        }
    }
    fake.assert_no_violations();
}

#[tokio::test]
async fn calls_that_are_cut_or_broken_are_never_good_and_never_sent_back() {
    let edit = json!({ "name": "apply_patch", "input": "*** Begin Patch\n+ß\n*** End Patch" });
    let read = json!({ "name": "read", "arguments": { "path": "a long enough path" } });
    let cases = [
        ("length", json!({ "calls": [read, edit], "fault": "length" })),
        ("only", json!({ "calls": [read], "fault": "length" })),
        ("truncated", json!({ "say": "x", "calls": [edit, read], "fault": "truncated" })),
        (
            "raw",
            json!({ "calls": [{ "name": "read", "raw": "[\"not an object\"]" }, { "name": "search", "raw": "" }] }),
        ),
    ];
    let fake = FakeModel::start(&conversations(&cases));
    for kind in KINDS {
        for (case, good, stop) in [
            ("length", vec!["read"], Stop::Length),
            ("only", vec![], Stop::Length),
            ("truncated", vec!["apply_patch"], Stop::ToolUse),
            ("raw", vec!["search"], Stop::ToolUse),
        ] {
            let client = fake.client(kind);
            let mut request = request(&name(kind, case));
            let reply = exchange(&client, &request).await.0.unwrap();
            let names: Vec<&str> = reply.calls.iter().map(|call| call.name.as_str()).collect();
            assert_eq!((names, reply.broken_calls.len(), &reply.stop), (good, 1, &stop), "{kind} {case}");
            answer(&mut request, reply);
            request.items.push(Item::User("That call was cut: send it again.".into()));
            assert_eq!(exchange(&client, &request).await.0.unwrap().text, "Done.", "{kind} {case}");
        }
    }
    fake.assert_no_violations();
}

#[tokio::test]
async fn ids_are_unique_and_doubled_calls_run_once() {
    let calls = json!([{ "name": "read", "arguments": { "path": "a" } }, { "name": "read", "arguments": { "path": "b" } }]);
    let same = json!([{ "name": "read", "arguments": { "path": "a" }, "id": "x" }, { "name": "read", "arguments": { "path": "b" }, "id": "x" }]);
    let cases = [
        ("doubled", json!({ "calls": calls, "fault": "doubled", "times": 2 })),
        ("no_ids", json!({ "calls": calls, "fault": "no_ids", "times": 2 })),
        ("same_ids", json!({ "calls": same })),
        ("whole", json!({ "say": "x", "calls": calls, "fault": "json", "times": 2 })),
    ];
    let fake = FakeModel::start(&conversations(&cases));
    for kind in KINDS {
        for (case, _) in &cases {
            let client = fake.client(kind);
            let mut request = request(&name(kind, case));
            let reply = exchange(&client, &request).await.0.unwrap();
            let again = exchange(&client, &request).await.0.unwrap();
            assert_eq!(reply.calls, again.calls, "{kind} {case}: the same reply gets the same ids");
            assert_eq!((reply.calls.len(), reply.broken_calls.len()), (2, 0), "{kind} {case}");
            answer(&mut request, reply);
            assert_eq!(exchange(&client, &request).await.0.unwrap().text, "Done.", "{kind} {case}");
        }
    }
    fake.assert_no_violations();
}

#[tokio::test]
async fn text_arrives_whole_however_it_is_cut_and_usage_is_never_nothing() {
    let cases = [
        (
            "split",
            json!({ "say": "Maß", "calls": [{ "name": "read", "arguments": { "path": "漢字 😀" } }], "fault": "split" }),
        ),
        ("invalid", json!({ "say": "x", "fault": "invalid_utf8" })),
        ("usage", json!({ "say": "some text", "fault": "no_usage" })),
    ];
    let fake = FakeModel::start(&conversations(&cases));
    for kind in KINDS {
        let ask =
            async |case: &str| exchange(&fake.client(kind), &request(&name(kind, case))).await.0.unwrap();
        let split = ask("split").await;
        assert_eq!(split.text, "Maß Größe 漢字 😀 naïve", "{kind}");
        assert!(split.calls[0].arguments.contains("漢字 😀"), "{kind}");
        assert!(!split.usage.estimated && split.usage.input > 0, "{kind}");
        assert!(ask("invalid").await.text.contains('\u{fffd}'), "{kind}");
        let usage = ask("usage").await.usage;
        assert!(usage.estimated && usage.input > 0 && usage.output > 0, "{kind}: {usage:?}");
    }
}

#[tokio::test]
async fn a_stream_cut_at_any_event_is_never_taken_for_a_whole_one() {
    let borders = 0..16;
    let names: Vec<String> = borders.clone().map(|at| format!("at{at}")).collect();
    let cases: Vec<(&str, Value)> = borders
        .zip(&names)
        .map(|(at, name)| {
            let mut turn = turn("cut");
            turn["cutAfter"] = json!(at);
            (name.as_str(), turn)
        })
        .collect();
    let fake = FakeModel::start(&conversations(&cases));
    let mut all = Vec::new();
    for kind in KINDS {
        for case in &names {
            let (client, words) = (fake.client(kind), name(kind, case));
            all.push(tokio::spawn(async move {
                let reply = exchange(&client, &request(&words)).await.0.unwrap();
                assert_eq!(
                    (reply.text.as_str(), reply.calls.len(), reply.broken_calls.len()),
                    ("I look at it.", 1, 0),
                    "{words}"
                );
            }));
        }
    }
    for case in all {
        case.await.unwrap();
    }
    fake.assert_no_violations();
}

#[tokio::test]
async fn calls_that_were_complete_when_the_stream_was_cut_are_kept_and_paid_once() {
    let borders = 2..18;
    let names: Vec<String> = borders.clone().map(|at| format!("two{at}")).collect();
    let calls = json!([
        { "name": "read", "arguments": { "path": "a.rs" } },
        { "name": "search", "arguments": { "path": "a long path, so that it comes in many events" } },
    ]);
    let turn = |at| json!({ "say": "Both.", "pieces": 8, "calls": calls, "fault": "cut", "cutAfter": at });
    let cases: Vec<(&str, Value)> = borders.zip(&names).map(|(at, name)| (name.as_str(), turn(at))).collect();
    let fake = FakeModel::start(&conversations(&cases));
    for kind in KINDS {
        let mut all = tokio::task::JoinSet::new();
        for case in &names {
            let (client, words) = (fake.client(kind), name(kind, case));
            all.spawn(async move {
                let mut request = request(&words);
                let reply = exchange(&client, &request).await.0.unwrap();
                let called: Vec<&str> = reply.calls.iter().map(|call| call.name.as_str()).collect();
                let kept = reply.attempts == 1 && called == ["read"];
                assert!(kept || called == ["read", "search"], "{words}: {called:?} of {}", reply.attempts);
                assert_eq!((reply.text.as_str(), reply.broken_calls.len()), ("Both.", 0), "{words}");
                answer(&mut request, reply);
                assert_eq!(exchange(&client, &request).await.0.unwrap().text, "Done.", "{words}");
                kept
            });
        }
        let kept = all.join_all().await.into_iter().filter(|kept| *kept).count();
        assert!(kept > 0, "{kind}: no call was kept at any border");
    }
    fake.assert_no_violations();
}

#[tokio::test]
async fn silence_ends_within_the_time_that_faults_may_cost() {
    let cases = [("hang", json!({ "say": "x", "fault": "hang", "times": -1 }))];
    let fake = FakeModel::start(&conversations(&cases));
    for kind in KINDS {
        let mut endpoint = fake.endpoint(kind);
        endpoint.timeouts.first_byte = Duration::from_millis(200);
        endpoint.timeouts.total_retry = Duration::from_millis(1200);
        let started = Instant::now();
        let error =
            exchange(&Client::new(endpoint).unwrap(), &request(&name(kind, "hang"))).await.0.unwrap_err();
        assert!(matches!(error.root(), ModelError::Timeout { .. }), "{error}");
        // Far below what six waits of the first byte and the pauses between would take.
        assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
    }
}

#[tokio::test]
async fn cancelling_ends_at_once_and_hangs_up() {
    let cases = [(
        "held",
        json!({ "say": "a long text to hold in its middle, and more", "pieces": 2, "waitForMid": "/nonexistent/file" }),
    )];
    let fake = FakeModel::start(&conversations(&cases));
    for kind in KINDS {
        let client = fake.client(kind);
        let cancel = CancellationToken::new();
        let mut on_event = |_| cancel.cancel();
        let result = client.exchange(&request(&name(kind, "held")), &mut on_event, &cancel).await;
        assert!(matches!(result, Err(ModelError::Cancelled)), "{kind}: {result:?}");
        let gone = async {
            while !fake.log()["requests"]
                .as_array()
                .unwrap()
                .iter()
                .any(|it| it["conversation"] == name(kind, "held") && it["closed"] == true)
            {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(5), gone).await.expect("the server sees the client hang up");
    }
    let stopped = CancellationToken::new();
    stopped.cancel();
    let result = fake.client(Kind::OpenAiChat).exchange(&request("x"), &mut |_| {}, &stopped).await;
    assert!(matches!(result, Err(ModelError::Cancelled)));
}

#[tokio::test]
async fn a_server_that_does_not_run_is_named() {
    // A port that was free a moment ago, and is again.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut endpoint = Endpoint::new(Kind::OpenAiChat, "fake");
    endpoint.base_url = format!("http://127.0.0.1:{port}");
    let (result, events) = exchange(&Client::new(endpoint).unwrap(), &request("x")).await;
    let message = result.unwrap_err().to_string();
    assert!(
        message.contains(&format!("127.0.0.1:{port}")) && message.contains("Is the server running?"),
        "{message}"
    );
    assert_eq!(events.len(), 3);
}

#[tokio::test]
async fn what_cannot_be_an_endpoint_is_said_before_anything_is_sent() {
    let said = |base_url: &str, key: &str| {
        let mut endpoint = Endpoint::new(Kind::OpenAiChat, "fake");
        endpoint.base_url = base_url.into();
        endpoint.key = Some(Secret::new(key));
        Client::new(endpoint)
    };
    assert!(matches!(said("not an address", "k"), Err(ModelError::Configuration { .. })));
    assert!(matches!(said("file:///etc/passwd", "k"), Err(ModelError::Configuration { .. })));
    let client = said("http://127.0.0.1:9", "key\nwith line").unwrap();
    let message = exchange(&client, &request("x")).await.0.unwrap_err().to_string();
    assert!(message.contains("authorization") && !message.contains("with line"), "{message}");
}

/// A server that answers each connection's one request with the next of the given answers.
async fn answers(list: Vec<&'static str>) -> (String, tokio::task::JoinHandle<Vec<String>>) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let served = tokio::spawn(async move {
        let mut requests = Vec::new();
        for answer in list {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = Vec::new();
            // The body ends with the conversation's end.
            while !request.ends_with(b"]}") {
                let mut bytes = [0; 4096];
                let count = stream.read(&mut bytes).await.unwrap();
                request.extend_from_slice(&bytes[..count]);
            }
            requests.push(String::from_utf8(request).unwrap());
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
        requests
    });
    (address, served)
}

const REFUSES_LIMIT: &str = "HTTP/1.1 400 X\r\nconnection: close\r\n\r\n{\"error\":{\"message\":\"Unsupported parameter: 'max_completion_tokens'\"}}";
const STREAM: &str = "HTTP/1.1 200 X\r\nconnection: close\r\n\r\ndata: {\"choices\":[{\"delta\":{\"content\":\"ok\"},\"finish_reason\":\"stop\"}]}";

#[tokio::test]
async fn a_server_that_refuses_an_optional_field_is_asked_without_it() {
    let (address, served) = answers(vec![REFUSES_LIMIT, STREAM, STREAM]).await;
    let mut endpoint = Endpoint::new(Kind::OpenAiChat, "fake");
    endpoint.base_url = address;
    endpoint.max_output = Some(77);
    let client = Client::new(endpoint).unwrap();
    for _ in 0..2 {
        // The stream ends without the empty line and without [DONE], but its finish reason is there.
        assert_eq!(exchange(&client, &request("x")).await.0.unwrap().text, "ok");
    }
    let requests = served.await.unwrap();
    assert!(requests[0].contains("\"max_completion_tokens\":77"));
    assert!(
        requests[1..]
            .iter()
            .all(|it| it.contains("\"max_tokens\":77") && !it.contains("max_completion_tokens"))
    );
}

#[tokio::test]
async fn a_wait_longer_than_the_time_left_is_told_instead_of_waited() {
    let limited = "HTTP/1.1 429 X\r\nretry-after: 3600\r\nconnection: close\r\n\r\n{\"error\":{\"message\":\"Daily limit.\"}}";
    let (address, served) = answers(vec![limited]).await;
    let mut endpoint = Endpoint::new(Kind::OpenAiChat, "fake");
    endpoint.base_url = address;
    let message = exchange(&Client::new(endpoint).unwrap(), &request("x")).await.0.unwrap_err().to_string();
    assert!(message.contains("Daily limit.") && message.contains("wait 3600 s"), "{message}");
    served.await.unwrap();
}

#[tokio::test]
async fn a_redirect_is_not_followed_with_the_key() {
    let moved = "HTTP/1.1 302 X\r\nlocation: http://elsewhere.invalid/\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    let (address, served) = answers(vec![moved]).await;
    let mut endpoint = Endpoint::new(Kind::OpenAiChat, "fake");
    (endpoint.base_url, endpoint.max_attempts) = (address, 1);
    let message = exchange(&Client::new(endpoint).unwrap(), &request("x")).await.0.unwrap_err().to_string();
    assert!(message.contains("redirects to http://elsewhere.invalid/"), "{message}");
    served.await.unwrap();
}
