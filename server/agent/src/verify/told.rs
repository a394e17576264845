//! What a model was told already: the same error is not paid for twice.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use regex::Regex;

/// Errors that a model knows.
#[derive(Debug, Default)]
pub struct Told {
    known: BTreeSet<[u8; 32]>,
}

/// What differs between two runs of the same failure: thread and process numbers, addresses, times.
static PASSING: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"\(\d+\)|0x[0-9a-fA-F]+|\b\d+(\.\d+)?\s?(ms|s|µs)\b").ok());

/// A text without what differs between two runs of the same failure.
pub(super) fn lasting(text: &str) -> std::borrow::Cow<'_, str> {
    match &*PASSING {
        Some(passing) => passing.replace_all(text, ""),
        None => text.into(),
    }
}

impl Told {
    /// The error in full the first time; later its first line.
    pub fn once(&mut self, error: &str) -> String {
        let lasting = lasting(error);
        if self.known.insert(*blake3::hash(lasting.as_bytes()).as_bytes()) || !error.trim_end().contains('\n')
        {
            return error.to_owned();
        }
        format!("{} (as before)", error.lines().next().unwrap_or_default())
    }
}
