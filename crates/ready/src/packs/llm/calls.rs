//! [`Calls`]: the calls of tools that a model wants, put together from their pieces.

use genai::adapter::AdapterKind;
use genai::chat::ToolCall;
use serde_json::{Map, Value};
use wharf::protocol::sampling::ToolUseContent;

use super::names::Names;

/// The member of `_meta` with what a provider wants to see again beside a call.
pub(super) const SIGNATURES: &str = "wharf/thoughtSignatures";

/// The most calls of one answer.
const MAX: usize = 128;

/// The calls of tools that a model wants.
#[derive(Debug, Default)]
pub(super) struct Calls(Vec<Call>);

#[derive(Debug)]
struct Call {
    id: String,
    name: String,
    arguments: Arguments,
    signatures: Option<Vec<String>>,
}

#[derive(Debug)]
enum Arguments {
    Text(String),
    Json(Value),
}

impl Calls {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes a piece as `genai` gives it: OpenAI sends the text of the arguments bit by bit, with
    /// the name in the first; Anthropic's comes each time from its beginning; others send calls
    /// whole.
    pub(super) fn take(&mut self, kind: AdapterKind, piece: ToolCall) {
        let ToolCall {
            call_id: id,
            fn_name: name,
            fn_arguments,
            thought_signatures: signatures,
        } = piece;
        let arguments = match fn_arguments {
            Value::String(text) => Arguments::Text(text),
            json => Arguments::Json(json),
        };
        let known = if name.is_empty() {
            // A bit without an id of its own is called by its place.
            let place = id
                .strip_prefix("call_")
                .and_then(|place| place.parse().ok());
            let place = place.filter(|place: &usize| *place < self.0.len());
            place.or(self.0.len().checked_sub(1))
        } else {
            self.0.iter().position(|call| call.id == id)
        };
        let Some(call) = known.and_then(|place| self.0.get_mut(place)) else {
            if !name.is_empty() && self.0.len() < MAX {
                self.0.push(Call {
                    id,
                    name,
                    arguments,
                    signatures,
                });
            }
            return;
        };
        match (&mut call.arguments, arguments) {
            (Arguments::Text(text), Arguments::Text(more)) if kind != AdapterKind::Anthropic => {
                text.push_str(&more);
            }
            (slot, arguments) => *slot = arguments,
        }
    }

    /// The calls, with the server's names of the tools.
    ///
    /// # Errors
    /// The name of a tool whose arguments are no JSON object.
    pub(super) fn finish(self, names: &Names) -> Result<Vec<ToolUseContent>, String> {
        let finish = |call: Call| {
            let input = match call.arguments {
                Arguments::Json(Value::Object(input)) => Some(input),
                Arguments::Json(Value::Null) => Some(Map::new()),
                Arguments::Json(_) => None,
                Arguments::Text(text) if text.trim().is_empty() => Some(Map::new()),
                Arguments::Text(text) => serde_json::from_str(&text).ok(),
            };
            let name = names.ours(&call.name).to_owned();
            let Some(input) = input else {
                return Err(name);
            };
            let meta = call.signatures.filter(|all| !all.is_empty()).map(|all| {
                let mut meta = Map::new();
                meta.insert(SIGNATURES.to_owned(), all.into());
                meta
            });
            Ok(ToolUseContent {
                id: call.id,
                name,
                input,
                meta,
            })
        };
        self.0.into_iter().map(finish).collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn put_together(
        kind: AdapterKind,
        pieces: &[(&str, &str, Value)],
    ) -> Result<Vec<(String, String, Value)>, String> {
        let mut calls = Calls::default();
        for (id, name, arguments) in pieces {
            calls.take(
                kind,
                ToolCall {
                    call_id: (*id).to_owned(),
                    fn_name: (*name).to_owned(),
                    fn_arguments: arguments.clone(),
                    thought_signatures: None,
                },
            );
        }
        let names = Names::new(["math.add"].into_iter());
        let all = calls.finish(&names)?;
        Ok(all
            .into_iter()
            .map(|call| (call.id, call.name, call.input.into()))
            .collect())
    }

    #[test]
    fn calls_are_put_together() {
        let add = |id: &str, input| (id.to_owned(), "math.add".to_owned(), input);
        // Bit by bit, two calls one after the other and mixed.
        let bits = [
            ("x", "math_add", json!("")),
            ("call_0", "", json!("{\"a\":")),
            ("y", "math_add", json!("{")),
            ("call_0", "", json!("1}")),
            ("call_1", "", json!("}")),
        ];
        assert_eq!(
            put_together(AdapterKind::OpenAI, &bits),
            Ok(vec![add("x", json!({"a": 1})), add("y", json!({}))])
        );
        // From the beginning each time.
        let longer = [
            ("x", "math_add", json!("")),
            ("x", "math_add", json!("{\"a\"")),
            ("x", "math_add", json!("{\"a\":1}")),
        ];
        assert_eq!(
            put_together(AdapterKind::Anthropic, &longer),
            Ok(vec![add("x", json!({"a": 1}))])
        );
        // Whole.
        let whole = [
            ("x", "math_add", json!({"a": 1})),
            ("y", "math_add", json!(null)),
        ];
        assert_eq!(
            put_together(AdapterKind::Ollama, &whole),
            Ok(vec![add("x", json!({"a": 1})), add("y", json!({}))])
        );
        // What no call is: nothing before it, no object, a place far away.
        assert_eq!(
            put_together(AdapterKind::OpenAI, &[("call_0", "", json!("{}"))]),
            Ok(vec![])
        );
        let wrong = [("x", "math_add", json!("[1"))];
        assert_eq!(
            put_together(AdapterKind::OpenAI, &wrong),
            Err("math.add".into())
        );
        let far = [
            ("x", "math_add", json!("{")),
            ("call_4294967295", "", json!("}")),
        ];
        assert_eq!(
            put_together(AdapterKind::OpenAI, &far),
            Ok(vec![add("x", json!({}))])
        );
    }
}
