#![no_main]

#[path = "../entries/mod.rs"]
#[allow(dead_code)] // Every target calls its own function.
mod entries;

libfuzzer_sys::fuzz_target!(|text: &str| entries::paths(text));
