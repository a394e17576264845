//! Bad input of every kind: a clear message each, the server alive, nothing lost.

use galley_e2e::client::{Client, full};
use galley_e2e::model::Model;
use galley_e2e::place::Place;
use serde_json::{Value, json};

fn alive(client: &mut Client) {
    let status = client.ask("galley/status", json!({}));
    assert!(status["text"].is_string());
}

#[test]
fn what_is_no_json_rpc_is_refused_and_costs_nothing_more() {
    let place = Place::new(&[]);
    let mut client = Client::start(&place, None, full());
    for (bytes, code) in [
        (&b"Content-Length: 5\r\n\r\n{nope"[..], -32700),
        (&b"Content-Length: 2\r\n\r\n[]"[..], -32600),
        (&b"Content-Length: 4\r\n\r\n\xff\xfe\xfd\xfc"[..], -32700),
        (&b"Content-Length: ten\r\n\r\n"[..], -32700),
        (&b"Content-Length: 17\r\n\r\n{\"jsonrpc\":\"2.0\"}"[..], -32600),
    ] {
        client.raw(bytes);
        let answer = client.wait("an error", |message| message["error"].is_object());
        assert_eq!(answer["error"]["code"], code, "{}: {answer}", String::from_utf8_lossy(bytes));
        assert_eq!(answer["id"], Value::Null);
        alive(&mut client);
    }
}

#[test]
fn unknown_methods_and_wrong_parameters_are_named() {
    let place = Place::new(&[]);
    let mut client = Client::start(&place, None, full());
    let answer = client.request("textDocument/nonsense", json!({}));
    assert_eq!(answer["error"]["code"], -32601);
    let answer = client.request("galley/nonsense", json!({}));
    assert_eq!(answer["error"]["code"], -32601);
    let answer = client.request("galley/task/start", json!({ "goal": 3 }));
    assert_eq!(answer["error"]["code"], -32602);
    let answer = client.request("textDocument/codeAction", json!({ "textDocument": 1 }));
    assert_eq!(answer["error"]["code"], -32602);
    let answer = client.request("workspace/executeCommand", json!({ "command": "rm.rf", "arguments": [] }));
    assert!(answer["error"]["message"].as_str().unwrap().contains("rm.rf"));
    client.notify("textDocument/didChange", json!({ "textDocument": "what" }));
    let logged = client.notified("window/logMessage", |params| params["type"] == 1);
    assert!(logged["message"].as_str().unwrap().contains("textDocument/didChange"), "{logged}");
    client.notify("nonsense/notification", json!({}));
    alive(&mut client);
}

#[test]
fn without_a_model_the_way_to_one_is_told() {
    let place = Place::new(&[("a.rs", "fn a() {}\n")]);
    let mut client = Client::start(&place, None, full());
    let answer = client.request("galley/task/start", json!({ "goal": "anything" }));
    let message = answer["error"]["message"].as_str().unwrap();
    assert!(message.contains("OPENAI_API_KEY") && message.contains("galley demo"), "{message}");
    let uri = place.uri("a.rs");
    client.open(&uri);
    let at = json!({ "start": { "line": 0, "character": 0 }, "end": { "line": 0, "character": 2 } });
    let actions = client.ask(
        "textDocument/codeAction",
        json!({ "textDocument": { "uri": uri }, "range": at, "context": { "diagnostics": [] } }),
    );
    let actions = actions.as_array().unwrap();
    assert!(!actions.is_empty());
    for action in actions {
        assert!(action["disabled"]["reason"].as_str().unwrap().contains("no model"), "{action}");
    }
}

#[test]
fn odd_files_are_told_apart_and_do_no_harm() {
    let place = Place::new(&[("good.rs", "fn good() {}\n")]);
    std::fs::write(place.root().join("latin.rs"), b"fn caf\xe9() {}\n").unwrap();
    std::fs::File::create(place.root().join("huge.rs")).unwrap().set_len(200 << 20).unwrap();
    let scenario = json!({ "turns": [
        { "calls": [
            { "name": "read", "arguments": { "path": "latin.rs" } },
            { "name": "read", "arguments": { "path": "huge.rs" } },
            { "name": "read", "arguments": { "path": "../outside" } },
            { "name": "read", "arguments": { "path": "missing.rs" } },
        ] },
        { "calls": [{ "name": "finish", "arguments": { "outcome": "blocked", "text": "nothing to do" } }] },
    ] });
    let model = Model::start(&scenario);
    let mut client = Client::start(&place, Some(&model.url()), full());
    let task = client.task(json!({ "goal": "read odd files" }));
    let ended = client.until(&task, &["failed"]);
    let details: Vec<&str> =
        ended["steps"].as_array().unwrap().iter().map(|step| step["detail"].as_str().unwrap_or("")).collect();
    assert!(details[0].contains("UTF-8"), "{details:?}");
    assert!(details[1].contains("at most 8388608 bytes"), "{details:?}");
    assert!(details[2].contains("not a path"), "{details:?}");
    assert!(details[3].contains("does not exist"), "{details:?}");
    assert_eq!(ended["message"], "blocked: nothing to do");
    model.assert_clean();
}

#[test]
fn a_deleted_workspace_is_survived() {
    let place = Place::new(&[("a.rs", "fn a() {}\n")]);
    let model = Model::start(&json!({ "turns": [
        { "calls": [{ "name": "search", "arguments": { "query": "fn a" } }] },
        { "calls": [{ "name": "finish", "arguments": { "outcome": "done", "text": "nothing is here" } }] },
    ] }));
    let mut client = Client::start(&place, Some(&model.url()), full());
    std::fs::remove_dir_all(place.root()).unwrap();
    let task = client.task(json!({ "goal": "look around" }));
    client.until(&task, &["done", "failed"]);
    alive(&mut client);
}

/// Runs one task against a scenario and returns how it ended.
fn ended(scenario: Value) -> Value {
    let place = Place::new(&[("a.rs", "fn a() {}\n")]);
    let model = Model::start(&scenario);
    let mut client = Client::start(&place, Some(&model.url()), full());
    let task = client.task(json!({ "goal": "do something" }));
    let ended = client.until(&task, &["done", "failed", "proposed"]);
    alive(&mut client);
    assert_eq!(place.read("a.rs"), "fn a() {}\n");
    ended
}

fn turn(fault: &str) -> Value {
    json!({ "turns": [{ "say": "x", "fault": fault, "times": -1 }] })
}

#[test]
fn a_wrong_key_names_the_variable() {
    let ended = ended(turn("http_401"));
    assert_eq!(ended["state"], "failed");
    assert!(ended["message"].as_str().unwrap().contains("OPENAI_API_KEY"), "{ended:#}");
}

#[test]
fn garbage_is_never_done() {
    for fault in ["garbage", "html", "empty"] {
        let ended = ended(turn(fault));
        assert_eq!(ended["state"], "failed", "{fault}: {ended:#}");
    }
}

#[test]
fn an_unknown_tool_and_broken_arguments_are_answered_and_the_task_goes_on() {
    let ended = ended(json!({ "turns": [
        { "calls": [{ "name": "teleport", "arguments": {} }] },
        { "calls": [{ "name": "read", "arguments": { "file": "a.rs" } }] },
        { "calls": [{ "name": "read", "raw": "{\"path\": \"a.rs" }] },
        { "calls": [{ "name": "read", "arguments": { "path": "a.rs" } }] },
        { "calls": [{ "name": "finish", "arguments": { "outcome": "done", "text": "looked" } }] },
    ] }));
    assert_eq!(ended["state"], "done", "{ended:#}");
    let details: Vec<&str> =
        ended["steps"].as_array().unwrap().iter().map(|step| step["detail"].as_str().unwrap_or("")).collect();
    assert!(details[0].contains("no tool `teleport`"), "{details:?}");
    assert!(details[1].contains("path"), "{details:?}");
}

#[test]
fn a_model_that_hangs_can_be_stopped_at_once() {
    let place = Place::new(&[("a.rs", "fn a() {}\n")]);
    let signal = place.beside("asked");
    let model =
        Model::start(&json!({ "turns": [{ "say": "x", "fault": "hang", "times": -1, "signal": signal }] }));
    let mut client = Client::start(&place, Some(&model.url()), full());
    let task = client.task(json!({ "goal": "wait for ever" }));
    client.until(&task, &["exploring"]);
    client.ask("galley/task/cancel", json!({ "task": task }));
    let ended = client.until(&task, &["cancelled"]);
    assert_eq!(ended["message"], "stopped by you");
    alive(&mut client);
}
