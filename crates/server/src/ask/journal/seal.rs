//! The seal: an AEAD under keys that never leave the server.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hkdf::{HKDF_SHA256, KeyType, Prk, Salt};
use ring::rand::{SecureRandom, SystemRandom};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{Binding, Journal, JournalTooLarge, Refused};

use std::collections::BTreeMap;

// A state is, in base64url: version, key id, expiry, salt, nonce, ciphertext with its tag.
const VERSION: u8 = 1;
const KEY_ID: usize = 8;
const EXPIRY: usize = 8;
const SALT: usize = 16;
const HEADER: usize = 1 + KEY_ID + EXPIRY + SALT + NONCE_LEN;
const TAG: usize = 16;

/// The keys with which states are sealed (with the current one) and opened (with any).
///
/// Nodes that serve the same clients need the same secret. To change it, add the old one with
/// [`with_older`](Self::with_older) until the states that it sealed have expired.
///
/// Cryptography: HKDF-SHA256 makes the secret into a master key, and from that a key of its own
/// for each state by a random salt, so that the random 96-bit nonces of AES-256-GCM do not run
/// out however many states there are.
pub struct KeyRing {
    current: MasterKey,
    older: Vec<MasterKey>,
}

struct MasterKey {
    id: [u8; KEY_ID],
    key: Prk,
}

impl KeyRing {
    /// A key of this process alone: states do not survive a restart, nor mean anything to other
    /// nodes.
    ///
    /// # Panics
    /// If the operating system gives no random bytes.
    pub fn random() -> Self {
        Self {
            current: MasterKey::new(&fresh_secret()),
            older: Vec::new(),
        }
    }

    /// Keys from a shared secret: at least 32 bytes, from a random generator.
    ///
    /// # Errors
    /// [`WeakSecret`] if it is shorter.
    pub fn from_secret(secret: &[u8]) -> Result<Self, WeakSecret> {
        Ok(Self {
            current: MasterKey::from_secret(secret)?,
            older: Vec::new(),
        })
    }

    /// Adds a secret whose states are still opened, but with which none is sealed any more.
    ///
    /// # Errors
    /// [`WeakSecret`] if it is shorter than 32 bytes.
    pub fn with_older(mut self, secret: &[u8]) -> Result<Self, WeakSecret> {
        self.older.push(MasterKey::from_secret(secret)?);
        Ok(self)
    }

    /// Seals a journal for one request, until `expires_at` (in seconds since 1970, exclusive).
    ///
    /// # Errors
    /// [`JournalTooLarge`] if the state would have more than `limit` bytes.
    pub(crate) fn seal(
        &self,
        journal: &Journal,
        binding: &Binding<'_>,
        expires_at: u64,
        limit: usize,
    ) -> Result<String, JournalTooLarge> {
        let mut sealed = Vec::with_capacity(1024);
        sealed.push(VERSION);
        sealed.extend_from_slice(&self.current.id);
        sealed.extend_from_slice(&expires_at.to_be_bytes());
        sealed.extend_from_slice(&random::<SALT>());
        sealed.extend_from_slice(&random::<NONCE_LEN>());
        write_journal(journal, &mut sealed);

        let length = sealed.len() + TAG;
        let bytes = length.div_ceil(3) * 4 - (3 - length % 3) % 3;
        if bytes > limit {
            return Err(JournalTooLarge { bytes, limit });
        }
        let (header, plain) = sealed.split_at_mut(HEADER);
        let (key, nonce, aad) = self.current.for_state(header, binding);
        // Fails beyond 64 GiB only, which is beyond any limit above.
        let tag = key
            .seal_in_place_separate_tag(nonce, aad, plain)
            .map_err(|_| JournalTooLarge { bytes, limit })?;
        sealed.extend_from_slice(tag.as_ref());
        Ok(URL_SAFE_NO_PAD.encode(sealed))
    }

    /// Opens what [`seal`](Self::seal) gave, at `now` (in seconds since 1970).
    ///
    /// # Errors
    /// [`Refused`], one and the same for everything: changed, cut, longer than `limit`, sealed
    /// with another key or for another request, expired.
    pub(crate) fn open(
        &self,
        text: &str,
        binding: &Binding<'_>,
        now: u64,
        limit: usize,
    ) -> Result<Journal, Refused> {
        if text.len() > limit {
            return Err(Refused);
        }
        let mut sealed = URL_SAFE_NO_PAD.decode(text).map_err(|_| Refused)?;
        let (header, body) = sealed.split_at_mut_checked(HEADER).ok_or(Refused)?;
        let id = &header[1..1 + KEY_ID];
        // An unknown id takes the same way as a wrong key does: the tag will not fit.
        let master = self
            .older
            .iter()
            .find(|key| key.id == id)
            .unwrap_or(&self.current);
        let (key, nonce, aad) = master.for_state(header, binding);
        let plain = key.open_in_place(nonce, aad, body).map_err(|_| Refused)?;
        if header[0] != VERSION || now >= expiry(header) {
            return Err(Refused);
        }
        read_journal(plain).ok_or(Refused)
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyRing")
            .field("older", &self.older.len())
            .finish_non_exhaustive()
    }
}

/// A secret has fewer than 32 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WeakSecret;

impl fmt::Display for WeakSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the secret that seals requestState must have at least 32 bytes, all random")
    }
}

impl std::error::Error for WeakSecret {}

impl MasterKey {
    fn from_secret(secret: &[u8]) -> Result<Self, WeakSecret> {
        if secret.len() < 32 {
            Err(WeakSecret)
        } else {
            Ok(Self::new(secret))
        }
    }

    fn new(secret: &[u8]) -> Self {
        struct Id;
        impl KeyType for Id {
            fn len(&self) -> usize {
                KEY_ID
            }
        }
        let key = Salt::new(HKDF_SHA256, b"wharf requestState").extract(secret);
        let mut id = [0; KEY_ID];
        key.expand(&[b"key id"], Id)
            .and_then(|okm| okm.fill(&mut id))
            .expect("HKDF gives as few bytes as these");
        Self { id, key }
    }

    /// The key and the nonce that the header of a state names, and what is bound to it: all of
    /// the header and the request.
    fn for_state(
        &self,
        header: &[u8],
        binding: &Binding<'_>,
    ) -> (LessSafeKey, Nonce, Aad<Vec<u8>>) {
        let (named, nonce) = header.split_at(HEADER - NONCE_LEN);
        let salt = &named[named.len() - SALT..];
        let key = self
            .key
            .expand(&[b"key of one state", salt], &AES_256_GCM)
            .map(UnboundKey::from)
            .expect("HKDF gives a key of 32 bytes");
        let nonce = Nonce::try_assume_unique_for_key(nonce).expect("a header ends in a nonce");

        let Binding {
            principal,
            method,
            target,
            arguments_digest,
        } = binding;
        let mut bound = header.to_vec();
        bound.push(u8::from(principal.is_some()));
        for part in [principal.unwrap_or_default(), method, target] {
            // With lengths, so that no two requests run together into one text.
            bound.extend_from_slice(&(part.len() as u64).to_be_bytes());
            bound.extend_from_slice(part.as_bytes());
        }
        bound.extend_from_slice(arguments_digest);
        (LessSafeKey::new(key), nonce, Aad::from(bound))
    }
}

fn expiry(header: &[u8]) -> u64 {
    let bytes = header[1 + KEY_ID..][..EXPIRY].iter();
    bytes.fold(0, |value, byte| value << 8 | u64::from(*byte))
}

/// A secret that nobody can guess.
pub(crate) fn fresh_secret() -> [u8; 32] {
    random()
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    // A key or a nonce that can be guessed would be worse than none: a failure must not pass.
    SystemRandom::new()
        .fill(&mut bytes)
        .expect("the system's random generator works");
    bytes
}

#[derive(Serialize)]
struct Written<'a> {
    #[serde(rename = "a")]
    answers: &'a BTreeMap<String, Box<RawValue>>,
    #[serde(rename = "s")]
    steps: &'a BTreeMap<String, Box<RawValue>>,
}

#[derive(Deserialize)]
struct Read {
    #[serde(rename = "a")]
    answers: BTreeMap<String, Box<RawValue>>,
    #[serde(rename = "s")]
    steps: BTreeMap<String, Box<RawValue>>,
}

fn write_journal(journal: &Journal, out: &mut Vec<u8>) {
    let Journal {
        id,
        rounds,
        answers,
        steps,
    } = journal;
    out.extend_from_slice(id);
    out.extend_from_slice(&rounds.to_be_bytes());
    serde_json::to_writer(out, &Written { answers, steps })
        .expect("JSON with texts for keys is written to memory");
}

fn read_journal(plain: &[u8]) -> Option<Journal> {
    let (id, rest) = plain.split_first_chunk()?;
    let (rounds, rest) = rest.split_first_chunk()?;
    let Read { answers, steps } = serde_json::from_slice(rest).ok()?;
    Some(Journal {
        id: *id,
        rounds: u32::from_be_bytes(*rounds),
        answers,
        steps,
    })
}

#[cfg(test)]
mod tests {
    use super::super::arguments_digest;
    use super::*;

    const SECRET: &[u8; 32] = b"0123456789abcdef0123456789abcdef";
    const LIMIT: usize = 64 * 1024;
    const NOW: u64 = 1_800_000_000;

    fn keys() -> KeyRing {
        KeyRing::from_secret(SECRET).expect("long enough")
    }

    fn raw(json: &str) -> Box<RawValue> {
        RawValue::from_string(json.into()).expect("JSON")
    }

    fn journal() -> Journal {
        Journal {
            id: *b"an id of sixteen",
            rounds: 3,
            answers: [(
                "sure".into(),
                raw(r#"{"action":"accept","content":{"n":1.50}}"#),
            )]
            .into(),
            steps: [
                ("exists".into(), raw("true")),
                ("größe".into(), raw("\"a\\nb\"")),
            ]
            .into(),
        }
    }

    fn binding() -> Binding<'static> {
        Binding {
            principal: Some("ada"),
            method: "tools/call",
            target: "remove",
            arguments_digest: arguments_digest(r#"{"path":"a"}"#),
        }
    }

    fn sealed() -> String {
        keys()
            .seal(&journal(), &binding(), NOW + 60, LIMIT)
            .expect("small")
    }

    fn open(text: &str) -> Result<Journal, Refused> {
        keys().open(text, &binding(), NOW, LIMIT)
    }

    fn text_of(journal: &Journal) -> Vec<u8> {
        let mut out = Vec::new();
        write_journal(journal, &mut out);
        out
    }

    #[test]
    fn what_was_sealed_is_opened() {
        let opened = open(&sealed()).expect("valid");
        assert_eq!(text_of(&opened), text_of(&journal()));
        assert_eq!((opened.id, opened.rounds), (*b"an id of sixteen", 3));
        assert_eq!(
            opened.answers["sure"].get(),
            r#"{"action":"accept","content":{"n":1.50}}"#
        );
        // A second time too: a replay is not the seal's business.
        assert!(open(&sealed()).is_ok());
    }

    #[test]
    fn a_state_shows_nothing_and_never_looks_the_same() {
        let (one, two) = (sealed(), sealed());
        assert_ne!(one, two);
        assert!(
            one.bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
        );
        let bytes = URL_SAFE_NO_PAD.decode(&one).expect("base64url");
        for secret in [b"exists".as_slice(), b"accept", b"an id", b"ada", SECRET] {
            assert!(!bytes.windows(secret.len()).any(|window| window == secret));
        }
        assert!(!format!("{:?} {:?}", keys(), journal()).contains("accept"));
    }

    #[test]
    fn any_bit_flipped() {
        let bytes = URL_SAFE_NO_PAD.decode(sealed()).expect("base64url");
        for bit in 0..bytes.len() * 8 {
            let mut bytes = bytes.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(
                open(&URL_SAFE_NO_PAD.encode(bytes)).err(),
                Some(Refused),
                "bit {bit}"
            );
        }
        let text = sealed().into_bytes();
        for bit in 0..text.len() * 8 {
            let mut text = text.clone();
            text[bit / 8] ^= 1 << (bit % 8);
            if let Ok(text) = String::from_utf8(text) {
                assert_eq!(open(&text).err(), Some(Refused), "bit {bit} of the text");
            }
        }
    }

    #[test]
    fn cut_at_any_length_or_extended() {
        let text = sealed();
        for length in 0..text.len() {
            assert_eq!(open(&text[..length]).err(), Some(Refused), "{length}");
            assert_eq!(
                open(&text[length + 1..]).err(),
                Some(Refused),
                "without the first {length}"
            );
        }
        for more in ["A", "AA", "AAA", "AAAA", "=", "==", " ", "\n"] {
            assert_eq!(
                open(&format!("{text}{more}")).err(),
                Some(Refused),
                "{more:?}"
            );
            assert_eq!(
                open(&format!("{more}{text}")).err(),
                Some(Refused),
                "{more:?}"
            );
        }
        for other in ["", "AQ", "null", "{}", "é", "requestState"] {
            assert_eq!(open(other).err(), Some(Refused), "{other:?}");
        }
    }

    #[test]
    fn parts_of_two_states_put_together() {
        let (one, two) = (
            URL_SAFE_NO_PAD.decode(sealed()),
            URL_SAFE_NO_PAD.decode(sealed()),
        );
        let (one, two) = (one.expect("base64url"), two.expect("base64url"));
        assert_eq!(one.len(), two.len());
        // Up to the salt the two are the same.
        for cut in 1 + KEY_ID + EXPIRY + 1..one.len() {
            let mixed = [&one[..cut], &two[cut..]].concat();
            if mixed != one && mixed != two {
                assert_eq!(
                    open(&URL_SAFE_NO_PAD.encode(mixed)).err(),
                    Some(Refused),
                    "{cut}"
                );
            }
        }
    }

    #[test]
    fn sealed_with_another_key() {
        let other =
            KeyRing::from_secret(b"another secret of 32 bytes or so!").expect("long enough");
        assert_eq!(
            other.open(&sealed(), &binding(), NOW, LIMIT).err(),
            Some(Refused)
        );
        assert_eq!(
            KeyRing::random()
                .open(&sealed(), &binding(), NOW, LIMIT)
                .err(),
            Some(Refused)
        );
        // With its own id in place of the other's.
        let mut bytes = URL_SAFE_NO_PAD.decode(sealed()).expect("base64url");
        bytes[1..1 + KEY_ID].copy_from_slice(&other.current.id);
        let text = URL_SAFE_NO_PAD.encode(bytes);
        assert_eq!(
            other.open(&text, &binding(), NOW, LIMIT).err(),
            Some(Refused)
        );
        assert_eq!(open(&text).err(), Some(Refused));
    }

    #[test]
    fn older_keys_open_and_do_not_seal() {
        let rotated = KeyRing::from_secret(b"another secret of 32 bytes or so!")
            .and_then(|keys| keys.with_older(b"one that has nothing to do with it"))
            .and_then(|keys| keys.with_older(SECRET))
            .expect("long enough");
        assert!(rotated.open(&sealed(), &binding(), NOW, LIMIT).is_ok());
        let new = rotated
            .seal(&journal(), &binding(), NOW + 60, LIMIT)
            .expect("small");
        assert!(rotated.open(&new, &binding(), NOW, LIMIT).is_ok());
        assert_eq!(open(&new).err(), Some(Refused));
    }

    #[test]
    fn short_secrets() {
        assert_eq!(KeyRing::from_secret(&SECRET[..31]).err(), Some(WeakSecret));
        assert_eq!(keys().with_older(b"").err(), Some(WeakSecret));
        assert_ne!(KeyRing::random().current.id, KeyRing::random().current.id);
    }

    #[test]
    fn presented_for_another_request() {
        let good = binding();
        let digest = arguments_digest(r#"{"path":"b"}"#);
        for other in [
            Binding {
                principal: None,
                ..good
            },
            Binding {
                principal: Some("bob"),
                ..good
            },
            Binding {
                principal: Some(""),
                ..good
            },
            Binding {
                method: "prompts/get",
                ..good
            },
            Binding {
                target: "add",
                ..good
            },
            Binding { target: "", ..good },
            Binding {
                arguments_digest: digest,
                ..good
            },
            // The same letters, cut elsewhere.
            Binding {
                method: "tools/callr",
                target: "emove",
                ..good
            },
            Binding {
                principal: Some("adat"),
                method: "ools/call",
                ..good
            },
        ] {
            let refused = keys().open(&sealed(), &other, NOW, LIMIT);
            assert_eq!(refused.err(), Some(Refused), "{other:?}");
        }
        let nobody = Binding {
            principal: None,
            ..good
        };
        let text = keys()
            .seal(&journal(), &nobody, NOW + 60, LIMIT)
            .expect("small");
        assert!(keys().open(&text, &nobody, NOW, LIMIT).is_ok());
        let empty = Binding {
            principal: Some(""),
            ..good
        };
        assert_eq!(keys().open(&text, &empty, NOW, LIMIT).err(), Some(Refused));
    }

    #[test]
    fn replayed_after_its_time() {
        for (now, valid) in [
            (0, true),
            (NOW + 59, true),
            (NOW + 60, false),
            (NOW + 61, false),
            (u64::MAX, false),
        ] {
            assert_eq!(
                keys().open(&sealed(), &binding(), now, LIMIT).is_ok(),
                valid,
                "{now}"
            );
        }
    }

    #[test]
    fn longer_than_allowed() {
        let text = sealed();
        let keys = keys();
        assert!(keys.open(&text, &binding(), NOW, text.len()).is_ok());
        assert_eq!(
            keys.open(&text, &binding(), NOW, text.len() - 1).err(),
            Some(Refused)
        );
        // Whatever the remainder of the length by three.
        for extra in 0..7 {
            let mut journal = journal();
            journal.steps.insert("x".repeat(extra), raw("1"));
            let length = keys
                .seal(&journal, &binding(), NOW, LIMIT)
                .expect("small")
                .len();
            assert!(keys.seal(&journal, &binding(), NOW, length).is_ok());
            let error = JournalTooLarge {
                bytes: length,
                limit: length - 1,
            };
            assert_eq!(keys.seal(&journal, &binding(), NOW, length - 1), Err(error));
        }
    }

    #[test]
    fn every_refusal_reads_the_same() {
        assert_eq!(
            Refused.to_string(),
            "requestState is not valid for this request"
        );
    }
}
