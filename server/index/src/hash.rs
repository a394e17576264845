//! Two small hashes: one for maps that live during one parse, one for what is kept. Neither guards against an
//! attacker; a collision costs a wasted comparison, never a wrong answer, because names are compared as text.

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

/// What identifies a content: the language it was read as, its length, and 128 bits of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ContentHash(u64, u64);

impl ContentHash {
    /// The hash of `text`, read as `language`.
    pub fn of(language: Option<&str>, text: &str) -> Self {
        let mut first = Fast(0x1234_5678_9ABC_DEF1);
        let mut second = Fast(0xFEDC_BA98_7654_3211);
        for hasher in [&mut first, &mut second] {
            hasher.write(language.unwrap_or_default().as_bytes());
            hasher.write_usize(text.len());
        }
        first.write(text.as_bytes());
        // The second walk mixes each word before adding it, so that both halves fail on different inputs.
        for chunk in text.as_bytes().chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            let word = u64::from_le_bytes(word).wrapping_mul(0xC2B2_AE3D_27D4_EB4F);
            second.add(word ^ (word >> 31));
        }
        Self(first.finish(), second.finish())
    }
}
