//! Tasks: one request of a person's, from its start to its proposal.
//!
//! The crate composes the others into the agent's loop: it asks a model (`galley-model`) turn by turn, runs the tools that
//! the model calls against an overlay (`galley-workspace`) and a shadow (`galley-exec`), verifies the result with the
//! project's own checks, and offers it as a proposal (`galley-review`).
//!
//! Invariants:
//! - an event is in the journal before its effect is visible; a task's state is the fold of its events ([`view`]);
//! - the conversation sent to a model is append-only and rebuilt from the journal alone ([`transcript`]);
//! - the person's files are never written here: edits go to the overlay, commands run in the shadow;
//! - model output can create a call, an edit or a summary, never evidence.
//!
//! It must never speak the language server protocol, and never touch disk, processes or the network but through the crates
//! that own them.
#![forbid(unsafe_code)]

pub mod affected;
pub mod aside;
pub mod blast;
pub mod budget;
pub mod checks;
pub mod clock;
pub mod compact;
pub mod contest;
mod coverage;
pub mod critic;
pub mod decisions;
pub mod drafting;
pub mod event;
mod export;
pub mod formatting;
pub mod landing;
mod naming;
pub mod order;
pub mod outcome;
mod outline;
pub mod plan;
pub mod price;
pub mod prompt;
pub mod proof;
pub mod propose;
pub mod repetition;
mod running;
pub mod scope;
pub mod selfcheck;
pub mod services;
pub mod task;
pub mod tools;
pub mod transcript;
pub mod verify;
pub mod view;
pub mod worked;

pub use export::recording;
pub use order::{Order, Queue, Queued};
pub use running::{
    StartError, TaskHandle, events, fork, record_in, resume, start, timed_events, workspace_key,
};
pub use scope::{Class, ScopeSpec};
pub use services::{Choice, Host, Published, Purse, Question, Services, one_model};
pub use task::{Budget, Mode, Origin, Planning, TaskSpec};
