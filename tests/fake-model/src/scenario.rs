//! The scenario file, as described at the head of the program.

use serde::Deserialize;
use serde_json::Value;

/// What the model says, turn by turn.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Scenario {
    /// The turns of every conversation that has none of its own.
    pub turns: Vec<Turn>,
    /// The reply after the last turn.
    #[serde(rename = "final")]
    pub last: Option<String>,
    /// The reply to a request without tools.
    pub side: Option<String>,
    /// Conversations with turns of their own.
    pub conversations: Vec<Conversation>,
    /// `requests`: turns are counted by the requests that were answered; `output`: the turn is the last one whose
    /// `match.tool` is in the last tool output. Both are for conversations that are shortened.
    pub count: Option<String>,
    /// `any`: a history may be rewritten.
    pub prefix: Option<String>,
    /// Kills a process in the middle of what is sent to it.
    pub kill: Option<Kill>,
}

/// When to kill which process.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kill {
    /// A file with the number of the process.
    pub pid: String,
    /// The event of all streams after which it is killed, from 1.
    pub after: usize,
}

/// Turns for the conversations whose first user message contains a text.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Conversation {
    /// The text.
    #[serde(rename = "match")]
    pub matching: String,
    /// The turns.
    pub turns: Vec<Turn>,
}

/// One reply.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Turn {
    /// Text.
    pub say: String,
    /// Reasoning.
    pub reason: String,
    /// Tool calls.
    pub calls: Vec<Call>,
    /// Characters per event.
    pub pieces: Option<usize>,
    /// Milliseconds before the first byte.
    pub delay_ms: u64,
    /// Milliseconds before each event.
    pub piece_delay_ms: u64,
    /// A file to create when the request has arrived.
    pub signal: Option<String>,
    /// A file to wait for before the reply.
    pub wait_for: Option<String>,
    /// A file to wait for in the middle of the reply.
    pub wait_for_mid: Option<String>,
    /// What the request must hold.
    #[serde(rename = "match")]
    pub matching: Match,
    /// What goes wrong.
    pub fault: Option<String>,
    /// How often it does; -1 is for ever.
    pub times: Option<i64>,
    /// The `Retry-After` header.
    pub retry_after: Option<String>,
    /// The event after which a fault in mid-stream strikes.
    pub cut_after: Option<usize>,
}

/// What a request must hold.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Match {
    /// In the system text.
    pub system: Option<String>,
    /// In the last user message.
    pub user: Option<String>,
    /// In the last tool output.
    pub tool: Option<String>,
    /// Nowhere.
    pub lacks: Option<String>,
}

/// One tool call.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Call {
    /// The tool.
    pub name: String,
    /// JSON arguments.
    pub arguments: Option<Value>,
    /// Argument text as it is.
    pub raw: Option<String>,
    /// The text of a free-text tool.
    pub input: Option<String>,
    /// The call's id.
    pub id: Option<String>,
}

impl Scenario {
    /// The number of the last turn that wants what is in this output; the first where there is none.
    pub fn turn_after(&self, output: &str) -> usize {
        let wants =
            |turn: &Turn| turn.matching.tool.as_ref().is_some_and(|wanted| output.contains(wanted.as_str()));
        self.turns.iter().rposition(wants).unwrap_or(0)
    }

    /// The turn for a conversation with this first message at this number of replies.
    pub fn turn(&self, first: &str, number: usize, has_tools: bool) -> Turn {
        if let Some(side) = self.side.as_ref().filter(|_| !has_tools) {
            return Turn { say: side.clone(), ..Turn::default() };
        }
        let own = self.conversations.iter().find(|own| first.contains(&own.matching));
        let turns = own.map_or(&self.turns, |own| &own.turns);
        turns.get(number).cloned().unwrap_or_else(|| Turn {
            say: self.last.clone().unwrap_or_else(|| "Done.".into()),
            ..Turn::default()
        })
    }
}
