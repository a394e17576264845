//! Commands that run nothing but what a check runs: its own with other flags, which a model that knows the tool types.

use super::{Check, Reader};

impl Check {
    /// The first words of such commands.
    pub fn kindred(&self) -> Vec<Vec<String>> {
        const CARGO: [&str; 5] = ["build", "check", "clippy", "fmt", "test"];
        let words = |list: &[&str]| list.iter().map(|&word| word.to_owned()).collect::<Vec<_>>();
        let mut kin = vec![self.argv.clone()];
        match (self.reader, self.argv.first().map(String::as_str)) {
            (_, Some("cargo")) => kin.extend(CARGO.iter().map(|sub| words(&["cargo", sub]))),
            (_, Some("go")) => kin.extend(["build", "test", "vet"].iter().map(|sub| words(&["go", sub]))),
            (_, Some("npm")) => kin.extend([words(&["npm", "test"]), words(&["npm", "run", "test"])]),
            (Reader::Pytest, _) => kin.extend([words(&["python3", "-m", "pytest"]), words(&["pytest"])]),
            _ => {}
        }
        kin
    }

    /// Whether a plain command line is such a command.
    pub fn is_kin(&self, command: &str) -> bool {
        let words: Vec<&str> = command.split_whitespace().collect();
        let begins =
            |kin: &Vec<String>| words.len() >= kin.len() && kin.iter().zip(&words).all(|(a, b)| a == b);
        !command.contains(['|', ';', '&', '>', '<', '`', '$']) && self.kindred().iter().any(begins)
    }
}

#[cfg(test)]
mod tests {
    use galley_exec::policy::{Decision, Rules, judge};

    use super::*;
    use crate::checks::Kind;

    #[test]
    fn other_flags_of_a_check_are_its_kin() {
        let check = Check {
            name: "cargo test".into(),
            kind: Kind::Test,
            argv: ["cargo", "test", "--workspace"].map(str::to_owned).to_vec(),
            dir: String::new(),
            reader: Reader::Libtest,
            install: String::new(),
            reports: Vec::new(),
            whole: None,
        };
        let rules = Rules { checks: check.kindred(), ..Default::default() };
        let decision = |command| judge(command, &rules).decision;
        assert_eq!(decision("cargo test -q range"), Decision::Allow);
        assert_eq!(decision("cargo publish"), Decision::Ask);
        assert!(
            check.is_kin("cargo test -q") && !check.is_kin("cargo test | tail") && !check.is_kin("cargo")
        );
    }
}
