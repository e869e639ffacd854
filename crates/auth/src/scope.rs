//! [`Scopes`]: what a token may be used for.

use serde::{Deserialize, Serialize};

/// What a token may be used for: words without repetition, in the order they came.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<String>", into = "Vec<String>")]
pub(crate) struct Scopes(Vec<String>);

/// What asks for a refresh token in OpenID Connect.
pub(crate) const OFFLINE_ACCESS: &str = "offline_access";

/// No more words than these are taken from a server.
const MOST: usize = 256;

impl Scopes {
    /// Words with spaces between them; what is no scope (RFC 6749, appendix A.4) is left out.
    pub(crate) fn parse(text: &str) -> Self {
        text.split_ascii_whitespace().collect()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn contains(&self, scope: &str) -> bool {
        self.0.iter().any(|s| s == scope)
    }

    pub(crate) fn covers(&self, other: &Self) -> bool {
        other.0.iter().all(|s| self.contains(s))
    }

    pub(crate) fn union(&self, other: &Self) -> Self {
        self.0.iter().chain(&other.0).map(String::as_str).collect()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// As a parameter; `None` if there are none.
    pub(crate) fn param(&self) -> Option<String> {
        (!self.is_empty()).then(|| self.0.join(" "))
    }
}

impl<'a> FromIterator<&'a str> for Scopes {
    fn from_iter<T: IntoIterator<Item = &'a str>>(words: T) -> Self {
        let mut scopes = Self::default();
        for word in words {
            let is_scope = word
                .bytes()
                .all(|b| matches!(b, 0x21 | 0x23..=0x5b | 0x5d..=0x7e));
            if is_scope && !word.is_empty() && scopes.0.len() < MOST && !scopes.contains(word) {
                scopes.0.push(word.to_owned());
            }
        }
        scopes
    }
}

impl From<Vec<String>> for Scopes {
    fn from(words: Vec<String>) -> Self {
        words.iter().map(String::as_str).collect()
    }
}

impl From<Scopes> for Vec<String> {
    fn from(scopes: Scopes) -> Self {
        scopes.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_a_set_in_order() {
        let scopes = Scopes::parse("b a  b");
        assert_eq!(scopes.param().as_deref(), Some("b a"));
        let more = scopes.union(&Scopes::parse("c a"));
        assert_eq!(more.param().as_deref(), Some("b a c"));
        assert!(more.covers(&scopes) && !scopes.covers(&more));
        assert_eq!(Scopes::parse(" ").param(), None);
        assert!(Scopes::from(vec!["a b".into(), "q\"".into(), String::new()]).is_empty());
    }
}
