//! One look at the state of every file below a union, without opening any.

use super::record::Record;
use crate::folder::Folder;
use crate::listing::{Listing, below};
use galley_text::path::RelPath;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

/// More files or bytes than these are not copied one by one.
const OWN_FILES: usize = 2_000;
const OWN_BYTES: u64 = 64 << 20;

/// So far, in nanoseconds, the clock of a file system may lag behind.
const LAG: i128 = 20_000_000;

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Survey {
    /// The tree cannot be the layer of a union: it reaches over several file systems, or is another person's.
    pub(super) is_unfit: bool,
    /// More files changed without a later time than are worth copying.
    pub(super) is_overturned: bool,
    /// Files that need a copy: other persons' ones, and those that look older than they are.
    pub(super) own: BTreeSet<RelPath>,
    pub(super) folders: BTreeMap<String, (u64, u64)>,
}

/// What to look for.
struct Question<'r> {
    owner: (u32, u32),
    /// Device of each root.
    devices: Vec<u64>,
    /// Files that changed from the first time on (in nanoseconds) and carry one up to the second (in whole seconds) look
    /// older than they are.
    span: Option<(i128, i64)>,
    record: Option<&'r Record>,
}

/// What one thread found.
#[derive(Default)]
struct Part {
    is_unfit: bool,
    alien: Vec<RelPath>,
    suspect: Vec<RelPath>,
    alien_bytes: u64,
    suspect_bytes: u64,
    folders: Vec<(String, (u64, u64))>,
}

/// Looks at everything that is listed. With a record also tells what changed since in a way that builds would miss.
pub(super) fn look(listing: &Listing, record: Option<&Record>) -> Survey {
    let since = |time: SystemTime| time.duration_since(UNIX_EPOCH).unwrap_or_default();
    let question = Question {
        owner: (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw()),
        devices: listing.roots.iter().filter_map(|root| Some(root.real.metadata().ok()?.dev())).collect(),
        span: record.map(|record| {
            let used = since(record.used.unwrap_or_else(SystemTime::now));
            (since(record.synced).as_nanos() as i128 - LAG, used.as_secs() as i64 + 1)
        }),
        record,
    };
    let folders: Vec<_> = listing.walked().collect();
    let threads = std::thread::available_parallelism().map_or(2, usize::from).clamp(1, 8);
    let piece = folders.len().div_ceil(threads).max(1);
    let parts: Vec<Part> = std::thread::scope(|scope| {
        let question = &question;
        let pieces: Vec<_> = folders.chunks(piece).collect();
        let threads: Vec<_> =
            pieces.into_iter().map(|piece| scope.spawn(move || question.look_at(piece))).collect();
        // A thread that stopped has not looked: then nothing is known.
        let unknown = || Part { is_unfit: true, ..Part::default() };
        threads.into_iter().map(|thread| thread.join().unwrap_or_else(|_| unknown())).collect()
    });
    gather(parts)
}

fn gather(parts: Vec<Part>) -> Survey {
    let mut survey = Survey::default();
    let (mut alien, mut alien_bytes, mut suspect, mut suspect_bytes) = (0, 0, 0, 0);
    for part in parts {
        survey.is_unfit |= part.is_unfit;
        alien += part.alien.len();
        alien_bytes += part.alien_bytes;
        suspect += part.suspect.len();
        suspect_bytes += part.suspect_bytes;
        survey.own.extend(part.alien);
        survey.own.extend(part.suspect);
        survey.folders.extend(part.folders);
    }
    survey.is_unfit |= alien > OWN_FILES || alien_bytes > OWN_BYTES;
    survey.is_overturned = suspect > OWN_FILES || suspect_bytes > OWN_BYTES;
    survey
}

impl Question<'_> {
    fn look_at(&self, folders: &[(&str, &Folder)]) -> Part {
        let mut part = Part::default();
        for (key, folder) in folders {
            let Ok(metadata) = folder.path.symlink_metadata() else { continue };
            // A folder of another owner takes no new entries, and one on another file system would be empty.
            let is_own = self.is_own(&metadata);
            if !is_own || !self.devices.contains(&metadata.dev()) {
                part.is_unfit = true;
                return part;
            }
            let place = (metadata.dev(), metadata.ino());
            let is_another = self
                .record
                .is_some_and(|record| record.folders.get(*key).is_some_and(|before| *before != place));
            part.folders.push(((*key).to_string(), place));
            for name in &folder.files {
                self.look_at_file(&folder.path.join(name), key, name, is_another, &mut part);
            }
        }
        part
    }

    fn look_at_file(&self, file: &Path, key: &str, name: &str, is_another: bool, part: &mut Part) {
        let Ok(metadata) = file.symlink_metadata() else { return };
        if !metadata.is_file() {
            return;
        }
        let Ok(path) = RelPath::new(&below(key, name)) else { return };
        if !self.is_own(&metadata) {
            part.alien_bytes += metadata.len();
            part.alien.push(path);
        } else if self.looks_older(&metadata, is_another) {
            part.suspect_bytes += metadata.len();
            part.suspect.push(path);
        }
    }

    fn is_own(&self, metadata: &Metadata) -> bool {
        (metadata.uid(), metadata.gid()) == self.owner
    }

    fn looks_older(&self, metadata: &Metadata, is_another: bool) -> bool {
        self.span.is_some_and(|(synced, used)| {
            let changed = i128::from(metadata.ctime()) * 1_000_000_000 + i128::from(metadata.ctime_nsec());
            // Where times are whole seconds, the second itself counts.
            let changed = if metadata.ctime_nsec() == 0 { changed + 1_000_000_000 } else { changed };
            (changed >= synced || is_another) && metadata.mtime() <= used
        })
    }
}
