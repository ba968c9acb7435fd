//! How many requests are under way at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

#[derive(Default)]
pub(super) struct Busy {
    now: AtomicUsize,
    most: AtomicUsize,
}

/// One request, until it is dropped.
pub(super) struct Under(Arc<Busy>);

impl Busy {
    pub(super) fn enter(self: &Arc<Self>) -> Under {
        let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
        Under(self.clone())
    }

    pub(super) fn most(&self) -> usize {
        self.most.load(Ordering::SeqCst)
    }
}

impl Drop for Under {
    fn drop(&mut self) {
        self.0.now.fetch_sub(1, Ordering::SeqCst);
    }
}
