//! Coming and going: initialising, what is announced, shutting down, a client that dies.

use galley_e2e::client::{Client, full};
use galley_e2e::place::Place;
use serde_json::{Value, json};

#[test]
fn a_good_client_is_answered_and_the_server_ends_well() {
    let place = Place::new(&[("a.rs", "fn a() {}\n")]);
    let mut client = Client::spawn(&place, None);
    let early = client.request("galley/status", json!({}));
    assert_eq!(early["error"]["code"], -32002, "{early}");
    let params = json!({ "processId": null, "rootUri": null, "capabilities": full(), "workspaceFolders": [{ "uri": place.uri(""), "name": "p" }] });
    let answer = client.ask("initialize", params);
    let capabilities = &answer["capabilities"];
    assert_eq!(capabilities["positionEncoding"], "utf-16");
    assert_eq!(capabilities["textDocumentSync"]["change"], 2);
    assert_eq!(capabilities["experimental"]["galley"]["version"], 1);
    assert_eq!(capabilities["workspace"]["workspaceFolders"]["supported"], true);
    let commands = capabilities["executeCommandProvider"]["commands"].as_array().unwrap();
    assert!(
        commands.contains(&json!("galley.task.start")) && commands.contains(&json!("galley.hunk.accept"))
    );
    client.notify("initialized", json!({}));
    let status = client.ask("galley/status", json!({}));
    assert_eq!(status["text"], "no model");
    assert!(client.shutdown().success());
}

#[test]
fn each_encoding_that_is_offered_is_agreed_on() {
    for (offered, agreed) in [
        (json!(["utf-16", "utf-8"]), "utf-8"),
        (json!(["utf-32", "utf-16"]), "utf-32"),
        (json!(["utf-16"]), "utf-16"),
        (Value::Null, "utf-16"),
    ] {
        let place = Place::new(&[]);
        let mut client = Client::spawn(&place, None);
        let params = json!({ "processId": null, "rootUri": null, "capabilities": { "general": { "positionEncodings": offered } } });
        let answer = client.ask("initialize", params);
        assert_eq!(answer["capabilities"]["positionEncoding"], agreed, "{offered}");
    }
}

#[test]
fn a_client_that_closes_its_end_ends_the_server() {
    let place = Place::new(&[]);
    let client = Client::start(&place, None, full());
    let status = client.vanish();
    assert_eq!(status.code(), Some(1), "an exit without shutdown is no good end");
}

#[test]
fn the_server_ends_when_the_process_that_started_it_is_gone() {
    let place = Place::new(&[]);
    let mut client = Client::spawn(&place, None);
    let mut editor = std::process::Command::new("sleep").arg("600").spawn().unwrap();
    let params = json!({ "processId": editor.id(), "rootUri": null, "capabilities": {} });
    client.ask("initialize", params);
    editor.kill().unwrap();
    editor.wait().unwrap();
    // The pipe is still open; it ends all the same.
    let status = client.child().wait().unwrap();
    assert_eq!(status.code(), Some(1));
}

#[test]
fn settings_take_effect_without_a_restart() {
    let place = Place::new(&[]);
    let mut client = Client::start(&place, None, full());
    client.notify(
        "workspace/didChangeConfiguration",
        json!({ "settings": { "galley": { "model": "openai-chat/other" } } }),
    );
    let status = client.notified("galley/status/didChange", |status| status["model"] == "openai-chat/other");
    assert_ne!(status["text"], "no model");
}

#[test]
fn the_session_says_how_commands_are_sandboxed() {
    let place = Place::new(&[]);
    let mut client = Client::start(&place, None, full());
    let status = client.notified("galley/status/didChange", |status| status["sandbox"].is_string());
    let output = place.galley(&["doctor", "--json"]);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let level = status["sandbox"].as_str().unwrap();
    assert!(said.contains(&format!("\"found\":\"{level}")), "{level}: {said}");
}

#[test]
fn folders_come_and_go() {
    let place = Place::new(&[("one/a.rs", "fn in_one() {}\n"), ("two/b.rs", "fn in_two() {}\n")]);
    let mut client = Client::spawn(&place, None);
    let folder = |name: &str| json!({ "uri": place.uri(name), "name": name });
    client.ask("initialize", json!({ "processId": null, "rootUri": null, "workspaceFolders": [folder("one")], "capabilities": full() }));
    client.notify("initialized", json!({}));
    client.notified("galley/status/didChange", |status| status["symbols"] == 1);
    client.notify(
        "workspace/didChangeWorkspaceFolders",
        json!({ "event": { "added": [folder("two")], "removed": [] } }),
    );
    client.notified("galley/status/didChange", |status| status["symbols"] == 2);
    client.notify(
        "workspace/didChangeWorkspaceFolders",
        json!({ "event": { "added": [], "removed": [folder("one")] } }),
    );
    client.notified("galley/status/didChange", |status| status["symbols"] == 1);
}
