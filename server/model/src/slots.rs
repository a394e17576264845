//! How many requests are under way at one account of a provider: the others wait in line, first come first served.
//!
//! Every task and sub-task has one request under way at a time, so a task that asks much does not keep the others waiting.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::endpoint::Endpoint;
use crate::exchange::StreamEvent;

/// The requests that may be under way at one account.
#[derive(Clone)]
pub(crate) struct Slots(Arc<Semaphore>);

impl Slots {
    /// Those of an endpoint's account. The first endpoint of an account says how many there are.
    pub fn of(endpoint: &Endpoint) -> Slots {
        static ALL: LazyLock<Mutex<HashMap<u64, Slots>>> = LazyLock::new(Mutex::default);
        let mut hasher = DefaultHasher::new();
        endpoint.base_url.hash(&mut hasher);
        endpoint.key.as_ref().map(|key| key.expose()).hash(&mut hasher);
        endpoint.aws.as_ref().map(|aws| (&aws.access_key, &aws.region)).hash(&mut hasher);
        let mut all = ALL.lock().unwrap_or_else(PoisonError::into_inner);
        all.entry(hasher.finish()).or_insert_with(|| Slots::new(endpoint.max_concurrent)).clone()
    }

    fn new(count: usize) -> Slots {
        Slots(Arc::new(Semaphore::new(count.max(1))))
    }

    /// Waits for a place, and says so where there is none. The place is free again when the answer is dropped.
    pub async fn take(&self, on_event: &mut (dyn FnMut(StreamEvent) + Send)) -> Option<OwnedSemaphorePermit> {
        if let Ok(place) = self.0.clone().try_acquire_owned() {
            return Some(place);
        }
        let reason = "other requests to this provider are under way".to_owned();
        on_event(StreamEvent::Waiting { wait: Duration::ZERO, reason });
        // It is never closed.
        self.0.clone().acquire_owned().await.ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoint::Kind;

    /// What a future has to say at once.
    async fn now<T>(future: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            value = future => Some(value),
            () = std::future::ready(()) => None,
        }
    }

    #[tokio::test]
    async fn who_came_first_is_served_first() {
        let slots = Slots::new(1);
        let (mut told, mut quiet) = (Vec::new(), |_| {});
        let mut tell = |event| told.push(event);
        let first = slots.take(&mut quiet).await;
        let mut second = Box::pin(slots.take(&mut tell));
        assert!(now(second.as_mut()).await.is_none(), "there is one place");
        let mut third = Box::pin(slots.take(&mut quiet));
        assert!(now(third.as_mut()).await.is_none());
        drop(first);
        assert!(now(third.as_mut()).await.is_none(), "the second is before it");
        let place = now(second.as_mut()).await.flatten();
        assert!(place.is_some());
        drop((place, second));
        assert!(now(third.as_mut()).await.flatten().is_some());
        assert!(matches!(&told[..], [StreamEvent::Waiting { .. }]));
    }

    #[test]
    fn models_of_one_account_share_its_places_and_accounts_do_not() {
        let endpoint = |model: &str, address: &str| {
            let mut endpoint = Endpoint::new(Kind::OpenAiChat, model);
            endpoint.base_url = address.into();
            endpoint
        };
        let of = |model, address| Slots::of(&endpoint(model, address));
        let one = of("a", "http://127.0.0.1:9/slots");
        assert!(Arc::ptr_eq(&one.0, &of("b", "http://127.0.0.1:9/slots").0));
        assert!(!Arc::ptr_eq(&one.0, &of("a", "http://127.0.0.1:8/slots").0));
    }
}
