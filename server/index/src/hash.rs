//! A small hash for maps and postings, and the name of a content. The small one does not guard against an attacker; a
//! collision of it costs a wasted comparison, never a wrong answer, because names are compared as text.

use std::hash::{BuildHasherDefault, Hasher};

/// A map keyed by short text or numbers, made and thrown away while one file is read.
pub(crate) type FastMap<K, V> = std::collections::HashMap<K, V, BuildHasherDefault<Fast>>;

/// Multiply and rotate, eight bytes at a time.
#[derive(Default, Clone, Copy)]
pub(crate) struct Fast(u64);

const ODD: u64 = 0x9E37_79B9_7F4A_7C15;

impl Fast {
    fn add(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(5) ^ word).wrapping_mul(ODD);
    }
}

impl Hasher for Fast {
    fn write(&mut self, bytes: &[u8]) {
        let mut chunks = bytes.chunks_exact(8);
        for chunk in &mut chunks {
            self.add(u64::from_le_bytes(chunk.try_into().unwrap_or_default()));
        }
        let rest = chunks.remainder();
        if !rest.is_empty() {
            let mut last = [0; 8];
            last[..rest.len()].copy_from_slice(rest);
            self.add(u64::from_le_bytes(last) ^ ((rest.len() as u64) << 56));
        }
    }

    fn write_u32(&mut self, number: u32) {
        self.add(u64::from(number));
    }

    fn write_u64(&mut self, number: u64) {
        self.add(number);
    }

    fn write_usize(&mut self, number: usize) {
        self.add(number as u64);
    }

    fn write_u16(&mut self, number: u16) {
        self.add(u64::from(number));
    }

    fn write_u8(&mut self, number: u8) {
        self.add(u64::from(number));
    }

    fn finish(&self) -> u64 {
        let mixed = (self.0 ^ (self.0 >> 32)).wrapping_mul(ODD);
        mixed ^ (mixed >> 29)
    }
}

/// 32 bits of a text: the key of postings.
pub(crate) fn short(text: &str) -> u32 {
    let mut hasher = Fast::default();
    hasher.write(text.as_bytes());
    (hasher.finish() >> 32) as u32
}

/// What identifies a content: 128 bits of the BLAKE3 of the language it was read as and of its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ContentHash([u8; 16]);

impl ContentHash {
    /// The hash of `text`, read as `language`.
    pub fn of(language: Option<&str>, text: &str) -> Self {
        let mut hasher = blake3::Hasher::new();
        let language = language.unwrap_or_default();
        hasher.update(&(language.len() as u32).to_le_bytes());
        hasher.update(language.as_bytes());
        hasher.update(text.as_bytes());
        let whole = hasher.finalize();
        Self(std::array::from_fn(|at| whole.as_bytes()[at]))
    }

    pub(crate) fn to_bytes(self) -> [u8; 16] {
        self.0
    }

    pub(crate) fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }
}
