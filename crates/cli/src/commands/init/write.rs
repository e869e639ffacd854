//! The text of a new `wharf.toml`.

use std::fmt::Write as _;
use std::path::Path;

use super::{Key, Model, Plan};

/// A commented file that says what was asked for, and what else it could say.
pub(super) fn text(plan: &Plan) -> String {
    let mut text = String::from(HEAD);
    // Writing to a string cannot fail.
    let _ = match &plan.name {
        Some(name) => writeln!(text, "name = {}", quoted(name)),
        None => writeln!(text, "name = \"wharf\""),
    };
    text.push_str(TOOLS);
    if plan.is_empty() {
        text.push_str("# A small example of everything. Take it out when you have something of your own.\n[starter]\n\n");
    }
    for (index, path) in plan.files.iter().enumerate() {
        text.push_str(if index == 0 { FILES } else { "" });
        let _ = writeln!(text, "[[files]]\npath = {}", path_text(path));
        if plan.files.len() > 1 {
            let _ = writeln!(text, "prefix = {}", quoted(&prefix(path, index)));
        }
        text.push_str(if plan.write {
            "write = true\n\n"
        } else {
            "# write = true\n\n"
        });
    }
    match plan.notes.as_deref() {
        Some("") => {
            let _ = writeln!(text, "{NOTES}[notes]\n# path = \"notes.db\"\n");
        }
        Some(path) => {
            let _ = writeln!(text, "{NOTES}[notes]\npath = {}\n", quoted(path));
        }
        None => {}
    }
    if let Some(path) = &plan.prompts {
        let _ = writeln!(text, "{PROMPTS}[prompts]\npath = {}\n", path_text(path));
    }
    if let Some(path) = &plan.skills {
        let _ = writeln!(text, "{SKILLS}[skills]\npath = {}\n", path_text(path));
    }
    if let Some(model) = &plan.llm {
        llm(&mut text, model, plan.key.as_ref());
    }
    text.push_str(HTTP);
    text
}

fn llm(text: &mut String, model: &Model, key: Option<&Key>) {
    let _ = writeln!(text, "{LLM}[llm]\nprovider = {}", quoted(&model.provider));
    if let Some(name) = &model.name {
        let _ = writeln!(text, "model = {}", quoted(name));
    }
    let usual = model
        .needs_key()
        .then(|| Key::Variable(model.usual_variable()));
    let _ = match key.or(usual.as_ref()) {
        Some(Key::Variable(name)) => writeln!(text, "key = \"${{{name}}}\""),
        Some(Key::File(path)) => writeln!(
            text,
            "key = {}",
            quoted(&format!("${{file:{}}}", path.display()))
        ),
        None => Ok(()),
    };
    text.push('\n');
}

/// A directory's own name, as a prefix of its tools.
fn prefix(path: &Path, index: usize) -> String {
    let name = path
        .file_name()
        .map(|name| name.to_string_lossy().to_lowercase());
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let name: String = name
        .unwrap_or_default()
        .chars()
        .filter(|c| fits(*c))
        .collect();
    match name.is_empty() {
        true => format!("files{}", index + 1),
        false => name,
    }
}

fn path_text(path: &Path) -> String {
    quoted(&path.display().to_string().replace("${", "$${"))
}

/// A text of TOML: what JSON writes is one, but for a character that JSON leaves as it is.
fn quoted(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted.replace('\u{7f}', "\\u007f")
}

const HEAD: &str = "\
# What `wharf serve -c wharf.toml` serves. `wharf config check` finds mistakes; a running server
# takes changes of this file at once. All keys: `wharf config schema`.
#
# ${NAME} stands for an environment variable, ${file:PATH} for what is in a file: keys and
# passwords belong there, not here.

";

const TOOLS: &str = "\
# instructions = \"What a model should know to use this server well.\"

# Only tools that change nothing:
# read_only = true
# Only some tools, by name; deny wins:
# allow = [\"*\"]
# deny = []

";

const FILES: &str =
    "# A directory, as resources and tools. Clients change files only with `write = true`.\n";
const NOTES: &str =
    "# Notes that clients write and find. Without `path` they are where a user's data is kept.\n";
const PROMPTS: &str = "# A directory of prompts: Markdown files.\n";
const SKILLS: &str = "# A directory of skills: directories with a SKILL.md.\n";
const LLM: &str = "# A model that clients may ask.\n";

const HTTP: &str = "\
# How the server is reached; arguments of `wharf serve` win.
[http]
# addr = \"127.0.0.1:8000\"
# allow_origin = [\"https://app.example.com\"]
";
