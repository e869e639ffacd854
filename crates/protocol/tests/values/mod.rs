//! A full and a minimal value of every type that is written.

#![allow(dead_code, unreachable_pub, clippy::unwrap_used)]

use serde_json::{Map, Value, json, value::to_raw_value};
use wharf_protocol::{
    capabilities::*, completion::*, content::*, elicitation::*, input::*, lifecycle::*, logging::*,
    meta::EmptyResult, progress::*, projection::*, prompts::*, resources::*, revision::Revision,
    roots::*, sampling::*, subscriptions::*, tools::*,
};

/// One value, and where the schemas define its type.
pub struct Case {
    /// The definition's name, or the names it had in different revisions.
    pub definitions: &'static [&'static str],
    /// Whether it is the `params` of a client's request, which a frame completes.
    pub is_params: bool,
    label: &'static str,
    write: Box<dyn Fn(Revision) -> Result<Value, serde_json::Error>>,
}

impl Case {
    pub fn name(&self) -> String {
        format!("{} ({})", self.definitions[0], self.label)
    }

    /// What is written for `revision`; `None` where that fails.
    pub fn write(&self, revision: Revision) -> Option<Value> {
        (self.write)(revision).ok()
    }
}

fn plain<T: ProjectMembers + 'static>(
    definitions: &'static [&'static str],
    label: &'static str,
    value: T,
) -> Case {
    Case {
        definitions,
        is_params: false,
        label,
        write: Box::new(move |revision| serde_json::to_value(at(&value, revision))),
    }
}

fn params<T: ProjectMembers + 'static>(
    definitions: &'static [&'static str],
    label: &'static str,
    value: T,
) -> Case {
    Case {
        is_params: true,
        ..plain(definitions, label, value)
    }
}

fn result<T: ProjectMembers + 'static>(
    definitions: &'static [&'static str],
    label: &'static str,
    value: T,
) -> Case {
    let server_info = to_raw_value(&json!({"name": "s", "version": "1"})).unwrap();
    let result_type = if definitions[0] == "InputRequiredResult" {
        ResultType::InputRequired
    } else {
        ResultType::Complete
    };
    Case {
        definitions,
        is_params: false,
        label,
        write: Box::new(move |revision| {
            let frame = ResultFrame::new(revision)
                .server_info((label == "full").then_some(&*server_info))
                .result_type(result_type);
            let mut out = Vec::new();
            write_result(&mut out, &value, &frame)?;
            serde_json::from_slice(&out)
        }),
    }
}

fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn object(value: Value) -> Map<String, Value> {
    serde_json::from_value(value).unwrap()
}

fn meta() -> Option<Map<String, Value>> {
    Some(object(json!({"com.example/key": {"any": ["thing", 1]}})))
}

fn annotations() -> Option<Annotations> {
    Some(Annotations {
        audience: Some(vec![Role::User, Role::Assistant]),
        priority: Some(0.75),
        last_modified: text("2025-01-12T15:00:58Z"),
    })
}

fn icons() -> Vec<Icon> {
    vec![
        Icon {
            src: "https://example.com/i.png".to_owned(),
            mime_type: text("image/png"),
            sizes: Some(vec!["48x48".to_owned()]),
            theme: Some(IconTheme::Dark),
        },
        Icon {
            src: "data:image/png;base64,AAAA".to_owned(),
            ..Icon::default()
        },
    ]
}

pub fn implementation() -> Implementation {
    Implementation {
        name: "name".to_owned(),
        title: text("Title"),
        version: "1.2".to_owned(),
        description: text("Description"),
        website_url: text("https://example.com"),
        icons: icons(),
    }
}

pub fn resource() -> Resource {
    Resource {
        uri: "file:///a.txt".to_owned(),
        name: "a".to_owned(),
        title: text("A"),
        description: text("The letter"),
        mime_type: text("text/plain"),
        annotations: annotations(),
        size: Some(7),
        icons: icons(),
        meta: meta(),
    }
}

fn contents() -> Vec<ResourceContents> {
    vec![
        ResourceContents::Text(TextResourceContents {
            uri: "file:///a.txt".to_owned(),
            mime_type: text("text/plain"),
            text: "a".to_owned(),
            meta: meta(),
        }),
        ResourceContents::Blob(BlobResourceContents {
            uri: "file:///a.bin".to_owned(),
            mime_type: text("application/octet-stream"),
            blob: "AAAA".to_owned(),
            meta: meta(),
        }),
    ]
}

fn text_content() -> TextContent {
    TextContent {
        text: "text".to_owned(),
        annotations: annotations(),
        meta: meta(),
    }
}

fn image_content() -> ImageContent {
    ImageContent {
        data: "AAAA".to_owned(),
        mime_type: "image/png".to_owned(),
        annotations: annotations(),
        meta: meta(),
    }
}

fn audio_content() -> AudioContent {
    AudioContent {
        data: "AAAA".to_owned(),
        mime_type: "audio/wav".to_owned(),
        annotations: annotations(),
        meta: meta(),
    }
}

/// Every kind of content, full and minimal.
pub fn blocks() -> Vec<ContentBlock> {
    let mut blocks = vec![
        text_content().into(),
        image_content().into(),
        audio_content().into(),
        ResourceLink::from(resource()).into(),
        ContentBlock::text("text"),
        ContentBlock::image("AAAA", "image/png"),
        ContentBlock::audio("AAAA", "audio/wav"),
        ContentBlock::resource_link(Resource::new("file:///b", "b")),
        ContentBlock::embedded(ResourceContents::text("file:///b", "b")),
    ];
    blocks.extend(contents().into_iter().map(|resource| {
        ContentBlock::Resource(EmbeddedResource {
            resource,
            annotations: annotations(),
            meta: meta(),
        })
    }));
    blocks
}

pub fn tool() -> Tool {
    Tool {
        name: "tool".to_owned(),
        title: text("Tool"),
        description: text("Does"),
        input_schema: json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object",
            "properties": {"a": {"type": "integer"}, "any": true, "none": false},
            "required": ["a"],
            "additionalProperties": false,
        }),
        output_schema: Some(json!({
            "type": "object",
            "properties": {"any": true},
            "required": ["any"],
        })),
        annotations: Some(ToolAnnotations {
            title: text("Annotated"),
            read_only_hint: Some(true),
            destructive_hint: Some(false),
            idempotent_hint: Some(true),
            open_world_hint: Some(false),
        }),
        icons: icons(),
        execution: Some(ToolExecution {
            task_support: Some(TaskSupport::Optional),
        }),
        meta: meta(),
    }
}

fn tools() -> Vec<Tool> {
    vec![
        tool(),
        Tool::new("minimal", json!({"type": "object"})),
        // Schemas that a revision cannot take as they are.
        Tool {
            title: text("Only a title"),
            output_schema: Some(json!({"type": "array", "items": {}})),
            annotations: Some(ToolAnnotations::default()),
            ..Tool::new("odd", json!({"properties": {"a": true}}))
        },
        Tool {
            output_schema: Some(json!(true)),
            ..Tool::new("odder", json!(null))
        },
    ]
}

fn call_tool_results() -> Vec<CallToolResult> {
    let structured = |json: Value| Some(to_raw_value(&json).unwrap());
    vec![
        CallToolResult {
            content: blocks(),
            structured_content: structured(json!({"a": [1, {"b": 2}]})),
            is_error: Some(false),
            meta: meta(),
        },
        CallToolResult {
            structured_content: structured(json!([1, 2])),
            ..CallToolResult::default()
        },
        CallToolResult {
            structured_content: structured(json!({"a": 1})),
            ..CallToolResult::default()
        },
        CallToolResult {
            structured_content: structured(json!("text")),
            ..CallToolResult::error("failed")
        },
    ]
}

fn prompt() -> Prompt {
    Prompt {
        name: "prompt".to_owned(),
        title: text("Prompt"),
        description: text("Asks"),
        arguments: vec![
            PromptArgument {
                name: "a".to_owned(),
                title: text("A"),
                description: text("The letter"),
                required: Some(true),
            },
            PromptArgument {
                name: "b".to_owned(),
                ..PromptArgument::default()
            },
        ],
        icons: icons(),
        meta: meta(),
    }
}

fn template() -> ResourceTemplate {
    ResourceTemplate {
        uri_template: "file:///{name}".to_owned(),
        name: "files".to_owned(),
        title: text("Files"),
        description: text("All of them"),
        mime_type: text("text/plain"),
        annotations: annotations(),
        icons: icons(),
        meta: meta(),
    }
}

pub fn client_capabilities() -> ClientCapabilities {
    ClientCapabilities {
        roots: Some(RootsCapability { list_changed: true }),
        sampling: Some(SamplingCapability {
            context: true,
            tools: true,
        }),
        elicitation: Some(ElicitationCapability {
            form: true,
            url: true,
        }),
        tasks: Some(json!({"list": {}, "requests": {"sampling": {"createMessage": {}}}})),
        experimental: object(json!({"x": {"y": 1}, "not an object": true})),
        extensions: object(json!({"com.example/x": {}, "com.example/bad": []})),
    }
}

pub fn server_capabilities() -> ServerCapabilities {
    ServerCapabilities {
        tools: Some(ToolsCapability { list_changed: true }),
        resources: Some(ResourcesCapability {
            list_changed: true,
            subscribe: true,
        }),
        prompts: Some(PromptsCapability { list_changed: true }),
        logging: true,
        completions: true,
        tasks: Some(json!({"list": {}, "requests": {"tools": {"call": {}}}})),
        experimental: object(json!({"x": {"y": 1}, "not an object": true})),
        extensions: object(json!({"com.example/x": {}, "com.example/bad": []})),
    }
}

/// A form with every kind of field, and with what schema generators write around them.
pub fn form() -> ElicitParams {
    ElicitParams::Form {
        message: "Please".to_owned(),
        requested_schema: json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "$defs": {"Colour": {"type": "string", "enum": ["red", "blue"]}},
            "title": "Form",
            "type": "object",
            "additionalProperties": false,
            "properties": {
                "text": {"type": "string", "title": "T", "description": "D", "minLength": 1,
                    "maxLength": 9, "format": "email", "pattern": ".*", "default": "a@b.c"},
                "ip": {"type": "string", "format": "ipv4"},
                "number": {"type": "number", "minimum": 0.5, "maximum": 9.5, "default": 1.5,
                    "exclusiveMinimum": 0},
                "integer": {"type": ["integer", "null"], "format": "int64", "minimum": 0},
                "boolean": {"type": "boolean", "title": "B", "default": true},
                "enum": {"type": "string", "title": "E", "enum": ["a", "b"], "default": "a"},
                "named": {"type": "string", "enum": ["a", "b"], "enumNames": ["A", "B"]},
                "titled": {"type": "string", "oneOf": [
                    {"const": "a", "title": "A"}, {"const": "b"}], "default": "b"},
                "referenced": {"$ref": "#/$defs/Colour", "description": "D"},
                "optional": {"anyOf": [{"$ref": "#/$defs/Colour"}, {"type": "null"}]},
                "several": {"type": "array", "title": "S", "minItems": 1, "maxItems": 2,
                    "uniqueItems": true, "items": {"$ref": "#/$defs/Colour"},
                    "default": ["red"]},
                "several_titled": {"type": "array", "items": {"anyOf": [
                    {"const": "a", "title": "A"}, {"const": "b", "title": "B"}]}},
                "object": {"type": "object", "properties": {}},
                "list": {"type": "array", "items": {"type": "string"}},
                "any": true
            },
            "required": ["text", "object", "several"]
        }),
    }
}

fn sampling_contents() -> Vec<SamplingContent> {
    vec![
        SamplingContent::Text(text_content()),
        SamplingContent::Image(image_content()),
        SamplingContent::Audio(audio_content()),
        SamplingContent::ToolUse(ToolUseContent {
            id: "1".to_owned(),
            name: "tool".to_owned(),
            input: object(json!({"a": 1})),
            meta: meta(),
        }),
        SamplingContent::ToolResult(ToolResultContent {
            tool_use_id: "1".to_owned(),
            content: blocks(),
            structured_content: Some(to_raw_value(&json!({"a": 1})).unwrap()),
            is_error: Some(true),
            meta: meta(),
        }),
        SamplingContent::ToolResult(ToolResultContent {
            tool_use_id: "2".to_owned(),
            structured_content: Some(to_raw_value(&json!([1])).unwrap()),
            ..ToolResultContent::default()
        }),
    ]
}

pub fn create_message() -> CreateMessageParams {
    let mut messages: Vec<_> = sampling_contents()
        .into_iter()
        .map(|content| SamplingMessage {
            role: Role::User,
            content: content.into(),
            meta: meta(),
        })
        .collect();
    messages.push(SamplingMessage::new(Role::Assistant, sampling_contents()));
    CreateMessageParams {
        messages,
        model_preferences: Some(ModelPreferences {
            hints: vec![ModelHint { name: text("m") }, ModelHint::default()],
            cost_priority: Some(2.0),
            speed_priority: Some(-1.0),
            intelligence_priority: Some(0.5),
        }),
        system_prompt: text("Be brief"),
        include_context: Some(IncludeContext::ThisServer),
        temperature: Some(0.7),
        max_tokens: 10,
        stop_sequences: vec!["stop".to_owned()],
        metadata: Some(object(json!({"a": {"b": 1}}))),
        tools: tools(),
        tool_choice: Some(ToolChoice {
            mode: Some(ToolChoiceMode::Required),
        }),
    }
}

fn create_message_result(content: impl Into<OneOrMany>) -> CreateMessageResult {
    CreateMessageResult {
        role: Role::Assistant,
        content: content.into(),
        model: "m".to_owned(),
        stop_reason: text("endTurn"),
        meta: meta(),
    }
}

/// All of them.
pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    server_lists(&mut cases);
    lifecycle(&mut cases);
    content(&mut cases);
    notices(&mut cases);
    asks(&mut cases);
    cases
}

fn server_lists(cases: &mut Vec<Case>) {
    let next_cursor = || text("next");
    for tool in tools() {
        cases.push(plain(&["Tool"], "each", tool));
    }
    for call in call_tool_results() {
        cases.push(result(&["CallToolResult"], "full", call));
    }
    cases.extend([
        result(&["CallToolResult"], "minimal", CallToolResult::default()),
        result(
            &["ListToolsResult"],
            "full",
            ListToolsResult {
                tools: tools(),
                next_cursor: next_cursor(),
                meta: meta(),
            },
        ),
        result(&["ListToolsResult"], "minimal", ListToolsResult::default()),
        plain(&["Resource"], "full", resource()),
        plain(&["Resource"], "minimal", Resource::new("file:///b", "b")),
        plain(&["ResourceTemplate"], "full", template()),
        plain(
            &["ResourceTemplate"],
            "minimal",
            ResourceTemplate::new("file:///{b}", "b"),
        ),
        result(
            &["ListResourcesResult"],
            "full",
            ListResourcesResult {
                resources: vec![resource()],
                next_cursor: next_cursor(),
                meta: meta(),
            },
        ),
        result(
            &["ListResourcesResult"],
            "minimal",
            ListResourcesResult::default(),
        ),
        result(
            &["ListResourceTemplatesResult"],
            "full",
            ListResourceTemplatesResult {
                resource_templates: vec![template()],
                next_cursor: next_cursor(),
                meta: meta(),
            },
        ),
        result(
            &["ListResourceTemplatesResult"],
            "minimal",
            ListResourceTemplatesResult::default(),
        ),
        result(
            &["ReadResourceResult"],
            "full",
            ReadResourceResult {
                contents: contents(),
                meta: meta(),
            },
        ),
        result(
            &["ReadResourceResult"],
            "minimal",
            ReadResourceResult::default(),
        ),
        plain(&["Prompt"], "full", prompt()),
        plain(&["Prompt"], "minimal", Prompt::new("b")),
        result(
            &["ListPromptsResult"],
            "full",
            ListPromptsResult {
                prompts: vec![prompt()],
                next_cursor: next_cursor(),
                meta: meta(),
            },
        ),
        result(
            &["ListPromptsResult"],
            "minimal",
            ListPromptsResult::default(),
        ),
        result(
            &["GetPromptResult"],
            "full",
            GetPromptResult {
                description: text("Asks"),
                messages: blocks()
                    .into_iter()
                    .map(|content| PromptMessage {
                        role: Role::User,
                        content,
                    })
                    .collect(),
                meta: meta(),
            },
        ),
        result(&["GetPromptResult"], "minimal", GetPromptResult::default()),
        result(
            &["CompleteResult"],
            "full",
            CompleteResult {
                completion: Completion {
                    values: vec!["a".to_owned(); 250],
                    total: Some(250),
                    has_more: Some(false),
                },
                meta: meta(),
            },
        ),
        result(&["CompleteResult"], "minimal", CompleteResult::default()),
        result(&["EmptyResult"], "full", EmptyResult { meta: meta() }),
        result(&["EmptyResult"], "minimal", EmptyResult::default()),
    ]);
    let complete = &["CompleteRequestParams", "CompleteRequest/properties/params"];
    let argument = || CompletionArgument {
        name: "a".to_owned(),
        value: "v".to_owned(),
    };
    cases.push(params(
        complete,
        "full",
        CompleteParams {
            reference: CompletionReference::Prompt {
                name: "p".to_owned(),
                title: text("P"),
            },
            argument: argument(),
            context: Some(CompletionContext {
                arguments: [("b".to_owned(), "c".to_owned())].into(),
            }),
        },
    ));
    cases.push(params(
        complete,
        "minimal",
        CompleteParams {
            reference: CompletionReference::Resource {
                uri: "file:///{a}".to_owned(),
            },
            argument: argument(),
            context: None,
        },
    ));
}

fn lifecycle(cases: &mut Vec<Case>) {
    let initialize = &[
        "InitializeRequestParams",
        "InitializeRequest/properties/params",
    ];
    cases.extend([
        plain(&["ClientCapabilities"], "full", client_capabilities()),
        plain(
            &["ClientCapabilities"],
            "minimal",
            ClientCapabilities::default(),
        ),
        plain(&["ServerCapabilities"], "full", server_capabilities()),
        plain(
            &["ServerCapabilities"],
            "minimal",
            ServerCapabilities::default(),
        ),
        plain(&["Implementation"], "full", implementation()),
        plain(
            &["Implementation"],
            "minimal",
            Implementation::new("n", "1"),
        ),
        plain(
            initialize,
            "full",
            InitializeParams {
                protocol_version: "2025-11-25".to_owned(),
                capabilities: client_capabilities(),
                client_info: implementation(),
                meta: None,
            },
        ),
        result(
            &["InitializeResult"],
            "full",
            InitializeResult {
                protocol_version: Revision::LATEST_LEGACY,
                capabilities: server_capabilities(),
                server_info: implementation(),
                instructions: text("Use it"),
                meta: meta(),
            },
        ),
        result(
            &["InitializeResult"],
            "minimal",
            InitializeResult {
                protocol_version: Revision::LATEST_LEGACY,
                capabilities: ServerCapabilities::default(),
                server_info: Implementation::new("n", "1"),
                instructions: None,
                meta: None,
            },
        ),
        result(
            &["DiscoverResult"],
            "full",
            DiscoverResult {
                supported_versions: Revision::ALL.to_vec(),
                capabilities: server_capabilities(),
                instructions: text("Use it"),
                meta: meta(),
            },
        ),
        result(&["DiscoverResult"], "minimal", DiscoverResult::default()),
    ]);
}

fn content(cases: &mut Vec<Case>) {
    cases.extend([
        plain(&["TextContent"], "full", text_content()),
        plain(&["TextContent"], "minimal", TextContent::new("a")),
        plain(&["ImageContent"], "full", image_content()),
        plain(&["AudioContent"], "full", audio_content()),
        plain(&["ResourceLink"], "full", ResourceLink::from(resource())),
        plain(
            &["EmbeddedResource"],
            "full",
            EmbeddedResource {
                resource: contents().remove(0),
                annotations: annotations(),
                meta: meta(),
            },
        ),
        plain(&["TextResourceContents"], "full", contents().remove(0)),
        plain(&["BlobResourceContents"], "full", contents().remove(1)),
        plain(&["Annotations"], "full", annotations().unwrap()),
        plain(&["Annotations"], "minimal", Annotations::default()),
        plain(&["Icon"], "full", icons().remove(0)),
        plain(&["Icon"], "minimal", icons().remove(1)),
    ]);
    for block in blocks() {
        cases.push(plain(&["ContentBlock"], "each", block));
    }
}

fn notices(cases: &mut Vec<Case>) {
    let logging = &[
        "LoggingMessageNotificationParams",
        "LoggingMessageNotification/properties/params",
    ];
    let progress = &[
        "ProgressNotificationParams",
        "ProgressNotification/properties/params",
    ];
    for level in LoggingLevel::ALL {
        cases.push(plain(
            logging,
            "full",
            LoggingMessage {
                level,
                logger: text("l"),
                data: json!({"a": [null, 1.5]}),
            },
        ));
    }
    cases.extend([
        plain(
            logging,
            "minimal",
            LoggingMessage {
                level: LoggingLevel::Info,
                logger: None,
                data: json!("text"),
            },
        ),
        plain(
            progress,
            "full",
            Progress {
                progress_token: "t".into(),
                progress: 0.5,
                total: Some(1.0),
                message: text("half"),
            },
        ),
        plain(
            progress,
            "minimal",
            Progress {
                progress_token: 7.into(),
                progress: f64::NAN,
                total: Some(f64::INFINITY),
                message: None,
            },
        ),
        plain(
            &["SubscriptionFilter"],
            "full",
            SubscriptionFilter {
                tools_list_changed: true,
                prompts_list_changed: true,
                resources_list_changed: true,
                resource_subscriptions: vec!["file:///a".to_owned()],
                ..Default::default()
            },
        ),
        plain(
            &["SubscriptionFilter"],
            "minimal",
            SubscriptionFilter::default(),
        ),
    ]);
}

fn asks(cases: &mut Vec<Case>) {
    let sample = &[
        "CreateMessageRequestParams",
        "CreateMessageRequest/properties/params",
    ];
    let elicit_form = &["ElicitRequestFormParams", "ElicitRequest/properties/params"];
    let empty_form = || ElicitParams::Form {
        message: "Please".to_owned(),
        requested_schema: json!(null),
    };
    let url = || ElicitParams::Url {
        message: "Please".to_owned(),
        url: "https://example.com".to_owned(),
        elicitation_id: text("e"),
    };
    let root = || Root {
        uri: "file:///a".to_owned(),
        name: text("a"),
        meta: meta(),
    };
    let roots = || ListRootsResult {
        roots: vec![root(), Root::new("file:///b")],
        meta: meta(),
    };
    let answer = || ElicitResult {
        action: ElicitAction::Accept,
        content: Some(object(json!({
            "s": "a", "i": 1, "b": true, "l": ["a"], "n": null, "o": {}, "m": [1]
        }))),
        meta: meta(),
    };
    let refusal = || ElicitResult {
        action: ElicitAction::Decline,
        content: Some(object(json!({"s": "a"}))),
        meta: None,
    };
    let minimal_sample = || CreateMessageParams {
        messages: vec![SamplingMessage::new(Role::User, SamplingContent::text("a"))],
        max_tokens: 1,
        ..CreateMessageParams::default()
    };
    cases.extend([
        plain(sample, "full", create_message()),
        plain(sample, "minimal", minimal_sample()),
        plain(elicit_form, "full", form()),
        plain(elicit_form, "minimal", empty_form()),
        plain(&["ElicitRequestURLParams"], "full", url()),
        plain(&["ElicitResult"], "full", answer()),
        plain(&["ElicitResult"], "minimal", refusal()),
        plain(&["Root"], "full", root()),
        plain(&["Root"], "minimal", Root::new("file:///b")),
        plain(&["ListRootsResult"], "full", roots()),
        plain(&["ListRootsResult"], "minimal", ListRootsResult::default()),
        plain(
            &["ModelPreferences"],
            "minimal",
            ModelPreferences::default(),
        ),
        plain(&["ToolChoice"], "minimal", ToolChoice::default()),
        plain(&["InputRequest"], "form", InputRequest::Elicit(form())),
        plain(&["InputRequest"], "url", InputRequest::Elicit(url())),
        plain(
            &["InputRequest"],
            "sample",
            InputRequest::Sample(Box::new(create_message())),
        ),
        plain(&["InputRequest"], "roots", InputRequest::Roots),
        plain(&["InputResponse"], "form", InputResponse::Elicit(answer())),
        plain(&["InputResponse"], "roots", InputResponse::Roots(roots())),
        result(
            &["InputRequiredResult"],
            "full",
            InputRequiredResult {
                input_requests: [
                    ("form".to_owned(), InputRequest::Elicit(form())),
                    ("roots".to_owned(), InputRequest::Roots),
                ]
                .into(),
                request_state: text("state"),
                meta: meta(),
            },
        ),
        result(
            &["InputRequiredResult"],
            "minimal",
            InputRequiredResult {
                request_state: text("state"),
                ..InputRequiredResult::default()
            },
        ),
    ]);
    let mut answers: Vec<OneOrMany> = sampling_contents().into_iter().map(Into::into).collect();
    answers.extend([
        sampling_contents().into(),
        Vec::new().into(),
        vec![SamplingContent::Image(image_content()); 2].into(),
        vec![SamplingContent::text("a")].into(),
    ]);
    for content in answers {
        let created = create_message_result(content);
        cases.extend([
            plain(
                &["SamplingMessage"],
                "each",
                SamplingMessage::new(Role::User, created.content.clone()),
            ),
            plain(
                &["InputResponse"],
                "sample",
                InputResponse::Sample(Box::new(created.clone())),
            ),
            plain(&["CreateMessageResult"], "each", created),
        ]);
    }
}
