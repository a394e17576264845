#![no_main]

#[path = "../entries/proposals.rs"]
mod proposals;

libfuzzer_sys::fuzz_target!(|input: (&str, &str, &[u8])| proposals::proposals(input.0, input.1, input.2));
