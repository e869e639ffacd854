//! Row 24 and rows 1 and 2 over TLS: the certificate, the handshake, and connections after it.

use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use wharf::http::{HttpOptions, Tls};
use wharf::{Limits, Metrics, Server};

use crate::wire::socket::{self, FIN, TEXT};
use crate::wire::tools::{add, adder, echo};
use crate::wire::{MS, Modern, Post, Served, json, serve, soon, until};

const CA: &[u8] = include_bytes!("tls/ca.pem");

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/security/tls")
        .join(name)
}

/// A directory with copies of a certificate and its key.
struct Pair(PathBuf);

impl Pair {
    fn new(test: &str) -> Self {
        let path = std::env::temp_dir().join(format!("wharf-tls-{}-{test}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        let pair = Self(path);
        pair.put("one");
        pair
    }

    fn put(&self, name: &str) {
        std::fs::copy(file(&format!("{name}.pem")), self.cert()).unwrap();
        std::fs::copy(file(&format!("{name}.key")), self.key()).unwrap();
    }

    fn cert(&self) -> PathBuf {
        self.0.join("cert.pem")
    }

    fn key(&self) -> PathBuf {
        self.0.join("key.pem")
    }

    fn tls(&self) -> Tls {
        Tls::from_files(self.cert(), self.key()).unwrap()
    }

    fn error(&self) -> String {
        Tls::from_files(self.cert(), self.key())
            .unwrap_err()
            .to_string()
    }
}

impl Drop for Pair {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn options(tls: &Tls) -> HttpOptions {
    HttpOptions {
        tls: Some(tls.clone()),
        ..HttpOptions::default()
    }
}

type Secure = TlsStream<TcpStream>;

async fn connect(served: &Served, protocols: &[&[u8]]) -> std::io::Result<Secure> {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(CA).unwrap())
        .unwrap();
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    let stream = TcpStream::connect(served.addr).await?;
    let name = ServerName::try_from("localhost").unwrap();
    soon(TlsConnector::from(Arc::new(config)).connect(name, stream)).await
}

fn certificate(stream: &Secure) -> Vec<u8> {
    stream.get_ref().1.peer_certificates().unwrap()[0].to_vec()
}

fn der(name: &str) -> Vec<u8> {
    CertificateDer::from_pem_file(file(name)).unwrap().to_vec()
}

fn sum(served: &Served) -> Post {
    let params = json!({"name": "add", "arguments": {"a": 1, "b": 2}});
    Modern::new(served).post(1, "tools/call", params)
}

/// Asks and reads one answer, whose length is known.
async fn ask(stream: &mut Secure, served: &Served, post: &Post) -> String {
    soon(stream.write_all(&post.bytes(served.addr)))
        .await
        .unwrap();
    let mut text = String::new();
    let mut bytes = [0; 4096];
    loop {
        let count = soon(stream.read(&mut bytes)).await.unwrap();
        assert_ne!(count, 0, "{text}");
        text.push_str(std::str::from_utf8(&bytes[..count]).unwrap());
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "));
        if body.len() >= length.expect("a length").parse().unwrap() {
            return text;
        }
    }
}

async fn is_answered(served: &Served) {
    let mut stream = connect(served, &[]).await.unwrap();
    let answer = ask(&mut stream, served, &sum(served)).await;
    assert!(answer.contains(r#""text":"3""#), "{answer}");
}

#[tokio::test]
async fn both_versions_of_http_over_tls() {
    let pair = Pair::new("versions");
    let server = adder()
        .http(options(&pair.tls()))
        .bind("127.0.0.1:0")
        .await
        .unwrap();
    assert!(server.url().unwrap().starts_with("https://127.0.0.1:"));
    assert!(server.sse_url().unwrap().unwrap().starts_with("https://"));
    assert!(
        server
            .websocket_url()
            .unwrap()
            .unwrap()
            .starts_with("wss://")
    );
    drop(server);
    let served = serve(adder().http(options(&pair.tls()))).await;

    let mut one = connect(&served, &[b"http/1.1"]).await.unwrap();
    assert_eq!(one.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
    // The checks of names and pages are the same.
    for (header, value, status) in [
        ("host", "localhost", " 200 "),
        ("host", "evil.com", " 421 "),
        ("origin", "https://evil.com", " 403 "),
    ] {
        let answer = ask(&mut one, &served, &sum(&served).header(header, value)).await;
        assert!(answer.contains(status), "{header}: {answer}");
    }

    let two = connect(&served, &[b"h2", b"http/1.1"]).await.unwrap();
    assert_eq!(two.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let io = TokioIo::new(two);
    let (mut sender, connection) = soon(hyper::client::conn::http2::handshake(
        TokioExecutor::new(),
        io,
    ))
    .await
    .unwrap();
    let connection = tokio::spawn(connection);
    let post = sum(&served);
    let mut request = hyper::Request::post(format!("https://localhost:{}/mcp", served.addr.port()));
    for (name, value) in &post.headers {
        request = request.header(name, value);
    }
    let request = request.body(Full::new(Bytes::from(post.body))).unwrap();
    let response = soon(sender.send_request(request)).await.unwrap();
    assert_eq!(response.status(), 200);
    let body = soon(response.into_body().collect())
        .await
        .unwrap()
        .to_bytes();
    assert!(
        String::from_utf8_lossy(&body).contains(r#""text":"3""#),
        "{body:?}"
    );
    connection.abort();
}

#[tokio::test]
async fn websocket_and_event_streams_over_tls() {
    let pair = Pair::new("streams");
    let served = serve(adder().http(options(&pair.tls()))).await;
    let mut stream = connect(&served, &[b"http/1.1"]).await.unwrap();
    let handshake = socket::handshake().bytes(served.addr);
    let ping = json!({"jsonrpc": "2.0", "id": 7, "method": "ping"}).to_string();
    stream.write_all(&handshake).await.unwrap();
    stream
        .write_all(&socket::frame(FIN | TEXT, ping.as_bytes()))
        .await
        .unwrap();
    let mut text = Vec::new();
    while !String::from_utf8_lossy(&text).contains(r#""id":7"#) {
        assert_ne!(
            soon(stream.read_buf(&mut text)).await.unwrap(),
            0,
            "{text:?}"
        );
    }
    assert!(text.starts_with(b"HTTP/1.1 101"), "{text:?}");

    let mut stream = connect(&served, &[]).await.unwrap();
    let get = format!(
        "GET /sse HTTP/1.1\r\nhost: {}\r\naccept: text/event-stream\r\n\r\n",
        served.addr
    );
    stream.write_all(get.as_bytes()).await.unwrap();
    let mut text = Vec::new();
    while !String::from_utf8_lossy(&text).contains("event: endpoint") {
        assert_ne!(
            soon(stream.read_buf(&mut text)).await.unwrap(),
            0,
            "{text:?}"
        );
    }
}

#[tokio::test]
async fn row_24_slowloris_in_the_tls_handshake() {
    let pair = Pair::new("slow");
    let metrics = Metrics::new();
    let limits = Limits {
        handshake_timeout: 200 * MS,
        connections: 1,
        ..Limits::default()
    };
    let server = adder().limits(limits).observe(metrics.clone());
    let served = serve(server.http(options(&pair.tls()))).await;
    // Nothing at all; then the beginning of a record that says it is long, byte for byte.
    let mut silent = served.wire().await;
    assert_eq!(silent.closed().await, b"");
    is_answered(&served).await;
    let mut dribbling = served.wire().await;
    let mut record = vec![0x16, 0x03, 0x01, 0x01, 0x00, 0x01, 0x00, 0x00, 0xfc];
    record.resize(400, 0x03);
    assert!(
        !dribbling.send_slowly(&record, 20 * MS).await,
        "it never ended"
    );
    is_answered(&served).await;
    let counted = r#"wharf_refused_total{reason="handshake"} 2"#;
    until(|| metrics.render().contains(counted)).await;
}

#[tokio::test]
async fn row_24_a_client_that_does_not_read_over_tls() {
    let pair = Pair::new("unread");
    let limits = Limits {
        write_timeout: 300 * MS,
        connections: 1,
        ..Limits::default()
    };
    let server = Server::new("Test").tool(add).tool(echo).limits(limits);
    let served = serve(server.http(options(&pair.tls()))).await;
    let mut stream = connect(&served, &[]).await.unwrap();
    let text = "x".repeat(3 * 1024 * 1024);
    let params = json!({"name": "echo", "arguments": {"text": text}});
    let post = Modern::new(&served)
        .post(1, "tools/call", params)
        .bytes(served.addr);
    // Answers pile up that nobody takes.
    soon(async {
        for _ in 0..4 {
            if stream.write_all(&post).await.is_err() {
                break;
            }
        }
    })
    .await;
    is_answered(&served).await;
}

#[tokio::test]
async fn without_tls_nothing_is_answered() {
    let pair = Pair::new("plain");
    let served = serve(adder().http(options(&pair.tls()))).await;
    let mut wire = served.wire().await;
    wire.send(&sum(&served).bytes(served.addr)).await;
    let answer = wire.closed().await;
    assert!(!answer.starts_with(b"HTTP"), "{answer:?}");
    is_answered(&served).await;
}

#[tokio::test]
async fn a_new_certificate_is_taken_and_nobody_is_cut_off() {
    let pair = Pair::new("reload");
    let tls = pair.tls();
    let served = serve(adder().http(options(&tls))).await;
    let mut before = connect(&served, &[]).await.unwrap();
    assert_eq!(certificate(&before), der("one.pem"));

    // Half of a pair changes nothing, and says so.
    std::fs::copy(file("two.pem"), pair.cert()).unwrap();
    let error = tls.reload().unwrap_err().to_string();
    assert!(error.contains("does not belong"), "{error}");
    assert_eq!(
        certificate(&connect(&served, &[]).await.unwrap()),
        der("one.pem")
    );

    // The other half is seen without a word.
    std::fs::copy(file("two.key"), pair.key()).unwrap();
    soon(async {
        while certificate(&connect(&served, &[]).await.unwrap()) != der("two.pem") {
            tokio::time::sleep(100 * MS).await;
        }
    })
    .await;
    pair.put("one");
    tls.reload().unwrap();
    assert_eq!(
        certificate(&connect(&served, &[]).await.unwrap()),
        der("one.pem")
    );
    let answer = ask(&mut before, &served, &sum(&served)).await;
    assert!(answer.contains(r#""text":"3""#), "{answer}");
}

#[test]
fn what_is_wrong_with_the_files_is_said() {
    let pair = Pair::new("errors");
    let says = |what: &str, file: PathBuf| {
        let error = pair.error();
        assert!(error.contains(what), "{what}: {error}");
        assert!(error.contains(&file.display().to_string()), "{error}");
        assert!(!error.contains("MIGH"), "a key is shown: {error}");
    };
    std::fs::copy(file("two.key"), pair.key()).unwrap();
    says("does not belong", pair.key());
    std::fs::copy(file("one.pem"), pair.key()).unwrap();
    says("no private key", pair.key());
    std::fs::copy(file("one.key"), pair.cert()).unwrap();
    says("it holds a key", pair.cert());
    std::fs::write(pair.cert(), "").unwrap();
    says("no certificate", pair.cert());
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    std::fs::write(pair.cert(), broken).unwrap();
    std::fs::copy(file("one.key"), pair.key()).unwrap();
    says("cannot be used", pair.cert());
    pair.put("one");
    let locked =
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
    std::fs::write(pair.key(), locked).unwrap();
    says("has a password", pair.key());
    std::fs::File::create(pair.cert())
        .unwrap()
        .write_all(&vec![b'x'; 2 << 20])
        .unwrap();
    says("larger than", pair.cert());
    std::fs::remove_file(pair.cert()).unwrap();
    says("cannot read the certificate", pair.cert());
    let mut own = String::new();
    std::fs::File::open(file("one.key"))
        .unwrap()
        .read_to_string(&mut own)
        .unwrap();
    assert!(own.contains("MIGH"), "what is looked for is there");
}
