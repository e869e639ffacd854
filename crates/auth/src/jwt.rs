//! [`SigningKey`]: a private key, and the signed JSON that proves that one has it.

use std::fmt;
use std::sync::Arc;

use ring::rand::SystemRandom;
use ring::signature::{self, EcdsaKeyPair, Ed25519KeyPair, RsaKeyPair};
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject;
use serde_json::Value;

use crate::random::base64url;
use crate::{Error, Secret};

/// A private key of a client, with the one algorithm that it signs with.
///
/// The algorithm belongs to the key and never follows what a server asks for. `Debug` does not
/// show the key.
#[derive(Clone)]
pub struct SigningKey {
    algorithm: Algorithm,
    id: Option<String>,
    pair: Arc<Pair>,
}

enum Pair {
    Ecdsa(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
    Rsa(RsaKeyPair),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Algorithm {
    Es256,
    Es384,
    EdDsa,
    Rs256,
    Ps256,
}

impl Algorithm {
    fn name(self) -> &'static str {
        match self {
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::EdDsa => "EdDSA",
            Self::Rs256 => "RS256",
            Self::Ps256 => "PS256",
        }
    }
}

impl SigningKey {
    /// Reads a private key in PEM: PKCS#8 of an elliptic curve (P-256, P-384, Ed25519) or RSA, or
    /// PKCS#1. It signs with `ES256`, `ES384`, `EdDSA` or `RS256`.
    ///
    /// # Errors
    ///
    /// There is no such key in the text.
    pub fn from_pem(pem: impl Into<Secret>) -> Result<Self, Error> {
        let pem = pem.into();
        let key = PrivateKeyDer::from_pem_slice(pem.expose().as_bytes())
            .map_err(|_| Error::misconfigured("the signing key is not a private key in PEM"))?;
        match &key {
            PrivateKeyDer::Pkcs8(der) => Self::from_pkcs8(der.secret_pkcs8_der()),
            PrivateKeyDer::Pkcs1(der) => RsaKeyPair::from_der(der.secret_pkcs1_der())
                .map(|pair| Self::of(Algorithm::Rs256, Pair::Rsa(pair)))
                .map_err(|_| Error::misconfigured("the RSA key cannot be used")),
            _ => Err(
                Error::misconfigured("the signing key is in a form that is not read")
                    .with_next_step("convert it with `openssl pkcs8 -topk8 -nocrypt`"),
            ),
        }
    }

    pub(crate) fn from_pkcs8(der: &[u8]) -> Result<Self, Error> {
        let random = SystemRandom::new();
        let p256 = &signature::ECDSA_P256_SHA256_FIXED_SIGNING;
        let p384 = &signature::ECDSA_P384_SHA384_FIXED_SIGNING;
        if let Ok(pair) = EcdsaKeyPair::from_pkcs8(p256, der, &random) {
            return Ok(Self::of(Algorithm::Es256, Pair::Ecdsa(pair)));
        }
        if let Ok(pair) = EcdsaKeyPair::from_pkcs8(p384, der, &random) {
            return Ok(Self::of(Algorithm::Es384, Pair::Ecdsa(pair)));
        }
        if let Ok(pair) = Ed25519KeyPair::from_pkcs8_maybe_unchecked(der) {
            return Ok(Self::of(Algorithm::EdDsa, Pair::Ed25519(pair)));
        }
        if let Ok(pair) = RsaKeyPair::from_pkcs8(der) {
            return Ok(Self::of(Algorithm::Rs256, Pair::Rsa(pair)));
        }
        Err(Error::misconfigured(
            "the signing key is none of P-256, P-384, Ed25519 and RSA (2048 bits and more)",
        ))
    }

    fn of(algorithm: Algorithm, pair: Pair) -> Self {
        Self {
            algorithm,
            id: None,
            pair: Arc::new(pair),
        }
    }

    /// The algorithm to sign with, as JSON Web Algorithms name it. Only RSA keys leave a choice
    /// (`RS256`, `PS256`).
    ///
    /// # Errors
    ///
    /// The key cannot sign with it.
    pub fn with_algorithm(mut self, name: &str) -> Result<Self, Error> {
        self.algorithm = match (&*self.pair, name) {
            (Pair::Rsa(_), "RS256") => Algorithm::Rs256,
            (Pair::Rsa(_), "PS256") => Algorithm::Ps256,
            (_, name) if name == self.algorithm.name() => self.algorithm,
            (_, name) => {
                return Err(Error::misconfigured(format_args!(
                    "the signing key cannot sign with {:?}; it signs with {}",
                    crate::text::shown(name),
                    self.algorithm.name()
                )));
            }
        };
        Ok(self)
    }

    /// The `kid` to name the key by.
    #[must_use]
    pub fn with_id(mut self, id: impl Into<String>) -> Self {
        self.id = Some(id.into());
        self
    }

    /// The algorithm that it signs with.
    pub fn algorithm(&self) -> &'static str {
        self.algorithm.name()
    }

    /// The claims as a signed JWT. `header` says more than `alg` and `kid`.
    pub(crate) fn sign(&self, mut header: Value, claims: &Value) -> Result<Secret, Error> {
        header["alg"] = self.algorithm().into();
        if let Some(id) = &self.id {
            header["kid"] = id.as_str().into();
        }
        let text = format!(
            "{}.{}",
            base64url(header.to_string().as_bytes()),
            base64url(claims.to_string().as_bytes())
        );
        let signature = self.signature(text.as_bytes())?;
        Ok(Secret::new(format!("{text}.{}", base64url(&signature))))
    }

    fn signature(&self, text: &[u8]) -> Result<Vec<u8>, Error> {
        let random = SystemRandom::new();
        let failed = |_| Error::misconfigured("the signing key does not sign");
        match &*self.pair {
            Pair::Ecdsa(pair) => {
                let signature = pair.sign(&random, text).map_err(failed)?;
                Ok(signature.as_ref().to_vec())
            }
            Pair::Ed25519(pair) => Ok(pair.sign(text).as_ref().to_vec()),
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                let how: &dyn signature::RsaEncoding = match self.algorithm {
                    Algorithm::Ps256 => &signature::RSA_PSS_SHA256,
                    _ => &signature::RSA_PKCS1_SHA256,
                };
                pair.sign(how, &random, text, &mut signature)
                    .map_err(failed)?;
                Ok(signature)
            }
        }
    }

    /// The point of an elliptic curve's public key, uncompressed: 4, x, y.
    pub(crate) fn public_point(&self) -> Option<&[u8]> {
        match &*self.pair {
            Pair::Ecdsa(pair) => Some(signature::KeyPair::public_key(pair).as_ref()),
            _ => None,
        }
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey")
            .field("algorithm", &self.algorithm.name())
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}
