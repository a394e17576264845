//! Symbols, references, outlines, search and ranking over a snapshot.
//!
//! The index is told of texts and answers questions about them. It knows a file by its path, a content by its hash,
//! and a name by its text: it does not resolve scopes or types, and where two things share a name, it says both.
//!
//! Invariants:
//! - an answer depends on the present texts and the past that was told, never on the order of updates;
//! - a snapshot never changes, and readers never wait for writers;
//! - broken source, huge files, binary noise are ordinary input: less is known of them, nothing fails.
//!
//! It never opens a file (the caller gives texts, or a reader for them), starts a process, or knows the protocol.
#![deny(unsafe_code)] // allowed in `store::mapped` alone, which says why

pub mod colour;
mod columns;
mod document;
mod extract;
mod facts;
mod found;
mod fuzzy;
mod grams;
mod hash;
mod impact;
mod index;
mod kin;
mod layer;
mod lexical;
mod live;
mod map;
mod nest;
mod outline;
mod pack;
mod packed;
mod parsed;
mod parts;
mod passage;
mod past;
mod pattern;
mod question;
mod rank;
mod role;
mod rules;
pub mod search;
mod segment;
mod snapshot;
mod store;
mod stretch;
mod symbol;
mod symbols;
mod syntax;
mod tally;
mod turn;
mod walk;
mod wordlist;
mod words;

pub use extract::{PARSE_LIMIT, READ_LIMIT};
pub use galley_grammars::{Language, SymbolKind, by_name, detect, detect_text};
pub use hash::ContentHash;
pub use impact::{Impact, ImpactKind};
pub use index::{Given, Index, Kept, Reader};
pub use outline::{outline_lines, outline_text, syntax_errors};
pub use past::PastChange;
pub use rank::Ranked;
pub use role::{Role, role};
pub use snapshot::{Counts, IndexSnapshot, find_paths};
pub use store::{Degraded, Opaque, Stamp};
pub use symbol::{Place, Symbol, SymbolMatch};
pub use syntax::{Fold, FoldKind};
