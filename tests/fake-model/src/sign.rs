//! The signature of a request to AWS, computed anew.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use crate::http::Request;

/// The only access key that is known, and its secret.
const KEY: (&str, &str) = ("fake", "fake-secret");

/// What is wrong with a request's signature; nothing where it has none.
pub fn check(request: &Request) -> Option<String> {
    let authorization = request.header("authorization")?;
    let fields = authorization.strip_prefix("AWS4-HMAC-SHA256 ")?;
    let field = |name: &str| {
        let found = fields.split(',').find_map(|field| field.trim().strip_prefix(name)?.strip_prefix('='));
        found.unwrap_or_default()
    };
    let scope: Vec<&str> = field("Credential").split('/').collect();
    let [key, day, region, service, "aws4_request"] = scope.as_slice() else {
        return Some("the credential's scope has another form".into());
    };
    if (*key, *service) != (KEY.0, "bedrock") {
        return Some(format!("access key {key} for service {service}"));
    }
    let signed = field("SignedHeaders");
    let headers: String = signed
        .split(';')
        .map(|name| format!("{name}:{}\n", request.header(name).unwrap_or_default().trim()))
        .collect();
    let body = hex(&Sha256::digest(&request.body));
    let (path, query) = request.path.split_once('?').unwrap_or((&request.path, ""));
    let canonical = format!("{}\n{}\n{query}\n{headers}\n{signed}\n{body}", request.method, encoded(path));
    let time = request.header("x-amz-date").unwrap_or_default();
    let text = format!(
        "AWS4-HMAC-SHA256\n{time}\n{day}/{region}/{service}/aws4_request\n{}",
        hex(&Sha256::digest(canonical.as_bytes()))
    );
    let secret = format!("AWS4{}", KEY.1);
    let key = [*day, *region, *service, "aws4_request"]
        .iter()
        .fold(secret.into_bytes(), |key, part| mac(&key, part.as_bytes()));
    (hex(&mac(&key, text.as_bytes())) != field("Signature")).then(|| "the signature does not match".into())
}

fn mac(key: &[u8], message: &[u8]) -> Vec<u8> {
    match Hmac::<Sha256>::new_from_slice(key) {
        Ok(mut mac) => {
            mac.update(message);
            mac.finalize().into_bytes().to_vec()
        }
        Err(_) => Vec::new(),
    }
}

/// The path as it was sent, encoded once more.
fn encoded(path: &str) -> String {
    let keep = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~' | b'/');
    path.bytes()
        .map(|byte| if keep(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
