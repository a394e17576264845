//! What a runner printed, for a reader who knows what it does.

use super::{Reader, TestEnd};

/// The output of a runner without the lines that only say that all goes on well: progress, tests that passed, empty suites.
/// How many passed is said once, at the end.
pub fn quiet(reader: Reader, output: &str) -> String {
    if !matches!(reader, Reader::Libtest | Reader::Pytest) {
        return output.to_owned();
    }
    let passed = super::read(reader, output).tests.values().filter(|end| **end == TestEnd::Passed).count();
    let idle = |line: &&str| {
        let low = line.trim_start();
        let word = low.split(' ').next().unwrap_or_default();
        match reader {
            Reader::Libtest => {
                (low.starts_with("test ") && (low.ends_with("... ok") || low.starts_with("test result: ok")))
                    || (low.starts_with("running ") && (low.ends_with(" tests") || low.ends_with(" test")))
                    || matches!(
                        word,
                        "Compiling"
                            | "Checking"
                            | "Finished"
                            | "Running"
                            | "Doc-tests"
                            | "Blocking"
                            | "Locking"
                    )
            }
            _ => low.starts_with("PASSED ") || (low.starts_with('.') && low.ends_with("%]")),
        }
    };
    let mut kept: Vec<&str> = Vec::new();
    for line in output.lines().filter(|line| !idle(line)) {
        if !line.trim().is_empty() || kept.last().is_some_and(|last| !last.trim().is_empty()) {
            kept.push(line);
        }
    }
    let mut text = kept.join("\n").trim_end().to_owned();
    if passed > 0 {
        text.push_str(&format!("{}{passed} passed", if text.is_empty() { "" } else { "\n" }));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIBTEST: &str = "\nrunning 3 tests\ntest range::splits ... ok\ntest range::merges ... FAILED\ntest slow ... ignored, takes long\n\nfailures:\n\n---- range::merges stdout ----\n\nthread 'range::merges' panicked at src/range.rs:40:9:\nassertion `left == right` failed\n  left: 1\n right: 2\nnote: run with `RUST_BACKTRACE=1` environment variable to display a backtrace\n\n\nfailures:\n    range::merges\n\ntest result: FAILED. 1 passed; 1 failed; 1 ignored\n";

    #[test]
    fn what_went_well_is_said_in_a_line() {
        let green = "   Compiling a v0.1.0\n\nrunning 2 tests\ntest a ... ok\ntest b ... ok\n\ntest result: ok. 2 passed; 0 failed\n\n   Doc-tests a\n\nrunning 0 tests\n";
        assert_eq!(quiet(Reader::Libtest, green), "2 passed");
        let red = quiet(Reader::Libtest, LIBTEST);
        assert!(red.contains("test range::merges ... FAILED") && red.contains("src/range.rs:40:9"), "{red}");
        assert!(red.ends_with("1 passed") && !red.contains("range::splits"), "{red}");
        assert_eq!(quiet(Reader::Generic, green), green);
    }
}
