//! What passes through the socket between server and supervisor: one plan down, reports up.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::{Level, Union};

/// Variable that marks a process as supervisor.
pub(crate) const STAGE_VARIABLE: &str = "GALLEY_SANDBOX_STAGE";

/// Says that the listener for the proxy comes with this byte. A report never begins with it.
pub(crate) const LISTENER: u8 = b'l';

/// Everything the supervisor needs to know. Sent as JSON after its length (four bytes, little-endian).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Plan {
    pub argv: Vec<String>,
    pub cwd: PathBuf,
    pub env: Vec<(String, String)>,
    pub stdin: Option<String>,
    pub level: Level,
    /// Whether the machine's network is shared.
    pub network: bool,
    /// Whether a listener inside of the own network is to be handed out for the proxy.
    pub proxy: bool,
    pub view: View,
    pub memory_bytes: Option<u64>,
    pub processes: Option<u32>,
    pub file_bytes: Option<u64>,
    pub disk_bytes: Option<u64>,
    pub cpu_seconds: Option<u64>,
}

/// The files that a sandbox shows. All paths are absolute and exist.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct View {
    /// Readable and executable.
    pub readable: Vec<PathBuf>,
    /// Caches of toolchains: readable; writes, where the level can, go to a private layer that dies with the command.
    pub caches: Vec<PathBuf>,
    /// Writable for good.
    pub writable: Vec<PathBuf>,
    /// Readable and executable at another place, which need not exist.
    pub shown: Vec<(PathBuf, PathBuf)>,
    /// Mounted before anything else is taken hold of.
    pub unions: Vec<Union>,
    /// Seen at another path, too: that path, then the folder.
    pub aliases: Vec<(PathBuf, PathBuf)>,
    /// Not to be seen, whatever the others say.
    pub hidden: Vec<PathBuf>,
    /// Symbolic links at the top of the file system: name and target.
    pub links: Vec<(PathBuf, PathBuf)>,
    /// The person's home, replaced by an empty one.
    pub home: Option<PathBuf>,
    /// A private folder on disk for home and temporary files, at the levels that cannot mount one.
    pub private: Option<PathBuf>,
}

impl View {
    /// The other path at which a folder is found; `None` where it has none.
    pub(crate) fn named(&self, folder: &Path) -> Option<PathBuf> {
        self.aliases.iter().find_map(|(name, place)| Some(name.join(folder.strip_prefix(place).ok()?)))
    }
}

/// What the supervisor says, one JSON value a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Report {
    /// The walls could not be set up.
    Sandbox(String),
    /// The program could not be started.
    NotStarted(String),
    Exited(i32),
    Signalled(i32),
    MemoryLimit,
    ProcessLimit,
    DiskLimit,
}
