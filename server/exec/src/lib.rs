//! Processes: running a command in a sandbox, within limits, and judging a command before it runs.
//!
//! # Purpose
//! [`run`] starts a command at a [`Level`], hands its output on as it comes, and answers with an [`Outcome`].
//! [`probe`] finds by a canary which level works on this machine. [`policy::judge`] says of a line of shell whether
//! it may run, must be asked for, or must not run. Nothing else in Galley starts processes.
//!
//! # How a command is run
//! The program that uses this crate is started a second time as *supervisor*, told its plan through a socket on its
//! standard input. It closes all other descriptors, enters the sandbox, and starts an *init*, which starts the command:
//!
//! ```text
//! server ── socket: plan down, report up ── supervisor ── init (process 1 of the sandbox) ── command ── …
//! ```
//!
//! The socket is also the lifeline: when the server closes it (cancel, a limit, a dropped future) or dies, the
//! supervisor reads its end and kills everything below. When the command ends, everything it left behind is killed.
//!
//! # Levels
//! - [`Level::Namespaces`]: own user, mount, process, network, IPC and host-name namespaces. Files are read-only
//!   except the writable list; home is empty but for toolchains; keys, sockets and other workspaces are not there;
//!   no network, or granted hosts through a proxy; no capabilities; a system-call filter. Beyond it: a socket that
//!   somebody opens in one of the system's own folders (`/usr`, `/etc`) after the command began can be talked to; those
//!   that are there at the start are covered, and folders of the person's are shown behind a layer in which none works.
//! - [`Level::Landlock`]: where namespaces are forbidden. The same view of files by access rules; no sockets at all
//!   without network, no local ones with it; no shared memory, queues or semaphores; signals, limits and priorities of
//!   others out of reach. Claimed only from Landlock ABI 6 (Linux 6.12). Beyond it, each proven by the escape tests:
//!   - it refuses to open, not to name: mode, times and attributes of a file of the person's whose path is known can be
//!     changed, and a file can be watched for being used;
//!   - `.git` inside of a writable folder stays writable, since a rule reaches everything below it;
//!   - names stay visible: the command lines of other processes, and who listens at which port.
//! - [`Level::Copy`]: limits, filtered environment, closed descriptors and the death of the whole tree, but no walls: a
//!   command that means harm can kill its supervisor. Callers must ask before they use it.
//!
//! # Invariants
//! - A command never runs at a lower level than the one asked for: what cannot be set up is an error.
//! - The environment of a command is an allowlist; no descriptor but its three standard ones is open in it.
//! - The whole tree is dead when [`run`] returns, is dropped, or the server dies.
//!
//! # Never
//! It never looks into a file's content, never opens a network connection but those that a command asks the proxy for
//! and that are granted (module `proxy`, which says why it stands here), and knows nothing of tasks or editors.
//! Unsafe code stands in one module, `sys`.
#![deny(unsafe_code)]

#[cfg(target_os = "linux")]
mod environment;
mod host;
#[cfg(target_os = "linux")]
mod inner;
mod output;
mod person;
#[cfg(target_os = "linux")]
mod plan;
pub mod policy;
mod priority;
mod probe;
#[cfg(target_os = "linux")]
mod proxy;
mod run;
mod spec;
#[cfg(target_os = "linux")]
mod sys;
mod union;
#[cfg(target_os = "linux")]
mod view;
mod which;

pub use host::{Host, NoHost};
pub use output::{Bounded, Chunk, KEPT_HEAD, KEPT_TAIL, Output, bound, clean_output};
pub use person::{run_editor, wait_for_death};
pub use priority::give_way;
pub use probe::{probe, probe_report, probed};
pub use run::run;
pub use spec::{ExecError, Level, Limits, Network, Outcome, Refusal, SandboxSpec, Spec, Status, Stream};
pub use union::{Union, probe_union};
pub use which::which;

/// The inner stage: if this process was started as the supervisor of a sandbox, does that job and answers with its
/// exit status; otherwise none, at once.
///
/// On Linux it runs by itself before `main` in every program that links this crate, so that nobody can forget it and
/// test binaries are sandboxed too; calling it first thing in `main` is harmless.
pub fn sandbox_entry() -> Option<i32> {
    #[cfg(target_os = "linux")]
    return inner::entry();
    #[cfg(not(target_os = "linux"))]
    None
}
