//! Time and identifiers for tasks. The only module of the crate that reads the clock.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// The latest time that an identifier was made at.
static LATEST: AtomicI64 = AtomicI64::new(0);

/// Milliseconds since the Unix epoch; 0 when the system clock stands before it.
pub fn now_ms() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .ok()
        .and_then(|elapsed| i64::try_from(elapsed.as_millis()).ok())
        .unwrap_or(0)
}

/// A new identifier: `prefix`, then the time and randomness in base 36. Sorts by time of making; within a process also
/// where the clock is set back.
pub fn new_id(prefix: &str) -> String {
    let noise = RandomState::new().build_hasher().finish() % 36_u64.pow(4);
    let now = now_ms();
    let time = u64::try_from(LATEST.fetch_max(now, Ordering::Relaxed).max(now)).unwrap_or(0);
    format!("{prefix}{}{}", base36(time, 9), base36(noise, 4))
}

fn base36(mut number: u64, width: usize) -> String {
    const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
    let mut text = vec![b'0'; width];
    for place in text.iter_mut().rev() {
        *place = DIGITS[(number % 36) as usize];
        number /= 36;
    }
    String::from_utf8_lossy(&text).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_by_time_and_differ() {
        let first = new_id("t");
        let second = new_id("t");
        assert_ne!(first, second);
        assert_eq!(first.len(), 14);
        assert!(first[..10] <= second[..10]);
    }
}
