//! Server-sent events, byte by byte.
//!
//! Decides how a stream of bytes becomes events, whatever its chunks: all three line ends, comments, data over
//! several lines, a byte order mark, UTF-8 cut anywhere (an event is decoded as a whole; what is no UTF-8 is
//! replaced and the event marked).

/// One event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Event {
    /// The `event:` field; empty where none was given.
    pub name: String,
    /// The `data:` lines, joined by newlines.
    pub data: String,
    /// `data` held bytes that are no UTF-8.
    pub lossy: bool,
}

/// An event is larger than the parser accepts.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TooLong;

/// The parser's state between two chunks.
pub(crate) struct Parser {
    limit: usize,
    line: Vec<u8>,
    name: Vec<u8>,
    data: Vec<u8>,
    has_data: bool,
    after_cr: bool,
    at_start: bool,
}

impl Parser {
    /// A parser that refuses events above `limit` bytes.
    pub fn new(limit: usize) -> Parser {
        let empty = Vec::new();
        Parser {
            limit,
            line: empty.clone(),
            name: empty.clone(),
            data: empty,
            has_data: false,
            after_cr: false,
            at_start: true,
        }
    }

    /// Takes the next bytes, and gives the events they complete to `out`.
    pub fn push(&mut self, mut bytes: &[u8], out: &mut Vec<Event>) -> Result<(), TooLong> {
        while !bytes.is_empty() {
            if std::mem::take(&mut self.after_cr) && bytes[0] == b'\n' {
                bytes = &bytes[1..];
                continue;
            }
            let end = bytes.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
            let (part, rest) = bytes.split_at(end.unwrap_or(bytes.len()));
            if self.line.len() + self.data.len() + part.len() > self.limit {
                return Err(TooLong);
            }
            self.line.extend_from_slice(part);
            bytes = rest;
            if let Some((line_end, rest)) = rest.split_first() {
                self.after_cr = *line_end == b'\r';
                bytes = rest;
                self.end_line(out);
            }
        }
        Ok(())
    }

    /// The stream is over: the event that no empty line completed, if any. It may be cut.
    pub fn finish(mut self) -> Option<Event> {
        let mut out = Vec::new();
        if !self.line.is_empty() {
            self.end_line(&mut out);
        }
        self.dispatch(&mut out);
        out.pop()
    }

    fn end_line(&mut self, out: &mut Vec<Event>) {
        let line = std::mem::take(&mut self.line);
        let mut text = line.as_slice();
        if std::mem::take(&mut self.at_start) {
            text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
        }
        if text.is_empty() {
            self.dispatch(out);
        } else {
            self.field(text);
        }
        // The line's memory serves the next line.
        self.line = line;
        self.line.clear();
    }

    fn field(&mut self, line: &[u8]) {
        let colon = line.iter().position(|byte| *byte == b':').unwrap_or(line.len());
        let (field, value) = line.split_at(colon);
        let value = value.strip_prefix(b":").unwrap_or(value);
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match field {
            b"data" => {
                if self.has_data {
                    self.data.push(b'\n');
                }
                self.has_data = true;
                self.data.extend_from_slice(value);
            }
            b"event" => value.clone_into(&mut self.name),
            // Comments (an empty field name), `id`, `retry` and unknown fields say nothing to us.
            _ => {}
        }
    }

    fn dispatch(&mut self, out: &mut Vec<Event>) {
        if std::mem::take(&mut self.has_data) {
            let name = String::from_utf8_lossy(&self.name).into_owned();
            let data = std::mem::take(&mut self.data);
            out.push(match String::from_utf8(data) {
                Ok(data) => Event { name, data, lossy: false },
                Err(bad) => {
                    Event { name, data: String::from_utf8_lossy(bad.as_bytes()).into_owned(), lossy: true }
                }
            });
        }
        self.name.clear();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(chunks: &[&[u8]]) -> Vec<Event> {
        let mut parser = Parser::new(1 << 20);
        let mut out = Vec::new();
        for chunk in chunks {
            parser.push(chunk, &mut out).unwrap();
        }
        out.extend(parser.finish());
        out
    }

    fn event(name: &str, data: &str) -> Event {
        Event { name: name.into(), data: data.into(), lossy: false }
    }

    const SAMPLE: &str = "\u{feff}: hello\nevent: a\ndata: {\"x\":\"Größe 漢字 😀\"}\n\nid: 7\r\ndata:one\r\ndata:  two\r\ndata\r\n\r\nretry: 5\rdata: three\r\revent: lost\n\nbogus line\ndata: [DONE]";

    fn sample_events() -> Vec<Event> {
        vec![
            event("a", "{\"x\":\"Größe 漢字 😀\"}"),
            event("", "one\n two\n"),
            event("", "three"),
            event("", "[DONE]"),
        ]
    }

    #[test]
    fn all_line_ends_comments_and_several_data_lines() {
        assert_eq!(parse(&[SAMPLE.as_bytes()]), sample_events());
    }

    #[test]
    fn byte_by_byte_gives_the_same_events() {
        let bytes: Vec<&[u8]> = SAMPLE.as_bytes().chunks(1).collect();
        assert_eq!(parse(&bytes), sample_events());
    }

    #[test]
    fn bytes_that_are_no_utf8_are_replaced_and_marked() {
        let got = parse(&[b"data: a\xff", b"\xfeb\n\n"]);
        assert_eq!(got, [Event { name: String::new(), data: "a\u{fffd}\u{fffd}b".into(), lossy: true }]);
    }

    #[test]
    fn an_endless_event_is_refused() {
        let mut parser = Parser::new(100);
        let mut out = Vec::new();
        let line = [b"data: ".as_slice(), &[b'x'; 60], b"\n"].concat();
        assert_eq!(parser.push(&line, &mut out), Ok(()));
        assert_eq!(parser.push(&line, &mut out), Err(TooLong));
        assert_eq!(Parser::new(100).push(&[b'x'; 101], &mut out), Err(TooLong));
    }

    proptest! {
        #[test]
        fn any_chunking_gives_the_same_events(
            lines in prop::collection::vec(("(data|event|id|:|junk)?", ":? ?", "[a-zäß漢😀{}: ]{0,12}", "(\n|\r|\r\n)"), 0..30),
            cuts in prop::collection::vec(0usize..600, 0..40),
        ) {
            let text: String = lines.iter().map(|(a, b, c, d)| format!("{a}{b}{c}{d}")).collect();
            let bytes = text.as_bytes();
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
            cuts.sort_unstable();
            let mut chunks = Vec::new();
            let mut from = 0;
            for cut in cuts {
                chunks.push(&bytes[from..cut]);
                from = cut;
            }
            chunks.push(&bytes[from..]);
            prop_assert_eq!(parse(&chunks), parse(&[bytes]));
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            parse(&[&bytes]);
        }
    }
}
