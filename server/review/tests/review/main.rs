//! What a person at a desk does to a proposal, and what must come of it.

#![allow(clippy::unwrap_used, reason = "a test says so by panicking")]

mod decisions;
mod desk;
mod dice;
mod driver;
mod files;
mod oracle;
mod rendering;
mod splitting;
mod typing;
