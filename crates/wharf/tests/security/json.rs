//! Rows 3, 4 and 22: JSON that two readers understand differently, ids that collide, and bombs.

use std::sync::Arc;

use wharf::{Context, Limits, NoArguments, Server, Tool};

use crate::wire::tools::{Person, Watch, add, adder, echo, wait};
use crate::wire::{
    Kind, Legacy, Line, Modern, Peer, Value, all_capabilities, json, serve, text, until,
};

fn server() -> Server {
    Server::new("Test").tool(add).tool(echo).tool(
        Tool::new("raw")
            .raw_handler(|arguments: Value, _: Context| async move { arguments.to_string() }),
    )
}

/// What the tool `add` of 2026-07-28 gets, as a message in pieces.
fn message(id: &str, name: &str, arguments: &str) -> String {
    let meta = crate::wire::meta(json!({}));
    format!(
        r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{{"name":{name},"arguments":{arguments},"_meta":{meta}}}}}"#
    )
}

#[tokio::test]
async fn row_03_json_ambiguity_names_of_members_are_exact() {
    let mut peer = Peer::open(Kind::ModernHttp, server()).await;
    let good = message("1", r#""add""#, r#"{"a":1,"b":2}"#);
    for (from, to, code) in [
        ("\"method\"", "\"Method\"", -32600),
        ("\"method\"", "\"METHOD\"", -32600),
        ("\"jsonrpc\"", "\"JsonRpc\"", -32600),
        ("\"params\"", "\"Params\"", -32602),
        ("\"name\":\"add\"", "\"Name\":\"add\"", -32602),
        ("\"_meta\"", "\"_Meta\"", -32602),
        ("protocolVersion", "protocolversion", -32602),
        // The long s and the Kelvin sign, which fold to `s` and `k`.
        ("\"params\"", "\"param\u{17f}\"", -32602),
        ("\"method\"", "\"method\\u0000\"", -32600),
        ("\"name\":\"add\"", "\"name\\u0000\":\"add\"", -32602),
    ] {
        let body = good.replace(from, to);
        assert_ne!(body, good);
        assert_eq!(peer.raw(&body).await.code(), code, "{to}");
    }
    let body = good.replace("\"arguments\"", "\"Arguments\"");
    assert_eq!(peer.raw(&body).await.result()["isError"], true);
    let reply = peer.raw(&good.replace("\"a\":1", "\"A\":1")).await;
    assert_eq!(reply.result()["isError"], true);
    assert_eq!(text(peer.raw(&good).await.result()), "3");
    // An id in the wrong case is none: the message is a notification, and nothing runs.
    let client = Modern::new(peer.http());
    let mut post = client.post(1, "tools/call", json!({"name": "add"}));
    post.body = good.replace("\"id\"", "\"ID\"").into();
    let answer = peer.http().ask(&post).await;
    assert_eq!((answer.status, answer.body.len()), (202, 0));
}

#[tokio::test]
async fn row_03_json_ambiguity_repeated_members_are_refused() {
    for kind in [Kind::ModernLine, Kind::ModernHttp] {
        let mut peer = Peer::open(kind, server()).await;
        let good = message("1", r#""add""#, r#"{"a":1,"b":2}"#);
        for (from, to, code) in [
            ("\"id\":1", "\"id\":1,\"id\":1", -32600),
            ("\"id\":1", "\"id\":1,\"\\u0069d\":2", -32600),
            (
                "\"jsonrpc\":\"2.0\"",
                "\"jsonrpc\":\"1.0\",\"jsonrpc\":\"2.0\"",
                -32600,
            ),
            (
                "\"method\":",
                "\"\\u006dethod\":\"tools/list\",\"method\":",
                -32600,
            ),
            ("\"params\":", "\"params\":{},\"params\":", -32600),
            ("\"params\":", "\"params\":null,\"params\":", -32600),
            (
                "\"name\":\"add\"",
                "\"name\":\"echo\",\"name\":\"add\"",
                -32600,
            ),
            (
                "\"name\":\"add\"",
                "\"na\\u006de\":\"echo\",\"name\":\"add\"",
                -32600,
            ),
            ("\"arguments\":", "\"arguments\":{},\"arguments\":", -32600),
            ("\"_meta\":", "\"_meta\":{},\"_meta\":", -32600),
            (
                "\"io.modelcontextprotocol/protocolVersion\":",
                "\"io.modelcontextprotocol/protocolVersion\":\"2025-11-25\",\"io.modelcontextprotocol/protocolVersion\":",
                -32600,
            ),
        ] {
            let body = good.replacen(from, to, 1);
            assert_ne!(body, good, "{from}");
            assert_eq!(peer.raw(&body).await.code(), code, "{kind:?} {to}");
        }
        for twice in [
            "\"a\":5,\"a\":1",
            "\"a\":5.0,\"a\":1",
            "\"a\":1,\"\\u0061\":5.0",
        ] {
            let reply = peer.raw(&good.replace("\"a\":1", twice)).await;
            assert_eq!(reply.result()["isError"], true, "{kind:?} {twice}");
        }
        assert_eq!(text(peer.raw(&good).await.result()), "3");
    }
}

#[tokio::test]
async fn row_03_json_ambiguity_numbers_text_and_marks() {
    for kind in [Kind::ModernLine, Kind::ModernHttp] {
        let mut peer = Peer::open(kind, server()).await;
        // Ids are echoed as they came, whatever their size.
        for id in [
            "0",
            "-1",
            "9007199254740993",
            "9223372036854775807",
            "9223372036854775808",
            "18446744073709551616",
            "-9223372036854775809",
            "123456789012345678901234567890123456789012345678901234567890",
            r#""""#,
            r#""1""#,
            r#""\u0000""#,
            r#""é\ud83d\ude00""#,
        ] {
            let raw = peer.raw(&message(id, r#""add""#, r#"{"a":1,"b":2}"#)).await;
            assert_eq!(text(raw.result()), "3", "{kind:?} {id}");
            let same: Value = serde_json::from_str(id).unwrap();
            assert_eq!(raw.message["id"], same, "{kind:?}");
        }
        for id in [
            "1e2",
            "1.0",
            "1e400",
            "-",
            "[1]",
            "false",
            &format!("\"{}\"", "x".repeat(2000)),
        ] {
            let reply = peer.raw(&message(id, r#""add""#, "{}")).await;
            let code = if id == "-" { -32700 } else { -32600 };
            assert_eq!(reply.code(), code, "{kind:?} {id}");
        }
        for arguments in [
            r#"{"a":1e400,"b":2}"#,
            r#"{"a":9223372036854775808,"b":2}"#,
            r#"{"a":1,"b":2,"c":1e400}"#,
        ] {
            let reply = peer.raw(&message("1", r#""add""#, arguments)).await;
            // An unknown argument is not read at all; one that counts must fit.
            let refused = !arguments.contains("\"c\"");
            assert_eq!(
                reply.result()["isError"] == true,
                refused,
                "{kind:?} {arguments}"
            );
        }
        // Half a surrogate pair is no character in any text that is read.
        for half in [r#""\ud800""#, r#""\udc00x""#, r#""\ud800\u0041""#] {
            let arguments = format!(r#"{{"text":{half}}}"#);
            let body = message("1", r#""echo""#, &arguments);
            let reply = peer.raw_as(&body, "tools/call", Some("echo")).await;
            assert_eq!(reply.result()["isError"], true, "{kind:?} {half}");
            let reply = peer.raw(&message(half, r#""add""#, "{}")).await;
            assert!([-32600, -32700].contains(&reply.code()), "{kind:?} {half}");
            let reply = peer.raw(&message("1", half, "{}")).await;
            assert!([-32602, -32020].contains(&reply.code()), "{kind:?} {half}");
        }
        // A name with a NUL at its end is another name.
        let body = message("1", r#""add\u0000""#, "{}");
        let reply = peer
            .raw_as(&body, "tools/call", Some("=?base64?YWRkAA==?="))
            .await;
        assert_eq!(reply.code(), -32602, "{kind:?}");
        assert!(
            !reply.message["error"]["message"]
                .as_str()
                .unwrap()
                .contains('\0')
        );
        let good = message("1", r#""add""#, r#"{"a":1,"b":2}"#);
        for broken in [
            format!("\u{feff}{good}"),
            good.replace("\"add\"", "\"a\u{0}dd\""),
            good.replace("\"add\"", "'add'"),
            good.replace("\"a\":1", "\"a\":01"),
            good.replace("\"a\":1", "\"a\":+1"),
            good.replace("\"a\":1", "\"a\":0x1"),
            good.replace("\"a\":1", "\"a\":NaN"),
            good.replace("\"a\":1", "\"a\":1,"),
            good.replace("\"a\":1", "/* */\"a\":1"),
            format!("{good}x"),
            good.replace(':', "\u{a0}:"),
        ] {
            assert_eq!(peer.raw(&broken).await.code(), -32700, "{kind:?} {broken}");
        }
        assert_eq!(text(peer.raw(&good).await.result()), "3");
    }
}

#[tokio::test]
async fn row_03_json_ambiguity_bytes_that_are_no_text() {
    let served = serve(server()).await;
    let client = Modern::new(&served);
    let good = client.post(
        1,
        "tools/call",
        json!({"name": "add", "arguments": {"a": 1, "b": 2}}),
    );
    let at = good.body.iter().position(|byte| *byte == b'a').unwrap();
    for bytes in [
        &[0xff][..],
        &[0xc0, 0xaf],
        &[0xed, 0xa0, 0x80],
        &[0xf4, 0x90, 0x80, 0x80],
        &[0x80],
    ] {
        let mut post = good.clone();
        // Within a text of the envelope, of the parameters, and of an argument's name.
        for place in [at, post.body.len() / 2, post.body.len() - 20] {
            post.body = good.body.clone();
            post.body.splice(place..place, bytes.iter().copied());
            let answer = served.ask(&post).await;
            assert!(answer.status == 400, "{bytes:?} at {place}: {answer:?}");
        }
    }
    assert_eq!(served.ask(&good).await.status, 200);
}

/// What a reader that follows the rules of the envelope makes of a text.
#[derive(Debug, PartialEq)]
enum Read {
    NotJson,
    NoMessage,
    Request(Value),
    NoRequest,
}

/// The members of the outermost object, all of them, in order.
struct Members(Vec<(String, Value)>);

impl<'de> serde::Deserialize<'de> for Members {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Members;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: serde::de::MapAccess<'de>>(
                self,
                mut map: A,
            ) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Visitor)
    }
}

fn read(bytes: &[u8]) -> Read {
    if serde_json::from_slice::<Value>(bytes).is_err() {
        return Read::NotJson;
    }
    let Ok(Members(members)) = serde_json::from_slice(bytes) else {
        return Read::NoMessage;
    };
    let known = ["jsonrpc", "id", "method", "params", "result", "error"];
    let mut seen = std::collections::HashMap::new();
    for (name, value) in members {
        if known.contains(&&*name) && seen.insert(name, value).is_some() {
            return Read::NoMessage;
        }
    }
    let id = seen.get("id");
    let id_fits = id.is_none_or(|id| id.is_string() || id.is_i64() || id.is_u64());
    if seen.get("jsonrpc") != Some(&json!("2.0")) {
        return Read::NoMessage;
    }
    let answers = [seen.contains_key("result"), seen.contains_key("error")];
    match (seen.get("method"), id, answers) {
        (Some(method), id, [false, false]) if method.is_string() && id_fits => {
            id.map_or(Read::NoRequest, |id| Read::Request(id.clone()))
        }
        (None, Some(_), [true, false] | [false, true]) if id_fits => Read::NoRequest,
        (None, Some(Value::Null) | None, [false, true]) => Read::NoRequest,
        _ => Read::NoMessage,
    }
}

#[tokio::test]
async fn row_03_json_ambiguity_the_same_verdict_as_serde_json_on_mangled_messages() {
    let mut line = Line::duplex(server(), 1 << 16);
    let seeds = [
        message("7", r#""add""#, r#"{"a":1,"b":2}"#),
        r#"{"jsonrpc":"2.0","id":"x","method":"ping","params":{}}"#.to_owned(),
        r#"{"jsonrpc":"2.0","id":5,"result":{}}"#.to_owned(),
        r#"{"jsonrpc":"2.0","id":5,"error":{"code":1,"message":"m"}}"#.to_owned(),
        r#"{"id":3,"method":"tools/list","jsonrpc":"2.0","more":[1,{"a":null}],"params":null}"#
            .to_owned(),
    ];
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = |below: usize| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        (random >> 11) as usize % below
    };
    let spice = b"{}[]\",:\\u0eE.-+ \tntf19\x00\x7f\xff\xc3\xa9";
    let (mut verdicts, mut count) = ([0; 4], 0);
    while count < 3000 {
        let mut bytes = seeds[next(seeds.len())].clone().into_bytes();
        for _ in 0..1 + next(3) {
            let at = next(bytes.len());
            match next(4) {
                0 => bytes[at] = spice[next(spice.len())],
                1 => bytes.insert(at, spice[next(spice.len())]),
                2 => {
                    bytes.remove(at);
                }
                _ => {
                    let end = at + next(bytes.len() - at).min(24);
                    let part = bytes[at..end].to_vec();
                    bytes.splice(at..at, part);
                }
            }
        }
        // A number that fits no `f64` is JSON to one reader and not to the other.
        let text = String::from_utf8_lossy(&bytes);
        if bytes.contains(&b'\n') || text.contains(['e', 'E']) && text.contains("e9") {
            continue;
        }
        if bytes.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        count += 1;
        let expected = read(&bytes);
        bytes.push(b'\n');
        line.send_bytes(&bytes).await;
        let mark = format!("mark-{count}");
        line.send(&json!({"jsonrpc": "2.0", "id": mark, "method": "ping"}))
            .await;
        line.before.clear();
        line.answer(&json!(mark)).await;
        let answers = std::mem::take(&mut line.before);
        let shown = String::from_utf8_lossy(&bytes);
        assert!(answers.len() <= 1, "{shown} {answers:?}");
        let answer = answers.first();
        let code = answer.and_then(|answer| answer["error"]["code"].as_i64());
        let verdict = match &expected {
            Read::NotJson => {
                // Text that is not read needs not be well-formed beyond where it ends.
                let surrogate = shown.contains("\\u") || shown.contains("\\");
                assert!(code == Some(-32700) || surrogate, "{shown} {answer:?}");
                0
            }
            Read::NoMessage => {
                assert_eq!(code, Some(-32600), "{shown}");
                1
            }
            Read::Request(id) => {
                let answer = answer.unwrap_or_else(|| panic!("no answer: {shown}"));
                assert_eq!(answer["id"], *id, "{shown}");
                2
            }
            Read::NoRequest => {
                assert_eq!(answer, None, "{shown}");
                3
            }
        };
        verdicts[verdict] += 1;
    }
    assert!(verdicts.iter().all(|count| *count > 50), "{verdicts:?}");
}

#[tokio::test]
async fn row_04_answers_do_not_cross_between_clients_with_the_same_ids() {
    let (one, two) = (Watch::new(), Watch::new());
    let tools = |watch: &Arc<Watch>, name: &'static str| {
        let watch = Arc::clone(watch);
        Tool::new(name).handler(move |_: NoArguments, _: Context| {
            let watch = Arc::clone(&watch);
            async move {
                watch.wait().await;
                name
            }
        })
    };
    let served = serve(
        Server::new("Test")
            .tool(tools(&one, "one"))
            .tool(tools(&two, "two")),
    )
    .await;
    let (ada, eve) = (Legacy::open(&served).await, Legacy::open(&served).await);
    assert_ne!(ada.session, eve.session);
    let (posts, watches) = (
        [ada.tool(1, "one", json!({})), eve.tool(1, "two", json!({}))],
        [&one, &two],
    );
    let (ada_answer, eve_answer, ()) = tokio::join!(
        served.ask(&posts[0]),
        served.ask(&posts[1]),
        async {
            until(|| watches.iter().all(|watch| watch.has_started())).await;
            // Cancelling an id in one session leaves it alone in the other.
            let cancel = json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 2}});
            assert_eq!(eve.send(cancel).await.status, 202);
            two.go();
            until(|| two.has_finished()).await;
            one.go();
        }
    );
    assert_eq!(text(&ada_answer.result()), "one");
    assert_eq!(text(&eve_answer.result()), "two");
}

#[tokio::test]
async fn row_04_ids_in_flight_are_unique_and_typed() {
    for kind in [Kind::LegacyLine, Kind::ModernLine] {
        let watch = Watch::new();
        let mut peer = Peer::open(kind, adder().tool(wait(&watch))).await;
        let mut call = peer.request_body("tools/call", json!({"name": "wait"}));
        let line = peer.line();
        call["id"] = json!(1);
        line.send(&call).await;
        until(|| watch.has_started()).await;
        // The same id again is refused without one: its answer could be taken for the other's.
        line.send(&call).await;
        let refused = line.expect().await;
        assert_eq!(refused["error"]["code"], -32600);
        assert_eq!(refused.get("id"), None);
        assert_eq!(watch.started(), 1, "{kind:?}");
        // The text "1" is another id than the number 1.
        call["id"] = json!("1");
        line.send(&call).await;
        until(|| watch.started() == 2).await;
        watch.go();
        let first = line.expect().await;
        assert_eq!(text(&first["result"]), "done");
        watch.go();
        let second = line.expect().await;
        assert_ne!(first["id"], second["id"]);
        // Once answered an id may be used again.
        peer.still_answers().await;
    }
}

#[tokio::test]
async fn row_04_ids_in_flight_are_unique_in_a_session() {
    let watch = Watch::new();
    let served = serve(adder().tool(wait(&watch))).await;
    let client = Legacy::open(&served).await;
    let call = client.tool(1, "wait", json!({}));
    let (answer, ()) = tokio::join!(served.ask(&call), async {
        until(|| watch.has_started()).await;
        let again = served.ask(&call).await;
        assert_eq!(again.error(), (400, -32600));
        assert_eq!(watch.started(), 1);
        let other = client.tool("1", "add", json!({"a": 1, "b": 2}));
        assert_eq!(served.ask(&other).await.json()["id"], "1");
        watch.go();
    });
    assert_eq!(text(&answer.result()), "done");
    watch.go();
    assert_eq!(text(&served.ask(&call).await.result()), "done");
}

#[tokio::test]
async fn row_04_answers_to_asks_count_only_from_the_session_that_was_asked() {
    let ask = Tool::new("ask").handler(|_: NoArguments, ctx: Context| async move {
        let person: Person = ctx.elicit("Who are you?").await?;
        Ok::<_, wharf::Error>(person.name)
    });
    let served = serve(adder().tool(ask)).await;
    let open = || Legacy::open_as(&served, "2025-11-25", all_capabilities(), None);
    let (ada, eve) = (open().await, open().await);
    let mut stream = served.stream(&ada.tool(1, "ask", json!({}))).await;
    let asked = stream.expect().await;
    assert_eq!(asked["method"], "elicitation/create");
    let id = asked["id"].as_str().unwrap();
    assert!(id.len() >= 32, "an id that cannot be guessed: {id}");
    let forged = json!({"action": "accept", "content": {"name": "Eve"}});
    assert_eq!(eve.answer(&asked, forged.clone()).await.status, 400);
    for guess in [
        json!(1),
        json!(0),
        json!(null),
        json!(id[1..]),
        json!(id.to_uppercase() + "x"),
    ] {
        let answer = json!({"id": guess});
        assert_eq!(
            ada.answer(&answer, forged.clone()).await.status,
            400,
            "{guess}"
        );
    }
    let honest = json!({"action": "accept", "content": {"name": "Ada"}});
    assert_eq!(ada.answer(&asked, honest.clone()).await.status, 202);
    assert_eq!(text(&stream.expect().await["result"]), "Ada");
    assert_eq!(
        ada.answer(&asked, honest).await.status,
        400,
        "an ask is answered once"
    );
}

fn roomy() -> Limits {
    Limits {
        message_bytes: 32 << 20,
        ..Limits::default()
    }
}

#[tokio::test]
async fn row_22_depth_bombs() {
    const DEPTH: usize = 100_000;
    let closed = format!("{}{}", "[".repeat(DEPTH), "]".repeat(DEPTH));
    let objects = format!("{}1{}", r#"{"a":"#.repeat(DEPTH), "}".repeat(DEPTH));
    let good = message("1", r#""add""#, r#"{"a":1,"b":2}"#);
    for kind in Kind::ALL {
        let mut peer = Peer::open(kind, server()).await;
        peer.raw(&"[".repeat(DEPTH)).await.code();
        peer.raw(&r#"{"a":"#.repeat(DEPTH)).await.code();
        for bomb in [&closed, &objects] {
            peer.raw(bomb).await.code();
            for body in [
                good.replace("\"id\":1", &format!("\"id\":{bomb}")),
                good.replace(":{\"a\":1", &format!(":{{\"a\":{bomb}")),
                good.replace("{\"a\":1,\"b\":2}", bomb),
                good.replace("\"name\":\"add\"", &format!("\"name\":{bomb}")),
                good.replace(
                    "\"name\":\"add\"",
                    &format!("\"name\":\"add\",\"more\":{bomb}"),
                ),
                good.replace(
                    "\"name\":\"add\"",
                    &format!("\"name\":\"add\",\"inputResponses\":{bomb}"),
                ),
                good.replace(
                    "\"name\":\"add\"",
                    &format!("\"name\":\"add\",\"inputResponses\":{{\"k\":{bomb}}}"),
                ),
                good.replace(
                    "\"name\":\"add\"",
                    &format!("\"name\":\"add\",\"requestState\":{bomb}"),
                ),
                good.replace(
                    "\"clientCapabilities\":{}",
                    &format!("\"clientCapabilities\":{bomb}"),
                ),
                good.replace(
                    "\"io.modelcontextprotocol/clientInfo\"",
                    &format!("\"x\":{bomb},\"io.modelcontextprotocol/clientInfo\""),
                ),
                good.replace(
                    "\"jsonrpc\":\"2.0\"",
                    &format!("\"jsonrpc\":\"2.0\",\"more\":{bomb}"),
                ),
                good.replace("\"jsonrpc\":\"2.0\"", &format!("\"jsonrpc\":{bomb}")),
                good.replace("\"add\"", "\"raw\"")
                    .replace("{\"a\":1,\"b\":2}", &format!("{{\"a\":{bomb}}}")),
            ] {
                // Answered one way or another: it is enough that the server lives.
                peer.raw(&body).await;
            }
        }
        peer.still_answers().await;
    }
}

#[tokio::test]
async fn row_22_width_bombs() {
    const WIDTH: usize = 1_000_000;
    let mut keys = String::with_capacity(WIDTH * 14);
    for number in 0..WIDTH {
        keys += &format!("\"k{number:x}\":1,");
    }
    let same = "\"a\":1,".repeat(WIDTH);
    let values = format!("[{}1]", "1,".repeat(WIDTH));
    let good = message("1", r#""add""#, r#"{"a":1,"b":2}"#);
    for kind in [Kind::LegacyLine, Kind::ModernHttp] {
        let mut peer = Peer::open(kind, server().limits(roomy())).await;
        for body in [
            good.replace("\"a\":1", &format!("{keys}\"a\":1")),
            good.replace("\"a\":1", &format!("{same}\"a\":1")),
            good.replace("\"jsonrpc\"", &format!("{keys}\"jsonrpc\"")),
            good.replace("\"name\"", &format!("{keys}\"name\"")),
            good.replace(
                "\"name\"",
                &format!("\"inputResponses\":{{{keys}\"z\":{{}}}},\"name\""),
            ),
            good.replace("\"_meta\":{", &format!("\"_meta\":{{{keys}")),
            good.replace("\"a\":1", &format!("\"a\":{values}")),
        ] {
            peer.raw(&body).await;
        }
        peer.still_answers().await;
    }
}
