//! The environment of a command: an allowlist of what builds and tools need, and switches that keep them quiet and
//! without questions. What is not listed is not there: keys, tokens, sockets of agents.

use std::ffi::OsStr;

/// Passed on where they are set. No name here may hold a secret by its usual meaning.
const PASSED: &[&str] = &[
    "PATH",
    "LANG",
    "LANGUAGE",
    "TZ",
    "USER",
    "LOGNAME",
    "SHELL",
    "HOSTTYPE",
    "OSTYPE",
    "MACHTYPE",
    // Rust
    "CARGO_HOME",
    "RUSTUP_HOME",
    "RUSTUP_TOOLCHAIN",
    "RUSTC",
    "RUSTFLAGS",
    "RUSTDOCFLAGS",
    "CARGO_TARGET_DIR",
    "CARGO_BUILD_JOBS",
    "CARGO_INCREMENTAL",
    "RUST_BACKTRACE",
    // C, C++
    "CC",
    "CXX",
    "CPP",
    "AR",
    "LD",
    "CFLAGS",
    "CXXFLAGS",
    "CPPFLAGS",
    "LDFLAGS",
    "MAKEFLAGS",
    "PKG_CONFIG_PATH",
    "LD_LIBRARY_PATH",
    "LIBRARY_PATH",
    "CPATH",
    "C_INCLUDE_PATH",
    "CMAKE_PREFIX_PATH",
    "CMAKE_GENERATOR",
    // Python
    "PYENV_ROOT",
    "PYENV_VERSION",
    "PYTHONPATH",
    "PYTHONHOME",
    "VIRTUAL_ENV",
    "CONDA_PREFIX",
    "PYTHONHASHSEED",
    // JavaScript
    "NVM_DIR",
    "NVM_BIN",
    "NODE_PATH",
    "NODE_OPTIONS",
    "VOLTA_HOME",
    "PNPM_HOME",
    "BUN_INSTALL",
    "DENO_DIR",
    "FNM_DIR",
    // Go, JVM, .NET and others
    "GOPATH",
    "GOROOT",
    "GOFLAGS",
    "GOMODCACHE",
    "GOTOOLCHAIN",
    "JAVA_HOME",
    "M2_HOME",
    "MAVEN_HOME",
    "GRADLE_HOME",
    "GRADLE_USER_HOME",
    "SDKMAN_DIR",
    "KOTLIN_HOME",
    "DOTNET_ROOT",
    "NUGET_PACKAGES",
    "GEM_HOME",
    "GEM_PATH",
    "BUNDLE_PATH",
    "RBENV_ROOT",
    "MIX_HOME",
    "HEX_HOME",
    "ASDF_DIR",
    "ASDF_DATA_DIR",
    "MISE_DATA_DIR",
    "COMPOSER_HOME",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "NIX_SSL_CERT_FILE",
    "NIX_PROFILES",
    "SOURCE_DATE_EPOCH",
];

/// Set for every command: no pager, no colour, no question, no lock that a read-only `.git` would refuse.
const FIXED: &[(&str, &str)] = &[
    ("TERM", "dumb"),
    ("NO_COLOR", "1"),
    ("CARGO_TERM_COLOR", "never"),
    ("CARGO_TERM_PROGRESS_WHEN", "never"),
    ("PAGER", "cat"),
    ("GIT_PAGER", "cat"),
    ("MANPAGER", "cat"),
    ("GIT_TERMINAL_PROMPT", "0"),
    ("GIT_OPTIONAL_LOCKS", "0"),
    ("GIT_EDITOR", "true"),
    ("EDITOR", "true"),
    ("DEBIAN_FRONTEND", "noninteractive"),
    ("CI", "true"),
];

/// The environment that a command gets from `variables` (those of this process), without home and temporary folder.
pub(crate) fn filtered(
    variables: impl Iterator<Item = (impl AsRef<OsStr>, impl AsRef<OsStr>)>,
) -> Vec<(String, String)> {
    let passed = variables.filter_map(|(name, value)| {
        let (name, value) = (name.as_ref().to_str()?, value.as_ref().to_str()?);
        let wanted = PASSED.contains(&name) || name.starts_with("LC_");
        (wanted && !holds_password(value)).then(|| (name.to_owned(), value.to_owned()))
    });
    let fixed = FIXED.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    passed.chain(fixed).collect()
}

/// Sets a variable, replacing an earlier value.
pub(crate) fn set(environment: &mut Vec<(String, String)>, name: &str, value: &str) {
    environment.retain(|(n, _)| n != name);
    environment.push((name.to_owned(), value.to_owned()));
}

/// The value of a variable.
pub(crate) fn get<'a>(environment: &'a [(String, String)], name: &str) -> Option<&'a str> {
    environment.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
}

/// Whether a value carries `//person:password@` (flags may name an index with one).
fn holds_password(value: &str) -> bool {
    value.split("//").skip(1).any(|rest| {
        let authority = rest.split(['/', ' ']).next().unwrap_or_default();
        authority.rsplit_once('@').is_some_and(|(person, _)| person.contains(':'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_listed_passes() {
        let given = [
            ("PATH", "/bin"),
            ("LC_ALL", "C"),
            ("OPENAI_API_KEY", "sk-1"),
            ("SSH_AUTH_SOCK", "/run/a"),
            ("AWS_SECRET_ACCESS_KEY", "x"),
            ("TERM", "xterm"),
            ("GOFLAGS", "-mod=mod https://me:pass@host/"),
        ];
        let environment = filtered(given.into_iter());
        assert_eq!(get(&environment, "PATH"), Some("/bin"));
        assert_eq!(get(&environment, "LC_ALL"), Some("C"));
        assert_eq!(get(&environment, "TERM"), Some("dumb"));
        for name in ["OPENAI_API_KEY", "SSH_AUTH_SOCK", "AWS_SECRET_ACCESS_KEY", "GOFLAGS"] {
            assert_eq!(get(&environment, name), None, "{name}");
        }
    }
}
