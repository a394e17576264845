//! Text synchronisation under a flood: exactly the client's text, whatever comes in between.

use galley_e2e::client::{Client, changed, full};
use galley_e2e::place::Place;
use serde_json::{Value, json};

/// A small generator of our own, so that a failing seed can be run again.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound.max(1) as u64) as usize
    }
}

const PIECES: [&str; 8] = ["a", "\n", "é", "😀", "\r\n", "xyz\nuvw", "", "\t"];

fn random_change(dice: &mut Dice, text: &str) -> Value {
    let position = |dice: &mut Dice| {
        let lines = text.matches('\n').count() + 1;
        json!({ "line": dice.below(lines + 1), "character": dice.below(12) })
    };
    let (one, two) = (position(dice), position(dice));
    let key = |position: &Value| (position["line"].as_u64(), position["character"].as_u64());
    let (start, end) = if key(&one) <= key(&two) { (one, two) } else { (two, one) };
    // Mostly short edits, so that the text lives.
    let end = if dice.below(4) == 0 && text.len() > 400 { end } else { start.clone() };
    json!({ "range": { "start": start, "end": end }, "text": PIECES[dice.below(PIECES.len())] })
}

#[test]
fn a_flood_of_changes_and_requests_leaves_exactly_the_clients_text() {
    let place = Place::new(&[("a.rs", "")]);
    let uri = place.uri("a.rs");
    let mut client = Client::start(&place, None, full());
    let mut text = String::from("fn main() {\n    println!(\"héllo 😀\");\n}\n");
    client.open_with(&uri, &text);
    let seed = 0x5EED_0001;
    let mut dice = Dice(seed);
    let mut asked = Vec::new();
    for version in 2..20_002 {
        let change = random_change(&mut dice, &text);
        text = changed(&text, &change);
        let params =
            json!({ "textDocument": { "uri": uri, "version": version }, "contentChanges": [change] });
        client.notify("textDocument/didChange", params);
        if version % 3 == 0 {
            let at = json!({ "start": { "line": 0, "character": 0 }, "end": { "line": 0, "character": 0 } });
            let params =
                json!({ "textDocument": { "uri": uri }, "range": at, "context": { "diagnostics": [] } });
            asked.push(client.begin("textDocument/codeAction", params));
        }
        if version % 7 == 0
            && let Some(id) = asked.last()
        {
            client.notify("$/cancelRequest", json!({ "id": id }));
        }
    }
    let answer = client.ask("galley/document/text", json!({ "uri": uri }));
    assert_eq!(answer["text"].as_str(), Some(text.as_str()), "seed {seed:#x}");
    assert_eq!(answer["version"], 20_001);
    // Every request is answered, once.
    for id in asked {
        let answer = client.answer_to(id);
        assert!(answer["result"].is_array() || answer["error"]["code"] == -32800, "{answer}");
    }
}

#[test]
fn an_unsaved_buffer_overrides_the_disk_until_it_is_closed() {
    let place = Place::new(&[("a.rs", "fn on_disk() {}\n")]);
    let uri = place.uri("a.rs");
    let mut client = Client::start(&place, None, full());
    client.notified("galley/status/didChange", |status| status["symbols"] == 1);
    client.open_with(&uri, "fn one() {}\nfn two() {}\n");
    client.notified("galley/status/didChange", |status| status["symbols"] == 2);
    client.notify("textDocument/didClose", json!({ "textDocument": { "uri": uri } }));
    client.notified("galley/status/didChange", |status| status["symbols"] == 1);
}
