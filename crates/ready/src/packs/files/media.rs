//! Media types of files, by their names.

use std::path::Path;

/// The media type that a file's name suggests.
pub(super) fn media_type(path: &Path) -> Option<&'static str> {
    let extension = path.extension()?.to_str()?;
    // What the table of the web's types takes for something else.
    const SOURCES: [(&str, &str); 9] = [
        ("ts", "text/x-typescript"),
        ("mts", "text/x-typescript"),
        ("cts", "text/x-typescript"),
        ("tsx", "text/x-typescript"),
        ("jsx", "text/javascript"),
        ("go", "text/x-go"),
        ("yaml", "application/yaml"),
        ("yml", "application/yaml"),
        ("toml", "application/toml"),
    ];
    let source = SOURCES
        .iter()
        .find(|(name, _)| extension.eq_ignore_ascii_case(name));
    source
        .map(|(_, media)| *media)
        .or_else(|| mime_guess::from_ext(extension).first_raw())
}

/// The media type of a text: what its name says of pictures and the like is then wrong.
pub(super) fn text_type(path: &Path) -> &'static str {
    let media = media_type(path).unwrap_or("text/plain");
    let is_text = media.starts_with("text/")
        || media.starts_with("application/")
        || media == "image/svg+xml"
        || media.starts_with("message/");
    match media {
        "application/octet-stream" => "text/plain",
        media if is_text => media,
        _ => "text/plain",
    }
}

/// The media type of what is no text.
pub(super) fn binary_type(path: &Path) -> &'static str {
    match media_type(path) {
        Some(media) if !media.starts_with("text/") => media,
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_suggest_types() {
        for (name, media, text, binary) in [
            (
                "a.md",
                Some("text/markdown"),
                "text/markdown",
                "application/octet-stream",
            ),
            (
                "a.TS",
                Some("text/x-typescript"),
                "text/x-typescript",
                "application/octet-stream",
            ),
            (
                "a.rs",
                Some("text/x-rust"),
                "text/x-rust",
                "application/octet-stream",
            ),
            (
                "a.json",
                Some("application/json"),
                "application/json",
                "application/json",
            ),
            ("a.png", Some("image/png"), "text/plain", "image/png"),
            (
                "a.svg",
                Some("image/svg+xml"),
                "image/svg+xml",
                "image/svg+xml",
            ),
            ("Makefile", None, "text/plain", "application/octet-stream"),
        ] {
            let path = Path::new(name);
            assert_eq!(media_type(path), media, "{name}");
            assert_eq!(
                (text_type(path), binary_type(path)),
                (text, binary),
                "{name}"
            );
        }
    }
}
