use std::collections::BTreeMap;

use crate::batch;

#[track_caller]
fn check(format: &str, files: &[(&str, &str)], patch: &str, expected: &[(&str, &str)]) {
    let owned = |files: &[(&str, &str)]| -> BTreeMap<String, String> {
        files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect()
    };
    assert_eq!(batch::edit(format, patch, owned(files)), Ok(owned(expected)));
}

#[track_caller]
fn refused(format: &str, files: &[(&str, &str)], patch: &str, kind: &str) -> String {
    let files = files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
    let refusal = batch::edit(format, patch, files).expect_err("refused");
    assert_eq!(refusal.kind, kind, "{}", refusal.message);
    refusal.message
}

const SR: &str = "search_replace";
const V4A: &str = "apply_patch";
const DIFF: &str = "unified_diff";

#[test]
fn a_block_replaces_whole_lines_only() {
    let patch = "a.rs\n<<<<<<< SEARCH\n});\n=======\n})\n>>>>>>> REPLACE\n";
    check(SR, &[("a.rs", "f({\n});\ng(x});\n")], patch, &[("a.rs", "f({\n})\ng(x});\n")]);
}

#[test]
fn blocks_without_a_path_belong_to_the_last_file() {
    let patch = "`a.rs`:\n```rust\n<<<<<<< SEARCH\none\n=======\nuno\n>>>>>>> REPLACE\n```\nAnd the other line:\n\
                 <<<<<<< SEARCH\ntwo\n=======\ndue\n>>>>>>> REPLACE\n";
    check(SR, &[("a.rs", "one\ntwo\n")], patch, &[("a.rs", "uno\ndue\n")]);
}

#[test]
fn a_block_may_quote_what_an_earlier_one_wrote() {
    let patch = "f\n<<<<<<< SEARCH\nalpha()\n=======\nbeta()\n>>>>>>> REPLACE\n\
                 <<<<<<< SEARCH\nbeta()\n=======\ngamma()\n>>>>>>> REPLACE\n";
    check(SR, &[("f", "alpha()\n")], patch, &[("f", "gamma()\n")]);
}

#[test]
fn an_empty_search_makes_a_file_and_overwrites_none() {
    let patch = "new/a.rs\n<<<<<<< SEARCH\n=======\nfn a() {}\n>>>>>>> REPLACE\n";
    check(SR, &[], patch, &[("new/a.rs", "fn a() {}\n")]);
    refused(SR, &[("new/a.rs", "fn b() {}\n")], patch, "exists");
}

#[test]
fn a_divider_in_the_text_is_told_from_the_format_s() {
    let text = [("a.md", "Title\n=======\ntext\n")];
    let patch = "a.md\n<<<<<<< SEARCH\n=======\ntext\n=======\n=======\nmore\n>>>>>>> REPLACE\n";
    check(SR, &text, patch, &[("a.md", "Title\n=======\nmore\n")]);
    let doubtful = patch.replace("SEARCH\n", "SEARCH\nTitle\n");
    assert!(refused(SR, &text, &doubtful, "malformed").contains("longer markers"));
    let longer =
        "a.md\n<<<<<<<< SEARCH\nTitle\n=======\ntext\n========\nTitle\n=======\nmore\n>>>>>>>> REPLACE\n";
    check(SR, &text, longer, &[("a.md", "Title\n=======\nmore\n")]);
}

#[test]
fn a_cut_patch_is_refused_whole() {
    let files = [("a", "one\n")];
    refused(SR, &files, "a\n<<<<<<< SEARCH\none\n=======\ntwo\n", "malformed");
    refused(V4A, &files, "*** Begin Patch\n*** Update File: a\n@@\n-one\n+two\n", "malformed");
    refused(V4A, &files, "no patch at all", "malformed");
    refused(DIFF, &files, "", "malformed");
    refused("whole_file", &files, "a\n```\ntwo\n", "malformed");
}

#[test]
fn paths_stay_in_the_workspace() {
    for path in ["../a", "/etc/passwd", "a/../../b", "C:\\x"] {
        let patch = format!("*** Begin Patch\n*** Add File: {path}\n+x\n*** End Patch\n");
        refused(V4A, &[], &patch, "bad_path");
    }
}

#[test]
fn an_anchor_points_into_its_body() {
    let text = "def a():\n    x = 1\n    return x\n\ndef b():\n    x = 1\n    return x\n";
    let patch =
        "*** Begin Patch\n*** Update File: f.py\n@@ def b():\n-    x = 1\n+    x = 2\n*** End Patch\n";
    let after = "def a():\n    x = 1\n    return x\n\ndef b():\n    x = 2\n    return x\n";
    check(V4A, &[("f.py", text)], patch, &[("f.py", after)]);
    let beyond = patch.replace("def b", "def a").replace("x = 1", "y = 1");
    refused(V4A, &[("f.py", text)], &beyond, "not_found");
}

#[test]
fn a_place_outside_the_anchored_body_is_not_taken() {
    let text = "def a():\n    y = 1\n\ndef b():\n    x = 1\n\ndef c():\n    x = 1\n";
    let patch =
        "*** Begin Patch\n*** Update File: f.py\n@@ def a():\n-    x = 1\n+    x = 2\n*** End Patch\n";
    refused(V4A, &[("f.py", text)], patch, "ambiguous");
}

#[test]
fn line_numbers_settle_a_doubt_only_where_they_are_right() {
    let text = "a\nx\nb\na\nx\nc\n";
    let patch = |line: usize| format!("--- a/f\n+++ b/f\n@@ -{line},2 +{line},2 @@\n a\n-x\n+y\n");
    check(DIFF, &[("f", text)], &patch(4), &[("f", "a\nx\nb\na\ny\nc\n")]);
    refused(DIFF, &[("f", text)], &patch(3), "ambiguous");
}

#[test]
fn a_diff_adds_deletes_and_renames() {
    let patch = "diff --git a/old b/old\ndeleted file mode 100644\n--- a/old\n+++ /dev/null\n@@ -1 +0,0 @@\n-gone\n\
                 diff --git a/new b/new\nnew file mode 100644\n--- /dev/null\n+++ b/new\n@@ -0,0 +1,2 @@\n+a\n+b\n\
                 \\ No newline at end of file\n\
                 diff --git a/x b/y\nsimilarity index 100%\nrename from x\nrename to y\n\
                 diff --git a/e b/e\nnew file mode 100644\nindex 0000000..e69de29\n";
    check(DIFF, &[("old", "gone\n"), ("x", "X\n")], patch, &[("new", "a\nb"), ("y", "X\n"), ("e", "")]);
    refused(DIFF, &[("old", "changed\n"), ("x", "X\n")], patch, "not_found");
}

#[test]
fn removed_lines_that_look_like_headers_are_lines() {
    let patch = "--- a/f.sql\n+++ b/f.sql\n@@ -1,2 +1,2 @@\n--- first\n+-- second\n select 1\n";
    check(DIFF, &[("f.sql", "-- first\nselect 1\n")], patch, &[("f.sql", "-- second\nselect 1\n")]);
}

#[test]
fn the_final_newline_changes_only_if_the_diff_says_so() {
    let no_mark = "--- a/f\n+++ b/f\n@@ -1,2 +1,2 @@\n a\n-b\n+c\n";
    check(DIFF, &[("f", "a\nb")], no_mark, &[("f", "a\nc")]);
    let adds = "--- a/f\n+++ b/f\n@@ -1,2 +1,2 @@\n a\n-b\n\\ No newline at end of file\n+b\n";
    check(DIFF, &[("f", "a\nb")], adds, &[("f", "a\nb\n")]);
    let removes = "--- a/f\n+++ b/f\n@@ -1,2 +1,2 @@\n a\n-b\n+b\n\\ No newline at end of file\n";
    check(DIFF, &[("f", "a\nb\n")], removes, &[("f", "a\nb")]);
}

#[test]
fn a_file_may_be_written_whole() {
    let patch = "a.txt\n```\none\ntwo\n```\n";
    check("whole_file", &[("a.txt", "\u{feff}x\r\ny")], patch, &[("a.txt", "\u{feff}one\r\ntwo")]);
    check("whole_file", &[], patch, &[("a.txt", "one\ntwo\n")]);
}

#[test]
fn lines_may_be_given_by_number() {
    let patch = "f\n<<<<<<< LINES 2-3\nB\n>>>>>>> REPLACE\n<<<<<<< LINES 5-4\nnew\n>>>>>>> REPLACE\n";
    check("line_range", &[("f", "a\nb\nc\nd\ne\n")], patch, &[("f", "a\nB\nd\nnew\ne\n")]);
    let checked = "f\n<<<<<<< LINES 2-2\nbefore\n=======\nafter\n>>>>>>> REPLACE\n";
    check("line_range", &[("f", "a\nz\nbefore\n")], checked, &[("f", "a\nz\nafter\n")]);
    refused("line_range", &[("f", "a\n")], patch, "not_found");
}

#[test]
fn words_about_left_out_code_are_never_written() {
    let patch = "f\n<<<<<<< SEARCH\none()\ntwo()\n=======\nzero()\n// ... rest of the code unchanged ...\n>>>>>>> REPLACE\n";
    refused(SR, &[("f", "one()\ntwo()\n")], patch, "malformed");
}

#[test]
fn moves_keep_track_of_where_a_file_was() {
    use super::{EditFormat, FileChange, apply};
    struct One;
    impl super::Tree for One {
        fn read(&self, path: &crate::path::RelPath) -> Option<String> {
            (path.as_str() == "a").then(|| "x\n".to_owned())
        }
    }
    let patch = "*** Begin Patch\n*** Update File: a\n*** Move to: b\n@@\n-x\n+y\n*** End Patch\n";
    let changes = apply(EditFormat::ApplyPatch, patch, &One).unwrap();
    let [FileChange::Move { from, to, before, after }] = changes.as_slice() else { panic!("{changes:?}") };
    assert_eq!((from.as_str(), to.as_str(), before.as_str(), after.as_str()), ("a", "b", "x\n", "y\n"));
}

#[test]
fn hunks_appear_while_the_patch_is_written() {
    use super::{EditFormat, Piece, Stream};
    let patch =
        "*** Begin Patch\n*** Update File: a\n@@\n-x\n+y\n@@\n z\n+w\n*** Delete File: b\n*** End Patch\n";
    let mut stream = Stream::new(EditFormat::ApplyPatch);
    let mut pieces = Vec::new();
    let mut seen = Vec::new();
    for (at, character) in patch.char_indices() {
        let new = stream.push(&character.to_string());
        seen.extend(new.iter().map(|_| patch[..=at].lines().count()));
        pieces.extend(new);
    }
    pieces.extend(stream.finish());
    let hunk = |old: &str, new: &str| Piece::Hunk { path: "a".into(), old: old.into(), new: new.into() };
    assert_eq!(pieces, [hunk("x\n", "y\n"), hunk("z\n", "z\nw\n"), Piece::Delete { path: "b".into() }]);
    assert_eq!(seen, [6, 9, 9]);
}
