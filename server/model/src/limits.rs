//! A provider's rate limits, kept for the whole process.
//!
//! Decides how long a request waits so that it is not refused: each reply tells how many requests and tokens are
//! left until when, each request takes its share at once, and who asked to wait is left alone until then. All
//! clients of one account share a bucket.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use reqwest::header::HeaderMap;
use tokio::time::Instant;

use crate::endpoint::Endpoint;
use crate::retry;

/// The limits of one account at one provider.
#[derive(Clone, Default)]
pub(crate) struct Limits(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    requests: Option<Bucket>,
    tokens: Option<Bucket>,
    closed_until: Option<Instant>,
}

#[derive(Clone, Copy)]
struct Bucket {
    left: u64,
    /// When it is full again.
    until: Instant,
}

impl Limits {
    /// The limits of an endpoint's account.
    pub fn of(endpoint: &Endpoint) -> Limits {
        static ALL: LazyLock<Mutex<HashMap<u64, Limits>>> = LazyLock::new(Mutex::default);
        let mut hasher = DefaultHasher::new();
        // Limits are counted by model, or by a group of models that we do not know.
        (&endpoint.base_url, &endpoint.model).hash(&mut hasher);
        endpoint.key.as_ref().map(|key| key.expose()).hash(&mut hasher);
        endpoint.aws.as_ref().map(|aws| (&aws.access_key, &aws.region)).hash(&mut hasher);
        let mut all = ALL.lock().unwrap_or_else(PoisonError::into_inner);
        all.entry(hasher.finish()).or_default().clone()
    }

    /// Takes the share of a request with so many tokens. How long it has to wait before, at most `patience`, and
    /// why; none where there is room.
    pub fn wait(&self, now: Instant, tokens: u64, patience: Duration) -> Option<(Duration, String)> {
        let mut state = self.state();
        let mut wait = Duration::ZERO;
        let mut reason = "";
        if let Some(until) = state.closed_until.filter(|until| *until > now) {
            (wait, reason) = (until - now, "the provider asked to wait");
        }
        let State { requests, tokens: bucket, .. } = &mut *state;
        for (bucket, share, why) in [
            (requests, 1, "the provider's limit of requests is used up"),
            (bucket, tokens, "the provider's limit of tokens is used up"),
        ] {
            let Some(open) = bucket.filter(|open| open.until > now) else {
                *bucket = None;
                continue;
            };
            if open.left >= share {
                *bucket = Some(Bucket { left: open.left - share, ..open });
            } else if open.until - now > wait {
                (wait, reason) = (open.until - now, why);
            }
        }
        // Longer than the person would wait for: the provider is to say so itself.
        (wait > Duration::ZERO && wait <= patience).then(|| (wait, reason.to_owned()))
    }

    /// Learns from the headers of a reply.
    pub fn learn(&self, now: Instant, headers: &HeaderMap) {
        let requests = bucket(now, headers, "requests");
        let tokens = bucket(now, headers, "tokens").or_else(|| bucket(now, headers, "input-tokens"));
        if requests.is_some() || tokens.is_some() {
            let mut state = self.state();
            state.requests = requests;
            state.tokens = tokens;
        }
    }

    /// The provider asked not to be asked for so long.
    pub fn closed(&self, now: Instant, wait: Duration) {
        self.state().closed_until = now.checked_add(wait);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `x-ratelimit-remaining-requests` with `x-ratelimit-reset-requests` (a duration), or
/// `anthropic-ratelimit-requests-remaining` with `anthropic-ratelimit-requests-reset` (a time).
fn bucket(now: Instant, headers: &HeaderMap, what: &str) -> Option<Bucket> {
    let text = |name: String| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let remaining = text(format!("x-ratelimit-remaining-{what}"))
        .or_else(|| text(format!("anthropic-ratelimit-{what}-remaining")))?;
    let reset = text(format!("x-ratelimit-reset-{what}"))
        .or_else(|| text(format!("anthropic-ratelimit-{what}-reset")))?;
    let wait = retry::duration(reset)
        .or_else(|| reset.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()))
        .or_else(|| Some(rfc3339(reset)?.duration_since(SystemTime::now()).unwrap_or_default()))?;
    Some(Bucket { left: remaining.parse().ok()?, until: now.checked_add(wait)? })
}

/// A time such as `2026-11-20T12:00:00Z`; fractions of a second are passed over.
fn rfc3339(text: &str) -> Option<SystemTime> {
    let number = |range: std::ops::Range<usize>| text.get(range)?.parse::<u64>().ok();
    let (year, month, day) = (number(0..4)?, number(5..7)?, number(8..10)?);
    if !text.ends_with('Z') || year < 1970 || !(1..=12).contains(&month) {
        return None;
    }
    // Days since 1970 in the Gregorian calendar, with years that begin in March.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day;
    let seconds = days.checked_sub(719_469)? * 86_400
        + number(11..13)? * 3_600
        + number(14..16)? * 60
        + number(17..19)?;
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    const PATIENCE: Duration = Duration::from_secs(60);

    #[test]
    fn a_used_up_limit_is_waited_for_and_then_open() {
        let (limits, now) = (Limits::default(), Instant::now());
        assert!(limits.wait(now, 1_000, PATIENCE).is_none());
        let told = headers(&[
            ("x-ratelimit-remaining-requests", "1"),
            ("x-ratelimit-reset-requests", "2s"),
            ("x-ratelimit-remaining-tokens", "5000"),
            ("x-ratelimit-reset-tokens", "6m0s"),
        ]);
        limits.learn(now, &told);
        assert!(limits.wait(now, 1_000, PATIENCE).is_none());
        let (wait, reason) = limits.wait(now, 1_000, PATIENCE).unwrap();
        assert!(wait <= Duration::from_secs(2) && reason.contains("requests"), "{reason}");
        let later = now + Duration::from_secs(3);
        assert!(limits.wait(later, 1_000, PATIENCE).is_none());
        // Too long to wait for: the request is sent, and the provider says what it says.
        assert!(limits.wait(later, 9_000, PATIENCE).is_none());
        limits.closed(later, Duration::from_secs(7));
        assert!(limits.wait(later, 1, PATIENCE).unwrap().1.contains("asked"));
    }

    #[test]
    fn both_forms_of_headers_are_read() {
        let of = |pairs: &[(&'static str, &str)]| bucket(Instant::now(), &headers(pairs), "requests");
        let far = [
            ("anthropic-ratelimit-requests-remaining", "7"),
            ("anthropic-ratelimit-requests-reset", "2099-01-01T00:00:00Z"),
        ];
        assert_eq!(of(&far).unwrap().left, 7);
        assert!(of(&[("x-ratelimit-remaining-requests", "7")]).is_none());
        assert!(
            of(&[("x-ratelimit-remaining-requests", "x"), ("x-ratelimit-reset-requests", "1s")]).is_none()
        );
    }

    #[test]
    fn times_are_read() {
        let seconds =
            |text| rfc3339(text).map(|it| it.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs());
        assert_eq!(seconds("1970-01-01T00:00:00Z"), Some(0));
        assert_eq!(seconds("2026-11-20T12:00:30Z"), Some(1_795_176_030));
        assert_eq!(seconds("2024-02-29T23:59:59.5Z"), Some(1_709_251_199));
        for bad in ["", "soon", "2026-13-01T00:00:00Z", "2026-11-20T12:00:30+01:00", "2026-11"] {
            assert_eq!(seconds(bad), None, "{bad}");
        }
    }
}
