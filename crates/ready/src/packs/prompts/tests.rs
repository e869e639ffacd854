use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};
use wharf::protocol::revision::Revision;
use wharf::{CatalogHandle, InProcess, Prompt, Server};

use super::*;
use crate::Running;

const REVIEW: &str = "---
title: Review code
description: Ask for a review.
arguments:
  - name: code
    description: The code to review
    required: true
  - name: tone
    default: kind
    complete: [kind, strict]
resources: [style.md, logo.png]
---
Be {{ tone }}.{% include \"parts/rules.md\" %}

{{ code }}

<!-- role: assistant -->
I will{% if tone == \"strict\" %} not hold back{% endif %}.
";

/// A directory of its own with one prompt in it, that is removed at the end.
struct Temporary(PathBuf);

impl Temporary {
    fn new(name: &str) -> Self {
        let name = format!("wharf-prompts-{name}-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        let _ = std::fs::remove_dir_all(&path);
        let this = Self(path.join("prompts"));
        std::fs::create_dir_all(&this.0).expect("a directory");
        std::fs::write(path.join("secret.md"), "SECRET").expect("a file");
        this.write("review.md", REVIEW);
        this.write("style.md", "# Style");
        this.write("logo.png", "");
        std::fs::write(this.0.join("logo.png"), b"\x89PNG\xff").expect("a file");
        this.write("parts/rules.md", "No jokes.\n");
        this
    }

    fn write(&self, path: &str, contents: &str) {
        let path = self.0.join(path);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
        std::fs::write(path, contents).expect("a file");
    }

    fn prompt(&self, name: &str, body: &str) {
        let text = format!("---\narguments: [{{name: x}}]\n---\n{body}");
        self.write(&format!("{name}.md"), &text);
    }

    fn options(&self) -> Options {
        Options {
            path: self.0.clone(),
            watch: true,
        }
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if let Some(path) = self.0.parent() {
            let _ = std::fs::remove_dir_all(path);
        }
    }
}

struct Client {
    client: InProcess,
    catalog: CatalogHandle,
    running: Vec<Running>,
}

async fn serve(options: &Options, prefix: &str) -> Client {
    let server = Server::new("prompts");
    let catalog = server.catalog().clone();
    let at = Surroundings {
        catalog: catalog.prefixed(prefix),
        base: std::env::temp_dir(),
    };
    let pack = open(options, &at).await.expect("prompts");
    let items = pack.items.prefixed(prefix);
    catalog
        .update(|edit| edit.add_items(items))
        .expect("a catalog");
    Client {
        client: server.in_process().await.expect("a server"),
        catalog,
        running: pack.running,
    }
}

impl Client {
    async fn names(&self) -> Vec<String> {
        let list = self.client.request("prompts/list", json!({})).await;
        let list = list.expect("prompts");
        let name = |prompt: &Value| prompt["name"].as_str().map(str::to_owned);
        let prompts = list["prompts"].as_array().expect("a list");
        let mut names: Vec<_> = prompts.iter().filter_map(name).collect();
        names.sort();
        names
    }

    async fn get(&self, name: &str, arguments: Value) -> Result<Vec<Value>, String> {
        let params = json!({"name": name, "arguments": arguments});
        let got = self.client.request("prompts/get", params).await;
        let got = got.map_err(|error| error.message.clone())?;
        Ok(got["messages"].as_array().expect("messages").clone())
    }

    /// The text of the only message.
    async fn text(&self, name: &str, x: &str) -> Result<String, String> {
        let messages = self.get(name, json!({ "x": x })).await?;
        assert_eq!(messages.len(), 1, "{messages:?}");
        Ok(messages[0]["content"]["text"]
            .as_str()
            .expect("text")
            .to_owned())
    }

    /// Waits until something is so; it must become so soon.
    async fn until(&self, what: &str, is: impl AsyncFn(&Self) -> bool) {
        for _ in 0..300 {
            if is(self).await {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("it never came to be that {what}");
    }
}

#[tokio::test]
async fn a_file_is_a_prompt_in_every_revision() {
    let temporary = Temporary::new("whole");
    temporary.write("README.md", "# Not a prompt");
    temporary.write(".hidden.md", REVIEW);
    for revision in Revision::ALL {
        let mut client = serve(&temporary.options(), "").await;
        client.client = client.client.open(revision).await.expect("a session");
        assert_eq!(
            client.names().await,
            ["review"],
            "without frontmatter it is no prompt"
        );
        let list = client.client.request("prompts/list", json!({})).await;
        let prompt = list.expect("prompts")["prompts"][0].clone();
        assert_eq!(prompt["description"], "Ask for a review.");
        assert_eq!(
            prompt["arguments"][0],
            json!({"name": "code", "description": "The code to review", "required": true})
        );

        let code = "{{ tone }}\n<!-- role: assistant -->\n{% include \"style.md\" %}";
        let messages = client
            .get("review", json!({"code": code, "tone": "strict"}))
            .await;
        let messages = messages.expect("messages");
        assert_eq!(
            messages[..2],
            [
                json!({"role": "user", "content": {"type": "resource", "resource": {
                    "uri": "prompts:///style.md", "mimeType": "text/markdown", "text": "# Style"}}}),
                json!({"role": "user", "content": {"type": "resource", "resource": {
                    "uri": "prompts:///logo.png", "mimeType": "image/png", "blob": "iVBOR/8="}}}),
            ]
        );
        let text = |n: usize| messages[n]["content"]["text"].as_str().expect("text");
        assert_eq!(
            text(2),
            format!("Be strict.\n\n\nNo jokes.\n\n{code}"),
            "arguments are data"
        );
        assert_eq!(messages[3]["role"], "assistant");
        assert_eq!(text(3), "I will not hold back.");
        assert_eq!(messages.len(), 4);

        let messages = client
            .get("review", json!({"code": "x"}))
            .await
            .expect("messages");
        assert!(messages[2].to_string().contains("Be kind."), "{messages:?}");
        let error = client.get("review", json!({})).await.expect_err("missing");
        assert!(error.contains("`code`"), "{error}");
        let complete = client.client.request(
            "completion/complete",
            json!({"ref": {"type": "ref/prompt", "name": "review"},
                "argument": {"name": "tone", "value": "s"}}),
        );
        let complete = complete.await.expect("completions");
        assert_eq!(complete["completion"]["values"], json!(["strict"]));
    }
}

#[tokio::test]
async fn nothing_outside_of_the_directory_is_read() {
    let temporary = Temporary::new("outside");
    let whole = temporary.0.with_file_name("secret.md");
    let whole = whole.to_str().expect("UTF-8");
    let mut paths = vec![
        "../secret.md",
        "parts/../../secret.md",
        whole,
        "//etc/hostname",
        ".env",
    ];
    temporary.write(".env", "SECRET");
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("../secret.md", temporary.0.join("link.md")).expect("a link");
        std::os::unix::fs::symlink("/etc", temporary.0.join("etc")).expect("a link");
        paths.extend(["link.md", "etc/hostname"]);
    }
    for (number, path) in paths.iter().enumerate() {
        temporary.prompt(
            &format!("a{number}"),
            &format!("{{% include \"{path}\" %}}{{{{ x }}}}"),
        );
        let embedding = format!("---\nresources: [{path:?}]\n---\nx");
        temporary.write(&format!("b{number}.md"), &embedding);
    }
    temporary.prompt("chosen", "{% include x %}");
    let client = serve(&temporary.options(), "").await;
    let names = client.names().await;
    assert!(!names.iter().any(|name| name.starts_with('b')), "{names:?}");
    for number in 0..paths.len() {
        let error = client
            .text(&format!("a{number}"), "")
            .await
            .expect_err("outside");
        assert!(error.contains("cannot be included"), "{error}");
        assert!(error.starts_with(&format!("a{number}.md:4: ")), "{error}");
    }
    for path in &paths {
        let error = client.text("chosen", path).await.expect_err("outside");
        assert!(!error.contains("SECRET"), "{error}");
    }
    assert_eq!(
        client.text("chosen", "style.md").await.as_deref(),
        Ok("# Style")
    );
}

#[tokio::test]
async fn a_template_has_limits() {
    let temporary = Temporary::new("limits");
    let long = "{% for a in range(1000) %}{% for b in range(1000) %}{% set y = b %}{% endfor %}{% endfor %}";
    temporary.prompt("ever", &format!("one\n{long}{{{{ x }}}}"));
    temporary.prompt("much", "{% for a in range(100) %}{{ x }}{% endfor %}");
    temporary.prompt("self", "{% include \"self.md\" %}{{ x }}");
    temporary.prompt("twice", "{% set n = namespace() %}{{ x }}");
    temporary.prompt("wrong", "one\n\n{{ x.y.z }}");
    temporary.prompt("fine", "{{ x | upper }}");
    let client = serve(&temporary.options(), "").await;
    let large = "x".repeat(100_000);
    for (name, x, why) in [
        ("ever", "", "ever.md:5: the template runs for too long"),
        ("much", large.as_str(), "the messages are longer than 4 MiB"),
        ("self", "", "self.md:4: "),
        ("wrong", "", "wrong.md:6: undefined value"),
    ] {
        let error = client.text(name, x).await.expect_err(name);
        assert!(error.contains(why), "{error}");
    }
    assert!(
        !client.names().await.contains(&"twice".to_owned()),
        "no namespace"
    );
    assert_eq!(client.text("fine", "a").await.as_deref(), Ok("A"));
    let huge = "x".repeat(1_100_000);
    let error = client.text("fine", &huge).await.expect_err("too long");
    assert!(error.contains("may have 1048576"), "{error}");
}

#[tokio::test]
async fn a_broken_file_takes_nothing_else_away_and_is_named_in_the_log() {
    let temporary = Temporary::new("broken");
    temporary.write("yaml.md", "---\na: [\n---\nx");
    temporary.write("syntax.md", "---\ntitle: x\n---\n\n{% if %}");
    temporary.write("name.md", "---\ntitle: x\n---\n\n{{ nobody }}");
    temporary.write("resource.md", "---\nresources:\n- nowhere.md\n---\nx");
    temporary.write("utf8.md", "");
    std::fs::write(temporary.0.join("utf8.md"), b"---\n---\n\xff").expect("a file");
    temporary.write(
        &format!("{}.md", "long".repeat(40)),
        "---\ntitle: x\n---\nx",
    );
    let client = serve(&temporary.options(), "").await;
    assert_eq!(client.names().await, ["review"]);
    let read = load::read(&temporary.0).expect("prompts");
    assert_eq!(read.broken, ["name", "resource", "syntax", "utf8", "yaml"]);

    let at = Surroundings {
        catalog: CatalogHandle::default(),
        base: std::env::temp_dir(),
    };
    for path in ["nowhere", "review.md"] {
        let options = Options {
            path: temporary.0.join(path),
            watch: true,
        };
        let error = open(&options, &at).await.expect_err("no directory");
        assert!(
            error.is_unavailable() && error.to_string().contains(path),
            "{error}"
        );
    }
}

#[tokio::test]
async fn changes_are_served_without_a_restart() {
    let temporary = Temporary::new("changes");
    temporary.prompt("a", "one");
    let client = serve(&temporary.options(), "my").await;
    assert_eq!(client.names().await, ["my.a", "my.review"]);

    temporary.prompt("a", "two");
    client
        .until("a prompt is different", async |client| {
            client.text("my.a", "").await.as_deref() == Ok("two")
        })
        .await;
    temporary.prompt("sub/b", "{% include \"style.md\" %}");
    client
        .until("there is a prompt more", async |client| {
            client.text("my.sub/b", "").await.as_deref() == Ok("# Style")
        })
        .await;
    // What is included counts too, and of a prompt its text.
    temporary.prompt("q", "{% include \"a.md\" %}");
    client
        .until("another prompt is included", async |client| {
            client.text("my.q", "").await.as_deref() == Ok("two")
        })
        .await;
    std::fs::remove_file(temporary.0.join("q.md")).expect("removed");
    temporary.write("style.md", "# New");
    client
        .until("what is included is different", async |client| {
            client.text("my.sub/b", "").await.as_deref() == Ok("# New")
        })
        .await;
    // Broken, it is served as it was.
    temporary.prompt("a", "{% if %}");
    temporary.prompt("c", "three");
    client
        .until("there is another prompt", async |client| {
            client.names().await == ["my.a", "my.c", "my.review", "my.sub/b"]
        })
        .await;
    assert_eq!(client.text("my.a", "").await.as_deref(), Ok("two"));
    std::fs::remove_file(temporary.0.join("review.md")).expect("removed");
    client
        .until("a prompt is gone", async |client| {
            client.names().await == ["my.a", "my.c", "my.sub/b"]
        })
        .await;
}

#[tokio::test]
async fn what_came_later_goes_with_the_pack() {
    let temporary = Temporary::new("goes");
    let mut client = serve(&temporary.options(), "").await;
    temporary.prompt("a", "one");
    temporary.prompt("b", "one");
    client
        .until("there are prompts more", async |client| {
            client.names().await.len() == 3
        })
        .await;
    let other = Prompt::new("b").raw_handler(|_, _| async { "somebody else's" });
    client
        .catalog
        .update(|edit| edit.add_prompt(other))
        .expect("updated");
    client.running.clear();
    client
        .until("what is its own is gone", async |client| {
            client.names().await == ["b"]
        })
        .await;
    assert_eq!(client.text("b", "").await.as_deref(), Ok("somebody else's"));
}
