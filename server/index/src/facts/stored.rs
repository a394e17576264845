//! Facts as bytes, for the cache. Columns of small numbers and texts, then compressed as a whole, beginning with what the
//! facts of a pack have in common: most files are short, and name what their neighbours name.
//!
//! What follows from something else is left out: the terms that the names and their counts give, the marks of the line
//! table. Reading believes nothing: every length is checked against what is there, and what does not fit gives `None`.

use super::{Counted, Facts, Packed, Terms};
use crate::hash::{ContentHash, FastMap};
use crate::packed::{Lines, Texts, pull, push};
use crate::turn::{pass, worked};
use crate::words::{Term, parts, term, whole, words};
use galley_grammars::SymbolKind;

/// Longest record, unpacked, that is believed.
const LIMIT: usize = 1 << 30;
const LEVEL: i32 = 6;
/// What the records of a pack have in common is at most so many bytes long, ...
const COMMON: usize = 256 << 10;
/// ... and each record gives it at most so many.
const SHARE: usize = 2 << 10;
/// Fewer records have nothing in common that would be worth its room.
const FEW: usize = 64;

/// Counts of a term: in the content, in names of definitions.
type Counts = (u16, u16);

/// What the compression of a pack's records begins with: names and signatures out of them.
pub(crate) fn common(raws: &[Vec<u8>]) -> Vec<u8> {
    if raws.len() < FEW {
        return Vec::new();
    }
    let step = raws.len().div_ceil(COMMON / SHARE);
    let mut common = Vec::with_capacity(COMMON);
    for text in raws.iter().step_by(step).filter_map(|raw| texts_of(raw)) {
        common.extend_from_slice(&text[text.len().saturating_sub(SHARE)..]);
    }
    common
}

/// What records have in common, itself compressed.
pub(crate) fn common_to(common: &[u8]) -> Vec<u8> {
    compress(&[common.to_vec()], &[]).concat()
}

/// Back from [`common_to`]; `None` if these bytes are none.
pub(crate) fn common_from(bytes: &[u8]) -> Option<Vec<u8>> {
    decompress(bytes, &zstd::dict::DecoderDictionary::copy(&[]))
}

/// The texts of symbols and names of facts as [`Facts::raw`] gave them.
fn texts_of(raw: &[u8]) -> Option<&[u8]> {
    let mut source = Source { bytes: raw, at: 0 };
    source.text()?;
    let _errors_and_bytes = [source.number(), source.number()];
    source.chunk()?;
    read_symbols(&mut source)?;
    let start = source.at;
    let _symbols_and_names = [source.texts()?, source.texts()?];
    raw.get(start..source.at)
}

/// Compresses records that have this in common; it may be empty.
pub(crate) fn compress(raws: &[Vec<u8>], common: &[u8]) -> Vec<Vec<u8>> {
    let dictionary = zstd::dict::EncoderDictionary::copy(common, LEVEL);
    let compressor = zstd::bulk::Compressor::with_prepared_dictionary(&dictionary);
    let Ok(mut compressor) = compressor else { return vec![Vec::new(); raws.len()] };
    let mut one = |raw: &Vec<u8>| {
        let mut bytes = (raw.len() as u32).to_le_bytes().to_vec();
        bytes.extend(compressor.compress(raw).unwrap_or_default());
        worked(8 * pass(raw.len()));
        bytes
    };
    raws.iter().map(&mut one).collect()
}

/// A record back from [`compress`]; `None` if these bytes are none.
pub(crate) fn decompress(bytes: &[u8], common: &zstd::dict::DecoderDictionary) -> Option<Vec<u8>> {
    let (length, packed) = bytes.split_first_chunk::<4>()?;
    let length = u32::from_le_bytes(*length) as usize;
    if length > LIMIT {
        return None;
    }
    let mut decompressor = zstd::bulk::Decompressor::with_prepared_dictionary(common).ok()?;
    let raw = decompressor.decompress(packed, length).ok()?;
    (raw.len() == length).then_some(raw)
}

impl Facts {
    /// The facts back from [`Facts::raw`]; `None` if these bytes are none.
    pub(crate) fn from_raw(raw: &[u8], hash: ContentHash) -> Option<Facts> {
        read(&mut Source { bytes: raw, at: 0 }, hash)
    }

    /// The facts as bytes, not yet compressed; their hash is not among them.
    pub(crate) fn raw(&self) -> Vec<u8> {
        let mut out = Vec::new();
        text(&mut out, self.language.unwrap_or_default());
        push(&mut out, self.errors);
        push(&mut out, self.bytes);
        chunk(&mut out, self.lines.lengths());
        self.raw_symbols(&mut out);
        texts(&mut out, &self.symbol_texts);
        texts(&mut out, &self.names);
        chunk(&mut out, &self.uses);
        chunk(&mut out, &self.offsets);
        texts(&mut out, &self.imports);
        self.raw_terms(&mut out);
        push(&mut out, self.length);
        out
    }

    fn raw_symbols(&self, out: &mut Vec<u8>) {
        push(out, self.symbols.len() as u32);
        let mut column = |of: &dyn Fn(&Packed, &Packed) -> u32| {
            let mut before = Packed::nowhere();
            for symbol in &self.symbols {
                push(out, of(symbol, &before));
                before = symbol.clone();
            }
        };
        column(&|symbol, _| number_of(symbol.kind));
        column(&|symbol, _| u32::from(symbol.depth) << 1 | u32::from(symbol.is_test));
        column(&|symbol, before| symbol.start.wrapping_sub(before.start));
        column(&|symbol, _| symbol.end.wrapping_sub(symbol.start));
        column(&|symbol, _| symbol.name_start.wrapping_sub(symbol.start));
        column(&|symbol, _| symbol.name_length);
        column(&|symbol, before| symbol.line.wrapping_sub(before.line));
        column(&|symbol, _| symbol.end_line.wrapping_sub(symbol.line));
    }

    /// Only where names and counts would say something else.
    fn raw_terms(&self, out: &mut Vec<u8>) {
        let derived = self.derived_terms();
        let known: FastMap<Term, Counts> =
            self.terms().iter().map(|(term, content, name)| (*term, (*content, *name))).collect();
        let mut rest: Vec<(Term, Counts)> = known
            .iter()
            .filter(|(term, counts)| derived.get(term) != Some(counts))
            .map(|(t, c)| (*t, *c))
            .collect();
        rest.extend(derived.keys().filter(|term| !known.contains_key(term)).map(|term| (*term, (0, 0))));
        rest.sort_unstable();
        push(out, rest.len() as u32);
        let mut before = 0;
        for (term, _) in &rest {
            push(out, term - before);
            before = *term;
        }
        rest.iter().for_each(|(_, counts)| push(out, u32::from(counts.0)));
        rest.iter().for_each(|(_, counts)| push(out, u32::from(counts.1)));
    }

    /// All terms, of facts that were read back.
    pub(super) fn terms_from_rest(&self) -> Box<[Counted]> {
        let mut terms = self.derived_terms();
        for (term, content, names) in &self.terms.rest {
            match (content, names) {
                (0, 0) => drop(terms.remove(term)),
                _ => drop(terms.insert(*term, (*content, *names))),
            }
        }
        let mut terms: Vec<_> =
            terms.into_iter().map(|(term, (content, name))| (term, content, name)).collect();
        terms.sort_unstable();
        terms.into()
    }

    /// The terms of names that occur and of symbols that are defined.
    fn derived_terms(&self) -> FastMap<Term, Counts> {
        let mut content: FastMap<Term, u32> = FastMap::default();
        for (number, name) in self.names() {
            let count = self.count(number);
            let mut pieces = 0;
            parts(name, |part| {
                pieces += 1;
                if part.len() > 1 {
                    *content.entry(term(part)).or_default() += count;
                }
            });
            if pieces > 1 {
                *content.entry(whole(name)).or_default() += count;
            }
        }
        let mut terms: FastMap<Term, Counts> = FastMap::default();
        for (term, count) in content {
            terms.entry(term).or_default().0 = u16::try_from(count).unwrap_or(u16::MAX);
        }
        for number in 0..self.symbols.len() {
            let mut add = |term| {
                let count = &mut terms.entry(term).or_default().1;
                *count = count.saturating_add(1);
            };
            words(self.symbol_name(number), |word| {
                parts(word, |part| {
                    if part.len() > 1 {
                        add(term(part));
                    }
                });
                add(whole(word));
            });
        }
        terms
    }
}

fn number_of(kind: SymbolKind) -> u32 {
    SymbolKind::ALL.iter().position(|known| *known == kind).unwrap_or_default() as u32
}

fn chunk(out: &mut Vec<u8>, bytes: &[u8]) {
    push(out, bytes.len() as u32);
    out.extend_from_slice(bytes);
}

fn text(out: &mut Vec<u8>, text: &str) {
    chunk(out, text.as_bytes());
}

fn texts(out: &mut Vec<u8>, texts: &Texts) {
    push(out, texts.len() as u32);
    texts.iter().for_each(|text| push(out, text.len() as u32));
    texts.iter().for_each(|text| out.extend_from_slice(text.as_bytes()));
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

    fn text(&mut self) -> Option<&'b str> {
        std::str::from_utf8(self.chunk()?).ok()
    }

    fn column(&mut self, count: usize) -> Vec<u32> {
        (0..count).map(|_| self.number()).collect()
    }

    fn texts(&mut self) -> Option<Texts> {
        let count = self.count()?;
        let lengths = self.column(count);
        let mut found = Vec::with_capacity(count);
        for length in lengths {
            let end = self.at.checked_add(length as usize)?;
            found.push(std::str::from_utf8(self.bytes.get(self.at..end)?).ok()?);
            self.at = end;
        }
        Some(Texts::new(found))
    }
}

fn read(source: &mut Source, hash: ContentHash) -> Option<Facts> {
    let language = source.text()?;
    let language = match language {
        "" => None,
        name => Some(galley_grammars::by_name(name)?.name),
    };
    let (errors, bytes) = (source.number(), source.number());
    let lines = Lines::from_lengths(source.chunk()?);
    let symbols = read_symbols(source)?;
    let (symbol_texts, names) = (source.texts()?, source.texts()?);
    let (uses, offsets) = (source.chunk()?, source.chunk()?);
    let imports = source.texts()?;
    let mut starts = Vec::with_capacity(names.len());
    let mut at = 0;
    for _ in 0..names.len() {
        starts.push(at as u32);
        for _ in 0..pull(offsets, &mut at) {
            if at >= offsets.len() {
                return None;
            }
            pull(offsets, &mut at);
        }
    }
    let mut facts = Facts {
        hash: Some(hash),
        language,
        errors,
        bytes,
        lines,
        symbols,
        symbol_texts,
        names,
        uses: uses.into(),
        starts: starts.into(),
        offsets: offsets.into(),
        imports,
        terms: Terms::default(),
        length: 0,
    };
    facts.terms.rest = read_rest(source)?;
    facts.length = source.number();
    (source.at == source.bytes.len()).then_some(facts)
}

fn read_symbols(source: &mut Source) -> Option<Box<[Packed]>> {
    let count = source.count()?;
    let [kinds, bits, starts, lengths, names, name_lengths, lines, heights]: [Vec<u32>; 8] =
        std::array::from_fn(|_| source.column(count));
    let mut symbols = Vec::with_capacity(count);
    let (mut start, mut line) = (0_u32, 0_u32);
    for number in 0..count {
        start = start.wrapping_add(starts[number]);
        line = line.wrapping_add(lines[number]);
        symbols.push(Packed {
            kind: *SymbolKind::ALL.get(kinds[number] as usize)?,
            is_test: bits[number] & 1 == 1,
            depth: u16::try_from(bits[number] >> 1).ok()?,
            start,
            end: start.wrapping_add(lengths[number]),
            name_start: start.wrapping_add(names[number]),
            name_length: name_lengths[number],
            line,
            end_line: line.wrapping_add(heights[number]),
        });
    }
    Some(symbols.into())
}

/// What [`Facts::raw_terms`] wrote.
fn read_rest(source: &mut Source) -> Option<Box<[Counted]>> {
    let count = source.count()?;
    let (keys, content, names) = (source.column(count), source.column(count), source.column(count));
    let mut key = 0_u32;
    let mut rest = Vec::with_capacity(count);
    for number in 0..count {
        key = key.checked_add(keys[number])?;
        rest.push((key, u16::try_from(content[number]).ok()?, u16::try_from(names[number]).ok()?));
    }
    Some(rest.into())
}

impl Packed {
    fn nowhere() -> Packed {
        Packed {
            kind: SymbolKind::Module,
            is_test: false,
            depth: 0,
            start: 0,
            end: 0,
            name_start: 0,
            name_length: 0,
            line: 0,
            end_line: 0,
        }
    }
}
