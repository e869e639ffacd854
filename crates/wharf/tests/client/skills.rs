//! Skills of a server: listed without being read, and read only as they were promised.

use serde_json::{Value, json};
use wharf::client::Error;
use wharf::{Client, Context, Extension, Resource, Server, Skill};

const ID: &str = "io.modelcontextprotocol/skills";
const MANIFEST: &str = "skill://acme/refunds/SKILL.md";

/// A server that says of one skill what it is told to, and has these files.
fn saying(entry: Value, files: &[(&str, &str)]) -> Server {
    let listed = json!({ "skills": [entry] });
    let got = json!({ "skill": entry });
    let give = |answer: Value| {
        move |_: Value, _: Context| std::future::ready(Ok::<_, wharf::Error>(answer.clone()))
    };
    let extension = Extension::new(ID)
        .method("skills/list", give(listed))
        .method("skills/get", give(got));
    let mut server = Server::new("Test").extension(extension);
    for (uri, text) in files {
        server = server.resource(Resource::text(*uri, *text));
    }
    server
}

fn honest() -> Server {
    let refunds = Skill::new("refunds", "Refund.")
        .field("metadata", json!({ "version": 1.0, "level": 2 }))
        .instructions("See `forms/ü 1.md`.\n")
        .file("forms/ü 1.md", "A form.")
        .file("logo.bin", &b"\xff\x00"[..])
        .under("acme");
    Server::new("Test").skill(refunds)
}

/// The entry of the honest server, and what its `SKILL.md` says.
async fn original() -> (Value, String) {
    let client = Client::in_process(honest()).await.expect("a client");
    let all = client.skills().all().await.expect("a list");
    let entry = serde_json::from_str(all[0].raw().get()).expect("JSON");
    let skill = client.load_skill(&all[0]).await.expect("a skill");
    (entry, skill.text().to_owned())
}

#[tokio::test]
async fn a_skill_is_found_loaded_and_read() {
    let client = Client::in_process(honest()).await.expect("a client");
    let all = client.skills().all().await.expect("a list");
    assert_eq!(all.len(), 1);
    let entry = client.skill(MANIFEST).await.expect("an entry");
    assert_eq!(entry, *all[0]);
    assert_eq!((entry.name(), entry.description()), ("refunds", "Refund."));
    let skill = client.load_skill(&entry).await.expect("a skill");
    assert_eq!(skill.instructions().trim(), "See `forms/ü 1.md`.");
    for (path, contents) in [
        ("forms/ü 1.md", &b"A form."[..]),
        ("./forms/../forms/%C3%BC%201.md", b"A form."),
        ("skill://acme/refunds/forms/%C3%BC%201.md", b"A form."),
        ("logo.bin", b"\xff\x00"),
    ] {
        let read = skill.read(path).await;
        assert_eq!(read.expect(path), contents, "{path}");
    }
    for path in [
        "",
        "no.md",
        "../refunds/logo.bin",
        "/logo.bin",
        "skill://acme/refunds/no.md",
    ] {
        let error = skill.read(path).await.expect_err(path);
        assert!(error.is_unverified(), "{path}: {error}");
    }
    let unknown = client.skill("skill://no/SKILL.md").await;
    assert!(unknown.is_err_and(|error| error.as_rpc().is_some()));
}

#[tokio::test]
async fn what_is_not_as_it_was_promised_is_not_loaded() {
    let (entry, text) = original().await;
    let digest = entry["resources"][0]["digest"].clone();
    let with = |pointer: &str, value: Value| {
        let mut entry = entry.clone();
        *entry.pointer_mut(pointer).expect("a place") = value;
        entry
    };
    let other = format!("{text}more");
    for (why, entry, text) in [
        ("another digest", entry.clone(), text.replace("See", "Sea")),
        ("has 1", entry.clone(), other.clone()),
        (
            "another digest",
            with(
                "/resources/0/digest",
                entry["resources"][1]["digest"].clone(),
            ),
            text.clone(),
        ),
        (
            "another digest",
            with(
                "/resources/0/digest",
                json!(digest.as_str().unwrap_or_default().to_uppercase()),
            ),
            text.clone(),
        ),
        (
            "frontmatter",
            with("/frontmatter/description", json!("Other.")),
            text.clone(),
        ),
        (
            "frontmatter",
            with("/frontmatter/metadata", json!({ "version": 1 })),
            text.clone(),
        ),
    ] {
        let client = Client::in_process(saying(entry, &[(MANIFEST, &text)])).await;
        let client = client.expect("a client");
        let entry = client.skill(MANIFEST).await.expect("an entry");
        let error = client.load_skill(&entry).await.expect_err(why);
        assert!(
            error.is_unverified() && error.to_string().contains(why),
            "{error}"
        );
    }
    // As some write numbers.
    let entry = with(
        "/frontmatter/metadata",
        json!({ "version": 1, "level": 2.0 }),
    );
    let client = Client::in_process(saying(entry, &[(MANIFEST, &text)])).await;
    let client = client.expect("a client");
    let entry = client.skill(MANIFEST).await.expect("an entry");
    client.load_skill(&entry).await.expect("the same skill");
}

#[tokio::test]
async fn an_entry_that_cannot_be_right_is_left_out() {
    let (entry, text) = original().await;
    let file = |uri: &str| json!({ "uri": uri, "digest": "sha256:00" });
    let manifest = entry["resources"][0].clone();
    for (member, value) in [
        ("uri", json!("skill://acme/other/SKILL.md")),
        ("uri", json!("skill://acme/refunds")),
        ("frontmatter", json!({ "name": "refunds" })),
        ("resources", json!([])),
        ("resources", json!([manifest, manifest])),
        (
            "resources",
            json!([manifest, file("skill://acme/other/a.md")]),
        ),
        (
            "resources",
            json!([manifest, file("skill://acme/refundsx/a.md")]),
        ),
        ("resources", json!("all")),
    ] {
        let mut entry = entry.clone();
        entry[member] = value;
        let said = entry.to_string();
        let client = Client::in_process(saying(entry, &[(MANIFEST, &text)])).await;
        let client = client.expect("a client");
        assert!(
            client.skills().all().await.expect("a list").is_empty(),
            "{said}"
        );
        let error: Error = client.skill(MANIFEST).await.expect_err(&said);
        assert!(error.is_protocol(), "{said}: {error}");
    }
}

#[tokio::test]
async fn a_skill_without_digests_is_compared_as_far_as_it_can_be() {
    let (mut entry, text) = original().await;
    entry
        .as_object_mut()
        .expect("an object")
        .remove("resources");
    let files = [(MANIFEST, &*text), ("skill://acme/refunds/a.md", "A")];
    let client = Client::in_process(saying(entry, &files)).await;
    let client = client.expect("a client");
    let entry = client.skill(MANIFEST).await.expect("an entry");
    let skill = client.load_skill(&entry).await.expect("a skill");
    assert_eq!(skill.read("a.md").await.expect("a file"), "A");
    assert!(
        skill
            .read("../../a.md")
            .await
            .is_err_and(|error| error.is_unverified())
    );
}
