//! The inner stage: the supervisor and the init, which stand between the server and a command.
//!
//! All of it runs in a fresh process with a single thread, before `main` of the program that carries it, so nothing
//! here may rely on what `main` sets up. Panics are turned into a report; nothing is printed.

mod disk;
mod filter;
mod landlock;
mod namespaces;
mod supervise;
mod tree;
mod unions;

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

use crate::plan::{Plan, Report, STAGE_VARIABLE};
use crate::sys;

/// See [`crate::sandbox_entry`].
pub(crate) fn entry() -> Option<i32> {
    std::env::var_os(STAGE_VARIABLE)?;
    let Ok(control) = sys::take_over(0) else { return Some(125) };
    let control = UnixStream::from(control);
    std::panic::set_hook(Box::new(|_| {}));
    let work = || {
        let report = prepare(&control).and_then(|plan| supervise::run(&plan, &control));
        let report = report.unwrap_or_else(Report::Sandbox);
        send(&control, &report);
    };
    if std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).is_err() {
        send(&control, &Report::Sandbox("the supervisor panicked".to_owned()));
    }
    Some(0)
}

/// Reads the plan and sheds what was inherited.
fn prepare(control: &UnixStream) -> Result<Plan, String> {
    use std::os::fd::AsRawFd;
    sys::reset_signals();
    sys::new_session();
    step("close descriptors", sys::close_others(&[control.as_raw_fd()]))?;
    let plan = step("read the plan", receive(control))?;
    let mut input = step("make the input", sys::memory_file())?;
    step("fill the input", input.write_all(plan.stdin.as_deref().unwrap_or_default().as_bytes()))?;
    step("rewind the input", std::io::Seek::rewind(&mut input))?;
    step("place the input", sys::put_at(&input, 0))?;
    Ok(plan)
}

fn receive(mut control: &UnixStream) -> std::io::Result<Plan> {
    let mut length = [0; 4];
    control.read_exact(&mut length)?;
    let mut text = Vec::new();
    control.take(u64::from(u32::from_le_bytes(length))).read_to_end(&mut text)?;
    Ok(serde_json::from_slice(&text)?)
}

fn send(mut control: &UnixStream, report: &Report) {
    if let Ok(mut line) = serde_json::to_string(report) {
        line.push('\n');
        // The server may be gone, which is why we end.
        let _ = control.write_all(line.as_bytes());
    }
}

/// Names the step that failed.
fn step<T>(what: &str, result: std::io::Result<T>) -> Result<T, String> {
    result.map_err(|e| format!("{what}: {e}"))
}
