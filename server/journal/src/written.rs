//! The sequence numbers of the events that one handle wrote, to tell them from those of other processes.

use crate::Seq;

/// Ranges of numbers, both ends included, in rising order.
#[derive(Debug, Default)]
pub(crate) struct Written(Vec<(Seq, Seq)>);

impl Written {
    /// Adds a number that is higher than all before.
    pub(crate) fn add(&mut self, seq: Seq) {
        match self.0.last_mut() {
            Some((_, last)) if *last + 1 == seq => *last = seq,
            _ => self.0.push((seq, seq)),
        }
    }

    /// Forgets the numbers after `last`: what was taken back has none, and another process may get the same.
    pub(crate) fn cut(&mut self, last: Seq) {
        self.0.retain(|(first, _)| *first <= last);
        if let Some((_, end)) = self.0.last_mut() {
            *end = last.min(*end);
        }
    }

    /// Whether a number is among them.
    pub(crate) fn has(&self, seq: Seq) -> bool {
        let at = self.0.partition_point(|(first, _)| *first <= seq);
        at > 0 && self.0[at - 1].1 >= seq
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_known_until_they_are_taken_back() {
        let mut written = Written::default();
        [3, 4, 5, 9, 10].into_iter().for_each(|seq| written.add(seq));
        let known = |written: &Written| (0..12).filter(|seq| written.has(*seq)).collect::<Vec<_>>();
        assert_eq!(known(&written), [3, 4, 5, 9, 10]);
        written.cut(9);
        assert_eq!(known(&written), [3, 4, 5, 9]);
        written.cut(4);
        assert_eq!(known(&written), [3, 4]);
        written.add(5);
        assert_eq!(written.0.len(), 1);
    }
}
