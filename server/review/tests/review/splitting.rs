//! Which changed lines become one hunk.

use galley_review::{Item, Proposal, ProposalId, SplitError};
use galley_text::path::RelPath;
use proptest::prelude::*;

use crate::desk::{id, update};

/// Items of a text in which every one begins with `fn NAME` and ends with a brace at the margin.
fn items(_: &RelPath, text: &str) -> Vec<Item> {
    let mut out = Vec::new();
    let mut start = 0;
    let mut open: Option<(String, usize)> = None;
    for line in text.split_inclusive('\n') {
        if let Some(rest) = line.strip_prefix("fn ") {
            let name = rest.split('(').next().unwrap_or_default().to_owned();
            if line.trim_end().ends_with('}') {
                out.push(Item { name, range: start..start + line.len() });
            } else {
                open = Some((name, start));
            }
        } else if line.starts_with('}')
            && let Some((name, from)) = open.take()
        {
            out.push(Item { name, range: from..start + line.len() });
        }
        start += line.len();
    }
    out
}

fn propose(before: &str, after: &str) -> Proposal {
    let mut count = 0;
    let mut next = || {
        count += 1;
        id(&format!("h{count}"))
    };
    let changes = vec![update("f", before, after)];
    Proposal::with_items(ProposalId("p".into()), "t", "Title", changes, &mut items, &mut next)
}

#[track_caller]
fn check(before: &str, after: &str, expected: &[(Option<&str>, &str, &str)]) {
    let mut proposal = propose(before, after);
    let found: Vec<(Option<String>, String, String)> = proposal
        .all()
        .map(|(_, hunk)| (hunk.item.clone(), hunk.before.clone(), hunk.after.clone()))
        .collect();
    let expected: Vec<(Option<String>, String, String)> = expected
        .iter()
        .map(|(item, before, after)| (item.map(str::to_owned), (*before).to_owned(), (*after).to_owned()))
        .collect();
    assert_eq!(found, expected);
    // In whatever order they are accepted, all of them make the text.
    let ids: Vec<_> = proposal.all().map(|(_, hunk)| hunk.id.clone()).collect();
    assert_eq!(proposal.plan_accept(&ids, true).unwrap()[0].result, after);
    for id in ids.iter().rev() {
        proposal.accepted(std::slice::from_ref(id));
    }
    assert_eq!(proposal.files[0].current.to_string(), after);
    let mut proposal = propose(before, after);
    for id in &ids {
        proposal.accepted(std::slice::from_ref(id));
    }
    assert_eq!(proposal.files[0].current.to_string(), after);
    in_parts(before, after);
}

/// However far its hunks are split, and in whatever order the parts are accepted, they make the text.
fn in_parts(before: &str, after: &str) {
    let mut proposal = propose(before, after);
    while let Some(id) = splittable(&proposal) {
        proposal.split_hunk(&id).unwrap();
    }
    let parts: Vec<_> = proposal.all().map(|(_, hunk)| hunk.id.clone()).collect();
    assert_eq!(proposal.plan_accept(&parts, false).unwrap()[0].result, after);
    let (even, odd): (Vec<_>, Vec<_>) = parts.iter().enumerate().rev().partition(|(at, _)| at % 2 == 0);
    for (_, id) in even.into_iter().chain(odd) {
        proposal.plan_accept(std::slice::from_ref(id), false).unwrap();
        proposal.accepted(std::slice::from_ref(id));
    }
    assert_eq!(proposal.files[0].current.to_string(), after);
}

fn splittable(proposal: &Proposal) -> Option<galley_review::HunkId> {
    let mut trial = proposal.clone();
    proposal.all().map(|(_, hunk)| hunk.id.clone()).find(|id| trial.split_hunk(id).is_ok())
}

proptest! {
    #[test]
    fn parts_of_any_change_make_it(
        before in proptest::collection::vec(prop_oneof!["a", "b", "  ", "    }", "c d"], 0..12),
        after in proptest::collection::vec(prop_oneof!["a", "b", "", "    }", "x"], 0..12),
    ) {
        let text = |lines: &[String]| lines.iter().map(|line| format!("{line}\n")).collect::<String>();
        if before != after {
            in_parts(&text(&before), &text(&after));
        }
    }
}

#[test]
fn a_hunk_is_split_at_lines_that_stay_and_then_line_by_line() {
    let mut proposal = propose("a\n\nb\nc\n", "A\n\nB\nC\n");
    proposal.files[0].hunks[0].requires.push(id("other"));
    let sides = |proposal: &Proposal| -> Vec<(String, String, String)> {
        let told = |hunk: &galley_review::Hunk| (hunk.id.0.clone(), hunk.before.clone(), hunk.after.clone());
        proposal.all().map(|(_, hunk)| told(hunk)).collect()
    };
    let own = |a: &str, b: &str, c: &str| (a.to_owned(), b.to_owned(), c.to_owned());
    assert_eq!(proposal.split_hunk(&id("h1")).unwrap(), [id("h1.1"), id("h1.2")]);
    assert_eq!(sides(&proposal), [own("h1.1", "a\n", "A\n"), own("h1.2", "b\nc\n", "B\nC\n")]);
    assert_eq!(proposal.split_hunk(&id("h1.2")).unwrap(), [id("h1.2.1"), id("h1.2.2")]);
    assert!(proposal.all().all(|(_, hunk)| hunk.requires == [id("other")]));
    assert_eq!(
        proposal.split_hunk(&id("h1.1")).unwrap_err().to_string(),
        "hunk h1.1 cannot be split further; edit it to take only some of it"
    );
    proposal.reject(&[id("h1.2.1")]);
    assert!(matches!(proposal.split_hunk(&id("h1.2.1")), Err(SplitError::NotPending { .. })));
    assert!(matches!(proposal.split_hunk(&id("h9")), Err(SplitError::Unknown { .. })));
    proposal.document_replaced(&crate::desk::path("f"), "a\n\nb\nc mine\n", None);
    assert!(proposal.split_hunk(&id("h1.2.2")).is_err(), "the person typed into it");
}

#[test]
fn what_needs_a_hunk_needs_all_its_parts() {
    let mut proposal = propose("a\nb\n\n\nx\ny\n", "A\nB\n\n\nx\nY\n");
    proposal.files[0].hunks[1].requires.push(id("h1"));
    proposal.split_hunk(&id("h1")).unwrap();
    assert_eq!(proposal.hunk(&id("h2")).unwrap().1.requires, [id("h1.1"), id("h1.2")]);
}

#[test]
fn two_new_items_are_two_hunks() {
    check(
        "use x;\n\nfn a() {}\n\nfn d() {}\n",
        "use x;\n\nfn a() {}\n\n/// Second.\nfn b() {\n    one();\n}\n\nfn c() {}\n\nfn d() {}\n",
        &[(Some("b"), "", "/// Second.\nfn b() {\n    one();\n}\n\n"), (Some("c"), "", "fn c() {}\n\n")],
    );
}

#[test]
fn two_removed_items_are_two_hunks() {
    check(
        "fn a() {}\n\nfn b() {}\n\nfn c() {}\n\nfn d() {}\n",
        "fn a() {}\n\nfn d() {}\n",
        &[(Some("b"), "fn b() {}\n\n", ""), (Some("c"), "fn c() {}\n\n", "")],
    );
}

#[test]
fn a_run_over_two_items_is_cut_between_them() {
    check(
        "fn a() {\n    one();\n}\nfn b() {\n    two();\n}\n",
        "fn a() {\n    uno();\n    // done\n}\n\nfn b() {\n    due();\n}\n",
        &[
            (Some("a"), "    one();\n", "    uno();\n    // done\n"),
            (Some("a"), "", "\n"),
            (Some("b"), "    two();\n", "    due();\n"),
        ],
    );
    check(
        "fn a() { one(); }\nfn b() { two(); }\n",
        "fn a() { uno(); }\nfn b() { due(); }\n",
        &[
            (Some("a"), "fn a() { one(); }\n", "fn a() { uno(); }\n"),
            (Some("b"), "fn b() { two(); }\n", "fn b() { due(); }\n"),
        ],
    );
}

#[test]
fn a_thought_within_an_item_stays_one_hunk() {
    check(
        "fn a() {\n    one();\n\n    two();\n}\n",
        "fn a() {\n    uno();\n\n    due();\n}\n",
        &[(Some("a"), "    one();\n\n    two();\n", "    uno();\n\n    due();\n")],
    );
    check("use x;\n\nfn a() {}\n", "use x;\nuse y;\n\nfn a() {}\n", &[(None, "", "use y;\n")]);
}

#[test]
fn insertions_at_one_place_keep_their_order_while_the_person_types() {
    let before = "fn a() {}\n\nfn d() {}\n";
    let after = "fn a() {}\n\nfn b() {}\n\nfn c() {}\n\nfn d() {}\n";
    for first in ["h1", "h2"] {
        let mut proposal = propose(before, after);
        let path = proposal.files[0].path.clone();
        proposal.accepted(&[id(first)]);
        // The accept is taken back, and made again.
        let accepted = proposal.files[0].current.to_string();
        proposal.document_replaced(&path, before, None);
        assert_eq!(
            proposal.pending().count(),
            2,
            "{}",
            galley_review::render::proposal(&proposal, Default::default())
        );
        let both = proposal.plan_accept(&[id("h1"), id("h2")], false).unwrap();
        assert_eq!(both[0].result, after);
        proposal.accepted(&[id(first)]);
        assert_eq!(proposal.files[0].current.to_string(), accepted);
        let text = accepted.replace("fn d() {}", "fn d() { typed(); }");
        proposal.document_replaced(&path, &text, None);
        let other = if first == "h1" { "h2" } else { "h1" };
        proposal.accepted(&[id(other)]);
        assert_eq!(proposal.files[0].current.to_string(), after.replace("fn d() {}", "fn d() { typed(); }"));
    }
}
