//! Writing into a shadow whose content cannot be trusted.
//!
//! A command that ran in a shadow may have replaced a folder by a link that leads to the person's home. Every
//! operation here therefore goes down from the shadow's top one name at a time and follows no link; what
//! stands in the way of a folder or file that belongs there is removed.

use std::fs::{File, Metadata, Permissions};
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// The top of a shadow's tree.
#[derive(Debug)]
pub(crate) struct Place {
    path: PathBuf,
}

/// Goes through a place, path by path, and keeps the folder that it was in last open: neighbours are cheap.
pub(crate) struct Walk<'p> {
    place: &'p Place,
    last: Option<(String, Folder)>,
}

/// What to do with the file after it was created.
pub(crate) struct NewFile {
    pub(crate) mode: u32,
    /// Modification time; the present moment when absent.
    pub(crate) modified: Option<SystemTime>,
}

impl Place {
    pub(crate) fn new(path: PathBuf) -> Place {
        Place { path }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Begins to go through it.
    pub(crate) fn walk(&self) -> Walk<'_> {
        Walk { place: self, last: None }
    }

    /// Creates a folder and those above it.
    pub(crate) fn create_folder(&self, inner: &str) -> io::Result<()> {
        self.folder(inner).map(|_| ())
    }

    /// Removes whatever has this name, and the folders above it that become empty: builds look at which
    /// folders there are. Nothing there is fine.
    pub(crate) fn remove(&self, inner: &str) -> io::Result<()> {
        let (above, name) = split(inner);
        self.clear(&self.folder(above)?, inner, name)?;
        let mut inner = inner;
        while let Some((above, _)) = inner.rsplit_once('/') {
            if std::fs::remove_dir(self.path.join(above)).is_err() {
                break;
            }
            inner = above;
        }
        Ok(())
    }

    /// Opens a regular file for reading; a link or anything else is an error.
    pub(crate) fn open_file(&self, inner: &str) -> io::Result<File> {
        let (above, name) = split(inner);
        self.existing_folder(above)?.read(name)
    }

    fn folder(&self, inner: &str) -> io::Result<Folder> {
        let mut folder = Folder::open(&self.path)?;
        for name in inner.split('/').filter(|name| !name.is_empty()) {
            folder = folder.enter(name)?;
        }
        Ok(folder)
    }

    /// As [`Place::folder`], changing nothing on the way.
    fn existing_folder(&self, inner: &str) -> io::Result<Folder> {
        let mut folder = Folder::open(&self.path)?;
        for name in inner.split('/').filter(|name| !name.is_empty()) {
            folder = folder.look_into(name)?;
        }
        Ok(folder)
    }

    fn clear(&self, folder: &Folder, inner: &str, name: &str) -> io::Result<()> {
        match folder.unlink(name) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            // Its folders were just seen to be real ones, and nothing runs in the shadow now.
            Err(_) if self.path.join(inner).symlink_metadata().is_ok_and(|found| found.is_dir()) => {
                remove_tree(&self.path.join(inner))
            }
            other => other,
        }
    }
}

fn split(inner: &str) -> (&str, &str) {
    inner.rsplit_once('/').unwrap_or(("", inner))
}

impl Walk<'_> {
    /// The place that is gone through.
    pub(crate) fn place(&self) -> &Place {
        self.place
    }

    /// Creates a file in place of whatever has its name, lets `fill` write it, and tells its state.
    pub(crate) fn create_file(
        &mut self,
        inner: &str,
        new: &NewFile,
        fill: impl FnOnce(&File) -> io::Result<()>,
    ) -> io::Result<Metadata> {
        let place = self.place;
        let (folder, name) = self.enter(inner)?;
        let file = match folder.create(name) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                place.clear(folder, inner, name)?;
                folder.create(name)?
            }
            created => created?,
        };
        fill(&file)?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            file.set_permissions(Permissions::from_mode(new.mode & 0o777))?;
        }
        #[cfg(not(unix))]
        let _: (u32, Option<Permissions>) = (new.mode, None);
        if let Some(modified) = new.modified {
            file.set_modified(modified)?;
        }
        file.metadata()
    }

    /// Creates a symbolic link in place of whatever has its name.
    pub(crate) fn create_link(&mut self, inner: &str, target: &Path) -> io::Result<()> {
        let place = self.place;
        let (folder, name) = self.enter(inner)?;
        place.clear(folder, inner, name)?;
        folder.link(name, target)
    }

    /// As [`Place::remove`].
    pub(crate) fn remove(&mut self, inner: &str) -> io::Result<()> {
        // The open folder may be one of those that go.
        self.last = None;
        self.place.remove(inner)
    }

    fn enter<'i>(&mut self, inner: &'i str) -> io::Result<(&Folder, &'i str)> {
        let (above, name) = split(inner);
        let (place, last) = (self.place, self.last.take());
        let folder = match last {
            Some((key, folder)) if key == above => folder,
            _ => place.folder(above)?,
        };
        Ok((&self.last.insert((above.to_string(), folder)).1, name))
    }
}

/// Removes a tree of which a command may have locked folders. Links in it are removed, not followed.
pub(crate) fn remove_tree(path: &Path) -> io::Result<()> {
    match std::fs::remove_dir_all(path) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(_) => {
            unlock_folders(path);
            std::fs::remove_dir_all(path)
        }
    }
}

fn unlock_folders(path: &Path) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let _ = std::fs::set_permissions(path, Permissions::from_mode(0o700));
    }
    let Ok(entries) = std::fs::read_dir(path) else { return };
    for entry in entries.flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            unlock_folders(&entry.path());
        }
    }
}

#[cfg(unix)]
use unix::Folder;

#[cfg(unix)]
mod unix {
    use rustix::fs::{AtFlags, CWD, Mode, OFlags, chmodat, mkdirat, openat, symlinkat, unlinkat};
    use rustix::io::Errno;
    use std::fs::File;
    use std::io;
    use std::os::fd::OwnedFd;
    use std::path::Path;

    /// An open folder; names are looked up in it and nowhere else.
    pub(super) struct Folder(OwnedFd);

    impl Folder {
        const FLAGS: OFlags =
            OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

        pub(super) fn open(path: &Path) -> io::Result<Folder> {
            Ok(Folder(openat(CWD, path, Self::FLAGS, Mode::empty())?))
        }

        /// Goes one folder down and makes it one first if need be.
        pub(super) fn enter(&self, name: &str) -> io::Result<Folder> {
            let open = || openat(&self.0, name, Self::FLAGS, Mode::empty());
            match open() {
                Ok(folder) => return Ok(Folder(folder)),
                Err(Errno::NOENT) => {}
                Err(Errno::LOOP | Errno::NOTDIR) => unlinkat(&self.0, name, AtFlags::empty())?,
                Err(Errno::ACCESS) => {
                    chmodat(&self.0, name, Mode::RWXU, AtFlags::empty())?;
                    return Ok(Folder(open()?));
                }
                Err(error) => return Err(error.into()),
            }
            match mkdirat(&self.0, name, Mode::from_raw_mode(0o755)) {
                Ok(()) | Err(Errno::EXIST) => Ok(Folder(open()?)),
                Err(error) => Err(error.into()),
            }
        }

        /// Goes one folder down if there is one.
        pub(super) fn look_into(&self, name: &str) -> io::Result<Folder> {
            match openat(&self.0, name, Self::FLAGS, Mode::empty()) {
                Ok(folder) => Ok(Folder(folder)),
                Err(Errno::LOOP) => Err(io::ErrorKind::NotADirectory.into()),
                Err(error) => Err(error.into()),
            }
        }

        pub(super) fn create(&self, name: &str) -> io::Result<File> {
            let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            Ok(File::from(openat(&self.0, name, flags, Mode::RUSR | Mode::WUSR)?))
        }

        pub(super) fn read(&self, name: &str) -> io::Result<File> {
            let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let file = match openat(&self.0, name, flags, Mode::empty()) {
                Ok(file) => File::from(file),
                Err(Errno::LOOP) => return Err(io::ErrorKind::InvalidInput.into()),
                Err(error) => return Err(error.into()),
            };
            if file.metadata()?.is_file() { Ok(file) } else { Err(io::ErrorKind::InvalidInput.into()) }
        }

        pub(super) fn link(&self, name: &str, target: &Path) -> io::Result<()> {
            Ok(symlinkat(target, &self.0, name)?)
        }

        pub(super) fn unlink(&self, name: &str) -> io::Result<()> {
            match unlinkat(&self.0, name, AtFlags::empty()) {
                Err(Errno::ACCESS) => {
                    rustix::fs::fchmod(&self.0, Mode::RWXU)?;
                    Ok(unlinkat(&self.0, name, AtFlags::empty())?)
                }
                other => Ok(other?),
            }
        }
    }
}

#[cfg(not(unix))]
use portable::Folder;

/// Without folder handles: every step is looked at before it is taken, which suffices while nothing runs.
#[cfg(not(unix))]
mod portable {
    use std::fs::File;
    use std::io;
    use std::path::{Path, PathBuf};

    pub(super) struct Folder(PathBuf);

    impl Folder {
        pub(super) fn open(path: &Path) -> io::Result<Folder> {
            Ok(Folder(path.to_path_buf()))
        }

        pub(super) fn enter(&self, name: &str) -> io::Result<Folder> {
            let path = self.0.join(name);
            match path.symlink_metadata() {
                Ok(found) if found.is_dir() => {}
                Ok(_) => {
                    self.unlink(name)?;
                    std::fs::create_dir(&path)?;
                }
                Err(_) => std::fs::create_dir(&path)?,
            }
            Ok(Folder(path))
        }

        pub(super) fn look_into(&self, name: &str) -> io::Result<Folder> {
            let path = self.0.join(name);
            if path.symlink_metadata()?.is_dir() {
                Ok(Folder(path))
            } else {
                Err(io::ErrorKind::NotADirectory.into())
            }
        }

        pub(super) fn create(&self, name: &str) -> io::Result<File> {
            File::options().write(true).create_new(true).open(self.0.join(name))
        }

        pub(super) fn read(&self, name: &str) -> io::Result<File> {
            let path = self.0.join(name);
            if path.symlink_metadata()?.is_file() {
                File::open(path)
            } else {
                Err(io::ErrorKind::InvalidInput.into())
            }
        }

        pub(super) fn link(&self, name: &str, target: &Path) -> io::Result<()> {
            #[cfg(windows)]
            return std::os::windows::fs::symlink_file(target, self.0.join(name));
            #[cfg(not(windows))]
            return Err(io::Error::other(format!("links are not supported: {name} {}", target.display())));
        }

        pub(super) fn unlink(&self, name: &str) -> io::Result<()> {
            std::fs::remove_file(self.0.join(name))
        }
    }
}
