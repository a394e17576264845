//! Half-open ranges of lines.

/// Lines from `start` up to, but not including, `end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineRange {
    pub start: usize,
    pub end: usize,
}

impl LineRange {
    /// How many lines the range covers.
    pub fn len(&self) -> usize {
        self.end.saturating_sub(self.start)
    }

    pub fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// A range that never ends before it starts.
    fn forward(start: usize, end: usize) -> LineRange {
        LineRange { start, end: end.max(start) }
    }

    /// The lines that both ranges cover.
    pub fn overlap(&self, other: &LineRange) -> LineRange {
        let start = self.start.max(other.start);
        let end = self.end.min(other.end);
        LineRange::forward(start, end)
    }
}
