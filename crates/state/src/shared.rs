//! A store behind an [`Arc`] is the same store.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;

use crate::{Entry, Expected, Fence, Pending, Put, Record, Scope, State, Table};

impl<S: State + ?Sized> State for Arc<S> {
    fn is_durable(&self) -> bool {
        (**self).is_durable()
    }

    fn get<'a>(
        &'a self,
        table: Table,
        scope: Scope<'a>,
        key: &'a str,
    ) -> Pending<'a, Option<Record>> {
        (**self).get(table, scope, key)
    }

    fn put<'a>(
        &'a self,
        table: Table,
        key: &'a str,
        expected: Expected,
        entry: Entry<'a>,
    ) -> Pending<'a, Put> {
        (**self).put(table, key, expected, entry)
    }

    fn delete<'a>(&'a self, table: Table, scope: Scope<'a>, key: &'a str) -> Pending<'a, bool> {
        (**self).delete(table, scope, key)
    }

    fn list<'a>(
        &'a self,
        table: Table,
        scope: Scope<'a>,
        after: u64,
        limit: usize,
    ) -> Pending<'a, Vec<(String, Record)>> {
        (**self).list(table, scope, after, limit)
    }

    fn count<'a>(&'a self, table: Table, scope: Scope<'a>) -> Pending<'a, usize> {
        (**self).count(table, scope)
    }

    fn lease<'a>(
        &'a self,
        table: Table,
        key: &'a str,
        holder: u128,
        time: Duration,
    ) -> Pending<'a, Option<Fence>> {
        (**self).lease(table, key, holder, time)
    }

    fn release<'a>(&'a self, table: Table, key: &'a str, fence: Fence) -> Pending<'a, ()> {
        (**self).release(table, key, fence)
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
        (**self).append(log, owner, number, event, keep, expires)
    }

    fn events<'a>(
        &'a self,
        log: &'a str,
        scope: Scope<'a>,
        after: u64,
        limit: usize,
    ) -> Pending<'a, Vec<(u64, Bytes)>> {
        (**self).events(log, scope, after, limit)
    }

    fn forget<'a>(&'a self, logs: &'a str) -> Pending<'a, ()> {
        (**self).forget(logs)
    }

    fn sweep(&self) -> Pending<'_, usize> {
        (**self).sweep()
    }
}
