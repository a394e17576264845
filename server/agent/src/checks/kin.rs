//! Commands that run nothing but what a check runs: its own with other flags, which a model that knows the tool types.

use super::Check;

/// Programs that do nothing but check (or put into form, which is reviewed), whatever follows these words; by what starts
/// them beside their own name.
const CHECKERS: &[(&[&str], Starters)] = &[
    (&["pytest"], Starters::Python),
    (&["unittest"], Starters::Python),
    (&["ruff", "check"], Starters::Python),
    (&["ruff", "format"], Starters::Python),
    (&["mypy"], Starters::Python),
    (&["pyright"], Starters::Python),
    (&["tsc"], Starters::Node),
    (&["eslint"], Starters::Node),
    (&["vitest"], Starters::Node),
    (&["jest"], Starters::Node),
    (&["mocha"], Starters::Node),
    (&["rspec"], Starters::Bundler),
    (&["dotnet", "build"], Starters::Own),
    (&["dotnet", "test"], Starters::Own),
    (&["mix", "test"], Starters::Own),
    (&["mix", "format"], Starters::Own),
    (&["mvn", "test"], Starters::Own),
    (&["phpunit"], Starters::Own),
    (&["shellcheck"], Starters::Own),
    (&["bats"], Starters::Own),
];

/// What starts a program beside its own name.
#[derive(Clone, Copy)]
enum Starters {
    Python,
    Node,
    Bundler,
    Own,
}

impl Starters {
    fn words(self) -> &'static [&'static str] {
        match self {
            Starters::Python => &[
                "",
                "python -m",
                "python3 -m",
                "uv run",
                "uv run python -m",
                "poetry run",
                "poetry run python -m",
                ".venv/bin/python -m",
                "./.venv/bin/python -m",
            ],
            Starters::Node => {
                &["", "npx", "npx --no", "npx --no-install", "pnpm", "pnpm exec", "yarn", "bunx"]
            }
            Starters::Bundler => &["", "bundle exec"],
            Starters::Own => &[""],
        }
    }

    /// The folder of the project's own programs of this kind.
    fn folder(self) -> Option<&'static str> {
        match self {
            Starters::Python => Some(".venv/bin/"),
            Starters::Node => Some("node_modules/.bin/"),
            Starters::Bundler | Starters::Own => None,
        }
    }

    /// Every way of starting a program with these first words.
    fn all(self, program: &[&str]) -> Vec<Vec<String>> {
        let with = |start: &str| {
            start.split_whitespace().chain(program.iter().copied()).map(str::to_owned).collect()
        };
        let mut ways: Vec<Vec<String>> = self.words().iter().map(|start| with(start)).collect();
        for start in self.folder().iter().flat_map(|folder| [(*folder).to_owned(), format!("./{folder}")]) {
            let mut way: Vec<String> = program.iter().map(|word| (*word).to_owned()).collect();
            way[0] = format!("{start}{}", way[0]);
            ways.push(way);
        }
        ways
    }
}

impl Check {
    /// The first words of such commands.
    pub fn kindred(&self) -> Vec<Vec<String>> {
        const CARGO: [&str; 5] = ["build", "check", "clippy", "fmt", "test"];
        let words = |list: &[&str]| list.iter().map(|&word| word.to_owned()).collect::<Vec<_>>();
        let mut kin = vec![self.argv.clone()];
        match self.argv.first().map(String::as_str) {
            Some("cargo") => kin.extend(CARGO.iter().map(|sub| words(&["cargo", sub]))),
            Some("go") => kin.extend(["build", "test", "vet"].iter().map(|sub| words(&["go", sub]))),
            Some("npm") => kin.extend([words(&["npm", "test"]), words(&["npm", "run", "test"])]),
            _ => {
                let of_check =
                    |(program, _): &&(&[&str], Starters)| self.argv.iter().any(|word| word == program[0]);
                let found = CHECKERS.iter().filter(of_check);
                kin.extend(found.flat_map(|(program, starters)| starters.all(program)));
            }
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
    use crate::checks::{Kind, Reader};

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
        let pytest = Check {
            argv: ["uv", "run", "--offline", "python", "-m", "pytest", "-q"].map(str::to_owned).to_vec(),
            ..check.clone()
        };
        let rules = Rules { checks: pytest.kindred(), ..Default::default() };
        for line in [
            "python -m pytest -q tests/test_cli.py 2>&1 | tail -15",
            "python3 -m pytest",
            "pytest -k name",
            ".venv/bin/pytest tests",
            "./.venv/bin/python -m pytest",
            "uv run pytest",
        ] {
            assert_eq!(judge(line, &rules).decision, Decision::Allow, "{line}");
        }
        for line in
            ["python -m pip install x", "python setup.py", ".venv/bin/python x.py", "uv run x", "ruff check"]
        {
            assert_eq!(judge(line, &rules).decision, Decision::Ask, "{line}");
        }
        assert!(
            check.is_kin("cargo test -q") && !check.is_kin("cargo test | tail") && !check.is_kin("cargo")
        );
    }
}
