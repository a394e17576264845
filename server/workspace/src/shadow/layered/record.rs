//! What is kept of a union beside its folders, so that a later process can go on with it.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

const RECORD_FILE: &str = "layers.json";

/// What is known of a union.
#[derive(Debug, Serialize, Deserialize)]
pub(in crate::shadow) struct Record {
    /// Name of the folder that holds it; another one for each union, since some builds remember paths.
    pub(in crate::shadow) home: String,
    /// When it was last brought to a snapshot.
    pub(in crate::shadow) synced: SystemTime,
    /// When a task gave it back; absent while one has it.
    pub(in crate::shadow) used: Option<SystemTime>,
    /// Device and inode of each folder of the person's: another folder of the same name holds files that are new here,
    /// however old they are.
    pub(in crate::shadow) folders: BTreeMap<String, (u64, u64)>,
}

impl Record {
    pub(in crate::shadow) fn new() -> Record {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos());
        let home = format!("layers-{since:x}");
        Record { home, synced: UNIX_EPOCH, used: None, folders: BTreeMap::new() }
    }

    /// Reads a record; `None` when there is none, it is damaged, or its home lies elsewhere.
    pub(in crate::shadow) fn load(folder: &Path) -> Option<Record> {
        let record: Record = serde_json::from_slice(&std::fs::read(folder.join(RECORD_FILE)).ok()?).ok()?;
        let plain = record.home.strip_prefix("layers-")?.bytes().all(|byte| byte.is_ascii_hexdigit());
        plain.then_some(record)
    }

    pub(in crate::shadow) fn save(&self, folder: &Path) -> std::io::Result<()> {
        let bytes = serde_json::to_vec(self).map_err(std::io::Error::other)?;
        let fresh = folder.join("layers.new");
        std::fs::write(&fresh, bytes)?;
        std::fs::rename(fresh, folder.join(RECORD_FILE))
    }

    /// Makes the union one that cannot be gone on with.
    pub(in crate::shadow) fn forget(folder: &Path) {
        let _ = std::fs::remove_file(folder.join(RECORD_FILE));
    }
}

/// When the union of a shadow was last used.
pub(in crate::shadow) fn last_used(folder: &Path) -> Option<SystemTime> {
    std::fs::metadata(folder.join(RECORD_FILE)).ok()?.modified().ok()
}
