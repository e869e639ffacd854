//! What servers ask, answered in every revision by the same handlers.

use serde_json::json;
use wharf::Client;
use wharf::protocol::{ElicitResult, Revision};

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
