//! Standard requests answered from the index: from what is in the buffers, not what is on disk.

use galley_e2e::client::{Client, full, position};
use galley_e2e::place::Place;
use serde_json::{Value, json};

const REQUESTS: [(&str, &str); 6] = [
    ("documentSymbol", "documentSymbolProvider"),
    ("workspaceSymbol", "workspaceSymbolProvider"),
    ("foldingRange", "foldingRangeProvider"),
    ("selectionRange", "selectionRangeProvider"),
    ("definition", "definitionProvider"),
    ("references", "referencesProvider"),
];

fn start(place: &Place, options: Value, capabilities: Value) -> (Client, Value) {
    let mut client = Client::spawn(place, None);
    let root = format!("file://{}", place.root().display());
    let params = json!({
        "processId": std::process::id(), "rootUri": root,
        "workspaceFolders": [{ "uri": root, "name": "project" }],
        "capabilities": capabilities, "initializationOptions": options,
    });
    let answer = client.ask("initialize", params);
    client.notify("initialized", json!({}));
    (client, answer["capabilities"].clone())
}

#[test]
fn they_are_announced_only_where_they_are_wanted() {
    let place = Place::new(&[("a.rs", "")]);
    let (client, announced) = start(&place, Value::Null, full());
    assert!(REQUESTS.iter().all(|(_, provider)| announced[provider].is_null()), "{announced:#}");
    drop(client);
    let wanted: Vec<&str> = REQUESTS.iter().map(|(name, _)| *name).collect();
    let options = json!({ "galley": { "index": { "capabilities": wanted } } });
    let (_client, announced) = start(&place, options, full());
    assert!(REQUESTS.iter().all(|(_, provider)| announced[provider] == true), "{announced:#}");
}

#[test]
fn they_answer_from_unsaved_buffers() {
    let place = Place::new(&[("a.rs", "fn old() {}\n"), ("b.rs", "fn caller() { fresh() }\n")]);
    let mut capabilities = full();
    capabilities["textDocument"]["documentSymbol"] = json!({ "hierarchicalDocumentSymbolSupport": true });
    let (mut client, _) = start(&place, Value::Null, capabilities);
    let (a, b) = (place.uri("a.rs"), place.uri("b.rs"));
    client.open_with(&b, "fn caller() { fresh() }\n");
    client.open_with(&a, "fn old() {}\n");
    client.replace(
        &a,
        "fn old() {}",
        "/* é😀 */ struct Big {\n    inner: u8,\n}\nfn fresh() {\n    old();\n}",
    );
    let text = client.text(&a);
    let document = json!({ "uri": a });

    let symbols = client.ask("textDocument/documentSymbol", json!({ "textDocument": document }));
    let names: Vec<&str> =
        symbols.as_array().unwrap().iter().map(|symbol| symbol["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["Big", "fresh"], "{symbols:#}");
    assert_eq!(symbols[0]["children"][0]["name"], "inner");
    let name_at = position(&text, text.find("Big").unwrap());
    assert_eq!(symbols[0]["selectionRange"]["start"], name_at, "in units of UTF-16");

    let folds = client.ask("textDocument/foldingRange", json!({ "textDocument": document }));
    assert_eq!(folds[1]["startLine"], 3, "{folds:#}");
    assert_eq!(folds[1]["endLine"], 4, "{folds:#}");

    let at = position(&text, text.find("old()").unwrap() + 1);
    let chains =
        client.ask("textDocument/selectionRange", json!({ "textDocument": document, "positions": [at] }));
    let first = &chains[0]["range"];
    assert_eq!(first["start"], position(&text, text.find("old()").unwrap()), "{chains:#}");
    assert!(chains[0]["parent"]["parent"]["range"].is_object(), "{chains:#}");

    let call = json!({ "textDocument": { "uri": b }, "position": { "line": 0, "character": 16 } });
    let places = client.ask("textDocument/definition", call.clone());
    assert_eq!(places[0]["uri"], a, "{places:#}");
    assert_eq!(places[0]["range"]["start"], position(&text, text.find("fresh").unwrap()));

    let mut question = call;
    question["context"] = json!({ "includeDeclaration": false });
    let places = client.ask("textDocument/references", question);
    assert_eq!(places.as_array().unwrap().len(), 1, "{places:#}");
    assert_eq!(places[0]["uri"], b);

    let found = client.ask("workspace/symbol", json!({ "query": "fresh" }));
    assert_eq!(found[0]["location"]["uri"], a, "{found:#}");
    let gone = client.ask("workspace/symbol", json!({ "query": "old" }));
    assert_eq!(gone, json!([]), "what the buffer does not define is not found on disk either");
}

#[test]
fn each_of_many_requests_is_answered_once_whether_it_is_taken_back_or_not() {
    let text: String = (0..300).map(|n| format!("fn f{n}() {{ f{}(); }}\n", n + 1)).collect();
    let place = Place::new(&[("a.rs", &text)]);
    let (mut client, _) = start(&place, Value::Null, full());
    let a = place.uri("a.rs");
    client.open_with(&a, &text);
    let document = json!({ "uri": a });
    let at = json!({ "line": 7, "character": 4 });
    let requests = [
        (
            "textDocument/codeAction",
            json!({ "textDocument": document, "range": { "start": at, "end": at }, "context": { "diagnostics": [] } }),
        ),
        ("textDocument/documentSymbol", json!({ "textDocument": document })),
        (
            "textDocument/references",
            json!({ "textDocument": document, "position": at, "context": { "includeDeclaration": true } }),
        ),
        ("workspace/symbol", json!({ "query": "f" })),
    ];
    let begun: Vec<i64> = requests
        .iter()
        .cycle()
        .take(64)
        .map(|(method, params)| client.begin(method, params.clone()))
        .collect();
    for id in begun.iter().skip(16) {
        client.notify("$/cancelRequest", json!({ "id": id }));
    }
    let behind = client.ask("textDocument/documentSymbol", json!({ "textDocument": document }));
    assert_eq!(behind.as_array().map(Vec::len), Some(300));
    for (number, id) in begun.iter().enumerate() {
        let answer = client.answer_to(*id);
        match answer["error"]["code"].as_i64() {
            Some(code) => assert!(code == -32800 && number >= 16, "{answer:#}"),
            None => assert!(answer.get("result").is_some(), "{answer:#}"),
        }
    }
    client.ask("workspace/symbol", json!({ "query": "f7" }));
    assert!(client.stray().is_empty(), "{:#?}", client.stray());
}
