//! Tasks on a server that is killed again and again: none that was acknowledged is lost, and no
//! finished step is done twice.
//!
//! The same program is the server (with an argument) and the test, which has no harness so that it
//! can choose.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test without a harness tells by itself what it does"
)]

#[path = "../wire/mod.rs"]
mod wire;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use wharf::store::Sqlite;
use wharf::{Context, Limits, Server, State, tool};
use wire::{Post, Value, Wire, json};

const TASKS: usize = 1000;
const STEPS: u64 = 4;
const CLIENTS: usize = 32;

// --- the server -------------------------------------------------------------------------------

/// Where effects are written down: one line at a time, each in one write.
struct Effects(std::fs::File);

impl Effects {
    fn note(&self, line: &str) {
        (&self.0).write_all(format!("{line}\n").as_bytes()).unwrap();
    }
}

fn pause(seed: u64) -> Duration {
    Duration::from_millis(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 60)
}

/// Adds up what its steps give.
#[tool(task = "required")]
async fn work(ctx: &Context, effects: State<Effects>, number: u64) -> wharf::Result<u64> {
    let mut sum = 0;
    for step in 0..STEPS {
        sum += ctx
            .step(&format!("step {step}"), async {
                tokio::time::sleep(pause(number * STEPS + step)).await;
                effects.note(&format!("done {number} {step}"));
                Ok::<_, wharf::Error>(number * 10 + step)
            })
            .await?;
        // Whoever reads this line knows that the step above was finished.
        effects.note(&format!("kept {number} {step}"));
        tokio::time::sleep(pause(number + step)).await;
    }
    Ok(sum)
}

/// Pays, and never twice.
#[tool(task = "required")]
async fn pay(ctx: &Context, effects: State<Effects>, number: u64) -> wharf::Result<u64> {
    tokio::time::sleep(pause(number)).await;
    ctx.once("pay", async {
        tokio::time::sleep(pause(number + 1)).await;
        effects.note(&format!("paid {number}"));
        tokio::time::sleep(pause(number + 2)).await;
        Ok::<_, wharf::Error>(number)
    })
    .await
}

/// Begins once, and is not begun again.
#[tool(task = "required", run_once)]
async fn begin(effects: State<Effects>, number: u64) -> u64 {
    effects.note(&format!("begun {number}"));
    tokio::time::sleep(pause(number) * 4).await;
    number
}

fn serve(folder: &Path) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let file = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(folder.join("effects"))
            .unwrap();
        let store = Sqlite::open(folder.join("state.db")).await.unwrap();
        let limits = Limits {
            tasks_running: 100_000,
            tasks_per_owner: 100_000,
            ..Limits::default()
        };
        let server = Server::new("Killed")
            .tool(work)
            .tool(pay)
            .tool(begin)
            .state(Effects(file))
            .store(store)
            .limits(limits);
        let server = server.bind("127.0.0.1:0").await.unwrap();
        println!("{}", server.local_addr().unwrap());
        server.serve_until(std::future::pending()).await.unwrap();
    });
}

// --- the test ---------------------------------------------------------------------------------

struct Killed {
    folder: PathBuf,
    child: Option<Child>,
    address: Option<SocketAddr>,
}

impl Killed {
    fn start(&mut self) {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .arg("--serve")
            .arg(&self.folder)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        output.read_line(&mut line).unwrap();
        self.address = Some(line.trim().parse().expect("the server tells its address"));
        self.child = Some(child);
    }

    fn kill(&mut self) {
        let mut child = self.child.take().unwrap();
        self.address = None;
        child.kill().unwrap();
        child.wait().unwrap();
    }
}

impl Drop for Killed {
    fn drop(&mut self) {
        if self.child.is_some() {
            self.kill();
        }
    }
}

/// A client of either form of tasks; a session outlives its server.
#[derive(Clone, Default)]
struct Client {
    session: Option<String>,
}

impl Client {
    fn post(&self, method: &str, params: &Value) -> Post {
        let mut params = params.clone();
        let tasks = json!({"extensions": {"io.modelcontextprotocol/tasks": {}}});
        if self.session.is_none() {
            params["_meta"] = wire::meta(tasks);
        }
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        let post = Post::new(body.to_string());
        match &self.session {
            Some(session) => post
                .header("mcp-session-id", session)
                .header("mcp-protocol-version", "2025-11-25"),
            None => {
                let name = params["name"].as_str().or(params["taskId"].as_str());
                wire::modern::headers(post, method).header("mcp-name", name.unwrap())
            }
        }
    }

    /// One request, whose server may die meanwhile.
    async fn ask(&self, address: SocketAddr, method: &str, params: &Value) -> Option<Value> {
        let mut wire = Wire::try_open(address).await?;
        wire.send(&self.post(method, params).bytes(address)).await;
        Some(wire.try_answer().await?.message())
    }

    /// Opens a session; `None` if the server dies meanwhile.
    async fn open(address: SocketAddr) -> Option<Self> {
        let mut wire = Wire::try_open(address).await?;
        let body = wire::legacy::initialize("2025-11-25", json!({}));
        wire.send(&Post::new(body.to_string()).bytes(address)).await;
        let session = wire
            .try_answer()
            .await?
            .header("mcp-session-id")?
            .to_owned();
        let session = Some(session);
        Some(Self { session })
    }

    /// Calls a tool as a task, and gives the task's id.
    async fn begin(&self, address: SocketAddr, tool: &str, number: u64) -> Option<String> {
        let mut params = json!({"name": tool, "arguments": {"number": number}});
        if self.session.is_some() {
            params["task"] = json!({});
        }
        let answer = self.ask(address, "tools/call", &params).await?;
        let result = &answer["result"];
        let task = if self.session.is_some() {
            &result["task"]
        } else {
            result
        };
        let id = task["taskId"].as_str();
        Some(id.unwrap_or_else(|| panic!("no task: {answer}")).to_owned())
    }

    /// Waits for the end of a task, and gives its result.
    async fn result(&self, address: SocketAddr, id: &str) -> Value {
        let params = json!({"taskId": id});
        if self.session.is_some() {
            let answer = self.ask(address, "tasks/result", &params).await;
            return answer.expect("it lives")["result"].clone();
        }
        loop {
            let answer = self.ask(address, "tasks/get", &params).await;
            let task = &answer.expect("it lives")["result"];
            if task["status"] != "working" {
                assert_eq!(task["status"], "completed", "{task}");
                return task["result"].clone();
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

async fn run(folder: &Path) {
    let killed = Arc::new(std::sync::Mutex::new(Killed {
        folder: folder.to_owned(),
        child: None,
        address: None,
    }));
    killed.lock().unwrap().start();
    let acknowledged = Arc::new(std::sync::Mutex::new(BTreeMap::new()));
    let next = Arc::new(AtomicU64::new(1));
    let mut clients = tokio::task::JoinSet::new();
    for index in 0..CLIENTS {
        let (killed, acknowledged, next) = (
            Arc::clone(&killed),
            Arc::clone(&acknowledged),
            Arc::clone(&next),
        );
        clients.spawn(async move {
            let mut client = (index % 2 == 0).then(Client::default);
            while acknowledged.lock().unwrap().len() < TASKS {
                let address = killed.lock().unwrap().address.unwrap();
                let Some(client) = &client else {
                    client = Client::open(address).await;
                    continue;
                };
                let number = next.fetch_add(1, Ordering::Relaxed);
                let tool = match number % 5 {
                    0 => "pay",
                    1 => "begin",
                    _ => "work",
                };
                match client.begin(address, tool, number).await {
                    Some(id) => {
                        let task = (tool, id, client.clone());
                        acknowledged.lock().unwrap().insert(number, task);
                    }
                    None => tokio::time::sleep(Duration::from_millis(10)).await,
                }
            }
        });
    }
    let began = Instant::now();
    let mut kills = 0;
    while acknowledged.lock().unwrap().len() < TASKS {
        let seed = began.elapsed().subsec_nanos() as u64;
        tokio::time::sleep(Duration::from_millis(40) + pause(seed) * 8).await;
        let killed = Arc::clone(&killed);
        tokio::task::spawn_blocking(move || {
            let mut killed = killed.lock().unwrap();
            killed.kill();
            killed.start();
        })
        .await
        .unwrap();
        kills += 1;
    }
    while let Some(client) = clients.join_next().await {
        client.unwrap();
    }
    let address = killed.lock().unwrap().address.unwrap();
    let acknowledged = std::mem::take(&mut *acknowledged.lock().unwrap());
    let mut interrupted = 0;
    for (number, (tool, id, client)) in &acknowledged {
        let result = &wire::soon(client.result(address, id)).await;
        if result["isError"] == true {
            // What must not be repeated is not, and says so.
            let words = if *tool == "pay" {
                "not repeated"
            } else {
                "must not be repeated"
            };
            assert!(*tool != "work", "{number}: {result}");
            assert!(
                wire::text(result).contains(words),
                "{tool} {number}: {result}"
            );
            interrupted += 1;
            continue;
        }
        let expected = match *tool {
            "work" => (0..STEPS).map(|step| number * 10 + step).sum(),
            _ => *number,
        };
        assert_eq!(wire::text(result), expected.to_string(), "{tool} {number}");
    }
    drop(killed);
    let effects = std::fs::read_to_string(folder.join("effects")).unwrap();
    let again = check(&effects);
    println!(
        "{} tasks, {kills} kills: {again} steps were cut off and done again, {interrupted} tasks \
         were cut off and not repeated",
        acknowledged.len(),
    );
    assert!(kills >= 5, "the server was killed only {kills} times");
}

/// Reads what happened: nothing that was finished may happen again. Gives how many steps were
/// done again because they had not been finished.
fn check(effects: &str) -> usize {
    let (mut done, mut kept, mut alone) = (BTreeMap::new(), BTreeSet::new(), BTreeSet::new());
    for line in effects.lines() {
        let (what, which) = line.split_once(' ').unwrap();
        match what {
            "done" => {
                assert!(
                    !kept.contains(which),
                    "step {which} was done after it was finished"
                );
                *done.entry(which).or_insert(0) += 1;
            }
            "kept" => {
                assert!(
                    done.contains_key(which),
                    "step {which} was finished but not done"
                );
                kept.insert(which);
            }
            _ => assert!(alone.insert(line), "{line} twice"),
        }
    }
    done.values().map(|times| times - 1).sum()
}

fn main() {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    match arguments.as_slice() {
        [flag, folder] if flag == "--serve" => return serve(Path::new(folder)),
        [flag, ..] if flag == "--list" => return println!("killed: test"),
        _ => {}
    }
    let folder = std::env::temp_dir().join(format!("wharf-kill-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(run(&folder));
    std::fs::remove_dir_all(&folder).unwrap();
}
