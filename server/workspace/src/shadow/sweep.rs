//! Finding shadows, removing what crashed processes left, and keeping disk use within bounds.

use super::layered;
use super::manifest::Manifest;
use super::owner::Owner;
use super::place::remove_tree;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// What a sweep did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Swept {
    /// Shadows that were removed.
    pub removed: usize,
    /// Shadows that are left, in use or kept for the next task.
    pub left: usize,
    /// Bytes of disk that those take, as far as they are not in use by others now.
    pub left_bytes: u64,
}

/// Removes shadows that nobody uses and that cannot be used again because their process died while it filled
/// them. Complete ones are kept: reusing them is what makes the next verification fast.
pub fn sweep(shadow_root: &Path) -> Swept {
    trim(shadow_root, Duration::MAX, u64::MAX)
}

/// As [`sweep`]; also removes shadows that were not used for `max_age`, and the longest unused ones until the
/// rest takes no more than `max_bytes`.
pub fn trim(shadow_root: &Path, max_age: Duration, max_bytes: u64) -> Swept {
    let mut swept = Swept::default();
    let mut idle = Vec::new();
    for folder in shadow_folders(shadow_root) {
        let Ok(Some(owner)) = Owner::take(&folder) else {
            swept.left += 1;
            continue;
        };
        let used = Manifest::last_used(&folder).or_else(|| layered::last_used(&folder));
        let is_fresh = used.is_some_and(|used| used.elapsed().map_or(true, |age| age <= max_age));
        if is_fresh {
            let bytes = disk_bytes(&folder);
            idle.push((used.unwrap_or(SystemTime::UNIX_EPOCH), bytes, folder, owner));
        } else {
            swept.removed += usize::from(remove_tree(&folder).is_ok());
        }
    }
    idle.sort_by_key(|(used, ..)| std::cmp::Reverse(*used));
    for (_, bytes, folder, _owner) in idle {
        if swept.left_bytes.saturating_add(bytes) > max_bytes {
            swept.removed += usize::from(remove_tree(&folder).is_ok());
        } else {
            swept.left += 1;
            swept.left_bytes += bytes;
        }
    }
    swept
}

fn folders(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())).map(|e| e.path()).collect()
}

/// The folders of single shadows: two levels below the root, one per workspace and number, or one level below
/// it where a caller named them.
fn shadow_folders(shadow_root: &Path) -> Vec<PathBuf> {
    let is_shadow = |folder: &PathBuf| folder.join("owner").is_file();
    let first = folders(shadow_root);
    let second = first.iter().filter(|folder| !is_shadow(folder)).flat_map(|folder| folders(folder));
    let mut found: Vec<_> = second.filter(is_shadow).collect();
    found.extend(first.into_iter().filter(is_shadow));
    found
}

/// Bytes of disk below a folder; shared (reflinked) blocks count fully.
pub fn disk_bytes(folder: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    let mut bytes = 0;
    for entry in entries.flatten() {
        let Ok(metadata) = entry.metadata() else { continue };
        bytes += if metadata.is_dir() { disk_bytes(&entry.path()) } else { allocated(&metadata) };
    }
    bytes
}

#[cfg(unix)]
fn allocated(metadata: &std::fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::blocks(metadata) * 512
}

#[cfg(not(unix))]
fn allocated(metadata: &std::fs::Metadata) -> u64 {
    metadata.len()
}
