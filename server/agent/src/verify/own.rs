//! Programs that a project has of its own: they go before those of the system, as its developers run them.

use std::path::{Path, PathBuf};

/// Folders of a project that hold programs of its own.
const PROGRAMS: [&str; 4] = ["node_modules/.bin", ".venv/bin", "venv/bin", "vendor/bin"];

/// What runs Python with a project's packages, and can be left out where these are in a folder of the project.
const LAUNCHERS: [&str; 2] = ["uv", "poetry"];

/// The command with the project's own program in place of the system's, where it has one below `root`: in the folder `dir`
/// (relative, `/` between names), or above it. `binds` are folders that only the sandbox shows, each with the path at which
/// it is seen.
pub fn with_own_program(
    argv: Vec<String>,
    root: &Path,
    dir: &str,
    binds: &[(PathBuf, PathBuf)],
) -> Vec<String> {
    let Some(python) = launched(&argv) else {
        return own(&argv, root, dir, binds).unwrap_or(argv);
    };
    if let Some(own) = own(&python, root, dir, binds) {
        return own;
    }
    // Without the launcher the system's Python is tried: it says what it lacks.
    if galley_exec::which(&argv[0]).is_none() { system(python) } else { argv }
}

/// The folders of programs that are there for commands in the folder `dir`, nearest first.
pub fn program_folders(root: &Path, dir: &str, binds: &[(PathBuf, PathBuf)]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for (folder, _) in upwards(root, dir) {
        let folders = PROGRAMS.iter().map(|programs| folder.join(programs));
        found.extend(folders.filter(|place| real(place, binds).is_dir()));
    }
    found
}

/// What follows a launcher, from `python` on.
fn launched(argv: &[String]) -> Option<Vec<String>> {
    argv.first().filter(|program| LAUNCHERS.contains(&program.as_str()))?;
    let at = argv.iter().position(|word| word == "python")?;
    Some(argv[at..].to_vec())
}

fn system(mut python: Vec<String>) -> Vec<String> {
    "python3".clone_into(&mut python[0]);
    python
}

fn own(argv: &[String], root: &Path, dir: &str, binds: &[(PathBuf, PathBuf)]) -> Option<Vec<String>> {
    let program = argv.first().filter(|program| !program.contains(['/', '\\']))?;
    for (folder, up) in upwards(root, dir) {
        for programs in PROGRAMS {
            let place = real(&folder.join(programs).join(program), binds);
            if galley_exec::which(&place.to_string_lossy()).is_some() {
                // Relative, so that evidence names no private folder.
                let own = format!("{}{programs}/{program}", "../".repeat(up));
                let own = if up == 0 { format!("./{own}") } else { own };
                return Some(std::iter::once(own).chain(argv[1..].iter().cloned()).collect());
            }
        }
    }
    None
}

/// A folder and those above it up to the root, each with its distance.
fn upwards(root: &Path, dir: &str) -> Vec<(PathBuf, usize)> {
    let depth = dir.split('/').filter(|part| !part.is_empty()).count();
    root.join(dir).ancestors().take(depth + 1).map(Path::to_path_buf).zip(0..).collect()
}

/// Where a path of the sandbox is outside of it.
fn real(place: &Path, binds: &[(PathBuf, PathBuf)]) -> PathBuf {
    let bound = binds.iter().find_map(|(source, shown)| Some(source.join(place.strip_prefix(shown).ok()?)));
    bound.unwrap_or_else(|| place.to_path_buf())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn words(line: &str) -> Vec<String> {
        line.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn the_nearest_own_program_goes_first() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        let argv = || words("sh x");
        assert_eq!(with_own_program(argv(), root, "a", &[]), argv());
        // A program that the sandbox shows: here the system's own folder stands for a bound one.
        let system = galley_exec::which("sh").unwrap().parent().unwrap().to_path_buf();
        let binds = [(system.clone(), root.join("node_modules/.bin"))];
        assert_eq!(with_own_program(argv(), root, "", &binds)[0], "./node_modules/.bin/sh");
        assert_eq!(with_own_program(argv(), root, "a/b", &binds)[0], "../../node_modules/.bin/sh");
        let near = [binds[0].clone(), (system, root.join("a/.venv/bin"))];
        assert_eq!(with_own_program(argv(), root, "a/b", &near)[0], "../.venv/bin/sh");
        assert_eq!(with_own_program(words("./sh"), root, "", &binds)[0], "./sh");
        let folders = program_folders(root, "a/b", &near);
        assert_eq!(folders, [root.join("a/.venv/bin"), root.join("node_modules/.bin")]);
    }

    #[cfg(unix)]
    #[test]
    fn a_launcher_is_left_out_where_the_packages_are_in_the_project_or_it_is_not_there() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        let call = || words("poetry run python -m pytest");
        let there = galley_exec::which("poetry").is_some();
        let without = if there { "poetry run python -m pytest" } else { "python3 -m pytest" };
        assert_eq!(with_own_program(call(), root, "", &[]), words(without));
        fs::create_dir_all(root.join(".venv/bin")).unwrap();
        std::os::unix::fs::symlink(galley_exec::which("sh").unwrap(), root.join(".venv/bin/python")).unwrap();
        assert_eq!(with_own_program(call(), root, "", &[]), words("./.venv/bin/python -m pytest"));
    }
}
