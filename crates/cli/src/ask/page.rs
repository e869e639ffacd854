//! [`Page`]: an address that a server wants opened. It is shown whole, and opened only on a yes.

use std::io;

use serde_json::Map;

use super::form::confirm;
use super::{Answer, Console};
use crate::escape;
use crate::terminal::{DIM, STRONG, styled};

/// An address to open.
#[derive(Debug, Clone)]
pub(super) struct Page {
    message: String,
    url: String,
    host: String,
}

impl Page {
    /// # Errors
    /// It is no address that a browser should open.
    pub(super) fn read(message: &str, url: &str) -> Result<Self, String> {
        let refused = |why: &str| format!("{} {why}", escape::line(url));
        let rest = url
            .strip_prefix("https://")
            .or_else(|| url.strip_prefix("http://"));
        let rest = rest.ok_or_else(|| refused("is not a web address"))?;
        if url.contains(|c: char| c.is_whitespace() || escape::is_dangerous(c)) {
            return Err(refused("has characters that no web address has"));
        }
        let end = rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len());
        let authority = &rest[..end];
        if authority.contains('@') {
            return Err(refused(
                "has a name before its host, which is a way to hide the host",
            ));
        }
        if authority.is_empty() {
            return Err(refused("has no host"));
        }
        Ok(Self {
            message: message.to_owned(),
            url: url.to_owned(),
            host: authority.to_owned(),
        })
    }

    pub(super) fn ask(&self, console: &mut dyn Console) -> io::Result<Answer> {
        console.say(&format!(
            "{} {}",
            styled(STRONG, "The server asks you to open a page:"),
            escape::text(self.message.trim())
        ))?;
        console.say(&format!("  {}", self.url))?;
        let mut about = format!("on {}", self.host);
        if self.url.starts_with("http://") {
            about.push_str(", not encrypted");
        }
        if self.host.contains("xn--") || !self.host.is_ascii() {
            about.push_str("; the name has letters that may look like others");
        }
        console.say(&styled(DIM, format!("  ({about})")).to_string())?;
        let answer = confirm(console, "Open it? [y]es, [n]o, [c]ancel: ")?;
        if answer == Answer::Accept(Map::new()) && !open(&self.url) {
            console.say("There is no browser to open it with: open it yourself.")?;
            return confirm(console, "Done? [y]es, [n]o, [c]ancel: ");
        }
        Ok(answer)
    }
}

#[cfg(not(test))]
fn open(url: &str) -> bool {
    webbrowser::open(url).is_ok()
}

#[cfg(test)]
fn open(url: &str) -> bool {
    !url.contains("nobrowser")
}

#[cfg(test)]
mod tests {
    use super::super::console::Script;
    use super::*;

    #[test]
    fn the_whole_address_is_shown_and_nothing_opens_by_itself() {
        let url = "https://login.example.com/a?state=1#top";
        for (typed, expected) in [
            (&["y"][..], Answer::Accept(Map::new())),
            (&["n"], Answer::Decline),
            (&["c"], Answer::Cancel),
            (&[], Answer::Cancel),
        ] {
            let page = Page::read("Sign in", url).expect("a page");
            let mut script = Script::new(typed);
            assert_eq!(page.ask(&mut script).expect("an answer"), expected);
            assert!(
                script
                    .shown
                    .contains(&format!("\n  {url}\n  (on login.example.com)\n")),
                "{}",
                script.shown
            );
        }
        let page = Page::read("x", "http://nobrowser.example/").expect("a page");
        let mut script = Script::new(&["y", "n"]);
        assert_eq!(page.ask(&mut script).expect("an answer"), Answer::Decline);
        assert!(script.shown.contains("not encrypted"), "{}", script.shown);
    }

    #[test]
    fn addresses_that_are_not_opened() {
        for url in [
            "file:///etc/passwd",
            "javascript:alert(1)",
            "vscode://x",
            "https://bank.example@evil.example/",
            "https://a.example/\u{1b}[2J",
            "https://a.example/\u{202e}x",
            "https:///x",
            "--help",
        ] {
            Page::read("x", url).expect_err(url);
        }
    }
}
