//! A network that cuts, holds, delays, corrupts and reorders, under every transport but stdio.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::time::timeout;
use wharf_client::{Client, Timeouts, Transport};

use crate::proxy::{FAULTS, Fault, Proxy};
use crate::support::*;

/// Calls while `fault` is at work, one after the other and at the same time.
async fn disturb(client: &Client, fault: Fault, random: &mut Random, what: &str) -> (usize, usize) {
    let (mut right, mut failed) = (0, 0);
    for round in 0..4 {
        let calls = (0..1 + random.below(4)).map(|n| {
            // Sizes of less and of more than a packet.
            let size = [1, 100, 3000][(round + n) % 3];
            let said = format!("{round}.{n} ").repeat(size);
            async move {
                let result = client.call("echo", json!({ "text": &said })).await;
                match result {
                    // A changed order can change a text within its quotes, and nobody can tell.
                    Ok(result) if fault != Fault::Reorder => assert_eq!(text(&result), said),
                    Ok(_) => {}
                    Err(error) => {
                        assert!(is_clear(&error), "{what}: {error:?}");
                        return false;
                    }
                }
                true
            }
        });
        let done = futures_util::future::join_all(calls);
        for it in in_time(what, done).await {
            if it { right += 1 } else { failed += 1 }
        }
    }
    (right, failed)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_fault_over_every_transport() {
    let (http, lines) = (serve().await, serve_lines().await);
    let mut runs = Vec::new();
    for seed in seeds(1) {
        for fault in FAULTS {
            runs.extend(WAYS.map(|way| (seed, fault, way, http)));
            runs.extend(CHILDREN.map(|way| (seed, fault, way, lines)));
        }
    }
    let at_once = Arc::new(tokio::sync::Semaphore::new(12));
    let runs = runs.into_iter().map(|(seed, fault, way, server)| {
        let at_once = Arc::clone(&at_once);
        tokio::spawn(async move {
            let _place = at_once.acquire().await;
            let what = format!("{way:?} {fault:?} WHARF_SEED={seed}");
            let run = one(server, seed, fault, way, &what);
            if timeout(Duration::from_secs(200), run).await.is_err() {
                panic!("{what} hangs");
            }
        })
    });
    for run in futures_util::future::join_all(runs.collect::<Vec<_>>()).await {
        run.unwrap();
    }
}

async fn one(server: u16, seed: u64, fault: Fault, way: Way, what: &str) {
    let proxy = Proxy::start(server, seed).await;
    // What is only late is waited for.
    let late = fault == Fault::Delay;
    let builder = || match way.0 {
        _ if late => patient(),
        // Python takes its time to start.
        Transport::Stdio => patient().timeouts(Timeouts {
            start: Duration::from_secs(8),
            ..HASTY
        }),
        _ => hasty(),
    };
    let client = in_time(what, way.connect(builder(), proxy.port))
        .await
        .unwrap();
    echo(&client, "before").await.unwrap();
    let mut random = Random::new(seed);

    // The connection that is there stays as it is: most of this is about new ones.
    proxy.set(fault);
    let mut counts = disturb(&client, fault, &mut random, what).await;
    for _ in 0..3 {
        let connecting = way.connect(builder(), proxy.port);
        match in_time(what, connecting).await {
            Ok(client) => {
                let more = disturb(&client, fault, &mut random, what).await;
                counts = (counts.0 + more.0, counts.1 + more.1);
                proxy.set(Fault::None);
                recovers(&client, what).await;
                proxy.set(fault);
                in_time(what, client.close()).await;
            }
            Err(error) => assert!(is_clear(&error), "{what}: {error:?}"),
        }
    }
    if late {
        assert_eq!(counts.1, 0, "{what}: late is not wrong");
    }
    proxy.set(Fault::None);
    recovers(&client, what).await;
    in_time(what, client.close()).await;
}

/// Nobody says that the connection is dead: neither end, nor the network.
#[tokio::test]
async fn a_connection_that_has_gone_silent_is_given_up() {
    let server = serve().await;
    for way in WAYS {
        let what = format!("{way:?}");
        let proxy = Proxy::start(server, 7).await;
        let client = way.connect(hasty(), proxy.port).await.unwrap();
        echo(&client, "before").await.unwrap();
        drop(client);
        // What is opened now goes silent after a few messages at most.
        proxy.set(Fault::Hold);
        let connected = in_time(&what, way.connect(hasty(), proxy.port)).await;
        let Ok(client) = connected else { continue };
        let mut failed = None;
        for n in 0..20 {
            if let Err(error) = echo(&client, &format!("{n}").repeat(300)).await {
                failed = Some(error);
                break;
            }
        }
        let error = failed.expect("it went silent");
        assert!(error.is_timeout() || error.is_closed(), "{what}: {error:?}");
        proxy.set(Fault::None);
        recovers(&client, &what).await;
        in_time(&what, client.close()).await;
    }
}

#[tokio::test]
async fn nobody_there_is_said_at_once() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    for way in WAYS {
        let error = in_time("connect", way.connect(patient(), port))
            .await
            .unwrap_err();
        assert!(error.is_unreachable(), "{way:?}: {error:?}");
        assert!(
            error.to_string().contains(&port.to_string()),
            "{way:?}: {error}"
        );
    }
}

/// The kernel takes the connection, and nobody ever reads it.
#[tokio::test]
async fn a_port_that_takes_connections_and_says_nothing() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    for way in WAYS {
        let error = in_time("connect", way.connect(hasty(), port))
            .await
            .unwrap_err();
        assert!(error.is_timeout(), "{way:?}: {error:?}");
    }
}

/// Both ends write more than the buffers between them hold, before either has read it.
#[tokio::test]
async fn much_in_both_directions_at_once() {
    let server = serve().await;
    for way in WAYS {
        let client = way.connect(patient(), server).await.unwrap();
        let calls = (0..40).map(|n| {
            let said = format!("{n} ").repeat(250_000);
            let client = &client;
            async move {
                echo(client, &said)
                    .await
                    .unwrap_or_else(|error| panic!("{way:?}: {error}"))
            }
        });
        in_time("all of them", futures_util::future::join_all(calls)).await;
        in_time("close", client.close()).await;
    }
}
