//! Shadows as the sandbox mounts them: what commands see, what they leave behind, and that the person's tree stays as it is.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test may panic, and its small functions are outside of #[test]")]

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use galley_exec::{Level, SandboxSpec, Spec, Union, probe, probe_union, run, which};
use galley_text::path::RelPath;
use galley_workspace::{Method, Overlay, Shadow, ShadowChange, Workspace};
use tokio_util::sync::CancellationToken;

/// A workspace in a temporary folder, with a state directory beside it.
struct Place {
    outer: tempfile::TempDir,
    workspace: Workspace,
}

impl Place {
    /// None, with a word about it, where the kernel has no unions for us, which the system's own programs are asked.
    fn new(files: &[(&str, &str)]) -> Option<Place> {
        Place::with_roots(files, &["project"])
    }

    fn with_roots(files: &[(&str, &str)], roots: &[&str]) -> Option<Place> {
        let outer = tempfile::tempdir().unwrap();
        fs::create_dir_all(outer.path().join("state/shadows")).unwrap();
        for root in roots {
            fs::create_dir(outer.path().join(root)).unwrap();
        }
        let top = if roots.len() == 1 { outer.path().join(roots[0]) } else { outer.path().to_path_buf() };
        for (path, text) in files {
            put(&top, path, text);
        }
        settle(&top);
        let_the_clock_move(outer.path());
        if let Err(why) = probe_union(&outer.path().join(roots[0]), &outer.path().join("state/shadows")) {
            assert!(
                !plainly_works(outer.path()),
                "the canary of unions failed although the kernel can: {why}"
            );
            eprintln!("skipped: {why}");
            return None;
        }
        let workspace = Workspace::open(roots.iter().map(|root| outer.path().join(root)).collect()).unwrap();
        Some(Place { outer, workspace })
    }

    fn root(&self) -> PathBuf {
        self.outer.path().join("project")
    }

    fn claim(&self) -> Shadow {
        self.workspace.invalidate_all();
        let shadow =
            Shadow::claim_layered(&self.workspace.snapshot(), &self.outer.path().join("state/shadows"))
                .unwrap();
        assert_eq!(shadow.method(), Method::Overlayfs);
        shadow
    }
}

/// Whether the system's own program for this can mount a union here.
fn plainly_works(folder: &Path) -> bool {
    if probe() != Level::Namespaces || which("unshare").is_none() {
        return false;
    }
    for name in ["lower", "upper", "work", "tree"] {
        fs::create_dir_all(folder.join("plain").join(name)).unwrap();
    }
    let line = "mount -t overlay x -o lowerdir=lower,upperdir=upper,workdir=work,userxattr tree";
    let mut command = std::process::Command::new("unshare");
    command.args(["-Urm", "sh", "-c", line]).current_dir(folder.join("plain"));
    command.output().is_ok_and(|ended| ended.status.success())
}

fn put(top: &Path, path: &str, text: &str) {
    let target = top.join(path);
    fs::create_dir_all(target.parent().unwrap()).unwrap();
    fs::write(target, text).unwrap();
}

/// Gives every file an old time, as if written yesterday.
fn settle(folder: &Path) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        if entry.file_type().unwrap().is_dir() {
            settle(&entry.path());
        } else {
            age(&entry.path());
        }
    }
}

fn age(file: &Path) {
    let yesterday = SystemTime::now() - Duration::from_secs(86_400);
    fs::File::options().append(true).open(file).unwrap().set_modified(yesterday).unwrap();
}

/// A file that changed a moment ago counts as one that may have changed since; so time has to pass on the file system's
/// own clock.
fn let_the_clock_move(folder: &Path) {
    let file = folder.join("clock");
    let tick = || {
        fs::write(&file, "").unwrap();
        file.metadata().unwrap().modified().unwrap()
    };
    let start = tick();
    while tick().duration_since(start).unwrap_or_default() < Duration::from_millis(50) {
        std::thread::yield_now();
    }
}

fn path(text: &str) -> RelPath {
    RelPath::new(text).unwrap()
}

fn run_in(shadow: &Shadow, argv: &[&str], stdin: Option<&str>, env: &[(&str, &Path)]) -> String {
    let union = |layers: galley_workspace::Layers| Union {
        place: layers.place,
        layers: layers.lower,
        upper: layers.upper,
        work: layers.work,
    };
    let mut spec = Spec::new(argv.iter().copied(), shadow.path());
    spec.stdin = stdin.map(str::to_owned);
    spec.env =
        env.iter().map(|(name, value)| ((*name).to_owned(), value.to_string_lossy().into_owned())).collect();
    spec.sandbox = SandboxSpec {
        writable: std::iter::once(shadow.path().to_path_buf())
            .chain(env.iter().map(|(_, p)| p.to_path_buf()))
            .collect(),
        readable: shadow.readable(),
        shown: shadow.readonly_binds().to_vec(),
        unions: shadow.layers().into_iter().map(union).collect(),
        ..SandboxSpec::default()
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let cancel = CancellationToken::new();
    let outcome = runtime.block_on(run(&spec, Level::Namespaces, &mut |_, _| {}, &cancel)).unwrap();
    outcome.output.text()
}

fn shell(shadow: &Shadow, line: &str) -> String {
    run_in(shadow, &["/bin/sh", "-c", line], None, &[])
}

/// All files and folders as a command sees them, on one line.
fn files(shadow: &Shadow) -> String {
    shell(shadow, "find . -mindepth 1 -not -path './.git/*' | sort")
        .replace("./", "")
        .replace('\n', " ")
        .trim()
        .to_owned()
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
        } else if metadata.is_file() {
            fs::read(&path).unwrap()
        } else {
            Vec::new()
        };
        found.push(format!(
            "{path:?} {:o} {}:{} {} {} {}.{} {} {content:?}",
            metadata.mode(),
            metadata.uid(),
            metadata.gid(),
            metadata.ino(),
            metadata.nlink(),
            metadata.mtime(),
            metadata.mtime_nsec(),
            attributes(&path),
        ));
    }
    found
}

fn attributes(path: &Path) -> String {
    let mut names = vec![0; 4096];
    let length = rustix::fs::llistxattr(path, &mut names).unwrap_or(0);
    names.truncate(length);
    String::from_utf8_lossy(&names).into_owned()
}

fn written(name: &str, text: &str) -> ShadowChange {
    ShadowChange::Written { path: path(name), text: Ok(text.into()), executable: false }
}

#[test]
fn commands_see_what_a_copy_would_hold_and_what_builds_need() {
    let Some(place) = Place::new(&[
        ("src/main.rs", "fn main() {}\n"),
        (".env", "A=1\n"),
        (".gitignore", "target\n*.log\nnode_modules\ndist\n"),
        (".galleyignore", "secrets\n*.pem\n"),
        ("secrets/key", "k\n"),
        ("src/own.pem", "k\n"),
        ("target/debug/x", ""),
        ("a.log", ""),
        (".git/HEAD", "ref\n"),
        ("package.json", "{}"),
        ("node_modules/left/index.js", "left\n"),
        ("node_modules/left/key.pem", "k\n"),
        ("sub/.git/HEAD", "ref\n"),
        ("sub/x", "x\n"),
    ]) else {
        return;
    };
    fs::create_dir(place.root().join("empty")).unwrap();
    let pipe = place.root().join("pipe");
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, rustix::fs::Mode::RWXU, 0)
        .unwrap();
    use std::os::unix::ffi::OsStrExt;
    fs::write(place.root().join(std::ffi::OsStr::from_bytes(b"no\xfftext")), "").unwrap();
    place.workspace.open_document(&path("src/main.rs"), "fn main() { unsaved() }\n", 3);
    place.workspace.open_document(&path("src/new.rs"), "new\n", 1);
    place.workspace.open_document(&path("secrets/key"), "open\n", 1);
    let before = state(&place.root());
    let shadow = place.claim();
    assert_eq!(
        files(&shadow),
        ".env .galleyignore .git .gitignore empty node_modules node_modules/left node_modules/left/index.js \
         package.json src src/main.rs src/new.rs sub sub/x"
    );
    assert_eq!(shell(&shadow, "cat src/main.rs src/new.rs .git/HEAD"), "fn main() { unsaved() }\nnew\nref\n");
    assert_eq!(fs::read_dir(shadow.path()).unwrap().count(), 0, "nothing is copied");
    assert!(shadow.collect().is_empty(), "{:?}", shadow.collect());
    assert_eq!(state(&place.root()), before);
}

#[test]
fn an_overlay_is_laid_and_taken_off_again() {
    let Some(place) = Place::new(&[
        ("a.txt", "a\n"),
        ("b.txt", "b\n"),
        ("c/d.sh", "d\n"),
        ("e.txt", "e\n"),
        ("f/g", "g\n"),
        ("h/i/j", "j\n"),
    ]) else {
        return;
    };
    fs::set_permissions(place.root().join("c/d.sh"), fs::Permissions::from_mode(0o755)).unwrap();
    let mut shadow = place.claim();
    let all = files(&shadow);
    let mut overlay = Overlay::new(shadow.snapshot().clone());
    overlay.write(&path("a.txt"), "A\n").unwrap();
    overlay.delete(&path("b.txt")).unwrap();
    overlay.rename(&path("c/d.sh"), &path("bin/d.sh")).unwrap();
    overlay.write(&path("new/x.txt"), "x\n").unwrap();
    overlay.delete(&path("h/i/j")).unwrap();
    let expected = ["a.txt", "b.txt", "bin/d.sh", "c/d.sh", "h/i/j", "new/x.txt"].map(path);
    let rewritten = shadow.apply(&overlay).unwrap();
    assert!(
        expected.iter().all(|path| rewritten.contains(path)
            || !["a.txt", "b.txt", "bin/d.sh", "new/x.txt"].contains(&path.as_str())),
        "{rewritten:?}"
    );
    assert_eq!(
        files(&shadow),
        "a.txt bin bin/d.sh e.txt f f/g new new/x.txt",
        "a folder goes with its last file"
    );
    assert_eq!(shell(&shadow, "cat a.txt bin/d.sh; stat -c %a bin/d.sh"), "A\nd\n755\n");
    assert!(shadow.apply(&overlay).unwrap().is_empty());
    overlay.write(&path("new/x.txt"), "y\n").unwrap();
    assert_eq!(shadow.apply(&overlay).unwrap(), [path("new/x.txt")]);
    assert_eq!(shadow.read(&path("new/x.txt")).unwrap().as_ref(), "y\n");
    assert_eq!(shadow.read(&path("e.txt")).unwrap().as_ref(), "e\n");
    assert!(shadow.read(&path("b.txt")).is_err() && shadow.read(&path("c/d.sh")).is_err());

    // Files and folders change places, and back.
    let mut turned = Overlay::new(shadow.snapshot().clone());
    turned.delete(&path("a.txt")).unwrap();
    turned.write(&path("a.txt/x"), "x\n").unwrap();
    shadow.apply(&turned).unwrap();
    assert_eq!(shell(&shadow, "cat a.txt/x"), "x\n");
    assert!(shadow.apply(&turned).unwrap().is_empty(), "nothing is written twice");
    assert_eq!(files(&shadow), "a.txt a.txt/x b.txt c c/d.sh e.txt f f/g h h/i h/i/j");
    shadow.apply(&Overlay::new(shadow.snapshot().clone())).unwrap();
    assert_eq!(files(&shadow), all);
    assert_eq!(shell(&shadow, "cat a.txt b.txt c/d.sh e.txt f/g h/i/j"), "a\nb\nd\ne\ng\nj\n");
    assert!(shadow.collect().is_empty());
}

#[test]
fn what_commands_did_is_told_and_undone() {
    let Some(place) = Place::new(&[
        ("a.rs", "fn  a(){}\n"),
        ("b.rs", "b\n"),
        ("c.rs", "c\n"),
        ("d/e/f", "f\n"),
        ("d/g", "g\n"),
        ("h/i", "i\n"),
        ("h/j", "j\n"),
        ("package.json", "{}"),
        ("node_modules/left/index.js", "left\n"),
        (".gitignore", "out\nnode_modules\n"),
    ]) else {
        return;
    };
    let before = state(&place.root());
    let mut shadow = place.claim();
    let all = files(&shadow);
    shell(
        &shadow,
        "echo 'fn a() {}' > a.rs; rm b.rs; touch c.rs; mkdir gen out; echo new > gen/new.rs; echo x > out/x; \
         rm -r d; rm -r h && mkdir h && echo other > h/i; echo evil > node_modules/left/index.js; \
         mkdir node_modules/.cache; echo kept > node_modules/.cache/x",
    );
    let gone = |name: &str| ShadowChange::Removed { path: path(name) };
    let expected = [
        written("a.rs", "fn a() {}\n"),
        gone("b.rs"),
        gone("d/e/f"),
        gone("d/g"),
        written("gen/new.rs", "new\n"),
        written("h/i", "other\n"),
        gone("h/j"),
    ];
    assert_eq!(shadow.collect(), expected);
    let marks = shadow.marks();
    assert!(shadow.collect_since(&marks).is_empty());
    shell(&shadow, "chmod +x c.rs; rm package.json; cat a.rs gen/new.rs out/x");
    let made_executable =
        ShadowChange::Written { path: path("c.rs"), text: Ok("c\n".into()), executable: true };
    assert_eq!(shadow.collect_since(&marks), [made_executable, gone("package.json")]);

    // An edit shows through what a command did at its path, and what it did elsewhere stays.
    let mut overlay = Overlay::new(shadow.snapshot().clone());
    overlay.write(&path("a.rs"), "ours\n").unwrap();
    overlay.write(&path("b.rs"), "ours\n").unwrap();
    shadow.apply(&overlay).unwrap();
    assert_eq!(shell(&shadow, "cat a.rs b.rs gen/new.rs h/i"), "ours\nours\nnew\nother\n");

    shadow.reset().unwrap();
    shadow.apply(&Overlay::new(shadow.snapshot().clone())).unwrap();
    assert!(shadow.collect().is_empty(), "{:?}", shadow.collect());
    let now = files(&shadow);
    let products = ["node_modules/.cache", "node_modules/.cache/x", "out", "out/x"];
    let rest: Vec<&str> = now.split(' ').filter(|file| !products.contains(file)).collect();
    assert_eq!(rest.join(" "), all);
    assert_eq!(
        shell(&shadow, "cat a.rs b.rs d/e/f h/i h/j node_modules/left/index.js out/x node_modules/.cache/x"),
        "fn  a(){}\nb\nf\ni\nj\nleft\nx\nkept\n"
    );
    assert_eq!(state(&place.root()), before);
}

/// Tries to reach the person's tree, whose full name it is told, by every way that a program has.
const HOSTILE: &str = r#"
import mmap, os, shutil, subprocess, sys
original = sys.argv[1]
def attempt(act):
    try: act()
    except OSError: pass
def put(path, text="hostile\n"):
    with open(path, "w") as file: file.write(text)
def mapped(path):
    with open(path, "r+b") as file:
        with mmap.mmap(file.fileno(), 0) as memory: memory[0:1] = b"Z"
for file in ["src/a.rs", "absolute/c.rs", "relative", "roundabout", "hard", "node_modules/left/index.js",
             original + "/src/a.rs", "../../../../../project/src/a.rs", ".git/config", ".git/hooks/pre-commit"]:
    attempt(lambda: put(file)); attempt(lambda: mapped(file)); attempt(lambda: os.truncate(file, 0))
    attempt(lambda: os.chmod(file, 0o777)); attempt(lambda: os.utime(file, (1, 1)))
    attempt(lambda: os.setxattr(file, "user.hostile", b"1"))
    attempt(lambda: os.link(file, file + ".link")); attempt(lambda: put(file + ".link"))
    attempt(lambda: (put("fresh"), os.rename("fresh", file)))
    attempt(lambda: os.unlink(file))
for folder in ["src", "lib", "node_modules", original]:
    attempt(lambda: os.chmod(folder, 0o777)); attempt(lambda: shutil.rmtree(folder))
    attempt(lambda: os.symlink(original, folder)); attempt(lambda: put(folder + "/b.rs"))
attempt(lambda: os.symlink(original, "deep")); attempt(lambda: shutil.rmtree("deep/"))
attempt(lambda: os.setxattr(".", "user.overlay.redirect", original.encode()))
attempt(lambda: os.mknod("covered", 0o020000, 0))
for line in ["mount -t tmpfs none src", "mount --bind / lib", "umount -l .", "mount -o remount,rw .",
             "unshare -Urm mount --bind src lib"]:
    subprocess.run(line, shell=True, stderr=subprocess.DEVNULL)
print("done")
"#;

#[test]
fn a_hostile_build_cannot_reach_the_original() {
    let Some(place) = Place::new(&[
        ("src/a.rs", "a\n"),
        ("src/b.rs", "b\n"),
        ("lib/c.rs", "c\n"),
        ("package.json", "{}"),
        ("node_modules/left/index.js", "left\n"),
        (".gitignore", "node_modules\n"),
        (".git/config", "[core]\n"),
    ]) else {
        return;
    };
    assert!(which("python3").is_some(), "python3 is needed to try this");
    let root = place.root().canonicalize().unwrap();
    symlink(root.join("lib"), root.join("absolute")).unwrap();
    symlink("src/a.rs", root.join("relative")).unwrap();
    symlink("../project/lib/c.rs", root.join("roundabout")).unwrap();
    symlink("nowhere", root.join("dangling")).unwrap();
    fs::hard_link(root.join("src/b.rs"), root.join("hard")).unwrap();
    rustix::fs::setxattr(root.join("src/a.rs"), "user.mine", b"1", rustix::fs::XattrFlags::empty()).unwrap();
    let before = state(&root);
    let mut shadow = place.claim();
    assert_eq!(
        shell(&shadow, "cat absolute/c.rs roundabout; echo mine > absolute/c.rs; cat roundabout"),
        "c\nc\nmine\n"
    );
    let hostile = |shadow: &Shadow| {
        let told = run_in(shadow, &["python3", "-", &root.to_string_lossy()], Some(HOSTILE), &[]);
        assert!(told.ends_with("done\n"), "{told}");
    };
    hostile(&shadow);
    assert_eq!(state(&root), before);
    assert!(!shadow.collect().is_empty(), "it did write, though elsewhere");

    // What we write after it goes where it belongs too, links in the way or not.
    let mut overlay = Overlay::new(shadow.snapshot().clone());
    overlay.write(&path("src/a.rs"), "ours\n").unwrap();
    overlay.write(&path("lib/c.rs"), "ours\n").unwrap();
    shadow.apply(&overlay).unwrap();
    assert_eq!(shell(&shadow, "cat src/a.rs lib/c.rs"), "ours\nours\n");
    hostile(&shadow);
    shadow.reset().unwrap();
    assert_eq!(
        shell(&shadow, "cat src/a.rs src/b.rs lib/c.rs node_modules/left/index.js"),
        "ours\nb\nours\nleft\n"
    );
    let home = shadow.path().parent().unwrap().parent().unwrap().to_path_buf();
    shell(&shadow, "mkdir -p locked/in; chmod 000 locked lib");
    drop(shadow);
    let mut again = place.claim();
    again.reset().unwrap();
    assert_eq!(shell(&again, "cat lib/c.rs"), "c\n");
    drop(again);
    galley_workspace::shadow::trim(home.parent().unwrap(), Duration::ZERO, 0);
    assert!(!home.exists(), "locked folders are removed too");
    assert_eq!(state(&root), before, "links were removed, not followed");
}

#[test]
fn what_the_person_does_meanwhile_is_seen_or_hidden() {
    let Some(place) = Place::new(&[("a", "a\n"), ("b", "b\n"), ("d/x", "x\n"), (".galleyignore", "*.key\n")])
    else {
        return;
    };
    place.workspace.open_document(&path("b"), "unsaved\n", 1);
    let mut shadow = place.claim();
    let mut overlay = Overlay::new(shadow.snapshot().clone());
    overlay.write(&path("d/own"), "own\n").unwrap();
    fs::write(place.root().join("a"), "saved\n").unwrap();
    put(&place.root(), "d/late", "late\n");
    put(&place.root(), "late.key", "k\n");
    put(&place.root(), "new/folder/y", "y\n");
    put(&place.root(), "d/own", "the person's\n");
    shadow.apply(&overlay).unwrap();
    assert_eq!(files(&shadow), ".galleyignore a b d d/own d/x");
    assert_eq!(shell(&shadow, "cat a b d/own"), "saved\nunsaved\nown\n");
    fs::write(place.root().join("b"), "saved too\n").unwrap();
    shadow.apply(&overlay).unwrap();
    assert_eq!(shell(&shadow, "cat b"), "unsaved\n", "the task goes on with what it began with");
    drop(shadow);
    place.workspace.close_document(&path("b"));
    let shadow = place.claim();
    assert_eq!(files(&shadow), ".galleyignore a b d d/late d/own d/x new new/folder new/folder/y");
    assert_eq!(shell(&shadow, "cat a b d/late d/own"), "saved\nsaved too\nlate\nthe person's\n");
}

#[test]
fn several_roots_lie_side_by_side() {
    let Some(place) = Place::with_roots(
        &[("one/a", "1\n"), ("two/a", "2\n"), ("two/.gitignore", "out\n"), ("two/.git/HEAD", "ref\n")],
        &["one", "two"],
    ) else {
        return;
    };
    let mut shadow = place.claim();
    assert_eq!(shell(&shadow, "cat one/a two/a"), "1\n2\n");
    shell(&shadow, "echo x > two/litter; echo y > two/out; echo z > top; rm one/a; echo w > two/.git/HEAD");
    assert_eq!(
        shadow.collect(),
        [ShadowChange::Removed { path: path("one/a") }, written("two/litter", "x\n")]
    );
    shadow.reset().unwrap();
    assert_eq!(shell(&shadow, "ls; cat one/a two/a two/out two/.git/HEAD"), "one\ntwo\n1\n2\ny\nref\n");
    assert_eq!(fs::read_to_string(place.outer.path().join("two/.git/HEAD")).unwrap(), "ref\n");
}

#[test]
fn what_git_tracks_is_seen_in_an_ignored_folder() {
    let Some(place) =
        Place::new(&[("a", "a\n"), (".gitignore", "dist\n"), ("dist/keep/x", "x\n"), ("dist/drop", "d\n")])
    else {
        return;
    };
    if which("git").is_none() {
        eprintln!("skipped: git is not installed");
        return;
    }
    for arguments in [&["init", "-q"][..], &["add", "-f", "dist/keep/x", "a", ".gitignore"]] {
        let done =
            std::process::Command::new("git").args(arguments).current_dir(place.root()).status().unwrap();
        assert!(done.success());
    }
    let mut shadow = place.claim();
    assert_eq!(files(&shadow), ".git .gitignore a dist dist/keep dist/keep/x");
    shell(&shadow, "echo y > dist/keep/x; echo z > dist/other");
    assert_eq!(shadow.collect(), [written("dist/keep/x", "y\n")]);
    shadow.reset().unwrap();
    assert_eq!(shell(&shadow, "cat dist/keep/x dist/other"), "x\nz\n");
}

/// Runs a program with cargo in a shadow and tells whether it was compiled.
fn compiles(shadow: &Shadow, cache: &Path, wanted: &str) -> bool {
    let told =
        run_in(shadow, &["/bin/sh", "-c", "cargo run --offline 2>&1"], None, &[("CARGO_TARGET_DIR", cache)]);
    assert_eq!(told.lines().last(), Some(wanted), "the build is stale: {told}");
    told.contains("Compiling")
}

#[test]
fn a_second_build_is_incremental_and_never_stale() {
    let Some(place) = Place::new(&[
        ("Cargo.toml", "[package]\nname = \"tiny\"\nversion = \"0.1.0\"\nedition = \"2024\"\n[workspace]\n"),
        ("Cargo.lock", "version = 4\n\n[[package]]\nname = \"tiny\"\nversion = \"0.1.0\"\n"),
        ("src/main.rs", "fn main() { println!(\"{}\", include_str!(\"../answer.txt\")) }\n"),
        ("answer.txt", "one"),
        ("README.md", "text\n"),
    ]) else {
        return;
    };
    let shadow = place.claim();
    let cache = shadow.products().unwrap();
    let claim = || {
        let shadow = place.claim();
        // Another one would know nothing of what was built, and what was built nothing of it.
        assert!(shadow.products().is_ok_and(|products| products == cache), "the same shadow again");
        shadow
    };
    assert!(compiles(&shadow, &cache, "one"));
    drop(shadow);
    let mut shadow = claim();
    assert!(!compiles(&shadow, &cache, "one"), "nothing changed between two tasks");
    let mut overlay = Overlay::new(shadow.snapshot().clone());
    overlay.write(&path("README.md"), "other\n").unwrap();
    shadow.apply(&overlay).unwrap();
    assert!(!compiles(&shadow, &cache, "one"), "no source changed");
    overlay.write(&path("answer.txt"), "two").unwrap();
    shadow.apply(&overlay).unwrap();
    assert!(compiles(&shadow, &cache, "two"));
    // The restored file is, in the person's tree, older than the last build.
    shadow.apply(&Overlay::new(shadow.snapshot().clone())).unwrap();
    assert!(compiles(&shadow, &cache, "one"));
    shadow.apply(&overlay).unwrap();
    assert!(compiles(&shadow, &cache, "two"));
    drop(shadow);
    // So it is for the next task.
    let mut shadow = claim();
    assert!(compiles(&shadow, &cache, "one"));
    // While a task runs another file takes its place, which is as old; the next task must see that.
    fs::write(place.outer.path().join("older"), "six").unwrap();
    age(&place.outer.path().join("older"));
    shadow.apply(&overlay).unwrap();
    assert!(compiles(&shadow, &cache, "two"));
    fs::rename(place.outer.path().join("older"), place.root().join("answer.txt")).unwrap();
    drop(shadow);
    let shadow = claim();
    assert!(compiles(&shadow, &cache, "six"));
    // A whole folder takes the place of another.
    put(place.outer.path(), "other/main.rs", "fn main() { println!(\"seven\") }\n");
    age(&place.outer.path().join("other/main.rs"));
    fs::rename(place.root().join("src"), place.outer.path().join("before")).unwrap();
    fs::rename(place.outer.path().join("other"), place.root().join("src")).unwrap();
    drop(shadow);
    let shadow = claim();
    assert!(compiles(&shadow, &cache, "seven"));
    // With a union that is lost go its products, which know of files that were laid in it.
    let lost = shadow.path().to_path_buf();
    let folder = lost.parent().unwrap().parent().unwrap().to_path_buf();
    drop(shadow);
    fs::remove_file(folder.join("layers.json")).unwrap();
    let shadow = place.claim();
    assert!(shadow.path() != lost && !cache.exists());
    assert!(compiles(&shadow, &shadow.products().unwrap(), "seven"));
}

#[test]
fn disk_use_is_told_and_bounded_and_leftovers_go() {
    let Some(place) = Place::new(&[("a", "a\n"), (".gitignore", "out\n")]) else { return };
    let shadows = place.outer.path().join("state/shadows");
    let mut shadow = place.claim();
    let small = shadow.own_bytes();
    shell(&shadow, "head -c 3000000 /dev/zero > out; echo b > a");
    assert!(shadow.own_bytes() >= small + 3_000_000);
    let products = shadow.products().unwrap();
    fs::write(products.join("x"), vec![0; 2_000_000]).unwrap();
    assert!(shadow.bound(100_000_000).unwrap() >= 5_000_000);
    assert_eq!(shell(&shadow, "cat a"), "b\n");
    assert_eq!(shadow.bound(4_000_000).unwrap(), 0);
    assert!(!products.exists());
    assert_eq!(files(&shadow), ".gitignore a");
    assert_eq!(shell(&shadow, "cat a"), "a\n");
    drop(shadow);
    assert_eq!(galley_workspace::shadow::sweep(&shadows).left, 1);

    // As a process leaves it that died while it made one, and one that died later.
    let shadow = place.claim();
    shell(&shadow, "mkdir left && chmod 000 left; echo litter > litter");
    let (folder, place_of_first) =
        (shadow.path().parent().unwrap().parent().unwrap().to_path_buf(), shadow.path().to_path_buf());
    let record = fs::read(folder.join("layers.json")).unwrap();
    drop(shadow);
    fs::write(folder.join("layers.json"), record).unwrap();
    let shadow = place.claim();
    assert_eq!(shadow.path(), place_of_first);
    assert!(!files(&shadow).contains("litter"));
    drop(shadow);
    fs::remove_file(folder.join("layers.json")).unwrap();
    assert_eq!(galley_workspace::shadow::sweep(&shadows).removed, 1);
    assert!(!folder.exists());
}

#[test]
fn files_of_others_are_copied() {
    let Some(place) = Place::new(&[("a", "a\n"), ("b", "b\n"), ("d/x", "x\n")]) else { return };
    if rustix::fs::chown(place.root().join("b"), Some(rustix::fs::Uid::from_raw(1)), None).is_err() {
        eprintln!("skipped: only the administrator can give files away");
        return;
    }
    let shadow = place.claim();
    assert_eq!(shell(&shadow, "echo more >> a; echo more >> b; cat a b"), "a\nmore\nb\nmore\n");
    assert_eq!(fs::read_to_string(place.root().join("b")).unwrap(), "b\n");
    drop(shadow);
    rustix::fs::chown(place.root().join("d"), Some(rustix::fs::Uid::from_raw(1)), None).unwrap();
    place.workspace.invalidate_all();
    let shadows = place.outer.path().join("state/shadows");
    let shadow = Shadow::claim_layered(&place.workspace.snapshot(), &shadows).unwrap();
    assert!(
        matches!(shadow.method(), Method::Copy | Method::Reflink),
        "a folder of another's cannot be written through"
    );
    assert!(shadow.layers().is_empty());
    assert_eq!(shell(&shadow, "echo more >> d/x; cat d/x"), "x\nmore\n");
}
