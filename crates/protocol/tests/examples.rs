//! The specification's own example messages: read, and written again for the same revision, they
//! are what they were.

#![allow(clippy::unwrap_used)]

use std::{collections::BTreeMap, fs};

use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use wharf_protocol::{
    capabilities::*, completion::*, content::*, elicitation::*, input::*, lifecycle::*, logging::*,
    meta::EmptyResult, progress::*, projection::*, prompts::*, resources::*, revision::Revision,
    roots::*, sampling::*, subscriptions::*, tools::*,
};

/// Reads a value and writes it again.
fn same<T: DeserializeOwned + ProjectMembers>(example: &Value) -> Value {
    let value: T = serde_json::from_str(&example.to_string()).unwrap();
    serde_json::to_value(at(&value, Revision::LATEST)).unwrap()
}

/// Reads a result and writes it again, in the frame it came in.
fn framed<T: DeserializeOwned + ProjectMembers>(example: &Value) -> Value {
    let value: T = serde_json::from_str(&example.to_string()).unwrap();
    let cache = example.get("ttlMs").map(|ttl_ms| CacheHint {
        ttl_ms: ttl_ms.as_u64().unwrap(),
        scope: match example["cacheScope"].as_str().unwrap() {
            "public" => CacheScope::Public,
            _ => CacheScope::Private,
        },
    });
    let result_type = match example["resultType"].as_str().unwrap() {
        "complete" => ResultType::Complete,
        "input_required" => ResultType::InputRequired,
        other => panic!("an unexpected resultType {other}"),
    };
    let frame = ResultFrame::new(Revision::LATEST)
        .cache(cache)
        .result_type(result_type);
    let mut out = Vec::new();
    write_result(&mut out, &value, &frame).unwrap();
    serde_json::from_slice(&out).unwrap()
}

/// Reads and writes the params of a request or a notification. Their `_meta` belongs to whoever
/// frames the message.
fn params<T: DeserializeOwned + ProjectMembers>(example: &Value) -> Value {
    let mut written = same::<T>(example);
    if let Some(meta) = example.get("_meta") {
        written["_meta"] = meta.clone();
    }
    written
}

/// One member of an example, read and written by `by`.
fn member(name: &'static str, by: fn(&Value) -> Value) -> impl Fn(&Value) -> Value {
    move |example| {
        let mut written = example.clone();
        written[name] = by(&example[name]);
        written
    }
}

type Rewrite = Box<dyn Fn(&Value) -> Value>;

fn types() -> BTreeMap<&'static str, Rewrite> {
    let mut types: BTreeMap<&'static str, Rewrite> = BTreeMap::new();
    macro_rules! plain {
        ($($name:literal: $type:ty),* $(,)?) => {
            $(types.insert($name, Box::new(same::<$type>));)*
        };
    }
    plain!(
        "AudioContent": ContentBlock, "ImageContent": ContentBlock, "TextContent": ContentBlock,
        "EmbeddedResource": ContentBlock, "ResourceLink": ContentBlock,
        "BlobResourceContents": ResourceContents, "TextResourceContents": ResourceContents,
        "ClientCapabilities": ClientCapabilities, "ServerCapabilities": ServerCapabilities,
        "CreateMessageRequestParams": CreateMessageParams,
        "CreateMessageResult": CreateMessageResult,
        "ElicitRequest": InputRequest, "CreateMessageRequest": InputRequest,
        "ListRootsRequest": InputRequest,
        "ElicitRequestFormParams": ElicitParams, "ElicitRequestURLParams": ElicitParams,
        "ElicitResult": ElicitResult, "ListRootsResult": ListRootsResult, "Root": Root,
        "ModelPreferences": ModelPreferences, "Resource": Resource, "Tool": Tool,
        "SamplingMessage": SamplingMessage,
        "ToolUseContent": SamplingContent, "ToolResultContent": SamplingContent,
    );
    macro_rules! results {
        ($($name:literal $response:literal: $type:ty),* $(,)?) => {
            $(
                types.insert($name, Box::new(framed::<$type>));
                types.insert($response, Box::new(member("result", framed::<$type>)));
            )*
        };
    }
    results!(
        "CallToolResult" "CallToolResultResponse": CallToolResult,
        "CompleteResult" "CompleteResultResponse": CompleteResult,
        "DiscoverResult" "DiscoverResultResponse": DiscoverResult,
        "GetPromptResult" "GetPromptResultResponse": GetPromptResult,
        "ListPromptsResult" "ListPromptsResultResponse": ListPromptsResult,
        "ListResourceTemplatesResult" "ListResourceTemplatesResultResponse":
            ListResourceTemplatesResult,
        "ListResourcesResult" "ListResourcesResultResponse": ListResourcesResult,
        "ListToolsResult" "ListToolsResultResponse": ListToolsResult,
        "ReadResourceResult" "ReadResourceResultResponse": ReadResourceResult,
        "SubscriptionsListenResult" "SubscriptionsListenResultResponse": EmptyResult,
    );
    types.insert(
        "InputRequiredResult",
        Box::new(framed::<InputRequiredResult>),
    );
    types.insert("CompleteRequestParams", Box::new(params::<CompleteParams>));
    types.insert(
        "CompleteRequest",
        Box::new(member("params", params::<CompleteParams>)),
    );
    types.insert(
        "LoggingMessageNotificationParams",
        Box::new(params::<LoggingMessage>),
    );
    types.insert(
        "LoggingMessageNotification",
        Box::new(member("params", params::<LoggingMessage>)),
    );
    types.insert("ProgressNotificationParams", Box::new(params::<Progress>));
    types.insert(
        "ProgressNotification",
        Box::new(member("params", params::<Progress>)),
    );
    let filter = |example: &Value| {
        let mut written = example.clone();
        written["params"]["notifications"] =
            same::<SubscriptionFilter>(&example["params"]["notifications"]);
        written
    };
    types.insert("SubscriptionsListenRequest", Box::new(filter));
    types.insert("SubscriptionsAcknowledgedNotification", Box::new(filter));
    let requests = |example: &Value| {
        let whole = json!({"resultType": "input_required", "inputRequests": example});
        framed::<InputRequiredResult>(&whole)["inputRequests"].clone()
    };
    types.insert("InputRequests", Box::new(requests));
    let responses = |example: &Value| {
        let written = example.as_object().unwrap().iter().map(|(key, answer)| {
            let response = if answer.get("action").is_some() {
                InputResponse::Elicit(serde_json::from_value(answer.clone()).unwrap())
            } else if answer.get("roots").is_some() {
                InputResponse::Roots(serde_json::from_value(answer.clone()).unwrap())
            } else {
                InputResponse::Sample(serde_json::from_str(&answer.to_string()).unwrap())
            };
            let response = serde_json::to_value(at(&response, Revision::LATEST)).unwrap();
            (key.clone(), response)
        });
        Value::Object(written.collect())
    };
    types.insert("InputResponses", Box::new(responses));
    // A field of a form is read and written as the form's only one.
    for name in [
        "BooleanSchema",
        "NumberSchema",
        "StringSchema",
        "TitledMultiSelectEnumSchema",
        "TitledSingleSelectEnumSchema",
        "UntitledMultiSelectEnumSchema",
        "UntitledSingleSelectEnumSchema",
    ] {
        let field = |example: &Value| {
            let form = json!({
                "message": "",
                "requestedSchema": {"type": "object", "properties": {"field": example}},
            });
            same::<ElicitParams>(&form)["requestedSchema"]["properties"]["field"].clone()
        };
        types.insert(name, Box::new(field));
    }
    types
}

/// What is not a type of the model: frames of requests, and errors.
const NOT_MODELLED: &[&str] = &[
    "CallToolRequest",
    "CallToolRequestParams",
    "CancelledNotification",
    "CancelledNotificationParams",
    "DiscoverRequest",
    "GetPromptRequest",
    "GetPromptRequestParams",
    "HeaderMismatchError",
    "InternalError",
    "InvalidParamsError",
    "ListPromptsRequest",
    "ListResourceTemplatesRequest",
    "ListResourcesRequest",
    "ListToolsRequest",
    "MethodNotFoundError",
    "MissingRequiredClientCapabilityError",
    "PaginatedRequestParams",
    "ParseError",
    "PromptListChangedNotification",
    "ReadResourceRequest",
    "ResourceListChangedNotification",
    "ResourceUpdatedNotification",
    "ResourceUpdatedNotificationParams",
    "ToolListChangedNotification",
    "UnsupportedProtocolVersionError",
];

#[test]
fn examples_are_read_and_written_again() {
    let Some(folder) = wharf_schemas::folder() else {
        return;
    };
    let types = types();
    let mut faults = Vec::new();
    let mut compared = 0;
    for entry in fs::read_dir(folder.join("2026-07-28/examples")).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let Some(rewrite) = types.get(&*name) else {
            if !NOT_MODELLED.contains(&&*name) {
                faults.push(format!("{name}: neither read nor known not to be"));
            }
            continue;
        };
        for file in fs::read_dir(entry.path()).unwrap() {
            let path = file.unwrap().path();
            let example: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
            let written = plain_numbers(rewrite(&example));
            compared += 1;
            if written != plain_numbers(corrected(&name, example.clone())) {
                faults.push(format!("{}:\n  {example}\n  {written}", path.display()));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(compared > 80, "only {compared} examples were compared");
}

/// The examples are not all what the schema asks for.
fn corrected(name: &str, mut example: Value) -> Value {
    match name {
        // Not a request of its own any more, so it has no id.
        "ListRootsRequest" => {
            example.as_object_mut().unwrap().remove("id");
        }
        // The result must say how it may be cached, and one of these does not.
        "ReadResourceResultResponse" if example["result"].get("ttlMs").is_none() => {
            example["result"]["ttlMs"] = json!(0);
            example["result"]["cacheScope"] = json!("private");
        }
        // A form's mode may be left out, as one example does; we always write it.
        "InputRequiredResult" => {
            if let Some(login) = example.pointer_mut("/inputRequests/github_login/params") {
                login["mode"] = json!("form");
            }
        }
        _ => {}
    }
    example
}

/// `1` and `1.0` are one number in JSON.
fn plain_numbers(value: Value) -> Value {
    match value {
        Value::Number(number) => json!(number.as_f64()),
        Value::Array(items) => items.into_iter().map(plain_numbers).collect(),
        Value::Object(members) => members
            .into_iter()
            .map(|(name, member)| (name, plain_numbers(member)))
            .collect(),
        other => other,
    }
}
