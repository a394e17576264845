//! Any three texts: a merge is symmetric, and a diff leads from one text to the other.
#![no_main]

use galley_text::{diff, merge::merge};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|texts: (&str, &str, &str)| {
    let (base, ours, theirs) = texts;
    assert_eq!(diff::edits(base, ours).apply(base).as_deref(), Ok(ours));
    assert_eq!(diff::words(base, theirs).apply(base).as_deref(), Ok(theirs));
    assert_eq!(merge(base, ours, base).text, ours);
    let (there, back) = (merge(base, ours, theirs), merge(base, theirs, ours));
    assert_eq!(there.is_clean(), back.is_clean());
    if there.is_clean() {
        assert_eq!(there.text, back.text);
    }
});
