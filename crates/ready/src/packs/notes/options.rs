//! What can be said about the notes in `wharf.toml`.

use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::Deserialize;

use crate::{Error, Result, Surroundings};

/// Notes in an SQLite file.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// The file. Default: `wharf/notes.db` in the user's data directory (`$XDG_DATA_HOME` or
    /// `~/.local/share`, `~/Library/Application Support`, `%LOCALAPPDATA%`), so that the notes are
    /// the same wherever a host starts the server. `:memory:` keeps them for as long as the server
    /// runs.
    pub path: Option<PathBuf>,
    /// What the contents of notes are served as.
    pub format: Format,
    /// When `delete_note` asks the person at the client first.
    pub confirm: Confirm,
    /// How many notes there may be.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub max_notes: u32,
    /// How long a title may be, in characters.
    #[schemars(range(min = 1, max = 1000))]
    pub max_title: u32,
    /// How long a note may be, in bytes.
    #[schemars(range(min = 1, max = 4_194_304))]
    pub max_content: u32,
    /// How much the prompt `summarize_notes` may embed, in bytes. Notes that were changed last come
    /// first, and the prompt says what it leaves out.
    #[schemars(range(min = 1024, max = 16_777_216))]
    pub max_prompt: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            path: None,
            format: Format::default(),
            confirm: Confirm::default(),
            max_notes: 10_000,
            max_title: 200,
            max_content: 256 * 1024,
            max_prompt: 1024 * 1024,
        }
    }
}

/// What the contents of notes are served as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// `text/plain`
    #[default]
    Plain,
    /// `text/markdown`
    Markdown,
}

impl Format {
    pub(super) fn mime_type(self) -> &'static str {
        match self {
            Self::Plain => "text/plain",
            Self::Markdown => "text/markdown",
        }
    }
}

/// When `delete_note` asks the person at the client first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Confirm {
    /// Where the client can ask. Where it cannot, the note is deleted, and the answer holds what
    /// was in it: hosts show calls of destructive tools to their user before they make them.
    #[default]
    WherePossible,
    /// Always: a client that cannot ask cannot delete.
    Always,
    /// Never.
    Never,
}

/// Where the notes are.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Place {
    Memory,
    File(PathBuf),
}

impl Options {
    /// What a type cannot say of the numbers.
    pub(super) fn check(&self) -> Result<()> {
        let within = |name: &str, value: u32, most: u32| match (1..=most).contains(&value) {
            true => Ok(()),
            false => Err(Error::invalid(format_args!(
                "`{name}` is {value}, and must be from 1 to {most}"
            ))),
        };
        within("max_notes", self.max_notes, 1_000_000)?;
        within("max_title", self.max_title, 1000)?;
        within("max_content", self.max_content, 4 << 20)?;
        within("max_prompt", self.max_prompt, 16 << 20)?;
        if self.max_prompt < 1024 {
            return Err(Error::invalid("`max_prompt` must be 1024 or more"));
        }
        Ok(())
    }

    pub(super) fn place(&self, at: &Surroundings) -> Result<Place> {
        match &self.path {
            Some(path) if path == Path::new(":memory:") => Ok(Place::Memory),
            Some(path) => Ok(Place::File(at.path(path))),
            None => Ok(Place::File(data()?.join("wharf").join("notes.db"))),
        }
    }
}

/// The directory in which programs keep what they have of this user.
fn data() -> Result<PathBuf> {
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
    data.ok_or_else(|| {
        Error::unavailable("the home directory is unknown: say where the notes are with `path`")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_have_defaults_and_refuse_what_they_do_not_know() {
        let options: Options = serde_json::from_str("{}").expect("options");
        assert_eq!(options, Options::default());
        options.check().expect("they are fine");
        let given = r#"{"path": "a.db", "format": "markdown", "confirm": "always"}"#;
        let options: Options = serde_json::from_str(given).expect("options");
        assert_eq!(options.format.mime_type(), "text/markdown");
        assert_eq!(options.confirm, Confirm::Always);
        serde_json::from_str::<Options>(r#"{"paht": "a.db"}"#).expect_err("a typing error");
    }

    #[test]
    fn limits_that_make_no_sense_are_refused() {
        type Change = fn(&mut Options);
        for (change, why) in [
            ((|o| o.max_notes = 0) as Change, "max_notes"),
            (|o| o.max_title = 1001, "max_title"),
            (|o| o.max_content = u32::MAX, "max_content"),
            (|o| o.max_prompt = 1023, "max_prompt"),
        ] {
            let mut options = Options::default();
            change(&mut options);
            let error = options.check().expect_err(why);
            assert!(
                error.is_invalid() && error.to_string().contains(why),
                "{error}"
            );
        }
    }

    #[test]
    fn the_file_is_where_it_was_said_to_be() {
        let at = Surroundings {
            catalog: wharf::CatalogHandle::default(),
            base: "/srv".into(),
        };
        let place = |path: &str| {
            let options = Options {
                path: Some(path.into()),
                ..Options::default()
            };
            options.place(&at).expect("a place")
        };
        assert_eq!(place(":memory:"), Place::Memory);
        assert_eq!(place("a.db"), Place::File("/srv/a.db".into()));
        assert_eq!(place("/x/a.db"), Place::File("/x/a.db".into()));
        let Place::File(default) = Options::default().place(&at).expect("a place") else {
            panic!("not a file");
        };
        assert!(
            default.is_absolute() && default.ends_with("wharf/notes.db"),
            "{default:?}"
        );
    }
}
