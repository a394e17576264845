//! The readers of streams without a network, for fuzz targets.

use crate::dialect::{Progress, dialect};
use crate::draft;
use crate::endpoint::Endpoint;
use crate::exchange::{Reply, Request, StreamEvent};
use crate::{frames, sse};

/// What becomes of a body that comes in these chunks: the reply, if the body is one. With `binary` it is an AWS
/// event stream.
pub fn read_stream<'a>(
    endpoint: &Endpoint,
    binary: bool,
    chunks: impl Iterator<Item = &'a [u8]>,
) -> Option<Reply> {
    const LIMIT: usize = 1 << 20;
    let dialect = dialect(endpoint).ok()??;
    let mut assembler = dialect.assembler();
    let (mut lines, mut binaries) = (sse::Parser::new(LIMIT), frames::Parser::new(LIMIT));
    let mut events = Vec::new();
    let mut tell = |_: StreamEvent| {};
    'body: for chunk in chunks {
        let parsed = match binary {
            true => binaries.push(chunk, &mut events).is_ok(),
            false => lines.push(chunk, &mut events).is_ok(),
        };
        for event in events.drain(..) {
            match assembler.event(&event, &mut tell) {
                Ok(Progress::More) => {}
                Ok(Progress::Last) => break 'body,
                Err(_) => return settled(endpoint, assembler.salvage()?),
            }
        }
        if !parsed {
            return settled(endpoint, assembler.salvage()?);
        }
    }
    if assembler.is_complete() {
        settled(endpoint, assembler.draft())
    } else {
        settled(endpoint, assembler.salvage()?)
    }
}

fn settled(endpoint: &Endpoint, draft: draft::Draft) -> Option<Reply> {
    draft::settle(draft, &Request::default(), "fuzz", dialect(endpoint).ok()??).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoint::{Kind, Secret};
    use proptest::prelude::*;
    use proptest::test_runner::RngSeed;

    /// Words that streams are made of, so that random ones get somewhere.
    fn piece() -> impl Strategy<Value = String> {
        let words = [
            "data: ",
            "event: ",
            "\n",
            "\n\n",
            "\r\n",
            "{",
            "}",
            "[",
            "]",
            "\"",
            ":",
            ",",
            "null",
            "1e9",
            "-1",
            "type",
            "response.output_item.done",
            "response.output_item.added",
            "response.completed",
            "item",
            "output_index",
            "function_call",
            "custom_tool_call",
            "arguments",
            "call_id",
            "content_block_start",
            "content_block_delta",
            "content_block_stop",
            "message_stop",
            "content_block",
            "tool_use",
            "index",
            "delta",
            "partial_json",
            "choices",
            "tool_calls",
            "function",
            "finish_reason",
            "candidates",
            "content",
            "parts",
            "functionCall",
            "finishReason",
            "STOP",
            "usage",
            "[DONE]",
            "ß",
            "\\u00df",
            "\\ud800",
            r#"data: {"type":"response.output_item.done","output_index":18446744073709551615,"item":{"type":"function_call"}}"#,
            r#"data: {"type":"content_block_start","index":3,"content_block":{"type":"tool_use","input":[]}}"#,
            r#"data: {"type":"content_block_stop","index":3}"#,
            r#"data: {"type":"message_delta","delta":{"stop_reason":"brand_new"}}"#,
            r#"data: {"choices":[{"delta":{"tool_calls":[{"index":7,"id":"x","function":{"name":"f","arguments":"{}"}}]}}]}"#,
            r#"data: {"choices":[{"delta":{},"finish_reason":"brand_new"}]}"#,
            r#"data: {"candidates":[{"content":{"parts":[{"functionCall":{"name":"f"}}]},"finishReason":"BRAND_NEW"}]}"#,
        ];
        prop::sample::select(words.to_vec()).prop_map(str::to_owned)
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 400, rng_seed: RngSeed::Fixed(3), ..ProptestConfig::default() })]

        #[test]
        fn no_stream_makes_a_reader_panic_or_run_what_does_not_parse(
            pieces in prop::collection::vec(piece(), 0..60),
            step in 1_usize..40,
        ) {
            let text = pieces.concat();
            for kind in [Kind::OpenAiChat, Kind::OpenAiResponses, Kind::Anthropic, Kind::Gemini] {
                let endpoint = Endpoint::new(kind, "m");
                let whole = read_stream(&endpoint, false, std::iter::once(text.as_bytes()));
                let pieced = read_stream(&endpoint, false, text.as_bytes().chunks(step));
                prop_assert_eq!(whole.is_some(), pieced.is_some());
                for call in whole.iter().flat_map(|reply| &reply.calls) {
                    prop_assert!(call.free_text || crate::json::is_object(&call.arguments));
                }
            }
            let mut bedrock = Endpoint::new(Kind::Bedrock, "m");
            bedrock.base_url = "http://127.0.0.1".into();
            bedrock.key = Some(Secret::new("k"));
            prop_assert!(read_stream(&bedrock, true, text.as_bytes().chunks(step)).is_none());
        }
    }
}
