//! Writes that are whole or not at all.

use super::*;
use crate::{WriteError, fault, write_atomically};
use std::process::Command;

const OLD: &str = "old text\n";

#[test]
fn a_file_is_created_and_replaced_with_its_mode() {
    let fixture = Fixture::new(&[("run.sh", OLD)]);
    let place = fixture.root().join("run.sh");
    #[cfg(unix)]
    set_mode(&place, 0o751);
    write_atomically(&place, b"new\n").unwrap();
    assert_eq!(fixture.text("run.sh"), "new\n");
    #[cfg(unix)]
    assert_eq!(mode(&place), 0o751);
    fixture.workspace.write_file(&path("deep/er/new.txt"), b"made\n").unwrap();
    assert_eq!(fixture.text("deep/er/new.txt"), "made\n");
    assert_eq!(names(&fixture.root()), ["deep", "run.sh"], "no temporary file is left");
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap().flatten();
    let mut names: Vec<_> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn long_names_are_written_too() {
    let fixture = Fixture::new(&[]);
    let name = format!("{}.txt", "ü".repeat(120));
    fixture.workspace.write_file(&path(&name), b"x").unwrap();
    assert_eq!(fixture.text(&name), "x");
}

#[cfg(unix)]
#[test]
fn nothing_is_written_outside_the_roots() {
    let fixture = Fixture::new(&[("real/a.txt", OLD), (".git/hooks/", "")]);
    let (outer, root) = (fixture.outer.path(), fixture.root());
    std::fs::write(outer.join("key"), "untouched").unwrap();
    link("../key", root.join("bad"));
    link("../new-file", root.join("dangling"));
    link(outer, root.join("out"));
    link(".git/hooks", root.join("hooks"));
    link("real", root.join("alias"));
    link("real/a.txt", root.join("good"));
    for refused in ["bad", "dangling", "out/key", "out/made/x", "hooks/pre-commit", ".git/config"] {
        let result = fixture.workspace.write_file(&path(refused), b"harm");
        assert!(matches!(result, Err(WriteError::Outside { .. })), "{refused}: {result:?}");
    }
    assert!(fixture.workspace.remove_file(&path("out/key")).is_err());
    assert!(fixture.workspace.rename_file(&path("real/a.txt"), &path("out/a.txt")).is_err());
    assert_eq!(std::fs::read_to_string(outer.join("key")).unwrap(), "untouched");
    assert_eq!(names(outer), ["key", "root"]);

    fixture.workspace.write_file(&path("good"), b"through the link\n").unwrap();
    assert!(root.join("good").is_symlink());
    assert_eq!(fixture.text("real/a.txt"), "through the link\n");
    fixture.workspace.write_file(&path("alias/b.txt"), b"b\n").unwrap();
    assert_eq!(fixture.text("real/b.txt"), "b\n");
    fixture.workspace.remove_file(&path("good")).unwrap();
    assert_eq!(fixture.text("real/a.txt"), "through the link\n", "only the link was removed");
}

#[test]
fn files_are_renamed_and_removed_with_their_folders() {
    let fixture = Fixture::new(&[("a/b/one.txt", OLD), ("two.txt", "2")]);
    let result = fixture.workspace.rename_file(&path("a/b/one.txt"), &path("two.txt"));
    assert!(matches!(result, Err(WriteError::InTheWay { .. })));
    fixture.workspace.rename_file(&path("a/b/one.txt"), &path("c/d/one.txt")).unwrap();
    assert_eq!(names(&fixture.root()), ["c", "two.txt"]);
    fixture.workspace.remove_file(&path("c/d/one.txt")).unwrap();
    assert_eq!(names(&fixture.root()), ["two.txt"]);
    assert!(matches!(fixture.workspace.remove_file(&path("gone")), Err(WriteError::Missing { .. })));
    fixture.put("folder/", "");
    assert!(matches!(fixture.workspace.write_file(&path("folder"), b""), Err(WriteError::InTheWay { .. })));
    let below = fixture.workspace.write_file(&path("two.txt/below"), b"");
    assert!(matches!(below, Err(WriteError::InTheWay { .. })), "{below:?}");
}

#[cfg(unix)]
#[test]
fn read_only_files_and_folders_are_respected() {
    let fixture = Fixture::new(&[("locked.txt", OLD), ("folder/a.txt", OLD)]);
    let root = fixture.root();
    set_mode(&root.join("locked.txt"), 0o444);
    let result = fixture.workspace.write_file(&path("locked.txt"), b"new");
    assert!(matches!(result, Err(WriteError::ReadOnly { .. })));
    assert_eq!(fixture.text("locked.txt"), OLD);
    if is_privileged(fixture.outer.path()) {
        return;
    }
    set_mode(&root.join("folder"), 0o555);
    let result = fixture.workspace.write_file(&path("folder/a.txt"), b"new");
    assert!(matches!(result, Err(WriteError::Permission { .. })), "{result:?}");
    assert_eq!(fixture.text("folder/a.txt"), OLD);
    set_mode(&root.join("folder"), 0o755);
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_told() {
    let full = WriteError::from_io(Path::new("x"), &std::io::Error::from_raw_os_error(28));
    assert!(matches!(full, WriteError::NoSpace { .. }), "{full}");
    let quota = WriteError::from_io(Path::new("x"), &std::io::Error::from_raw_os_error(122));
    assert!(matches!(quota, WriteError::NoSpace { .. }), "{quota}");
}

/// The other half of the next test, in a process of its own that dies at the point named in its environment.
#[test]
fn dying_writer() {
    let Ok(place) = std::env::var("GALLEY_TEST_PLACE") else { return };
    write_atomically(Path::new(&place), new_text().as_bytes()).unwrap();
}

fn new_text() -> String {
    "new text\n".repeat(100_000)
}

#[test]
fn a_death_at_any_point_leaves_the_old_or_the_new_text() {
    let points = [("created", false), ("half-written", false), ("synced", false), ("renamed", true)];
    for (point, is_new) in points {
        let fixture = Fixture::new(&[("a.txt", OLD)]);
        let place = fixture.root().join("a.txt");
        let died = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "tests::writing::dying_writer", "--test-threads=1"])
            .env("GALLEY_TEST_PLACE", &place)
            .env(fault::VARIABLE, point)
            .output()
            .unwrap();
        assert!(!died.status.success(), "{point}");
        let text = fixture.text("a.txt");
        assert_eq!(text, if is_new { new_text() } else { OLD.into() }, "{point}");
        assert_eq!(fixture.files(), "a.txt", "{point}: what is left over is not listed");
        let left = usize::from(!is_new);
        assert_eq!(fixture.workspace.sweep_leftovers(Duration::from_secs(600)), 0, "it may be under way");
        assert_eq!(fixture.workspace.sweep_leftovers(Duration::ZERO), left, "{point}");
        assert_eq!(names(&fixture.root()), ["a.txt"], "{point}");
        fixture.workspace.write_file(&path("a.txt"), b"again\n").unwrap();
        assert_eq!(fixture.text("a.txt"), "again\n");
    }
}

#[test]
fn concurrent_writers_and_readers_never_see_a_half() {
    let fixture = Fixture::new(&[("a.txt", &"0".repeat(50_000))]);
    let workspace = &fixture.workspace;
    std::thread::scope(|scope| {
        for digit in ["1", "2"] {
            scope.spawn(move || {
                for _ in 0..30 {
                    workspace.write_file(&path("a.txt"), digit.repeat(50_000).as_bytes()).unwrap();
                }
            });
        }
        for _ in 0..200 {
            let text = workspace.snapshot().peek(&path("a.txt")).unwrap();
            assert_eq!(text.len(), 50_000);
            assert!(text.bytes().all(|byte| byte == text.as_bytes()[0]));
        }
    });
    assert_eq!(names(&fixture.root()), ["a.txt"]);
}
