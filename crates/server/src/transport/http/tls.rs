//! [`Tls`]: the certificate of our own listener.

#[cfg(feature = "tls")]
mod files;

use std::fmt;

#[cfg(not(feature = "tls"))]
type Inner = std::convert::Infallible;
#[cfg(feature = "tls")]
type Inner = std::sync::Arc<files::Files>;

/// A certificate and its key, with which our own listener speaks HTTPS: HTTP/1.1 and HTTP/2 over TLS
/// 1.2 and 1.3. Made by `Tls::from_files`, with the feature `tls`. Cheap to clone: all clones are one
/// certificate.
#[derive(Clone)]
pub struct Tls {
    #[cfg_attr(not(feature = "tls"), allow(dead_code, reason = "never made"))]
    inner: Inner,
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").finish_non_exhaustive()
    }
}

#[cfg(feature = "tls")]
mod with_files {
    use std::path::PathBuf;
    use std::sync::Arc;
    use std::time::Duration;

    use tokio::net::TcpStream;
    use tokio_rustls::TlsAcceptor;
    use tokio_rustls::server::TlsStream;

    use super::Tls;
    use super::files::Files;
    use crate::error::Result;

    /// How often the listener looks whether the files have changed.
    const LOOK: Duration = Duration::from_secs(5);

    impl Tls {
        /// Reads the chain of certificates, the server's own first, and its private key, both PEM.
        /// The listener looks every 5 seconds whether the files have changed, and reads them again
        /// if so; connections that are open stay as they are.
        ///
        /// A key that everybody on the machine can read gets a warning in the log.
        ///
        /// # Errors
        /// Which file cannot be read, or does not hold what it should; or they do not belong
        /// together.
        pub fn from_files(
            certificates: impl Into<PathBuf>,
            key: impl Into<PathBuf>,
        ) -> Result<Self> {
            let files = Files::open(certificates.into(), key.into())?;
            Ok(Self {
                inner: Arc::new(files),
            })
        }

        /// Reads the files again, now. New connections have what is in them.
        ///
        /// # Errors
        /// As when they were first read; then everything stays as it was.
        pub fn reload(&self) -> Result<()> {
            self.inner.reload()
        }

        pub(in super::super) async fn accept(
            &self,
            stream: TcpStream,
        ) -> std::io::Result<TlsStream<TcpStream>> {
            let config = Arc::clone(self.inner.config());
            TlsAcceptor::from(config).accept(stream).await
        }

        /// Reads the files again whenever they have changed.
        pub(in super::super) async fn watch(self) {
            loop {
                tokio::time::sleep(LOOK).await;
                let files = Arc::clone(&self.inner);
                // Files can be on a disk that is slow to answer.
                let _ = tokio::task::spawn_blocking(move || files.look()).await;
            }
        }
    }
}
