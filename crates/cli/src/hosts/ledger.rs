//! [`Ledger`]: what was installed, and what was made for it, so that it can be unmade.
//!
//! It is a file of ours (`wharf/installed.json` where a person's data is) that has names, paths,
//! and blanks or comments that stood where something was put in; no values.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::edit::Base;
use super::places::Places;

/// The largest file of ours that is read.
const MAX_FILE: u64 = 16 << 20;

/// What is ours in a file of a host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Ours {
    /// What the way to the first of our entries was like.
    pub(super) base: Base,
    /// Our entries, and what was put around each (TOML).
    pub(super) entries: BTreeMap<String, Option<(String, String)>>,
    /// The directories that were made for the file, if the file was not there: the outermost first.
    pub(super) made: Option<Vec<PathBuf>>,
}

impl Ours {
    /// What was made for an entry of ours.
    pub(super) fn base_of(&self, name: &str) -> Option<Base> {
        let around = self.entries.get(name)?.clone();
        Some(Base {
            around,
            ..self.base.clone()
        })
    }
}

/// All that is ours.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Known {
    files: BTreeMap<String, Ours>,
}

/// The open file, which no other `wharf` changes meanwhile.
#[derive(Debug)]
pub(crate) struct Ledger {
    file: Option<File>,
    known: Known,
}

impl Ledger {
    /// Opens it to change it, and waits until nobody else does.
    ///
    /// # Errors
    /// It cannot be read or understood.
    pub(crate) fn open(places: &Places) -> Result<Self, String> {
        let path = path(places);
        let wrong = |error: &dyn std::fmt::Display| {
            format!("{} cannot be used: {error}", places.shown(&path))
        };
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(|error| wrong(&error))?;
        }
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(|error| wrong(&error))?;
        file.lock().map_err(|error| wrong(&error))?;
        let known = read(&mut file).map_err(|error| wrong(&error))?;
        Ok(Self {
            file: Some(file),
            known,
        })
    }

    /// Looks into it and changes nothing, not even on disk.
    ///
    /// # Errors
    /// As for [`Ledger::open`].
    pub(crate) fn look(places: &Places) -> Result<Self, String> {
        let path = path(places);
        let known = match File::open(&path) {
            Ok(mut file) => read(&mut file)
                .map_err(|error| format!("{} cannot be used: {error}", places.shown(&path)))?,
            Err(_) => Known::default(),
        };
        Ok(Self { file: None, known })
    }

    /// What is ours in a file.
    pub(super) fn of(&self, file: &Path) -> Option<&Ours> {
        self.known.files.get(file.to_str()?)
    }

    /// Notes what is ours in a file now, and keeps it.
    pub(super) fn set(&mut self, file: &Path, ours: Option<Ours>) -> Result<(), String> {
        let Some(path) = file.to_str() else {
            return Ok(());
        };
        match ours {
            Some(ours) => self.known.files.insert(path.to_owned(), ours),
            None => self.known.files.remove(path),
        };
        let Some(file) = &mut self.file else {
            return Ok(());
        };
        let text = serde_json::to_string_pretty(&self.known).map_err(|error| error.to_string())?;
        let write = |file: &mut File| {
            file.rewind()?;
            file.set_len(0)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()
        };
        write(file).map_err(|error| format!("what is installed cannot be noted: {error}"))
    }
}

fn read(file: &mut File) -> Result<Known, String> {
    let mut text = String::new();
    file.take(MAX_FILE)
        .read_to_string(&mut text)
        .map_err(|error| error.to_string())?;
    if text.is_empty() {
        return Ok(Known::default());
    }
    serde_json::from_str(&text)
        .map_err(|error| format!("{error}; move it away, and entries are taken out as they stand"))
}

fn path(places: &Places) -> PathBuf {
    places.data().join("wharf").join("installed.json")
}
