//! Checks a configuration as if it were served, and leaves no traces: no file is made, nothing is
//! watched, nothing is sent.

use std::path::{Path, PathBuf};

use wharf::CatalogHandle;

use super::kinds::Options;
use super::load::{Config, Given};
use super::problem::Problems;
use super::site::{self, Served, Site};
use crate::Surroundings;

/// Finds everything that is wrong with what is asked for, and says what would be served.
///
/// # Errors
/// All problems; where the text itself has some, what the packs have is not looked at.
pub async fn check(given: &Given) -> Result<Served, Problems> {
    check_config(Config::load(given)?).await
}

/// The same for a configuration that is read already.
///
/// # Errors
/// All problems of the packs.
pub async fn check_config(mut config: Config) -> Result<Served, Problems> {
    let mut problems = Problems::default();
    for pack in &mut config.packs {
        let at = Surroundings {
            catalog: CatalogHandle::default(),
            base: pack.base.clone(),
        };
        if let Err(why) = without_traces(&mut pack.options, &at) {
            problems.add(site::problem(pack, &why));
        }
    }
    let opened = Site::open(config, &CatalogHandle::default()).await;
    match (opened, problems.is_empty()) {
        (Ok(site), true) => Ok(site.served()),
        (Ok(_), false) => Err(problems),
        (Err(more), _) => {
            problems.append(more);
            problems.into_result()?;
            Ok(Served::default())
        }
    }
}

/// Changes options so that opening the pack changes nothing outside of it.
fn without_traces(options: &mut Options, at: &Surroundings) -> Result<(), String> {
    match options {
        Options::Files(options) => options.watch = false,
        Options::Prompts(options) => options.watch = false,
        Options::Skills(options) => options.watch = false,
        Options::Notes(options) => {
            let place = options.path.replace(PathBuf::from(":memory:"));
            if let Some(path) = place.filter(|path| path != Path::new(":memory:")) {
                return database(&at.path(&path));
            }
        }
        Options::Llm(_) | Options::Starter(_) => {}
    }
    Ok(())
}

/// Whether a file is a database of SQLite, or can become one.
fn database(path: &Path) -> Result<(), String> {
    use std::io::Read as _;
    let Ok(file) = std::fs::File::open(path) else {
        let there = path.ancestors().skip(1).find(|above| above.exists());
        return match there {
            Some(above) if !above.is_dir() => Err(format!("`{}` is no directory", above.display())),
            _ if path.exists() => Err(format!("`{}` cannot be read", path.display())),
            _ => Ok(()),
        };
    };
    if path.is_dir() {
        return Err(format!(
            "`{}` is a directory, and should be a file",
            path.display()
        ));
    }
    let mut start = Vec::new();
    let read = file.take(16).read_to_end(&mut start);
    match read.is_ok() && (start.is_empty() || start == b"SQLite format 3\0") {
        true => Ok(()),
        false => Err(format!("`{}` is no database of SQLite", path.display())),
    }
}
