//! A store that does not work, and one that cannot be had.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use wharf::store::{
    self, Entry, Expected, Fence, Memory, Pending, Put, Record, Scope, State, StateError, Table,
};

use crate::process::{Home, server};
use crate::wire::legacy::initialize;
use crate::wire::{Legacy, Post, json, serve, text};

/// A store that says that it is durable, and works as long as it is told to.
#[derive(Debug, Clone, Default)]
struct Shaky {
    inner: Arc<Memory>,
    down: Arc<AtomicBool>,
}

impl Shaky {
    fn go<'a, T: Send + 'a>(&self, answer: Pending<'a, T>) -> Pending<'a, T> {
        if self.down.load(Ordering::SeqCst) {
            let secret = StateError::unavailable("the disk /dev/secret is on fire");
            return Box::pin(std::future::ready(Err(secret)));
        }
        answer
    }
}

impl State for Shaky {
    fn is_durable(&self) -> bool {
        true
    }

    fn get<'a>(
        &'a self,
        table: Table,
        scope: Scope<'a>,
        key: &'a str,
    ) -> Pending<'a, Option<Record>> {
        self.go(self.inner.get(table, scope, key))
    }

    fn put<'a>(
        &'a self,
        table: Table,
        key: &'a str,
        expected: Expected,
        entry: Entry<'a>,
    ) -> Pending<'a, Put> {
        self.go(self.inner.put(table, key, expected, entry))
    }

    fn delete<'a>(&'a self, table: Table, scope: Scope<'a>, key: &'a str) -> Pending<'a, bool> {
        self.go(self.inner.delete(table, scope, key))
    }

    fn list<'a>(
        &'a self,
        table: Table,
        scope: Scope<'a>,
        after: u64,
        limit: usize,
    ) -> Pending<'a, Vec<(String, Record)>> {
        self.go(self.inner.list(table, scope, after, limit))
    }

    fn count<'a>(&'a self, table: Table, scope: Scope<'a>) -> Pending<'a, usize> {
        self.go(self.inner.count(table, scope))
    }

    fn lease<'a>(
        &'a self,
        table: Table,
        key: &'a str,
        holder: u128,
        time: Duration,
    ) -> Pending<'a, Option<Fence>> {
        self.go(self.inner.lease(table, key, holder, time))
    }

    fn release<'a>(&'a self, table: Table, key: &'a str, fence: Fence) -> Pending<'a, ()> {
        self.go(self.inner.release(table, key, fence))
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
        self.go(self.inner.append(log, owner, number, event, keep, expires))
    }

    fn events<'a>(
        &'a self,
        log: &'a str,
        scope: Scope<'a>,
        after: u64,
        limit: usize,
    ) -> Pending<'a, Vec<(u64, Bytes)>> {
        self.go(self.inner.events(log, scope, after, limit))
    }

    fn forget<'a>(&'a self, logs: &'a str) -> Pending<'a, ()> {
        self.go(self.inner.forget(logs))
    }

    fn sweep(&self) -> Pending<'_, usize> {
        self.go(self.inner.sweep())
    }
}

#[tokio::test]
async fn a_store_that_fails_is_503_and_never_a_silent_fallback() {
    let store = Shaky::default();
    let served = serve(server().store(store.clone())).await;
    let known = Legacy::open(&served).await;
    let elsewhere = serve(server().store(store.clone())).await;

    store.down.store(true, Ordering::SeqCst);
    let opening = Post::new(initialize("2025-11-25", json!({})).to_string());
    let stranger = known.at(&elsewhere);
    let refusals = [
        served.ask(&opening).await,
        stranger.ask("ping", json!({})).await,
        known.delete().await,
        served.ask(&known.get(None)).await,
        served
            .ask(&known.tool(1, "climb", json!({"count": 1, "ends": false})))
            .await,
    ];
    for answer in refusals {
        assert_eq!(answer.error(), (503, -32603));
        assert!(!answer.text().contains("secret"), "{}", answer.text());
        assert!(answer.header("mcp-session-id").is_none());
    }
    // What needs no store goes on.
    let sum = known.call("add", json!({"a": 1, "b": 2})).await;
    assert_eq!(text(&sum.result()), "3");

    store.down.store(false, Ordering::SeqCst);
    assert_eq!(served.ask(&opening).await.status, 200);
    assert_eq!(stranger.ask("ping", json!({})).await.status, 200);
    assert_eq!(known.delete().await.status, 204);
    assert_eq!(known.ask("ping", json!({})).await.status, 404);
}

#[tokio::test]
async fn events_wait_for_a_store_that_fails_for_a_while() {
    let store = Shaky::default();
    let served = serve(server().store(store.clone())).await;
    let client = Legacy::open(&served).await;
    let mut notices = client.listen().await;
    notices.event().await.unwrap();
    let note = json!({"uri": "note:///a"});
    client.ask("resources/subscribe", note).await.result();
    store.down.store(true, Ordering::SeqCst);
    client.call("touch", json!({})).await.result();
    let early = tokio::time::timeout(Duration::from_millis(200), notices.event()).await;
    assert!(early.is_err(), "an event that is not kept was sent");
    store.down.store(false, Ordering::SeqCst);
    let notice = notices.event().await.unwrap().json().unwrap();
    assert_eq!(notice["method"], "notifications/resources/updated");
}

#[tokio::test]
async fn two_servers_cannot_have_one_file() {
    let home = Home::new();
    let process = home.start(false);
    let error = store::open(&home.url()).await.unwrap_err();
    assert!(error.to_string().contains("in use"), "{error}");
    process.kill();
    store::open(&home.url()).await.unwrap();
}

#[tokio::test]
async fn with_a_store_in_memory_nothing_of_a_session_is_written() {
    let store = Arc::new(Memory::new());
    let served = serve(server().store(Arc::clone(&store))).await;
    let client = Legacy::open(&served).await;
    client
        .ask("logging/setLevel", json!({"level": "error"}))
        .await
        .result();
    let post = client.tool(1, "climb", json!({"count": 2, "ends": true}));
    served.stream(&post).await.rest().await;
    let sessions = store.count(Table("sessions"), Scope::All).await.unwrap();
    assert_eq!(sessions, 0);
    store.forget("").await.unwrap();
}
