//! Processes of the person's own: the editor that they chose, and the one that started us. Neither is sandboxed; no model
//! output reaches these command lines.

use std::io;
use std::path::Path;
use std::process::Command;

/// Opens a file in the person's editor and waits until they leave it. `editor` may hold arguments (`code --wait`).
///
/// # Errors
/// When it cannot be started, or leaves with an error, which by custom means that the text is not to be taken.
pub fn run_editor(editor: &str, path: &Path) -> io::Result<()> {
    let status =
        Command::new("sh").arg("-c").arg(format!("{editor} \"$1\"")).arg("editor").arg(path).status()?;
    if status.success() {
        return Ok(());
    }
    Err(io::Error::other(format!("`{editor}` ended with {status}; the text was not taken")))
}

/// Returns when the process is gone. Costs nothing while it lives, where the system can tell of deaths; elsewhere it looks
/// every few seconds.
pub fn wait_for_death(pid: u32) {
    #[cfg(target_os = "linux")]
    if let Some(id) = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw) {
        use rustix::event::{PollFd, PollFlags, poll};
        use rustix::process::{PidfdFlags, pidfd_open};
        match pidfd_open(id, PidfdFlags::empty()) {
            Ok(handle) => {
                let mut waited = [PollFd::new(&handle, PollFlags::IN)];
                while let Err(rustix::io::Errno::INTR) = poll(&mut waited, None) {}
                return;
            }
            Err(rustix::io::Errno::SRCH) => return,
            Err(_) => {}
        }
    }
    while is_alive(pid) {
        std::thread::sleep(std::time::Duration::from_secs(3));
    }
}

#[cfg(unix)]
fn is_alive(pid: u32) -> bool {
    let id = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw);
    id.is_some_and(|id| !matches!(rustix::process::test_kill_process(id), Err(rustix::io::Errno::SRCH)))
}

#[cfg(not(unix))]
fn is_alive(_: u32) -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_death_is_noticed() {
        let mut child = Command::new("true").spawn().unwrap();
        let pid = child.id();
        child.wait().unwrap();
        wait_for_death(pid);
    }

    #[test]
    fn an_editor_that_fails_gives_no_text() {
        assert!(run_editor("false", Path::new("/dev/null")).is_err());
        assert!(run_editor("true --wait", Path::new("/dev/null")).is_ok());
    }
}
