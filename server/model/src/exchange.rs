//! The provider-neutral exchange: a conversation that only grows, and the reply to it.
//!
//! Decides what of a provider's answer is common to all: text, reasoning, tool calls, why it stopped, usage. What
//! is not common stays in [`Reply::raw`].

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// A tool that the model may call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ToolSpec {
    /// Name, unique in a request; letters, digits, `_` and `-`.
    pub name: String,
    /// What it does, for the model.
    pub description: String,
    /// JSON schema of the arguments, an object. Not used where `free_text` is set.
    pub schema: serde_json::Value,
    /// The call carries one free text (a patch) instead of JSON arguments.
    pub free_text: bool,
}

/// One entry of a conversation. Entries are only ever appended.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Item {
    /// What the person (or the harness in its name) says.
    User(String),
    /// A model's reply, as [`crate::Client::exchange`] gave it.
    Reply(Reply),
    /// The output of a tool call of the reply before.
    ToolResult {
        /// [`ToolCall::call_id`] of the call that is answered.
        call_id: String,
        /// The tool's name.
        name: String,
        /// As in [`ToolCall::free_text`].
        free_text: bool,
        /// What the model gets to read.
        output: String,
        /// The call failed; `output` says why.
        is_error: bool,
    },
}

/// What is asked of a model.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// The system text; frozen for a conversation.
    pub instructions: String,
    /// The tools; frozen for a conversation. Their order does not matter, they are sent sorted by name.
    pub tools: Vec<ToolSpec>,
    /// The conversation so far.
    pub items: Vec<Item>,
    /// Output limit in tokens.
    pub max_output: Option<u32>,
    /// Reasoning effort in the provider's words (`low`, `medium`, `high`, …).
    pub effort: Option<String>,
    /// Names the conversation's cache where the provider routes by such a key.
    pub cache_key: Option<String>,
}

impl Request {
    /// How many replies the conversation holds: the number of the turn that is asked for, zero-based.
    pub fn turn(&self) -> usize {
        self.items.iter().filter(|item| matches!(item, Item::Reply(_))).count()
    }
}

/// A tool call, complete and with arguments that parse (or, in [`Reply::broken_calls`], not).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolCall {
    /// Unique in its conversation.
    #[serde(default)]
    pub call_id: String,
    /// The tool's name as the model gave it; it may be a name that was not offered.
    pub name: String,
    /// The raw text of a JSON object, or the free text of a free-text tool.
    #[serde(default)]
    pub arguments: String,
    /// `arguments` is free text, not JSON.
    #[serde(default)]
    pub free_text: bool,
}

/// Why a reply ended.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stop {
    /// The model had no more to say.
    #[default]
    End,
    /// It waits for the results of its calls.
    ToolUse,
    /// The output limit, or the model's window, was reached: the text is cut.
    Length,
    /// The provider's filter stopped it. Comes as [`crate::ModelError::Refused`], never in an ordinary reply.
    Filtered,
    /// The model declined. Comes as [`crate::ModelError::Refused`], never in an ordinary reply.
    Refused,
    /// A reason that is not known here, in the provider's word.
    Other(String),
}

/// Tokens of one reply, by the provider's own count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Usage {
    /// All tokens of the request, cached ones and cache writes included.
    pub input: u64,
    /// Of `input`: read from the provider's cache.
    pub cached: u64,
    /// Of `input`: written to the provider's cache.
    pub cache_write: u64,
    /// All tokens of the reply, reasoning included.
    pub output: u64,
    /// Of `output`: reasoning.
    pub reasoning: u64,
    /// The provider gave no numbers; these are guessed from the size (four bytes a token).
    pub estimated: bool,
}

impl std::ops::AddAssign for Usage {
    fn add_assign(&mut self, more: Usage) {
        self.input += more.input;
        self.cached += more.cached;
        self.cache_write += more.cache_write;
        self.output += more.output;
        self.reasoning += more.reasoning;
        self.estimated |= more.estimated;
    }
}

/// A model's complete reply.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Reply {
    /// The provider's output items in order, byte for byte as they are to be sent back. Empty for a reply written
    /// by hand; then the neutral fields are sent.
    pub raw: Vec<Box<RawValue>>,
    /// Whose form `raw` has: `kind/provider`. Another provider gets the neutral fields instead.
    pub origin: String,
    /// The visible text.
    pub text: String,
    /// Reasoning, as far as the provider shows it.
    pub reasoning: String,
    /// Complete calls, in order, without doubles.
    pub calls: Vec<ToolCall>,
    /// Calls that were cut or do not parse: never to be run. They are not in `raw`. The model is told of them in
    /// words ([`Item::User`], or an [`Item::ToolResult`] with their id, which is sent as words).
    pub broken_calls: Vec<ToolCall>,
    /// Why it ended.
    pub stop: Stop,
    /// What it cost in tokens.
    pub usage: Usage,
    /// The service tier that it was served in, by the provider's word; it decides the price.
    pub tier: Option<String>,
    /// The model that answered, by the provider's word.
    pub model: String,
    /// What attempts that failed before it have cost all the same, guessed from their size.
    pub wasted: Usage,
    /// How many attempts it took.
    pub attempts: u32,
}

/// What happens while a reply is coming.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StreamEvent {
    /// More visible text.
    Text(String),
    /// More reasoning.
    Reasoning(String),
    /// A tool call begins.
    CallBegan {
        /// Which call of the reply, zero-based.
        index: usize,
        /// The tool's name.
        name: String,
    },
    /// More of a call's arguments, in the form that the provider streams (JSON text, or free text).
    CallArguments {
        /// Which call of the reply, zero-based.
        index: usize,
        /// The text to append.
        delta: String,
    },
    /// An attempt failed; the next begins after a wait. [`StreamEvent::Restarted`] came before if something had
    /// been streamed.
    Retrying {
        /// Number of the attempt that comes, from 2.
        attempt: u32,
        /// How long is waited before it.
        wait: Duration,
        /// What went wrong, in one line, with the provider's message.
        reason: String,
    },
    /// What was streamed so far is void: the reply starts from nothing.
    Restarted,
    /// The request waits for room in the provider's rate limit.
    Waiting {
        /// How long.
        wait: Duration,
        /// Which limit, in one line.
        reason: String,
    },
    /// Another model of the chain has taken over, and answers this turn.
    Switched(crate::Switch),
}

impl StreamEvent {
    /// It shows a piece of the reply.
    pub fn is_streamed(&self) -> bool {
        match self {
            StreamEvent::Text(_)
            | StreamEvent::Reasoning(_)
            | StreamEvent::CallBegan { .. }
            | StreamEvent::CallArguments { .. } => true,
            StreamEvent::Retrying { .. }
            | StreamEvent::Restarted
            | StreamEvent::Waiting { .. }
            | StreamEvent::Switched(_) => false,
        }
    }
}
