//! Which level is found on machines that forbid this or that, and that what is found holds.
//!
//! The machines are made here: a process of this test's own, to which a filter answers as such a machine would, or that
//! runs inside of one of our own sandboxes.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test may panic, and its small functions are outside of #[test]")]

#[path = "escapes/call.rs"]
#[allow(dead_code, reason = "only a part of the calls is needed here")]
mod call;

use std::path::{Path, PathBuf};
use std::process::Command;

use galley_exec::{Level, Network, Spec, Status, probe, probe_report, probed, run};
use tokio_util::sync::CancellationToken;

/// What the machine of a role forbids: numbers of system calls, and the error with which each is refused.
type Forbidden = &'static [(libc::c_long, i32)];

/// Namespaces as a container or a security module forbids them.
const NO_NAMESPACES: Forbidden = &[(libc::SYS_unshare, libc::EPERM)];
/// The same, in a kernel without Landlock.
const NO_WALLS: Forbidden =
    &[(libc::SYS_unshare, libc::EPERM), (libc::SYS_landlock_create_ruleset, libc::ENOSYS)];
/// Mounting as it is refused where only the making of namespaces is allowed.
const NO_MOUNTS: Forbidden = &[(libc::SYS_mount, libc::EPERM)];

const ROLE: &str = "GALLEY_TEST_MACHINE";

/// Not a test by itself: a server on such a machine. It says what it found, and tries what it found.
#[test]
fn a_machine() {
    let Ok(role) = std::env::var(ROLE) else { return };
    match role.as_str() {
        "no namespaces" => forbid(NO_NAMESPACES),
        "no walls" => forbid(NO_WALLS),
        "no mounts" => forbid(NO_MOUNTS),
        _ => {}
    }
    assert_eq!(probed(), None);
    println!("found {:?}", probe());
    for (level, why) in probe_report() {
        println!("not {level:?}: {why}");
    }
    assert_eq!(probed(), Some(probe()));
    let dir = tempfile::tempdir().unwrap();
    let outside = dir.path().join("outside");
    let shadow = dir.path().join("shadow");
    std::fs::create_dir(&shadow).unwrap();
    let mut spec = Spec::shell("echo ran; echo x > ../outside", &shadow);
    for level in [Level::Namespaces, Level::Landlock, Level::Copy] {
        spec.sandbox.network = Network::None;
        match within(&spec, level) {
            Ok((status, text)) => {
                println!("{level:?} ran: {}, {status}, {}", text.contains("ran"), outside.exists())
            }
            Err(why) => println!("{level:?} did not run: {why}"),
        }
        let _ = std::fs::remove_file(&outside);
    }
}

fn within(spec: &Spec, level: Level) -> Result<(Status, String), String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let outcome = runtime.block_on(run(spec, level, &mut |_, _| {}, &CancellationToken::new()));
    outcome.map(|outcome| (outcome.status, outcome.output.text())).map_err(|e| e.to_string())
}

/// Has the kernel refuse calls to this thread and to all that comes of it.
fn forbid(calls: Forbidden) {
    let op = |code: u16, jt: u8, jf: u8, k: u32| libc::sock_filter { code, jt, jf, k };
    let mut program = vec![op(0x20, 0, 0, 0)];
    for (number, errno) in calls {
        program.extend([op(0x15, 0, 1, *number as u32), op(0x06, 0, 0, 0x0005_0000 | errno.unsigned_abs())]);
    }
    program.push(op(0x06, 0, 0, 0x7fff_0000));
    let filter = [(program.len() as u64), program.as_ptr() as u64];
    call::raw(libc::SYS_prctl, [libc::PR_SET_NO_NEW_PRIVS.into(), 1, 0, 0, 0, 0]).unwrap();
    let set = i64::from(libc::SECCOMP_SET_MODE_FILTER);
    call::raw(libc::SYS_seccomp, [set, 0, call::at(&filter), 0, 0, 0]).unwrap();
}

fn arguments() -> [&'static str; 3] {
    ["--exact", "a_machine", "--nocapture"]
}

/// What the server on such a machine says.
fn machine(role: &str) -> String {
    let output =
        Command::new(std::env::current_exe().unwrap()).args(arguments()).env(ROLE, role).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    text
}

/// What the strongest level of this machine allows to be asked of a weaker one.
fn landlock_works() -> bool {
    within(&Spec::shell("true", "/usr"), Level::Landlock).is_ok()
}

#[test]
fn without_namespaces_landlock_is_found_and_holds() {
    if !landlock_works() {
        return;
    }
    for role in ["no namespaces", "no mounts"] {
        let said = machine(role);
        assert!(said.contains("found Landlock"), "{role}: {said}");
        assert!(said.contains("not Namespaces: "), "{role}: {said}");
        assert!(
            said.contains("Namespaces did not run: the sandbox (namespaces) could not be set up"),
            "{said}"
        );
        assert!(said.contains("Landlock ran: true") && said.contains("exit 2, false"), "{role}: {said}");
    }
    assert!(machine("no namespaces").contains("user namespaces are forbidden here"));
}

#[test]
fn without_any_walls_that_is_said_and_no_level_is_pretended() {
    let said = machine("no walls");
    assert!(
        said.contains("found Copy") && said.contains("not Namespaces: ") && said.contains("not Landlock: "),
        "{said}"
    );
    assert!(said.contains("Namespaces did not run: ") && said.contains("Landlock did not run: "), "{said}");
    assert!(said.contains("`galley doctor` shows which level works here"), "{said}");
    assert!(said.contains("Copy ran: true, exit 0, true"), "{said}");
}

#[test]
fn where_namespaces_are_switched_off_that_is_said() {
    let script = "echo 0 > /proc/sys/user/max_user_namespaces && exec \"$0\" \"$@\"";
    let program = std::env::current_exe().unwrap();
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "sh", "-c", script]).arg(program).args(arguments());
    let Ok(output) = command.env(ROLE, "switched off").output() else { return };
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    if !said.contains("found ") {
        eprintln!("no namespace could be made to try it in: {}", String::from_utf8_lossy(&output.stderr));
        return;
    }
    assert!(
        said.contains(
            "not Namespaces: user namespaces are switched off here (sysctl user.max_user_namespaces)"
        ),
        "{said}"
    );
    assert!(
        !said.contains("found Namespaces") && (!landlock_works() || said.contains("found Landlock")),
        "{said}"
    );
}

#[test]
fn inside_of_a_sandbox_of_ours_the_next_lower_level_works() {
    if probe() != Level::Namespaces || !landlock_works() {
        return;
    }
    let program: PathBuf = std::env::current_exe().unwrap();
    let argv = std::iter::once(program.to_str().unwrap()).chain(arguments());
    let mut spec = Spec::new(argv, Path::new("/usr"));
    spec.sandbox.writable.clear();
    spec.sandbox.readable = vec![program.clone()];
    spec.env.push((ROLE.to_owned(), "inside".to_owned()));
    let (_, said) = within(&spec, Level::Namespaces).unwrap();
    assert!(said.contains("found Landlock") && said.contains("Landlock ran: true"), "{said}");
}
