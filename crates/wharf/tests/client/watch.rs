//! Subscriptions to what changes.

use std::time::Duration;

use serde_json::json;
use wharf::Client;
use wharf::client::{Notification, Watch};

use crate::support::{connect, everything};

#[tokio::test]
async fn changes_are_told_in_every_revision() {
    for (way, revision) in everything() {
        let client = connect(Client::builder().revision(revision), way).await;
        let mut changes = client
            .watch(Watch::new().tools().resource("greeting://Ada"))
            .await
            .unwrap_or_else(|error| panic!("{way:?} {revision}: {error}"));
        assert!(changes.honored().tools_list_changed, "{way:?} {revision}");
        let before = client.tools().all().await.expect("a list").len();
        client.call("change", json!({})).await.expect("a result");
        let mut expected = vec![
            Notification::ToolsChanged,
            Notification::ResourceUpdated {
                uri: "greeting://Ada".into(),
            },
        ];
        while !expected.is_empty() {
            let next = tokio::time::timeout(Duration::from_secs(5), changes.next());
            let next = next
                .await
                .unwrap_or_else(|_| panic!("{way:?} {revision}: {expected:?}"));
            let next = next.expect("open");
            let place = expected.iter().position(|it| *it == next);
            expected.remove(place.unwrap_or_else(|| panic!("{way:?} {revision}: {next:?}")));
        }
        let after = client.tools().all().await.expect("a list").len();
        assert_eq!(
            after,
            before + 1,
            "a notification makes the kept list stale"
        );
        client.close().await;
        assert_eq!(changes.next().await, None);
    }
}
