//! Rows 1 and 2: web pages that call a server on the machine of the person who visits them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use wharf::http::HttpOptions;
use wharf::{Context, NoArguments, Server, Tool};

use crate::wire::h2::Http2;
use crate::wire::tools::adder;
use crate::wire::{Legacy, Modern, Post, Served, json, serve, serve_at};

const FOREIGN_HOSTS: [&str; 14] = [
    "evil.com",
    "EVIL.COM",
    "evil.com:80",
    "localhost.evil.com",
    "evil.com.localhost.evil.com",
    "127.0.0.1.nip.io",
    "localhost.",
    "localhost@evil.com",
    "evil.com@localhost",
    "user:secret@localhost",
    "[::1].evil.com",
    "127.1",
    "2130706433",
    "10.0.0.1",
];

fn post(served: &Served) -> Post {
    Modern::new(served).post(
        1,
        "tools/call",
        json!({"name": "add", "arguments": {"a": 1, "b": 2}}),
    )
}

#[tokio::test]
async fn row_01_dns_rebinding_foreign_hosts() {
    let served = serve(adder()).await;
    let port = served.addr.port();
    let good = post(&served);
    for host in FOREIGN_HOSTS
        .into_iter()
        .chain(["", " ", "localhost:x", "localhost:99999", "a b"])
    {
        let answer = served.ask(&good.clone().header("host", host)).await;
        assert_eq!(answer.status, 421, "{host}");
        let message = answer.json()["error"]["message"].to_string();
        assert!(message.contains("allowed_hosts"), "{message}");
    }
    for host in [
        format!("localhost:{port}"),
        format!("LOCALHOST:{port}"),
        format!("127.0.0.1:{port}"),
        "localhost".into(),
        format!("[::1]:{port}"),
    ] {
        assert_eq!(
            served.ask(&good.clone().header("host", &host)).await.status,
            200,
            "{host}"
        );
    }
}

#[tokio::test]
async fn row_01_dns_rebinding_whatever_the_method() {
    let served = serve(adder()).await;
    for method in ["GET", "DELETE", "OPTIONS", "PUT"] {
        let foreign = Post::bare(method).header("host", "evil.com");
        assert_eq!(served.ask(&foreign).await.status, 421, "{method}");
        let page = Post::bare(method).header("origin", "http://evil.com");
        assert_eq!(served.ask(&page).await.status, 403, "{method}");
    }
    // A session that is known does not help.
    let client = Legacy::open(&served).await;
    for request in [client.get(None), client.request("tools/list", json!({}))] {
        assert_eq!(
            served
                .ask(&request.clone().header("host", "evil.com"))
                .await
                .status,
            421
        );
        let page = request.header("origin", "http://evil.com");
        assert_eq!(served.ask(&page).await.status, 403);
    }
}

#[tokio::test]
async fn row_01_dns_rebinding_foreign_origins() {
    let served = serve(adder()).await;
    let port = served.addr.port();
    let good = post(&served);
    for origin in [
        "http://evil.com",
        "https://evil.com",
        "http://localhost.evil.com",
        "http://127.0.0.1.nip.io",
        "http://evil.com#localhost",
        "http://localhost@evil.com",
        "http://localhost/",
        "http://localhost.",
        "null",
        "",
        "localhost",
        "file://",
        "chrome-extension://localhost",
        "HTTP://LOCALHOST:1\u{a0}",
    ] {
        let answer = served.ask(&good.clone().header("origin", origin)).await;
        assert_eq!(answer.status, 403, "{origin}");
        assert_eq!(
            answer.header("access-control-allow-origin"),
            None,
            "{origin}"
        );
        assert!(
            answer.json()["error"]["message"]
                .to_string()
                .contains("allowed_origins")
        );
    }
    for origin in [
        format!("http://127.0.0.1:{port}"),
        "http://localhost:6274".into(),
    ] {
        let answer = served.ask(&good.clone().header("origin", &origin)).await;
        assert_eq!(answer.status, 200, "{origin}");
        assert_eq!(answer.header("access-control-allow-origin"), Some(&*origin));
    }
    let two = good
        .clone()
        .header("origin", "http://localhost")
        .header("origin", "http://evil.com");
    assert_eq!(served.ask(&two).await.status, 403);
}

#[tokio::test]
async fn row_01_dns_rebinding_two_hosts_none_and_targets_with_a_host() {
    let served = serve(adder()).await;
    let good = post(&served);
    let host = served.addr.to_string();
    let two = good
        .clone()
        .header("host", &host)
        .header("host", "evil.com");
    assert_eq!(served.ask(&two).await.status, 400);
    let two = good
        .clone()
        .header("host", "evil.com")
        .header("host", &host);
    assert_eq!(served.ask(&two).await.status, 400);

    let mut wire = served.wire().await;
    let none = String::from_utf8(good.bytes(served.addr)).unwrap();
    let none = none.replace(&format!("host: {host}\r\n"), "");
    wire.send(none.as_bytes()).await;
    assert_eq!(wire.answer().await.status, 400);
    let mut wire = served.wire().await;
    wire.send(none.replace("HTTP/1.1", "HTTP/1.0").as_bytes())
        .await;
    assert_eq!(wire.answer().await.status, 421);

    let mut absolute = good.clone().header("host", "evil.com");
    absolute.target = "http://evil.com/mcp".into();
    assert_eq!(served.ask(&absolute).await.status, 421);
    let mut absolute = good.clone().header("host", &host);
    absolute.target = "http://evil.com/mcp".into();
    assert_eq!(served.ask(&absolute).await.status, 400);
    let mut absolute = good.clone().header("host", "evil.com");
    absolute.target = format!("http://{host}/mcp");
    assert_eq!(served.ask(&absolute).await.status, 400);
    let mut absolute = good.header("host", &host);
    absolute.target = format!("http://{host}/mcp");
    assert_eq!(served.ask(&absolute).await.status, 200);
}

#[tokio::test]
async fn row_01_dns_rebinding_over_http_2() {
    let served = serve(adder()).await;
    let good = post(&served);
    let client = Http2::open(served.addr).await;
    assert_eq!(client.ask(&good).await.status, 200);
    for authority in [
        "evil.com",
        "localhost.evil.com",
        "127.0.0.1.nip.io",
        "localhost.",
    ] {
        assert_eq!(
            client.ask_as(&good, authority).await.status,
            421,
            "{authority}"
        );
    }
    let both = good.clone().header("host", "evil.com");
    assert_eq!(client.ask(&both).await.status, 400);
    let page = good.clone().header("origin", "http://evil.com");
    assert_eq!(client.ask(&page).await.status, 403);
    assert_eq!(client.ask(&good).await.status, 200);
}

#[tokio::test]
async fn row_01_dns_rebinding_public_addresses_need_a_decision() {
    for address in ["0.0.0.0:0", "[::]:0"] {
        let refused = adder().bind(address).await.map(drop).unwrap_err();
        assert!(refused.to_string().contains("allow_public"), "{refused}");
    }
    let options = HttpOptions {
        allow_public: true,
        ..HttpOptions::default()
    };
    let mut served = serve_at(adder().http(options), "0.0.0.0:0").await;
    served.addr.set_ip([127, 0, 0, 1].into());
    let good = post(&served);
    assert_eq!(served.ask(&good).await.status, 200);
    // Any address is a name that nobody can point elsewhere; names are still to be known.
    assert_eq!(
        served
            .ask(&good.clone().header("host", "10.1.2.3"))
            .await
            .status,
        200
    );
    for host in ["evil.com", "127.0.0.1.nip.io", "10.1.2.3.evil.com"] {
        assert_eq!(
            served.ask(&good.clone().header("host", host)).await.status,
            421,
            "{host}"
        );
    }
}

#[tokio::test]
async fn row_01_dns_rebinding_names_that_were_allowed() {
    let options = HttpOptions {
        allowed_hosts: vec!["mcp.example.com".into()],
        allowed_origins: vec!["https://app.example.com".into()],
        ..HttpOptions::default()
    };
    let served = serve(adder().http(options)).await;
    let good = post(&served);
    for (status, host, origin) in [
        (200, "mcp.example.com", "https://app.example.com"),
        (200, "MCP.EXAMPLE.COM:443", "https://app.example.com"),
        (200, "localhost", "https://app.example.com"),
        (403, "mcp.example.com", "https://app.example.com.evil.com"),
        (403, "mcp.example.com", "https://app.example.com:8443"),
        (403, "mcp.example.com", "http://app.example.com"),
        (421, "mcp.example.com.evil.com", "https://app.example.com"),
        (421, "sub.mcp.example.com", "https://app.example.com"),
        (421, "mcp.example.com.", "https://app.example.com"),
    ] {
        let answer = served
            .ask(&good.clone().header("host", host).header("origin", origin))
            .await;
        assert_eq!(answer.status, status, "{host} {origin}");
    }
}

fn counting() -> (Server, Arc<AtomicUsize>) {
    let count = Arc::new(AtomicUsize::new(0));
    let calls = Arc::clone(&count);
    let tool = Tool::new("add").handler(move |_: NoArguments, _: Context| {
        calls.fetch_add(1, Ordering::SeqCst);
        async { "done" }
    });
    (Server::new("Test").tool(tool), count)
}

#[tokio::test]
async fn row_02_cross_site_requests_that_need_no_preflight() {
    let (server, calls) = counting();
    let served = serve(server).await;
    let good = Modern::new(&served).post(1, "tools/call", json!({"name": "add"}));
    // What a page may send to anywhere without asking first, and variations on it.
    for media_type in [
        "text/plain",
        "text/plain;charset=UTF-8",
        "text/plain; application/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/json, text/plain",
        "text/plain, application/json",
        "application/jsonx",
        "",
    ] {
        let answer = served
            .ask(&good.clone().set("content-type", media_type))
            .await;
        assert_eq!(answer.status, 415, "{media_type}");
    }
    assert_eq!(
        served
            .ask(&good.clone().without("content-type"))
            .await
            .status,
        415
    );
    let client = Legacy::open(&served).await;
    let call = client.request("tools/call", json!({"name": "add"}));
    assert_eq!(
        served
            .ask(&call.clone().set("content-type", "text/plain"))
            .await
            .status,
        415
    );

    for (name, value) in [
        ("origin", "http://evil.com"),
        ("origin", "null"),
        ("sec-fetch-site", "cross-site"),
    ] {
        for request in [&good, &call] {
            let foreign = request.clone().header(name, value);
            assert_eq!(served.ask(&foreign).await.status, 403, "{name}: {value}");
        }
    }
    assert_eq!(calls.load(Ordering::SeqCst), 0);
    assert_eq!(served.ask(&good).await.status, 200);
    assert_eq!(calls.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn row_02_cross_site_preflights() {
    let served = serve(adder()).await;
    let preflight = Post::bare("OPTIONS")
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "content-type, mcp-method");
    let foreign = served
        .ask(&preflight.clone().header("origin", "http://evil.com"))
        .await;
    assert_eq!(foreign.status, 403);
    assert_eq!(foreign.header("access-control-allow-origin"), None);
    assert_eq!(foreign.header("access-control-allow-headers"), None);
    let known = served
        .ask(&preflight.header("origin", "http://localhost:3000"))
        .await;
    assert_eq!(known.status, 204);
    assert_eq!(
        known.header("access-control-allow-origin"),
        Some("http://localhost:3000")
    );
    assert_eq!(
        known.header("access-control-allow-headers"),
        Some("content-type, mcp-method")
    );
    assert!(
        known
            .header("access-control-allow-methods")
            .unwrap()
            .contains("DELETE")
    );
    assert_eq!(known.header("access-control-allow-credentials"), None);
}
