//! Shadows: complete, private, incremental, and safe from what runs in them.

use super::*;
use crate::shadow::{Method, ShadowChange, ShadowError, sweep, trim};
use crate::{Overlay, Shadow};

fn shadow_root(fixture: &Fixture) -> PathBuf {
    fixture.outer.path().join("state/shadows")
}

fn create(fixture: &Fixture) -> Shadow {
    Shadow::create(&fixture.workspace, &shadow_root(fixture).join("one")).expect("a shadow")
}

fn text(shadow: &Shadow, path: &str) -> String {
    std::fs::read_to_string(shadow.path().join(path)).unwrap_or_else(|error| format!("<{error}>"))
}

fn modified(shadow: &Shadow, path: &str) -> SystemTime {
    shadow.path().join(path).symlink_metadata().expect("a file").modified().expect("a time")
}

#[test]
fn everything_that_builds_need_is_there() {
    let fixture = Fixture::new(&[
        ("src/main.rs", "fn main() {}\n"),
        ("run.sh", "#!/bin/sh\n"),
        ("empty/", ""),
        (".env", "A=1\n"),
        (".cargo/config.toml", ""),
        (".gitignore", "target\n*.log\n"),
        (".galleyignore", "secrets\n"),
        ("secrets/key", "k\n"),
        ("target/debug/x", ""),
        ("a.log", ""),
        (".git/HEAD", "ref\n"),
    ]);
    std::fs::write(fixture.root().join("image.png"), b"\x89\0\xff").unwrap();
    #[cfg(unix)]
    set_mode(&fixture.root().join("run.sh"), 0o755);
    fixture.workspace.open_document(&path("src/main.rs"), "fn main() { unsaved() }\n", 3);
    fixture.workspace.open_document(&path("src/new.rs"), "new\n", 1);
    fixture.workspace.open_document(&path("secrets/key"), "open\n", 1);
    let shadow = create(&fixture);
    assert_eq!(text(&shadow, "src/main.rs"), "fn main() { unsaved() }\n");
    assert_eq!(text(&shadow, "src/new.rs"), "new\n");
    assert_eq!(text(&shadow, ".env"), "A=1\n");
    assert_eq!(std::fs::read(shadow.path().join("image.png")).unwrap(), b"\x89\0\xff");
    assert!(shadow.path().join("empty").is_dir());
    for absent in ["target", "a.log", "secrets", ".git"] {
        assert!(!shadow.path().join(absent).exists(), "{absent}");
    }
    #[cfg(unix)]
    assert_eq!(mode(&shadow.path().join("run.sh")), 0o755);
    assert_eq!(fixture.text("src/main.rs"), "fn main() {}\n");
    let git = (fixture.root().canonicalize().unwrap().join(".git"), shadow.path().join(".git"));
    assert_eq!(shadow.readonly_binds(), [git]);
    assert_eq!(modified(&shadow, "run.sh"), modified(&shadow, ".env"), "all files are of one age");
    let folder = shadow.path().to_path_buf();
    drop(shadow);
    assert!(!folder.exists());
}

#[test]
fn an_overlay_is_applied_and_taken_off_again() {
    let fixture = Fixture::new(&[("a.txt", "a\n"), ("b.txt", "b\n"), ("c/d.sh", "d\n"), ("e.txt", "e\n")]);
    #[cfg(unix)]
    set_mode(&fixture.root().join("c/d.sh"), 0o755);
    let mut shadow = create(&fixture);
    let mut overlay = Overlay::new(shadow.snapshot().clone());
    overlay.write(&path("a.txt"), "A\n").unwrap();
    overlay.delete(&path("b.txt")).unwrap();
    overlay.rename(&path("c/d.sh"), &path("bin/d.sh")).unwrap();
    overlay.write(&path("new/x.txt"), "x\n").unwrap();
    let untouched = modified(&shadow, "e.txt");
    let rewritten = shadow.apply(&overlay).unwrap();
    let expected = ["a.txt", "b.txt", "bin/d.sh", "c/d.sh", "new/x.txt"].map(path);
    assert_eq!(rewritten, expected);
    assert_eq!(text(&shadow, "a.txt"), "A\n");
    assert!(!shadow.path().join("b.txt").exists());
    assert!(!shadow.path().join("c").exists(), "a folder goes with its last file");
    assert_eq!(text(&shadow, "bin/d.sh"), "d\n");
    #[cfg(unix)]
    assert_eq!(mode(&shadow.path().join("bin/d.sh")), 0o755);
    assert_eq!(modified(&shadow, "e.txt"), untouched);

    let time = modified(&shadow, "a.txt");
    assert!(shadow.apply(&overlay).unwrap().is_empty());
    assert_eq!(modified(&shadow, "a.txt"), time);
    overlay.write(&path("new/x.txt"), "y\n").unwrap();
    assert_eq!(shadow.apply(&overlay).unwrap(), [path("new/x.txt")]);

    let restored = shadow.apply(&Overlay::new(shadow.snapshot().clone())).unwrap();
    assert_eq!(restored, expected);
    assert_eq!(text(&shadow, "b.txt"), "b\n");
    assert!(!shadow.path().join("new").exists());
    assert!(modified(&shadow, "a.txt") >= time, "a restored file is never older than what was built");
    assert!(shadow.collect().is_empty());
}

#[test]
fn a_file_and_a_folder_change_places() {
    let fixture = Fixture::new(&[("a", "file\n"), ("b/c", "below\n")]);
    let mut shadow = create(&fixture);
    let mut overlay = Overlay::new(shadow.snapshot().clone());
    overlay.delete(&path("a")).unwrap();
    overlay.write(&path("a/x"), "x\n").unwrap();
    shadow.apply(&overlay).unwrap();
    assert_eq!(text(&shadow, "a/x"), "x\n");
    shadow.apply(&Overlay::new(shadow.snapshot().clone())).unwrap();
    assert_eq!(text(&shadow, "a"), "file\n");
    assert_eq!(text(&shadow, "b/c"), "below\n");
}

#[test]
fn a_refresh_rewrites_only_what_changed() {
    let fixture = Fixture::new(&[("a.txt", "a\n"), ("b.txt", "b\n"), ("c.txt", "c\n")]);
    let mut shadow = create(&fixture);
    let (b, c) = (modified(&shadow, "b.txt"), modified(&shadow, "c.txt"));
    let mut overlay = Overlay::new(shadow.snapshot().clone());
    overlay.write(&path("b.txt"), "edited\n").unwrap();
    shadow.apply(&overlay).unwrap();
    fixture.put("a.txt", "changed\n");
    fixture.put("c.txt", "c\n");
    fixture.put("d/new.txt", "new\n");
    fixture.workspace.invalidate_all();
    let rewritten = shadow.refresh(&fixture.snapshot()).unwrap();
    assert_eq!(rewritten, ["a.txt", "b.txt", "d/new.txt"].map(path));
    assert_eq!(text(&shadow, "a.txt"), "changed\n");
    assert_eq!(text(&shadow, "b.txt"), "b\n");
    assert!(modified(&shadow, "b.txt") > b);
    assert_eq!(modified(&shadow, "c.txt"), c, "written again in the original, with the same text");
    std::fs::remove_file(fixture.root().join("a.txt")).unwrap();
    fixture.workspace.invalidate_all();
    assert_eq!(shadow.refresh(&fixture.snapshot()).unwrap(), [path("a.txt")]);
    assert!(!shadow.path().join("a.txt").exists());
}

#[test]
fn a_claimed_shadow_is_kept_and_used_again() {
    let fixture = Fixture::new(&[("a.txt", "a\n"), (".gitignore", "target\n")]);
    let root = shadow_root(&fixture);
    let snapshot = fixture.snapshot();
    let mut first = Shadow::claim(&snapshot, &root).unwrap();
    let second = Shadow::claim(&snapshot, &root).unwrap();
    assert_ne!(first.path(), second.path(), "two tasks have two shadows");
    put(first.path(), "target/built", "product");
    put(first.path(), "litter.txt", "left by a command");
    let mut overlay = Overlay::new(snapshot);
    overlay.write(&path("a.txt"), "task\n").unwrap();
    overlay.write(&path("b.txt"), "task\n").unwrap();
    first.apply(&overlay).unwrap();
    let (place, time) = (first.path().to_path_buf(), modified(&first, "a.txt"));
    drop(first);
    let again = Shadow::claim(&fixture.snapshot(), &root).unwrap();
    assert_eq!(again.path(), place);
    assert_eq!(text(&again, "a.txt"), "a\n");
    assert!(modified(&again, "a.txt") >= time);
    assert_eq!(text(&again, "target/built"), "product");
    for gone in ["b.txt", "litter.txt"] {
        assert!(!again.path().join(gone).exists(), "{gone}");
    }
    drop(second);
    assert_eq!(sweep(&root).removed, 0);
    assert_eq!(sweep(&root).left, 2);
    assert_eq!(trim(&root, Duration::MAX, 0).removed, 1, "the one in use stays");
    drop(again);
    assert_eq!(trim(&root, Duration::ZERO, u64::MAX).removed, 1);
}

#[test]
fn a_shadow_in_use_is_not_given_twice_and_leftovers_are_swept() {
    let fixture = Fixture::new(&[("a.txt", "a\n")]);
    let shadow = create(&fixture);
    let again = Shadow::create(&fixture.workspace, &shadow_root(&fixture).join("one"));
    assert!(matches!(again, Err(ShadowError::InUse { .. })));
    put(&shadow_root(&fixture), "crashed/owner", "process 1\n");
    put(&shadow_root(&fixture), "crashed/tree/half", "");
    let swept = sweep(&shadow_root(&fixture));
    assert_eq!((swept.removed, swept.left), (1, 1));
    assert_eq!(text(&shadow, "a.txt"), "a\n");
}

#[test]
fn what_commands_did_is_told_and_undone() {
    let fixture =
        Fixture::new(&[("a.rs", "fn  a(){}\n"), ("b.rs", "b\n"), ("c.rs", "c\n"), (".gitignore", "out\n")]);
    let mut shadow = create(&fixture);
    put(shadow.path(), "a.rs", "fn a() {}\n");
    put(shadow.path(), "c.rs", "c\n");
    put(shadow.path(), "gen/new.rs", "new\n");
    put(shadow.path(), "out/x", "ignored\n");
    std::fs::remove_file(shadow.path().join("b.rs")).unwrap();
    let written = |name: &str, text: &str| ShadowChange::Written {
        path: path(name),
        text: Ok(text.into()),
        executable: false,
    };
    let expected = [
        written("a.rs", "fn a() {}\n"),
        ShadowChange::Removed { path: path("b.rs") },
        written("gen/new.rs", "new\n"),
    ];
    assert_eq!(shadow.collect(), expected);
    let marks = shadow.marks();
    assert!(shadow.collect_since(&marks).is_empty());
    #[cfg(unix)]
    {
        set_mode(&shadow.path().join("c.rs"), 0o755);
        let made_executable =
            ShadowChange::Written { path: path("c.rs"), text: Ok("c\n".into()), executable: true };
        assert_eq!(shadow.collect_since(&marks), [made_executable]);
    }
    let restored = shadow.reset().unwrap();
    assert!(["a.rs", "b.rs", "gen/new.rs"].iter().all(|name| restored.contains(&path(name))), "{restored:?}");
    assert_eq!(text(&shadow, "a.rs"), "fn  a(){}\n");
    assert!(!shadow.path().join("gen").exists());
    assert_eq!(text(&shadow, "out/x"), "ignored\n");
    assert!(shadow.collect().is_empty());
}

#[cfg(unix)]
#[test]
fn a_hostile_build_cannot_reach_the_original() {
    use std::os::unix::fs::MetadataExt;
    let fixture = Fixture::new(&[("src/a.rs", "a\n"), ("src/b.rs", "b\n"), ("lib/c.rs", "c\n")]);
    let root = fixture.root().canonicalize().unwrap();
    link(root.join("lib"), root.join("absolute"));
    link("src/a.rs", root.join("relative"));
    let name = root.file_name().unwrap().to_str().unwrap();
    link(format!("../{name}/lib/c.rs"), root.join("roundabout"));
    link("nowhere", root.join("dangling"));
    let before = fixture.snapshot().content_hash();
    let mut shadow = create(&fixture);
    for file in ["src/a.rs", "lib/c.rs"] {
        let metadata = shadow.path().join(file).metadata().unwrap();
        assert_eq!(metadata.nlink(), 1);
        assert_ne!(metadata.ino(), root.join(file).metadata().unwrap().ino());
    }
    let through = ["src/a.rs", "absolute/c.rs", "relative", "roundabout"];
    for file in through {
        std::fs::write(shadow.path().join(file), "hostile\n").unwrap();
    }
    assert!(shadow.path().join("dangling").is_symlink());
    assert_eq!(fixture.snapshot().content_hash(), before);

    // The next write of ours must not follow what a command put in the way.
    std::fs::remove_dir_all(shadow.path().join("src")).unwrap();
    link(root.join("src"), shadow.path().join("src"));
    std::fs::remove_file(shadow.path().join("lib/c.rs")).unwrap();
    link(root.join("lib/c.rs"), shadow.path().join("lib/c.rs"));
    let mut overlay = Overlay::new(shadow.snapshot().clone());
    overlay.write(&path("src/a.rs"), "ours\n").unwrap();
    overlay.write(&path("lib/c.rs"), "ours\n").unwrap();
    shadow.apply(&overlay).unwrap();
    assert_eq!(fixture.snapshot().content_hash(), before);
    assert_eq!(text(&shadow, "src/a.rs"), "ours\n");
    shadow.reset().unwrap();
    assert_eq!(text(&shadow, "src/b.rs"), "b\n");
    assert!(!shadow.path().join("src").is_symlink());

    link(&root, shadow.path().join("extra"));
    set_mode(&shadow.path().join("lib"), 0o000);
    let folder = shadow.path().to_path_buf();
    drop(shadow);
    assert!(!folder.exists(), "a locked folder is removed too");
    assert_eq!(fixture.snapshot().content_hash(), before, "links were removed, not followed");
}

#[test]
fn dependency_folders_are_copied_or_bound() {
    let fixture = Fixture::new(&[
        (".gitignore", "node_modules\n.venv\n"),
        ("package.json", "{}"),
        ("node_modules/left/index.js", "left\n"),
        ("py/pyproject.toml", ""),
        (".galleyignore", "closed/node_modules\n"),
        ("closed/package.json", "{}"),
        ("closed/node_modules/x.js", "x\n"),
    ]);
    for number in 0..600 {
        fixture.put(&format!("py/.venv/lib/{number}.py"), "");
    }
    let mut shadow = create(&fixture);
    assert_eq!(text(&shadow, "node_modules/left/index.js"), "left\n");
    let source = fixture.root().canonicalize().unwrap().join("py/.venv");
    assert_eq!(shadow.readonly_binds(), [(source, shadow.path().join("py/.venv"))]);
    assert!(!shadow.path().join("py/.venv").exists());
    assert!(!shadow.path().join("closed/node_modules").exists());
    put(shadow.path(), "node_modules/.cache/x", "kept");
    shadow.refresh(&fixture.snapshot()).unwrap();
    assert_eq!(text(&shadow, "node_modules/.cache/x"), "kept");
    fixture.put("node_modules/right/index.js", "right\n");
    shadow.refresh(&fixture.snapshot()).unwrap();
    assert_eq!(text(&shadow, "node_modules/right/index.js"), "right\n");
}

#[test]
fn several_roots_lie_side_by_side() {
    let fixture = Fixture::new(&[("one/a.txt", "1\n"), ("two/a.txt", "2\n")]);
    fixture.workspace.set_roots(vec![fixture.root().join("one"), fixture.root().join("two")]).unwrap();
    let mut shadow = create(&fixture);
    assert_eq!(text(&shadow, "one/a.txt"), "1\n");
    assert_eq!(text(&shadow, "two/a.txt"), "2\n");
    put(shadow.path(), "two/litter", "");
    assert_eq!(shadow.reset().unwrap(), [path("two/litter")]);
    assert!(matches!(shadow.method(), Method::Copy | Method::Reflink));
}

/// Runs cargo in a shadow with a build cache outside of it and tells whether it compiled the crate.
fn compiles(shadow: &Shadow, cache: &Path) -> bool {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = std::process::Command::new(cargo)
        .args(["run", "--quiet", "--offline"])
        .current_dir(shadow.path())
        .env("CARGO_TARGET_DIR", cache)
        .output()
        .expect("cargo runs");
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{errors}");
    let wanted = std::fs::read_to_string(shadow.path().join("answer.txt")).expect("an answer");
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), wanted.trim(), "the build is stale");
    let built = cache.join("debug/built");
    let now = std::fs::metadata(cache.join("debug").join(if cfg!(windows) { "tiny.exe" } else { "tiny" }))
        .and_then(|metadata| metadata.modified())
        .expect("a program");
    let before = std::fs::metadata(&built).and_then(|metadata| metadata.modified()).ok();
    std::fs::write(&built, "").expect("a mark");
    before.is_none_or(|before| now > before)
}

#[test]
fn a_second_build_is_incremental_and_never_stale() {
    let fixture = Fixture::new(&[
        ("Cargo.toml", "[package]\nname = \"tiny\"\nversion = \"0.1.0\"\nedition = \"2024\"\n[workspace]\n"),
        ("src/main.rs", "fn main() { println!(\"{}\", include_str!(\"../answer.txt\")) }\n"),
        ("answer.txt", "one\n"),
        ("README.md", "text\n"),
    ]);
    let (root, snapshot) = (shadow_root(&fixture), fixture.snapshot());
    let shadow = Shadow::claim(&snapshot, &root).expect("a shadow");
    let cache = shadow.products().expect("a cache");
    assert!(compiles(&shadow, &cache));
    drop(shadow);

    let mut shadow = Shadow::claim(&fixture.snapshot(), &root).expect("a shadow");
    assert!(!compiles(&shadow, &cache), "nothing changed between two tasks");
    let mut overlay = Overlay::new(shadow.snapshot().clone());
    overlay.write(&path("README.md"), "other\n").unwrap();
    shadow.apply(&overlay).unwrap();
    assert!(!compiles(&shadow, &cache), "no source changed");
    overlay.write(&path("answer.txt"), "two\n").unwrap();
    shadow.apply(&overlay).unwrap();
    assert!(compiles(&shadow, &cache));
    // The restored file is, in the person's tree, older than the last build.
    shadow.apply(&Overlay::new(shadow.snapshot().clone())).unwrap();
    assert!(compiles(&shadow, &cache));
}
