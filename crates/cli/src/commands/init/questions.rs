//! The questions of `wharf init`.

use std::io;
use std::path::PathBuf;

use super::{Key, Model, Plan, model, variable};
use crate::ask::console::Console;
use crate::terminal::{DIM, STRONG, styled};

/// Asks what no flag has said. Whether all was answered; an end of the input is none.
pub(super) fn ask(plan: &mut Plan, console: &mut dyn Console) -> io::Result<bool> {
    Ok(questions(plan, console)?.is_some())
}

fn questions(plan: &mut Plan, console: &mut dyn Console) -> io::Result<Option<()>> {
    console.say(
        &styled(
            DIM,
            "Enter takes what stands in brackets; empty ones are left out.",
        )
        .to_string(),
    )?;
    if plan.files.is_empty() {
        let Some(path) = directory(console, "A directory of files to serve?")? else {
            return Ok(None);
        };
        plan.files.extend(path);
        if !plan.files.is_empty() && !plan.write {
            let Some(write) = yes(console, "May clients change its files?", false)? else {
                return Ok(None);
            };
            plan.write = write;
        }
    }
    if plan.notes.is_none() {
        let Some(notes) = yes(console, "Notes that clients can write and find?", true)? else {
            return Ok(None);
        };
        plan.notes = notes.then(String::new);
    }
    if plan.prompts.is_none() {
        let Some(path) = directory(console, "A directory of prompts (Markdown)?")? else {
            return Ok(None);
        };
        plan.prompts = path;
    }
    if plan.llm.is_none() {
        let question = "A model that clients may ask, as PROVIDER/MODEL, or echo?";
        let Some(llm) = parsed(console, question, "", model_or_none)? else {
            return Ok(None);
        };
        plan.llm = llm;
    }
    let needs_key = plan.llm.as_ref().is_some_and(Model::needs_key);
    if needs_key && plan.key.is_none() {
        let usual = plan
            .llm
            .as_ref()
            .map(Model::usual_variable)
            .unwrap_or_default();
        let question = "Which environment variable has its key, or which file (with a /)?";
        let Some(key) = parsed(console, question, &usual, key)? else {
            return Ok(None);
        };
        plan.key = Some(key);
    }
    Ok(Some(()))
}

impl Model {
    pub(super) fn needs_key(&self) -> bool {
        !matches!(self.provider.as_str(), "echo" | "ollama")
    }

    /// The variable that the provider's own tools take.
    pub(super) fn usual_variable(&self) -> String {
        format!("{}_API_KEY", self.provider.to_uppercase())
    }
}

fn model_or_none(text: &str) -> Result<Option<Model>, String> {
    match text {
        "" => Ok(None),
        text => model(text).map(Some),
    }
}

fn key(text: &str) -> Result<Key, String> {
    match text.contains(['/', '\\']) {
        true => Ok(Key::File(PathBuf::from(text))),
        false => variable(text).map(Key::Variable),
    }
}

/// A directory that is there, or none.
fn directory(console: &mut dyn Console, question: &str) -> io::Result<Option<Option<PathBuf>>> {
    parsed(console, question, "", |text| {
        if text.is_empty() {
            return Ok(None);
        }
        let path = PathBuf::from(text);
        match super::from(std::path::Path::new(""), &path).is_dir() {
            true => Ok(Some(path)),
            false => Err("there is no such directory".into()),
        }
    })
}

fn yes(console: &mut dyn Console, question: &str, usual: bool) -> io::Result<Option<bool>> {
    let usual = if usual { "yes" } else { "no" };
    parsed(console, question, usual, |text| {
        match text.to_lowercase().as_str() {
            "y" | "yes" => Ok(true),
            "n" | "no" => Ok(false),
            _ => Err("answer yes or no".into()),
        }
    })
}

/// Asks until the answer can be read. `None` at the end of the input.
fn parsed<T>(
    console: &mut dyn Console,
    question: &str,
    usual: &str,
    read: impl Fn(&str) -> Result<T, String>,
) -> io::Result<Option<T>> {
    loop {
        let prompt = format!("{} [{usual}] ", styled(STRONG, question));
        let Some(line) = console.ask(&prompt)? else {
            return Ok(None);
        };
        let answer = match line.trim() {
            "" => usual,
            given => given,
        };
        match read(answer) {
            Ok(value) => return Ok(Some(value)),
            Err(why) => console.say(&format!("  {why}"))?,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ask::console::Script;

    #[test]
    fn questions_are_asked_until_they_are_answered() {
        let mut script = Script::new(&[
            "/no/such/place",
            "/",
            "",
            "maybe",
            "n",
            "",
            "gpt",
            "openai",
            "openai/gpt-5",
            "sk-1 2",
            "",
        ]);
        let mut plan = Plan::default();
        assert!(ask(&mut plan, &mut script).expect("asked"));
        let expected = Plan {
            files: vec!["/".into()],
            llm: Some(model("openai/gpt-5").expect("a model")),
            key: Some(Key::Variable("OPENAI_API_KEY".into())),
            ..Plan::default()
        };
        assert_eq!(plan, expected, "{}", script.shown);
        for said in [
            "there is no such directory",
            "yes or no",
            "the providers are",
            "name the model too",
            "does not belong here",
        ] {
            assert!(script.shown.contains(said), "{said}: {}", script.shown);
        }
    }

    #[test]
    fn what_flags_say_is_not_asked_and_an_end_is_an_end() {
        let mut plan = Plan {
            files: vec!["a".into()],
            notes: Some(String::new()),
            prompts: Some("b".into()),
            llm: Some(model("echo").expect("a model")),
            ..Plan::default()
        };
        let mut script = Script::new(&[]);
        assert!(ask(&mut plan, &mut script).expect("asked"));
        assert!(!script.shown.contains('?'), "{}", script.shown);
        assert!(!ask(&mut Plan::default(), &mut Script::new(&[""])).expect("asked"));
    }
}
