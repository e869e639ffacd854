use base64::Engine as _;
use serde_json::{Value, json};
use wharf::InProcess;
use wharf::protocol::content::ContentBlock;
use wharf::protocol::revision::Revision;
use wharf::protocol::tools::CallToolResult;

use super::*;

async fn server() -> InProcess {
    starter().in_process().await.expect("a server")
}

fn text(result: &CallToolResult) -> &str {
    result.content[0].as_text().expect("text")
}

async fn list(server: &InProcess, method: &str, member: &str) -> Vec<Value> {
    let result = server.request(method, json!({})).await.expect("a list");
    result[member].as_array().expect("an array").clone()
}

async fn complete(server: &InProcess, reference: Value, name: &str, value: &str) -> Value {
    let params = json!({"ref": reference, "argument": {"name": name, "value": value}});
    let result = server.request("completion/complete", params).await;
    result.expect("completions")["completion"]["values"].clone()
}

#[tokio::test]
async fn everything_is_described() {
    let server = server().await;
    for (method, member, names) in [
        (
            "tools/list",
            "tools",
            &["echo", "add", "calculate", "countdown", "greet_me"][..],
        ),
        ("resources/list", "resources", &["about", "logo"]),
        (
            "resources/templates/list",
            "resourceTemplates",
            &["greeting"],
        ),
        ("prompts/list", "prompts", &["review", "explain"]),
    ] {
        let items = list(&server, method, member).await;
        let found: Vec<&str> = items
            .iter()
            .filter_map(|item| item["name"].as_str())
            .collect();
        assert_eq!(found, names, "{method}");
        for item in &items {
            assert!(item["title"].is_string(), "{item}");
            assert!(item["description"].is_string(), "{item}");
            let icon = item["icons"][0]["src"].as_str().expect("an icon");
            assert!(
                icon.starts_with("data:image/svg+xml,") && !icon.contains([' ', '"', '<', '>']),
                "{icon}"
            );
            if member == "tools" {
                assert_eq!(item["annotations"]["readOnlyHint"], true, "{item}");
                assert_eq!(item["annotations"]["openWorldHint"], false, "{item}");
                let properties = item["inputSchema"]["properties"].as_object();
                for (name, property) in properties.into_iter().flatten() {
                    assert!(property["description"].is_string(), "{name} of {item}");
                }
            }
        }
    }
    let about = server.request("server/discover", json!({})).await;
    let about = about.expect("a description of the server");
    assert!(about["instructions"].is_string(), "{about}");
}

#[tokio::test]
async fn echo_repeats() {
    let message = "Grüße \u{1f6a2}\n\"2\"";
    let result = server()
        .await
        .call("echo", json!({ "message": message }))
        .await;
    assert_eq!(text(&result.expect("a result")), message);
}

#[tokio::test]
async fn add_is_structured() {
    let server = server().await;
    let result = server.call("add", json!({"a": -1, "b": 43})).await;
    let result = result.expect("a result");
    assert_eq!(text(&result), r#"{"result":42}"#);
    let structured = result.structured_content.expect("structured content");
    assert_eq!(structured.get(), r#"{"result":42}"#);

    let result = server
        .call("add", json!({"a": i64::MAX, "b": 1}))
        .await
        .expect("a result");
    assert_eq!(result.is_error, Some(true));
    assert!(
        text(&result).contains("outside of what 64 bits hold"),
        "{result:?}"
    );
}

#[tokio::test]
async fn calculate_calculates() {
    let server = server().await;
    let result = server
        .call("calculate", json!({"expression": "2 * (3 + 4)"}))
        .await
        .expect("a result");
    assert_eq!(text(&result), "14");
    let result = server
        .call("calculate", json!({"expression": "2 * * 4"}))
        .await
        .expect("a result");
    assert_eq!(result.is_error, Some(true));
    assert!(text(&result).starts_with("at character 5: "), "{result:?}");
}

#[tokio::test(start_paused = true)]
async fn countdown_tells_each_step() {
    for revision in [
        Revision::V2025_03_26,
        Revision::V2025_11_25,
        Revision::LATEST,
    ] {
        let server = server().await.open(revision).await.expect("a session");
        let mut about = json!({"progressToken": "p"});
        if revision.is_modern() {
            about["io.modelcontextprotocol/logLevel"] = json!("info");
        } else {
            let level = json!({"level": "info"});
            server
                .request("logging/setLevel", level)
                .await
                .expect("a level");
        }
        let before = tokio::time::Instant::now();
        let params = json!({
            "name": "countdown", "arguments": {"from": 3, "interval_ms": 60_000}, "_meta": about,
        });
        let result = server
            .request("tools/call", params)
            .await
            .expect("a result");
        assert_eq!(result["content"][0]["text"], "liftoff");
        assert_eq!(before.elapsed().as_secs(), 180, "{revision}");
        let heard = server.notifications();
        let of = |method: &str| -> Vec<&Value> {
            let found = heard.iter().filter(|message| message["method"] == method);
            found.map(|message| &message["params"]).collect()
        };
        let steps: Vec<(f64, f64)> = of("notifications/progress")
            .iter()
            .filter_map(|step| Some((step["progress"].as_f64()?, step["total"].as_f64()?)))
            .collect();
        assert_eq!(steps, [(1.0, 3.0), (2.0, 3.0), (3.0, 3.0)], "{revision}");
        let logs: Vec<_> = of("notifications/message")
            .iter()
            .map(|log| (log["level"].clone(), log["data"].clone()))
            .collect();
        let expected = ["3…", "2…", "1…"].map(|data| (json!("info"), json!(data)));
        assert_eq!(logs, expected, "{revision}");
    }
}

#[tokio::test]
async fn countdown_has_limits() {
    let server = server().await;
    for arguments in [
        json!({"from": 0, "interval_ms": 0}),
        json!({"from": 1001, "interval_ms": 0}),
        json!({"from": 1, "interval_ms": 60_001}),
        json!({"from": 1, "interval_ms": -1}),
        json!({"from": 1}),
    ] {
        let result = server.call("countdown", arguments.clone()).await;
        let result = result.expect("a result");
        assert_eq!(result.is_error, Some(true), "{arguments}: {result:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_countdown_counts_no_more() {
    let server = server().await;
    let params = json!({
        "name": "countdown", "arguments": {"from": 1000, "interval_ms": 1000},
        "_meta": {"progressToken": 1},
    });
    let call = server.request("tools/call", params);
    let cut_off = tokio::time::timeout(std::time::Duration::from_millis(2500), call).await;
    cut_off.expect_err("it is still counting");
    assert_eq!(server.notifications().len(), 3);
    tokio::time::sleep(std::time::Duration::from_secs(10)).await;
    assert_eq!(server.notifications().len(), 0);
}

#[tokio::test]
async fn greet_me_asks_in_every_revision() {
    for revision in [
        Revision::V2025_06_18,
        Revision::V2025_11_25,
        Revision::LATEST,
    ] {
        for (answer, greeting) in [
            (
                json!({"action": "accept", "content": {"name": "Ada"}}),
                "Hello, Ada!",
            ),
            (json!({"action": "decline"}), "Hello, stranger!"),
            (json!({"action": "cancel"}), "Hello, stranger!"),
        ] {
            let server = server().await.answering(move |_| answer.clone());
            let server = server.open(revision).await.expect("a session");
            let result = server.call("greet_me", json!({})).await.expect("a result");
            assert_eq!(text(&result), greeting, "{revision}");
        }
    }
    let mute = server().await.open(Revision::V2025_11_25).await;
    let result = mute.expect("a session").call("greet_me", json!({})).await;
    let result = result.expect("a result");
    assert_eq!(result.is_error, Some(true));
    assert!(text(&result).contains("elicitation"), "{result:?}");
}

#[tokio::test]
async fn resources_can_be_read() {
    let server = server().await;
    let read = async |uri: &str| {
        let result = server
            .request("resources/read", json!({ "uri": uri }))
            .await;
        result.expect("contents")["contents"][0].clone()
    };
    let about = read("wharf://about").await;
    assert_eq!(about["mimeType"], "text/markdown");
    assert!(
        about["text"]
            .as_str()
            .is_some_and(|text| text.starts_with("# Wharf"))
    );

    let logo = read("wharf://logo").await;
    assert_eq!(logo["mimeType"], "image/png");
    let bytes = base64::engine::general_purpose::STANDARD
        .decode(logo["blob"].as_str().expect("bytes"))
        .expect("base64");
    assert!(bytes.starts_with(b"\x89PNG\r\n\x1a\n") && bytes.len() < 4096);
    let resources = list(&server, "resources/list", "resources").await;
    assert_eq!(resources[1]["size"], bytes.len());

    let greeting = read("greeting://Ren%C3%A9e").await;
    assert_eq!(greeting["text"], "Hello, Renée!");
    server.read("wharf://nothing").await.expect_err("not there");
}

#[tokio::test]
async fn prompts_and_completions() {
    let server = server().await;
    let result = server.prompt("review", json!({"code": "fn f() {}"})).await;
    let review = result.expect("a prompt");
    let ContentBlock::Text(words) = &review.messages[0].content else {
        panic!("not text: {review:?}");
    };
    assert!(words.text.ends_with("\n\nfn f() {}"), "{words:?}");

    let mut different = std::collections::BTreeSet::new();
    for level in ["beginner", "intermediate", "expert"] {
        let arguments = json!({"topic": "tides", "level": level});
        let result = server.prompt("explain", arguments).await.expect("a prompt");
        let words = format!("{:?}", result.messages[0].content);
        assert!(words.contains("explain tides to"), "{words}");
        different.insert(words);
    }
    assert_eq!(different.len(), 3);
    let wrong = json!({"topic": "tides", "level": "wizard"});
    let error = server.prompt("explain", wrong).await.expect_err("an error");
    assert_eq!(error.code, -32602);

    let explain = json!({"type": "ref/prompt", "name": "explain"});
    let levels = complete(&server, explain.clone(), "level", "").await;
    assert_eq!(levels, json!(["beginner", "intermediate", "expert"]));
    let levels = complete(&server, explain, "level", "e").await;
    assert_eq!(levels, json!(["expert"]));
    let greeting = json!({"type": "ref/resource", "uri": "greeting://{name}"});
    let names = complete(&server, greeting, "name", "a").await;
    assert_eq!(names, json!(["Ada", "Alan"]));
}
