//! Any text as a patch in any format, on a file that is the input's other half.
#![no_main]

use galley_text::format::{EditFormat, Stream, Tree, apply};
use galley_text::path::RelPath;
use libfuzzer_sys::fuzz_target;

struct One<'a>(&'a str);

impl Tree for One<'_> {
    fn read(&self, path: &RelPath) -> Option<String> {
        (path.as_str() == "f").then(|| self.0.to_owned())
    }
}

fuzz_target!(|input: (&str, &str)| {
    let (patch, file) = input;
    let formats = [
        EditFormat::SearchReplace,
        EditFormat::ApplyPatch,
        EditFormat::Unified,
        EditFormat::WholeFile,
        EditFormat::LineRange,
    ];
    for format in formats {
        let whole = apply(format, patch, &One(file));
        let mut stream = Stream::new(format);
        for part in patch.split_inclusive(' ') {
            stream.push(part);
        }
        stream.finish();
        assert_eq!(stream.apply(&One(file)), whole);
    }
});
