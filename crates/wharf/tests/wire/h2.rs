//! HTTP/2 without TLS, through hyper.

use std::net::SocketAddr;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http2::{self, SendRequest};
use hyper::{Request, Response, body::Incoming};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use super::http::{Answer, Post};
use super::soon;

pub struct Http2 {
    sender: SendRequest<Full<Bytes>>,
    connection: JoinHandle<()>,
    pub addr: SocketAddr,
}

impl Http2 {
    pub async fn open(addr: SocketAddr) -> Self {
        let stream = TcpStream::connect(addr).await.unwrap();
        let (sender, connection) =
            soon(http2::handshake(TokioExecutor::new(), TokioIo::new(stream)))
                .await
                .unwrap();
        let connection = tokio::spawn(async move {
            let _ = connection.await;
        });
        Self {
            sender,
            connection,
            addr,
        }
    }

    /// Sends a request for an authority; the response's head, with the body to come.
    pub async fn send(
        &self,
        post: &Post,
        authority: &str,
    ) -> Result<Response<Incoming>, hyper::Error> {
        let mut request = Request::builder()
            .method(post.method)
            .uri(format!("http://{authority}{}", post.target));
        for (name, value) in &post.headers {
            request = request.header(name, value);
        }
        let request = request.body(Full::from(post.body.clone())).unwrap();
        let mut sender = self.sender.clone();
        soon(sender.ready()).await?;
        soon(sender.send_request(request)).await
    }

    pub async fn ask(&self, post: &Post) -> Answer {
        self.ask_as(post, &self.addr.to_string()).await
    }

    pub async fn ask_as(&self, post: &Post, authority: &str) -> Answer {
        let response = self.send(post, authority).await.unwrap();
        let (head, body) = response.into_parts();
        let body = soon(body.collect()).await.unwrap().to_bytes();
        Answer {
            status: head.status.as_u16(),
            headers: head
                .headers
                .iter()
                .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
                .collect(),
            body: body.to_vec(),
        }
    }

    pub fn is_closed(&self) -> bool {
        self.connection.is_finished()
    }

    pub async fn closed(self) {
        soon(self.connection).await.unwrap();
    }
}
