//! The network: what is said to a model provider, and what it answers.
//!
//! One provider-neutral exchange ([`Client::exchange`]) over adapters of one file each. The crate owns the wire
//! formats, streaming, time limits, retries, prices and recordings; it knows nothing of tasks, tools or files.
//!
//! Invariants:
//! - A [`Reply`] keeps the provider's own output items byte for byte in `raw`; they go back exactly so. The
//!   neutral fields are a view of them.
//! - A request is append-only: with one item more, the bytes sent start with the bytes sent before (cache marks
//!   aside). No clock, no random value, no changing order goes into a request.
//! - `Reply::calls` holds only complete calls whose arguments parse. What is cut or broken is in
//!   `Reply::broken_calls`, and never goes back to a provider.
//! - A cut, empty, filtered or refused reply is an error, never an ordinary end.
//!
//! It must never touch the workspace's files, start a process, read the environment, or show a key: a
//! [`Secret`] has no readable form but [`Secret::expose`].
#![forbid(unsafe_code)]

mod anthropic;
mod aws;
mod body;
pub mod capability;
mod chat;
mod client;
mod conversation;
mod converse;
mod dialect;
mod draft;
mod endpoint;
mod error;
mod exchange;
mod fault;
mod frames;
#[doc(hidden)]
pub mod fuzzing;
mod gemini;
mod json;
mod limits;
mod line;
pub mod record;
mod responses;
mod retry;
mod role;
mod slots;
mod sse;
mod tokens;
mod vocabulary;
mod wire;

pub use aws::AwsCredentials;
pub use client::{Client, Switch};
pub use endpoint::{Endpoint, Kind, Secret, Timeouts, UnknownKind};
pub use error::ModelError;
pub use exchange::{Item, Reply, Request, Stop, StreamEvent, ToolCall, ToolSpec, Usage};
pub use role::Role;
