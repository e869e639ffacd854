//! [`Settings`]: what an `OAuth` was told.

use std::sync::Arc;
use std::time::Duration;

use crate::client::Client;
use crate::flow::Flow;
use crate::interaction::{Browser, Interaction};
use crate::net::{Place, Reach};
use crate::redirect::RedirectTo;
use crate::scope::Scopes;
use crate::store::{MemoryStore, Store};

/// What an `OAuth` was told.
#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) client: Option<Client>,
    pub(crate) document: Option<Place>,
    pub(crate) name: String,
    pub(crate) home: Option<Place>,
    pub(crate) scopes: Option<Scopes>,
    pub(crate) flow: Flow,
    pub(crate) interaction: Arc<dyn Interaction>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) redirect: Option<RedirectTo>,
    pub(crate) dpop: Dpop,
    pub(crate) reach: Reach,
    pub(crate) patience: Duration,
}

/// Whether tokens are bound to a key of this program (RFC 9449), so that a stolen one is of no
/// use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Dpop {
    /// When both the MCP server and its authorization server say that they know it.
    #[default]
    WhenKnown,
    /// Always: a server that gives another token is refused.
    Always,
    /// Never.
    Never,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            client: None,
            document: None,
            name: "Wharf".to_owned(),
            home: None,
            scopes: None,
            flow: Flow::default(),
            interaction: Arc::new(Browser::new()),
            store: Arc::new(MemoryStore::new()),
            redirect: None,
            dpop: Dpop::default(),
            reach: Reach::public(),
            patience: Duration::from_secs(300),
        }
    }
}

impl Settings {
    /// Somebody fixed the port that answers go to.
    pub(crate) fn has_fixed_redirect(&self) -> bool {
        self.redirect.as_ref().is_some_and(|to| to.port != 0)
    }
}
