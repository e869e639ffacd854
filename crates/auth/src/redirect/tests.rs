//! What the listener lets in.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::*;

async fn listen() -> (Redirect, u16) {
    let redirect = Redirect::listen(RedirectTo::default(), "the-state")
        .await
        .unwrap();
    let port = Place::parse(redirect.uri()).unwrap().url().port().unwrap();
    (redirect, port)
}

async fn send(port: u16, text: String) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut answer = String::new();
    let read = stream.read_to_string(&mut answer);
    let _ = tokio::time::timeout(Duration::from_secs(20), read)
        .await
        .unwrap();
    answer
}

fn get(port: u16, target: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n")
}

#[tokio::test]
async fn only_the_answer_that_was_asked_for_gets_in() {
    let (mut redirect, port) = listen().await;
    let good = "/callback?code=c&state=the-state";
    let host = |host: &str| format!("GET {good} HTTP/1.1\r\n{host}\r\n");
    for (request, status) in [
        (host("Host: evil.example\r\n"), "421"),
        (host(&format!("Host: evil.example:{port}\r\n")), "421"),
        (host(&format!("Host: 127.0.0.1.nip.io:{port}\r\n")), "421"),
        (
            host(&format!("Host: 127.0.0.1:{}\r\n", port.wrapping_add(1))),
            "421",
        ),
        (
            host(&format!("Host: 127.0.0.1:{port}\r\nHost: evil.example\r\n")),
            "421",
        ),
        (host(""), "4"),
        (get(port, "/favicon.ico"), "404"),
        (get(port, "/callback/?code=c&state=the-state"), "404"),
        (get(port, good).replace("GET", "POST"), "405"),
        (get(port, "/callback?code=c&state=guessed"), "400"),
        (get(port, "/callback?code=c"), "400"),
        (get(port, "/callback?code=c&state=the-state&state=x"), "400"),
        (get(port, "/callback?code=c&state=the-state&code=d"), "400"),
        (get(port, "/callback?iss=a&iss=b&state=the-state"), "400"),
        (get(port, &format!("/{}", "a".repeat(100_000))), "4"),
    ] {
        let answer = send(port, request.clone()).await;
        let expected = format!("HTTP/1.1 {status}");
        assert!(
            answer.starts_with(&expected),
            "{request:.200} -> {answer:.100}"
        );
    }
    let browser = tokio::spawn(send(port, get(port, good)));
    let (params, browsing) = redirect.answer().await.unwrap();
    assert_eq!(params["code"], "c");
    let why = Error::refused_by_server("<b>no</b>");
    browsing.show(Page::of(Err(&why), "")).await;
    let page = browser.await.unwrap();
    assert!(
        page.starts_with("HTTP/1.1 200") && page.contains("&lt;b&gt;no"),
        "{page}"
    );
    assert!(
        page.contains("content-security-policy: default-src 'none'"),
        "{page}"
    );
    assert!(page.contains("cache-control: no-store"), "{page}");
}

#[tokio::test]
async fn there_is_one_answer() {
    let (mut redirect, port) = listen().await;
    let good = get(port, "/callback?code=c&state=the-state");
    let first = tokio::spawn(send(port, good.clone()));
    // The first is not even taken yet.
    while redirect.answers.is_empty() {
        tokio::task::yield_now().await;
    }
    assert!(send(port, good.clone()).await.starts_with("HTTP/1.1 410"));
    let (_, browsing) = redirect.answer().await.unwrap();
    browsing.show(Page::of(Ok(()), "https://x.example")).await;
    assert!(
        first
            .await
            .unwrap()
            .contains("signed in to https://x.example")
    );
    drop(redirect);
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(
        TcpStream::connect(("127.0.0.1", port)).await.is_err(),
        "it still listens"
    );
}

#[tokio::test]
async fn silent_connections_keep_nobody_out() {
    let (mut redirect, port) = listen().await;
    let mut silent = Vec::new();
    for _ in 0..CONNECTIONS - 1 {
        silent.push(TcpStream::connect(("127.0.0.1", port)).await.unwrap());
    }
    let browser = tokio::spawn(send(port, get(port, "/callback?code=c&state=the-state")));
    let answer = tokio::time::timeout(Duration::from_secs(20), redirect.answer());
    let (_, browsing) = answer.await.unwrap().unwrap();
    browsing.show(Page::of(Ok(()), "x")).await;
    browser.await.unwrap();
}

#[test]
fn a_redirect_address_is_one_of_this_machine() {
    for good in [
        "http://127.0.0.1:3000/callback",
        "http://localhost/cb",
        "http://127.0.0.1",
    ] {
        RedirectTo::parse(good).expect(good);
    }
    for bad in [
        "https://127.0.0.1:3000/cb",
        "http://10.0.0.1/cb",
        "http://localhost.evil.example/cb",
        "http://127.0.0.1/cb?x=1",
        "http://127.0.0.1/cb#f",
        "myapp:/cb",
        "",
    ] {
        assert!(
            RedirectTo::parse(bad).expect_err(bad).is_misconfigured(),
            "{bad}"
        );
    }
}
