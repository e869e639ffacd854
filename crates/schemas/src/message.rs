//! Whole messages: which definition a message must fit, by its method or by the method that it
//! answers.

use serde_json::{Map, Value};

use crate::Spec;

/// What a server sends by itself or answers with, and the names that its definition has had.
const DEFINITIONS: &[(&str, &[&str])] = &[
    // Results, by the request.
    ("initialize", &["InitializeResult"]),
    ("server/discover", &["DiscoverResult"]),
    ("ping", &["EmptyResult"]),
    ("tools/list", &["ListToolsResult"]),
    ("tools/call", &["CallToolResult"]),
    ("resources/list", &["ListResourcesResult"]),
    ("resources/templates/list", &["ListResourceTemplatesResult"]),
    ("resources/read", &["ReadResourceResult"]),
    ("resources/subscribe", &["EmptyResult"]),
    ("resources/unsubscribe", &["EmptyResult"]),
    ("prompts/list", &["ListPromptsResult"]),
    ("prompts/get", &["GetPromptResult"]),
    ("completion/complete", &["CompleteResult"]),
    ("logging/setLevel", &["EmptyResult"]),
    ("subscriptions/listen", &["SubscriptionsListenResult"]),
    ("sampling/createMessage", &["CreateMessageResult"]),
    ("roots/list", &["ListRootsResult"]),
    ("elicitation/create", &["ElicitResult"]),
    ("tasks/get", &["GetTaskResult"]),
    // It is whatever the call would have given, and only tools are called as tasks.
    ("tasks/result", &["CallToolResult"]),
    ("tasks/list", &["ListTasksResult"]),
    ("tasks/cancel", &["CancelTaskResult"]),
];

/// Requests and notifications of a server.
const SENT: &[(&str, &str)] = &[
    ("sampling/createMessage", "CreateMessageRequest"),
    ("roots/list", "ListRootsRequest"),
    ("elicitation/create", "ElicitRequest"),
    ("ping", "PingRequest"),
    ("notifications/cancelled", "CancelledNotification"),
    ("notifications/progress", "ProgressNotification"),
    ("notifications/message", "LoggingMessageNotification"),
    (
        "notifications/resources/updated",
        "ResourceUpdatedNotification",
    ),
    (
        "notifications/resources/list_changed",
        "ResourceListChangedNotification",
    ),
    (
        "notifications/tools/list_changed",
        "ToolListChangedNotification",
    ),
    (
        "notifications/prompts/list_changed",
        "PromptListChangedNotification",
    ),
    (
        "notifications/elicitation/complete",
        "ElicitationCompleteNotification",
    ),
    (
        "notifications/subscriptions/acknowledged",
        "SubscriptionsAcknowledgedNotification",
    ),
    ("notifications/tasks/status", "TaskStatusNotification"),
];

/// Notifications of extensions, which the schemas do not have.
const OF_EXTENSIONS: &[&str] = &["notifications/tasks"];

impl Spec {
    /// What is wrong with a message that the server sent; empty where nothing is. `answers` is the
    /// method of the request that a response answers.
    pub fn message_faults(&self, message: &Value, answers: Option<&str>) -> Vec<String> {
        let Some(members) = message.as_object() else {
            return vec!["a message is an object".into()];
        };
        if members
            .get("jsonrpc")
            .is_none_or(|version| version != "2.0")
        {
            return vec!["`jsonrpc` is not 2.0".into()];
        }
        let mut faults = match (members.get("method").and_then(Value::as_str), answers) {
            (Some(method), _) => self.sent_faults(members, method),
            (None, Some(request)) if members.contains_key("result") => {
                self.result_faults(members, request)
            }
            (None, _) if members.contains_key("error") => self.error_faults(members),
            (None, _) => vec!["a response to nothing that was asked".into()],
        };
        if !self.is_modern() {
            modern_marks(message, "", &mut faults);
        }
        faults
    }

    /// Whether the revision has results that say what they are, and with them extensions.
    fn is_modern(&self) -> bool {
        self.find(&["ResultType"]).is_some()
    }

    fn sent_faults(&self, members: &Map<String, Value>, method: &str) -> Vec<String> {
        if OF_EXTENSIONS.contains(&method) && self.is_modern() {
            return self.envelope_faults(members, &["JSONRPCNotification"]);
        }
        let definition = SENT.iter().find(|(known, _)| *known == method);
        let pointer = definition.and_then(|(_, name)| self.find(&[name]));
        let Some(pointer) = pointer else {
            return vec![format!("the revision's servers do not send `{method}`")];
        };
        // Definitions of single messages leave the envelope to another one, at first.
        let named = |name| self.root.pointer(&format!("{pointer}/properties/{name}"));
        let mut message = members.clone();
        for name in ["jsonrpc", "id"] {
            if named(name).is_none() {
                message.remove(name);
            }
        }
        let mut message = Value::from(message);
        if self.is_modern()
            && let Some(filter) = message.pointer_mut("/params/notifications")
        {
            // The tasks extension adds a member.
            filter
                .as_object_mut()
                .map(|filter| filter.remove("taskIds"));
        }
        let mut faults = self.faults(&pointer, &message);
        let envelope = ["JSONRPCRequest", "JSONRPCNotification"];
        let envelope = envelope[usize::from(!members.contains_key("id"))];
        faults.extend(self.envelope_faults(members, &[envelope]));
        faults
    }

    fn envelope_faults(&self, members: &Map<String, Value>, names: &[&str]) -> Vec<String> {
        let pointer = self.find(names).unwrap();
        self.faults(&pointer, &members.clone().into())
    }

    fn result_faults(&self, members: &Map<String, Value>, request: &str) -> Vec<String> {
        let result = &members["result"];
        let names = match result.get("resultType").and_then(Value::as_str) {
            Some("input_required") => &["InputRequiredResult"],
            // Since 2026-07-28 tasks are an extension, which these schemas do not have.
            Some("task") => return Vec::new(),
            _ if members["result"].get("task").is_some() => &["CreateTaskResult"][..],
            _ => {
                let definition = DEFINITIONS.iter().find(|(known, _)| *known == request);
                definition.map_or(&[][..], |(_, names)| names)
            }
        };
        let mut envelope = members.clone();
        envelope.insert("result".into(), Map::new().into());
        if let Some(result_type) = result.get("resultType") {
            envelope["result"]["resultType"] = result_type.clone();
        }
        let mut faults =
            self.envelope_faults(&envelope, &["JSONRPCResponse", "JSONRPCResultResponse"]);
        match self.find(names) {
            Some(pointer) => faults.extend(self.faults(&pointer, result)),
            None if request.starts_with("tasks/") => {} // the extension again
            None => faults.push(format!("the revision has no result of `{request}`")),
        }
        faults
    }

    fn error_faults(&self, members: &Map<String, Value>) -> Vec<String> {
        let mut members = members.clone();
        // What cannot be read has no id that could be repeated. JSON-RPC would write `null`, which
        // no revision's schema allows; those that let it be absent came later.
        members.entry("id").or_insert_with(|| "none".into());
        let own = match members["error"]["code"].as_i64() {
            Some(-32020) => "HeaderMismatchError",
            Some(-32021) => "MissingRequiredClientCapabilityError",
            Some(-32022) => "UnsupportedProtocolVersionError",
            Some(-32042) => "URLElicitationRequiredError",
            _ => "JSONRPCErrorResponse",
        };
        self.envelope_faults(&members, &[own, "JSONRPCError", "JSONRPCErrorResponse"])
    }
}

/// What only 2026-07-28 has, in places where older schemas let everything pass: members of results
/// that say how to treat them, and keys of `_meta` that were not given a meaning before.
fn modern_marks(value: &Value, at: &str, faults: &mut Vec<String>) {
    const OF_RESULTS: &[&str] = &["resultType", "ttlMs", "cacheScope"];
    const RELATED_TASK: &str = "io.modelcontextprotocol/related-task";
    match value {
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                modern_marks(item, &format!("{at}/{index}"), faults);
            }
        }
        Value::Object(members) => {
            for (name, member) in members {
                let is_result = at == "/result" && OF_RESULTS.contains(&name.as_str());
                let is_meta = at.ends_with("/_meta")
                    && name.starts_with("io.modelcontextprotocol/")
                    && name != RELATED_TASK;
                let at = format!("{at}/{name}");
                if is_result || is_meta {
                    faults.push(format!("{at}: only later revisions have it"));
                }
                modern_marks(member, &at, faults);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn messages_are_judged_by_what_they_are() {
        let Some(folder) = crate::folder() else {
            return;
        };
        let old = Spec::read(&folder, "2024-11-05");
        let new = Spec::read(&folder, "2026-07-28");
        let result = |result: Value| json!({"jsonrpc": "2.0", "id": 1, "result": result});
        let notice = |method: &str, params: Value| json!({"jsonrpc": "2.0", "method": method, "params": params});
        let progress = json!({"progressToken": 1, "progress": 1, "message": "m"});
        let audio = json!({"content": [{"type": "audio", "data": "", "mimeType": ""}]});
        let modern = json!({"resultType": "complete", "content": []});
        let ask = json!({"jsonrpc": "2.0", "id": 1, "method": "elicitation/create", "params": {}});
        let error = json!({"jsonrpc": "2.0", "error": {"code": -32700, "message": "m"}});
        for (spec, message, answers, good) in [
            (
                &old,
                result(json!({"content": []})),
                Some("tools/call"),
                true,
            ),
            (&old, result(modern.clone()), Some("tools/call"), false),
            (&new, result(modern), Some("tools/call"), true),
            (
                &new,
                result(json!({"content": []})),
                Some("tools/call"),
                false,
            ),
            (&old, result(audio), Some("tools/call"), false),
            (&old, result(json!({})), Some("ping"), true),
            (
                &old,
                result(json!({"resultType": "complete"})),
                Some("ping"),
                false,
            ),
            (&old, result(json!({})), None, false),
            (&new, result(json!({})), Some("ping"), false),
            (
                &old,
                notice("notifications/progress", progress.clone()),
                None,
                false,
            ),
            (&new, notice("notifications/progress", progress), None, true),
            (&old, notice("notifications/tasks", json!({})), None, false),
            (&old, notice("notifications/other", json!({})), None, false),
            (&old, ask, None, false),
            (&old, error.clone(), None, true),
            (&new, error, None, true),
            (&old, json!([]), None, false),
            (&old, json!({"id": 1, "result": {}}), Some("ping"), false),
        ] {
            let faults = spec.message_faults(&message, answers);
            assert_eq!(faults.is_empty(), good, "{message}: {faults:?}");
        }
    }
}
