//! Row 15 of SECURITY.md: where requests go, how much they read, how long they take.

use std::sync::atomic::{AtomicUsize, Ordering};

use reqwest::dns::Resolve;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;

/// A server that answers each request with some text, and counts them.
async fn canary(answer: String) -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let hits = Arc::new(AtomicUsize::new(0));
    let counted = hits.clone();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            counted.fetch_add(1, Ordering::SeqCst);
            let answer = answer.clone();
            tokio::spawn(async move {
                let mut head = [0; 4096];
                let _ = stream.read(&mut head).await;
                let _ = stream.write_all(answer.as_bytes()).await;
                // An answer without an end goes on as long as anybody reads.
                while !answer.contains("content-length") {
                    if stream.write_all(&[b' '; 65536]).await.is_err() {
                        break;
                    }
                }
                let _ = stream.read(&mut head).await;
            });
        }
    });
    (port, hits)
}

fn redirect(to: &str) -> String {
    format!(
        "HTTP/1.1 302 Found\r\nconnection: close\r\nlocation: {to}\r\ncontent-length: 0\r\n\r\n"
    )
}

fn ok(body: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn place(text: &str) -> Place {
    Place::parse(text).unwrap()
}

async fn get(http: &Http, text: &str) -> Result<Received, Error> {
    http.get(&place(text), HeaderMap::new()).await
}

#[tokio::test]
async fn row_15_ssrf_a_public_server_cannot_send_us_to_this_machine() {
    let (port, hits) = canary(ok("{}")).await;
    let public = Http::new(place("https://93.184.216.34/mcp"));
    for address in [
        format!("http://127.0.0.1:{port}/"),
        format!("http://localhost:{port}/"),
        format!("http://a.localhost:{port}/"),
        format!("http://[::1]:{port}/"),
        format!("http://2130706433:{port}/"),
        format!("https://[::ffff:127.0.0.1]:{port}/"),
        format!("https://0.0.0.0:{port}/"),
    ] {
        let error = get(&public, &address).await.err().expect(&address);
        assert!(error.is_untrusted(), "{address}: {error:?}");
        let form = public
            .post_form(&place(&address), &[], HeaderMap::new())
            .await;
        assert!(form.err().unwrap().is_untrusted());
    }
    assert_eq!(hits.load(Ordering::SeqCst), 0, "the canary was asked");
    let mut opened = Http::new(place("https://93.184.216.34/mcp"));
    opened.also(Reach::public().loopback());
    get(&opened, &format!("http://127.0.0.1:{port}/"))
        .await
        .unwrap();
    assert_eq!(hits.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn row_15_ssrf_names_are_judged_by_what_is_dialled() {
    let resolve = |reach: Reach| async move {
        let resolver = Resolver::default();
        resolver.reach.get_or_init(|| reach);
        resolver.resolve("localhost".parse().unwrap()).await
    };
    let refused = resolve(Reach::public()).await.err().unwrap();
    assert!(refused.downcast_ref::<OutOfReach>().is_some());
    assert!(resolve(Reach::public().private()).await.is_err());
    let found = resolve(Reach::public().loopback()).await.unwrap();
    assert!(found.map(|a| a.ip()).all(|ip| ip.is_loopback()));
    // And the client's own error is understood.
    let (port, hits) = canary(ok("{}")).await;
    let public = Http::new(place("https://93.184.216.34/mcp"));
    let request = public
        .client()
        .await
        .unwrap()
        .get(format!("http://localhost:{port}/"));
    let error = failed(
        &place("https://x.example/"),
        request.send().await.unwrap_err(),
    );
    assert!(error.is_untrusted(), "{error:?}");
    assert_eq!(hits.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn row_15_ssrf_redirects_are_checked_like_the_first_place() {
    for to in [
        "https://10.0.0.1/",
        "https://169.254.169.254/latest/meta-data",
        "http://evil.example/",
        "file:///etc/passwd",
        "https://user@127.0.0.1/",
    ] {
        let (port, _) = canary(redirect(to)).await;
        let http = Http::new(place(&format!("http://127.0.0.1:{port}/mcp")));
        let error = get(&http, &format!("http://127.0.0.1:{port}/"))
            .await
            .err()
            .expect(to);
        assert!(error.is_untrusted(), "{to}: {error:?}");
    }
    let (port, hits) = canary(redirect("/again")).await;
    let http = Http::new(place(&format!("http://127.0.0.1:{port}/mcp")));
    let error = get(&http, &format!("http://127.0.0.1:{port}/"))
        .await
        .err()
        .unwrap();
    assert!(error.is_unsupported(), "{error:?}");
    assert_eq!(hits.load(Ordering::SeqCst), REDIRECTS + 1);
    // What was posted is not posted elsewhere.
    let here = place(&format!("http://127.0.0.1:{port}/"));
    let posted = http.post_form(&here, &[], HeaderMap::new()).await;
    assert_eq!(posted.unwrap().status, StatusCode::FOUND);
    assert_eq!(hits.load(Ordering::SeqCst), REDIRECTS + 2);
}

#[tokio::test]
async fn row_15_ssrf_answers_are_bounded_in_size_and_time() {
    let endless = "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n".to_owned();
    let large = ok(&"a".repeat(LARGEST + 1));
    for (answer, fits) in [
        (large, false),
        (endless, false),
        (ok(&"a".repeat(LARGEST)), true),
    ] {
        let (port, _) = canary(answer).await;
        let http = Http::new(place(&format!("http://127.0.0.1:{port}/mcp")));
        let result = get(&http, &format!("http://127.0.0.1:{port}/")).await;
        assert_eq!(result.is_ok(), fits);
        assert!(result.err().is_none_or(|error| error.is_unsupported()));
    }
    let slow = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{".to_owned();
    let (port, _) = canary(slow).await;
    let mut http = Http::new(place(&format!("http://127.0.0.1:{port}/mcp")));
    http.longest = Duration::from_millis(300);
    let error = get(&http, &format!("http://127.0.0.1:{port}/"))
        .await
        .err()
        .unwrap();
    assert!(error.is_timed_out(), "{error:?}");
}
