//! Requests to AWS: credentials, and their signature (SigV4).
//!
//! Decides what of a request is signed: its address, its body and its content type.

use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;

use crate::endpoint::Secret;

/// What a request to AWS is signed with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AwsCredentials {
    /// The access key's id, which is no secret.
    pub access_key: String,
    /// The secret access key.
    pub secret_key: Secret,
    /// The token of temporary credentials.
    pub session_token: Option<Secret>,
    /// The region that is asked, such as `eu-central-1`.
    pub region: String,
}

/// The headers that sign a POST of `body` as JSON to `url` at the time `now`.
///
/// # Errors
/// In words, when the address or the credentials cannot be signed with.
pub(crate) fn signature(
    credentials: &AwsCredentials,
    url: &str,
    body: &str,
    now: SystemTime,
) -> Result<Vec<(String, String)>, String> {
    let AwsCredentials { access_key, secret_key, session_token, region } = credentials;
    let token = session_token.as_ref().map(|token| token.expose().to_owned());
    let identity = Credentials::new(access_key, secret_key.expose(), token, None, "galley").into();
    let params = SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name("bedrock")
        .time(now)
        .settings(SigningSettings::default())
        .build()
        .map_err(|error| error.to_string())?
        .into();
    let headers = [("content-type", "application/json")];
    let request =
        SignableRequest::new("POST", url, headers.into_iter(), SignableBody::Bytes(body.as_bytes()))
            .map_err(|error| error.to_string())?;
    let (instructions, _) = sign(request, &params).map_err(|error| error.to_string())?.into_parts();
    Ok(instructions.headers().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn the_signature_covers_body_address_and_time_and_shows_no_secret() {
        let credentials = AwsCredentials {
            access_key: "AKIDEXAMPLE".into(),
            secret_key: Secret::new("wJalrXUtnFEMI"),
            session_token: Some(Secret::new("token")),
            region: "eu-central-1".into(),
        };
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_790_000_000);
        let signed = |url, body, now| signature(&credentials, url, body, now).unwrap();
        let url = "https://bedrock-runtime.eu-central-1.amazonaws.com/model/a%3Ab/converse-stream";
        let first = signed(url, "{}", now);
        assert_eq!(first, signed(url, "{}", now));
        let value = |name: &str| first.iter().find(|(known, _)| known == name).map(|(_, it)| it.as_str());
        let authorization = value("authorization").unwrap();
        assert!(
            authorization.contains("AKIDEXAMPLE/20260921/eu-central-1/bedrock/aws4_request"),
            "{authorization}"
        );
        assert_eq!(value("x-amz-security-token"), Some("token"));
        for other in [
            signed(url, "{ }", now),
            signed(&url.replace("a%3Ab", "a"), "{}", now),
            signed(url, "{}", now + Duration::from_secs(1)),
        ] {
            assert_ne!(first, other);
        }
        assert!(!format!("{first:?}{credentials:?}").contains("wJalr"));
    }
}
