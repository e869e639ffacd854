//! The event logs of a store in memory.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::Bound;
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;

use crate::{Scope, StateError};

/// What an event takes beside its bytes, with what its queue keeps free.
const EVENT: usize = 48;
/// What a log takes beside its name, its owner and its events.
const LOG: usize = 320;

#[derive(Debug, Default)]
pub(super) struct Logs {
    /// By name, so that those that begin alike stand together.
    logs: BTreeMap<Arc<str>, Log>,
    expiries: BTreeSet<(SystemTime, Arc<str>)>,
    bytes: usize,
}

#[derive(Debug)]
struct Log {
    owner: Box<str>,
    /// The greatest number that was ever appended.
    last: u64,
    events: VecDeque<(u64, Bytes)>,
    expires: Option<SystemTime>,
}

impl Log {
    fn bytes(&self, name: &str) -> usize {
        let events = self.events.iter().map(|(_, event)| EVENT + event.len());
        LOG + name.len() + self.owner.len() + events.sum::<usize>()
    }
}

impl Logs {
    pub(super) fn len(&self) -> usize {
        self.logs.len()
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// How many logs and bytes an event would add, before any are trimmed.
    pub(super) fn cost(&self, name: &str, owner: &str, event: &[u8]) -> (usize, usize) {
        let event = EVENT + event.len();
        if self.logs.contains_key(name) {
            (0, event)
        } else {
            (1, LOG + name.len() + owner.len() + event)
        }
    }

    pub(super) fn append(
        &mut self,
        name: &str,
        owner: &str,
        number: u64,
        event: Bytes,
        keep: usize,
        expires: Option<SystemTime>,
    ) -> Result<(), StateError> {
        let name: Arc<str> = match self.logs.get_key_value(name) {
            Some((name, log)) if *log.owner == *owner && log.last < number => Arc::clone(name),
            Some((_, log)) => return Err(refusal(log.last, *log.owner == *owner, number)),
            None => Arc::from(name),
        };
        let log = self.logs.entry(Arc::clone(&name)).or_insert_with(|| {
            self.bytes += LOG + name.len() + owner.len();
            Log {
                owner: Box::from(owner),
                last: 0,
                events: VecDeque::new(),
                expires: None,
            }
        });
        log.last = number;
        self.bytes += EVENT + event.len();
        log.events.push_back((number, event));
        while log.events.len() > keep {
            if let Some((_, event)) = log.events.pop_front() {
                self.bytes -= EVENT + event.len();
            }
        }
        if log.expires != expires {
            if let Some(at) = log.expires {
                self.expiries.remove(&(at, Arc::clone(&name)));
            }
            log.expires = expires;
            if let Some(at) = expires {
                self.expiries.insert((at, name));
            }
        }
        Ok(())
    }

    pub(super) fn events(
        &self,
        name: &str,
        scope: Scope<'_>,
        after: u64,
        limit: usize,
    ) -> Vec<(u64, Bytes)> {
        let Some(log) = self.logs.get(name).filter(|log| scope.covers(&log.owner)) else {
            return Vec::new();
        };
        let first = log.events.partition_point(|(number, _)| *number <= after);
        log.events.range(first..).take(limit).cloned().collect()
    }

    pub(super) fn forget(&mut self, prefix: &str) {
        let from = (Bound::Included(prefix), Bound::Unbounded);
        let names: Vec<_> = self
            .logs
            .range::<str, _>(from)
            .map(|(name, _)| name)
            .take_while(|name| name.starts_with(prefix))
            .cloned()
            .collect();
        for name in names {
            self.remove(&name);
        }
    }

    fn remove(&mut self, name: &Arc<str>) -> bool {
        let Some(log) = self.logs.remove(name) else {
            return false;
        };
        self.bytes -= log.bytes(name);
        if let Some(at) = log.expires {
            self.expiries.remove(&(at, Arc::clone(name)));
        }
        true
    }

    /// Removes the logs that have expired, and says how many that were.
    pub(super) fn expire(&mut self, now: SystemTime) -> usize {
        let mut expired = 0;
        while let Some((at, _)) = self.expiries.first() {
            if *at > now {
                break;
            }
            if let Some((_, name)) = self.expiries.pop_first() {
                expired += usize::from(self.remove(&name));
            }
        }
        expired
    }
}

/// Why an event was not appended.
fn refusal(last: u64, own: bool, number: u64) -> StateError {
    if own {
        StateError::refused(format_args!(
            "event {number} cannot follow event {last} of the same log"
        ))
    } else {
        StateError::refused("the log belongs to somebody else")
    }
}
