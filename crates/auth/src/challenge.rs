//! [`Challenge`]: what a refusal says about the token that is needed.

use http::HeaderMap;
use http::header::WWW_AUTHENTICATE;

/// The longest header that is read.
const LONGEST: usize = 8 * 1024;

/// What `WWW-Authenticate` says about the token that is needed (RFC 9110, section 11.6.1, RFC 6750,
/// section 3, RFC 9728, section 5.1, RFC 9449, section 7.1).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Challenge {
    pub(crate) is_dpop: bool,
    pub(crate) error: Option<String>,
    pub(crate) scope: Option<String>,
    pub(crate) resource_metadata: Option<String>,
}

impl Challenge {
    /// What the challenges for `Bearer` and `DPoP` in an answer say, taken together.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let mut whole = Self::default();
        for value in headers.get_all(WWW_AUTHENTICATE) {
            let Ok(text) = value.to_str() else { continue };
            if text.len() > LONGEST {
                continue;
            }
            for (scheme, params) in parse(text) {
                match scheme.to_ascii_lowercase().as_str() {
                    "bearer" => {}
                    "dpop" => whole.is_dpop = true,
                    _ => continue,
                }
                for (name, value) in params {
                    let place = match name.to_ascii_lowercase().as_str() {
                        "error" => &mut whole.error,
                        "scope" => &mut whole.scope,
                        "resource_metadata" => &mut whole.resource_metadata,
                        _ => continue,
                    };
                    place.get_or_insert(value);
                }
            }
        }
        whole
    }
}

type Params = Vec<(String, String)>;

/// Schemes and their parameters. What cannot be read ends the reading.
fn parse(text: &str) -> Vec<(String, Params)> {
    let mut found: Vec<(String, Params)> = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        let Some((word, after)) = token(rest) else {
            return found;
        };
        let follows = after.trim_start_matches([' ', '\t']);
        // `name=value` belongs to the scheme before it; any other word is a scheme.
        let value = follows.strip_prefix('=').filter(|v| !v.starts_with('='));
        match (value, found.last_mut()) {
            (Some(value), Some((_, params))) => {
                let Some((value, after)) = value_of(value.trim_start_matches([' ', '\t'])) else {
                    return found;
                };
                params.push((word.to_owned(), value));
                rest = after;
            }
            (Some(_), None) => return found,
            (None, _) => {
                found.push((word.to_owned(), Params::new()));
                rest = skip_token68(follows);
            }
        }
    }
}

/// A token68 (`Negotiate abc==`) stands in place of parameters.
fn skip_token68(text: &str) -> &str {
    let end = text.find([',', ' ', '\t']).unwrap_or(text.len());
    let (word, after) = text.split_at(end);
    let bare = word.trim_end_matches('=');
    let is_param = word.len() - bare.len() == 0 && bare.contains('=');
    let alone = after.trim_start().is_empty() || after.trim_start().starts_with(',');
    let is_68 = bare
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b"-._~+/".contains(&b));
    if !is_param && alone && is_68 && !word.is_empty() && !after.trim_start().starts_with('=') {
        after
    } else {
        text
    }
}

fn token(text: &str) -> Option<(&str, &str)> {
    let is_token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    let end = text.find(|c| !is_token(c)).unwrap_or(text.len());
    (end > 0).then(|| text.split_at(end))
}

fn value_of(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        // Some servers do not quote addresses: all up to the next comma or space.
        let end = text.find([',', ' ', '\t']).unwrap_or(text.len());
        let (value, after) = text.split_at(end);
        return (!value.is_empty()).then(|| (value.to_owned(), after));
    };
    let mut value = String::new();
    let mut chars = quoted.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((value, &quoted[at + 1..])),
            '\\' => value.push(chars.next()?.1),
            c => value.push(c),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn challenge(values: &[&str]) -> Challenge {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(WWW_AUTHENTICATE, HeaderValue::from_str(value).unwrap());
        }
        Challenge::of(&headers)
    }

    #[test]
    fn a_challenge_says_what_is_needed() {
        let found = challenge(&[
            r#"Bearer error="insufficient_scope", scope="a b", resource_metadata="https://x/y?a=1,2", error_description="say \"please\"""#,
        ]);
        assert_eq!(found.error.as_deref(), Some("insufficient_scope"));
        assert_eq!(found.scope.as_deref(), Some("a b"));
        assert_eq!(
            found.resource_metadata.as_deref(),
            Some("https://x/y?a=1,2")
        );
        assert!(!found.is_dpop);
    }

    #[test]
    fn several_challenges_in_one_header_and_in_many() {
        for values in [
            &[r#"Basic realm="a, Bearer scope=\"no\"", DPoP algs="ES256", error=use_dpop_nonce"#][..],
            &[r#"Negotiate abc=="#, r#"DPoP error="use_dpop_nonce""#],
            &[r#"Negotiate abc==, dpop error = "use_dpop_nonce""#],
            &[r#"Negotiate, DPoP error="use_dpop_nonce",,"#],
        ] {
            let found = challenge(values);
            assert!(found.is_dpop, "{values:?}");
            assert_eq!(found.error.as_deref(), Some("use_dpop_nonce"), "{values:?}");
            assert_eq!(found.scope, None);
        }
        let bare = challenge(&["Bearer resource_metadata=https://x/y, scope=a"]);
        assert_eq!(bare.resource_metadata.as_deref(), Some("https://x/y"));
        assert_eq!(bare.scope.as_deref(), Some("a"));
    }

    #[test]
    fn what_is_no_challenge_says_nothing() {
        let long = format!("Bearer scope=\"{}\"", "a".repeat(LONGEST));
        for value in [
            "",
            ",",
            "=",
            "scope=\"a\"",
            "\"",
            "Bearer",
            "Bearer scope=\"a",
            "Basic scope=\"a\"",
            &long,
        ] {
            assert_eq!(challenge(&[value]).scope, None, "{value}");
        }
        let many = "Basic a=b, ".repeat(100) + "Bearer scope=x";
        assert_eq!(challenge(&[&many]).scope.as_deref(), Some("x"));
    }
}
