//! Ropes as plain strings at the border to the journal.

use ropey::Rope;
use serde::{Deserialize, Deserializer, Serializer};

pub(crate) fn serialize<S: Serializer>(rope: &Rope, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(rope)
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Rope, D::Error> {
    Ok(Rope::from(String::deserialize(deserializer)?))
}
