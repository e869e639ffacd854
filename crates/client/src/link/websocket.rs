//! WebSocket: a message a frame, in both directions, with the sub-protocol `mcp`.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::{SinkExt as _, StreamExt as _};
use http::header::SEC_WEBSOCKET_PROTOCOL;
use http::{HeaderValue, Method, Uri};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{Notify, mpsc};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error as SocketError, Message};
use wharf_auth::{Next, Outgoing, Refusal};

use super::Duplex;
use super::duplex::{Output, Reading};
use super::http::connector;
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
    let (sender, receiver) = mpsc::channel(QUEUE);
    let closed = Arc::new(Notify::new());
    let output = Frames {
        sender,
        close: Arc::default(),
        closed: Arc::clone(&closed),
    };
    let close = Arc::clone(&output.close);
    let duplex = Duplex::new(peer, output);
    let weak = Arc::downgrade(&duplex);
    tokio::spawn(async move {
        let ended = run(socket, receiver, close, &weak).await;
        closed.notify_waiters();
        if let Some(duplex) = weak.upgrade() {
            duplex.end(&ended);
        }
    });
    Ok(duplex)
}

/// Carries messages until the connection ends, and says why.
async fn run<S: AsyncRead + AsyncWrite + Unpin>(
    mut socket: WebSocketStream<S>,
    mut messages: mpsc::Receiver<Vec<u8>>,
    close: Arc<Notify>,
    duplex: &std::sync::Weak<Duplex>,
) -> Error {
    let mut reading = Reading::default();
    let mut ping = tokio::time::interval(PING);
    ping.reset();
    let mut answered = true;
    loop {
        tokio::select! {
            message = messages.recv() => {
                let Some(message) = message else {
                    let _ = tokio::time::timeout(Duration::from_secs(1), socket.close(None)).await;
                    return Error::closed("the client was closed");
                };
                let Ok(text) = String::from_utf8(message) else { continue };
                let sent = async {
                    socket.feed(Message::text(text)).await?;
                    // What is waiting shares one write.
                    while let Ok(message) = messages.try_recv() {
                        if let Ok(text) = String::from_utf8(message) {
                            socket.feed(Message::text(text)).await?;
                        }
                    }
                    socket.flush().await
                };
                if let Err(error) = sent.await {
                    return broken(error);
                }
            }
            frame = socket.next() => {
                answered = true;
                let message = match frame {
                    Some(Ok(Message::Text(text))) => text.as_bytes().to_vec(),
                    Some(Ok(Message::Binary(bytes))) => bytes.to_vec(),
                    Some(Ok(Message::Close(reason))) => {
                        let reason = reason.map_or(String::new(), |it| format!(": {}", escape(&it.reason)));
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
            _ = ping.tick() => {
                if !answered {
                    return Error::closed("the server does not answer any more");
                }
                answered = false;
                if let Err(error) = socket.send(Message::Ping(Default::default())).await {
                    return broken(error);
                }
            }
            () = close.notified() => {
                let _ = tokio::time::timeout(Duration::from_secs(1), socket.close(None)).await;
                return Error::closed("the client was closed");
            }
        }
    }
}

fn broken(error: SocketError) -> Error {
    Error::closed(format!("the connection broke: {error}")).with_source(error)
}

struct Frames {
    sender: mpsc::Sender<Vec<u8>>,
    close: Arc<Notify>,
    closed: Arc<Notify>,
}

impl Output for Frames {
    fn push(&self, message: &[u8], _: bool) -> bool {
        match self.sender.try_send(message.to_vec()) {
            Ok(()) => true,
            // Nobody will take it: the request finds that the connection has ended.
            Err(mpsc::error::TrySendError::Closed(_)) => true,
            Err(mpsc::error::TrySendError::Full(_)) => false,
        }
    }

    fn room(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            // The permit is given back: whoever comes first takes the place.
            drop(self.sender.reserve().await);
        })
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            let closed = self.closed.notified();
            self.close.notify_one();
            if !self.sender.is_closed() {
                let _ = tokio::time::timeout(Duration::from_secs(2), closed).await;
            }
        })
    }
}
