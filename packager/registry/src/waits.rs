//! How long to wait before another attempt, and when to give up.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};

use crate::{Error, Retries};

/// Waits for a registry that cannot be reached at all: a wrong name or port does not mend itself,
/// but a name server or a registry that is just being started may.
const UNREACHABLE: [Duration; 2] = [Duration::from_millis(300), Duration::from_millis(700)];

/// The waits between the attempts at one thing.
pub(crate) struct Waits {
    retries: Retries,
    long: ExponentialBackoff,
    unreachable: usize,
}

impl Waits {
    pub(crate) fn new(retries: Retries) -> Self {
        let long = ExponentialBuilder::default()
            .with_min_delay(retries.first_wait)
            .with_max_delay(retries.longest_wait)
            .with_max_times(retries.attempts)
            .with_jitter()
            .build();
        Self { retries, long, unreachable: 0 }
    }

    /// Something was achieved: the attempts are counted from the start again.
    pub(crate) fn renew(&mut self) {
        *self = Self::new(self.retries);
    }

    /// The wait after an error; `None` if there shall be no other attempt. Honours `Retry-After`;
    /// a registry that asks for more than we wait is given up.
    pub(crate) fn after(&mut self, error: &Error) -> Option<Duration> {
        if error.is_unreachable() {
            let limit = UNREACHABLE.len().min(self.retries.attempts);
            let wait = UNREACHABLE[..limit].get(self.unreachable)?;
            self.unreachable += 1;
            return Some((*wait).min(self.retries.longest_wait));
        }
        let asked = error.transient()?.unwrap_or_default();
        if asked > self.retries.longest_wait {
            return None;
        }
        self.long.next().map(|wait| wait.max(asked))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Reply;

    fn waits() -> Waits {
        let second = Duration::from_secs(1);
        Waits::new(Retries { attempts: 5, first_wait: second, longest_wait: 60 * second })
    }

    #[test]
    fn what_cannot_be_reached_is_tried_twice_more_within_two_seconds() {
        let (host, reason) = ("h:1".to_owned(), "Connection refused".to_owned());
        let refused = Error::Unreachable { host: host.clone(), reason: reason.clone() };
        let unknown = Error::NameUnknown { host: host.clone(), reason: reason.clone() };
        for error in [refused, unknown] {
            let mut waits = waits();
            let all: Vec<Duration> = std::iter::from_fn(|| waits.after(&error)).collect();
            assert_eq!(all, UNREACHABLE);
        }
        let mut waits = waits();
        let broken = Error::Connection { host, reason };
        assert_eq!(std::iter::from_fn(|| waits.after(&broken)).count(), 5);
        waits.renew();
        assert!(waits.after(&broken).is_some());
    }

    #[test]
    fn a_wait_that_is_asked_for_is_kept_or_too_long() {
        let limited = |seconds| Error::RateLimited {
            registry: "h".to_owned(),
            reply: Box::new(Reply {
                status: 429,
                retry_after: Some(Duration::from_secs(seconds)),
                ..Reply::default()
            }),
        };
        assert_eq!(waits().after(&limited(30)), Some(Duration::from_secs(30)));
        assert_eq!(waits().after(&limited(61)), None);
        let foreign = Error::PlainHttp { host: "h".to_owned() };
        assert_eq!(waits().after(&foreign), None);
    }
}
