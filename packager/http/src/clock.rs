//! The clock that waits and deadlines are measured with.

use std::fmt::Debug;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Measures time and waits.
pub trait Clock: Debug + Send + Sync {
    /// Returns the present moment.
    fn now(&self) -> Instant;

    /// Waits.
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>>;
}

/// The clock of the runtime.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(tokio::time::sleep(duration))
    }
}

/// A clock for tests: it only advances when somebody sleeps or [`ManualClock::advance`] is called,
/// and a sleep ends at once. Clones share the time.
#[derive(Debug, Clone)]
pub struct ManualClock {
    started: Instant,
    sleeps: Arc<Mutex<Vec<Duration>>>,
    advanced: Arc<Mutex<Duration>>,
}

impl ManualClock {
    /// Starts at the present moment.
    pub fn new() -> Self {
        Self { started: Instant::now(), sleeps: Arc::default(), advanced: Arc::default() }
    }

    /// Moves the time forward.
    pub fn advance(&self, duration: Duration) {
        *self.advanced.lock().unwrap_or_else(PoisonError::into_inner) += duration;
    }

    /// Returns all sleeps so far, in their order.
    pub fn sleeps(&self) -> Vec<Duration> {
        self.sleeps.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Default for ManualClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Instant {
        self.started + *self.advanced.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        self.sleeps.lock().unwrap_or_else(PoisonError::into_inner).push(duration);
        self.advance(duration);
        Box::pin(std::future::ready(()))
    }
}
