//! [`Assertion`]: a statement of somebody else about who one is.

use std::fmt;
use std::future::Future;
use std::io::Read;
use std::path::PathBuf;
use std::sync::Arc;

use crate::{Error, Pending, Secret};

/// No assertion is longer, in bytes.
const LONGEST: u64 = 64 * 1024;

/// A statement of somebody else about who one is: a signed JWT from an identity provider or a
/// platform. Asked for anew each time one is needed, because they are short-lived.
#[derive(Clone)]
pub struct Assertion(
    Arc<dyn Fn(Audience) -> Pending<'static, Result<Secret, Error>> + Send + Sync>,
);

/// Whom an assertion is for.
#[derive(Debug, Clone)]
pub struct Audience {
    pub(crate) issuer: String,
    pub(crate) resource: String,
}

impl Audience {
    /// The issuer that will read it: what its `aud` should be.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The MCP server that the token will be for.
    pub fn resource(&self) -> &str {
        &self.resource
    }
}

impl Assertion {
    /// One that is at hand already.
    pub fn fixed(jwt: impl Into<Secret>) -> Self {
        let jwt = jwt.into();
        Self::from_fn(move |_| std::future::ready(Ok(jwt.clone())))
    }

    /// One that somebody keeps fresh in a file, as Kubernetes does: at most 64 KiB, read each
    /// time, without the white space around it.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        Self::from_fn(move |_| {
            let path = path.clone();
            async move {
                let failed = |e| {
                    Error::misconfigured("the file with the assertion cannot be read")
                        .with_source(e)
                };
                let read = tokio::task::spawn_blocking(move || {
                    let mut text = String::new();
                    let file = std::fs::File::open(path)?;
                    file.take(LONGEST).read_to_string(&mut text)?;
                    Ok(Secret::new(text.trim()))
                });
                read.await
                    .unwrap_or_else(|e| Err(std::io::Error::other(e)))
                    .map_err(failed)
            }
        })
    }

    /// One that a function gets, from a metadata service for example.
    pub fn from_fn<F, Fut>(get: F) -> Self
    where
        F: Fn(Audience) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Secret, Error>> + Send + 'static,
    {
        Self(Arc::new(move |audience| Box::pin(get(audience))))
    }

    pub(crate) async fn get(&self, issuer: &str, resource: &str) -> Result<Secret, Error> {
        let audience = Audience {
            issuer: issuer.to_owned(),
            resource: resource.to_owned(),
        };
        (self.0)(audience).await
    }
}

impl fmt::Debug for Assertion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Assertion(…)")
    }
}
