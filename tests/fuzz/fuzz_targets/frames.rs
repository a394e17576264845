//! Any bytes as an AWS event stream: no panic, whatever the chunks.
#![no_main]

use galley_model::{Endpoint, Kind, Secret, fuzzing};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: (u8, Vec<u8>)| {
    let (step, body) = data;
    let mut endpoint = Endpoint::new(Kind::Bedrock, "m");
    endpoint.base_url = "http://127.0.0.1".into();
    endpoint.key = Some(Secret::new("k"));
    fuzzing::read_stream(&endpoint, true, body.chunks(usize::from(step).max(1)));
});
