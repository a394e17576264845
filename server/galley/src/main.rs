//! The binary `galley`: the language server, and the same house from a terminal.
//!
//! The only crate that knows the language server protocol. It holds the review's live state and the configuration, converts
//! between the protocol's types and the house's own, and writes for people. It must never build a prompt, know a provider's
//! JSON, or compute an edit: these are the agent's, the model's and the text's.
#![deny(unsafe_code)] // allowed in `allocator` alone, which says why

mod allocator;
mod cli;
mod config;
mod indexed;
mod lsp;
mod protocol;
mod remembered;
mod rollback;

fn main() {
    // The stage inside a sandbox is this same program; it never gets any further.
    if let Some(status) = galley_exec::sandbox_entry() {
        std::process::exit(status);
    }
    std::process::exit(cli::run());
}
