//! Repeating a request until it succeeds.

use std::future::Future;

use crate::backoff::{Backoff, RetryPolicy};
use crate::clock::Clock;
use crate::retryable::Retryable;

/// Runs `work` until it succeeds, fails for good, or the attempts are used up.
///
/// # Errors
/// The error of the last attempt.
pub async fn retry<T, E: Retryable, F: Future<Output = Result<T, E>>>(
    policy: RetryPolicy,
    clock: &dyn Clock,
    mut work: impl FnMut() -> F,
) -> Result<T, E> {
    let mut backoff = Backoff::new(policy);
    loop {
        let error = match work().await {
            Ok(done) => return Ok(done),
            Err(error) => error,
        };
        match backoff.next(error.retry()) {
            Some(wait) => clock.sleep(wait).await,
            None => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::time::Duration;

    use super::*;
    use crate::clock::ManualClock;
    use crate::retryable::Retry;

    #[derive(Debug, PartialEq)]
    struct Failed(Retry);

    impl Retryable for Failed {
        fn retry(&self) -> Retry {
            self.0
        }
    }

    /// The attempts that are made when each fails in this way, and the waits between them.
    async fn attempts(kind: Retry) -> (usize, Vec<Duration>) {
        let (clock, count) = (ManualClock::new(), Cell::new(0));
        let failed: Result<(), _> = retry(RetryPolicy::default(), &clock, || async {
            count.set(count.get() + 1);
            Err(Failed(kind))
        })
        .await;
        assert_eq!(failed, Err(Failed(kind)));
        (count.get(), clock.sleeps())
    }

    #[tokio::test]
    async fn only_what_may_succeed_is_repeated() {
        assert_eq!(attempts(Retry::Never).await, (1, Vec::new()));
        assert_eq!(attempts(Retry::Soon).await.0, 3);
        let (count, sleeps) = attempts(Retry::asked(None)).await;
        assert_eq!((count, sleeps.len()), (6, 5));
        let minute = Duration::from_secs(60);
        assert_eq!(attempts(Retry::asked(Some(minute))).await.1, [minute; 5]);
    }

    #[tokio::test]
    async fn success_ends_the_loop() {
        let (clock, count) = (ManualClock::new(), Cell::new(0));
        let done = retry(RetryPolicy::default(), &clock, || async {
            count.set(count.get() + 1);
            if count.get() < 3 { Err(Failed(Retry::asked(None))) } else { Ok(count.get()) }
        });
        assert_eq!(done.await, Ok(3));
        assert_eq!(clock.sleeps().len(), 2);
    }
}
