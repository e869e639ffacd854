//! Streams of a session that are cut off, and taken up again.

use std::time::Duration;

use wharf::{Context, Limits, NoArguments, Resource, Tool};

use crate::wire::tools::{Person, Watch, adder, steps, wait};
use crate::wire::{
    Event, Legacy, MS, Served, Stream, Value, all_capabilities, json, serve, text, until,
};

/// The progress that an event tells.
fn step(event: &Event) -> Option<i64> {
    let message = event.json()?;
    (message["method"] == "notifications/progress")
        .then(|| message["params"]["progress"].as_f64())?
        .map(|progress| progress as i64)
}

/// Reads until so many steps have come; gives their ids.
async fn read_steps(stream: &mut Stream, count: i64) -> Vec<String> {
    let mut ids = Vec::new();
    for expected in 1..=count {
        let event = loop {
            let event = stream.event().await.expect("an event");
            if !event.data.is_empty() {
                break event;
            }
        };
        assert_eq!(step(&event), Some(expected));
        ids.push(event.id.expect("an id"));
    }
    ids
}

#[tokio::test]
async fn nothing_is_missed_and_nothing_comes_twice() {
    for cut_after in 0..=3 {
        let watch = Watch::new();
        let served = serve(adder().tool(steps(&watch))).await;
        let client = Legacy::open(&served).await;
        let mut stream = served
            .stream(&client.tool("call", "steps", json!({"count": 3})))
            .await;
        let prime = stream.event().await.unwrap();
        assert_eq!(
            prime.data, "",
            "the first event is empty, so that its id is known at once"
        );
        assert!(prime.id.is_some() && prime.retry.is_some());
        let ids = read_steps(&mut stream, cut_after).await;
        let last = ids.last().cloned().or(prime.id).unwrap();
        drop(stream);
        until(|| watch.has_started()).await;
        watch.go();
        until(|| watch.has_finished()).await;

        let mut again = client.resume(&last).await;
        assert!(
            again
                .head
                .header("mcp-session-id")
                .is_none_or(|id| id == client.session)
        );
        let rest: Vec<Event> = again.rest().await;
        let steps: Vec<i64> = rest.iter().filter_map(step).collect();
        assert_eq!(
            steps,
            (cut_after + 1..=6).collect::<Vec<_>>(),
            "cut after {cut_after}"
        );
        let answer = rest.last().unwrap().json().unwrap();
        assert_eq!(
            (&answer["id"], text(&answer["result"])),
            (&json!("call"), "done")
        );
        assert!(!watch.was_dropped());

        // Once more from the same place: the same again. From the end: nothing.
        let same = client.resume(&last).await.rest().await;
        let data =
            |events: &[Event]| -> Vec<Value> { events.iter().filter_map(Event::json).collect() };
        assert_eq!(data(&same), data(&rest));
        let end = rest.last().unwrap().id.clone().unwrap();
        assert_eq!(
            data(&client.resume(&end).await.rest().await),
            Vec::<Value>::new()
        );
    }
}

#[tokio::test]
async fn a_stream_is_taken_up_while_the_call_runs() {
    let watch = Watch::new();
    let served = serve(adder().tool(steps(&watch))).await;
    let client = Legacy::open(&served).await;
    let mut first = served
        .stream(&client.tool(1, "steps", json!({"count": 2})))
        .await;
    let ids = read_steps(&mut first, 2).await;
    // The second reader takes over, although the first is still there.
    let mut second = client.resume(&ids[0]).await;
    let again = loop {
        if let Some(step) = step(&second.event().await.unwrap()) {
            break step;
        }
    };
    assert_eq!(again, 2);
    assert_eq!(first.rest().await, [], "the first has ended");
    watch.go();
    let rest = second.rest().await;
    assert_eq!(rest.iter().filter_map(step).collect::<Vec<_>>(), [3, 4]);
    assert_eq!(
        text(&rest.last().unwrap().json().unwrap()["result"]),
        "done"
    );
}

#[tokio::test]
async fn revisions_before_2025_11_25_get_no_empty_event() {
    for (revision, empty) in [("2025-03-26", 0), ("2025-06-18", 0), ("2025-11-25", 1)] {
        let watch = Watch::new();
        let served = serve(adder().tool(steps(&watch))).await;
        let client = Legacy::open_as(&served, revision, json!({}), None).await;
        let mut stream = served
            .stream(&client.tool(1, "steps", json!({"count": 1})))
            .await;
        watch.go();
        let events = stream.rest().await;
        let primes = events.iter().filter(|event| event.data.is_empty()).count();
        assert_eq!(primes, empty, "{revision}");
        assert!(events.iter().all(|event| event.id.is_some()));
        let mut ids: Vec<_> = events.iter().filter_map(|event| event.id.clone()).collect();
        ids.dedup();
        assert_eq!(ids.len(), events.len(), "ids are unique");
    }
}

#[tokio::test]
async fn ids_of_events_are_unique_in_a_session() {
    let watch = Watch::new();
    let served = serve(adder().tool(steps(&watch))).await;
    let client = Legacy::open(&served).await;
    let mut ids = std::collections::HashSet::new();
    let mut notices = client.listen().await;
    ids.insert(notices.event().await.unwrap().id.unwrap());
    for call in 0..3 {
        let mut stream = served
            .stream(&client.tool(call, "steps", json!({"count": 2})))
            .await;
        watch.go();
        for event in stream.rest().await {
            assert!(
                ids.insert(event.id.clone().unwrap()),
                "{event:?} has an id of before"
            );
        }
    }
}

#[tokio::test]
async fn a_handler_can_let_go_of_the_connection() {
    let watch = Watch::new();
    let inner = std::sync::Arc::clone(&watch);
    let tool = Tool::new("long").handler(move |_: NoArguments, ctx: Context| {
        let watch = std::sync::Arc::clone(&inner);
        async move {
            ctx.info("before").await;
            ctx.close_stream();
            watch.wait().await;
            ctx.info("after").await;
            "done"
        }
    });
    let served = serve(adder().tool(tool)).await;
    let client = Legacy::open(&served).await;
    let mut stream = served.stream(&client.tool(1, "long", json!({}))).await;
    let mut last = None;
    while let Some(event) = stream.event().await {
        last = event.id.or(last);
    }
    assert!(!stream.was_cut(), "the response ends as it should");
    until(|| watch.has_started()).await;
    assert!(!watch.was_dropped() && !watch.has_finished());
    let mut again = client.resume(&last.unwrap()).await;
    watch.go();
    let messages: Vec<Value> = again.rest().await.iter().filter_map(Event::json).collect();
    let logged: Vec<_> = messages
        .iter()
        .filter_map(|message| message["params"]["data"].as_str())
        .collect();
    assert!(
        logged == ["after"] || logged == ["before", "after"],
        "{messages:?}"
    );
    assert_eq!(text(&messages.last().unwrap()["result"]), "done");
}

#[tokio::test]
async fn letting_go_of_the_connection_before_anything_was_said() {
    let watch = Watch::new();
    let inner = std::sync::Arc::clone(&watch);
    let tool = Tool::new("long").handler(move |_: NoArguments, ctx: Context| {
        let watch = std::sync::Arc::clone(&inner);
        async move {
            ctx.close_stream();
            watch.wait().await;
            "done"
        }
    });
    let served = serve(adder().tool(tool)).await;
    let client = Legacy::open(&served).await;
    let mut stream = served.stream(&client.tool(1, "long", json!({}))).await;
    let events = stream.rest().await;
    assert_eq!(events.len(), 1, "one event, to come back with: {events:?}");
    let mut again = client.resume(events[0].id.as_deref().unwrap()).await;
    watch.go();
    let rest = again.rest().await;
    assert_eq!(
        text(&rest.last().unwrap().json().unwrap()["result"]),
        "done"
    );
}

#[tokio::test]
async fn in_2026_07_28_letting_go_does_nothing() {
    let tool = Tool::new("long").handler(|_: NoArguments, ctx: Context| async move {
        ctx.close_stream();
        tokio::time::sleep(20 * MS).await;
        "done"
    });
    let served = serve(adder().tool(tool)).await;
    let answer = crate::wire::Modern::new(&served)
        .call("long", json!({}))
        .await;
    assert_eq!(text(&answer.result()), "done");
}

#[tokio::test]
async fn a_silent_call_becomes_a_stream_that_can_be_taken_up() {
    let watch = Watch::new();
    let limits = Limits {
        stream_after: 50 * MS,
        keep_alive: 50 * MS,
        retry: Duration::from_millis(1234),
        ..Limits::default()
    };
    let served = serve(adder().tool(wait(&watch)).limits(limits)).await;
    let client = Legacy::open(&served).await;
    let mut stream = served.stream(&client.tool(1, "wait", json!({}))).await;
    let prime = stream.event().await.unwrap();
    assert_eq!((prime.data.as_str(), prime.retry), ("", Some(1234)));
    // It is kept open by comments, until it is cut all the same.
    let quiet = tokio::time::timeout(400 * MS, stream.event()).await;
    assert!(quiet.is_err());
    assert!(stream.comments() > 0);
    drop(stream);
    let mut again = client.resume(&prime.id.unwrap()).await;
    watch.go();
    assert_eq!(text(&again.expect().await["result"]), "done");
    assert_eq!(again.message().await, None);
}

#[tokio::test]
async fn an_ask_that_was_not_read_comes_again() {
    let tool = Tool::new("ask").handler(|_: NoArguments, ctx: Context| async move {
        let person: Person = ctx.elicit("Who?").await?;
        Ok::<_, wharf::Error>(person.name)
    });
    let served = serve(adder().tool(tool)).await;
    let client = Legacy::open_as(&served, "2025-11-25", all_capabilities(), None).await;
    let mut stream = served.stream(&client.tool(1, "ask", json!({}))).await;
    let prime = stream.event().await.unwrap().id.unwrap();
    drop(stream);
    let mut again = client.resume(&prime).await;
    let asked = again.expect().await;
    assert_eq!(asked["method"], "elicitation/create");
    drop(again);
    let answer = json!({"action": "accept", "content": {"name": "Ada"}});
    assert_eq!(client.answer(&asked, answer).await.status, 202);
    let rest = client.resume(&prime).await.rest().await;
    assert_eq!(text(&rest.last().unwrap().json().unwrap()["result"]), "Ada");
}

#[tokio::test]
async fn what_is_no_longer_kept_is_not_passed_over_in_silence() {
    let watch = Watch::new();
    let limits = Limits {
        replay_events: 4,
        ..Limits::default()
    };
    let served = serve(adder().tool(steps(&watch)).limits(limits)).await;
    let client = Legacy::open(&served).await;
    let mut stream = served
        .stream(&client.tool(1, "steps", json!({"count": 10})))
        .await;
    let ids = read_steps(&mut stream, 10).await;
    drop(stream);
    for old in &ids[..5] {
        assert_eq!(
            served.ask(&client.get(Some(old))).await.status,
            404,
            "{old}"
        );
    }
    let mut again = client.resume(&ids[9]).await;
    watch.go();
    let rest = again.rest().await;
    assert_eq!(
        rest.iter().filter_map(step).collect::<Vec<_>>(),
        (11..=20).collect::<Vec<_>>()
    );
    assert_eq!(client.ask("ping", json!({})).await.status, 200);
}

#[tokio::test]
async fn old_streams_are_forgotten_before_new_ones_are_refused() {
    let watch = Watch::new();
    let limits = Limits {
        streams_per_session: 3,
        ..Limits::default()
    };
    let served = serve(adder().tool(steps(&watch)).limits(limits)).await;
    let client = Legacy::open(&served).await;
    let mut last = Vec::new();
    for call in 0..6 {
        let mut stream = served
            .stream(&client.tool(call, "steps", json!({"count": 1})))
            .await;
        watch.go();
        let events = stream.rest().await;
        assert_eq!(
            text(&events.last().unwrap().json().unwrap()["result"]),
            "done"
        );
        last.push(events[0].id.clone().unwrap());
    }
    for old in &last[..3] {
        assert_eq!(served.ask(&client.get(Some(old))).await.status, 404);
    }
    for kept in &last[3..] {
        let rest = client.resume(kept).await.rest().await;
        assert_eq!(
            text(&rest.last().unwrap().json().unwrap()["result"]),
            "done"
        );
    }
}

async fn next_notice(stream: &mut Stream) -> String {
    stream.expect().await["method"].as_str().unwrap().to_owned()
}

fn tool(name: &str) -> Tool {
    Tool::new(name).handler(|_: NoArguments, _: Context| async { "x" })
}

async fn notices() -> (Served, wharf::CatalogHandle) {
    let server = adder().resource(Resource::text("memo://a", "x"));
    let catalog = server.catalog().clone();
    (serve(server).await, catalog)
}

#[tokio::test]
async fn notices_of_a_cut_stream_are_kept() {
    let (served, catalog) = notices().await;
    let client = Legacy::open(&served).await;
    let mut stream = client.listen().await;
    let prime = stream.event().await.unwrap().id.unwrap();
    catalog.update(|edit| edit.add_tool(tool("one"))).unwrap();
    let event = stream.event().await.unwrap();
    assert_eq!(
        event.json().unwrap()["method"],
        "notifications/tools/list_changed"
    );
    drop(stream);
    catalog
        .update(|edit| {
            edit.remove_resource("memo://a");
        })
        .unwrap();
    let mut again = client.resume(&event.id.unwrap()).await;
    assert_eq!(
        next_notice(&mut again).await,
        "notifications/resources/list_changed"
    );
    // It goes on as the stream of notices.
    catalog.update(|edit| edit.add_tool(tool("two"))).unwrap();
    assert_eq!(
        next_notice(&mut again).await,
        "notifications/tools/list_changed"
    );
    drop(again);
    let mut all = client.resume(&prime).await;
    for expected in ["tools", "resources", "tools"] {
        assert_eq!(
            next_notice(&mut all).await,
            format!("notifications/{expected}/list_changed")
        );
    }
}

#[tokio::test]
async fn a_second_stream_of_notices_ends_the_first() {
    let (served, catalog) = notices().await;
    let client = Legacy::open(&served).await;
    let mut first = client.listen().await;
    let prime = first.event().await.unwrap().id.unwrap();
    let mut second = client.listen().await;
    second.event().await.unwrap();
    assert_eq!(first.rest().await, []);
    assert!(!first.was_cut());
    catalog.update(|edit| edit.add_tool(tool("one"))).unwrap();
    assert_eq!(
        next_notice(&mut second).await,
        "notifications/tools/list_changed"
    );
    // The stream of before is no more.
    assert_eq!(served.ask(&client.get(Some(&prime))).await.status, 404);
}

#[tokio::test]
async fn delete_ends_everything_of_a_session() {
    let watch = Watch::new();
    let served = serve(adder().tool(steps(&watch))).await;
    let (client, other) = (Legacy::open(&served).await, Legacy::open(&served).await);
    let mut notices = client.listen().await;
    notices.event().await.unwrap();
    let mut call = served
        .stream(&client.tool(1, "steps", json!({"count": 1})))
        .await;
    read_steps(&mut call, 1).await;
    assert_eq!(client.delete().await.status, 204);
    assert_eq!(notices.rest().await, []);
    assert_eq!(call.rest().await, []);
    assert!(
        !notices.was_cut() && !call.was_cut(),
        "both end as they should"
    );
    until(|| watch.was_dropped()).await;
    assert_eq!(other.ask("ping", json!({})).await.status, 200);
}
