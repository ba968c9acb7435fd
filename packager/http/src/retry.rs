//! Repeating a request until it succeeds.

use std::future::Future;
use std::time::Duration;

use crate::{Backoff, Clock, RetryPolicy};

/// Whether another attempt may succeed after a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// No: the answer will be the same.
    Never,
    /// Perhaps, but soon: the host was never reached. A wrong name or port does not mend itself,
    /// whereas a name server or a service that is being started may answer in a moment.
    Soon,
    /// Yes, after the usual wait, and no earlier than this.
    After(Duration),
}

impl Retry {
    /// Returns [`Retry::After`] with what the server asked for, which may be nothing.
    pub fn asked(retry_after: Option<Duration>) -> Self {
        Self::After(retry_after.unwrap_or_default())
    }
}

/// An error that knows whether its request is worth repeating.
pub trait Retryable {
    /// Classifies the error.
    fn retry(&self) -> Retry;
}

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

    use super::*;
    use crate::ManualClock;

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
