//! Accepting, rejecting, editing, and taking it back.

use expect_test::{Expect, expect};
use galley_review::{AcceptError, HunkState, Names, RevertError};

use crate::desk::{Desk, id, path, propose, update};

const BEFORE: &str = "use a;\n\nfn main() {\n    old();\n}\n";
const AFTER: &str = "use a;\nuse b;\n\nfn main() {\n    helper();\n}\n\nfn helper() {}\n";

fn desk() -> Desk {
    let mut desk = Desk::new(BEFORE, AFTER);
    desk.proposal.link_prerequisites(|_, hunk| {
        let mut names = Names::default();
        if hunk.after.contains("fn helper") {
            names.defines.push("helper".into());
            names.uses.push("b".into());
        } else if hunk.after.contains("helper()") {
            names.uses.push("helper".into());
        } else if hunk.after.contains("use b") {
            names.imports.push("b".into());
        }
        names
    });
    desk
}

#[track_caller]
fn refused(desk: &Desk, names: &[&str], with: bool, expected: Expect) {
    let ids: Vec<_> = names.iter().map(|name| id(name)).collect();
    expected.assert_eq(&desk.proposal.plan_accept(&ids, with).unwrap_err().to_string());
}

#[test]
fn a_call_needs_its_function_and_that_its_import() {
    let mut desk = desk();
    refused(
        &desk,
        &["h2"],
        false,
        expect!["hunk h2 needs hunks h3, h1, not accepted yet; accept it with its prerequisites"],
    );
    desk.accept(&["h2"]);
    assert_eq!(desk.text, AFTER);
    assert!(desk.proposal.is_decided());
}

#[test]
fn rejecting_takes_along_what_needs_it() {
    let mut desk = desk();
    assert_eq!(desk.proposal.reject(&[id("h1")]), [id("h1"), id("h3"), id("h2")]);
    assert!(desk.proposal.is_decided());
    refused(&desk, &["h2"], true, expect!["hunk h2 in f was rejected already; reopen it to decide again"]);
    desk.proposal.reopen(&[id("h2")]);
    refused(&desk, &["h2"], true, expect!["hunk h2 needs hunk h3, which is rejected; reopen that one first"]);
    desk.proposal.reopen(&[id("h1"), id("h3")]);
    desk.accept(&["h2"]);
    assert_eq!(desk.text, AFTER);
}

#[test]
fn refusals_say_what_to_do() {
    let mut desk = desk();
    refused(&desk, &[], true, expect!["there is no pending hunk to accept here"]);
    refused(
        &desk,
        &["h9"],
        true,
        expect!["there is no hunk h9 in this proposal; it may belong to a task that is closed"],
    );
    desk.edit("old()", "mine()");
    refused(
        &desk,
        &["h2"],
        true,
        expect![
            "hunk h2 in f conflicts with what you typed there; edit the hunk to say what should stand there, or reject it"
        ],
    );
    desk.edit("mine()", "helper()");
    refused(&desk, &["h2"], true, expect!["hunk h2 has nothing left to apply: f has that change already"]);
    desk.accept(&["h1"]);
    refused(&desk, &["h1"], true, expect!["hunk h1 in f was accepted already"]);
    let path = desk.path.clone();
    desk.proposal.file_deleted(&path);
    refused(
        &desk,
        &["h3"],
        true,
        expect!["f was deleted, so its hunks cannot be applied; restore the file or reject them"],
    );
}

#[test]
fn a_stale_hunk_is_refused() {
    let mut desk = desk();
    desk.proposal.files[0].current = ropey::Rope::from_str("something else entirely, long enough for all\n");
    assert!(matches!(desk.proposal.plan_accept(&[id("h1"), id("h2")], true), Err(AcceptError::Stale { .. })));
    desk.proposal.files[0].current = ropey::Rope::from_str("x");
    assert!(matches!(desk.proposal.plan_accept(&[id("h1")], true), Err(AcceptError::Stale { .. })));
}

#[test]
fn the_edited_text_is_what_is_applied() {
    let mut desk = Desk::new("a\nb\nc\n", "a\nB\nc\n");
    let edited = desk.proposal.edit_hunk(&id("h1"), "bee").unwrap();
    assert_eq!((edited.was.as_str(), edited.now.as_str()), ("B\n", "bee\n"));
    assert!(desk.proposal.hunk(&id("h1")).unwrap().1.edited);
    desk.accept(&["h1"]);
    assert_eq!(desk.text, "a\nbee\nc\n");
    assert!(desk.proposal.edit_hunk(&id("h1"), "x").is_err());
}

#[test]
fn editing_settles_a_conflict() {
    let mut desk = Desk::new("a\nb\nc\n", "a\nB\nc\n");
    desk.edit("b", "bb");
    assert_eq!(desk.state("h1"), HunkState::Conflicted);
    desk.proposal.edit_hunk(&id("h1"), "BB\n").unwrap();
    assert_eq!(desk.state("h1"), HunkState::Pending);
    desk.type_after("a", "1");
    desk.accept(&["h1"]);
    assert_eq!(desk.text, "a1\nBB\nc\n");
}

#[test]
fn a_rejected_hunk_follows_and_comes_back() {
    let mut desk = Desk::new("a\nlet b = 1;\nc\n", "a\nlet b = 2;\nc\n");
    desk.proposal.reject(&[id("h1")]);
    desk.type_after("a\n", "x\n");
    desk.edit("let b", "let mut b");
    assert_eq!(desk.state("h1"), HunkState::Rejected);
    desk.proposal.reopen(&[id("h1")]);
    assert_eq!(desk.hunks(), "h1 pending by token: \"let mut b = 1;\\n\" -> \"let mut b = 2;\\n\"\n");
    desk.proposal.reject(&[id("h1")]);
    desk.edit("= 1", "= 7");
    desk.proposal.reopen(&[id("h1")]);
    assert_eq!(desk.state("h1"), HunkState::Conflicted);
    desk.undo_all();
    assert_eq!(desk.hunks(), "h1 pending: \"let b = 1;\\n\" -> \"let b = 2;\\n\"\n");
}

#[test]
fn an_accept_is_taken_back_from_under_later_typing() {
    let mut desk = Desk::new("let a = one(x);\nrest\n", "let a = two(x);\nrest\n");
    desk.accept(&["h1"]);
    desk.edit("let a", "let mut a");
    desk.revert(&["h1"]);
    assert_eq!(desk.text, "let mut a = one(x);\nrest\n");
    assert_eq!(
        desk.hunks(),
        "h1 pending by token: \"let mut a = one(x);\\n\" -> \"let mut a = two(x);\\n\"\n"
    );

    desk.accept(&["h1"]);
    desk.edit("two(x)", "three(x)");
    let refused = desk.proposal.plan_revert(&[id("h1")], false).unwrap_err();
    assert!(matches!(refused, RevertError::Conflicted { .. }), "{refused}");
}

#[test]
fn taking_back_takes_along_what_needs_it() {
    let mut desk = desk();
    desk.accept(&["h2"]);
    let refused = desk.proposal.plan_revert(&[id("h3")], false).unwrap_err();
    expect!["hunk h3 is needed by accepted hunk h2; take both back together"].assert_eq(&refused.to_string());
    desk.revert(&["h3"]);
    assert_eq!(desk.state("h1"), HunkState::Accepted);
    assert_eq!(desk.text, BEFORE.replace("use a;\n", "use a;\nuse b;\n"));
    desk.accept(&["h2"]);
    assert_eq!(desk.text, AFTER);
}

#[test]
fn uses_are_linked_across_files() {
    let mut proposal = propose(vec![
        update("lib.rs", "x\n", "pub fn tool() {}\nx\n"),
        update("main.rs", "a\nb\nc\nd\n", "use tool;\na\nb\ntool();\nc\nd\n"),
    ]);
    proposal.link_prerequisites(|_, hunk| match hunk.after.as_str() {
        "pub fn tool() {}\n" => Names { defines: vec!["tool".into()], ..Names::default() },
        "use tool;\n" => Names { imports: vec!["tool".into()], ..Names::default() },
        _ => Names { uses: vec!["tool".into(), "println".into()], ..Names::default() },
    });
    let needs: Vec<_> = proposal.all().map(|(_, hunk)| (hunk.id.0.clone(), hunk.requires.clone())).collect();
    assert_eq!(needs, [("h1".into(), vec![]), ("h2".into(), vec![id("h1")]), ("h3".into(), vec![id("h2")])]);
    let plan = proposal.plan_accept(&[id("h3")], true).unwrap();
    assert_eq!(
        plan.iter().map(|file| file.path.clone()).collect::<Vec<_>>(),
        [path("lib.rs"), path("main.rs")]
    );
}

#[test]
fn what_is_removed_needs_its_uses_to_go_and_a_moved_definition_to_come() {
    let mut proposal = propose(vec![
        update("lib.rs", "fn tool() {}\nx\n", "x\n"),
        update("main.rs", "use tool;\na\nb\ntool();\nc\nd\n", "a\nb\nc\nd\n"),
        update("new.rs", "y\n", "fn tool() {}\ny\n"),
        update("other.rs", "tool();\ny\n", "y\n"),
    ]);
    let tool = || vec!["tool".to_owned()];
    proposal.link_prerequisites(|file, hunk| match (file.path.as_str(), hunk.before.as_str()) {
        ("lib.rs", _) => Names { removes: tool(), ..Names::default() },
        ("new.rs", _) => Names { defines: tool(), ..Names::default() },
        (_, "use tool;\n") => Names { unimports: tool(), drops: tool(), ..Names::default() },
        _ => Names { drops: tool(), ..Names::default() },
    });
    let needs = |name: &str| proposal.hunk(&id(name)).unwrap().1.requires.clone();
    assert_eq!(
        needs("h1"),
        [id("h2"), id("h3"), id("h5"), id("h4")],
        "the definition: every use, and the new place"
    );
    assert_eq!(needs("h2"), [id("h3")], "the import: the uses in its own file");
    assert_eq!((needs("h3"), needs("h4"), needs("h5")), (vec![], vec![], vec![]));
}

#[test]
fn a_proposal_survives_the_journal() {
    let mut desk = desk();
    desk.edit("old()", "older()");
    desk.accept(&["h1"]);
    desk.proposal.mark_reviewed(&[id("h2")], true);
    let written = serde_json::to_string(&desk.proposal).unwrap();
    let read: galley_review::Proposal = serde_json::from_str(&written).unwrap();
    assert_eq!(read, desk.proposal);
}

#[test]
fn a_revised_proposal_goes_on_from_the_earlier_one() {
    let before = "a\nb\nc\nd\ne\nf\ng\nh\ni\n";
    let mut first = propose(vec![update("f", before, "A\nb\nC\nd\nE\nf\nG\nh\nI\n")]);
    assert_eq!(first.all().count(), 5);
    first.give_reason(&id("h3"), "because");
    first.mark_reviewed(&[id("h3")], true);
    first.reject(&[id("h2")]);
    first.accepted(&[id("h1")]);
    let now = "A\nb\nc\nd\ne\nf\ng\nh\ni\n";
    // The model started from the three that were left; it changes the fourth, withdraws the fifth, and adds one.
    let offered = [id("h3"), id("h4"), id("h5")];
    let mut second = propose(vec![update("f", now, "A\nj\nb\nc\nd\nE\nf\ngg\nh\ni\n")]);
    let mut count = 5;
    second.revise(&first, &offered, &mut || {
        count += 1;
        id(&format!("h{count}"))
    });
    let all: Vec<_> = second
        .all()
        .map(|(_, hunk)| (hunk.id.0.as_str(), hunk.state.as_str(), hunk.after.as_str()))
        .collect();
    assert_eq!(
        all,
        [
            ("h1", "accepted", "A\n"),
            ("h6", "pending", "j\n"),
            ("h2", "rejected", "C\n"),
            ("h3", "pending", "E\n"),
            ("h4", "pending", "gg\n"),
        ]
    );
    let (_, kept) = second.hunk(&id("h3")).unwrap();
    assert_eq!((kept.reason.as_deref(), kept.reviewed), (Some("because"), true));
    let (_, revised) = second.hunk(&id("h4")).unwrap();
    assert!(!revised.reviewed);
}

#[test]
fn a_hunk_beside_a_revised_one_is_kept_and_its_needs_are_renamed() {
    let before = "one\ntwo\nthree\n";
    let mut first = propose(vec![update("f", before, "ONE\ntwo\nTHREE\n")]);
    first.reject(&[id("h1")]);
    let mut second = propose(vec![update("f", before, "one\nTWO\nTHREE!\n"), update("g", "x\n", "y\n")]);
    second.require(&id("h2"), &id("h1"));
    let mut count = 2;
    second.revise(&first, &[id("h2")], &mut || {
        count += 1;
        id(&format!("h{count}"))
    });
    let all: Vec<_> = second.all().map(|(_, hunk)| (hunk.id.0.as_str(), hunk.state.as_str())).collect();
    assert_eq!(all, [("h1", "rejected"), ("h2", "pending"), ("h3", "pending")]);
    assert_eq!(second.hunk(&id("h3")).unwrap().1.requires, [id("h2")]);
}

#[test]
fn a_revision_does_not_undo_what_the_person_typed() {
    let before = "let a = one(x);\nlet b = 2;\n";
    let mut desk = Desk::new(before, "let a = two(x);\nlet b = 2;\n");
    desk.edit("let a", "let mut a");
    // Written without knowledge of it: merged.
    desk.proposal.revise_hunk(&id("h1"), "let a = three(x);\n", None).unwrap();
    assert_eq!(
        desk.hunks(),
        "h1 pending by token: \"let mut a = one(x);\\n\" -> \"let mut a = three(x);\\n\"\n"
    );
    // Written with knowledge of it: taken at its word.
    desk.proposal.revise_hunk(&id("h1"), "let mut a = four(x);\n", None).unwrap();
    assert_eq!(desk.hunks(), "h1 pending: \"let mut a = one(x);\\n\" -> \"let mut a = four(x);\\n\"\n");

    let mut desk = Desk::new(before, "let a = two(x);\nlet b = 2;\n");
    desk.edit("let a = one(x);\n", "");
    desk.proposal.revise_hunk(&id("h1"), "let a = three(x);\n", None).unwrap();
    assert_eq!(desk.state("h1"), HunkState::Conflicted);
    desk.undo();
    assert_eq!(desk.hunks(), "h1 pending: \"let a = one(x);\\n\" -> \"let a = three(x);\\n\"\n");
}
