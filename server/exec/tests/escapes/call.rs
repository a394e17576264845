//! System calls as a hostile program makes them: by number, without asking a library.
//!
//! The unsafe code of the tests is here. The reason: an escape is a matter of raw system calls. Arguments that are
//! addresses come from slices that outlive the call.

use std::ffi::{CString, c_int};
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// A system call by number. Addresses are given as numbers by [`at`] and [`at_mut`].
pub fn raw(number: libc::c_long, a: [i64; 6]) -> io::Result<i64> {
    // SAFETY: an address among the arguments belongs to a slice that the caller holds over the call.
    let result = unsafe { libc::syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]) };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

pub fn at<T>(value: &[T]) -> i64 {
    value.as_ptr() as i64
}

pub fn at_mut<T>(value: &mut [T]) -> i64 {
    value.as_mut_ptr() as i64
}

pub fn text(path: impl AsRef<Path>) -> CString {
    CString::new(path.as_ref().as_os_str().as_bytes()).unwrap_or_default()
}

/// The address of a text for a call.
pub fn name(text: &CString) -> i64 {
    text.as_ptr() as i64
}

/// Beyond the question whether it is allowed: any answer but a refusal.
pub fn got_past(result: io::Result<i64>) -> io::Result<()> {
    match result {
        Err(e) if matches!(e.raw_os_error(), Some(libc::EPERM | libc::EACCES | libc::ENOSYS)) => Err(e),
        _ => Ok(()),
    }
}

/// A new descriptor as an owned one.
pub fn owned(result: io::Result<i64>) -> io::Result<OwnedFd> {
    // SAFETY: the number comes from a call that makes a new descriptor.
    result.map(|fd| unsafe { OwnedFd::from_raw_fd(fd as c_int) })
}

pub fn socket(family: i32, kind: i32, protocol: i32) -> io::Result<OwnedFd> {
    owned(raw(libc::SYS_socket, [family.into(), kind.into(), protocol.into(), 0, 0, 0]))
}

/// Runs a part in a child process with a single thread; well, if it answered well.
pub fn in_child(part: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
    match fork()? {
        0 => {
            let status = match part() {
                Ok(()) => 0,
                Err(e) => e.raw_os_error().unwrap_or(255),
            };
            exit(status)
        }
        child => {
            let mut status = 0;
            // SAFETY: the status outlives the call.
            unsafe { libc::waitpid(child, &raw mut status, 0) };
            match libc::WIFEXITED(status).then(|| libc::WEXITSTATUS(status)) {
                Some(0) => Ok(()),
                Some(code) => Err(io::Error::from_raw_os_error(code)),
                None => Err(io::Error::other(format!("died with status {status:x}"))),
            }
        }
    }
}

/// Zero in the child.
pub fn fork() -> io::Result<i32> {
    // SAFETY: these programs have one thread.
    let child = unsafe { libc::fork() };
    if child < 0 { Err(io::Error::last_os_error()) } else { Ok(child) }
}

pub fn exit(status: i32) -> ! {
    // SAFETY: always sound.
    unsafe { libc::_exit(status) }
}

pub fn ignore_signals() {
    for signal in 1..libc::SIGRTMAX() {
        // SAFETY: SIG_IGN is a valid handler for every signal.
        unsafe { libc::signal(signal, libc::SIG_IGN) };
    }
}

/// Ends this process with a signal after so many seconds.
pub fn alarm(seconds: u32) {
    // SAFETY: no memory is involved.
    unsafe { libc::alarm(seconds) };
}

/// Sleeps until killed.
pub fn wait_for_ever() -> ! {
    loop {
        // SAFETY: no memory is involved.
        unsafe { libc::pause() };
    }
}

/// Puts a descriptor at a number, where programs that are started inherit it.
pub fn leak_at(file: &File, number: i32) -> io::Result<()> {
    raw(libc::SYS_dup3, [file.as_raw_fd().into(), number.into(), 0, 0, 0, 0]).map(drop)
}

/// A descriptor that was inherited by its number.
pub fn inherited(number: i64) -> io::Result<File> {
    let fd = raw(libc::SYS_fcntl, [number, libc::F_DUPFD_CLOEXEC.into(), 3, 0, 0, 0]);
    owned(fd).map(File::from)
}

/// A terminal of the person's: the end that they see, and the path of the other.
pub fn terminal() -> io::Result<(File, String)> {
    // SAFETY: the descriptor is new; the buffer is as long as said.
    unsafe {
        let master = libc::posix_openpt(libc::O_RDWR | libc::O_NOCTTY | libc::O_CLOEXEC | libc::O_NONBLOCK);
        if master < 0 {
            return Err(io::Error::last_os_error());
        }
        let master = File::from_raw_fd(master);
        let mut path = [0 as libc::c_char; 64];
        if libc::grantpt(master.as_raw_fd()) != 0
            || libc::unlockpt(master.as_raw_fd()) != 0
            || libc::ptsname_r(master.as_raw_fd(), path.as_mut_ptr(), path.len()) != 0
        {
            return Err(io::Error::last_os_error());
        }
        let path = std::ffi::CStr::from_ptr(path.as_ptr()).to_string_lossy().into_owned();
        Ok((master, path))
    }
}

/// Attaches a segment of shared memory, and gives its bytes.
pub fn shared_memory(id: i64, length: usize) -> io::Result<&'static mut [u8]> {
    let start = raw(libc::SYS_shmat, [id, 0, 0, 0, 0, 0])?;
    // SAFETY: the kernel attached at least so many bytes there, for the rest of this process.
    Ok(unsafe { std::slice::from_raw_parts_mut(start as *mut u8, length) })
}

/// Memory whose address fits into 32 bits, as the older calls need it.
#[cfg(target_arch = "x86_64")]
pub fn low_memory(text: &[u8]) -> io::Result<u32> {
    let flags = i64::from(libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_32BIT);
    let start = raw(libc::SYS_mmap, [0, 4096, i64::from(libc::PROT_READ | libc::PROT_WRITE), flags, -1, 0])?;
    // SAFETY: the page is new and longer than the text, which ends in the zeros of the page.
    unsafe { std::ptr::copy_nonoverlapping(text.as_ptr(), start as *mut u8, text.len().min(4000)) };
    u32::try_from(start).map_err(io::Error::other)
}

/// A call of the 32-bit architecture, which has numbers of its own.
#[cfg(target_arch = "x86_64")]
pub fn older(number: u32, first: u32, second: u32) -> io::Result<i32> {
    let mut answer = number;
    // SAFETY: the calls made by it change no memory of this process.
    unsafe {
        std::arch::asm!(
            "xchg {first:r}, rbx", "int 0x80", "xchg {first:r}, rbx",
            first = inout(reg) u64::from(first) => _,
            inout("eax") answer,
            in("ecx") second,
            out("r8") _, out("r9") _, out("r10") _, out("r11") _,
        );
    }
    let answer = answer.cast_signed();
    if answer < 0 { Err(io::Error::from_raw_os_error(-answer)) } else { Ok(answer) }
}
