//! Edits as the model writes them, before a call is whole.
//!
//! What is shown here is a preview: nothing is placed in the task's tree, and nothing can be decided. A call that never
//! becomes whole leaves no trace.

use std::collections::BTreeMap;

use galley_text::format::{EditFormat, Piece, Stream};
use galley_text::locate;
use galley_text::path::RelPath;
use galley_workspace::Overlay;

/// An edit that is being written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// The file, as a path of the workspace.
    pub path: RelPath,
    /// The first line that it replaces in the task's tree, zero-based; `None` for a new file, or where it is not known.
    pub line: Option<usize>,
    /// The lines that go.
    pub old: String,
    /// The lines that come, as far as they are written.
    pub new: String,
}

/// Bytes of a call that come at least between two previews.
const PACE: usize = 48;

/// The call that is being written.
pub(crate) struct Drafting {
    overlay: Overlay,
    tool: String,
    arguments: String,
    shown_at: usize,
    /// Where quotes were found, so that each is looked for once.
    places: BTreeMap<(RelPath, String), Option<usize>>,
}

impl Drafting {
    /// No call yet, over a task's tree.
    pub(crate) fn new(overlay: Overlay) -> Drafting {
        Drafting {
            overlay,
            tool: String::new(),
            arguments: String::new(),
            shown_at: 0,
            places: BTreeMap::new(),
        }
    }

    /// A call begins.
    pub(crate) fn begin(&mut self, tool: &str) {
        self.tool = tool.to_owned();
        self.arguments.clear();
        self.shown_at = 0;
        self.places.clear();
    }

    /// More of its arguments came; gives all its edits where they are worth showing anew.
    pub(crate) fn push(&mut self, delta: &str) -> Option<Vec<Draft>> {
        self.arguments.push_str(delta);
        // Each preview reads the call from its beginning: the longer it is, the rarer.
        if self.arguments.len() < self.shown_at + PACE.max(self.shown_at / 8) {
            return None;
        }
        let drafts = match self.tool.as_str() {
            "edit" => self.edits(),
            "apply_patch" => self.patched(),
            _ => return None,
        };
        self.shown_at = self.arguments.len();
        (!drafts.is_empty()).then_some(drafts)
    }

    fn edits(&mut self) -> Vec<Draft> {
        let complete = objects(&self.arguments);
        let drafts = complete.iter().filter_map(|object| {
            let value =
                |name: &str| object.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
            self.draft(value("path")?, value("old")?, value("new")?)
        });
        drafts.collect()
    }

    fn patched(&mut self) -> Vec<Draft> {
        let text = match objects(&self.arguments).into_iter().flatten().find(|(key, _)| key == "input") {
            Some((_, input)) => input,
            // A free-text tool: the arguments are the patch itself.
            None => self.arguments.clone(),
        };
        let pieces = Stream::new(EditFormat::ApplyPatch).push(&text);
        let drafts = pieces.iter().filter_map(|piece| match piece {
            Piece::Add { path, text } => self.draft(path, "", text),
            Piece::Hunk { path, old, new } => self.draft(path, old, new),
            Piece::Delete { .. } | Piece::Move { .. } | Piece::Broken(_) => None,
        });
        drafts.collect()
    }

    fn draft(&mut self, path: &str, old: &str, new: &str) -> Option<Draft> {
        let path = RelPath::new(path.trim().trim_start_matches("./")).ok()?;
        let place = (path, old.to_owned());
        let line = match self.places.get(&place) {
            Some(known) => *known,
            None => {
                let line = self.line(&place.0, old, new);
                self.places.insert(place.clone(), line);
                line
            }
        };
        let (path, old) = place;
        Some(Draft { path, line, old, new: new.to_owned() })
    }

    /// The line of the task's tree at which a quote stands.
    fn line(&self, path: &RelPath, old: &str, new: &str) -> Option<usize> {
        let text = self.overlay.read(path).ok().filter(|_| !old.is_empty())?;
        let found = locate::replace(&text, old, new, None, false).ok()?;
        let start = found.places.first()?.start;
        Some(text.get(..start)?.matches('\n').count())
    }
}

/// The string members of all objects in a JSON text that may end anywhere; the last string as far as it goes.
fn objects(json: &str) -> Vec<Vec<(String, String)>> {
    let mut done = Vec::new();
    let mut open: Vec<Vec<(String, String)>> = Vec::new();
    let (mut key, mut expects_value) = (None, false);
    let mut rest = json;
    while let Some(first) = rest.chars().next() {
        match first {
            '"' => {
                let (text, length) = string(rest);
                match (key.take(), expects_value) {
                    (Some(key), true) => open
                        .last_mut()
                        .into_iter()
                        .for_each(|at| at.push((String::clone(&key), text.clone()))),
                    _ => key = Some(text),
                }
                expects_value = false;
                rest = &rest[length..];
                continue;
            }
            '{' => open.push(Vec::new()),
            '}' => done.extend(open.pop()),
            ':' => expects_value = true,
            ',' | '[' => (key, expects_value) = (None, false),
            _ => {}
        }
        rest = &rest[first.len_utf8()..];
    }
    done.extend(open.into_iter().rev());
    done
}

/// The string that a text begins with, as far as it goes, and how many bytes it takes.
fn string(text: &str) -> (String, usize) {
    let mut escaped = false;
    let end = text.char_indices().skip(1).find(|(_, c)| {
        let ends = *c == '"' && !escaped;
        escaped = *c == '\\' && !escaped;
        ends
    });
    let length = end.map_or(text.len(), |(at, _)| at + 1);
    let mut inner = text[1..end.map_or(text.len(), |(at, _)| at)].to_owned();
    // An escape may be cut anywhere; up to a whole pair of surrogates is left out.
    for _ in 0..12 {
        if let Ok(read) = serde_json::from_str(&format!("\"{inner}\"")) {
            return (read, length);
        }
        if inner.pop().is_none() {
            break;
        }
    }
    (String::new(), length)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn members(json: &str) -> Vec<(String, String)> {
        objects(json).into_iter().flatten().collect()
    }

    #[test]
    fn strings_are_read_wherever_the_text_ends() {
        let whole = r#"{"why": "w", "edits": [{"path": "a.rs", "near": 3, "old": "x \"q\"\n", "new": "y\té😀\u00e9\ud83d\ude00"}]}"#;
        let last = members(whole).into_iter().map(|(_, value)| value).find(|value| value.starts_with('y'));
        assert_eq!(last.as_deref(), Some("y\té😀é😀"));
        for end in (0..whole.len()).filter(|end| whole.is_char_boundary(*end)) {
            for (key, value) in members(&whole[..end]) {
                let full = members(whole).into_iter().find(|(known, _)| *known == key).unwrap().1;
                assert!(full.starts_with(&value), "{key}: {value:?} is no beginning of {full:?}");
            }
        }
    }

    #[test]
    fn a_key_is_no_value() {
        assert_eq!(members(r#"{"a": 1, "b": "c", "d"#), [("b".to_owned(), "c".to_owned())]);
        assert_eq!(members(r#"{"a": ["x", "y"], "b": "c"}"#), [("b".to_owned(), "c".to_owned())]);
        assert_eq!(members("}{]\"\\"), []);
    }
}
