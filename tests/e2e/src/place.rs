//! A project in a temporary folder, with a state directory beside it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

/// A project and the state of a Galley that works on it. Removed when dropped.
pub struct Place {
    folder: TempDir,
}

/// The repository.
pub fn repository() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

impl Place {
    /// A project of the given files.
    pub fn new(files: &[(&str, &str)]) -> Place {
        let place = Place { folder: tempfile::tempdir().expect("a temporary folder") };
        std::fs::create_dir_all(place.root()).expect("the project's folder");
        for (path, text) in files {
            place.write(path, text);
        }
        place
    }

    /// A copy of a folder of the repository.
    pub fn copy_of(folder: &str) -> Place {
        let place = Place::new(&[]);
        copy(&repository().join(folder), &place.root());
        place
    }

    /// The project's folder.
    pub fn root(&self) -> PathBuf {
        self.folder.path().join("project")
    }

    /// The state directory.
    pub fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    /// A path beside the project, for signals and logs.
    pub fn beside(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The address of a file.
    pub fn uri(&self, path: &str) -> String {
        format!("file://{}", self.root().join(path).display())
    }

    /// Writes a file of the project.
    pub fn write(&self, path: &str, text: &str) {
        let path = self.root().join(path);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        std::fs::write(path, text).expect("a written file");
    }

    /// Reads a file of the project.
    pub fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// Every file of the project with its bytes, build products left out.
    pub fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let mut found = BTreeMap::new();
        collect(&self.root(), &self.root(), &mut found);
        found
    }

    /// Runs the program with its state here. No variable of the machine's configuration reaches it.
    pub fn galley(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().expect("galley runs")
    }

    /// Runs git in the project, as somebody, and gives what it printed.
    pub fn git(&self, arguments: &[&str]) -> String {
        let output = Command::new("git")
            .args(["-c", "user.name=a", "-c", "user.email=a@b"])
            .args(arguments)
            .current_dir(self.root())
            .output()
            .expect("git runs");
        assert!(output.status.success(), "git {arguments:?}: {}", stderr(&output));
        stdout(&output)
    }

    /// Sets the person's own configuration.
    pub fn configure(&self, toml: &str) {
        std::fs::write(self.beside("config.toml"), toml).expect("a written configuration");
    }

    /// The program, to be run with its state and configuration here.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.program(crate::galley());
        command.args(arguments);
        command
    }

    /// Any program, to be run as [`Place::command`] runs ours.
    pub fn program(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.root());
        for name in [
            "GALLEY_MODEL",
            "GALLEY_BASE_URL",
            "GALLEY_CONFIG",
            "GALLEY_API_KEY_ENV",
            "OPENAI_API_KEY",
            "ANTHROPIC_API_KEY",
            "GEMINI_API_KEY",
        ] {
            command.env_remove(name);
        }
        let config = self.beside("config.toml");
        if config.exists() {
            command.env("GALLEY_CONFIG", config);
        }
        command.env("GALLEY_STATE_DIR", self.state()).env("NO_COLOR", "1");
        command
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("a folder of the repository") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).expect("a copied file");
        }
    }
}

fn collect(root: &Path, folder: &Path, found: &mut BTreeMap<String, Vec<u8>>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            if path.file_name().is_some_and(|name| name != "target") {
                collect(root, &path, found);
            }
        } else {
            let name = path.strip_prefix(root).expect("below the root").to_string_lossy().into_owned();
            found.insert(name, std::fs::read(&path).expect("a file"));
        }
    }
}

/// Standard output of a command as text.
pub fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Standard error of a command as text.
pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}
