//! The line in which checks wait: those of all tasks share the machine's cores, first come first served.
//!
//! A check uses many cores by itself, so few run at once. A command that proves nothing does not wait: it is short, and a
//! model waits for it.

use std::sync::LazyLock;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio_util::sync::CancellationToken;

/// Cores that a check is counted for.
const CORES: usize = 4;

static LINE: LazyLock<Semaphore> = LazyLock::new(|| {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    Semaphore::new((cores / CORES).max(1))
});

/// Waits for a place among the checks that run; `None` when cancelled meanwhile.
pub(super) async fn place(cancel: &CancellationToken) -> Option<SemaphorePermit<'static>> {
    place_in(&LINE, cancel).await
}

async fn place_in<'a>(line: &'a Semaphore, cancel: &CancellationToken) -> Option<SemaphorePermit<'a>> {
    tokio::select! {
        biased;
        () = cancel.cancelled() => None,
        place = line.acquire() => place.ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;

    #[test]
    fn checks_wait_in_line_and_a_stopped_one_leaves_it() {
        let line = Semaphore::new(1);
        let (going, stopped) = (CancellationToken::new(), CancellationToken::new());
        let first = place_in(&line, &going).now_or_never().flatten();
        let mut second = Box::pin(place_in(&line, &stopped));
        assert!(first.is_some() && second.as_mut().now_or_never().is_none());
        let mut third = Box::pin(place_in(&line, &going));
        assert!(third.as_mut().now_or_never().is_none());
        stopped.cancel();
        assert!(second.as_mut().now_or_never().is_some_and(|place| place.is_none()));
        drop(second);
        drop(first);
        assert!(third.as_mut().now_or_never().flatten().is_some());
    }
}
