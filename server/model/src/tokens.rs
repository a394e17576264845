//! How many tokens a request has, told from its size.
//!
//! Decides the estimate: the provider's own count of the request before, and for the bytes that came since the
//! bytes a token that this provider showed. Before the first count, a ratio on the safe side for source code.
//! Where that leaves open whether a limit is passed, the model's own vocabulary counts ([`crate::vocabulary`]).

/// Bytes a token before anything is measured: code and JSON have 3 to 4, other scripts fewer.
const FIRST_GUESS: f64 = 3.3;
/// What is measured is believed only between these bounds.
const BELIEVED: std::ops::RangeInclusive<f64> = 1.0..=8.0;

/// What one model has shown of its count.
#[derive(Debug, Default)]
pub(crate) struct Gauge {
    last: Option<Measured>,
    window: Option<u64>,
}

#[derive(Debug, Clone, Copy)]
struct Measured {
    bytes: usize,
    tokens: u64,
}

impl Gauge {
    /// The provider counted so many tokens in a body of so many bytes.
    pub fn measured(&mut self, bytes: usize, tokens: u64) {
        if tokens > 0 && BELIEVED.contains(&(bytes as f64 / tokens as f64)) {
            self.last = Some(Measured { bytes, tokens });
        }
    }

    /// Tokens in a body of so many bytes.
    pub fn tokens(&self, bytes: usize) -> u64 {
        let Some(Measured { bytes: before, tokens }) = self.last else {
            return (bytes as f64 / FIRST_GUESS).ceil() as u64;
        };
        if bytes < before {
            return (tokens as f64 * bytes as f64 / before as f64).ceil() as u64;
        }
        let ratio = (before as f64 / tokens as f64).min(FIRST_GUESS + 1.0);
        tokens + ((bytes - before) as f64 / ratio).ceil() as u64
    }

    /// What the provider counted last, as bytes and tokens, if a body of so many bytes begins with it.
    pub fn known(&self, bytes: usize) -> Option<(usize, u64)> {
        self.last.filter(|last| last.bytes <= bytes).map(|last| (last.bytes, last.tokens))
    }

    /// Whether a body of so many bytes may have more or fewer tokens than the limit: what was not counted yet has
    /// between an eighth of a token and one a byte.
    pub fn leaves_open(&self, bytes: usize, limit: u64) -> bool {
        let (before, tokens) = self.known(bytes).unwrap_or_default();
        let grown = (bytes - before) as u64;
        (tokens + grown / 8..tokens + grown).contains(&limit)
    }

    /// A body of so many bytes was refused as too long, in these words. The window stands in them: the smaller of
    /// the two numbers that such a message gives, or the only one.
    pub fn overflowed(&mut self, message: &str, bytes: usize) {
        let numbers = message
            .split(|c: char| !c.is_ascii_digit() && c != ',')
            .filter_map(|word| word.replace(',', "").parse::<u64>().ok())
            .filter(|number| (1_000..=20_000_000).contains(number));
        let Some(window) = numbers.min() else { return };
        // A refused request was larger than the window, whatever its estimate.
        if bytes as u64 >= window {
            self.window = Some(self.window.map_or(window, |known| known.min(window)));
        }
    }

    /// The window learnt from a refusal, in tokens.
    pub fn window(&self) -> Option<u64> {
        self.window
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_counted_is_exact_and_what_came_since_is_measured_by_it() {
        let mut gauge = Gauge::default();
        assert_eq!(gauge.tokens(3_300), 1_000);
        gauge.measured(8_000, 2_000);
        assert_eq!((gauge.tokens(8_000), gauge.tokens(8_400), gauge.tokens(4_000)), (2_000, 2_100, 1_000));
        // A count that cannot be is not believed.
        gauge.measured(8_000, 1);
        gauge.measured(8_000, 0);
        assert_eq!(gauge.tokens(8_000), 2_000);
    }

    #[test]
    fn a_limit_is_open_between_the_fewest_and_the_most_tokens() {
        let mut gauge = Gauge::default();
        let open = |gauge: &Gauge, limits: [u64; 4]| limits.map(|limit| gauge.leaves_open(8_000, limit));
        assert_eq!(open(&gauge, [999, 1_000, 7_999, 8_000]), [false, true, true, false]);
        gauge.measured(7_200, 2_000);
        assert_eq!(gauge.known(8_000), Some((7_200, 2_000)));
        assert_eq!(open(&gauge, [2_099, 2_100, 2_799, 2_800]), [false, true, true, false]);
        assert_eq!(gauge.known(7_000), None, "another, shorter conversation");
    }

    #[test]
    fn the_window_is_read_from_a_refusal() {
        for (words, window) in [
            (
                "maximum context length is 8192 tokens. However, your messages resulted in 9001 tokens.",
                Some(8_192),
            ),
            ("prompt is too long: 210,123 tokens > 200,000 maximum", Some(200_000)),
            ("Input is too long for requested model.", None),
            ("error 12", None),
        ] {
            let mut gauge = Gauge::default();
            gauge.overflowed(words, 400_000);
            assert_eq!(gauge.window(), window, "{words}");
        }
    }
}
