//! Keeps what may be a secret out of what is shown: of the lines that problems quote, and of the
//! reasons that others give.

/// A line that can be shown, and how wide the part is that is meant.
pub(super) struct Masked {
    pub(super) text: String,
    pub(super) width: usize,
}

/// Leaves out the value of a key that sounds like a secret, unless it only says where the secret
/// is. By the look of the line, so that it holds also where the text cannot be read as TOML.
pub(super) fn line(text: &str, column: usize, width: usize) -> Masked {
    let unchanged = || Masked {
        text: text.to_owned(),
        width,
    };
    let Some((key, value)) = text.split_once('=') else {
        return unchanged();
    };
    let trimmed = value.trim();
    if !is_secret_name(key) || trimmed.is_empty() || is_reference(trimmed) {
        return unchanged();
    }
    let space = &value[..value.len() - value.trim_start().len()];
    let text = format!("{key}={space}…");
    // What was meant may have been in the part that is left out.
    let width = width.min((text.chars().count() + 1).saturating_sub(column).max(1));
    Masked { text, width }
}

/// Whether the value of a key of this name is not to be shown.
pub(super) fn is_secret_name(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    [
        "key",
        "token",
        "secret",
        "password",
        "passphrase",
        "credential",
        "auth",
        "header",
    ]
    .iter()
    .any(|word| key.contains(word))
}

/// A text that is nothing but one `${…}`, numbers, or a truth value.
fn is_reference(value: &str) -> bool {
    let text = value.trim_matches('"').trim_matches('\'');
    let whole = text.starts_with("${") && text.find('}') == Some(text.len() - 1);
    // A default is written out: it may be the secret.
    (whole && !text.contains(":-"))
        || text.parse::<f64>().is_ok()
        || matches!(text, "true" | "false")
}

/// Puts the `${…}` that they came from in the place of values, in a text of somebody else. What
/// still shows a part of one is not to be shown at all: `None`.
pub(super) fn reason(text: &str, values: &[(String, String)]) -> Option<String> {
    let mut text = text.to_owned();
    for (name, value) in values.iter().filter(|(_, value)| !value.is_empty()) {
        text = replace_words(&text, value, name);
    }
    let leaks = values.iter().any(|(_, value)| shows(&text, value));
    (!leaks).then_some(text)
}

/// Replaces a value. A short one only where it stands by itself.
fn replace_words(text: &str, value: &str, name: &str) -> String {
    if value.chars().count() >= PART {
        return text.replace(value, name);
    }
    let mut result = String::with_capacity(text.len());
    let mut last = 0;
    for (at, _) in text.match_indices(value) {
        let inside = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        let end = at + value.len();
        if !inside(text[..at].chars().next_back()) && !inside(text[end..].chars().next()) {
            result.push_str(&text[last..at]);
            result.push_str(name);
            last = end;
        }
    }
    result + &text[last..]
}

/// How many characters of a value in a row are too many to show.
const PART: usize = 6;

fn shows(text: &str, value: &str) -> bool {
    let (text, value) = (text.to_lowercase(), value.to_lowercase());
    let value: Vec<char> = value.chars().collect();
    value
        .windows(PART)
        .any(|part| text.contains(&part.iter().collect::<String>()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_with_secrets_are_cut() {
        for (text, shown) in [
            ("path = \"a\"", "path = \"a\""),
            ("key = \"sk-abc\"", "key = …"),
            ("  api_token=abc", "  api_token=…"),
            ("PASSWORD = ", "PASSWORD = "),
            ("key = \"${KEY}\"", "key = \"${KEY}\""),
            ("key = \"${KEY:-sk-abc}\"", "key = …"),
            ("key = \"${KEY}sk-abc\"", "key = …"),
            ("max_tokens = 100", "max_tokens = 100"),
            ("no key here", "no key here"),
        ] {
            assert_eq!(line(text, 1, 1).text, shown);
        }
        assert_eq!(line("key = \"sk-abc\"", 7, 8).width, 1);
    }

    #[test]
    fn values_in_reasons_are_named_instead() {
        let values = [
            ("${HOST}".to_owned(), "db.example.com".to_owned()),
            ("${PORT}".to_owned(), "80".to_owned()),
        ];
        for (text, shown) in [
            ("nothing", Some("nothing")),
            (
                "no db.example.com:80 for 8080",
                Some("no ${HOST}:${PORT} for 8080"),
            ),
            ("no DB.EXAMPLE.COM", None),
            ("no `example`", None),
        ] {
            assert_eq!(reason(text, &values).as_deref(), shown, "{text}");
        }
    }
}
