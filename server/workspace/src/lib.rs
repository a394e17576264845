//! The disk: files, documents, snapshots, overlays, shadows, ignore rules, watching, atomic writes.
//!
//! A [`Workspace`] is the folders that a person works on. A [`Snapshot`] is an immutable view of it in which
//! open documents stand in for their files. An [`Overlay`] lays a task's edits over a snapshot, in memory, and
//! a [`Shadow`] puts an overlay on disk, in a private copy, where commands may run.
//!
//! Invariants:
//! - A path of the workspace never leads out of its roots, by name or by link, neither to read nor to write.
//! - A write leaves the old text or the new one, never a half of either, whenever it is interrupted.
//! - What `.galleyignore` names cannot be read through a snapshot, an overlay or a shadow.
//! - A shadow shares no writable byte with the person's tree.
//!
//! This crate alone touches the workspace's disk. It must never start a process, open a connection, or know
//! the language server protocol.
#![forbid(unsafe_code)]

pub mod apply;
mod bell;
mod cache;
mod disk;
mod document;
mod error;
mod executable;
mod fault;
mod folder;
pub mod history;
mod listing;
mod observe;
mod overlay;
mod rebase;
mod roots;
mod rules;
pub mod shadow;
mod snapshot;
mod state;
mod tracked;
pub mod watch;
mod workspace;
mod write;

pub use bell::Bell;
pub use document::{Document, DocumentText};
pub use error::{ReadError, WorkspaceError, WriteError};
pub use executable::is_script;
pub use listing::{Listing, Skipped};
pub use observe::{Observed, State};
pub use overlay::{Checkpoint, Edit, Edits, ModeEdit, Overlay, OverlayError};
pub use rebase::Rebased;
pub use roots::{Root, Roots};
pub use shadow::{Layers, Method, Shadow, ShadowChange, ShadowError};
pub use snapshot::{PINNED_BYTES, Snapshot};
pub use state::workspace_key;
pub use workspace::{Limits, Workspace};
pub use write::{create_dir, read_own, write_atomically};

#[cfg(test)]
mod tests;
