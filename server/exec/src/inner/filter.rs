//! The system-call filter: what no build or test needs and what could reach around the walls.
//!
//! A program for the kernel's small filter machine, made from one table. It also stands in for what the walls cannot
//! say: no set-uid bit on a file that outlives the command, no namespaces of its own to get new rights in, no ring
//! of operations that runs past this very filter.

use libc::{c_long, sock_filter};

use crate::Level;

/// What one rule looks at besides the number of the call.
enum When {
    Always,
    /// Any of these bits set in the argument of this index.
    Bits(u8, u32),
    /// The argument of this index is this.
    Is(u8, u32),
    /// The argument of this index is anything else.
    Not(u8, u32),
}
use When::{Always, Bits, Is, Not};

struct Rule {
    call: c_long,
    when: When,
    errno: i32,
}

const fn deny(call: c_long) -> Rule {
    Rule { call, when: Always, errno: libc::EPERM }
}

/// Answered as a kernel without the call would, so that callers fall back to older ones.
const fn unknown(call: c_long) -> Rule {
    Rule { call, when: Always, errno: libc::ENOSYS }
}

const fn deny_if(call: c_long, when: When) -> Rule {
    Rule { call, when, errno: libc::EPERM }
}

const SET_ID: u32 = libc::S_ISUID | libc::S_ISGID;
const NAMESPACES: u32 = (libc::CLONE_NEWUSER
    | libc::CLONE_NEWNS
    | libc::CLONE_NEWPID
    | libc::CLONE_NEWNET
    | libc::CLONE_NEWIPC
    | libc::CLONE_NEWUTS
    | libc::CLONE_NEWCGROUP) as u32;

/// At every sandboxed level.
const RULES: &[Rule] = &[
    // Mounts and namespaces.
    deny(libc::SYS_mount),
    deny(libc::SYS_umount2),
    deny(libc::SYS_pivot_root),
    deny(libc::SYS_chroot),
    deny(libc::SYS_setns),
    deny(libc::SYS_open_tree),
    deny(SYS_OPEN_TREE_ATTR),
    deny(libc::SYS_move_mount),
    deny(libc::SYS_fsopen),
    deny(libc::SYS_fsmount),
    deny(libc::SYS_fsconfig),
    deny(libc::SYS_fspick),
    deny(libc::SYS_mount_setattr),
    deny_if(libc::SYS_unshare, Bits(0, NAMESPACES)),
    deny_if(libc::SYS_clone, Bits(0, NAMESPACES)),
    // Its flags lie in memory, which a filter cannot read.
    unknown(libc::SYS_clone3),
    // The machine.
    deny(libc::SYS_reboot),
    deny(libc::SYS_kexec_load),
    deny(libc::SYS_kexec_file_load),
    deny(libc::SYS_init_module),
    deny(libc::SYS_finit_module),
    deny(libc::SYS_delete_module),
    deny(libc::SYS_swapon),
    deny(libc::SYS_swapoff),
    deny(libc::SYS_acct),
    deny(libc::SYS_quotactl),
    deny(SYS_QUOTACTL_FD),
    deny(libc::SYS_settimeofday),
    deny(libc::SYS_clock_settime),
    deny(libc::SYS_sethostname),
    deny(libc::SYS_setdomainname),
    deny(libc::SYS_syslog),
    deny(libc::SYS_bpf),
    deny(libc::SYS_perf_event_open),
    deny(libc::SYS_userfaultfd),
    deny(libc::SYS_open_by_handle_at),
    deny(libc::SYS_fanotify_init),
    // Keys of the person's session.
    deny(libc::SYS_add_key),
    deny(libc::SYS_request_key),
    deny(libc::SYS_keyctl),
    // Operations that no filter sees.
    unknown(libc::SYS_io_uring_setup),
    unknown(libc::SYS_io_uring_enter),
    unknown(libc::SYS_io_uring_register),
    // Typing into the person's terminal.
    deny_if(libc::SYS_ioctl, Is(1, libc::TIOCSTI as u32)),
    deny_if(libc::SYS_ioctl, Is(1, libc::TIOCLINUX as u32)),
    // Files that lend their owner's rights.
    deny_if(libc::SYS_fchmod, Bits(1, SET_ID)),
    deny_if(libc::SYS_fchmodat, Bits(2, SET_ID)),
    deny_if(SYS_FCHMODAT2, Bits(2, SET_ID)),
    deny_if(libc::SYS_openat, Bits(3, SET_ID)),
    unknown(libc::SYS_openat2),
    deny_if(libc::SYS_mknodat, Bits(2, SET_ID)),
    // Sockets into the host of a virtual machine and into the kernel's cryptography.
    deny_if(libc::SYS_socket, Is(0, libc::AF_VSOCK as u32)),
    deny_if(libc::SYS_socket, Is(0, libc::AF_ALG as u32)),
    deny_if(libc::SYS_socket, Is(0, libc::AF_PACKET as u32)),
];

const SYS_FCHMODAT2: c_long = 452;
const SYS_OPEN_TREE_ATTR: c_long = 467;
const SYS_QUOTACTL_FD: c_long = 443;

/// Where processes and their means to talk are not in namespaces of their own.
const SHARED: &[Rule] = &[
    // A socket for datagrams that is born in a pair can be connected to anybody later. Type 2, and 3 which becomes
    // it, have this bit; streams (1) and sequences (5) do not, and stay connected as they are.
    deny_if(libc::SYS_socketpair, Bits(1, libc::SOCK_DGRAM as u32)),
    // Memory, queues and semaphores have no paths.
    deny(libc::SYS_shmget),
    deny(libc::SYS_shmat),
    deny(libc::SYS_shmctl),
    deny(libc::SYS_msgget),
    deny(libc::SYS_msgsnd),
    deny(libc::SYS_msgrcv),
    deny(libc::SYS_msgctl),
    deny(libc::SYS_semget),
    deny(libc::SYS_semop),
    deny(libc::SYS_semtimedop),
    deny(libc::SYS_semctl),
    deny(libc::SYS_mq_open),
    deny(libc::SYS_mq_unlink),
    // A process may be slow, small and tied to a core by its own wish; others by theirs.
    deny_if(libc::SYS_prlimit64, Not(0, 0)),
    deny_if(libc::SYS_setpriority, Not(1, 0)),
    deny_if(libc::SYS_ioprio_set, Not(1, 0)),
    deny_if(libc::SYS_sched_setaffinity, Not(0, 0)),
    deny_if(libc::SYS_sched_setscheduler, Not(0, 0)),
    deny_if(libc::SYS_sched_setparam, Not(0, 0)),
    deny_if(libc::SYS_sched_setattr, Not(0, 0)),
];

/// Calls that only the older architecture has.
#[cfg(target_arch = "x86_64")]
const OLDER: &[Rule] = &[
    deny_if(libc::SYS_chmod, Bits(1, SET_ID)),
    deny_if(libc::SYS_creat, Bits(1, SET_ID)),
    deny_if(libc::SYS_open, Bits(2, SET_ID)),
    deny_if(libc::SYS_mknod, Bits(1, SET_ID)),
    deny(libc::SYS_iopl),
    deny(libc::SYS_ioperm),
];
#[cfg(not(target_arch = "x86_64"))]
const OLDER: &[Rule] = &[];

/// `AUDIT_ARCH_*` of the system calls that a program of ours makes.
#[cfg(target_arch = "x86_64")]
const ARCHITECTURE: u32 = 0xc000_003e;
#[cfg(target_arch = "aarch64")]
const ARCHITECTURE: u32 = 0xc000_00b7;
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
compile_error!("the system-call filter needs the number of this architecture");

const LOAD: u16 = 0x20;
const JUMP_EQUAL: u16 = 0x15;
const JUMP_AT_LEAST: u16 = 0x35;
const JUMP_BITS: u16 = 0x45;
const RETURN: u16 = 0x06;
const ALLOW: u32 = 0x7fff_0000;
const ERRNO: u32 = 0x0005_0000;

/// The filter for a level. Without network the levels that share the machine's network get no sockets at all.
pub(super) fn program(level: Level, network: bool) -> Vec<sock_filter> {
    let mut program = vec![
        op(LOAD, 0, 0, 4),
        op(JUMP_EQUAL, 1, 0, ARCHITECTURE),
        refuse(libc::ENOSYS),
        op(LOAD, 0, 0, 0),
        // On x86-64 the same calls have a second set of numbers from here on.
        op(JUMP_AT_LEAST, 0, 1, 0x4000_0000),
        refuse(libc::ENOSYS),
    ];
    let no_sockets = [Rule { call: libc::SYS_socket, when: Always, errno: libc::EACCES }];
    let no_sockets = if level == Level::Landlock && !network { &no_sockets[..] } else { &[] };
    // With the machine's network only namespaces hide the sockets of the file system.
    let no_local = [deny_if(libc::SYS_socket, Is(0, libc::AF_UNIX as u32))];
    let no_local = if level == Level::Landlock && network { &no_local[..] } else { &[] };
    let shared = if level == Level::Landlock { SHARED } else { &[] };
    for rule in RULES.iter().chain(OLDER).chain(shared).chain(no_sockets).chain(no_local) {
        add(&mut program, rule);
    }
    program.push(op(RETURN, 0, 0, ALLOW));
    program
}

/// Adds a rule; before and after it the number of the call is loaded.
fn add(program: &mut Vec<sock_filter>, rule: &Rule) {
    let number = rule.call as u32;
    let refusal = refuse(rule.errno);
    match rule.when {
        Always => program.extend([op(JUMP_EQUAL, 0, 1, number), refusal]),
        Bits(index, bits) => program.extend([
            op(JUMP_EQUAL, 0, 4, number),
            op(LOAD, 0, 0, argument(index)),
            op(JUMP_BITS, 0, 1, bits),
            refusal,
            op(LOAD, 0, 0, 0),
        ]),
        Is(index, value) => program.extend([
            op(JUMP_EQUAL, 0, 4, number),
            op(LOAD, 0, 0, argument(index)),
            op(JUMP_EQUAL, 0, 1, value),
            refusal,
            op(LOAD, 0, 0, 0),
        ]),
        Not(index, value) => program.extend([
            op(JUMP_EQUAL, 0, 4, number),
            op(LOAD, 0, 0, argument(index)),
            op(JUMP_EQUAL, 1, 0, value),
            refusal,
            op(LOAD, 0, 0, 0),
        ]),
    }
}

/// Where the lower half of an argument lies in what the filter sees. The kernel itself looks at no more of the
/// values that are compared here.
fn argument(index: u8) -> u32 {
    let low = if cfg!(target_endian = "little") { 0 } else { 4 };
    16 + 8 * u32::from(index) + low
}

fn refuse(errno: i32) -> sock_filter {
    op(RETURN, 0, 0, ERRNO | errno.unsigned_abs())
}

fn op(code: u16, jt: u8, jf: u8, k: u32) -> sock_filter {
    sock_filter { code, jt, jf, k }
}
