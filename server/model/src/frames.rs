//! AWS event streams, byte by byte: binary frames with headers, a payload and two checksums.
//!
//! Decides how a stream of bytes becomes events, whatever its chunks. The frames themselves are decoded by
//! `aws-smithy-eventstream`; an exception frame becomes an event that every adapter knows as an error.

use aws_smithy_eventstream::frame::{DecodedFrame, MessageFrameDecoder};
use aws_smithy_types::event_stream::{HeaderValue, Message};
use bytes::BytesMut;

use crate::converse::EXCEPTION;
use crate::json::Object;
use crate::sse::Event;

/// Why a stream of frames cannot be read on.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Broken {
    /// A frame is larger than the parser accepts.
    TooLong,
    /// A checksum or a length is wrong.
    Damaged(String),
}

/// The parser's state between two chunks.
pub(crate) struct Parser {
    limit: usize,
    buffer: BytesMut,
    decoder: MessageFrameDecoder,
}

impl Parser {
    /// A parser that refuses frames above `limit` bytes.
    pub fn new(limit: usize) -> Parser {
        Parser { limit, buffer: BytesMut::new(), decoder: MessageFrameDecoder::new() }
    }

    /// Takes the next bytes, and gives the events they complete to `out`.
    pub fn push(&mut self, bytes: &[u8], out: &mut Vec<Event>) -> Result<(), Broken> {
        self.buffer.extend_from_slice(bytes);
        loop {
            match self.decoder.decode_frame(&mut self.buffer) {
                Ok(DecodedFrame::Complete(message)) => out.extend(event(&message)),
                Ok(DecodedFrame::Incomplete) if self.buffer.len() > self.limit => {
                    return Err(Broken::TooLong);
                }
                Ok(DecodedFrame::Incomplete) => return Ok(()),
                Err(error) => return Err(Broken::Damaged(error.to_string())),
            }
        }
    }
}

/// The event of a frame; none for a frame of a type that says nothing to us.
fn event(message: &Message) -> Option<Event> {
    let header = |name: &str| {
        let found = message.headers().iter().find(|header| header.name().as_str() == name)?;
        match found.value() {
            HeaderValue::String(text) => Some(text.as_str().to_owned()),
            _ => None,
        }
    };
    let (data, lossy) = match std::str::from_utf8(message.payload()) {
        Ok(text) => (text.to_owned(), false),
        Err(_) => (String::from_utf8_lossy(message.payload()).into_owned(), true),
    };
    match header(":message-type").as_deref() {
        Some("exception") => {
            let kind = header(":exception-type").unwrap_or_default();
            Some(error(&kind, &said(&data)))
        }
        Some("error") => {
            let kind = header(":error-code").unwrap_or_default();
            Some(error(&kind, &header(":error-message").unwrap_or_default()))
        }
        None | Some("event") => Some(Event { name: header(":event-type").unwrap_or_default(), data, lossy }),
        Some(_) => None,
    }
}

fn said(payload: &str) -> String {
    let value: serde_json::Value = serde_json::from_str(payload).unwrap_or_default();
    let message = ["message", "Message", "originalMessage"].iter().find_map(|name| value[*name].as_str());
    message.unwrap_or(payload).to_owned()
}

fn error(kind: &str, message: &str) -> Event {
    let error = Object::new().field("type", kind).field("message", message).finish();
    let data = Object::new().raw("error", &error).finish();
    Event { name: EXCEPTION.into(), data, lossy: false }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_smithy_eventstream::frame::write_message_to;
    use aws_smithy_types::event_stream::Header;
    use proptest::prelude::*;

    fn frame(headers: &[(&'static str, &str)], payload: &str) -> Vec<u8> {
        let mut message = Message::new(payload.as_bytes().to_vec());
        for (name, value) in headers {
            message = message.add_header(Header::new(*name, HeaderValue::String((*value).to_owned().into())));
        }
        let mut bytes = Vec::new();
        write_message_to(&message, &mut bytes).unwrap();
        bytes
    }

    fn stream() -> Vec<u8> {
        let plain = |name| vec![(":message-type", "event"), (":event-type", name)];
        [
            frame(&plain("messageStart"), r#"{"role":"assistant"}"#),
            frame(&plain("contentBlockDelta"), r#"{"delta":{"text":"Größe 😀"}}"#),
            frame(&[(":message-type", "brand-new")], "?"),
            frame(
                &[(":message-type", "exception"), (":exception-type", "throttlingException")],
                r#"{"message":"slow"}"#,
            ),
            frame(&[(":message-type", "error"), (":error-code", "Odd"), (":error-message", "no")], ""),
        ]
        .concat()
    }

    fn parse(chunks: &[&[u8]]) -> (Vec<Event>, Result<(), Broken>) {
        let (mut parser, mut out) = (Parser::new(1 << 20), Vec::new());
        let end = chunks.iter().try_for_each(|chunk| parser.push(chunk, &mut out));
        (out, end)
    }

    #[test]
    fn frames_are_read_byte_by_byte_as_at_once() {
        let bytes = stream();
        let (whole, end) = parse(&[&bytes]);
        assert_eq!((whole.len(), end), (4, Ok(())));
        assert_eq!(
            (whole[1].name.as_str(), whole[1].data.as_str()),
            ("contentBlockDelta", r#"{"delta":{"text":"Größe 😀"}}"#)
        );
        assert_eq!(whole[2].data, r#"{"error":{"type":"throttlingException","message":"slow"}}"#);
        assert_eq!(whole[3].data, r#"{"error":{"type":"Odd","message":"no"}}"#);
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        assert_eq!(parse(&single), (whole, Ok(())));
    }

    #[test]
    fn damage_is_seen_and_a_long_frame_is_refused() {
        let mut bytes = stream();
        bytes[30] ^= 1;
        assert!(matches!(parse(&[&bytes]).1, Err(Broken::Damaged(_))));
        let long = frame(&[], &"x".repeat(2 << 20));
        assert_eq!(parse(&[&long[..long.len() - 1]]).1, Err(Broken::TooLong));
    }

    proptest! {
        #![proptest_config(ProptestConfig { rng_seed: proptest::test_runner::RngSeed::Fixed(7), ..ProptestConfig::default() })]

        #[test]
        fn no_cut_changes_what_is_read(cuts in prop::collection::vec(1_usize..60, 1..40)) {
            let bytes = stream();
            let (mut chunks, mut rest) = (Vec::new(), bytes.as_slice());
            for cut in cuts {
                let (chunk, left) = rest.split_at(cut.min(rest.len()));
                chunks.push(chunk);
                rest = left;
            }
            chunks.push(rest);
            prop_assert_eq!(parse(&chunks), parse(&[&bytes]));
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..400), flip in 0_usize..400) {
            parse(&[&bytes]).1.ok();
            let mut damaged = stream();
            let at = flip % damaged.len();
            damaged[at] ^= bytes.first().copied().unwrap_or(1);
            parse(&[&damaged]).1.ok();
        }
    }
}
