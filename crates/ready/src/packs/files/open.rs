//! [`Files`]: an open directory, which all tools and resources share.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::fault::{Fault, Result};
use super::options::Options;
use super::place::Names;
use super::policy::Policy;
use super::root::Root;
use super::rules::KnownRules;
use crate::{Error, Surroundings};

/// An open directory.
#[derive(Debug)]
pub(super) struct Files {
    pub(super) root: Root,
    pub(super) policy: Policy,
    pub(super) names: Names,
    pub(super) rules: KnownRules,
    pub(super) hard_links: bool,
    pub(super) max_bytes: u64,
    pub(super) max_resource_bytes: u64,
    pub(super) max_time: Duration,
    /// Held while a file is changed, so that two edits do not undo each other.
    pub(super) changing: Mutex<()>,
}

impl Files {
    pub(super) fn open(options: &Options, at: &Surroundings) -> crate::Result<Self> {
        let path = at.path(&options.path);
        let root = Root::open(&path).map_err(|error| {
            Error::unavailable(format_args!("the directory `{}`", path.display())).because(error)
        })?;
        let invalid = |why: String| Error::invalid(why);
        let names = Names::new(options.uri.as_deref(), root.path().to_owned())
            .map_err(|why| Error::invalid(format_args!("`uri`: {why}")))?;
        Ok(Self {
            policy: Policy::new(options).map_err(invalid)?,
            names,
            rules: KnownRules::default(),
            hard_links: options.hard_links,
            max_bytes: options.max_bytes.clamp(1024, 64 << 20),
            max_resource_bytes: options.max_resource_bytes.clamp(1024, 256 << 20),
            max_time: Duration::from_secs(options.max_seconds.clamp(1, 300)),
            changing: Mutex::new(()),
            root,
        })
    }
}

/// Does work with files on a thread that may wait for them.
pub(super) async fn blocking<T: Send + 'static>(
    files: &Arc<Files>,
    work: impl FnOnce(&Files) -> Result<T> + Send + 'static,
) -> Result<T> {
    let files = Arc::clone(files);
    let done = tokio::task::spawn_blocking(move || work(&files)).await;
    done.unwrap_or_else(|_| Err(Fault::failed("internal error")))
}
