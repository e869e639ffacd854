//! `wharf init`: writes a `wharf.toml`, by questions or by flags.

mod questions;
mod write;

use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};

use wharf_ready::config::{self, FILE_NAME, Given};

use self::questions::ask;
use self::write::text;
use crate::ask::console::Terminal;
use crate::escape;
use crate::failure::{Exit, Failure};
use crate::runtime;
use crate::show::problems::say_problems;
use crate::terminal::{DIM, LITERAL, STRONG, say, styled};

/// Write a wharf.toml that says what to serve
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The file to write
    #[arg(value_name = "FILE", default_value = FILE_NAME)]
    file: PathBuf,

    /// Ask nothing: what no flag says is left at its default
    #[arg(short, long)]
    yes: bool,

    /// The server's name
    #[arg(long, value_name = "NAME")]
    name: Option<String>,

    /// Serve a directory of files; again for more of them
    #[arg(long, value_name = "DIRECTORY")]
    files: Vec<PathBuf>,

    /// Let clients change the files
    #[arg(long, requires = "files")]
    write: bool,

    /// Serve notes, in this file or where notes usually are
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = "", require_equals = true)]
    notes: Option<String>,

    /// Serve a directory of prompts in Markdown
    #[arg(long, value_name = "DIRECTORY")]
    prompts: Option<PathBuf>,

    /// Serve a directory of skills
    #[arg(long, value_name = "DIRECTORY")]
    skills: Option<PathBuf>,

    /// Let clients ask a model: PROVIDER/MODEL, or echo for a simulated one
    #[arg(long, value_name = "MODEL", value_parser = model)]
    llm: Option<Model>,

    /// The environment variable that has the key of the provider
    #[arg(long, value_name = "VARIABLE", requires = "llm", value_parser = variable)]
    key_env: Option<String>,

    /// The file that has the key of the provider
    #[arg(
        long,
        value_name = "FILE",
        requires = "llm",
        conflicts_with = "key_env"
    )]
    key_file: Option<PathBuf>,
}

const EXAMPLES: &str = "\
Asks in the terminal what to serve; flags answer questions beforehand. Never writes over a file.

Examples:
  wharf init
  wharf init --yes
  wharf init --files ~/notes --notes --llm echo --yes
  wharf init --llm openai/gpt-5 --key-env OPENAI_API_KEY --yes

Exit codes:
  0  the file is written
  1  it is there already, or cannot be written
  130  stopped by Ctrl-D";

/// A model and who has it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Model {
    provider: String,
    name: Option<String>,
}

/// Where the key of a provider is.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Key {
    Variable(String),
    File(PathBuf),
}

/// What the file is to say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Plan {
    name: Option<String>,
    files: Vec<PathBuf>,
    write: bool,
    /// The file; an empty one for the usual place.
    notes: Option<String>,
    prompts: Option<PathBuf>,
    skills: Option<PathBuf>,
    llm: Option<Model>,
    key: Option<Key>,
}

impl Plan {
    fn is_empty(&self) -> bool {
        *self
            == Self {
                name: self.name.clone(),
                ..Self::default()
            }
    }
}

pub(crate) fn run(args: Args) -> Result<(), Failure> {
    let shown = escape::line(&args.file.display().to_string()).into_owned();
    if args.file.symlink_metadata().is_ok() {
        return Err(Failure::new(format!("{shown} is there already"))
            .next("name another file, or check that one with `wharf config check`"));
    }
    let mut plan = Plan {
        name: args.name,
        files: args.files,
        write: args.write,
        notes: args.notes,
        prompts: args.prompts,
        skills: args.skills,
        llm: args.llm,
        key: args
            .key_env
            .map(Key::Variable)
            .or(args.key_file.map(Key::File)),
    };
    let asks = !args.yes && std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
    if asks {
        match ask(&mut plan, &mut Terminal) {
            Ok(true) => {}
            Ok(false) => return Err(Failure::silent(Exit::Interrupted)),
            Err(error) => return Err(Failure::new(format!("cannot ask: {error}"))),
        }
    } else if !args.yes && plan.is_empty() {
        return Err(Failure::new("there is no terminal to ask in")
            .next("say what to serve with flags, or `--yes` for the defaults"));
    }
    for directory in plan.files.iter().chain(&plan.prompts).chain(&plan.skills) {
        if !from(&args.file, directory).is_dir() {
            let directory = escape::line(&directory.display().to_string()).into_owned();
            return Err(Failure::new(format!("there is no directory {directory}"))
                .next(format!("make it first: `mkdir -p {directory}`")));
        }
    }
    write_new(&args.file, &text(&plan))
        .map_err(|error| Failure::new(format!("cannot write {shown}: {error}")))?;
    say(styled(STRONG, format_args!("{shown} is written")));
    let checked = check(args.file.clone());
    next(&shown, checked)
}

/// Where a path of the file is found.
fn from(file: &Path, path: &Path) -> PathBuf {
    let at = wharf_ready::Surroundings {
        catalog: wharf::CatalogHandle::default(),
        base: file.parent().unwrap_or(Path::new("")).to_owned(),
    };
    at.path(path)
}

/// Never over another file, not even one that comes at the same moment.
fn write_new(path: &Path, text: &str) -> std::io::Result<()> {
    let mut file = std::fs::File::create_new(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// Checks what was written: a key may not be there yet.
fn check(file: PathBuf) -> bool {
    let given = Given {
        file: Some(file),
        ..Given::default()
    };
    let checked = runtime::here(async move { Ok(config::check(&given).await) });
    match checked {
        Ok(Err(problems)) => {
            say_problems(&problems);
            false
        }
        _ => true,
    }
}

fn next(file: &str, is_right: bool) -> Result<(), Failure> {
    if !is_right {
        say("Put that right first, then:");
    }
    let option = match file {
        FILE_NAME => String::new(),
        other => format!(" {other}"),
    };
    for (command, what) in [
        (
            format!("wharf config check{option}"),
            "looks at it once more",
        ),
        (
            format!("wharf serve -c {file}"),
            "serves it, and takes changes of it",
        ),
        (
            format!("wharf tools 'wharf serve --stdio -c {file}'"),
            "lists its tools",
        ),
    ] {
        say(format_args!(
            "  {}  {}",
            styled(LITERAL, &command),
            styled(DIM, what)
        ));
    }
    Ok(())
}

fn model(text: &str) -> Result<Model, String> {
    let (provider, name) = match text.split_once('/') {
        Some((provider, name)) if !name.is_empty() => (provider, Some(name.to_owned())),
        _ => (text.trim_end_matches('/'), None),
    };
    let provider = wharf_ready::packs::llm::Provider::parse(provider).ok_or_else(|| {
        let known = wharf_ready::packs::llm::Provider::ALL.map(|known| known.as_str());
        format!("the providers are {}", known.join(", "))
    })?;
    if name.is_none() && provider.as_str() != "echo" {
        return Err(format!("name the model too, such as {provider}/MODEL"));
    }
    Ok(Model {
        provider: provider.as_str().to_owned(),
        name,
    })
}

fn variable(text: &str) -> Result<String, String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_';
    match !text.is_empty() && text.chars().all(fits) {
        true => Ok(text.to_owned()),
        false => Err("a variable has letters, digits and _, such as OPENAI_API_KEY; the key itself does not belong here".into()),
    }
}
