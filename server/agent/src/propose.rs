//! Makes the proposal of a task's overlay: hunks with the model's reasons and with the hunks that they need.

use galley_review::{FileMode, HunkId, Proposal, ProposalId};
use galley_text::diff;
use galley_text::format::FileChange;
use galley_workspace::ModeEdit;

use crate::naming::names;
use crate::outline;
use crate::price::shares;

/// A change as a unified diff, appliable by git.
pub fn unified(change: &FileChange) -> String {
    let (old_name, new_name, old, new) = match change {
        FileChange::Add { path, text } => {
            ("/dev/null".to_owned(), format!("b/{}", path.as_str()), "", text.as_str())
        }
        FileChange::Delete { path, before } => {
            (format!("a/{}", path.as_str()), "/dev/null".to_owned(), before.as_str(), "")
        }
        FileChange::Update { path, before, after } => {
            (format!("a/{}", path.as_str()), format!("b/{}", path.as_str()), before.as_str(), after.as_str())
        }
        FileChange::Move { from, to, before, after } => {
            (format!("a/{}", from.as_str()), format!("b/{}", to.as_str()), before.as_str(), after.as_str())
        }
    };
    diff::unified(&old_name, &new_name, old, new, 3)
}

/// Makes a proposal. `reasons` are file, reason, and the text that the edit put there, in order.
pub fn propose(
    task: &str,
    title: &str,
    (changes, modes): (Vec<FileChange>, Vec<ModeEdit>),
    reasons: &[(String, String, String)],
) -> Proposal {
    let mut number = 0;
    let mut next = || {
        number += 1;
        HunkId(format!("{task}-h{number}"))
    };
    let mut proposal = Proposal::with_items(
        ProposalId(format!("{task}-p")),
        task.to_owned(),
        title.to_owned(),
        changes,
        &mut outline::items,
        &mut next,
    );
    for edit in modes {
        let mode = |executable| if executable { FileMode::Executable } else { FileMode::Plain };
        let modes = (mode(!edit.executable), mode(edit.executable));
        proposal.change_mode(&edit.path, &edit.text, modes, &mut next);
    }
    for file in &mut proposal.files {
        for hunk in &mut file.hunks {
            hunk.reason = reason(file.path.as_str(), &hunk.after, reasons);
        }
    }
    proposal.link_prerequisites(|file, hunk| names(&file.path, &hunk.before, &hunk.after));
    proposal
}

/// The reason of the last edit of this file whose text is in the hunk; else the file's only reason.
fn reason(path: &str, after: &str, reasons: &[(String, String, String)]) -> Option<String> {
    let of_file: Vec<_> =
        reasons.iter().filter(|(file, why, _)| file == path && !why.trim().is_empty()).collect();
    of_file
        .iter()
        .rev()
        .find(|(_, _, new)| shares(new, after))
        .or_else(|| of_file.last().filter(|_| of_file.len() == 1))
        .map(|(_, why, _)| why.trim().to_owned())
}

/// The highest number among a proposal's ids.
pub(crate) fn highest(proposal: &Proposal) -> usize {
    let number = |id: &HunkId| id.0.rsplit("-h").next().and_then(|number| number.parse().ok());
    proposal.all().filter_map(|(_, hunk)| number(&hunk.id)).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hunk_has_the_reason_of_its_edit() {
        let reasons = [
            ("a.rs".to_owned(), "first".to_owned(), "let one = 1;\n".to_owned()),
            ("a.rs".to_owned(), "second".to_owned(), "let two = 2;\n".to_owned()),
        ];
        assert_eq!(reason("a.rs", "    let one = 1;\n", &reasons).as_deref(), Some("first"));
        assert_eq!(reason("a.rs", "other\n", &reasons), None);
        assert_eq!(reason("a.rs", "other\n", &reasons[..1]).as_deref(), Some("first"));
        assert_eq!(reason("b.rs", "other\n", &reasons), None);
    }
}
