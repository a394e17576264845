//! Overlays against a simple map, and what they refuse.

use super::*;
use crate::{Edits, Overlay, OverlayError, ReadError};
use galley_text::format::{FileChange, Tree};
use proptest::prelude::*;
use std::collections::BTreeMap;

#[test]
fn edits_are_seen_and_told() {
    let fixture = Fixture::new(&[("a.txt", "a\n"), ("b.txt", "b\n"), ("c.txt", "c\n")]);
    let mut overlay = Overlay::new(fixture.snapshot());
    overlay.write(&path("a.txt"), "A\n").unwrap();
    overlay.delete(&path("b.txt")).unwrap();
    overlay.rename(&path("c.txt"), &path("sub/d.txt")).unwrap();
    overlay.write(&path("sub/d.txt"), "C\n").unwrap();
    overlay.write(&path("e.txt"), "e\n").unwrap();
    assert_eq!(&*overlay.read(&path("a.txt")).unwrap(), "A\n");
    assert_eq!(overlay.read(&path("b.txt")), Err(ReadError::Missing));
    assert_eq!(&overlay.files()[..], [path("a.txt"), path("e.txt"), path("sub/d.txt")]);
    let expected = vec![
        FileChange::Update { path: path("a.txt"), before: "a\n".into(), after: "A\n".into() },
        FileChange::Delete { path: path("b.txt"), before: "b\n".into() },
        FileChange::Add { path: path("e.txt"), text: "e\n".into() },
        FileChange::Move {
            from: path("c.txt"),
            to: path("sub/d.txt"),
            before: "c\n".into(),
            after: "C\n".into(),
        },
    ];
    assert_eq!(overlay.changes(), expected);
    assert_eq!(fixture.text("a.txt"), "a\n", "the disk is untouched");

    let mut copy = Overlay::new(fixture.snapshot());
    copy.apply(&overlay.changes()).unwrap();
    assert_eq!(copy.changes(), expected);
    assert_eq!(copy.content_hash(), overlay.content_hash());
}

#[test]
fn writing_back_is_no_change() {
    let fixture = Fixture::new(&[("a.txt", "a\n")]);
    let mut overlay = Overlay::new(fixture.snapshot());
    let clean = overlay.content_hash();
    let start = overlay.checkpoint();
    overlay.write(&path("a.txt"), "x\n").unwrap();
    let changed = overlay.checkpoint();
    assert_ne!(overlay.content_hash(), clean);
    overlay.write(&path("a.txt"), "a\n").unwrap();
    assert!(overlay.is_unchanged() && overlay.changes().is_empty());
    assert_eq!(overlay.content_hash(), clean);
    overlay.restore(&changed);
    assert_eq!(&*overlay.read(&path("a.txt")).unwrap(), "x\n");
    overlay.restore(&start);
    assert_eq!(&*overlay.read(&path("a.txt")).unwrap(), "a\n");
}

#[test]
fn what_cannot_be_shown_cannot_be_changed() {
    let fixture = Fixture::new(&[("folder/a.txt", "a\n"), ("b.txt", "b\n")]);
    std::fs::write(fixture.root().join("image.png"), b"\x89\0\0").unwrap();
    let mut overlay = Overlay::new(fixture.snapshot());
    for result in [overlay.write(&path("image.png"), "text"), overlay.delete(&path("image.png"))] {
        assert!(matches!(result, Err(OverlayError::Unreadable { why: ReadError::Binary, .. })));
    }
    assert!(matches!(overlay.write(&path("folder"), "x"), Err(OverlayError::Unreadable { .. })));
    assert!(matches!(overlay.write(&path("b.txt/below"), "x"), Err(OverlayError::InTheWay { .. })));
    assert!(matches!(overlay.write(&path(".git/hooks/x"), "x"), Err(OverlayError::Unreadable { .. })));
    assert!(matches!(overlay.delete(&path("none")), Err(OverlayError::Missing { .. })));
    let onto = overlay.rename(&path("b.txt"), &path("folder/a.txt"));
    assert!(matches!(onto, Err(OverlayError::Exists { .. })));
    overlay.write(&path("new/x"), "x").unwrap();
    assert!(matches!(overlay.write(&path("new"), "x"), Err(OverlayError::InTheWay { .. })));
    assert_eq!(overlay.changed_paths(), [path("new/x")]);
}

#[test]
fn applying_changes_is_all_or_nothing() {
    let fixture = Fixture::new(&[("a.txt", "a\n")]);
    let mut overlay = Overlay::new(fixture.snapshot());
    let add = FileChange::Add { path: path("b.txt"), text: "b\n".into() };
    let bad = FileChange::Delete { path: path("none.txt"), before: String::new() };
    assert!(overlay.apply(&[add, bad]).is_err());
    assert!(overlay.is_unchanged());
}

#[test]
fn near_paths_are_found_by_name() {
    let fixture = Fixture::new(&[("src/Main.rs", ""), ("other/main.rs", ""), ("src/lib.rs", "")]);
    let overlay = Overlay::new(fixture.snapshot());
    assert_eq!(overlay.near_paths("src/main.rs"), ["src/Main.rs", "other/main.rs"]);
    assert_eq!(overlay.near_paths("nothing.rs"), Vec::<String>::new());
}

#[test]
fn an_accepted_overlay_has_the_hash_of_the_tree_it_leads_to() {
    let fixture = Fixture::new(&[("a.txt", "a\n"), ("b.txt", "b\n"), ("run.sh", "r\n")]);
    #[cfg(unix)]
    set_mode(&fixture.root().join("run.sh"), 0o755);
    std::fs::write(fixture.root().join("bom.txt"), b"\xef\xbb\xbfa\r\n").unwrap();
    let mut overlay = Overlay::new(fixture.snapshot());
    overlay.write(&path("bom.txt"), "b\r\n").unwrap();
    overlay.delete(&path("b.txt")).unwrap();
    overlay.rename(&path("run.sh"), &path("bin/run.sh")).unwrap();
    let checked = overlay.content_hash();
    crate::apply::apply(&fixture.workspace, &overlay.changes()).unwrap();
    fixture.workspace.invalidate_all();
    assert_eq!(fixture.snapshot().content_hash(), checked);
}

#[test]
fn kept_edits_return_onto_a_tree_that_moved_on() {
    let lines = |changed: &str, other: &str| format!("{changed}\n2\n3\n4\n5\n6\n{other}\n");
    let fixture = Fixture::new(&[("a.txt", &lines("1", "7")), ("b.txt", "b\n"), ("c.txt", "c\n")]);
    let mut overlay = Overlay::new(fixture.snapshot());
    overlay.write(&path("a.txt"), lines("ONE", "7")).unwrap();
    overlay.write(&path("b.txt"), "task\n").unwrap();
    overlay.write(&path("c.txt"), "task\n").unwrap();
    let kept: Edits = serde_json::from_str(&serde_json::to_string(&overlay.edits()).unwrap()).unwrap();
    fixture.put("a.txt", &lines("1", "SEVEN"));
    fixture.put("c.txt", "person\n");
    let rebased = Overlay::from_edits(fixture.snapshot(), &kept);
    assert_eq!(rebased.merged, [path("a.txt")]);
    assert_eq!(rebased.conflicts, [path("c.txt")]);
    assert_eq!(&*rebased.overlay.read(&path("a.txt")).unwrap(), lines("ONE", "SEVEN"));
    assert_eq!(&*rebased.overlay.read(&path("b.txt")).unwrap(), "task\n");
    assert_eq!(&*rebased.overlay.read(&path("c.txt")).unwrap(), "person\n");
}

#[derive(Debug, Clone)]
enum Step {
    Write(usize, String),
    Delete(usize),
    Rename(usize, usize),
    Checkpoint,
    Restore,
    Keep,
}

const NAMES: [&str; 6] = ["a", "b", "c", "d/e", "d/f", "g"];

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let name = 0..NAMES.len();
    let step = prop_oneof![
        4 => (name.clone(), "[ab]{0,2}").prop_map(|(name, text)| Step::Write(name, text)),
        2 => name.clone().prop_map(Step::Delete),
        3 => (name.clone(), name).prop_map(|(from, to)| Step::Rename(from, to)),
        1 => Just(Step::Checkpoint),
        1 => Just(Step::Restore),
        1 => Just(Step::Keep),
    ];
    proptest::collection::vec(step, 0..30)
}

type Map = BTreeMap<String, String>;

/// Performs told changes on a map, as a reader of them would.
fn perform(map: &mut Map, changes: &[FileChange]) {
    for change in changes {
        match change {
            FileChange::Add { path, text } => {
                assert_eq!(map.insert(path.as_str().into(), text.clone()), None);
            }
            FileChange::Update { path, before, after } => {
                assert_eq!(map.insert(path.as_str().into(), after.clone()).as_ref(), Some(before));
            }
            FileChange::Delete { path, before } => {
                assert_eq!(map.remove(path.as_str()).as_ref(), Some(before))
            }
            FileChange::Move { from, to, before, after } => {
                assert_eq!(map.remove(from.as_str()).as_ref(), Some(before));
                assert_eq!(map.insert(to.as_str().into(), after.clone()), None);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]
    #[test]
    fn an_overlay_behaves_like_a_map(steps in steps()) {
        let files = [("a", "1"), ("b", "2"), ("d/e", "3")];
        let fixture = Fixture::new(&files);
        let base: Map = files.iter().map(|(name, text)| (name.to_string(), text.to_string())).collect();
        let mut map = base.clone();
        let mut overlay = Overlay::new(fixture.snapshot());
        let mut saved = (overlay.checkpoint(), map.clone());
        for step in steps {
            match step {
                Step::Write(name, text) => {
                    overlay.write(&path(NAMES[name]), text.as_str()).unwrap();
                    map.insert(NAMES[name].into(), text);
                }
                Step::Delete(name) => {
                    let is_there = map.remove(NAMES[name]).is_some();
                    prop_assert_eq!(overlay.delete(&path(NAMES[name])).is_ok(), is_there);
                }
                Step::Rename(from, to) => {
                    let (from, to) = (NAMES[from], NAMES[to]);
                    let is_possible = map.contains_key(from) && (from == to || !map.contains_key(to));
                    prop_assert_eq!(overlay.rename(&path(from), &path(to)).is_ok(), is_possible);
                    if is_possible {
                        let text = map.remove(from).unwrap();
                        map.insert(to.into(), text);
                    }
                }
                Step::Checkpoint => saved = (overlay.checkpoint(), map.clone()),
                Step::Restore => {
                    overlay.restore(&saved.0);
                    map = saved.1.clone();
                }
                Step::Keep => {
                    let rebased = overlay.rebased(fixture.snapshot());
                    prop_assert!(rebased.conflicts.is_empty() && rebased.merged.is_empty());
                    overlay = rebased.overlay;
                }
            }
            let seen: Map = overlay
                .files()
                .iter()
                .map(|path| (path.as_str().to_string(), overlay.read(path).unwrap().to_string()))
                .collect();
            prop_assert_eq!(&seen, &map);
            let mut told = base.clone();
            perform(&mut told, &overlay.changes());
            prop_assert_eq!(&told, &map);
        }
    }
}

#[cfg(unix)]
#[test]
fn modes_are_kept_decided_and_told() {
    let fixture = Fixture::new(&[("run.sh", "#!/bin/sh\n"), ("plain.txt", "p\n"), ("tool", "t\n")]);
    set_mode(&fixture.root().join("run.sh"), 0o755);
    let mut overlay = Overlay::new(fixture.snapshot());
    overlay.write(&path("run.sh"), "#!/bin/sh\nexit 0\n").unwrap();
    overlay.write(&path("new.sh"), "#!/bin/sh\n").unwrap();
    overlay.write(&path("lib.rs"), "#![forbid(unsafe_code)]\n").unwrap();
    overlay.set_executable(&path("tool"), true).unwrap();
    overlay.rename(&path("tool"), &path("bin/tool")).unwrap();
    let told: Vec<_> = overlay
        .mode_edits()
        .into_iter()
        .map(|edit| (edit.path.as_str().to_owned(), edit.executable))
        .collect();
    assert_eq!(told, [("bin/tool".to_owned(), true), ("new.sh".to_owned(), true)]);
    assert!(overlay.is_executable(&path("run.sh")), "a changed file keeps its mode");

    let only = {
        let mut overlay = Overlay::new(fixture.snapshot());
        let before = overlay.content_hash();
        overlay.set_executable(&path("plain.txt"), true).unwrap();
        assert_eq!(overlay.changed_paths(), [path("plain.txt")]);
        assert!(overlay.changes().is_empty() && !overlay.is_unchanged());
        assert_ne!(overlay.content_hash(), before);
        let kept: Edits = serde_json::from_str(&serde_json::to_string(&overlay.edits()).unwrap()).unwrap();
        Overlay::from_edits(fixture.snapshot(), &kept).overlay
    };
    let mut shadow =
        crate::Shadow::create(&fixture.workspace, &fixture.outer.path().join("state/one")).unwrap();
    shadow.apply(&only).unwrap();
    assert_eq!(mode(&shadow.path().join("plain.txt")) & 0o111, 0o111);
    shadow.apply(&overlay).unwrap();
    assert_eq!(mode(&shadow.path().join("plain.txt")) & 0o111, 0, "the other task's mode is gone");
    assert_eq!(mode(&shadow.path().join("new.sh")) & 0o111, 0o111);
    assert_eq!(mode(&shadow.path().join("bin/tool")) & 0o111, 0o111);

    let hash = overlay.content_hash();
    crate::apply::apply(&fixture.workspace, &overlay.changes()).unwrap();
    fixture.workspace.set_executable(&path("bin/tool"), true).unwrap();
    assert_eq!(mode(&fixture.root().join("new.sh")) & 0o111, 0o111);
    assert_eq!(Overlay::new(fixture.snapshot()).content_hash(), hash, "what was checked is what was applied");
    fixture.workspace.set_executable(&path("bin/tool"), false).unwrap();
    assert_eq!(mode(&fixture.root().join("bin/tool")) & 0o111, 0);
}

#[cfg(unix)]
#[test]
fn a_change_by_the_name_of_a_link_is_one_of_its_target() {
    let fixture = Fixture::new(&[("real/a.txt", "a\n")]);
    link("real/a.txt", fixture.root().join("a.txt"));
    link("real", fixture.root().join("folder"));
    let mut overlay = Overlay::new(fixture.snapshot());
    overlay.write(&path("a.txt"), "A\n").unwrap();
    assert_eq!(overlay.changed_paths(), [path("real/a.txt")]);
    for name in ["a.txt", "real/a.txt", "folder/a.txt"] {
        assert_eq!(&*overlay.read(&path(name)).unwrap(), "A\n", "{name}");
    }
    overlay.write(&path("folder/a.txt"), "AA\n").unwrap();
    assert_eq!(&*overlay.read(&path("real/a.txt")).unwrap(), "AA\n");
    let mut shadow =
        crate::Shadow::create(&fixture.workspace, &fixture.outer.path().join("state/one")).unwrap();
    shadow.apply(&overlay).unwrap();
    assert!(shadow.path().join("a.txt").is_symlink());
    assert_eq!(std::fs::read_to_string(shadow.path().join("a.txt")).unwrap(), "AA\n");
    let refused = overlay.rename(&path("a.txt"), &path("b.txt"));
    assert!(matches!(refused, Err(OverlayError::IsLink { .. })), "{refused:?}");
    let mut overlay = Overlay::new(fixture.snapshot());
    overlay.delete(&path("a.txt")).unwrap();
    assert_eq!(overlay.changed_paths(), [path("a.txt")], "a link is deleted, not what it leads to");
    shadow.apply(&overlay).unwrap();
    assert!(shadow.path().join("a.txt").symlink_metadata().is_err());
    assert_eq!(std::fs::read_to_string(shadow.path().join("real/a.txt")).unwrap(), "a\n");
}
