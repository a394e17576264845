//! Credentials for AWS: the usual variables, then a profile of the shared files.
//!
//! Decides the order: a bearer token is a key like any other and is looked for before; here come
//! `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`, then the profile that `AWS_PROFILE` names (or `default`) in
//! `~/.aws/credentials`. Profiles that need a program or a sign-in are not read.

use galley_model::{AwsCredentials, Secret};

use super::variable;

/// The region to ask: `AWS_REGION`, `AWS_DEFAULT_REGION`, or the profile's.
pub fn region() -> Option<String> {
    variable("AWS_REGION").or_else(|| variable("AWS_DEFAULT_REGION")).or_else(|| {
        let name = profile();
        let text = shared("AWS_CONFIG_FILE", "config")?;
        value(&text, &name, "region").or_else(|| value(&text, &format!("profile {name}"), "region"))
    })
}

/// What to sign with in a region.
pub fn credentials(region: &str) -> Option<AwsCredentials> {
    let made = |access_key: String, secret: String, token: Option<String>| AwsCredentials {
        access_key,
        secret_key: Secret::new(secret),
        session_token: token.map(Secret::new),
        region: region.to_owned(),
    };
    if let (Some(access), Some(secret)) = (variable("AWS_ACCESS_KEY_ID"), variable("AWS_SECRET_ACCESS_KEY")) {
        return Some(made(access, secret, variable("AWS_SESSION_TOKEN")));
    }
    let text = shared("AWS_SHARED_CREDENTIALS_FILE", "credentials")?;
    let of = |key| value(&text, &profile(), key);
    Some(made(of("aws_access_key_id")?, of("aws_secret_access_key")?, of("aws_session_token")))
}

fn profile() -> String {
    variable("AWS_PROFILE").unwrap_or_else(|| "default".to_owned())
}

/// A shared file's text. With a state directory given, nothing of the person's home is read.
fn shared(named_by: &str, name: &str) -> Option<String> {
    let path = match variable(named_by) {
        Some(path) => path.into(),
        None if variable("GALLEY_STATE_DIR").is_some() => return None,
        None => std::path::PathBuf::from(variable("HOME")?).join(".aws").join(name),
    };
    std::fs::read_to_string(path).ok()
}

/// A value of a section of an INI file.
fn value(text: &str, section: &str, key: &str) -> Option<String> {
    let mut inside = false;
    for line in text.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.split(']').next()) {
            inside = name.trim() == section;
        } else if inside
            && let Some((name, value)) = line.split_once('=')
            && name.trim().eq_ignore_ascii_case(key)
        {
            return Some(value.trim().to_owned()).filter(|value| !value.is_empty());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_is_found_in_its_section_only() {
        let text = "# mine\n[default]\naws_access_key_id = A\n\n[ work ]\naws_access_key_id=B=\nAWS_SECRET_ACCESS_KEY = s\n[profile x]\nregion = eu-central-1\n";
        assert_eq!(value(text, "default", "aws_access_key_id").as_deref(), Some("A"));
        assert_eq!(value(text, "default", "aws_secret_access_key"), None);
        assert_eq!(value(text, "work", "aws_access_key_id").as_deref(), Some("B="));
        assert_eq!(value(text, "work", "aws_secret_access_key").as_deref(), Some("s"));
        assert_eq!(value(text, "profile x", "region").as_deref(), Some("eu-central-1"));
        assert_eq!(value("nonsense\n[", "default", "region"), None);
    }
}
