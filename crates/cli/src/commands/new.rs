//! `wharf new`: a Rust project of a server.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::json;

use crate::escape;
use crate::failure::Failure;
use crate::show::Out;
use crate::terminal::{LITERAL, say, styled};

/// Begin a server in Rust: a project that builds and passes its own tests
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The directory to make; its last part is the name of the project
    #[arg(value_name = "NAME")]
    path: PathBuf,

    /// Depend on the `wharf` in this directory, instead of the published one of this version
    #[arg(long, value_name = "DIR")]
    wharf_path: Option<PathBuf>,

    /// Do not make a git repository
    #[arg(long)]
    no_git: bool,

    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "\
Makes Cargo.toml, src/main.rs with a tool, a resource and a prompt, src/tests.rs, README.md and .gitignore,
and a git repository unless the directory is in one. A directory that has something in it is left as it is.

Examples:
  wharf new weather
  wharf new ~/src/weather --no-git
  wharf new weather --wharf-path ~/src/wharf/crates/wharf";

/// The files of a project.
const FILES: &[(&str, &str)] = &[
    ("Cargo.toml", include_str!("new/Cargo.toml.txt")),
    ("README.md", include_str!("new/README.md.txt")),
    (".gitignore", include_str!("new/gitignore.txt")),
    ("src/main.rs", include_str!("new/main.rs.txt")),
    ("src/tests.rs", include_str!("new/tests.rs.txt")),
];

pub(crate) fn run(args: Args) -> Result<(), Failure> {
    let places = super::install::places()?;
    let given = args.path.to_string_lossy().into_owned();
    let folder = places.absolute(&given);
    let name = folder.file_name().and_then(|name| name.to_str());
    let name = name.ok_or_else(|| {
        Failure::new(format!("{given:?} does not end with a name"))
            .next("give one, such as weather")
    })?;
    check(name)?;
    let occupied = match std::fs::read_dir(&folder) {
        Ok(mut entries) => entries.next().is_some(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => false,
        Err(error) => {
            return Err(Failure::new(format!("{given} cannot be used: {error}"))
                .next("give the name of a directory that is not there yet"));
        }
    };
    if occupied {
        return Err(
            Failure::new(format!("{given} is there, and has something in it"))
                .next("give another name"),
        );
    }
    let wharf = dependency(args.wharf_path.as_deref(), &places)?;
    let in_workspace = workspace(&folder)?;
    write(&folder, name, &wharf, in_workspace.is_some())
        .map_err(|error| Failure::new(format!("{given} cannot be written: {error}")))?;
    let git = !args.no_git && repository(&folder);
    if args.json {
        let files: Vec<_> = FILES.iter().map(|(path, _)| *path).collect();
        return Out::new(true, false).document(&json!({
            "name": name,
            "path": folder.display().to_string(),
            "files": files,
            "git": git,
        }));
    }
    let shown = escape::line(&given).into_owned();
    let mut text = format!("{} is made:\n", styled(LITERAL, &shown));
    for (path, _) in FILES {
        text.push_str(&format!("  {path}\n"));
    }
    let quoted = shell_words::quote(&shown);
    text.push_str(&format!(
        "\nNext:\n  cd {quoted}\n  cargo test\n  wharf tools 'wharf run .'\n  wharf install . --host claude-code\n"
    ));
    Out::new(false, false).words(&text)?;
    if let Some(root) = in_workspace {
        say(format_args!(
            "It is a workspace of its own, although {} is around it.",
            escape::line(&places.shown(&root))
        ));
    }
    Ok(())
}

/// Names that Cargo refuses for a program, or that would hide something.
fn check(name: &str) -> Result<(), Failure> {
    const TAKEN: &[&str] = &[
        "test",
        "core",
        "std",
        "alloc",
        "proc_macro",
        "proc-macro",
        "build",
        "deps",
        "examples",
        "incremental",
        "wharf",
        "tokio",
        "serde_json",
    ];
    const KEYWORDS: &[&str] = &[
        "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate",
        "do", "dyn", "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl",
        "in", "let", "loop", "macro", "match", "mod", "move", "mut", "override", "priv", "pub",
        "ref", "return", "self", "static", "struct", "super", "trait", "true", "try", "type",
        "typeof", "unsafe", "unsized", "use", "virtual", "where", "while", "yield",
    ];
    let wrong = |reason: &str| {
        Err(Failure::new(format!(
            "{name:?} cannot be the name of a project: {reason}"
        ))
        .next("give another, such as weather-server"))
    };
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if !name.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return wrong("it does not begin with a letter");
    }
    if !name.chars().all(fits) || name.len() > 64 {
        return wrong("it may have up to 64 letters, digits, `-` and `_`");
    }
    let lower = name.to_ascii_lowercase();
    if KEYWORDS.contains(&lower.as_str()) {
        return wrong("it is a word of Rust");
    }
    if TAKEN.contains(&lower.as_str()) {
        return wrong("something that the project needs is called so");
    }
    Ok(())
}

/// The dependency on `wharf`, as TOML.
fn dependency(path: Option<&Path>, places: &crate::hosts::Places) -> Result<String, Failure> {
    let version = env!("CARGO_PKG_VERSION");
    let Some(path) = path else {
        return Ok(format!("\"{version}\""));
    };
    let given = path.to_string_lossy();
    let folder = places.absolute(&given);
    // The repository as a whole stands for the crate in it.
    let crates = [folder.clone(), folder.join("crates").join("wharf")];
    let found = crates.into_iter().find(|folder| {
        let manifest = std::fs::read_to_string(folder.join("Cargo.toml"));
        manifest.is_ok_and(|text| text.contains("name = \"wharf\""))
    });
    let found = found.ok_or_else(|| {
        Failure::new(format!("{given} is not the crate `wharf`"))
            .next("give the directory of the repository, or `crates/wharf` in it")
    })?;
    let path = serde_json::Value::from(found.display().to_string());
    Ok(format!("{{ path = {path} }}"))
}

/// The manifest of a workspace that is around a directory: Cargo would take the project for a
/// part of it.
fn workspace(folder: &Path) -> Result<Option<PathBuf>, Failure> {
    for folder in folder.ancestors().skip(1) {
        let manifest = folder.join("Cargo.toml");
        if let Ok(text) = std::fs::read_to_string(&manifest) {
            return Ok(text.contains("[workspace").then_some(manifest));
        }
    }
    Ok(None)
}

fn write(folder: &Path, name: &str, wharf: &str, in_workspace: bool) -> std::io::Result<()> {
    std::fs::create_dir_all(folder.join("src"))?;
    let title = title(name);
    for (path, template) in FILES {
        let mut text = template
            .replace("{{name}}", name)
            .replace("{{title}}", &title)
            .replace("{{wharf}}", wharf);
        if *path == "Cargo.toml" && in_workspace {
            text.push_str("\n# Not a part of the workspace around it.\n[workspace]\n");
        }
        let mut file = std::fs::File::create_new(folder.join(path))?;
        file.write_all(text.as_bytes())?;
    }
    Ok(())
}

/// `weather-server` is "Weather server".
fn title(name: &str) -> String {
    let words = name.replace(['-', '_'], " ");
    let mut chars = words.chars();
    let first = chars.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(chars).collect()
}

/// Makes a git repository, unless there is one around it or no git.
fn repository(folder: &Path) -> bool {
    if folder
        .ancestors()
        .any(|folder| folder.join(".git").exists())
    {
        return false;
    }
    let git = Command::new("git")
        .args(["init", "--quiet"])
        .arg(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    git.is_ok_and(|status| status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_would_not_build_are_refused() {
        for name in ["weather", "a", "weather-server_2", "Weather"] {
            assert!(check(name).is_ok(), "{name}");
        }
        for name in [
            "", "2fast", "-x", "a b", "ä", "fn", "Self", "test", "wharf", "a.b",
        ] {
            assert!(check(name).is_err(), "{name}");
        }
        assert_eq!(title("weather-server"), "Weather server");
    }
}
