//! Files as an index sees them: the states of all at once, without reading; one with the state in which it was read.

use crate::disk::{Stamp, open_regular, read_limited};
use crate::error::ReadError;
use crate::snapshot::Snapshot;
use galley_text::encoding;
use galley_text::path::RelPath;
use std::sync::Arc;
use std::time::SystemTime;

/// The state of a file on disk. Equal states mean equal bytes. Opaque words, to be kept and compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct State(pub [u64; 4]);

/// A file that was read, and in which state.
#[derive(Debug, Clone)]
pub struct Observed {
    /// The text of the buffer or the file.
    pub text: Result<Arc<str>, ReadError>,
    /// The state on disk; `None` for an open document, for a link, for a file that changed so shortly before that a later
    /// change could go unnoticed, and for one that is not there.
    pub state: Option<State>,
    /// Zero-based offset of the first NUL in the bytes of a file that is not text.
    pub nul: Option<usize>,
}

impl Snapshot {
    /// All files with their states, in the order of their paths: one look at each, none is opened. A file without a
    /// state must be read to be known.
    pub fn states(&self) -> Vec<(RelPath, Option<State>)> {
        let files = self.files();
        let state = |path: &RelPath| {
            let (root, inner) = self.roots().split(path).filter(|_| self.version(path).is_none())?;
            let stamp = Stamp::at(&root.real.join(inner))?;
            (!stamp.is_link()).then(|| State(stamp.words()))
        };
        files.iter().map(|path| (path.clone(), state(path))).collect()
    }

    /// Reads a file past all memory of texts, for an index that goes through a whole tree.
    pub fn observe(&self, path: &RelPath) -> Observed {
        if self.version(path).is_some() || self.is_denied(path) {
            return Observed { text: self.peek(path), state: None, nul: None };
        }
        let mut nul = None;
        let read = self.read_with_state(path, &mut nul);
        match read {
            Ok((text, state)) => Observed { text: Ok(text), state, nul },
            Err((error, state)) => Observed { text: Err(error), state, nul },
        }
    }

    #[allow(clippy::type_complexity)]
    fn read_with_state(
        &self,
        path: &RelPath,
        nul: &mut Option<usize>,
    ) -> Result<(Arc<str>, Option<State>), (ReadError, Option<State>)> {
        let (root, inner) = self.roots().split(path).ok_or((ReadError::Missing, None))?;
        let (mut file, metadata) = open_regular(self.roots(), root, inner).map_err(|error| (error, None))?;
        let stamp = Stamp::of(&metadata);
        let read_at = SystemTime::now();
        let bytes = read_limited(&mut file, metadata.len(), self.file_limit());
        let is_settled = file.metadata().is_ok_and(|after| Stamp::of(&after) == stamp);
        // A link that leads here has a stamp of its own.
        let is_itself = is_settled && Stamp::at(&root.real.join(inner)) == Some(stamp);
        let state = (is_itself && !stamp.is_racy(read_at)).then(|| State(stamp.words()));
        let bytes = bytes.map_err(|error| (error, state))?;
        let text = encoding::decode(&bytes).map_err(|error| {
            *nul = bytes.iter().position(|byte| *byte == 0);
            (ReadError::from_decode(&error), state)
        })?;
        Ok((Arc::from(text.text), state))
    }

    /// Appends the bytes of a file of any length, an open document's in UTF-8; `false` if it cannot be read.
    pub fn bytes(&self, path: &RelPath, bytes: &mut Vec<u8>) -> bool {
        use std::io::Read;
        if self.is_denied(path) {
            return false;
        }
        if let Some(text) = self.pinned_or_open(path) {
            bytes.extend_from_slice(text.as_bytes());
            return true;
        }
        let Some((root, inner)) = self.roots().split(path) else { return false };
        let Ok((mut file, metadata)) = open_regular(self.roots(), root, inner) else { return false };
        bytes.reserve(usize::try_from(metadata.len()).unwrap_or_default() + 1);
        file.read_to_end(bytes).is_ok()
    }
}
