//! Text that nobody can guess, and digests.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest;
use ring::rand::{SecureRandom, SystemRandom};
use zeroize::Zeroizing;

use crate::Error;

/// `BYTES` random bytes, as base64url.
pub(crate) fn text<const BYTES: usize>() -> Result<String, Error> {
    bytes::<BYTES>().map(|bytes| base64url(&*bytes))
}

/// Random bytes.
pub(crate) fn bytes<const BYTES: usize>() -> Result<Zeroizing<[u8; BYTES]>, Error> {
    let mut bytes = Zeroizing::new([0; BYTES]);
    SystemRandom::new()
        .fill(&mut *bytes)
        .map_err(|_| Error::misconfigured("the system gives no random numbers"))?;
    Ok(bytes)
}

/// The SHA-256 of a text, as base64url.
pub(crate) fn sha256(text: &[u8]) -> String {
    base64url(digest::digest(&digest::SHA256, text).as_ref())
}

/// Bytes as base64url without padding.
pub(crate) fn base64url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
