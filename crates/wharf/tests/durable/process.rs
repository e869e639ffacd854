//! A server in a process of its own, on a file that stays.

use std::fs::OpenOptions;
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use schemars::JsonSchema;
use serde::Deserialize;
use wharf::{Context, NoArguments, Resource, Server, Tool, store};

use crate::wire::Served;
use crate::wire::tools::{Person, adder, tokens};

/// A folder for the file of one test.
pub(crate) struct Home(PathBuf);

impl Home {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("wharf-durable-{}-{number}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    pub(crate) fn url(&self) -> String {
        format!("sqlite:{}", self.0.join("state.db").display())
    }

    fn till(&self) -> PathBuf {
        self.0.join("payments")
    }

    /// How often the tool `pay` paid.
    pub(crate) fn payments(&self) -> usize {
        std::fs::read_to_string(self.till())
            .unwrap()
            .lines()
            .count()
    }

    /// Starts a server; with callers that must say who they are, if asked for.
    pub(crate) fn start(&self, tokens: bool) -> Process {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "--nocapture",
                "process::serves_until_it_is_killed",
            ])
            .env("WHARF_TEST_STORE", self.url())
            .env("WHARF_TEST_TILL", self.till())
            .env("WHARF_TEST_TOKENS", if tokens { "yes" } else { "" })
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let address = lines
            .map_while(Result::ok)
            .find_map(|line| Some(line.split_once("listening on ")?.1.parse().unwrap()))
            .expect("the server starts");
        Process {
            child: Mutex::new(child),
            served: Served::elsewhere(address),
        }
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub(crate) struct Process {
    child: Mutex<Child>,
    pub(crate) served: Served,
}

impl Process {
    /// Ends it without a warning (SIGKILL).
    pub(crate) fn kill(&self) {
        let mut child = self.child.lock().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

#[derive(Deserialize, JsonSchema)]
struct Climb {
    count: u32,
    ends: bool,
}

/// Tells of its progress `count` times, and ends, or stays.
fn climb() -> Tool {
    Tool::new("climb").handler(|Climb { count, ends }: Climb, ctx: Context| async move {
        for step in 1..=count {
            ctx.progress(f64::from(step), None).await;
        }
        if !ends {
            std::future::pending::<()>().await;
        }
        "done"
    })
}

/// Asks who pays, and pays once.
fn pay(till: PathBuf) -> Tool {
    Tool::new("pay").handler(move |_: NoArguments, ctx: Context| {
        let till = till.clone();
        async move {
            let person: Person = ctx.elicit("Who pays?").await?;
            let pay = async {
                let mut till = OpenOptions::new().create(true).append(true).open(&till)?;
                writeln!(till, "1")?;
                Ok::<_, std::io::Error>(1)
            };
            let paid: i64 = ctx.once("pay", pay).await?;
            Ok::<_, wharf::Error>(format!("{} paid {paid}", person.name))
        }
    })
}

/// Asks twice, and takes a step in between.
fn meet(till: PathBuf) -> Tool {
    let tool = Tool::new("meet").task();
    tool.handler(move |_: NoArguments, ctx: Context| {
        let till = till.clone();
        async move {
            let one: Person = ctx.elicit("The first?").await?;
            let pay = async {
                let mut till = OpenOptions::new().create(true).append(true).open(&till)?;
                writeln!(till, "1")?;
                Ok::<_, std::io::Error>(1)
            };
            let _: i64 = ctx.step("pay", pay).await?;
            let other: Person = ctx.elicit("The second?").await?;
            Ok::<_, wharf::Error>(format!("{} and {}", one.name, other.name))
        }
    })
}

fn logs() -> Tool {
    Tool::new("logs").handler(|_: NoArguments, ctx: Context| async move {
        ctx.info("chatter").await;
        ctx.error("alarm").await;
        "done"
    })
}

fn touch() -> Tool {
    Tool::new("touch").handler(|_: NoArguments, ctx: Context| async move {
        ctx.notify_resource_updated("note:///a");
        "done"
    })
}

pub(crate) fn server() -> Server {
    let note = Resource::text("note:///a", "a");
    adder()
        .tool(climb())
        .tool(logs())
        .tool(touch())
        .resource(note)
}

/// The child of the other tests.
#[test]
fn serves_until_it_is_killed() {
    let Ok(url) = std::env::var("WHARF_TEST_STORE") else {
        return;
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let till = std::env::var_os("WHARF_TEST_TILL").unwrap();
        let mut server = server()
            .tool(pay(till.clone().into()))
            .tool(meet(till.into()))
            .store(store::open(&url).await.unwrap());
        if !std::env::var("WHARF_TEST_TOKENS").unwrap().is_empty() {
            server = server.http(tokens());
        }
        let bound = server.bind("127.0.0.1:0").await.unwrap();
        let address = bound.local_addr().unwrap();
        let mut out = std::io::stdout();
        writeln!(out, "\nlistening on {address}").unwrap();
        out.flush().unwrap();
        bound.serve_until(std::future::pending()).await.unwrap();
    });
}
