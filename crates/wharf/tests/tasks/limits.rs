//! How many tasks, and for how long.

use std::time::Duration;

use wharf::Limits;

use crate::wire::tools::Watch;
use crate::wire::{Kind, Peer, json, soon, until};
use crate::{able, begin, server};

#[tokio::test]
async fn row_23_tasks_are_counted() {
    let limits = Limits {
        tasks_running: 2,
        tasks_per_owner: 3,
        ..Limits::default()
    };
    for kind in Kind::ALL {
        let watch = Watch::new();
        let mut peer = Peer::open_as(kind, server(&watch).limits(limits.clone()), able()).await;
        begin(&mut peer, "wait").await;
        begin(&mut peer, "wait").await;
        until(|| watch.started() == 2).await;
        let params = json!({"name": "wait", "arguments": {}, "task": {}});
        let reply = peer.request("tools/call", params.clone()).await;
        assert_eq!(reply.code(), -32603, "{kind:?}");
        assert!(matches!(reply.status, None | Some(429)), "{reply:?}");
        watch.go();
        watch.go();
        soon(async {
            while peer
                .request("tools/call", params.clone())
                .await
                .message
                .get("result")
                .is_none()
            {}
        })
        .await;
        // Finished ones are kept, and count for who owns them.
        let reply = peer.request("tools/call", params.clone()).await;
        if kind.is_modern() {
            assert!(
                reply.message.get("result").is_some(),
                "nobody in particular owns it"
            );
        } else {
            assert_eq!(reply.code(), -32603, "{kind:?}");
        }
        peer.still_answers().await;
    }
}

#[tokio::test]
async fn a_task_ends_with_its_time() {
    let limits = Limits {
        task_ttl: Duration::from_millis(200),
        task_ttl_max: Duration::from_millis(200),
        ..Limits::default()
    };
    for kind in Kind::ALL {
        let watch = Watch::new();
        let mut peer = Peer::open_as(kind, server(&watch).limits(limits.clone()), able()).await;
        let task = begin(&mut peer, "wait").await;
        until(|| watch.was_dropped()).await;
        soon(async {
            let id = json!({"taskId": task["taskId"]});
            while peer
                .request("tasks/get", id.clone())
                .await
                .message
                .get("result")
                .is_some()
            {}
        })
        .await;
        peer.still_answers().await;
    }
}

#[tokio::test]
async fn a_task_that_takes_too_long_says_so() {
    let limits = Limits {
        task_timeout: Duration::from_millis(50),
        ..Limits::default()
    };
    let watch = Watch::new();
    let mut peer = Peer::open_as(Kind::ModernHttp, server(&watch).limits(limits), able()).await;
    let task = begin(&mut peer, "wait").await;
    let done = crate::turns(&mut peer, &task["taskId"], "completed").await;
    assert_eq!(done["result"]["isError"], true);
    assert!(crate::wire::text(&done["result"]).contains("did not finish"));
    assert!(watch.was_dropped());
}
