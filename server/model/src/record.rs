//! Recordings of exchanges: written as they happen, without secrets, and played again instead of a model.
//!
//! A recording is a file of JSON Lines, one reply a line, in the order of the conversation:
//! `{"turn":0,"request":"…","ms":1200,"reply":{…}}`. Only `reply` is needed, and of it only what differs from
//! nothing, so that a recording can be written by hand:
//! `{"reply":{"text":"Looking.","calls":[{"name":"read","arguments":"{\"path\":\"a.rs\"}"}]}}`.
//! Empty lines and lines that begin with `#` are passed over.
//!
//! Decides which reply answers a request: the one with the number of replies that the request already holds.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::ModelError;
use crate::exchange::{Item, Reply, Request, Stop, StreamEvent};

/// How fast a recording is played.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Pace {
    /// Without any wait.
    #[default]
    Instant,
    /// Each reply takes as long as it took.
    Recorded,
    /// A wait before each piece of text or arguments.
    PerPiece(Duration),
}

/// A recorded conversation.
#[derive(Debug, Clone)]
pub struct Recording {
    name: String,
    turns: Vec<Line>,
    pace: Pace,
}

/// One line of a recording.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
struct Line {
    /// Number of the turn, zero-based.
    turn: usize,
    /// Digest of the request, to see where a replay leaves the recorded way.
    request: String,
    /// How long the exchange took, in milliseconds.
    ms: u64,
    reply: Reply,
}

impl Recording {
    /// Reads a recording from its file.
    pub fn open(path: &Path) -> Result<Recording, ModelError> {
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|error| ModelError::Replay {
            file: name.clone(),
            message: format!("cannot be read: {error}"),
        })?;
        Recording::parse(&name, &text)
    }

    /// Reads a recording from its text; `name` is for messages.
    pub fn parse(name: &str, text: &str) -> Result<Recording, ModelError> {
        let mut turns = Vec::new();
        for (number, line) in text.lines().enumerate() {
            if line.trim().is_empty() || line.starts_with('#') {
                continue;
            }
            let mut line: Line = serde_json::from_str(line).map_err(|error| ModelError::Replay {
                file: name.to_owned(),
                message: format!("line {} is no recorded reply: {error}", number + 1),
            })?;
            complete(&mut line.reply, turns.len());
            turns.push(line);
        }
        Ok(Recording { name: name.to_owned(), turns, pace: Pace::Instant })
    }

    /// The same recording at another pace.
    pub fn with_pace(mut self, pace: Pace) -> Recording {
        self.pace = pace;
        self
    }

    /// How many replies it holds.
    pub fn len(&self) -> usize {
        self.turns.len()
    }

    /// It holds no reply.
    pub fn is_empty(&self) -> bool {
        self.turns.is_empty()
    }

    pub(crate) async fn play(
        &self,
        request: &Request,
        on_event: &mut (dyn FnMut(StreamEvent) + Send),
    ) -> Result<Reply, ModelError> {
        let turn = request.turn();
        let Some(line) = self.turns.get(turn) else {
            let message = format!(
                "the conversation has come to reply {}, and the recording ends after {}; it fits no longer what is asked",
                turn + 1,
                self.turns.len()
            );
            return Err(ModelError::Replay { file: self.name.clone(), message });
        };
        let events = events(&line.reply);
        let wait = match self.pace {
            Pace::Instant => Duration::ZERO,
            Pace::Recorded => {
                Duration::from_millis(line.ms) / u32::try_from(events.len()).unwrap_or(1).max(1)
            }
            Pace::PerPiece(wait) => wait,
        };
        for event in events {
            if wait > Duration::ZERO {
                tokio::time::sleep(wait).await;
            }
            on_event(event);
        }
        Ok(line.reply.clone())
    }
}

/// Gives a reply written by hand what it leaves out.
fn complete(reply: &mut Reply, turn: usize) {
    for (index, call) in reply.calls.iter_mut().chain(&mut reply.broken_calls).enumerate() {
        if call.call_id.is_empty() {
            call.call_id = format!("replay_{turn}_{index}");
        }
    }
    if reply.stop == Stop::End && !reply.calls.is_empty() {
        reply.stop = Stop::ToolUse;
    }
    reply.attempts = reply.attempts.max(1);
}

/// A reply as a stream would bring it.
fn events(reply: &Reply) -> Vec<StreamEvent> {
    let mut events: Vec<StreamEvent> =
        pieces(&reply.reasoning).map(|it| StreamEvent::Reasoning(it.into())).collect();
    events.extend(pieces(&reply.text).map(|it| StreamEvent::Text(it.into())));
    for (index, call) in reply.calls.iter().enumerate() {
        events.push(StreamEvent::CallBegan { index, name: call.name.clone() });
        let arguments = pieces(&call.arguments);
        events.extend(arguments.map(|it| StreamEvent::CallArguments { index, delta: it.into() }));
    }
    events
}

/// Pieces of about two dozen bytes, cut between characters.
fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let end = (24..rest.len()).find(|at| rest.is_char_boundary(*at)).unwrap_or(rest.len());
        let (piece, left) = rest.split_at(end);
        rest = left;
        (!piece.is_empty()).then_some(piece)
    })
}

/// What must not appear in a recording.
#[derive(Debug, Clone, Default)]
pub struct Redaction {
    /// Keys and other secrets, word for word.
    pub secrets: Vec<crate::Secret>,
    /// The person's home directory; it becomes `~`.
    pub home: Option<String>,
}

/// Beginnings of words that are keys, whoever's.
const KEY_BEGINNINGS: [&str; 12] =
    ["sk-", "sk_", "ghp_", "gho_", "ghs_", "github_pat_", "glpat-", "xoxb-", "xoxp-", "AKIA", "AIza", "hf_"];

impl Redaction {
    /// The text without secrets, key-like words, bearer tokens and the home path.
    pub fn redact(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for secret in self.secrets.iter().map(|secret| secret.expose()).filter(|secret| secret.len() >= 4) {
            text = text.replace(secret, "[redacted]");
        }
        if let Some(home) =
            self.home.as_deref().map(|home| home.trim_end_matches('/')).filter(|it| it.len() > 1)
        {
            text = text.replace(home, "~");
        }
        without_keys(&text)
    }

    fn redact_value(&self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.redact(text),
            Value::Array(values) => values.iter_mut().for_each(|value| self.redact_value(value)),
            Value::Object(fields) => fields.values_mut().for_each(|value| self.redact_value(value)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
}

fn without_keys(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '+' | '/' | '=' | '~');
    let mut rest = text;
    let mut after_bearer = false;
    while !rest.is_empty() {
        let word_end = rest.find(|c: char| !is_word(c)).unwrap_or(rest.len());
        let (word, after) = rest.split_at(word_end);
        let key = KEY_BEGINNINGS.iter().any(|start| word.starts_with(start)) && word.len() >= 16;
        if key || (after_bearer && word.len() >= 8) {
            out.push_str("[redacted]");
        } else {
            out.push_str(word);
        }
        let gap = after.find(is_word).unwrap_or(after.len());
        after_bearer = word.eq_ignore_ascii_case("bearer") && after[..gap].trim().is_empty();
        out.push_str(&after[..gap]);
        rest = &after[gap..];
    }
    out
}

/// Writes a recording as exchanges happen, one line each, without what [`Redaction`] names.
pub struct Recorder {
    path: PathBuf,
    file: File,
    redaction: Redaction,
}

impl Recorder {
    /// Begins or continues the recording in a file.
    pub fn create(path: &Path, redaction: Redaction) -> Result<Recorder, ModelError> {
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(path)
            .map_err(|error| unwritable(path, &error))?;
        Ok(Recorder { path: path.to_owned(), file, redaction })
    }

    /// Adds one exchange that took so long.
    pub fn record(&mut self, request: &Request, reply: &Reply, took: Duration) -> Result<(), ModelError> {
        line(request, reply, took, &self.redaction)
            .and_then(|line| self.file.write_all(line.as_bytes()))
            .map_err(|error| unwritable(&self.path, &error))
    }
}

/// One line of a recording, with its line end.
pub fn line(
    request: &Request,
    reply: &Reply,
    took: Duration,
    redaction: &Redaction,
) -> std::io::Result<String> {
    let line = Line {
        turn: request.turn(),
        request: digest(request),
        ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        reply: reply.clone(),
    };
    let before = serde_json::to_value(&line)?;
    let mut value = before.clone();
    redaction.redact_value(&mut value);
    // Where there is nothing to take out, raw items stay byte for byte.
    let text = if value == before { serde_json::to_string(&line)? } else { value.to_string() };
    Ok(text + "\n")
}

fn unwritable(path: &Path, error: &std::io::Error) -> ModelError {
    ModelError::Replay { file: path.display().to_string(), message: format!("cannot be written: {error}") }
}

/// A digest of what is asked: instructions, tools, conversation.
fn digest(request: &Request) -> String {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut add = |bytes: &[u8]| {
        for byte in bytes.iter().chain(&[0xff]) {
            hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    };
    add(request.instructions.as_bytes());
    for tool in &request.tools {
        add(tool.name.as_bytes());
    }
    for item in &request.items {
        match item {
            Item::User(text) => add(text.as_bytes()),
            Item::Reply(reply) => {
                add(reply.text.as_bytes());
                for call in &reply.calls {
                    add(call.arguments.as_bytes());
                }
            }
            Item::ToolResult { output, .. } => add(output.as_bytes()),
        }
    }
    format!("{hash:016x}")
}
