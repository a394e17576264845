//! Walls by Landlock: what is not listed cannot be opened, whoever asks.
//!
//! Landlock adds up rules and cannot take a part away again, so a folder that holds something hidden is not allowed
//! as a whole: its entries are, one by one.

use std::fs::{self, File};
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::step;
use crate::plan::View;
use crate::sys::{self, RulesetAttributes};

/// The version that has all we claim: renames across folders, truncation, TCP, device calls, and signals and
/// abstract sockets kept inside.
const LEAST_ABI: i64 = 6;

const EXECUTE: u64 = 1;
const WRITE_FILE: u64 = 1 << 1;
const READ_FILE: u64 = 1 << 2;
const READ_DIR: u64 = 1 << 3;
const TRUNCATE: u64 = 1 << 14;
/// All rights to files that ABI 6 knows.
const EVERYTHING: u64 = (1 << 16) - 1;
/// Making device files; nobody needs it.
const MAKE_DEVICES: u64 = (1 << 6) | (1 << 11);
const DEVICE_CALLS: u64 = 1 << 15;
/// Rights that make sense for a file; the kernel refuses others for one.
const FOR_FILES: u64 = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | DEVICE_CALLS;

const READ: u64 = EXECUTE | READ_FILE | READ_DIR;
const WRITE: u64 = EVERYTHING & !MAKE_DEVICES & !DEVICE_CALLS;

/// TCP: bind and connect.
const TCP: u64 = 3;
const SCOPE_ABSTRACT_SOCKETS: u64 = 1;
const SCOPE_SIGNALS: u64 = 1 << 1;

/// Restricts this process and all it starts to the view.
pub(super) fn restrict(view: &View, network: bool) -> Result<(), String> {
    let abi = sys::landlock_abi().map_err(|e| match e.raw_os_error() {
        Some(libc::ENOSYS) => "this kernel has no Landlock, or a container forbids it".to_owned(),
        Some(libc::EOPNOTSUPP) => {
            "Landlock is switched off here (it is missing in `lsm=` of the kernel's command line)".to_owned()
        }
        _ => format!("ask for Landlock: {e}"),
    })?;
    if abi < LEAST_ABI {
        return Err(format!("Landlock ABI {abi} is older than {LEAST_ABI} and would leave gaps"));
    }
    let scoped = SCOPE_ABSTRACT_SOCKETS | SCOPE_SIGNALS;
    let network = if network { 0 } else { TCP };
    let attributes = RulesetAttributes { files: EVERYTHING, network, scoped };
    let rules =
        Rules { ruleset: step("make rules", sys::landlock_ruleset(&attributes))?, hidden: &view.hidden };
    for path in view.readable.iter().chain(&view.caches) {
        rules.allow(path, READ)?;
    }
    // Not `/proc` as a whole would be better, but Landlock itself closes what belongs to processes outside.
    rules.allow(Path::new("/proc"), READ_FILE | READ_DIR)?;
    for device in ["null", "zero", "full", "random", "urandom", "tty"] {
        rules.allow(&Path::new("/dev").join(device), READ_FILE | WRITE_FILE | TRUNCATE | DEVICE_CALLS)?;
    }
    for path in &view.writable {
        // A `.git` in it stays writable at this level: rules reach downwards, so to except it would mean that
        // nothing new could be made beside it.
        rules.allow(path, WRITE)?;
    }
    if let Some(private) = &view.private {
        rules.allow(private, WRITE)?;
    }
    // Some rights of user 0 pass by Landlock: to read the memory of others as a profiler, for one.
    step("give up rights", sys::drop_capabilities())?;
    step("restrict itself", sys::landlock_restrict(&rules.ruleset))
}

/// Only keeps abstract sockets inside, where the network namespace is shared. Without Landlock that cannot be had.
pub(super) fn scope_only() -> Result<(), String> {
    let attributes = RulesetAttributes { files: 0, network: 0, scoped: SCOPE_ABSTRACT_SOCKETS };
    let ruleset = step("keep abstract sockets inside (Landlock)", sys::landlock_ruleset(&attributes))?;
    step("restrict itself", sys::landlock_restrict(&ruleset))
}

struct Rules<'a> {
    ruleset: OwnedFd,
    hidden: &'a [PathBuf],
}

impl Rules<'_> {
    fn allow(&self, path: &Path, rights: u64) -> Result<(), String> {
        if self.hidden.iter().any(|hidden| path.starts_with(hidden)) {
            return Ok(());
        }
        if self.hidden.iter().any(|hidden| hidden.starts_with(path)) {
            // Only listing: any other right would reach down to what is hidden.
            self.add(path, READ_DIR)?;
            for entry in fs::read_dir(path).into_iter().flatten().flatten() {
                self.allow(&entry.path(), rights)?;
            }
            return Ok(());
        }
        self.add(path, rights)
    }

    fn add(&self, path: &Path, rights: u64) -> Result<(), String> {
        // `O_PATH` opens what may not be read, and no device is touched.
        let Ok(file) = File::options().read(true).custom_flags(libc::O_PATH | libc::O_NOFOLLOW).open(path)
        else {
            return Ok(());
        };
        let Ok(found) = file.metadata() else { return Ok(()) };
        if found.is_symlink() {
            return Ok(());
        }
        let rights = if found.is_dir() { rights } else { rights & FOR_FILES };
        if rights == 0 {
            return Ok(());
        }
        step(&format!("allow {}", path.display()), sys::landlock_allow(&self.ruleset, &file, rights))
    }
}
