//! Ignore rules: `.galleyignore` before `.ignore` before `.gitignore` before git's exclude files.
//!
//! Within one kind the deepest folder decides, within one file the last matching line, and what lies in an
//! ignored folder is ignored. Git's rules count without a repository too; they end at a repository's top.
//! `.galleyignore` is more than the others: what it names may not be read by a task at all.

use crate::roots::Root;
use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};
use std::path::Path;
use std::sync::Arc;

/// The file names that hold rules.
pub(crate) const RULE_FILES: [&str; 3] = [".galleyignore", ".ignore", ".gitignore"];

/// What the rules say of one path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It belongs to the workspace's files.
    Listed,
    /// It is left out of lists; a task may read it when it names it.
    Ignored,
    /// `.galleyignore` names it; a task may not read it.
    Denied,
}

/// The rules of one folder and, through `above`, of all folders over it.
#[derive(Debug)]
pub(crate) struct Level {
    above: Option<Arc<Level>>,
    /// In the order of [`RULE_FILES`]; git's own exclude file is the fourth.
    rules: [Option<Gitignore>; 4],
    is_repository_top: bool,
}

impl Level {
    /// The level above a root: git's global rules and, when the root lies inside a repository, those of the
    /// folders between. The root's own rules are not yet among them.
    pub(crate) fn above_root(root: &Root) -> Arc<Level> {
        let (global, _) = Gitignore::global();
        let rules = [None, None, None, Some(global)];
        let mut level = Arc::new(Level { above: None, rules, is_repository_top: false });
        let Some(top) = root.real.ancestors().find(|folder| folder.join(".git").exists()) else {
            return level;
        };
        let between = root.real.ancestors().skip(1).take_while(|folder| folder.starts_with(top));
        for folder in between.collect::<Vec<_>>().into_iter().rev() {
            level = level.below(folder);
        }
        level
    }

    /// The level of a folder one step down; the same level when that folder holds no rules of its own.
    pub(crate) fn below(self: &Arc<Level>, folder: &Path) -> Arc<Level> {
        let present = |name: &str| folder.join(name).exists();
        self.below_with(folder, present(".git"), |name| folder.join(name).is_file())
    }

    /// As [`Level::below`], for a folder whose entries are known already.
    pub(crate) fn below_with(
        self: &Arc<Level>,
        folder: &Path,
        is_repository_top: bool,
        holds: impl Fn(&str) -> bool,
    ) -> Arc<Level> {
        let load = |name: &str| holds(name).then(|| load_rules(folder, &folder.join(name))).flatten();
        let exclude = is_repository_top.then(|| load_rules(folder, &folder.join(".git/info/exclude")));
        let [galley, plain, git] = RULE_FILES.map(load);
        let rules = [galley, plain, git, exclude.flatten()];
        if !is_repository_top && rules.iter().all(Option::is_none) {
            return Arc::clone(self);
        }
        Arc::new(Level { above: Some(Arc::clone(self)), rules, is_repository_top })
    }

    /// Judges one entry of this level's folder. That the folder itself is listed is taken for granted.
    pub(crate) fn judge(&self, path: &Path, is_folder: bool) -> Verdict {
        for kind in 0..self.rules.len() {
            match self.judge_kind(kind, path, is_folder) {
                Some(true) => return Verdict::Listed,
                Some(false) if kind == 0 => return Verdict::Denied,
                Some(false) => return Verdict::Ignored,
                None => {}
            }
        }
        Verdict::Listed
    }

    /// True when a `.galleyignore` here or above holds any rule.
    pub(crate) fn denies_something(&self) -> bool {
        self.rules[0].is_some() || self.above.as_ref().is_some_and(|above| above.denies_something())
    }

    /// `Some(false)` when rules of one kind ignore the path, `Some(true)` when they take it back in.
    fn judge_kind(&self, kind: usize, path: &Path, is_folder: bool) -> Option<bool> {
        let mut level = Some(self);
        let mut left_repository = false;
        while let Some(current) = level {
            // Git's rules do not reach into a repository from outside; the user's global ones do.
            let is_outermost = current.above.is_none();
            if let Some(rules) = &current.rules[kind]
                && (!left_repository || is_outermost)
            {
                match rules.matched(path, is_folder) {
                    Match::Ignore(_) => return Some(false),
                    Match::Whitelist(_) => return Some(true),
                    Match::None => {}
                }
            }
            left_repository |= kind >= 2 && current.is_repository_top;
            level = current.above.as_deref();
        }
        None
    }
}

fn load_rules(folder: &Path, file: &Path) -> Option<Gitignore> {
    let mut builder = GitignoreBuilder::new(folder);
    // A line that is no pattern is left out by the builder; the other lines of the file count.
    let _ = builder.add(file);
    builder.build().ok().filter(|rules| !rules.is_empty())
}
