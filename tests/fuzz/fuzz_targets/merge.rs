#![no_main]

#[path = "../entries/mod.rs"]
#[allow(dead_code)] // Every target calls its own function.
mod entries;

libfuzzer_sys::fuzz_target!(|texts: (&str, &str, &str)| entries::merges(texts.0, texts.1, texts.2));
