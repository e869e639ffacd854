//! Whether a server that says nothing is still there.
//!
//! A connection can be dead without anybody saying so: a network that forgot it, a child that
//! hangs. Such a connection would fail every call for ever, so that one that was silent for as long
//! as a request waits is asked for a sign of life (spec 2025-11-25, basic/utilities/ping).

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::client::Shared;
use crate::connect::Connection;
use crate::error::Error;
use crate::link::{Link, Outgoing};
use crate::message::{Members, Request};

impl Shared {
    /// A request was not answered in time, and neither came anything else meanwhile. If nothing
    /// comes for as long again, although the server is asked, the connection is given up: the next
    /// request opens another one. It is kept where it cannot be opened again, while somebody here
    /// is at work on a question of the server, and while an older request than this one waits:
    /// that one may have more time, and be what the server works on.
    pub(crate) fn doubt(&self, connection: &Arc<Connection>) {
        let Link::Duplex(duplex) = &connection.link else {
            return;
        };
        if !self.target.opens_again() || duplex.doubted.swap(true, Ordering::AcqRel) {
            return;
        }
        let patience = self.config.timeouts.request;
        // Given now, before the next request can get one: that is not older.
        let id = connection.peer.next_id();
        let common = Arc::clone(&self.common);
        let connection = Arc::clone(connection);
        let duplex = Arc::clone(duplex);
        tokio::spawn(async move {
            let request = Request::new(connection.ping());
            let none = Members::default();
            let outgoing = Outgoing::new(id, &request, &connection.about, &none, false);
            let heard = duplex.heard();
            let asked = tokio::time::timeout(patience, duplex.request(outgoing)).await;
            duplex.doubted.store(false, Ordering::Release);
            let silent = asked.is_err() && duplex.heard() == heard;
            if silent && !common.is_busy() && !duplex.waits_longer_than(id) {
                tracing::debug!("the server gives no sign of life");
                duplex.end(&Error::closed("the server does not answer any more"));
            }
        });
    }
}
