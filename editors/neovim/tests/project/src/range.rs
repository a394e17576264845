//! Half-open ranges of lines.

/// A range of lines, zero-based and half-open.
#[derive(Debug, Clone, PartialEq)]
pub struct Lines {
    pub start: usize,
    pub end: usize,
}

impl Lines {
    pub fn new(start: usize, end: usize) -> Lines {
        Lines { start, end }
    }

    /// How many lines there are.
    pub fn len(&self) -> usize {
        self.end - self.start
    }

    /// The last line of the range.
    pub fn last(&self) -> usize {
        self.end - 1
    }

    /// The part that lies inside `limit` lines.
    pub fn clamp(&self, limit: usize) -> Lines {
        Lines::new(self.start, self.end.min(limit))
    }
}
