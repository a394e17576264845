//! What was put into a shadow, kept beside its tree so that a later process can go on with it.

use crate::cache::ContentHash;
use crate::disk::Stamp;
use galley_text::path::RelPath;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::SystemTime;

/// Where the content of one entry came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Origin {
    /// A file of the person's tree in this state.
    Disk(Stamp),
    /// A file of the person's tree so soon after a change of it that its state proves nothing.
    Fresh,
    /// A text from memory: an open document or an edit.
    Text(ContentHash),
    /// A symbolic link to this target.
    Link(String),
}

/// One entry of the shadow as it was put there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Laid {
    pub(crate) origin: Origin,
    /// The entry's state in the shadow right after; another state means that a command changed it.
    pub(crate) stamp: Stamp,
}

/// Everything that Galley put into a shadow.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Manifest {
    pub(crate) entries: BTreeMap<RelPath, Laid>,
    /// Paths that the overlay applied last touches.
    pub(crate) edited: BTreeSet<RelPath>,
    /// Dependency folders that were copied, with a digest of what they held.
    pub(crate) copied: BTreeMap<String, String>,
}

const MANIFEST_FILE: &str = "manifest.json";

impl Manifest {
    /// Reads a manifest; `None` when there is none or it is damaged, and the shadow must be filled anew.
    pub(crate) fn load(folder: &Path) -> Option<Manifest> {
        serde_json::from_slice(&std::fs::read(folder.join(MANIFEST_FILE)).ok()?).ok()
    }

    pub(crate) fn save(&self, folder: &Path) -> std::io::Result<()> {
        let bytes = serde_json::to_vec(self).map_err(std::io::Error::other)?;
        let fresh = folder.join("manifest.new");
        std::fs::write(&fresh, bytes)?;
        // It need not survive a power cut: a damaged one only costs time.
        std::fs::rename(fresh, folder.join(MANIFEST_FILE))
    }

    /// When a shadow was last used, by its manifest.
    pub(crate) fn last_used(folder: &Path) -> Option<SystemTime> {
        std::fs::metadata(folder.join(MANIFEST_FILE)).ok()?.modified().ok()
    }
}
