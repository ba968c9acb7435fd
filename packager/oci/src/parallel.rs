//! Work on several threads, as many as the system gives.

use std::panic::resume_unwind;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, Builder};

/// Calls `work` with each number below `count` on up to `threads` threads, and returns the results in order. Where the
/// system refuses a thread, those that there are do the work; the caller's is one of them.
///
/// # Errors
/// The error of the lowest number that failed. After an error no further number is begun.
///
/// # Panics
/// If `work` does.
pub fn in_parallel<T: Send, E: Send>(
    count: usize,
    threads: usize,
    work: impl Fn(usize) -> Result<T, E> + Sync,
) -> Result<Vec<T>, E> {
    let next = AtomicUsize::new(0);
    let done: Vec<Mutex<Option<Result<T, E>>>> = (0..count).map(|_| Mutex::new(None)).collect();
    let take = || {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let Some(slot) = done.get(number) else { break };
            let result = work(number);
            if result.is_err() {
                next.store(count, Ordering::Relaxed);
            }
            if let Ok(mut slot) = slot.lock() {
                *slot = Some(result);
            }
        }
    };
    thread::scope(|scope| {
        let others: Vec<_> = (1..threads.min(count))
            .map_while(|_| Builder::new().spawn_scoped(scope, take).ok())
            .collect();
        take();
        for other in others {
            other.join().unwrap_or_else(|panic| resume_unwind(panic));
        }
    });
    // Numbers are taken in order, so one that was never begun has a failed one before it.
    done.into_iter().map_while(|slot| slot.into_inner().ok().flatten()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_in_order_and_the_first_error_ends_the_work() {
        let squares = in_parallel(100, 4, |number| Ok::<_, usize>(number * number));
        assert_eq!(squares, Ok((0..100).map(|number| number * number).collect()));
        assert_eq!(in_parallel(0, 4, |_| Ok::<(), ()>(())), Ok(Vec::new()));
        let tried = AtomicUsize::new(0);
        let failed = in_parallel(1_000_000, 4, |number| {
            tried.fetch_add(1, Ordering::Relaxed);
            if number < 10 { Ok(number) } else { Err(number) }
        });
        assert_eq!(failed, Err(10));
        assert!(tried.into_inner() < 1_000_000);
    }

    #[test]
    #[should_panic(expected = "as the work does")]
    fn a_panic_is_not_lost() {
        let _ = in_parallel(8, 4, |number| {
            assert_ne!(number, 5, "as the work does");
            Ok::<_, ()>(number)
        });
    }
}
