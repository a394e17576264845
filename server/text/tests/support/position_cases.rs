//! Checks positions and incremental changes against cases in JSON Lines, rope and line index alike.

use galley_text::change::ChangeSet;
use galley_text::position::{LineIndex, Position, PositionEncoding, to_offset, to_position};
use ropey::Rope;
use serde_json::Value;

/// What is wrong, a line each.
pub fn check(cases: &str) -> Vec<String> {
    let mut faults = Vec::new();
    for line in cases.lines() {
        let case: Value = serde_json::from_str(line).expect("a case is JSON");
        match case["task"].as_str() {
            Some("position") => positions(&case, &mut faults),
            _ => changes(&case, &mut faults),
        }
    }
    faults
}

fn number(value: &Value) -> usize {
    usize::try_from(value.as_u64().expect("a number")).expect("a small number")
}

fn encoding(name: &Value) -> PositionEncoding {
    match name.as_str() {
        Some("utf-8") => PositionEncoding::Utf8,
        Some("utf-32") => PositionEncoding::Utf32,
        _ => PositionEncoding::Utf16,
    }
}

fn position(line: &Value, character: &Value) -> Position {
    Position::new(number(line) as u32, number(character) as u32)
}

fn positions(case: &Value, faults: &mut Vec<String>) {
    let text = case["text"].as_str().expect("a text");
    let (rope, index) = (Rope::from_str(text), LineIndex::new(text));
    let mut expect = |what: &str, found: &dyn std::fmt::Debug, wanted: &dyn std::fmt::Debug| {
        let (found, wanted) = (format!("{found:?}"), format!("{wanted:?}"));
        if found != wanted {
            faults.push(format!("{}: {what}: {found}, not {wanted}", case["id"]));
        }
    };
    for query in case["queries"].as_array().expect("queries") {
        let byte = number(&query["byte"]);
        let names = [
            ("utf8", PositionEncoding::Utf8),
            ("utf16", PositionEncoding::Utf16),
            ("utf32", PositionEncoding::Utf32),
        ];
        for (name, encoding) in names {
            let wanted = position(&query["line"], &query[name]);
            expect("position", &to_position(&rope, byte, encoding), &wanted);
            expect("position in index", &index.to_position(byte, encoding), &wanted);
            expect("offset", &to_offset(&rope, wanted, encoding), &byte);
            expect("offset in index", &index.to_offset(wanted, encoding), &byte);
        }
    }
    for clamp in case["clamp"].as_array().expect("clamps") {
        let (at, byte) = (position(&clamp["line"], &clamp["character"]), number(&clamp["byte"]));
        expect("clamp", &to_offset(&rope, at, encoding(&clamp["encoding"])), &byte);
        expect("clamp in index", &index.to_offset(at, encoding(&clamp["encoding"])), &byte);
    }
}

fn changes(case: &Value, faults: &mut Vec<String>) {
    let first = case["text"].as_str().expect("a text");
    let encoding = encoding(&case["encoding"]);
    let mut rope = Rope::from_str(first);
    let mut whole = ChangeSet::identity(first.len());
    for version in case["versions"].as_array().expect("versions") {
        for change in version["changes"].as_array().expect("changes") {
            let text = change["text"].as_str().expect("a text");
            let range = match change.get("range") {
                Some(range) => {
                    let at = |end: &str| position(&range[end]["line"], &range[end]["character"]);
                    to_offset(&rope, at("start"), encoding)..to_offset(&rope, at("end"), encoding)
                }
                None => 0..rope.len_bytes(),
            };
            let step = ChangeSet::single(rope.len_bytes(), range, text).expect("a range of the text");
            step.apply_rope(&mut rope).expect("the right base");
            whole = whole.compose(&step).expect("one after the other");
        }
    }
    let wanted = case["final"].as_str().expect("a text");
    if rope != wanted || whole.apply(first).as_deref() != Ok(wanted) {
        faults.push(format!("{}: the text after all changes is another one", case["id"]));
    }
}
