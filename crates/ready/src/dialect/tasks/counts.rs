//! How many tasks there are in all sessions together.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The tasks of all sessions.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(super) running: Arc<Count>,
    pub(super) kept: Arc<Count>,
}

/// A number with a limit.
#[derive(Debug, Default)]
pub(super) struct Count(AtomicUsize);

impl Count {
    /// Takes a place, unless there are `most` already.
    pub(super) fn take(self: &Arc<Self>, most: usize) -> Option<Place> {
        let one_more = |count: usize| (count < most).then_some(count + 1);
        let taken = self
            .0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more);
        taken.ok().map(|_| Place(Arc::clone(self)))
    }
}

/// A place that is given back when dropped.
#[derive(Debug)]
pub(super) struct Place(Arc<Count>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_come_back() {
        let count = Arc::new(Count::default());
        let first = count.take(1);
        assert!(first.is_some() && count.take(1).is_none());
        drop(first);
        assert!(count.take(1).is_some());
    }
}
