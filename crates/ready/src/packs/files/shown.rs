//! Names and numbers as a person or a model reads them.

use std::ffi::OsStr;
use std::fmt::{self, Write as _};
use std::path::Path;

/// A name or path made safe to be shown: control, bidirectional and other invisible characters are
/// escaped, and so are bytes that are not UTF-8.
pub(super) fn shown(name: impl AsRef<OsStr>) -> String {
    let mut text = String::new();
    for chunk in name.as_ref().as_encoded_bytes().utf8_chunks() {
        escape_into(&mut text, chunk.valid());
        for byte in chunk.invalid() {
            // Writing to a string cannot fail.
            let _ = write!(text, "\\x{byte:02X}");
        }
    }
    text
}

/// A path in backquotes; the directory itself has words.
pub(super) fn quoted(path: &Path) -> String {
    match path.as_os_str().is_empty() {
        true => "the directory itself".to_owned(),
        false => format!("`{}`", cut(&shown(path), 300)),
    }
}

/// Text of a client, escaped and cut.
pub(super) fn quoted_text(text: &str) -> String {
    let mut escaped = String::new();
    escape_into(&mut escaped, cut(text, 300));
    format!("`{escaped}`")
}

/// The beginning of a text, up to this many bytes.
pub(super) fn cut(text: &str, limit: usize) -> &str {
    let mut end = limit.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

fn escape_into(out: &mut String, text: &str) {
    for c in text.chars() {
        match is_invisible(c) {
            true => out.extend(c.escape_unicode()),
            false => out.push(c),
        }
    }
}

fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// A number of bytes.
pub(super) struct Size(pub(super) u64);

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
        if self.0 < 1024 {
            return write!(f, "{} bytes", self.0);
        }
        let mut unit = 0;
        #[expect(clippy::cast_precision_loss, reason = "shown with one digit")]
        let mut size = self.0 as f64 / 1024.0;
        while size >= 1024.0 && unit + 1 < UNITS.len() {
            size /= 1024.0;
            unit += 1;
        }
        write!(f, "{size:.1} {}", UNITS[unit])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_seen_is_escaped() {
        assert_eq!(
            shown("a\u{202e}b\u{1b}[31m\r\n"),
            "a\\u{202e}b\\u{1b}[31m\\u{d}\\u{a}"
        );
        assert_eq!(shown("Grüße \u{1f6a2}"), "Grüße \u{1f6a2}");
        assert_eq!(cut("aé", 2), "a");
        #[cfg(unix)]
        {
            use std::os::unix::ffi::OsStrExt as _;
            assert_eq!(shown(OsStr::from_bytes(b"caf\xe9.txt")), "caf\\xE9.txt");
        }
    }

    #[test]
    fn sizes_are_short() {
        for (bytes, text) in [
            (0, "0 bytes"),
            (1023, "1023 bytes"),
            (1536, "1.5 KiB"),
            (1 << 20, "1.0 MiB"),
        ] {
            assert_eq!(Size(bytes).to_string(), text);
        }
    }
}
