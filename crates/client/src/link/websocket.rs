//! WebSocket: a message a frame, in both directions, with the sub-protocol `mcp`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::{Sink, SinkExt as _, StreamExt as _};
use http::header::SEC_WEBSOCKET_PROTOCOL;
use http::{HeaderValue, Method, Uri};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{Notify, mpsc, watch};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error as SocketError, Message};
use wharf_auth::{Next, Outgoing, Refusal};

use super::Duplex;
use super::duplex::{Output, Reading};
use super::http::connector;
use super::queue::Queue;
use crate::builder::Config;
use crate::error::{Error, Result, escape};
use crate::peer::Peer;

/// Messages that wait to be sent.
const QUEUE: usize = 256;
/// How often the server is asked whether it is still there.
const PING: Duration = Duration::from_secs(30);

/// Opens a connection to a `ws:` or `wss:` address.
pub(crate) async fn open(uri: &Uri, config: &Config, peer: Arc<Peer>) -> Result<Arc<Duplex>> {
    let mut attempts = 0;
    let socket = loop {
        attempts += 1;
        let stream = connector::stream(uri, config.timeouts.connect).await?;
        let mut request = uri
            .into_client_request()
            .map_err(|error| Error::usage(format!("{uri}: {error}")))?;
        let headers = request.headers_mut();
        headers.insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static("mcp"));
        headers.extend(config.headers.clone());
        let outgoing = Outgoing {
            method: &Method::GET,
            url: uri,
        };
        let mut credentials = http::HeaderMap::new();
        if let Some(authorize) = &config.authorize {
            credentials = authorize.headers(outgoing).await.map_err(Error::auth)?;
            headers.extend(credentials.clone());
        }
        let limits = WebSocketConfig::default()
            .max_message_size(Some(config.limits.message_bytes))
            .max_frame_size(Some(config.limits.message_bytes));
        let shake = tokio_tungstenite::client_async_with_config(request, stream, Some(limits));
        let shaken = tokio::time::timeout(config.timeouts.connect, shake)
            .await
            .map_err(|_| {
                Error::timed_out("the server did not shake hands", config.timeouts.connect)
            })?;
        match shaken {
            Ok((socket, _)) => break socket,
            Err(SocketError::Http(response)) => {
                let status = response.status();
                let refusal = Refusal {
                    request: outgoing,
                    sent: &credentials,
                    status,
                    headers: response.headers(),
                };
                let wants_to_know = matches!(status.as_u16(), 401 | 403);
                if let (true, Some(authorize)) = (wants_to_know, &config.authorize)
                    && attempts < wharf_auth::MAX_ATTEMPTS
                    && authorize.refused(refusal).await.map_err(Error::auth)? == Next::Again
                {
                    continue;
                }
                if wants_to_know {
                    return Err(Error::authorization(format!(
                        "the server wants to know who is calling ({status})"
                    )));
                }
                return Err(Error::unreachable(format!(
                    "the server has no WebSocket at {uri}: HTTP {status}"
                )));
            }
            Err(error) => {
                return Err(
                    Error::unreachable(format!("no WebSocket at {uri}: {error}"))
                        .with_source(error),
                );
            }
        }
    };
    let (queue, receiver) = Queue::new(QUEUE);
    let (close, closing) = watch::channel(false);
    let (ended, closed) = watch::channel(());
    let duplex = Duplex::new(
        peer,
        Frames {
            queue,
            close,
            closed,
        },
    );
    let weak = Arc::downgrade(&duplex);
    tokio::spawn(async move {
        let error = run(socket, receiver, closing, &weak).await;
        drop(ended);
        if let Some(duplex) = weak.upgrade() {
            duplex.end(&error);
        }
    });
    Ok(duplex)
}

/// Carries messages until the connection ends, and says why. It reads whether it can write or not:
/// a server may take no more before it could answer.
async fn run<S: AsyncRead + AsyncWrite + Unpin>(
    socket: WebSocketStream<S>,
    mut messages: mpsc::Receiver<Vec<u8>>,
    mut closing: watch::Receiver<bool>,
    duplex: &std::sync::Weak<Duplex>,
) -> Error {
    let (mut sink, mut stream) = socket.split();
    let answered = AtomicBool::new(true);
    let ask = Notify::new();
    let write = async {
        loop {
            tokio::select! {
                message = messages.recv() => {
                    let Some(message) = message else { return Error::closed("the client was closed") };
                    // What is waiting shares one write.
                    let sent = async {
                        feed(&mut sink, message).await?;
                        while let Ok(message) = messages.try_recv() {
                            feed(&mut sink, message).await?;
                        }
                        sink.flush().await
                    };
                    if let Err(error) = sent.await {
                        return broken(error);
                    }
                }
                () = ask.notified() => {
                    if let Err(error) = sink.send(Message::Ping(Default::default())).await {
                        return broken(error);
                    }
                }
            }
        }
    };
    let read = async {
        let mut reading = Reading::default();
        loop {
            let frame = stream.next().await;
            answered.store(true, Ordering::Relaxed);
            let message = match frame {
                Some(Ok(Message::Text(text))) => text.as_bytes().to_vec(),
                Some(Ok(Message::Binary(bytes))) => bytes.to_vec(),
                Some(Ok(Message::Close(reason))) => {
                    let reason =
                        reason.map_or(String::new(), |it| format!(": {}", escape(&it.reason)));
                    return Error::closed(format!("the server has closed the connection{reason}"));
                }
                Some(Ok(_)) => continue,
                Some(Err(error)) => return broken(error),
                None => return Error::closed("the server has closed the connection"),
            };
            let Some(duplex) = duplex.upgrade() else {
                return Error::closed("the client was closed");
            };
            if let Err(error) = duplex.take(&mut reading, &message) {
                return error;
            }
        }
    };
    let silence = async {
        let mut turn = tokio::time::interval(PING);
        turn.reset();
        loop {
            turn.tick().await;
            if !answered.swap(false, Ordering::Relaxed) {
                return Error::closed("the server does not answer any more");
            }
            ask.notify_one();
        }
    };
    let closing = async {
        let _ = closing.wait_for(|closing| *closing).await;
        Error::closed("the client was closed")
    };
    let ended = tokio::select! {
        error = write => error,
        error = read => error,
        error = silence => error,
        error = closing => error,
    };
    // What was sent before, and the frame that says so; who does not take it soon does without.
    let farewell = async {
        while let Ok(message) = messages.try_recv() {
            feed(&mut sink, message).await?;
        }
        sink.close().await
    };
    let _ = tokio::time::timeout(Duration::from_secs(1), farewell).await;
    ended
}

async fn feed<S>(sink: &mut S, message: Vec<u8>) -> Result<(), SocketError>
where
    S: Sink<Message, Error = SocketError> + Unpin,
{
    match String::from_utf8(message) {
        Ok(text) => sink.feed(Message::text(text)).await,
        // Not one of ours.
        Err(_) => Ok(()),
    }
}

fn broken(error: SocketError) -> Error {
    Error::closed(format!("the connection broke: {error}")).with_source(error)
}

struct Frames {
    queue: Queue,
    close: watch::Sender<bool>,
    /// Loses its sender when the connection has ended.
    closed: watch::Receiver<()>,
}

impl Output for Frames {
    fn push(&self, message: &[u8], _: bool) -> bool {
        self.queue.push(message)
    }

    fn room(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.queue.room())
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            self.close.send_replace(true);
            while self.closed.clone().changed().await.is_ok() {}
        })
    }
}
