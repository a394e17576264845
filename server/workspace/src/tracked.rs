//! The paths that git tracks, read from its index, since a tracked file belongs to a project even when a rule
//! of `.gitignore` names it.
//!
//! Only the list of names is read. An index that is split, damaged, of an unknown version or of a repository
//! with SHA-256 names gives nothing of use: tracked but ignored files are then not listed.

use crate::disk::Stamp;
use crate::listing::below;
use crate::roots::{Root, Roots};
use galley_text::path::RelPath;
use std::path::PathBuf;

/// The longest index that is read, in bytes; about a million files.
const LONGEST: u64 = 128 << 20;

/// Bytes of an entry before its name: times, numbers, a SHA-1 name, and two bytes of flags.
const FIXED_PART: usize = 62;

/// The state of each root's index.
pub(crate) fn stamps(roots: &Roots) -> Vec<Option<Stamp>> {
    roots.iter().map(|root| Stamp::at(&index_file(root)?.0)).collect()
}

/// The tracked paths of all roots.
pub(crate) fn paths(roots: &Roots) -> Vec<RelPath> {
    let mut paths = Vec::new();
    for root in roots.iter() {
        let Some((file, inner)) = index_file(root) else { continue };
        if std::fs::metadata(&file).map_or(true, |metadata| metadata.len() > LONGEST) {
            continue;
        }
        let Ok(bytes) = std::fs::read(&file) else { continue };
        for name in names(&bytes).unwrap_or_default() {
            let Ok(name) = String::from_utf8(name) else { continue };
            let Some(name) = name.strip_prefix(&inner) else { continue };
            paths.extend(RelPath::new(&below(roots.prefix(root), name)).ok());
        }
    }
    paths
}

/// The index of the repository that a root lies in, and the root's place in it, empty or ending in `/`.
fn index_file(root: &Root) -> Option<(PathBuf, String)> {
    let top = root.real.ancestors().find(|folder| folder.join(".git").exists())?;
    let inner = root.real.strip_prefix(top).ok()?.to_str()?.replace('\\', "/");
    let inner = if inner.is_empty() { inner } else { inner + "/" };
    let git = top.join(".git");
    if git.is_dir() {
        return Some((git.join("index"), inner));
    }
    // In a linked worktree and in a submodule `.git` is a file that names the real folder.
    let text = std::fs::read_to_string(&git).ok()?;
    let named = text.lines().next()?.strip_prefix("gitdir:")?.trim();
    Some((top.join(named).join("index"), inner))
}

/// The names in an index; `None` when it is not understood to its end.
fn names(bytes: &[u8]) -> Option<Vec<Vec<u8>>> {
    let number = |at: usize| Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
    let (version, count) = (number(4)?, number(8)? as usize);
    if bytes.get(..4)? != b"DIRC" || !(2..=4).contains(&version) {
        return None;
    }
    // An entry is at least its fixed part long; a larger count is damage.
    if count > bytes.len() / FIXED_PART {
        return None;
    }
    let (mut names, mut at): (Vec<Vec<u8>>, usize) = (Vec::with_capacity(count), 12);
    for _ in 0..count {
        let begin = at;
        at += FIXED_PART - 2;
        let flags = u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?);
        at += if flags & 0x4000 != 0 { 4 } else { 2 };
        let mut name = Vec::new();
        if version == 4 {
            let dropped = variable_number(bytes, &mut at)?;
            let before: &[u8] = names.last().map_or(&[], Vec::as_slice);
            name.extend_from_slice(before.get(..before.len().checked_sub(dropped)?)?);
        }
        let length = bytes.get(at..)?.iter().position(|byte| *byte == 0)?;
        name.extend_from_slice(&bytes[at..at + length]);
        at += length + 1;
        if version < 4 {
            // Entries are padded with one to eight zeros to a multiple of eight.
            at = begin + (at - begin).div_ceil(8) * 8;
        }
        names.push(name);
    }
    Some(names)
}

/// A number in git's offset encoding: seven bits a byte, each further byte adding one.
fn variable_number(bytes: &[u8], at: &mut usize) -> Option<usize> {
    let mut value = 0_usize;
    loop {
        let byte = *bytes.get(*at)?;
        *at += 1;
        value = value.checked_mul(128)?.checked_add(usize::from(byte & 0x7f))?;
        if byte & 0x80 == 0 {
            return Some(value);
        }
        value += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_damaged_index_does_no_harm(mut bytes in proptest::collection::vec(any::<u8>(), 0..400), version in 2_u8..5) {
            for (place, byte) in b"DIRC\0\0\0".iter().chain([&version]).chain(b"\0\0\0\x02").enumerate() {
                if place < bytes.len() {
                    bytes[place] = *byte;
                }
            }
            let _ = names(&bytes);
        }
    }
}
