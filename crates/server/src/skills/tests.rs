//! Skills as a client meets them.

use serde_json::{Value, json};
use wharf_protocol::revision::Revision;

use super::Skill;
use crate::{InProcess, Limits, Server};

fn refunds() -> Skill {
    Skill::new("refunds", "How to refund.")
        .instructions("See `templates/email.md`.")
        .file("templates/email.md", "Dear …")
        .file("templates/regional/eu.md", "Cher …")
        .file("logo.png", &b"\x89PNG\xff"[..])
        .under("acme/billing")
}

async fn served(server: Server) -> InProcess {
    server.in_process().await.expect("a server")
}

async fn get(client: &InProcess, method: &str, params: Value) -> Value {
    client.request(method, params).await.expect(method)
}

#[tokio::test]
async fn skills_are_listed_with_their_files_in_every_revision() {
    for revision in Revision::ALL {
        let client = served(
            Server::new("t")
                .skill(refunds())
                .skill(Skill::new("b", "B.")),
        )
        .await;
        let client = client.open(revision).await.expect("a session");
        let list = get(&client, "skills/list", json!({})).await;
        let skill = &list["skills"][0];
        assert_eq!(skill["uri"], "skill://acme/billing/refunds/SKILL.md");
        assert_eq!(skill["frontmatter"]["name"], "refunds");
        assert_eq!(skill["resources"].as_array().expect("files").len(), 4);
        assert_eq!(list.get("ttlMs").is_some(), revision.is_modern());
        let one = get(&client, "skills/get", json!({"uri": skill["uri"]})).await;
        assert_eq!(&one["skill"], skill);
        assert_eq!(one.get("ttlMs").is_some(), revision.is_modern());
        for file in skill["resources"].as_array().expect("files") {
            let uri = file["uri"].as_str().expect("a URI");
            client.read(uri).await.expect(uri);
        }
        let listed = get(&client, "resources/list", json!({})).await;
        let listed = listed["resources"].as_array().expect("resources").clone();
        assert_eq!(listed.len(), 2, "only what one begins with: {listed:?}");
        assert_eq!(listed[0]["name"], "refunds");
        assert_eq!(listed[0]["description"], "How to refund.");
        assert_eq!(listed[0]["mimeType"], "text/markdown");
    }
}

#[tokio::test]
async fn directories_are_listed_level_by_level() {
    let client = served(Server::new("t").skill(refunds())).await;
    let names = |result: Value| -> Vec<(String, String)> {
        let children = result["resources"].as_array().expect("children").clone();
        let text = |value: &Value| value.as_str().expect("text").to_owned();
        children
            .iter()
            .map(|child| (text(&child["name"]), text(&child["mimeType"])))
            .collect()
    };
    let pair = |name: &str, mime: &str| (name.to_owned(), mime.to_owned());
    for (uri, children) in [
        ("skill://acme", vec![pair("billing", "inode/directory")]),
        (
            "skill://acme/billing",
            vec![pair("refunds", "inode/directory")],
        ),
        (
            "skill://acme/billing/refunds",
            vec![
                pair("refunds", "text/markdown"),
                pair("logo.png", "image/png"),
                pair("templates", "inode/directory"),
            ],
        ),
        (
            "skill://acme/billing/refunds/templates",
            vec![
                pair("email.md", "text/markdown"),
                pair("regional", "inode/directory"),
            ],
        ),
    ] {
        let result = get(&client, "resources/directory/read", json!({"uri": uri})).await;
        assert_eq!(names(result), children, "{uri}");
    }
    for (method, params) in [
        (
            "resources/directory/read",
            json!({"uri": "skill://acme/billing/refunds/SKILL.md"}),
        ),
        (
            "resources/directory/read",
            json!({"uri": "skill://acme/billing/refunds/templates/"}),
        ),
        ("resources/directory/read", json!({"uri": "skill:/"})),
        ("resources/directory/read", json!({})),
        ("skills/get", json!({"uri": "skill://acme/billing/refunds"})),
        (
            "skills/get",
            json!({"uri": "skill://acme/billing/refunds/templates/email.md"}),
        ),
        ("skills/get", json!({})),
        ("skills/list", json!({"cursor": "s1"})),
        ("skills/list", json!({"cursor": "1"})),
    ] {
        let error = client
            .request(method, params.clone())
            .await
            .expect_err(method);
        assert_eq!(error.code, -32602, "{params}");
    }
}

#[tokio::test]
async fn long_lists_come_in_pages() {
    let limits = Limits {
        page_items: 2,
        ..Limits::default()
    };
    let mut server = Server::new("t").limits(limits);
    for n in 0..5 {
        server = server.skill(Skill::new(format!("s{n}"), "x").under("all"));
    }
    let client = served(server).await;
    for (method, member, params) in [
        ("skills/list", "skills", json!({})),
        (
            "resources/directory/read",
            "resources",
            json!({"uri": "skill://all"}),
        ),
    ] {
        let (mut seen, mut params) = (Vec::new(), params);
        loop {
            let page = get(&client, method, params.clone()).await;
            seen.extend(page[member].as_array().expect("a page").clone());
            match page.get("nextCursor") {
                Some(cursor) => params["cursor"] = cursor.clone(),
                None => break,
            }
        }
        assert_eq!(seen.len(), 5, "{method}");
    }
}

/// An enclosing skill has the files of a nested one too.
#[tokio::test]
async fn a_nested_skill_is_part_of_both() {
    let inner = || Skill::new("inner", "Inner.").file("a.md", "a");
    let text = "---\n\"name\": \"inner\"\n\"description\": \"Inner.\"\n---\n";
    let outer = |a: &'static str| {
        Skill::new("outer", "Outer.")
            .file("inner/SKILL.md", text)
            .file("inner/a.md", a)
    };
    let client = served(
        Server::new("t")
            .skill(outer("a"))
            .skill(inner().under("outer")),
    )
    .await;
    let list = get(&client, "skills/list", json!({})).await;
    assert_eq!(
        list["skills"][0]["resources"].as_array().map(Vec::len),
        Some(3)
    );
    assert_eq!(
        list["skills"][1]["resources"].as_array().map(Vec::len),
        Some(2)
    );
    for other in [
        Server::new("t")
            .skill(outer("b"))
            .skill(inner().under("outer")),
        Server::new("t").skill(inner()).skill(inner()),
    ] {
        let error = other.in_process().await.expect_err("refused");
        assert!(error.is_invalid_definition(), "{error}");
    }
}
