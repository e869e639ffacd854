use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};
use wharf::{InProcess, Server};

use super::*;
use crate::Running;

/// A directory of its own with one skill in it, that is removed at the end.
struct Temporary(PathBuf);

impl Temporary {
    fn new(name: &str) -> Self {
        let name = format!("wharf-skills-{name}-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        let _ = std::fs::remove_dir_all(&path);
        let this = Self(path);
        this.skill("refunds", "How to refund.");
        this.write("refunds/notes/a.md", "one");
        this
    }

    fn write(&self, path: &str, contents: &str) {
        let path = self.0.join(path);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
        std::fs::write(path, contents).expect("a file");
    }

    fn skill(&self, name: &str, description: &str) {
        let text = format!("---\nname: {name}\ndescription: {description}\n---\nDo it.\n");
        self.write(&format!("{name}/SKILL.md"), &text);
    }

    fn options(&self) -> Options {
        Options {
            path: self.0.clone(),
            under: None,
            watch: true,
        }
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

struct Client {
    client: InProcess,
    catalog: CatalogHandle,
    running: Vec<Running>,
}

async fn serve(options: &Options) -> Client {
    let server = Server::new("skills");
    let catalog = server.catalog().clone();
    let at = Surroundings {
        catalog: catalog.clone(),
        base: std::env::temp_dir(),
    };
    let pack = open(options, &at).await.expect("skills");
    let items = pack.items;
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
        let list = self.client.request("skills/list", json!({})).await;
        let list = list.expect("skills");
        let name = |skill: &Value| skill["frontmatter"]["name"].as_str().map(str::to_owned);
        let skills = list["skills"].as_array().expect("a list");
        let mut names: Vec<_> = skills.iter().filter_map(name).collect();
        names.sort();
        names
    }

    async fn text(&self, uri: &str) -> Option<String> {
        let read = self
            .client
            .request("resources/read", json!({ "uri": uri }))
            .await;
        let read = read.ok()?;
        read["contents"][0]["text"].as_str().map(str::to_owned)
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
async fn a_directory_of_skills_is_served() {
    let temporary = Temporary::new("served");
    temporary.skill("b", "B.");
    temporary.write("no-skill/README.md", "not one");
    let client = serve(&temporary.options()).await;
    assert_eq!(client.names().await, ["b", "refunds"]);
    let text = client.text("skill://refunds/notes/a.md").await;
    assert_eq!(text.as_deref(), Some("one"));
    let about = client.client.request("server/discover", json!({})).await;
    let about = about.expect("a description");
    let declared = &about["capabilities"]["extensions"]["io.modelcontextprotocol/skills"];
    assert!(declared.is_object(), "{about}");

    // One skill is a directory too, and all can be under a path.
    let one = Options {
        path: temporary.0.join("refunds"),
        under: Some("acme/billing".into()),
        watch: false,
    };
    let client = serve(&one).await;
    assert_eq!(client.names().await, ["refunds"]);
    let uri = "skill://acme/billing/refunds/notes/a.md";
    assert_eq!(client.text(uri).await.as_deref(), Some("one"));
    assert!(client.running.is_empty());
}

#[tokio::test]
async fn what_is_wrong_is_said_and_what_is_broken_takes_nothing_else_away() {
    let at = Surroundings {
        catalog: CatalogHandle::default(),
        base: std::env::temp_dir(),
    };
    let temporary = Temporary::new("wrong");
    let nowhere = Options {
        path: temporary.0.join("nowhere"),
        ..temporary.options()
    };
    let error = open(&nowhere, &at).await.expect_err("not there");
    assert!(
        error.is_unavailable() && error.to_string().contains("nowhere"),
        "{error}"
    );
    let under = Options {
        under: Some("a//b".into()),
        ..temporary.options()
    };
    let error = open(&under, &at).await.expect_err("no path");
    assert!(
        error.is_invalid() && error.to_string().contains("under"),
        "{error}"
    );

    temporary.write("broken/SKILL.md", "# No frontmatter");
    temporary.write(
        "zz/SKILL.md",
        "---\nname: refunds\ndescription: Again.\n---\n",
    );
    let client = serve(&temporary.options()).await;
    assert_eq!(client.names().await, ["refunds"]);
}

#[tokio::test]
async fn changes_are_served_without_a_restart() {
    let temporary = Temporary::new("changes");
    let client = serve(&temporary.options()).await;
    let file = "skill://refunds/notes/a.md";

    temporary.write("refunds/notes/a.md", "two");
    client
        .until("a file is different", async |client| {
            client.text(file).await.as_deref() == Some("two")
        })
        .await;
    temporary.skill("new", "New.");
    client
        .until("there is a skill more", async |client| {
            client.names().await.len() == 2
        })
        .await;
    // Broken, it is served as it was; and what comes after is seen all the same.
    temporary.write("new/SKILL.md", "---\n[");
    temporary.skill("other", "Other.");
    client
        .until("there is another skill", async |client| {
            client.names().await.len() == 3
        })
        .await;
    assert!(
        client
            .text("skill://new/SKILL.md")
            .await
            .is_some_and(|text| text.contains("New."))
    );

    std::fs::remove_dir_all(temporary.0.join("refunds")).expect("removed");
    client
        .until("a skill is gone", async |client| {
            client.names().await == ["new", "other"]
        })
        .await;
    assert_eq!(client.text(file).await, None);

    // The whole directory is exchanged.
    let aside = temporary.0.with_extension("aside");
    let _ = std::fs::remove_dir_all(&aside);
    std::fs::rename(&temporary.0, &aside).expect("moved");
    temporary.skill("exchanged", "Exchanged.");
    client
        .until("another directory is served", async |client| {
            client.names().await == ["exchanged"]
        })
        .await;
    temporary.skill("later", "Later.");
    client
        .until("that one is watched", async |client| {
            client.names().await.len() == 2
        })
        .await;
    let _ = std::fs::remove_dir_all(&aside);
}

#[tokio::test]
async fn what_came_later_goes_with_the_pack() {
    let temporary = Temporary::new("goes");
    let mut client = serve(&temporary.options()).await;
    temporary.skill("later", "Later.");
    client
        .until("there is a skill more", async |client| {
            client.names().await.len() == 2
        })
        .await;
    client.running.clear();
    // The one that was there at the start is taken away by who put it there.
    client
        .until("it is gone", async |client| {
            client.names().await == ["refunds"]
        })
        .await;

    // But not what somebody else put in its place.
    let mut client = serve(&temporary.options()).await;
    temporary.skill("later", "Changed.");
    client
        .until("it is different", async |client| {
            let text = client.text("skill://later/SKILL.md").await;
            text.is_some_and(|text| text.contains("Changed."))
        })
        .await;
    let others = Skill::new("later", "Of others.").load().expect("a skill");
    client
        .catalog
        .update(|edit| edit.add_skill(others))
        .expect("updated");
    client.running.clear();
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(client.names().await, ["later", "refunds"]);
}
