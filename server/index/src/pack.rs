//! Makes packed facts of what walks found: counts names and words, cuts them into terms, puts definitions in order.
//!
//! It needs the text in one piece, and touches each name, each word of prose and each distinct word once.

use crate::facts::{Counted, Facts, Packed, Terms, Use};
use crate::found::{Base, Found, Occurrence};
use crate::hash::ContentHash;
use crate::nest::Definition;
use crate::outline::clean_name;
use crate::packed::{Lines, Places, Texts};
use crate::turn::worked;
use crate::wordlist::WordList;
use crate::words::{Term, parts as word_parts, term, whole, words};
use std::cell::RefCell;
use std::ops::Range;

/// What was read, besides what was found.
pub(crate) struct Content<'a> {
    pub(crate) text: &'a str,
    /// The language it was read with.
    pub(crate) language: Option<&'static str>,
    pub(crate) hash: Option<ContentHash>,
}

thread_local! {
    static WORDS: RefCell<WordList> = RefCell::default();
}

/// The facts of a text; the parts are in its order, save that those in other languages come last.
pub(crate) fn pack(content: &Content, parts: &[(Base, &Found)]) -> Facts {
    WORDS.with_borrow_mut(|list| {
        list.clear();
        pack_with(list, content, parts)
    })
}

fn pack_with(list: &mut WordList, content: &Content, parts: &[(Base, &Found)]) -> Facts {
    let text = content.text;
    let definitions = crate::nest::definitions(parts);
    let names = Names::count(list, text, parts);
    let uses = names.uses(list, text, parts, &definitions);
    for (base, found) in parts {
        for prose in found.prose.iter().filter_map(|span| text.get(span.range(*base))) {
            let start = prose.as_ptr().addr() - text.as_ptr().addr();
            words(prose, |word| {
                let at = start + (word.as_ptr().addr() - prose.as_ptr().addr());
                list.add(text, at..at + word.len());
                worked(1);
            });
        }
    }
    let terms = terms(list, text, &definitions);
    let mut imports: Vec<Range<usize>> =
        parts.iter().flat_map(|(base, found)| found.imports.iter().map(|span| span.range(*base))).collect();
    imports.sort_unstable_by_key(|range| (range.start, range.end));
    imports.dedup();
    let import =
        |range: &Range<usize>| Some(text.get(range.clone())?.trim_matches(['"', '\'', '<', '>']).trim());
    Facts {
        lines: Lines::new(text),
        uses,
        names: Texts::new(names.words.iter().map(|word| list.text(text, *word))),
        places: Places::new(&names.places, names.words.len()),
        imports: Texts::new(imports.iter().filter_map(import)),
        length: terms.iter().map(|term| u32::from(term.1)).sum(),
        terms: Terms::new(terms),
        ..outlined(content, parts, &definitions)
    }
}

/// Facts that are about definitions alone: without lines, names and terms. They cost a small part of all.
pub(crate) fn pack_outline(content: &Content, parts: &[(Base, &Found)]) -> Facts {
    outlined(content, parts, &crate::nest::definitions(parts))
}

fn outlined(content: &Content, parts: &[(Base, &Found)], definitions: &[Definition]) -> Facts {
    Facts {
        hash: content.hash,
        language: content.language,
        errors: parts.iter().map(|(_, found)| found.errors).sum(),
        bytes: u32::try_from(content.text.len()).unwrap_or(u32::MAX),
        symbols: definitions.iter().map(symbol).collect(),
        symbol_texts: symbol_texts(definitions, content.text),
        ..Facts::default()
    }
}

/// Distinct names in order of first occurrence, and all places where they stand.
struct Names {
    /// Number in the list of words, by number of name.
    words: Vec<u32>,
    /// Offset in the text and number of name, in order.
    places: Vec<(u32, u32)>,
    /// How each is used, as far as the places say.
    uses: Vec<u8>,
}

impl Names {
    fn count(list: &mut WordList, text: &str, parts: &[(Base, &Found)]) -> Self {
        let total = parts.iter().map(|(_, found)| found.occurrences.len()).sum();
        let mut names = Names { words: Vec::new(), places: Vec::with_capacity(total), uses: Vec::new() };
        let is_sorted = parts.is_sorted_by_key(|(base, _)| base.byte)
            && parts.iter().all(|(_, found)| found.occurrences.is_sorted_by_key(|place| place.start));
        let places = parts.iter().flat_map(|(base, found)| found.occurrences.iter().map(|o| (*base, *o)));
        if is_sorted {
            places.for_each(|(base, place)| names.add(list, text, base, place));
        } else {
            // Embedded languages are read after the outer one.
            let mut places: Vec<(Base, Occurrence)> = places.collect();
            places.sort_by_key(|(base, place)| base.byte + place.start as usize);
            places.into_iter().for_each(|(base, place)| names.add(list, text, base, place));
        }
        names
    }

    fn add(&mut self, list: &mut WordList, text: &str, base: Base, place: Occurrence) {
        let start = base.byte + place.start as usize;
        let range = start..start + usize::from(place.length);
        if text.get(range.clone()).is_none() {
            return;
        }
        // Only names are in the list so far, so that words and names have the same numbers.
        let number = list.add(text, range);
        if number as usize == self.words.len() {
            self.words.push(number);
            self.uses.push(0);
        }
        self.uses[number as usize] |= place.uses;
        self.places.push((start as u32, number));
        worked(1);
    }

    fn uses(
        &self,
        list: &WordList,
        text: &str,
        parts: &[(Base, &Found)],
        definitions: &[Definition],
    ) -> Box<[u8]> {
        let mut uses = self.uses.clone();
        let mut mark = |range: Range<usize>, bit: u8| {
            if let Some(known) = list.find(text, range).and_then(|number| uses.get_mut(number as usize)) {
                *known |= bit;
            }
        };
        for (base, found) in parts {
            found.uses.iter().for_each(|(span, bit)| {
                mark(span.range(*base), *bit);
                worked(1);
            });
        }
        definitions.iter().for_each(|definition| mark(definition.name.clone(), Use::DEFINED));
        uses.into()
    }
}

/// Terms of the distinct words with their counts, and of the names of definitions, sorted.
fn terms(list: &WordList, text: &str, definitions: &[Definition]) -> Box<[Counted]> {
    let mut content: Vec<(Term, u32)> = Vec::with_capacity(list.len() * 2);
    for (word, count) in list.counted(text) {
        let mut pieces = 0;
        word_parts(word, |part| {
            pieces += 1;
            if part.len() > 1 {
                content.push((term(part), count));
            }
        });
        if pieces > 1 {
            content.push((whole(word), count));
        }
        worked(3);
    }
    let mut in_names: Vec<(Term, u32)> = Vec::with_capacity(definitions.len() * 3);
    for definition in definitions {
        words(text.get(definition.name.clone()).unwrap_or_default(), |word| {
            word_parts(word, |part| {
                if part.len() > 1 {
                    in_names.push((term(part), 1));
                }
            });
            in_names.push((whole(word), 1));
        });
        worked(4);
    }
    sum(&mut content);
    sum(&mut in_names);
    join(&content, &in_names)
}

/// Sorts, and makes one of those that are equal.
fn sum(counts: &mut Vec<(Term, u32)>) {
    counts.sort_unstable_by_key(|(term, _)| *term);
    worked(counts.len() as u32 / 2);
    counts.dedup_by(|later, first| {
        let same = later.0 == first.0;
        if same {
            first.1 = first.1.saturating_add(later.1);
        }
        same
    });
}

fn join(content: &[(Term, u32)], in_names: &[(Term, u32)]) -> Box<[Counted]> {
    let narrow = |count: u32| u16::try_from(count).unwrap_or(u16::MAX);
    let mut joined = Vec::with_capacity(content.len() + in_names.len() / 4);
    let mut names = in_names.iter().peekable();
    for (term, count) in content {
        while let Some((other, named)) = names.next_if(|(other, _)| other < term) {
            joined.push((*other, 0, narrow(*named)));
        }
        let named = names.next_if(|(other, _)| other == term).map_or(0, |(_, named)| *named);
        joined.push((*term, narrow(*count), narrow(named)));
    }
    joined.extend(names.map(|(other, named)| (*other, 0, narrow(*named))));
    joined.into()
}

fn symbol(definition: &Definition) -> Packed {
    Packed {
        kind: definition.kind,
        is_test: definition.is_test,
        depth: definition.depth,
        start: definition.range.start as u32,
        end: definition.range.end as u32,
        name_start: definition.name.start as u32,
        name_length: definition.name.len() as u32,
        line: definition.line,
        end_line: definition.end_line,
    }
}

fn symbol_texts(definitions: &[Definition], text: &str) -> Texts {
    let of = |range: &Range<usize>| clean_name(text.get(range.clone()).unwrap_or_default());
    let texts: Vec<String> = definitions
        .iter()
        .flat_map(|definition| {
            let container = definition.container.as_ref().map(of).unwrap_or_default();
            worked(3);
            [of(&definition.name), container]
        })
        .collect();
    Texts::new(texts.iter().map(String::as_str))
}
