//! Any bytes as a file: what is decoded comes back byte for byte, and its positions go both ways.
#![no_main]

use galley_text::encoding::{decode, encode};
use galley_text::position::{LineIndex, PositionEncoding};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(decoded) = decode(bytes) else { return };
    assert_eq!(encode(&decoded.text, decoded.encoding), bytes);
    let index = LineIndex::new(&decoded.text);
    for encoding in [PositionEncoding::Utf8, PositionEncoding::Utf16, PositionEncoding::Utf32] {
        for (at, _) in decoded.text.char_indices().take(64) {
            let position = index.to_position(at, encoding);
            let back = index.to_offset(position, encoding);
            assert_eq!(index.to_position(back, encoding), position);
        }
    }
});
