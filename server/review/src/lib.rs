//! Proposals and hunks: what is offered for review, and what becomes of it while the person types.
//!
//! A [`Proposal`] is a plain value: the texts of some files as the person has them now, and hunks that lie on
//! those texts. Everything that happens to it is a function of it and of what it is told (a document changed, a
//! hunk was decided); ids are given to it, and it knows neither time nor disk nor editor.
//!
//! What always holds:
//! * A pending hunk's `before` is, byte for byte, what stands at its `range` of the person's text; accepting it
//!   puts exactly its `after` there and changes nothing else.
//! * A hunk's state follows from what the model proposed and what the person's lines are now, not from the way
//!   they came to be so: going back to an earlier text gives the earlier state back. Where the lines around a
//!   hunk's place were deleted and rewritten several times over, it may stay conflicted or accepted instead.
//! * Ids never change, and no hunk leaves a proposal. What cannot be applied is conflicted, with both sides
//!   kept, or obsolete; it is never dropped in silence.
//!
//! What this crate must never do: write to a document (it only says which edits an accept consists of), read the
//! clock or the disk, or choose ids.
#![forbid(unsafe_code)]

mod accept;
mod decide;
mod divide;
mod files;
mod hunk;
mod items;
mod lines;
mod mode;
mod place;
mod prerequisites;
mod proposal;
mod rebase;
mod refine;
pub mod render;
mod revert;
mod revise;
mod rope_text;
mod settle;
mod slide;
mod span;
mod split;

pub use accept::{AcceptError, AcceptFile};
pub use decide::{EditHunkError, Edited};
pub use divide::SplitError;
pub use hunk::{ConflictSides, Hunk, HunkId, HunkKind, HunkState, Neighbours, Sides};
pub use items::Item;
pub use mode::{FileMode, ModeChange};
pub use prerequisites::Names;
pub use proposal::{FileKind, FileProposal, Proposal, ProposalId};
pub use rebase::Rebased;
pub use revert::RevertError;
