//! Files in layers: the old ones, those that changed of late, open documents, a task's edits. A file counts in the highest
//! layer that has it. What changes with a keystroke is in a layer of its own, so that the postings of the others stay.

use crate::segment::Segment;
use galley_text::path::RelPath;
use std::sync::Arc;

/// One layer.
#[derive(Debug, Clone, Default)]
pub(crate) struct Layer {
    pub(crate) segment: Arc<Segment>,
    /// Numbers of files that do not count: a higher layer has them, or they are gone. Sorted.
    pub(crate) hidden: Arc<[u32]>,
}

impl Layer {
    /// A layer of which nothing is hidden.
    pub(crate) fn new(segment: Segment) -> Self {
        Self { segment: Arc::new(segment), hidden: Arc::default() }
    }
}

/// The layers without the files at `paths`.
pub(crate) fn hide<'p>(layers: &[Layer], paths: impl Iterator<Item = &'p RelPath> + Clone) -> Vec<Layer> {
    let covered = |layer: &Layer| {
        let found: Vec<u32> =
            paths.clone().filter_map(|path| layer.segment.find(path)).map(|number| number as u32).collect();
        if found.is_empty() {
            return layer.clone();
        }
        let mut hidden: Vec<u32> = layer.hidden.iter().copied().chain(found).collect();
        hidden.sort_unstable();
        hidden.dedup();
        Layer { segment: Arc::clone(&layer.segment), hidden: hidden.into() }
    };
    layers.iter().map(covered).collect()
}

pub(crate) fn is_hidden(hidden: &[u32], number: usize) -> bool {
    !hidden.is_empty() && hidden.binary_search(&(number as u32)).is_ok()
}
