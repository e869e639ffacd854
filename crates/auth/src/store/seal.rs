//! [`Seal`]: values that only who has the key can read.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::rand::{SecureRandom, SystemRandom};
use zeroize::Zeroizing;

use crate::{Error, Secret};

/// Values that only who has the key can read, each bound to the name that it is kept under.
pub(super) struct Seal(LessSafeKey);

/// The length of a key, in bytes.
pub(super) const KEY: usize = 32;

impl Seal {
    pub(super) fn new(key: &[u8; KEY]) -> Result<Self, Error> {
        UnboundKey::new(&AES_256_GCM, key)
            .map(|key| Self(LessSafeKey::new(key)))
            .map_err(|_| Error::store("the key of the token store cannot be used"))
    }

    /// Nonce and sealed text, as base64.
    pub(super) fn close(&self, name: &str, value: &Secret) -> Result<String, Error> {
        let failed = |_| Error::store("the token cannot be sealed");
        let mut nonce = [0; NONCE_LEN];
        SystemRandom::new().fill(&mut nonce).map_err(failed)?;
        let mut text = value.expose().as_bytes().to_vec();
        self.0
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(name),
                &mut text,
            )
            .map_err(failed)?;
        Ok(STANDARD.encode([&nonce[..], &text].concat()))
    }

    pub(super) fn open(&self, name: &str, sealed: &str) -> Result<Secret, Error> {
        let failed = || Error::store("a stored token cannot be unsealed: its key has changed");
        let mut bytes = Zeroizing::new(STANDARD.decode(sealed).map_err(|_| failed())?);
        let (nonce, text) = bytes.split_at_mut_checked(NONCE_LEN).ok_or_else(failed)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| failed())?;
        let text = self
            .0
            .open_in_place(nonce, Aad::from(name), text)
            .map_err(|_| failed())?;
        let text = std::str::from_utf8(text).map_err(|_| failed())?;
        Ok(Secret::from(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_with_its_key_and_name_only() {
        let seal = Seal::new(&[7; KEY]).unwrap();
        let value = Secret::from("hunter2");
        let sealed = seal.close("a", &value).unwrap();
        assert!(!sealed.contains("hunter2"));
        assert_ne!(sealed, seal.close("a", &value).unwrap());
        assert_eq!(seal.open("a", &sealed).unwrap(), value);
        assert!(seal.open("b", &sealed).unwrap_err().is_store());
        assert!(Seal::new(&[8; KEY]).unwrap().open("a", &sealed).is_err());
        for broken in ["", "AAAA", "!", &sealed[..sealed.len() - 4]] {
            assert!(seal.open("a", broken).is_err(), "{broken}");
        }
    }
}
