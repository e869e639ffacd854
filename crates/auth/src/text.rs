//! Text of others, made fit to be shown.

/// How many characters of a server's text are shown.
const SHOWN: usize = 200;

/// Text of a server, escaped and cut short.
pub(crate) fn shown(text: &str) -> String {
    let mut short: String = text.chars().take(SHOWN).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short.escape_debug().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn row_19_text_of_servers_is_escaped_and_cut() {
        assert_eq!(shown("a\u{1b}]0;x\u{202e}\r\n"), r"a\u{1b}]0;x\u{202e}\r\n");
        assert_eq!(shown(&"ä".repeat(1000)).chars().count(), SHOWN + 1);
    }
}
