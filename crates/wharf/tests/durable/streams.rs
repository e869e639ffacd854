//! Streams that were cut off by the end of the process.

use crate::process::Home;
use crate::wire::{Event, Legacy, Stream, Value, json, text};

fn step(event: &Event) -> Option<i64> {
    let message = event.json()?;
    (message["method"] == "notifications/progress")
        .then(|| message["params"]["progress"].as_f64())?
        .map(|progress| progress as i64)
}

/// Reads up to this step; gives the id of the last event.
async fn read_to(stream: &mut Stream, last: i64) -> String {
    loop {
        let event = stream.event().await.expect("an event");
        if last == 0 || step(&event) == Some(last) {
            return event.id.expect("an id");
        }
    }
}

fn steps(events: &[Event]) -> Vec<i64> {
    events.iter().filter_map(step).collect()
}

#[tokio::test]
async fn a_call_that_ended_is_answered_by_the_next_process() {
    for cut_after in [0, 1, 4] {
        let home = Home::new();
        let first = home.start(false);
        let client = Legacy::open(&first.served).await;
        let arguments = json!({"count": 4, "ends": true});
        let post = client.tool("call", "climb", arguments);
        let mut stream = first.served.stream(&post).await;
        let last = read_to(&mut stream, cut_after).await;
        let seen = stream.rest().await;
        assert_eq!(
            text(&seen.last().unwrap().json().unwrap()["result"]),
            "done"
        );
        first.kill();

        let second = home.start(false);
        let client = client.at(&second.served);
        // As often as the client asks: what it has not seen, and that once.
        for _ in 0..2 {
            let rest = client.resume(&last).await.rest().await;
            assert_eq!(rest, seen, "cut after {cut_after}");
            assert_eq!(steps(&rest), (cut_after + 1..=4).collect::<Vec<_>>());
        }
        let end = seen.last().unwrap().id.clone().unwrap();
        assert_eq!(client.resume(&end).await.rest().await, []);
    }
}

#[tokio::test]
async fn a_call_that_was_interrupted_is_answered_with_an_error() {
    for cut_after in [0, 2, 3] {
        let home = Home::new();
        let first = home.start(false);
        let client = Legacy::open(&first.served).await;
        let arguments = json!({"count": 3, "ends": false});
        let post = client.tool("call", "climb", arguments);
        let mut stream = first.served.stream(&post).await;
        let last = read_to(&mut stream, cut_after).await;
        if cut_after < 3 {
            read_to(&mut stream, 3).await;
        }
        first.kill();

        let second = home.start(false);
        let client = client.at(&second.served);
        let rest = client.resume(&last).await.rest().await;
        assert_eq!(steps(&rest), (cut_after + 1..=3).collect::<Vec<_>>());
        let answer = rest.last().unwrap().json().unwrap();
        assert_eq!(answer["id"], "call");
        assert_eq!(answer["error"]["code"], -32603);
        let message = answer["error"]["message"].as_str().unwrap();
        assert!(message.contains("restarted"), "{message}");
        second.kill();

        // It is the answer from now on.
        let third = home.start(false);
        let again = client.at(&third.served).resume(&last).await.rest().await;
        assert_eq!(again, rest);
    }
}

#[tokio::test]
async fn each_call_of_a_batch_is_answered_once() {
    let home = Home::new();
    let first = home.start(false);
    let client = Legacy::open_as(&first.served, "2025-03-26", json!({}), None).await;
    let call = |id: &str, ends: bool| {
        let arguments = json!({"count": 1, "ends": ends});
        json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params":
            {"name": "climb", "arguments": arguments, "_meta": {"progressToken": id}}})
    };
    let batch = json!([call("a", false), call("b", true), call("c", false)]);
    let mut stream = first.served.stream(&client.post(batch)).await;
    let mut before = Vec::new();
    while before.len() < 4 {
        before.extend(stream.event().await);
    }
    first.kill();

    let second = home.start(false);
    let client = client.at(&second.served);
    let rest = client
        .resume(before[0].id.as_ref().unwrap())
        .await
        .rest()
        .await;
    assert_eq!(rest[..3], before[1..]);
    let answers = before.iter().chain(&rest[3..]).filter_map(Event::json);
    let answers = answers.filter(|message| message.get("id").is_some());
    let mut answers: Vec<_> = answers
        .map(|message| (message["id"].clone(), message.get("error").is_some()))
        .collect();
    answers.sort_by_key(|(id, _)| id.to_string());
    let expected = [("a", true), ("b", false), ("c", true)];
    assert_eq!(answers, expected.map(|(id, error)| (json!(id), error)));
}

#[tokio::test]
async fn a_call_that_was_cancelled_is_not_told_of_a_restart() {
    let home = Home::new();
    let first = home.start(false);
    let client = Legacy::open(&first.served).await;
    let post = client.tool(7, "climb", json!({"count": 1, "ends": false}));
    let mut stream = first.served.stream(&post).await;
    let last = read_to(&mut stream, 1).await;
    let cancel = json!({"jsonrpc": "2.0", "method": "notifications/cancelled",
                        "params": {"requestId": 7}});
    assert_eq!(client.send(cancel).await.status, 202);
    assert_eq!(stream.rest().await, []);
    // That it ended is written when the stream has ended already.
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    first.kill();

    let second = home.start(false);
    let rest = client.at(&second.served).resume(&last).await.rest().await;
    assert_eq!(rest, []);
}

#[tokio::test]
async fn notices_go_on_where_they_stopped() {
    let home = Home::new();
    let first = home.start(false);
    let client = Legacy::open(&first.served).await;
    let note = json!({"uri": "note:///a"});
    client.ask("resources/subscribe", note).await.result();
    let mut notices = client.listen().await;
    let prime = notices.event().await.unwrap().id.unwrap();
    client.call("touch", json!({})).await.result();
    let seen = notices.event().await.unwrap();
    first.kill();

    let second = home.start(false);
    let client = client.at(&second.served);
    let mut notices = client.resume(&prime).await;
    assert_eq!(notices.event().await.unwrap(), seen);
    client.call("touch", json!({})).await.result();
    let next = notices.event().await.unwrap();
    assert_eq!(next.data, seen.data);
    assert_ne!(next.id, seen.id);
    drop(notices);
    // And in this process as ever.
    let mut notices = client.resume(&seen.id.clone().unwrap()).await;
    assert_eq!(notices.event().await.unwrap(), next);
    second.kill();

    let third = home.start(false);
    let mut notices = client.at(&third.served).resume(&prime).await;
    assert_eq!(notices.event().await.unwrap(), seen);
    assert_eq!(notices.event().await.unwrap(), next);
}

#[tokio::test]
async fn events_that_never_were_cannot_be_resumed_from() {
    let home = Home::new();
    let first = home.start(true);
    let ada = Legacy::open_as(&first.served, "2025-11-25", json!({}), Some("ada")).await;
    let post = ada.tool(1, "climb", json!({"count": 1, "ends": true}));
    let mut stream = first.served.stream(&post).await;
    let last = read_to(&mut stream, 1).await;
    stream.rest().await;
    first.kill();

    let second = home.start(true);
    let ada = ada.at(&second.served);
    let (number, _) = last.split_once('-').unwrap();
    let huge = format!("{number}-{}", u64::MAX);
    let wrong = [
        &*format!("{number}-3"),
        &huge,
        "99-1",
        "18446744073709551615-0",
        "x",
    ];
    for id in wrong {
        let answer = second.served.ask(&ada.get(Some(id))).await;
        assert_eq!(answer.status, 404, "{id}");
    }
    let eve = Legacy::open_as(&second.served, "2025-11-25", json!({}), Some("eve")).await;
    let answer = second.served.ask(&eve.get(Some(&last))).await;
    assert_eq!(answer.status, 404, "somebody else's stream");
    let rest: Vec<Value> = ada
        .resume(&last)
        .await
        .rest()
        .await
        .iter()
        .filter_map(Event::json)
        .collect();
    assert_eq!(text(&rest[0]["result"]), "done");
}

#[tokio::test]
async fn streams_of_two_processes_have_different_numbers() {
    let home = Home::new();
    let first = home.start(false);
    let client = Legacy::open(&first.served).await;
    let arguments = json!({"count": 2, "ends": true});
    let post = client.tool(1, "climb", arguments.clone());
    let before = first.served.stream(&post).await.rest().await;
    first.kill();

    let second = home.start(false);
    let client = client.at(&second.served);
    let post = client.tool(2, "climb", arguments);
    let after = second.served.stream(&post).await.rest().await;
    let ids = |events: &[Event]| -> Vec<_> {
        events
            .iter()
            .map(|event| event.id.clone().unwrap())
            .collect()
    };
    for id in ids(&after) {
        assert!(!ids(&before).contains(&id), "{id} comes twice");
    }
    let prime = ids(&before).swap_remove(0);
    assert_eq!(client.resume(&prime).await.rest().await, before[1..]);
    let prime = ids(&after).swap_remove(0);
    assert_eq!(client.resume(&prime).await.rest().await, after[1..]);
}
