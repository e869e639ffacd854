//! Row 20: requests that an intermediary reads differently than the server.

use wharf::{Limits, Server, tool};

use crate::wire::tools::{add, adder, echo};
use crate::wire::{Legacy, MS, Modern, json, serve, text};

/// A server that does not wait long for the rest of what is no request.
fn impatient() -> Server {
    let limits = Limits {
        header_timeout: 300 * MS,
        body_timeout: 300 * MS,
        ..Limits::default()
    };
    Server::new("Test").tool(add).limits(limits)
}

/// Something in a region.
#[tool]
async fn region(
    #[header("Region")] region: String,
    #[header("Count")] count: Option<i64>,
) -> String {
    format!("{region} {}", count.unwrap_or_default())
}

#[tokio::test]
async fn row_20_header_smuggling_repeated_headers() {
    let served = serve(adder()).await;
    let client = Modern::new(&served);
    let good = client.post(
        1,
        "tools/call",
        json!({"name": "add", "arguments": {"a": 1, "b": 2}}),
    );
    for (name, value, status) in [
        ("mcp-method", "tools/call", 400),
        ("mcp-method", "tools/list", 400),
        ("mcp-name", "add", 400),
        ("mcp-name", "echo", 400),
        ("MCP-Name", "echo", 400),
        ("mcp-protocol-version", "2026-07-28", 400),
        ("mcp-protocol-version", "2025-11-25", 400),
        ("content-type", "text/plain", 415),
        ("host", "localhost", 400),
        ("content-length", "1", 400),
    ] {
        let last = good.clone().header(name, value);
        let mut first = good.clone();
        first.headers.insert(0, (name.into(), value.into()));
        for post in [last, first] {
            let post = if name == "host" {
                post.header("host", served.addr.to_string())
            } else if name == "content-length" {
                let length = post.body.len().to_string();
                post.header("content-length", length)
            } else {
                post
            };
            let answer = served.ask_raw(&post.bytes(served.addr)).await;
            assert_eq!(answer, Some(status), "{name}: {value}");
        }
    }
    assert_eq!(served.ask(&good).await.status, 200);
}

#[tokio::test]
async fn row_20_header_smuggling_repeated_versions_in_a_session() {
    let served = serve(adder()).await;
    let client = Legacy::open(&served).await;
    let call = client.tool(1, "add", json!({"a": 1, "b": 2}));
    for other in ["2026-07-28", "2025-11-25", "2025-06-18"] {
        let twice = call.clone().header("mcp-protocol-version", other);
        assert_eq!(served.ask(&twice).await.status, 400, "{other}");
    }
    assert_eq!(served.ask(&call).await.status, 200);
}

#[tokio::test]
async fn row_20_header_smuggling_line_ends_within_headers() {
    let served = serve(impatient()).await;
    let client = Modern::new(&served);
    let good = client.post(
        1,
        "tools/call",
        json!({"name": "add", "arguments": {"a": 1, "b": 2}}),
    );
    let good = String::from_utf8(good.bytes(served.addr)).unwrap();
    for (from, to) in [
        // Folded lines, bare line ends, nothing before the colon, blanks before it, control
        // characters.
        ("mcp-name: add", "mcp-name: add\r\n more"),
        ("mcp-name: add", "mcp-name: a\rdd"),
        ("mcp-name: add", "mcp-name: add\0"),
        ("mcp-name: add", "mcp-name : add"),
        ("mcp-name: add", "mcp-name: add\r\n: x"),
        ("mcp-name: add", "mcp name: add"),
        ("mcp-name: add", "mcp-name: \u{1}add"),
        ("mcp-name: add", "mcp-name\u{0}: add"),
        ("POST /mcp HTTP/1.1", "POST /mcp HTTP/1.1 x"),
        ("POST /mcp HTTP/1.1", "POST  /mcp HTTP/1.1"),
        ("POST /mcp HTTP/1.1", "POST /mcp\r HTTP/1.1"),
        ("POST /mcp HTTP/1.1", "POST /m\0cp HTTP/1.1"),
        ("POST /mcp HTTP/1.1", "POST /mcp HTTP/3.0"),
    ] {
        let bad = good.replace(from, to);
        assert_ne!(bad, good);
        let status = served.ask_raw(bad.as_bytes()).await;
        assert!(
            matches!(status, None | Some(400 | 404)),
            "{to:?}: {status:?}"
        );
    }
    assert_eq!(served.ask_raw(good.as_bytes()).await, Some(200));
}

#[tokio::test]
async fn row_20_header_smuggling_encoded_names() {
    let served = serve(adder().tool(echo)).await;
    let client = Modern::new(&served);
    let good = client.post(
        1,
        "tools/call",
        json!({"name": "add", "arguments": {"a": 1, "b": 2}}),
    );
    for value in ["=?base64?YWRk?=", " add ", "\tadd"] {
        let answer = served.ask(&good.clone().set("mcp-name", value)).await;
        assert_eq!(answer.status, 200, "{value:?}");
    }
    for value in [
        "=?base64?YWR?=",
        "=?base64?YWRk",
        "=?base64?YWRk=?=",
        "=?base64?YWRl?=",
        "=?base64?YW Rk?=",
        "=?base64??=",
        "=?BASE64?YWRk?=",
        "=?base64?_-__?=",
        "=?base64?YWRkYWRk?=",
        "=?base64?//79?=",
        "=?base64?YWRr?=",
        "=?utf-8?B?YWRk?=",
        "=?base64?YWRkDQo=?=",
        "add, echo",
        "add\u{e9}",
        "%61dd",
        "\"add\"",
    ] {
        let answer = served.ask(&good.clone().set("mcp-name", value)).await;
        assert_eq!(answer.error(), (400, -32020), "{value:?}");
    }
}

#[tokio::test]
async fn row_20_header_smuggling_mirrored_arguments() {
    let served = serve(Server::new("Test").tool(region)).await;
    let client = Modern::new(&served);
    let call = |arguments| {
        client.post(
            1,
            "tools/call",
            json!({"name": "region", "arguments": arguments}),
        )
    };
    let good = call(json!({"region": "eu", "count": 2}))
        .header("mcp-param-region", "eu")
        .header("mcp-param-count", "2");
    assert_eq!(text(&served.ask(&good).await.result()), "eu 2");
    for (what, post) in [
        ("another value", good.clone().set("mcp-param-region", "us")),
        ("another case", good.clone().set("mcp-param-region", "EU")),
        ("none", good.clone().without("mcp-param-region")),
        ("an empty one", good.clone().set("mcp-param-region", "")),
        ("repeated", good.clone().header("mcp-param-region", "eu")),
        (
            "repeated, another",
            good.clone().header("Mcp-Param-Region", "us"),
        ),
        (
            "malformed",
            good.clone().set("mcp-param-region", "=?base64?ZX?="),
        ),
        ("not ASCII", good.clone().set("mcp-param-region", "\u{e9}")),
        ("another number", good.clone().set("mcp-param-count", "3")),
        ("no number", good.clone().set("mcp-param-count", "two")),
        (
            "a value for an absent argument",
            call(json!({"region": "eu"}))
                .header("mcp-param-region", "eu")
                .header("mcp-param-count", "2"),
        ),
    ] {
        assert_eq!(served.ask(&post).await.error(), (400, -32020), "{what}");
    }
    let encoded = good.set("mcp-param-region", "=?base64?ZXU=?=");
    assert_eq!(text(&served.ask(&encoded).await.result()), "eu 2");
    // In a session these headers mean nothing.
    let legacy = Legacy::open(&served).await;
    let call = legacy
        .tool(1, "region", json!({"region": "eu"}))
        .header("mcp-param-region", "us");
    assert_eq!(text(&served.ask(&call).await.result()), "eu 0");
}

#[tokio::test]
async fn row_20_header_smuggling_two_lengths_of_a_body() {
    let served = serve(impatient()).await;
    let client = Modern::new(&served);
    let call = |sum: i64| {
        client.post(
            sum,
            "tools/call",
            json!({"name": "add", "arguments": {"a": sum, "b": 0}}),
        )
    };
    let inner = call(2).bytes(served.addr);
    let outer = call(1);
    let chunk = format!(
        "{:x}\r\n{}\r\n0\r\n\r\n",
        outer.body.len(),
        std::str::from_utf8(&outer.body).unwrap()
    );
    let length = (chunk.len() + inner.len()).to_string();
    for order in [
        ["content-length", "transfer-encoding"],
        ["transfer-encoding", "content-length"],
    ] {
        let mut post = outer.clone();
        for name in order {
            let value = if name == "content-length" {
                length.as_str()
            } else {
                "chunked"
            };
            post = post.header(name, value);
        }
        let mut wire = served.wire().await;
        wire.send(&[&post.head(served.addr)[..], chunk.as_bytes(), &inner].concat())
            .await;
        // Refused, or read by its chunks; either way what follows is not read as a request.
        if let Some(answer) = wire.try_answer().await {
            assert!(
                answer.status == 400 || answer.json()["id"] == 1,
                "{answer:?}"
            );
        }
        assert!(
            wire.try_answer().await.is_none(),
            "a second request came through"
        );
    }
    for (name, value) in [
        ("transfer-encoding", "chunked, identity"),
        ("transfer-encoding", "xchunked"),
        ("transfer-encoding", "chunked\u{b}"),
        ("transfer-encoding", "gzip"),
        ("content-length", "+5"),
        ("content-length", "5, 6"),
        ("content-length", "-1"),
        ("content-length", "0x10"),
        ("content-length", "99999999999999999999999"),
    ] {
        let post = outer.clone().header(name, value);
        let mut wire = served.wire().await;
        wire.send(&post.bytes(served.addr)).await;
        let answer = wire.try_answer().await.map(|answer| answer.status);
        assert!(
            matches!(answer, None | Some(400 | 413)),
            "{name}: {value}: {answer:?}"
        );
        assert!(wire.try_answer().await.is_none(), "{name}: {value}");
    }
    // HTTP/1.0 has no chunks.
    let post = outer
        .header("transfer-encoding", "chunked")
        .header("connection", "keep-alive");
    let head = String::from_utf8(post.head(served.addr))
        .unwrap()
        .replace("HTTP/1.1", "HTTP/1.0");
    assert_ne!(
        served.ask_raw(format!("{head}{chunk}").as_bytes()).await,
        Some(200)
    );
}

#[tokio::test]
async fn row_20_header_smuggling_chunks() {
    let served = serve(impatient()).await;
    let client = Modern::new(&served);
    let post = client
        .post(
            1,
            "tools/call",
            json!({"name": "add", "arguments": {"a": 1, "b": 2}}),
        )
        .header("transfer-encoding", "chunked");
    let body = std::str::from_utf8(&post.body).unwrap();
    let size = body.len();
    let ask = |chunks: String| {
        let bytes = [&post.head(served.addr)[..], chunks.as_bytes()].concat();
        let served = &served;
        async move { served.ask_raw(&bytes).await }
    };
    assert_eq!(
        ask(format!("{size:x}\r\n{body}\r\n0\r\n\r\n")).await,
        Some(200)
    );
    let (one, two) = body.split_at(10);
    assert_eq!(
        ask(format!(
            "a\r\n{one}\r\n{:x}\r\n{two}\r\n0\r\n\r\n",
            two.len()
        ))
        .await,
        Some(200)
    );
    for chunks in [
        format!("-{size:x}\r\n{body}\r\n0\r\n\r\n"),
        format!("0x{size:x}\r\n{body}\r\n0\r\n\r\n"),
        format!("{size:x}\r\n{body}xx\r\n0\r\n\r\n"),
        format!("fffffffffffffffff\r\n{body}\r\n0\r\n\r\n"),
        format!("zz\r\n{body}\r\n0\r\n\r\n"),
        "\r\n\r\n".to_owned(),
    ] {
        assert_ne!(ask(chunks.clone()).await, Some(200), "{chunks}");
    }
}
