//! The end-to-end tests: one binary, a module per feature.
#![allow(clippy::unwrap_used)] // A test that cannot go on ends here, with the place.

mod bad_input;
mod budgets;
mod chaos;
mod command_line;
mod contest;
mod deciding;
mod diagnostics;
mod eval;
mod every_state;
mod file_kinds;
mod going_on;
mod house;
mod in_line;
mod index_requests;
mod kept_candidate;
mod later;
mod lifecycle;
mod long_task;
mod main_job;
mod models;
mod old_findings;
mod orders;
mod plain_client;
mod prompt_size;
mod review;
mod second_look;
mod state_dir;
mod steering;
mod subtasks;
mod terminal_review;
mod text_sync;
mod two_clients;
