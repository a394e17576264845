//! What is read of a repository's past.

use super::{Fixture, path};
use crate::history::{Commit, History};

/// A repository in which commits are made one after the other; `None` where there is no git.
struct Repository {
    fixture: Fixture,
    time: u64,
}

impl Repository {
    fn new(files: &[(&str, &str)]) -> Option<Repository> {
        let repository = Repository { fixture: Fixture::new(files), time: 1_000_000_000 };
        repository.git(&["init", "-q", "-b", "trunk"]).then_some(repository)
    }

    fn git(&self, arguments: &[&str]) -> bool {
        let mut command = std::process::Command::new("git");
        command.args(["-c", "user.name=N", "-c", "user.email=n@example.org", "-c", "commit.gpgsign=false"]);
        let date = format!("{} +0000", self.time);
        command.args(arguments).current_dir(self.fixture.root()).env("HOME", self.fixture.outer.path());
        command.env("GIT_AUTHOR_DATE", &date).env("GIT_COMMITTER_DATE", &date);
        command.output().is_ok_and(|output| output.status.success())
    }

    fn commit(&mut self, message: &str, files: &[(&str, &str)]) {
        self.time += 60;
        for (name, text) in files {
            self.fixture.put(name, text);
        }
        assert!(self.git(&["add", "-A"]) && self.git(&["commit", "-q", "--allow-empty", "-m", message]));
    }

    fn read(&self, before: &History) -> (History, usize) {
        let mut looked_at = 0;
        let history = History::read(&self.fixture.workspace.current_roots(), before, &mut || {
            looked_at += 1;
            true
        });
        (history, looked_at)
    }
}

fn told(history: &History) -> Vec<(String, Vec<String>)> {
    let paths = |commit: &Commit| commit.paths.iter().map(|path| path.as_str().to_owned()).collect();
    history.commits().map(|commit| (commit.message.trim().to_owned(), paths(commit))).collect()
}

#[test]
fn commits_tell_which_files_they_changed() {
    let Some(mut repository) = Repository::new(&[("a.rs", "one"), ("b/c.rs", "one")]) else { return };
    repository.commit("All of it", &[]);
    repository.commit("Wash", &[("a.rs", "two"), ("b/c.rs", "two")]);
    repository.commit("Dry", &[("b/d.rs", "new")]);
    let many: Vec<(String, &str)> = (0..60).map(|n| (format!("many/{n}.rs"), "x")).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|(name, text)| (name.as_str(), *text)).collect();
    repository.commit("A sweep says nothing of its files", &many);
    let (history, _) = repository.read(&History::default());
    let expected = [("Dry", vec!["b/d.rs"]), ("Wash", vec!["a.rs", "b/c.rs"])];
    let expected =
        expected.map(|(message, paths)| (message.to_owned(), paths.into_iter().map(str::to_owned).collect()));
    assert_eq!(told(&history), expected);

    let inner = repository.fixture.root().join("b");
    repository.fixture.workspace.set_roots(vec![inner]).unwrap();
    let (history, _) = repository.read(&History::default());
    assert_eq!(history.commits().next().map(|commit| commit.paths.clone()), Some(vec![path("d.rs")]));
}

#[test]
fn what_is_known_is_not_read_again_and_an_interrupted_walk_goes_on() {
    let Some(mut repository) = Repository::new(&[("a.rs", "0")]) else { return };
    for number in 1..6 {
        repository.commit(&format!("Step {number}"), &[("a.rs", &number.to_string())]);
    }
    let (whole, looked_at) = repository.read(&History::default());
    assert_eq!((told(&whole).len(), looked_at), (4, 5), "the first commit adds everything, and says nothing");
    let (again, looked_at) = repository.read(&whole);
    assert_eq!((&again, looked_at), (&whole, 0));

    let mut left = 2;
    let roots = repository.fixture.workspace.current_roots();
    let part = History::read(&roots, &History::default(), &mut || {
        left -= 1;
        left >= 0
    });
    assert_eq!((told(&part).len(), part.is_whole(), whole.is_whole()), (2, false, true));
    assert_eq!(repository.read(&part).0, whole);

    repository.commit("Step 6", &[("a.rs", "6")]);
    assert_eq!(told(&repository.read(&whole).0)[0].0, "Step 6");
}

#[test]
fn no_repository_has_no_history() {
    let fixture = Fixture::new(&[("a.rs", "")]);
    let history = History::read(&fixture.workspace.current_roots(), &History::default(), &mut || true);
    assert_eq!(history.commits().count(), 0);
}
