//! [`Form`]: a server's questions, one after the other.

use std::io;

use serde_json::{Map, Value};

use super::field::{Field, fields, plain};
use super::{Answer, Console};
use crate::escape;
use crate::terminal::{DIM, LITERAL, STRONG, styled};

/// What stops a form at any of its fields.
const DECLINE: &str = "/decline";
const CANCEL: &str = "/cancel";

/// A form.
#[derive(Debug, Clone)]
pub(super) struct Form {
    message: String,
    fields: Vec<Field>,
}

/// What was given before anybody is asked.
#[derive(Debug, PartialEq)]
pub(super) enum Beforehand {
    /// All that is needed.
    Complete(Map<String, Value>),
    /// A form without fields, and the answer is no.
    Refused,
    /// Some of it; the rest, as options that would give it.
    Open(Map<String, Value>, String),
    /// What does not fit, and what would.
    Wrong(String),
}

impl Form {
    pub(super) fn read(message: &str, schema: &Value) -> Result<Self, String> {
        Ok(Self {
            message: message.to_owned(),
            fields: fields(schema)?,
        })
    }

    /// Fills in what was given beforehand. Something must have been, if only one field: a form
    /// whose fields all have defaults is not accepted by silence.
    pub(super) fn beforehand<'a>(&self, given: impl Fn(&str) -> Option<&'a str>) -> Beforehand {
        if self.fields.is_empty() {
            return match given("accept") {
                Some("yes" | "true") => Beforehand::Complete(Map::new()),
                Some(_) => Beforehand::Refused,
                None => Beforehand::Open(Map::new(), "--answer accept=yes".into()),
            };
        }
        let mut values = Map::new();
        for field in &self.fields {
            if let Some(typed) = given(&field.name) {
                match field.value(typed) {
                    Ok(value) => drop(values.insert(field.name.clone(), value)),
                    Err(expected) => {
                        return Beforehand::Wrong(format!(
                            "--answer {}: {typed:?} is not {expected}",
                            field.name
                        ));
                    }
                }
            }
        }
        let none = values.is_empty();
        let missing = |field: &&Field| (field.required && field.default.is_none()) || none;
        let missing = self
            .fields
            .iter()
            .filter(missing)
            .filter(|field| !values.contains_key(&field.name));
        let missing: Vec<_> = missing
            .map(|field| format!("--answer {}=…", escape::line(&field.name)))
            .collect();
        if missing.is_empty() {
            // The defaults of what was left out are put in by the client.
            Beforehand::Complete(values)
        } else {
            Beforehand::Open(values, missing.join(" "))
        }
    }

    /// Asks for what is not known yet.
    pub(super) fn ask(
        &self,
        mut values: Map<String, Value>,
        console: &mut dyn Console,
    ) -> io::Result<Answer> {
        console.say(&format!(
            "{} {}",
            styled(STRONG, "The server asks:"),
            escape::text(self.message.trim())
        ))?;
        if self.fields.is_empty() {
            return confirm(console, "[y]es, [n]o, [c]ancel: ");
        }
        console.say(
            &styled(
                DIM,
                format!("({DECLINE} to say no, {CANCEL} or Ctrl-D to give no answer)"),
            )
            .to_string(),
        )?;
        let before = values.clone();
        loop {
            for field in &self.fields {
                if before.contains_key(&field.name) {
                    continue;
                }
                match ask_field(field, console)? {
                    Typed::Value(value) => drop(values.insert(field.name.clone(), value)),
                    Typed::Nothing => drop(values.shift_remove(&field.name)),
                    Typed::Stop(answer) => return Ok(answer),
                }
            }
            if self.fields.len() == 1 {
                return Ok(Answer::Accept(values));
            }
            let prompt = "Send it? [Y]es, [n]o, [a]gain, [c]ancel: ";
            let Some(typed) = console.ask(&styled(STRONG, prompt).to_string())? else {
                return Ok(Answer::Cancel);
            };
            match typed.trim().to_lowercase().as_str() {
                "" | "y" | "yes" => return Ok(Answer::Accept(values)),
                "n" | "no" | DECLINE => return Ok(Answer::Decline),
                "a" | "again" => {}
                _ => return Ok(Answer::Cancel),
            }
        }
    }
}

enum Typed {
    Value(Value),
    Nothing,
    Stop(Answer),
}

fn ask_field(field: &Field, console: &mut dyn Console) -> io::Result<Typed> {
    let label = field.title.as_deref().unwrap_or(&field.name);
    let mut head = styled(STRONG, escape::line(label)).to_string();
    if let Some(description) = &field.description {
        head.push_str(&format!(": {}", escape::line(description)));
    }
    let rule = field.rule();
    if !rule.is_empty() {
        head.push_str(&styled(DIM, format!(" ({rule})")).to_string());
    }
    console.say("")?;
    console.say(&head)?;
    for (at, (value, title)) in field.options().iter().enumerate() {
        let value = plain(value);
        let name = if *title == value {
            String::new()
        } else {
            format!("  {}", styled(DIM, escape::line(&value)))
        };
        console.say(&format!(
            "  {}  {}{name}",
            styled(LITERAL, at + 1),
            escape::line(title)
        ))?;
    }
    let prompt = match (&field.default, field.required) {
        (Some(default), _) => format!("[{}] > ", escape::line(&plain(default))),
        (None, true) => "> ".into(),
        (None, false) => "(Enter to skip) > ".into(),
    };
    loop {
        let Some(typed) = console.ask(&prompt)? else {
            return Ok(Typed::Stop(Answer::Cancel));
        };
        match typed.trim() {
            DECLINE => return Ok(Typed::Stop(Answer::Decline)),
            CANCEL => return Ok(Typed::Stop(Answer::Cancel)),
            "" => match (&field.default, field.required) {
                (Some(default), _) => return Ok(Typed::Value(default.clone())),
                (None, false) => return Ok(Typed::Nothing),
                // An empty text may be a value; anything else says what it wants.
                (None, true) => {}
            },
            _ => {}
        }
        match field.value(&typed) {
            Ok(value) => return Ok(Typed::Value(value)),
            Err(expected) => console.say(&format!(
                "  that is not it: {} is wanted",
                escape::line(&expected)
            ))?,
        }
    }
}

/// Yes, no, or neither.
pub(super) fn confirm(console: &mut dyn Console, prompt: &str) -> io::Result<Answer> {
    loop {
        let Some(typed) = console.ask(&styled(STRONG, prompt).to_string())? else {
            return Ok(Answer::Cancel);
        };
        match typed.trim().to_lowercase().as_str() {
            "y" | "yes" => return Ok(Answer::Accept(Map::new())),
            "n" | "no" | DECLINE => return Ok(Answer::Decline),
            "c" | "cancel" | CANCEL => return Ok(Answer::Cancel),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::console::Script;
    use super::*;

    fn schema() -> Value {
        json!({
            "type": "object",
            "properties": {
                "name": {"type": "string", "title": "Name", "description": "What to call you", "minLength": 1},
                "age": {"type": "integer", "minimum": 0, "maximum": 150},
                "color": {"type": "string", "oneOf": [{"const": "r", "title": "Red"}, {"const": "g", "title": "Green"}], "default": "g"},
            },
            "required": ["name"],
        })
    }

    fn ask(schema: &Value, typed: &[&str]) -> (Answer, String) {
        let mut script = Script::new(typed);
        let form = Form::read("Who are\u{1b}[2J you?", schema).expect("a form");
        let answer = form.ask(Map::new(), &mut script).expect("an answer");
        assert!(
            script.typed.is_empty(),
            "never asked for: {:?}\n{}",
            script.typed,
            script.shown
        );
        (answer, script.shown)
    }

    fn accepted(value: Value) -> Answer {
        match value {
            Value::Object(values) => Answer::Accept(values),
            _ => panic!("not an object"),
        }
    }

    #[test]
    fn a_form_is_filled_in() {
        let (answer, shown) = ask(&schema(), &["", "Ada", "200", "36", "", "y"]);
        assert_eq!(
            answer,
            accepted(json!({"name": "Ada", "age": 36, "color": "g"}))
        );
        let expected = "\
The server asks: Who are\\u{1b}[2J you?
(/decline to say no, /cancel or Ctrl-D to give no answer)

Name: What to call you
> 
  that is not it: something is wanted
> Ada

age (a whole number, 0 to 150)
(Enter to skip) > 200
  that is not it: a whole number, 0 to 150 is wanted
(Enter to skip) > 36

color
  1  Red  r
  2  Green  g
[g] > 
Send it? [Y]es, [n]o, [a]gain, [c]ancel: y
";
        assert_eq!(shown, expected);
    }

    #[test]
    fn a_person_may_refuse_or_stop_or_begin_again() {
        for (typed, expected) in [
            (&["/decline"][..], Answer::Decline),
            (&["Ada", "/cancel"], Answer::Cancel),
            (&[], Answer::Cancel),
            (&["Ada", "", "", "n"], Answer::Decline),
            (&["Ada", "", "", "c"], Answer::Cancel),
            (
                &["Ada", "1", "", "a", "Alan", "", "1", ""],
                accepted(json!({"name": "Alan", "color": "r"})),
            ),
        ] {
            assert_eq!(ask(&schema(), typed).0, expected, "{typed:?}");
        }
        let empty = json!({"type": "object", "properties": {}});
        for (typed, expected) in [
            (&["perhaps", "yes"][..], accepted(json!({}))),
            (&["n"], Answer::Decline),
            (&["c"], Answer::Cancel),
        ] {
            assert_eq!(ask(&empty, typed).0, expected, "{typed:?}");
        }
    }

    #[test]
    fn answers_of_a_script() {
        let form = Form::read("?", &schema()).expect("a form");
        let before = |given: &'static [(&str, &str)]| {
            form.beforehand(|name| {
                given
                    .iter()
                    .find(|(known, _)| *known == name)
                    .map(|(_, value)| *value)
            })
        };
        let Beforehand::Complete(values) = before(&[("name", "Ada")]) else {
            panic!("not complete")
        };
        assert_eq!(Value::Object(values), json!({"name": "Ada"}));
        let Beforehand::Open(_, missing) = before(&[("age", "1")]) else {
            panic!("not open")
        };
        assert_eq!(missing, "--answer name=…");
        let Beforehand::Open(_, missing) = before(&[]) else {
            panic!("not open")
        };
        assert_eq!(missing, "--answer name=… --answer age=… --answer color=…");
        assert_eq!(
            before(&[("name", "Ada"), ("color", "blue")]),
            Beforehand::Wrong("--answer color: \"blue\" is not one of r, g".into())
        );
    }
}
