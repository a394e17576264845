//! Writing outside of the shadow, and reading what is not shown.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt, symlink};

use crate::call::{self, at, at_mut, name, owned, raw, text};
use crate::inside::{holds, is_secret};
use crate::machine::Machine;
use crate::needs;
use crate::table::{Escape, escape};

const NAMED: &str = "it refuses to open, not to name";

pub const TABLE: &[Escape] = &[
    escape("write a new file into home", |inside| fs::write(inside.home("new"), "x")).touched(),
    escape("write by ..", |_| fs::write("../home/new", "x")).touched(),
    escape("write by a symlink to a folder", |inside| {
        symlink(inside.home(""), "link").and_then(|()| fs::write("link/new", "x"))
    })
    .touched(),
    escape("append by a symlink to a file", |inside| {
        symlink(inside.home("keep"), "link")?;
        File::options().append(true).open("link")?.write_all(b"x")
    }),
    escape("append by a chain of symlinks with ..", |_| {
        symlink("../home", "a")?;
        symlink("a/../home/keep", "b")?;
        File::options().append(true).open("b")?.write_all(b"x")
    }),
    escape("truncate by path", |inside| {
        raw(libc::SYS_truncate, [name(&text(inside.home("keep"))), 0, 0, 0, 0, 0]).map(drop)
    }),
    escape("truncate by opening", |inside| File::create(inside.home("keep")).map(drop)).touched(),
    escape("remove a file", |inside| fs::remove_file(inside.home("keep"))),
    escape("make a folder", |inside| fs::create_dir(inside.home("new"))).touched(),
    escape("make a symlink outside", |inside| symlink("/", inside.home("new"))).touched(),
    escape("rename out", |inside| fs::write("a", "x").and_then(|()| fs::rename("a", inside.home("new")))),
    escape("rename in", |inside| fs::rename(inside.home("keep"), "taken")),
    escape("exchange with a file outside", |inside| {
        fs::write("a", "x")?;
        let (ours, theirs) = (text("a"), text(inside.home("keep")));
        let here = i64::from(libc::AT_FDCWD);
        raw(libc::SYS_renameat2, [here, name(&ours), here, name(&theirs), libc::RENAME_EXCHANGE.into(), 0])
            .map(drop)
    }),
    escape("write through a hard link", |inside| {
        fs::hard_link(inside.home("keep"), "linked")?;
        File::options().append(true).open("linked")?.write_all(b"x")
    }),
    escape("read through a hard link", |inside| {
        fs::hard_link(inside.home("secret"), "linked")?;
        is_secret(fs::read("linked")?)
    }),
    escape("hard link through /proc/self/fd", |inside| {
        let file = File::options().read(true).custom_flags(libc::O_PATH).open(inside.home("keep"))?;
        let from = text(format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&file)));
        let here = i64::from(libc::AT_FDCWD);
        raw(
            libc::SYS_linkat,
            [here, name(&from), here, name(&text("linked")), libc::AT_SYMLINK_FOLLOW.into(), 0],
        )?;
        File::options().append(true).open("linked")?.write_all(b"x")
    }),
    escape("a file without a name, linked outside", |inside| {
        let file = File::options().write(true).custom_flags(libc::O_TMPFILE).open(inside.home(""))?;
        let from = text(format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&file)));
        let (here, to) = (i64::from(libc::AT_FDCWD), text(inside.home("new")));
        raw(libc::SYS_linkat, [here, name(&from), here, name(&to), libc::AT_SYMLINK_FOLLOW.into(), 0])
            .map(drop)
    })
    .touched(),
    escape("read beside the shadow", |inside| is_secret(fs::read(inside.home("secret"))?)),
    escape("read by a symlink", |inside| {
        symlink(inside.home("secret"), "link").and_then(|()| is_secret(fs::read("link")?))
    }),
    escape("read through /proc/self/root", |inside| {
        is_secret(fs::read(format!("/proc/self/root{}", inside.home("secret").display()))?)
    }),
    escape("read through /proc/self/cwd", |_| is_secret(fs::read("/proc/self/cwd/../home/secret")?)),
    escape("read what is hidden inside of what is shown", |inside| {
        is_secret(fs::read(inside.place("deps/hidden"))?)
    }),
    escape("read by a handle", |inside| {
        let mut handle = [0u32; 34];
        handle[0] = 128;
        let mut mount = [0i32];
        let path = text(inside.home("secret"));
        let here = i64::from(libc::AT_FDCWD);
        raw(libc::SYS_name_to_handle_at, [here, name(&path), at_mut(&mut handle), at_mut(&mut mount), 0, 0])?;
        let folder = owned(raw(libc::SYS_openat, [here, name(&text(inside.home(""))), 0, 0, 0, 0]))?;
        let folder = std::os::fd::AsRawFd::as_raw_fd(&folder).into();
        let file = owned(raw(libc::SYS_open_by_handle_at, [folder, at(&handle), 0, 0, 0, 0]))?;
        is_secret(io::read_to_string(File::from(file))?)
    })
    .needs(needs::search_by_handle),
    escape("list home", |inside| {
        fs::read_dir(inside.home("")).and_then(|mut all| {
            let named =
                |entry: &io::Result<fs::DirEntry>| entry.as_ref().is_ok_and(|e| e.file_name() == "secret");
            holds(all.any(|entry| named(&entry)), "the person's files are not in it")
        })
    }),
    escape("write into a folder that is shown", |inside| fs::write(inside.place("deps/new"), "x")),
    escape("write into a pipe that is shown", |inside| {
        let pipe = inside.place("deps/pipe");
        File::options().write(true).custom_flags(libc::O_NONBLOCK).open(pipe)?.write_all(b"x")
    }),
    escape("make a pipe outside", |inside| {
        let (here, path) = (i64::from(libc::AT_FDCWD), text(inside.home("new")));
        raw(libc::SYS_mknodat, [here, name(&path), i64::from(libc::S_IFIFO | 0o600), 0, 0, 0]).map(drop)
    })
    .touched(),
    escape("change a mode", |inside| {
        fs::set_permissions(inside.home("keep"), fs::Permissions::from_mode(0o777))
    })
    .beyond_landlock(NAMED),
    escape("change times", |inside| {
        let old = [1i64, 0, 1, 0];
        let (here, path) = (i64::from(libc::AT_FDCWD), text(inside.home("keep")));
        raw(libc::SYS_utimensat, [here, name(&path), at(&old), 0, 0, 0]).map(drop)
    })
    .beyond_landlock(NAMED),
    escape("change an attribute", |inside| {
        let (path, key, value) = (text(inside.home("keep")), text("user.galley"), *b"x");
        raw(libc::SYS_setxattr, [name(&path), name(&key), at(&value), 1, 0, 0]).map(drop)
    })
    .beyond_landlock(NAMED),
    escape("watch a file of home", |inside| {
        let watch = owned(raw(libc::SYS_inotify_init1, [0; 6]))?;
        let watch = std::os::fd::AsRawFd::as_raw_fd(&watch).into();
        let path = text(inside.home("keep"));
        raw(libc::SYS_inotify_add_watch, [watch, name(&path), libc::IN_ALL_EVENTS.into(), 0, 0, 0]).map(drop)
    })
    .beyond_landlock(NAMED),
    escape("watch a file of home by the calls for scanners", |inside| {
        let flags = i64::from(libc::FAN_CLASS_NOTIF | libc::FAN_REPORT_FID);
        let watch = owned(raw(libc::SYS_fanotify_init, [flags, 0, 0, 0, 0, 0]))?;
        let watch = std::os::fd::AsRawFd::as_raw_fd(&watch).into();
        let path = text(inside.home("keep"));
        let mark = (libc::FAN_MARK_ADD as i64, libc::FAN_OPEN as i64);
        raw(libc::SYS_fanotify_mark, [watch, mark.0, mark.1, libc::AT_FDCWD.into(), name(&path), 0]).map(drop)
    })
    .needs(needs::open_kernel),
    escape("write into /tmp", |inside| fs::write(format!("/tmp/{}", inside.mark()), "x")).touched(),
    escape("write into /var/tmp", |inside| fs::write(format!("/var/tmp/{}", inside.mark()), "x")).touched(),
    escape("write into /dev/shm", |inside| fs::write(format!("/dev/shm/{}", inside.mark()), "x"))
        .needs(|| needs::there("/dev/shm"))
        .touched(),
    escape("change /etc", |_| File::options().append(true).open("/etc/passwd").map(drop)).needs(needs::root),
    escape("change /usr", |_| {
        let file = File::options().write(true).custom_flags(libc::O_TMPFILE).open("/usr/bin");
        file.map(drop)
    })
    .needs(|| needs::root().or_else(|| writable_folder("/usr/bin"))),
    escape("a hook of git", |_| fs::write(".git/hooks/pre-commit", "x"))
        .left(|machine| machine.shadow().join(".git/hooks/pre-commit").exists())
        .beyond_landlock(GIT),
    escape("the settings of git", |_| fs::write(".git/config", "[core]\nfsmonitor = ./x"))
        .left(git_is_changed)
        .beyond_landlock(GIT),
    escape("another .git in its place", |_| {
        fs::rename(".git", "moved")?;
        fs::create_dir(".git").and_then(|()| fs::write(".git/config", "[core]\nhooksPath = ."))
    })
    .left(git_is_changed)
    .beyond_landlock(GIT),
    escape("a program in memory that writes", |_| {
        let program = fs::read("/proc/self/exe")?;
        let mut file = File::from(owned(raw(libc::SYS_memfd_create, [name(&text("x")), 0, 0, 0, 0, 0]))?);
        file.write_all(&program)?;
        let path = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&file));
        let mut command = std::process::Command::new(path);
        command.env("ESCAPE_ROLE", "write a new file into home").output().map(drop)
    })
    .touched(),
];

const GIT: &str = "an exception inside of a writable folder cannot be said";

fn git_is_changed(machine: &Machine) -> bool {
    !fs::read_to_string(machine.shadow().join(".git/config")).is_ok_and(|text| text == "[core]\n")
}

fn writable_folder(path: &str) -> Option<String> {
    let there = call::raw(libc::SYS_access, [name(&text(path)), libc::W_OK.into(), 0, 0, 0, 0]);
    there.err().map(|_| format!("{path} cannot be written here"))
}
