//! [`Tokens`]: callers who prove who they are with a token that was agreed on beforehand.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use ::http::header;
use ::http::request::Parts;
use arc_swap::ArcSwap;
use ring::hmac;
use ring::rand::SystemRandom;

use super::Authenticate;
use super::guard::Unauthorized;
use crate::error::{Error, Result};
use crate::handler::text::shown;
use crate::principal::Principal;

/// Static bearer tokens (RFC 6750): who sends one in `Authorization` is the principal of its name.
/// All others are answered with 401.
///
/// A token has at least 128 bits as far as its characters show it: 32 hexadecimal digits, or 22
/// characters of base64. Only keyed digests of tokens are kept and compared, with a key that this
/// process has drawn: how long a comparison takes says nothing about a token. Cheap to clone: all
/// clones are one list.
///
/// ```
/// use wharf_server::http::{HttpOptions, Tokens};
///
/// let tokens = Tokens::new();
/// tokens.set([("ada", "f2c5b1d09a7e4c3388d1e6075b94aa10")])?;
/// let options = HttpOptions { authenticate: Some(tokens.authenticate()), ..HttpOptions::default() };
/// assert!(tokens.set([("ada", "secret")]).is_err());
/// # Ok::<(), wharf_server::Error>(())
/// ```
#[derive(Clone)]
pub struct Tokens {
    shared: Arc<Shared>,
}

struct Shared {
    key: hmac::Key,
    known: ArcSwap<HashMap<Digest, Arc<Principal>>>,
}

type Digest = [u8; 32];

/// Who vouches for principals of tokens.
const ISSUER: &str = "token";
/// Bits that a token must have.
const BITS: f64 = 128.0;
/// The longest token that is looked at, in bytes.
const LONGEST: usize = 4096;
/// What any token looks like that people make with `openssl rand -hex 32`.
const HINT: &str = "make one with `openssl rand -hex 32`";

impl Default for Tokens {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens")
            .field("known", &self.shared.known.load().len())
            .finish_non_exhaustive()
    }
}

impl Tokens {
    /// No tokens: nobody may call.
    pub fn new() -> Self {
        let key = hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new());
        Self {
            shared: Arc::new(Shared {
                // As for ids of sessions: a key that can be guessed must not pass.
                key: key.expect("the system's random generator works"),
                known: ArcSwap::default(),
            }),
        }
    }

    /// Sets names and their tokens, in place of those before. A name may have several. Who has sent
    /// a token that is gone gets 401 from now on; a WebSocket connection or a stream that is open
    /// stays open.
    ///
    /// # Errors
    /// A name is empty, or a token is too short, is given twice, or has characters that no token
    /// can have (RFC 6750, section 2.1). Then everything stays as it was.
    pub fn set<'t>(&self, tokens: impl IntoIterator<Item = (&'t str, &'t str)>) -> Result<()> {
        let mut known = HashMap::new();
        for (name, token) in tokens {
            let refused = |why: &str| {
                let name = shown(name);
                Error::new(format!("the token of `{name}` {why}"))
            };
            if name.is_empty() {
                return Err(Error::new("a token has no name"));
            }
            if token.len() > LONGEST {
                return Err(refused(&format!("is longer than {LONGEST} bytes")));
            }
            if !is_token(token) {
                return Err(refused(
                    "may have letters, digits and -._~+/ only, and = at its end",
                ));
            }
            if bits(token) < BITS {
                return Err(refused(&format!(
                    "can be guessed: it must have 128 bits; {HINT}"
                )));
            }
            let principal = Principal {
                issuer: ISSUER.into(),
                subject: name.into(),
                client: None,
            };
            if known
                .insert(self.digest(token), Arc::new(principal))
                .is_some()
            {
                return Err(refused("is somebody else's too, or given twice"));
            }
        }
        self.shared.known.store(Arc::new(known));
        Ok(())
    }

    /// What [`HttpOptions::authenticate`](super::HttpOptions::authenticate) takes.
    pub fn authenticate(&self) -> Authenticate {
        let tokens = self.clone();
        Arc::new(move |parts| tokens.check(parts).map(Some))
    }

    fn check(&self, parts: &Parts) -> Result<Arc<Principal>, Unauthorized> {
        let mut given = parts.headers.get_all(header::AUTHORIZATION).iter();
        let Some(value) = given.next() else {
            return Err(Unauthorized::bearer());
        };
        let token = value.to_str().ok().and_then(bearer);
        let token = token.filter(|token| given.next().is_none() && token.len() <= LONGEST);
        let principal = token.and_then(|token| {
            let known = self.shared.known.load();
            known.get(&self.digest(token)).cloned()
        });
        principal.ok_or_else(|| Unauthorized {
            challenge: r#"Bearer error="invalid_token""#.into(),
        })
    }

    fn digest(&self, token: &str) -> Digest {
        let mut digest = Digest::default();
        digest.copy_from_slice(hmac::sign(&self.shared.key, token.as_bytes()).as_ref());
        digest
    }
}

/// The token of `Bearer TOKEN`; the scheme in any case.
fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    let token = token.trim_matches(' ');
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

/// `b64token` of RFC 6750.
fn is_token(token: &str) -> bool {
    let text = token.trim_end_matches('=');
    let fits = |c: char| c.is_ascii_alphanumeric() || "-._~+/".contains(c);
    !text.is_empty() && text.chars().all(fits)
}

/// How many bits a token has at most: those of a random one of its length, of the kind of characters
/// that it has, unless it has only a few different ones.
fn bits(token: &str) -> f64 {
    let has = |kind: fn(&u8) -> bool| token.bytes().any(|byte| kind(&byte));
    let hexadecimal = token.bytes().all(|byte| byte.is_ascii_hexdigit());
    let mut kinds = 0.0;
    for (kind, size) in [
        (u8::is_ascii_digit as fn(&u8) -> bool, 10.0),
        (u8::is_ascii_lowercase, if hexadecimal { 6.0 } else { 26.0 }),
        (u8::is_ascii_uppercase, if hexadecimal { 6.0 } else { 26.0 }),
        (|byte| b"-._~+/".contains(byte), 2.0),
    ] {
        if has(kind) {
            kinds += size;
        }
    }
    let text = token.trim_end_matches('=');
    let mut different: Vec<u8> = text.bytes().collect();
    different.sort_unstable();
    different.dedup();
    if different.len() < 8 {
        return 0.0;
    }
    f64::from(u32::try_from(text.len()).unwrap_or(u32::MAX)) * f64::log2(kinds)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ::http::Request;

    const ADA: &str = "f2c5b1d09a7e4c3388d1e6075b94aa10";
    const BEN: &str = "Yk3-vT0_sdQ9xLr2WmZa7A";

    fn tokens() -> Tokens {
        let tokens = Tokens::new();
        tokens.set([("ada", ADA), ("ben", BEN)]).unwrap();
        tokens
    }

    fn who(tokens: &Tokens, values: &[&str]) -> Result<String, String> {
        let mut request = Request::builder();
        for value in values {
            request = request.header("authorization", *value);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        let checked = tokens.check(&parts);
        checked
            .map(|principal| principal.subject.clone())
            .map_err(|unauthorized| unauthorized.challenge)
    }

    #[test]
    fn only_who_has_a_token_is_somebody() {
        let tokens = tokens();
        assert_eq!(who(&tokens, &[&format!("Bearer {ADA}")]).unwrap(), "ada");
        assert_eq!(who(&tokens, &[&format!("bearer  {BEN}")]).unwrap(), "ben");
        assert_eq!(who(&tokens, &[]).unwrap_err(), "Bearer");
        let good = format!("Bearer {ADA}");
        for wrong in [
            "Bearer",
            "Bearer ",
            &good[..good.len() - 1],
            &format!("{good}0"),
            &good.to_uppercase(),
            &format!("Basic {ADA}"),
            ADA,
            "",
        ] {
            let challenge = who(&tokens, &[wrong]).unwrap_err();
            assert_eq!(challenge, r#"Bearer error="invalid_token""#, "{wrong}");
        }
        who(&tokens, &[&good, &good]).unwrap_err();
        who(&tokens, &["Bearer x", &good]).unwrap_err();
    }

    #[test]
    fn a_token_that_is_gone_is_worth_nothing() {
        let tokens = tokens();
        tokens.set([("ben", BEN)]).unwrap();
        who(&tokens, &[&format!("Bearer {ADA}")]).unwrap_err();
        // A list that is refused changes nothing.
        tokens.set([("ada", ADA), ("eve", "short")]).unwrap_err();
        who(&tokens, &[&format!("Bearer {ADA}")]).unwrap_err();
        assert_eq!(who(&tokens, &[&format!("Bearer {BEN}")]).unwrap(), "ben");
    }

    #[test]
    fn tokens_that_can_be_guessed_are_refused() {
        let tokens = Tokens::new();
        for weak in [
            "",
            "secret",
            "correct-horse-battery",
            "00000000000000000000000000000000000000000000",
            "abababababababababababababababababababababab",
            &ADA[..31],
            &BEN[..21],
            "1234567890123456789012345678901234567",
        ] {
            let error = tokens.set([("ada", weak)]).unwrap_err().to_string();
            assert!(error.contains("`ada`"), "{error}");
            assert!(weak.is_empty() || !error.contains(weak), "{error}");
        }
        for odd in [
            "f2c5b1d09a7e4c3388d1e6075b94aa10 ",
            "ünïcödé-ünïcödé-ünïcödé-ünïcödé",
        ] {
            tokens.set([("ada", odd)]).unwrap_err();
        }
        tokens.set([("ada", ADA), ("ben", ADA)]).unwrap_err();
        tokens.set([("", ADA)]).unwrap_err();
    }

    #[test]
    fn no_token_is_shown() {
        let shown = format!("{:?}", tokens());
        assert!(!shown.contains(&ADA[..8]), "{shown}");
    }
}
