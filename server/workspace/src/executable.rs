//! Which files can be run.
//!
//! Git knows of one bit beside a file's text, and so does a proposal: whether the file can be run. A changed file keeps it, a
//! renamed one takes it along, and a new one has it when its first line names the program that runs it.

use crate::error::WriteError;
use crate::overlay::{ModeEdit, Overlay, OverlayError};
use crate::snapshot::Snapshot;
use crate::workspace::Workspace;
use galley_text::path::RelPath;
use std::fs::Metadata;

/// Whether a new file with this text is made to be run: its first line names a program by its full path. `#![...]` is Rust.
pub fn is_script(text: &str) -> bool {
    text.strip_prefix("#!").is_some_and(|rest| rest.trim_start_matches([' ', '\t']).starts_with('/'))
}

#[cfg(unix)]
fn can_run(metadata: &Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    metadata.is_file() && metadata.permissions().mode() & 0o100 != 0
}

#[cfg(not(unix))]
fn can_run(_metadata: &Metadata) -> bool {
    false
}

impl Snapshot {
    /// Whether the file on disk can be run by its owner; `None` where none stands.
    pub fn is_executable(&self, path: &RelPath) -> Option<bool> {
        let metadata = self.roots().absolute(path)?.metadata().ok()?;
        Some(can_run(&metadata))
    }
}

impl Overlay {
    /// Whether a file can be run as the task sees it.
    pub fn is_executable(&self, path: &RelPath) -> bool {
        let edit = self.edit(path);
        if let Some(decided) = edit.and_then(|edit| edit.executable) {
            return decided;
        }
        let origin = edit.and_then(|edit| edit.from.as_ref()).unwrap_or(path);
        let text = || edit.and_then(|edit| edit.after.as_deref());
        self.snapshot().is_executable(origin).unwrap_or_else(|| text().is_some_and(is_script))
    }

    /// Makes a file one that can be run, or that cannot.
    ///
    /// # Errors
    /// When there is no such file, or it cannot be read.
    pub fn set_executable(&mut self, path: &RelPath, executable: bool) -> Result<(), OverlayError> {
        let text = self.read(path).map_err(|why| OverlayError::Unreadable { path: path.clone(), why })?;
        self.write(path, text)?;
        self.decide_mode(path, executable);
        Ok(())
    }

    /// The files whose mode is another than on disk, or than that of a plain new file, sorted by path.
    pub fn mode_edits(&self) -> Vec<ModeEdit> {
        self.edited().filter_map(|path| self.mode_edit(path)).collect()
    }

    pub(crate) fn mode_edit(&self, path: &RelPath) -> Option<ModeEdit> {
        let edit = self.edit(path)?;
        let text = edit.after.clone()?;
        let executable = self.is_executable(path);
        let before = self.snapshot().is_executable(edit.from.as_ref().unwrap_or(path)).unwrap_or_default();
        (executable != before).then(|| ModeEdit { path: path.clone(), text, executable })
    }
}

impl Workspace {
    /// Makes a file one that can be run by whoever can read it, or by nobody. Nothing happens where the system knows no such
    /// mode.
    ///
    /// # Errors
    /// When there is no such file, it lies outside, or its mode cannot be changed.
    #[cfg(unix)]
    pub fn set_executable(&self, path: &RelPath, executable: bool) -> Result<(), WriteError> {
        use std::os::unix::fs::PermissionsExt;
        let real = self.current_roots().real_for_write(path)?;
        let failed = |error: std::io::Error| WriteError::from_io(&real, &error);
        let mode = std::fs::metadata(&real).map_err(failed)?.permissions().mode() & 0o7777;
        let wanted = if executable { mode | ((mode & 0o444) >> 2) } else { mode & !0o111 };
        if wanted != mode {
            std::fs::set_permissions(&real, std::fs::Permissions::from_mode(wanted)).map_err(failed)?;
            self.invalidate(std::slice::from_ref(path));
        }
        Ok(())
    }

    /// As on Unix, but this system knows no such mode.
    #[cfg(not(unix))]
    pub fn set_executable(&self, _path: &RelPath, _executable: bool) -> Result<(), WriteError> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::is_script;

    #[test]
    fn a_script_names_its_program() {
        assert!(is_script("#!/bin/sh\n") && is_script("#! /usr/bin/env python3\nx"));
        assert!(!is_script("#![forbid(unsafe_code)]\n") && !is_script("# !/bin/sh") && !is_script(""));
    }
}
