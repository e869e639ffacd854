//! [`Prompt`]: messages that a user chooses to begin with.

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::Value;
use wharf_protocol::content::Icon;
use wharf_protocol::prompts::{self as protocol, GetPromptResult, PromptArgument};
use wharf_protocol::raw::RawJson;

use super::complete::{Completer, Completers, CompletionRequest, IntoCompletion};
use super::schema;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::handler::extract::PromptArguments;
use crate::handler::output::IntoPromptResult;
use crate::handler::text::shown;
use crate::handler::{BoxFuture, PromptHandler};

/// Something that is a prompt: a [`Prompt`], or a function with `#[prompt]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a prompt",
    label = "not a prompt",
    note = "write `#[prompt]` above the function and name it without brackets: `.prompt(review)`",
    note = "or make one by hand: `Prompt::new(\"review\").handler(|args: Review, ctx: Context| async move {{ … }})`"
)]
pub trait IntoPrompt {
    /// Makes the prompt.
    fn into_prompt(self) -> Prompt;
}

impl IntoPrompt for Prompt {
    fn into_prompt(self) -> Prompt {
        self
    }
}

/// Messages that a user chooses to begin with (specification 2026-07-28, server/prompts): the
/// definition and the function that makes them.
///
/// ```
/// use wharf_server::{Context, Prompt};
///
/// #[derive(serde::Deserialize, schemars::JsonSchema)]
/// struct Review {
///     /// The code to review
///     code: String,
/// }
///
/// let review = Prompt::new("review")
///     .description("Ask for a review of some code.")
///     .handler(|args: Review, _: Context| async move { format!("Please review:\n\n{}", args.code) });
/// ```
#[must_use]
pub struct Prompt {
    pub(crate) definition: protocol::Prompt,
    handler: Option<Box<dyn PromptHandler>>,
    completers: Completers,
}

impl Prompt {
    /// A prompt of this name.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            definition: protocol::Prompt::new(name),
            handler: None,
            completers: Completers::default(),
        }
    }

    /// A prompt with a complete definition and a handler of your own.
    pub fn from_handler(definition: protocol::Prompt, handler: Box<dyn PromptHandler>) -> Self {
        Self {
            definition,
            handler: Some(handler),
            completers: Completers::default(),
        }
    }

    /// The name for people.
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.definition.title = Some(title.into());
        self
    }

    /// What the prompt is for.
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.definition.description = Some(description.into());
        self
    }

    /// Adds an icon.
    pub fn icon(mut self, icon: Icon) -> Self {
        self.definition.icons.push(icon);
        self
    }

    /// Adds a member of `_meta`.
    pub fn meta(mut self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        self.definition
            .meta
            .get_or_insert_default()
            .insert(key.into(), value.into());
        self
    }

    /// Adds an argument; one of the same name is replaced.
    pub fn argument(mut self, argument: PromptArgument) -> Self {
        match self
            .definition
            .arguments
            .iter_mut()
            .find(|known| known.name == argument.name)
        {
            Some(known) => *known = argument,
            None => self.definition.arguments.push(argument),
        }
        self
    }

    /// Adds an argument that must be given.
    pub fn required(self, name: impl Into<String>, description: impl Into<String>) -> Self {
        self.described(name, description, true)
    }

    /// Adds an argument that may be given.
    pub fn optional(self, name: impl Into<String>, description: impl Into<String>) -> Self {
        self.described(name, description, false)
    }

    fn described(
        self,
        name: impl Into<String>,
        description: impl Into<String>,
        required: bool,
    ) -> Self {
        self.argument(PromptArgument {
            name: name.into(),
            title: None,
            description: Some(description.into()),
            required: Some(required),
        })
    }

    /// Completes an argument from a list: values that begin with what was typed, upper or lower
    /// case. An empty list completes nothing.
    pub fn complete<I>(mut self, argument: impl Into<String>, values: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        self.completers
            .add(argument.into(), Completer::fixed(values));
        self
    }

    /// Completes an argument with a function.
    pub fn complete_with<F, Fut>(mut self, argument: impl Into<String>, function: F) -> Self
    where
        F: Fn(CompletionRequest) -> Fut + Send + Sync + 'static,
        Fut: Future + Send + 'static,
        Fut::Output: IntoCompletion,
    {
        self.completers
            .add(argument.into(), Completer::function(function));
        self
    }

    /// Makes the messages with a function. Arguments, their descriptions and whether they are
    /// required come from the fields of `A`; those with a fixed set of values complete themselves.
    /// Arguments added before keep their own description.
    pub fn handler<A, F, Fut, R>(mut self, function: F) -> Self
    where
        A: DeserializeOwned + JsonSchema + Send + 'static,
        F: Fn(A, Context) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = R> + Send + 'static,
        R: IntoPromptResult + 'static,
    {
        self.add_arguments_of(&schema::input_schema_of::<A>());
        self.handler = Some(Box::new(Typed {
            function,
            types: PhantomData,
        }));
        self
    }

    /// Makes the messages with a function that takes the arguments as text.
    pub fn raw_handler<F, Fut, R>(mut self, function: F) -> Self
    where
        F: Fn(PromptArguments, Context) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = R> + Send + 'static,
        R: IntoPromptResult + 'static,
    {
        self.handler = Some(Box::new(Raw(function)));
        self
    }

    fn add_arguments_of(&mut self, schema: &Value) {
        let required = |name: &str| {
            schema
                .get("required")
                .and_then(Value::as_array)
                .is_some_and(|all| all.iter().any(|known| known == name))
        };
        for (name, field) in schema
            .get("properties")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
        {
            let text = |member| field.get(member).and_then(Value::as_str).map(str::to_owned);
            let known = self
                .definition
                .arguments
                .iter()
                .any(|argument| argument.name == *name);
            if !known {
                self.definition.arguments.push(PromptArgument {
                    name: name.clone(),
                    title: text("title"),
                    description: text("description"),
                    required: Some(required(name)),
                });
            }
            if self.completers.get(name).is_none() {
                self.completers.add(
                    name.clone(),
                    Completer::fixed(schema::choices(field, schema)),
                );
            }
        }
    }

    /// The prompt's name.
    pub fn name(&self) -> &str {
        &self.definition.name
    }

    /// Checks the definition.
    pub(crate) fn into_entry(self) -> Result<PromptEntry> {
        let name = self.definition.name.clone();
        self.compile()
            .map_err(|error| error.context(format_args!("prompt `{}`", shown(&name))))
    }

    fn compile(self) -> Result<PromptEntry> {
        let Self {
            definition,
            handler,
            completers,
        } = self;
        super::check_name(&definition.name)?;
        completers.check(
            definition
                .arguments
                .iter()
                .map(|argument| argument.name.as_str()),
            "argument",
        )?;
        let handler = handler.ok_or_else(|| {
            Error::invalid_definition("it has no handler: add one with `.handler(…)`")
        })?;
        Ok(PromptEntry {
            definition,
            handler,
            completers,
        })
    }
}

impl fmt::Debug for Prompt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prompt")
            .field("definition", &self.definition)
            .finish_non_exhaustive()
    }
}

/// A prompt in the catalog: checked and ready to be got.
pub struct PromptEntry {
    definition: protocol::Prompt,
    handler: Box<dyn PromptHandler>,
    completers: Completers,
}

impl PromptEntry {
    /// The definition as it is listed.
    pub fn definition(&self) -> &protocol::Prompt {
        &self.definition
    }

    pub(crate) fn has_argument(&self, name: &str) -> bool {
        self.definition
            .arguments
            .iter()
            .any(|argument| argument.name == name)
    }

    pub(crate) fn completer(&self, argument: &str) -> Option<&Completer> {
        self.completers.get(argument)
    }

    /// Makes the messages; without a description of their own they get the prompt's.
    ///
    /// # Errors
    /// [`Error::invalid_params`] for arguments that are missing or do not fit, or the handler's own.
    pub async fn get(
        &self,
        ctx: &Context,
        arguments: Option<RawJson<'_>>,
    ) -> Result<GetPromptResult> {
        let arguments = PromptArguments::parse_raw(arguments)?;
        let missing: Vec<_> = self
            .definition
            .arguments
            .iter()
            .filter(|argument| {
                argument.required == Some(true) && arguments.get(&argument.name).is_none()
            })
            .map(|argument| format!("`{}`", argument.name))
            .collect();
        if !missing.is_empty() {
            return Err(Error::invalid_params(format_args!(
                "prompt `{}` needs {} {}",
                self.definition.name,
                if missing.len() == 1 {
                    "the argument"
                } else {
                    "the arguments"
                },
                missing.join(", ")
            )));
        }
        let mut result = self.handler.get(ctx, arguments).await?;
        if result.description.is_none() {
            result.description.clone_from(&self.definition.description);
        }
        Ok(result)
    }
}

impl fmt::Debug for PromptEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PromptEntry")
            .field("definition", &self.definition)
            .finish_non_exhaustive()
    }
}

struct Typed<F, A> {
    function: F,
    types: PhantomData<fn(A)>,
}

impl<F, A, Fut, R> PromptHandler for Typed<F, A>
where
    A: DeserializeOwned + Send + 'static,
    F: Fn(A, Context) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = R> + Send + 'static,
    R: IntoPromptResult + 'static,
{
    fn get<'a>(
        &'a self,
        ctx: &'a Context,
        arguments: PromptArguments,
    ) -> BoxFuture<'a, Result<GetPromptResult>> {
        match arguments.read() {
            Ok(arguments) => {
                let future = (self.function)(arguments, ctx.clone());
                Box::pin(async move { future.await.into_prompt_result() })
            }
            Err(error) => Box::pin(std::future::ready(Err(error))),
        }
    }
}

struct Raw<F>(F);

impl<F, Fut, R> PromptHandler for Raw<F>
where
    F: Fn(PromptArguments, Context) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = R> + Send + 'static,
    R: IntoPromptResult + 'static,
{
    fn get<'a>(
        &'a self,
        ctx: &'a Context,
        arguments: PromptArguments,
    ) -> BoxFuture<'a, Result<GetPromptResult>> {
        let future = (self.0)(arguments, ctx.clone());
        Box::pin(async move { future.await.into_prompt_result() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::handler::testing::{context, now};
    use serde::Deserialize;
    use wharf_protocol::content::ContentBlock;

    #[derive(Deserialize, JsonSchema)]
    #[serde(rename_all = "lowercase")]
    enum Tone {
        Kind,
        Strict,
    }

    #[derive(Deserialize, JsonSchema)]
    struct Review {
        /// The code to review
        code: String,
        tone: Option<Tone>,
        lines: Option<u32>,
    }

    fn review() -> PromptEntry {
        Prompt::new("review")
            .description("Ask for a review.")
            .handler(|args: Review, _| async move {
                let tone = match args.tone {
                    Some(Tone::Strict) => "strictly ",
                    Some(Tone::Kind) => "kindly ",
                    None => "",
                };
                format!("Review {tone}{} {}", args.code, args.lines.unwrap_or(0))
            })
            .into_entry()
            .expect("a prompt")
    }

    fn get(entry: &PromptEntry, arguments: &str) -> Result<GetPromptResult> {
        let raw = RawJson::new(arguments).expect("test input is JSON");
        now(entry.get(&context(), Some(raw)))
    }

    #[test]
    fn arguments_come_from_the_fields() {
        let entry = review();
        let arguments = &entry.definition().arguments;
        let seen: Vec<_> = arguments
            .iter()
            .map(|a| (a.name.as_str(), a.description.as_deref(), a.required))
            .collect();
        assert_eq!(
            seen,
            [
                ("code", Some("The code to review"), Some(true)),
                ("tone", None, Some(false)),
                ("lines", None, Some(false))
            ]
        );
        assert!(entry.completer("tone").is_some() && entry.completer("code").is_none());
    }

    #[test]
    fn messages_are_made_from_text_arguments() {
        let result =
            get(&review(), r#"{"code":"x","tone":"strict","lines":"3"}"#).expect("messages");
        assert_eq!(result.description.as_deref(), Some("Ask for a review."));
        assert_eq!(
            result.messages[0].content,
            ContentBlock::text("Review strictly x 3")
        );
    }

    #[test]
    fn arguments_that_are_missing_or_do_not_fit_are_named() {
        for (arguments, why) in [
            ("{}", "prompt `review` needs the argument `code`"),
            (
                r#"{"code":"x","lines":"many"}"#,
                "invalid prompt argument `lines`: expected a whole number from 0, of 32 bits, got \"many\"",
            ),
            (
                r#"{"code":"x","lines":3}"#,
                "invalid prompt argument `lines`: invalid type: integer `3`, expected a string",
            ),
        ] {
            let error = get(&review(), arguments).expect_err("an error");
            assert!(error.is_invalid_params());
            assert_eq!(error.message(), why);
        }
        assert!(now(review().get(&context(), None)).is_err());
    }

    #[test]
    fn prompts_by_hand() {
        let entry = Prompt::new("hi")
            .required("who", "Whom to greet")
            .optional("how", "How")
            .complete("who", ["Ada"])
            .raw_handler(
                |args, _| async move { format!("Hi {}", args.get("who").unwrap_or_default()) },
            )
            .into_entry()
            .expect("a prompt");
        assert_eq!(
            get(&entry, r#"{"who":"Ada"}"#).expect("messages").messages[0].content,
            ContentBlock::text("Hi Ada")
        );
        for (prompt, why) in [
            (Prompt::new("lost"), "no handler"),
            (
                Prompt::new("x")
                    .complete("who", ["Ada"])
                    .raw_handler(|_, _| async { "" }),
                "no argument `who`",
            ),
        ] {
            let error = prompt.into_entry().expect_err("an error");
            assert!(
                error.is_invalid_definition() && error.message().contains(why),
                "{error}"
            );
        }
    }
}
