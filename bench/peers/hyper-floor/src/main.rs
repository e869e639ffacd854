//! The floor under every number: hyper with nothing of MCP but the shape of its answers.
//!
//! It reads `id`, `method` and the two numbers, checks nothing, and writes the answer. Everything
//! that a real server does comes on top of this. `--stdio` is the same over lines.

use std::{
    convert::Infallible,
    io::{BufRead, Write},
    net::SocketAddr,
    sync::Arc,
};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{
    Request, Response, body::Incoming, header, http::HeaderValue, server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use serde_json::value::RawValue;

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    method: &'a str,
    #[serde(default)]
    params: Params<'a>,
}

#[derive(Default, Deserialize)]
struct Params<'a> {
    #[serde(default)]
    name: &'a str,
    #[serde(default)]
    arguments: Arguments,
}

#[derive(Default, Deserialize)]
struct Arguments {
    #[serde(default)]
    a: i64,
    #[serde(default)]
    b: i64,
}

/// Answers written once, at start.
struct Fixed {
    big: String,
    list: String,
}

impl Fixed {
    fn new(tools: usize) -> Self {
        let line = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_\\n";
        let mut big = String::from(r#"{"content":[{"type":"text","text":""#);
        for _ in 0..(1 << 20) / 64 {
            big.push_str(line);
        }
        big.push_str(r#""}],"resultType":"complete"}"#);
        let mut names = vec![
            (
                "add".to_owned(),
                "Add two numbers.",
                r#""a":{"type":"integer","format":"int64"},"b":{"type":"integer","format":"int64"}"#,
                r#""a","b""#,
            ),
            ("big".to_owned(), "One mebibyte of text.", "", ""),
        ];
        for n in 2..tools {
            names.push((
                format!("filler_{n:04}"),
                "Look up a record by its name and return at most the given number of matches.",
                r#""name":{"type":"string"},"limit":{"type":"integer","format":"int64"}"#,
                r#""name","limit""#,
            ));
        }
        let tools: Vec<String> = names
            .iter()
            .map(|(name, about, properties, required)| {
                format!(r#"{{"name":"{name}","description":"{about}","inputSchema":{{"type":"object","properties":{{{properties}}},"required":[{required}]}}}}"#)
            })
            .collect();
        let list = format!(
            r#"{{"tools":[{}],"resultType":"complete","ttlMs":0,"cacheScope":"private"}}"#,
            tools.join(",")
        );
        Self { big, list }
    }

    /// The whole answer, or nothing for a notification.
    fn answer(&self, body: &[u8]) -> Option<String> {
        let Ok(message) = serde_json::from_slice::<Message<'_>>(body) else {
            return Some(r#"{"jsonrpc":"2.0","error":{"code":-32700,"message":"no"}}"#.to_owned());
        };
        let id = message.id?.get();
        Some(match (message.method, message.params.name) {
            ("tools/call", "add") => {
                let sum = message
                    .params
                    .arguments
                    .a
                    .wrapping_add(message.params.arguments.b);
                format!(
                    r#"{{"jsonrpc":"2.0","id":{id},"result":{{"content":[{{"type":"text","text":"{sum}"}}],"resultType":"complete"}}}}"#
                )
            }
            ("tools/call", "big") => wrap(id, &self.big),
            ("tools/list", _) => wrap(id, &self.list),
            ("initialize", _) => wrap(
                id,
                r#"{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"hyper-floor","version":"0"}}"#,
            ),
            _ => {
                format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{{"code":-32601,"message":"no"}}}}"#)
            }
        })
    }
}

fn wrap(id: &str, result: &str) -> String {
    let mut out = String::with_capacity(result.len() + 64);
    out.push_str(r#"{"jsonrpc":"2.0","id":"#);
    out.push_str(id);
    out.push_str(r#","result":"#);
    out.push_str(result);
    out.push('}');
    out
}

async fn serve(
    request: Request<Incoming>,
    fixed: Arc<Fixed>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let has_version = request.headers().contains_key("mcp-protocol-version");
    let Ok(body) = request.into_body().collect().await else {
        return Ok(Response::new(Full::default()));
    };
    let mut response = match fixed.answer(&body.to_bytes()) {
        Some(answer) => Response::new(Full::new(Bytes::from(answer))),
        None => {
            let mut response = Response::new(Full::default());
            *response.status_mut() = hyper::StatusCode::ACCEPTED;
            response
        }
    };
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    if !has_version {
        // `initialize`: it alone comes without a revision.
        headers.insert("mcp-session-id", HeaderValue::from_static("floor"));
    }
    Ok(response)
}

async fn http(addr: SocketAddr, fixed: Arc<Fixed>) -> std::io::Result<()> {
    let listener = tokio::net::TcpListener::bind(addr).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let fixed = fixed.clone();
        tokio::spawn(async move {
            let service = service_fn(move |request| serve(request, fixed.clone()));
            let _ = http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

fn stdio(fixed: &Fixed) -> std::io::Result<()> {
    let mut input = std::io::BufReader::with_capacity(64 << 10, std::io::stdin().lock());
    let mut output = std::io::BufWriter::with_capacity(64 << 10, std::io::stdout().lock());
    let mut line = Vec::new();
    loop {
        line.clear();
        if input.read_until(b'\n', &mut line)? == 0 {
            return output.flush();
        }
        if let Some(answer) = fixed.answer(&line) {
            output.write_all(answer.as_bytes())?;
            output.write_all(b"\n")?;
        }
        if input.buffer().is_empty() {
            output.flush()?;
        }
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let (mut addr, mut tools) = (None, 2);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--http" => addr = Some(args.next().ok_or("--http ADDR")?.parse()?),
            "--tools" => tools = args.next().ok_or("--tools N")?.parse()?,
            "--stdio" => {}
            other => return Err(format!("unknown argument {other}").into()),
        }
    }
    let fixed = Arc::new(Fixed::new(tools));
    match addr {
        Some(addr) => tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?
            .block_on(http(addr, fixed))?,
        None => stdio(&fixed)?,
    }
    Ok(())
}
