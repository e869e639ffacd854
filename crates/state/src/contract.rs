//! What every store keeps, as tests that any of them must pass.
//!
//! ```
//! # use std::sync::Arc;
//! # use wharf_state::{Memory, State};
//! # #[tokio::main(flavor = "multi_thread", worker_threads = 2)] async fn main() {
//! wharf_state::contract::keep(async || Arc::new(Memory::new()) as Arc<dyn State>).await;
//! # }
//! ```

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;

use crate::{Entry, Expected, Put, Record, Scope, State, StateError, Table};

const TABLE: Table = Table("contract");
const OTHER: Table = Table("contract-other");
const ANN: Scope<'_> = Scope::Of("ann");
const BOB: Scope<'_> = Scope::Of("bob");

type Store = Arc<dyn State>;

/// Runs every test, each with a new and empty store. Within a tokio runtime of several threads it
/// tries more than within one of a single thread.
///
/// # Panics
///
/// If the store breaks the contract; the message says where.
pub async fn keep<M: AsyncFn() -> Store>(make: M) {
    records(make().await).await;
    compare_and_swap(make().await).await;
    writers_at_once(make().await).await;
    first_come(make().await).await;
    scopes(make().await).await;
    expiry(make().await).await;
    pages(make().await).await;
    leases(make().await).await;
    stale_fences(make().await).await;
    deleted(make().await).await;
    logs(make().await).await;
    log_owners(make().await).await;
    log_expiry(make().await).await;
    forgetting(make().await).await;
    awkward_text(make().await).await;
    never_polled(make().await).await;
}

fn ok<T>(answer: Result<T, StateError>) -> T {
    answer.unwrap_or_else(|error| panic!("the store failed: {error:?}"))
}

/// Puts what must be put, and gives the version.
async fn put(store: &Store, key: &str, expected: Expected, entry: Entry<'_>) -> u64 {
    match ok(store.put(TABLE, key, expected, entry).await) {
        Put::Done(version) => version,
        Put::Conflict(found) => panic!("{key}: conflict with {found:?}"),
    }
}

/// Puts what must not be put, and gives what is there instead.
async fn refused(store: &Store, key: &str, expected: Expected, entry: Entry<'_>) -> Option<Record> {
    match ok(store.put(TABLE, key, expected, entry).await) {
        Put::Done(_) => panic!("{key}: written against what was expected"),
        Put::Conflict(found) => found,
    }
}

async fn keys(store: &Store, scope: Scope<'_>) -> Vec<String> {
    let all = ok(store.list(TABLE, scope, 0, usize::MAX).await);
    all.into_iter().map(|(key, _)| key).collect()
}

async fn records(store: Store) {
    assert!(ok(store.get(TABLE, ANN, "a").await).is_none());
    let at = SystemTime::now() + Duration::from_secs(3_600);
    let entry = Entry::new("ann", "one").expires(at);
    let version = put(&store, "a", Expected::Absent, entry).await;
    let record = ok(store.get(TABLE, ANN, "a").await).expect("it was put");
    assert_eq!(record.value, "one");
    assert_eq!(record.version, version);
    assert_eq!(&*record.owner, "ann");
    assert!(record.seq > 0);
    let kept = record.expires.expect("it expires");
    let off = kept.duration_since(at).or_else(|_| at.duration_since(kept));
    assert!(off.is_ok_and(|off| off < Duration::from_millis(2)));
    assert!(
        ok(store.get(OTHER, ANN, "a").await).is_none(),
        "tables are apart"
    );
    assert_eq!(ok(store.count(OTHER, Scope::All).await), 0);
    assert_eq!(ok(store.count(TABLE, ANN).await), 1);

    let empty = put(&store, "", Expected::Absent, Entry::new("", "")).await;
    let record = ok(store.get(TABLE, Scope::Of(""), "").await).expect("it was put");
    assert_eq!((record.version, record.value.len()), (empty, 0));
    assert!(ok(store.delete(TABLE, Scope::Of(""), "").await));
    assert!(!ok(store.delete(TABLE, Scope::Of(""), "").await));
}

async fn compare_and_swap(store: Store) {
    let nothing = refused(&store, "a", Expected::Version(1), Entry::new("ann", "x")).await;
    assert!(nothing.is_none());
    let first = put(&store, "a", Expected::Absent, Entry::new("ann", "one")).await;
    let seq = ok(store.get(TABLE, ANN, "a").await).map(|record| record.seq);
    let found = refused(&store, "a", Expected::Absent, Entry::new("ann", "x")).await;
    assert_eq!(found.map(|it| it.version), Some(first));
    let second = put(
        &store,
        "a",
        Expected::Version(first),
        Entry::new("ann", "two"),
    )
    .await;
    assert!(second > first, "versions grow");
    let found = refused(
        &store,
        "a",
        Expected::Version(first),
        Entry::new("ann", "x"),
    )
    .await;
    assert_eq!(found.map(|it| it.value), Some(Bytes::from("two")));
    let record = ok(store.get(TABLE, ANN, "a").await).expect("it is there");
    assert_eq!((record.version, &record.value[..]), (second, &b"two"[..]));
    assert_eq!(Some(record.seq), seq, "its place stays");
    assert_eq!(record.expires, None);
}

/// Every one of many writers adds to one number; nothing is lost.
async fn writers_at_once(store: Store) {
    const WRITERS: u64 = 8;
    const TURNS: u64 = 25;
    put(&store, "sum", Expected::Absent, Entry::new("ann", "0")).await;
    let writers = (0..WRITERS).map(|_| {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            let mut seen = ok(store.get(TABLE, ANN, "sum").await).expect("it is there");
            let mut turns = 0;
            while turns < TURNS {
                let sum: u64 = String::from_utf8_lossy(&seen.value)
                    .parse()
                    .expect("a number");
                let entry = Entry::new("ann", (sum + 1).to_string());
                let version = Expected::Version(seen.version);
                if let Put::Done(_) = ok(store.put(TABLE, "sum", version, entry).await) {
                    turns += 1;
                }
                tokio::task::yield_now().await;
                seen = ok(store.get(TABLE, ANN, "sum").await).expect("it is there");
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.expect("a writer ended well");
    }
    let sum = ok(store.get(TABLE, ANN, "sum").await).expect("it is there");
    assert_eq!(sum.value, (WRITERS * TURNS).to_string());
}

/// Of many who put one key that is absent, or has expired, one wins.
async fn first_come(store: Store) {
    for turn in 0..10 {
        if turn % 2 == 1 {
            let past = SystemTime::now() - Duration::from_secs(1);
            let gone = Entry::new("ann", "gone").expires(past);
            put(&store, &format!("race {turn}"), Expected::Absent, gone).await;
        }
        let racers = (0..8).map(|racer| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                let key = format!("race {turn}");
                let entry = Entry::new("ann", format!("{racer}"));
                match ok(store.put(TABLE, &key, Expected::Absent, entry).await) {
                    Put::Done(_) => 1,
                    Put::Conflict(_) => 0,
                }
            })
        });
        let mut winners = 0;
        for racer in racers.collect::<Vec<_>>() {
            winners += racer.await.expect("a racer ended well");
        }
        assert_eq!(winners, 1, "turn {turn}");
    }
}

async fn scopes(store: Store) {
    let anns = put(&store, "a", Expected::Absent, Entry::new("ann", "secret")).await;
    put(&store, "b", Expected::Absent, Entry::new("bob", "his")).await;
    put(&store, "n", Expected::Absent, Entry::new("", "nobody's")).await;

    assert!(ok(store.get(TABLE, BOB, "a").await).is_none());
    assert!(ok(store.get(TABLE, Scope::Of(""), "a").await).is_none());
    assert!(ok(store.get(TABLE, Scope::All, "a").await).is_some());
    assert!(!ok(store.delete(TABLE, BOB, "a").await));
    assert_eq!(keys(&store, ANN).await, ["a"]);
    assert_eq!(keys(&store, BOB).await, ["b"]);
    assert_eq!(keys(&store, Scope::Of("")).await, ["n"]);
    assert_eq!(keys(&store, Scope::All).await, ["a", "b", "n"]);
    assert_eq!(ok(store.count(TABLE, BOB).await), 1);
    assert_eq!(ok(store.count(TABLE, Scope::Of("eve")).await), 0);
    assert_eq!(ok(store.count(TABLE, Scope::All).await), 3);

    // Neither can the key be taken from its owner, nor is it shown what is there.
    for expected in [Expected::Absent, Expected::Version(anns)] {
        let found = refused(&store, "a", expected, Entry::new("bob", "mine")).await;
        assert!(found.is_none());
    }
    let record = ok(store.get(TABLE, ANN, "a").await).expect("it stayed");
    assert_eq!((record.version, &record.value[..]), (anns, &b"secret"[..]));
}

async fn expiry(store: Store) {
    let soon = SystemTime::now() + Duration::from_millis(800);
    let mut versions = Vec::new();
    for key in ["a", "b", "c", "kept"] {
        let entry = Entry::new("ann", key).expires(soon);
        versions.push(put(&store, key, Expected::Absent, entry).await);
    }
    // A later write says anew when it expires.
    put(
        &store,
        "kept",
        Expected::Version(versions[3]),
        Entry::new("ann", "kept"),
    )
    .await;
    assert_eq!(ok(store.count(TABLE, ANN).await), 4);
    let left = soon.duration_since(SystemTime::now()).unwrap_or_default();
    tokio::time::sleep(left + Duration::from_millis(10)).await;

    assert!(ok(store.get(TABLE, Scope::All, "a").await).is_none());
    assert_eq!(keys(&store, ANN).await, ["kept"]);
    assert_eq!(ok(store.count(TABLE, Scope::All).await), 1);
    assert!(!ok(store.delete(TABLE, Scope::All, "a").await));
    let old = Expected::Version(versions[1]);
    assert!(
        refused(&store, "b", old, Entry::new("ann", "x"))
            .await
            .is_none()
    );
    // The room of what expired is anybody's.
    put(&store, "c", Expected::Absent, Entry::new("bob", "mine")).await;
    assert_eq!(keys(&store, Scope::All).await, ["kept", "c"]);
    ok(store.sweep().await);
    assert_eq!(keys(&store, Scope::All).await, ["kept", "c"]);
    assert_eq!(ok(store.sweep().await), 0);
}

async fn pages(store: Store) {
    for number in 0..20 {
        let owner = if number % 2 == 0 { "ann" } else { "bob" };
        let key = format!("{:02}", 99 - number);
        put(&store, &key, Expected::Absent, Entry::new(owner, "")).await;
    }
    let (mut seen, mut after, mut turn) = (Vec::new(), 0, 0);
    loop {
        let page = ok(store.list(TABLE, ANN, after, 3).await);
        assert!(page.len() <= 3);
        let Some((_, last)) = page.last() else { break };
        assert!(last.seq > after, "pages go on");
        after = last.seq;
        seen.extend(page.into_iter().map(|(key, _)| key));
        // Some come, some go, some change while it is read.
        if turn < 3 {
            let key = format!("new {turn}");
            put(&store, &key, Expected::Absent, Entry::new("ann", "")).await;
            let first = ok(store.get(TABLE, ANN, "99").await).expect("it is there");
            let version = Expected::Version(first.version);
            put(&store, "99", version, Entry::new("ann", "again")).await;
            assert!(ok(store.delete(TABLE, ANN, &seen[turn * 3 + 1]).await));
        }
        turn += 1;
    }
    let expected = [
        "99", "97", "95", "93", "91", "89", "87", "85", "83", "81", "new 0", "new 1", "new 2",
    ];
    assert_eq!(seen, expected);
    assert!(ok(store.list(TABLE, ANN, 0, 0).await).is_empty());
    assert!(ok(store.list(TABLE, ANN, u64::MAX, 9).await).is_empty());
}

async fn leases(store: Store) {
    let long = Duration::from_secs(60);
    let short = Duration::from_millis(50);
    let first = ok(store.lease(TABLE, "job", 1, long).await).expect("it is free");
    assert_eq!(ok(store.lease(TABLE, "job", 2, long).await), None);
    assert_eq!(ok(store.lease(TABLE, "job", 1, short).await), Some(first));
    assert!(ok(store.lease(OTHER, "job", 2, long).await).is_some());
    assert!(ok(store.lease(TABLE, "other", 2, long).await).is_some());
    tokio::time::sleep(short + Duration::from_millis(20)).await;

    let second = ok(store.lease(TABLE, "job", 2, long).await).expect("it ran out");
    assert!(second > first, "fences grow");
    ok(store.release(TABLE, "job", first).await);
    assert_eq!(
        ok(store.lease(TABLE, "job", 1, long).await),
        None,
        "an old fence releases nothing"
    );
    ok(store.release(TABLE, "job", second).await);
    let third = ok(store.lease(TABLE, "job", 2, short).await).expect("it was released");
    assert!(third > second);
    tokio::time::sleep(short + Duration::from_millis(20)).await;
    let fourth = ok(store.lease(TABLE, "job", 2, long).await).expect("it ran out");
    assert!(fourth > third, "who lost a lease is told");

    let takers = (0..8).map(|holder| {
        let store = Arc::clone(&store);
        tokio::spawn(async move { ok(store.lease(TABLE, "race", 100 + holder, long).await) })
    });
    let mut holders = 0;
    for taker in takers.collect::<Vec<_>>() {
        holders += usize::from(taker.await.expect("a taker ended well").is_some());
    }
    assert_eq!(holders, 1);
}

async fn stale_fences(store: Store) {
    let long = Duration::from_secs(60);
    let short = Duration::from_millis(50);
    let old = ok(store.lease(TABLE, "job", 1, short).await).expect("it is free");
    let entry = |text: &'static str| Entry::new("ann", text);
    let first = put(&store, "job", Expected::Absent, entry("old").fence(old)).await;
    tokio::time::sleep(short + Duration::from_millis(20)).await;
    let expected = Expected::Version(first);
    let found = refused(&store, "job", expected, entry("late").fence(old)).await;
    assert_eq!(found.map(|it| it.version), Some(first));

    let new = ok(store.lease(TABLE, "job", 2, long).await).expect("it ran out");
    refused(&store, "job", expected, entry("later").fence(old)).await;
    let second = put(&store, "job", expected, entry("new").fence(new)).await;
    // Nor is it good for another key, nor after its end.
    refused(&store, "else", Expected::Absent, entry("x").fence(new)).await;
    ok(store.release(TABLE, "job", new).await);
    let expected = Expected::Version(second);
    refused(&store, "job", expected, entry("after").fence(new)).await;
    put(&store, "job", expected, entry("without")).await;
}

/// A deleted record does not come back by a version from before.
async fn deleted(store: Store) {
    let first = put(&store, "a", Expected::Absent, Entry::new("ann", "one")).await;
    let seq = ok(store.get(TABLE, ANN, "a").await).map(|it| it.seq);
    assert!(ok(store.delete(TABLE, ANN, "a").await));
    let old = Expected::Version(first);
    assert!(
        refused(&store, "a", old, Entry::new("ann", "x"))
            .await
            .is_none()
    );
    let second = put(&store, "a", Expected::Absent, Entry::new("ann", "two")).await;
    assert!(second > first);
    refused(&store, "a", old, Entry::new("ann", "x")).await;
    let record = ok(store.get(TABLE, ANN, "a").await).expect("it was put");
    assert!(Some(record.seq) > seq, "a new record, a new place");
    assert!(ok(store.delete(TABLE, Scope::All, "a").await));
    assert!(ok(store.get(TABLE, ANN, "a").await).is_none());
}

async fn numbers(store: &Store, log: &str, after: u64, limit: usize) -> Vec<u64> {
    let events = ok(store.events(log, Scope::All, after, limit).await);
    for (number, event) in &events {
        assert_eq!(event, &Bytes::from(number.to_string()));
    }
    events.into_iter().map(|(number, _)| number).collect()
}

async fn append(store: &Store, log: &str, number: u64, keep: usize) -> Result<(), StateError> {
    let event = Bytes::from(number.to_string());
    store.append(log, "ann", number, event, keep, None).await
}

async fn logs(store: Store) {
    assert!(numbers(&store, "log", 0, 9).await.is_empty());
    for number in [1, 2, 5, 6, 9] {
        ok(append(&store, "log", number, 4).await);
    }
    assert_eq!(numbers(&store, "log", 0, 9).await, [2, 5, 6, 9]);
    assert_eq!(numbers(&store, "log", 2, 2).await, [5, 6]);
    assert_eq!(numbers(&store, "log", 3, 9).await, [5, 6, 9]);
    assert!(numbers(&store, "log", 9, 9).await.is_empty());
    assert!(numbers(&store, "log", u64::MAX, 9).await.is_empty());
    for old in [9, 7, 1] {
        let error = append(&store, "log", old, 4).await.expect_err("it is old");
        assert!(error.is_refused());
    }
    ok(append(&store, "log", 10, 2).await);
    assert_eq!(numbers(&store, "log", 0, 9).await, [9, 10]);
    ok(append(&store, "log", 11, 0).await);
    assert!(numbers(&store, "log", 0, 9).await.is_empty());
    assert!(append(&store, "log", 11, 9).await.is_err());
    ok(append(&store, "log", 12, 9).await);
    assert_eq!(numbers(&store, "log", 0, 9).await, [12]);
    assert!(numbers(&store, "lo", 0, 9).await.is_empty());

    // Many logs at once, each in its order.
    let writers = (0..8).map(|writer| {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            for number in 1..=20 {
                ok(append(&store, &format!("w{writer}"), number, 100).await);
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.expect("a writer ended well");
    }
    for writer in 0..8 {
        let expected: Vec<u64> = (1..=20).collect();
        assert_eq!(
            numbers(&store, &format!("w{writer}"), 0, 100).await,
            expected
        );
    }
}

async fn log_owners(store: Store) {
    ok(append(&store, "log", 1, 9).await);
    assert_eq!(ok(store.events("log", ANN, 0, 9).await).len(), 1);
    assert!(ok(store.events("log", BOB, 0, 9).await).is_empty());
    assert!(ok(store.events("log", Scope::Of(""), 0, 9).await).is_empty());
    let foreign = store.append("log", "bob", 2, Bytes::from("x"), 9, None);
    assert!(foreign.await.expect_err("it is ann's").is_refused());
    assert_eq!(numbers(&store, "log", 0, 9).await, [1]);
}

async fn log_expiry(store: Store) {
    let soon = SystemTime::now() + Duration::from_millis(800);
    let event = || Bytes::from("1");
    for log in ["short", "long"] {
        ok(store.append(log, "ann", 1, event(), 9, Some(soon)).await);
    }
    let later = Some(soon + Duration::from_secs(60));
    ok(store
        .append("long", "ann", 2, Bytes::from("2"), 9, later)
        .await);
    assert_eq!(numbers(&store, "short", 0, 9).await, [1]);
    let left = soon.duration_since(SystemTime::now()).unwrap_or_default();
    tokio::time::sleep(left + Duration::from_millis(10)).await;
    assert!(numbers(&store, "short", 0, 9).await.is_empty());
    assert_eq!(numbers(&store, "long", 0, 9).await, [1, 2]);
    // Another begins under its name, whoever's.
    ok(store.append("short", "bob", 1, event(), 9, None).await);
    assert_eq!(numbers(&store, "short", 0, 9).await, [1]);
    ok(store.sweep().await);
    assert_eq!(numbers(&store, "short", 0, 9).await, [1]);
}

async fn forgetting(store: Store) {
    for log in ["a", "a/1", "a/2", "a_2", "a%", "b/1", "A/1"] {
        ok(append(&store, log, 1, 9).await);
    }
    ok(store.forget("a/").await);
    for (log, left) in [
        ("a", 1),
        ("a/1", 0),
        ("a/2", 0),
        ("a_2", 1),
        ("b/1", 1),
        ("A/1", 1),
    ] {
        assert_eq!(numbers(&store, log, 0, 9).await.len(), left, "{log}");
    }
    // Nothing in a name is a pattern.
    ok(store.forget("a_").await);
    assert_eq!(numbers(&store, "a%", 0, 9).await, [1]);
    ok(append(&store, "a/1", 1, 9).await);
    ok(store.forget("").await);
    assert!(numbers(&store, "b/1", 0, 9).await.is_empty());
    assert!(numbers(&store, "a/1", 0, 9).await.is_empty());
}

/// Nothing in a key, an owner or a value means anything to a store.
async fn awkward_text(store: Store) {
    let texts = [
        "'; drop table records; --",
        "\0",
        "a\0b",
        "%",
        "ä\u{301}\u{1F980}",
        "\u{10FFFF}",
    ];
    for text in texts {
        let value = Bytes::from(vec![0, 255, 39, 0]);
        put(
            &store,
            text,
            Expected::Absent,
            Entry::new(text, value.clone()),
        )
        .await;
        let record = ok(store.get(TABLE, Scope::Of(text), text).await).expect("it was put");
        assert_eq!((&record.value, &*record.owner), (&value, text));
        ok(store.append(text, text, 1, value.clone(), 9, None).await);
        assert_eq!(
            ok(store.events(text, Scope::Of(text), 0, 9).await),
            [(1, value)]
        );
    }
    assert_eq!(keys(&store, Scope::All).await, texts);
    for text in texts {
        ok(store.forget(text).await);
        assert!(ok(store.events(text, Scope::All, 0, 9).await).is_empty());
        assert!(ok(store.delete(TABLE, Scope::Of(text), text).await));
    }
    // A key of 64 KiB is a key, and one that differs only at its end another.
    let long = "k".repeat(65_536);
    put(&store, &long, Expected::Absent, Entry::new("", "1")).await;
    put(
        &store,
        &format!("{long}2"),
        Expected::Absent,
        Entry::new("", "2"),
    )
    .await;
    assert_eq!(keys(&store, Scope::All).await.len(), 2);
}

/// What nobody waits for does not happen.
async fn never_polled(store: Store) {
    drop(store.put(TABLE, "a", Expected::Absent, Entry::new("ann", "x")));
    assert!(ok(store.get(TABLE, ANN, "a").await).is_none());
    put(&store, "a", Expected::Absent, Entry::new("ann", "x")).await;
    drop(store.delete(TABLE, ANN, "a"));
    assert!(ok(store.get(TABLE, ANN, "a").await).is_some());
    drop(store.append("log", "ann", 1, Bytes::new(), 9, None));
    ok(append(&store, "log", 1, 9).await);
    drop(store.forget(""));
    assert_eq!(numbers(&store, "log", 0, 9).await, [1]);
}
