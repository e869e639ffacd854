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

    /// The browser of this test is a script that writes down its arguments.
    #[cfg(unix)]
    #[test]
    fn row_09_command_injection_a_page_is_one_argument() {
        use std::os::unix::fs::PermissionsExt;

        const PAGE: &str = "https://x.example/a?b=$(touch+pwned)&c=`id`;d='e'&f=%20|g";
        const CHILD: &str = "WHARF_AUTH_TEST_BROWSER";
        if std::env::var_os(CHILD).is_some() {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            runtime.unwrap().block_on(open(PAGE)).unwrap();
            return;
        }
        let folder =
            std::env::temp_dir().join(format!("wharf-auth-browser-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let script = folder.join("browser");
        let wrote = folder.join("arguments");
        let text = format!(
            "#!/bin/sh\nprintf '%s\\n' \"$#\" \"$@\" > '{0}.new' && mv '{0}.new' '{0}'\n",
            wrote.display()
        );
        std::fs::write(&script, text).unwrap();
        std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o700)).unwrap();
        let name = "interaction::browser::tests::row_09_command_injection_a_page_is_one_argument";
        let done = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", name, "--nocapture"])
            .env(CHILD, "1")
            .env("BROWSER", &script)
            .current_dir(&folder)
            .output()
            .unwrap();
        assert!(done.status.success(), "{done:?}");
        let end = std::time::Instant::now() + std::time::Duration::from_secs(20);
        while !wrote.exists() && std::time::Instant::now() < end {
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        let arguments = std::fs::read_to_string(&wrote).unwrap();
        let expected =
            "https://x.example/a?b=%24%28touch+pwned%29&c=%60id%60%3Bd=%27e%27&f=%20%7Cg";
        assert_eq!(arguments, format!("1\n{expected}\n"));
        assert!(!folder.join("pwned").exists());
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
