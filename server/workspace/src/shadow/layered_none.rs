//! Unions where the system has none: there is no value of this type.

use super::{Layers, Shadow, ShadowError};
use crate::disk::Stamp;
use crate::error::ReadError;
use crate::roots::Roots;
use galley_text::path::RelPath;
use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

#[derive(Debug)]
pub(super) enum Layered {}

impl Layered {
    pub(super) fn open(_: &Path, _: &Roots) -> io::Result<(Layered, bool)> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(super) fn path(&self) -> &Path {
        match *self {}
    }

    pub(super) fn layers(&self, _: &Roots) -> Vec<Layers> {
        match *self {}
    }

    pub(super) fn readable(&self) -> Vec<PathBuf> {
        match *self {}
    }

    pub(super) fn sources(&self) -> &[(PathBuf, PathBuf)] {
        match *self {}
    }

    pub(super) fn save(&mut self, _: &Path) -> io::Result<()> {
        match *self {}
    }
}

pub(super) fn last_used(_: &Path) -> Option<SystemTime> {
    None
}

impl Shadow {
    pub(super) fn fill_layered(&mut self, _: bool) -> Result<Option<Vec<RelPath>>, ShadowError> {
        Ok(None)
    }

    pub(super) fn apply_layered(&mut self, _: &BTreeSet<RelPath>) -> Result<Vec<RelPath>, ShadowError> {
        Ok(Vec::new())
    }

    pub(super) fn reset_layered(&mut self) -> Result<Vec<RelPath>, ShadowError> {
        Ok(Vec::new())
    }

    pub(super) fn touched_layered(&self) -> Vec<RelPath> {
        Vec::new()
    }

    pub(super) fn stamp_layered(&self, _: &RelPath) -> Option<Stamp> {
        None
    }

    pub(super) fn open_layered(&self, _: &RelPath) -> Result<File, ReadError> {
        Err(ReadError::Missing)
    }

    pub(super) fn written_bytes(&self) -> u64 {
        0
    }

    pub(super) fn drop_written(&mut self) -> Result<(), ShadowError> {
        Ok(())
    }
}
