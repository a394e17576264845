use super::*;

#[test]
fn changes_apart_merge_by_line() {
    let base = "a\nb\nc\nd\ne\n";
    let merged = merge(base, "A\nb\nc\nd\ne\n", "a\nb\nc\nd\nE\n");
    assert_eq!((merged.text.as_str(), merged.is_clean(), merged.by_token), ("A\nb\nc\nd\nE\n", true, 0));
}

#[test]
fn the_same_change_is_taken_once() {
    let base = "a\nb\nc\n";
    let merged = merge(base, "a\nB\nc\nours\n", "a\nB\nc\n");
    assert_eq!(merged.text, "a\nB\nc\nours\n");
    assert_eq!(merge(base, "a\nB\nc\nd\n", "x\na\nB\nc\n").text, "x\na\nB\nc\nd\n");
}

#[test]
fn a_word_each_on_one_line_merges_by_token() {
    let base = "one\nlet size = count(first, 1);\nend\n";
    let ours = "one\nlet length = count(first, 1);\nend\n";
    let theirs = "one\nlet size = count(first, 2);\nend\n";
    let merged = merge(base, ours, theirs);
    assert_eq!(merged.text, "one\nlet length = count(first, 2);\nend\n");
    assert_eq!(merged.by_token, 1);
    assert_eq!(&merged.text[merged.token_ranges[0].clone()], "let length = count(first, 2);\n");
}

#[test]
fn neighbouring_lines_merge_by_token() {
    let base = "first(a);\nsecond(b);\n";
    let merged = merge(base, "first(a); // note\nsecond(b);\n", "first(a);\nsecond(c);\n");
    assert_eq!(merged.text, "first(a); // note\nsecond(c);\n");
}

#[test]
fn a_half_typed_change_is_asked_about() {
    let base = "start\n    .route('GET')\nend\n";
    let ours = "start\n    .route('GET', 'POST')\n    .route('GET')\nend\n";
    let theirs = "start\n    .route('GET', 'POST')\nend\n";
    let merged = merge(base, ours, theirs);
    assert_eq!(merged.conflicts.len(), 1);
}

#[test]
fn two_changes_of_one_word_are_asked_about() {
    let base = "a\n  loaded = json.load(f)\nz\n";
    let theirs = "a\n  loaded = json.from_load(f)\nz\n";
    assert!(!merge(base, "a\n  loaded = json.loadTwo(f)\nz\n", theirs).is_clean());
    assert!(!merge(base, "a\n  loaded = json.lo\nad(f)\nz\n", theirs).is_clean());
}

#[test]
fn an_edit_in_a_deleted_region_is_asked_about() {
    let base = "a\nlet x = 1;\nlet y = 2;\nb\n";
    assert!(!merge(base, "a\nb\n", "a\nlet x = 1;\nlet y = 3;\nb\n").is_clean());
}

#[test]
fn two_rewrites_of_a_line_are_asked_about() {
    let base = "value = compute(alpha, beta)\n";
    assert!(!merge(base, "other = derive(alpha, gamma)\n", "value = sum(delta, epsilon)\n").is_clean());
}

#[test]
fn a_conflict_shows_all_three_sides() {
    let merged = merge("a\nb\nc\n", "a\nours\nc\n", "a\ntheirs\nc\n");
    assert_eq!(merged.text, "a\n<<<<<<< ours\nours\n||||||| base\nb\n=======\ntheirs\n>>>>>>> theirs\nc\n");
    let conflict = &merged.conflicts[0];
    assert_eq!(
        (conflict.base.as_str(), conflict.ours.as_str(), conflict.theirs.as_str()),
        ("b\n", "ours\n", "theirs\n")
    );
    assert!(merged.text[conflict.range.clone()].starts_with("<<<<<<<"));
}

#[test]
fn line_endings_and_the_missing_last_one_stay() {
    let merged = merge("a\r\nb\r\nc\r\nd", "a\r\nB\r\nc\r\nd", "a\r\nb\r\nc\r\nD");
    assert_eq!(merged.text, "a\r\nB\r\nc\r\nD");
}

#[test]
fn among_equal_lines_nothing_tells_which_was_meant() {
    let base = "a\nlog();\nlog();\nlog();\nz\n";
    let ours = "a\nlog();\nlog();\nz\n";
    let theirs = "a\nlog();\nlog(their);\nlog();\nz\n";
    assert_eq!(merge(base, ours, theirs).conflicts.len(), 1);
    assert_eq!(merge(base, theirs, ours).conflicts.len(), 1);
    // Where another line stands between, it is clear.
    let base = "a\nlog();\nb\nlog();\nz\n";
    assert_eq!(
        merge(base, "a\nlog();\nb\nz\n", "a\nlog(their);\nb\nlog();\nz\n").text,
        "a\nlog(their);\nb\nz\n"
    );
}
