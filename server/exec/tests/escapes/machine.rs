//! A person's machine around an attempt: home, another workspace, sockets where somebody listens, a process of
//! theirs, a terminal. Afterwards it says what was touched.

use std::ffi::CString;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read};
use std::net::{TcpListener, UdpSocket};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixListener};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};

use crate::call::{self, at, name, raw, text};
use crate::inside::SECRET;

/// Files of home that hold keys and tokens.
pub const KEYS: &[&str] = &[
    ".ssh/id_ed25519",
    ".aws/credentials",
    ".config/gcloud/credentials.db",
    ".kube/config",
    ".cargo/credentials.toml",
    ".npmrc",
    ".pypirc",
    ".netrc",
    ".git-credentials",
    ".docker/config.json",
    ".config/gh/hosts.yml",
    ".gnupg/private-keys-v1.d/key",
    ".local/share/keyrings/login.keyring",
    ".bash_history",
    "secret",
];
/// Files of home that start programs or are shared by all builds.
const OTHERS: &[&str] = &[
    "keep",
    ".bashrc",
    ".gitconfig",
    ".cargo/bin/tool",
    ".cargo/registry/cache/crate",
    ".npm/_cacache/package",
    ".cache/pip/wheel",
    ".local/bin/tool",
];

/// What lives as long as the suite.
pub struct Machine {
    pub base: PathBuf,
    mark: String,
    bystander: Option<Bystander>,
    tcp: TcpListener,
    tcp6: Option<TcpListener>,
    udp: UdpSocket,
    streams: Vec<UnixListener>,
    datagrams: Vec<UnixDatagram>,
    terminal: Option<(File, String)>,
    pipe: File,
    memory: i64,
    messages: i64,
    semaphores: i64,
    queue: CString,
}

impl Machine {
    pub fn new(base: PathBuf) -> io::Result<Machine> {
        for folder in ["run", "deps", "other/src", "payload"] {
            fs::create_dir_all(base.join(folder))?;
        }
        fs::write(base.join("other/src/lib.rs"), SECRET)?;
        fs::write(base.join("deps/hidden"), SECRET)?;
        let pid = std::process::id();
        let hidden = |kind: &str| SocketAddr::from_abstract_name(format!("galley-{kind}-{pid}"));
        let stream = |path: &str| UnixListener::bind(base.join(path));
        let streams = vec![
            stream("run/docker.sock")?,
            stream("run/agent")?,
            stream("run/bus")?,
            stream("deps/dev.sock")?,
            UnixListener::bind_addr(&hidden("stream")?)?,
        ];
        let datagrams =
            vec![UnixDatagram::bind(base.join("run/log"))?, UnixDatagram::bind_addr(&hidden("log")?)?];
        let pipe = base.join("deps/pipe");
        raw(
            libc::SYS_mknodat,
            [libc::AT_FDCWD.into(), name(&text(&pipe)), i64::from(libc::S_IFIFO | 0o600), 0, 0, 0],
        )?;
        let machine = Machine {
            pipe: File::options().read(true).write(true).open(pipe)?,
            bystander: None,
            mark: String::new(),
            tcp: TcpListener::bind("127.0.0.1:0")?,
            tcp6: TcpListener::bind("[::1]:0").ok(),
            udp: UdpSocket::bind("127.0.0.1:0")?,
            streams,
            datagrams,
            terminal: call::terminal().ok(),
            memory: shared_memory()?,
            messages: raw(libc::SYS_msgget, [0, 0o600 | i64::from(libc::IPC_CREAT), 0, 0, 0, 0])?,
            semaphores: raw(libc::SYS_semget, [0, 1, 0o600 | i64::from(libc::IPC_CREAT), 0, 0, 0])?,
            queue: queue(pid),
            base,
        };
        machine.tcp.set_nonblocking(true)?;
        machine.udp.set_nonblocking(true)?;
        for quiet in machine.tcp6.iter().map(|l| l.set_nonblocking(true)) {
            quiet?;
        }
        for quiet in machine.streams.iter().map(|l| l.set_nonblocking(true)) {
            quiet?;
        }
        for quiet in machine.datagrams.iter().map(|l| l.set_nonblocking(true)) {
            quiet?;
        }
        raw(
            libc::SYS_fcntl,
            [descriptor(&machine.pipe), libc::F_SETFL.into(), libc::O_NONBLOCK.into(), 0, 0, 0],
        )?;
        Ok(machine)
    }

    /// Everything as it was, for the attempt with this mark.
    pub fn restore(&mut self, mark: &str) -> io::Result<()> {
        self.mark = mark.to_owned();
        let home = self.home();
        for folder in [home.clone(), self.shadow(), self.second_shadow()] {
            if folder.exists() {
                fs::remove_dir_all(&folder)?;
            }
            fs::create_dir_all(&folder)?;
        }
        for file in KEYS.iter().chain(OTHERS) {
            let file = home.join(file);
            fs::create_dir_all(file.parent().unwrap_or(&home))?;
            fs::write(&file, SECRET)?;
            fs::set_permissions(&file, fs::Permissions::from_mode(0o644))?;
        }
        // What an attempt without a sandbox left.
        let _ = fs::remove_file(self.base.join("deps/new"));
        fs::create_dir_all(self.shadow().join(".git/hooks"))?;
        fs::write(self.shadow().join(".git/config"), "[core]\n")?;
        for program in [".cargo/bin/tool", ".local/bin/tool"] {
            fs::set_permissions(home.join(program), fs::Permissions::from_mode(0o755))?;
        }
        self.bystander = Some(Bystander::start(&self.base)?);
        Ok(())
    }

    pub fn home(&self) -> PathBuf {
        self.base.join("home")
    }

    pub fn shadow(&self) -> PathBuf {
        self.base.join("shadow")
    }

    /// Where the next command runs.
    pub fn second_shadow(&self) -> PathBuf {
        self.base.join("second")
    }

    /// What an attempt is told.
    pub fn facts(&self) -> Vec<(String, String)> {
        let bystander = self.bystander.as_ref();
        let port = |listener: &TcpListener| listener.local_addr().map_or(0, |a| a.port());
        let facts = [
            ("BASE", self.base.to_string_lossy().into_owned()),
            ("MARK", self.mark.clone()),
            ("SUITE", std::process::id().to_string()),
            ("BYSTANDER", bystander.map_or(-1, |b| i64::from(b.child.id())).to_string()),
            ("ADDRESS", bystander.map_or(0, |b| b.address).to_string()),
            ("FD", bystander.map_or(-1, |b| b.fd).to_string()),
            ("PORT", port(&self.tcp).to_string()),
            ("PORT6", self.tcp6.as_ref().map_or(0, port).to_string()),
            ("UDP", self.udp.local_addr().map_or(0, |a| a.port()).to_string()),
            ("TERMINAL", self.terminal.as_ref().map_or(String::new(), |(_, path)| path.clone())),
            ("MEMORY", self.memory.to_string()),
            ("MESSAGES", self.messages.to_string()),
            ("SEMAPHORES", self.semaphores.to_string()),
            ("QUEUE", self.queue.to_string_lossy().into_owned()),
        ];
        facts.into_iter().map(|(name, value)| (format!("ESCAPE_{name}"), value)).collect()
    }

    /// What was touched outside of the shadow since it was restored; undoes what lies outside of the base.
    pub fn touched(&mut self) -> Vec<String> {
        let mut touched = Vec::new();
        let mut note = |so: bool, what: &str| {
            if so {
                touched.push(what.to_owned());
            }
        };
        note(!self.home_is_whole(), "home");
        note(
            fs::read_dir(self.base.join("deps")).map_or(0, Iterator::count) != 3,
            "a folder shown read-only",
        );
        note(fs::read_dir(self.base.join("run")).map_or(0, Iterator::count) != 4, "the folder of sockets");
        for place in ["/tmp", "/dev/shm", "/var/tmp"] {
            let left = Path::new(place).join(format!("galley-escape-{}", self.mark));
            note(fs::remove_file(left).is_ok(), place);
        }
        note(self.tcp.accept().is_ok() | self.tcp6.as_ref().is_some_and(|l| l.accept().is_ok()), "TCP");
        note(self.udp.recv(&mut [0; 64]).is_ok(), "UDP");
        for stream in &self.streams {
            note(stream.accept().is_ok(), "a local socket");
        }
        for datagram in &self.datagrams {
            note(datagram.recv(&mut [0; 64]).is_ok(), "a local socket for datagrams");
        }
        note(self.pipe.read(&mut [0; 64]).is_ok_and(|n| n > 0), "a pipe");
        if let Some((terminal, _)) = &mut self.terminal {
            note(terminal.read(&mut [0; 64]).is_ok_and(|n| n > 0), "the terminal");
        }
        if let Some(bystander) = self.bystander.take() {
            note(!bystander.was_left_alone(), "a process");
        }
        touched
    }

    /// Home as it was, in all that can be seen of it.
    fn home_is_whole(&self) -> bool {
        let files = files_below(&self.home());
        !self.home().join("new").exists()
            && files.len() == KEYS.len() + OTHERS.len()
            && files.iter().all(|file| {
                let mode = if file.ends_with("bin/tool") { 0o755 } else { 0o644 };
                let whole = |m: fs::Metadata| {
                    m.permissions().mode() & 0o7777 == mode && m.nlink() == 1 && m.mtime() > 1_000_000_000
                };
                fs::read_to_string(file).is_ok_and(|text| text == SECRET)
                    && fs::metadata(file).is_ok_and(whole)
            })
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let remove = i64::from(libc::IPC_RMID);
        let _ = raw(libc::SYS_shmctl, [self.memory, remove, 0, 0, 0, 0]);
        let _ = raw(libc::SYS_msgctl, [self.messages, remove, 0, 0, 0, 0]);
        let _ = raw(libc::SYS_semctl, [self.semaphores, 0, remove, 0, 0, 0]);
        let _ = raw(libc::SYS_mq_unlink, [name(&self.queue), 0, 0, 0, 0, 0]);
    }
}

fn descriptor(file: &File) -> i64 {
    use std::os::fd::AsRawFd;
    file.as_raw_fd().into()
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    entries
        .flat_map(|path| match fs::symlink_metadata(&path) {
            Ok(found) if found.is_dir() => files_below(&path),
            _ => vec![path],
        })
        .collect()
}

fn shared_memory() -> io::Result<i64> {
    let id = raw(libc::SYS_shmget, [0, 4096, 0o600 | i64::from(libc::IPC_CREAT), 0, 0, 0])?;
    call::shared_memory(id, SECRET.len())?.copy_from_slice(SECRET.as_bytes());
    Ok(id)
}

/// A message queue by name; empty where the kernel has none.
fn queue(pid: u32) -> CString {
    let queue = text(format!("galley-{pid}"));
    let flags = i64::from(libc::O_CREAT | libc::O_RDWR);
    match call::owned(raw(libc::SYS_mq_open, [name(&queue), flags, 0o600, 0, 0, 0])) {
        Ok(_) => queue,
        Err(_) => CString::default(),
    }
}

/// A process of the person's, which knows a secret and is to be left as it is.
struct Bystander {
    child: Child,
    /// Dropped, it ends.
    life: Option<ChildStdin>,
    address: u64,
    fd: i64,
}

impl Bystander {
    fn start(base: &Path) -> io::Result<Bystander> {
        let mut child = Command::new("/proc/self/exe")
            .env("ESCAPE_ROLE", "bystander")
            .current_dir(base.join("home"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let life = child.stdin.take();
        let mut line = String::new();
        BufReader::new(child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?).read_line(&mut line)?;
        let mut words = line.split_whitespace().map(str::parse);
        let (Some(Ok(address)), Some(Ok(fd))) = (words.next(), words.next()) else {
            return Err(io::Error::other("the bystander did not start"));
        };
        Ok(Bystander { child, life, address: address as u64, fd })
    }

    /// Whether it was left alone; ends it.
    fn was_left_alone(mut self) -> bool {
        drop(self.life.take());
        self.child.wait().is_ok_and(|status| status.success())
    }
}

/// The bystander itself: says where its secret lies, waits, and looks whether it was changed.
pub fn bystander() -> io::Result<bool> {
    // A security module that allows only parents to look at a process is told to allow all: the walls are ours to prove.
    let _ = raw(libc::SYS_prctl, [libc::PR_SET_PTRACER.into(), -1, 0, 0, 0, 0]);
    let secret = std::hint::black_box(SECRET.as_bytes().to_vec());
    let file = File::open("secret")?;
    let limits = || fs::read_to_string("/proc/self/limits");
    let nice = || raw(libc::SYS_getpriority, [0, 0, 0, 0, 0, 0]);
    let cores = || {
        let mut mask = [0u64; 16];
        raw(libc::SYS_sched_getaffinity, [0, 128, call::at_mut(&mut mask), 0, 0, 0]).map(|_| mask)
    };
    let score = || fs::read_to_string("/proc/self/oom_score_adj");
    let before = (limits()?, nice()?, cores()?, score()?);
    println!("{} {}", at(&secret), descriptor(&file));
    io::stdin().read_to_end(&mut Vec::new())?;
    Ok(std::hint::black_box(&secret) == SECRET.as_bytes()
        && before == (limits()?, nice()?, cores()?, score()?))
}
