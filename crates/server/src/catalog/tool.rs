//! [`Tool`]: a definition and what it does; and the form in which the catalog keeps it.

mod entry;

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::time::Duration;

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::Value;
use wharf_protocol::content::Icon;
use wharf_protocol::headers::param_headers;
use wharf_protocol::raw::RawJson;
use wharf_protocol::tools::{self as protocol, CallToolResult, ToolAnnotations};

pub use self::entry::ToolEntry;

use super::schema::{self, SchemaLimits, Validator};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::handler::extract::tool_arguments;
use crate::handler::output::IntoToolResult;
use crate::handler::{BoxFuture, CallError, ToolHandler};
use crate::task::TaskPolicy;

/// Something that is a tool: a [`Tool`], or a function with `#[tool]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a tool",
    label = "not a tool",
    note = "write `#[tool]` above the function and name it without brackets: `.tool(add)`",
    note = "or make one by hand: `Tool::new(\"add\").handler(|args: Add, ctx: Context| async move {{ … }})`"
)]
pub trait IntoTool {
    /// Makes the tool.
    fn into_tool(self) -> Tool;
}

impl IntoTool for Tool {
    fn into_tool(self) -> Tool {
        self
    }
}

/// A tool that a model may call (specification 2026-07-28, server/tools): its definition and its
/// handler.
///
/// ```
/// use wharf_server::{Context, Json, Tool};
///
/// #[derive(serde::Deserialize, schemars::JsonSchema)]
/// struct Add {
///     /// The first number
///     a: i64,
///     /// The second number
///     b: i64,
/// }
///
/// let add = Tool::new("add")
///     .description("Add two numbers.")
///     .read_only()
///     .handler(|args: Add, _: Context| async move { args.a + args.b });
/// ```
#[must_use]
pub struct Tool {
    pub(crate) definition: protocol::Tool,
    handler: Option<Box<dyn ToolHandler>>,
    arguments: Arguments,
    output: Output,
    always_validate: bool,
    timeout: Option<Duration>,
    task: Option<Box<TaskPolicy>>,
}

/// Where the input schema comes from, which decides what must be validated.
enum Arguments {
    /// No schema was given: any object.
    Any,
    /// Made from the type that the arguments are read into.
    OfType(Value),
    /// Given by hand: always validated.
    Given(Value),
}

enum Output {
    Free,
    /// Made from the type of the result, so that the result fits by construction.
    OfType(Value),
    /// Given by hand: results are validated.
    Given(Value),
}

impl Tool {
    /// A tool of this name: 1 to 128 letters, digits, `_`, `-`, `.` and `/` are understood everywhere.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            definition: protocol::Tool {
                name: name.into(),
                ..protocol::Tool::default()
            },
            handler: None,
            arguments: Arguments::Any,
            output: Output::Free,
            always_validate: false,
            timeout: None,
            task: None,
        }
    }

    /// A tool with a complete definition, such as a proxied server's, and a handler of your own.
    /// Arguments and structured results are validated against the definition's schemas.
    pub fn from_handler(mut definition: protocol::Tool, handler: Box<dyn ToolHandler>) -> Self {
        let arguments = match std::mem::take(&mut definition.input_schema) {
            Value::Null => Arguments::Any,
            schema => Arguments::Given(schema),
        };
        let output = definition
            .output_schema
            .take()
            .map_or(Output::Free, Output::Given);
        Self {
            definition,
            handler: Some(handler),
            arguments,
            output,
            always_validate: false,
            timeout: None,
            task: None,
        }
    }

    /// A tool whose handler reads its arguments as `A` and makes its result from `R`. For macros.
    pub(crate) fn typed<A: JsonSchema, R: IntoToolResult>(
        name: impl Into<String>,
        handler: Box<dyn ToolHandler>,
    ) -> Self {
        let mut tool = Self::new(name);
        tool.set_types::<A, R>();
        tool.handler = Some(handler);
        tool
    }

    /// The name for people.
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.definition.title = Some(title.into());
        self
    }

    /// What the tool does, for the model.
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.definition.description = Some(description.into());
        self
    }

    /// All hints about what calling the tool does.
    pub fn annotations(mut self, annotations: ToolAnnotations) -> Self {
        self.definition.annotations = Some(annotations);
        self
    }

    /// Hint: the tool changes nothing.
    pub fn read_only(mut self) -> Self {
        self.hints().read_only_hint = Some(true);
        self
    }

    /// Hint: the tool may destroy something. A tool that is not read-only is taken to be so unless
    /// it says otherwise with [`annotations`](Tool::annotations).
    pub fn destructive(mut self) -> Self {
        self.hints().destructive_hint = Some(true);
        self
    }

    /// Hint: calling the tool again with the same arguments changes nothing more.
    pub fn idempotent(mut self) -> Self {
        self.hints().idempotent_hint = Some(true);
        self
    }

    /// Hint: whether the tool reaches out to the world beyond the server. Absent means that it does.
    pub fn open_world(mut self, open: bool) -> Self {
        self.hints().open_world_hint = Some(open);
        self
    }

    fn hints(&mut self) -> &mut ToolAnnotations {
        self.definition.annotations.get_or_insert_default()
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

    /// The schema of the arguments, instead of the one made from their type. Arguments are
    /// validated against it before the handler runs.
    pub fn input_schema(mut self, schema: Value) -> Self {
        self.arguments = Arguments::Given(schema);
        self
    }

    /// The schema of the structured result, instead of the one made from its type. Results are
    /// validated against it: one that does not fit is logged, and the client gets an error.
    pub fn output_schema(mut self, schema: Value) -> Self {
        self.output = Output::Given(schema);
        self
    }

    /// Validates the arguments against the compiled schema even where it seems to say no more than
    /// their type: for an `enum`, `const` or `additionalProperties` that was put into the schema
    /// beside a type which does not check it.
    pub fn validate_arguments(mut self) -> Self {
        self.always_validate = true;
        self
    }

    /// How long one call may run; then it is cancelled by being dropped, and the client gets an
    /// error. Without it the server's limit holds.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Lets clients call the tool as a task: they get its id at once, and the result when it is
    /// there. The handler is the same. A client that knows no tasks calls it as any other tool.
    ///
    /// With a store that outlives the process, a task that was interrupted runs again at the next
    /// start, and its finished [steps](Context::step) are not repeated; see
    /// [`run_once`](Self::run_once).
    pub fn task(mut self) -> Self {
        self.policy();
        self
    }

    /// The tool is only ever a task: a client that could deal with one and does not is refused.
    /// Clients of revisions that have no tasks call it as any other tool.
    pub fn task_required(mut self) -> Self {
        self.policy().required = true;
        self
    }

    /// The tool begins as an ordinary call and becomes a task when it lasts longer than this, for
    /// clients that take one unasked (the tasks extension, since 2026-07-28). What it asks before
    /// goes to the client in rounds.
    pub fn task_after(mut self, time: Duration) -> Self {
        self.policy().after = Some(time);
        self
    }

    /// A task of this tool that was interrupted by the end of the process does not run again: it
    /// ends with an error that says so.
    pub fn run_once(mut self) -> Self {
        self.policy().run_once = true;
        self
    }

    fn policy(&mut self) -> &mut TaskPolicy {
        self.task.get_or_insert_default()
    }

    /// Runs a function with typed arguments. The input schema is made from `A`, the output schema
    /// from `R`, unless they were given.
    pub fn handler<A, F, Fut, R>(mut self, function: F) -> Self
    where
        A: DeserializeOwned + JsonSchema + Send + 'static,
        F: Fn(A, Context) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = R> + Send + 'static,
        R: IntoToolResult + 'static,
    {
        self.set_types::<A, R>();
        self.handler = Some(Box::new(Typed {
            function,
            types: PhantomData,
        }));
        self
    }

    /// Runs a function with arguments as JSON, validated against the tool's
    /// [`input_schema`](Tool::input_schema). Without a schema any object is taken.
    pub fn raw_handler<F, Fut, R>(mut self, function: F) -> Self
    where
        F: Fn(Value, Context) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = R> + Send + 'static,
        R: IntoToolResult + 'static,
    {
        if let (Output::Free, Some(schema)) = (&self.output, R::output_schema()) {
            self.output = Output::OfType(schema);
        }
        self.handler = Some(Box::new(Typed {
            function,
            types: PhantomData,
        }));
        self
    }

    fn set_types<A: JsonSchema, R: IntoToolResult>(&mut self) {
        if !matches!(self.arguments, Arguments::Given(_)) {
            self.arguments = Arguments::OfType(schema::input_schema_of::<A>());
        }
        if let (Output::Free, Some(schema)) = (&self.output, R::output_schema()) {
            self.output = Output::OfType(schema);
        }
    }

    /// The tool's name.
    pub fn name(&self) -> &str {
        &self.definition.name
    }

    /// Checks the definition and compiles what has to be compiled.
    pub(crate) fn into_entry(self, limits: &SchemaLimits) -> Result<ToolEntry> {
        let name = self.definition.name.clone();
        self.compile(limits).map_err(|error| {
            error.context(format_args!(
                "tool `{}`",
                crate::handler::text::shown(&name)
            ))
        })
    }

    fn compile(self, limits: &SchemaLimits) -> Result<ToolEntry> {
        let Self {
            mut definition,
            handler,
            arguments,
            output,
            always_validate,
            timeout,
            task,
        } = self;
        super::check_name(&definition.name)?;
        let handler = handler.ok_or_else(|| {
            Error::invalid_definition("it has no handler: add one with `.handler(…)`")
        })?;
        let (schema, by_hand) = match arguments {
            Arguments::Any => (Value::Bool(true), false),
            Arguments::OfType(schema) => (schema, false),
            Arguments::Given(schema) => (schema, true),
        };
        let schema = schema::object_schema(schema)?;
        let arguments = if by_hand || always_validate || schema::says_more_than_its_type(&schema) {
            Some(Validator::compile(&schema, limits)?)
        } else {
            None
        };
        let headers = param_headers(&schema).map_err(Error::invalid_definition)?;
        definition.input_schema = schema;
        let (output_schema, results) = match output {
            Output::Free => (None, None),
            Output::OfType(schema) => (Some(schema), None),
            Output::Given(schema) => {
                let validator = Validator::compile(&schema, limits)?;
                (Some(schema), Some(validator))
            }
        };
        definition.output_schema = output_schema;
        if let Some(policy) = &task {
            definition.execution = Some(protocol::ToolExecution {
                task_support: Some(if policy.required {
                    protocol::TaskSupport::Required
                } else {
                    protocol::TaskSupport::Optional
                }),
            });
        }
        Ok(ToolEntry {
            definition,
            handler,
            arguments,
            results,
            headers,
            timeout,
            task,
        })
    }
}

impl fmt::Debug for Tool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tool")
            .field("definition", &self.definition)
            .finish_non_exhaustive()
    }
}

/// A function as a handler.
struct Typed<F, A, R> {
    function: F,
    types: PhantomData<fn(A) -> R>,
}

impl<F, A, Fut, R> ToolHandler for Typed<F, A, R>
where
    A: DeserializeOwned + Send + 'static,
    F: Fn(A, Context) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = R> + Send + 'static,
    R: IntoToolResult + 'static,
{
    fn call<'a>(
        &'a self,
        ctx: &'a Context,
        arguments: RawJson<'a>,
    ) -> BoxFuture<'a, Result<CallToolResult, CallError>> {
        match tool_arguments(arguments) {
            Ok(arguments) => {
                let future = (self.function)(arguments, ctx.clone());
                Box::pin(async move { Ok(future.await.into_tool_result()?) })
            }
            Err(error) => Box::pin(std::future::ready(Err(error))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::handler::output::Json;
    use crate::handler::testing::{context, now};
    use serde::{Deserialize, Serialize};
    use serde_json::json;

    #[derive(Deserialize, JsonSchema)]
    struct Add {
        a: i64,
        b: i64,
    }

    #[derive(Serialize, JsonSchema)]
    struct Sum {
        sum: i64,
    }

    #[derive(Deserialize, JsonSchema)]
    struct Named {
        #[schemars(length(min = 2))]
        name: String,
    }

    fn entry(tool: Tool) -> ToolEntry {
        tool.into_entry(&SchemaLimits::default()).expect("a tool")
    }

    fn call(entry: &ToolEntry, arguments: &str) -> Result<CallToolResult, CallError> {
        let raw = RawJson::new(arguments).expect("test input is JSON");
        now(entry.call(&context(), Some(raw)))
    }

    #[test]
    fn a_typed_tool_reads_calls_and_answers() {
        let add = entry(
            Tool::new("add")
                .description("Add.")
                .read_only()
                .handler(|args: Add, _| async move { args.a + args.b }),
        );
        assert_eq!(add.definition().input_schema["required"], json!(["a", "b"]));
        assert_eq!(
            add.definition()
                .annotations
                .as_ref()
                .and_then(|hints| hints.read_only_hint),
            Some(true)
        );
        assert!(add.arguments.is_none(), "the types say it all");
        assert_eq!(
            call(&add, r#"{"a":1,"b":2}"#).expect("a result"),
            CallToolResult::text("3")
        );
        let error = call(&add, r#"{"a":1,"b":null}"#)
            .expect_err("an error")
            .into_result()
            .expect("a tool result");
        assert_eq!(
            error,
            CallToolResult::error("invalid argument `b`: invalid type: null, expected i64")
        );
        assert!(matches!(
            now(add.call(&context(), None)),
            Err(CallError::Arguments(_))
        ));
    }

    #[test]
    fn structured_results_bring_their_schema() {
        let add = entry(Tool::new("add").handler(|args: Add, _| async move {
            Json(Sum {
                sum: args.a + args.b,
            })
        }));
        assert_eq!(
            add.definition().output_schema.as_ref().expect("a schema")["properties"]["sum"]["type"],
            "integer"
        );
        let result = call(&add, r#"{"a":1,"b":2}"#).expect("a result");
        assert_eq!(
            result.structured_content.expect("structured").get(),
            r#"{"sum":3}"#
        );
    }

    #[test]
    fn keywords_beyond_the_type_are_validated() {
        let greet = entry(Tool::new("greet").handler(|args: Named, _| async move { args.name }));
        assert_eq!(
            call(&greet, r#"{"name":"Ada"}"#).expect("a result"),
            CallToolResult::text("Ada")
        );
        let error = call(&greet, r#"{"name":"A"}"#).expect_err("an error");
        assert_eq!(
            error.to_string(),
            "invalid arguments: `name`: the value is shorter than 2 characters"
        );
    }

    #[test]
    fn raw_tools_are_always_validated() {
        let raw = entry(
            Tool::new("raw")
                .input_schema(json!({"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}))
                .raw_handler(|args, _| async move { args["n"].to_string() }),
        );
        assert_eq!(
            call(&raw, r#"{"n":5}"#).expect("a result"),
            CallToolResult::text("5")
        );
        assert!(
            call(&raw, r#"{"n":"5"}"#)
                .expect_err("an error")
                .to_string()
                .contains("`n`: the value is not of type")
        );
        assert!(
            call(&raw, "[]")
                .expect_err("an error")
                .to_string()
                .contains("expected an object")
        );
        let free = entry(Tool::new("free").raw_handler(|args, _| async move { args.to_string() }));
        assert_eq!(
            now(free.call(&context(), None)).expect("a result"),
            CallToolResult::text("{}")
        );
        assert!(
            call(&free, "[]")
                .expect_err("an error")
                .to_string()
                .contains("expected an object")
        );
    }

    #[test]
    fn a_result_must_fit_a_schema_given_by_hand() {
        let schema = json!({"type": "object", "required": ["ok"]});
        let tool = |structured: Option<&'static str>, is_error| {
            entry(Tool::new("t").output_schema(schema.clone()).handler(
                move |_: crate::NoArguments, _| async move {
                    CallToolResult {
                        structured_content: structured
                            .map(|json| serde_json::from_str(json).expect("JSON")),
                        is_error,
                        ..CallToolResult::default()
                    }
                },
            ))
        };
        call(&tool(Some(r#"{"ok":1}"#), None), "{}").expect("fits");
        call(&tool(None, Some(true)), "{}").expect("errors have no structure");
        for wrong in [Some(r#"{"secret":1}"#), None] {
            let error = call(&tool(wrong, None), "{}").expect_err("an error");
            assert!(matches!(error, CallError::Output(_)));
            let shown = error.into_result().expect("a tool result");
            assert_eq!(shown.is_error, Some(true));
            assert!(shown.content[0].as_text().is_some_and(|text| {
                text.contains("did not fit its schema") && !text.contains("secret")
            }));
        }
    }

    #[test]
    fn handler_errors_are_results_and_protocol_errors_are_not() {
        let failing = |error: fn() -> Error| {
            entry(
                Tool::new("f").handler(move |_: crate::NoArguments, _| async move {
                    Err::<String, _>(error())
                }),
            )
        };
        let shown = call(&failing(|| Error::new("no disk")), "{}")
            .expect_err("an error")
            .into_result()
            .expect("a tool result");
        assert_eq!(shown, CallToolResult::error("no disk"));
        let object = call(&failing(|| Error::protocol(-32042, "visit")), "{}")
            .expect_err("an error")
            .into_result()
            .expect_err("an error");
        assert_eq!((object.code, object.message.as_str()), (-32042, "visit"));
    }

    #[test]
    fn a_broken_definition_is_refused_with_the_tools_name() {
        for (tool, why) in [
            (Tool::new("lost"), "no handler"),
            (Tool::new("").raw_handler(|_, _| async {}), "name"),
            (
                Tool::new("array").handler(|_: Vec<u8>, _| async {}),
                "named fields",
            ),
            (
                Tool::new("bad")
                    .input_schema(json!({"type": "object", "properties": {"a": {"type": 3}}}))
                    .raw_handler(|_, _| async {}),
                "invalid schema",
            ),
            (
                Tool::new("out")
                    .output_schema(json!({"$ref": "http://example.com/x"}))
                    .raw_handler(|_, _| async {}),
                "never fetched",
            ),
        ] {
            let name = format!("tool `{}`", tool.name());
            let error = tool
                .into_entry(&SchemaLimits::default())
                .expect_err("an error");
            assert!(error.is_invalid_definition());
            assert!(
                error.message().starts_with(&name) && error.message().contains(why),
                "{error}"
            );
        }
    }

    #[test]
    fn mirrored_arguments_are_known() {
        #[derive(Deserialize, JsonSchema)]
        struct Query {
            #[schemars(extend("x-mcp-header" = "Region"))]
            region: String,
        }
        let query = entry(Tool::new("query").handler(|args: Query, _| async move { args.region }));
        assert_eq!(query.param_headers()[0].header, "mcp-param-region");
        assert!(
            query.arguments.is_none(),
            "the annotation needs no validator"
        );
        let twice = json!({"type": "object", "properties": {
            "a": {"type": "string", "x-mcp-header": "X"}, "b": {"type": "string", "x-mcp-header": "x"},
        }});
        let error = Tool::new("t")
            .input_schema(twice)
            .raw_handler(|_, _| async {})
            .into_entry(&SchemaLimits::default())
            .expect_err("an error");
        assert!(
            error.is_invalid_definition() && error.message().contains("x-mcp-header"),
            "{error}"
        );
    }

    #[test]
    fn a_schema_made_from_a_type_can_be_enforced() {
        #[derive(Deserialize, JsonSchema)]
        struct Level {
            #[schemars(extend("enum" = ["low", "high"]))]
            level: String,
        }
        let tool = || Tool::new("set").handler(|args: Level, _| async move { args.level });
        call(&entry(tool()), r#"{"level":"other"}"#).expect("the type takes any text");
        call(&entry(tool().validate_arguments()), r#"{"level":"other"}"#)
            .expect_err("the schema does not");
    }
}
