//! Lists of files under ignore rules, and how they stay fresh.

use super::*;
use crate::rules::Verdict;

#[test]
fn rules_are_obeyed_at_every_height() {
    let fixture = Fixture::new(&[
        (".gitignore", "target/\n*.log\n!keep.log\n/only-top\n"),
        ("src/a.rs", ""),
        ("src/only-top", ""),
        ("only-top", ""),
        ("target/debug/x", ""),
        ("a.log", ""),
        ("keep.log", ""),
        ("sub/.gitignore", "!a.log\n*.tmp\n"),
        ("sub/a.log", ""),
        ("sub/b.tmp", ""),
        ("sub/deep/c.tmp", ""),
        (".ignore", "docs\n"),
        ("docs/d.md", ""),
        (".galleyignore", "!docs\ngenerated/\n"),
        ("generated/g.rs", ""),
        (".git/config", ""),
        (".github/workflows/ci.yml", ""),
        (".env", "SECRET=1"),
        (".cargo/config.toml", ""),
    ]);
    let expected = ".cargo/config.toml .galleyignore .github/workflows/ci.yml .gitignore .ignore docs/d.md \
                    keep.log src/a.rs src/only-top sub/.gitignore sub/a.log";
    assert_eq!(fixture.files(), expected);
    let listing = fixture.workspace.listing();
    assert_eq!(&listing.hidden()[..], [path(".env")]);
    assert_eq!(listing.judge(&path("generated/g.rs"), false), Verdict::Denied);
    assert_eq!(listing.judge(&path("target/debug/new"), false), Verdict::Ignored);
    assert_eq!(listing.judge(&path("src/new.rs"), false), Verdict::Listed);
    assert_eq!(listing.judge(&path("sub/new/x.tmp"), false), Verdict::Ignored);
}

#[test]
fn the_list_agrees_with_the_judgement_of_single_paths() {
    let fixture = Fixture::new(&[
        (".gitignore", "build\n*.o\n/lib/*\n!/lib/keep\n"),
        ("build", ""),
        ("x/build/y", ""),
        ("lib/a", ""),
        ("lib/keep/b", ""),
        ("lib/keep/c.o", ""),
        ("x/.ignore", "!*.o\n"),
        ("x/d.o", ""),
    ]);
    let listing = fixture.workspace.listing();
    let empty = crate::Listing::empty(fixture.workspace.current_roots());
    for file in ["build", "x/build/y", "lib/a", "lib/keep/b", "lib/keep/c.o", "x/d.o"] {
        let is_listed = listing.files().contains(&path(file));
        assert_eq!(listing.judge(&path(file), false) == Verdict::Listed, is_listed, "{file}");
        assert_eq!(empty.judge(&path(file), false) == Verdict::Listed, is_listed, "{file}, without a walk");
    }
    assert_eq!(fixture.files(), ".gitignore lib/keep/b x/.ignore x/d.o");
}

#[test]
fn rules_above_the_root_count_inside_a_repository() {
    let fixture = Fixture::new(&[
        (".git/info/exclude", "*.bak\n"),
        (".gitignore", "*.log\n/project/hidden\n"),
        ("project/a.rs", ""),
        ("project/a.bak", ""),
        ("project/a.log", ""),
        ("project/hidden", ""),
        ("project/inner/.git/HEAD", ""),
        ("project/inner/b.log", ""),
    ]);
    fixture.workspace.set_roots(vec![fixture.root().join("project")]).unwrap();
    assert_eq!(fixture.files(), "a.rs inner/b.log");
}

#[test]
fn changes_are_found_folder_by_folder() {
    let fixture = Fixture::new(&[("a/1", ""), ("a/2", ""), ("b/c/3", "")]);
    assert_eq!(fixture.files(), "a/1 a/2 b/c/3");
    fixture.put("b/c/4", "");
    fixture.put("b/new/deep/5", "");
    std::fs::remove_dir_all(fixture.root().join("a")).unwrap();
    assert_eq!(fixture.files(), "b/c/3 b/c/4 b/new/deep/5");
    fixture.put("b/.gitignore", "deep\n3\n");
    assert_eq!(fixture.files(), "b/.gitignore b/c/4");
    std::fs::write(fixture.root().join("b/.gitignore"), "4\n").unwrap();
    assert_eq!(fixture.files(), "b/.gitignore b/c/3 b/new/deep/5");
    std::fs::rename(fixture.root().join("b"), fixture.root().join("z")).unwrap();
    assert_eq!(fixture.files(), "z/.gitignore z/c/3 z/new/deep/5");
    std::fs::remove_file(fixture.root().join("z/.gitignore")).unwrap();
    assert_eq!(fixture.files(), "z/c/3 z/c/4 z/new/deep/5");
}

#[test]
fn an_unchanged_tree_is_not_read_again() {
    let fixture = Fixture::new(&[("a/1", ""), ("b/2", "")]);
    std::thread::sleep(Duration::from_millis(30));
    let first = fixture.workspace.listing();
    fixture.workspace.invalidate_all();
    let second = fixture.workspace.listing();
    assert!(std::sync::Arc::ptr_eq(&first, &second));
    fixture.workspace.set_watched(true);
    fixture.put("a/3", "");
    assert_eq!(fixture.workspace.listing().files().len(), 2, "a watched tree is trusted");
    fixture.workspace.invalidate(&[path("a/1")]);
    assert_eq!(fixture.workspace.listing().files().len(), 2, "the content of a listed file does not matter");
    fixture.workspace.invalidate(&[path("a/3")]);
    assert_eq!(fixture.workspace.files_now().len(), 2, "without waiting");
    assert_eq!(fixture.workspace.listing().files().len(), 3);
}

#[cfg(target_os = "linux")]
#[test]
fn names_that_cannot_be_written_are_skipped_and_counted() {
    use std::os::unix::ffi::OsStrExt;
    let fixture = Fixture::new(&[("good.txt", "")]);
    let root = fixture.root();
    std::fs::write(root.join(std::ffi::OsStr::from_bytes(b"bad\xff.txt")), "").unwrap();
    std::fs::write(root.join("new\nline.txt"), "").unwrap();
    std::fs::create_dir(root.join("back\\slash")).unwrap();
    assert_eq!(fixture.files(), "good.txt");
    assert_eq!(fixture.workspace.listing().skipped().unnameable, 3);
}

#[cfg(unix)]
#[test]
fn links_are_listed_and_never_walked() {
    let fixture = Fixture::new(&[("a/real.txt", "")]);
    let root = fixture.root();
    link("..", root.join("a/up"));
    link("a/real.txt", root.join("file-link"));
    link("/etc/hostname", root.join("out-link"));
    link("nowhere", root.join("dangling"));
    assert_eq!(fixture.files(), "a/real.txt file-link");
    let links = fixture.workspace.listing().links().len();
    assert_eq!(links, 4);
}

#[test]
fn new_unsaved_documents_count_as_files() {
    let fixture = Fixture::new(&[("a.rs", ""), (".gitignore", "*.log\n")]);
    fixture.workspace.open_document(&path("b.rs"), "new\n", 1);
    fixture.workspace.open_document(&path("c.log"), "new\n", 1);
    let files = fixture.snapshot().files();
    assert_eq!(&files[..], [path(".gitignore"), path("a.rs"), path("b.rs")]);
}

#[test]
fn a_root_in_a_root_is_listed_once() {
    let fixture = Fixture::new(&[("a.rs", ""), ("inner/b.rs", "")]);
    fixture.workspace.set_roots(vec![fixture.root(), fixture.root().join("inner")]).unwrap();
    assert_eq!(fixture.files(), "inner/b.rs root/a.rs");
    let located = fixture.workspace.locate(&fixture.root().join("inner/b.rs"));
    assert_eq!(located, Some(path("inner/b.rs")));
}

#[test]
fn what_git_tracks_is_listed_although_ignored() {
    let fixture = Fixture::new(&[(".gitignore", "*.log\n"), ("kept.log", ""), ("other.log", ""), ("a", "")]);
    let git = |arguments: &[&str]| {
        let mut command = std::process::Command::new("git");
        command.args(arguments).current_dir(fixture.root()).env("HOME", fixture.outer.path());
        command.output().is_ok_and(|output| output.status.success())
    };
    if !git(&["init", "-q"]) {
        return;
    }
    assert_eq!(fixture.files(), ".gitignore a");
    for version in ["2", "4"] {
        assert!(git(&["update-index", "--index-version", version]));
        assert!(git(&["add", "-f", "a", "kept.log"]));
        assert_eq!(fixture.files(), ".gitignore a kept.log", "index version {version}");
    }
    assert!(git(&["rm", "-q", "--cached", "kept.log"]));
    assert_eq!(fixture.files(), ".gitignore a");
}
