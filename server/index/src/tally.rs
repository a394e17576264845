//! How often a file has a term, rounded to a byte: ranking sees no difference between 200 and 210 times, and a byte a
//! posting is what the index can afford to know it without opening the file's facts.

/// Counts of a term in a file: in its content, and in names of what it defines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Tally {
    pub(crate) content: u16,
    pub(crate) names: u16,
}

/// The counts that can be told apart, each a fifth above the last; the first one is what most postings have.
const CONTENT: [u16; 32] = [
    1, 0, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 17, 20, 24, 29, 35, 42, 50, 60, 72, 86, 103, 124, 149, 179, 215,
    258, 310, 372, 446, 535,
];
const NAMES: [u16; 8] = [0, 1, 2, 3, 4, 6, 10, 20];
const NAMES_BITS: u32 = NAMES.len().trailing_zeros();

impl Tally {
    /// The counts as a byte; 0 for what is once in the content and in no name.
    pub(crate) fn mark(self) -> u8 {
        // The second level is out of order: it is for none at all.
        let content = match self.content {
            0 => 1,
            1 => 0,
            count => CONTENT.iter().rposition(|level| *level <= count).unwrap_or_default(),
        };
        let names = NAMES.iter().rposition(|level| *level <= self.names).unwrap_or_default();
        (content << NAMES_BITS | names) as u8
    }

    /// The counts of a byte of [`Tally::mark`].
    pub(crate) fn of(mark: u8) -> Tally {
        let (content, names) = (usize::from(mark) >> NAMES_BITS, usize::from(mark) % NAMES.len());
        let level = |levels: &[u16], at: usize| levels.get(at).copied().unwrap_or_default();
        Tally { content: level(&CONTENT, content), names: level(&NAMES, names) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_keeps_small_counts_and_rounds_large_ones_down_a_little() {
        for content in 0..8 {
            for names in 0..5 {
                let tally = Tally { content, names };
                assert_eq!(Tally::of(tally.mark()), tally);
            }
        }
        assert_eq!(Tally { content: 1, names: 0 }.mark(), 0);
        for count in 8..=600 {
            let kept = Tally::of(Tally { content: count, names: count }.mark());
            assert!(
                kept.content <= count && f32::from(count.min(535)) / f32::from(kept.content) < 1.26,
                "{count}"
            );
            assert!(kept.names <= count);
        }
        (0..=u8::MAX).for_each(|mark| assert_eq!(Tally::of(Tally::of(mark).mark()), Tally::of(mark)));
    }
}
