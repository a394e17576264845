//! Finding a program as a shell would, in absolute folders of the path only.

use std::path::{Path, PathBuf};

/// Where `program` lies: itself if it is an absolute path to a program, else the first program of this name in
/// `PATH`. Relative folders in `PATH` (`.` and the empty one) are passed over: they would let a workspace choose
/// which `git` is run.
pub fn which(program: &str) -> Option<PathBuf> {
    which_in(program, &std::env::var_os("PATH")?.to_string_lossy())
}

pub(crate) fn which_in(program: &str, path: &str) -> Option<PathBuf> {
    if program.is_empty() {
        return None;
    }
    if Path::new(program).components().count() > 1 || program.contains('/') {
        let given = PathBuf::from(program);
        return (given.is_absolute() && is_program(&given)).then_some(given);
    }
    std::env::split_paths(path)
        .filter(|folder| folder.is_absolute())
        .flat_map(|folder| candidates(&folder, program))
        .find(|candidate| is_program(candidate))
}

#[cfg(unix)]
fn candidates(folder: &Path, program: &str) -> Vec<PathBuf> {
    vec![folder.join(program)]
}

#[cfg(not(unix))]
fn candidates(folder: &Path, program: &str) -> Vec<PathBuf> {
    ["", ".exe", ".cmd", ".bat"].iter().map(|end| folder.join(format!("{program}{end}"))).collect()
}

#[cfg(unix)]
fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).is_ok_and(|m| m.is_file() && m.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_program(path: &Path) -> bool {
    path.is_file()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relative_folders_of_the_path_do_not_count() {
        assert_eq!(which_in("sh", ".:bin:/bin").as_deref(), Some(Path::new("/bin/sh")));
        assert_eq!(which_in("sh", ".::bin"), None);
        assert_eq!(which_in("/bin/sh", "").as_deref(), Some(Path::new("/bin/sh")));
        assert_eq!(which_in("./sh", "/bin"), None);
        assert_eq!(which_in("", "/bin"), None);
    }
}
