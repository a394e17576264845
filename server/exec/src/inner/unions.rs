//! Mounting unions in the command's own namespace.

use std::fs::{self, File};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use super::step;
use crate::Union;
use crate::sys;

/// Mounts each union at its place, where whoever takes hold of the place afterwards finds it.
pub(super) fn mount(unions: &[Union]) -> Result<(), String> {
    unions
        .iter()
        .try_for_each(|union| step(&format!("lay the layers of {}", union.place.display()), mount_one(union)))
}

/// The folders are named by descriptors: their paths may hold what the options of a mount give a meaning, and the list
/// of mounts, which the command can read, then does not tell them. Marks of the kernel's are kept in attributes of the
/// `user` family, since the others need rights outside of the namespace.
fn mount_one(union: &Union) -> io::Result<()> {
    let layers = union.layers.iter().map(|path| hold(path)).collect::<io::Result<Vec<_>>>()?;
    let (upper, work) = (hold(&union.upper)?, hold(&union.work)?);
    let lower: Vec<String> = layers.iter().map(name).collect();
    let options =
        format!("lowerdir={},upperdir={},workdir={},userxattr", lower.join(":"), name(&upper), name(&work));
    let mount = |options: &str| {
        sys::mount(Path::new("overlay"), &union.place, "overlay", libc::MS_NOSUID | libc::MS_NODEV, options)
    };
    // Nothing in it has to outlive the machine, and to wait for the disk at each file that is written first costs more than
    // most builds. The kernel leaves a mark of this in its folder, with which it would refuse the next mount.
    match fs::remove_dir_all(union.work.join("work")) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    mount(&format!("{options},volatile")).or_else(|_| mount(&options))
}

fn hold(path: &Path) -> io::Result<File> {
    let flags = libc::O_PATH | libc::O_DIRECTORY | libc::O_NOFOLLOW;
    File::options().read(true).custom_flags(flags).open(path)
}

fn name(folder: &File) -> String {
    format!("/proc/self/fd/{}", folder.as_raw_fd())
}
