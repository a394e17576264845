//! Applying accepted changes to disk, and taking them back.

use super::*;
use crate::apply::{ApplyError, UndoError, UndoRecord, apply, plan, redo, undo};
use galley_text::format::FileChange;

fn update(name: &str, before: &str, after: &str) -> FileChange {
    FileChange::Update { path: path(name), before: before.into(), after: after.into() }
}

fn everything() -> (Fixture, Vec<FileChange>) {
    let fixture = Fixture::new(&[("a.txt", "a\n"), ("old/b.sh", "b\n"), ("c.txt", "c\n")]);
    #[cfg(unix)]
    set_mode(&fixture.root().join("old/b.sh"), 0o755);
    let changes = vec![
        update("a.txt", "a\n", "A\n"),
        FileChange::Move {
            from: path("old/b.sh"),
            to: path("new/b.sh"),
            before: "b\n".into(),
            after: "B\n".into(),
        },
        FileChange::Delete { path: path("c.txt"), before: "c\n".into() },
        FileChange::Add { path: path("deep/d.txt"), text: "d\n".into() },
    ];
    (fixture, changes)
}

#[test]
fn changes_are_applied_and_taken_back() {
    let (fixture, changes) = everything();
    let before = fixture.snapshot().content_hash();
    let record = apply(&fixture.workspace, &changes).unwrap();
    assert_eq!(fixture.files(), "a.txt deep/d.txt new/b.sh");
    assert_eq!(fixture.text("new/b.sh"), "B\n");
    #[cfg(unix)]
    assert_eq!(mode(&fixture.root().join("new/b.sh")), 0o755);
    let after = fixture.snapshot().content_hash();

    let kept: UndoRecord = serde_json::from_str(&serde_json::to_string(&record).unwrap()).unwrap();
    let undone = undo(&fixture.workspace, &kept).unwrap();
    assert_eq!(fixture.files(), "a.txt c.txt old/b.sh");
    assert!(undone.merged.is_empty());
    #[cfg(unix)]
    assert_eq!(mode(&fixture.root().join("old/b.sh")), 0o755);
    assert_eq!(fixture.snapshot().content_hash(), before);
    undo(&fixture.workspace, &undone.record).unwrap();
    fixture.files();
    assert_eq!(fixture.snapshot().content_hash(), after, "an undo can be undone");
}

#[test]
fn what_moved_on_since_the_review_is_refused_as_a_whole() {
    let (fixture, changes) = everything();
    fixture.put("c.txt", "typed meanwhile\n");
    let result = apply(&fixture.workspace, &changes);
    assert_eq!(result, Err(ApplyError::MovedOn { path: path("c.txt") }));
    assert_eq!(fixture.text("a.txt"), "a\n");
    std::fs::remove_file(fixture.root().join("c.txt")).unwrap();
    assert_eq!(apply(&fixture.workspace, &changes), Err(ApplyError::Gone { path: path("c.txt") }));
    fixture.put("c.txt", "c\n");
    fixture.put("deep/d.txt", "somebody's\n");
    assert_eq!(apply(&fixture.workspace, &changes), Err(ApplyError::Exists { path: path("deep/d.txt") }));
    let twice = [update("a.txt", "a\n", "x"), update("a.txt", "a\n", "y")];
    assert_eq!(apply(&fixture.workspace, &twice), Err(ApplyError::Twice { path: path("a.txt") }));
}

#[test]
fn a_change_between_plan_and_write_is_noticed_and_the_rest_put_back() {
    let (fixture, changes) = everything();
    let plan = plan(&fixture.workspace, &changes).unwrap();
    assert_eq!(plan.undo_record().files.len(), 5);
    fixture.put("deep/d.txt", "somebody's\n");
    assert_eq!(plan.write(), Err(ApplyError::MovedOn { path: path("deep/d.txt") }));
    assert_eq!(fixture.files(), "a.txt c.txt deep/d.txt old/b.sh");
    assert_eq!(fixture.text("a.txt"), "a\n");
    assert_eq!(fixture.text("deep/d.txt"), "somebody's\n");
}

#[test]
fn undo_leaves_later_work() {
    let text = |first: &str, last: &str| format!("{first}\n2\n3\n4\n5\n6\n{last}\n");
    let fixture = Fixture::new(&[("a.txt", &text("1", "7"))]);
    let record = apply(&fixture.workspace, &[update("a.txt", &text("1", "7"), &text("ONE", "7"))]).unwrap();
    fixture.put("a.txt", &text("ONE", "later"));
    let undone = undo(&fixture.workspace, &record).unwrap();
    assert_eq!(undone.merged, [path("a.txt")]);
    assert_eq!(fixture.text("a.txt"), text("1", "later"));
    redo(&fixture.workspace, &UndoRecord::default()).unwrap();
}

#[test]
fn contradicting_later_work_stops_an_undo_before_it_writes() {
    let fixture = Fixture::new(&[("a.txt", "a\n"), ("b.txt", "b\n")]);
    let changes = [
        update("a.txt", "a\n", "A\n"),
        update("b.txt", "b\n", "B\n"),
        FileChange::Add { path: path("new.txt"), text: "n\n".into() },
    ];
    let record = apply(&fixture.workspace, &changes).unwrap();
    fixture.put("b.txt", "later\n");
    fixture.put("new.txt", "n\nand more\n");
    let Err(UndoError::Conflicts { conflicts }) = undo(&fixture.workspace, &record) else {
        panic!("the undo must conflict")
    };
    let conflicting: Vec<_> = conflicts.iter().map(|conflict| conflict.path.as_str()).collect();
    assert_eq!(conflicting, ["b.txt", "new.txt"]);
    assert_eq!(conflicts[0].now.as_deref(), Some("later\n"));
    assert_eq!(conflicts[1].wanted, None);
    assert_eq!(fixture.text("a.txt"), "A\n", "nothing was written");
}

#[test]
fn encodings_and_line_endings_are_kept() {
    let fixture = Fixture::new(&[]);
    let place = fixture.root().join("w.txt");
    let bytes = b"\xff\xfea\0\r\0\n\0b\0";
    std::fs::write(&place, bytes).unwrap();
    let record = apply(&fixture.workspace, &[update("w.txt", "a\r\nb", "c\r\nb")]).unwrap();
    assert_eq!(std::fs::read(&place).unwrap(), b"\xff\xfec\0\r\0\n\0b\0");
    undo(&fixture.workspace, &record).unwrap();
    assert_eq!(std::fs::read(&place).unwrap(), bytes);
}

#[cfg(unix)]
#[test]
fn a_link_stays_a_link() {
    let fixture = Fixture::new(&[("real.txt", "r\n")]);
    link("real.txt", fixture.root().join("link.txt"));
    let record = apply(&fixture.workspace, &[update("link.txt", "r\n", "R\n")]).unwrap();
    assert_eq!(fixture.text("real.txt"), "R\n");
    undo(&fixture.workspace, &record).unwrap();
    assert!(fixture.root().join("link.txt").is_symlink());
    assert_eq!(fixture.text("real.txt"), "r\n");
    let delete = FileChange::Delete { path: path("link.txt"), before: "r\n".into() };
    let record = apply(&fixture.workspace, &[delete]).unwrap();
    assert_eq!(fixture.files(), "real.txt");
    undo(&fixture.workspace, &record).unwrap();
    assert!(fixture.root().join("link.txt").is_symlink());
    assert_eq!(fixture.text("real.txt"), "r\n");
}

#[test]
fn a_file_gives_way_to_a_folder_and_comes_back() {
    let fixture = Fixture::new(&[("a", "file\n")]);
    let changes = [
        FileChange::Add { path: path("a/b"), text: "below\n".into() },
        FileChange::Delete { path: path("a"), before: "file\n".into() },
    ];
    let record = apply(&fixture.workspace, &changes).unwrap();
    assert_eq!(fixture.files(), "a/b");
    undo(&fixture.workspace, &record).unwrap();
    assert_eq!(fixture.files(), "a");
}
