//! Completion: what an argument's value may be, while it is typed
//! (specification 2026-07-28, server/utilities/completion).

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;

use wharf_protocol::completion::{Completion, MAX_COMPLETION_VALUES};

use crate::context::Context;
use crate::error::{Error, Result};
use crate::handler::BoxFuture;

/// What a completion function is asked.
#[derive(Clone)]
#[non_exhaustive]
pub struct CompletionRequest {
    /// What has been typed so far; may be empty.
    pub value: String,
    /// The other arguments, as far as the client knows them already (since 2025-06-18).
    pub arguments: BTreeMap<String, String>,
    /// The server's state and the way to the client.
    pub context: Context,
}

impl CompletionRequest {
    pub(crate) fn new(
        value: String,
        arguments: BTreeMap<String, String>,
        context: Context,
    ) -> Self {
        Self {
            value,
            arguments,
            context,
        }
    }
}

impl fmt::Debug for CompletionRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CompletionRequest")
            .field("value", &self.value)
            .field("arguments", &self.arguments)
            .finish_non_exhaustive()
    }
}

/// What a completion function may return. Of more than 100 values the first 100 are sent, with the
/// number of all.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a list of completions",
    label = "not completions",
    note = "return `Vec<String>`, `Vec<&'static str>`, an array of these, `Completion`, or a `Result` of one of these with an error that implements `Display`"
)]
pub trait IntoCompletion {
    /// Makes the completion.
    ///
    /// # Errors
    /// The function's own error.
    fn into_completion(self) -> Result<Completion>;
}

impl IntoCompletion for Completion {
    fn into_completion(mut self) -> Result<Completion> {
        if self.values.len() > MAX_COMPLETION_VALUES {
            self.total = self.total.or(Some(self.values.len() as u64));
            self.has_more = Some(true);
            self.values.truncate(MAX_COMPLETION_VALUES);
        }
        Ok(self)
    }
}

impl<S: Into<String>> IntoCompletion for Vec<S> {
    fn into_completion(self) -> Result<Completion> {
        completion(self.into_iter())
    }
}

impl<S: Into<String>, const N: usize> IntoCompletion for [S; N] {
    fn into_completion(self) -> Result<Completion> {
        completion(self.into_iter())
    }
}

impl<T: IntoCompletion, E: fmt::Display + Send + 'static> IntoCompletion for Result<T, E> {
    fn into_completion(self) -> Result<Completion> {
        self.map_err(Error::from_display)?.into_completion()
    }
}

fn completion<S: Into<String>>(all: impl Iterator<Item = S>) -> Result<Completion> {
    let mut values = Vec::new();
    let mut total: u64 = 0;
    for value in all {
        total += 1;
        if values.len() < MAX_COMPLETION_VALUES {
            values.push(value.into());
        }
    }
    let has_more = total > values.len() as u64;
    Ok(Completion {
        values,
        total: Some(total),
        has_more: Some(has_more),
    })
}

/// Completes one argument.
pub(crate) enum Completer {
    Fixed(Vec<String>),
    Function(Box<dyn CompleteFunction>),
}

pub(crate) trait CompleteFunction: Send + Sync + 'static {
    fn complete(&self, request: CompletionRequest) -> BoxFuture<'static, Result<Completion>>;
}

impl<F, Fut> CompleteFunction for F
where
    F: Fn(CompletionRequest) -> Fut + Send + Sync + 'static,
    Fut: Future + Send + 'static,
    Fut::Output: IntoCompletion,
{
    fn complete(&self, request: CompletionRequest) -> BoxFuture<'static, Result<Completion>> {
        let future = self(request);
        Box::pin(async move { future.await.into_completion() })
    }
}

impl Completer {
    pub(crate) fn fixed<I>(values: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        Self::Fixed(values.into_iter().map(Into::into).collect())
    }

    pub(crate) fn function(function: impl CompleteFunction) -> Self {
        Self::Function(Box::new(function))
    }

    pub(crate) async fn complete(&self, request: CompletionRequest) -> Result<Completion> {
        match self {
            Self::Fixed(values) => completion(
                values
                    .iter()
                    .filter(|value| begins_with(value, &request.value))
                    .map(String::as_str),
            ),
            Self::Function(function) => function.complete(request).await,
        }
    }
}

/// Whether `text` begins with `start`, upper or lower case.
fn begins_with(text: &str, start: &str) -> bool {
    let mut text = text.chars().flat_map(char::to_lowercase);
    start
        .chars()
        .flat_map(char::to_lowercase)
        .all(|c| text.next() == Some(c))
}

/// The completers of one prompt or template, by argument.
#[derive(Default)]
pub(crate) struct Completers(Vec<(String, Completer)>);

impl Completers {
    /// Adds a completer in place of an earlier one; an empty list is none.
    pub(crate) fn add(&mut self, argument: String, completer: Completer) {
        if matches!(&completer, Completer::Fixed(values) if values.is_empty()) {
            return;
        }
        self.0.retain(|(known, _)| *known != argument);
        self.0.push((argument, completer));
    }

    pub(crate) fn get(&self, argument: &str) -> Option<&Completer> {
        self.0
            .iter()
            .find(|(known, _)| known == argument)
            .map(|(_, completer)| completer)
    }

    /// Checks that what is completed exists.
    pub(crate) fn check<'n>(&self, names: impl Iterator<Item = &'n str>, what: &str) -> Result<()> {
        let names: Vec<_> = names.collect();
        match self
            .0
            .iter()
            .find(|(name, _)| !names.contains(&name.as_str()))
        {
            Some((name, _)) => Err(Error::invalid_definition(format_args!(
                "it completes `{name}`, but there is no {what} `{name}`"
            ))),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::handler::testing::{context, now};

    fn ask(completer: &Completer, value: &str) -> Completion {
        let arguments = BTreeMap::from([("language".to_owned(), "rust".to_owned())]);
        now(completer.complete(CompletionRequest::new(
            value.to_owned(),
            arguments,
            context(),
        )))
        .expect("completions")
    }

    #[test]
    fn lists_complete_by_prefix_in_any_case() {
        let names = Completer::fixed(["Ada", "Alan", "Émile", "Bob"]);
        assert_eq!(ask(&names, "a").values, ["Ada", "Alan"]);
        assert_eq!(ask(&names, "éM").values, ["Émile"]);
        assert_eq!(ask(&names, "").values.len(), 4);
        let none = ask(&names, "Adam");
        assert_eq!(
            (none.values.len(), none.total, none.has_more),
            (0, Some(0), Some(false))
        );
    }

    #[test]
    fn at_most_a_hundred_values_are_sent() {
        let many = Completer::fixed((0..250).map(|n| format!("v{n}")));
        let found = ask(&many, "v");
        assert_eq!(
            (found.values.len(), found.total, found.has_more),
            (100, Some(250), Some(true))
        );
        let exact = Completer::fixed((0..100).map(|n| format!("v{n}")));
        assert_eq!(ask(&exact, "").has_more, Some(false));
        let own = Completion {
            values: vec!["x".to_owned(); 101],
            total: None,
            has_more: None,
        };
        let own = own.into_completion().expect("completions");
        assert_eq!(
            (own.values.len(), own.total, own.has_more),
            (100, Some(101), Some(true))
        );
    }

    #[test]
    fn functions_see_the_value_and_the_other_arguments() {
        let function = Completer::function(|request: CompletionRequest| async move {
            let language = request
                .arguments
                .get("language")
                .cloned()
                .ok_or("which language?")?;
            Ok::<_, &'static str>(vec![format!("{language}-{}", request.value)])
        });
        assert_eq!(ask(&function, "x").values, ["rust-x"]);
        let request = CompletionRequest::new(String::new(), BTreeMap::new(), context());
        assert_eq!(
            now(function.complete(request))
                .expect_err("an error")
                .message(),
            "which language?"
        );
    }
}
