//! [`Browser`]: the page is opened in the person's browser.

use std::fmt;
use std::sync::Arc;

use super::{DeviceCode, Interaction, Shown, SignIn};
use crate::net::Place;
use crate::{Error, Pending};

/// What is to be told to the person, see [`Browser::announce`].
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Notice<'a> {
    /// The page that was opened. Comes also when it could not be opened.
    Page(&'a SignIn),
    /// A code to type in.
    Code(&'a DeviceCode),
}

type Announce = Arc<dyn Fn(Notice<'_>) + Send + Sync>;

/// The page is opened in the person's browser: an address as one argument of a program, never a
/// line for a shell.
#[derive(Clone, Default)]
pub struct Browser {
    announce: Option<Announce>,
}

impl Browser {
    /// Opens pages and says nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Also tells the person where to go: a browser may be absent, on another machine, or behind
    /// other windows. With it, codes for other devices can be shown too.
    #[must_use]
    pub fn announce(mut self, tell: impl Fn(Notice<'_>) + Send + Sync + 'static) -> Self {
        self.announce = Some(Arc::new(tell));
        self
    }
}

impl Interaction for Browser {
    fn sign_in<'a>(&'a self, sign_in: &'a SignIn) -> Pending<'a, Result<Shown, Error>> {
        Box::pin(async move {
            if let Some(announce) = &self.announce {
                announce(Notice::Page(sign_in));
            }
            match open(sign_in.page()).await {
                Ok(()) => Ok(Shown::Open),
                // The person was told the address, and can open it themselves.
                Err(error) if self.announce.is_some() => {
                    tracing::debug!(%error, "no browser was opened");
                    Ok(Shown::Open)
                }
                Err(error) => Err(error),
            }
        })
    }

    fn show_code<'a>(&'a self, code: &'a DeviceCode) -> Pending<'a, Result<(), Error>> {
        let result = match &self.announce {
            Some(announce) => {
                announce(Notice::Code(code));
                Ok(())
            }
            None => Err(Error::authorization_required(
                "a person must sign in with a code, and there is nowhere to show it",
            )),
        };
        Box::pin(std::future::ready(result))
    }

    fn has_browser(&self) -> bool {
        has_display()
    }
}

impl fmt::Debug for Browser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Browser")
            .field("announces", &self.announce.is_some())
            .finish()
    }
}

/// Opens a page in the person's browser.
///
/// # Errors
///
/// The address is none that may be opened, or there is no browser.
async fn open(page: &str) -> Result<(), Error> {
    let place = Place::parse(page)?;
    let page = harmless(place.as_str());
    tokio::task::spawn_blocking(move || webbrowser::open(&page))
        .await
        .map_err(|e| Error::authorization_required("the browser broke off").with_source(e))?
        .map_err(|e| {
            Error::authorization_required("a person must sign in, and no browser can be opened")
                .with_source(e)
        })
}

/// The same address without characters that mean something to a shell, should a program in
/// between be a careless script.
fn harmless(page: &str) -> String {
    page.chars().fold(String::new(), |mut text, c| {
        match c {
            '$' | '`' | '(' | ')' | '\'' | '"' | ';' | '|' | '<' | '>' | '!' | '*' | '^' | '{'
            | '}' | '\\' => text.push_str(&format!("%{:02X}", u32::from(c))),
            c => text.push(c),
        }
        text
    })
}

#[cfg(any(target_os = "macos", target_os = "windows"))]
fn has_display() -> bool {
    std::env::var_os("SSH_CONNECTION").is_none()
}

#[cfg(not(any(target_os = "macos", target_os = "windows")))]
fn has_display() -> bool {
    let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    ["DISPLAY", "WAYLAND_DISPLAY", "BROWSER", "WSL_DISTRO_NAME"]
        .into_iter()
        .any(is_set)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn row_09_command_injection_only_addresses_are_opened() {
        for bad in [
            "file:///etc/passwd",
            "a:$(calc)",
            "javascript:alert(1)",
            "--flag",
            "http://evil.example/",
            "https://user@evil.example/",
            "https://x.example/\" & calc",
        ] {
            assert!(open(bad).await.expect_err(bad).is_untrusted(), "{bad}");
        }
        let odd = Place::parse("https://x.example/a;b?c=$(calc)&d=`e`|'f'").unwrap();
        let harmless = harmless(odd.as_str());
        assert!(
            !harmless.contains(['$', '`', '(', ';', '|', '\'']),
            "{harmless}"
        );
        assert!(harmless.contains('&'), "{harmless}");
    }
}
