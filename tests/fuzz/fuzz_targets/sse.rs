//! Any bytes as the body of a streamed reply, for every API that streams lines: no panic, no reply out of nothing.
#![no_main]

use galley_model::{Endpoint, Kind, fuzzing};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: (u8, Vec<u8>)| {
    let (choice, body) = data;
    let kinds = [Kind::OpenAiChat, Kind::OpenAiResponses, Kind::Anthropic, Kind::Gemini];
    let endpoint = Endpoint::new(kinds[usize::from(choice) % kinds.len()], "m");
    let step = usize::from(choice / 4).max(1);
    fuzzing::read_stream(&endpoint, false, body.chunks(step));
});
