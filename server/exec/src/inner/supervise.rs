//! Supervisor and init.
//!
//! The supervisor stays outside of the walls that the init puts up around itself and the command. It watches the
//! lifeline, samples memory and processes, and kills. The init starts the command, reaps whatever is orphaned, and
//! ends when the command ends; the rest dies with it.

use std::io::{PipeReader, PipeWriter, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::Command;

use super::tree::Tree;
use super::{filter, landlock, namespaces, step};
use crate::plan::{LISTENER, Plan, Report};
use crate::sys::{self, Forked};
use crate::{Level, which};

/// How often memory and processes are counted.
const SAMPLE_MS: i32 = 100;

/// Runs the plan to its end: everything below is dead when this returns.
pub(super) fn run(plan: &Plan, control: &UnixStream) -> Result<Report, String> {
    step("adopt orphans", sys::adopt_orphans())?;
    if plan.level == Level::Namespaces {
        namespaces::enter(plan.network)?;
        if plan.proxy {
            step("hand out the listener for the proxy", hand_out_listener(control))?;
        }
    }
    // Only now: before, the maps of the user namespace would not be ours to write.
    step("close itself to others", sys::close_to_others())?;
    let (reader, writer) = step("make a pipe", std::io::pipe())?;
    let (wait_for_go, go) = step("make a pipe", std::io::pipe())?;
    match step("fork", sys::fork())? {
        Forked::Child => {
            drop((reader, go));
            init(plan, control, wait_for_go, writer)
        }
        Forked::Parent(pid) => {
            drop((writer, wait_for_go));
            let report = watch(plan, pid, control, reader, go);
            kill_all(plan.level, pid);
            if let Some(private) = &plan.view.private {
                // The server does this too, unless it is dead. What cannot be removed is only untidy.
                let _ = std::fs::remove_dir_all(private);
            }
            report
        }
    }
}

/// Makes the listener for the proxy, which belongs to the network that this process is in, and gives it to the server.
fn hand_out_listener(control: &UnixStream) -> std::io::Result<()> {
    use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
    use std::os::fd::AsFd;
    let listener = std::net::TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, crate::proxy::PORT))?;
    let given = [listener.as_fd()];
    let message = SendAncillaryMessage::ScmRights(&given);
    let mut space = vec![std::mem::MaybeUninit::uninit(); message.size()];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    ancillary.push(message);
    sendmsg(control, &[std::io::IoSlice::new(&[LISTENER])], &mut ancillary, SendFlags::empty())?;
    Ok(())
}

/// Waits for the init's report, the end of the lifeline, or a limit that is passed.
fn watch(
    plan: &Plan,
    init: i32,
    control: &UnixStream,
    mut reports: PipeReader,
    mut go: PipeWriter,
) -> Result<Report, String> {
    // Only the command may hold the output open, or the server would wait for us.
    for stream in [1, 2] {
        step("let go of the output", null().and_then(|null| sys::put_at(&null, stream)))?;
    }
    step("start the init", go.write_all(b"g"))?;
    let mut tree = Tree::of(plan, init);
    loop {
        let ready = sys::poll([reports.as_raw_fd(), control.as_raw_fd()], SAMPLE_MS);
        let [reported, hung_up] = step("wait", ready)?;
        if reported {
            let mut text = String::new();
            step("read the report", reports.read_to_string(&mut text))?;
            // Without a word: somebody killed the init, which is as good as the command being killed.
            return Ok(serde_json::from_str(&text).unwrap_or(Report::Signalled(9)));
        }
        if hung_up {
            return Ok(Report::Signalled(9));
        }
        if let Some(report) = tree.over_limit() {
            return Ok(report);
        }
    }
}

/// Kills init and everything below, and waits until it is gone.
fn kill_all(level: Level, init: i32) {
    // An init in namespaces takes all with it; elsewhere its children become ours.
    let _ = sys::kill(init, 9);
    loop {
        if level != Level::Namespaces {
            // All generations at once: layer by layer, one that multiplies would be faster.
            for process in Tree::descendants(std::process::id()) {
                let _ = sys::kill(process, 9);
            }
        }
        match sys::wait_any() {
            Ok(Some(_)) => {}
            Ok(None) | Err(_) => return,
        }
    }
}

/// The first process inside of the walls. Never returns.
fn init(plan: &Plan, control: &UnixStream, wait_for_go: PipeReader, mut reports: PipeWriter) -> ! {
    let report = guarded(plan, control, wait_for_go, &reports).unwrap_or_else(Report::Sandbox);
    if let Ok(text) = serde_json::to_string(&report) {
        let _ = reports.write_all(text.as_bytes());
    }
    drop(reports);
    if plan.level != Level::Namespaces {
        // Stay until killed, so that what the command left behind still has us as its parent.
        loop {
            if !matches!(sys::wait_any(), Ok(Some(_))) {
                break;
            }
        }
    }
    sys::exit_now(0)
}

fn guarded(
    plan: &Plan,
    control: &UnixStream,
    mut wait_for_go: PipeReader,
    reports: &PipeWriter,
) -> Result<Report, String> {
    step("die with the supervisor", sys::die_with_parent())?;
    // If the supervisor died before the line above, this reads an end instead of the word.
    step("wait for the supervisor", wait_for_go.read_exact(&mut [0]))?;
    drop(wait_for_go);
    // The lifeline is not for us: a copy in here would keep it open.
    let _ = control;
    step("close descriptors", sys::close_others(&[reports.as_raw_fd()]))?;
    step("adopt orphans", sys::adopt_orphans())?;
    step("refuse new rights", sys::no_new_privileges())?;
    limit(plan)?;
    match plan.level {
        Level::Namespaces => namespaces::build(plan)?,
        Level::Landlock => landlock::restrict(&plan.view, plan.network)?,
        Level::Copy => {}
    }
    if plan.level.is_sandboxed() {
        step("close itself to others", sys::close_to_others())?;
        step("filter system calls", sys::filter_system_calls(&filter::program(plan.level, plan.network)))?;
    }
    start(plan)
}

/// Starts the command and waits for its end, reaping orphans meanwhile.
fn start(plan: &Plan) -> Result<Report, String> {
    let (mut failure, mut fail) = step("make a pipe", std::io::pipe())?;
    match step("fork", sys::fork())? {
        Forked::Child => {
            let why = execute(plan);
            let _ = fail.write_all(why.to_string().as_bytes());
            sys::exit_now(127)
        }
        Forked::Parent(command) => {
            drop(fail);
            for stream in [0, 1, 2] {
                step("let go of the output", null().and_then(|null| sys::put_at(&null, stream)))?;
            }
            let mut why = String::new();
            step("watch the start", failure.read_to_string(&mut why))?;
            if !why.is_empty() {
                return Ok(Report::NotStarted(why));
            }
            loop {
                match step("wait", sys::wait_any())? {
                    Some((pid, status)) if pid == command => return Ok(ended(status)),
                    Some(_) => {}
                    None => return Err("the command was lost".to_owned()),
                }
            }
        }
    }
}

fn ended(status: i32) -> Report {
    use std::os::unix::process::ExitStatusExt;
    let status = std::process::ExitStatus::from_raw(status);
    match (status.code(), status.signal()) {
        (Some(code), _) => Report::Exited(code),
        (None, signal) => Report::Signalled(signal.unwrap_or(9)),
    }
}

/// Becomes the command. Returns only with the reason why not.
fn execute(plan: &Plan) -> std::io::Error {
    // Not to outlive the init even where it is no process 1.
    if let Err(e) = sys::die_with_parent() {
        return e;
    }
    sys::new_session();
    let Some(program) = plan.argv.first() else { return std::io::ErrorKind::InvalidInput.into() };
    if let Err(e) = std::env::set_current_dir(&plan.cwd) {
        return std::io::Error::other(format!("cannot enter {}: {e}", plan.cwd.display()));
    }
    let path = crate::environment::get(&plan.env, "PATH").unwrap_or("/usr/local/bin:/usr/bin:/bin");
    let found = match which::which_in(program, path) {
        Some(found) => found,
        None if program.contains('/') => program.into(),
        None => return std::io::Error::other("no such program in PATH inside the sandbox"),
    };
    let environment = plan.env.iter().map(|(name, value)| (name, value));
    Command::new(found).arg0(program).args(&plan.argv[1..]).env_clear().envs(environment).exec()
}

fn null() -> std::io::Result<std::fs::File> {
    std::fs::File::options().read(true).write(true).open("/dev/null")
}

/// Processes that the kernel lets be, so that the sample sees that there are too many, and says so.
pub(super) fn hard_limit(processes: u32) -> u64 {
    u64::from(processes) + u64::from(processes / 4) + 16
}

fn limit(plan: &Plan) -> Result<(), String> {
    // When memory runs out all the same, the person's own programs are not the ones to be killed.
    let _ = std::fs::write("/proc/self/oom_score_adj", "1000");
    let mut limits = vec![(libc::RLIMIT_CORE, Some(0))];
    limits.push((libc::RLIMIT_FSIZE, plan.file_bytes));
    limits.push((libc::RLIMIT_CPU, plan.cpu_seconds));
    if plan.level == Level::Namespaces {
        // Counted per user namespace, so the person's other processes do not count. It does not bind user 0.
        limits.push((libc::RLIMIT_NPROC, plan.processes.map(hard_limit)));
    }
    for (resource, most) in limits {
        if let Some(most) = most {
            step("set limits", sys::set_limit(resource, most))?;
        }
    }
    Ok(())
}
