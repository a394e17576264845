//! What can go wrong between us and a model, in words for a person.
//!
//! Decides which faults pass by themselves ([`ModelError::is_transient`]) and what each tells: what happened, the
//! provider's last message word for word, what to do next.

use std::time::Duration;

use crate::exchange::Usage;

/// Why there is no reply.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ModelError {
    /// The key is missing, wrong, or not allowed to do this (401, 403).
    #[error("{provider} refused the key (HTTP {status}): {message}\n{}", key_advice(key_variable.as_deref(), *has_key))]
    Unauthorized {
        /// The provider's name.
        provider: String,
        /// HTTP status.
        status: u16,
        /// The variable that holds the key.
        key_variable: Option<String>,
        /// A key was sent.
        has_key: bool,
        /// The provider's message.
        message: String,
    },
    /// The account has no money or quota left (402, `insufficient_quota`).
    #[error(
        "{provider} wants payment: {message}\nCheck the account's balance and limits, or choose another model."
    )]
    Payment {
        /// The provider's name.
        provider: String,
        /// The provider's message.
        message: String,
    },
    /// Too many requests (429).
    #[error("{provider} limits the rate: {message}\n{}", wait_advice(*retry_after))]
    RateLimited {
        /// The provider's name.
        provider: String,
        /// The provider's message.
        message: String,
        /// How long the provider asks to wait.
        retry_after: Option<Duration>,
    },
    /// The provider cannot answer now (500, 503, 529, an error in mid-stream).
    #[error("{provider} cannot answer now ({what}): {message}\nTry again later, or choose another model.")]
    Overloaded {
        /// The provider's name.
        provider: String,
        /// HTTP status or the error's type.
        what: String,
        /// The provider's message.
        message: String,
        /// How long the provider asks to wait.
        retry_after: Option<Duration>,
    },
    /// The server is there, but still loads its model (503).
    #[error(
        "the server at {address} is still loading its model: {message}\nWait until it is ready and try again."
    )]
    Loading {
        /// Where it is.
        address: String,
        /// The server's message.
        message: String,
    },
    /// The request is larger than the model's window.
    #[error(
        "the conversation is too long for {model}: {message}\nCompact it, or choose a model with a larger window."
    )]
    ContextOverflow {
        /// The model.
        model: String,
        /// The provider's message.
        message: String,
    },
    /// No such model, or no such address (404).
    #[error(
        "{address} knows nothing of model \"{model}\" (HTTP 404): {message}\nCheck the model's name and the base URL."
    )]
    NotFound {
        /// What was asked.
        address: String,
        /// The model.
        model: String,
        /// The provider's message.
        message: String,
    },
    /// The model declined, or the provider's filter stopped the reply.
    #[error("{model} gave no answer ({reason}): {message}\nReword the request, or choose another model.")]
    Refused {
        /// The model.
        model: String,
        /// The provider's word: `content_filter`, `refusal`, `SAFETY`, …
        reason: String,
        /// What the model said before or instead.
        message: String,
        /// What it cost all the same.
        usage: Usage,
    },
    /// A reply without text and without calls.
    #[error("{model} replied with nothing\nTry again, or choose another model.")]
    EmptyReply {
        /// The model.
        model: String,
        /// What it cost all the same.
        usage: Usage,
    },
    /// What came is not what the API promises.
    #[error(
        "the reply of {address} makes no sense: {what}{}\nCheck that the base URL points at the API and no proxy answers instead.",
        sample_line(sample)
    )]
    Malformed {
        /// Where it came from.
        address: String,
        /// What is wrong with it.
        what: String,
        /// Its beginning.
        sample: String,
    },
    /// The stream ended before the reply did.
    #[error(
        "the reply of {address} was cut after {received} bytes: {message}\nTry again; if it stays so, check the connection and proxies between."
    )]
    Cut {
        /// Where it came from.
        address: String,
        /// Bytes received.
        received: u64,
        /// What was seen.
        message: String,
    },
    /// The reply did not stop.
    #[error(
        "the reply of {model} was cut off by us: more than {limit} bytes\nTry again, or choose another model."
    )]
    Runaway {
        /// The model.
        model: String,
        /// The limit in bytes.
        limit: u64,
    },
    /// Nothing came in time.
    #[error("{address} was silent for {} ({what})\nTry again; if the server is slow, raise {setting} of its provider in the configuration.", seconds(*after))]
    Timeout {
        /// Where.
        address: String,
        /// What was waited for.
        what: &'static str,
        /// The setting that says how long silence is waited for.
        setting: &'static str,
        /// How long.
        after: Duration,
    },
    /// The server could not be reached, or the connection broke.
    #[error("no connection to {address}: {message}\n{advice}")]
    Network {
        /// Where.
        address: String,
        /// What was seen.
        message: String,
        /// What to do.
        advice: &'static str,
        /// Whether another attempt makes sense.
        transient: bool,
    },
    /// The person, or the task, cancelled.
    #[error("cancelled")]
    Cancelled,
    /// Another refusal of the provider's.
    #[error("{provider} refused the request (HTTP {status}): {message}")]
    Http {
        /// The provider's name.
        provider: String,
        /// HTTP status.
        status: u16,
        /// The provider's message.
        message: String,
    },
    /// A recording cannot be replayed.
    #[error("recording {file}: {message}")]
    Replay {
        /// The recording.
        file: String,
        /// What is wrong.
        message: String,
    },
    /// The endpoint's configuration cannot work.
    #[error("provider {provider}: {message}")]
    Configuration {
        /// The provider's name.
        provider: String,
        /// What is wrong and how to mend it.
        message: String,
    },
    /// Every attempt failed.
    #[error("{last}\n(gave up after {attempts} attempts in {})", seconds(*after))]
    GaveUp {
        /// Attempts made.
        attempts: u32,
        /// Time spent.
        after: Duration,
        /// What went wrong the last time.
        last: Box<ModelError>,
    },
}

impl ModelError {
    /// Another attempt may go well.
    pub fn is_transient(&self) -> bool {
        match self {
            ModelError::RateLimited { .. }
            | ModelError::Overloaded { .. }
            | ModelError::Loading { .. }
            | ModelError::EmptyReply { .. }
            | ModelError::Malformed { .. }
            | ModelError::Cut { .. }
            | ModelError::Runaway { .. }
            | ModelError::Timeout { .. } => true,
            ModelError::Network { transient, .. } => *transient,
            ModelError::GaveUp { last, .. } => last.is_transient(),
            ModelError::Unauthorized { .. }
            | ModelError::Payment { .. }
            | ModelError::ContextOverflow { .. }
            | ModelError::NotFound { .. }
            | ModelError::Refused { .. }
            | ModelError::Cancelled
            | ModelError::Http { .. }
            | ModelError::Replay { .. }
            | ModelError::Configuration { .. } => false,
        }
    }

    /// Another model may do better: this one cannot be reached or is overloaded, or it refuses for want of rights,
    /// money or capability. What was asked is not at fault.
    pub fn calls_for_another(&self) -> bool {
        match self.root() {
            ModelError::Unauthorized { .. }
            | ModelError::Payment { .. }
            | ModelError::NotFound { .. }
            | ModelError::Configuration { .. }
            | ModelError::Network { .. } => true,
            ModelError::Http { message, .. } => {
                let message = message.to_lowercase();
                ["not support", "unsupported", "does not exist", "not available", "deprecated"]
                    .iter()
                    .any(|word| message.contains(word))
            }
            other => other.is_transient(),
        }
    }

    /// The reply had begun, and something between us broke it off.
    pub(crate) fn breaks_off(&self) -> bool {
        matches!(
            self,
            ModelError::Cut { .. }
                | ModelError::Timeout { .. }
                | ModelError::Overloaded { .. }
                | ModelError::RateLimited { .. }
        )
    }

    /// The fault itself, without the account of attempts.
    pub fn root(&self) -> &ModelError {
        match self {
            ModelError::GaveUp { last, .. } => last.root(),
            other => other,
        }
    }

    /// How long the provider asks to wait.
    pub fn retry_after(&self) -> Option<Duration> {
        match self.root() {
            ModelError::RateLimited { retry_after, .. } | ModelError::Overloaded { retry_after, .. } => {
                *retry_after
            }
            _ => None,
        }
    }

    /// What happened, in one line, without advice.
    pub fn headline(&self) -> String {
        self.root().to_string().lines().next().unwrap_or_default().to_owned()
    }

    /// A short word for logs and the journal.
    pub fn code(&self) -> &'static str {
        match self {
            ModelError::Unauthorized { .. } => "unauthorized",
            ModelError::Payment { .. } => "payment",
            ModelError::RateLimited { .. } => "rate_limited",
            ModelError::Overloaded { .. } => "overloaded",
            ModelError::Loading { .. } => "loading",
            ModelError::ContextOverflow { .. } => "context_overflow",
            ModelError::NotFound { .. } => "not_found",
            ModelError::Refused { .. } => "refused",
            ModelError::EmptyReply { .. } => "empty_reply",
            ModelError::Malformed { .. } => "malformed",
            ModelError::Cut { .. } => "cut",
            ModelError::Runaway { .. } => "runaway",
            ModelError::Timeout { .. } => "timeout",
            ModelError::Network { .. } => "network",
            ModelError::Cancelled => "cancelled",
            ModelError::Http { .. } => "http",
            ModelError::Replay { .. } => "replay",
            ModelError::Configuration { .. } => "configuration",
            ModelError::GaveUp { last, .. } => last.code(),
        }
    }
}

fn key_advice(variable: Option<&str>, has_key: bool) -> String {
    match (variable, has_key) {
        (Some(variable), true) => {
            format!("Check the key in {variable}: it may be wrong, expired, or lack the right to this model.")
        }
        (Some(variable), false) => format!("Set {variable} to your key and start again."),
        (None, true) => "Check the key of this provider.".to_owned(),
        (None, false) => {
            "Name the variable with the key in this provider's configuration, and set it.".to_owned()
        }
    }
}

fn wait_advice(retry_after: Option<Duration>) -> String {
    match retry_after {
        Some(wait) => format!("It asks to wait {}; try again then, or choose another model.", seconds(wait)),
        None => "Try again later, or choose another model.".to_owned(),
    }
}

fn sample_line(sample: &str) -> String {
    if sample.is_empty() { String::new() } else { format!("\nIt begins: {sample}") }
}

fn seconds(duration: Duration) -> String {
    if duration < Duration::from_secs(10) {
        format!("{:.1} s", duration.as_secs_f64())
    } else {
        format!("{} s", duration.as_secs())
    }
}
