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

/// What a client is told when skills come and go.
#[tokio::test]
async fn skills_come_and_go_with_the_catalog() {
    const EXTENSION: &str = "io.modelcontextprotocol/skills";
    let loaded = |skill: Skill| skill.load().expect("a skill");
    let server = Server::new("t");
    let catalog = server.catalog().clone();
    let client = served(server).await;
    let declared = async || {
        let about = get(&client, "server/discover", json!({})).await;
        let resources = about["capabilities"].get("resources").is_some();
        let extensions = &about["capabilities"]["extensions"];
        (extensions.get(EXTENSION).is_some(), resources)
    };
    assert_eq!(declared().await, (false, false));
    let refused = client.request("skills/list", json!({})).await;
    assert_eq!(refused.expect_err("nothing there").code, -32601);

    let changed = catalog.update(|edit| edit.offer_skills());
    assert!(changed.expect("updated").resources);
    assert_eq!(declared().await, (true, true));
    let list = get(&client, "skills/list", json!({})).await;
    assert_eq!(list["skills"], json!([]));

    let outer = || Skill::new("outer", "Outer.").file("a.md", "a");
    catalog
        .update(|edit| {
            edit.add_skill(loaded(outer().file("b.md", "b")));
            edit.add_skill(loaded(refunds()));
        })
        .expect("updated");
    let before = get(&client, "skills/list", json!({})).await;
    client.read("skill://outer/b.md").await.expect("a file");
    let same = catalog.update(|edit| edit.add_skill(loaded(refunds())));
    assert!(!same.expect("updated").any(), "it was there just so");

    // One is replaced in its place: a file is different, another one is gone.
    let changed = catalog
        .update(|edit| edit.add_skill(loaded(Skill::new("outer", "Outer.").file("a.md", "new"))))
        .expect("updated");
    assert!(changed.resources && !changed.tools);
    let after = get(&client, "skills/list", json!({})).await;
    assert_eq!(after["skills"][0]["uri"], before["skills"][0]["uri"]);
    assert_ne!(after["skills"][0], before["skills"][0]);
    assert_eq!(after["skills"][1], before["skills"][1]);
    let read = get(
        &client,
        "resources/read",
        json!({"uri": "skill://outer/a.md"}),
    )
    .await;
    assert_eq!(read["contents"][0]["text"], "new");
    let gone = client.read("skill://outer/b.md").await;
    gone.expect_err("it is gone");
    let directory = json!({"uri": "skill://outer"});
    let children = get(&client, "resources/directory/read", directory.clone()).await;
    assert_eq!(children["resources"].as_array().map(Vec::len), Some(2));

    // An edit with an error changes nothing.
    let nested = Skill::new("inner", "Inner.").under("outer");
    let other = outer().file("inner/SKILL.md", "---\nname: x\ndescription: y\n---\n");
    let error = catalog.update(|edit| {
        edit.add_skill(loaded(other));
        edit.add_skill(loaded(nested));
    });
    let error = error.expect_err("two files of one URI");
    assert!(error.message().contains("is in two skills"), "{error}");
    assert_eq!(get(&client, "skills/list", json!({})).await, after);

    catalog
        .update(|edit| {
            assert!(edit.remove_skill("skill://outer/SKILL.md"));
            assert!(!edit.remove_skill("skill://outer/SKILL.md"));
        })
        .expect("updated");
    let error = client.request("resources/directory/read", directory).await;
    assert_eq!(error.expect_err("gone").code, -32602);
    client.read("skill://outer/a.md").await.expect_err("gone");
    let list = get(&client, "skills/list", json!({})).await;
    assert_eq!(list["skills"], json!([before["skills"][1]]));
    catalog.update(crate::CatalogEdit::clear).expect("updated");
    assert_eq!(declared().await, (false, false));
}

/// Who brings an extension of that name serves it, where there are no skills beside.
#[tokio::test]
async fn skills_of_somebody_else() {
    let own = || {
        crate::Extension::new("io.modelcontextprotocol/skills").method(
            "skills/list",
            |_: serde_json::Map<String, Value>, _: crate::Context| async {
                Ok::<_, crate::Error>(json!({ "skills": ["own"] }))
            },
        )
    };
    let client = served(Server::new("t").extension(own())).await;
    let list = get(&client, "skills/list", json!({})).await;
    assert_eq!(list["skills"], json!(["own"]));
    let both = Server::new("t").extension(own()).skill(refunds());
    let error = both.in_process().await.expect_err("refused");
    assert!(error.is_invalid_definition(), "{error}");
}
