//! Clients, each on one connection.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::task::JoinSet;

use crate::server::{MARK, RESOURCES, uri};
use crate::wire::{Post, Stream, Value, Wire, json, legacy, modern};

/// How many clients connect at the same time.
const AT_ONCE: usize = 32;

/// Opens many streams, some at a time and in any order; the function makes the one of a number.
pub(crate) async fn open_all<F>(
    count: usize,
    open: impl Fn(usize) -> F + Clone + Send + 'static,
) -> Vec<(usize, Stream)>
where
    F: Future<Output = Stream> + Send,
{
    let next = Arc::new(AtomicUsize::new(0));
    let mut openers = JoinSet::new();
    for _ in 0..AT_ONCE {
        let (next, open) = (Arc::clone(&next), open.clone());
        openers.spawn(async move {
            let mut streams = Vec::new();
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= count {
                    return streams;
                }
                streams.push((number, open(number).await));
            }
        });
    }
    openers.join_all().await.into_iter().flatten().collect()
}

/// A request of 2026-07-28.
pub(crate) fn request(id: usize, method: &str, mut params: Value, capabilities: Value) -> Post {
    params["_meta"] = modern::meta(capabilities);
    params["_meta"]["progressToken"] = json!(id);
    let name = params["name"].as_str().or(params["taskId"].as_str());
    let name = name.map(str::to_owned);
    let body = json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params});
    let post = modern::headers(Post::new(body.to_string()), method);
    match name {
        Some(name) => post.header("mcp-name", name),
        None => post,
    }
}

/// Everything that changes.
fn resources() -> Vec<String> {
    let mut all: Vec<_> = (0..RESOURCES).map(uri).collect();
    all.push(MARK.into());
    all
}

/// Listens in the way of 2026-07-28, to lists and, if wished, to resources.
pub(crate) async fn listen(wire: Wire, id: usize, to_resources: bool) -> Stream {
    let mut stream = begin_to_listen(wire, id, to_resources).await;
    let first = stream.expect().await;
    assert_eq!(first["method"], "notifications/subscriptions/acknowledged");
    stream
}

/// The same without a look at what comes.
pub(crate) async fn begin_to_listen(mut wire: Wire, id: usize, to_resources: bool) -> Stream {
    let uris = if to_resources {
        resources()
    } else {
        Vec::new()
    };
    let params = json!({"notifications": {
        "toolsListChanged": true,
        "promptsListChanged": true,
        "resourceSubscriptions": uris,
    }});
    let post = request(id, "subscriptions/listen", params, json!({}));
    wire.send(&post.bytes(wire.addr)).await;
    wire.stream().await
}

/// A session, by its id.
pub(crate) struct Session(String);

impl Session {
    /// Opens one, on a connection that can go on.
    pub(crate) async fn open(wire: &mut Wire) -> Self {
        let body = legacy::initialize(legacy::VERSION, json!({})).to_string();
        let answer = wire.ask(&Post::new(body)).await;
        let session = Self(answer.header("mcp-session-id").unwrap().to_owned());
        let ready = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
        assert_eq!(wire.ask(&session.post(&ready)).await.status, 202);
        session
    }

    fn with_headers(&self, post: Post) -> Post {
        post.header("mcp-session-id", &self.0)
            .header("mcp-protocol-version", legacy::VERSION)
    }

    fn post(&self, message: &Value) -> Post {
        self.with_headers(Post::new(message.to_string()))
    }
}

/// Opens a session and its stream of notices.
pub(crate) async fn get(mut wire: Wire, to_resources: bool) -> Stream {
    let session = Session::open(&mut wire).await;
    if to_resources {
        for (id, uri) in resources().iter().enumerate() {
            let subscribe = json!({"jsonrpc": "2.0", "id": id + 1,
                "method": "resources/subscribe", "params": {"uri": uri}});
            let answer = wire.ask(&session.post(&subscribe)).await;
            answer.result();
        }
    }
    let get = session.with_headers(Post::bare("GET").header("accept", "text/event-stream"));
    wire.send(&get.bytes(wire.addr)).await;
    wire.stream().await
}

/// Calls the tool that says much; its stream is not read yet.
pub(crate) async fn chatter(mut wire: Wire, id: usize, in_session: bool) -> Stream {
    let params = json!({"name": "chatter", "arguments": {}});
    let post = if in_session {
        let session = Session::open(&mut wire).await;
        let mut params = params;
        params["_meta"] = json!({"progressToken": id});
        let body = json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params});
        session.post(&body)
    } else {
        request(id, "tools/call", params, json!({}))
    };
    wire.send(&post.bytes(wire.addr)).await;
    wire.stream().await
}

/// Calls a tool on a connection that stays.
pub(crate) async fn call(wire: &mut Wire, tool: &str, arguments: Value) -> String {
    let params = json!({"name": tool, "arguments": arguments});
    let post = request(1, "tools/call", params, json!({}));
    crate::wire::text(&wire.ask(&post).await.result()).to_owned()
}

/// A connection as over Ethernet, of a client that has little room for what it does not read.
pub(crate) async fn narrow(addr: SocketAddr) -> Wire {
    use socket2::{Domain, Socket, Type};
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    // Over the loopback, packets are so large that the kernel takes megabytes for each reader.
    socket.set_tcp_mss(1400).unwrap();
    socket.set_recv_buffer_size(8 * 1024).unwrap();
    socket.connect(&addr.into()).unwrap();
    socket.set_nonblocking(true).unwrap();
    Wire {
        stream: tokio::net::TcpStream::from_std(socket.into()).unwrap(),
        addr,
        read: Vec::new(),
    }
}
