//! Real toolchains work inside of the sandbox: what it takes away must not be what a build needs.
#![allow(clippy::unwrap_used, reason = "a test may panic, and its small functions are outside of #[test]")]

use std::fs;
use std::path::Path;

use galley_exec::{Level, Spec, probe, run, which};
use tokio_util::sync::CancellationToken;

fn levels() -> Vec<Level> {
    [Level::Namespaces, Level::Landlock]
        .into_iter()
        .filter(|level| try_shell("true", Path::new("/usr"), *level).is_ok())
        .collect()
}

fn try_shell(line: &str, dir: &Path, level: Level) -> Result<(String, bool), String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut spec = Spec::shell(line, dir);
    // The tests themselves run under cargo, whose target folder is not theirs to share.
    spec.env.push(("CARGO_TARGET_DIR".to_owned(), dir.join("target").to_string_lossy().into_owned()));
    let outcome = runtime.block_on(run(&spec, level, &mut |_, _| {}, &CancellationToken::new()));
    let outcome = outcome.map_err(|e| e.to_string())?;
    Ok((outcome.output.text(), outcome.status.success()))
}

#[track_caller]
fn works(line: &str, dir: &Path, expected: &str) {
    for level in levels() {
        let (text, success) = try_shell(line, dir, level).unwrap();
        assert!(success && text.contains(expected), "{level}: {line}: {text}");
    }
}

#[test]
fn cargo_tests_a_crate_offline() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("src")).unwrap();
    fs::write(
        dir.path().join("Cargo.toml"),
        "[package]\nname='a'\nversion='0.1.0'\nedition='2021'\n[workspace]\n",
    )
    .unwrap();
    fs::write(dir.path().join("src/lib.rs"), "#[test]\nfn good() { assert_eq!(1 + 1, 2); }\n").unwrap();

    works("cargo test --offline 2>&1 && rm -rf target", dir.path(), "1 passed");
}

#[test]
fn cargo_finds_dependencies_in_the_registry() {
    // This crate's own lock file names what is surely there.
    let manifest =
        "[package]\nname='a'\nversion='0.1.0'\nedition='2021'\n[dependencies]\nlibc='0.2'\n[workspace]\n";
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("src")).unwrap();
    fs::write(dir.path().join("Cargo.toml"), manifest).unwrap();
    fs::write(dir.path().join("src/lib.rs"), "pub fn pid() -> i32 { unsafe { libc::getpid() } }\n").unwrap();
    works("cargo check --offline 2>&1 && rm -rf target", dir.path(), "Finished");
}

#[test]
fn others_start_where_they_are_installed() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("a.c"), "int main(void) { return 0; }\n").unwrap();
    fs::write(
        dir.path().join("test_a.py"),
        "import unittest\nclass T(unittest.TestCase):\n    def test_a(self): pass\n",
    )
    .unwrap();
    for (program, line, expected) in [
        ("gcc", "gcc a.c -o a.out && ./a.out && echo ran", "ran"),
        ("python3", "python3 -m unittest -v 2>&1", "OK"),
        (
            "node",
            "node -e 'console.log(require(\"os\").cpus().length > 0, [1,2].map(x => x * 2))'",
            "true [ 2, 4 ]",
        ),
        (
            "git",
            "git init -q . && git add a.c && git -c user.name=a -c user.email=a@b commit -qm x && git log --oneline; rm -rf .git",
            "x",
        ),
        ("make", "printf 'all:\\n\\t@echo made\\n' > Makefile && make", "made"),
    ] {
        if which(program).is_some() {
            works(line, dir.path(), expected);
        }
    }
}

#[test]
fn loopback_works_without_network() {
    if probe() != Level::Namespaces || which("python3").is_none() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let script = "import socket\ns=socket.create_server(('127.0.0.1',0))\nc=socket.create_connection(s.getsockname())\nprint('joined')\n";
    fs::write(dir.path().join("a.py"), script).unwrap();
    let (text, _) = try_shell("python3 a.py", dir.path(), Level::Namespaces).unwrap();
    assert_eq!(text, "joined\n");
}
