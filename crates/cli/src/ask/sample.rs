//! A server asks for a model, and the person plays it: sees all that would be sent, and types the
//! answer or refuses.

use std::io;

use wharf_protocol::{CreateMessageParams, CreateMessageResult, OneOrMany, Role, SamplingContent};

use super::Console;
use crate::escape;
use crate::terminal::{DIM, STRONG, styled};

/// How many characters of one message are shown.
const MAX_SHOWN: usize = 20_000;

pub(super) fn ask(
    params: &CreateMessageParams,
    console: &mut dyn Console,
) -> Result<CreateMessageResult, String> {
    match talk(params, console) {
        Ok(Some(text)) => Ok(CreateMessageResult {
            role: Role::Assistant,
            content: SamplingContent::text(text).into(),
            model: "person".into(),
            stop_reason: Some("endTurn".into()),
            meta: None,
        }),
        Ok(None) => Err("the person refused".into()),
        Err(error) => Err(format!("the terminal cannot be used: {error}")),
    }
}

fn talk(params: &CreateMessageParams, console: &mut dyn Console) -> io::Result<Option<String>> {
    console.say(&styled(STRONG, "The server asks for a model's answer to this:").to_string())?;
    if let Some(prompt) = &params.system_prompt {
        show(console, "system", prompt)?;
    }
    for message in &params.messages {
        let role = match message.role {
            Role::User => "user",
            Role::Assistant => "assistant",
        };
        show(console, role, &words(&message.content))?;
    }
    if !params.tools.is_empty() {
        let names: Vec<_> = params
            .tools
            .iter()
            .map(|tool| escape::line(&tool.name))
            .collect();
        console.say(&format!(
            "{} {}",
            styled(DIM, "tools it may use:"),
            names.join(", ")
        ))?;
    }
    console.say(
        &styled(
            DIM,
            "(type the answer; a line with only a dot ends it, /decline refuses)",
        )
        .to_string(),
    )?;
    let mut answer: Vec<String> = Vec::new();
    loop {
        let Some(line) = console.ask("> ")? else {
            // Ctrl-D after some lines ends the answer as the dot does.
            return Ok((!answer.is_empty()).then(|| answer.join("\n")));
        };
        match line.as_str() {
            "/decline" | "/cancel" => return Ok(None),
            "." => return Ok(Some(answer.join("\n"))),
            _ => answer.push(line),
        }
    }
}

fn show(console: &mut dyn Console, role: &str, text: &str) -> io::Result<()> {
    console.say(&format!("{}", styled(STRONG, format!("{role}:"))))?;
    let shown: String = text.chars().take(MAX_SHOWN).collect();
    for line in escape::text(&shown).lines() {
        console.say(&format!("  {line}"))?;
    }
    if shown.len() < text.len() {
        console.say(&format!("  … ({} characters in all)", text.chars().count()))?;
    }
    Ok(())
}

/// A message in words; what is no text is named.
fn words(content: &OneOrMany) -> String {
    let piece = |piece: &SamplingContent| match piece {
        SamplingContent::Text(text) => text.text.clone(),
        SamplingContent::Image(image) => format!("[an image, {}]", image.mime_type),
        SamplingContent::Audio(audio) => format!("[audio, {}]", audio.mime_type),
        SamplingContent::ToolUse(call) => {
            format!(
                "[calls {} with {}]",
                call.name,
                serde_json::Value::Object(call.input.clone())
            )
        }
        SamplingContent::ToolResult(result) => {
            let texts: Vec<_> = result
                .content
                .iter()
                .filter_map(|block| block.as_text())
                .collect();
            format!("[the tool answered: {}]", texts.join("\n"))
        }
    };
    content
        .as_slice()
        .iter()
        .map(piece)
        .collect::<Vec<_>>()
        .join("\n")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::console::Script;
    use super::*;

    fn params() -> CreateMessageParams {
        serde_json::from_value(json!({
            "systemPrompt": "Be brief.", "maxTokens": 10,
            "messages": [{"role": "user", "content": {"type": "text", "text": "Capital\u{1b}[2J of\nFrance?"}}],
        }))
        .expect("params")
    }

    #[test]
    fn a_person_answers_or_refuses() {
        let mut script = Script::new(&["Paris,", "of course", "."]);
        let result = ask(&params(), &mut script).expect("an answer");
        assert_eq!(result.text(), "Paris,\nof course");
        let shown = "system:\n  Be brief.\nuser:\n  Capital\\u{1b}[2J of\n  France?\n";
        assert!(script.shown.contains(shown), "{}", script.shown);
        assert!(ask(&params(), &mut Script::new(&["/decline"])).is_err());
        assert!(ask(&params(), &mut Script::new(&[])).is_err());
        assert!(ask(&params(), &mut Script::new(&["Paris"])).is_ok());
    }
}
