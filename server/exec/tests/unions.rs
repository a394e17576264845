//! Unions: what a command writes in one never reaches the folders below, whatever it tries.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test may panic, and its small functions are outside of #[test]")]

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use galley_exec::{ExecError, Level, Outcome, Spec, Union, probe, probe_union, run, which};
use tokio_util::sync::CancellationToken;

/// A union of a folder of the test's with one layer above it.
struct Fixture {
    outer: tempfile::TempDir,
}

impl Fixture {
    /// None, with a word about it, where the machine has no unions. A machine with namespaces whose canary fails for
    /// another reason than the file system of the temporary folder would be a fault of ours, so the kernel is asked.
    fn new() -> Option<Fixture> {
        let outer = tempfile::tempdir().unwrap();
        for name in ["lower/d", "laid", "upper", "work", "tree"] {
            fs::create_dir_all(outer.path().join(name)).unwrap();
        }
        let fixture = Fixture { outer };
        if let Err(why) = probe_union(&fixture.at("lower"), fixture.outer.path()) {
            assert!(!plainly_works(fixture.outer.path()), "the canary failed although the kernel can: {why}");
            eprintln!("skipped: {why}");
            return None;
        }
        for name in ["a", "b", "d/x", "d/y"] {
            fs::write(fixture.at("lower").join(name), format!("{name}\n")).unwrap();
        }
        Some(fixture)
    }

    fn at(&self, name: &str) -> PathBuf {
        self.outer.path().join(name)
    }

    fn union(&self) -> Union {
        Union {
            place: self.at("tree"),
            layers: vec![self.at("laid"), self.at("lower")],
            upper: self.at("upper"),
            work: self.at("work"),
        }
    }

    fn try_shell(&self, line: &str, level: Level) -> Result<Outcome, ExecError> {
        let mut spec = Spec::shell(line, self.at("tree"));
        spec.sandbox.unions = vec![self.union()];
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(run(&spec, level, &mut |_, _| {}, &CancellationToken::new()))
    }

    fn shell(&self, line: &str) -> String {
        self.try_shell(line, Level::Namespaces).unwrap().output.text()
    }
}

/// Whether the system's own program for this can mount a union here.
fn plainly_works(folder: &Path) -> bool {
    if probe() != Level::Namespaces || which("unshare").is_none() {
        return false;
    }
    let line = "mount -t overlay x -o lowerdir=lower,upperdir=upper,workdir=work,userxattr tree";
    let mut command = std::process::Command::new("unshare");
    command.args(["-Urm", "sh", "-c", line]).current_dir(folder);
    command.output().is_ok_and(|ended| ended.status.success())
}

/// Everything that a person could tell apart about a tree: kind, mode, owner, links, times, attributes, content.
fn state(top: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut waiting = vec![top.to_path_buf()];
    while let Some(path) = waiting.pop() {
        let metadata = fs::symlink_metadata(&path).unwrap();
        let content = if metadata.is_dir() {
            let mut below: Vec<_> = fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()).collect();
            below.sort();
            waiting.extend(below);
            Vec::new()
        } else if metadata.is_symlink() {
            fs::read_link(&path).unwrap().into_os_string().into_encoded_bytes()
        } else {
            fs::read(&path).unwrap()
        };
        let (inode, links, time) =
            (metadata.ino(), metadata.nlink(), (metadata.mtime(), metadata.mtime_nsec()));
        let mut attributes = vec![0; 4096];
        let length = rustix::fs::llistxattr(&path, &mut attributes).unwrap();
        attributes.truncate(length);
        found.push(format!(
            "{path:?} {:o} {} {inode} {links} {time:?} {attributes:?} {content:?}",
            metadata.mode(),
            metadata.uid()
        ));
    }
    found
}

/// Writes to the tree by every way that a program has. Prints what it did.
const HOSTILE: &str = r#"
import ctypes, mmap, os, shutil, subprocess
def attempt(name, act):
    try:
        act(); print(name)
    except OSError as error:
        print(name, "refused", error.errno)
def put(path, text="hostile\n"):
    with open(path, "w") as file: file.write(text)
def mapped():
    with open("b", "r+b") as file:
        with mmap.mmap(file.fileno(), 0) as memory: memory[0:1] = b"Z"
attempt("write", lambda: put("a"))
attempt("map", mapped)
attempt("append", lambda: open("d/x", "a").write("more"))
attempt("truncate", lambda: os.truncate("hard", 0))
attempt("chmod", lambda: os.chmod("d/y", 0o777))
attempt("chmod folder", lambda: os.chmod("d", 0o700))
attempt("utime", lambda: os.utime("d/y", (1, 1)))
attempt("xattr", lambda: os.setxattr("d/y", "user.hostile", b"1"))
attempt("through a link", lambda: put("link"))
attempt("through a full link", lambda: put("full"))
attempt("through ..", lambda: put("../lower/a"))
attempt("hard link", lambda: (os.link("d/y", "other"), put("other")))
attempt("rename over", lambda: (put("fresh"), os.rename("fresh", "d/y")))
attempt("unlink", lambda: os.unlink("d/x"))
attempt("remove folder", lambda: shutil.rmtree("deps"))
attempt("mkdir", lambda: os.makedirs("deps/left"))
attempt("whiteout", lambda: os.mknod("gone", 0o020000, 0))
attempt("opaque", lambda: os.setxattr("d", "user.overlay.opaque", b"y"))
attempt("redirect", lambda: os.setxattr("d", "user.overlay.redirect", b"/../../lower"))
attempt("descriptor", lambda: put("/proc/self/fd/../fd/%d" % os.open("a", os.O_RDONLY)))
attempt("by handle of the root", lambda: put(os.path.join("/proc", "1", "root", "..", "lower", "a")))
libc = ctypes.CDLL(None, use_errno=True)
def call(*arguments):
    if libc.mount(*arguments) != 0: raise OSError(ctypes.get_errno(), "mount")
attempt("mount", lambda: call(b"none", b"d", b"tmpfs", 0, None))
attempt("bind", lambda: call(b"d", b"deps", None, 4096, None))
attempt("remount", lambda: call(None, os.getcwd().encode(), None, 32 | 4096, None))
def unmount():
    if libc.umount2(os.getcwd().encode(), 2) != 0: raise OSError(ctypes.get_errno(), "umount")
attempt("unmount", unmount)
"#;

#[test]
fn a_hostile_command_never_reaches_what_lies_below() {
    let Some(fixture) = Fixture::new() else { return };
    assert!(which("python3").is_some(), "python3 is needed to try this");
    let lower = fixture.at("lower");
    fs::create_dir_all(lower.join("deps/left")).unwrap();
    fs::write(lower.join("deps/left/index.js"), "left\n").unwrap();
    fs::hard_link(lower.join("a"), lower.join("hard")).unwrap();
    symlink("d/x", lower.join("link")).unwrap();
    symlink(lower.join("a"), lower.join("full")).unwrap();
    rustix::fs::setxattr(lower.join("a"), "user.mine", b"1", rustix::fs::XattrFlags::empty()).unwrap();
    fs::write(fixture.at("laid/laid"), "laid\n").unwrap();
    let before = (state(&lower), state(&fixture.at("laid")));
    let mut spec = Spec::new(["python3", "-"], fixture.at("tree"));
    spec.stdin = Some(HOSTILE.to_owned());
    spec.sandbox.unions = vec![fixture.union()];
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let ran =
        runtime.block_on(run(&spec, Level::Namespaces, &mut |_, _| {}, &CancellationToken::new())).unwrap();
    let told = ran.output.text();
    for done in [
        "write",
        "map",
        "append",
        "truncate",
        "chmod",
        "xattr",
        "hard link",
        "rename over",
        "unlink",
        "mkdir",
    ] {
        assert!(told.lines().any(|line| line == done), "{done}: {told}");
    }
    for refused in ["through a full link", "through ..", "mount", "bind", "remount", "unmount"] {
        assert!(told.contains(&format!("{refused} refused")), "{refused}: {told}");
    }
    assert_eq!((state(&lower), state(&fixture.at("laid"))), before);
    // The command itself saw what it had done, and so does the next one.
    assert_eq!(fixture.shell("cat a; head -c1 b; cat other laid"), "hostile\nZhostile\nlaid\n");
    assert_eq!((state(&lower), state(&fixture.at("laid"))), before);
}

#[test]
fn the_next_command_goes_on_and_layers_are_seen_as_they_are() {
    let Some(fixture) = Fixture::new() else { return };
    assert_eq!(
        fixture.shell("mkdir out && echo built > out/x && rm a && echo y > new; ls"),
        "b\nd\nnew\nout\n"
    );
    assert_eq!(fs::read_to_string(fixture.at("upper/out/x")).unwrap(), "built\n");
    fs::write(fixture.at("laid/b"), "laid\n").unwrap();
    fs::write(fixture.at("lower/c"), "c\n").unwrap();
    assert_eq!(
        fixture.shell("cat out/x b c; ls a 2>&1"),
        "built\nlaid\nc\nls: cannot access 'a': No such file or directory\n"
    );
    assert_eq!(fs::read_dir(fixture.at("tree")).unwrap().count(), 0, "nothing is mounted outside");
}

#[test]
fn version_control_is_read_only_at_the_top_of_a_union() {
    let Some(fixture) = Fixture::new() else { return };
    fs::create_dir(fixture.at("lower/.git")).unwrap();
    fs::write(fixture.at("lower/.git/HEAD"), "ref\n").unwrap();
    let told = fixture.shell("cat .git/HEAD; (echo x > .git/HEAD) 2>/dev/null || echo refused");
    assert_eq!(told, "ref\nrefused\n");
    assert!(!fixture.at("upper/.git/HEAD").exists());
}

#[test]
fn folders_with_strange_names_are_mounted() {
    let Some(fixture) = Fixture::new() else { return };
    let strange = fixture.at("a:b,c\\d e=f");
    fs::rename(fixture.at("lower"), &strange).unwrap();
    let mut union = fixture.union();
    union.layers[1] = strange;
    let mut spec = Spec::shell("cat d/x; cat /proc/self/mountinfo", fixture.at("tree"));
    spec.sandbox.unions = vec![union];
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let ran =
        runtime.block_on(run(&spec, Level::Namespaces, &mut |_, _| {}, &CancellationToken::new())).unwrap();
    let told = ran.output.text();
    assert!(told.starts_with("d/x\n"), "{told}");
    assert!(!told.contains("a:b"), "the command learns where the folders lie: {told}");
}

#[test]
fn a_folder_is_shown_at_another_place() {
    if probe() != Level::Namespaces {
        eprintln!("skipped: no namespaces here");
        return;
    }
    let outer = tempfile::tempdir().unwrap();
    let (tree, source) = (outer.path().join("tree"), outer.path().join("source"));
    for folder in [&tree, &source] {
        fs::create_dir(folder).unwrap();
    }
    fs::write(source.join("x"), "shown\n").unwrap();
    let mut spec = Spec::shell("cat deps/x; (echo y > deps/x) 2>/dev/null || echo refused", &tree);
    spec.sandbox.shown = vec![(source.clone(), tree.join("deps"))];
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let ran =
        runtime.block_on(run(&spec, Level::Namespaces, &mut |_, _| {}, &CancellationToken::new())).unwrap();
    assert_eq!(ran.output.text(), "shown\nrefused\n");
    assert_eq!(fs::read_to_string(source.join("x")).unwrap(), "shown\n");
}

#[test]
fn a_level_that_cannot_mount_runs_nothing() {
    let Some(fixture) = Fixture::new() else { return };
    for level in [Level::Landlock, Level::Copy] {
        let refused = fixture.try_shell("touch ran", level);
        assert!(matches!(refused, Err(ExecError::Sandbox { .. })), "{level}: {refused:?}");
    }
    assert!(!fixture.at("tree/ran").exists() && !fixture.at("upper/ran").exists());
}

#[test]
fn leftovers_of_a_canary_are_removed() {
    let Some(fixture) = Fixture::new() else { return };
    // No process has this number.
    let left = fixture.at(".canary-4194999-0");
    fs::create_dir_all(left.join("work/work")).unwrap();
    fs::set_permissions(left.join("work/work"), fs::Permissions::from_mode(0o000)).unwrap();
    // Another pair of file systems, so that the canary sings again.
    let other = Path::new("/dev/shm");
    if other.is_dir() && other.metadata().unwrap().dev() != fixture.outer.path().metadata().unwrap().dev() {
        let _ = probe_union(other, fixture.outer.path());
        assert!(!left.exists());
    } else {
        eprintln!("skipped: there is only one file system here");
    }
}

#[test]
fn a_folder_below_its_own_layer_is_refused_and_spoils_nothing() {
    let outer = tempfile::tempdir().unwrap();
    let (project, inside, beside) =
        (outer.path().join("project"), outer.path().join("project/state"), outer.path().join("state"));
    [&inside, &beside, &outer.path().join("other")]
        .into_iter()
        .for_each(|folder| fs::create_dir_all(folder).unwrap());
    if probe() != Level::Namespaces {
        return;
    }
    let refused = probe_union(&project, &inside).unwrap_err();
    assert!(refused.contains("GALLEY_STATE_DIR"), "{refused}");
    assert_eq!(probe_union(&project, &beside), probe_union(&outer.path().join("other"), &beside));
}

#[test]
fn a_tree_is_found_where_the_person_has_it_and_what_is_there_stays() {
    let Some(fixture) = Fixture::new() else { return };
    fs::create_dir(fixture.at("lower/.git")).unwrap();
    fs::write(fixture.at("lower/.git/HEAD"), "ref\n").unwrap();
    let before = state(&fixture.at("lower"));
    let mut spec = Spec::shell("", fixture.at("tree/d"));
    spec.sandbox.writable = vec![fixture.at("tree")];
    spec.sandbox.unions = vec![fixture.union()];
    spec.sandbox.aliases = vec![(fixture.at("lower"), fixture.at("tree"))];
    let lower = fixture.at("lower").display().to_string();
    spec.argv[2] = format!(
        "pwd; echo new > x; echo made > {lower}/made; cat {lower}/d/x ../made; echo no > {lower}/.git/HEAD || cat {lower}/.git/HEAD"
    );
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let run = |spec: &Spec| {
        runtime.block_on(run(spec, Level::Namespaces, &mut |_, _| {}, &CancellationToken::new())).unwrap()
    };
    let said = run(&spec).output.text();
    let expected = format!("{lower}/d\nnew\nmade\n");
    assert!(said.starts_with(&expected) && said.contains("ref") && said.contains("Read-only"), "{said}");
    assert_eq!(state(&fixture.at("lower")), before, "the tree itself is as it was");
    assert_eq!(fs::read_to_string(fixture.at("upper/made")).unwrap(), "made\n");
    // A name that would cover what the command needs is left out: it starts in the folder itself.
    spec.sandbox.aliases = vec![(fixture.outer.path().to_path_buf(), fixture.at("tree"))];
    spec.argv[2] = "pwd".to_owned();
    assert_eq!(run(&spec).output.text().trim_end(), fixture.at("tree/d").display().to_string());
}
