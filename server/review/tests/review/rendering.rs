//! What is printed.

use expect_test::expect;
use galley_review::render::{self, Paint};
use galley_text::format::FileChange;

use crate::desk::{id, path, propose, update};

fn proposal() -> galley_review::Proposal {
    let mut proposal = propose(vec![
        update("src/a.rs", "one\ntwo\nthree\nfour\nfive\nsix\nseven\n", "one\nTWO\nthree\nfour\nfive\nsix\n"),
        FileChange::Add { path: path("new"), text: "x\ny".into() },
        FileChange::Delete { path: path("dead"), before: "z\n".into() },
        FileChange::Move { from: path("m"), to: path("n"), before: "k\n".into(), after: "K\n".into() },
    ]);
    proposal.give_reason(&id("h1"), "Louder.");
    proposal
}

#[test]
fn a_diff_for_git() {
    expect![[r#"
        diff --git a/src/a.rs b/src/a.rs
        --- a/src/a.rs
        +++ b/src/a.rs
        @@ -1,7 +1,6 @@
         one
        -two
        +TWO
         three
         four
         five
         six
        -seven
        diff --git a/new b/new
        new file mode 100644
        --- /dev/null
        +++ b/new
        @@ -0,0 +1,2 @@
        +x
        +y
        \ No newline at end of file
        diff --git a/dead b/dead
        deleted file mode 100644
        --- a/dead
        +++ /dev/null
        @@ -1 +0,0 @@
        -z
        diff --git a/m b/n
        rename from m
        rename to n
        --- a/m
        +++ b/n
        @@ -1 +1 @@
        -k
        +K
    "#]]
    .assert_eq(&render::unified(&proposal()));
}

#[test]
fn only_pending_hunks_are_in_the_diff() {
    let mut proposal = proposal();
    proposal.reject(&[id("h1"), id("h3"), id("h4"), id("h5")]);
    proposal.document_replaced(&path("src/a.rs"), "zero\none\ntwo\nthree\nfour\nfive\nsix\nseven\n", None);
    expect![[r#"
        diff --git a/src/a.rs b/src/a.rs
        --- a/src/a.rs
        +++ b/src/a.rs
        @@ -5,4 +5,3 @@
         four
         five
         six
        -seven
    "#]]
    .assert_eq(&render::unified(&proposal));
}

#[test]
fn a_proposal_for_a_person() {
    let mut proposal = proposal();
    proposal.warnings.push("not verified: pytest is not installed".into());
    proposal.document_replaced(&path("src/a.rs"), "one\nzwei\nthree\nfour\nfive\nsix\nseven\n", None);
    expect![[r#"
        Title
        warning: not verified: pytest is not installed
        src/a.rs
        @@ line 2 · hunk 1 of 6 · conflicted
        # Louder.
        <<<<<<< yours, as it stands in the file
         zwei
        ||||||| before, when this was proposed
         two
        =======
        +TWO
        >>>>>>> proposed
        @@ line 7 · hunk 2 of 6
         four
         five
         six
        -seven
        new (new file)
        @@ new file · hunk 3 of 6
        +x
        +y
        \ No newline at end of file
        dead (deleted)
        @@ delete file · hunk 4 of 6
        -z
        m -> n (moved)
        @@ move file · hunk 5 of 6
        @@ line 1 · hunk 6 of 6 · needs h5
        -k
        +K
    "#]]
    .assert_eq(&render::proposal(&proposal, Paint::Plain));
}

#[test]
fn colours_and_no_foreign_escapes() {
    let proposal = propose(vec![update("f", "a\n", "\u{1b}[2J\u{202e}b\n")]);
    expect![[r#"
        ESC[36mfESC[0m
        ESC[36m@@ line 1 · hunk h1ESC[0m
        ESC[31m-aESC[0m
        ESC[32m+␛[2J�bESC[0m
    "#]]
    .assert_eq(&render::file(&proposal.files[0], Paint::Ansi).replace('\u{1b}', "ESC"));
}
