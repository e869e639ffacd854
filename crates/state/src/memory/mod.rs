//! [`Memory`]: the store of one process.

mod logs;
mod rows;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use bytes::Bytes;

use crate::leases::Leases;
use crate::{Entry, Expected, Fence, Pending, Put, Record, Scope, State, StateError, Table};
use logs::Logs;
use rows::Rows;

/// A store in memory: fast, bounded, gone with the process.
///
/// Its futures are ready at the first poll. One lock guards it, held for no longer than a few
/// look-ups, and for [`list`](State::list) and [`events`](State::events) as long as the page is.
///
/// **Bounds.** At most 1,048,576 records, leases and logs together and 256 MiB, if nothing else is
/// said. A record counts with its key, its owner, its value and 400 bytes for what the store keeps
/// beside them (measured: 340, and 420 for one that expires); an event of a log with its bytes and
/// 48. What would go beyond is refused with an error for which [`StateError::is_full`] holds, and
/// what is there stays.
#[derive(Debug)]
pub struct Memory {
    records: usize,
    bytes: usize,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    rows: Rows,
    logs: Logs,
    leases: Leases,
    /// The last number given to a version, a place or a fence.
    last: u64,
}

impl Default for Memory {
    fn default() -> Self {
        Self {
            records: 1 << 20,
            bytes: 256 << 20,
            inner: Mutex::default(),
        }
    }
}

impl Memory {
    /// An empty store with the default bounds.
    pub fn new() -> Self {
        Self::default()
    }

    /// Bounds the number of records, leases and logs together.
    #[must_use]
    pub fn max_records(mut self, records: usize) -> Self {
        self.records = records;
        self
    }

    /// Bounds the memory for all of them, in bytes.
    #[must_use]
    pub fn max_bytes(mut self, bytes: usize) -> Self {
        self.bytes = bytes;
        self
    }

    /// The inside, without what has expired by this time. So nothing further in needs to look at
    /// the time of what it finds; a call pays for what expired since the last one.
    fn at(&self, now: SystemTime) -> MutexGuard<'_, Inner> {
        // Nothing in here panics between two changes that belong together.
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.rows.expire(now);
        inner.logs.expire(now);
        inner
    }

    fn now(&self) -> MutexGuard<'_, Inner> {
        self.at(SystemTime::now())
    }

    /// Whether this much more may be kept.
    fn room(&self, inner: &Inner, records: usize, bytes: usize) -> Result<(), StateError> {
        let held = inner.rows.len() + inner.logs.len() + inner.leases.len();
        if records > 0 && held.saturating_add(records) > self.records {
            return Err(StateError::full(format_args!(
                "the store in memory is full: it holds {held} records"
            )));
        }
        let held = inner.rows.bytes() + inner.logs.bytes();
        if held.saturating_add(bytes) > self.bytes {
            return Err(StateError::full(format_args!(
                "the store in memory is full: it holds {held} bytes"
            )));
        }
        Ok(())
    }

    fn put_now(
        &self,
        table: Table,
        key: &str,
        expected: Expected,
        entry: &Entry<'_>,
    ) -> Result<Put, StateError> {
        let mut inner = self.now();
        let found = inner.rows.get(table, key);
        let visible = || found.filter(|record| *record.owner == *entry.owner);
        let expected_is_there = match (expected, found) {
            (Expected::Absent, None) => true,
            (Expected::Version(version), Some(_)) => {
                visible().is_some_and(|record| record.version == version)
            }
            _ => false,
        };
        let current = entry
            .fence
            .is_none_or(|fence| inner.leases.is_current(table, key, fence));
        if !expected_is_there || !current {
            return Ok(Put::Conflict(visible().cloned()));
        }
        let before = found.map_or(0, |record| rows::cost(key, &record.owner, &record.value));
        let after = rows::cost(key, entry.owner, &entry.value);
        let records = usize::from(found.is_none());
        self.room(&inner, records, after.saturating_sub(before))?;
        inner.last += 1;
        let version = inner.last;
        inner.rows.put(table, key, version, entry);
        Ok(Put::Done(version))
    }

    fn lease_now(
        &self,
        table: Table,
        key: &str,
        holder: u128,
        time: Duration,
    ) -> Result<Option<Fence>, StateError> {
        let mut inner = self.now();
        if self.room(&inner, 1, 0).is_err() {
            inner.leases.sweep();
            self.room(&inner, 1, 0)?;
        }
        let Inner { leases, last, .. } = &mut *inner;
        Ok(leases.take(table, key, holder, time, || {
            *last += 1;
            *last
        }))
    }
}

impl State for Memory {
    fn is_durable(&self) -> bool {
        false
    }

    fn get<'a>(
        &'a self,
        table: Table,
        scope: Scope<'a>,
        key: &'a str,
    ) -> Pending<'a, Option<Record>> {
        Box::pin(async move {
            let inner = self.now();
            let found = inner.rows.get(table, key);
            Ok(found.filter(|it| scope.covers(&it.owner)).cloned())
        })
    }

    fn put<'a>(
        &'a self,
        table: Table,
        key: &'a str,
        expected: Expected,
        entry: Entry<'a>,
    ) -> Pending<'a, Put> {
        Box::pin(async move { self.put_now(table, key, expected, &entry) })
    }

    fn delete<'a>(&'a self, table: Table, scope: Scope<'a>, key: &'a str) -> Pending<'a, bool> {
        Box::pin(async move { Ok(self.now().rows.delete(table, scope, key)) })
    }

    fn list<'a>(
        &'a self,
        table: Table,
        scope: Scope<'a>,
        after: u64,
        limit: usize,
    ) -> Pending<'a, Vec<(String, Record)>> {
        Box::pin(async move { Ok(self.now().rows.list(table, scope, after, limit)) })
    }

    fn count<'a>(&'a self, table: Table, scope: Scope<'a>) -> Pending<'a, usize> {
        Box::pin(async move { Ok(self.now().rows.count(table, scope)) })
    }

    fn lease<'a>(
        &'a self,
        table: Table,
        key: &'a str,
        holder: u128,
        time: Duration,
    ) -> Pending<'a, Option<Fence>> {
        Box::pin(async move { self.lease_now(table, key, holder, time) })
    }

    fn release<'a>(&'a self, table: Table, key: &'a str, fence: Fence) -> Pending<'a, ()> {
        Box::pin(async move {
            self.now().leases.release(table, key, fence);
            Ok(())
        })
    }

    fn append<'a>(
        &'a self,
        log: &'a str,
        owner: &'a str,
        number: u64,
        event: Bytes,
        keep: usize,
        expires: Option<SystemTime>,
    ) -> Pending<'a, ()> {
        Box::pin(async move {
            let mut inner = self.now();
            let (records, bytes) = inner.logs.cost(log, owner, &event);
            self.room(&inner, records, bytes)?;
            let logs = &mut inner.logs;
            logs.append(log, owner, number, event, keep, expires)
        })
    }

    fn events<'a>(
        &'a self,
        log: &'a str,
        scope: Scope<'a>,
        after: u64,
        limit: usize,
    ) -> Pending<'a, Vec<(u64, Bytes)>> {
        Box::pin(async move { Ok(self.now().logs.events(log, scope, after, limit)) })
    }

    fn forget<'a>(&'a self, logs: &'a str) -> Pending<'a, ()> {
        Box::pin(async move {
            self.now().logs.forget(logs);
            Ok(())
        })
    }

    fn sweep(&self) -> Pending<'_, usize> {
        Box::pin(async move {
            let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
            let now = SystemTime::now();
            inner.leases.sweep();
            Ok(inner.rows.expire(now) + inner.logs.expire(now))
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn keeps_the_contract() {
        crate::contract::keep(async || Arc::new(Memory::new()) as Arc<dyn State>).await;
    }

    #[tokio::test]
    async fn is_bounded_in_records() {
        let store = Memory::new().max_records(2);
        let table = Table("t");
        for key in ["a", "b"] {
            let put = store.put(table, key, Expected::Absent, Entry::new("", "1"));
            assert!(matches!(put.await, Ok(Put::Done(_))));
        }
        let put = store.put(table, "c", Expected::Absent, Entry::new("", "1"));
        assert!(put.await.unwrap_err().is_full());
        let lease = store.lease(table, "c", 1, Duration::from_secs(9));
        assert!(lease.await.unwrap_err().is_full());
        let event = store.append("log", "", 1, Bytes::new(), 9, None);
        assert!(event.await.unwrap_err().is_full());

        // What is there can be changed all the same, and room is room again.
        let Some(record) = store.get(table, Scope::All, "a").await.unwrap() else {
            panic!()
        };
        let version = Expected::Version(record.version);
        let put = store.put(table, "a", version, Entry::new("", "2"));
        assert!(matches!(put.await, Ok(Put::Done(_))));
        assert!(store.delete(table, Scope::All, "b").await.unwrap());
        let put = store.put(table, "c", Expected::Absent, Entry::new("", "1"));
        assert!(matches!(put.await, Ok(Put::Done(_))));
    }

    #[tokio::test]
    async fn is_bounded_in_bytes() {
        let store = Memory::new().max_bytes(2_000);
        let table = Table("t");
        let entry = |bytes: usize| Entry::new("", vec![0; bytes]);
        let put = store.put(table, "a", Expected::Absent, entry(1_000));
        let Ok(Put::Done(version)) = put.await else {
            panic!()
        };
        let put = store.put(table, "b", Expected::Absent, entry(1_000));
        assert!(put.await.unwrap_err().is_full());
        let put = store.put(table, "a", Expected::Version(version), entry(3_000));
        assert!(put.await.unwrap_err().is_full());
        let event = Bytes::from(vec![0; 1_000]);
        let append = store.append("log", "", 1, event.clone(), 9, None);
        assert!(append.await.unwrap_err().is_full());

        // Every byte comes back, whichever way its record went.
        assert!(store.delete(table, Scope::All, "a").await.unwrap());
        let soon = SystemTime::now() + Duration::from_millis(20);
        let put = store.put(table, "b", Expected::Absent, entry(1_000).expires(soon));
        assert!(matches!(put.await, Ok(Put::Done(_))));
        tokio::time::sleep(Duration::from_millis(30)).await;
        let append = store.append("log", "", 1, event.clone(), 1, None);
        append.await.unwrap();
        store.forget("l").await.unwrap();
        let append = store.append("log", "", 1, event.clone(), 1, Some(SystemTime::now()));
        append.await.unwrap();
        let inner = store.now();
        assert_eq!(inner.rows.bytes() + inner.logs.bytes(), 0);
        assert_eq!(inner.rows.len() + inner.logs.len(), 0);
    }
}
