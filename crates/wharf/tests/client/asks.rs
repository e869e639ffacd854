//! What servers ask, answered in every revision by the same handlers.

use std::time::Duration;

use serde_json::json;
use wharf::Client;
use wharf::client::{Notification, Page};
use wharf::protocol::{ElicitResult, Revision, Root};

use crate::support::{answering, connect, everything};

#[tokio::test]
async fn handlers_answer_in_every_revision() {
    for (way, revision) in everything() {
        let client = connect(answering().revision(revision), way).await;
        let result = client.call("think", json!({})).await.expect("a result");
        assert_eq!(
            result.content[0].as_text(),
            Some("42 in file:///home"),
            "{way:?} {revision}"
        );
        if revision < Revision::V2025_06_18 {
            continue;
        }
        let result = client.call("greet", json!({})).await.expect("a result");
        assert_eq!(
            result.content[0].as_text(),
            Some("Hello, Dr Ada!"),
            "{way:?} {revision}"
        );
    }
}

#[tokio::test]
async fn a_person_may_say_no() {
    for (way, revision) in everything().filter(|(_, it)| *it >= Revision::V2025_06_18) {
        let builder = Client::builder()
            .revision(revision)
            .on_elicit(|_| async { Ok(ElicitResult::decline()) });
        let client = connect(builder, way).await;
        let result = client.call("greet", json!({})).await.expect("a result");
        assert_eq!(
            result.content[0].as_text(),
            Some("Hello, stranger!"),
            "{way:?} {revision}"
        );
        let result = client.call("think", json!({})).await;
        let refused = match &result {
            Ok(result) => result.is_error == Some(true),
            Err(_) => true,
        };
        assert!(
            refused,
            "{way:?} {revision}: no model was declared: {result:?}"
        );
    }
}

#[tokio::test]
async fn a_page_is_opened_and_announced_as_done() {
    for (way, revision) in everything().filter(|(_, it)| *it >= Revision::V2025_11_25) {
        let builder = Client::builder().revision(revision).on_elicit_url(|page: Page| async move {
            assert_eq!(page.url, "https://example.com/sign-in");
            Ok(ElicitResult::agree())
        });
        let client = connect(builder, way).await;
        let mut heard = client.notifications();
        let result = client.call("sign_in", json!({})).await.expect("a result");
        assert_eq!(result.content[0].as_text(), Some("Accept"), "{way:?} {revision}");
        if revision == Revision::V2025_11_25 {
            let done = Notification::ElicitationComplete { elicitation_id: "page-1".into() };
            let next = tokio::time::timeout(Duration::from_secs(5), heard.next()).await;
            assert_eq!(next.expect("in time"), Some(done), "{way:?}");
        }
    }
}

#[tokio::test]
async fn roots_may_change() {
    for (way, revision) in everything() {
        let builder = Client::builder().revision(revision).roots([Root::new("file:///a")]);
        let client = connect(builder, way).await;
        let places = async || {
            let result = client.call("places", json!({})).await.expect("a result");
            result.content[0].as_text().unwrap_or_default().to_owned()
        };
        assert_eq!(places().await, "file:///a", "{way:?} {revision}");
        let new = [Root::new("file:///b"), Root::new("file:///c")];
        client.set_roots(new).await.expect("told");
        assert_eq!(places().await, "file:///b file:///c", "{way:?} {revision}");
    }
}
