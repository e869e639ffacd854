//! Progress of a request while it is worked on (spec 2026-07-28, basic/utilities/progress).

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, de};

/// The token a client gave with a request, under which progress is reported: echoed as it was
/// sent. A string or an integer; a number with a fraction is refused.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(untagged)]
pub enum ProgressToken {
    /// A string.
    String(String),
    /// An integer.
    Integer(i64),
    /// An integer beyond [`i64::MAX`].
    Large(u64),
}

impl fmt::Display for ProgressToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::String(token) => f.pad(token),
            Self::Integer(token) => fmt::Display::fmt(token, f),
            Self::Large(token) => fmt::Display::fmt(token, f),
        }
    }
}

impl From<&str> for ProgressToken {
    fn from(token: &str) -> Self {
        Self::String(token.to_owned())
    }
}

impl From<i64> for ProgressToken {
    fn from(token: i64) -> Self {
        Self::Integer(token)
    }
}

impl<'de> Deserialize<'de> for ProgressToken {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Token;
        impl de::Visitor<'_> for Token {
            type Value = ProgressToken;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a progress token: a string or an integer")
            }
            fn visit_str<E: de::Error>(self, token: &str) -> Result<ProgressToken, E> {
                Ok(ProgressToken::String(token.to_owned()))
            }
            fn visit_string<E: de::Error>(self, token: String) -> Result<ProgressToken, E> {
                Ok(ProgressToken::String(token))
            }
            fn visit_i64<E: de::Error>(self, token: i64) -> Result<ProgressToken, E> {
                Ok(ProgressToken::Integer(token))
            }
            fn visit_u64<E: de::Error>(self, token: u64) -> Result<ProgressToken, E> {
                Ok(
                    i64::try_from(token)
                        .map_or(ProgressToken::Large(token), ProgressToken::Integer),
                )
            }
        }
        deserializer.deserialize_any(Token)
    }
}

/// What `notifications/progress` carries.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Progress {
    /// The token that came with the request.
    pub progress_token: ProgressToken,
    /// How far it is. It grows with every report, even where the total is unknown.
    pub progress: f64,
    /// Where it ends, where that is known.
    pub total: Option<f64>,
    /// What is being done, since 2025-03-26.
    pub message: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_echoed_as_sent() {
        for json in ["\"a\"", "\"7\"", "7", "-7", "0", "18446744073709551615"] {
            let token: ProgressToken = serde_json::from_str(json).expect(json);
            assert_eq!(serde_json::to_string(&token).expect(json), json);
        }
        for json in ["1.5", "null", "true", "[]", "{}"] {
            assert!(
                serde_json::from_str::<ProgressToken>(json).is_err(),
                "{json}"
            );
        }
    }
}
