//! The table of errors: what is wrong is answered in the same words everywhere, with the status
//! that belongs to it over HTTP, and the server goes on.

use wharf::{Context, Error, NoArguments, Prompt, Resource, Server, Tool};

use crate::wire::tools::{Person, add, adder, echo};
use crate::wire::{Kind, Legacy, Modern, Peer, Post, Value, json, serve, text};

fn server() -> Server {
    Server::new("Test")
        .tool(add)
        .tool(echo)
        .tool(
            Tool::new("fail").handler(|_: NoArguments, _: Context| async {
                Err::<String, _>(Error::new("out of paper"))
            }),
        )
        .tool(
            Tool::new("boom").handler(|_: NoArguments, _: Context| async {
                if true {
                    panic!("the password is xyzzy");
                }
                "never"
            }),
        )
        .tool(
            Tool::new("ask").handler(|_: NoArguments, ctx: Context| async move {
                let person: Person = ctx.elicit("Who are you?").await?;
                Ok::<_, Error>(person.name)
            }),
        )
        .resource(Resource::text("memo://known", "x"))
        .prompt(
            Prompt::new("review")
                .required("code", "The code")
                .handler(|person: Person, _: Context| async move { person.name }),
        )
}

/// Status over HTTP; there is none on a line.
fn status(kind: Kind, legacy: u16, modern: u16) -> Option<u16> {
    match kind {
        Kind::LegacyHttp => Some(legacy),
        Kind::ModernHttp => Some(modern),
        _ => None,
    }
}

/// Status of what is no message at all: HTTP+SSE says that too where it was posted.
fn unread(kind: Kind) -> Option<u16> {
    match kind {
        Kind::LegacySse | Kind::ModernSse => Some(400),
        _ => status(kind, 400, 400),
    }
}

#[tokio::test]
async fn bytes_that_are_not_json() {
    for kind in Kind::ALL {
        let mut peer = Peer::open(kind, server()).await;
        for body in [
            "{",
            "nonsense",
            "{\"jsonrpc\":\"2.0\",}",
            "\u{feff}{}",
            "{} {}",
            "'",
            "\u{0}",
            "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"",
        ] {
            let reply = peer.raw(body).await;
            assert_eq!(reply.code(), -32700, "{kind:?} {body}");
            assert_eq!(reply.message.get("id"), None, "{kind:?} {body}");
            assert_eq!(reply.status, unread(kind));
            peer.still_answers().await;
        }
    }
}

#[tokio::test]
async fn json_that_is_no_message() {
    for kind in Kind::ALL {
        let mut peer = Peer::open(kind, server()).await;
        for body in [
            "7",
            "\"text\"",
            "null",
            "[]",
            "{}",
            "[1]",
            r#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#,
            r#"{"jsonrpc":"1.0","id":1,"method":"ping"}"#,
            r#"{"id":1,"method":"ping"}"#,
            r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#,
            r#"{"jsonrpc":"2.0","id":1.5,"method":"ping"}"#,
            r#"{"jsonrpc":"2.0","id":{},"method":"ping"}"#,
            r#"{"jsonrpc":"2.0","id":true,"method":"ping"}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":7}"#,
            r#"{"jsonrpc":"2.0","id":1}"#,
            r#"{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"ping","method":"ping"}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":{},"params":{}}"#,
            r#"{"jsonrpc":"2.0","jsonrpc":"2.0","id":1,"method":"ping"}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"ping","result":{}}"#,
            r#"{"jsonrpc":"2.0","result":{}}"#,
        ] {
            let reply = peer.raw(body).await;
            assert_eq!(reply.code(), -32600, "{kind:?} {body}");
            assert_eq!(reply.status, unread(kind), "{kind:?} {body}");
            peer.still_answers().await;
        }
    }
}

#[tokio::test]
async fn unknown_methods() {
    for kind in Kind::ALL {
        let mut peer = Peer::open(kind, server()).await;
        for method in [
            "tools/eat",
            "",
            "Tools/call",
            "sampling/createMessage",
            "notifications/progress",
        ] {
            let reply = peer.request(method, json!({})).await;
            assert_eq!(reply.code(), -32601, "{kind:?} {method}");
            assert_eq!(reply.status, status(kind, 200, 404), "{kind:?} {method}");
            peer.still_answers().await;
        }
        // The other era's methods.
        let other = if kind.is_modern() {
            "ping"
        } else {
            "server/discover"
        };
        let reply = peer.request(other, json!({})).await;
        assert_eq!(reply.code(), -32601, "{kind:?} {other}");
    }
}

#[tokio::test]
async fn params_of_the_wrong_shape_are_named() {
    for kind in Kind::ALL {
        let mut peer = Peer::open(kind, server()).await;
        for (method, params, path) in [
            ("tools/call", json!({"name": 7}), "params.name"),
            ("tools/call", json!({}), "name"),
            ("resources/read", json!({"uri": ["a"]}), "params.uri"),
            ("tools/list", json!({"cursor": 3}), "params.cursor"),
            (
                "completion/complete",
                json!({"ref": {"type": "ref/prompt", "name": "review"},
                "argument": {"name": 1, "value": ""}}),
                "params.argument.name",
            ),
        ] {
            let reply = peer.request(method, params.clone()).await;
            assert_eq!(reply.code(), -32602, "{kind:?} {method} {params}");
            let message = reply.message["error"]["message"].as_str().unwrap();
            assert!(message.contains(path), "{kind:?} {method}: {message}");
            assert_eq!(
                reply.status,
                status(kind, 200, 400),
                "{kind:?} {method} {params}"
            );
            peer.still_answers().await;
        }
        for params in [json!([1, 2]), json!("x"), json!(null), json!(7)] {
            let reply = peer.request("tools/list", params.clone()).await;
            assert_eq!(reply.code(), -32602, "{kind:?} {params}");
        }
        peer.still_answers().await;
    }
}

#[tokio::test]
async fn unknown_tools_and_prompts_name_the_nearest() {
    for kind in Kind::ALL {
        let mut peer = Peer::open(kind, server()).await;
        for (method, name, near) in [
            ("tools/call", "ecko", "`echo`"),
            ("prompts/get", "reviews", "`review`"),
        ] {
            let reply = peer.request(method, json!({"name": name})).await;
            assert_eq!(reply.code(), -32602, "{kind:?} {method}");
            let message = reply.message["error"]["message"].as_str().unwrap();
            assert!(
                message.contains(name) && message.contains(near),
                "{message}"
            );
            assert_eq!(reply.status, status(kind, 200, 200), "{kind:?} {method}");
            peer.still_answers().await;
        }
    }
}

#[tokio::test]
async fn unknown_resources() {
    for kind in Kind::ALL {
        let mut peer = Peer::open(kind, server()).await;
        let reply = peer
            .request("resources/read", json!({"uri": "memo://lost"}))
            .await;
        let code = if kind.is_modern() { -32602 } else { -32002 };
        assert_eq!(reply.code(), code, "{kind:?}");
        assert_eq!(
            reply.message["error"]["data"],
            json!({"uri": "memo://lost"})
        );
        peer.still_answers().await;
    }
}

#[tokio::test]
async fn arguments_that_do_not_fit_are_a_result_of_the_tool() {
    for kind in Kind::ALL {
        let mut peer = Peer::open(kind, server()).await;
        for (arguments, field) in [
            (json!({"a": 1}), "b"),
            (json!({"a": "one", "b": 2}), "a"),
            (json!({"a": 1.5, "b": 2}), "a"),
            (json!([1, 2]), "object"),
        ] {
            let reply = peer.call("add", arguments.clone()).await;
            let result = reply.result();
            assert_eq!(result["isError"], true, "{kind:?} {arguments}");
            assert!(text(result).contains(field), "{kind:?} {result}");
            assert_eq!(reply.status, status(kind, 200, 200));
            peer.still_answers().await;
        }
    }
}

#[tokio::test]
async fn an_error_of_a_handler_is_a_result_with_its_message() {
    for kind in Kind::ALL {
        let mut peer = Peer::open(kind, server()).await;
        let reply = peer.call("fail", json!({})).await;
        assert_eq!(reply.result()["isError"], true, "{kind:?}");
        assert_eq!(text(reply.result()), "out of paper", "{kind:?}");
        peer.still_answers().await;
    }
}

#[tokio::test]
async fn a_panic_is_a_result_with_a_reference_and_no_details() {
    for kind in Kind::ALL {
        let mut peer = Peer::open(kind, server()).await;
        let (one, two) = (
            peer.call("boom", json!({})).await,
            peer.call("boom", json!({})).await,
        );
        assert_eq!(one.result()["isError"], true, "{kind:?}");
        let said = text(one.result());
        assert!(said.starts_with("internal error (reference "), "{said}");
        assert!(!one.message.to_string().contains("xyzzy"));
        assert_ne!(said, text(two.result()), "a reference is for one call");
        peer.still_answers().await;
    }
}

#[tokio::test]
async fn asking_a_client_that_cannot_answer() {
    for kind in Kind::ALL {
        let mut peer = Peer::open_as(kind, server(), json!({})).await;
        let reply = peer.call("ask", json!({})).await;
        if kind.is_modern() {
            assert_eq!(reply.code(), -32021, "{kind:?}");
            let required = &reply.message["error"]["data"]["requiredCapabilities"];
            assert_eq!(*required, json!({"elicitation": {"form": {}}}));
        } else {
            assert_eq!(reply.result()["isError"], true);
            assert!(text(reply.result()).contains("elicitation"), "{reply:?}");
        }
        assert_eq!(reply.status, status(kind, 200, 400));
        peer.still_answers().await;
    }
}

#[tokio::test]
async fn headers_and_bodies_that_disagree() {
    let served = serve(server()).await;
    let client = Modern::new(&served);
    let good = client.post(
        1,
        "tools/call",
        json!({"name": "add", "arguments": {"a": 1, "b": 2}}),
    );
    let other = |name, value: &str| good.clone().set(name, value);
    for (what, post) in [
        (
            "another version",
            other("mcp-protocol-version", "2027-01-01"),
        ),
        (
            "another known version",
            good.clone().without("mcp-protocol-version"),
        ),
        ("another method", other("mcp-method", "tools/list")),
        (
            "another case of the method",
            other("mcp-method", "Tools/Call"),
        ),
        ("no method", good.clone().without("mcp-method")),
        ("another name", other("mcp-name", "echo")),
        ("another case of the name", other("mcp-name", "ADD")),
        ("no name", good.clone().without("mcp-name")),
        ("an empty name", other("mcp-name", "")),
    ] {
        assert_eq!(served.ask(&post).await.error(), (400, -32020), "{what}");
        assert_eq!(text(&served.ask(&good).await.result()), "3");
    }
}

#[tokio::test]
async fn versions_that_nobody_speaks() {
    let served = serve(server()).await;
    let client = Modern::new(&served);
    let good = client.post(1, "tools/list", json!({}));
    for version in ["2027-01-01", "1", "draft", "2026-07-28x", "2025-11-25"] {
        let client = client
            .clone()
            .meta("io.modelcontextprotocol/protocolVersion", version);
        let post = client
            .post(7, "tools/list", json!({}))
            .set("mcp-protocol-version", version);
        let answer = served.ask(&post).await;
        if version == "2025-11-25" {
            // A handshake revision without a session.
            assert_eq!(answer.status, 400, "{answer:?}");
            continue;
        }
        assert_eq!(answer.error(), (400, -32022), "{version}");
        let error = &answer.json()["error"];
        assert_eq!(
            error["data"],
            json!({"supported": ["2026-07-28"], "requested": version})
        );
        assert_eq!(answer.json()["id"], 7);
        assert_eq!(served.ask(&good).await.status, 200);
    }
    let mut line = crate::wire::Line::unix(server());
    let mut params = json!({"_meta": crate::wire::meta(json!({}))});
    params["_meta"]["io.modelcontextprotocol/protocolVersion"] = json!("2027-01-01");
    assert_eq!(
        line.ask("tools/list", params).await["error"]["code"],
        -32022
    );
    let reply = line.ask_modern("tools/list", json!({}), json!({})).await;
    assert!(reply["result"]["tools"].is_array());
}

#[tokio::test]
async fn modern_requests_without_what_they_must_say() {
    for kind in [Kind::ModernLine, Kind::ModernHttp] {
        let mut peer = Peer::open(kind, server()).await;
        let body = peer.request_body("tools/list", json!({}));
        for missing in ["protocolVersion", "clientCapabilities"] {
            let mut body = body.clone();
            let meta = body["params"]["_meta"].as_object_mut().unwrap();
            meta.remove(&format!("io.modelcontextprotocol/{missing}"));
            let reply = peer.raw_as(&body.to_string(), "tools/list", None).await;
            assert_eq!(reply.code(), -32602, "{kind:?} {missing}");
            assert_eq!(reply.status, status(kind, 0, 400));
            peer.still_answers().await;
        }
        let mut body = body.clone();
        body["params"]["_meta"]["io.modelcontextprotocol/logLevel"] = json!("loud");
        let reply = peer.raw_as(&body.to_string(), "tools/list", None).await;
        assert_eq!(reply.code(), -32602, "{kind:?} log level");
        body["params"] = json!({"_meta": {"progressToken": {}}});
        let reply = peer.raw_as(&body.to_string(), "tools/list", None).await;
        assert_eq!(reply.code(), -32602, "{kind:?} progress token");
        peer.still_answers().await;
    }
}

#[tokio::test]
async fn media_types() {
    let served = serve(adder()).await;
    let client = Modern::new(&served);
    let good = client.post(
        1,
        "tools/call",
        json!({"name": "add", "arguments": {"a": 1, "b": 2}}),
    );
    for (status, post) in [
        (415, good.clone().set("content-type", "text/plain")),
        (415, good.clone().set("content-type", "application/jsonp")),
        (415, good.clone().set("content-type", "")),
        (415, good.clone().without("content-type")),
        (415, good.clone().header("content-type", "application/json")),
        (415, good.clone().header("content-encoding", "gzip")),
        (406, good.clone().set("accept", "text/html")),
        (406, good.clone().set("accept", "application/xml, image/*")),
        (
            406,
            good.clone()
                .set("accept", "application/json;q=0, text/html"),
        ),
        (
            200,
            good.clone()
                .set("content-type", "application/json; charset=utf-8"),
        ),
        (200, good.clone().set("content-type", "APPLICATION/JSON")),
        (200, good.clone().without("accept")),
        (200, good.clone().set("accept", "*/*")),
        (200, good.clone().set("accept", "application/json")),
        (200, good.clone().set("accept", "text/event-stream")),
    ] {
        let answer = served.ask(&post).await;
        assert_eq!(answer.status, status, "{:?}", post.headers);
        if status == 200 {
            assert_eq!(text(&answer.result()), "3");
        } else {
            assert!(answer.json()["error"]["message"].is_string());
        }
    }
    // Who accepts only one of the two gets that one.
    let stream = served
        .ask(&good.clone().set("accept", "text/event-stream"))
        .await;
    assert!(stream.is_stream());
    assert!(!served.ask(&good).await.is_stream());
}

#[tokio::test]
async fn other_methods_and_paths() {
    let served = serve(adder()).await;
    for method in ["PUT", "PATCH", "HEAD", "TRACE", "BREW"] {
        let mut wire = served.wire().await;
        wire.send(&Post::bare(method).bytes(served.addr)).await;
        let (status, allow) = if method == "HEAD" {
            // Its answer has no body to read.
            let mut stream = wire;
            stream.stream.set_nodelay(true).unwrap();
            let bytes = crate::wire::soon(async {
                let mut buffer = vec![0; 4096];
                let count = tokio::io::AsyncReadExt::read(&mut stream.stream, &mut buffer).await;
                String::from_utf8_lossy(&buffer[..count.unwrap()]).into_owned()
            })
            .await;
            assert!(bytes.contains("allow: POST"), "{bytes}");
            (bytes.split(' ').nth(1).unwrap().parse().unwrap(), None)
        } else {
            let answer = wire.answer().await;
            (answer.status, answer.header("allow").map(str::to_owned))
        };
        assert_eq!(status, 405, "{method}");
        assert!(method == "HEAD" || allow.unwrap().contains("POST"));
    }
    let client = Modern::new(&served);
    let mut post = client.post(1, "tools/list", json!({}));
    for target in ["/", "/mcp/", "/MCP", "/mcp/x", "//mcp", "/mc%70"] {
        post.target = target.into();
        assert_eq!(served.ask(&post).await.status, 404, "{target}");
    }
    post.target = "/mcp?key=value".into();
    assert_eq!(served.ask(&post).await.status, 200);
    // Before there is a session there is nothing to get or delete.
    for method in ["GET", "DELETE"] {
        let bare = Post::bare(method).header("accept", "text/event-stream");
        assert_eq!(served.ask(&bare).await.status, 400, "{method}");
        let modern = bare.header("mcp-protocol-version", "2026-07-28");
        assert_eq!(served.ask(&modern).await.status, 405, "{method}");
    }
}

#[tokio::test]
async fn before_the_handshake_and_after_the_end_of_a_session() {
    let served = serve(adder()).await;
    let list = json!({"jsonrpc": "2.0", "id": 3, "method": "tools/list"});
    let unopened = served.ask(&Post::new(list.to_string())).await;
    assert_eq!(unopened.status, 400);
    assert_eq!(unopened.json()["id"], 3);
    let notice = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
    assert_eq!(served.ask(&Post::new(notice.to_string())).await.status, 400);

    let client = Legacy::open(&served).await;
    assert_eq!(
        text(&client.call("add", json!({"a": 1, "b": 2})).await.result()),
        "3"
    );
    let again = client
        .send(crate::wire::legacy::initialize("2025-11-25", json!({})))
        .await;
    assert_eq!(again.error(), (400, -32600));

    for wrong in [
        "",
        "x",
        "00000000000000000000000000000000",
        &client.session[1..],
    ] {
        let post = client
            .request("tools/list", json!({}))
            .set("mcp-session-id", wrong);
        assert_eq!(served.ask(&post).await.status, 404, "{wrong}");
    }
    let upper = client.session.to_uppercase();
    if upper != client.session {
        let post = client
            .request("tools/list", json!({}))
            .set("mcp-session-id", upper);
        assert_eq!(served.ask(&post).await.status, 404);
    }
    let twice = client
        .request("tools/list", json!({}))
        .header("mcp-session-id", &client.session);
    assert_eq!(served.ask(&twice).await.status, 400);

    assert_eq!(client.delete().await.status, 204);
    assert_eq!(client.ask("tools/list", json!({})).await.status, 404);
    assert_eq!(client.delete().await.status, 404);
    assert_eq!(served.ask(&client.get(None)).await.status, 404);

    let other = Legacy::open(&served).await;
    assert_eq!(other.ask("tools/list", json!({})).await.status, 200);
}

#[tokio::test]
async fn before_the_handshake_on_a_line() {
    let mut line = crate::wire::Line::unix(adder());
    let reply = line.ask("tools/list", json!({})).await;
    assert_eq!(reply["error"]["code"], -32602);
    let message = reply["error"]["message"].as_str().unwrap();
    assert!(message.contains("initialize"), "{message}");
    assert_eq!(line.ask("ping", json!({})).await["result"], json!({}));
    let opened = line.initialize("2025-06-18", json!({})).await;
    assert_eq!(opened["protocolVersion"], "2025-06-18");
    let again = crate::wire::legacy::initialize("2025-06-18", json!({}));
    line.send(&again).await;
    assert_eq!(line.answer(&json!(0)).await["error"]["code"], -32600);
    assert!(line.ask("tools/list", json!({})).await["result"]["tools"].is_array());
}

#[tokio::test]
async fn a_message_without_an_answer_is_accepted() {
    let served = serve(adder()).await;
    let client = Legacy::open(&served).await;
    for notice in [
        "notifications/cancelled",
        "notifications/roots/list_changed",
        "notifications/x",
    ] {
        let answer = client
            .send(json!({"jsonrpc": "2.0", "method": notice}))
            .await;
        assert_eq!((answer.status, answer.body.len()), (202, 0), "{notice}");
    }
    let answer: Value = json!({"id": "never asked"});
    let refused = client.answer(&answer, json!({})).await;
    assert_eq!(refused.status, 400);
    assert_eq!(client.ask("ping", json!({})).await.result(), json!({}));
}
