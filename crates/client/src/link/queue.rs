//! Messages that wait for the task that sends them: posts, frames.

use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::mpsc::{Receiver, Sender, channel};

/// A bounded queue of messages.
#[derive(Debug)]
pub(crate) struct Queue(Sender<Vec<u8>>);

impl Queue {
    /// A queue for so many messages, and its other end.
    pub(crate) fn new(length: usize) -> (Self, Receiver<Vec<u8>>) {
        let (sender, receiver) = channel(length);
        (Self(sender), receiver)
    }

    /// Takes a message, if there is room.
    pub(crate) fn push(&self, message: &[u8]) -> bool {
        match self.0.try_send(message.to_vec()) {
            // Where nobody will take it, the request finds that the connection has ended.
            Ok(()) | Err(TrySendError::Closed(_)) => true,
            Err(TrySendError::Full(_)) => false,
        }
    }

    /// Waits until there may be room.
    pub(crate) async fn room(&self) {
        // The permit is given back: whoever comes first takes the place.
        drop(self.0.reserve().await);
    }
}
