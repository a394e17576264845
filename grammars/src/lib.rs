//! Tree-sitter languages, their queries, and language detection.
//!
//! This crate is the only place that knows which grammar reads which file. A language is a row of [`LANGUAGES`] and a
//! folder beside `src/`: `tags.scm` (what is defined, referenced, imported, tested), perhaps `injections.scm` (which
//! parts are another language), and a `sample` whose marks say what the queries must find.
//!
//! Invariants:
//! - every query compiles with its own grammar and uses only the capture names of [`capture`];
//! - nothing here reads a file: the caller has path and text, this crate has an opinion about them;
//! - broken source is ordinary input. No query, no detection rule and no table look-up panics on it.
//!
//! It must never depend on another crate of ours, nor touch disk, network or processes.
#![forbid(unsafe_code)]

pub mod capture;
mod detect;
mod language;
mod table;

pub use capture::{Capture, ReferenceKind, SymbolKind};
pub use detect::{by_name, detect, detect_text};
pub use language::{CompiledQuery, Language};
pub use table::LANGUAGES;
pub use tree_sitter;
