//! What of an entry can be shown: never a value that may be a secret.

use std::fmt;

/// A value that is used and never shown.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secret(pub(crate) String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

/// What names of secrets contain.
const SECRETS: &[&str] = &[
    "token",
    "key",
    "secret",
    "password",
    "passwd",
    "auth",
    "credential",
    "header",
    "bearer",
];

/// Shown in the place of a secret.
pub(super) const HIDDEN: &str = "…";

pub(super) fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    SECRETS.iter().any(|word| name.contains(word))
}

/// A command line as a person would type it, without the values of options that are named like
/// secrets, passwords in addresses, or what begins like a well-known kind of token.
pub(super) fn shown_command(command: &str, arguments: &[String]) -> String {
    let mut words = vec![quoted(command)];
    let mut hide_next = false;
    for argument in arguments {
        let option = argument.starts_with('-');
        let shown = match argument.split_once('=') {
            _ if hide_next && !option => HIDDEN.to_owned(),
            _ if is_token(argument) => HIDDEN.to_owned(),
            _ if argument.contains("://") => quoted(&shown_url(argument)),
            Some((name, _)) if is_secret(name) => format!("{name}={HIDDEN}"),
            _ => quoted(argument),
        };
        hide_next = option && is_secret(argument) && !argument.contains('=');
        words.push(shown);
    }
    words.join(" ")
}

/// Whether this begins like a token of a service that many use.
pub(super) fn is_token(text: &str) -> bool {
    const STARTS: &[&str] = &[
        "sk-",
        "sk_",
        "ghp_",
        "gho_",
        "ghs_",
        "github_pat_",
        "glpat-",
        "xox",
        "Bearer ",
        "eyJ",
        "AKIA",
    ];
    STARTS.iter().any(|start| text.starts_with(start))
}

/// An address without the password and the values of its query.
pub(crate) fn shown_url(url: &str) -> String {
    let (rest, fragment) = match url.split_once('#') {
        Some((rest, _)) => (rest, "#…"),
        None => (url, ""),
    };
    let (rest, query) = match rest.split_once('?') {
        Some((rest, query)) => {
            let hidden = query.split('&').map(|pair| match pair.split_once('=') {
                Some((name, _)) => format!("{name}={HIDDEN}"),
                None => HIDDEN.to_owned(),
            });
            (rest, format!("?{}", hidden.collect::<Vec<_>>().join("&")))
        }
        None => (rest, String::new()),
    };
    let (scheme, rest) = rest
        .split_once("://")
        .map_or(("", rest), |(scheme, rest)| (scheme, rest));
    let end = rest.find('/').unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let host = match authority.rsplit_once('@') {
        Some((_, host)) => format!("{HIDDEN}@{host}"),
        None => authority.to_owned(),
    };
    let separator = if scheme.is_empty() { "" } else { "://" };
    format!("{scheme}{separator}{host}{path}{query}{fragment}")
}

fn quoted(word: &str) -> String {
    shell_words::quote(word).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_not_shown() {
        let words = |words: &[&str]| {
            words
                .iter()
                .map(|word| (*word).to_owned())
                .collect::<Vec<_>>()
        };
        for (arguments, expected) in [
            (
                words(&["-y", "server", "/my files"]),
                "npx -y server '/my files'",
            ),
            (words(&["--api-key", "s3cret", "x"]), "npx --api-key … x"),
            (words(&["--access-token=s3cret"]), "npx --access-token=…"),
            (
                words(&["--header", "Authorization: Bearer s3cret"]),
                "npx --header …",
            ),
            (words(&["ghp_s3cret", "API_KEY=s3cret"]), "npx … API_KEY=…"),
            (
                words(&["postgres://ada:s3cret@db/x?sslkey=s3cret"]),
                "npx 'postgres://…@db/x?sslkey=…'",
            ),
            (words(&["--token", "--verbose"]), "npx --token --verbose"),
        ] {
            let shown = shown_command("npx", &arguments);
            assert_eq!(shown, expected);
            assert!(!shown.contains("s3cret"));
        }
        assert_eq!(
            shown_url("https://a.example/mcp?api_key=x&y#z"),
            "https://a.example/mcp?api_key=…&…#…"
        );
        assert_eq!(
            shown_url("http://127.0.0.1:8000/mcp"),
            "http://127.0.0.1:8000/mcp"
        );
        assert_eq!(format!("{:?}", Secret("x".into())), "…");
    }
}
