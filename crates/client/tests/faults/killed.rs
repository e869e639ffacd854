//! Servers and clients that are killed.

use std::io::{BufRead as _, BufReader};
use std::process::Child;

use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use wharf_client::{Notification, Watch};

use crate::child::{Server, is_running, until};
use crate::support::*;

struct Running(Child, u16);

impl Running {
    fn start(port: u16) -> Self {
        let mut command = again("killed::the_server");
        let mut child = command.env("PORT", port.to_string()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let port = lines
            .map_while(Result::ok)
            .find_map(|line| line.strip_prefix("port ")?.parse().ok());
        Self(child, port.expect("a server"))
    }

    fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// In a process of its own.
#[tokio::test]
async fn the_server() {
    if !is_again() {
        return;
    }
    let port = std::env::var("PORT").unwrap();
    let http = server().bind(&format!("127.0.0.1:{port}")).await.unwrap();
    println!("\nport {}", http.local_addr().unwrap().port());
    http.serve_until(std::future::pending()).await.unwrap();
}

#[tokio::test]
async fn a_server_that_is_killed_in_the_middle_of_a_stream() {
    for way in WAYS {
        let what = format!("{way:?}");
        let running = Running::start(0);
        let port = running.1;
        let client = way.connect(hasty(), port).await.unwrap();
        let (call, mut progress) = client.call("count", json!({"to": 1000})).progress();
        let call = tokio::spawn(call.timeout(LONGEST).into_future());
        for _ in 0..3 {
            in_time(&what, progress.next()).await.expect("progress");
        }
        running.kill();
        let error = in_time(&what, call).await.unwrap().expect_err("no result");
        assert!(
            error.is_closed() || error.is_unreachable(),
            "{what}: {error:?}"
        );
        let error = echo(&client, "nobody").await.expect_err("nobody is there");
        assert!(is_clear(&error), "{what}: {error:?}");

        let running = Running::start(port);
        recovers(&client, &what).await;
        in_time(&what, client.close()).await;
        running.kill();
    }
}

#[tokio::test]
async fn a_subscription_outlives_its_server() {
    for way in WAYS {
        let what = format!("{way:?}");
        let running = Running::start(0);
        let port = running.1;
        let client = way.connect(hasty(), port).await.unwrap();
        let mut changes = client.watch(Watch::new().tools()).await.unwrap();
        client.call("change", json!({})).await.unwrap();
        assert_eq!(
            in_time(&what, changes.next()).await,
            Some(Notification::ToolsChanged)
        );
        running.kill();
        let running = Running::start(port);
        // It comes back by itself.
        assert_eq!(
            in_time(&what, changes.next()).await,
            Some(Notification::Reconnected),
            "{what}"
        );
        recovers(&client, &what).await;
        // The server may know of the subscription only after what it says to us.
        let change = async {
            loop {
                client.call("change", json!({})).await.unwrap();
                let next = tokio::time::timeout(Duration::from_millis(500), changes.next());
                match next.await {
                    Ok(Some(Notification::ToolsChanged)) => return,
                    Ok(Some(Notification::Reconnected)) | Err(_) => {}
                    Ok(other) => panic!("{what}: {other:?}"),
                }
            }
        };
        in_time(&what, change).await;
        in_time(&what, client.close()).await;
        assert_eq!(in_time(&what, changes.next()).await, None);
        running.kill();
    }
}

/// In the process that is killed: a client with its server.
#[tokio::test]
async fn the_client() {
    if !is_again() {
        return;
    }
    let client = hasty().open(Server::new("fork").command()).await.unwrap();
    let result = client.call("pids", json!({})).await.unwrap();
    println!("\npids {}", text(&result));
    let _ = client.call("hang", json!({})).timeout(LONGEST).await;
}

#[tokio::test]
async fn a_client_that_is_killed_leaves_no_server() {
    let mut client = again("killed::the_client").spawn().unwrap();
    let lines = BufReader::new(client.stdout.take().unwrap()).lines();
    let pids = lines
        .map_while(Result::ok)
        .find_map(|line| Some(line.strip_prefix("pids ")?.to_owned()));
    let pids = pids.expect("a server");
    let pids: Vec<Pid> = pids
        .split(' ')
        .map(|pid| Pid::from_raw(pid.parse().unwrap()).unwrap())
        .collect();
    assert_eq!(pids.len(), 2);
    assert!(pids.iter().all(|pid| is_running(*pid)));
    let number = i32::try_from(client.id()).unwrap();
    kill_process(Pid::from_raw(number).unwrap(), Signal::KILL).unwrap();
    client.wait().unwrap();
    until("its server ends", || {
        !pids.iter().any(|pid| is_running(*pid))
    })
    .await;
}
