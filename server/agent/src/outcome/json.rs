//! JSON among other lines: package managers and runners print around it.

use serde_json::Value;

/// Beginnings of lines at which a value is looked for.
const TRIES: usize = 200;

/// The first JSON value that begins a line and is `wanted`.
pub(super) fn find(output: &str, wanted: impl Fn(&Value) -> bool) -> Option<Value> {
    let mut at = 0;
    let mut tries = 0;
    for line in output.split_inclusive('\n') {
        if line.starts_with(['{', '[']) {
            tries += 1;
            let value = serde_json::Deserializer::from_str(&output[at..]).into_iter::<Value>().next();
            if let Some(Ok(value)) = value
                && wanted(&value)
            {
                return Some(value);
            }
            if tries == TRIES {
                return None;
            }
        }
        at += line.len();
    }
    None
}

/// The values that fill a line each.
pub(super) fn lines(output: &str) -> impl Iterator<Item = Value> + '_ {
    output.lines().filter(|line| line.starts_with('{')).filter_map(|line| serde_json::from_str(line).ok())
}

/// The elements of an array; none of anything else.
pub(super) fn elements(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// A text; empty of anything else.
pub(super) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// A number; zero of anything else.
pub(super) fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_default()
}
