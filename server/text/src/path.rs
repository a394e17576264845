//! Paths inside a workspace.
//!
//! A [`RelPath`] exists only if it stays inside the root it is relative to, so that whoever holds one need not
//! check again. It is text with `/` between the parts on every system; turning it into a path on disk, and what
//! symbolic links may do there, is left to the crate that owns the disk.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// A path below a workspace root: `/`-separated, never empty, never absolute, without `.` or `..` parts.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RelPath(Arc<str>);

/// Why a text is no [`RelPath`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// There is nothing in it.
    #[error("the path is empty; give a path relative to the workspace root")]
    Empty,
    /// It begins at the file system's root, at a drive or at a network share.
    #[error("the path {0:?} is absolute; give it relative to the workspace root")]
    Absolute(String),
    /// A part is empty, `.` or `..`.
    #[error("the path {path:?} has the part {part:?}; write it plainly, without empty, `.` or `..` parts")]
    Part {
        /// The whole path.
        path: String,
        /// The part that is refused.
        part: String,
    },
    /// It holds a backslash or a control character.
    #[error("the path {path:?} holds the character {character:?}; use `/` and printable characters")]
    Character {
        /// The whole path.
        path: String,
        /// The first such character.
        character: char,
    },
}

impl RelPath {
    /// Checks a text and makes a path of it.
    pub fn new(text: &str) -> Result<RelPath, PathError> {
        if text.is_empty() {
            return Err(PathError::Empty);
        }
        let bytes = text.as_bytes();
        let drive = bytes.len() >= 2 && bytes[0].is_ascii_alphabetic() && bytes[1] == b':';
        if text.starts_with(['/', '\\']) || drive {
            return Err(PathError::Absolute(text.to_owned()));
        }
        if let Some(character) = text.chars().find(|c| *c == '\\' || c.is_control()) {
            return Err(PathError::Character { path: text.to_owned(), character });
        }
        if let Some(part) = text.split('/').find(|part| matches!(*part, "" | "." | "..")) {
            return Err(PathError::Part { path: text.to_owned(), part: part.to_owned() });
        }
        Ok(RelPath(text.into()))
    }

    /// The path as text, `/` between its parts.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The last part.
    pub fn file_name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }

    /// What follows the last dot of the file name; a leading dot alone begins no extension.
    pub fn extension(&self) -> Option<&str> {
        match self.file_name().rsplit_once('.') {
            Some((stem, extension)) if !stem.is_empty() && !extension.is_empty() => Some(extension),
            _ => None,
        }
    }

    /// The folder it lies in; `None` directly below the root.
    pub fn parent(&self) -> Option<RelPath> {
        self.0.rsplit_once('/').map(|(parent, _)| RelPath(parent.into()))
    }

    /// A path below this one.
    pub fn join(&self, below: &str) -> Result<RelPath, PathError> {
        if below.starts_with(['/', '\\']) {
            return Err(PathError::Absolute(below.to_owned()));
        }
        RelPath::new(&format!("{}/{below}", self.0))
    }

    /// Its parts, outermost first.
    pub fn parts(&self) -> impl Iterator<Item = &str> {
        self.0.split('/')
    }

    /// Whether it is `folder` or lies below it.
    pub fn starts_with(&self, folder: &RelPath) -> bool {
        self.0.strip_prefix(folder.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

impl fmt::Display for RelPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for RelPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

impl AsRef<str> for RelPath {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl std::borrow::Borrow<str> for RelPath {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for RelPath {
    type Err = PathError;
    fn from_str(text: &str) -> Result<RelPath, PathError> {
        RelPath::new(text)
    }
}

impl TryFrom<String> for RelPath {
    type Error = PathError;
    fn try_from(text: String) -> Result<RelPath, PathError> {
        RelPath::new(&text)
    }
}

impl From<RelPath> for String {
    fn from(path: RelPath) -> String {
        path.as_str().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_only_paths_that_stay_inside() {
        for good in ["a", "a/b.rs", ".github/x.yml", "a b/ü.txt", "..a/b..", "ab:c"] {
            assert_eq!(RelPath::new(good).unwrap().as_str(), good);
        }
        for bad in [
            "", "/a", "a/", "a//b", ".", "..", "a/../b", "./a", "a/.", "\\a", "\\\\h\\s", "a\\b", "C:/x",
            "c:x", "a\0b", "a\nb",
        ] {
            assert!(RelPath::new(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn names_its_parts() {
        let path = RelPath::new("src/deep/main.test.rs").unwrap();
        assert_eq!(path.file_name(), "main.test.rs");
        assert_eq!(path.extension(), Some("rs"));
        assert_eq!(path.parent().unwrap().as_str(), "src/deep");
        assert_eq!(path.parent().unwrap().parent().unwrap().parent(), None);
        assert_eq!(RelPath::new(".gitignore").unwrap().extension(), None);
        assert!(path.starts_with(&RelPath::new("src").unwrap()));
        assert!(!path.starts_with(&RelPath::new("sr").unwrap()));
    }

    #[test]
    fn joins_only_what_stays_below() {
        let folder = RelPath::new("src").unwrap();
        assert_eq!(folder.join("a/b").unwrap().as_str(), "src/a/b");
        for bad in ["", "/a", "../a", "a/../../b", "\\a"] {
            assert!(folder.join(bad).is_err(), "{bad:?}");
        }
    }
}
