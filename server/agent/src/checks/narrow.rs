//! A check cut down to some of its tests, where its runner can.

use super::{Check, Reader};

/// What to cut a check down to.
#[derive(Debug, Clone, Copy)]
pub enum Only<'a> {
    /// Tests whose names contain this.
    Containing(&'a str),
    /// Tests of these names, as the reader reported them.
    Named(&'a [String]),
    /// Tests in these files, relative to the workspace.
    InFiles(&'a [String]),
}

impl Check {
    /// The check cut down; `None` where its runner cannot do that.
    pub fn narrowed(&self, only: Only<'_>) -> Option<Check> {
        let argv = match only {
            Only::Containing(part) => containing(self, part)?,
            Only::Named(names) if !names.is_empty() => named(self, names)?,
            Only::InFiles(files) if !files.is_empty() => in_files(self, files)?,
            Only::Named(_) | Only::InFiles(_) => return None,
        };
        let what = match only {
            Only::Containing(part) => part.to_owned(),
            Only::Named(names) | Only::InFiles(names) if names.len() == 1 => names[0].clone(),
            Only::Named(names) => format!("{} tests", names.len()),
            Only::InFiles(files) => format!("{} files", files.len()),
        };
        let name = format!("{} {what}", self.name);
        let whole = Some(self.whole.clone().unwrap_or_else(|| self.name.clone()));
        Some(Check { name, argv, whole, ..self.clone() })
    }
}

fn with(check: &Check, more: impl IntoIterator<Item = String>) -> Option<Vec<String>> {
    Some(check.argv.iter().cloned().chain(more).collect())
}

fn containing(check: &Check, part: &str) -> Option<Vec<String>> {
    let part = part.to_owned();
    match check.reader {
        Reader::Libtest | Reader::Nextest if is_cargo(check) => with(check, [part]),
        Reader::Pytest | Reader::Unittest => with(check, ["-k".to_owned(), part]),
        Reader::GoTest => with(check, ["-run".to_owned(), part]),
        Reader::Jest => with(check, ["-t".to_owned(), regex::escape(&part)]),
        Reader::Mocha => with(check, ["--fgrep".to_owned(), part]),
        Reader::Ctest => with(check, ["-R".to_owned(), regex::escape(&part)]),
        Reader::Rspec => with(check, ["--example".to_owned(), part]),
        Reader::Tap if check.argv[0] == "bats" => with(check, ["--filter".to_owned(), regex::escape(&part)]),
        Reader::Junit if is_phpunit(check) => with(check, ["--filter".to_owned(), regex::escape(&part)]),
        Reader::Junit if check.argv[0] == "mvn" => with(check, [format!("-Dtest=*{part}*")]),
        Reader::Trx => with(check, ["--filter".to_owned(), format!("FullyQualifiedName~{part}")]),
        _ => None,
    }
}

fn named(check: &Check, names: &[String]) -> Option<Vec<String>> {
    let any = || names.iter().map(|name| regex::escape(name)).collect::<Vec<_>>().join("|");
    match check.reader {
        Reader::Libtest if is_cargo(check) => {
            with(check, ["--".to_owned(), "--exact".to_owned()].into_iter().chain(names.iter().cloned()))
        }
        Reader::Nextest => {
            let of = |name: &String| name.rsplit(' ').next().map(|name| format!("test(={name})"));
            let filter: Vec<String> = names.iter().filter_map(of).collect();
            with(check, ["-E".to_owned(), filter.join(" | ")])
        }
        Reader::Pytest => with(check, names.iter().cloned()),
        Reader::Unittest => with(check, names.iter().flat_map(|name| ["-k".to_owned(), name.clone()])),
        Reader::GoTest => {
            // Subtests run with the test around them; the package stands before the last point.
            let of = |name: &String| {
                let (path, test) =
                    name.rsplit_once('/').map_or(("", name.as_str()), |(path, test)| (path, test));
                let test = if test.contains('.') { test } else { path };
                test.rsplit('.').next().map(|test| test.split('/').next().unwrap_or(test).to_owned())
            };
            let mut tests: Vec<String> = names.iter().filter_map(of).collect();
            tests.dedup();
            with(check, ["-count=1".to_owned(), "-run".to_owned(), format!("^({})$", tests.join("|"))])
        }
        Reader::Jest => with(check, ["-t".to_owned(), format!("^({})$", any())]),
        Reader::Mocha => with(check, ["--grep".to_owned(), format!("^({})$", any())]),
        Reader::Ctest => with(check, ["-R".to_owned(), format!("^({})$", any())]),
        Reader::Rspec => with(check, names.iter().flat_map(|name| ["--example".to_owned(), name.clone()])),
        Reader::Tap if check.argv[0] == "bats" => {
            with(check, ["--filter".to_owned(), format!("^({})$", any())])
        }
        Reader::Junit if is_phpunit(check) => {
            let of = |name: &String| regex::escape(&name.replacen('.', "::", 1));
            let tests: Vec<String> = names.iter().map(of).collect();
            with(check, ["--filter".to_owned(), tests.join("|")])
        }
        Reader::Junit if check.argv[0] == "mvn" => {
            let of = |name: &String| name.rsplit_once('.').map(|(class, test)| format!("{class}#{test}"));
            let tests: Vec<String> = names.iter().filter_map(of).collect();
            with(check, [format!("-Dtest={}", tests.join(","))])
        }
        Reader::Trx => {
            let tests: Vec<String> = names.iter().map(|name| format!("FullyQualifiedName={name}")).collect();
            with(check, ["--filter".to_owned(), tests.join("|")])
        }
        _ => None,
    }
}

fn in_files(check: &Check, files: &[String]) -> Option<Vec<String>> {
    let files: Vec<String> =
        files.iter().filter_map(|path| super::relative(&check.dir, path).map(str::to_owned)).collect();
    if files.is_empty() {
        return None;
    }
    let stems =
        || files.iter().filter_map(|path| path.rsplit('/').next()?.split('.').next().map(str::to_owned));
    match check.reader {
        Reader::Libtest | Reader::Nextest if is_cargo(check) => with(check, rust_targets(&files)?),
        Reader::Pytest | Reader::Jest | Reader::Mocha | Reader::Rspec => with(check, files),
        Reader::Unittest if check.argv.last().is_some_and(|word| word == "-v") => {
            let modules =
                files.iter().filter_map(|path| path.strip_suffix(".py")).map(|path| path.replace('/', "."));
            let head = check.argv.iter().filter(|word| *word != "discover").cloned();
            Some(head.chain(modules).collect())
        }
        Reader::GoTest => {
            let mut packages: Vec<String> = files
                .iter()
                .map(|path| path.rsplit_once('/').map_or(".".to_owned(), |(folder, _)| format!("./{folder}")))
                .collect();
            packages.dedup();
            Some(check.argv.iter().filter(|word| *word != "./...").cloned().chain(packages).collect())
        }
        Reader::Exunit => with(check, files),
        Reader::Tap if check.argv[0] == "bats" => {
            Some(check.argv.iter().filter(|word| !word.ends_with(".bats")).cloned().chain(files).collect())
        }
        Reader::Junit if is_phpunit(check) => {
            with(check, ["--filter".to_owned(), stems().collect::<Vec<_>>().join("|")])
        }
        Reader::Junit if check.argv[0] == "mvn" => {
            with(check, [format!("-Dtest={}", stems().collect::<Vec<_>>().join(","))])
        }
        _ => None,
    }
}

/// `--test name` for the files of `tests`; for those of `src`, which hold their own tests, the module's name as a filter,
/// where it is but one.
fn rust_targets(files: &[String]) -> Option<Vec<String>> {
    let target = |path: &String| {
        let (folder, name) = path.rsplit_once('/')?;
        let is_target = folder == "tests" || folder.ends_with("/tests");
        is_target.then(|| name.strip_suffix(".rs").map(str::to_owned)).flatten()
    };
    let targets: Option<Vec<String>> = files.iter().map(target).collect();
    if let Some(targets) = targets {
        return Some(targets.into_iter().flat_map(|name| ["--test".to_owned(), name]).collect());
    }
    let [file] = files else { return None };
    let (_, module) = file.split_once("src/")?;
    let module = module.strip_suffix(".rs")?.trim_end_matches("/mod").replace('/', "::");
    let whole = ["lib", "main"].contains(&module.as_str());
    Some(if whole { vec!["--lib".to_owned()] } else { vec!["--lib".to_owned(), format!("{module}::")] })
}

fn is_cargo(check: &Check) -> bool {
    check.argv[0] == "cargo"
}

fn is_phpunit(check: &Check) -> bool {
    check.argv[0].ends_with("phpunit")
}
