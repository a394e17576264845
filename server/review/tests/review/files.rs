//! Files made, deleted, moved; renamed and deleted under a proposal.

use galley_review::{FileKind, FileMode, HunkKind, HunkState, Proposal};
use galley_text::format::FileChange;

use crate::desk::{id, path, propose, update};

fn state(proposal: &Proposal, name: &str) -> HunkState {
    proposal.hunk(&id(name)).unwrap().1.state
}

fn moved() -> Proposal {
    propose(vec![FileChange::Move {
        from: path("old/f"),
        to: path("new/f"),
        before: "a\nb\nc\n".into(),
        after: "a\nB\nc\n".into(),
    }])
}

#[test]
fn a_new_file_is_one_hunk() {
    let mut proposal = propose(vec![FileChange::Add { path: path("n"), text: "x\ny\n".into() }]);
    let plan = proposal.plan_accept(&[id("h1")], false).unwrap();
    assert_eq!(
        (plan[0].kind.clone(), plan[0].base.as_str(), plan[0].result.as_str()),
        (FileKind::Add, "", "x\ny\n")
    );
    proposal.accepted(&[id("h1")]);
    assert_eq!(state(&proposal, "h1"), HunkState::Accepted);
    let back = proposal.plan_revert(&[id("h1")], false).unwrap();
    assert_eq!((back[0].kind.clone(), back[0].result.as_str()), (FileKind::Delete, ""));
    proposal.file_deleted(&path("n"));
    assert_eq!(state(&proposal, "h1"), HunkState::Pending);
    assert_eq!(proposal.plan_accept(&[id("h1")], false).unwrap(), plan);
}

#[test]
fn a_new_file_where_the_person_made_one() {
    let mut proposal = propose(vec![FileChange::Add { path: path("n"), text: "x\n".into() }]);
    proposal.document_replaced(&path("n"), "mine\n", Some(1));
    assert_eq!(state(&proposal, "h1"), HunkState::Conflicted);
    proposal.document_replaced(&path("n"), "x\n", Some(2));
    assert_eq!(state(&proposal, "h1"), HunkState::Obsolete);
    proposal.document_replaced(&path("n"), "mine\n", Some(3));
    proposal.edit_hunk(&id("h1"), "x\nmine\n").unwrap();
    let plan = proposal.plan_accept(&[id("h1")], false).unwrap();
    assert_eq!((plan[0].kind.clone(), plan[0].result.as_str()), (FileKind::Modify, "x\nmine\n"));
    assert_eq!(plan[0].version, Some(3));
}

#[test]
fn a_deleted_file_is_not_deleted_with_new_text_in_it() {
    let mut proposal = propose(vec![FileChange::Delete { path: path("d"), before: "x\n".into() }]);
    proposal.document_replaced(&path("d"), "x\nmore\n", None);
    assert_eq!(state(&proposal, "h1"), HunkState::Conflicted);
    proposal.document_replaced(&path("d"), "x\n", None);
    assert_eq!(state(&proposal, "h1"), HunkState::Pending);
    proposal.file_deleted(&path("d"));
    assert_eq!(state(&proposal, "h1"), HunkState::Obsolete);
    proposal.document_replaced(&path("d"), "x\n", None);
    assert_eq!(state(&proposal, "h1"), HunkState::Pending);
    let plan = proposal.plan_accept(&[id("h1")], false).unwrap();
    assert_eq!((plan[0].kind.clone(), plan[0].result.as_str()), (FileKind::Delete, ""));
    proposal.accepted(&[id("h1")]);
    proposal.document_replaced(&path("d"), "x\n", None);
    assert_eq!(state(&proposal, "h1"), HunkState::Pending);
}

#[test]
fn edits_of_a_moved_file_need_the_move() {
    let mut proposal = moved();
    let kinds: Vec<_> = proposal.all().map(|(_, hunk)| hunk.kind).collect();
    assert_eq!(kinds, [HunkKind::MoveFile, HunkKind::Lines]);
    proposal.document_replaced(&path("old/f"), "0\na\nb\nc\n", None);
    assert!(proposal.plan_accept(&[id("h2")], false).is_err());
    let plan = proposal.plan_accept(&[id("h2")], true).unwrap();
    assert_eq!(plan[0].kind, FileKind::Move { from: path("old/f") });
    assert_eq!((plan[0].path.clone(), plan[0].result.as_str()), (path("new/f"), "0\na\nB\nc\n"));

    proposal.accepted(&[id("h1")]);
    assert_eq!(proposal.files[0].document(), &path("new/f"));
    let plan = proposal.plan_accept(&[id("h2")], false).unwrap();
    assert_eq!((plan[0].path.clone(), plan[0].kind.clone()), (path("new/f"), FileKind::Modify));
    assert_eq!(proposal.reject(&[id("h2")]), [id("h2")]);
    assert_eq!(moved().reject(&[id("h1")]), [id("h1"), id("h2")]);
}

#[test]
fn the_person_moves_the_file_themselves() {
    let mut proposal = moved();
    proposal.file_renamed(&path("old/f"), &path("new/f"));
    assert_eq!(state(&proposal, "h1"), HunkState::Obsolete);
    assert!(proposal.plan_accept(&[id("h2")], false).is_ok());
    proposal.file_renamed(&path("new/f"), &path("old/f"));
    assert_eq!(state(&proposal, "h1"), HunkState::Pending);
    proposal.file_renamed(&path("old"), &path("older"));
    assert_eq!(proposal.files[0].kind, FileKind::Move { from: path("older/f") });
}

#[test]
fn hunks_go_with_a_renamed_file() {
    let mut proposal = propose(vec![update("src/f", "a\n", "b\n"), update("srcs/f", "a\n", "b\n")]);
    proposal.file_renamed(&path("src"), &path("lib"));
    let paths: Vec<_> = proposal.files.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(paths, ["lib/f", "srcs/f"]);
    proposal.document_replaced(&path("lib/f"), "x\na\n", None);
    assert_eq!(proposal.plan_accept(&[id("h1")], false).unwrap()[0].result, "x\nb\n");
}

#[test]
fn hunks_wait_for_a_deleted_file() {
    let mut proposal = propose(vec![update("src/f", "a\nb\nc\nd\n", "A\nb\nc\nD\n")]);
    proposal.accepted(&[id("h1")]);
    let rebased = proposal.file_deleted(&path("src"));
    assert_eq!(rebased.conflicted, [id("h2")]);
    assert!(!proposal.is_decided());
    proposal.document_replaced(&path("src/f"), "A\nb\nc\nd\n", None);
    assert_eq!((state(&proposal, "h1"), state(&proposal, "h2")), (HunkState::Accepted, HunkState::Pending));
    proposal.file_deleted(&path("src/f"));
    proposal.document_replaced(&path("src/f"), "a\nb\nc\nd!\n", None);
    assert_eq!((state(&proposal, "h1"), state(&proposal, "h2")), (HunkState::Pending, HunkState::Conflicted));
}

fn with_mode(change: FileChange, modes: (FileMode, FileMode)) -> Proposal {
    let path = change.path().clone();
    let mut proposal = propose(vec![change]);
    proposal.change_mode(&path, "", modes, &mut || id("m"));
    proposal
}

/// The mode that the first file of a plan gets.
fn after(plan: &[galley_review::AcceptFile]) -> Option<FileMode> {
    plan[0].mode.map(|mode| mode.after)
}

#[test]
fn a_file_becomes_executable_by_a_hunk_of_its_own() {
    let modes = (FileMode::Plain, FileMode::Executable);
    let mut proposal = with_mode(update("run.sh", "a\nb\n", "a\nB\n"), modes);
    assert_eq!(proposal.plan_accept(&[id("h1")], false).unwrap()[0].mode, None);
    let plan = proposal.plan_accept(&[id("m")], false).unwrap();
    assert_eq!((after(&plan), plan[0].kind.clone()), (Some(FileMode::Executable), FileKind::Modify));
    assert_eq!(plan[0].result, "a\nb\n");
    let shown = galley_review::render::unified(&proposal);
    assert!(shown.contains("old mode 100644\nnew mode 100755\n--- a/run.sh"), "{shown}");
    proposal.accepted(&[id("m")]);
    assert_eq!(proposal.files[0].mode.unwrap().current, FileMode::Executable);
    assert_eq!(after(&proposal.plan_revert(&[id("m")], false).unwrap()), Some(FileMode::Plain));
    proposal.mode_changed(&path("run.sh"), FileMode::Plain);
    assert_eq!(state(&proposal, "m"), HunkState::Pending);
    proposal.mode_changed(&path("run.sh"), FileMode::Executable);
    assert_eq!(state(&proposal, "m"), HunkState::Obsolete);
    assert!(proposal.plan_accept(&[id("m")], false).is_err());
}

#[test]
fn a_new_file_is_made_with_its_mode() {
    let added = FileChange::Add { path: path("run.sh"), text: "#!/bin/sh\n".into() };
    let proposal = with_mode(added, (FileMode::Plain, FileMode::Executable));
    assert_eq!(proposal.all().count(), 1);
    assert_eq!(after(&proposal.plan_accept(&[id("h1")], false).unwrap()), Some(FileMode::Executable));
    assert!(galley_review::render::unified(&proposal).contains("new file mode 100755"));
}

#[test]
fn a_mode_alone_makes_a_proposal() {
    let mut proposal = propose(Vec::new());
    let made =
        proposal.change_mode(&path("x"), "body\n", (FileMode::Executable, FileMode::Plain), &mut || id("m"));
    assert_eq!(made, Some(id("m")));
    proposal.file_renamed(&path("x"), &path("y"));
    proposal.document_replaced(&path("y"), "other\n", None);
    let plan = proposal.plan_accept(&[id("m")], false).unwrap();
    assert_eq!((plan[0].path.clone(), after(&plan)), (path("y"), Some(FileMode::Plain)));
    assert_eq!((plan[0].base.as_str(), plan[0].result.as_str()), ("other\n", "other\n"));
}
