//! The index with a task's edits over it, so that what the task asks about names and lines is told of its own texts.

use std::sync::{Arc, Mutex, PoisonError};

use galley_index::IndexSnapshot;
use galley_workspace::{Checkpoint, Overlay};

/// Keeps the last such view until the index or the edits change.
#[derive(Default)]
pub struct Overlaid(Mutex<Option<Seen>>);

struct Seen {
    below: Arc<IndexSnapshot>,
    edits: Checkpoint,
    view: Arc<IndexSnapshot>,
}

impl Overlaid {
    /// `below` with the edits of the overlay over it. Only texts that were not in the last view are read.
    pub fn view(&self, below: Arc<IndexSnapshot>, overlay: &Overlay) -> Arc<IndexSnapshot> {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(seen) = &*seen
            && Arc::ptr_eq(&seen.below, &below)
            && overlay.is_at(&seen.edits)
        {
            return Arc::clone(&seen.view);
        }
        if overlay.is_unchanged() {
            return below;
        }
        let texts = overlay.edits().files.into_iter().map(|(path, edit)| (path, edit.after)).collect();
        let view = Arc::new(below.with(&texts, seen.as_ref().map(|seen| &*seen.view)));
        *seen = Some(Seen { below, edits: overlay.checkpoint(), view: Arc::clone(&view) });
        view
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use galley_index::Index;
    use galley_text::path::RelPath;
    use galley_workspace::Workspace;

    #[test]
    fn names_and_lines_are_those_of_the_edits() {
        let folder = tempfile::tempdir().unwrap();
        let index = Index::new();
        let (a, b, c) = (RelPath::new("a.rs"), RelPath::new("b.rs"), RelPath::new("c.rs"));
        let (a, b, c) = (a.unwrap(), b.unwrap(), c.unwrap());
        for (path, text) in [(&a, "fn kept() {}\n"), (&b, "fn gone() { kept() }\n")] {
            galley_workspace::write_atomically(&folder.path().join(path.as_str()), text.as_bytes()).unwrap();
            index.update_file(path, Some(text));
        }
        let workspace = Workspace::open(vec![folder.path().to_path_buf()]).unwrap();
        let (mut overlay, seen) = (Overlay::new(workspace.snapshot()), Overlaid::default());
        let below = index.snapshot();
        assert!(Arc::ptr_eq(&seen.view(Arc::clone(&below), &overlay), &below));

        overlay.write(&a, "\n\nfn kept() { fresh() }\n").unwrap();
        overlay.write(&c, "fn fresh() {}\n").unwrap();
        overlay.delete(&b).unwrap();
        let view = seen.view(Arc::clone(&below), &overlay);
        assert_eq!(view.definitions("kept")[0].symbol.line, 2);
        assert_eq!(view.definitions("fresh")[0].path, c);
        assert!(view.definitions("gone").is_empty() && view.symbols("gone", 5).is_empty());
        let places = view.references("kept", 9);
        assert_eq!(
            places.iter().map(|place| (place.path.as_str(), place.line)).collect::<Vec<_>>(),
            [("a.rs", 2)]
        );
        assert_eq!(places[0].text, "fn kept() { fresh() }");
        assert!(Arc::ptr_eq(&seen.view(Arc::clone(&below), &overlay), &view), "nothing is read twice");

        overlay.revert(&b);
        let view = seen.view(below, &overlay);
        assert_eq!(view.definitions("gone")[0].path, b);
        assert_eq!(index.snapshot().definitions("kept")[0].symbol.line, 0, "what lies below stays");
    }
}
