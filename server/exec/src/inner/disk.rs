//! How much of the disk a command takes.
//!
//! Two measures, since each misses something: what its processes wrote, as the kernel counts it (not what they only
//! reserve, nor what a child wrote whose end nobody waited for), and what became less of the free space, which others
//! use too and which is therefore believed only when the files that changed account for it. Whoever takes it, a reserve
//! of the disk is left to the person.

use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::plan::View;

/// Most of a file system that is kept free.
const RESERVE: u64 = 1 << 30;

pub(super) struct Disk {
    most: u64,
    /// Seconds of the clock when the command began.
    began: i64,
    folders: Vec<PathBuf>,
    systems: Vec<System>,
}

/// A file system that the command may write to.
struct System {
    folder: File,
    /// Free bytes below which the command ends, whoever took them.
    reserve: u64,
    /// Free bytes at which the files are looked at.
    suspicious: u64,
}

impl Disk {
    /// For a command that begins now. File systems that cannot be asked are not watched.
    pub(super) fn of(view: &View, most: u64) -> Disk {
        let folders: Vec<PathBuf> = view.writable.iter().chain(&view.private).cloned().collect();
        let mut seen = Vec::new();
        let mut systems = Vec::new();
        for folder in folders.iter().filter_map(|folder| File::open(folder).ok()) {
            let (Ok(found), Some((free, all))) = (folder.metadata(), space(&folder)) else { continue };
            if !seen.contains(&found.dev()) {
                seen.push(found.dev());
                let reserve = RESERVE.min(all / 50).min(free / 2);
                systems.push(System { folder, reserve, suspicious: free.saturating_sub(most) });
            }
        }
        let began = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs());
        Disk { most, began: i64::try_from(began).unwrap_or(0), folders, systems }
    }

    /// Whether the command took too much; `written` is what its processes wrote.
    pub(super) fn is_over(&mut self, written: u64) -> bool {
        if written > self.most {
            return true;
        }
        for system in &mut self.systems {
            let Some((free, _)) = space(&system.folder) else { continue };
            if free < system.reserve {
                return true;
            }
            // What others give back is not the command's to take.
            system.suspicious = system.suspicious.max(free.saturating_sub(self.most));
            if free < system.suspicious {
                let mut room = self.most;
                if self.folders.iter().any(|folder| !fits(folder, self.began, &mut room)) {
                    return true;
                }
                // Others took it; looked at again when as much is gone as the command could still take.
                system.suspicious = free.saturating_sub(room.max(self.most / 8));
            }
        }
        false
    }
}

/// Free bytes for ordinary users, and bytes in all.
fn space(folder: &File) -> Option<(u64, u64)> {
    let found = rustix::fs::fstatvfs(folder).ok()?;
    Some((found.f_bavail.saturating_mul(found.f_frsize), found.f_blocks.saturating_mul(found.f_frsize)))
}

/// Bytes in use of the file system at a path.
pub(super) fn used(path: &Path) -> Option<u64> {
    let found = rustix::fs::statvfs(path).ok()?;
    Some(found.f_blocks.saturating_sub(found.f_bfree).saturating_mul(found.f_frsize))
}

/// Takes the disk blocks of what changed below a folder since then from `room`; false when there is not enough.
fn fits(folder: &Path, since: i64, room: &mut u64) -> bool {
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let Ok(found) = entry.metadata() else { continue };
            if found.is_dir() {
                folders.push(entry.path());
            } else if found.ctime() >= since {
                let Some(left) = room.checked_sub(found.blocks() * 512) else { return false };
                *room = left;
            }
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_processes_wrote_and_what_files_hold_are_both_counted() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("a")).unwrap();
        fs::write(folder.path().join("a/b"), vec![1; 100_000]).unwrap();
        let view = View { writable: vec![folder.path().to_owned()], ..View::default() };
        let mut disk = Disk::of(&view, 50_000);
        assert!(!disk.is_over(50_000) && disk.is_over(50_001));
        // Something took all of the free space that is suspicious; files that were there before do not count.
        disk.systems[0].suspicious = u64::MAX;
        disk.began += 1000;
        assert!(!disk.is_over(0));
        disk.systems[0].suspicious = u64::MAX;
        disk.began -= 2000;
        assert!(disk.is_over(0));
        // The reserve is nobody's.
        disk.most = u64::MAX;
        assert!(!disk.is_over(0));
        disk.systems[0].reserve = u64::MAX;
        assert!(disk.is_over(0));
    }
}
