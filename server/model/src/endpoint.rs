//! Where a model is and how it is spoken to: kind of API, address, key, limits of time.
//!
//! Decides the defaults: addresses and key variables per kind, first-byte and idle limits of 20 s, six attempts
//! within 60 s.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::aws::AwsCredentials;
use crate::capability::{self, Capabilities};

/// The API that an endpoint speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// OpenAI Responses, stateless.
    #[serde(rename = "openai-responses")]
    OpenAiResponses,
    /// OpenAI Chat Completions, and the many servers compatible with it.
    #[serde(rename = "openai-chat")]
    OpenAiChat,
    /// Anthropic Messages.
    Anthropic,
    /// Google Gemini.
    Gemini,
    /// Amazon Bedrock: its own Converse API, or the compatible endpoints where the base URL names one.
    Bedrock,
    /// A recording; `Endpoint::model` names the file.
    Replay,
}

impl Kind {
    /// Every kind, in the order in which they are shown.
    pub const ALL: [Kind; 6] =
        [Kind::OpenAiResponses, Kind::OpenAiChat, Kind::Anthropic, Kind::Gemini, Kind::Bedrock, Kind::Replay];

    /// The name used in configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::OpenAiResponses => "openai-responses",
            Kind::OpenAiChat => "openai-chat",
            Kind::Anthropic => "anthropic",
            Kind::Gemini => "gemini",
            Kind::Bedrock => "bedrock",
            Kind::Replay => "replay",
        }
    }

    /// The vendor's own address; empty where there is none that fits everybody.
    pub fn default_base_url(self) -> &'static str {
        match self {
            Kind::OpenAiResponses | Kind::OpenAiChat => "https://api.openai.com/v1",
            Kind::Anthropic => "https://api.anthropic.com/v1",
            Kind::Gemini => "https://generativelanguage.googleapis.com/v1beta",
            Kind::Bedrock | Kind::Replay => "",
        }
    }

    /// The environment variable that usually holds the key.
    pub fn default_key_variable(self) -> Option<&'static str> {
        match self {
            Kind::OpenAiResponses | Kind::OpenAiChat => Some("OPENAI_API_KEY"),
            Kind::Anthropic => Some("ANTHROPIC_API_KEY"),
            Kind::Gemini => Some("GEMINI_API_KEY"),
            Kind::Bedrock => Some("AWS_BEARER_TOKEN_BEDROCK"),
            Kind::Replay => None,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A kind of provider that is not known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "unknown provider kind \"{0}\": it is one of openai-responses, openai-chat, anthropic, gemini, bedrock, replay"
)]
pub struct UnknownKind(pub String);

impl FromStr for Kind {
    type Err = UnknownKind;

    fn from_str(name: &str) -> Result<Kind, UnknownKind> {
        Kind::ALL.into_iter().find(|kind| kind.as_str() == name).ok_or_else(|| UnknownKind(name.to_owned()))
    }
}

/// A key. It is never shown: `Debug` prints stars, and there is no `Display` and no serialisation.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a key; white space around it (a newline from a file) is taken off.
    pub fn new(key: impl Into<String>) -> Secret {
        Secret(key.into().trim().to_owned())
    }

    /// The key itself, for a request header and for taking it out of texts.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}

/// Limits of time of one endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// For reaching the server, TLS included.
    pub connect: Duration,
    /// From the request's sending to the first byte of the reply's body.
    pub first_byte: Duration,
    /// Between two bytes of a reply.
    pub idle: Duration,
    /// For all that faults cost in one exchange: waits before further attempts and silent streams.
    pub total_retry: Duration,
}

impl Default for Timeouts {
    fn default() -> Timeouts {
        Timeouts {
            connect: Duration::from_secs(10),
            first_byte: Duration::from_secs(20),
            idle: Duration::from_secs(20),
            total_retry: Duration::from_secs(60),
        }
    }
}

/// A model at an address.
#[derive(Clone)]
pub struct Endpoint {
    /// The API spoken there.
    pub kind: Kind,
    /// The provider's name in the configuration, for messages.
    pub provider: String,
    /// Address with the API's version (`https://host/v1`); a bare host gets the usual version added.
    pub base_url: String,
    /// The key, if one is needed.
    pub key: Option<Secret>,
    /// The environment variable that the key came, or should come, from.
    pub key_variable: Option<String>,
    /// What requests to AWS are signed with, where there is no key.
    pub aws: Option<AwsCredentials>,
    /// The model's name at the provider; for [`Kind::Replay`] the recording's file.
    pub model: String,
    /// Limits of time.
    pub timeouts: Timeouts,
    /// Attempts in all for one exchange.
    pub max_attempts: u32,
    /// Requests of this process that may be under way at its account at once.
    pub max_concurrent: usize,
    /// Output limit in tokens where the request gives none.
    pub max_output: Option<u32>,
    /// The service tier to ask for where the API has any (`flex`, `priority`).
    pub service_tier: Option<String>,
    /// Headers to add to every request.
    pub headers: Vec<(String, String)>,
    /// What is known of the model, where the person said so; otherwise the built-in table holds.
    pub known: Option<Capabilities>,
}

impl Endpoint {
    /// `provider/model`.
    pub fn name(&self) -> String {
        format!("{}/{}", self.provider, self.model)
    }

    /// What is known of the model: what the person said, or the built-in table.
    pub fn capabilities(&self) -> Capabilities {
        self.known.clone().unwrap_or_else(|| capability::lookup(&self.model))
    }

    /// Something is there that proves who asks.
    pub fn has_key(&self) -> bool {
        self.key.is_some() || self.aws.is_some()
    }

    /// An endpoint with the kind's usual address and key variable, no key, and the default limits.
    pub fn new(kind: Kind, model: impl Into<String>) -> Endpoint {
        Endpoint {
            kind,
            provider: kind.as_str().to_owned(),
            base_url: kind.default_base_url().to_owned(),
            key: None,
            aws: None,
            key_variable: kind.default_key_variable().map(str::to_owned),
            model: model.into(),
            timeouts: Timeouts::default(),
            max_attempts: 6,
            max_concurrent: 8,
            max_output: None,
            service_tier: None,
            headers: Vec::new(),
            known: None,
        }
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Header values may hold credentials: only their names are shown.
        let headers: Vec<&str> = self.headers.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("Endpoint")
            .field("kind", &self.kind)
            .field("provider", &self.provider)
            .field("base_url", &self.base_url)
            .field("key", &self.key)
            .field("key_variable", &self.key_variable)
            .field("aws", &self.aws)
            .field("model", &self.model)
            .field("timeouts", &self.timeouts)
            .field("max_attempts", &self.max_attempts)
            .field("max_concurrent", &self.max_concurrent)
            .field("max_output", &self.max_output)
            .field("headers", &headers)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_have_the_names_of_the_configuration() {
        for kind in Kind::ALL {
            assert_eq!(kind.as_str().parse(), Ok(kind));
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        }
        assert!("openai".parse::<Kind>().unwrap_err().to_string().contains("openai-chat"));
    }

    #[test]
    fn keys_are_never_shown() {
        let mut endpoint = Endpoint::new(Kind::OpenAiChat, "m");
        endpoint.key = Some(Secret::new("sk-very-secret\n"));
        endpoint.headers.push(("x-token".into(), "also-secret".into()));
        let shown = format!("{endpoint:?}");
        assert!(!shown.contains("secret\""), "{shown}");
        assert!(!shown.contains("very-secret") && !shown.contains("also-secret"), "{shown}");
        assert_eq!(endpoint.key.unwrap().expose(), "sk-very-secret");
    }
}
