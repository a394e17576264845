//! Lines as an editor counts them: ended by `\n`, `\r\n` or a lone `\r`, their endings included.

/// The lines of a text; joined they are the text again.
pub(crate) fn split(text: &str) -> Vec<&str> {
    let bytes = text.as_bytes();
    let mut lines = Vec::new();
    let mut start = 0;
    for (at, byte) in bytes.iter().enumerate() {
        if *byte == b'\n' || (*byte == b'\r' && bytes.get(at + 1) != Some(&b'\n')) {
            lines.push(&text[start..=at]);
            start = at + 1;
        }
    }
    if start < text.len() {
        lines.push(&text[start..]);
    }
    lines
}

/// Whether a line starts at this byte, which may be the text's end only if the last line is ended.
pub(crate) fn starts_at(text: &str, at: usize) -> bool {
    let bytes = text.as_bytes();
    match at.checked_sub(1).and_then(|before| bytes.get(before)) {
        None => at == 0,
        Some(b'\n') => true,
        Some(b'\r') => bytes.get(at) != Some(&b'\n'),
        Some(_) => false,
    }
}

/// Whether the text's last line is ended.
pub(crate) fn is_ended(text: &str) -> bool {
    text.ends_with(['\n', '\r'])
}
