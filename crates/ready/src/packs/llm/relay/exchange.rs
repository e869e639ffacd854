//! [`Exchange`]: one request on its way, as both ends of the relay see it.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use ring::rand::{SecureRandom as _, SystemRandom};
use tokio::sync::watch;
use tokio::time::Instant;

use super::fault::Fault;

/// Requests that are expected, by their numbers.
#[derive(Debug, Default)]
pub(super) struct Exchanges(Mutex<HashMap<String, Arc<Exchange>>>);

/// One request on its way.
#[derive(Debug)]
pub(super) struct Exchange {
    pub(super) deadline: Instant,
    fault: Mutex<Option<Fault>>,
    /// Closed when nobody waits any more.
    wanted: watch::Receiver<()>,
}

/// The right to send one request. Dropped, it ends the request.
#[derive(Debug)]
pub(in super::super) struct Ticket {
    number: String,
    exchange: Arc<Exchange>,
    open: Arc<Exchanges>,
    _wanted: watch::Sender<()>,
}

impl Exchanges {
    pub(super) fn open(open: &Arc<Self>, deadline: Instant) -> io::Result<Ticket> {
        let (wanted, receiver) = watch::channel(());
        let exchange = Arc::new(Exchange {
            deadline,
            fault: Mutex::default(),
            wanted: receiver,
        });
        let number = chance()?;
        open.lock().insert(number.clone(), Arc::clone(&exchange));
        Ok(Ticket {
            number,
            exchange,
            open: Arc::clone(open),
            _wanted: wanted,
        })
    }

    /// The exchange of this number, which is then taken.
    pub(super) fn take(&self, number: &[u8]) -> Option<Arc<Exchange>> {
        self.lock().remove(std::str::from_utf8(number).ok()?)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Arc<Exchange>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Exchange {
    /// Says why it failed. The first reason is the one that counts.
    pub(super) fn fail(&self, fault: Fault) {
        let mut slot = self.fault.lock().unwrap_or_else(PoisonError::into_inner);
        slot.get_or_insert(fault);
    }

    /// Waits until nobody waits any more.
    pub(super) async fn dropped(&self) {
        // Nothing is ever sent: the only news is that the sender is gone.
        let _ = self.wanted.clone().changed().await;
    }
}

impl Ticket {
    /// The number that the request must carry.
    pub(in super::super) fn number(&self) -> &str {
        &self.number
    }

    /// Why the request failed, once.
    pub(in super::super) fn fault(&self) -> Option<Fault> {
        let slot = &self.exchange.fault;
        slot.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.open.lock().remove(&self.number);
    }
}

/// A word that nobody can guess.
pub(super) fn chance() -> io::Result<String> {
    let mut bytes = [0; 16];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| io::Error::other("the system has no randomness"))?;
    Ok(format!("{:032x}", u128::from_ne_bytes(bytes)))
}
