//! Requests, lists and their results.

use std::future::IntoFuture as _;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use serde_json::json;
use wharf::Client;
use wharf::client::{Notification, Transport};
use wharf::protocol::Revision;

use crate::support::{CANCELLED, Sum, WAYS, Way, answering, connect, everything, server};

#[tokio::test]
async fn every_revision_over_every_transport() {
    for (way, revision) in everything() {
        let client = connect(Client::builder().revision(revision), way).await;
        let info = client.info().await.expect("information");
        assert_eq!(info.revision, revision);
        assert_eq!(info.implementation.expect("a name").name, "Test");
        assert_eq!(info.instructions.as_deref(), Some("Be kind."));
        client.ping().await.expect("there");

        let result = client
            .call("add", json!({"a": 1, "b": 2}))
            .await
            .expect("a result");
        assert_eq!(result.content[0].as_text(), Some("3"), "{way:?} {revision}");
        if revision >= Revision::V2025_06_18 {
            let result = client
                .call("sum", json!({"a": 1, "b": 2}))
                .await
                .expect("a result");
            assert_eq!(
                result.structured::<Sum>().expect("structured"),
                Sum { sum: 3 }
            );
        }
        let failed = client.call("fail", json!({})).await.expect("a result");
        assert_eq!(failed.is_error, Some(true));
        let error = client
            .call("nothing", json!({}))
            .await
            .expect_err("no such tool");
        assert_eq!(error.as_rpc().expect("an error of the server").code, -32602);

        let resources = client.resources().all().await.expect("a list");
        assert_eq!(resources.len(), 250);
        assert_eq!(
            client
                .resource_templates()
                .all()
                .await
                .expect("a list")
                .len(),
            1
        );
        assert_eq!(
            client.prompts().all().await.expect("a list")[0].name,
            "review"
        );
        assert!(client.tools().all().await.expect("a list").len() >= 8);

        let read = client.read("greeting://Ada").await.expect("contents");
        assert_eq!(read.contents[0].uri(), "greeting://Ada");
        let prompt = client
            .prompt("review", json!({"code": "x"}))
            .await
            .expect("a prompt");
        assert_eq!(prompt.messages[0].content.as_text(), Some("Review:\nx"));
        client.close().await;
    }
}

#[tokio::test]
async fn the_newest_revision_is_found() {
    for (way, revision, transport) in [
        (Way::InProcess, Revision::LATEST, Transport::Stdio),
        (Way::Http, Revision::LATEST, Transport::Http),
        (Way::Sse, Revision::LATEST_LEGACY, Transport::Sse),
        (Way::WebSocket, Revision::LATEST, Transport::WebSocket),
    ] {
        let info = connect(Client::builder(), way)
            .await
            .info()
            .await
            .expect("information");
        assert_eq!((info.revision, info.transport), (revision, transport));
    }
}

#[tokio::test]
async fn a_stream_to_be_opened_is_found_where_posts_are_refused() {
    let http = server().bind("127.0.0.1:0").await.expect("a port");
    let url = http.sse_url().expect("an address").expect("on");
    tokio::spawn(http.serve_until(std::future::pending()));
    let client = Client::connect(&url).await.expect("a connection");
    let info = client.info().await.expect("information");
    assert_eq!(info.transport, Transport::Sse);
    client.ping().await.expect("there");
}

#[tokio::test]
async fn calls_run_at_the_same_time_on_one_connection() {
    for way in WAYS {
        let client = connect(Client::builder(), way).await;
        let calls = (0..100).map(|n| {
            let client = client.clone();
            tokio::spawn(async move {
                let result = client
                    .call("add", json!({"a": n, "b": 1}))
                    .await
                    .expect("a result");
                assert_eq!(result.content[0].as_text(), Some(&*(n + 1).to_string()));
            })
        });
        for call in calls.collect::<Vec<_>>() {
            call.await.expect("no panic");
        }
    }
}

#[tokio::test]
async fn progress_and_log_messages_come_while_a_call_runs() {
    for (way, revision) in everything() {
        let builder = Client::builder()
            .revision(revision)
            .log_level(wharf::protocol::LoggingLevel::Info);
        let client = connect(builder, way).await;
        let mut heard = client.notifications();
        let (call, mut progress) = client.call("count", json!({})).progress();
        let (result, steps) = tokio::join!(call.into_future(), async {
            let mut steps = Vec::new();
            while let Some(step) = progress.next().await {
                steps.push((step.progress, step.total));
            }
            steps
        });
        assert_eq!(
            result.expect("a result").content[0].as_text(),
            Some("counted")
        );
        assert_eq!(
            steps,
            [(1.0, Some(3.0)), (2.0, Some(3.0)), (3.0, Some(3.0))],
            "{way:?} {revision}"
        );
        for step in 1..=3 {
            let next = tokio::time::timeout(Duration::from_secs(5), heard.next());
            match next.await.expect("in time") {
                Some(Notification::Log(message)) => {
                    assert_eq!(
                        message.data,
                        json!(format!("at {step}")),
                        "{way:?} {revision}"
                    );
                }
                other => panic!("{way:?} {revision}: {other:?}"),
            }
        }
    }
}

#[tokio::test]
async fn time_is_up_unless_progress_extends_it() {
    for (way, revision) in everything() {
        let client = connect(Client::builder().revision(revision), way).await;
        let short = Duration::from_millis(200);
        let began = Instant::now();
        let error = client
            .call("wait", json!({"progress": false}))
            .timeout(short)
            .await;
        assert!(
            error.is_err_and(|error| error.is_timeout()),
            "{way:?} {revision}"
        );
        assert!(began.elapsed() < Duration::from_secs(5));
        let began = Instant::now();
        let error = client
            .call("wait", json!({"progress": true}))
            .timeout(short)
            .extended_by_progress(Duration::from_millis(700))
            .await;
        assert!(
            error.is_err_and(|error| error.is_timeout()),
            "{way:?} {revision}"
        );
        assert!(
            began.elapsed() >= Duration::from_millis(600),
            "{way:?} {revision}"
        );
        client.ping().await.expect("the connection goes on");
    }
}

#[tokio::test]
async fn a_dropped_call_is_cancelled() {
    for (way, revision) in everything() {
        let client = connect(Client::builder().revision(revision), way).await;
        let before = CANCELLED.load(Ordering::Relaxed);
        let (call, mut progress) = client.call("cancel_me", json!({})).progress();
        let call = tokio::spawn(call.into_future());
        assert!(progress.next().await.is_some(), "it runs");
        call.abort();
        let cancelled = async {
            while CANCELLED.load(Ordering::Relaxed) == before {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let in_time = tokio::time::timeout(Duration::from_secs(10), cancelled).await;
        assert!(in_time.is_ok(), "{way:?} {revision}: it goes on");
        client.ping().await.expect("the connection goes on");
    }
}

#[tokio::test]
async fn arguments_are_completed() {
    use wharf::protocol::CompletionReference;

    for (way, revision) in everything() {
        let client = connect(Client::builder().revision(revision), way).await;
        let template = CompletionReference::Resource {
            uri: "greeting://{name}".into(),
        };
        let none = Default::default();
        let result = client
            .complete(&template, "name", "A", &none)
            .await
            .expect("suggestions");
        assert_eq!(
            result.completion.values,
            ["Ada", "Alan"],
            "{way:?} {revision}"
        );
    }
}

#[tokio::test]
async fn tasks_are_started_waited_for_and_found_again() {
    use wharf::client::Started;

    for (way, revision) in everything().filter(|(_, it)| *it >= Revision::V2025_11_25) {
        let client = connect(answering().revision(revision), way).await;
        let started = client
            .call_task("greet", json!({}))
            .start()
            .await
            .expect("a task");
        let Started::Task(task) = started else {
            panic!("{way:?} {revision}: no task");
        };
        let mut again = client.task(task.id()).await.expect("the task");
        let result = again.wait().await.expect("a result");
        assert_eq!(
            result.content[0].as_text(),
            Some("Hello, Dr Ada!"),
            "{way:?} {revision}"
        );
        let unknown = client.task("nothing").await.expect_err("no such task");
        assert!(unknown.as_rpc().is_some());
    }
}
