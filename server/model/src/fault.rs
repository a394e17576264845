//! What a provider's refusal means.
//!
//! Decides, from the HTTP status, the error body of whichever form and the error inside a stream, which
//! [`ModelError`] it is. The provider's message stays word for word, but for the key.

use std::time::{Duration, SystemTime};

use reqwest::header::HeaderMap;
use serde_json::Value;

use crate::endpoint::Endpoint;
use crate::error::ModelError;
use crate::retry;

/// The error of a reply with an error status. `url` is where it came from.
pub(crate) fn from_status(
    endpoint: &Endpoint,
    url: &str,
    status: u16,
    headers: &HeaderMap,
    body: &str,
) -> ModelError {
    let mut told = Told::of(endpoint, body);
    // AWS names the error in a header, with an address behind a colon.
    if let Some(kind) = headers.get("x-amzn-errortype").and_then(|value| value.to_str().ok()) {
        told.words.push_str(&kind.to_lowercase());
    }
    let retry_after = retry::asked_wait(headers, SystemTime::now()).or(told.wait);
    let final_word = headers.get("x-should-retry").is_some_and(|value| value == "false");
    let error = judge(endpoint, url, status, told, retry_after);
    match error {
        ModelError::RateLimited { message, .. } | ModelError::Overloaded { message, .. } if final_word => {
            ModelError::Http { provider: endpoint.provider.clone(), status, message }
        }
        error => error,
    }
}

/// The error inside a stream or inside a reply with status 200.
pub(crate) fn from_stream(endpoint: &Endpoint, url: &str, error: &Value) -> ModelError {
    let told = Told::of_value(endpoint, error);
    let retry_after = told.wait;
    let status = told.status.unwrap_or_else(|| status_of(&told.words));
    judge(endpoint, url, status, told, retry_after)
}

fn judge(
    endpoint: &Endpoint,
    url: &str,
    status: u16,
    told: Told,
    retry_after: Option<Duration>,
) -> ModelError {
    let provider = endpoint.provider.clone();
    let Told { message, words, .. } = told;
    let says = |needles: &[&str]| needles.iter().any(|needle| words.contains(needle));
    if matches!(status, 400 | 413 | 422 | 500) && says(OVERFLOW) || status == 413 {
        return ModelError::ContextOverflow { model: endpoint.model.clone(), message };
    }
    if status == 402 || says(&["insufficient_quota", "billing_not_active", "credit balance is too low"]) {
        return ModelError::Payment { provider, message };
    }
    if matches!(status, 400 | 403) && says(&["content_filter", "content_policy_violation", "responsible_ai"])
    {
        let reason = "content_filter".into();
        return ModelError::Refused {
            model: endpoint.model.clone(),
            reason,
            message,
            usage: Default::default(),
        };
    }
    if matches!(status, 400 | 429) && says(&["servicequotaexceeded", "throttlingexception"]) {
        return ModelError::RateLimited { provider, message, retry_after };
    }
    if says(&["modelnotready"]) {
        return ModelError::Loading { address: url.to_owned(), message };
    }
    match status {
        401 | 403 => ModelError::Unauthorized {
            provider,
            status,
            key_variable: endpoint.key_variable.clone(),
            has_key: endpoint.has_key(),
            message,
        },
        404 => ModelError::NotFound { address: url.to_owned(), model: endpoint.model.clone(), message },
        429 => ModelError::RateLimited { provider, message, retry_after },
        503 if says(&["loading model", "model is loading", "is currently loading"]) => {
            ModelError::Loading { address: url.to_owned(), message }
        }
        408 | 409 | 424 | 425 | 500..=599 => {
            let what = format!("HTTP {status}");
            ModelError::Overloaded { provider, what, message, retry_after }
        }
        // Gemini says so of a wrong key, with status 400.
        400 if says(&["api_key_invalid", "api key not valid"]) => ModelError::Unauthorized {
            provider,
            status,
            key_variable: endpoint.key_variable.clone(),
            has_key: endpoint.has_key(),
            message,
        },
        _ => ModelError::Http { provider, status, message },
    }
}

const OVERFLOW: &[&str] = &[
    "context_length_exceeded",
    "exceed_context_size",
    "maximum context length",
    "prompt is too long",
    "exceeds the context window",
    "context window of",
    "exceeds the maximum number of tokens",
    "input is too long",
    "too many tokens in the prompt",
    "request_too_large",
];

/// The status that an error's words stand for, where a stream gives no number.
fn status_of(words: &str) -> u16 {
    let table: [(&str, u16); 14] = [
        ("rate_limit", 429),
        ("resource_exhausted", 429),
        ("too_many_requests", 429),
        ("authentication_error", 401),
        ("permission_error", 403),
        ("context_length_exceeded", 400),
        ("invalid_request", 400),
        ("invalid_prompt", 400),
        ("content_filter", 400),
        ("overloaded", 529),
        ("validationexception", 400),
        ("accessdenied", 403),
        ("expiredtoken", 403),
        ("throttlingexception", 429),
    ];
    table.iter().find(|(word, _)| words.contains(word)).map_or(500, |(_, status)| *status)
}

/// What an error body says.
struct Told {
    /// The message, word for word.
    message: String,
    /// Everything said, in lower case, to look for known words.
    words: String,
    /// A wait named in the body.
    wait: Option<Duration>,
    /// A status named in the body.
    status: Option<u16>,
}

impl Told {
    fn of(endpoint: &Endpoint, body: &str) -> Told {
        match serde_json::from_str::<Value>(body) {
            Ok(value) => Told::of_value(endpoint, &value),
            Err(_) => {
                let message = without_key(endpoint, plain(body));
                Told { words: message.to_lowercase(), message, wait: None, status: None }
            }
        }
    }

    fn of_value(endpoint: &Endpoint, value: &Value) -> Told {
        let value = value.as_array().and_then(|list| list.first()).unwrap_or(value);
        let error = value.get("error").filter(|error| !error.is_null()).unwrap_or(value);
        let message = error
            .as_str()
            .or_else(|| {
                ["message", "detail", "msg", "Message"].iter().find_map(|name| error.get(name)?.as_str())
            })
            .or_else(|| ["message", "detail"].iter().find_map(|name| value.get(name)?.as_str()))
            .map_or_else(|| value.to_string(), str::to_owned);
        let number = |name: &str| {
            let field = error.get(name)?;
            let number = field.as_u64().or_else(|| field.as_str()?.parse().ok())?;
            u16::try_from(number).ok().filter(|status| (400..600).contains(status))
        };
        Told {
            message: without_key(endpoint, shortened(&message, 2000)),
            words: value.to_string().to_lowercase(),
            wait: retry_delay(error),
            status: number("code").or_else(|| number("status")),
        }
    }
}

/// `google.rpc.RetryInfo` of Gemini's errors.
fn retry_delay(error: &Value) -> Option<Duration> {
    let details = error.get("details")?.as_array()?;
    details.iter().find_map(|detail| retry::duration(detail.get("retryDelay")?.as_str()?))
}

/// A page or a text as one short line.
fn plain(body: &str) -> String {
    let text = body.trim();
    if text.is_empty() {
        return "(no message)".into();
    }
    if !text.starts_with('<') {
        return shortened(text, 500);
    }
    let mut words = String::new();
    let mut inside = false;
    for c in text.chars() {
        match c {
            '<' => inside = true,
            '>' => {
                inside = false;
                words.push(' ');
            }
            c if !inside => words.push(c),
            _ => {}
        }
    }
    let words: Vec<&str> = words.split_whitespace().collect();
    shortened(&format!("a web page: {}", words.join(" ")), 300)
}

/// The beginning of a text, at most `limit` bytes of it.
pub(crate) fn shortened(text: &str, limit: usize) -> String {
    if text.len() <= limit {
        return text.to_owned();
    }
    let end = (0..=limit).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    format!("{}…", &text[..end])
}

fn without_key(endpoint: &Endpoint, text: String) -> String {
    match &endpoint.key {
        Some(key) if key.expose().len() >= 6 => text.replace(key.expose(), "***"),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoint::{Kind, Secret};

    fn error(status: u16, body: &str) -> ModelError {
        let mut endpoint = Endpoint::new(Kind::OpenAiChat, "gpt-5.5");
        endpoint.key = Some(Secret::new("sk-abcdef123456"));
        from_status(&endpoint, "http://host/v1", status, &HeaderMap::new(), body)
    }

    #[test]
    fn each_status_and_body_has_its_meaning() {
        for (status, body, code) in [
            (401, r#"{"error":{"message":"bad key"}}"#, "unauthorized"),
            (403, r#"{"detail":"no"}"#, "unauthorized"),
            (
                400,
                r#"{"error":{"status":"INVALID_ARGUMENT","message":"API key not valid. Please pass a valid API key."}}"#,
                "unauthorized",
            ),
            (402, "{}", "payment"),
            (
                429,
                r#"{"error":{"code":"insufficient_quota","message":"You exceeded your quota"}}"#,
                "payment",
            ),
            (429, "slow down", "rate_limited"),
            (404, r#"{"error":"model not found"}"#, "not_found"),
            (400, r#"{"error":{"code":"context_length_exceeded","message":"m"}}"#, "context_overflow"),
            (
                400,
                r#"{"error":{"type":"exceed_context_size_error","n_ctx":8192,"message":"m"}}"#,
                "context_overflow",
            ),
            (
                400,
                r#"{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 9 > 8"}}"#,
                "context_overflow",
            ),
            (413, "", "context_overflow"),
            (400, r#"{"error":{"message":"unknown field"}}"#, "http"),
            (503, r#"{"error":{"message":"Loading model","type":"unavailable_error"}}"#, "loading"),
            (503, "<html><h1>down</h1></html>", "overloaded"),
            (
                529,
                r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#,
                "overloaded",
            ),
            (500, "", "overloaded"),
            (400, r#"{"message":"Input is too long for requested model."}"#, "context_overflow"),
            (424, r#"{"message":"the model failed"}"#, "overloaded"),
        ] {
            let error = error(status, body);
            assert_eq!(error.code(), code, "{status} {body}: {error}");
        }
    }

    #[test]
    fn the_message_stays_word_for_word_but_for_the_key() {
        let shown = error(
            401,
            r#"{"error":{"message":"Incorrect API key provided: sk-abcdef123456. See https://x."}}"#,
        )
        .to_string();
        assert!(shown.contains("Incorrect API key provided: ***. See https://x."), "{shown}");
        assert!(shown.contains("OPENAI_API_KEY"), "{shown}");
        assert!(
            error(502, "<html><title>Bad</title><p>Gateway  here</p>")
                .to_string()
                .contains("a web page: Bad Gateway here")
        );
    }

    #[test]
    fn errors_in_a_stream_are_told_apart() {
        let endpoint = Endpoint::new(Kind::Anthropic, "m");
        let code = |text: &str| from_stream(&endpoint, "u", &serde_json::from_str(text).unwrap()).code();
        assert_eq!(
            code(r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#),
            "overloaded"
        );
        assert_eq!(code(r#"{"error":{"code":429,"message":"x"}}"#), "rate_limited");
        assert_eq!(code(r#"{"error":{"code":"rate_limit_exceeded","message":"x"}}"#), "rate_limited");
        assert_eq!(code(r#"{"code":"server_error","message":"x"}"#), "overloaded");
        assert_eq!(code(r#"{"error":{"type":"invalid_request_error","message":"no"}}"#), "http");
    }

    #[test]
    fn a_wait_in_the_body_counts() {
        let body =
            r#"[{"error":{"code":429,"message":"quota","details":[{"@type":"x"},{"retryDelay":"12s"}]}}]"#;
        assert_eq!(error(429, body).retry_after(), Some(Duration::from_secs(12)));
    }
}
