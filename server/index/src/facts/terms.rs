//! The terms of a content. What names and their counts give is not stored a second time; the rest, which is the words of
//! prose, is: by the numbers that a pack gave them, because hashes do not compress and the words of a project come again
//! and again.

use super::Facts;
use crate::hash::FastMap;
use crate::packed::push;
use crate::turn::worked;
use crate::words::{Term, parts, term, whole, words};
use std::sync::OnceLock;

/// A term, with its counts in the content and in names of definitions.
pub(crate) type Counted = (Term, u16, u16);

/// Counts of a term: in the content, in names of definitions.
type Counts = (u16, u16);

/// The terms of a content. Facts that were stored know them by their names but for a rest; few questions need them all.
#[derive(Debug, Default)]
pub(crate) struct Terms {
    all: OnceLock<Box<[Counted]>>,
    rest: Box<[Counted]>,
}

impl Terms {
    /// `all` must be sorted.
    pub(crate) fn new(all: Box<[Counted]>) -> Terms {
        Terms { all: all.into(), rest: Box::default() }
    }

    /// Those that are not as the names say; both counts are 0 for one that only they would give.
    pub(super) fn beside_names(rest: Box<[Counted]>) -> Terms {
        Terms { all: OnceLock::new(), rest }
    }

    pub(super) fn bytes(&self) -> usize {
        8 * (self.all.get().map_or(0, |terms| terms.len()) + self.rest.len())
    }
}

impl Facts {
    /// Sorted by term: count in the content, count in names of definitions.
    pub(crate) fn terms(&self) -> &[Counted] {
        self.terms.all.get_or_init(|| self.terms_from_rest())
    }

    /// Only where names and counts would say something else.
    pub(super) fn rest_of_terms(&self) -> Vec<Counted> {
        let mut derived = self.derived_terms();
        let mut rest: Vec<Counted> = Vec::new();
        for &(term, content, names) in self.terms() {
            if derived.remove(&term).map(clamped) != Some((content, names)) {
                rest.push((term, content, names));
            }
        }
        rest.extend(derived.into_keys().map(|term| (term, 0, 0)));
        rest.sort_unstable();
        rest
    }

    /// All terms, of facts that were read back.
    fn terms_from_rest(&self) -> Box<[Counted]> {
        let mut terms = self.derived_terms();
        for (term, content, names) in &self.terms.rest {
            match (content, names) {
                (0, 0) => drop(terms.remove(term)),
                _ => drop(terms.insert(*term, (u32::from(*content), u32::from(*names)))),
            }
        }
        let counted = |(term, counts)| {
            let (content, names) = clamped(counts);
            (term, content, names)
        };
        let mut terms: Vec<Counted> = terms.into_iter().map(counted).collect();
        terms.sort_unstable();
        terms.into()
    }

    /// The terms of names that occur and of symbols that are defined, with their counts.
    fn derived_terms(&self) -> FastMap<Term, (u32, u32)> {
        let mut terms: FastMap<Term, (u32, u32)> = FastMap::default();
        terms.reserve(2 * self.names.len());
        for (number, name) in self.names() {
            let count = self.count(number);
            let mut add = |term| terms.entry(term).or_default().0 += count;
            let mut pieces = 0;
            parts(name, |part| {
                pieces += 1;
                if part.len() > 1 {
                    add(term(part));
                }
            });
            if pieces > 1 {
                add(whole(name));
            }
            worked(3);
        }
        for number in 0..self.symbols.len() {
            let mut add = |term| terms.entry(term).or_default().1 += 1;
            words(self.symbol_name(number), |word| {
                parts(word, |part| {
                    if part.len() > 1 {
                        add(term(part));
                    }
                });
                add(whole(word));
            });
            worked(4);
        }
        terms
    }
}

/// Counts as they are kept, which stop at the most that they can say.
fn clamped((content, names): (u32, u32)) -> Counts {
    let clamp = |count| u16::try_from(count).unwrap_or(u16::MAX);
    (clamp(content), clamp(names))
}

/// The terms that the records of a pack speak of by number.
#[derive(Debug, Default)]
pub(crate) struct Vocabulary {
    numbers: FastMap<Term, u32>,
    bytes: Vec<u8>,
}

impl Vocabulary {
    /// Terms with their counts as bytes, and the terms among these that are new taken in.
    pub(super) fn write(&mut self, out: &mut Vec<u8>, terms: &[Counted]) {
        let mut numbered: Vec<_> =
            terms.iter().map(|&(term, content, names)| (self.number(term), content, names)).collect();
        numbered.sort_unstable();
        push(out, numbered.len() as u32);
        let mut before = 0;
        for (number, ..) in &numbered {
            push(out, number - before);
            before = *number;
        }
        numbered.iter().for_each(|(_, content, _)| push(out, u32::from(*content)));
        numbered.iter().for_each(|(.., names)| push(out, u32::from(*names)));
    }

    fn number(&mut self, term: Term) -> u32 {
        let next = self.numbers.len() as u32;
        *self.numbers.entry(term).or_insert_with(|| {
            self.bytes.extend(term.to_le_bytes());
            next
        })
    }

    /// The terms by number, four bytes each.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The term with a number, of [`Vocabulary::bytes`].
    pub(super) fn term(bytes: &[u8], number: u32) -> Option<Term> {
        let at = (number as usize).checked_mul(4)?;
        Some(Term::from_le_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?))
    }
}
