//! Text of others, made safe to show: characters that move the cursor, hide or turn text around
//! are written as escapes, such as `\u{1b}`.

use std::borrow::Cow;
use std::fmt::{self, Write as _};

/// Whether a character could change how the text around it is read: controls, what turns text
/// around, and what is there without being seen.
pub(crate) fn is_dangerous(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff9}'..='\u{fffb}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// Passes text on with dangerous characters escaped as Rust does.
pub(crate) struct Escaping<'a, W>(pub(crate) &'a mut W);

impl<W: fmt::Write> fmt::Write for Escaping<'_, W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for piece in text.split_inclusive(is_dangerous) {
            match piece.chars().next_back().filter(|c| is_dangerous(*c)) {
                Some(c) => {
                    self.0.write_str(&piece[..piece.len() - c.len_utf8()])?;
                    write!(self.0, "{}", c.escape_unicode())?;
                }
                None => self.0.write_str(piece)?,
            }
        }
        Ok(())
    }
}

/// On one line: line ends are escaped too.
pub(crate) fn line(text: &str) -> Cow<'_, str> {
    if !text.contains(is_dangerous) {
        return text.into();
    }
    let mut safe = String::with_capacity(text.len() + 16);
    // Writing to a string cannot fail.
    let _ = Escaping(&mut safe).write_str(text);
    safe.into()
}

/// On as many lines as it has: line ends and tabs stay, and so does the carriage return of a
/// line end, which overwrites nothing there.
pub(crate) fn text(text: &str) -> Cow<'_, str> {
    let harmless = |c: char| matches!(c, '\n' | '\t') || !is_dangerous(c);
    if text.chars().all(harmless) {
        return text.into();
    }
    let mut safe = String::with_capacity(text.len() + 16);
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        if harmless(c) || (c == '\r' && rest.peek() == Some(&'\n')) {
            safe.push(c);
        } else {
            safe.extend(c.escape_unicode());
        }
    }
    safe.into()
}

/// JSON, with the dangerous characters in its strings as `\u` escapes: it stays the same JSON.
/// JSON itself escapes only line ends and the controls below U+0020.
pub(crate) fn json(json: &str) -> Cow<'_, str> {
    let harmless = |c: char| c == '\n' || !is_dangerous(c);
    if json.chars().all(harmless) {
        return json.into();
    }
    let mut safe = String::with_capacity(json.len() + 16);
    for c in json.chars() {
        if harmless(c) {
            safe.push(c);
        } else {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(safe, "\\u{unit:04x}");
            }
        }
    }
    safe.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVIL: &str = "\u{1b}]0;x\u{7}\r\n\u{9b}2J\u{202e}\u{e0041}\u{7f}Ä{\"level\"";

    #[test]
    fn a_line_is_escaped_and_nothing_else_is() {
        let expected = r#"\u{1b}]0;x\u{7}\u{d}\u{a}\u{9b}2J\u{202e}\u{e0041}\u{7f}Ä{"level""#;
        assert_eq!(line(EVIL), expected);
        assert_eq!(line("Grüße, 世界 🚢"), "Grüße, 世界 🚢");
    }

    #[test]
    fn text_keeps_its_lines() {
        assert_eq!(text("a\n\tb\r\nc"), "a\n\tb\r\nc");
        assert_eq!(text("safe\rover"), "safe\\u{d}over");
        assert_eq!(text("\u{1b}[2J\nz\u{200b}w"), "\\u{1b}[2J\nz\\u{200b}w");
        // An instruction written in characters that are not seen.
        assert_eq!(text("hi\u{e0069}\u{e0100}"), "hi\\u{e0069}\\u{e0100}");
    }

    #[test]
    fn json_stays_the_same_json() {
        let before = format!("{}\n", serde_json::json!({ "name": EVIL }));
        let escaped = json(&before);
        let (body, end) = escaped.split_at(escaped.len() - 1);
        assert_eq!(end, "\n");
        assert!(!body.chars().any(is_dangerous), "{body}");
        let back: serde_json::Value = serde_json::from_str(body).expect("JSON");
        assert_eq!(back["name"], EVIL);
    }
}
