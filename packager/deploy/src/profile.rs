//! What a service needs, from a measurement under load.

use std::time::Duration;

/// A service under load.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Measured {
    /// How long it was under load.
    pub elapsed: Duration,
    /// Time of each request, the shortest first; at least one.
    pub latencies: Vec<Duration>,
    /// CPU time that it used in that time.
    pub cpu_time: Duration,
    /// The most memory that it used, in bytes.
    pub peak_memory: u64,
}

/// Resources are recommended in steps of a tenth of a core and of a tenth of a GB.
const STEP: f64 = 10.0;

/// Part of the memory that is left free, since a measurement does not see every request.
const MARGIN: f64 = 0.25;

const GB: f64 = (1_u64 << 30) as f64;

impl Measured {
    /// The time within which a part of the requests was answered, in milliseconds.
    pub fn percentile(&self, part: f64) -> f64 {
        let last = self.latencies.len().saturating_sub(1);
        let index = ((last as f64) * part).round() as usize;
        self.latencies.get(index).map_or(0.0, |latency| latency.as_secs_f64() * 1e3)
    }

    /// The mean time of a request, in milliseconds.
    pub fn mean(&self) -> f64 {
        let sum: Duration = self.latencies.iter().sum();
        sum.as_secs_f64() * 1e3 / self.latencies.len().max(1) as f64
    }

    /// Requests per second.
    pub fn throughput(&self) -> f64 {
        self.latencies.len() as f64 / self.elapsed.as_secs_f64()
    }

    /// Cores that it used on average.
    pub fn cores(&self) -> f64 {
        self.cpu_time.as_secs_f64() / self.elapsed.as_secs_f64()
    }

    /// Peak memory in GB.
    pub fn memory_in_gb(&self) -> f64 {
        self.peak_memory as f64 / GB
    }

    /// Cores with which no request is slower than it was: those that were used, rounded up.
    pub fn recommended_cpu(&self) -> f64 {
        (self.cores() * STEP).ceil().max(1.0) / STEP
    }

    /// Memory in GB with which the service does not run out: the most that was used and a quarter more, rounded up.
    pub fn recommended_memory_in_gb(&self) -> f64 {
        (self.memory_in_gb() * (1.0 + MARGIN) * STEP).ceil().max(1.0) / STEP
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[allow(clippy::float_cmp, reason = "steps of a tenth")]
    fn what_was_used_is_recommended_with_a_margin() {
        let measured = Measured {
            elapsed: Duration::from_secs(10),
            latencies: (1..=100).map(Duration::from_millis).collect(),
            cpu_time: Duration::from_millis(4_100),
            peak_memory: 500 << 20,
        };
        assert_eq!(measured.recommended_cpu(), 0.5);
        assert_eq!(measured.recommended_memory_in_gb(), 0.7);
        assert_eq!((measured.percentile(0.5), measured.percentile(0.99)), (51.0, 99.0));
        assert_eq!((measured.mean(), measured.throughput()), (50.5, 10.0));
        let idle = Measured { cpu_time: Duration::ZERO, peak_memory: 0, ..measured };
        assert_eq!((idle.recommended_cpu(), idle.recommended_memory_in_gb()), (0.1, 0.1));
    }
}
