//! Facts that lie in packs: found by hash, unpacked when asked for, kept in memory within a limit. A record that turns
//! out to be damaged is made anew from the text.

use super::pack::Pack;
use crate::facts::Facts;
use crate::hash::ContentHash;
use crate::index::Reader;
use crate::live::Live;
use galley_text::path::RelPath;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

/// Bytes of unpacked facts that are kept for the next question.
const KEPT: usize = 24 << 20;

/// Unpacked facts that were used of late: a young generation, and the one before it.
#[derive(Debug, Default)]
pub(crate) struct Recent(Mutex<Generations>);

#[derive(Debug, Default)]
struct Generations {
    young: Vec<Arc<Facts>>,
    old: Vec<Arc<Facts>>,
    weight: usize,
}

impl Recent {
    fn keep(&self, facts: &Arc<Facts>) {
        let mut generations = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        generations.weight += facts.weight();
        generations.young.push(Arc::clone(facts));
        if generations.weight > KEPT / 2 {
            generations.old = std::mem::take(&mut generations.young);
            generations.weight = 0;
        }
    }
}

/// What all stored facts of one index share.
#[derive(Default)]
pub(crate) struct Common {
    pub(crate) packs: Vec<Arc<Pack>>,
    pub(crate) recent: Arc<Recent>,
    pub(crate) reader: Option<Reader>,
}

/// The facts of one content that some pack has.
pub(crate) struct Stored {
    pub(crate) hash: ContentHash,
    common: Arc<Common>,
    /// Pack and number, looked for at the first question.
    place: OnceLock<Option<(u32, u32)>>,
    unpacked: Mutex<Weak<Facts>>,
}

impl Stored {
    pub(crate) fn new(hash: ContentHash, common: &Arc<Common>) -> Stored {
        Stored { hash, common: Arc::clone(common), place: OnceLock::new(), unpacked: Mutex::default() }
    }

    /// The pack that has the content, and its number there; `None` if it was lost.
    pub(crate) fn place(&self) -> Option<(&Arc<Pack>, u32)> {
        let packs = &self.common.packs;
        let find =
            || packs.iter().enumerate().rev().find_map(|(n, pack)| Some((n as u32, pack.find(self.hash)?)));
        let (pack, number) = (*self.place.get_or_init(find))?;
        Some((packs.get(pack as usize)?, number))
    }

    /// The facts, for the file at `path`.
    pub(crate) fn facts(&self, path: &RelPath) -> Arc<Facts> {
        let known = self.unpacked.lock().unwrap_or_else(PoisonError::into_inner).upgrade();
        if let Some(facts) = known {
            return facts;
        }
        let stored = self.place().and_then(|(pack, number)| pack.facts(number));
        let facts = Arc::new(stored.unwrap_or_else(|| self.read_again(path)));
        self.common.recent.keep(&facts);
        *self.unpacked.lock().unwrap_or_else(PoisonError::into_inner) = Arc::downgrade(&facts);
        facts
    }

    /// The record is damaged; the text is not. A text that is no longer the one of the record is the better answer.
    fn read_again(&self, path: &RelPath) -> Facts {
        let text = self.common.reader.as_ref().and_then(|reader| reader(path));
        let Some(text) = text else { return Facts::default() };
        let language = galley_grammars::detect_text(path.as_str(), &text);
        let hash = ContentHash::of(language.map(|language| language.name), &text);
        Facts::read(language, &text, Some(hash))
    }
}

impl std::fmt::Debug for Stored {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{:?}", self.hash)
    }
}

/// Facts at hand, or where they lie.
#[derive(Debug)]
pub(crate) enum Content {
    /// Read in this process and not yet in a pack.
    Held(Arc<Facts>),
    /// In a pack.
    Stored(Stored),
    /// Of an open document; never in a pack.
    Live(Arc<Live>),
}

impl Content {
    pub(crate) fn hash(&self) -> Option<ContentHash> {
        match self {
            Content::Held(facts) => facts.hash,
            Content::Stored(stored) => Some(stored.hash),
            Content::Live(_) => None,
        }
    }
}
