//! Running commands: status, output, input, limits, cancel, and the death of the whole tree. At every level that
//! works here.
#![allow(clippy::unwrap_used, reason = "a test may panic, and its small functions are outside of #[test]")]

use std::path::Path;
use std::time::{Duration, Instant};

use galley_exec::{ExecError, Level, Outcome, Spec, Status, Stream, run};
use tokio_util::sync::CancellationToken;

fn levels() -> Vec<Level> {
    // What is stronger than Copy is in the list as far as the machine has it; the escape tests say which must be.
    [Level::Namespaces, Level::Landlock, Level::Copy]
        .into_iter()
        .filter(|level| {
            block(&Spec::shell("true", "/usr"), *level).map_err(|e| eprintln!("{level}: {e}")).is_ok()
        })
        .collect()
}

fn block(spec: &Spec, level: Level) -> Result<Outcome, ExecError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(run(spec, level, &mut |_, _| {}, &CancellationToken::new()))
}

fn shell(line: &str, dir: &Path, level: Level) -> Outcome {
    block(&Spec::shell(line, dir), level).unwrap_or_else(|e| panic!("{level}: {e}"))
}

#[test]
fn status_and_streams() {
    let dir = tempfile::tempdir().unwrap();
    for level in levels() {
        let outcome = shell("echo out; echo err >&2; exit 3", dir.path(), level);
        assert_eq!(outcome.status, Status::Exited(3), "{level}");
        assert_eq!((outcome.output.stdout().as_str(), outcome.output.stderr().as_str()), ("out\n", "err\n"));
        assert_eq!(outcome.level, level);
        assert_eq!(shell("kill -TERM $$", dir.path(), level).status, Status::Signalled(15));
        assert_eq!(shell("cat", dir.path(), level).output.text(), "");
        let mut spec = Spec::new(["cat"], dir.path());
        spec.stdin = Some("given".repeat(30_000));
        assert_eq!(block(&spec, level).unwrap().output.total_bytes(), 150_000);
    }
}

#[test]
fn what_cannot_start_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    for level in levels() {
        let missing = block(&Spec::new(["no-such-program-here"], dir.path()), level);
        assert!(matches!(missing, Err(ExecError::NotStarted { .. })), "{missing:?}");
        assert!(matches!(block(&Spec::new([""], dir.path()), level), Err(ExecError::Empty)));
    }
}

#[test]
fn output_is_handed_on_as_it_comes() {
    let dir = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for level in levels() {
        let mut seen = Vec::new();
        let mut on_output = |stream: Stream, bytes: &[u8]| seen.push((stream, bytes.to_vec()));
        let spec = Spec::shell("echo one; echo two >&2", dir.path());
        runtime.block_on(run(&spec, level, &mut on_output, &CancellationToken::new())).unwrap();
        assert!(seen.contains(&(Stream::Stdout, b"one\n".to_vec())));
        assert!(seen.contains(&(Stream::Stderr, b"two\n".to_vec())));
    }
}

#[test]
fn a_flood_is_stopped() {
    let dir = tempfile::tempdir().unwrap();
    for level in levels() {
        let mut spec = Spec::shell("yes flood", dir.path());
        spec.limits.output_bytes = 3 << 20;
        let outcome = block(&spec, level).unwrap();
        assert_eq!(outcome.status, Status::OutputLimit);
        assert!(outcome.output.total_bytes() < 4 << 20);
        assert!(outcome.output.omitted_bytes() > 0);
    }
}

#[test]
fn time_runs_out_for_the_silent_too() {
    let dir = tempfile::tempdir().unwrap();
    for level in levels() {
        let mut spec = Spec::shell("exec >/dev/null 2>&1; sleep 100", dir.path());
        spec.limits.wall = Duration::from_millis(300);
        let started = Instant::now();
        assert_eq!(block(&spec, level).unwrap().status, Status::TimedOut);
        assert!(started.elapsed() < Duration::from_secs(5));
    }
}

/// A command whose descendants try to survive: own sessions, ignored signals, double forks. Each keeps the name it
/// was given in its command line, by which it can be found from outside.
fn survivors(mark: &str) -> String {
    format!(
        "trap '' HUP TERM INT; (setsid sh -c 'trap \"\" HUP TERM; sleep 1000.{mark}' >/dev/null 2>&1 &) ; \
         setsid -f sleep 1001.{mark} >/dev/null 2>&1; nohup sleep 1002.{mark} >/dev/null 2>&1 & sleep 0.2; echo up"
    )
}

fn alive(mark: &str) -> usize {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let lines = processes.filter_map(|p| std::fs::read(p.path().join("cmdline")).ok());
    lines
        .filter(|line| {
            String::from_utf8_lossy(line).starts_with("sleep") && String::from_utf8_lossy(line).contains(mark)
        })
        .count()
}

#[test]
fn nothing_survives_the_end_of_the_command() {
    let dir = tempfile::tempdir().unwrap();
    for (n, level) in levels().into_iter().enumerate() {
        let mark = format!("11{n}{}", std::process::id());
        let outcome = shell(&survivors(&mark), dir.path(), level);
        assert_eq!((outcome.status, outcome.output.text().as_str()), (Status::Exited(0), "up\n"));
        assert_eq!(alive(&mark), 0, "{level}");
    }
}

#[test]
fn nothing_survives_a_cancel_and_nothing_a_dropped_future() {
    let dir = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for (n, level) in levels().into_iter().enumerate() {
        for drop_it in [false, true] {
            let mark = format!("12{n}{}{}", u8::from(drop_it), std::process::id());
            let spec = Spec::shell(&format!("{}; sleep 1003.{mark}", survivors(&mark)), dir.path());
            let cancel = CancellationToken::new();
            runtime.block_on(async {
                let (up, mut is_up) = tokio::sync::mpsc::unbounded_channel();
                let mut on_output = move |_: Stream, _: &[u8]| assert!(up.send(()).is_ok());
                let mut running = Box::pin(run(&spec, level, &mut on_output, &cancel));
                tokio::select! {
                    _ = &mut running => panic!("it ended"),
                    _ = is_up.recv() => assert!(alive(&mark) >= 3, "{level}"),
                }
                if !drop_it {
                    cancel.cancel();
                    assert_eq!(running.await.unwrap().status, Status::Cancelled);
                }
            });
            // A dropped run is not waited for; the supervisor sees the end of its lifeline by itself.
            let until = Instant::now() + Duration::from_secs(5);
            while drop_it && alive(&mark) > 0 && Instant::now() < until {
                std::thread::yield_now();
            }
            assert_eq!(alive(&mark), 0, "{level}");
        }
    }
}

fn status(line: &str, level: Level, limit: impl FnOnce(&mut galley_exec::Limits)) -> Status {
    let dir = tempfile::tempdir_in("/var/tmp").unwrap();
    let mut spec = Spec::shell(line, dir.path());
    spec.limits.wall = Duration::from_secs(30);
    limit(&mut spec.limits);
    block(&spec, level).unwrap().status
}

#[test]
fn memory_is_limited() {
    let together =
        "for n in 1 2 3 4 5 6; do (head -c 60000000 /dev/zero | tail -c 60000000 | sleep 30) & done; wait";
    for level in levels() {
        for hog in ["head -c 900000000 /dev/zero | tail -c 900000000 | sleep 30", together] {
            let status = status(hog, level, |limits| limits.memory_bytes = Some(150 << 20));
            assert_eq!(status, Status::MemoryLimit, "{level}: {hog}");
        }
    }
    if levels().contains(&Level::Namespaces) {
        // Temporary files lie in memory there; what does not fit is refused by the file system itself.
        let line =
            "head -c 70000000 /dev/zero > /tmp/a && head -c 90000000 /dev/zero | tail -c 90000000 | sleep 30";
        let stopped = status(line, Level::Namespaces, |limits| limits.memory_bytes = Some(150 << 20));
        assert_eq!(stopped, Status::MemoryLimit);
        let line = "head -c 90000000 /dev/zero > /tmp/a";
        let refused = status(line, Level::Namespaces, |limits| limits.memory_bytes = Some(150 << 20));
        assert_eq!(refused, Status::Exited(1));
    }
}

#[test]
fn processes_are_limited() {
    let few = |limits: &mut galley_exec::Limits| limits.processes = Some(100);
    for level in levels() {
        let stopped = status("while :; do sleep 30 & done", level, few);
        // Where the hard limit comes first the shell may give up by itself.
        assert!(matches!(stopped, Status::ProcessLimit | Status::Exited(2)), "{level}: {stopped}");
    }
    if levels().contains(&Level::Namespaces) {
        // One that multiplies is held by the kernel, for user 0 by the last number of a process.
        let stopped = status("b() { b | b & sleep 30; }; b", Level::Namespaces, few);
        assert!(matches!(stopped, Status::ProcessLimit | Status::Exited(2)), "{stopped}");
    }
}

#[test]
fn the_disk_is_limited() {
    let many = "n=0; while [ $n -lt 40 ]; do head -c 4000000 /dev/zero > f$n; n=$((n+1)); done; sleep 30";
    // What nobody wrote is taken from the free space all the same.
    let reserved = "n=0; while [ $n -lt 40 ]; do fallocate -l 4000000 f$n; n=$((n+1)); done; sleep 30";
    for level in levels() {
        for line in [many, reserved] {
            let stopped = status(line, level, |limits| limits.disk_bytes = Some(50_000_000));
            assert_eq!(stopped, Status::DiskLimit, "{level}: {line}");
        }
        let within =
            status("head -c 4000000 /dev/zero > f", level, |limits| limits.disk_bytes = Some(50_000_000));
        assert_eq!(within, Status::Exited(0), "{level}");
    }
}

#[test]
fn files_are_limited() {
    let dir = tempfile::tempdir().unwrap();
    for level in levels() {
        let mut spec = Spec::shell("head -c 5000000 /dev/zero > large", dir.path());
        spec.limits.file_bytes = Some(1 << 20);
        assert!(!block(&spec, level).unwrap().status.success());
        assert_eq!(std::fs::metadata(dir.path().join("large")).unwrap().len(), 1 << 20, "{level}");
    }
}

const ROLE: &str = "GALLEY_EXEC_TEST_MARK";
const ROLE_LEVEL: &str = "GALLEY_EXEC_TEST_LEVEL";

/// Not a test by itself: the server that is killed by the test below.
#[test]
fn server_to_be_killed() {
    let (Ok(mark), Ok(level)) = (std::env::var(ROLE), std::env::var(ROLE_LEVEL)) else { return };
    let level = levels().into_iter().find(|l| l.to_string() == level).unwrap();
    block(&Spec::shell(&format!("{}; sleep 1003.{mark}", survivors(&mark)), "/usr"), level).unwrap();
}

#[test]
fn nothing_survives_the_death_of_the_server() {
    for (n, level) in levels().into_iter().enumerate() {
        let mark = format!("13{n}{}", std::process::id());
        let mut server = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "server_to_be_killed"])
            .env(ROLE, &mark)
            .env(ROLE_LEVEL, level.to_string())
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        let until = Instant::now() + Duration::from_secs(20);
        while alive(&mark) < 4 && Instant::now() < until {
            std::thread::yield_now();
        }
        assert!(alive(&mark) >= 4, "{level}: the command did not start");
        server.kill().unwrap();
        server.wait().unwrap();
        while alive(&mark) > 0 && Instant::now() < until {
            std::thread::yield_now();
        }
        assert_eq!(alive(&mark), 0, "{level}");
    }
}
