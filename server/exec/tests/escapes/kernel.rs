//! New namespaces and mounts, rights that outlive the command, and the parts of the kernel that no build needs.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use crate::call::{self, at, at_mut, got_past, in_child, name, owned, raw, text};
use crate::inside::{holds, is_secret};
use crate::machine::Machine;
use crate::needs;
use crate::table::{Escape, escape};

const USER: i64 = libc::CLONE_NEWUSER as i64;
const MOUNTS: i64 = libc::CLONE_NEWNS as i64;

pub const TABLE: &[Escape] = &[
    escape("a user namespace by unshare", |_| in_child(|| unshare(USER))).needs(needs::user_namespaces),
    escape("a user namespace by clone", |_| {
        in_child(|| match raw(libc::SYS_clone, [USER | i64::from(libc::SIGCHLD), 0, 0, 0, 0, 0])? {
            0 => call::exit(0),
            _ => Ok(()),
        })
    })
    .needs(needs::user_namespaces),
    escape("a user namespace by clone3", |_| {
        let mut arguments = [0u64; 11];
        (arguments[0], arguments[4]) = (USER as u64, libc::SIGCHLD as u64);
        in_child(|| match raw(libc::SYS_clone3, [at(&arguments), 88, 0, 0, 0, 0])? {
            0 => call::exit(0),
            _ => Ok(()),
        })
    })
    .needs(needs::user_namespaces),
    escape("a user namespace, and a mount in it", |_| {
        in_child(|| {
            unshare(USER | MOUNTS)?;
            mount("none", "/", "", (libc::MS_REC | libc::MS_PRIVATE) as i64)?;
            fs::create_dir("m").and_then(|()| mount("none", "m", "tmpfs", 0))
        })
    })
    .needs(needs::user_namespaces),
    escape("a user namespace, and all rights in it", |_| {
        in_child(|| {
            unshare(USER)?;
            let status = fs::read_to_string("/proc/self/status")?;
            holds(status.contains("CapEff:\t000001ffffffffff"), "no rights came with it")
        })
    })
    .needs(needs::user_namespaces),
    escape("a network namespace", |_| in_child(|| unshare(libc::CLONE_NEWNET.into()))).needs(needs::admin),
    escape("mount a file system", |_| {
        with_own_mounts(|| fs::create_dir("m").and_then(|()| mount("none", "m", "tmpfs", 0)))
    })
    .needs(needs::admin),
    escape("mount home into the shadow", |inside| {
        let home = inside.home("").to_string_lossy().into_owned();
        with_own_mounts(|| {
            fs::create_dir("m").and_then(|()| mount(&home, "m", "", libc::MS_BIND as i64))?;
            is_secret(fs::read("m/secret")?)
        })
    })
    .needs(needs::admin),
    escape("mount /usr anew for writing", |_| {
        with_own_mounts(|| {
            mount("/usr", "/usr", "", libc::MS_BIND as i64)?;
            mount("none", "/usr", "", (libc::MS_REMOUNT | libc::MS_BIND) as i64)
        })
    })
    .needs(needs::admin),
    escape("mount the root anew for writing", |_| {
        with_own_mounts(|| mount("none", "/", "", (libc::MS_REMOUNT | libc::MS_BIND) as i64))
    })
    .needs(needs::admin),
    escape("mount another /proc", |_| {
        with_own_mounts(|| fs::create_dir("m").and_then(|()| mount("proc", "m", "proc", 0)))
    })
    .needs(needs::admin),
    escape("take a mount off", |_| {
        with_own_mounts(|| {
            let detach = i64::from(libc::MNT_DETACH);
            raw(libc::SYS_umount2, [name(&text("/proc")), detach, 0, 0, 0, 0]).map(drop)
        })
    })
    .needs(needs::admin),
    escape("mount by the newer calls", |_| {
        owned(raw(libc::SYS_fsopen, [name(&text("tmpfs")), 0, 0, 0, 0, 0])).map(drop)
    })
    .needs(needs::admin),
    escape("take hold of a tree of mounts", |_| {
        let clone = i64::from(libc::OPEN_TREE_CLONE);
        owned(raw(libc::SYS_open_tree, [libc::AT_FDCWD.into(), name(&text("/")), clone, 0, 0, 0])).map(drop)
    })
    .needs(needs::admin),
    escape("take hold of a tree with other attributes", |_| {
        let (clone, writable) = (i64::from(libc::OPEN_TREE_CLONE), [0u64, libc::MOUNT_ATTR_RDONLY, 0, 0]);
        let here = libc::AT_FDCWD.into();
        owned(raw(OPEN_TREE_ATTR, [here, name(&text("/")), clone, at(&writable), 32, 0])).map(drop)
    })
    .needs(|| needs::admin().or_else(newest_calls)),
    escape("change attributes of a mount", |_| {
        let (none, here) = ([0u64, libc::MOUNT_ATTR_RDONLY, 0, 0], libc::AT_FDCWD.into());
        with_own_mounts(|| {
            raw(libc::SYS_mount_setattr, [here, name(&text("/")), 0, at(&none), 32, 0]).map(drop)
        })
    })
    .needs(needs::admin),
    escape("change the root by pivot_root", |_| {
        with_own_mounts(|| {
            fs::create_dir("m").and_then(|()| mount("none", "m", "tmpfs", 0))?;
            std::env::set_current_dir("m")?;
            let here = text(".");
            raw(libc::SYS_pivot_root, [name(&here), name(&here), 0, 0, 0, 0]).map(drop)
        })
    })
    .needs(|| needs::admin().or_else(rootfs)),
    escape("climb out of a root by chroot", |inside| {
        in_child(|| {
            fs::create_dir("jail")?;
            raw(libc::SYS_chroot, [name(&text("jail")), 0, 0, 0, 0, 0])?;
            let mut up = "../".repeat(20);
            up.push_str(inside.home("secret").to_string_lossy().trim_start_matches('/'));
            is_secret(fs::read(up)?)
        })
    })
    .needs(needs::admin),
    escape("enter the mounts of a process", |inside| {
        let mounts = File::open(format!("/proc/{}/ns/mnt", inside.bystander()))?;
        in_child(|| raw(libc::SYS_setns, [mounts.as_raw_fd().into(), MOUNTS, 0, 0, 0, 0]).map(drop))
    })
    .needs(needs::admin),
    escape("enter the namespaces of a process by its handle", |inside| {
        let process = crate::secrets::handle(inside)?;
        let all = MOUNTS | i64::from(libc::CLONE_NEWNET);
        in_child(|| raw(libc::SYS_setns, [process.as_raw_fd().into(), all, 0, 0, 0, 0]).map(drop))
    })
    .needs(needs::admin),
    escape("a set-uid program by chmod", |_| {
        fs::write("f", "x").and_then(|()| fs::set_permissions("f", fs::Permissions::from_mode(0o4755)))
    })
    .left(lends_rights),
    escape("a set-uid program by fchmod", |_| {
        File::create("f")?.set_permissions(fs::Permissions::from_mode(0o4755))
    })
    .left(lends_rights),
    escape("a set-uid program by fchmodat2", |_| {
        fs::write("f", "x")?;
        raw(FCHMODAT2, [libc::AT_FDCWD.into(), name(&text("f")), 0o4755, 0, 0, 0]).map(drop)
    })
    .needs(|| {
        (raw(FCHMODAT2, [-1; 6]).is_err_and(|e| e.raw_os_error() == Some(libc::ENOSYS))).then(old_kernel)
    })
    .left(lends_rights),
    escape("a set-uid program by creating it", |_| {
        let flags = i64::from(libc::O_CREAT | libc::O_WRONLY);
        raw(libc::SYS_openat, [libc::AT_FDCWD.into(), name(&text("f")), flags, 0o4755, 0, 0]).map(drop)
    })
    .left(lends_rights),
    escape("a set-uid program by openat2", |_| {
        let how = [(libc::O_CREAT | libc::O_WRONLY) as u64, 0o4755, 0];
        raw(libc::SYS_openat2, [libc::AT_FDCWD.into(), name(&text("f")), at(&how), 24, 0, 0]).map(drop)
    })
    .left(lends_rights),
    escape("a set-uid program by mknod", |_| {
        let mode = i64::from(libc::S_IFREG | 0o4755);
        raw(libc::SYS_mknodat, [libc::AT_FDCWD.into(), name(&text("f")), mode, 0, 0, 0]).map(drop)
    })
    .left(lends_rights),
    escape("a set-gid program by chmod", |_| {
        fs::write("f", "x").and_then(|()| fs::set_permissions("f", fs::Permissions::from_mode(0o2755)))
    })
    .left(lends_rights),
    #[cfg(target_arch = "x86_64")]
    escape("a set-uid program by a call of 32 bits", |_| {
        fs::write("f", "x")?;
        call::older(15, call::low_memory(b"f\0")?, 0o4755).map(drop)
    })
    .needs(older_calls)
    .left(lends_rights),
    escape("a set-uid program in memory", |_| {
        let file = File::from(owned(raw(libc::SYS_memfd_create, [name(&text("x")), 0, 0, 0, 0, 0]))?);
        file.set_permissions(fs::Permissions::from_mode(0o4755))
    }),
    escape("a program with capabilities of its own", |_| {
        fs::write("f", "x")?;
        let (path, key) = (text("f"), text("security.capability"));
        let value = [0x0200_0001u32, 0x2000, 0, 0, 0];
        raw(libc::SYS_setxattr, [name(&path), name(&key), at(&value), 20, 0, 0]).map(drop)
    })
    .needs(needs::file_capabilities),
    escape("a file of somebody else's", |_| {
        fs::write("f", "x").and_then(|()| std::os::unix::fs::chown("f", Some(1), Some(1)))
    })
    .needs(needs::change_owner),
    escape("new rights by a set-uid program", |_| {
        let status = fs::read_to_string("/proc/self/status")?;
        holds(status.contains("NoNewPrivs:\t0"), "programs give none")
    })
    .needs(needs::new_rights),
    escape("rights of user 0", |_| {
        let status = fs::read_to_string("/proc/self/status")?;
        let none = |field: &str| status.contains(&format!("{field}:\t0000000000000000"));
        holds(!none("CapEff") || !none("CapPrm") || !none("CapBnd"), "there are none")
    })
    .needs(needs::admin),
    escape("a device", |_| {
        let (mode, zero) = (i64::from(libc::S_IFCHR | 0o600), libc::makedev(1, 5) as i64);
        raw(libc::SYS_mknodat, [libc::AT_FDCWD.into(), name(&text("d")), mode, zero, 0, 0]).map(drop)
    })
    .needs(needs::make_devices),
    escape("a virtual machine", |_| device("/dev/kvm")).needs(|| needs::writable("/dev/kvm")),
    escape("a file system by a program", |_| device("/dev/fuse")).needs(|| needs::writable("/dev/fuse")),
    escape("a network device", |_| device("/dev/net/tun")).needs(|| needs::writable("/dev/net/tun")),
    escape("a word into the kernel's log", |_| device("/dev/kmsg")).needs(|| needs::writable("/dev/kmsg")),
    escape("what the kernel does with a crash", |_| same("/proc/sys/kernel/core_pattern"))
        .needs(needs::kernel_settings),
    escape("settings of the kernel", |_| same("/proc/sys/kernel/panic")).needs(needs::kernel_settings),
    escape("settings of memory", |_| same("/proc/sys/vm/overcommit_memory")).needs(needs::kernel_settings),
    escape("settings of the network", |_| same("/proc/sys/net/ipv4/ip_forward"))
        .needs(needs::kernel_settings),
    escape("keys that the kernel obeys", |_| device("/proc/sysrq-trigger"))
        .needs(|| needs::writable("/proc/sysrq-trigger")),
    escape("a control group", |inside| {
        let group = format!("/sys/fs/cgroup/{}", inside.mark());
        fs::create_dir(&group)?;
        fs::remove_dir(&group)
    })
    .needs(|| needs::root().or_else(control_groups)),
    escape("what starts when a control group ends", |_| {
        let mut all = fs::read_dir("/sys/fs/cgroup")?.flatten().map(|e| e.path().join("release_agent"));
        holds(all.any(|agent| File::options().write(true).open(agent).is_ok()), "none can be written")
    })
    .needs(|| needs::root().or_else(release_agents)),
    escape("settings of a device", |_| {
        let quiet = "/sys/kernel/mm/transparent_hugepage/enabled";
        File::options().write(true).open(quiet).map(drop)
    })
    .needs(|| needs::writable("/sys/kernel/mm/transparent_hugepage/enabled")),
    escape("leave a key for later", |_| {
        let (kind, key, value) = (text("user"), text("galley"), *b"x");
        raw(libc::SYS_add_key, [name(&kind), name(&key), at(&value), 1, -4, 0]).map(drop)
    })
    .needs(needs::keys),
    escape("keys of the session", |_| raw(libc::SYS_keyctl, [0, -3, 0, 0, 0, 0]).map(drop))
        .needs(needs::keys),
    escape("a program in the kernel", |_| {
        let map = [2u32, 4, 4, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        owned(raw(libc::SYS_bpf, [0, at(&map), 72, 0, 0, 0])).map(drop)
    })
    .needs(needs::programs_in_the_kernel),
    escape("counters of events", |_| {
        let mut attributes = [0u32; 32];
        // A clock in software, without the kernel's own part.
        (attributes[0], attributes[1], attributes[10]) = (1, 128, 0b110_0000);
        owned(raw(libc::SYS_perf_event_open, [at(&attributes), 0, -1, -1, 0, 0])).map(drop)
    })
    .needs(needs::counters),
    escape("faults of memory as events", |_| owned(raw(libc::SYS_userfaultfd, [1, 0, 0, 0, 0, 0])).map(drop))
        .needs(needs::open_kernel),
    escape("a ring of operations", |_| {
        let mut parameters = [0u32; 30];
        owned(raw(libc::SYS_io_uring_setup, [1, at_mut(&mut parameters), 0, 0, 0, 0])).map(drop)
    })
    .needs(needs::rings),
    escape("another kernel", |_| got_past(raw(libc::SYS_kexec_load, [0, 0, 0, -1, 0, 0])))
        .needs(|| needs::boot().or_else(|| exists(libc::SYS_kexec_load, [0, 0, 0, -1, 0, 0]))),
    escape("another kernel from a file", |_| got_past(raw(libc::SYS_kexec_file_load, [-1, -1, 0, 0, -1, 0])))
        .needs(|| needs::boot().or_else(|| exists(libc::SYS_kexec_file_load, [-1, -1, 0, 0, -1, 0]))),
    escape("start the machine anew", |_| got_past(raw(libc::SYS_reboot, [0; 6]))).needs(needs::boot),
    escape("a module", |_| got_past(raw(libc::SYS_finit_module, [-1, name(&text("")), 0, 0, 0, 0])))
        .needs(|| needs::modules().or_else(|| exists(libc::SYS_finit_module, [-1, 0, 0, 0, 0, 0]))),
    escape("take a module away", |_| {
        got_past(raw(libc::SYS_delete_module, [name(&text("galley-none")), 0, 0, 0, 0, 0]))
    })
    .needs(|| needs::modules().or_else(|| exists(libc::SYS_delete_module, [0; 6]))),
    escape("swap", |_| got_past(raw(libc::SYS_swapon, [name(&text("galley-none")), 0, 0, 0, 0, 0])))
        .needs(|| needs::admin().or_else(|| exists(libc::SYS_swapon, [0; 6]))),
    escape("accounts of processes", |_| {
        got_past(raw(libc::SYS_acct, [name(&text("galley-none")), 0, 0, 0, 0, 0]))
    })
    .needs(|| {
        needs::accounting().or_else(|| exists(libc::SYS_acct, [name(&text("galley-none")), 0, 0, 0, 0, 0]))
    }),
    escape("the name of the machine", |_| {
        let own = fs::read("/proc/sys/kernel/hostname")?;
        let length = own.len().saturating_sub(1) as i64;
        raw(libc::SYS_sethostname, [at(&own), length, 0, 0, 0, 0]).map(drop)
    })
    .needs(needs::admin),
    escape("the log of the kernel", |_| {
        let mut start = [0u8; 256];
        raw(libc::SYS_syslog, [3, at_mut(&mut start), 256, 0, 0, 0]).map(drop)
    })
    .needs(needs::kernel_log),
    escape("write to the person's terminal", |inside| {
        let mut terminal = File::options().write(true).open(inside.fact("TERMINAL"))?;
        terminal.write_all(b"x")
    }),
    escape("type into the person's terminal", |inside| {
        in_child(|| {
            raw(libc::SYS_setsid, [0; 6])?;
            let terminal = File::options().read(true).write(true).open(inside.fact("TERMINAL"))?;
            raw(libc::SYS_ioctl, [terminal.as_raw_fd().into(), libc::TIOCSCTTY as i64, 0, 0, 0, 0])?;
            raw(libc::SYS_ioctl, [terminal.as_raw_fd().into(), libc::TIOCSTI as i64, at(b"x"), 0, 0, 0])
                .map(drop)
        })
    })
    .needs(needs::typing),
];

const OPEN_TREE_ATTR: libc::c_long = 467;
const FCHMODAT2: libc::c_long = 452;

fn unshare(flags: i64) -> io::Result<()> {
    raw(libc::SYS_unshare, [flags, 0, 0, 0, 0, 0]).map(drop)
}

fn mount(source: &str, target: &str, kind: &str, flags: i64) -> io::Result<()> {
    let (source, target, kind) = (text(source), text(target), text(kind));
    raw(libc::SYS_mount, [name(&source), name(&target), name(&kind), flags, 0, 0]).map(drop)
}

/// In mounts of its own where that is possible, so that nobody else sees them without a sandbox; inside, where it is
/// not, the part is tried all the same.
fn with_own_mounts(part: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
    in_child(|| {
        if unshare(MOUNTS).is_ok() {
            mount("none", "/", "", (libc::MS_REC | libc::MS_PRIVATE) as i64)?;
        }
        part()
    })
}

fn lends_rights(machine: &Machine) -> bool {
    fs::metadata(machine.shadow().join("f")).is_ok_and(|found| found.mode() & 0o6000 != 0)
}

/// Opens for writing; nothing is written.
fn device(path: &str) -> io::Result<()> {
    File::options().write(true).open(path).map(drop)
}

/// Writes what is there already.
fn same(path: &str) -> io::Result<()> {
    let value = fs::read(path)?;
    File::options().write(true).open(path)?.write_all(&value)
}

fn old_kernel() -> String {
    "this kernel has no such call".to_owned()
}

fn exists(number: libc::c_long, a: [i64; 6]) -> Option<String> {
    raw(number, a).is_err_and(|e| e.raw_os_error() == Some(libc::ENOSYS)).then(old_kernel)
}

fn newest_calls() -> Option<String> {
    exists(OPEN_TREE_ATTR, [-1, 0, 0, 0, 0, 0])
}

/// The first root of a machine cannot be changed by this call.
fn rootfs() -> Option<String> {
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let root = mounts.lines().any(|line| line.split(' ').nth(4) == Some("/") && line.contains(" - rootfs "));
    root.then(|| "the root here is the first one".to_owned())
}

fn control_groups() -> Option<String> {
    needs::there("/sys/fs/cgroup").or_else(|| {
        let probe = format!("/sys/fs/cgroup/galley-probe-{}", std::process::id());
        let made = fs::create_dir(&probe).and_then(|()| fs::remove_dir(&probe));
        made.err().map(|e| format!("no group can be made here: {e}"))
    })
}

fn release_agents() -> Option<String> {
    let groups = fs::read_dir("/sys/fs/cgroup").into_iter().flatten().flatten();
    let there =
        groups.map(|e| e.path().join("release_agent")).any(|agent| device(&agent.to_string_lossy()).is_ok());
    (!there).then(|| "no group here has one".to_owned())
}

#[cfg(target_arch = "x86_64")]
fn older_calls() -> Option<String> {
    // `getpid`; a kernel without them ends the process that tries.
    in_child(|| call::older(20, 0, 0).map(drop)).err().map(|_| old_kernel())
}
