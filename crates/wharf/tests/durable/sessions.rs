//! Sessions that go on after a restart.

use crate::process::Home;
use crate::wire::{Legacy, Value, all_capabilities, json, text};

#[tokio::test]
async fn a_session_goes_on_in_the_next_process() {
    let home = Home::new();
    let first = home.start(false);
    let client = Legacy::open_as(&first.served, "2025-06-18", all_capabilities(), None).await;
    let level = json!({"level": "error"});
    assert_eq!(
        client.ask("logging/setLevel", level).await.result(),
        json!({})
    );
    let note = json!({"uri": "note:///a"});
    let subscribed = client.ask("resources/subscribe", note.clone()).await;
    assert_eq!(subscribed.result(), json!({}));
    let session = client.session.clone();
    first.kill();

    let mut turns = 0;
    while turns < 2 {
        let next = home.start(false);
        let client = client.at(&next.served);
        let sum = client.call("add", json!({"a": 2, "b": 3})).await;
        assert_eq!(text(&sum.result()), "5");
        assert_eq!(client.session, session);
        // The level is the one that was set.
        let logged: Vec<Value> = client.call("logs", json!({})).await.messages();
        let logged: Vec<_> = logged
            .iter()
            .filter_map(|message| message["params"]["data"].as_str())
            .collect();
        assert_eq!(logged, ["alarm"]);
        // So are the subscriptions.
        let mut notices = client.listen().await;
        assert_eq!(client.call("touch", json!({})).await.status, 200);
        let notice = loop {
            if let Some(notice) = notices.event().await.unwrap().json() {
                break notice;
            }
        };
        assert_eq!(notice["method"], "notifications/resources/updated");
        assert_eq!(notice["params"], note);
        next.kill();
        turns += 1;
    }
}

#[tokio::test]
async fn a_deleted_session_never_comes_back() {
    let home = Home::new();
    let first = home.start(false);
    let (early, late) = (
        Legacy::open(&first.served).await,
        Legacy::open(&first.served).await,
    );
    assert_eq!(early.delete().await.status, 204);
    first.kill();

    let second = home.start(false);
    let ping = |client: &Legacy<'_>| client.request("ping", json!({}));
    let early = early.at(&second.served);
    assert_eq!(second.served.ask(&ping(&early)).await.status, 404);
    // One that is known only from the store is deleted there too.
    let late = late.at(&second.served);
    assert_eq!(late.delete().await.status, 204);
    assert_eq!(second.served.ask(&ping(&late)).await.status, 404);
    second.kill();

    let third = home.start(false);
    for client in [early.at(&third.served), late.at(&third.served)] {
        assert_eq!(third.served.ask(&ping(&client)).await.status, 404);
        assert_eq!(client.delete().await.status, 404);
    }
}

#[tokio::test]
async fn many_requests_of_a_deleted_session_do_not_bring_it_back() {
    let home = Home::new();
    let first = home.start(false);
    let client = Legacy::open(&first.served).await;
    first.kill();

    let second = home.start(false);
    let client = client.at(&second.served);
    let pings = (0..16).map(|_| client.request("ping", json!({})));
    let pings: Vec<_> = pings.collect();
    let (_, deleted) = tokio::join!(
        async {
            for ping in &pings {
                let status = second.served.ask(ping).await.status;
                assert!(matches!(status, 200 | 404), "{status}");
            }
        },
        client.delete(),
    );
    assert_eq!(deleted.status, 204);
    let status = client.ask("ping", json!({})).await.status;
    assert_eq!(status, 404);
}

#[tokio::test]
async fn a_session_is_its_principals_in_every_process() {
    let home = Home::new();
    let first = home.start(true);
    let ada = Legacy::open_as(&first.served, "2025-11-25", json!({}), Some("ada")).await;
    first.kill();

    let second = home.start(true);
    let eve = ada.as_caller(&second.served, Some("eve"));
    assert_eq!(eve.ask("ping", json!({})).await.status, 404);
    assert_eq!(eve.delete().await.status, 404);
    let ada = ada.at(&second.served);
    assert_eq!(ada.ask("ping", json!({})).await.result(), json!({}));
    assert_eq!(eve.ask("ping", json!({})).await.status, 404, "not even now");
    assert_eq!(ada.ask("ping", json!({})).await.status, 200);
}
