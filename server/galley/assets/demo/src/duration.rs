//! Lengths of time in whole minutes.

use std::fmt;
use std::ops::Add;

/// A length of time in whole minutes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Duration {
    minutes: u32,
}

impl Duration {
    /// So many minutes.
    pub fn from_minutes(minutes: u32) -> Self {
        Duration { minutes }
    }

    /// Reads `1h20m`, `45m` or `2h`.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (hours, rest) = match text.split_once('h') {
            Some((hours, rest)) => (number(hours)?, rest),
            None => (0, text),
        };
        let minutes = match rest.strip_suffix('m') {
            Some(minutes) => number(minutes)?,
            None if rest.is_empty() => 0,
            None => return Err(format!("`{text}` is no length of time")),
        };
        Ok(Duration::from_minutes(hours * 60 + minutes))
    }

    /// The nearest multiple of `step` minutes.
    pub fn rounded(self, step: u32) -> Self {
        Duration::from_minutes(self.minutes / step * step)
    }
}

fn number(text: &str) -> Result<u32, String> {
    text.trim().parse().map_err(|_| format!("`{text}` is no number"))
}

impl Add for Duration {
    type Output = Duration;

    fn add(self, other: Duration) -> Duration {
        Duration::from_minutes(self.minutes + other.minutes)
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}h{:02}m", self.minutes / 60, self.minutes % 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_and_minutes_are_read() {
        assert_eq!(Duration::parse("1h20m"), Ok(Duration::from_minutes(80)));
        assert_eq!(Duration::parse("2h"), Ok(Duration::from_minutes(120)));
        assert_eq!(Duration::parse("45m"), Ok(Duration::from_minutes(45)));
    }

    #[test]
    fn nonsense_is_refused() {
        assert!(Duration::parse("soon").is_err());
        assert!(Duration::parse("1h2").is_err());
    }

    #[test]
    fn minutes_have_two_digits() {
        assert_eq!(Duration::from_minutes(65).to_string(), "1h05m");
    }

    #[test]
    fn rounds_to_the_nearest_quarter() {
        assert_eq!(Duration::from_minutes(22).rounded(15), Duration::from_minutes(15));
        assert_eq!(Duration::from_minutes(23).rounded(15), Duration::from_minutes(30));
        assert_eq!(Duration::from_minutes(30).rounded(15), Duration::from_minutes(30));
    }
}
