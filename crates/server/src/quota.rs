//! Places that are limited in all and for each principal.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::principal::Principal;

/// How many places are taken. Whoever takes one gives it back.
///
/// Callers that nobody authenticated are not counted as one principal: they have only the limit
/// for all.
#[derive(Debug, Default)]
pub(crate) struct Quota {
    taken: AtomicUsize,
    by_principal: Mutex<HashMap<Arc<Principal>, usize>>,
}

impl Quota {
    fn lock(&self) -> MutexGuard<'_, HashMap<Arc<Principal>, usize>> {
        self.by_principal
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a place if there are fewer than `in_all`, and fewer than `each` of this principal's.
    #[must_use = "without a place nothing may be opened"]
    pub(crate) fn take(
        &self,
        principal: Option<&Arc<Principal>>,
        in_all: usize,
        each: usize,
    ) -> bool {
        let grow = |count: usize| (count < in_all).then_some(count + 1);
        let taken = &self.taken;
        if taken
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, grow)
            .is_err()
        {
            return false;
        }
        let Some(principal) = principal else {
            return true;
        };
        let mut counts = self.lock();
        let count = counts.get(principal).copied().unwrap_or_default();
        if count >= each {
            taken.fetch_sub(1, Ordering::AcqRel);
            return false;
        }
        counts.insert(Arc::clone(principal), count + 1);
        true
    }

    /// Gives a place back.
    pub(crate) fn give_back(&self, principal: Option<&Arc<Principal>>) {
        self.taken.fetch_sub(1, Ordering::AcqRel);
        let Some(principal) = principal else {
            return;
        };
        if let Entry::Occupied(mut count) = self.lock().entry(Arc::clone(principal)) {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
    }

    /// How many places are taken.
    pub(crate) fn taken(&self) -> usize {
        self.taken.load(Ordering::Acquire)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_limited_in_all_and_for_each() {
        let quota = Quota::default();
        let ada = Arc::new(Principal {
            issuer: "i".into(),
            subject: "ada".into(),
            client: None,
        });
        let take = |principal| quota.take(principal, 3, 1);
        assert!(take(Some(&ada)));
        assert!(!take(Some(&ada)), "one each");
        assert!(take(None) && take(None), "nobody is no principal");
        assert!(!take(None), "three in all");
        quota.give_back(Some(&ada));
        assert!(quota.lock().is_empty(), "who has nothing is not remembered");
        assert!(take(Some(&ada)));
        assert_eq!(quota.taken(), 3);
    }

    #[test]
    fn a_place_that_was_refused_is_not_taken() {
        let quota = Quota::default();
        assert!(!quota.take(None, 0, 1));
        let ada = Arc::new(Principal {
            issuer: "i".into(),
            subject: "ada".into(),
            client: None,
        });
        assert!(!quota.take(Some(&ada), 1, 0));
        assert_eq!(quota.taken(), 0);
        assert!(quota.lock().is_empty());
    }
}
