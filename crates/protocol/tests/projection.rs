//! What becomes of what a revision does not know: one row for each rule, as JSON in and JSON out.

#![allow(clippy::unwrap_used)]

use serde::de::DeserializeOwned;
use serde_json::{Value, json, value::to_raw_value};
use wharf_protocol::{
    capabilities::*,
    completion::*,
    content::*,
    elicitation::*,
    input::*,
    lifecycle::*,
    meta::{EmptyResult, SERVER_INFO},
    projection::*,
    prompts::*,
    resources::*,
    revision::Revision::{self, *},
    roots::*,
    sampling::*,
    tools::*,
};

/// Reads `json` as a `T` and writes it for `revision`.
fn written<T: DeserializeOwned + ProjectMembers>(json: &Value, revision: Revision) -> Value {
    let value: T = serde_json::from_value(json.clone()).unwrap();
    serde_json::to_value(at(&value, revision)).unwrap()
}

/// Checks a value against what is expected since a revision, until the next one that is named.
fn expect<T: DeserializeOwned + ProjectMembers>(json: Value, since: &[(Revision, Value)]) {
    assert_eq!(since[0].0, V2024_11_05, "begin with the first revision");
    for revision in Revision::ALL {
        let expected = since.iter().rev().find(|(from, _)| *from <= revision);
        assert_eq!(
            written::<T>(&json, revision),
            expected.unwrap().1,
            "in {revision}"
        );
    }
}

fn refused<T: ProjectMembers>(value: &T, revisions: &[Revision]) {
    for revision in Revision::ALL {
        let failed = serde_json::to_value(at(value, revision)).is_err();
        assert_eq!(failed, revisions.contains(&revision), "in {revision}");
    }
}

#[test]
fn audio_is_a_note_at_first() {
    let audio = json!({"type": "audio", "data": "AAAAAA==", "mimeType": "audio/wav",
        "annotations": {"priority": 1}});
    let note = json!({"type": "text", "text": "[audio: audio/wav, 4 bytes]",
        "annotations": {"priority": 1}});
    expect::<ContentBlock>(
        audio.clone(),
        &[(V2024_11_05, note.clone()), (V2025_03_26, audio.clone())],
    );
    expect::<SamplingContent>(audio.clone(), &[(V2024_11_05, note), (V2025_03_26, audio)]);
}

#[test]
fn resource_links_are_text_at_first() {
    let link = json!({"type": "resource_link", "uri": "file:///a", "name": "a", "title": "A",
        "description": "d", "mimeType": "text/plain", "annotations": {"lastModified": "x"},
        "size": 7, "icons": [{"src": "https://a/i.png"}], "_meta": {"k": 1}});
    let text = json!({"type": "text", "text": "A: file:///a"});
    let mut plain = link.clone();
    plain.as_object_mut().unwrap().remove("icons");
    expect::<ContentBlock>(
        link.clone(),
        &[
            (V2024_11_05, text),
            (V2025_06_18, plain),
            (V2025_11_25, link),
        ],
    );
}

#[test]
fn nested_meta_and_new_annotations_are_left_out() {
    let full = json!({"type": "resource", "resource": {"uri": "a:b", "text": "", "_meta": {"k": 1}},
        "annotations": {"audience": ["user"], "lastModified": "x"}, "_meta": {"k": 2}});
    let plain = json!({"type": "resource", "resource": {"uri": "a:b", "text": ""},
        "annotations": {"audience": ["user"]}});
    expect::<ContentBlock>(full.clone(), &[(V2024_11_05, plain), (V2025_06_18, full)]);
}

#[test]
fn titles_and_icons_arrive_with_their_revisions() {
    let icons = json!([{"src": "https://a/i.png", "theme": "light", "sizes": ["any"]}]);
    let full = json!({"name": "n", "title": "T", "version": "1", "description": "d",
        "websiteUrl": "https://a", "icons": icons});
    expect::<Implementation>(
        full.clone(),
        &[
            (V2024_11_05, json!({"name": "n", "version": "1"})),
            (
                V2025_06_18,
                json!({"name": "n", "title": "T", "version": "1"}),
            ),
            (V2025_11_25, full),
        ],
    );
    let full = json!({"name": "n", "title": "T", "arguments": [{"name": "a", "title": "A"}],
        "icons": icons, "_meta": {"k": 1}});
    expect::<Prompt>(
        full.clone(),
        &[
            (
                V2024_11_05,
                json!({"name": "n", "arguments": [{"name": "a"}]}),
            ),
            (
                V2025_06_18,
                json!({"name": "n", "title": "T", "arguments": [{"name": "a", "title": "A"}],
                    "_meta": {"k": 1}}),
            ),
            (V2025_11_25, full),
        ],
    );
}

#[test]
fn a_tool_grows_with_the_revisions() {
    let object = json!({"type": "object"});
    let full = json!({"name": "n", "title": "T", "inputSchema": object, "outputSchema": object,
        "annotations": {"readOnlyHint": true}, "icons": [{"src": "a:b"}],
        "execution": {"taskSupport": "required"}, "_meta": {"k": 1}});
    let without = |names: &[&str]| {
        let mut tool = full.clone();
        for name in names {
            tool.as_object_mut().unwrap().remove(*name);
        }
        tool
    };
    expect::<Tool>(
        full.clone(),
        &[
            (V2024_11_05, json!({"name": "n", "inputSchema": object})),
            (
                V2025_03_26,
                json!({"name": "n", "inputSchema": object,
                    "annotations": {"title": "T", "readOnlyHint": true}}),
            ),
            (V2025_06_18, without(&["icons", "execution"])),
            (V2025_11_25, full.clone()),
            (V2026_07_28, without(&["execution"])),
        ],
    );
}

#[test]
fn an_annotated_title_is_kept_where_it_is() {
    let tool = json!({"name": "n", "title": "T", "inputSchema": {"type": "object"},
        "annotations": {"title": "Own"}});
    assert_eq!(
        written::<Tool>(&tool, V2025_03_26)["annotations"],
        json!({"title": "Own"})
    );
}

#[test]
fn schemas_take_the_shape_a_revision_allows() {
    let array = json!({"type": "array", "items": true});
    let tool = json!({"name": "n", "outputSchema": array,
        "inputSchema": {"properties": {"a": true, "b": false, "c": {"type": "null"}}, "$defs": {"d": true}}});
    let input = json!({"type": "object",
        "properties": {"a": {}, "b": {"not": {}}, "c": {"type": "null"}}, "$defs": {"d": true}});
    let modern = json!({"type": "object",
        "properties": {"a": true, "b": false, "c": {"type": "null"}}, "$defs": {"d": true}});
    expect::<Tool>(
        tool,
        &[
            (V2024_11_05, json!({"name": "n", "inputSchema": input})),
            (
                V2026_07_28,
                json!({"name": "n", "inputSchema": modern, "outputSchema": array}),
            ),
        ],
    );
}

#[test]
fn structured_content_is_kept_or_said_in_text() {
    let text = |text: &str| json!([{"type": "text", "text": text}]);
    let object = json!({"a": 1});
    expect::<CallToolResult>(
        json!({"content": [], "structuredContent": object}),
        &[
            (V2024_11_05, json!({"content": text("{\"a\":1}")})),
            (
                V2025_06_18,
                json!({"content": [], "structuredContent": object}),
            ),
        ],
    );
    expect::<CallToolResult>(
        json!({"structuredContent": [1], "isError": false}),
        &[
            (
                V2024_11_05,
                json!({"content": text("[1]"), "isError": false}),
            ),
            (
                V2026_07_28,
                json!({"content": [], "structuredContent": [1], "isError": false}),
            ),
        ],
    );
    expect::<CallToolResult>(
        json!({"content": text("one"), "structuredContent": [1]}),
        &[
            (V2024_11_05, json!({"content": text("one")})),
            (
                V2026_07_28,
                json!({"content": text("one"), "structuredContent": [1]}),
            ),
        ],
    );
}

#[test]
fn capabilities_are_what_the_revision_names() {
    let client = json!({"roots": {"listChanged": true}, "sampling": {"context": {}, "tools": {}},
        "elicitation": {"form": {}, "url": {}}, "tasks": {"list": {}},
        "experimental": {"x": {}, "bad": 1}, "extensions": {"a/b": {}}});
    let roots = json!({"listChanged": true});
    let known = json!({"x": {}});
    let extensions = json!({"a/b": {}});
    let v2025_11_25 = json!({"roots": roots, "sampling": client["sampling"],
        "elicitation": client["elicitation"], "tasks": {"list": {}}, "experimental": known,
        "extensions": extensions});
    expect::<ClientCapabilities>(
        client.clone(),
        &[
            (
                V2024_11_05,
                json!({"roots": roots, "sampling": {}, "experimental": known,
                    "extensions": extensions}),
            ),
            (
                V2025_06_18,
                json!({"roots": roots, "sampling": {}, "elicitation": {}, "experimental": known,
                    "extensions": extensions}),
            ),
            (V2025_11_25, v2025_11_25),
            (
                V2026_07_28,
                json!({"roots": {}, "sampling": client["sampling"],
                    "elicitation": client["elicitation"], "experimental": known,
                    "extensions": extensions}),
            ),
        ],
    );
    let server = json!({"tools": {"listChanged": true}, "resources": {"subscribe": true},
        "prompts": {}, "logging": {}, "completions": {}, "tasks": {"list": {}},
        "extensions": {"a/b": {}}});
    let base = json!({"tools": {"listChanged": true}, "resources": {"subscribe": true},
        "prompts": {}, "logging": {}, "extensions": extensions});
    let with = |name: &str, value: Value, base: &Value| {
        let mut all = base.clone();
        all[name] = value;
        all
    };
    let completing = with("completions", json!({}), &base);
    expect::<ServerCapabilities>(
        server,
        &[
            (V2024_11_05, base),
            (V2025_03_26, completing.clone()),
            (V2025_11_25, with("tasks", json!({"list": {}}), &completing)),
            (V2026_07_28, completing),
        ],
    );
}

#[test]
fn pages_without_forms_are_no_elicitation_before_they_exist() {
    let url = json!({"url": {}});
    expect::<ClientCapabilities>(
        json!({"elicitation": url}),
        &[
            (V2024_11_05, json!({})),
            (V2025_11_25, json!({"elicitation": url})),
        ],
    );
    let form: ElicitationCapability = serde_json::from_str("{}").unwrap();
    assert!(form.form && !form.url, "an empty object means forms");
}

#[test]
fn completion_is_cut_at_a_hundred() {
    let values = vec!["v".to_owned(); 101];
    let cut = written::<CompleteResult>(&json!({"completion": {"values": values}}), V2024_11_05);
    assert_eq!(cut["completion"]["values"].as_array().unwrap().len(), 100);
    assert_eq!(cut["completion"]["hasMore"], true);
    let whole = json!({"completion": {"values": values[..100], "hasMore": false}});
    assert_eq!(written::<CompleteResult>(&whole, V2024_11_05), whole);
}

#[test]
fn sampled_messages_are_taken_apart() {
    let params = json!({"maxTokens": 5, "messages": [
        {"role": "assistant", "_meta": {"k": 1}, "content": [
            {"type": "text", "text": "a"},
            {"type": "tool_use", "id": "1", "name": "t", "input": {"x": 1}}]},
        {"role": "user", "content": [
            {"type": "tool_result", "toolUseId": "1", "content": [], "structuredContent": [2],
                "isError": true}]},
        {"role": "user", "content": []}],
        "tools": [{"name": "t", "inputSchema": {"type": "object"}}], "toolChoice": {"mode": "none"}});
    let said =
        |role: &str, text: &str| json!({"role": role, "content": {"type": "text", "text": text}});
    let apart = json!({"maxTokens": 5, "messages": [
        said("assistant", "a"),
        said("assistant", "[call 1 of tool t: {\"x\":1}]"),
        said("user", "[result of call 1, failed]\n[2]")]});
    let mut v2025_11_25 = params.clone();
    let result = &mut v2025_11_25["messages"][1]["content"][0];
    result.as_object_mut().unwrap().remove("structuredContent");
    result["content"] = json!([{"type": "text", "text": "[2]"}]);
    expect::<CreateMessageParams>(
        params.clone(),
        &[
            (V2024_11_05, apart),
            (V2025_11_25, v2025_11_25),
            (V2026_07_28, params),
        ],
    );
}

#[test]
fn a_sampled_answer_is_put_together() {
    let answer = |content: Value| json!({"role": "assistant", "content": content, "model": "m"});
    let image = json!({"type": "image", "data": "", "mimeType": "image/png"});
    let text = |text: &str| json!({"type": "text", "text": text});
    for (many, one) in [
        (json!([text("a")]), text("a")),
        (json!([text("a"), text("b")]), text("a\n\nb")),
        (json!([text("a"), image]), text("a\n\n[image: image/png]")),
        (json!([image, image]), image.clone()),
        (json!([]), text("")),
    ] {
        expect::<CreateMessageResult>(
            answer(many.clone()),
            &[(V2024_11_05, answer(one)), (V2025_11_25, answer(many))],
        );
    }
}

/// The fields of a form as two revisions show them: 2025-06-18, and 2025-11-25 and after.
#[test]
fn fields_of_a_form_take_the_nearest_shape() {
    let colours = json!({"$defs": {"C": {"type": "string", "enum": ["r", "b"]},
        "D": {"type": "string", "description": "Theirs", "minLength": 1}}});
    let titled = json!([{"const": "r", "title": "Red"}, {"const": "b", "title": "b"}]);
    let names = json!({"type": "string", "enum": ["r", "b"], "enumNames": ["Red", "b"]});
    let plain = json!({"type": "string", "enum": ["r", "b"]});
    let nothing = Value::Null;
    let rows = [
        (
            json!({"type": "string", "title": "T", "format": "uri", "pattern": "x", "default": "d"}),
            json!({"type": "string", "title": "T", "format": "uri"}),
            json!({"type": "string", "title": "T", "format": "uri", "default": "d"}),
        ),
        (
            json!({"type": ["integer", "null"], "format": "uint8", "minimum": 0, "maximum": 255, "default": 1}),
            json!({"type": "integer", "minimum": 0, "maximum": 255}),
            json!({"type": "integer", "minimum": 0, "maximum": 255, "default": 1}),
        ),
        (
            json!({"type": "boolean", "default": true}),
            json!({"type": "boolean", "default": true}),
            json!({"type": "boolean", "default": true}),
        ),
        (
            json!(true),
            json!({"type": "string"}),
            json!({"type": "string"}),
        ),
        (plain.clone(), plain.clone(), plain.clone()),
        (
            json!({"oneOf": [{"const": "r", "title": "Red"}, {"const": "b"}], "default": "r"}),
            names.clone(),
            json!({"type": "string", "oneOf": titled, "default": "r"}),
        ),
        (
            json!({"type": "string", "enum": ["r", "b"], "enumNames": ["Red"]}),
            names.clone(),
            names.clone(),
        ),
        (
            json!({"oneOf": [{"type": "string", "enum": ["r"]}, {"const": "b", "description": "Blue"}]}),
            plain.clone(),
            plain.clone(),
        ),
        (
            json!({"anyOf": [{"$ref": "#/$defs/C"}, {"type": "null"}], "title": "T"}),
            json!({"type": "string", "title": "T", "enum": ["r", "b"]}),
            json!({"type": "string", "title": "T", "enum": ["r", "b"]}),
        ),
        (
            json!({"allOf": [{"$ref": "#/$defs/D"}], "description": "Own"}),
            json!({"type": "string", "description": "Own", "minLength": 1}),
            json!({"type": "string", "description": "Own", "minLength": 1}),
        ),
        (
            json!({"type": "array", "minItems": 1, "uniqueItems": true, "items": {"$ref": "#/$defs/C"}}),
            plain.clone(),
            json!({"type": "array", "minItems": 1, "items": plain}),
        ),
        (
            json!({"type": "array", "items": {"oneOf": titled}, "default": ["r"]}),
            names,
            json!({"type": "array", "items": {"anyOf": titled}, "default": ["r"]}),
        ),
        (json!({"type": "object"}), nothing.clone(), nothing.clone()),
        (
            json!({"type": "array", "items": {"type": "string"}}),
            nothing.clone(),
            nothing.clone(),
        ),
    ];
    for (field, simple, rich) in rows {
        for (revision, expected) in [
            (V2025_06_18, &simple),
            (V2025_11_25, &rich),
            (V2026_07_28, &rich),
        ] {
            let mut schema = colours.clone();
            schema["properties"] = json!({"f": field});
            schema["required"] = json!(["f"]);
            let form = json!({"message": "m", "requestedSchema": schema});
            let written = written::<ElicitParams>(&form, revision);
            let schema = &written["requestedSchema"];
            assert_eq!(
                schema["properties"].get("f").unwrap_or(&nothing),
                expected,
                "{field} in {revision}"
            );
            let required: &[&str] = if expected.is_null() { &[] } else { &["f"] };
            assert_eq!(schema["required"], json!(required), "{field} in {revision}");
            assert_eq!(written.get("mode").is_some(), revision >= V2025_11_25);
        }
    }
}

#[test]
fn a_single_choice_is_taken_as_a_list_of_one() {
    let schema = json!({"$defs": {"L": {"type": "array", "items": {"enum": ["a", "b"]}}},
        "properties": {"l": {"$ref": "#/$defs/L"}, "s": {"type": "string"}}});
    let answer = |list: Value| -> ElicitResult {
        serde_json::from_value(json!({"action": "accept", "content": {"l": list, "s": "a"}}))
            .unwrap()
    };
    for given in [json!("a"), json!(["a"])] {
        let mut result = answer(given);
        result.fit(&schema, V2025_06_18);
        assert_eq!(result, answer(json!(["a"])));
    }
    // Since then a client can offer several, and one without the list is its mistake.
    let mut result = answer(json!("a"));
    result.fit(&schema, V2025_11_25);
    assert_eq!(result, answer(json!("a")));
}

#[test]
fn what_cannot_be_asked_is_refused() {
    let form = ElicitParams::Form {
        message: "m".to_owned(),
        requested_schema: json!({}),
    };
    refused(&form, &[V2024_11_05, V2025_03_26]);
    let url = |elicitation_id| ElicitParams::Url {
        message: "m".to_owned(),
        url: "https://a".to_owned(),
        elicitation_id,
    };
    let early = [V2024_11_05, V2025_03_26, V2025_06_18];
    refused(&url(Some("e".to_owned())), &early);
    refused(&url(None), &[&early[..], &[V2025_11_25]].concat());
    assert_eq!(
        serde_json::to_value(at(&url(Some("e".to_owned())), V2026_07_28)).unwrap(),
        json!({"mode": "url", "message": "m", "url": "https://a"})
    );
    refused(&InputRequiredResult::default(), &Revision::ALL[..4]);
}

#[test]
fn answers_to_forms_hold_what_the_revision_knows() {
    let list = json!({"action": "accept", "content": {"s": "a", "l": ["a"], "o": {}, "n": null},
        "_meta": {"k": 1}});
    let some = json!({"action": "accept", "content": {"s": "a"}, "_meta": {"k": 1}});
    let more = json!({"action": "accept", "content": {"s": "a", "l": ["a"]}, "_meta": {"k": 1}});
    let modern = json!({"action": "accept", "content": {"s": "a", "l": ["a"]}});
    expect::<ElicitResult>(
        list,
        &[
            (V2024_11_05, some),
            (V2025_11_25, more),
            (V2026_07_28, modern),
        ],
    );
    expect::<ElicitResult>(
        json!({"action": "cancel", "content": {"s": "a"}}),
        &[(V2024_11_05, json!({"action": "cancel"}))],
    );
}

#[test]
fn a_frame_is_put_around_modern_results_only() {
    let server_info = to_raw_value(&json!({"name": "s", "version": "1"})).unwrap();
    let hint = CacheHint {
        ttl_ms: 5,
        scope: CacheScope::Public,
    };
    let framed = |value: &CallToolResult, revision| {
        let frame = ResultFrame::new(revision)
            .server_info(Some(&server_info))
            .cache(Some(hint));
        let mut out = b"before ".to_vec();
        write_result(&mut out, value, &frame).unwrap();
        String::from_utf8(out).unwrap()
    };
    let mut result = CallToolResult::text("hi");
    assert_eq!(
        framed(&result, V2025_11_25),
        r#"before {"content":[{"type":"text","text":"hi"}]}"#
    );
    // A call is never cached, whatever the frame says.
    assert_eq!(
        framed(&result, V2026_07_28),
        concat!(
            r#"before {"resultType":"complete","content":[{"type":"text","text":"hi"}],"#,
            r#""_meta":{"io.modelcontextprotocol/serverInfo":{"name":"s","version":"1"}}}"#
        )
    );
    let meta = json!({"k": 1, SERVER_INFO: "someone else"});
    result.meta = Some(serde_json::from_value(meta).unwrap());
    assert!(framed(&result, V2026_07_28).ends_with(
        r#""_meta":{"k":1,"io.modelcontextprotocol/serverInfo":{"name":"s","version":"1"}}}"#
    ));
}

#[test]
fn a_cacheable_result_always_says_so() {
    let write = |frame: ResultFrame<'_>| -> Value {
        let mut out = Vec::new();
        write_result(&mut out, &DiscoverResult::default(), &frame).unwrap();
        serde_json::from_slice(&out).unwrap()
    };
    let silent = write(ResultFrame::new(V2026_07_28));
    assert_eq!(silent["ttlMs"], 0);
    assert_eq!(silent["cacheScope"], "private");
    let said = write(ResultFrame::new(V2026_07_28).cache(Some(CacheHint {
        ttl_ms: 7,
        scope: CacheScope::Public,
    })));
    assert_eq!(said["ttlMs"], 7);
    assert_eq!(said["cacheScope"], "public");
}

#[test]
fn a_result_that_cannot_be_written_leaves_the_buffer_alone() {
    let mut out = b"before".to_vec();
    let frame = ResultFrame::new(V2025_11_25);
    assert!(write_result(&mut out, &InputRequiredResult::default(), &frame).is_err());
    assert_eq!(out, b"before");
}

#[test]
fn what_others_send_is_read() {
    // `null` for "none", unknown members, unknown revisions.
    let tool: Tool = serde_json::from_value(json!({"name": "n", "inputSchema": {}, "icons": null,
        "title": null, "annotations": null, "added": "later"}))
    .unwrap();
    assert_eq!(tool, Tool::new("n", json!({})));
    let found: DiscoverResult = serde_json::from_value(json!({"capabilities": {},
        "supportedVersions": ["2026-07-28", "2099-01-01"]}))
    .unwrap();
    assert_eq!(found.supported_versions, [V2026_07_28]);
    let roots: ListRootsResult =
        serde_json::from_value(json!({"roots": [{"uri": "file:///"}]})).unwrap();
    assert_eq!(roots.roots, [Root::new("file:///")]);
    let done: EmptyResult = serde_json::from_value(json!({"resultType": "complete"})).unwrap();
    assert_eq!(done, EmptyResult::default());
}

#[test]
fn content_is_read_by_its_type_wherever_that_stands() {
    let block: ContentBlock =
        serde_json::from_str(r#"{"text":"a","unknown":[1],"type":"text"}"#).unwrap();
    assert_eq!(block, ContentBlock::text("a"));
    let escaped: ContentBlock = serde_json::from_str(r#"{"type":"te\u0078t","text":"a"}"#).unwrap();
    assert_eq!(escaped, ContentBlock::text("a"));
    for (json, reason) in [
        (
            r#"{"type":"video","data":""}"#,
            "unknown content type \"video\"",
        ),
        (r#"{"type":"image","data":""}"#, "`mimeType`"),
        (
            r#"{"type":"tool_use","id":"","name":"","input":{}}"#,
            "tool_use",
        ),
        (r#"{"text":"a"}"#, "type"),
        (r#"{"type":"resource","resource":{"uri":"a:b"}}"#, "`text`"),
    ] {
        let error = serde_json::from_str::<ContentBlock>(json).unwrap_err();
        assert!(error.to_string().contains(reason), "{json}: {error}");
    }
    assert!(
        serde_json::from_str::<SamplingContent>(
            r#"{"type":"resource_link","uri":"a:b","name":"a"}"#
        )
        .is_err(),
        "models exchange no links"
    );
}

#[test]
fn resource_lists_and_reads_are_written() {
    let listed = json!({"resources": [{"uri": "a:b", "name": "n", "size": 3}], "nextCursor": "c"});
    expect::<ListResourcesResult>(listed.clone(), &[(V2024_11_05, listed)]);
    let read =
        json!({"contents": [{"uri": "a:b", "mimeType": "x/y", "blob": "AA=="}], "_meta": {"k": 1}});
    expect::<ReadResourceResult>(read.clone(), &[(V2024_11_05, read)]);
}
