//! The folders of a workspace and the mapping between their files and [`RelPath`].
//!
//! With one root a path is relative to it; with several it begins with the root's name. The mapping is
//! lexical and can therefore not leave a root; [`Roots::real_for_write`] additionally resolves symbolic
//! links, because a link inside a root may lead anywhere.

use crate::error::{WorkspaceError, WriteError};
use galley_text::path::RelPath;
use std::path::{Component, Path, PathBuf};

/// One folder of the workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Root {
    /// Unique among the roots; the first component of a path when there are several roots.
    pub name: String,
    /// The absolute folder as it was given, without `.` and `..`.
    pub path: PathBuf,
    /// The same folder with all symbolic links resolved when it was added.
    pub real: PathBuf,
}

/// The folders of a workspace at one moment; never changed, only replaced.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Roots {
    list: Vec<Root>,
}

impl Roots {
    /// Takes the folders in the given order; the same folder twice counts once.
    pub fn new(paths: Vec<PathBuf>) -> Result<Roots, WorkspaceError> {
        let mut list: Vec<Root> = Vec::new();
        for given in paths {
            let path = std::path::absolute(&given)
                .map_err(|error| WorkspaceError::Root { path: given.clone(), why: error.to_string() })?;
            let path = lexically_normal(&path);
            let real = std::fs::canonicalize(&path)
                .map_err(|error| WorkspaceError::Root { path: path.clone(), why: error.to_string() })?;
            if !real.is_dir() {
                return Err(WorkspaceError::Root { path, why: "it is not a folder".into() });
            }
            if list.iter().any(|root| root.real == real) {
                continue;
            }
            let name = unused_name(&list, &path);
            list.push(Root { name, path, real });
        }
        Ok(Roots { list })
    }

    /// The roots in their order.
    pub fn iter(&self) -> impl Iterator<Item = &Root> {
        self.list.iter()
    }

    /// How many roots there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// True when there is no root, as in an editor that opened a lone file.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The first component that paths of this root carry: its name, or nothing when it is the only one.
    pub(crate) fn prefix<'a>(&self, root: &'a Root) -> &'a str {
        if self.list.len() == 1 { "" } else { &root.name }
    }

    /// The workspace path of an absolute file path; `None` when it lies in no root, is a root itself, or
    /// cannot be written as a [`RelPath`] (for example because its name is not UTF-8).
    pub fn locate(&self, path: &Path) -> Option<RelPath> {
        if !path.is_absolute() {
            return None;
        }
        let path = lexically_normal(path);
        if let Some(found) = self.locate_lexical(&path) {
            return Some(found);
        }
        // The caller may know the folder by another name, as `/tmp` and `/private/tmp` on macOS.
        self.locate_lexical(&real_of_existing(&path).ok()?)
    }

    fn locate_lexical(&self, path: &Path) -> Option<RelPath> {
        let depth = |base: &Path| base.components().count();
        let (root, inner) = self
            .list
            .iter()
            .flat_map(|root| [(root, root.path.as_path()), (root, root.real.as_path())])
            .filter_map(|(root, base)| Some((root, base, path.strip_prefix(base).ok()?)))
            .max_by_key(|(_, base, _)| depth(base))
            .map(|(root, _, inner)| (root, inner))?;
        let mut text = String::from(self.prefix(root));
        for component in inner.components() {
            let Component::Normal(name) = component else { return None };
            if !text.is_empty() {
                text.push('/');
            }
            text.push_str(name.to_str()?);
        }
        if inner.as_os_str().is_empty() {
            return None;
        }
        RelPath::new(&text).ok()
    }

    /// The root that a workspace path lies in and the rest of the path inside it.
    pub(crate) fn split<'p>(&self, path: &'p RelPath) -> Option<(&Root, &'p str)> {
        match self.list.as_slice() {
            [] => None,
            [root] => Some((root, path.as_str())),
            roots => {
                let (name, inner) = path.as_str().split_once('/')?;
                Some((roots.iter().find(|root| root.name == name)?, inner))
            }
        }
    }

    /// The absolute path of a workspace path; `None` when it names no root. Purely lexical.
    pub fn absolute(&self, path: &RelPath) -> Option<PathBuf> {
        let (root, inner) = self.split(path)?;
        Some(join_slashed(&root.path, inner))
    }

    /// True when a path without symbolic links lies in one of the roots and not in version-control storage.
    pub(crate) fn holds_real(&self, real: &Path) -> bool {
        self.list
            .iter()
            .any(|root| real.strip_prefix(&root.real).is_ok_and(|inner| !inner.components().any(is_vcs)))
    }

    /// The place where a write to `path` would really land, with every link of its folders and of itself
    /// resolved. Refused when that is outside all roots or inside version-control storage.
    pub fn real_for_write(&self, path: &RelPath) -> Result<PathBuf, WriteError> {
        let absolute =
            self.absolute(path).ok_or_else(|| WriteError::Outside { path: PathBuf::from(path.as_str()) })?;
        self.real_inside(&absolute)
    }

    /// As [`Roots::real_for_write`], for an absolute path.
    pub(crate) fn real_inside(&self, absolute: &Path) -> Result<PathBuf, WriteError> {
        let real = real_of_existing(absolute).map_err(|error| WriteError::from_io(absolute, &error))?;
        if self.holds_real(&real) {
            Ok(real)
        } else {
            Err(WriteError::Outside { path: absolute.to_path_buf() })
        }
    }
}

/// True for the storage folders of version control, which neither the model nor a write may touch.
pub(crate) fn is_vcs_name(name: &str) -> bool {
    [".git", ".hg", ".svn", ".jj"].iter().any(|vcs| name.eq_ignore_ascii_case(vcs))
}

fn is_vcs(component: Component<'_>) -> bool {
    component.as_os_str().to_str().is_some_and(is_vcs_name)
}

/// Joins a '/'-separated path to a native one.
pub(crate) fn join_slashed(base: &Path, inner: &str) -> PathBuf {
    let mut path = base.to_path_buf();
    path.extend(inner.split('/').filter(|part| !part.is_empty()));
    path
}

/// Resolves links in the part of a path that exists and keeps the rest as it is. A dangling link counts as
/// existing: what it points to decides, since a write would follow it.
pub(crate) fn real_of_existing(path: &Path) -> std::io::Result<PathBuf> {
    let mut rest = Vec::new();
    let mut existing = path.to_path_buf();
    for _ in 0..512 {
        match std::fs::canonicalize(&existing) {
            Ok(mut real) => {
                real.extend(rest.iter().rev());
                return Ok(real);
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        let parent = existing.parent().map(Path::to_path_buf);
        if let (Ok(target), Some(parent)) = (std::fs::read_link(&existing), &parent) {
            existing = lexically_normal(&std::fs::canonicalize(parent)?.join(target));
            continue;
        }
        let (Some(parent), Some(name)) = (parent, existing.file_name()) else { break };
        rest.push(name.to_os_string());
        existing = parent;
    }
    Err(std::io::Error::from(std::io::ErrorKind::NotFound))
}

/// Removes `.` and resolves `..` by name only.
fn lexically_normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                normal.pop();
            }
            other => normal.push(other),
        }
    }
    normal
}

fn unused_name(taken: &[Root], path: &Path) -> String {
    let base: String = path
        .file_name()
        .map_or_else(|| "root".into(), |name| name.to_string_lossy().into_owned())
        .chars()
        .map(|letter| if matches!(letter, '\\' | '\u{fffd}' | ':') { '_' } else { letter })
        .collect();
    let is_taken = |name: &str| taken.iter().any(|root| root.name == name);
    if !is_taken(&base) {
        return base;
    }
    (2..).map(|number| format!("{base}-{number}")).find(|name| !is_taken(name)).unwrap_or(base)
}
