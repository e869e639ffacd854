//! The files of a certificate: read, understood, and read again when they have changed.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use arc_swap::ArcSwap;
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::{ClientHello, ResolvesServerCert};
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_rustls::rustls::{InconsistentKeys, ServerConfig};

use crate::error::{Error, Result};

/// The largest file that is read, in bytes.
const LARGEST: u64 = 1024 * 1024;

pub(super) struct Files {
    certificates: PathBuf,
    key: PathBuf,
    provider: Arc<CryptoProvider>,
    config: Arc<ServerConfig>,
    current: Arc<Current>,
    /// What the files looked like when they were last read, well or not.
    seen: Mutex<Option<Seen>>,
}

type Seen = [Option<(SystemTime, u64, u64)>; 2];

/// The certificate that new connections get.
#[derive(Debug)]
struct Current(ArcSwap<CertifiedKey>);

impl ResolvesServerCert for Current {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.load_full())
    }
}

impl Files {
    pub(super) fn open(certificates: PathBuf, key: PathBuf) -> Result<Self> {
        let provider = Arc::new(ring::default_provider());
        let seen = Some([state(&certificates), state(&key)]);
        let read = read(&provider, &certificates, &key)?;
        let current = Arc::new(Current(ArcSwap::from_pointee(read)));
        let config = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| Error::from_display(error).context("TLS"))?
            .with_no_client_auth();
        let resolver = Arc::clone(&current);
        let mut config = config.with_cert_resolver(resolver);
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self {
            certificates,
            key,
            provider,
            config: Arc::new(config),
            current,
            seen: Mutex::new(seen),
        })
    }

    pub(super) fn config(&self) -> &Arc<ServerConfig> {
        &self.config
    }

    pub(super) fn reload(&self) -> Result<()> {
        // Looked at before they are read: what is written meanwhile is seen at the next look.
        let now = [state(&self.certificates), state(&self.key)];
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(now);
        let read = read(&self.provider, &self.certificates, &self.key)?;
        self.current.0.store(Arc::new(read));
        tracing::info!(certificates = %self.certificates.display(), "the certificate was read again");
        Ok(())
    }

    /// Reads the files again if they have changed. One of a pair may be written before the other:
    /// until both fit, the certificate of before is used.
    pub(super) fn look(&self) {
        let now = [state(&self.certificates), state(&self.key)];
        if *self.seen.lock().unwrap_or_else(PoisonError::into_inner) == Some(now) {
            return;
        }
        if let Err(error) = self.reload() {
            tracing::warn!(%error, "the certificate of before stays in use");
        }
    }
}

/// What changes when a file is written or another one takes its place.
fn state(path: &Path) -> Option<(SystemTime, u64, u64)> {
    let data = fs::metadata(path).ok()?;
    #[cfg(unix)]
    let number = std::os::unix::fs::MetadataExt::ino(&data);
    #[cfg(not(unix))]
    let number = 0;
    Some((data.modified().ok()?, data.len(), number))
}

fn read(provider: &CryptoProvider, certificates: &Path, key: &Path) -> Result<CertifiedKey> {
    let chain = chain(certificates)?;
    let (first, second) = (certificates.display(), key.display());
    match CertifiedKey::from_der(chain, private_key(key)?, provider) {
        Ok(pair) => Ok(pair),
        Err(error) => Err(match error {
            tokio_rustls::rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
                Error::new(format!(
                    "the key in {second} does not belong to the first certificate in {first}"
                ))
            }
            tokio_rustls::rustls::Error::InvalidCertificate(why) => Error::new(format!(
                "the first certificate in {first} cannot be used: {why:?}"
            )),
            other => Error::new(format!("the key in {second} cannot be used: {other}")),
        }),
    }
}

fn text(path: &Path, what: &str) -> Result<Vec<u8>> {
    let failed = |error: std::io::Error| {
        Error::from(error).context(format!("cannot read the {what} {}", path.display()))
    };
    let mut bytes = Vec::new();
    let file = fs::File::open(path).map_err(failed)?;
    let read = file.take(LARGEST + 1).read_to_end(&mut bytes);
    read.map_err(failed)?;
    if bytes.len() as u64 > LARGEST {
        let shown = path.display();
        return Err(Error::new(format!(
            "{shown} is no {what}: it is larger than 1 MiB"
        )));
    }
    Ok(bytes)
}

fn chain(path: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let bytes = text(path, "certificate")?;
    let shown = path.display();
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    let chain = chain.map_err(|error| Error::new(format!("{shown} is no PEM file: {error}")))?;
    if chain.is_empty() {
        let instead = if private_in(&bytes) {
            ": it holds a key"
        } else {
            ""
        };
        return Err(Error::new(format!(
            "there is no certificate in {shown}{instead} (PEM, `-----BEGIN CERTIFICATE-----`)"
        )));
    }
    Ok(chain)
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>> {
    let bytes = text(path, "key")?;
    let shown = path.display();
    if contains(&bytes, b"ENCRYPTED") {
        return Err(Error::new(format!(
            "the key in {shown} has a password: take it off with `openssl pkey -in … -out …`"
        )));
    }
    warn_if_open(path);
    PrivateKeyDer::from_pem_slice(&bytes).map_err(|_| {
        let certificate = contains(&bytes, b"BEGIN CERTIFICATE");
        let instead = if certificate {
            ": it holds a certificate"
        } else {
            ""
        };
        Error::new(format!(
            "there is no private key in {shown}{instead} (PEM, `-----BEGIN PRIVATE KEY-----`)"
        ))
    })
}

fn private_in(bytes: &[u8]) -> bool {
    contains(bytes, b"PRIVATE KEY-----")
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

#[cfg(unix)]
fn warn_if_open(path: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = fs::metadata(path).map(|data| data.permissions().mode());
    if mode.is_ok_and(|mode| mode & 0o004 != 0) {
        tracing::warn!(key = %path.display(), "everybody on this machine can read the key: `chmod 600`");
    }
}

#[cfg(not(unix))]
fn warn_if_open(_: &Path) {}
