//! `wharf run`: a server from a file, a directory or a command, as a host starts it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::failure::Failure;
use crate::hosts::Places;
use crate::target;

/// Start a server as a host does, over standard input and output
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// A `wharf.toml`, a directory with a server in it, or a command
    #[arg(value_name = "FILE|DIR|COMMAND")]
    what: String,

    /// Arguments for what is started
    #[arg(
        value_name = "ARGUMENT",
        trailing_var_arg = true,
        allow_hyphen_values = true
    )]
    arguments: Vec<OsString>,
}

const EXAMPLES: &str = "\
What is started:
  FILE.toml  what it describes: `wharf serve -c FILE.toml --stdio`
  DIR        by the first of these that is in it:
               wharf.toml      as above
               Cargo.toml      `cargo run --quiet --release`, which builds it where that is due
               package.json    `node` and its `bin`, if it has one
               pyproject.toml  `uv run` and its script, if it has one
  COMMAND    the command, in one piece or in words
Standard input and output are its own, and so is the exit code.

Examples:
  wharf run wharf.toml
  wharf run .
  wharf run ~/src/weather --http
  wharf run 'npx -y @modelcontextprotocol/server-everything'
  wharf tools 'wharf run .'";

pub(crate) fn run(args: Args) -> Result<(), Failure> {
    let places = Places::of_this_process()
        .ok_or_else(|| Failure::new("the home directory is unknown").next("set HOME"))?;
    let path = places.absolute(&args.what);
    let mut command = match recognise(&path)? {
        Some(recognised) => recognised.command()?,
        None if path.is_dir() => {
            return Err(
                Failure::new(format!("nothing in {} says how to start it", args.what)).next(FORMS),
            );
        }
        None if path.is_file() && !args.what.contains(std::path::is_separator) => {
            // A file here is meant before a program elsewhere.
            if !is_executable(&path) {
                return Err(not_started(&args.what));
            }
            Command::new(&path)
        }
        None => {
            let mut words = target::split(&args.what)?.into_iter();
            let program = words
                .next()
                .ok_or_else(|| Failure::new("there is nothing to start").next(FORMS))?;
            if !target::is_program(&program) {
                return Err(not_started(&args.what));
            }
            let mut command = Command::new(program);
            command.args(words);
            command
        }
    };
    command.args(&args.arguments);
    become_it(command)
}

const FORMS: &str = "a `wharf.toml`, a `Cargo.toml`, a `package.json` with a `bin`, or a `pyproject.toml` with a script would; or give the command";

fn not_started(what: &str) -> Failure {
    let failure = Failure::new(format!(
        "{what:?} is no file, directory or program that can be started"
    ));
    match Path::new(what).extension().and_then(|end| end.to_str()) {
        Some("js" | "mjs" | "cjs") => failure.next(format!("try `wharf run 'node {what}'`")),
        Some("py") => failure.next(format!("try `wharf run 'python3 {what}'`")),
        Some("toml") => failure.next("`wharf init` writes a `wharf.toml`"),
        _ => failure.next("see `wharf run --help`"),
    }
}

/// How a file or a directory is started.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Recognised {
    kind: Kind,
    /// What it calls itself.
    pub(crate) name: Option<String>,
    /// What a person should do before a host starts it.
    pub(crate) first: Option<String>,
}

#[derive(Debug, PartialEq, Eq)]
enum Kind {
    Config(PathBuf),
    Cargo(PathBuf),
    Node(PathBuf),
    Uv { folder: PathBuf, script: String },
}

/// The largest manifest that is read.
const MAX_MANIFEST: u64 = 1 << 20;

/// Looks at what is there. `None` where that says nothing.
///
/// # Errors
/// It says something that is wrong.
pub(crate) fn recognise(path: &Path) -> Result<Option<Recognised>, Failure> {
    let config = |path: &Path| Recognised {
        kind: Kind::Config(path.to_owned()),
        name: path
            .file_stem()
            .and_then(|stem| stem.to_str())
            .filter(|stem| *stem != "wharf")
            .map(str::to_owned),
        first: None,
    };
    if path.is_file() {
        return match path.file_name().and_then(|name| name.to_str()) {
            Some("Cargo.toml" | "package.json" | "pyproject.toml") => match path.parent() {
                Some(folder) => recognise(folder),
                None => Ok(None),
            },
            Some(name) if name.ends_with(".toml") => Ok(Some(config(path))),
            _ => Ok(None),
        };
    }
    let there = |name: &str| Some(path.join(name)).filter(|path| path.is_file());
    if let Some(path) = there("wharf.toml") {
        return Ok(Some(config(&path)));
    }
    if let Some(manifest) = there("Cargo.toml") {
        return cargo(manifest).map(Some);
    }
    if let Some(manifest) = there("package.json") {
        return node(path, &manifest);
    }
    if let Some(manifest) = there("pyproject.toml") {
        return python(path, &manifest);
    }
    Ok(None)
}

fn read(path: &Path) -> Result<String, Failure> {
    let wrong = |reason: &dyn std::fmt::Display| {
        Failure::new(format!("{} cannot be read: {reason}", path.display()))
    };
    let size = std::fs::metadata(path)
        .map_err(|error| wrong(&error))?
        .len();
    if size > MAX_MANIFEST {
        return Err(wrong(&"it is larger than 1 MiB"));
    }
    std::fs::read_to_string(path).map_err(|error| wrong(&error))
}

fn toml(path: &Path) -> Result<Value, Failure> {
    toml_edit::de::from_str(&read(path)?).map_err(|error| {
        Failure::new(format!(
            "{} is not TOML: {}",
            path.display(),
            error.message()
        ))
    })
}

fn cargo(manifest: PathBuf) -> Result<Recognised, Failure> {
    let whole = toml(&manifest)?;
    let name = whole["package"]["name"].as_str().map(str::to_owned);
    if name.is_none() {
        return Err(Failure::new(format!(
            "{} is a workspace without a package of its own",
            manifest.display()
        ))
        .next("give the directory of the package"));
    }
    let first = format!(
        "build it once, so that the host need not wait for it: cargo build --release --manifest-path {}",
        shell_words::quote(&manifest.display().to_string())
    );
    Ok(Recognised {
        kind: Kind::Cargo(manifest),
        name,
        first: Some(first),
    })
}

/// Only a package with one program leaves no doubt.
fn node(folder: &Path, manifest: &Path) -> Result<Option<Recognised>, Failure> {
    let whole: Value = serde_json::from_str(&read(manifest)?)
        .map_err(|error| Failure::new(format!("{} is not JSON: {error}", manifest.display())))?;
    let program = match &whole["bin"] {
        Value::String(path) => Some(path.as_str()),
        Value::Object(programs) if programs.len() == 1 => {
            programs.values().next().and_then(Value::as_str)
        }
        _ => None,
    };
    let Some(program) = program else {
        return Ok(None);
    };
    let program = folder.join(program);
    if !program.is_file() {
        return Err(Failure::new(format!("{} is not there", program.display()))
            .next("build the package first, such as with `npm install` and `npm run build`"));
    }
    Ok(Some(Recognised {
        kind: Kind::Node(program),
        name: whole["name"]
            .as_str()
            .and_then(|name| name.rsplit('/').next())
            .map(str::to_owned),
        first: None,
    }))
}

fn python(folder: &Path, manifest: &Path) -> Result<Option<Recognised>, Failure> {
    let whole = toml(manifest)?;
    let scripts = whole["project"]["scripts"].as_object();
    let Some(script) = scripts
        .filter(|scripts| scripts.len() == 1)
        .and_then(|scripts| scripts.keys().next())
    else {
        return Ok(None);
    };
    Ok(Some(Recognised {
        kind: Kind::Uv {
            folder: folder.to_owned(),
            script: script.clone(),
        },
        name: whole["project"]["name"].as_str().map(str::to_owned),
        first: None,
    }))
}

impl Recognised {
    /// The `wharf.toml`, if it is one.
    pub(crate) fn config(&self) -> Option<&Path> {
        match &self.kind {
            Kind::Config(path) => Some(path),
            _ => None,
        }
    }

    fn command(&self) -> Result<Command, Failure> {
        let command = match &self.kind {
            Kind::Config(path) => {
                let wharf = std::env::current_exe().map_err(|error| {
                    Failure::new(format!("this program cannot be found: {error}"))
                })?;
                let mut command = Command::new(wharf);
                command.args(["serve", "-c"]).arg(path).arg("--stdio");
                command
            }
            Kind::Cargo(manifest) => {
                let mut command = Command::new(tool("cargo", "CARGO_HOME", ".cargo")?);
                command
                    .args(["run", "--quiet", "--release", "--manifest-path"])
                    .arg(manifest)
                    .arg("--");
                command
            }
            Kind::Node(program) => {
                let mut command = Command::new(tool("node", "", "")?);
                command.arg(program);
                command
            }
            Kind::Uv { folder, script } => {
                let mut command = Command::new(tool("uv", "", ".local")?);
                command
                    .args(["run", "--quiet", "--directory"])
                    .arg(folder)
                    .arg(script);
                command
            }
        };
        Ok(command)
    }
}

/// A program, also where a host that was not started from a shell would not find it.
fn tool(name: &str, variable: &str, folder: &str) -> Result<PathBuf, Failure> {
    if let Ok(path) = which::which(name) {
        return Ok(path);
    }
    let home = std::env::var_os(variable)
        .filter(|value| !value.is_empty())
        .map(PathBuf::from);
    let home =
        home.or_else(|| (!folder.is_empty()).then(|| Some(std::env::home_dir()?.join(folder)))?);
    let path = home.map(|home| {
        home.join("bin")
            .join(format!("{name}{}", std::env::consts::EXE_SUFFIX))
    });
    path.filter(|path| path.is_file()).ok_or_else(|| {
        Failure::new(format!("`{name}` is needed to start this, and is not here"))
            .next(format!("install {name}, or put it on the PATH"))
    })
}

#[cfg(unix)]
fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    path.metadata()
        .is_ok_and(|about| about.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_executable(path: &Path) -> bool {
    path.extension()
        .is_some_and(|end| end.eq_ignore_ascii_case("exe"))
}

/// Starts it in our place: it has our standard input and output, gets the signals, and its exit
/// code is ours. Nothing stands between it and the host.
#[cfg(unix)]
fn become_it(mut command: Command) -> Result<(), Failure> {
    use std::os::unix::process::CommandExt as _;
    // Where a shell says 127, whoever reads this wants the reason.
    let error = command.exec();
    Err(cannot_start(&command, &error))
}

/// Starts it, and waits for its end. Ctrl-C goes to both of us, and it decides.
#[cfg(not(unix))]
fn become_it(mut command: Command) -> Result<(), Failure> {
    let status = crate::runtime::here(async move {
        let mut child = command
            .spawn()
            .map_err(|error| cannot_start(&command, &error))?;
        tokio::spawn(async {
            loop {
                if tokio::signal::ctrl_c().await.is_err() {
                    break;
                }
            }
        });
        tokio::task::spawn_blocking(move || child.wait())
            .await
            .map_err(|error| Failure::new(error.to_string()))?
            .map_err(|error| Failure::new(error.to_string()))
    })?;
    std::process::exit(status.code().unwrap_or(1))
}

fn cannot_start(command: &Command, error: &std::io::Error) -> Failure {
    Failure::new(format!(
        "{} cannot be started: {error}",
        command.get_program().to_string_lossy()
    ))
}
