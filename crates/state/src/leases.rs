//! Leases in memory: enough for every store that one process uses alone.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use crate::{Fence, Table};

/// Who may work on what.
#[derive(Debug, Default)]
pub(crate) struct Leases {
    held: HashMap<(Table, Box<str>), Lease>,
    /// How many to have before those that ran out are looked for again.
    patience: usize,
}

#[derive(Debug)]
struct Lease {
    holder: u128,
    fence: Fence,
    until: Instant,
}

impl Leases {
    /// Takes or renews one; `next` gives the number of a new fence.
    pub(crate) fn take(
        &mut self,
        table: Table,
        key: &str,
        holder: u128,
        time: Duration,
        next: impl FnOnce() -> u64,
    ) -> Option<Fence> {
        if self.held.len() >= self.patience {
            self.sweep();
            self.patience = (self.held.len() * 2).max(1_024);
        }
        let now = Instant::now();
        // A time beyond the clock's end is as good as its longest.
        let until = now
            .checked_add(time)
            .unwrap_or(now + Duration::from_secs(86_400 * 365));
        let place = (table, Box::from(key));
        match self.held.get_mut(&place) {
            Some(lease) if lease.until > now && lease.holder != holder => None,
            Some(lease) if lease.until > now => {
                lease.until = until;
                Some(lease.fence)
            }
            _ => {
                let fence = Fence(next());
                let lease = Lease {
                    holder,
                    fence,
                    until,
                };
                self.held.insert(place, lease);
                Some(fence)
            }
        }
    }

    /// Whether work under this fence still counts.
    pub(crate) fn is_current(&self, table: Table, key: &str, fence: Fence) -> bool {
        self.held
            .get(&(table, Box::from(key)))
            .is_some_and(|lease| lease.fence == fence && lease.until > Instant::now())
    }

    /// Ends one, if it is this.
    pub(crate) fn release(&mut self, table: Table, key: &str, fence: Fence) {
        let place = (table, Box::from(key));
        if self.held.get(&place).is_some_and(|it| it.fence == fence) {
            self.held.remove(&place);
        }
    }

    /// Forgets those that ran out.
    pub(crate) fn sweep(&mut self) {
        let now = Instant::now();
        self.held.retain(|_, lease| lease.until > now);
    }

    /// How many are remembered.
    pub(crate) fn len(&self) -> usize {
        self.held.len()
    }
}
