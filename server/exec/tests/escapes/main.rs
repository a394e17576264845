//! Ways out of the sandbox, as a table that is printed: each is a small piece of this very program that says `OUT`
//! when it got out, or leaves a trace outside by which that is seen.
//!
//! Every way is tried three times: without a sandbox, where it must work (else it proves nothing), at
//! [`Level::Namespaces`] and at [`Level::Landlock`], where it must not. What needs a right or a part of the kernel that
//! is missing here even without a sandbox says so and is not counted; run as user 0 and as an ordinary user, the two
//! tables cover each other. What is beyond Landlock says why, and is listed in the documentation of the crate.
//!
//! `cargo test -p galley-exec --test escapes [NAME]` prints the table (of the rows whose name contains NAME). To run it
//! as another user, `GALLEY_ESCAPES_AS=nobody` as user 0 starts it once more under that user's name.
#![cfg_attr(not(target_os = "linux"), allow(unused))]

#[cfg(target_os = "linux")]
mod call;
#[cfg(target_os = "linux")]
mod files;
#[cfg(target_os = "linux")]
mod inside;
#[cfg(target_os = "linux")]
mod kernel;
#[cfg(target_os = "linux")]
mod lasting;
#[cfg(target_os = "linux")]
mod machine;
#[cfg(target_os = "linux")]
mod needs;
#[cfg(target_os = "linux")]
mod network;
#[cfg(target_os = "linux")]
mod processes;
#[cfg(target_os = "linux")]
mod secrets;
#[cfg(target_os = "linux")]
mod suite;
#[cfg(target_os = "linux")]
mod table;

#[cfg(target_os = "linux")]
fn main() -> std::process::ExitCode {
    suite::main()
}

#[cfg(not(target_os = "linux"))]
fn main() {}
