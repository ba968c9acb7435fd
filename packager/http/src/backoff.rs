//! How long to wait before another attempt, and when to give up.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};

use crate::retryable::Retry;

/// Waits for a host that cannot be reached at all.
const SOON: [Duration; 2] = [Duration::from_millis(300), Duration::from_millis(700)];

/// Limits on the attempts at one request, or at one file without progress.
#[derive(Debug, Clone, Copy)]
pub struct RetryPolicy {
    /// Further attempts after the first.
    pub attempts: usize,
    /// Wait before the second attempt; doubled each time, with jitter.
    pub first_wait: Duration,
    /// The longest wait. A server that asks for more with `Retry-After` is not asked again.
    pub longest_wait: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            attempts: 5,
            first_wait: Duration::from_secs(1),
            longest_wait: Duration::from_secs(120),
        }
    }
}

/// The waits between the attempts at one thing.
#[derive(Debug)]
pub struct Backoff {
    policy: RetryPolicy,
    waits: ExponentialBackoff,
    /// Waits of [`SOON`] that are used up.
    soon: usize,
}

impl Backoff {
    /// Starts counting attempts.
    pub fn new(policy: RetryPolicy) -> Self {
        let waits = ExponentialBuilder::default()
            .with_min_delay(policy.first_wait)
            .with_max_delay(policy.longest_wait)
            .with_max_times(policy.attempts)
            .with_jitter()
            .build();
        Self { policy, waits, soon: 0 }
    }

    /// Counts from the start again, after some progress.
    pub fn reset(&mut self) {
        *self = Self::new(self.policy);
    }

    /// Returns the wait before the next attempt, or `None` if there must not be one.
    pub fn next(&mut self, retry: Retry) -> Option<Duration> {
        match retry {
            Retry::Never => None,
            Retry::Soon => {
                let limit = SOON.len().min(self.policy.attempts);
                let wait = SOON[..limit].get(self.soon)?;
                self.soon += 1;
                Some((*wait).min(self.policy.longest_wait))
            }
            Retry::After(asked) if asked > self.policy.longest_wait => None,
            Retry::After(asked) => self.waits.next().map(|wait| wait.max(asked)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn backoff() -> Backoff {
        let second = Duration::from_secs(1);
        Backoff::new(RetryPolicy { attempts: 5, first_wait: second, longest_wait: 60 * second })
    }

    fn all(backoff: &mut Backoff, retry: Retry) -> Vec<Duration> {
        std::iter::from_fn(|| backoff.next(retry)).collect()
    }

    #[test]
    fn an_unreachable_host_is_tried_twice_more_within_two_seconds() {
        let waits = all(&mut backoff(), Retry::Soon);
        assert_eq!(waits, SOON);
        assert!(waits.iter().sum::<Duration>() < Duration::from_secs(2));
    }

    #[test]
    fn waits_double_with_jitter_and_count_again_after_a_reset() {
        let mut backoff = backoff();
        let waits = all(&mut backoff, Retry::asked(None));
        assert_eq!(waits.len(), 5);
        for (exponent, wait) in waits.iter().enumerate() {
            let least = Duration::from_secs(1 << exponent);
            assert!((least..=2 * least).contains(wait), "{waits:?}");
        }
        backoff.reset();
        assert!(backoff.next(Retry::asked(None)).is_some());
    }

    #[test]
    fn a_wait_the_server_asks_for_is_kept_unless_it_is_too_long() {
        let asked = |seconds| Retry::asked(Some(Duration::from_secs(seconds)));
        assert_eq!(backoff().next(asked(30)), Some(Duration::from_secs(30)));
        assert_eq!(backoff().next(asked(61)), None);
        assert_eq!(backoff().next(Retry::Never), None);
    }
}
