//! `wharf config`: what `wharf.toml` may say, and whether one is right.

use std::path::PathBuf;

use serde_json::json;
use wharf_ready::config::{self, FILE_NAME, Given};

use crate::escape;
use crate::failure::{Exit, Failure};
use crate::runtime;
use crate::show::Out;
use crate::show::problems::{count, say_problems};
use crate::terminal::{DIM, say, styled};

/// Check a wharf.toml, or print what it may say
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES, arg_required_else_help = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Find everything that is wrong with a file, without serving it
    #[command(after_help = CHECK_EXAMPLES)]
    Check {
        /// The file
        #[arg(value_name = "FILE", default_value = FILE_NAME)]
        file: PathBuf,

        /// Print {"ok":…,"problems":[…]} on standard output, for programs
        #[arg(long)]
        json: bool,
    },
    /// Print the JSON Schema of the file, for editors
    #[command(after_help = SCHEMA_EXAMPLES)]
    Schema,
}

const EXAMPLES: &str = "\
Examples:
  wharf config check
  wharf config check other.toml --json
  wharf config schema > wharf.schema.json

Exit codes:
  0  the file is right
  1  it is not";

const CHECK_EXAMPLES: &str = "\
Looks at everything that `wharf serve -c FILE` does: the syntax, every key and type, environment variables, files, the packs, the patterns of allow and deny. Makes no file and sends nothing.

Examples:
  wharf config check
  wharf config check other.toml --json";

const SCHEMA_EXAMPLES: &str = "\
Examples:
  wharf config schema > wharf.schema.json

An editor that knows TOML (Taplo, Even Better TOML, Zed, Helix …) takes it from the first line of wharf.toml:
  #:schema ./wharf.schema.json";

pub(crate) fn run(args: Args) -> Result<(), Failure> {
    match args.what {
        What::Check { file, json } => runtime::here(check(file, json)),
        What::Schema => {
            let schema = format!("{:#}\n", config::schema());
            Out::new(false, false).words(&schema)
        }
    }
}

async fn check(file: PathBuf, json: bool) -> Result<(), Failure> {
    let out = Out::new(json, false);
    let name = escape::line(&file.display().to_string()).into_owned();
    let given = Given {
        file: Some(file),
        ..Given::default()
    };
    match config::check(&given).await {
        Ok(served) if json => out.words(&format!(
            "{}\n",
            json!({"ok": true, "problems": [], "serves": served})
        )),
        Ok(served) => {
            let packs = match served.packs.is_empty() {
                true => "nothing yet".to_owned(),
                false => escape::line(&served.packs.join(", ")).into_owned(),
            };
            out.words(&format!("{name} is right: it serves {packs}\n"))?;
            say(styled(
                DIM,
                format_args!("  serve it: `wharf serve -c {name}`"),
            ));
            Ok(())
        }
        Err(problems) => {
            if json {
                let problems: Vec<_> = problems.iter().collect();
                out.words(&format!("{}\n", json!({"ok": false, "problems": problems})))?;
            } else {
                say_problems(&problems);
                say(styled(DIM, format_args!("{name} has {}", count(&problems))));
            }
            Err(Failure::silent(Exit::Usage))
        }
    }
}
