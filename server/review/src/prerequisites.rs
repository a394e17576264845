//! Which hunks need which others, from names.
//!
//! The caller says, for every hunk, which names it introduces and which it uses; nothing is guessed from the text
//! here, so that a call and its function, an import, and a line of a manifest are all the same. A use is linked to
//! what brings the name in within its own file, and only without that to the definitions in other files.

use std::collections::BTreeMap;

use crate::hunk::{Hunk, HunkId};
use crate::proposal::{FileProposal, Proposal};

/// The names that matter in one hunk: what its `after` has and its `before` has not, and the other way round.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    /// Names it defines: functions, types, dependencies of a manifest.
    pub defines: Vec<String>,
    /// Names it brings into its file from elsewhere.
    pub imports: Vec<String>,
    /// Names it uses.
    pub uses: Vec<String>,
    /// Names whose definition it takes away.
    pub removes: Vec<String>,
    /// Names that it no longer brings into its file.
    pub unimports: Vec<String>,
    /// Names that it no longer uses.
    pub drops: Vec<String>,
}

impl Proposal {
    /// Links every hunk to the hunks that it needs by the names in them, beside what it needs already.
    pub fn link_prerequisites(&mut self, mut names: impl FnMut(&FileProposal, &Hunk) -> Names) {
        let known: Vec<(usize, HunkId, Names)> = self
            .files
            .iter()
            .enumerate()
            .flat_map(|(at, file)| file.hunks.iter().map(move |hunk| (at, file, hunk)))
            .map(|(at, file, hunk)| (at, hunk.id.clone(), names(file, hunk)))
            .collect();
        let mut brings: BTreeMap<&str, Vec<(usize, &HunkId, bool)>> = BTreeMap::new();
        for (file, id, names) in &known {
            for name in &names.defines {
                brings.entry(name).or_default().push((*file, id, true));
            }
            for name in &names.imports {
                brings.entry(name).or_default().push((*file, id, false));
            }
        }
        let mut drops: BTreeMap<&str, Vec<(usize, &HunkId)>> = BTreeMap::new();
        for (file, id, names) in &known {
            for name in &names.drops {
                drops.entry(name).or_default().push((*file, id));
            }
        }
        for (file, id, names) in &known {
            let mut needed = needed(*file, names, &brings);
            needed.extend(freed(*file, names, &drops));
            needed.extend(moved(names, &brings));
            for needed in needed.into_iter().filter(|needed| *needed != id) {
                self.require(id, needed);
            }
        }
    }

    /// Says that `hunk` needs `needs`; `false` if one of them is unknown or both are the same.
    pub fn require(&mut self, hunk: &HunkId, needs: &HunkId) -> bool {
        if hunk == needs || self.hunk(needs).is_none() {
            return false;
        }
        let Some(hunk) = self.hunk_mut(hunk) else { return false };
        if !hunk.requires.contains(needs) {
            hunk.requires.push(needs.clone());
        }
        true
    }
}

/// The hunks that end the use of what a hunk in file `file` takes away.
fn freed<'a>(
    file: usize,
    names: &Names,
    drops: &BTreeMap<&str, Vec<(usize, &'a HunkId)>>,
) -> Vec<&'a HunkId> {
    let users = |name: &String| drops.get(name.as_str()).map_or(&[][..], Vec::as_slice);
    let anywhere = names.removes.iter().flat_map(users).map(|(_, id)| *id);
    let here = names.unimports.iter().flat_map(users).filter(|(at, _)| *at == file).map(|(_, id)| *id);
    anywhere.chain(here).collect()
}

/// The hunks that define elsewhere what a hunk takes away: what still uses it needs one of both.
fn moved<'a>(names: &Names, brings: &BTreeMap<&str, Vec<(usize, &'a HunkId, bool)>>) -> Vec<&'a HunkId> {
    let sources = |name: &String| brings.get(name.as_str()).map_or(&[][..], Vec::as_slice);
    let defines = names.removes.iter().flat_map(sources).filter(|(.., defines)| *defines);
    defines.map(|(_, id, _)| *id).collect()
}

/// The hunks that bring in what a hunk in file `file` uses.
fn needed<'a>(
    file: usize,
    names: &Names,
    brings: &BTreeMap<&str, Vec<(usize, &'a HunkId, bool)>>,
) -> Vec<&'a HunkId> {
    let mut out = Vec::new();
    for name in &names.uses {
        let sources = brings.get(name.as_str()).map_or(&[][..], Vec::as_slice);
        let here: Vec<_> = sources.iter().filter(|(at, ..)| *at == file).collect();
        if here.is_empty() && !names.defines.contains(name) {
            out.extend(sources.iter().filter(|(.., defines)| *defines).map(|(_, id, _)| *id));
        } else if !names.defines.contains(name) && !names.imports.contains(name) {
            out.extend(here.iter().map(|(_, id, _)| *id));
        }
    }
    for name in names.imports.iter().filter(|name| !names.defines.contains(name)) {
        let sources = brings.get(name.as_str()).map_or(&[][..], Vec::as_slice);
        out.extend(sources.iter().filter(|(at, _, defines)| *defines && *at != file).map(|(_, id, _)| *id));
    }
    out
}
