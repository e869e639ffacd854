//! Whatever becomes of a client, nothing of it goes on: no task, and so no connection either.

use std::time::Duration;

use serde_json::json;
use tokio::runtime::{Builder as RuntimeBuilder, Runtime};

use wharf_client::Transport;

use crate::child::{Server, until};
use crate::proxy::{Fault, Proxy};
use crate::support::*;

/// A runtime for servers and proxies, and one for clients, whose tasks are counted.
struct Two {
    others: Runtime,
    clients: Runtime,
}

impl Two {
    fn new() -> Self {
        let mut others = RuntimeBuilder::new_multi_thread();
        let mut clients = RuntimeBuilder::new_current_thread();
        Self {
            others: others.worker_threads(1).enable_all().build().unwrap(),
            clients: clients.enable_all().build().unwrap(),
        }
    }

    fn proxy(&self) -> Proxy {
        self.others
            .block_on(async { Proxy::start(serve().await, 3).await })
    }

    fn nothing_is_left(&self, what: &str) {
        let metrics = self.clients.metrics();
        self.clients.block_on(async {
            let idle = until(what, || metrics.num_alive_tasks() == 0);
            idle.await;
        });
    }
}

/// All ways at the same time, because each waits for something most of the time.
fn every_way(test: impl Fn(Way) + Sync) {
    std::thread::scope(|scope| {
        for way in WAYS {
            let test = &test;
            scope.spawn(move || test(way));
        }
    });
}

#[test]
fn of_clients_that_are_closed_or_dropped() {
    every_way(|way| {
        let two = Two::new();
        let proxy = two.proxy();
        for close in [true, false] {
            two.clients.block_on(async {
                let client = way.connect(hasty(), proxy.port).await.unwrap();
                echo(&client, "x").await.unwrap();
                let watch = wharf_client::Watch::new().tools();
                let subscription = client.watch(watch).await.unwrap();
                if close {
                    in_time("close", client.close()).await;
                } else {
                    drop(client);
                }
                drop(subscription);
            });
            two.nothing_is_left(&format!("{way:?} closed: {close}"));
        }
    });
}

#[test]
fn of_children_that_are_closed_or_dropped() {
    let two = Two::new();
    for mode in ["plain", "fork"] {
        for close in [true, false] {
            two.clients.block_on(async {
                let client = patient().open(Server::new(mode).command()).await.unwrap();
                echo(&client, "x").await.unwrap();
                if close {
                    in_time("close", client.close()).await;
                } else {
                    drop(client);
                }
            });
            two.nothing_is_left(&format!("{mode} closed: {close}"));
        }
    }
}

/// The server's end neither reads nor closes, and much is to be written.
#[test]
fn of_clients_that_cannot_write() {
    every_way(|way| {
        let two = Two::new();
        let proxy = two.proxy();
        for close in [true, false] {
            proxy.set(Fault::None);
            two.clients.block_on(async {
                let client = way.connect(hasty(), proxy.port).await.unwrap();
                echo(&client, "x").await.unwrap();
                proxy.stop_reading(true);
                let big = "x".repeat(8_000_000);
                let calls =
                    (0..2).map(|_| client.call("echo", json!({ "text": &big })).into_future());
                for result in in_time("calls", futures_util::future::join_all(calls)).await {
                    let error = result.expect_err("nobody reads it");
                    assert!(is_clear(&error), "{way:?}: {error:?}");
                }
                if close {
                    in_time("close", client.close()).await;
                } else {
                    drop(client);
                }
            });
            // What HTTP has begun to write goes on until the system sees that nobody takes it.
            if way.0 == Transport::WebSocket {
                two.nothing_is_left(&format!("{way:?} closed: {close}"));
            }
            proxy.stop_reading(false);
            two.nothing_is_left(&format!("{way:?} closed: {close}"));
        }
    });
}

#[test]
fn of_clients_that_are_given_up_at_any_moment() {
    every_way(given_up);
}

fn given_up(way: Way) {
    let two = Two::new();
    let proxy = two.proxy();
    let mut random = Random::new(5);
    for _ in 0..15 {
        let fault = [Fault::None, Fault::Delay, Fault::Hold][random.below(3)];
        proxy.set(fault);
        let moment = Duration::from_micros(random.below(30_000) as u64);
        two.clients.block_on(async {
            let whole = async {
                let Ok(client) = way.connect(hasty(), proxy.port).await else {
                    return;
                };
                let _ = echo(&client, &"x".repeat(3000)).await;
                let _ = client.call("count", json!({"to": 3})).await;
                client.close().await;
            };
            let _ = tokio::time::timeout(moment, whole).await;
        });
        two.nothing_is_left(&format!("{way:?} {fault:?} {moment:?}"));
    }
}
