//! Finding notes, with words that want to be more than words.

use super::*;

async fn found(server: &Served, query: &str) -> Value {
    let found = server.tool("search_notes", json!({ "query": query })).await;
    assert_ne!(found["isError"], true, "{query}: {found}");
    found["structuredContent"].clone()
}

fn ids(found: &Value) -> Vec<&str> {
    let notes = found["notes"].as_array().expect("notes");
    notes
        .iter()
        .filter_map(|note| note["id"].as_str())
        .collect()
}

#[tokio::test]
async fn notes_are_found_by_their_words_best_first() {
    let server = serve(&in_memory()).await;
    server
        .create("Shopping", "Milk, bread and a café. Deployment at noon.")
        .await;
    server.create("Café", "Open until six.").await;
    server.create("Other", "Nothing of it.").await;
    let cafe = found(&server, "CAFE").await;
    assert_eq!(ids(&cafe), ["2", "1"], "a title says more");
    assert_eq!(cafe["total"], 2);
    assert_eq!(
        cafe["notes"][1]["snippet"],
        "Milk, bread and a **café**. Deployment at noon."
    );
    assert!(cafe.get("cut").is_none());
    assert_eq!(
        ids(&found(&server, "deploy milk").await),
        ["1"],
        "all words, as beginnings"
    );
    assert!(ids(&found(&server, "deploy six").await).is_empty());

    server
        .tool("update_note", json!({"id": "1", "content": "Empty."}))
        .await;
    assert!(
        ids(&found(&server, "milk").await).is_empty(),
        "the old words are forgotten"
    );
    server.tool("delete_note", json!({"id": "2"})).await;
    assert!(ids(&found(&server, "cafe").await).is_empty());
    assert_eq!(ids(&found(&server, "empty").await), ["1"]);
}

#[tokio::test]
async fn what_is_cut_is_said() {
    let server = serve(&in_memory()).await;
    for n in 0..12 {
        server
            .create(&format!("Note {n}"), "tide ".repeat(200).trim())
            .await;
    }
    let found = found(&server, "tide").await;
    assert_eq!((ids(&found).len(), &found["total"]), (10, &json!(12)));
    let cut = found["cut"].as_str().expect("said");
    assert!(cut.starts_with("10 of 12 matches"), "{cut}");
    let snippet = found["notes"][0]["snippet"].as_str().expect("a snippet");
    assert!(snippet.len() < 400 && snippet.contains('…'), "{snippet}");

    let listed = server.tool("list_notes", json!({"limit": 5})).await;
    let listed = &listed["structuredContent"];
    assert_eq!((ids(listed).len(), &listed["next"]), (5, &json!("5")));
    let rest = server.tool("list_notes", json!({"after": "10"})).await;
    let rest = &rest["structuredContent"];
    assert_eq!((ids(rest), rest.get("next")), (vec!["11", "12"], None));
}

/// SECURITY 12: text of a client is never syntax, neither of SQL nor of the search.
#[tokio::test]
async fn text_of_a_client_is_never_syntax() {
    let server = serve(&in_memory()).await;
    server
        .create("Robert'); DROP TABLE notes;--", "NEAR title: content")
        .await;
    server.create("Other", "Some words.").await;
    for query in [
        "\" OR 1=1",
        "title:Other",
        "title : Other",
        "{title content} : x",
        "*",
        "Some*",
        "\"",
        "\"\"\"",
        "NEAR(",
        "NEAR(Some words, 5)",
        "Some AND",
        "Some OR Robert",
        "NOT Some",
        "- ^Some",
        "Some\0words",
        "\0",
        "'; DROP TABLE notes; --",
        "x' UNION SELECT * FROM clock --",
        "\u{1d}\u{202e}",
        "(((((",
        "\u{10ffff}",
    ] {
        let result = server.tool("search_notes", json!({ "query": query })).await;
        // Words are found or not, or there is none; nothing else can come of it.
        let said = text(&result);
        match result["isError"] == true {
            true => assert!(
                said.starts_with("there is no word in the query"),
                "{query}: {said}"
            ),
            false => {
                let found = ids(&result["structuredContent"]).len();
                let expected = match query {
                    "Some*" | "- ^Some" | "Some\0words" => 1,
                    "title:Other" | "title : Other" => 0,
                    _ => 0,
                };
                assert_eq!(found, expected, "{query}: {said}");
            }
        }
    }
    let long = server
        .fails("search_notes", json!({"query": "x".repeat(100_000)}))
        .await;
    assert!(long.contains("1000"), "{long}");
    let words = server
        .fails("search_notes", json!({"query": "x ".repeat(400)}))
        .await;
    assert!(words.contains("32 words"), "{words}");

    for id in [
        "1 OR 1=1",
        "1; DROP TABLE notes",
        "%",
        "01",
        "+1",
        "-1",
        "0",
        "",
        "1e0",
        "99",
    ] {
        let said = server.fails("read_note", json!({ "id": id })).await;
        assert!(said.starts_with("there is no note"), "{id}: {said}");
        let gone = server.fails("delete_note", json!({ "id": id })).await;
        assert!(gone.starts_with("there is no note"), "{id}: {gone}");
        let uri = format!("note:///{id}")
            .replace(' ', "%20")
            .replace('%', "%25");
        server.read(&uri).await.expect_err(id);
    }
    assert_eq!(server.listed().await.len(), 2);
}

#[tokio::test]
async fn ids_are_completed_by_id_and_by_title() {
    let server = serve(&in_memory()).await;
    for n in 1..=120 {
        server.create(&format!("Note {n}"), "").await;
    }
    server.create("Tide tables", "").await;
    let complete = async |value: &str| {
        let params = json!({
            "ref": {"type": "ref/resource", "uri": "note:///{id}"},
            "argument": {"name": "id", "value": value},
        });
        let result = server.request("completion/complete", params).await;
        result.expect("completions")["completion"].clone()
    };
    assert_eq!(complete("tab").await["values"], json!(["121"]));
    assert_eq!(complete("50").await["values"], json!(["50"]));
    let all = complete("").await;
    assert_eq!(all["values"].as_array().map(Vec::len), Some(100));
    assert_eq!(
        (&all["total"], &all["hasMore"]),
        (&json!(121), &json!(true))
    );
    for odd in ["%", "_", "\" OR 1", "title:x", "*", &"9".repeat(5000)] {
        assert_eq!(complete(odd).await["values"], json!([]), "{odd}");
    }
}
