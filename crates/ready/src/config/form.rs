//! The forms of texts: addresses, paths, hosts and origins, the same in the file and in arguments.

use serde::{Deserialize, Deserializer, de};

/// Checks the form of a text.
pub(super) trait Form {
    fn check(text: &str) -> Result<(), String>;
}

macro_rules! forms {
    ($($form:ident: $function:ident;)*) => {
        $(pub(super) struct $form;

        impl Form for $form {
            fn check(text: &str) -> Result<(), String> {
                $function(text).map(drop)
            }
        })*
    };
}

forms! {
    Address: address;
    Path: path;
    Host: host;
    Origin: origin;
    State: state;
}

pub(super) fn optional<'de, D: Deserializer<'de>, F: Form>(
    deserializer: D,
) -> Result<Option<String>, D::Error> {
    let text = String::deserialize(deserializer)?;
    F::check(&text).map_err(de::Error::custom)?;
    Ok(Some(text))
}

pub(super) fn each<'de, D: Deserializer<'de>, F: Form>(
    deserializer: D,
) -> Result<Vec<String>, D::Error> {
    struct Checked<F>(String, std::marker::PhantomData<F>);

    impl<'de, F: Form> Deserialize<'de> for Checked<F> {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            let text = String::deserialize(deserializer)?;
            F::check(&text).map_err(de::Error::custom)?;
            Ok(Self(text, std::marker::PhantomData))
        }
    }

    let checked = Vec::<Checked<F>>::deserialize(deserializer)?;
    Ok(checked.into_iter().map(|checked| checked.0).collect())
}

/// An address to listen on: `127.0.0.1:8000`.
///
/// # Errors
/// What is missing.
pub fn address(text: &str) -> Result<String, String> {
    let port = text
        .rsplit_once(':')
        .map(|(host, port)| (host, port.parse::<u16>()));
    match port {
        Some((host, Ok(_))) if !host.is_empty() => Ok(text.to_owned()),
        _ => Err("an address has a host and a port, such as 127.0.0.1:8000".into()),
    }
}

/// The path of an endpoint: `/mcp`.
///
/// # Errors
/// What does not fit.
pub fn path(text: &str) -> Result<String, String> {
    let fits = |c: char| c.is_ascii_graphic() && !matches!(c, '?' | '#' | '"' | '<' | '>' | '\\');
    if text.starts_with('/') && text.chars().all(fits) {
        Ok(text.to_owned())
    } else {
        Err("a path begins with / and has no spaces, ? or #, such as /mcp".into())
    }
}

/// A name of this server: `mcp.example.com`.
///
/// # Errors
/// What does not fit.
pub fn host(text: &str) -> Result<String, String> {
    let fits =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '[' | ']');
    if !text.is_empty() && text.chars().all(fits) {
        Ok(text.to_owned())
    } else {
        Err("a host is a name, with a port or without, such as mcp.example.com".into())
    }
}

/// Where a web page comes from: `https://app.example.com`.
///
/// # Errors
/// What does not fit.
pub fn origin(text: &str) -> Result<String, String> {
    let host = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"));
    match host {
        Some(name) if self::host(name).is_ok() => Ok(text.to_owned()),
        _ => Err(
            "an origin has a scheme and a host and no path, such as https://app.example.com".into(),
        ),
    }
}

/// Where the state is kept: `memory:` or `sqlite:wharf.db`.
///
/// # Errors
/// What does not fit.
pub fn state(text: &str) -> Result<String, String> {
    match text.split_once(':') {
        Some(("memory", "")) => Ok(text.to_owned()),
        Some(("sqlite", path)) if !path.is_empty() && path != ":memory:" => Ok(text.to_owned()),
        _ => Err("a state is `memory:`, or `sqlite:` and a file, such as sqlite:wharf.db".into()),
    }
}
