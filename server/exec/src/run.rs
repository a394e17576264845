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
    use std::time::{Duration, Instant};

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::UnixStream;
    use tokio::process::{Child, Command};

    use super::*;
    use crate::plan::{Plan, Report, STAGE_VARIABLE};
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
        let private = PrivateFolder::for_level(level)?;
        let plan = plan(spec, level, private.as_ref().map(|p| p.0.as_path()));
        let (mut child, mut control) = start_supervisor()?;
        send(&mut control, &plan).await.map_err(|source| io_error("hand the plan to the sandbox", source))?;

        let mut output = Output::default();
        let killed = read_output(&mut child, spec, &mut output, on_output, cancel).await;
        let report = if killed.is_some() {
            // Closing the socket tells the supervisor to kill everything; its end says that this is done.
            drop(control);
            None
        } else {
            read_report(control).await
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
        Ok(Outcome { status, output, duration: started.elapsed(), level })
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

    async fn read_report(mut control: UnixStream) -> Option<Report> {
        let mut text = String::new();
        control.read_to_string(&mut text).await.ok()?;
        serde_json::from_str(text.lines().next()?).ok()
    }

    fn status_of(report: Report, spec: &Spec, level: Level) -> Result<Status, ExecError> {
        Ok(match report {
            Report::Exited(code) => Status::Exited(code),
            Report::Signalled(signal) => Status::Signalled(signal),
            Report::MemoryLimit => Status::MemoryLimit,
            Report::ProcessLimit => Status::ProcessLimit,
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
        for (name, value) in &spec.env {
            environment::set(&mut env, name, value);
        }
        let mut view = view::of(spec, &env, home.as_deref());
        view.private = private.map(Path::to_owned);
        let cores = std::thread::available_parallelism().map_or(1, |n| n.get() as u64);
        let limits = &spec.limits;
        Plan {
            argv: spec.argv.clone(),
            cwd: std::fs::canonicalize(&spec.cwd).unwrap_or_else(|_| spec.cwd.clone()),
            env,
            stdin: spec.stdin.clone(),
            level,
            network: spec.sandbox.network == Network::All,
            view,
            memory_bytes: limits.memory_bytes,
            processes: limits.processes,
            file_bytes: limits.file_bytes,
            cpu_seconds: Some(limits.wall.as_secs().saturating_add(1).saturating_mul(cores)),
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
