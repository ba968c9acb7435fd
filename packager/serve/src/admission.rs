//! Who may run now, who waits, and who is refused.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Why a request is refused with 503.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// As many requests wait as may wait.
    QueueFull,
    /// It waited as long as it may.
    QueueTimeout,
}

impl Refusal {
    /// The value of the metric's label.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::QueueFull => "queue_full",
            Self::QueueTimeout => "queue_timeout",
        }
    }

    /// A sentence for the client.
    pub(crate) fn message(self) -> &'static str {
        match self {
            Self::QueueFull => "too many requests are waiting",
            Self::QueueTimeout => "the request waited too long for a worker",
        }
    }
}

/// A bounded queue before a bounded number of running requests (`maxConcurrentRequestsPerContainer` and
/// `maxQueueWaitMs` of docs/azureml-2019.md#3.3).
#[derive(Debug, Clone)]
pub(crate) struct Admission {
    running: Arc<Semaphore>,
    waiting: Arc<AtomicUsize>,
    queued: usize,
    wait: Duration,
}

/// Leave to run; given back when dropped.
#[derive(Debug)]
pub(crate) struct Permit {
    _permit: OwnedSemaphorePermit,
}

/// One request in the queue, also if its client goes away.
struct Waiting<'a>(&'a AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Admission {
    /// Lets `concurrent` requests run and `queued` more wait, each at most `wait`.
    pub(crate) fn new(concurrent: usize, queued: usize, wait: Duration) -> Self {
        let running = Arc::new(Semaphore::new(concurrent));
        Self { running, waiting: Arc::default(), queued, wait }
    }

    /// Waits for leave to run, first come first served.
    ///
    /// # Errors
    /// [`Refusal`].
    pub(crate) async fn enter(&self) -> Result<Permit, Refusal> {
        if let Ok(permit) = self.running.clone().try_acquire_owned() {
            return Ok(Permit { _permit: permit });
        }
        if self.waiting.fetch_add(1, Ordering::Relaxed) >= self.queued {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            return Err(Refusal::QueueFull);
        }
        let _waiting = Waiting(&self.waiting);
        match tokio::time::timeout(self.wait, self.running.clone().acquire_owned()).await {
            Ok(Ok(permit)) => Ok(Permit { _permit: permit }),
            // The semaphore is never closed.
            Ok(Err(_)) | Err(_) => Err(Refusal::QueueTimeout),
        }
    }

    /// Requests that wait now.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn one_runs_one_waits_and_the_third_is_refused() {
        let admission = Admission::new(1, 1, Duration::from_millis(500));
        let first = admission.enter().await.unwrap();
        let other = admission.clone();
        let second = tokio::spawn(async move { other.enter().await });
        tokio::task::yield_now().await;
        assert_eq!(admission.waiting(), 1);
        assert_eq!(admission.enter().await.unwrap_err(), Refusal::QueueFull);
        drop(first);
        let second = second.await.unwrap().unwrap();
        assert_eq!(admission.enter().await.unwrap_err(), Refusal::QueueTimeout);
        assert_eq!(admission.waiting(), 0);
        drop(second);
        assert!(admission.enter().await.is_ok());
    }

    #[tokio::test]
    async fn a_client_that_goes_away_leaves_the_queue() {
        let admission = Admission::new(1, 1, Duration::from_secs(60));
        let _first = admission.enter().await.unwrap();
        let waiting = tokio::time::timeout(Duration::from_millis(1), admission.enter()).await;
        assert!(waiting.is_err());
        assert_eq!(admission.waiting(), 0);
    }
}
