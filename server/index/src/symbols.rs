//! The names of all symbols of a segment, in order, with their places, and a search over them that looks closely only
//! at names which can still be among the best, by [`crate::columns`].

use crate::columns::Columns;
use crate::facts::Facts;
use crate::fuzzy::{Wanted, score};
use crate::packed::{pull, push};
use crate::role::Role;
use crate::segment::File;
use crate::store::Bytes;
use galley_grammars::SymbolKind;
use std::sync::Arc;

/// Where a name is defined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SymbolPlace {
    /// The number of the file in its segment.
    pub(crate) file: u32,
    /// The number of the symbol in its file.
    pub(crate) symbol: u32,
    /// What it adds to the score of the name.
    pub(crate) worth: i32,
}

/// The table.
#[derive(Debug, Default)]
pub(crate) struct Symbols {
    bytes: Bytes,
    /// Per name: end of its text, of its places.
    ends: Vec<(u32, u32)>,
    /// The texts, end to end.
    texts: Vec<u8>,
    /// Where the places begin.
    places: usize,
    columns: Columns,
}

/// Names of more bytes than this are not believed.
const TEXTS: usize = u32::MAX as usize;

/// The symbols of files, on the way to a table.
#[derive(Default)]
pub(crate) struct Collected {
    texts: String,
    /// Start and length of the name; file, symbol, kind and test.
    all: Vec<(u32, u32, u32, u32, u8)>,
}

impl Collected {
    /// Adds the symbols of the file with this number; files must come in order.
    pub(crate) fn add(&mut self, file: usize, facts: &Facts) {
        for symbol in 0..facts.symbol_count() {
            let name = facts.symbol_name(symbol);
            let kind = facts.symbol_kind(symbol).map_or(0, |kind| kind as u8);
            let bits = kind << 1 | u8::from(facts.symbol_is_test(symbol));
            self.all.push((self.texts.len() as u32, name.len() as u32, file as u32, symbol as u32, bits));
            self.texts.push_str(name);
        }
    }

    /// The table as bytes: number of names, of bytes of text; per name the length of what it shares with the one before,
    /// and of the rest; the rests; per name the number of places and the places.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        let all_texts = self.texts;
        let name = |one: &(u32, u32, u32, u32, u8)| &all_texts[one.0 as usize..(one.0 + one.1) as usize];
        // Stable, so that the places of a name stay in order.
        self.all.sort_by(|one, other| name(one).cmp(name(other)));
        let (mut lengths, mut texts, mut places) = (Vec::new(), Vec::<u8>::new(), Vec::<u8>::new());
        let mut count = 0_u32;
        let mut last: &[u8] = b"";
        for chunk in self.all.chunk_by(|one, other| name(one) == name(other)) {
            count += 1;
            let text = name(&chunk[0]).as_bytes();
            let shared = last.iter().zip(text).take_while(|(one, other)| one == other).count();
            push(&mut lengths, shared as u32);
            push(&mut lengths, (text.len() - shared) as u32);
            texts.extend(&text[shared..]);
            last = text;
            push(&mut places, chunk.len() as u32);
            let mut before = 0;
            for (_, _, file, symbol, bits) in chunk {
                push(&mut places, file - before);
                before = *file;
                push(&mut places, *symbol);
                places.push(*bits);
            }
        }
        let mut bytes = count.to_le_bytes().to_vec();
        bytes.extend((texts.len() as u32).to_le_bytes());
        bytes.extend(lengths);
        bytes.extend(texts);
        bytes.extend(places);
        bytes
    }
}

impl Symbols {
    /// The table in bytes of [`Collected::finish`]; `None` if these are none.
    pub(crate) fn open(bytes: Bytes, files: &[Arc<File>]) -> Option<Symbols> {
        let number = |at: usize| Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?) as usize);
        let (count, length) = (number(0)?, number(4)?);
        let mut at = 8;
        (count <= bytes.len()).then_some(())?;
        let lengths: Vec<(u32, u32)> =
            (0..count).map(|_| (pull(&bytes, &mut at), pull(&bytes, &mut at))).collect();
        let (mut rest, places) = (at, at.checked_add(length)?);
        (places <= bytes.len()).then_some(())?;
        let mut symbols = Symbols { ends: Vec::with_capacity(count), places, ..Symbols::default() };
        let (mut before, mut at) = (0, places);
        // Per name: the most that one of its places is worth.
        let mut tops = Vec::with_capacity(count);
        for (shared, own) in lengths {
            let own = rest..rest.checked_add(own as usize)?;
            rest = own.end;
            let start = symbols.texts.len();
            let shared = before..(shared as usize).checked_add(before).filter(|end| *end <= start)?;
            (start + shared.len() + own.len() <= TEXTS).then_some(())?;
            symbols.texts.extend_from_within(shared);
            symbols.texts.extend_from_slice(bytes.get(own)?);
            before = start;
            let mut top = i32::from(i8::MIN);
            read_places(&bytes, &mut at, files, |place| top = top.max(place.worth));
            symbols.ends.push((symbols.texts.len() as u32, u32::try_from(at - places).ok()?));
            tops.push(top as i8);
        }
        (at == bytes.len() && rest == places).then_some(())?;
        symbols.bytes = bytes;
        let names: Vec<_> =
            tops.into_iter().enumerate().map(|(number, top)| (symbols.name_bytes(number), top)).collect();
        symbols.columns = Columns::new(&names);
        Some(symbols)
    }

    /// Names in the table.
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(crate) fn name(&self, number: usize) -> &str {
        std::str::from_utf8(self.name_bytes(number)).unwrap_or_default()
    }

    fn name_bytes(&self, number: usize) -> &[u8] {
        let start = number.checked_sub(1).and_then(|before| self.ends.get(before)).map_or(0, |ends| ends.0);
        let end = self.ends.get(number).map_or(start, |ends| ends.0);
        self.texts.get(start as usize..end as usize).unwrap_or_default()
    }

    /// Where the name with this number is defined, in order of file and symbol.
    pub(crate) fn places(&self, number: usize, files: &[Arc<File>], each: impl FnMut(SymbolPlace)) {
        let start = number.checked_sub(1).and_then(|before| self.ends.get(before)).map_or(0, |ends| ends.1);
        read_places(&self.bytes, &mut (self.places + start as usize), files, each);
    }

    /// The number of a name.
    pub(crate) fn find(&self, name: &str) -> Option<usize> {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = (low + high) / 2;
            if self.name(middle) < name { low = middle + 1 } else { high = middle }
        }
        (low < self.len() && self.name(low) == name).then_some(low)
    }

    /// Calls `each` with the number of every name that matches, and its score; names that cannot come to `enough` with
    /// what their places are worth may be left out.
    pub(crate) fn search(&self, wanted: &Wanted, enough: impl Fn() -> i32, mut each: impl FnMut(usize, i32)) {
        self.columns.search(wanted.letters(), enough, |number| {
            if let Some(points) = score(wanted.letters(), self.name_bytes(number)) {
                each(number, points);
            }
        });
    }

    /// Bytes of memory that are not the kernel's to take back.
    pub(crate) fn held(&self) -> usize {
        let table = self.len() * size_of::<(u32, u32)>() + self.texts.len() + self.columns.weight();
        table + if self.bytes.is_mapped() { 0 } else { self.bytes.len() }
    }
}

fn read_places(bytes: &[u8], at: &mut usize, files: &[Arc<File>], mut each: impl FnMut(SymbolPlace)) {
    let count = pull(bytes, at);
    let mut file = 0_u32;
    for _ in 0..count {
        file = file.saturating_add(pull(bytes, at));
        let symbol = pull(bytes, at);
        let Some(bits) = bytes.get(*at) else { return };
        *at += 1;
        let kind = SymbolKind::ALL.get(usize::from(bits >> 1)).copied().unwrap_or(SymbolKind::Field);
        if let Some(found) = files.get(file as usize) {
            each(SymbolPlace { file, symbol, worth: worth(found.role, kind, bits & 1 == 1) });
        }
    }
}

/// What a place adds to the score of its name: sources before tests and foreign code, types before members.
pub(crate) fn worth(role: Role, kind: SymbolKind, is_test: bool) -> i32 {
    use SymbolKind as Kind;
    let role = match role {
        Role::Source => 0,
        Role::Test => -6,
        Role::Document | Role::Configuration => -8,
        Role::Vendored | Role::Generated => -12,
    };
    let kind = match kind {
        Kind::Class | Kind::Struct | Kind::Enum | Kind::Interface | Kind::Trait => 3,
        Kind::Function | Kind::Type | Kind::Macro | Kind::Table => 2,
        Kind::Method | Kind::Constructor | Kind::Module | Kind::Constant => 1,
        Kind::Variable | Kind::Variant => 0,
        Kind::Field | Kind::Section | Kind::Key | Kind::Element => -2,
    };
    role + kind - if is_test { 4 } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(names: &[&str]) -> Vec<u8> {
        let mut collected = Collected::default();
        for (number, name) in names.iter().enumerate() {
            let place = (collected.texts.len() as u32, name.len() as u32, 0, number as u32, 0);
            collected.all.push(place);
            collected.texts.push_str(name);
        }
        collected.finish()
    }

    #[test]
    fn names_come_back_in_order() {
        let symbols =
            Symbols::open(table(&["stack", "stage", "a", "", "é", "stack", "è", "sta"]).into(), &[]);
        let symbols = symbols.expect("a table");
        let names: Vec<_> = (0..symbols.len()).map(|number| symbols.name(number)).collect();
        assert_eq!(names, ["", "a", "sta", "stack", "stage", "è", "é"]);
        assert_eq!((symbols.find("stage"), symbols.find("stag"), symbols.find("")), (Some(4), None, Some(0)));
    }

    #[test]
    fn damaged_tables_are_none_or_say_something_else() {
        let whole = table(&["stack", "stage", "a", "", "é", "plates", "sta"]);
        let ask = |bytes: Vec<u8>| {
            let Some(symbols) = Symbols::open(bytes.into(), &[]) else { return };
            (0..symbols.len() + 1).for_each(|number| drop(symbols.name(number).to_owned()));
            symbols.search(&Wanted::new("sta"), || i32::MIN, |_, _| {});
        };
        for at in 0..whole.len() {
            for bits in [1, 0x40, 0xFF] {
                let mut bytes = whole.clone();
                bytes[at] ^= bits;
                ask(bytes);
            }
            ask(whole[..at].to_vec());
        }
        assert!(Symbols::open(whole[..7].to_vec().into(), &[]).is_none());
    }
}
