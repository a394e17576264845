//! Makes the proposal of a task's overlay: hunks with the model's reasons and with the hunks that they need.

use std::collections::BTreeSet;

use galley_review::{FileMode, HunkId, Names, Proposal, ProposalId};
use galley_text::diff;
use galley_text::format::FileChange;
use galley_text::path::RelPath;
use galley_workspace::ModeEdit;

use crate::outline;

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
    let shares = |new: &str| {
        new.lines()
            .map(str::trim)
            .filter(|line| line.contains(char::is_alphanumeric))
            .any(|line| after.lines().any(|known| known.trim() == line))
    };
    of_file
        .iter()
        .rev()
        .find(|(_, _, new)| shares(new))
        .or_else(|| of_file.last().filter(|_| of_file.len() == 1))
        .map(|(_, why, _)| why.trim().to_owned())
}

/// The names that a hunk brings in and those that it uses. Names that stood there before are not its own.
pub(crate) fn names(path: &RelPath, before: &str, after: &str) -> Names {
    let defined = |text| -> BTreeSet<String> {
        outline::of(path, text).into_iter().map(|symbol| symbol.name).collect()
    };
    let uses: BTreeSet<&str> = words(after).filter(|word| word.len() > 2).collect();
    Names {
        defines: defined(after).difference(&defined(before)).cloned().collect(),
        imports: imported(after).difference(&imported(before)).map(|name| (*name).to_owned()).collect(),
        uses: uses.into_iter().map(str::to_owned).collect(),
    }
}

const KEYWORDS: &[&str] =
    &["use", "pub", "import", "from", "crate", "self", "super", "std", "as", "include", "require"];

fn imported(text: &str) -> BTreeSet<&str> {
    const STARTS: &[&str] = &["use ", "pub use ", "import ", "from ", "#include"];
    let lines =
        text.lines().map(str::trim_start).filter(|line| STARTS.iter().any(|start| line.starts_with(start)));
    lines.flat_map(words).filter(|word| !KEYWORDS.contains(word)).collect()
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric() && c != '_')
        .filter(|word| word.starts_with(|c: char| c.is_alphabetic() || c == '_'))
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
