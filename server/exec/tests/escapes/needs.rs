//! What an attempt needs to work at all: rights of the user and parts of the kernel.

use std::fs;

fn status(field: &str) -> String {
    let text = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(field)).unwrap_or_default();
    line.trim_start_matches(':').trim().to_owned()
}

fn unless(so: bool, why: impl Into<String>) -> Option<String> {
    (!so).then(|| why.into())
}

fn capability(number: u32, name: &str) -> Option<String> {
    let held = u64::from_str_radix(&status("CapEff"), 16).unwrap_or_default();
    unless(held >> number & 1 == 1, format!("needs {name}"))
}

fn setting(path: &str) -> i64 {
    fs::read_to_string(path).ok().and_then(|text| text.trim().parse().ok()).unwrap_or(-1)
}

fn is_root() -> bool {
    status("Uid").split_whitespace().nth(1) == Some("0")
}

/// No filter of a container around the whole suite.
pub fn open_kernel() -> Option<String> {
    unless(status("Seccomp") == "0", "a filter around these tests refuses it")
}

pub fn admin() -> Option<String> {
    open_kernel().or_else(|| capability(21, "CAP_SYS_ADMIN"))
}

pub fn raw_network() -> Option<String> {
    capability(13, "CAP_NET_RAW")
}

pub fn make_devices() -> Option<String> {
    capability(27, "CAP_MKNOD")
}

pub fn change_owner() -> Option<String> {
    capability(0, "CAP_CHOWN")
}

pub fn file_capabilities() -> Option<String> {
    capability(31, "CAP_SETFCAP")
}

pub fn search_by_handle() -> Option<String> {
    capability(2, "CAP_DAC_READ_SEARCH").or_else(open_kernel)
}

pub fn boot() -> Option<String> {
    capability(22, "CAP_SYS_BOOT").or_else(open_kernel)
}

pub fn modules() -> Option<String> {
    capability(16, "CAP_SYS_MODULE").or_else(open_kernel)
}

pub fn raw_io() -> Option<String> {
    capability(17, "CAP_SYS_RAWIO").or_else(|| there("/proc/kcore"))
}

pub fn accounting() -> Option<String> {
    capability(20, "CAP_SYS_PACCT").or_else(open_kernel)
}

pub fn root() -> Option<String> {
    unless(is_root(), "needs user 0")
}

/// User 0 with the settings of the kernel open for writing, as they seldom are in a container.
pub fn kernel_settings() -> Option<String> {
    root().or_else(|| writable("/proc/sys/kernel/core_pattern"))
}

pub fn user_namespaces() -> Option<String> {
    let restricted = setting("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") == 1
        || setting("/proc/sys/kernel/unprivileged_userns_clone") == 0;
    open_kernel()
        .or_else(|| unless(setting("/proc/sys/user/max_user_namespaces") > 0, "user namespaces are off"))
        .or_else(|| unless(!restricted || is_root(), "user namespaces are for user 0 only"))
}

pub fn kernel_log() -> Option<String> {
    let open = setting("/proc/sys/kernel/dmesg_restrict") == 0;
    if open { open_kernel() } else { capability(34, "CAP_SYSLOG").or_else(open_kernel) }
}

pub fn programs_in_the_kernel() -> Option<String> {
    let open = setting("/proc/sys/kernel/unprivileged_bpf_disabled") == 0;
    if open { open_kernel() } else { capability(39, "CAP_BPF").or_else(open_kernel) }
}

pub fn counters() -> Option<String> {
    let open = (0..=2).contains(&setting("/proc/sys/kernel/perf_event_paranoid"));
    open_kernel().or_else(|| unless(open || is_root(), "kernel.perf_event_paranoid forbids it"))
}

pub fn rings() -> Option<String> {
    let off = setting("/proc/sys/kernel/io_uring_disabled");
    open_kernel().or_else(|| unless(off == 0 || (off == 1 && is_root()), "kernel.io_uring_disabled"))
}

pub fn typing() -> Option<String> {
    let legacy = setting("/proc/sys/dev/tty/legacy_tiocsti") != 0;
    if legacy { None } else { admin() }
}

/// A process of the same user may be looked into.
pub fn looking() -> Option<String> {
    let scope = setting("/proc/sys/kernel/yama/ptrace_scope");
    unless(scope < 2 || is_root(), "kernel.yama.ptrace_scope forbids it").or_else(open_kernel)
}

/// New rights are not already refused to the suite itself.
pub fn new_rights() -> Option<String> {
    unless(status("NoNewPrivs") == "0", "new rights are refused to these tests too")
}

pub fn there(path: &str) -> Option<String> {
    unless(fs::metadata(path).is_ok(), format!("no {path} here"))
}

pub fn writable(path: &str) -> Option<String> {
    let open = fs::File::options().write(true).open(path);
    unless(open.is_ok(), format!("{path} cannot be written here"))
}

pub fn readable(path: &str) -> Option<String> {
    unless(fs::File::open(path).is_ok(), format!("{path} cannot be read here"))
}

/// A family or protocol of sockets is built into this kernel.
pub fn sockets(family: i32, kind: i32, protocol: i32) -> Option<String> {
    unless(crate::call::socket(family, kind, protocol).is_ok(), "this kernel has no such sockets")
}

/// The group of calls answers something else than that it does not exist.
pub fn keys() -> Option<String> {
    let there = crate::call::raw(libc::SYS_keyctl, [0, -3, 0, 0, 0, 0]).is_ok();
    open_kernel().or_else(|| unless(there, "this kernel has no keys"))
}
