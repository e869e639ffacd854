//! [`Places`]: where this person's files are, on this system.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// The systems that hosts run on, as far as their files are elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum System {
    Linux,
    Mac,
    Windows,
}

/// The home directory, the working directory and the environment: all that is asked of the
/// machine to know which files to read.
#[derive(Debug, Clone)]
pub(crate) struct Places {
    pub(super) system: System,
    pub(super) home: PathBuf,
    pub(super) here: PathBuf,
    variables: HashMap<String, String>,
}

impl Places {
    /// Those of this process. `None` where the home directory is unknown.
    pub(crate) fn of_this_process() -> Option<Self> {
        let system = if cfg!(windows) {
            System::Windows
        } else if cfg!(target_os = "macos") {
            System::Mac
        } else {
            System::Linux
        };
        Some(Self {
            system,
            home: std::env::home_dir().filter(|home| home.is_absolute())?,
            here: std::env::current_dir().unwrap_or_else(|_| PathBuf::from(".")),
            // A name or value that is no Unicode cannot be written in a configuration either.
            variables: std::env::vars_os()
                .filter_map(|(name, value)| {
                    Some((name.into_string().ok()?, value.into_string().ok()?))
                })
                .collect(),
        })
    }

    #[cfg(test)]
    pub(super) fn of(system: System, home: &Path, here: &Path, variables: &[(&str, &str)]) -> Self {
        let variables = variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Self {
            system,
            home: home.to_owned(),
            here: here.to_owned(),
            variables: variables.collect(),
        }
    }

    /// A variable of the environment that is set and not empty.
    pub(super) fn variable(&self, name: &str) -> Option<&str> {
        let value = self.variables.get(name)?;
        (!value.is_empty()).then_some(value)
    }

    /// A directory that a variable may name.
    fn directory(&self, variable: &str, otherwise: impl FnOnce() -> PathBuf) -> PathBuf {
        let named = self.variable(variable).map(PathBuf::from);
        named
            .filter(|path| path.is_absolute())
            .unwrap_or_else(otherwise)
    }

    /// A directory in the home directory, unless a variable names another.
    pub(super) fn home_or(&self, variable: &str, name: &str) -> PathBuf {
        self.directory(variable, || self.home.join(name))
    }

    /// Where programs keep what they know: `~/.local/share`, `~/Library/Application Support`,
    /// `%LOCALAPPDATA%`.
    pub(super) fn data(&self) -> PathBuf {
        let otherwise = |parts: [&str; 2]| self.home.join(parts[0]).join(parts[1]);
        match self.system {
            System::Linux => self.directory("XDG_DATA_HOME", || otherwise([".local", "share"])),
            System::Mac => otherwise(["Library", "Application Support"]),
            System::Windows => self.directory("LOCALAPPDATA", || otherwise(["AppData", "Local"])),
        }
    }

    /// A path that a person gave: `~` is the home directory, and it begins where we are.
    pub(crate) fn absolute(&self, path: &str) -> PathBuf {
        let path = match path.strip_prefix('~') {
            Some("") => self.home.clone(),
            Some(rest) if rest.starts_with(std::path::is_separator) => self
                .home
                .join(rest.trim_start_matches(std::path::is_separator)),
            _ => self.here.join(path),
        };
        // Without `.` in it, and with every link that is.
        path.components().collect()
    }

    /// Where programs keep their settings: `~/.config`, `~/Library/Application Support`,
    /// `%APPDATA%`.
    pub(super) fn settings(&self) -> PathBuf {
        match self.system {
            System::Linux => self.xdg(),
            System::Mac => self.home.join("Library").join("Application Support"),
            System::Windows => self.roaming(),
        }
    }

    /// The same for programs that keep to `~/.config` on macOS as well.
    pub(super) fn settings_as_on_linux(&self) -> PathBuf {
        match self.system {
            System::Linux => self.xdg(),
            System::Mac => self.home.join(".config"),
            System::Windows => self.roaming(),
        }
    }

    fn xdg(&self) -> PathBuf {
        self.directory("XDG_CONFIG_HOME", || self.home.join(".config"))
    }

    fn roaming(&self) -> PathBuf {
        self.directory("APPDATA", || self.home.join("AppData").join("Roaming"))
    }

    /// The working directory and those above it, up to the root of the project (which has a
    /// `.git`), and never the home directory or above it.
    pub(super) fn project(&self) -> Vec<&Path> {
        let mut found = Vec::new();
        for directory in self.here.ancestors() {
            if directory == self.home || self.home.starts_with(directory) {
                break;
            }
            found.push(directory);
            if directory.join(".git").exists() {
                break;
            }
        }
        if found.is_empty() {
            found.push(&self.here);
        }
        found
    }

    /// A path as people write it: `~` for the home directory, `.` for the working directory.
    pub(crate) fn shown(&self, path: &Path) -> String {
        let within = |base: &Path, mark: &str| {
            let rest = path.strip_prefix(base).ok()?;
            Some(Path::new(mark).join(rest).display().to_string())
        };
        let short = within(&self.here, ".").filter(|_| self.here != self.home);
        let short = short.or_else(|| within(&self.home, "~"));
        short.unwrap_or_else(|| path.display().to_string())
    }
}
