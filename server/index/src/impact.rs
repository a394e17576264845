//! What may a change to a symbol touch? Files that use its name, and files that share many rare names with its file:
//! those tend to change together even where no single reference shows it. What is related without any name in common is
//! found in `kin.rs`.

use crate::facts::Use;
use crate::role::Role;
use crate::segment::File;
use crate::snapshot::{IndexSnapshot, split_query};
use galley_text::path::RelPath;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// How a place may be affected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ImpactKind {
    /// It uses the symbol's name.
    Reference,
    /// It is a test of the symbol or its file.
    Test,
    /// It is coupled to the symbol's file without naming the symbol.
    Dependent,
}

/// One file that a change may affect.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Impact {
    /// The file.
    pub path: RelPath,
    /// Zero-based line of the first use; 0 where there is none.
    pub line: u32,
    /// How it is affected.
    pub kind: ImpactKind,
    /// Higher is likelier; comparable only within one answer.
    pub score: f32,
}

/// Points for a use of the name, of the name of its container, for rare names in common, for defining what the symbol
/// uses.
const DIRECT: f32 = 4.0;
const CONTAINER: f32 = 1.5;
const COUPLING: f32 = 1.0;
const USED: f32 = 1.0;
/// A name that more files than this hold says nothing about coupling.
const COMMON: usize = 40;

/// How likely a file is affected, and where it first shows.
#[derive(Default)]
pub(crate) struct Evidence {
    pub(crate) score: f32,
    line: Option<u32>,
}

/// Adds to what is known of `file`.
pub(crate) fn add<'a>(affected: &mut Affected<'a>, file: &'a Arc<File>, points: f32) {
    affected.entry(&file.path).or_insert((file, Evidence::default())).1.score += points;
}

impl IndexSnapshot {
    /// Files that a change to the symbol `name` may affect, likeliest first. `file` says which definition is meant;
    /// without it, all definitions of the name are.
    pub fn impact(&self, name: &str, file: Option<&RelPath>, limit: usize) -> Vec<Impact> {
        let (container, name) = split_query(name);
        let mut seeds: Vec<&Arc<File>> = file.and_then(|path| self.file(path)).into_iter().collect();
        if seeds.is_empty() {
            let defines = |(file, number): &(&Arc<File>, u32)| file.facts().uses(*number) & Use::DEFINED != 0;
            seeds = self
                .files_with_name(name)
                .into_iter()
                .filter(defines)
                .map(|(file, _)| file)
                .take(8)
                .collect();
        }
        let mut affected: BTreeMap<&RelPath, (&Arc<File>, Evidence)> = BTreeMap::new();
        self.direct(name, &seeds, &mut affected);
        for seed in &seeds {
            self.through_container(seed, container, name, &mut affected);
            self.coupled(seed, name, &mut affected);
            self.alike(seed, name, &mut affected);
            self.changed_together(seed, &mut affected);
            self.near(seed, name, &mut affected);
        }
        let is_seed = |path: &RelPath| seeds.iter().any(|seed| seed.path == *path);
        let mut found: Vec<Impact> = affected
            .into_iter()
            .filter(|(path, _)| file.is_none() || !is_seed(path))
            .map(|(path, (file, evidence))| Impact {
                path: path.clone(),
                line: evidence.line.unwrap_or_default(),
                kind: match (file.role, evidence.line) {
                    (Role::Test, _) => ImpactKind::Test,
                    (_, Some(_)) => ImpactKind::Reference,
                    (_, None) => ImpactKind::Dependent,
                },
                score: evidence.score * likelihood(file.role),
            })
            .collect();
        found.sort_by(|one, other| other.score.total_cmp(&one.score).then_with(|| one.path.cmp(&other.path)));
        found.truncate(limit);
        found
    }

    /// Files in which the name stands. The rarer the name, the more a use says.
    fn direct<'a>(&'a self, name: &str, seeds: &[&Arc<File>], affected: &mut Affected<'a>) {
        let files = self.files_with_name(name);
        let definers =
            files.iter().filter(|(file, number)| file.facts().uses(*number) & Use::DEFINED != 0).count();
        let rarity = 1.0 / (1.0 + (definers.saturating_sub(1) as f32).sqrt() * 0.5);
        let spread = 1.0 / (1.0 + (files.len() as f32 / 30.0));
        for (file, number) in files {
            let uses = file.facts().uses(number);
            // Its own definition of the name: probably another thing, perhaps another implementation.
            let own = if uses & Use::DEFINED != 0 && !seeds.iter().any(|seed| seed.path == file.path) {
                0.6
            } else {
                1.0
            };
            let called = if uses & (Use::CALLED | Use::TYPE | Use::IMPLEMENTED) != 0 { 1.3 } else { 1.0 };
            let count = (1.0 + file.facts().count(number) as f32).log2().min(4.0);
            let evidence = &mut affected.entry(&file.path).or_insert((file, Evidence::default())).1;
            evidence.score += DIRECT * rarity * (0.4 + 0.6 * spread) * own * called * (0.6 + 0.2 * count);
            evidence.line = file.facts().offsets(number).next().map(|offset| file.facts().line_of(offset));
        }
    }

    /// Files that name the type which the symbol belongs to.
    fn through_container<'a>(
        &'a self,
        seed: &Arc<File>,
        container: Option<&str>,
        name: &str,
        affected: &mut Affected<'a>,
    ) {
        let facts = seed.facts();
        let of_symbol = (0..facts.symbol_count()).find(|symbol| facts.symbol_name(*symbol) == name);
        let Some(container) = container.or(of_symbol.map(|symbol| facts.symbol_container(symbol))) else {
            return;
        };
        if container.is_empty() {
            return;
        }
        let files = self.files_with_name(container);
        let rarity = 1.0 / (1.0 + files.len() as f32 / 20.0);
        for (file, number) in files {
            let count = (1.0 + file.facts().count(number) as f32).log2().min(4.0);
            add(affected, file, CONTAINER * rarity * (0.5 + 0.25 * count));
        }
    }

    /// Files that use many rare names which the seed defines, and files that define what the symbol itself uses.
    fn coupled<'a>(&'a self, seed: &Arc<File>, name: &str, affected: &mut Affected<'a>) {
        let facts = seed.facts();
        let symbol = (0..facts.symbol_count()).find(|symbol| facts.symbol_name(*symbol) == name);
        let body = symbol.and_then(|symbol| facts.symbol_range(symbol)).unwrap_or_default();
        let mut sums: BTreeMap<&RelPath, (&Arc<File>, f32, f32)> = BTreeMap::new();
        for (number, name) in facts.names().filter(|(_, name)| name.len() > 2).take(2_000) {
            let files = self.files_with_rare_name(name, COMMON);
            let weight = 1.0 / (1.0 + files.len() as f32);
            if facts.uses(number) & Use::DEFINED != 0 {
                for (file, _) in files {
                    sums.entry(&file.path).or_insert((file, 0.0, 0.0)).1 += weight;
                }
            } else if facts.offsets(number).any(|offset| body.contains(&(offset as usize))) {
                for (file, _) in
                    files.into_iter().filter(|(file, there)| file.facts().uses(*there) & Use::DEFINED != 0)
                {
                    sums.entry(&file.path).or_insert((file, 0.0, 0.0)).2 += weight;
                }
            }
        }
        for (file, shared, used) in sums.into_values() {
            let points = COUPLING * (1.0 + 4.0 * shared).log2() + USED * (1.0 + 4.0 * used).log2();
            add(affected, file, points);
        }
    }
}

/// What is known of every file that may be affected.
pub(crate) type Affected<'a> = BTreeMap<&'a RelPath, (&'a Arc<File>, Evidence)>;

fn likelihood(role: Role) -> f32 {
    match role {
        Role::Source | Role::Test => 1.0,
        Role::Configuration | Role::Document => 0.4,
        Role::Vendored | Role::Generated => 0.3,
    }
}
