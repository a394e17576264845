//! When to try again.
//!
//! Decides how long to wait after which fault: exponential with jitter, a server that loads its model gets more
//! patience, the provider's own wish comes first; how many attempts a fault deserves; and when the time that
//! faults may cost is used up.

use std::hash::{BuildHasher, Hasher};
use std::time::{Duration, SystemTime};

use reqwest::header::HeaderMap;

use crate::error::ModelError;

/// How often a fault may be tried, at most: some are not worth six attempts.
pub(crate) fn attempts_for(error: &ModelError, max: u32) -> u32 {
    match error {
        // The tokens of each such attempt are paid.
        ModelError::Runaway { .. } => max.min(2),
        ModelError::EmptyReply { .. } => max.min(3),
        // Nobody listens there: a server that restarts is met again, one that does not run is told of soon.
        ModelError::Network { .. } => max.min(4),
        _ => max,
    }
}

/// The wait before attempt `next` (from 2); `chance` is in 0..1.
pub(crate) fn wait_before(next: u32, error: &ModelError, chance: f64) -> Duration {
    if let Some(wish) = error.retry_after() {
        // A little later than asked for, so that not all clients come at once.
        return wish + Duration::from_secs_f64(0.25 * chance);
    }
    let doublings = next.saturating_sub(2).min(10);
    let base = match error {
        ModelError::Loading { .. } => 2.0,
        ModelError::Network { .. } => 0.25,
        _ => 0.5,
    };
    let seconds = (base * f64::from(1u32 << doublings)).min(20.0);
    Duration::from_secs_f64(seconds * (0.75 + 0.5 * chance))
}

/// A number in 0..1 that differs from process to process and call to call.
pub(crate) fn chance() -> f64 {
    let random = std::collections::hash_map::RandomState::new().build_hasher().finish();
    (random >> 11) as f64 / (1u64 << 53) as f64
}

/// How long the provider asks to wait, by whichever header says so.
pub(crate) fn asked_wait(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    for name in ["retry-after-ms", "x-ms-retry-after-ms"] {
        if let Some(ms) = text(name).and_then(|it| it.parse::<f64>().ok()) {
            return seconds(ms / 1000.0);
        }
    }
    if let Some(value) = text("retry-after") {
        if let Ok(number) = value.parse::<f64>() {
            return seconds(number);
        }
        if let Ok(date) = httpdate::parse_http_date(value) {
            return Some(date.duration_since(now).unwrap_or_default());
        }
        return duration(value);
    }
    // Only where a limit is used up does its reset say anything.
    for limit in ["requests", "tokens"] {
        let remaining = text(&format!("x-ratelimit-remaining-{limit}"));
        if remaining == Some("0") {
            return text(&format!("x-ratelimit-reset-{limit}")).and_then(duration);
        }
    }
    None
}

fn seconds(number: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(number.max(0.0)).ok()
}

/// `6m0s`, `1.5s`, `20ms`, `1h2m`.
pub(crate) fn duration(text: &str) -> Option<Duration> {
    let mut rest = text.trim();
    let mut total = 0.0;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest[..digits].parse().ok()?;
        let unit_end = rest[digits..].find(|c: char| c.is_ascii_digit()).map_or(rest.len(), |at| at + digits);
        total += number
            * match &rest[digits..unit_end] {
                "h" => 3600.0,
                "m" => 60.0,
                "s" => 1.0,
                "ms" => 0.001,
                _ => return None,
            };
        rest = &rest[unit_end..];
    }
    seconds(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn every_form_of_retry_after_is_understood() {
        let now = httpdate::parse_http_date("Fri, 20 Nov 2026 12:00:00 GMT").unwrap();
        let ms = |n| Some(Duration::from_millis(n));
        for (pairs, want) in [
            (vec![("retry-after", "2")], ms(2_000)),
            (vec![("retry-after", "0.5")], ms(500)),
            (vec![("retry-after", "Fri, 20 Nov 2026 12:00:30 GMT")], ms(30_000)),
            (vec![("retry-after", "Fri, 20 Nov 2026 11:00:00 GMT")], ms(0)),
            (vec![("retry-after-ms", "150"), ("retry-after", "9")], ms(150)),
            (vec![("x-ratelimit-remaining-tokens", "0"), ("x-ratelimit-reset-tokens", "1m0.5s")], ms(60_500)),
            (vec![("x-ratelimit-remaining-tokens", "7"), ("x-ratelimit-reset-tokens", "1s")], None),
            (vec![("retry-after", "soon")], None),
            (vec![("retry-after", "-3")], ms(0)),
            (vec![("retry-after", "1e300")], None),
            (vec![], None),
        ] {
            assert_eq!(asked_wait(&headers(&pairs), now), want, "{pairs:?}");
        }
    }

    #[test]
    fn waits_grow_with_jitter_and_heed_the_provider() {
        let fault =
            |retry_after| ModelError::RateLimited { provider: "p".into(), message: "m".into(), retry_after };
        let bare = fault(None);
        let waits: Vec<u128> = (2..=6).map(|next| wait_before(next, &bare, 0.5).as_millis()).collect();
        assert_eq!(waits, [500, 1000, 2000, 4000, 8000]);
        assert!(wait_before(2, &bare, 0.0) < wait_before(2, &bare, 0.9));
        let asked = wait_before(2, &fault(Some(Duration::from_secs(7))), 1.0);
        assert!(asked >= Duration::from_secs(7) && asked < Duration::from_secs(8));
        assert!((0.0..1.0).contains(&chance()));
    }
}
