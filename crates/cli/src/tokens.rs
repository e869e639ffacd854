//! The tokens of `wharf login`: where they are, and how they get on requests.

use std::path::PathBuf;

use wharf_auth::{FileStore, Nobody, OAuth};

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

/// What puts the token of an earlier `wharf login` on requests. `None` where nobody ever signed in
/// anywhere: then nothing is read, and nothing set up.
pub(crate) fn of(url: &str) -> Result<Option<OAuth>, Failure> {
    let Some(folder) = folder().ok().filter(|folder| folder.is_dir()) else {
        return Ok(None);
    };
    // An address to which no token may be sent gets none.
    let Ok(oauth) = OAuth::new(url) else {
        return Ok(None);
    };
    let store = FileStore::open(folder).map_err(|error| failure(&error))?;
    Ok(Some(oauth.store(store).interaction(Nobody)))
}

/// The same for signing in and out, for which there must be an address and a folder.
pub(crate) fn for_target(text: &str) -> Result<(String, OAuth), Failure> {
    let resolved = target::resolve(text, &|_| None)?;
    let Target::Url { url, .. } = resolved.target else {
        return Err(Failure::new(
            "signing in is for servers with an address, and this target is a command",
        )
        .next("give a command what it needs with --env NAME=VALUE"));
    };
    let store = FileStore::open(folder()?).map_err(|error| failure(&error))?;
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
