//! [`DpopKey`]: a key that tokens are bound to, and the proofs that one has it (RFC 9449).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderValue};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use serde_json::{Value, json};
use url::Url;

use crate::jwt::SigningKey;
use crate::time::now;
use crate::{Error, Secret, random};

/// The only algorithm that proofs are signed with.
pub(crate) const ALGORITHM: &str = "ES256";
const NONCE: &str = "dpop-nonce";
/// The longest nonce that is kept.
const LONGEST_NONCE: usize = 512;

/// A key that tokens are bound to.
#[derive(Debug, Clone)]
pub(crate) struct DpopKey {
    key: SigningKey,
    stored: Secret,
    public: Value,
}

impl DpopKey {
    pub(crate) fn generate() -> Result<Self, Error> {
        let random = SystemRandom::new();
        let der = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random)
            .map_err(|_| Error::misconfigured("the system gives no random numbers"))?;
        Self::from_der(der.as_ref())
    }

    /// The key that [`stored`](Self::stored) gave.
    pub(crate) fn load(stored: &Secret) -> Result<Self, Error> {
        let broken = || Error::store("the stored DPoP key cannot be read");
        let der = STANDARD.decode(stored.expose()).map_err(|_| broken())?;
        let der = zeroize::Zeroizing::new(der);
        Self::from_der(&der).map_err(|_| broken())
    }

    fn from_der(der: &[u8]) -> Result<Self, Error> {
        let key = SigningKey::from_pkcs8(der)?;
        let public = match key.public_point() {
            Some([4, xy @ ..]) if xy.len() == 64 => {
                let (x, y) = xy.split_at(32);
                json!({"crv": "P-256", "kty": "EC", "x": random::base64url(x), "y": random::base64url(y)})
            }
            _ => return Err(Error::misconfigured("a DPoP key is of P-256")),
        };
        Ok(Self {
            key,
            stored: Secret::new(STANDARD.encode(der)),
            public,
        })
    }

    pub(crate) fn stored(&self) -> &Secret {
        &self.stored
    }

    /// The name of the public key (RFC 7638): its members are in the order that this wants.
    pub(crate) fn thumbprint(&self) -> String {
        random::sha256(self.public.to_string().as_bytes())
    }

    /// A proof for one request (section 4.2), with a token if one is sent along.
    pub(crate) fn proof(
        &self,
        method: &str,
        url: &Url,
        token: Option<&Secret>,
        nonce: Option<&str>,
    ) -> Result<HeaderValue, Error> {
        let mut address = url.clone();
        address.set_query(None);
        address.set_fragment(None);
        let mut claims = json!({
            "jti": random::text::<16>()?,
            "htm": method,
            "htu": address.as_str(),
            "iat": now(),
        });
        if let Some(token) = token {
            claims["ath"] = random::sha256(token.expose().as_bytes()).into();
        }
        if let Some(nonce) = nonce {
            claims["nonce"] = nonce.into();
        }
        let header = json!({"typ": "dpop+jwt", "jwk": self.public});
        let proof = self.key.sign(header, &claims)?;
        HeaderValue::from_str(proof.expose())
            .map_err(|_| Error::misconfigured("a proof does not fit into a header"))
    }
}

/// The nonce that an answer gives for the next proof (section 8).
pub(crate) fn nonce_of(headers: &HeaderMap) -> Option<&str> {
    let nonce = headers.get(NONCE)?.to_str().ok()?;
    (!nonce.is_empty() && nonce.len() <= LONGEST_NONCE).then_some(nonce)
}

/// The nonce in a proof that was sent.
pub(crate) fn nonce_in(proof: &HeaderValue) -> Option<String> {
    let claims = proof.to_str().ok()?.split('.').nth(1)?;
    let claims = base64::engine::general_purpose::URL_SAFE_NO_PAD
        .decode(claims)
        .ok()?;
    let claims: Value = serde_json::from_slice(&claims).ok()?;
    claims.get("nonce")?.as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};

    use super::*;

    fn part(text: &str) -> Vec<u8> {
        let engine = base64::engine::general_purpose::URL_SAFE_NO_PAD;
        engine.decode(text).unwrap()
    }

    #[test]
    fn a_proof_is_bound_to_its_request_and_token() {
        let key = DpopKey::generate().unwrap();
        let key = DpopKey::load(key.stored()).unwrap();
        let url = Url::parse("https://x.example/mcp?secret=1#f").unwrap();
        let token = Secret::from("Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU");
        let proof = key.proof("POST", &url, Some(&token), Some("n1")).unwrap();
        assert_eq!(nonce_in(&proof).as_deref(), Some("n1"));
        let proof = proof.to_str().unwrap();
        let parts: Vec<&str> = proof.split('.').collect();
        let header: Value = serde_json::from_slice(&part(parts[0])).unwrap();
        let claims: Value = serde_json::from_slice(&part(parts[1])).unwrap();
        assert_eq!(header["typ"], "dpop+jwt");
        assert_eq!(header["alg"], "ES256");
        assert!(header["jwk"].get("d").is_none());
        assert_eq!(claims["htm"], "POST");
        assert_eq!(claims["htu"], "https://x.example/mcp");
        // The example of RFC 9449, section 7.1.
        assert_eq!(claims["ath"], "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo");
        let mut point = vec![4];
        point.extend(part(header["jwk"]["x"].as_str().unwrap()));
        point.extend(part(header["jwk"]["y"].as_str().unwrap()));
        let signed = format!("{}.{}", parts[0], parts[1]);
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point)
            .verify(signed.as_bytes(), &part(parts[2]))
            .unwrap();
        let other = key.proof("POST", &url, Some(&token), None).unwrap();
        assert_ne!(nonce_in(&other).as_deref(), Some("n1"));
        assert!(!format!("{key:?}").contains(key.stored().expose()));
    }

    #[test]
    fn nonces_are_bounded() {
        let mut headers = HeaderMap::new();
        headers.insert(NONCE, HeaderValue::from_static("n"));
        assert_eq!(nonce_of(&headers), Some("n"));
        headers.insert(NONCE, "n".repeat(LONGEST_NONCE + 1).parse().unwrap());
        assert_eq!(nonce_of(&headers), None);
    }
}
