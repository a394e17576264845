//! What a command wrote: kept as head and tail, cleaned for reading.
//!
//! Counting comes first: whatever is left out is said in bytes, never silently.

use std::borrow::Cow;
use std::collections::VecDeque;

use crate::Stream;

/// Bytes kept from the beginning of the output.
pub const KEPT_HEAD: usize = 256 << 10;
/// Bytes kept from the end of the output.
pub const KEPT_TAIL: usize = 768 << 10;

/// A piece of output as it arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    /// Which stream it came from.
    pub stream: Stream,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// The output of a command, both streams in the order of arrival; beyond [`KEPT_HEAD`] + [`KEPT_TAIL`] bytes only
/// its beginning and its end.
#[derive(Debug, Clone, Default)]
pub struct Output {
    head: Vec<Chunk>,
    tail: VecDeque<Chunk>,
    head_bytes: usize,
    tail_bytes: usize,
    total: u64,
}

impl Output {
    pub(crate) fn push(&mut self, stream: Stream, mut bytes: &[u8]) {
        self.total += bytes.len() as u64;
        let room = (KEPT_HEAD - self.head_bytes).min(bytes.len());
        if room > 0 {
            let (now, later) = bytes.split_at(room);
            self.head_bytes += now.len();
            self.head.push(Chunk { stream, bytes: now.to_vec() });
            bytes = later;
        }
        if bytes.is_empty() {
            return;
        }
        self.tail_bytes += bytes.len();
        self.tail.push_back(Chunk { stream, bytes: bytes.to_vec() });
        while self.tail_bytes > KEPT_TAIL {
            let excess = self.tail_bytes - KEPT_TAIL;
            let Some(first) = self.tail.front_mut() else { break };
            if first.bytes.len() <= excess {
                self.tail_bytes -= first.bytes.len();
                self.tail.pop_front();
            } else {
                first.bytes.drain(..excess);
                self.tail_bytes -= excess;
            }
        }
    }

    /// The kept chunks of both streams, in order of arrival.
    pub fn chunks(&self) -> impl Iterator<Item = &Chunk> {
        self.head.iter().chain(&self.tail)
    }

    /// Both streams as text, with one line in place of what was left out. Bytes that are not UTF-8 are replaced.
    pub fn text(&self) -> String {
        self.collect(|_| true)
    }

    /// Standard output as text; as [`Output::text`].
    pub fn stdout(&self) -> String {
        self.collect(|stream| stream == Stream::Stdout)
    }

    /// Standard error as text; as [`Output::text`].
    pub fn stderr(&self) -> String {
        self.collect(|stream| stream == Stream::Stderr)
    }

    /// Bytes written in all.
    pub fn total_bytes(&self) -> u64 {
        self.total
    }

    /// Bytes written but not kept.
    pub fn omitted_bytes(&self) -> u64 {
        self.total - (self.head_bytes + self.tail_bytes) as u64
    }

    fn collect(&self, wanted: impl Fn(Stream) -> bool) -> String {
        let join = |chunks: &mut dyn Iterator<Item = &Chunk>| -> Vec<u8> {
            chunks.filter(|c| wanted(c.stream)).flat_map(|c| c.bytes.iter().copied()).collect()
        };
        let head = join(&mut self.head.iter());
        let tail = join(&mut self.tail.iter());
        if self.omitted_bytes() == 0 {
            return String::from_utf8_lossy(&[head, tail].concat()).into_owned();
        }
        // Cut at whole lines: a half line would be read as a whole one.
        let end = head.iter().rposition(|&b| b == b'\n').map_or(head.len(), |at| at + 1);
        let start = tail.iter().position(|&b| b == b'\n').map_or(0, |at| at + 1);
        let left_out = self.omitted_bytes() + (head.len() - end + start) as u64;
        let mut text = String::from_utf8_lossy(&head[..end]).into_owned();
        text.push_str(&marker(left_out));
        text.push_str(&String::from_utf8_lossy(&tail[start..]));
        text
    }
}

fn marker(bytes: u64) -> String {
    format!("[… {bytes} bytes left out …]\n")
}

/// A text cut to its head and tail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bounded {
    /// The text, with one line in place of what was left out.
    pub text: String,
    /// Bytes left out.
    pub omitted_bytes: usize,
    /// Lines left out.
    pub omitted_lines: usize,
}

/// Cuts `text` to at most `head_bytes` from its beginning and `tail_bytes` from its end, on whole lines (a single
/// line longer than that is cut inside).
pub fn bound(text: &str, head_bytes: usize, tail_bytes: usize) -> Bounded {
    if text.len() <= head_bytes.saturating_add(tail_bytes) {
        return Bounded { text: text.to_owned(), omitted_bytes: 0, omitted_lines: 0 };
    }
    let head_end = text.floor_char_boundary(head_bytes);
    let head_end = text[..head_end].rfind('\n').map_or(head_end, |at| at + 1);
    let tail_start = text.ceil_char_boundary(text.len() - tail_bytes).max(head_end);
    let begins_line = tail_start == 0 || text.as_bytes()[tail_start - 1] == b'\n';
    let tail_start = match text[tail_start..].find('\n') {
        Some(at) if !begins_line && tail_start + at + 1 < text.len() => tail_start + at + 1,
        _ => tail_start,
    };
    let omitted = &text[head_end..tail_start];
    let break_before = if head_end == 0 || text[..head_end].ends_with('\n') { "" } else { "\n" };
    Bounded {
        text: [&text[..head_end], break_before, &marker(omitted.len() as u64), &text[tail_start..]].concat(),
        omitted_bytes: omitted.len(),
        omitted_lines: omitted.matches('\n').count(),
    }
}

/// Makes terminal output readable as text: escape sequences go, of a line that was overwritten (progress bars) the
/// last state stays, three or more equal lines in a row become one with a count, other control characters go.
pub fn clean_output(text: &str) -> String {
    let plain = without_escapes(text);
    let lines = plain.split('\n').map(overwritten).collect::<Vec<_>>();
    let mut cleaned = String::with_capacity(plain.len());
    let mut at = 0;
    while at < lines.len() {
        let same = lines[at..].iter().take_while(|line| **line == lines[at]).count();
        let shown = if lines[at].trim().is_empty() {
            same.min(2)
        } else if same > 2 {
            1
        } else {
            same
        };
        for _ in 0..shown {
            cleaned.push_str(&lines[at]);
            cleaned.push('\n');
        }
        if same > 2 && !lines[at].trim().is_empty() {
            cleaned.push_str(&format!("[the line above {} times more]\n", same - 1));
        }
        at += same;
    }
    // The split made one line too many if the text ended in a line end, and the loop one line end too many if not.
    cleaned.pop();
    cleaned
}

/// What a terminal shows of a line with carriage returns and backspaces.
fn overwritten(line: &str) -> Cow<'_, str> {
    let line = line.strip_suffix('\r').unwrap_or(line);
    if !line.contains(['\r', '\u{8}']) {
        return Cow::Borrowed(line);
    }
    let mut shown: Vec<char> = Vec::new();
    let mut column = 0usize;
    for c in line.chars() {
        match c {
            '\r' => column = 0,
            '\u{8}' => column = column.saturating_sub(1),
            _ => {
                if column < shown.len() {
                    shown[column] = c;
                } else {
                    shown.push(c);
                }
                column += 1;
            }
        }
    }
    Cow::Owned(shown.into_iter().collect::<String>().trim_end().to_owned())
}

/// Removes escape sequences and control characters except tab, line end, carriage return and backspace. An
/// "erase line" empties the line as a terminal would.
fn without_escapes(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(|c: char| c.is_control() && !matches!(c, '\n' | '\t' | '\r' | '\u{8}')) {
        plain.push_str(&rest[..at]);
        rest = &rest[at..];
        let mut characters = rest.chars();
        let control = characters.next();
        let after = characters.as_str();
        rest = match control {
            Some('\u{1b}') => after_escape(after, &mut plain),
            Some('\u{9b}') => after_csi(after, &mut plain),
            _ => after,
        };
    }
    plain.push_str(rest);
    plain
}

fn after_escape<'a>(rest: &'a str, plain: &mut String) -> &'a str {
    let mut characters = rest.chars();
    match characters.next() {
        Some('[') => after_csi(characters.as_str(), plain),
        // Titles and links: up to BEL or ESC \. Without an end only the introducer goes.
        Some(']' | 'P' | 'X' | '^' | '_') => {
            let body = characters.as_str();
            match body.find(['\u{7}', '\u{1b}', '\n']) {
                Some(at) if body[at..].starts_with('\u{7}') => &body[at + 1..],
                Some(at) if body[at..].starts_with("\u{1b}\\") => &body[at + 2..],
                _ => body,
            }
        }
        Some('(' | ')' | '*' | '+' | '#' | '%' | ' ') => {
            characters.next();
            characters.as_str()
        }
        Some(c) if c.is_ascii() && !c.is_control() => characters.as_str(),
        _ => rest,
    }
}

/// Skips a control sequence: parameters, then one final byte.
fn after_csi<'a>(rest: &'a str, plain: &mut String) -> &'a str {
    let end = rest.find(|c: char| !matches!(c, '\u{20}'..='\u{3f}')).unwrap_or(rest.len());
    let (parameters, after) = rest.split_at(end);
    let mut characters = after.chars();
    match characters.next() {
        Some('K') if parameters == "2" => {
            let start = plain.rfind('\n').map_or(0, |at| at + 1);
            plain.truncate(start);
            characters.as_str()
        }
        Some('\u{40}'..='\u{7e}') => characters.as_str(),
        _ => after,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_flood_is_kept_as_head_and_tail_on_whole_lines() {
        let mut output = Output::default();
        let lines = 300_000;
        for n in 0..lines {
            output.push(Stream::Stdout, format!("line {n}\n").as_bytes());
        }
        let text = output.text();
        assert!(text.len() <= KEPT_HEAD + KEPT_TAIL + 100);
        assert!(text.starts_with("line 0\n") && text.ends_with(&format!("line {}\n", lines - 1)));
        assert!(text.lines().all(|l| l.starts_with("line ") || l.contains("bytes left out")));
        let kept = (KEPT_HEAD + KEPT_TAIL) as u64;
        assert_eq!(output.omitted_bytes(), output.total_bytes() - kept);
    }

    #[test]
    fn streams_are_kept_apart_and_together() {
        let mut output = Output::default();
        output.push(Stream::Stdout, b"out\n");
        output.push(Stream::Stderr, b"err\n");
        assert_eq!(
            (output.text(), output.stdout(), output.stderr()),
            ("out\nerr\n".into(), "out\n".into(), "err\n".into())
        );
        assert_eq!(output.omitted_bytes(), 0);
    }

    #[test]
    fn terminal_noise_goes() {
        for (given, cleaned) in [
            ("\u{1b}[31mred\u{1b}[0m plain\n", "red plain\n"),
            ("10%\r50%\r100%\ndone\n", "100%\ndone\n"),
            ("long line\rshort\n", "shortline\n"),
            ("a\r\nb\r\n", "a\nb\n"),
            ("building\u{1b}[2K\rok\n", "ok\n"),
            ("\u{1b}]0;title\u{7}text", "text"),
            ("\u{1b}]8;;http://x\u{1b}\\link\u{1b}]8;;\u{1b}\\", "link"),
            ("x\nx\nx\nx\ny", "x\n[the line above 3 times more]\ny"),
            ("x\nx\ny\n", "x\nx\ny\n"),
            ("a\n\n\n\n\nb\n", "a\n\n\nb\n"),
            ("ab\u{8}c\n", "ac\n"),
            ("bell\u{7}\n", "bell\n"),
            ("", ""),
            ("half \u{1b}[", "half "),
        ] {
            assert_eq!(clean_output(given), cleaned, "{given:?}");
        }
    }

    #[test]
    fn a_bound_text_says_what_is_missing() {
        let text = (0..100).map(|n| format!("line {n}\n")).collect::<String>();
        let bounded = bound(&text, 20, 30);
        assert_eq!(
            bounded.text,
            format!(
                "line 0\nline 1\n[… {} bytes left out …]\nline 97\nline 98\nline 99\n",
                bounded.omitted_bytes
            )
        );
        assert_eq!(bounded.omitted_lines, 95);
        assert_eq!(bound("short", 10, 10).text, "short");
    }

    proptest! {
        #[test]
        fn cleaning_never_panics_and_leaves_no_controls(text in "\\PC*|[\\x1b\\[\\]0-9;mK\\r\\n\\x08a-c\\x07]{0,60}") {
            let cleaned = clean_output(&text);
            let controls = cleaned.contains(['\u{1b}', '\r']);
            prop_assert!(!controls);
        }

        #[test]
        fn bounding_counts_every_byte(text in "[aé\\n]{0,200}", head in 0usize..50, tail in 0usize..50) {
            let bounded = bound(&text, head, tail);
            if bounded.omitted_bytes == 0 && bounded.text == text { return Ok(()); }
            let note = marker(bounded.omitted_bytes as u64);
            let kept = bounded.text.replacen(&note, "", 1);
            prop_assert!(kept.len() - text.len().saturating_sub(bounded.omitted_bytes) <= 1);
        }
    }
}
