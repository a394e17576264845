//! A suite: cases with a repository, a request, and what judges the result.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

/// A suite as it stands in its file.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Suite {
    /// The cases.
    #[serde(rename = "case", alias = "cases")]
    pub cases: Vec<Case>,
}

/// One task with what judges it. Complete in itself, so that it can be handed to another machine.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Case {
    /// Its name, unique in the suite.
    pub id: String,
    /// A folder, relative to the suite's file, or the address of a git repository.
    pub repository: String,
    /// The commit to work on; absent: the folder as it is, or the repository's head.
    pub commit: Option<String>,
    /// What is asked for.
    pub request: String,
    /// Shell commands that make the project ready, in order. They run with the network and without a sandbox.
    pub setup: Vec<String>,
    /// Shell commands that judge; all have to end with 0. They run sandboxed, on the proposal with the hidden files.
    pub check: Vec<String>,
    /// Files that are laid over the proposal before it is judged: path in the project → path beside the suite.
    pub hidden: BTreeMap<String, String>,
    /// The same with their texts, as they are handed on.
    pub hidden_texts: BTreeMap<String, String>,
    /// Globs of what may be changed.
    pub scope: Vec<String>,
    /// Limit in US dollars.
    pub max_usd: Option<f64>,
    /// Limit on rounds.
    pub max_steps: Option<u32>,
    /// Limit on the wall time of the task in seconds.
    pub seconds: Option<u64>,
}

/// Reads a suite: TOML, or JSON where the file's name ends in `.json`. What it refers to beside it is read, too.
///
/// # Errors
/// Words for the person.
pub fn read(path: &Path) -> Result<Suite, String> {
    let shown = path.display();
    let text = std::fs::read_to_string(path).map_err(|error| format!("{shown} cannot be read: {error}"))?;
    let mut suite: Suite = match path.extension().is_some_and(|ending| ending == "json") {
        true => serde_json::from_str(&text).map_err(|error| format!("{shown}: {error}"))?,
        false => toml::from_str(&text).map_err(|error| format!("{shown}: {error}"))?,
    };
    let beside = path.parent().unwrap_or(Path::new("."));
    for case in &mut suite.cases {
        case.settle(beside).map_err(|error| format!("{shown}: case `{}`: {error}", case.id))?;
    }
    let mut ids: Vec<&str> = suite.cases.iter().map(|case| case.id.as_str()).collect();
    ids.sort_unstable();
    match ids.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(format!("{shown}: two cases are called `{}`", pair[0])),
        None => Ok(suite),
    }
}

impl Case {
    /// Takes in what lies beside the suite.
    fn settle(&mut self, beside: &Path) -> Result<(), String> {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if self.id.is_empty() || !self.id.chars().all(plain) || self.id.starts_with('.') {
            return Err("its id is not made of letters, digits, `-`, `_` and `.`".to_owned());
        }
        for (what, text) in [("request", &self.request), ("repository", &self.repository)] {
            if text.trim().is_empty() {
                return Err(format!("it has no {what}"));
            }
        }
        if self.check.is_empty() {
            return Err("nothing judges it: it has no `check`".to_owned());
        }
        if !is_address(&self.repository) {
            let folder = beside.join(&self.repository);
            let folder = folder
                .canonicalize()
                .map_err(|error| format!("{} cannot be opened: {error}", folder.display()))?;
            self.repository = folder.display().to_string();
        }
        for (path, source) in std::mem::take(&mut self.hidden) {
            let source = beside.join(source);
            let text = std::fs::read_to_string(&source)
                .map_err(|error| format!("{} cannot be read: {error}", source.display()))?;
            self.hidden_texts.insert(path, text);
        }
        Ok(())
    }
}

/// Whether a repository is named by an address of git's, not by a folder.
pub fn is_address(repository: &str) -> bool {
    let scp =
        || repository.split_once(':').is_some_and(|(host, _)| host.contains('@') && !host.contains('/'));
    repository.contains("://") || scp()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_lacks_nothing_that_a_result_needs() {
        let case = |text: &str| {
            let mut suite: Suite = toml::from_str(text).unwrap();
            suite.cases[0].settle(Path::new("."))
        };
        let whole = "[[case]]\nid = 'a'\nrepository = '.'\nrequest = 'r'\ncheck = ['true']";
        assert_eq!(case(whole), Ok(()));
        for (from, to, why) in [
            ("id = 'a'", "id = '../a'", "letters"),
            ("request = 'r'", "request = ' '", "no request"),
            ("check = ['true']", "check = []", "nothing judges it"),
            ("repository = '.'", "repository = './nowhere'", "cannot be opened"),
        ] {
            assert!(case(&whole.replace(from, to)).unwrap_err().contains(why));
        }
        assert!(toml::from_str::<Suite>("[[case]]\nrepo = 'x'").unwrap_err().to_string().contains("repo"));
        assert!(is_address("git@example.org:a/b.git") && is_address("file:///a") && !is_address("C:/a"));
    }
}
