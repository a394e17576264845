//! Taking a change back when others worked on since: an inverse merge, file by file.

use galley_agent::event::CheckpointFile;
use galley_review::{AcceptFile, FileKind};
use galley_text::format::FileChange;
use galley_text::merge::merge;
use galley_text::path::RelPath;

/// What takes one file back.
#[derive(Debug, Clone, PartialEq)]
pub enum Inverse {
    /// There is nothing to do.
    Nothing,
    /// This change does it; later work stays.
    Change(FileChange),
    /// Both sides changed the same lines; the file stays as it is.
    Conflict,
}

/// What takes a file back to before the checkpoint, given its text now (`None`: there is no file).
pub fn inverse(path: &RelPath, file: &CheckpointFile, now: Option<String>) -> Inverse {
    let path = path.clone();
    match (&file.before, &file.after, now) {
        (Some(before), Some(after), Some(now)) => {
            let merged = merge(after, &now, before);
            match merged.is_clean() {
                true if merged.text == now => Inverse::Nothing,
                true => Inverse::Change(FileChange::Update { path, before: now, after: merged.text }),
                false => Inverse::Conflict,
            }
        }
        (None, Some(after), Some(now)) if *after == now => {
            Inverse::Change(FileChange::Delete { path, before: now })
        }
        (Some(before), None, Some(now)) if *before == now => Inverse::Nothing,
        (Some(before), None, None) => Inverse::Change(FileChange::Add { path, text: before.clone() }),
        (None, Some(_) | None, None) => Inverse::Nothing,
        _ => Inverse::Conflict,
    }
}

/// What an accept did to a file, for going back.
pub fn checkpoint_files(file: &AcceptFile) -> Vec<CheckpointFile> {
    let path = file.path.as_str().to_owned();
    let (base, result) = (Some(file.base.clone()), Some(file.result.clone()));
    match &file.kind {
        FileKind::Modify => vec![CheckpointFile { path, before: base, after: result }],
        FileKind::Add => vec![CheckpointFile { path, before: None, after: result }],
        FileKind::Delete => vec![CheckpointFile { path, before: base, after: None }],
        FileKind::Move { from } => vec![
            CheckpointFile { path: from.as_str().to_owned(), before: base, after: None },
            CheckpointFile { path, before: None, after: result },
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken_back(before: Option<&str>, after: Option<&str>, now: Option<&str>) -> Inverse {
        let file = CheckpointFile {
            path: "a".to_owned(),
            before: before.map(str::to_owned),
            after: after.map(str::to_owned),
        };
        inverse(&RelPath::new("a").unwrap(), &file, now.map(str::to_owned))
    }

    #[test]
    fn later_work_stays() {
        let inverse =
            taken_back(Some("a\nb\nc\n\nx\n"), Some("a\nB\nc\n\nx\n"), Some("a\nB\nc\n\nx\nlater\n"));
        let Inverse::Change(FileChange::Update { after, .. }) = inverse else { panic!("{inverse:?}") };
        assert_eq!(after, "a\nb\nc\n\nx\nlater\n");
    }

    #[test]
    fn what_both_changed_is_left() {
        assert_eq!(taken_back(Some("a\n"), Some("b\n"), Some("c\n")), Inverse::Conflict);
        assert_eq!(taken_back(None, Some("b\n"), Some("c\n")), Inverse::Conflict);
    }

    #[test]
    fn new_and_deleted_files_are_taken_back() {
        assert!(matches!(
            taken_back(None, Some("b\n"), Some("b\n")),
            Inverse::Change(FileChange::Delete { .. })
        ));
        assert!(matches!(taken_back(Some("a\n"), None, None), Inverse::Change(FileChange::Add { .. })));
        assert_eq!(taken_back(None, Some("b\n"), None), Inverse::Nothing);
    }
}
