//! Limits, questions, and what the prompt says.

use super::*;

#[tokio::test]
async fn limits_say_what_was_wrong_and_what_to_do() {
    let options = Options {
        max_notes: 2,
        max_title: 5,
        max_content: 10,
        ..in_memory()
    };
    let server = serve(&options).await;
    for (title, content, why) in [
        ("", "", "needs a title"),
        (" \t", "", "needs a title"),
        ("a\nb", "", "one line"),
        ("a\u{1b}[31m", "", "one line"),
        ("sixsix", "", "6 characters, and may have 5"),
        ("a", "12345678901", "11 bytes, and a note may have 10"),
    ] {
        let new = json!({"title": title, "content": content});
        let said = server.fails("create_note", new).await;
        assert!(said.contains(why), "{said}");
    }
    server.create("ööööö", "1234567890").await;
    server.create("b", "").await;
    let said = server
        .fails("create_note", json!({"title": "c", "content": ""}))
        .await;
    assert!(
        said.contains("there are 2 notes") && said.contains("delete_note"),
        "{said}"
    );
    for (change, why) in [
        (json!({"id": "1"}), "nothing to change"),
        (json!({"id": "1", "title": "sixsix"}), "6 characters"),
        (json!({"id": "1", "content": "12345678901"}), "11 bytes"),
        (json!({"id": "9", "title": "x"}), "there is no note \"9\""),
    ] {
        let said = server.fails("update_note", change).await;
        assert!(said.contains(why), "{said}");
    }
}

#[tokio::test]
async fn deleting_asks_first() {
    let answers = |action: &'static str| {
        move |client: InProcess| {
            client.answering(move |_| match action {
                "accept" => json!({"action": "accept", "content": {}}),
                action => json!({ "action": action }),
            })
        }
    };
    let always = Options {
        confirm: Confirm::Always,
        ..in_memory()
    };
    let never = Options {
        confirm: Confirm::Never,
        ..in_memory()
    };
    for revision in [
        Revision::V2025_06_18,
        Revision::V2025_11_25,
        Revision::LATEST,
    ] {
        for action in ["decline", "cancel"] {
            let server = serve_with(&in_memory(), answers(action))
                .await
                .at(revision)
                .await;
            server.create("a", "x").await;
            let said = server.fails("delete_note", json!({"id": "1"})).await;
            assert!(said.contains("did not agree"), "{said}");
            assert_eq!(server.listed().await.len(), 1);
        }
        let server = serve_with(&always, answers("accept"))
            .await
            .at(revision)
            .await;
        server.create("a", "x").await;
        let gone = server.tool("delete_note", json!({"id": "1"})).await;
        assert_eq!(gone["content"].as_array().map(Vec::len), Some(1), "{gone}");
        assert!(server.listed().await.is_empty());
    }
    // Nobody who could be asked.
    let server = serve(&always).await;
    server.create("a", "x").await;
    let said = server.fails("delete_note", json!({"id": "1"})).await;
    assert!(said.contains("must be confirmed"), "{said}");
    let server = serve_with(&never, answers("decline")).await;
    server.create("a", "x").await;
    let gone = server.tool("delete_note", json!({"id": "1"})).await;
    assert_eq!(gone["content"][1]["resource"]["text"], "x");
}

#[tokio::test]
async fn tools_say_what_they_do() {
    let server = serve(&in_memory()).await;
    let list = server
        .request("tools/list", json!({}))
        .await
        .expect("tools");
    let tools = list["tools"].as_array().expect("a list");
    let hints = |name: &str| {
        let tool = tools.iter().find(|tool| tool["name"] == name).expect(name);
        let hint = |hint: &str| tool["annotations"][hint].as_bool();
        assert_eq!(hint("openWorldHint"), Some(false), "{tool}");
        for (name, property) in tool["inputSchema"]["properties"]
            .as_object()
            .into_iter()
            .flatten()
        {
            assert!(property["description"].is_string(), "{name} of {tool}");
        }
        (hint("readOnlyHint"), hint("destructiveHint"))
    };
    for name in ["search_notes", "list_notes", "read_note"] {
        assert_eq!(hints(name).0, Some(true), "{name}");
    }
    assert_eq!(hints("create_note"), (Some(false), Some(false)));
    assert_eq!(hints("update_note"), (Some(false), Some(true)));
    assert_eq!(hints("delete_note"), (Some(false), Some(true)));
    assert_eq!(tools.len(), 6);
}

#[tokio::test]
async fn the_prompt_embeds_every_note_and_says_what_it_leaves_out() {
    let options = Options {
        max_prompt: 2000,
        ..in_memory()
    };
    let server = serve(&options).await;
    let get = async |arguments: Value| {
        let got = server.prompt("summarize_notes", arguments).await;
        serde_json::to_value(got.expect("messages").messages.len()).expect("a number")
    };
    assert_eq!(get(json!({})).await, 1, "there are none, and it says so");
    server.create("First", "one").await;
    server.create("Second", &"two ".repeat(100)).await;

    let params = json!({"name": "summarize_notes", "arguments": {"style": "detailed"}});
    let got = server
        .request("prompts/get", params.clone())
        .await
        .expect("messages");
    let messages = got["messages"].as_array().expect("messages");
    let text = |n: usize| messages[n]["content"]["text"].as_str().expect("text");
    assert_eq!(
        text(0),
        "Here are all 2 notes:\n\n- note:///1: First\n- note:///2: Second"
    );
    assert_eq!(
        messages[1]["content"],
        json!({"type": "resource", "resource":
            {"uri": "note:///1", "mimeType": "text/plain", "text": "one"}})
    );
    assert_eq!(text(3), "Summarize all notes above. Give all details.");

    for n in 0..5 {
        server.create(&format!("More {n}"), &"x".repeat(300)).await;
    }
    let got = server
        .request("prompts/get", params)
        .await
        .expect("messages");
    let messages = got["messages"].as_array().expect("messages");
    let introduction = messages[0]["content"]["text"].as_str().expect("text");
    assert!(
        introduction
            .starts_with("Here are 3 of 7 notes, those that were changed last. The other 4"),
        "{introduction}"
    );
    assert_eq!(messages.len(), 5);
    assert_eq!(messages[1]["content"]["resource"]["uri"], "note:///5");
    let own = server
        .prompt("summarize_notes", json!({"style": "as a poem"}))
        .await;
    assert!(format!("{own:?}").contains("in this style: as a poem"));
    let long = json!({"style": "x".repeat(501)});
    let error = server
        .prompt("summarize_notes", long)
        .await
        .expect_err("too long");
    assert_eq!(error.code, -32602);
}

#[tokio::test]
async fn pages_are_stable_while_notes_come_and_go() {
    let server = serve(&in_memory()).await;
    for n in 0..120 {
        server.create(&format!("Note {n}"), "").await;
    }
    let first = server
        .request("resources/list", json!({}))
        .await
        .expect("a page");
    let shown = first["resources"].as_array().expect("notes").len();
    assert!(shown < 120, "{shown}");
    server.tool("delete_note", json!({"id": "1"})).await;
    let last = shown.to_string();
    server.tool("delete_note", json!({ "id": last })).await;
    let cursor = json!({"cursor": first["nextCursor"]});
    let next = server
        .request("resources/list", cursor)
        .await
        .expect("a page");
    let uri = format!("note:///{}", shown + 1);
    assert_eq!(next["resources"][0]["uri"], uri.as_str());
    assert_eq!(server.listed().await.len(), 118);
}
