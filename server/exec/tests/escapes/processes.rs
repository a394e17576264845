//! Doing something to processes outside, and outliving the command.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;

use crate::call::{self, at, raw};
use crate::inside::{Inside, holds};
use crate::machine::Machine;
use crate::needs;
use crate::secrets::handle;
use crate::table::{Escape, escape};

pub const TABLE: &[Escape] = &[
    escape("attach to a process", |inside| {
        raw(libc::SYS_ptrace, [libc::PTRACE_SEIZE.into(), inside.bystander().into(), 0, 0, 0, 0]).map(drop)
    })
    .needs(needs::looking),
    escape("attach to the parent", |_| {
        let parent = i64::from(std::os::unix::process::parent_id());
        raw(libc::SYS_ptrace, [libc::PTRACE_SEIZE.into(), parent, 0, 0, 0, 0]).map(drop)
    })
    .needs(|| needs::looking().or_else(attach_upwards)),
    escape("change the memory of a process by a call", |inside| {
        let changed = *b"X";
        let (here, there) = ([at(&changed), 1], [inside.number("ADDRESS"), 1]);
        raw(libc::SYS_process_vm_writev, [inside.bystander().into(), at(&here), 1, at(&there), 1, 0])
            .map(drop)
    })
    .needs(needs::looking),
    escape("change the memory of a process by /proc", |inside| {
        let memory = File::options().write(true).open(format!("/proc/{}/mem", inside.bystander()))?;
        memory.write_at(b"X", inside.number("ADDRESS") as u64).map(drop)
    })
    .needs(needs::looking),
    escape("kill a process", |inside| signal(inside, libc::SIGKILL)),
    escape("stop a process", |inside| {
        signal(inside, libc::SIGSTOP)?;
        signal(inside, libc::SIGCONT)
    }),
    escape("signal a process by its handle", |inside| {
        let process = handle(inside)?;
        let signal = libc::SIGTERM.into();
        raw(libc::SYS_pidfd_send_signal, [process.as_raw_fd().into(), signal, 0, 0, 0, 0]).map(drop)
    }),
    escape("signal a thread", |inside| {
        let process = inside.bystander().into();
        raw(libc::SYS_tgkill, [process, process, libc::SIGTERM.into(), 0, 0, 0]).map(drop)
    }),
    escape("signal the server", |inside| {
        // Signal 0 only asks.
        raw(libc::SYS_kill, [inside.number("SUITE"), 0, 0, 0, 0, 0]).map(drop)
    }),
    escape("have the kernel send a signal", |inside| {
        let (ours, theirs) = std::os::unix::net::UnixStream::pair()?;
        let fd = ours.as_raw_fd().into();
        raw(libc::SYS_fcntl, [fd, libc::F_SETOWN.into(), inside.bystander().into(), 0, 0, 0])?;
        const SET_SIGNAL: i64 = 10;
        raw(libc::SYS_fcntl, [fd, SET_SIGNAL, libc::SIGKILL.into(), 0, 0, 0])?;
        raw(libc::SYS_fcntl, [fd, libc::F_SETFL.into(), libc::O_ASYNC.into(), 0, 0, 0])?;
        (&theirs).write_all(b"x")?;
        // The bystander says whether it came.
        Err(io::Error::other("sent"))
    }),
    escape("limit a process", |inside| {
        let limit = [3u64, 3];
        let resource = i64::from(libc::RLIMIT_NOFILE);
        raw(libc::SYS_prlimit64, [inside.bystander().into(), resource, at(&limit), 0, 0, 0]).map(drop)
    }),
    escape("slow a process down", |inside| {
        raw(libc::SYS_setpriority, [0, inside.bystander().into(), 19, 0, 0, 0]).map(drop)
    }),
    escape("pin a process to a core", |inside| {
        let first = [1u64];
        raw(libc::SYS_sched_setaffinity, [inside.bystander().into(), 8, at(&first), 0, 0, 0])?;
        holds(std::thread::available_parallelism().is_ok(), "no core is known")
    }),
    escape("make a process idle", |inside| {
        let none = [0i32];
        raw(
            libc::SYS_sched_setscheduler,
            [inside.bystander().into(), libc::SCHED_IDLE.into(), at(&none), 0, 0, 0],
        )
        .map(drop)
    }),
    escape("slow the disk of a process down", |inside| {
        let idle = 3 << 13;
        raw(libc::SYS_ioprio_set, [1, inside.bystander().into(), idle, 0, 0, 0]).map(drop)
    }),
    escape("offer a process to be killed", |inside| {
        fs::write(format!("/proc/{}/oom_score_adj", inside.bystander()), "1000")
    }),
    escape("a message into a queue of others", |inside| {
        let message = [1i64, 0];
        let flags = i64::from(libc::IPC_NOWAIT);
        raw(libc::SYS_msgsnd, [inside.number("MESSAGES"), at(&message), 1, flags, 0, 0]).map(drop)
    }),
    escape("raise a semaphore of others", |inside| {
        let up = [0i16, 1, 0];
        raw(libc::SYS_semop, [inside.number("SEMAPHORES"), at(&up), 1, 0, 0, 0]).map(drop)
    }),
    escape("a message into a queue by name", |inside| {
        let queue = call::text(inside.fact("QUEUE"));
        let flags = i64::from(libc::O_WRONLY | libc::O_NONBLOCK);
        call::owned(raw(libc::SYS_mq_open, [call::name(&queue), flags, 0, 0, 0, 0])).map(drop)
    })
    .needs(queues),
    escape("outlive: own session", |_| survive(|| raw(libc::SYS_setsid, [0; 6]).map(drop))).left(is_alive),
    escape("outlive: daemon by two forks", |_| {
        survive(|| {
            raw(libc::SYS_setsid, [0; 6])?;
            if call::fork()? > 0 {
                call::exit(0);
            }
            Ok(())
        })
    })
    .left(is_alive),
    escape("outlive: signals ignored", |_| {
        survive(|| {
            call::ignore_signals();
            Ok(())
        })
    })
    .left(is_alive),
    escape("outlive: not to die with the parent", |_| {
        survive(|| raw(libc::SYS_prctl, [libc::PR_SET_PDEATHSIG.into(), 0, 0, 0, 0, 0]).map(drop))
    })
    .left(is_alive),
    escape("outlive: stopped", |_| {
        // In a session of its own, since a stopped process whose group is left alone is hung up.
        survive(|| raw(libc::SYS_setsid, [0; 6]).map(drop))?;
        let pid = fs::read_to_string("pid")?.parse().map_err(io::Error::other)?;
        raw(libc::SYS_kill, [pid, libc::SIGSTOP.into(), 0, 0, 0, 0]).map(drop)
    })
    .left(is_alive),
    escape("outlive: as a child of the grandparent", |_| {
        let flags = i64::from(libc::CLONE_PARENT | libc::SIGCHLD);
        if raw(libc::SYS_clone, [flags, 0, 0, 0, 0, 0])? == 0 {
            survive(|| Ok(()))?;
            call::exit(0);
        }
        while !std::path::Path::new("up").exists() {
            std::thread::yield_now();
        }
        Ok(())
    })
    .left(is_alive),
    escape("outlive: a keeper of orphans", |_| {
        survive(|| {
            raw(libc::SYS_prctl, [libc::PR_SET_CHILD_SUBREAPER.into(), 1, 0, 0, 0, 0])?;
            raw(libc::SYS_setsid, [0; 6]).map(drop)
        })
    })
    .left(is_alive),
];

fn signal(inside: &Inside, signal: i32) -> io::Result<()> {
    raw(libc::SYS_kill, [inside.bystander().into(), signal.into(), 0, 0, 0, 0]).map(drop)
}

fn attach_upwards() -> Option<String> {
    let scope = fs::read_to_string("/proc/sys/kernel/yama/ptrace_scope").unwrap_or_default();
    (scope.trim() != "" && scope.trim() != "0").then(|| "kernel.yama.ptrace_scope forbids it".to_owned())
}

fn queues() -> Option<String> {
    let missing = raw(libc::SYS_mq_unlink, [0; 6]).err().and_then(|e| e.raw_os_error());
    (missing == Some(libc::ENOSYS)).then(|| "this kernel has no such queues".to_owned())
}

/// Starts a process that holds a lock for ever, prepared as said; comes back when it holds it.
fn survive(prepare: fn() -> io::Result<()>) -> io::Result<()> {
    if call::fork()? == 0 {
        let up = prepare().and_then(|()| {
            // Nobody but this process and its children have the lock's descriptor.
            let lock = File::create("lock")?;
            lock.lock()?;
            fs::write("pid", std::process::id().to_string())?;
            std::mem::forget(lock);
            fs::write("up", "")
        });
        if up.is_err() {
            call::exit(1);
        }
        for stream in 0..3 {
            let _ = raw(libc::SYS_close, [stream, 0, 0, 0, 0, 0]);
        }
        call::alarm(0);
        call::wait_for_ever()
    }
    while !std::path::Path::new("up").exists() {
        std::thread::yield_now();
    }
    Ok(())
}

/// Whether the lock is held by somebody; ends that one.
fn is_alive(machine: &Machine) -> bool {
    let Ok(lock) = File::open(machine.shadow().join("lock")) else { return true };
    let held = lock.try_lock().is_err();
    let pid = fs::read_to_string(machine.shadow().join("pid")).unwrap_or_default();
    // Inside of namespaces it is a number of theirs, which means somebody else out here.
    let is_ours = fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|folder| folder == machine.shadow());
    if held
        && is_ours
        && let Ok(pid) = pid.parse()
    {
        let _ = raw(libc::SYS_kill, [pid, libc::SIGKILL.into(), 0, 0, 0, 0]);
    }
    held
}
