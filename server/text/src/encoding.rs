//! From bytes to text and back.
//!
//! What can be written back byte for byte is decoded (UTF-8, and UTF-16 with its byte order mark); all else is
//! refused with a reason instead of being guessed at, because a wrong guess would rewrite a file that no edit
//! touches. The byte order mark is part of the [`Encoding`], never of the text. Line endings stay in the text.

/// How the bytes of a file carry its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Encoding {
    /// UTF-8 without a byte order mark.
    #[default]
    Utf8,
    /// UTF-8 after a byte order mark.
    Utf8Bom,
    /// UTF-16, low byte first, after a byte order mark.
    Utf16Le,
    /// UTF-16, high byte first, after a byte order mark.
    Utf16Be,
}

/// A decoded file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decoded {
    /// The text, without byte order mark, line endings as they were.
    pub text: String,
    /// What [`encode`] needs to give the same bytes again.
    pub encoding: Encoding,
}

/// Why bytes are not taken as text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// There is a NUL among them.
    #[error("binary content: a NUL byte at offset {offset}; it is opened read-only")]
    Binary {
        /// Offset of the first NUL in bytes.
        offset: usize,
    },
    /// Not UTF-8 and without the mark of another encoding.
    #[error("not UTF-8: byte 0x{byte:02x} at offset {offset}; convert the file to UTF-8 to edit it")]
    NotUtf8 {
        /// Offset of the first offending byte.
        offset: usize,
        /// That byte.
        byte: u8,
    },
    /// Marked as UTF-16, but with a lone surrogate or an odd number of bytes.
    #[error("marked as UTF-16, but malformed at byte offset {offset}; it is opened read-only")]
    NotUtf16 {
        /// Offset of the first offending byte.
        offset: usize,
    },
    /// Marked as UTF-32.
    #[error("UTF-32 is not supported; convert the file to UTF-8 to edit it")]
    Utf32,
}

const BOM_UTF8: [u8; 3] = [0xef, 0xbb, 0xbf];
const BOM_LE: [u8; 2] = [0xff, 0xfe];
const BOM_BE: [u8; 2] = [0xfe, 0xff];

/// Decodes a file; `encode` of the outcome gives exactly `bytes` again.
pub fn decode(bytes: &[u8]) -> Result<Decoded, DecodeError> {
    if bytes.starts_with(&[0xff, 0xfe, 0, 0]) || bytes.starts_with(&[0, 0, 0xfe, 0xff]) {
        return Err(DecodeError::Utf32);
    }
    if let Some(rest) = bytes.strip_prefix(&BOM_LE) {
        return utf16(rest, u16::from_le_bytes, Encoding::Utf16Le);
    }
    if let Some(rest) = bytes.strip_prefix(&BOM_BE) {
        return utf16(rest, u16::from_be_bytes, Encoding::Utf16Be);
    }
    let (rest, encoding) = match bytes.strip_prefix(&BOM_UTF8) {
        Some(rest) => (rest, Encoding::Utf8Bom),
        None => (bytes, Encoding::Utf8),
    };
    let skipped = bytes.len() - rest.len();
    if let Some(at) = rest.iter().position(|byte| *byte == 0) {
        return Err(DecodeError::Binary { offset: at + skipped });
    }
    match std::str::from_utf8(rest) {
        Ok(text) => Ok(Decoded { text: text.to_owned(), encoding }),
        Err(error) => {
            let at = error.valid_up_to();
            Err(DecodeError::NotUtf8 { offset: at + skipped, byte: rest.get(at).copied().unwrap_or(0) })
        }
    }
}

fn utf16(rest: &[u8], unit: fn([u8; 2]) -> u16, encoding: Encoding) -> Result<Decoded, DecodeError> {
    let mut text = String::with_capacity(rest.len() / 2);
    let mut offset = BOM_LE.len();
    let units = rest.chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
    for decoded in char::decode_utf16(units) {
        match decoded {
            Ok('\0') => return Err(DecodeError::Binary { offset }),
            Ok(character) => {
                text.push(character);
                offset += 2 * character.len_utf16();
            }
            Err(_) => return Err(DecodeError::NotUtf16 { offset }),
        }
    }
    if rest.len() % 2 == 1 {
        return Err(DecodeError::NotUtf16 { offset });
    }
    Ok(Decoded { text, encoding })
}

/// The bytes of a text, with the encoding's byte order mark.
pub fn encode(text: &str, encoding: Encoding) -> Vec<u8> {
    match encoding {
        Encoding::Utf8 => text.as_bytes().to_vec(),
        Encoding::Utf8Bom => [&BOM_UTF8, text.as_bytes()].concat(),
        Encoding::Utf16Le => {
            BOM_LE.into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect()
        }
        Encoding::Utf16Be => {
            BOM_BE.into_iter().chain(text.encode_utf16().flat_map(u16::to_be_bytes)).collect()
        }
    }
}

/// What ends a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum LineEnding {
    /// `\n`
    #[default]
    Lf,
    /// `\r\n`
    CrLf,
    /// `\r` alone
    Cr,
}

impl LineEnding {
    /// The characters themselves.
    pub fn as_str(self) -> &'static str {
        match self {
            LineEnding::Lf => "\n",
            LineEnding::CrLf => "\r\n",
            LineEnding::Cr => "\r",
        }
    }
}

/// The line ending that most lines have; among equals the one that comes first; `Lf` where there is none.
pub fn dominant_line_ending(text: &str) -> LineEnding {
    let mut counts: Vec<(LineEnding, usize)> = Vec::with_capacity(3);
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let ending = match bytes[at] {
            b'\n' => Some(LineEnding::Lf),
            b'\r' if bytes.get(at + 1) == Some(&b'\n') => Some(LineEnding::CrLf),
            b'\r' => Some(LineEnding::Cr),
            _ => None,
        };
        at += ending.map_or(1, |ending| ending.as_str().len());
        let Some(ending) = ending else { continue };
        match counts.iter_mut().find(|(seen, _)| *seen == ending) {
            Some((_, count)) => *count += 1,
            None => counts.push((ending, 1)),
        }
    }
    let most = counts.iter().map(|(_, count)| *count).max().unwrap_or(0);
    counts.iter().find(|(_, count)| *count == most).map(|(ending, _)| *ending).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_what_it_refuses() {
        assert_eq!(decode(b"a\0b"), Err(DecodeError::Binary { offset: 1 }));
        assert_eq!(decode(b"ab\xe9"), Err(DecodeError::NotUtf8 { offset: 2, byte: 0xe9 }));
        assert_eq!(decode(b"\xef\xbb\xbfa\xff"), Err(DecodeError::NotUtf8 { offset: 4, byte: 0xff }));
        assert_eq!(decode(b"\xff\xfea\0\x00\xd8"), Err(DecodeError::NotUtf16 { offset: 4 }));
        assert_eq!(decode(b"\xff\xfea\0b"), Err(DecodeError::NotUtf16 { offset: 4 }));
        assert_eq!(decode(b"\xff\xfe\0\0"), Err(DecodeError::Utf32));
    }

    #[test]
    fn marks_belong_to_the_encoding() {
        let decoded = decode(b"\xef\xbb\xbfa\r\n").unwrap();
        assert_eq!((decoded.text.as_str(), decoded.encoding), ("a\r\n", Encoding::Utf8Bom));
        let decoded = decode(b"\xfe\xff\xd8\x3d\xde\x00").unwrap();
        assert_eq!((decoded.text.as_str(), decoded.encoding), ("\u{1f600}", Encoding::Utf16Be));
    }

    #[test]
    fn most_lines_decide() {
        assert_eq!(dominant_line_ending("a"), LineEnding::Lf);
        assert_eq!(dominant_line_ending("a\r\nb\nc\r\n"), LineEnding::CrLf);
        assert_eq!(dominant_line_ending("a\rb\nc"), LineEnding::Cr);
        assert_eq!(dominant_line_ending("a\nb\rc"), LineEnding::Lf);
    }
}
