//! What can go wrong with the disk, in types that a caller can act on and sentences that a person can.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// A workspace or a document of it cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum WorkspaceError {
    /// A root cannot be used as one.
    #[error("the folder {} cannot be a workspace root: {why}; choose an existing, readable folder", path.display())]
    Root {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        why: String,
    },
    /// The document is not open.
    #[error("{path} is not open; open the document before changing it")]
    NotOpen {
        /// The document.
        path: String,
    },
    /// A change was made for another text than the document has.
    #[error("a change for {path} does not fit the open document; close and reopen it")]
    WrongBase {
        /// The document.
        path: String,
    },
}

/// A file cannot be read as text.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ReadError {
    /// There is no such file.
    #[error("there is no such file")]
    Missing,
    /// It is a folder, a device, a pipe or a socket.
    #[error("it is not a regular file")]
    NotAFile,
    /// It holds bytes that no text has.
    #[error("it is a binary file")]
    Binary,
    /// It is text in an encoding that Galley does not edit.
    #[error("it is not UTF-8 (the first foreign byte is at offset {offset}); convert it to UTF-8 to edit it")]
    NotUtf8 {
        /// Zero-based byte offset of the first byte that does not belong to UTF-8.
        offset: usize,
    },
    /// It does not decode for another reason.
    #[error("it cannot be decoded: {why}")]
    Undecodable {
        /// What the decoder said.
        why: String,
    },
    /// It is larger than what is read into memory.
    #[error("it is {bytes} bytes long; at most {limit} bytes are read")]
    TooLarge {
        /// Its length in bytes.
        bytes: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// `.galleyignore` keeps it from being read, or it belongs to version-control storage.
    #[error("it is kept from Galley by an ignore rule")]
    Ignored,
    /// It really lies outside the workspace, through a symbolic link.
    #[error("a symbolic link leads it out of the workspace")]
    Outside,
    /// The system refused.
    #[error("it cannot be read: {message}")]
    Io {
        /// The system's kind of error.
        kind: ErrorKind,
        /// The system's words.
        message: String,
    },
}

impl ReadError {
    pub(crate) fn from_io(error: &std::io::Error) -> ReadError {
        match error.kind() {
            ErrorKind::NotFound | ErrorKind::NotADirectory => ReadError::Missing,
            ErrorKind::IsADirectory => ReadError::NotAFile,
            kind => ReadError::Io { kind, message: error.to_string() },
        }
    }

    pub(crate) fn from_decode(error: &galley_text::encoding::DecodeError) -> ReadError {
        use galley_text::encoding::DecodeError;
        match error {
            DecodeError::Binary { .. } => ReadError::Binary,
            DecodeError::NotUtf8 { offset, .. } => ReadError::NotUtf8 { offset: *offset },
            #[allow(unreachable_patterns)]
            other => ReadError::Undecodable { why: other.to_string() },
        }
    }
}

/// A file was not written; what was there before is untouched.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum WriteError {
    /// The real place is outside the workspace or inside version-control storage.
    #[error("{} was not written: its real place is outside the workspace's own files", path.display())]
    Outside {
        /// The refused path.
        path: PathBuf,
    },
    /// The disk or the quota is full.
    #[error("{} was not written: no space is left; free some and try again", path.display())]
    NoSpace {
        /// The file.
        path: PathBuf,
    },
    /// The system does not permit it.
    #[error("{} was not written: permission denied for its folder; check owner and mode", path.display())]
    Permission {
        /// The file.
        path: PathBuf,
    },
    /// The file is marked read-only.
    #[error("{} was not written: it is read-only; make it writable first", path.display())]
    ReadOnly {
        /// The file.
        path: PathBuf,
    },
    /// There is something else in the way: a folder, a device, or a file where none may be.
    #[error("{} was not written: {what} is in the way", path.display())]
    InTheWay {
        /// The file.
        path: PathBuf,
        /// What stands there.
        what: &'static str,
    },
    /// There is nothing to remove or rename.
    #[error("{} does not exist", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// The system refused for another reason.
    #[error("{} was not written: {message}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's kind of error.
        kind: ErrorKind,
        /// The system's words.
        message: String,
    },
}

impl WriteError {
    pub(crate) fn from_io(path: &Path, error: &std::io::Error) -> WriteError {
        let path = path.to_path_buf();
        match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => WriteError::NoSpace { path },
            ErrorKind::PermissionDenied => WriteError::Permission { path },
            ErrorKind::ReadOnlyFilesystem => WriteError::ReadOnly { path },
            ErrorKind::IsADirectory => WriteError::InTheWay { path, what: "a folder" },
            ErrorKind::NotADirectory => {
                WriteError::InTheWay { path, what: "a file where a folder is needed" }
            }
            ErrorKind::AlreadyExists => WriteError::InTheWay { path, what: "another file" },
            ErrorKind::NotFound => WriteError::Missing { path },
            kind => WriteError::Io { path, kind, message: error.to_string() },
        }
    }
}
