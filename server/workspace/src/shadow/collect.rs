//! What commands did in a shadow to files that no rule ignores.

use crate::disk::Stamp;
use crate::error::ReadError;
use crate::shadow::Shadow;
use galley_text::path::RelPath;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a command did to a file of a shadow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ShadowChange {
    /// A file was changed or created; its text, or why it has none.
    Written {
        /// The file.
        path: RelPath,
        /// Its text now.
        text: Result<Arc<str>, ReadError>,
        /// Whether it can be run now.
        executable: bool,
    },
    /// A file was removed.
    Removed {
        /// The file.
        path: RelPath,
    },
}

/// What commands had touched at one moment.
#[derive(Debug, Clone, Default)]
pub struct Marks(BTreeMap<RelPath, Option<Stamp>>);

impl Marks {
    /// The same without these files, whose earlier changes are then told once more.
    #[must_use]
    pub fn without(mut self, paths: &[RelPath]) -> Marks {
        self.0.retain(|path, _| !paths.contains(path));
        self
    }
}

impl Shadow {
    fn stamp(&self, path: &RelPath) -> Option<Stamp> {
        if self.layered.is_some() {
            return self.stamp_layered(path);
        }
        Stamp::at(&self.path().join(path.as_str()))
    }

    /// What commands did so far, to tell it from what the next one does. Looks at every file.
    pub fn marks(&self) -> Marks {
        let stamped = |path: RelPath| {
            let stamp = self.stamp(&path);
            (path, stamp)
        };
        Marks(self.touched_paths().into_iter().map(stamped).collect())
    }

    /// What commands did to files that no rule ignores since Galley put them there: a formatter's changes, for
    /// example. Looks at every file.
    pub fn collect(&self) -> Vec<ShadowChange> {
        self.collect_since(&Marks::default())
    }

    /// As [`Shadow::collect`], of what was done since `marks` were taken.
    pub fn collect_since(&self, marks: &Marks) -> Vec<ShadowChange> {
        let now = self.marks().0.into_iter();
        let fresh = now.filter(|(path, stamp)| marks.0.get(path) != Some(stamp));
        fresh.map(|(path, _)| self.changed(path)).filter(|change| self.is_real(change)).collect()
    }

    fn changed(&self, path: RelPath) -> ShadowChange {
        let text = self.read(&path);
        if text == Err(ReadError::Missing) {
            return ShadowChange::Removed { path };
        }
        let stamp = self.stamp(&path);
        let executable = stamp.is_some_and(|stamp| stamp.mode & 0o100 != 0);
        ShadowChange::Written { path, text, executable }
    }

    /// Whether anything is another than it was laid, beside a time.
    fn is_real(&self, change: &ShadowChange) -> bool {
        let ShadowChange::Written { path, text: Ok(text), executable } = change else { return true };
        let (laid, could_run) = match &self.overlay {
            Some(overlay) => (overlay.peek(path).ok(), overlay.is_executable(path)),
            None => (self.base.peek(path).ok(), self.base.is_executable(path).unwrap_or_default()),
        };
        laid.as_deref() != Some(&**text) || (cfg!(unix) && could_run != *executable)
    }
}
