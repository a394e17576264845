//! What is to be run, and what came of it.

use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{Host, Output, Union};

/// A command to be run.
#[derive(Debug, Clone)]
pub struct Spec {
    /// Program and arguments. A program without `/` is looked up in the path of the filtered environment.
    pub argv: Vec<String>,
    /// The folder it starts in; it must be visible in the sandbox.
    pub cwd: PathBuf,
    /// Variables added to (or replacing those of) the filtered environment.
    pub env: Vec<(String, String)>,
    /// What it reads on standard input; none is an empty input.
    pub stdin: Option<String>,
    /// Its limits.
    pub limits: Limits,
    /// What it may reach.
    pub sandbox: SandboxSpec,
}

impl Spec {
    /// A command with default limits, writing only in `cwd`, without network.
    pub fn new(argv: impl IntoIterator<Item = impl Into<String>>, cwd: impl Into<PathBuf>) -> Spec {
        let cwd = cwd.into();
        let sandbox = SandboxSpec { writable: vec![cwd.clone()], ..SandboxSpec::default() };
        let argv = argv.into_iter().map(Into::into).collect();
        Spec { argv, cwd, env: Vec::new(), stdin: None, limits: Limits::default(), sandbox }
    }

    /// A line of shell, run by `sh -c`; for the rest as [`Spec::new`].
    pub fn shell(line: &str, cwd: impl Into<PathBuf>) -> Spec {
        Spec::new(["/bin/sh", "-c", line], cwd)
    }
}

/// Limits of a command and all it starts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Wall time, after which everything is killed.
    pub wall: Duration,
    /// Bytes of both output streams together, after which everything is killed.
    pub output_bytes: u64,
    /// Bytes of private memory of all processes together, temporary files at [`Level::Namespaces`] included, which lie in
    /// memory. Sampled ten times a second.
    pub memory_bytes: Option<u64>,
    /// Processes and threads together. Sampled; at [`Level::Namespaces`] a quarter more is a hard limit (for user 0 from
    /// Linux 6.14).
    pub processes: Option<u32>,
    /// Bytes of any one file it writes.
    pub file_bytes: Option<u64>,
    /// Bytes that it takes of the disk: what its processes write, and what became less of the free space by files that
    /// changed since it began. Sampled. With it goes a reserve: where less than 1 GiB, or a fiftieth of the file system, is
    /// free, the command ends too.
    pub disk_bytes: Option<u64>,
}

impl Default for Limits {
    /// Ten minutes, 64 MiB of output, three quarters of the machine's memory, 4096 processes, files of 8 GiB, 20 GiB of
    /// disk.
    fn default() -> Self {
        Limits {
            wall: Duration::from_secs(600),
            output_bytes: 64 << 20,
            memory_bytes: machine_memory().map(|all| all / 4 * 3),
            processes: Some(4096),
            file_bytes: Some(8 << 30),
            disk_bytes: Some(20 << 30),
        }
    }
}

/// Bytes of memory that this machine, or the container around this process, has.
fn machine_memory() -> Option<u64> {
    static FOUND: OnceLock<Option<u64>> = OnceLock::new();
    *FOUND.get_or_init(|| {
        let read = |path: &str| std::fs::read_to_string(path).ok();
        let text = read("/proc/meminfo")?;
        let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
        let all = line.trim().trim_end_matches("kB").trim().parse::<u64>().ok()? << 10;
        let group = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"];
        let groups = group.into_iter().filter_map(read).filter_map(|text| text.trim().parse::<u64>().ok());
        Some(groups.fold(all, u64::min))
    })
}

/// What a command may reach besides the system's programs and the toolchains.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SandboxSpec {
    /// Files and folders it may change: the shadow, caches. A `.git` at the top of one stays read-only.
    pub writable: Vec<PathBuf>,
    /// Files and folders it may read besides (shared git objects, dependency folders).
    #[serde(default)]
    pub readable: Vec<PathBuf>,
    /// Files and folders it must not even read, though they lie inside of something above. Stronger than all others.
    pub readable_hidden: Vec<PathBuf>,
    /// Files and folders that are shown read-only at another place, each with that place; it is made where it is missing.
    /// Only [`Level::Namespaces`] can do this; elsewhere they are not there.
    #[serde(default)]
    pub shown: Vec<(PathBuf, PathBuf)>,
    /// Trees that are put together for the command. Their places must lie in what is writable. A level that cannot mount
    /// them does not run the command.
    #[serde(default)]
    pub unions: Vec<Union>,
    /// Folders of the above that the command also finds at another path, each with that path first; what stands there
    /// outside of the sandbox is not seen. A command whose working folder lies in such a folder starts at the other path.
    /// What was built or installed by absolute paths works there. Only [`Level::Namespaces`] can do this; elsewhere, and
    /// where a path holds a cache or something writable, it is left out; what is readable below it is covered.
    #[serde(default)]
    pub aliases: Vec<(PathBuf, PathBuf)>,
    /// Whether it may use the network.
    pub network: Network,
}

/// Which network a command sees.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Network {
    /// None but its own loopback.
    #[default]
    None,
    /// None but its own loopback, with a proxy on it that connects to these hosts. Only at [`Level::Namespaces`];
    /// at [`Level::Landlock`] the command is not run.
    Hosts(Vec<Host>),
    /// That of the machine.
    All,
}

/// Something that a command asked the proxy for in vain.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Refusal {
    /// `host:port`, as it was asked for.
    pub host: String,
    /// Why it was refused.
    pub why: String,
}

/// How strong the walls are, strongest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Own namespaces, no capabilities, a system-call filter.
    Namespaces,
    /// Landlock access rules and a system-call filter.
    Landlock,
    /// No walls; only limits and the copy that the command runs in.
    Copy,
}

impl Level {
    /// Whether files outside of the writable list are protected.
    pub fn is_sandboxed(self) -> bool {
        self != Level::Copy
    }
}

impl std::fmt::Display for Level {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Level::Namespaces => "namespaces",
            Level::Landlock => "landlock",
            Level::Copy => "copy (no sandbox)",
        })
    }
}

/// One of the two output streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// By itself, with this exit status.
    Exited(i32),
    /// By this signal, which did not come from us.
    Signalled(i32),
    /// Killed after [`Limits::wall`].
    TimedOut,
    /// Killed because the caller cancelled.
    Cancelled,
    /// Killed for more output than [`Limits::output_bytes`].
    OutputLimit,
    /// Killed for more memory than [`Limits::memory_bytes`].
    MemoryLimit,
    /// Killed for more processes than [`Limits::processes`].
    ProcessLimit,
    /// Killed for taking more of the disk than [`Limits::disk_bytes`], or the last of it.
    DiskLimit,
}

impl Status {
    /// Whether it ended by itself with status 0.
    pub fn success(self) -> bool {
        self == Status::Exited(0)
    }
}

impl std::fmt::Display for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Status::Exited(code) => write!(f, "exit {code}"),
            Status::Signalled(signal) => write!(f, "signal {signal}"),
            Status::TimedOut => f.write_str("stopped: time limit"),
            Status::Cancelled => f.write_str("cancelled"),
            Status::OutputLimit => f.write_str("stopped: output limit"),
            Status::MemoryLimit => f.write_str("stopped: memory limit"),
            Status::ProcessLimit => f.write_str("stopped: process limit"),
            Status::DiskLimit => f.write_str("stopped: disk limit"),
        }
    }
}

/// What came of a command.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// How it ended.
    pub status: Status,
    /// What it wrote, head and tail.
    pub output: Output,
    /// From start to the death of the last process.
    pub duration: Duration,
    /// The level it ran at.
    pub level: Level,
    /// What it asked the proxy for in vain, `host:port` with the reason each, without repetition; empty unless its
    /// network was [`Network::Hosts`].
    pub refused: Vec<Refusal>,
}

/// Why a command could not be run at all.
#[derive(Debug, thiserror::Error)]
pub enum ExecError {
    /// The command has no words.
    #[error("there is no command to run")]
    Empty,
    /// The program is not there, or not to be seen in the sandbox.
    #[error("cannot run {program:?}: {why}")]
    NotStarted {
        /// The program asked for.
        program: String,
        /// The system's answer.
        why: String,
    },
    /// The walls could not be set up; the command was not run.
    #[error(
        "the sandbox ({level}) could not be set up, so the command was not run: {why}; `galley doctor` shows which level works here"
    )]
    Sandbox {
        /// The level asked for.
        level: Level,
        /// The step that failed.
        why: String,
    },
    /// The supervisor could not be started or talked to.
    #[error("cannot {doing}: {source}")]
    Io {
        /// What was tried.
        doing: &'static str,
        /// The system's answer.
        source: std::io::Error,
    },
}
