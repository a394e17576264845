//! Typing around, next to and into hunks.

use expect_test::{Expect, expect};
use galley_review::HunkState::{Accepted, Conflicted, Obsolete, Pending};

use crate::desk::{Desk, id};

const BEFORE: &str = "one\ntwo\nthree\nfour\nfive\n";
const AFTER: &str = "one\nTWO\nthree\nfour\nnew\nfive\n";

fn desk() -> Desk {
    Desk::new(BEFORE, AFTER)
}

#[track_caller]
fn check(desk: &Desk, expected: Expect) {
    expected.assert_eq(&desk.hunks());
}

#[test]
fn two_hunks_lie_where_the_texts_differ() {
    check(
        &desk(),
        expect![[r#"
        h1 pending: "two\n" -> "TWO\n"
        h2 pending: "" -> "new\n"
    "#]],
    );
}

#[test]
fn hunks_move_with_typing_elsewhere() {
    let mut desk = desk();
    desk.type_after("one", " and\na half");
    desk.edit("three\n", "");
    let moved = desk.edit("five", "5\n6");
    assert!(moved.is_empty());
    check(
        &desk,
        expect![[r#"
        h1 pending: "two\n" -> "TWO\n"
        h2 pending: "" -> "new\n"
    "#]],
    );
    desk.accept(&["h1", "h2"]);
    assert_eq!(desk.text, "one and\na half\nTWO\nfour\nnew\n5\n6\n");
}

#[test]
fn lines_typed_right_before_and_behind_a_hunk_are_outside() {
    for (mark, text) in [("one\n", "x\n"), ("two\n", "x\n"), ("one", "\nx"), ("two", "\nx")] {
        let mut desk = desk();
        let at = desk.text.find(mark).unwrap() + mark.len();
        desk.splice(at..at, text);
        assert_eq!(desk.state("h1"), Pending, "pasted {text:?} after {mark:?}");
        assert_eq!(desk.proposal.hunk(&id("h1")).unwrap().1.before, "two\n");

        let mut desk = self::desk();
        desk.type_after(mark, text);
        assert_eq!(desk.state("h1"), Pending, "typed {text:?} after {mark:?}");
        assert_eq!(desk.proposal.hunk(&id("h1")).unwrap().1.before, "two\n");
        let merged = desk.text.replace("two\n", "TWO\n").replace("four\n", "four\nnew\n");
        desk.accept(&["h1", "h2"]);
        assert_eq!(desk.text, merged);
    }
}

#[test]
fn an_insertion_stays_before_what_is_typed_at_its_place() {
    let mut desk = desk();
    desk.type_after("four\n", "x\ny");
    check(
        &desk,
        expect![[r#"
        h1 pending: "two\n" -> "TWO\n"
        h2 pending: "" -> "new\n"
    "#]],
    );
    desk.accept(&["h2"]);
    assert_eq!(desk.text, "one\ntwo\nthree\nfour\nnew\nx\nyfive\n");
}

#[test]
fn typing_in_other_words_of_a_line_is_merged() {
    let mut desk = Desk::new("fn a(x: u8) -> u8 {\n", "fn a(x: u16) -> u8 {\n");
    desk.edit("fn a", "pub fn a");
    check(
        &desk,
        expect![[r#"
        h1 pending by token: "pub fn a(x: u8) -> u8 {\n" -> "pub fn a(x: u16) -> u8 {\n"
    "#]],
    );
    desk.accept(&["h1"]);
    assert_eq!(desk.text, "pub fn a(x: u16) -> u8 {\n");
}

#[test]
fn the_same_word_is_a_conflict_and_undo_ends_it() {
    let mut desk = desk();
    let rebased = desk.edit("two", "zwei");
    assert_eq!(rebased.conflicted, [id("h1")]);
    check(
        &desk,
        expect![[r#"
        h1 conflicted: "zwei\n" -> "TWO\n"
        h2 pending: "" -> "new\n"
    "#]],
    );
    let rebased = desk.undo();
    assert_eq!(rebased.reopened, [id("h1")]);
    check(
        &desk,
        expect![[r#"
        h1 pending: "two\n" -> "TWO\n"
        h2 pending: "" -> "new\n"
    "#]],
    );
}

#[test]
fn the_same_change_by_hand_makes_a_hunk_obsolete() {
    let mut desk = desk();
    assert_eq!(desk.edit("two", "TWO").obsolete, [id("h1")]);
    desk.type_after("four", "\nnew");
    assert_eq!((desk.state("h1"), desk.state("h2")), (Obsolete, Obsolete));
    check(
        &desk,
        expect![[r#"
        h1 obsolete: "two\n" -> "TWO\n"
        h2 obsolete: "" -> "new\n"
    "#]],
    );
    desk.undo_all();
    assert_eq!((desk.state("h1"), desk.state("h2")), (Pending, Pending));
    check(
        &desk,
        expect![[r#"
        h1 pending: "two\n" -> "TWO\n"
        h2 pending: "" -> "new\n"
    "#]],
    );
}

#[test]
fn deleting_around_a_hunk_conflicts_and_undo_brings_it_back() {
    for (from, to) in [
        ("one\n", "four\n"),
        ("two\n", "two\n"),
        ("ne\ntwo", "ur\nfi"),
        ("four", "five"),
        ("wo\n", "three\n"),
    ] {
        let mut desk = desk();
        let start = desk.text.find(from).unwrap();
        let end = desk.text.find(to).unwrap() + to.len();
        desk.splice(start..end, "");
        let text = desk.text.clone();
        let states = (desk.state("h1"), desk.state("h2"));
        assert!(states.0 == Conflicted || states.1 == Conflicted, "{text:?} {}", desk.hunks());
        desk.undo();
        assert_eq!(
            (desk.state("h1"), desk.state("h2")),
            (Pending, Pending),
            "{from:?} {to:?} {}",
            desk.hunks()
        );
        desk.accept(&["h1", "h2"]);
        assert_eq!(desk.text, AFTER);
    }
}

#[test]
fn deleting_line_by_line_and_undoing_brings_it_back() {
    for lines in [["one\n", "two\n", "three\n"], ["three\n", "two\n", "one\n"], ["two\n", "three\n", "one\n"]]
    {
        let mut desk = desk();
        for line in lines {
            desk.edit(line, "");
        }
        assert_eq!(desk.state("h1"), Conflicted);
        desk.undo_all();
        assert_eq!(desk.hunks(), self::desk().hunks(), "{lines:?}");
    }
}

#[test]
fn deleting_letter_by_letter_and_undoing_brings_it_back() {
    let mut desk = desk();
    let end = desk.text.find("five").unwrap();
    for at in (1..end).rev() {
        desk.splice(at..at + 1, "");
    }
    assert_eq!(desk.text, "ofive\n");
    desk.undo_all();
    assert_eq!(desk.text, BEFORE);
    check(
        &desk,
        expect![[r#"
            h1 pending: "two\n" -> "TWO\n"
            h2 pending: "" -> "new\n"
        "#]],
    );
}

#[test]
fn a_deletion_that_the_person_made_and_more_is_obsolete() {
    let mut desk = Desk::new("a\nb\nc\nd\n", "a\nc\nd\n");
    desk.edit("b\nc\n", "");
    assert_eq!(desk.state("h1"), Obsolete);
    desk.undo();
    assert_eq!(desk.state("h1"), Pending);
}

#[test]
fn taking_an_accepted_text_back_reopens_it() {
    let mut desk = desk();
    desk.accept(&["h1"]);
    desk.accept(&["h2"]);
    assert_eq!((desk.state("h1"), desk.state("h2")), (Accepted, Accepted));
    assert_eq!(desk.undo().reopened, [id("h2")]);
    assert_eq!(desk.undo().reopened, [id("h1")]);
    check(
        &desk,
        expect![[r#"
        h1 pending: "two\n" -> "TWO\n"
        h2 pending: "" -> "new\n"
    "#]],
    );
}

#[test]
fn an_undo_that_is_reported_a_little_beside_is_seen() {
    // The editor compares texts and finds the deleted function three bytes further down than it was inserted.
    let before = "fn a() {\n}\n\nfn c() {\n}\n";
    let mut desk = Desk::new(before, "fn a() {\n}\n\nfn b() {\n}\n\nfn c() {\n}\n");
    desk.accept(&["h1"]);
    let start = desk.text.find("b() {").unwrap();
    let rebased = desk.splice(start..start + 12, "");
    assert_eq!(desk.text, before);
    assert_eq!(rebased.reopened, [id("h1")]);

    let mut desk = Desk::new("a {\n}\nb {\n}\nc\n", "a {\n}\nc\n");
    desk.accept(&["h1"]);
    let start = desk.text.find("}\nc").unwrap();
    let rebased = desk.splice(start..start, "}\nb {\n");
    assert_eq!(desk.text, "a {\n}\nb {\n}\nc\n");
    assert_eq!(rebased.reopened, [id("h1")]);
}

#[test]
fn typing_into_and_beside_an_accepted_hunk_leaves_it_accepted() {
    let mut desk = desk();
    desk.accept(&["h1", "h2"]);
    desk.edit("TWO", "TWO!");
    desk.type_after("new\n", "x\n");
    desk.type_after("four\n", "y\n");
    assert_eq!((desk.state("h1"), desk.state("h2")), (Accepted, Accepted));
}

#[test]
fn a_whole_document_sent_again_changes_nothing() {
    let mut desk = desk();
    let text = desk.text.replace("four", "fo ur");
    let len = desk.text.len();
    desk.splice(0..len, &text);
    check(
        &desk,
        expect![[r#"
        h1 pending: "two\n" -> "TWO\n"
        h2 pending: "" -> "new\n"
    "#]],
    );
}

#[test]
fn a_formatter_merges_with_every_hunk() {
    let mut desk = Desk::new(
        "fn main() {\n  let a = 1;\n  let b = 2;\n  call(a,b);\n}\n",
        "fn main() {\n  let a = 1;\n  let b = 3;\n  call(a,b);\n  done();\n}\n",
    );
    desk.replace("fn main() {\n    let a = 1;\n    let b = 2;\n    call(a, b);\n}\n");
    check(
        &desk,
        expect![[r#"
        h1 pending by token: "    let b = 2;\n" -> "    let b = 3;\n"
        h2 pending: "" -> "  done();\n"
    "#]],
    );
    desk.accept(&["h1", "h2"]);
    expect![[r#"
        fn main() {
            let a = 1;
            let b = 3;
            call(a, b);
          done();
        }
    "#]]
    .assert_eq(&desk.text);
}

#[test]
fn another_branch_and_back() {
    let mut desk = desk();
    desk.replace("quite\nanother\ntext\n");
    check(
        &desk,
        expect![[r#"
        h1 conflicted: "quite\nanother\ntext\n" -> "one\nTWO\nthree\nfour\nfive\n"
        h2 conflicted: "quite\nanother\ntext\n" -> "one\ntwo\nthree\nfour\nnew\nfive\n"
    "#]],
    );
    desk.replace(BEFORE);
    check(
        &desk,
        expect![[r#"
        h1 pending: "two\n" -> "TWO\n"
        h2 pending: "" -> "new\n"
    "#]],
    );
    desk.replace("");
    desk.replace(BEFORE);
    check(
        &desk,
        expect![[r#"
        h1 pending: "two\n" -> "TWO\n"
        h2 pending: "" -> "new\n"
    "#]],
    );
}

#[test]
fn a_last_line_without_ending() {
    let mut desk = Desk::new("a\nb", "a\nB\nc");
    desk.type_after("a", "x");
    check(
        &desk,
        expect![[r#"
        h1 pending: "b" -> "B\nc"
    "#]],
    );
    desk.type_after("\nb", " tail");
    assert_eq!(desk.state("h1"), Conflicted);
    desk.undo_all();
    desk.accept(&["h1"]);
    expect![[r#"
        a
        B
        c"#]]
    .assert_eq(&desk.text);
}

#[test]
fn lines_that_end_otherwise() {
    let mut desk = Desk::new("a\r\nb\r\nc\r\n", "a\r\nB\r\nc\r\n");
    desk.type_after("a", "\r\nx");
    desk.accept(&["h1"]);
    assert_eq!(desk.text, "a\r\nx\r\nB\r\nc\r\n");
    let mut desk = Desk::new("a\rb\rc\r", "a\rB\rc\r");
    desk.type_after("c\r", "x");
    desk.type_after("\rb\r", "y\r");
    desk.accept(&["h1"]);
    assert_eq!(desk.text, "a\rB\ry\rc\rx");
}

#[test]
fn two_hunks_run_into_one_line_and_out_again() {
    let mut desk = Desk::new("a\nmid\nb\n", "A\nmid\nB\n");
    desk.edit("a\nmid\nb", "ab");
    check(
        &desk,
        expect![[r#"
        h1 conflicted: "ab\n" -> "A\nmid\nb\n"
        h2 conflicted: "ab\n" -> "a\nmid\nB\n"
    "#]],
    );
    desk.undo();
    check(
        &desk,
        expect![[r#"
        h1 pending: "a\n" -> "A\n"
        h2 pending: "b\n" -> "B\n"
    "#]],
    );
}

#[test]
fn a_change_for_another_text_is_refused() {
    let mut desk = desk();
    let change = galley_text::change::ChangeSet::single(3, 0..1, "x").unwrap();
    let path = desk.path.clone();
    let rebased = desk.proposal.document_changed(&path, &change, Some(9));
    assert!(rebased.out_of_step);
    desk.check();
    check(
        &desk,
        expect![[r#"
        h1 pending: "two\n" -> "TWO\n"
        h2 pending: "" -> "new\n"
    "#]],
    );
}
