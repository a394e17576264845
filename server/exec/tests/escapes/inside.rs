//! What an attempt knows of the machine around it: told by the environment, as a hostile command would find it out.

use std::io;
use std::path::{Path, PathBuf};

/// The place of an attempt. Its working folder is the shadow.
pub struct Inside;

impl Inside {
    /// A fact that the suite told.
    pub fn fact(&self, name: &str) -> String {
        std::env::var(format!("ESCAPE_{name}")).unwrap_or_default()
    }

    pub fn number(&self, name: &str) -> i64 {
        self.fact(name).parse().unwrap_or(-1)
    }

    /// A folder of the person's machine: `home`, `other` (a workspace), `deps` (shown read-only), `run` (sockets).
    pub fn place(&self, path: &str) -> PathBuf {
        Path::new(&self.fact("BASE")).join(path)
    }

    pub fn home(&self, path: &str) -> PathBuf {
        self.place("home").join(path)
    }

    /// A name that only this attempt uses.
    pub fn mark(&self) -> String {
        format!("galley-escape-{}", self.fact("MARK"))
    }

    /// The process of the person's that is to be left alone.
    pub fn bystander(&self) -> i32 {
        self.number("BYSTANDER") as i32
    }
}

/// Well, if the text holds what the suite hid.
pub fn is_secret(text: impl AsRef<[u8]>) -> io::Result<()> {
    let found = text.as_ref().windows(SECRET.len()).any(|part| part == SECRET.as_bytes());
    holds(found, "the secret was not in it")
}

/// Well, if it is so.
pub fn holds(so: bool, otherwise: &str) -> io::Result<()> {
    if so { Ok(()) } else { Err(io::Error::other(otherwise.to_owned())) }
}

/// What stands in every file, variable and memory that must not be read.
pub const SECRET: &str = "hidden-from-commands";
