//! A TCP proxy that does to connections what networks do.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::support::Random;

/// What is done to a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    /// Closed after some bytes.
    Cut,
    /// Reset after some bytes.
    Reset,
    /// Open, but nothing comes through any more after some bytes.
    Hold,
    /// Split into small pieces that come late.
    Delay,
    /// Some bytes are changed, so that ASCII becomes what is not even UTF-8.
    Corrupt,
    /// Pieces change places.
    Reorder,
}

pub(crate) const FAULTS: [Fault; 6] = [
    Fault::Cut,
    Fault::Reset,
    Fault::Hold,
    Fault::Delay,
    Fault::Corrupt,
    Fault::Reorder,
];

/// A proxy; ends with the test's runtime.
#[derive(Clone)]
pub(crate) struct Proxy {
    pub(crate) port: u16,
    fault: Arc<Mutex<Fault>>,
    connections: Arc<AtomicU64>,
}

impl Proxy {
    pub(crate) async fn start(target: u16, seed: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = Self {
            port: listener.local_addr().unwrap().port(),
            fault: Arc::new(Mutex::new(Fault::None)),
            connections: Arc::default(),
        };
        let running = proxy.clone();
        tokio::spawn(async move {
            let mut all = JoinSet::new();
            loop {
                let (client, _) = listener.accept().await.unwrap();
                let number = running.connections.fetch_add(1, Ordering::Relaxed);
                let random = Random::new(seed << 16 | number);
                let fault = running.fault();
                all.spawn(async move {
                    if let Ok(server) = TcpStream::connect(("127.0.0.1", target)).await {
                        carry(client, server, fault, random).await;
                    }
                });
            }
        });
        proxy
    }

    fn fault(&self) -> Fault {
        *self.fault.lock().unwrap()
    }

    /// What is done to connections from now on. Those that are there keep theirs.
    pub(crate) fn set(&self, fault: Fault) {
        *self.fault.lock().unwrap() = fault;
    }
}

async fn carry(client: TcpStream, server: TcpStream, fault: Fault, mut random: Random) {
    client.set_nodelay(true).unwrap();
    server.set_nodelay(true).unwrap();
    if fault == Fault::Reset {
        client.set_zero_linger().unwrap();
        server.set_zero_linger().unwrap();
    }
    let mut other = Random::new(random.below(1 << 30) as u64);
    // One direction is disturbed, or both.
    let (up, down) = match random.below(4) {
        0 => (fault, Fault::None),
        1 => (fault, fault),
        _ => (Fault::None, fault),
    };
    let (client_reads, client_writes) = client.into_split();
    let (server_reads, server_writes) = server.into_split();
    let up = pump(client_reads, server_writes, up, &mut random);
    let down = pump(server_reads, client_writes, down, &mut other);
    // An end in one direction is the end of both: a cut is one.
    tokio::select! {
        () = up => {}
        () = down => {}
    }
}

async fn pump(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, fault: Fault, random: &mut Random) {
    let mut chunk = vec![0; 16 * 1024];
    let mut left = random.below(2500);
    let mut kept = Vec::new();
    loop {
        let read = from.read(&mut chunk);
        let count = if kept.is_empty() {
            read.await.unwrap_or(0)
        } else {
            // What is kept back does not wait for ever for something to change places with.
            match tokio::time::timeout(Duration::from_millis(50), read).await {
                Ok(count) => count.unwrap_or(0),
                Err(_) => {
                    if to.write_all(&std::mem::take(&mut kept)).await.is_err() {
                        return;
                    }
                    continue;
                }
            }
        };
        if count == 0 {
            return;
        }
        let bytes = &mut chunk[..count];
        let written = match fault {
            Fault::None => to.write_all(bytes).await,
            Fault::Cut | Fault::Reset if left < count => {
                let _ = to.write_all(&bytes[..left]).await;
                return;
            }
            Fault::Hold if left < count => {
                let _ = to.write_all(&bytes[..left]).await;
                std::future::pending().await
            }
            Fault::Cut | Fault::Reset | Fault::Hold => {
                left -= count;
                to.write_all(bytes).await
            }
            Fault::Delay => late(bytes, &mut to, random).await,
            Fault::Corrupt => {
                for byte in bytes.iter_mut() {
                    if random.below(700) == 0 {
                        *byte ^= 0x80;
                    }
                }
                to.write_all(bytes).await
            }
            Fault::Reorder => {
                let middle = random.below(count);
                let (first, second) = bytes.split_at(middle);
                match random.below(3) {
                    0 => {
                        let before = std::mem::take(&mut kept);
                        kept = second.to_vec();
                        to.write_all(&[first, &before].concat()).await
                    }
                    _ => {
                        let before = std::mem::take(&mut kept);
                        to.write_all(&[&before, bytes as &[u8]].concat()).await
                    }
                }
            }
        };
        if written.is_err() {
            return;
        }
    }
}

async fn late(bytes: &[u8], to: &mut OwnedWriteHalf, random: &mut Random) -> std::io::Result<()> {
    let mut rest = bytes;
    while !rest.is_empty() {
        let count = (1 + random.below(200)).min(rest.len());
        to.write_all(&rest[..count]).await?;
        rest = &rest[count..];
        if random.below(4) == 0 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
    Ok(())
}
