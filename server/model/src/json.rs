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

/// The object with one text field, down a path, set to `value`.
pub(crate) fn with_field(object: &RawValue, path: &[&str], value: &str) -> Option<Box<RawValue>> {
    let mut whole: serde_json::Value = serde_json::from_str(object.get()).ok()?;
    let mut place = &mut whole;
    for name in path {
        place = place.as_object_mut()?.entry(*name).or_insert_with(|| serde_json::json!({}));
    }
    *place = value.into();
    raw(text_of(whole))
}

/// The object without one field; the others keep their order and their text.
pub(crate) fn without_field(object: &RawValue, name: &str) -> Option<Box<RawValue>> {
    let Fields(fields) = serde_json::from_str(object.get()).ok()?;
    let kept = fields.iter().filter(|(field, _)| field != name);
    raw(kept.fold(Object::new(), |kept, (field, value)| kept.raw(field, value.get())).finish())
}

/// An object's fields in their order.
struct Fields(Vec<(String, Box<RawValue>)>);

impl<'de> serde::Deserialize<'de> for Fields {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Fields, D::Error> {
        struct InOrder;
        impl<'de> serde::de::Visitor<'de> for InOrder {
            type Value = Fields;

            fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
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
        let object = raw(r#"{"b":1.50, "status":"x","a":{"status":"y"},"c\"":"\u00df"}"#.into()).unwrap();
        let without = without_field(&object, "status").unwrap();
        assert_eq!(without.get(), r#"{"b":1.50,"a":{"status":"y"},"c\"":"\u00df"}"#);
        assert!(without_field(&raw("[1]".into()).unwrap(), "status").is_none());
    }

    #[test]
    fn only_whole_objects_are_objects() {
        assert!(is_object("{}") && is_object(" {\"a\":[1,{}]} "));
        for text in ["", "[]", "\"x\"", "{\"a\":", "{} {}", "null", "{a:1}"] {
            assert!(!is_object(text), "{text}");
        }
    }
}
