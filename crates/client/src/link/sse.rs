//! HTTP+SSE: one stream of events from the server, a POST for each message to it
//! (spec 2024-11-05, basic/transports, "HTTP with SSE").

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use http::Uri;
use tokio::sync::{mpsc, watch};
use url::Url;

use super::duplex::{Output, Reading};
use super::http::events::Events;
use super::queue::Queue;
use super::{Duplex, Http};
use crate::error::{Error, Result, escape};
use crate::message::Request;

/// Messages that wait to be posted.
const QUEUE: usize = 64;
/// Posts on their way at the same time.
const POSTS: usize = 16;
/// How long the last posts may take once the connection is being closed.
const SOON: Duration = Duration::from_secs(1);

/// Opens the stream, and learns from it where to post.
pub(crate) async fn open(http: &Arc<Http>, wait: Duration) -> Result<Arc<Duplex>> {
    let mut events = http.events(None).await?;
    let first = tokio::time::timeout(wait, endpoint(&mut events));
    let first = first
        .await
        .map_err(|_| Error::timed_out("the server's stream did not say where to post", wait))??;
    let uri = resolve(http.uri(), &first)?;
    let posts = http.beside(uri);
    let (queue, receiver) = Queue::new(QUEUE);
    let (close, closing) = watch::channel(false);
    let (posting, posted) = watch::channel(());
    let output = Posts {
        queue,
        close,
        posted: posted.clone(),
    };
    let duplex = Duplex::new(http.peer(), output);
    let weak = Arc::downgrade(&duplex);
    tokio::spawn(async move {
        post(posts, receiver, closing, weak).await;
        drop(posting);
    });
    let weak = Arc::downgrade(&duplex);
    tokio::spawn(async move {
        let read = async {
            let mut reading = Reading::default();
            loop {
                let Some(message) = events.next().await? else {
                    return Err(Error::closed("the server has closed the stream"));
                };
                let Some(duplex) = weak.upgrade() else {
                    return Err(Error::closed("the client was closed"));
                };
                duplex.take(&mut reading, message.as_bytes())?;
            }
        };
        let ended: Result<()> = tokio::select! {
            ended = read => ended,
            // The session ends with the stream: not before all is posted.
            () = lost(posted) => Err(Error::closed("the client was closed")),
        };
        if let (Err(error), Some(duplex)) = (ended, weak.upgrade()) {
            duplex.end(&error);
        }
    });
    Ok(duplex)
}

/// Waits until the sender is gone.
async fn lost(mut receiver: watch::Receiver<()>) {
    while receiver.changed().await.is_ok() {}
}

/// The data of the first event, which must be `endpoint`.
async fn endpoint(events: &mut Events) -> Result<String> {
    match events.next_event().await? {
        Some(event) if event.event == "endpoint" => String::from_utf8(event.data)
            .map_err(|_| Error::protocol("the server sent bytes that are no UTF-8")),
        Some(event) => Err(Error::protocol(format!(
            "the server's stream begins with an event `{}`, not with where to post",
            escape(&event.event)
        ))),
        None => Err(Error::closed(
            "the server has closed the stream before it said where to post",
        )),
    }
}

/// Where to post; never at another origin, which would be handed what the server is told.
fn resolve(stream: &Uri, endpoint: &str) -> Result<Uri> {
    let wrong = || {
        Error::protocol(format!(
            "the server wants messages posted to {}, which is not at its own address",
            escape(endpoint)
        ))
    };
    let base = Url::parse(&stream.to_string()).map_err(|_| wrong())?;
    let url = base.join(endpoint.trim()).map_err(|_| wrong())?;
    if url.origin() != base.origin() {
        return Err(wrong());
    }
    url.as_str().parse().map_err(|_| wrong())
}

/// Posts what is to be sent, until the connection is closed or nobody is left who could.
async fn post(
    http: Arc<Http>,
    mut messages: mpsc::Receiver<Vec<u8>>,
    mut closing: watch::Receiver<bool>,
    duplex: std::sync::Weak<Duplex>,
) {
    let mut posts = FuturesUnordered::new();
    let send = |message: Vec<u8>| {
        let http = &http;
        async move {
            let request = Request::new("");
            let sent = http.notify(&request, message.clone()).await;
            (message, sent)
        }
    };
    loop {
        tokio::select! {
            message = messages.recv(), if posts.len() < POSTS => {
                let Some(message) = message else { break };
                posts.push(send(message));
            }
            Some((message, sent)) = posts.next() => {
                if let (Err(error), Some(duplex)) = (sent, duplex.upgrade()) {
                    duplex.not_sent(&message, error);
                }
            }
            _ = closing.wait_for(|closing| *closing) => break,
        }
    }
    while let Ok(message) = messages.try_recv() {
        posts.push(send(message));
    }
    // What does not arrive soon is not wanted any more.
    let rest = async { while posts.next().await.is_some() {} };
    let _ = tokio::time::timeout(SOON, rest).await;
}

struct Posts {
    queue: Queue,
    close: watch::Sender<bool>,
    /// Loses its sender when nothing more will be posted.
    posted: watch::Receiver<()>,
}

impl Output for Posts {
    fn push(&self, message: &[u8], _: bool) -> bool {
        self.queue.push(message)
    }

    fn room(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.queue.room())
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            self.close.send_replace(true);
            lost(self.posted.clone()).await;
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_posted_to_the_same_origin_only() {
        let stream: Uri = "http://a.example:8000/x/sse?k=1".parse().expect("a URI");
        for (endpoint, expected) in [
            ("/messages?s=1", Some("http://a.example:8000/messages?s=1")),
            ("messages", Some("http://a.example:8000/x/messages")),
            ("http://a.example:8000/m", Some("http://a.example:8000/m")),
            ("http://a.example/m", None),
            ("https://a.example:8000/m", None),
            ("//b.example/m", None),
            ("http://a.example:8000@b.example/m", None),
            ("file:///etc/passwd", None),
        ] {
            let resolved = resolve(&stream, endpoint).map(|uri| uri.to_string());
            assert_eq!(resolved.ok().as_deref(), expected, "{endpoint}");
        }
    }
}
