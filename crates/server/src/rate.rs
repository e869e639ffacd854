//! How many requests callers may send in a time: token buckets, one for each caller and one for
//! all together.
//!
//! A bucket is one number: when it would be full again, if nobody took anything more (the generic
//! cell rate algorithm). A full bucket is like one that was never used, so it can be forgotten:
//! that bounds the table, which the crates for this leave to their users.

use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::json;
use wharf_protocol::error::{ErrorCode, ErrorObject};

use crate::core::Core;
use crate::observe::Refused;
use crate::principal::Principal;

/// How many requests callers may send over HTTP and WebSocket. Beyond it: HTTP 429 with
/// `Retry-After`, over WebSocket error `-32603`, with `retryAfter` in its `data`; in seconds both.
///
/// Each request of HTTP counts, whatever it is for, and of a batch each request in it besides; over
/// WebSocket each request. An attempt with a wrong token counts for the address that it comes from. A caller is
/// a [`Principal`], or, where nobody authenticates callers, the address that the request comes
/// from: of IPv6 the network of 64 bits. At most 65,536 callers are told apart at the same time;
/// while there are more, those who come last share what one may send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// Requests of one caller in a second, in the long run; 0 is taken as 1.
    pub per_second: u32,
    /// Requests of one caller at once, after a pause; 0 is taken as 1.
    pub burst: u32,
    /// Requests of all callers together in a second, and as many at once. `None`: no limit.
    pub in_all_per_second: Option<u32>,
}

impl Default for RateLimit {
    /// 100 a second and 500 at once for each, 10,000 a second for all together.
    fn default() -> Self {
        Self {
            per_second: 100,
            burst: 500,
            in_all_per_second: Some(10_000),
        }
    }
}

/// Parts of the table, so that callers seldom wait for one another.
const SHARDS: usize = 16;
/// Callers in one part.
const CALLERS: usize = 4096;
/// How long a part that was full is not swept again.
const SWEEP: u64 = 100_000_000;

/// Who a request is counted for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Key {
    Principal(Arc<Principal>),
    Peer(IpAddr),
    /// Who mounted the service does not say where requests come from.
    Nobody,
}

impl Key {
    pub(crate) fn of(principal: Option<&Arc<Principal>>, peer: Option<IpAddr>) -> Self {
        match (principal, peer) {
            (Some(principal), _) => Self::Principal(Arc::clone(principal)),
            (None, Some(IpAddr::V6(ip))) => match ip.to_ipv4_mapped() {
                Some(ip) => Self::Peer(ip.into()),
                None => {
                    // Whoever has one address of a network of 64 bits has them all.
                    let network = u128::from(ip) & !u128::from(u64::MAX);
                    Self::Peer(Ipv6Addr::from(network).into())
                }
            },
            (None, Some(ip)) => Self::Peer(ip),
            (None, None) => Self::Nobody,
        }
    }
}

/// The request came too early: how long to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooEarly(Duration);

impl TooEarly {
    /// Whole seconds, at least one.
    pub(crate) fn seconds(self) -> u64 {
        self.0.as_millis().div_ceil(1000).max(1) as u64
    }

    pub(crate) fn error(self) -> ErrorObject {
        let seconds = self.seconds();
        let message = format!("too many requests: try again in {seconds} s");
        ErrorObject::new(ErrorCode::INTERNAL_ERROR, message)
            .with_data(json!({"retryAfter": seconds}))
    }
}

/// How a bucket fills, in nanoseconds.
#[derive(Clone, Copy, Debug)]
struct Pace {
    /// Between two requests.
    interval: u64,
    /// How far a bucket may be from full before a request is taken.
    slack: u64,
}

impl Pace {
    fn new(per_second: u32, burst: u32) -> Self {
        let interval = 1_000_000_000 / u64::from(per_second.max(1));
        Self {
            interval,
            slack: interval * u64::from(burst.max(1) - 1),
        }
    }

    /// Takes one from a bucket.
    fn take(self, full_at: &mut u64, now: u64) -> Result<(), TooEarly> {
        let from = now.max(*full_at);
        let ahead = from - now;
        if ahead > self.slack {
            return Err(TooEarly(Duration::from_nanos(ahead - self.slack)));
        }
        *full_at = from + self.interval;
        Ok(())
    }
}

#[derive(Debug, Default)]
struct Shard {
    callers: HashMap<Key, u64>,
    /// The bucket of those for whom there is no place.
    others: u64,
    swept: u64,
}

/// The buckets of a server.
pub(crate) struct Rates {
    each: Pace,
    all: Option<(Pace, Mutex<u64>)>,
    shards: [Mutex<Shard>; SHARDS],
    hasher: RandomState,
    started: Instant,
}

impl fmt::Debug for Rates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rates")
            .field("each", &self.each)
            .finish_non_exhaustive()
    }
}

impl Rates {
    pub(crate) fn new(limit: RateLimit) -> Self {
        let all = limit.in_all_per_second;
        Self {
            each: Pace::new(limit.per_second, limit.burst),
            all: all.map(|rate| (Pace::new(rate, rate), Mutex::new(0))),
            shards: Default::default(),
            hasher: RandomState::new(),
            started: Instant::now(),
        }
    }

    /// Counts a request, if it may go on.
    pub(crate) fn take(&self, key: &Key) -> Result<(), TooEarly> {
        let now = u64::try_from(self.started.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.take_at(key, now)
    }

    fn take_at(&self, key: &Key, now: u64) -> Result<(), TooEarly> {
        // One's own first: who is refused takes nothing from the others.
        self.take_own(key, now)?;
        if let Some((pace, bucket)) = &self.all {
            let mut bucket = bucket.lock().unwrap_or_else(PoisonError::into_inner);
            return pace.take(&mut bucket, now);
        }
        Ok(())
    }

    fn take_own(&self, key: &Key, now: u64) -> Result<(), TooEarly> {
        let place = self.hasher.hash_one(key) as usize % SHARDS;
        let mut shard = self.shards[place]
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(bucket) = shard.callers.get_mut(key) {
            return self.each.take(bucket, now);
        }
        if shard.callers.len() >= CALLERS && now.saturating_sub(shard.swept) >= SWEEP {
            shard.swept = now;
            shard.callers.retain(|_, full_at| *full_at > now);
        }
        if shard.callers.len() >= CALLERS {
            return self.each.take(&mut shard.others, now);
        }
        let mut bucket = 0;
        let taken = self.each.take(&mut bucket, now);
        shard.callers.insert(key.clone(), bucket);
        taken
    }
}

/// Counts the messages of one connection.
#[derive(Clone, Debug)]
pub(crate) struct Gate {
    pub(crate) rates: Arc<Rates>,
    pub(crate) key: Key,
}

impl Gate {
    /// Counts a request within a connection; observers hear of one too many.
    pub(crate) fn pass(&self, core: &Core) -> Result<(), TooEarly> {
        let passed = self.rates.take(&self.key);
        if passed.is_err() {
            core.observers.refused(Refused::Rate, None);
        }
        passed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn peer(number: u32) -> Key {
        Key::Peer(IpAddr::from(number.to_be_bytes()))
    }

    fn rates(per_second: u32, burst: u32, in_all: Option<u32>) -> Rates {
        Rates::new(RateLimit {
            per_second,
            burst,
            in_all_per_second: in_all,
        })
    }

    #[test]
    fn a_burst_and_then_one_after_the_other() {
        let rates = rates(10, 5, None);
        for _ in 0..5 {
            rates.take_at(&peer(1), 0).unwrap();
        }
        let early = rates.take_at(&peer(1), 0).unwrap_err();
        assert_eq!(early, TooEarly(Duration::from_millis(100)));
        assert_eq!(early.seconds(), 1);
        rates.take_at(&peer(2), 0).unwrap();
        rates.take_at(&peer(1), SECOND / 10).unwrap();
        rates.take_at(&peer(1), SECOND / 10).unwrap_err();
        for _ in 0..5 {
            rates.take_at(&peer(1), 10 * SECOND).unwrap();
        }
        rates.take_at(&peer(1), 10 * SECOND).unwrap_err();
    }

    #[test]
    fn all_together_have_a_limit_that_nobody_uses_up_alone() {
        let rates = rates(1, 2, Some(3));
        rates.take_at(&peer(1), 0).unwrap();
        rates.take_at(&peer(1), 0).unwrap();
        for _ in 0..100 {
            rates.take_at(&peer(1), 0).unwrap_err();
        }
        rates.take_at(&peer(2), 0).unwrap();
        rates.take_at(&peer(3), 0).unwrap_err();
    }

    #[test]
    fn the_table_is_bounded_and_those_in_it_keep_their_places() {
        let rates = rates(1, 2, None);
        rates.take_at(&peer(u32::MAX), 0).unwrap();
        for number in 0..200_000 {
            let _ = rates.take_at(&peer(number), 0);
        }
        let callers = || -> usize {
            rates
                .shards
                .iter()
                .map(|shard| shard.lock().unwrap().callers.len())
                .sum()
        };
        assert_eq!(callers(), SHARDS * CALLERS);
        // Who was there before the flood has what is theirs, and no more.
        rates.take_at(&peer(u32::MAX), 0).unwrap();
        rates.take_at(&peer(u32::MAX), 0).unwrap_err();
        // Those without a place share one bucket for each part.
        let late = (300_000..301_000).filter(|&number| rates.take_at(&peer(number), 0).is_ok());
        assert_eq!(late.count(), 0);
        // Later there is room again.
        for number in 400_000..401_000 {
            rates.take_at(&peer(number), 10 * SECOND).unwrap();
        }
        assert!(callers() <= SHARDS * CALLERS);
    }

    #[test]
    fn a_network_is_one_caller() {
        let key = |ip: &str| Key::of(None, Some(ip.parse().unwrap()));
        assert_eq!(key("2001:db8:1:2::1"), key("2001:db8:1:2:ffff::2"));
        assert_ne!(key("2001:db8:1:2::1"), key("2001:db8:1:3::1"));
        assert_eq!(key("::ffff:10.0.0.1"), key("10.0.0.1"));
    }
}
