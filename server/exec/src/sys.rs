//! The system calls that neither the standard library nor a safe crate of ours offers: namespaces, mounts,
//! capabilities, Landlock, seccomp, `fork`.
//!
//! This is the only module with unsafe code. The reason: entering a sandbox is a matter of raw system calls, in a
//! process that must do them in one exact order. Every function here is one call (or one loop over one call) with
//! its arguments checked by their types, and answers with `io::Result`; what to call when is decided elsewhere, in
//! safe code. All of them but [`kill`] are called in the supervisor and the init only, which have a single thread.
#![allow(unsafe_code)]

use std::ffi::{CStr, CString};
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

/// True once the hook below has run: this program knows how to be a supervisor.
static ENTRY_LINKED: AtomicBool = AtomicBool::new(false);

/// Runs before `main` in every program that links this crate. The C library calls the functions of this section
/// with all its own parts ready; the standard library needs no preparation for what the inner stage uses.
#[used]
#[unsafe(link_section = ".init_array")]
static ENTRY: extern "C" fn() = {
    extern "C" fn entry() {
        ENTRY_LINKED.store(true, Ordering::Relaxed);
        if let Some(status) = crate::inner::entry() {
            // SAFETY: no other thread exists and nothing is left to be cleaned up.
            unsafe { libc::_exit(status) }
        }
    }
    entry
};

pub(crate) fn entry_is_linked() -> bool {
    // Naming the static keeps it in the program whatever the linker thinks of it.
    std::hint::black_box(&ENTRY);
    ENTRY_LINKED.load(Ordering::Relaxed)
}

fn check(result: libc::c_int) -> io::Result<libc::c_int> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

fn check_long(result: libc::c_long) -> io::Result<libc::c_long> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

fn text(path: &Path) -> io::Result<CString> {
    CString::new(path.as_os_str().as_bytes()).map_err(|_| io::ErrorKind::InvalidInput.into())
}

pub(crate) enum Forked {
    Child,
    Parent(i32),
}

/// Forks. Only for a process with one thread.
pub(crate) fn fork() -> io::Result<Forked> {
    // SAFETY: the caller has one thread, so the child's memory is consistent.
    match check(unsafe { libc::fork() })? {
        0 => Ok(Forked::Child),
        pid => Ok(Forked::Parent(pid)),
    }
}

/// Ends this process without running anything of the parent's that was copied by [`fork`].
pub(crate) fn exit_now(status: i32) -> ! {
    // SAFETY: always sound.
    unsafe { libc::_exit(status) }
}

pub(crate) fn kill(pid: i32, signal: i32) -> io::Result<()> {
    // SAFETY: no memory is involved.
    check(unsafe { libc::kill(pid, signal) }).map(drop)
}

/// A child that ended: its number and wait status. None if there is no child left.
pub(crate) fn wait_any() -> io::Result<Option<(i32, i32)>> {
    let mut status = 0;
    loop {
        // SAFETY: `status` outlives the call.
        match check(unsafe { libc::waitpid(-1, &raw mut status, 0) }) {
            Ok(pid) => return Ok(Some((pid, status))),
            Err(e) if e.raw_os_error() == Some(libc::EINTR) => {}
            Err(e) if e.raw_os_error() == Some(libc::ECHILD) => return Ok(None),
            Err(e) => return Err(e),
        }
    }
}

/// Waits until one of the descriptors can be read (or is closed at the other end); which ones.
pub(crate) fn poll<const N: usize>(fds: [RawFd; N], timeout_ms: i32) -> io::Result<[bool; N]> {
    let mut polled = fds.map(|fd| libc::pollfd { fd, events: libc::POLLIN, revents: 0 });
    // SAFETY: the array outlives the call and its length is N.
    match check(unsafe { libc::poll(polled.as_mut_ptr(), N as libc::nfds_t, timeout_ms) }) {
        Ok(_) => Ok(polled.map(|p| p.revents != 0)),
        Err(e) if e.raw_os_error() == Some(libc::EINTR) => Ok([false; N]),
        Err(e) => Err(e),
    }
}

/// A copy of an inherited descriptor, away from the standard numbers and closed when a program is started. The
/// old number stays taken, so that nothing else comes to lie there by chance, until [`put_at`] replaces it.
pub(crate) fn take_over(fd: RawFd) -> io::Result<OwnedFd> {
    // SAFETY: `fcntl` makes a new descriptor that nobody else owns.
    unsafe { check(libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, 10)).map(|moved| OwnedFd::from_raw_fd(moved)) }
}

/// Puts a copy of `file` at the number `target`, inherited by programs that are started.
pub(crate) fn put_at(file: &impl AsRawFd, target: RawFd) -> io::Result<()> {
    // SAFETY: replacing a standard descriptor; nobody owns these numbers here.
    check(unsafe { libc::dup2(file.as_raw_fd(), target) }).map(drop)
}

/// Closes every descriptor from 3 up except `keep`.
pub(crate) fn close_others(keep: &[RawFd]) -> io::Result<()> {
    let mut kept = keep.to_vec();
    kept.sort_unstable();
    let mut from: libc::c_uint = 3;
    let ends = kept.iter().map(|fd| fd.unsigned_abs()).chain([libc::c_uint::MAX]);
    for end in ends {
        let last = if end == libc::c_uint::MAX { end } else { end - 1 };
        if from <= last {
            // SAFETY: the descriptors closed were inherited; nothing in this process owns them.
            check_long(unsafe { libc::syscall(libc::SYS_close_range, from, last, 0) })?;
        }
        from = end.saturating_add(1);
    }
    Ok(())
}

/// A file in memory.
pub(crate) fn memory_file() -> io::Result<File> {
    // SAFETY: the name is a constant; the new descriptor is owned by the file.
    unsafe { check(libc::memfd_create(c"stdin".as_ptr(), libc::MFD_CLOEXEC)).map(|fd| File::from_raw_fd(fd)) }
}

pub(crate) fn unshare(flags: libc::c_int) -> io::Result<()> {
    // SAFETY: no memory is involved.
    check(unsafe { libc::unshare(flags) }).map(drop)
}

pub(crate) fn new_session() {
    // SAFETY: no memory is involved. It fails only for the leader of a group, which has what it wants then.
    unsafe { libc::setsid() };
}

pub(crate) fn user_and_group() -> (u32, u32) {
    // SAFETY: always sound.
    unsafe { (libc::geteuid(), libc::getegid()) }
}

pub(crate) fn mount(
    source: &Path,
    target: &Path,
    kind: &str,
    flags: libc::c_ulong,
    options: &str,
) -> io::Result<()> {
    let (source, target) = (text(source)?, text(target)?);
    let (kind, options) = (text(Path::new(kind))?, text(Path::new(options))?);
    // SAFETY: all texts end in NUL and outlive the call.
    check(unsafe {
        libc::mount(source.as_ptr(), target.as_ptr(), kind.as_ptr(), flags, options.as_ptr().cast())
    })
    .map(drop)
}

/// Sets attributes (`MOUNT_ATTR_*`) on the mount at `path`, with all below it if asked.
pub(crate) fn set_mount_attributes(path: &Path, attributes: u64, below_too: bool) -> io::Result<()> {
    let flags = if below_too { libc::AT_RECURSIVE } else { 0 };
    mount_setattr(libc::AT_FDCWD, &text(path)?, flags, attributes)
}

fn mount_setattr(at: RawFd, path: &CStr, flags: libc::c_int, attributes: u64) -> io::Result<()> {
    let attr = libc::mount_attr { attr_set: attributes, attr_clr: 0, propagation: 0, userns_fd: 0 };
    // SAFETY: path and structure outlive the call, the size is that of the structure.
    check_long(unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            at,
            path.as_ptr(),
            flags,
            &raw const attr,
            size_of::<libc::mount_attr>(),
        )
    })
    .map(drop)
}

/// Takes hold of the mount at `path` (and of all below it) as a tree of its own, placed nowhere.
pub(crate) fn clone_tree(path: &Path, below_too: bool) -> io::Result<OwnedFd> {
    let path = text(path)?;
    let below = if below_too { libc::AT_RECURSIVE.cast_unsigned() } else { 0 };
    let flags = libc::OPEN_TREE_CLONE | libc::O_CLOEXEC.cast_unsigned() | below;
    // SAFETY: the path outlives the call; the new descriptor is owned by the result.
    unsafe {
        let fd = check_long(libc::syscall(libc::SYS_open_tree, libc::AT_FDCWD, path.as_ptr(), flags))?;
        Ok(OwnedFd::from_raw_fd(fd as RawFd))
    }
}

/// Sets attributes on all of a tree that was taken hold of.
pub(crate) fn set_tree_attributes(tree: &OwnedFd, attributes: u64) -> io::Result<()> {
    mount_setattr(tree.as_raw_fd(), c"", libc::AT_EMPTY_PATH | libc::AT_RECURSIVE, attributes)
}

/// Places a tree at `target`.
pub(crate) fn attach(tree: &OwnedFd, target: &Path) -> io::Result<()> {
    let target = text(target)?;
    // SAFETY: the texts outlive the call.
    check_long(unsafe {
        libc::syscall(
            libc::SYS_move_mount,
            tree.as_raw_fd(),
            c"".as_ptr(),
            libc::AT_FDCWD,
            target.as_ptr(),
            libc::MOVE_MOUNT_F_EMPTY_PATH,
        )
    })
    .map(drop)
}

pub(crate) fn is_folder(tree: &OwnedFd) -> io::Result<bool> {
    // SAFETY: the structure outlives the call.
    unsafe {
        let mut found: libc::stat = std::mem::zeroed();
        check(libc::fstat(tree.as_raw_fd(), &raw mut found))?;
        Ok(found.st_mode & libc::S_IFMT == libc::S_IFDIR)
    }
}

pub(crate) fn detach(path: &Path) -> io::Result<()> {
    let path = text(path)?;
    // SAFETY: the path outlives the call.
    check(unsafe { libc::umount2(path.as_ptr(), libc::MNT_DETACH) }).map(drop)
}

/// Makes the working folder the root and drops the old root.
pub(crate) fn pivot_to_working_folder() -> io::Result<()> {
    // SAFETY: the texts are constants. With both arguments "." the old root is stacked on the new one.
    unsafe {
        check_long(libc::syscall(libc::SYS_pivot_root, c".".as_ptr(), c".".as_ptr()))?;
        check(libc::umount2(c".".as_ptr(), libc::MNT_DETACH))?;
        check(libc::chdir(c"/".as_ptr())).map(drop)
    }
}

/// Turns the loopback device of a new network namespace on.
pub(crate) fn loopback_up() -> io::Result<()> {
    // SAFETY: the socket is closed by its owner; the request is a zeroed structure with name and flags set.
    unsafe {
        let socket = OwnedFd::from_raw_fd(check(libc::socket(
            libc::AF_INET,
            libc::SOCK_DGRAM | libc::SOCK_CLOEXEC,
            0,
        ))?);
        let mut request: libc::ifreq = std::mem::zeroed();
        for (to, from) in request.ifr_name.iter_mut().zip(b"lo") {
            *to = from.cast_signed() as libc::c_char;
        }
        request.ifr_ifru.ifru_flags = (libc::IFF_UP | libc::IFF_RUNNING) as libc::c_short;
        check(libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFFLAGS, &raw mut request)).map(drop)
    }
}

fn prctl(option: libc::c_int, value: libc::c_ulong) -> io::Result<libc::c_int> {
    // SAFETY: only options without pointers are passed by the callers below.
    check(unsafe { libc::prctl(option, value, 0 as libc::c_ulong, 0 as libc::c_ulong, 0 as libc::c_ulong) })
}

/// Dies with the parent.
pub(crate) fn die_with_parent() -> io::Result<()> {
    prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL as libc::c_ulong).map(drop)
}

/// Becomes the parent of all descendants whose own parent dies.
pub(crate) fn adopt_orphans() -> io::Result<()> {
    prctl(libc::PR_SET_CHILD_SUBREAPER, 1).map(drop)
}

/// No program started from here gains rights by a set-uid bit.
pub(crate) fn no_new_privileges() -> io::Result<()> {
    prctl(libc::PR_SET_NO_NEW_PRIVS, 1).map(drop)
}

/// Closes this process to others of the same person: memory, descriptors and environment in `/proc`.
pub(crate) fn close_to_others() -> io::Result<()> {
    prctl(libc::PR_SET_DUMPABLE, 0).map(drop)
}

/// Gives up every capability, for good.
pub(crate) fn drop_capabilities() -> io::Result<()> {
    #[repr(C)]
    struct Header {
        version: u32,
        pid: libc::c_int,
    }
    const VERSION_3: u32 = 0x2008_0522;
    // Leaves the bounding set empty, so that starting a program as user 0 gives nothing back. The kernel says
    // EINVAL after the last capability it knows.
    for capability in 0..64 {
        if prctl(libc::PR_CAPBSET_DROP, capability).is_err() {
            break;
        }
    }
    prctl(libc::PR_CAP_AMBIENT, libc::PR_CAP_AMBIENT_CLEAR_ALL as libc::c_ulong)
        .map(drop)
        .or_else(|e| if e.raw_os_error() == Some(libc::EINVAL) { Ok(()) } else { Err(e) })?;
    let header = Header { version: VERSION_3, pid: 0 };
    let none = [0u32; 6];
    // SAFETY: header and six words are what version 3 of the call reads.
    check_long(unsafe { libc::syscall(libc::SYS_capset, &raw const header, none.as_ptr()) }).map(drop)
}

pub(crate) fn set_limit(resource: libc::__rlimit_resource_t, most: u64) -> io::Result<()> {
    // SAFETY: the structure outlives the calls. A limit can only be lowered below the hard one.
    unsafe {
        let mut limit: libc::rlimit = std::mem::zeroed();
        check(libc::getrlimit(resource, &raw mut limit))?;
        limit.rlim_max = limit.rlim_max.min(most);
        limit.rlim_cur = limit.rlim_max;
        check(libc::setrlimit(resource, &raw const limit)).map(drop)
    }
}

/// Default answers to all signals, none blocked: a command must not inherit what the server ignores.
pub(crate) fn reset_signals() {
    // SAFETY: SIG_DFL is a valid handler for every signal; the calls fail harmlessly for SIGKILL and SIGSTOP.
    unsafe {
        for signal in 1..=libc::SIGRTMAX() {
            libc::signal(signal, libc::SIG_DFL);
        }
        let mut none: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut none);
        libc::sigprocmask(libc::SIG_SETMASK, &raw const none, std::ptr::null_mut());
        libc::umask(0o022);
    }
}

/// Installs a system-call filter. `program` is a whole BPF program that ends in a return.
pub(crate) fn filter_system_calls(program: &[libc::sock_filter]) -> io::Result<()> {
    let length = u16::try_from(program.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    let program = libc::sock_fprog { len: length, filter: program.as_ptr().cast_mut() };
    // SAFETY: the kernel copies the program; it does not write to it.
    check_long(unsafe {
        libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, 0, &raw const program)
    })
    .map(drop)
}

/// Attributes of a Landlock ruleset, as far as ABI 6 knows them.
#[repr(C)]
pub(crate) struct RulesetAttributes {
    pub files: u64,
    pub network: u64,
    pub scoped: u64,
}

#[repr(C, packed)]
struct BeneathAttributes {
    allowed: u64,
    parent: i32,
}

/// The Landlock version of the kernel; an error where there is none.
pub(crate) fn landlock_abi() -> io::Result<i64> {
    const VERSION: u32 = 1;
    // SAFETY: with this flag the call reads no structure.
    check_long(unsafe {
        libc::syscall(libc::SYS_landlock_create_ruleset, std::ptr::null::<u8>(), 0usize, VERSION)
    })
}

pub(crate) fn landlock_ruleset(attributes: &RulesetAttributes) -> io::Result<OwnedFd> {
    // SAFETY: the structure outlives the call, its size is given; the new descriptor is owned by the result.
    unsafe {
        let size = size_of::<RulesetAttributes>();
        let fd = check_long(libc::syscall(
            libc::SYS_landlock_create_ruleset,
            std::ptr::from_ref(attributes),
            size,
            0,
        ))?;
        Ok(OwnedFd::from_raw_fd(fd as RawFd))
    }
}

pub(crate) fn landlock_allow(ruleset: &OwnedFd, beneath: &File, allowed: u64) -> io::Result<()> {
    const PATH_BENEATH: u32 = 1;
    let rule = BeneathAttributes { allowed, parent: beneath.as_raw_fd() };
    // SAFETY: the structure outlives the call and has the layout of this kind of rule.
    check_long(unsafe {
        libc::syscall(libc::SYS_landlock_add_rule, ruleset.as_raw_fd(), PATH_BENEATH, &raw const rule, 0)
    })
    .map(drop)
}

pub(crate) fn landlock_restrict(ruleset: &OwnedFd) -> io::Result<()> {
    // SAFETY: no memory is involved.
    check_long(unsafe { libc::syscall(libc::SYS_landlock_restrict_self, ruleset.as_raw_fd(), 0) }).map(drop)
}

/// Bytes of a page of memory.
pub(crate) fn page_size() -> u64 {
    // SAFETY: always sound.
    u64::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).unwrap_or(4096)
}
