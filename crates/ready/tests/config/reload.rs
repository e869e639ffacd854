//! A site that changes while it is served.

use std::sync::{Arc, Mutex};

use serde_json::json;
use wharf::{CatalogHandle, InProcess};
use wharf_ready::config::{Problems, Reloaded, Site};

use crate::config;

struct Running {
    site: Site,
    catalog: CatalogHandle,
    server: Arc<InProcess>,
}

async fn running(text: &str) -> Running {
    let config = config(text).expect("right");
    let server = config.server();
    let catalog = server.catalog().clone();
    let site = Site::open(config, &catalog).await.expect("open");
    Running {
        site,
        catalog,
        server: Arc::new(server.in_process().await.expect("started")),
    }
}

impl Running {
    async fn reload(&mut self, text: &str) -> Result<Reloaded, Problems> {
        self.site.reload(config(text)?).await
    }

    fn tools(&self) -> Vec<String> {
        let catalog = self.catalog.load();
        catalog
            .tools()
            .map(|tool| tool.definition().name.clone())
            .collect()
    }

    fn has(&self, tool: &str) -> bool {
        self.tools().iter().any(|name| name == tool)
    }
}

const ONE: &str = "[[starter]]\nprefix = 'a'\n";

#[tokio::test]
async fn what_is_the_same_stays_open_and_is_no_news() {
    let mut running = running(ONE).await;
    let entry = running
        .catalog
        .load()
        .tool("a.add")
        .cloned()
        .expect("there");
    let same = running
        .reload(&format!("# a comment\n\n{ONE}"))
        .await
        .expect("right");
    assert!(!same.any(), "{same:?}");
    let notes = "[notes]\npath = ':memory:'\n";
    let more = running
        .reload(&format!("{notes}{ONE}"))
        .await
        .expect("right");
    assert_eq!(
        (&more.opened[..], &more.closed[..]),
        (&["notes::memory:".to_owned()][..], &[][..])
    );
    assert!(more.changed.tools && more.changed.prompts && more.changed.resources);
    assert_eq!(
        running.tools()[0],
        "create_note",
        "in the order of the file"
    );
    let kept = running
        .catalog
        .load()
        .tool("a.add")
        .cloned()
        .expect("there");
    assert!(Arc::ptr_eq(&entry, &kept), "it is the same pack");
    let less = running.reload(ONE).await.expect("right");
    assert_eq!(less.closed, ["notes::memory:"]);
    assert!(!running.has("create_note") && running.has("a.add"));
}

#[tokio::test]
async fn only_lists_that_are_different_are_news() {
    let mut running = running(ONE).await;
    let denied = running
        .reload(&format!("deny = ['a.echo']\n{ONE}"))
        .await
        .expect("right");
    assert!(denied.changed.tools && !denied.changed.prompts && !denied.changed.resources);
    assert!(
        denied.opened.is_empty() && denied.closed.is_empty(),
        "{denied:?}"
    );
    assert!(!running.has("a.echo"));
    let again = running.reload(ONE).await.expect("right");
    assert!(again.changed.tools && running.has("a.echo"));
}

#[tokio::test]
async fn what_needs_a_restart_is_said() {
    let mut running = running(ONE).await;
    let text = format!("name = 'b'\nstate = 'sqlite:x.db'\n{ONE}[http]\naddr = '127.0.0.1:1'\n");
    let reloaded = running.reload(&text).await.expect("right");
    assert_eq!(reloaded.restart, ["name", "state", "[http]"]);
}

#[tokio::test]
async fn a_broken_configuration_changes_nothing_and_a_mended_one_is_taken() {
    let mut running = running(ONE).await;
    let before = running.catalog.load();
    for broken in [
        "nmae = 1",
        "[[starter]]\n[[starter]]\n",
        "[files]\npath = 'nowhere'\n[[starter]]\nprefix = 'b'\n",
        "deny = ['b.*']\n[[starter]]\nprefix = 'a'\n",
        // Two of the same resources, which only shows when all is put together.
        "[[starter]]\nprefix = 'a'\n[[starter]]\nprefix = 'b'\n",
    ] {
        running.reload(broken).await.expect_err(broken);
        assert!(Arc::ptr_eq(&before, &running.catalog.load()), "{broken}");
        assert!(!running.reload(ONE).await.expect("right").any(), "{broken}");
    }
    let mended = running
        .reload("[[starter]]\nprefix = 'b'\n")
        .await
        .expect("right");
    assert_eq!((mended.opened.len(), mended.closed.len()), (1, 1));
    assert!(running.has("b.add") && !running.has("a.add"));
}

#[tokio::test]
async fn a_model_comes_and_goes() {
    let mut running = running(ONE).await;
    assert!(!running.site.served().model);
    running
        .reload(&format!("{ONE}[llm]\n"))
        .await
        .expect("right");
    assert!(running.site.served().model && running.has("ask_llm"));
    running.reload(ONE).await.expect("right");
    assert!(!running.site.served().model && !running.has("ask_llm"));
}

#[tokio::test]
async fn a_call_keeps_what_it_began_with() {
    let mut running = running(ONE).await;
    let server = Arc::clone(&running.server);
    let long = tokio::spawn(async move {
        server
            .call("a.countdown", json!({"from": 3, "interval_ms": 100}))
            .await
    });
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    running
        .reload("[notes]\npath = ':memory:'\n")
        .await
        .expect("right");
    assert!(!running.has("a.countdown"));
    let answer = long.await.expect("no panic").expect("an answer");
    assert!(format!("{answer:?}").contains("liftoff"), "{answer:?}");
    let gone = running.server.call("a.add", json!({"a": 1, "b": 2})).await;
    assert!(
        gone.is_err() || format!("{gone:?}").contains("unknown"),
        "{gone:?}"
    );
}

#[tokio::test]
async fn a_pack_that_changes_itself_does_so_within_its_part() {
    let dir = std::env::temp_dir().join(format!("wharf-config-{}", std::process::id()));
    std::fs::create_dir_all(&dir).expect("a directory");
    let write = |name: &str| {
        let text = "---\ndescription: A prompt.\n---\nHello.\n";
        std::fs::write(dir.join(format!("{name}.md")), text).expect("written");
    };
    write("one");
    let text = format!("[prompts]\npath = '{}'\nprefix = 'p'\n", dir.display());
    let mut running = running(&text).await;
    let names = Mutex::new(Vec::new());
    let prompts = |running: &Running| -> Vec<String> {
        let catalog = running.catalog.load();
        let found = catalog
            .prompts()
            .map(|prompt| prompt.definition().name.clone())
            .collect();
        names.lock().expect("not poisoned").clone_from(&found);
        found
    };
    assert_eq!(prompts(&running), ["p.one"]);
    write("two");
    let end = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while prompts(&running).len() < 2 && std::time::Instant::now() < end {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert_eq!(prompts(&running), ["p.one", "p.two"]);
    running.reload(ONE).await.expect("right");
    assert!(
        !prompts(&running).iter().any(|name| name.starts_with("p.")),
        "{names:?}"
    );
    std::fs::remove_dir_all(dir).expect("removed");
}
