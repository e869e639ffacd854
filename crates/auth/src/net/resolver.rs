//! [`Resolver`]: names to addresses that may be dialled.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::OnceLock;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::Reach;
use crate::text::shown;

/// Names to addresses that may be dialled: what it gives is what is connected to, so a name that
/// changes its addresses between a check and its use (DNS rebinding) changes nothing.
#[derive(Clone, Default)]
pub(super) struct Resolver {
    pub(super) reach: Arc<OnceLock<Reach>>,
}

/// All addresses of a name are out of reach.
#[derive(Debug)]
pub(super) struct OutOfReach(pub(super) String);

impl fmt::Display for OutOfReach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} is an address that servers must not send us to (private, of this machine, or reserved)",
            self.0
        )
    }
}

impl std::error::Error for OutOfReach {}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let reach = self.reach.get().copied().unwrap_or_default();
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let allowed: Vec<SocketAddr> = found.filter(|a| reach.allows(a.ip())).collect();
            if allowed.is_empty() {
                return Err(OutOfReach(shown(name.as_str())).into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}
