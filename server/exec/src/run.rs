//! The server's side of a run: start the supervisor, hand it the plan, read output until everything below is dead.

use tokio_util::sync::CancellationToken;

use crate::{ExecError, Level, Outcome, Spec, Stream};

/// Runs a command at `level` and waits until it and everything it started is dead.
///
/// `on_output` gets every byte as it comes; the [`Outcome`] keeps head and tail. When `cancel` fires, a limit is
/// reached, the future is dropped or this process dies, the whole tree is killed.
///
/// # Errors
/// If the walls of `level` cannot be set up the command is not run. A command that runs and fails is an `Outcome`.
pub async fn run(
    spec: &Spec,
    level: Level,
    on_output: &mut (dyn FnMut(Stream, &[u8]) + Send),
    cancel: &CancellationToken,
) -> Result<Outcome, ExecError> {
    if spec.argv.first().is_none_or(String::is_empty) {
        return Err(ExecError::Empty);
    }
    imp::run(spec, level, on_output, cancel).await
}

#[cfg(not(target_os = "linux"))]
mod imp {
    use super::*;

    /// No level is built for this system yet; nothing is run rather than run without the death of the tree. The
    /// means chosen: `sandbox-exec` profiles with a process group on macOS; on Windows a job object that kills on
    /// close, and a restricted token in an AppContainer.
    pub(super) async fn run(
        _: &Spec,
        level: Level,
        _: &mut (dyn FnMut(Stream, &[u8]) + Send),
        _: &CancellationToken,
    ) -> Result<Outcome, ExecError> {
        Err(ExecError::Sandbox { level, why: "commands are run on Linux only so far".to_owned() })
    }
}

#[cfg(target_os = "linux")]
mod imp {
    use std::io;
    use std::os::fd::OwnedFd;
    use std::path::{Path, PathBuf};
    use std::process::Stdio;
    use std::sync::Arc;
    use std::time::{Duration, Instant};

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, UnixStream};
    use tokio::process::{Child, Command};

    use super::*;
    use crate::plan::{LISTENER, Plan, Report, STAGE_VARIABLE};
    use crate::proxy::{self, Proxy};
    use crate::{Network, Output, Status, environment, sys, view};

    /// What the supervisor may take to kill the tree and say so, before it is taken for stuck.
    const GRACE: Duration = Duration::from_secs(10);

    pub(super) async fn run(
        spec: &Spec,
        level: Level,
        on_output: &mut (dyn FnMut(Stream, &[u8]) + Send),
        cancel: &CancellationToken,
    ) -> Result<Outcome, ExecError> {
        let started = Instant::now();
        if level == Level::Landlock && matches!(spec.sandbox.network, Network::Hosts(_)) {
            let why =
                "single hosts can be granted only where namespaces work; grant the whole network, or none";
            return Err(ExecError::Sandbox { level, why: why.to_owned() });
        }
        if level != Level::Namespaces && !spec.sandbox.unions.is_empty() {
            let why = "it cannot mount the tree that the command was to run in".to_owned();
            return Err(ExecError::Sandbox { level, why });
        }
        let private = PrivateFolder::for_level(level)?;
        let plan = plan(spec, level, private.as_ref().map(|p| p.0.as_path()));
        let (mut child, mut control) = start_supervisor()?;
        send(&mut control, &plan).await.map_err(|source| io_error("hand the plan to the sandbox", source))?;

        let mut output = Output::default();
        let mut report_so_far = Vec::new();
        let proxy = match &spec.sandbox.network {
            Network::Hosts(hosts) if plan.proxy => {
                let received =
                    tokio::time::timeout(GRACE, receive_listener(&control, &mut report_so_far)).await;
                let received = received.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
                let listener = received.map_err(|e| io_error("open the proxy of the sandbox", e))?;
                listener.map(|listener| (Proxy::new(hosts.clone()), listener))
            }
            _ => None,
        };
        let refusals = proxy.as_ref().map(|(proxy, _)| Arc::clone(proxy));
        let serving = async {
            match proxy {
                Some((proxy, listener)) => proxy.serve(listener).await,
                None => std::future::pending().await,
            }
        };
        let killed = tokio::select! {
            killed = read_output(&mut child, spec, &mut output, on_output, cancel) => killed,
            () = serving => None,
        };
        let report = if killed.is_some() {
            // Closing the socket tells the supervisor to kill everything; its end says that this is done.
            drop(control);
            None
        } else {
            read_report(control, report_so_far).await
        };
        if tokio::time::timeout(GRACE, child.wait()).await.is_err() {
            let _ = child.kill().await;
        }
        let status = match (killed, report) {
            (Some(status), _) => status,
            (None, Some(report)) => status_of(report, spec, level)?,
            (None, None) => {
                let why = "the supervisor ended without a word".to_owned();
                return Err(ExecError::Sandbox { level, why });
            }
        };
        let refused = refusals.map(|proxy| proxy.refused()).unwrap_or_default();
        Ok(Outcome { status, output, duration: started.elapsed(), level, refused })
    }

    fn io_error(doing: &'static str, source: io::Error) -> ExecError {
        ExecError::Io { doing, source }
    }

    fn start_supervisor() -> Result<(Child, UnixStream), ExecError> {
        if !sys::entry_is_linked() {
            let why = io::Error::other("this program was built without the inner stage of the sandbox");
            return Err(io_error("start the sandbox", why));
        }
        let (ours, theirs) = std::os::unix::net::UnixStream::pair()
            .and_then(|(ours, theirs)| ours.set_nonblocking(true).map(|()| (ours, theirs)))
            .map_err(|e| io_error("make a socket", e))?;
        let ours = UnixStream::from_std(ours).map_err(|e| io_error("watch a socket", e))?;
        let child = Command::new("/proc/self/exe")
            .arg0("galley-sandbox")
            .env_clear()
            .env(STAGE_VARIABLE, "1")
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|e| io_error("start the sandbox", e))?;
        Ok((child, ours))
    }

    async fn send(control: &mut UnixStream, plan: &Plan) -> io::Result<()> {
        let text = serde_json::to_vec(plan)?;
        let length = u32::try_from(text.len()).map_err(|_| io::Error::other("the command is too long"))?;
        control.write_all(&length.to_le_bytes()).await?;
        control.write_all(&text).await
    }

    /// Reads both streams to their end. The status, if we are to kill instead.
    async fn read_output(
        child: &mut Child,
        spec: &Spec,
        output: &mut Output,
        on_output: &mut (dyn FnMut(Stream, &[u8]) + Send),
        cancel: &CancellationToken,
    ) -> Option<Status> {
        let (mut stdout, mut stderr) = (child.stdout.take(), child.stderr.take());
        let deadline = tokio::time::sleep(spec.limits.wall);
        tokio::pin!(deadline);
        let (mut out_buffer, mut err_buffer) = (vec![0; 64 << 10], vec![0; 16 << 10]);
        while stdout.is_some() || stderr.is_some() {
            let (stream, bytes) = tokio::select! {
                biased;
                () = cancel.cancelled() => return Some(Status::Cancelled),
                () = &mut deadline => return Some(Status::TimedOut),
                read = read_some(&mut stdout, &mut out_buffer), if stdout.is_some() => (Stream::Stdout, &out_buffer[..read]),
                read = read_some(&mut stderr, &mut err_buffer), if stderr.is_some() => (Stream::Stderr, &err_buffer[..read]),
            };
            if bytes.is_empty() {
                match stream {
                    Stream::Stdout => stdout = None,
                    Stream::Stderr => stderr = None,
                }
                continue;
            }
            output.push(stream, bytes);
            on_output(stream, bytes);
            if output.total_bytes() > spec.limits.output_bytes {
                return Some(Status::OutputLimit);
            }
        }
        // Both streams are closed, but the command may go on in silence.
        tokio::select! {
            biased;
            () = cancel.cancelled() => Some(Status::Cancelled),
            () = &mut deadline => Some(Status::TimedOut),
            _ = child.wait() => None,
        }
    }

    async fn read_some(source: &mut Option<impl AsyncReadExt + Unpin>, buffer: &mut [u8]) -> usize {
        match source {
            // An error of a pipe is its end for us.
            Some(source) => source.read(buffer).await.unwrap_or(0),
            None => 0,
        }
    }

    /// What the supervisor says at its end; `text` is what was read of it before.
    async fn read_report(mut control: UnixStream, mut text: Vec<u8>) -> Option<Report> {
        control.read_to_end(&mut text).await.ok()?;
        serde_json::from_slice(text.split(|b| *b == b'\n').next()?).ok()
    }

    /// The listener that was born in the network of the sandbox; none when a report came in its place, whose beginning
    /// is put into `report`.
    async fn receive_listener(control: &UnixStream, report: &mut Vec<u8>) -> io::Result<Option<TcpListener>> {
        use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};
        let mut space = [std::mem::MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut ancillary = RecvAncillaryBuffer::new(&mut space);
        let mut byte = [0; 1];
        let receive = || {
            let mut into = [io::IoSliceMut::new(&mut byte)];
            let received = recvmsg(control, &mut into, &mut ancillary, RecvFlags::CMSG_CLOEXEC);
            received.map(|message| message.bytes).map_err(io::Error::from)
        };
        let read = control.async_io(tokio::io::Interest::READABLE, receive).await?;
        if read == 0 || byte[0] != LISTENER {
            report.extend_from_slice(&byte[..read]);
            return Ok(None);
        }
        let given = ancillary.drain().find_map(|message| match message {
            RecvAncillaryMessage::ScmRights(mut given) => given.next(),
            _ => None,
        });
        let listener = std::net::TcpListener::from(given.ok_or(io::ErrorKind::UnexpectedEof)?);
        listener.set_nonblocking(true)?;
        TcpListener::from_std(listener).map(Some)
    }

    fn status_of(report: Report, spec: &Spec, level: Level) -> Result<Status, ExecError> {
        Ok(match report {
            Report::Exited(code) => Status::Exited(code),
            Report::Signalled(signal) => Status::Signalled(signal),
            Report::MemoryLimit => Status::MemoryLimit,
            Report::ProcessLimit => Status::ProcessLimit,
            Report::DiskLimit => Status::DiskLimit,
            Report::Sandbox(why) => return Err(ExecError::Sandbox { level, why }),
            Report::NotStarted(why) => {
                let program = spec.argv.first().cloned().unwrap_or_default();
                return Err(ExecError::NotStarted { program, why });
            }
        })
    }

    fn plan(spec: &Spec, level: Level, private: Option<&Path>) -> Plan {
        let mut env = environment::filtered(std::env::vars_os());
        let home = std::env::var_os("HOME")
            .map(PathBuf::from)
            .filter(|h| h.is_absolute() && h.components().count() > 1);
        let home = home.and_then(|h| std::fs::canonicalize(h).ok());
        if let (Some(private), Some(home)) = (private, &home) {
            // Home moves, so what the toolchains find through it must be said.
            for (variable, part) in [
                ("CARGO_HOME", ".cargo"),
                ("RUSTUP_HOME", ".rustup"),
                ("PYENV_ROOT", ".pyenv"),
                ("GOPATH", "go"),
            ] {
                let place = home.join(part);
                if environment::get(&env, variable).is_none() && place.is_dir() {
                    environment::set(&mut env, variable, &place.to_string_lossy());
                }
            }
            environment::set(&mut env, "HOME", &private.join("home").to_string_lossy());
            environment::set(&mut env, "TMPDIR", &private.join("tmp").to_string_lossy());
        } else {
            let shown = home.as_deref().unwrap_or(Path::new("/nonexistent"));
            environment::set(&mut env, "HOME", &shown.to_string_lossy());
            environment::set(&mut env, "TMPDIR", "/tmp");
        }
        let proxy = level == Level::Namespaces && matches!(spec.sandbox.network, Network::Hosts(_));
        if proxy {
            name_proxy(&mut env);
        }
        for (name, value) in &spec.env {
            environment::set(&mut env, name, value);
        }
        let mut view = view::of(spec, &env, home.as_deref());
        view.private = private.map(Path::to_owned);
        if level != Level::Namespaces {
            view.aliases.clear();
        }
        let cwd = std::fs::canonicalize(&spec.cwd).unwrap_or_else(|_| spec.cwd.clone());
        let cores = std::thread::available_parallelism().map_or(1, |n| n.get() as u64);
        let limits = &spec.limits;
        Plan {
            argv: spec.argv.clone(),
            cwd: view.named(&cwd).unwrap_or(cwd),
            env,
            stdin: spec.stdin.clone(),
            level,
            network: spec.sandbox.network == Network::All,
            proxy,
            view,
            memory_bytes: limits.memory_bytes,
            processes: limits.processes,
            file_bytes: limits.file_bytes,
            disk_bytes: limits.disk_bytes,
            cpu_seconds: Some(limits.wall.as_secs().saturating_add(1).saturating_mul(cores)),
        }
    }

    /// Tells programs of the proxy, each in the words that it understands.
    fn name_proxy(env: &mut Vec<(String, String)>) {
        let address = format!("http://127.0.0.1:{}", proxy::PORT);
        for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
            environment::set(env, name, &address);
            environment::set(env, &name.to_ascii_lowercase(), &address);
        }
        for name in ["NO_PROXY", "no_proxy"] {
            environment::set(env, name, "localhost,127.0.0.1,::1");
        }
        let java = ["http", "https"]
            .map(|kind| format!("-D{kind}.proxyHost=127.0.0.1 -D{kind}.proxyPort={}", proxy::PORT));
        for name in ["MAVEN_OPTS", "GRADLE_OPTS"] {
            environment::set(env, name, &java.join(" "));
        }
    }

    /// Home and temporary folder of a command at the levels that cannot mount them; gone when dropped.
    struct PrivateFolder(PathBuf);

    impl PrivateFolder {
        fn for_level(level: Level) -> Result<Option<PrivateFolder>, ExecError> {
            use std::os::unix::fs::DirBuilderExt;
            use std::sync::atomic::{AtomicU32, Ordering};
            static COUNT: AtomicU32 = AtomicU32::new(0);
            if level == Level::Namespaces {
                return Ok(None);
            }
            let make = || {
                let clock =
                    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
                let count = COUNT.fetch_add(1, Ordering::Relaxed);
                let name = format!("galley-{}-{count}-{:x}", std::process::id(), clock.as_nanos());
                let folder = std::fs::canonicalize(std::env::temp_dir())?.join(name);
                // Not recursive: a folder that somebody else put there is an error.
                std::fs::DirBuilder::new().mode(0o700).create(&folder)?;
                let private = PrivateFolder(folder);
                for part in ["home", "tmp"] {
                    std::fs::create_dir(private.0.join(part))?;
                }
                Ok(private)
            };
            make().map(Some).map_err(|e| io_error("make a private folder", e))
        }
    }

    impl Drop for PrivateFolder {
        fn drop(&mut self) {
            // What cannot be removed is only untidy: it lies in the system's temporary folder.
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }
}
