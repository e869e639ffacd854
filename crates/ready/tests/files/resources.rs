//! Files as resources.

use base64::Engine as _;
use serde_json::{Value, json};

use super::support::{Scratch, Served};

#[tokio::test]
async fn files_are_resources() {
    let scratch = Scratch::with(&[("docs/a b.md", "# A"), ("main.rs", "fn main() {}")]);
    scratch.put("logo.png", b"\x89PNG\xff");
    let served = scratch.serve().await;
    let listed = served
        .client
        .request("resources/list", json!({}))
        .await
        .expect("a list");
    let listed = listed["resources"].as_array().expect("resources");
    let names: Vec<_> = listed
        .iter()
        .map(|one| (&one["name"], &one["mimeType"], &one["size"]))
        .collect();
    assert_eq!(
        names,
        [
            (&json!("a b.md"), &json!("text/markdown"), &json!(3)),
            (&json!("logo.png"), &json!("image/png"), &json!(5)),
            (&json!("main.rs"), &json!("text/x-rust"), &json!(12)),
        ]
    );
    assert_eq!(listed[0]["uri"], scratch.uri("docs/a%20b.md"));
    assert!(
        listed[0]["annotations"]["lastModified"]
            .as_str()
            .is_some_and(|time| time.ends_with('Z'))
    );
    let read = served
        .read(&scratch.uri("docs/a%20b.md"))
        .await
        .expect("contents");
    assert_eq!(
        (&read["text"], &read["mimeType"]),
        (&json!("# A"), &json!("text/markdown"))
    );
    let read = served
        .read(&scratch.uri("logo.png"))
        .await
        .expect("contents");
    let bytes =
        base64::engine::general_purpose::STANDARD.decode(read["blob"].as_str().expect("bytes"));
    assert_eq!(bytes.expect("base64"), b"\x89PNG\xff");
    assert_eq!(read["mimeType"], "image/png");
    assert_eq!(served.read(&scratch.uri("gone.md")).await, Err(-32602));

    // A directory is the list of what is in it.
    for uri in [scratch.uri(""), scratch.uri("docs"), scratch.uri("docs/")] {
        let read = served.read(&uri).await.expect("contents");
        assert_eq!(read["mimeType"], "text/uri-list", "{uri}");
        let uris = read["text"].as_str().expect("text");
        let expected = match uri.contains("docs") {
            true => scratch.uri("docs/a%20b.md") + "\r\n",
            false => ["docs/", "logo.png", "main.rs"]
                .map(|path| scratch.uri(path) + "\r\n")
                .concat(),
        };
        assert_eq!(uris, expected);
    }
    let templates = served
        .client
        .request("resources/templates/list", json!({}))
        .await
        .expect("a list");
    let template = &templates["resourceTemplates"][0];
    assert_eq!(template["uriTemplate"], scratch.uri("") + "{+path}");
    for (typed, values) in [
        ("", json!(["docs/", "logo.png", "main.rs"])),
        ("m", json!(["main.rs"])),
        ("docs/", json!(["docs/a b.md"])),
        ("docs/a", json!(["docs/a b.md"])),
        ("nowhere/", json!([])),
        ("../", json!([])),
    ] {
        let params = json!({
            "ref": {"type": "ref/resource", "uri": template["uriTemplate"]},
            "argument": {"name": "path", "value": typed},
        });
        let completed = served
            .client
            .request("completion/complete", params)
            .await
            .expect("values");
        assert_eq!(completed["completion"]["values"], values, "{typed}");
    }
}

#[tokio::test]
async fn a_uri_of_ones_own_and_a_limit() {
    let scratch = Scratch::with(&[("a.md", "short"), ("long.md", &"x".repeat(2000))]);
    let mut options = scratch.options();
    options.uri = Some("docs:///".into());
    options.max_resource_bytes = 1024;
    let served = Served::new(&options).await;
    assert_eq!(served.listed().await.0, ["docs:///a.md", "docs:///long.md"]);
    assert_eq!(
        served.read("docs:///a.md").await.expect("contents")["text"],
        "short"
    );
    assert_eq!(served.read(&scratch.uri("a.md")).await, Err(-32602));
    let error = served
        .client
        .read("docs:///long.md")
        .await
        .expect_err("too large");
    assert!(
        error
            .message
            .contains("larger (2.0 KiB) than a resource may be (1.0 KiB)"),
        "{error:?}"
    );
}

#[tokio::test]
async fn the_list_has_each_file_once_while_others_come_and_go() {
    let scratch = Scratch::new();
    let stays: Vec<String> = (0..250)
        .map(|n| format!("d{}/f{n:03}.txt", n % 7))
        .collect();
    for path in &stays {
        scratch.put(path, "");
    }
    let served = scratch.serve().await;
    let (uris, pages) = served.listed().await;
    assert_eq!((uris.len(), pages), (250, 3));
    let mut expected: Vec<String> = stays.iter().map(|path| scratch.uri(path)).collect();
    expected.sort();
    assert_eq!(uris, expected);

    let (mut seen, mut cursor, mut round) = (Vec::new(), Value::Null, 0);
    loop {
        let params = if cursor.is_null() {
            json!({})
        } else {
            json!({ "cursor": cursor })
        };
        let page = served
            .client
            .request("resources/list", params)
            .await
            .expect("a page");
        seen.extend(
            page["resources"]
                .as_array()
                .expect("resources")
                .iter()
                .map(|one| one["uri"].clone()),
        );
        cursor = page["nextCursor"].clone();
        if cursor.is_null() {
            break;
        }
        // Others come before and after, and the one that the cursor names goes.
        for dir in 0..7 {
            scratch.put(&format!("d{dir}/a-new-{round}.txt"), "");
            scratch.put(&format!("d{dir}/z-new-{round}.txt"), "");
        }
        let last = seen.last().and_then(Value::as_str).expect("a URI");
        let last = last
            .strip_prefix(&scratch.uri(""))
            .expect("a path")
            .to_owned();
        std::fs::remove_file(scratch.at(&last)).expect("removed");
        if round == 0 {
            let dir = last.split_once('/').expect("a directory").0;
            std::fs::remove_dir_all(scratch.at(dir)).expect("removed");
        }
        round += 1;
    }
    let mut once = seen.clone();
    once.sort_by_key(ToString::to_string);
    once.dedup();
    assert_eq!(once.len(), seen.len(), "each one once");
    for path in stays.iter().filter(|path| scratch.at(path).exists()) {
        assert!(seen.contains(&json!(scratch.uri(path))), "{path}");
    }
    for cursor in ["", "x", "bDA6", "bDA6Li4", "bDA6JTJlJTJlL3g"] {
        let refused = served
            .client
            .request("resources/list", json!({ "cursor": cursor }))
            .await;
        assert_eq!(refused.expect_err("refused").code, -32602, "{cursor}");
    }
}

#[tokio::test]
async fn a_directory_that_is_made_again_is_served_again() {
    let scratch = Scratch::with(&[("a.md", "old")]);
    let served = scratch.serve().await;
    assert_eq!(served.ok("read", json!({"path": "a.md"})).await, ["old"]);
    std::fs::remove_dir_all(scratch.at("")).expect("removed");
    let why = served.fails("read", json!({"path": "a.md"})).await;
    assert!(
        why.contains("directory that is served is not there"),
        "{why}"
    );
    scratch.put("a.md", "new");
    assert_eq!(served.ok("read", json!({"path": "a.md"})).await, ["new"]);
}
