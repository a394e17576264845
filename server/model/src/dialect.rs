//! What an adapter is: how one API is asked, and how its answer is put together.
//!
//! Adding a provider is one file that implements [`Dialect`] and one line in [`dialect`].

use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::Value;

use crate::body::Entries;
use crate::conversation::Part;
use crate::draft::{Draft, Form};
use crate::endpoint::{Endpoint, Kind};
use crate::error::ModelError;
use crate::exchange::{Reply, Request, StreamEvent};
use crate::json::Object;
use crate::{anthropic, chat, converse, gemini, responses, sse};

/// One API.
pub(crate) trait Dialect: Form + Sync {
    /// Where requests go.
    fn url(&self, endpoint: &Endpoint) -> String;

    /// The headers that carry the key and the API's version.
    fn headers(&self, endpoint: &Endpoint) -> Vec<(&'static str, String)>;

    /// The request's body up to the conversation.
    fn head(&self, asked: &Asked) -> Object;

    /// The field that holds the conversation.
    fn list(&self) -> &'static str;

    /// The conversation's first entry, where the system text is one.
    fn lead(&self, _asked: &Asked) -> Option<String> {
        None
    }

    /// Our last two parts carry cache marks.
    fn marks(&self, _asked: &Asked) -> bool {
        false
    }

    /// The entries of one part; with a cache mark at its end where `mark` says so.
    fn part(&self, asked: &Asked, part: &Part, mark: bool, to: &mut Entries);

    /// The whole body, with nothing kept of earlier ones.
    #[cfg(test)]
    fn body(&self, asked: &Asked) -> String
    where
        Self: Sized,
    {
        crate::body::render(self, asked, &mut crate::body::Kept::default())
    }

    /// What puts the answer together.
    fn assembler(&self) -> Box<dyn Assembler>;
}

/// Puts one answer together from its events.
pub(crate) trait Assembler: Send {
    /// Takes the next event.
    fn event(&mut self, event: &sse::Event, tell: &mut dyn FnMut(StreamEvent)) -> Result<Progress, Fault>;

    /// Takes the whole answer of a server that does not stream.
    fn whole(&mut self, body: &Value, text: &str, tell: &mut dyn FnMut(StreamEvent)) -> Result<(), Fault>;

    /// The answer said that it is complete.
    fn is_complete(&self) -> bool;

    /// The answer.
    fn draft(self: Box<Self>) -> Draft;

    /// What is complete of an answer that broke off; none where nothing can be told to be complete.
    fn salvage(self: Box<Self>) -> Option<Draft>;
}

/// How far an answer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    /// More is to come.
    More,
    /// Nothing more is to come.
    Last,
}

/// What makes an answer worthless.
#[derive(Debug)]
pub(crate) enum Fault {
    /// It is not what the API promises.
    Malformed(String),
    /// The provider reports an error in it.
    Provider(Value),
}

impl From<serde_json::Error> for Fault {
    fn from(error: serde_json::Error) -> Fault {
        Fault::Malformed(format!("an event is no valid JSON ({error})"))
    }
}

/// A request on its way to an endpoint.
pub(crate) struct Asked<'a> {
    /// Where it goes.
    pub endpoint: &'a Endpoint,
    /// What is asked.
    pub request: &'a Request,
    /// What this server has shown not to take.
    pub refused: &'a Refused,
    /// Whose form raw items must have to be sent back.
    pub origin: &'a str,
}

impl Asked<'_> {
    /// The output limit, if one is given.
    pub fn max_output(&self) -> Option<u32> {
        self.request.max_output.or(self.endpoint.max_output)
    }

    /// The reasoning effort, if one is given and the server takes it; the nearest that the model takes.
    pub fn effort(&self) -> Option<&str> {
        let effort = self.request.effort.as_deref().filter(|_| !self.refused.has(Optional::Effort))?;
        Some(self.endpoint.capabilities().effort(effort))
    }

    /// The cache key, if one is given and the server takes it.
    pub fn cache_key(&self) -> Option<&str> {
        self.request.cache_key.as_deref().filter(|_| !self.refused.has(Optional::CacheKey))
    }

    /// The reply's items may go back as they came.
    pub fn takes_raw(&self, reply: &Reply) -> bool {
        !reply.raw.is_empty() && reply.origin == self.origin
    }
}

/// Parts of a request that some servers refuse, and that it can do without.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum Optional {
    /// `max_completion_tokens`; older servers know `max_tokens` only.
    CompletionLimit = 1,
    /// `reasoning_effort`, `reasoning.effort`, `output_config`.
    Effort = 2,
    /// `prompt_cache_key`.
    CacheKey = 4,
    /// `stream_options`.
    StreamOptions = 8,
    /// `reasoning.encrypted_content` among what is included.
    EncryptedReasoning = 16,
    /// `reasoning.summary`.
    ReasoningSummary = 32,
    /// Cache points of Bedrock's.
    CachePoints = 64,
}

/// What a server has refused so far.
#[derive(Debug, Default)]
pub(crate) struct Refused(AtomicU32);

impl Refused {
    /// It refuses this.
    pub fn has(&self, part: Optional) -> bool {
        self.0.load(Ordering::Relaxed) & part as u32 != 0
    }

    /// Learns from a refusal; true if the same request without that part is worth an attempt.
    pub fn learn(&self, error: &ModelError) -> bool {
        let ModelError::Http { status: 400 | 422, message, .. } = error else { return false };
        let message = message.to_lowercase();
        let table = [
            ("max_completion_tokens", Optional::CompletionLimit),
            ("reasoning summar", Optional::ReasoningSummary),
            ("reasoning.summary", Optional::ReasoningSummary),
            ("encrypted_content", Optional::EncryptedReasoning),
            ("encrypted content", Optional::EncryptedReasoning),
            ("reasoning_effort", Optional::Effort),
            ("reasoning.effort", Optional::Effort),
            ("output_config", Optional::Effort),
            ("cachepoint", Optional::CachePoints),
            ("prompt caching", Optional::CachePoints),
            ("thinking", Optional::Effort),
            ("prompt_cache_key", Optional::CacheKey),
            ("stream_options", Optional::StreamOptions),
        ];
        let Some((_, part)) = table.into_iter().find(|(word, _)| message.contains(word)) else {
            return false;
        };
        let before = self.0.fetch_or(part as u32, Ordering::Relaxed);
        before & part as u32 == 0
    }
}

/// The adapter of a kind; [`Kind::Replay`] needs none.
pub(crate) fn dialect(endpoint: &Endpoint) -> Result<Option<&'static dyn Dialect>, ModelError> {
    Ok(Some(match endpoint.kind {
        Kind::OpenAiChat => &chat::Chat,
        Kind::OpenAiResponses => &responses::Responses,
        Kind::Anthropic => &anthropic::Messages,
        Kind::Gemini => &gemini::Gemini,
        Kind::Bedrock => bedrock(endpoint)?,
        Kind::Replay => return Ok(None),
    }))
}

/// Bedrock's APIs, told apart by the path of the base URL: its own, or the compatible endpoints.
fn bedrock(endpoint: &Endpoint) -> Result<&'static dyn Dialect, ModelError> {
    let url = endpoint.base_url.trim_end_matches('/');
    let trouble = |message: &str| ModelError::Configuration {
        provider: endpoint.provider.clone(),
        message: message.into(),
    };
    if url.is_empty() {
        return Err(trouble(
            "no region is known. Set AWS_REGION (such as eu-central-1), or the provider's base URL.",
        ));
    }
    if endpoint.key.is_none() && endpoint.aws.is_none() {
        return Err(trouble(
            "there are no credentials. Set AWS_BEARER_TOKEN_BEDROCK to a Bedrock API key, or AWS_ACCESS_KEY_ID and \
             AWS_SECRET_ACCESS_KEY, or name a profile of ~/.aws/credentials in AWS_PROFILE.",
        ));
    }
    if endpoint.key.is_none() && url.contains("bedrock-mantle.") {
        return Err(trouble(
            "this address takes API keys only. Set AWS_BEARER_TOKEN_BEDROCK, or use \
             https://bedrock-runtime.REGION.amazonaws.com.",
        ));
    }
    Ok(if url.ends_with("/anthropic/v1") {
        &anthropic::Messages
    } else if url.ends_with("/v1") {
        &responses::Responses
    } else {
        &converse::Converse
    })
}

/// `base` with `path` after it. A bare host gets `version` between; a base that already ends with the path stays;
/// a query (`?api-version=…`) stays at the end.
pub(crate) fn join(base: &str, version: &str, path: &str) -> String {
    let (address, query) = match base.split_once('?') {
        Some((address, query)) => (address, format!("?{query}")),
        None => (base, String::new()),
    };
    let address = address.trim_end_matches('/');
    if address.ends_with(path) {
        return format!("{address}{query}");
    }
    let after_scheme = address.split_once("://").map_or(address, |(_, rest)| rest);
    if after_scheme.contains('/') {
        format!("{address}{path}{query}")
    } else {
        format!("{address}{version}{path}{query}")
    }
}

/// The header of an OpenAI-like key.
pub(crate) fn bearer(endpoint: &Endpoint) -> Vec<(&'static str, String)> {
    let azure = endpoint.base_url.contains(".openai.azure.com");
    endpoint
        .key
        .iter()
        .map(|key| {
            let key = key.expose();
            if azure { ("api-key", key.to_owned()) } else { ("authorization", format!("Bearer {key}")) }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoint::Secret;

    #[test]
    fn addresses_are_joined_as_people_write_them() {
        for (base, want) in [
            ("http://h:1", "http://h:1/v1/chat"),
            ("http://h:1/", "http://h:1/v1/chat"),
            ("http://h/v1", "http://h/v1/chat"),
            ("http://h/api/paas/v4/", "http://h/api/paas/v4/chat"),
            ("http://h/v1/chat", "http://h/v1/chat"),
            (
                "https://h/openai/deployments/x?api-version=1",
                "https://h/openai/deployments/x/chat?api-version=1",
            ),
        ] {
            assert_eq!(join(base, "/v1", "/chat"), want);
        }
    }

    #[test]
    fn a_server_is_asked_without_what_it_refused_once() {
        let refused = Refused::default();
        let error = |status, message: &str| ModelError::Http {
            provider: "p".into(),
            status,
            message: message.into(),
        };
        assert!(refused.learn(&error(400, "Unsupported parameter: 'max_completion_tokens'")));
        assert!(!refused.learn(&error(400, "Unsupported parameter: 'max_completion_tokens'")));
        assert!(refused.has(Optional::CompletionLimit) && !refused.has(Optional::Effort));
        assert!(
            !refused.learn(&error(400, "something else")) && !refused.learn(&error(418, "stream_options"))
        );
    }

    #[test]
    fn bedrock_says_what_it_needs() {
        let mut endpoint = Endpoint::new(Kind::Bedrock, "m");
        let said =
            |endpoint: &Endpoint| dialect(endpoint).err().map(|error| error.to_string()).unwrap_or_default();
        assert!(said(&endpoint).contains("AWS_REGION"));
        endpoint.base_url = "https://bedrock-mantle.eu-central-1.api.aws/v1".into();
        assert!(said(&endpoint).contains("AWS_BEARER_TOKEN_BEDROCK"));
        endpoint.aws = Some(crate::AwsCredentials {
            access_key: "a".into(),
            secret_key: Secret::new("s"),
            session_token: None,
            region: "eu-central-1".into(),
        });
        assert!(said(&endpoint).contains("API keys only"));
        for base in ["", "/openai/v1"] {
            endpoint.base_url = format!("https://bedrock-runtime.eu-central-1.amazonaws.com{base}");
            assert_eq!(said(&endpoint), "");
        }
    }
}
