//! A server in this process, over HTTP.

use std::sync::mpsc::channel;

use wharf::Server;
use wharf::http::HttpOptions;

/// A server that runs until the test ends, and its address.
pub struct Served {
    pub url: String,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Served {
    pub fn start(server: Server) -> Self {
        let (sender, url) = channel();
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            runtime.expect("a runtime").block_on(async move {
                let bound = server
                    .http(HttpOptions::default())
                    .bind("127.0.0.1:0")
                    .await;
                let bound = bound.expect("a port");
                sender
                    .send(bound.url().expect("an address"))
                    .expect("somebody waits");
                let until = async { drop(stopped.await) };
                bound.serve_until(until).await.expect("served");
            });
        });
        Self {
            url: url.recv().expect("an address"),
            stop: Some(stop),
            thread: Some(thread),
        }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        drop(self.stop.take());
        // Streams that are open hold it up for a while; nobody waits for that.
        drop(self.thread.take());
    }
}
