//! Facts as bytes, for the cache: columns of small numbers, then texts, which a pack compresses together.
//!
//! What follows from something else is left out: the terms that the names and their counts give, the marks of the line
//! table, names of symbols that stand among the names, signatures, which the content itself has. Names and symbols are
//! in the order of the text, told by what lies between them, which is short and repeats itself. Reading believes nothing:
//! every length is checked against what is there, and what does not fit gives `None`.

use super::terms::Vocabulary;
use super::{Counted, Facts, Packed, SYMBOL_TEXTS, Terms};
use crate::hash::ContentHash;
use crate::packed::{Lines, Places, Texts, pull, push};
use crate::turn::worked;
use galley_grammars::SymbolKind;
use std::ops::Range;

/// Facts as bytes, not yet compressed, without their hash.
#[derive(Debug)]
pub(crate) struct Raw {
    /// Of a record; the facts are its end.
    bytes: Vec<u8>,
    facts: usize,
    /// The terms that the names do not give, which a record knows by the numbers of its pack.
    rest: Vec<Counted>,
}

impl Raw {
    /// The record, with the numbers of `vocabulary`.
    pub(crate) fn into_record(self, vocabulary: &mut Vocabulary) -> Vec<u8> {
        let mut record = Vec::with_capacity(self.bytes.len() - self.facts + 4 * self.rest.len());
        vocabulary.write(&mut record, &self.rest);
        record.extend_from_slice(&self.bytes[self.facts..]);
        record
    }

    /// Back from [`Raw::into_record`], with [`Vocabulary::bytes`] of the same; `None` if these bytes are none.
    pub(crate) fn from_record(record: Vec<u8>, vocabulary: &[u8]) -> Option<Raw> {
        let mut source = Source { bytes: &record, at: 0 };
        let count = source.count()?;
        let [numbers, content, names] = source.columns(count);
        let mut rest = Vec::with_capacity(count);
        let mut number = 0_u32;
        for ((step, content), names) in numbers.into_iter().zip(content).zip(names) {
            number = number.checked_add(step)?;
            let term = Vocabulary::term(vocabulary, number)?;
            rest.push((term, u16::try_from(content).ok()?, u16::try_from(names).ok()?));
        }
        let facts = source.at;
        Some(Raw { bytes: record, facts, rest })
    }

    /// How many bytes of memory it takes.
    pub(crate) fn weight(&self) -> usize {
        self.bytes.len() + self.rest.len() * size_of::<Counted>()
    }
}

impl Facts {
    /// The facts back from [`Facts::raw`]; `None` if these bytes are none.
    pub(crate) fn from_raw(raw: Raw, hash: ContentHash) -> Option<Facts> {
        let mut source = Source { bytes: &raw.bytes, at: raw.facts };
        let facts = read(&mut source)?;
        let terms = Terms::beside_names(raw.rest.into());
        Some(Facts { hash: Some(hash), terms, ..facts })
    }

    /// The facts as bytes.
    pub(crate) fn raw(&self) -> Raw {
        let mut out = Vec::new();
        chunk(&mut out, self.language.unwrap_or_default().as_bytes());
        [self.errors, self.bytes, self.length].iter().for_each(|number| push(&mut out, *number));
        chunk(&mut out, self.lines.lengths());
        self.write_symbols(&mut out);
        chunk(&mut out, &self.uses);
        lengths(&mut out, self.imports.iter());
        lengths(&mut out, self.names.iter());
        let places = self.places.in_order();
        worked(places.len() as u32 / 2);
        self.write_places(&places, &mut out);
        let others = self.write_symbol_texts(&places, &mut out);
        lengths(&mut out, others.iter().copied());
        let texts = self.imports.iter().chain(others).chain(self.names.iter());
        texts.for_each(|text| out.extend_from_slice(text.as_bytes()));
        Raw { bytes: out, facts: 0, rest: self.rest_of_terms() }
    }

    /// Symbols by lines and what is left and right of them on these.
    fn write_symbols(&self, out: &mut Vec<u8>) {
        push(out, self.symbols.len() as u32);
        let lines = LineStarts(self.lines.starts());
        let mut column = |of: &mut dyn FnMut(&Packed) -> u32| {
            self.symbols.iter().for_each(|symbol| push(out, of(symbol)));
        };
        let last = |symbol: &Packed| lines.of(symbol.end.saturating_sub(1).max(symbol.start));
        column(&mut |symbol| number_of(symbol.kind));
        column(&mut |symbol| u32::from(symbol.depth) << 1 | u32::from(symbol.is_test));
        let mut before = 0;
        column(&mut |symbol| {
            let line = lines.of(symbol.start);
            line.wrapping_sub(std::mem::replace(&mut before, line))
        });
        column(&mut |symbol| symbol.start.wrapping_sub(lines.span(lines.of(symbol.start)).start));
        column(&mut |symbol| last(symbol).wrapping_sub(lines.of(symbol.start)));
        column(&mut |symbol| lines.span(last(symbol)).end.wrapping_sub(symbol.end));
        column(&mut |symbol| symbol.name_start.wrapping_sub(symbol.start));
        // As a rule these are 0.
        column(&mut |symbol| symbol.line.wrapping_sub(lines.of(symbol.start)));
        column(&mut |symbol| symbol.end_line.wrapping_sub(last(symbol)));
    }

    /// What lies between the end of a name and the next one; which name that is, new ones being 0.
    fn write_places(&self, places: &[(u32, u32)], out: &mut Vec<u8>) {
        push(out, places.len() as u32);
        let mut end = 0_u32;
        for (offset, name) in places {
            push(out, offset.wrapping_sub(end));
            end = offset.wrapping_add(self.names.get(*name).len() as u32);
        }
        let mut new = 0;
        for (_, name) in places {
            if *name == new {
                push(out, 0);
                new += 1;
            } else {
                push(out, name + 1);
            }
        }
    }

    /// The names of symbols, their lengths in the text, their containers; gives the texts that are to be stored for them.
    fn write_symbol_texts(&self, places: &[(u32, u32)], out: &mut Vec<u8>) -> Vec<&str> {
        let (mut names, mut lengths, mut containers) = (Vec::new(), Vec::new(), Vec::new());
        let mut others = Vec::new();
        let mut around = Around::default();
        let numbers = self.numbers_of_containers();
        for (number, symbol) in self.symbols.iter().enumerate() {
            let (name, container) = (self.symbol_name(number), self.symbol_container(number));
            let here = name_at(places, symbol.name_start).filter(|here| self.names.get(*here) == name);
            push(&mut names, if here.is_some() { EXPECTED } else { OTHER });
            if here.is_none() {
                others.push(name);
            }
            push(&mut lengths, symbol.name_length.wrapping_sub(name.len() as u32));
            if around.outer(symbol.depth) == container {
                push(&mut containers, EXPECTED);
            } else if let Ok(at) = numbers.binary_search_by_key(&container, |known| known.0) {
                push(&mut containers, numbers[at].1 + NAMED);
            } else {
                push(&mut containers, OTHER);
                others.push(container);
            }
            around.enter(symbol.depth, name);
            worked(2);
        }
        [names, lengths, containers].iter().for_each(|column| out.extend_from_slice(column));
        others
    }

    /// The containers that are not what one expects and are names, sorted, with their numbers.
    fn numbers_of_containers(&self) -> Vec<(&str, u32)> {
        let mut around = Around::default();
        let mut containers: Vec<&str> = Vec::new();
        for (number, symbol) in self.symbols.iter().enumerate() {
            let container = self.symbol_container(number);
            if around.outer(symbol.depth) != container {
                containers.push(container);
            }
            around.enter(symbol.depth, self.symbol_name(number));
        }
        containers.sort_unstable();
        containers.dedup();
        let mut numbers: Vec<(&str, u32)> = if containers.is_empty() {
            Vec::new()
        } else {
            let names = self.names().map(|(number, name)| (name, number));
            names.filter(|(name, _)| containers.binary_search(name).is_ok()).collect()
        };
        numbers.sort_unstable();
        numbers
    }
}

/// The text of a symbol is what one expects there, ...
const EXPECTED: u32 = 0;
/// ... the next one of those that were stored for symbols, ...
const OTHER: u32 = 1;
/// ... or the name with the number that is so much less.
const NAMED: u32 = 2;

/// The names of the symbols around the present one, the outermost first.
#[derive(Default)]
struct Around<'t>(Vec<&'t str>);

impl<'t> Around<'t> {
    /// The name of the symbol around one of this depth.
    fn outer(&self, depth: u16) -> &'t str {
        let outer = usize::from(depth).checked_sub(1).and_then(|outer| self.0.get(outer));
        outer.copied().unwrap_or_default()
    }

    fn enter(&mut self, depth: u16, name: &'t str) {
        self.0.resize(usize::from(depth), "");
        self.0.push(name);
    }
}

/// Where lines begin, and the end of the last one.
struct LineStarts(Vec<u32>);

impl LineStarts {
    /// The line of an offset; one more than there are for an offset behind them.
    fn of(&self, offset: u32) -> u32 {
        (self.0.partition_point(|start| *start <= offset) as u32).saturating_sub(1)
    }

    /// The bytes of a line.
    fn span(&self, line: u32) -> Range<u32> {
        let start = |line: u32| self.0.get(line as usize).or(self.0.last()).copied().unwrap_or_default();
        start(line)..start(line.saturating_add(1))
    }
}

/// The number of the name that stands at an offset.
fn name_at(places: &[(u32, u32)], offset: u32) -> Option<u32> {
    let place = places.partition_point(|place| place.0 < offset);
    places.get(place).filter(|place| place.0 == offset).map(|place| place.1)
}

fn number_of(kind: SymbolKind) -> u32 {
    SymbolKind::ALL.iter().position(|known| *known == kind).unwrap_or_default() as u32
}

fn chunk(out: &mut Vec<u8>, bytes: &[u8]) {
    push(out, bytes.len() as u32);
    out.extend_from_slice(bytes);
}

/// How many texts there are, and how long each is.
fn lengths<'t>(out: &mut Vec<u8>, texts: impl ExactSizeIterator<Item = &'t str>) {
    push(out, texts.len() as u32);
    texts.for_each(|text| push(out, text.len() as u32));
}

/// Bytes that are read from the front.
struct Source<'b> {
    bytes: &'b [u8],
    at: usize,
}

impl<'b> Source<'b> {
    fn number(&mut self) -> u32 {
        pull(self.bytes, &mut self.at)
    }

    /// A count of things that take at least a byte each.
    fn count(&mut self) -> Option<usize> {
        let count = self.number() as usize;
        (count <= self.bytes.len() - self.at).then_some(count)
    }

    fn chunk(&mut self) -> Option<&'b [u8]> {
        let length = self.number() as usize;
        let chunk = self.bytes.get(self.at..self.at.checked_add(length)?)?;
        self.at += length;
        Some(chunk)
    }

    fn columns<const N: usize>(&mut self, count: usize) -> [Vec<u32>; N] {
        std::array::from_fn(|_| (0..count).map(|_| self.number()).collect())
    }

    /// What [`lengths`] wrote.
    fn lengths(&mut self) -> Option<Vec<u32>> {
        let count = self.count()?;
        let [lengths] = self.columns(count);
        Some(lengths)
    }

    fn texts(&mut self, lengths: &[u32]) -> Option<Vec<&'b str>> {
        let mut texts = Vec::with_capacity(lengths.len());
        for length in lengths {
            let end = self.at.checked_add(*length as usize)?;
            texts.push(std::str::from_utf8(self.bytes.get(self.at..end)?).ok()?);
            self.at = end;
        }
        Some(texts)
    }
}

/// Facts without hash and terms.
fn read(source: &mut Source) -> Option<Facts> {
    let language = match std::str::from_utf8(source.chunk()?).ok()? {
        "" => None,
        name => Some(galley_grammars::by_name(name)?.name),
    };
    let (errors, bytes, length) = (source.number(), source.number(), source.number());
    let lines = Lines::from_lengths(source.chunk()?);
    let mut symbols = read_symbols(source, &LineStarts(lines.starts()))?;
    let uses = source.chunk()?.into();
    let (imports, names) = (source.lengths()?, source.lengths()?);
    let places = read_places(source, &names)?;
    let columns = source.columns(symbols.len());
    let others = source.lengths()?;
    let imports = source.texts(&imports)?;
    let others = source.texts(&others)?;
    let names = source.texts(&names)?;
    let symbol_texts = read_symbol_texts(&mut symbols, &columns, &places, &names, &others)?;
    (source.at == source.bytes.len()).then_some(())?;
    Some(Facts {
        language,
        errors,
        bytes,
        length,
        lines,
        symbols: symbols.into(),
        symbol_texts,
        uses,
        places: Places::new(&places, names.len()),
        names: Texts::new(names),
        imports: Texts::new(imports),
        ..Facts::default()
    })
}

/// What [`Facts::write_symbols`] wrote, without the lengths of names.
fn read_symbols(source: &mut Source, lines: &LineStarts) -> Option<Vec<Packed>> {
    let count = source.count()?;
    let [kinds, bits, steps, lefts, heights, rights, names, firsts, lasts] = source.columns(count);
    let mut symbols = Vec::with_capacity(count);
    let mut line = 0_u32;
    for number in 0..count {
        line = line.wrapping_add(steps[number]);
        let last = line.wrapping_add(heights[number]);
        let start = lines.span(line).start.wrapping_add(lefts[number]);
        symbols.push(Packed {
            kind: *SymbolKind::ALL.get(kinds[number] as usize)?,
            is_test: bits[number] & 1 == 1,
            depth: u16::try_from(bits[number] >> 1).ok()?,
            start,
            end: lines.span(last).end.wrapping_sub(rights[number]),
            name_start: start.wrapping_add(names[number]),
            name_length: 0,
            line: line.wrapping_add(firsts[number]),
            end_line: last.wrapping_add(lasts[number]),
        });
    }
    Some(symbols)
}

/// What [`Facts::write_places`] wrote of names of these lengths.
fn read_places(source: &mut Source, names: &[u32]) -> Option<Vec<(u32, u32)>> {
    let count = source.count()?;
    let [gaps, numbers] = source.columns(count);
    let mut places: Vec<(u32, u32)> = Vec::with_capacity(count);
    let (mut end, mut new) = (0_u32, 0);
    for (gap, number) in gaps.into_iter().zip(numbers) {
        let name = number.checked_sub(1).unwrap_or(new);
        new += u32::from(number == 0);
        let offset = end.wrapping_add(gap);
        if places.last().is_some_and(|before| before.0 > offset) {
            return None;
        }
        end = offset.wrapping_add(*names.get(name as usize)?);
        places.push((offset, name));
    }
    Some(places)
}

/// What [`Facts::write_symbol_texts`] wrote; `others` are the texts that it gave. Sets the lengths of names, too.
fn read_symbol_texts(
    symbols: &mut [Packed],
    [named, lengths, containers]: &[Vec<u32>; 3],
    places: &[(u32, u32)],
    names: &[&str],
    others: &[&str],
) -> Option<Texts> {
    let mut others = others.iter().copied();
    let mut texts = Vec::with_capacity(symbols.len() * SYMBOL_TEXTS as usize);
    let mut around = Around::default();
    for (number, symbol) in symbols.iter_mut().enumerate() {
        let name = match *named.get(number)? {
            EXPECTED => *names.get(name_at(places, symbol.name_start)? as usize)?,
            _ => others.next()?,
        };
        symbol.name_length = (name.len() as u32).wrapping_add(*lengths.get(number)?);
        let container = match *containers.get(number)? {
            EXPECTED => around.outer(symbol.depth),
            OTHER => others.next()?,
            named => *names.get((named - NAMED) as usize)?,
        };
        around.enter(symbol.depth, name);
        texts.extend([name, container]);
    }
    others.next().is_none().then(|| Texts::new(texts))
}
