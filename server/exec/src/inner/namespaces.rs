//! Walls by namespaces: a new root made of what the view shows, everything else is simply not there.
//!
//! The new root is an empty file system in memory. The system's folders, toolchains and the writable list are bound
//! into it at their own paths, so that no tool needs to know. Mounts are locked by the user namespace: nobody inside
//! has the right to take them off, and the last step gives up the rights that made them.

use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt, symlink};
use std::path::{Path, PathBuf};

use super::{landlock, step, unions};
use crate::plan::{Plan, View};
use crate::sys;

/// Where the new root is put together. Any folder that exists everywhere will do: it is covered, not changed.
const STAGE: &str = "/tmp";
/// Devices that a command may have.
const DEVICES: &[&str] = &["null", "zero", "full", "random", "urandom", "tty"];
/// Files of `/proc` that belong to the whole machine. User 0 outside stays user 0 for these, without any capability.
const MACHINE_FILES: &[&str] = &[
    "sysrq-trigger",
    "kcore",
    "kmsg",
    "keys",
    "key-users",
    "timer_list",
    "latency_stats",
    "sched_debug",
    "kpagecount",
    "kpageflags",
    "kpagecgroup",
    "kallsyms",
    "interrupts",
    "slabinfo",
    "vmallocinfo",
];
/// Folders of `/proc` that change or show the machine.
const MACHINE_FOLDERS: &[&str] = &["sys", "irq", "bus", "acpi", "scsi", "fs", "driver", "tty", "sysvipc"];

const READ_ONLY: u64 = libc::MOUNT_ATTR_RDONLY;
const TAME: u64 = libc::MOUNT_ATTR_NOSUID | libc::MOUNT_ATTR_NODEV;

/// Leaves the person's namespaces; process 1 of the new one is the next child.
pub(super) fn enter(network: bool) -> Result<(), String> {
    let (user, group) = sys::user_and_group();
    let mut flags = libc::CLONE_NEWUSER
        | libc::CLONE_NEWNS
        | libc::CLONE_NEWPID
        | libc::CLONE_NEWIPC
        | libc::CLONE_NEWUTS
        | libc::CLONE_NEWCGROUP;
    if !network {
        flags |= libc::CLONE_NEWNET;
    }
    sys::unshare(flags).map_err(|e| match e.raw_os_error() {
        Some(libc::ENOSPC) => {
            "user namespaces are switched off here (sysctl user.max_user_namespaces)".to_owned()
        }
        Some(libc::EPERM) => "user namespaces are forbidden here (by a container, AppArmor or sysctl \
            kernel.apparmor_restrict_unprivileged_userns)"
            .to_owned(),
        _ => format!("make namespaces: {e}"),
    })?;
    step("write setgroups", fs::write("/proc/self/setgroups", "deny"))?;
    step("map the user", fs::write("/proc/self/uid_map", format!("{user} {user} 1")))?;
    step("map the group", fs::write("/proc/self/gid_map", format!("{group} {group} 1")))?;
    if !network {
        step("start the loopback", sys::loopback_up())?;
    }
    Ok(())
}

/// Puts the new root together, enters it and gives up all rights. For process 1 of the new namespace.
pub(super) fn build(plan: &Plan) -> Result<(), String> {
    let view = &plan.view;
    let none = Path::new("none");
    sys::mount(none, Path::new("/"), "", libc::MS_REC | libc::MS_PRIVATE, "")
        .map_err(|e| format!("mounts are forbidden here, as by a container or a security module: {e}"))?;
    unions::mount(&view.unions)?;
    // Everything is taken hold of before the stage covers what lies there.
    let parts = parts(view)?;
    let devices =
        step("take the devices", take_all(DEVICES.iter().map(|name| Path::new("/dev").join(name))))?;
    step("lay the floor", sys::mount(none, Path::new(STAGE), "tmpfs", 0, "mode=0755,size=16m"))?;
    let private = Private::mount(plan.memory_bytes)?;
    private.place(view)?;
    place_links(view)?;
    for part in &parts {
        step(&format!("show {}", part.path.display()), part.place())?;
    }
    place_devices(&devices)?;
    place_proc(&private, plan.processes).map_err(|e| {
        format!("show processes: {e} (a container that hides parts of /proc forbids another one)")
    })?;
    for path in &view.hidden {
        step(&format!("hide {}", path.display()), private.hide(path))?;
    }
    // Last, so that they show what is shown, and hide what is hidden.
    for (name, place) in &view.aliases {
        step(&format!("show {} as it is named", name.display()), alias(name, place))?;
    }
    private.finish()?;
    step("fix the floor", sys::set_mount_attributes(Path::new(STAGE), READ_ONLY | TAME, false))?;
    step("enter the stage", std::env::set_current_dir(STAGE))?;
    step("change the root", sys::pivot_to_working_folder())?;
    if plan.network {
        // Abstract sockets live in the network namespace, which is shared now.
        landlock::scope_only()?;
    }
    step("give up rights", sys::drop_capabilities())
}

/// A piece of the old tree, held by a descriptor, and where it goes.
struct Part {
    path: PathBuf,
    tree: OwnedFd,
    shown: Shown,
}

/// How a piece is shown.
#[derive(Clone, Copy, PartialEq)]
enum Shown {
    /// As it is.
    Bare,
    /// Behind a layer of its own, so that nobody answers who listens at a socket or a pipe in it.
    Walled,
    /// As walled, and what is written stays in the layer.
    Cache,
}

/// The system's own trees, where nobody but the administrator leaves sockets and pipes. What listens there at the start
/// of a command is covered (`view`).
const SYSTEM_TREES: &[&str] = &[
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/etc",
    "/sys",
    "/nix/store",
    "/gnu/store",
];

impl Shown {
    /// How a folder is shown that is only read.
    fn read_only(path: &Path, mounts: &[PathBuf]) -> Shown {
        let system = SYSTEM_TREES.iter().any(|tree| path.starts_with(tree));
        // A layer shows one file system; what is mounted below would be missing.
        let whole = !mounts.iter().any(|mount| mount != path && mount.starts_with(path));
        if !system && whole && path.is_dir() { Shown::Walled } else { Shown::Bare }
    }
}

/// Where something is mounted.
fn mounts() -> Vec<PathBuf> {
    let text = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let place = |line: &str| line.split(' ').nth(4).map(|place| PathBuf::from(place.replace("\\040", " ")));
    text.lines().filter_map(place).collect()
}

/// Takes hold of all that the view shows, in the order in which it must be placed: outer before inner.
fn parts(view: &View) -> Result<Vec<Part>, String> {
    let mounts = mounts();
    let own = |path: &PathBuf, read_only, shown| (path.clone(), path.clone(), read_only, shown);
    let tops = view.writable.iter().chain(view.unions.iter().map(|union| &union.place));
    let git = tops
        .map(|top| top.join(".git"))
        .filter(|git| fs::symlink_metadata(git).is_ok_and(|found| !found.is_symlink()));
    let shown = view.shown.iter().map(|(source, place)| (source.clone(), place.clone(), true, Shown::Bare));
    let mut wanted: Vec<_> = Vec::new();
    wanted.extend(view.readable.iter().map(|path| own(path, true, Shown::read_only(path, &mounts))));
    wanted.extend(view.caches.iter().map(|path| own(path, true, Shown::Cache)));
    wanted.extend(view.writable.iter().map(|path| own(path, false, Shown::Bare)));
    wanted.extend(git.map(|path| own(&path, true, Shown::Bare)));
    wanted.extend(shown);
    // A stable sort: of equal paths the later kind lies on top.
    wanted.sort_by_key(|(_, path, ..)| path.components().count());
    wanted
        .into_iter()
        .map(|(source, path, read_only, shown)| {
            let attributes = if read_only { READ_ONLY | TAME } else { TAME };
            let tree = sys::clone_tree(&source, true)
                .and_then(|tree| sys::set_tree_attributes(&tree, attributes).map(|()| tree));
            let tree = step(&format!("take hold of {}", source.display()), tree)?;
            Ok(Part { path, tree, shown })
        })
        .collect()
}

fn take_all(paths: impl Iterator<Item = PathBuf>) -> io::Result<Vec<(PathBuf, OwnedFd)>> {
    paths.filter(|p| p.exists()).map(|p| sys::clone_tree(&p, false).map(|tree| (p, tree))).collect()
}

/// Where a path of the old tree comes to lie while the new one is put together.
fn staged(path: &Path) -> PathBuf {
    Path::new(STAGE).join(path.strip_prefix("/").unwrap_or(path))
}

/// Makes a place that a folder or file can be attached at.
fn make_place(at: &Path, folder: bool) -> io::Result<()> {
    if at.symlink_metadata().is_ok() {
        return Ok(());
    }
    let above = if folder { at } else { at.parent().unwrap_or(at) };
    DirBuilder::new().recursive(true).mode(0o755).create(above)?;
    if folder { Ok(()) } else { File::create_new(at).map(drop) }
}

impl Part {
    fn place(&self) -> io::Result<()> {
        let at = staged(&self.path);
        make_place(&at, sys::is_folder(&self.tree)?)?;
        sys::attach(&self.tree, &at)?;
        // Where the kernel cannot lay a private layer on top, the folder stays as it is, read-only.
        let _ = match self.shown {
            Shown::Bare => Ok(()),
            Shown::Walled => wall(&at),
            Shown::Cache => layer(&at),
        };
        Ok(())
    }
}

/// Shows a folder of the stage at another path of it, with all that is placed in it.
fn alias(name: &Path, place: &Path) -> io::Result<()> {
    let at = staged(name);
    make_place(&at, true)?;
    sys::attach(&sys::clone_tree(&staged(place), true)?, &at)
}

/// A path as the options of a mount can say it.
fn for_options(at: &Path) -> io::Result<&str> {
    at.to_str().filter(|t| !t.contains([',', ':', '\\'])).ok_or(io::ErrorKind::InvalidInput.into())
}

/// Lays a writable layer over a read-only folder; what is written there dies with the sandbox.
fn layer(at: &Path) -> io::Result<()> {
    let text = for_options(at)?;
    let name = text.replace('/', "-");
    let layers = Path::new(STAGE).join(PRIVATE).join("layers");
    let (upper, work) = (layers.join(format!("{name}.upper")), layers.join(format!("{name}.work")));
    fs::create_dir(&upper)?;
    fs::create_dir(&work)?;
    let options =
        format!("lowerdir={text},upperdir={},workdir={},userxattr", upper.display(), work.display());
    sys::mount(Path::new("overlay"), at, "overlay", libc::MS_NOSUID | libc::MS_NODEV, &options)
}

/// Lays the folder over nothing: its files are the same, its sockets and pipes are others than those below.
fn wall(at: &Path) -> io::Result<()> {
    let void = Path::new(STAGE).join(PRIVATE).join("void");
    let options = format!("lowerdir={}:{},userxattr", for_options(at)?, void.display());
    let tame = libc::MS_NOSUID | libc::MS_NODEV | libc::MS_RDONLY;
    sys::mount(Path::new("overlay"), at, "overlay", tame, &options)
}

/// Name of the folder at the stage that holds what is private to the sandbox.
const PRIVATE: &str = ".private";

/// One file system in memory, whose folders are home, `/tmp` and the like: together bounded in size.
struct Private;

impl Private {
    fn mount(memory: Option<u64>) -> Result<Private, String> {
        let at = Path::new(STAGE).join(PRIVATE);
        step("make a private place", fs::create_dir(&at))?;
        // The rest is for processes, whose memory is counted together with this.
        let size = memory.map_or("50%".to_owned(), |bytes| (bytes / 2).max(16 << 20).to_string());
        let options = format!("mode=0755,size={size}");
        let tame = libc::MS_NOSUID | libc::MS_NODEV;
        step("make private memory", sys::mount(Path::new("none"), &at, "tmpfs", tame, &options))?;
        step("make the layers", fs::create_dir(at.join("layers")))?;
        step("make a void", DirBuilder::new().mode(0o555).create(at.join("void")))?;
        step("make an empty file", File::create_new(at.join("empty")).map(drop))?;
        Ok(Private)
    }

    /// Gives a folder of its own to each path that must be writable but kept from nobody's eyes.
    fn place(&self, view: &View) -> Result<(), String> {
        for path in ["/tmp", "/var/tmp", "/run", "/dev/shm"] {
            step(&format!("make {path}"), self.folder(Path::new(path), 0o1777))?;
        }
        if let Some(home) = &view.home {
            step("make a home", self.folder(home, 0o700))?;
        }
        step("link /var/run", symlink("/run", staged(Path::new("/var/run"))))
    }

    fn folder(&self, path: &Path, mode: u32) -> io::Result<()> {
        let name = path.to_string_lossy().replace('/', "-");
        let own = Path::new(STAGE).join(PRIVATE).join(name);
        fs::create_dir(&own)?;
        fs::set_permissions(&own, std::os::unix::fs::PermissionsExt::from_mode(mode))?;
        let at = staged(path);
        make_place(&at, true)?;
        sys::attach(&sys::clone_tree(&own, false)?, &at)
    }

    /// Covers a path, if it is there.
    fn hide(&self, path: &Path) -> io::Result<()> {
        let at = staged(path);
        let Ok(found) = at.symlink_metadata() else { return Ok(()) };
        let cover = Path::new(STAGE).join(PRIVATE).join(if found.is_dir() { "void" } else { "empty" });
        let cover = sys::clone_tree(&cover, false)?;
        sys::set_tree_attributes(&cover, READ_ONLY | TAME)?;
        sys::attach(&cover, &at)
    }

    /// Takes the whole away from sight; the folders attached elsewhere stay.
    fn finish(self) -> Result<(), String> {
        let at = Path::new(STAGE).join(PRIVATE);
        step("take the private place away", sys::detach(&at))?;
        step("remove the private place", fs::remove_dir(&at))
    }
}

fn place_links(view: &View) -> Result<(), String> {
    for (path, target) in &view.links {
        let at = staged(path);
        let made = make_place(at.parent().unwrap_or(&at), true).and_then(|()| symlink(target, &at));
        step(&format!("link {}", path.display()), made)?;
    }
    Ok(())
}

fn place_devices(devices: &[(PathBuf, OwnedFd)]) -> Result<(), String> {
    for (path, tree) in devices {
        let at = staged(path);
        step(
            &format!("show {}", path.display()),
            make_place(&at, false).and_then(|()| sys::attach(tree, &at)),
        )?;
    }
    let folder = staged(Path::new("/dev"));
    let terminals = folder.join("pts");
    step("make /dev/pts", fs::create_dir(&terminals))?;
    let options = "newinstance,ptmxmode=0666,mode=620";
    let tame = libc::MS_NOSUID | libc::MS_NOEXEC;
    step("show terminals", sys::mount(Path::new("devpts"), &terminals, "devpts", tame, options))?;
    let links = [
        ("ptmx", "pts/ptmx"),
        ("fd", "/proc/self/fd"),
        ("stdin", "/proc/self/fd/0"),
        ("stdout", "/proc/self/fd/1"),
        ("stderr", "/proc/self/fd/2"),
    ];
    for (name, target) in links {
        step("link devices", symlink(target, folder.join(name)))?;
    }
    Ok(())
}

/// Whether the greatest number of a process belongs to the namespace; in kernels before Linux 6.14 it is the machine's.
fn numbers_are_own() -> bool {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let mut numbers = release.split(['.', '-']).map_while(|number| number.parse::<u32>().ok());
    let version = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    version >= (6, 14)
}

/// Its own `/proc`, with what belongs to the whole machine made read-only or covered.
fn place_proc(private: &Private, processes: Option<u32>) -> io::Result<()> {
    let at = staged(Path::new("/proc"));
    fs::create_dir_all(&at)?;
    let tame = libc::MS_NOSUID | libc::MS_NODEV | libc::MS_NOEXEC;
    sys::mount(Path::new("proc"), &at, "proc", tame, "")?;
    if let Some(processes) = processes.filter(|_| numbers_are_own()) {
        // Binds user 0 too. Fewer than this the kernel does not take.
        let most = super::supervise::hard_limit(processes).max(400);
        let _ = fs::write(at.join("sys/kernel/pid_max"), most.to_string());
    }
    for name in MACHINE_FOLDERS {
        let folder = at.join(name);
        if folder.is_dir() {
            let tree = sys::clone_tree(&folder, false)?;
            sys::set_tree_attributes(&tree, READ_ONLY | TAME)?;
            sys::attach(&tree, &folder)?;
        }
    }
    for name in MACHINE_FILES {
        private.hide(&Path::new("/proc").join(name))?;
    }
    Ok(())
}
