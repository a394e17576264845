//! Any two texts as a proposal, and any bytes as what happens to it.

use galley_review::{HunkId, HunkState, Proposal, ProposalId, render};
use galley_text::change::ChangeSet;
use galley_text::format::FileChange;
use galley_text::path::RelPath;

/// Whatever is typed and decided, in whatever order: the proposal has the document, and every pending hunk lies on it.
pub fn proposals(before: &str, after: &str, steps: &[u8]) {
    let path = RelPath::new("f").expect("a path");
    let mut count = 0;
    let mut next = || {
        count += 1;
        HunkId(format!("h{count}"))
    };
    let change =
        FileChange::Update { path: path.clone(), before: before.to_owned(), after: after.to_owned() };
    let mut proposal = Proposal::new(ProposalId("p".into()), "t", "fuzz", vec![change], &mut next);
    let mut text = before.to_owned();
    for step in steps.chunks(4) {
        let [what, a, b, c] = [0, 1, 2, 3].map(|at| step.get(at).copied().unwrap_or_default());
        let ids: Vec<HunkId> = proposal.all().map(|(_, hunk)| hunk.id.clone()).collect();
        let id = ids.get(usize::from(a) % ids.len().max(1)).cloned();
        match (what % 8, id) {
            (0, Some(id)) => {
                if let Ok(plan) = proposal.plan_accept(std::slice::from_ref(&id), true) {
                    assert_eq!(plan[0].base, text);
                    text.clone_from(&plan[0].result);
                    proposal.accepted(&plan[0].hunks);
                }
            }
            (1, Some(id)) => drop(proposal.reject(&[id])),
            (2, Some(id)) => drop(proposal.reopen(&[id])),
            (3, Some(id)) => {
                if let Ok(plan) = proposal.plan_revert(std::slice::from_ref(&id), true) {
                    text.clone_from(&plan[0].result);
                    proposal.reverted(&plan[0].hunks);
                }
            }
            (4, _) => {
                text = if b % 2 == 0 { before.to_owned() } else { text.replace('\n', "\r\n") };
                proposal.document_replaced(&path, &text, None);
            }
            _ => {
                let boundary = |byte: u8| {
                    let mut at = usize::from(byte) * (text.len() + 1) / 256;
                    while !text.is_char_boundary(at) {
                        at -= 1;
                    }
                    at
                };
                let (from, to) = (boundary(a.min(b)), boundary(a.max(b)));
                let to = if c % 3 == 0 { to } else { from };
                let typed =
                    ["x", "\n", "a\nb\n", "\r", "\u{e9}\u{1f600}", "", "line\r\n"][usize::from(c) % 7];
                let change = ChangeSet::single(text.len(), from..to, typed).expect("inside");
                text = change.apply(&text).expect("its base");
                proposal.document_changed(&path, &change, Some(1));
            }
        }
        let file = &proposal.files[0];
        assert_eq!(file.current, text);
        for hunk in &file.hunks {
            assert!(text.get(hunk.range.clone()).is_some(), "{hunk:?}");
            if hunk.state == HunkState::Pending {
                assert_eq!(text[hunk.range.clone()], hunk.before, "{hunk:?}");
            }
        }
    }
    let _ = (render::unified(&proposal), render::proposal(&proposal, render::Paint::Plain));
}
