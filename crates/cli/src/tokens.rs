//! The tokens of `wharf login`: where they are, and how they get on requests.

use std::path::PathBuf;

use http::HeaderMap;
use tokio::sync::OnceCell;
use wharf_auth::{Answer, Authorize, FileStore, Next, Nobody, OAuth, Outgoing, Pending, Refusal};

use crate::failure::{Exit, Failure};
use crate::target::{self, Target};

/// The folder of the tokens, whether or not it is there.
fn folder() -> Result<PathBuf, Failure> {
    let named = |variable: &str| {
        std::env::var_os(variable)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    let home = || std::env::home_dir().filter(|home| home.is_absolute());
    let data = if cfg!(windows) {
        named("LOCALAPPDATA")
    } else if cfg!(target_os = "macos") {
        home().map(|home| home.join("Library").join("Application Support"))
    } else {
        named("XDG_DATA_HOME").or_else(|| home().map(|home| home.join(".local").join("share")))
    };
    let data =
        data.ok_or_else(|| Failure::new("the home directory is unknown").next("set HOME"))?;
    Ok(data.join("wharf").join("tokens"))
}

/// What puts the token of an earlier `wharf login` on requests. It is opened at the first refusal:
/// a server that wants no token costs no look into the keyring.
pub(crate) struct Kept {
    url: String,
    folder: PathBuf,
    opened: OnceCell<OAuth>,
}

/// `None` where nobody ever signed in anywhere.
pub(crate) fn of(url: &str) -> Option<Kept> {
    let folder = folder().ok().filter(|folder| folder.is_dir())?;
    Some(Kept {
        url: url.to_owned(),
        folder,
        opened: OnceCell::new(),
    })
}

impl Authorize for Kept {
    fn headers<'a>(
        &'a self,
        request: Outgoing<'a>,
    ) -> Pending<'a, Result<HeaderMap, wharf_auth::Error>> {
        match self.opened.get() {
            Some(oauth) => oauth.headers(request),
            None => Box::pin(async { Ok(HeaderMap::new()) }),
        }
    }

    fn refused<'a>(&'a self, refusal: Refusal<'a>) -> Pending<'a, Result<Next, wharf_auth::Error>> {
        Box::pin(async move {
            let open = async {
                let oauth = OAuth::new(&self.url)?.interaction(Nobody);
                Ok(oauth.store(FileStore::in_keyring(&self.folder).await?))
            };
            let oauth = self.opened.get_or_try_init(|| open).await?;
            // What was refused may have gone out before there was anything to show.
            if refusal.sent.is_empty() && !oauth.headers(refusal.request).await?.is_empty() {
                return Ok(Next::Again);
            }
            oauth.refused(refusal).await
        })
    }

    fn observed(&self, answer: Answer<'_>) {
        if let Some(oauth) = self.opened.get() {
            oauth.observed(answer);
        }
    }
}

/// The same for signing in and out, for which there must be an address and a folder.
pub(crate) async fn for_target(text: &str) -> Result<(String, OAuth), Failure> {
    let resolved = target::resolve(text, &|_| None)?;
    let Target::Url { url, .. } = resolved.target else {
        return Err(Failure::new(
            "signing in is for servers with an address, and this target is a command",
        )
        .next("give a command what it needs with --env NAME=VALUE"));
    };
    let store = FileStore::in_keyring(folder()?).await;
    let store = store.map_err(|error| failure(&error))?;
    let oauth = OAuth::new(&url)
        .map_err(|error| failure(&error))?
        .store(store)
        .client_name("Wharf");
    Ok((url, oauth))
}

/// Why there is no token.
pub(crate) fn failure(error: &wharf_auth::Error) -> Failure {
    let exit = if error.is_unreachable() || error.is_timed_out() {
        Exit::Unreachable
    } else if error.is_misconfigured() || error.is_store() || error.is_unsupported() {
        Exit::Usage
    } else {
        Exit::Authorization
    };
    Failure::new(error.to_string()).exit(exit)
}
