//! JSON text in a given order of fields.
//!
//! The order matters twice: providers cache by the exact beginning of a request, and the conversation stands last,
//! so that a longer conversation only adds bytes at the end.

use serde::Serialize;
use serde_json::value::RawValue;

/// An object being written.
pub(crate) struct Object(String);

impl Object {
    /// `{`, with room for a body of `capacity` bytes.
    pub fn with_capacity(capacity: usize) -> Object {
        let mut text = String::with_capacity(capacity);
        text.push('{');
        Object(text)
    }

    /// An empty object.
    pub fn new() -> Object {
        Object::with_capacity(64)
    }

    /// One more field.
    pub fn field(mut self, name: &str, value: impl Serialize) -> Object {
        self.name(name);
        self.0.push_str(&text_of(value));
        self
    }

    /// One more field, if there is a value.
    pub fn maybe(self, name: &str, value: Option<impl Serialize>) -> Object {
        match value {
            Some(value) => self.field(name, value),
            None => self,
        }
    }

    /// One more field whose value is JSON text already.
    pub fn raw(mut self, name: &str, json: &str) -> Object {
        self.name(name);
        self.0.push_str(json);
        self
    }

    /// A last field with an array of JSON texts.
    pub fn array<T: AsRef<str>>(mut self, name: &str, values: impl IntoIterator<Item = T>) -> Object {
        self.name(name);
        self.0.push('[');
        for (index, value) in values.into_iter().enumerate() {
            if index > 0 {
                self.0.push(',');
            }
            self.0.push_str(value.as_ref());
        }
        self.0.push(']');
        self
    }

    /// The text with an array begun as its last field, for the caller to fill and close.
    pub fn open_array(mut self, name: &str) -> String {
        self.name(name);
        self.0.push('[');
        self.0
    }

    /// The finished text.
    pub fn finish(mut self) -> String {
        self.0.push('}');
        self.0
    }

    fn name(&mut self, name: &str) {
        if self.0.len() > 1 {
            self.0.push(',');
        }
        self.0.push_str(&text_of(name));
        self.0.push(':');
    }
}

/// A value as JSON text. Only maps with keys that are no strings cannot be written, and there are none here.
pub(crate) fn text_of(value: impl Serialize) -> String {
    serde_json::to_string(&value).unwrap_or_else(|_| "null".into())
}

/// JSON text that was written here, or came from a parser, as a raw value.
pub(crate) fn raw(text: String) -> Option<Box<RawValue>> {
    RawValue::from_string(text).ok()
}

/// The object with one text field, down a path, set to `value`; every other byte stays as it is.
pub(crate) fn with_field(object: &RawValue, path: &[&str], value: &str) -> Option<Box<RawValue>> {
    spliced(object.get(), path, &text_of(value)).and_then(raw)
}

/// The object with one field set to JSON text; every other byte stays as it is.
pub(crate) fn with_json(object: &RawValue, name: &str, json: &str) -> Option<Box<RawValue>> {
    spliced(object.get(), &[name], json).and_then(raw)
}

fn spliced(object: &str, path: &[&str], value: &str) -> Option<String> {
    let (name, rest) = path.split_first()?;
    let Fields(fields) = serde_json::from_str(object).ok()?;
    let Some((_, old)) = fields.iter().rev().find(|(field, _)| field == name) else {
        // A field that is missing is put first.
        let inner = match rest {
            [] => value.to_owned(),
            rest => spliced("{}", rest, value)?,
        };
        let after = object.trim_start().strip_prefix('{')?;
        let comma = if after.trim_start().starts_with('}') { "" } else { "," };
        return Some(format!("{{{}:{inner}{comma}{after}", text_of(name)));
    };
    let new = match rest {
        [] => value.to_owned(),
        rest => spliced(old, rest, value)?,
    };
    let start = offset(object, old);
    Some(format!("{}{new}{}", &object[..start], &object[start + old.len()..]))
}

/// The object without one field; every other byte stays as it is.
pub(crate) fn without_field(object: &str, name: &str) -> Option<String> {
    let Fields(fields) = serde_json::from_str(object).ok()?;
    let Some(at) = fields.iter().position(|(field, _)| field == name) else { return Some(object.to_owned()) };
    let end = offset(object, fields[at].1) + fields[at].1.len();
    let (start, end) = match at.checked_sub(1).map(|before| fields[before].1) {
        Some(before) => (offset(object, before) + before.len(), end),
        None => {
            let open = object.find('{')? + 1;
            (open, if fields.len() > 1 { end + object[end..].find(',')? + 1 } else { end })
        }
    };
    Some(format!("{}{}", &object[..start], &object[end..]))
}

/// Where a part of a text stands in it.
fn offset(text: &str, part: &str) -> usize {
    part.as_ptr() as usize - text.as_ptr() as usize
}

/// An object's fields in their order, each with its value's text.
struct Fields<'a>(Vec<(String, &'a str)>);

impl<'de> serde::Deserialize<'de> for Fields<'de> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Fields<'de>, D::Error> {
        struct InOrder;
        impl<'de> serde::de::Visitor<'de> for InOrder {
            type Value = Fields<'de>;

            fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Fields<'de>, A::Error> {
                let mut fields = Vec::new();
                while let Some((name, value)) = map.next_entry::<String, &'de RawValue>()? {
                    fields.push((name, value.get()));
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}

/// The text is one JSON object.
pub(crate) fn is_object(text: &str) -> bool {
    serde_json::from_str::<std::collections::BTreeMap<String, serde::de::IgnoredAny>>(text).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_keep_their_order() {
        let object = Object::new().field("z", 1).maybe("none", None::<u8>).raw("a", "[ 2 ]");
        assert_eq!(object.array("m", ["{}", "3"]).finish(), r#"{"z":1,"a":[ 2 ],"m":[{},3]}"#);
        assert_eq!(Object::new().finish(), "{}");
    }

    #[test]
    fn a_field_is_taken_out_and_the_others_stay_as_they_are() {
        let object = r#"{ "b":1.50, "status":"x","a":{"status":"y"},"c\"":"\u00df" }"#;
        let without = |name| without_field(object, name).unwrap();
        assert_eq!(without("status"), r#"{ "b":1.50,"a":{"status":"y"},"c\"":"\u00df" }"#);
        assert_eq!(without("b"), r#"{ "status":"x","a":{"status":"y"},"c\"":"\u00df" }"#);
        assert_eq!(without("c\""), r#"{ "b":1.50, "status":"x","a":{"status":"y"} }"#);
        assert_eq!(without("none"), object);
        assert_eq!(without_field("{\"a\": 1}", "a").unwrap(), "{}");
        assert!(without_field("[1]", "status").is_none());
    }

    #[test]
    fn a_field_is_set_and_every_other_byte_stays() {
        let set = |object: &str, path: &[&str]| {
            with_field(&raw(object.into()).unwrap(), path, "n\"").unwrap().get().to_owned()
        };
        assert_eq!(set(r#"{"z": 1.50,"id" : "old", "a":1}"#, &["id"]), r#"{"z": 1.50,"id" : "n\"", "a":1}"#);
        assert_eq!(
            set(r#"{"t":{"b":1, "id":"x"},"a":2}"#, &["t", "id"]),
            r#"{"t":{"b":1, "id":"n\""},"a":2}"#
        );
        assert_eq!(set(r#"{ "z":1}"#, &["t", "id"]), r#"{"t":{"id":"n\""}, "z":1}"#);
        assert_eq!(set("{ }", &["id"]), r#"{"id":"n\"" }"#);
    }

    #[test]
    fn only_whole_objects_are_objects() {
        assert!(is_object("{}") && is_object(" {\"a\":[1,{}]} "));
        for text in ["", "[]", "\"x\"", "{\"a\":", "{} {}", "null", "{a:1}"] {
            assert!(!is_object(text), "{text}");
        }
    }
}
