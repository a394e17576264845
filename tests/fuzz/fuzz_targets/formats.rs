#![no_main]

#[path = "../entries/mod.rs"]
#[allow(dead_code)] // Every target calls its own function.
mod entries;

libfuzzer_sys::fuzz_target!(|input: (&str, &str)| entries::formats(input.0, input.1));
