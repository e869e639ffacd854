//! Extensions over HTTP: what their methods ask of headers.

use wharf::{Context, Error, Extension, ExtensionMethod, Server};

use crate::wire::{Kind, Modern, Peer, Post, Value, json, meta, modern, serve};

#[derive(serde::Deserialize)]
struct Get {
    place: String,
}

fn server() -> Server {
    let get =
        |params: Get, _: Context| async move { Ok::<_, Error>(json!({"place": params.place})) };
    Server::new("Test").extension(
        Extension::new("com.example/maps")
            .with(ExtensionMethod::new("maps/get", get).named_by("place"))
            .method("maps/any", get),
    )
}

#[tokio::test]
async fn methods_answer_over_every_transport() {
    for kind in Kind::ALL {
        let mut peer = Peer::open(kind, server()).await;
        let reply = peer.request("maps/any", json!({"place": "here"})).await;
        assert_eq!(reply.result()["place"], "here", "{kind:?}");
        assert_eq!(peer.request("maps/any", json!({})).await.code(), -32602);
        assert_eq!(peer.request("maps/none", json!({})).await.code(), -32601);
    }
}

#[tokio::test]
async fn headers_mirror_what_the_method_says() {
    let served = serve(server()).await;
    let post = |method: &str, place: &str| {
        let body: Value = json!({"jsonrpc": "2.0", "id": 1, "method": method,
            "params": {"place": place, "_meta": meta(json!({}))}});
        modern::headers(Post::new(body.to_string()), method)
    };
    let code =
        |answer: crate::wire::Answer| (answer.status, answer.message()["error"]["code"].as_i64());
    let any = served.ask(&post("maps/any", "here")).await;
    assert_eq!(code(any), (200, None), "no name is asked for");
    for (name, expected) in [
        (Some("here"), (200, None)),
        (Some("=?base64?aGVyZQ==?="), (200, None)),
        (Some("there"), (400, Some(-32020))),
        (None, (400, Some(-32020))),
    ] {
        let mut post = post("maps/get", "here");
        if let Some(name) = name {
            post = post.header("mcp-name", name);
        }
        assert_eq!(code(served.ask(&post).await), expected, "{name:?}");
    }
    let wrong = post("maps/any", "here").set("mcp-method", "maps/get");
    assert_eq!(code(served.ask(&wrong).await), (400, Some(-32020)));
    let unknown = served.ask(&post("maps/none", "here")).await;
    assert_eq!(code(unknown), (404, Some(-32601)));
    let about = Modern::new(&served).ask("server/discover", json!({})).await;
    let declared = &about.result()["capabilities"]["extensions"];
    assert_eq!(declared, &json!({"com.example/maps": {}}));
}
