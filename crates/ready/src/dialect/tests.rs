//! What a running server seldom shows: limits, prompts of every kind, questions within tasks.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use wharf::protocol::sampling::CreateMessageParams;
use wharf::{
    Context, Error, Limits, Message, ModelHandler, NoArguments, Prompt, Sample, Server, Tool,
};

use super::Dialect;

/// A server on a port of its own, with one session of the dialect.
struct Served {
    address: String,
    session: String,
}

impl Served {
    async fn start(server: Server) -> Self {
        let bound = server
            .interpreter(Dialect::default())
            .bind("127.0.0.1:0")
            .await;
        let bound = bound.expect("a port");
        let address = bound.local_addr().expect("an address").to_string();
        tokio::spawn(bound.serve_until(std::future::pending()));
        let mut served = Self {
            address,
            session: String::new(),
        };
        served.session = served.open(json!({})).await.0;
        served
    }

    /// Opens a session: its id, and the answer.
    async fn open(&self, params: Value) -> (String, Value) {
        let (head, body) = self.post("", "initialize", params).await;
        let id = head
            .lines()
            .find_map(|line| line.strip_prefix("mcp-session-id: "));
        (id.unwrap_or_default().to_owned(), body)
    }

    /// Posts a request; the head, and the last message of the answer.
    async fn post(&self, session: &str, method: &str, params: Value) -> (String, Value) {
        let message = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let header = match session {
            "" => String::new(),
            id => format!("Mcp-Session-Id: {id}\r\n"),
        };
        let (head, body) = self
            .send("POST", "/mcp", &header, &message.to_string())
            .await;
        let last = body
            .lines()
            .filter_map(|line| line.strip_prefix("data: {"))
            .next_back();
        let last = last.map(|rest| format!("{{{rest}"));
        let text = last.unwrap_or(body);
        (head, serde_json::from_str(&text).unwrap_or(Value::Null))
    }

    /// HTTP/1.0: the body ends with the connection.
    async fn send(
        &self,
        method: &str,
        target: &str,
        headers: &str,
        body: &str,
    ) -> (String, String) {
        let mut stream = TcpStream::connect(&self.address).await.expect("connected");
        let request = format!(
            "{method} {target} HTTP/1.0\r\nHost: {}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n{headers}\r\n{body}",
            self.address,
            body.len()
        );
        stream.write_all(request.as_bytes()).await.expect("sent");
        let mut text = String::new();
        stream.read_to_string(&mut text).await.expect("an answer");
        let (head, body) = text.split_once("\r\n\r\n").expect("a head");
        (head.to_owned(), body.to_owned())
    }

    async fn ask(&self, method: &str, params: Value) -> Value {
        let (_, mut answer) = self.post(&self.session, method, params).await;
        assert!(answer["error"].is_null(), "{method}: {answer}");
        answer["result"].take()
    }

    async fn code(&self, method: &str, params: Value) -> i64 {
        let (_, answer) = self.post(&self.session, method, params).await;
        answer["error"]["code"]
            .as_i64()
            .unwrap_or_else(|| panic!("{method}: {answer}"))
    }

    /// Waits for the end of a task, and gives it.
    async fn ended(&self, id: &str) -> Value {
        // With a result or without.
        let _ = self
            .post(&self.session, "tasks/result", json!({ "taskId": id }))
            .await;
        self.ask("tasks/get", json!({ "taskId": id })).await
    }
}

fn server() -> Server {
    Server::new("demo")
        .tool(Tool::new("quick").handler(|_: NoArguments, _: Context| async { "done" }))
        .tool(
            Tool::new("stuck").handler(|_: NoArguments, _: Context| async {
                std::future::pending::<()>().await;
                "never"
            }),
        )
}

fn task(tool: &str, id: &str) -> Value {
    json!({ "toolName": tool, "taskId": id })
}

#[tokio::test]
async fn prompts_are_listed_with_what_they_say() {
    let loud = "x".repeat(100_000);
    let server = server()
        .prompt(
            Prompt::new("greet").handler(|_: NoArguments, _: Context| async {
                vec![Message::user("Hello."), Message::assistant("Hi!")]
            }),
        )
        .prompt(Prompt::new("asks").description("Asks first.").handler(
            |_: NoArguments, ctx: Context| async move {
                let said = ctx.sample(Sample::user("Say something.")).await;
                said.map(|said| said.text().into_owned())
            },
        ))
        .prompt(Prompt::new("stuck").title("Never ends").handler(
            |_: NoArguments, _: Context| async {
                std::future::pending::<()>().await;
                "never"
            },
        ))
        .prompt(
            Prompt::new("loud").handler(move |_: NoArguments, _: Context| {
                let loud = loud.clone();
                async move { loud }
            }),
        );
    let served = Served::start(server).await;
    // It could answer what the prompt asks; nobody asks it.
    let declared = json!({ "capabilities": { "sampling": true } });
    let (session, _) = served.open(declared).await;
    let listing = served.post(&session, "prompts/list", json!({}));
    let listing = tokio::time::timeout(Duration::from_secs(30), listing).await;
    let (_, listed) = listing.expect("a list in time");
    let said: Vec<_> = listed["result"]["prompts"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|prompt| {
            let messages = prompt["messages"].as_array().expect("messages").iter();
            let texts = messages.map(|message| message["content"]["text"].clone());
            (prompt["name"].clone(), texts.collect::<Vec<_>>())
        })
        .collect();
    for (name, texts) in [
        ("greet", vec!["Hello.", "Hi!"]),
        ("asks", vec!["Asks first."]),
        ("stuck", vec!["Never ends"]),
        ("loud", vec!["loud"]),
    ] {
        let texts: Vec<Value> = texts.into_iter().map(Value::from).collect();
        assert!(said.contains(&(name.into(), texts)), "{name}: {said:?}");
    }
}

#[tokio::test]
async fn tasks_are_bounded_in_number() {
    let limits = Limits {
        tasks_running: 2,
        tasks_per_owner: 4,
        ..Limits::default()
    };
    let served = Served::start(server().limits(limits)).await;
    for id in ["a", "b"] {
        served.ask("tools/call", task("stuck", id)).await;
    }
    let full = task("quick", "c");
    let (head, answer) = served
        .post(&served.session, "tools/call", full.clone())
        .await;
    assert!(head.starts_with("HTTP/1.0 429"), "{head}");
    assert_eq!(answer["error"]["code"], -32603);
    // In another session too: those that run are counted together.
    let (other, _) = served.open(json!({})).await;
    let (head, _) = served.post(&other, "tools/call", full.clone()).await;
    assert!(head.starts_with("HTTP/1.0 429"), "{head}");
    // A cancelled task gives its place back, but is kept.
    served.ask("tasks/cancel", json!({ "taskId": "a" })).await;
    let mut begun = 0;
    for _ in 0..200 {
        let (_, answer) = served
            .post(&served.session, "tools/call", full.clone())
            .await;
        if answer["error"].is_null() {
            begun += 1;
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(begun, 1);
    served.ended("c").await;
    served.ask("tools/call", task("quick", "d")).await;
    served.ended("d").await;
    let (head, _) = served
        .post(&served.session, "tools/call", task("quick", "e"))
        .await;
    assert!(head.starts_with("HTTP/1.0 429"), "{head}");
    // The end of the session gives all places back.
    let header = format!("Mcp-Session-Id: {}\r\n", served.session);
    served.send("DELETE", "/mcp", &header, "").await;
    let mut running = Value::Null;
    for _ in 0..200 {
        running = served
            .post(&other, "tools/call", task("stuck", "f"))
            .await
            .1;
        if running["error"].is_null() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(running["result"]["taskId"], "f", "{running}");
}

#[tokio::test]
async fn tasks_are_bounded_in_time() {
    let limits = Limits {
        call_timeout: Duration::from_millis(50),
        task_timeout: Duration::from_millis(300),
        task_ttl: Duration::from_secs(2),
        ..Limits::default()
    };
    let slow = Tool::new("slow").handler(|_: NoArguments, _: Context| async {
        tokio::time::sleep(Duration::from_millis(150)).await;
        "done"
    });
    let served = Served::start(server().tool(slow).limits(limits)).await;
    // A task has a task's time, which is longer than a call's.
    served.ask("tools/call", task("slow", "slow")).await;
    assert_eq!(served.ended("slow").await["status"], "completed");
    let call = served
        .ask("tools/call", json!({ "toolName": "slow" }))
        .await;
    assert_eq!(call["isError"], true);
    served.ask("tools/call", task("stuck", "stuck")).await;
    let stuck = served.ended("stuck").await;
    assert_eq!(stuck["status"], "failed", "{stuck}");
    // And is forgotten in the end: its id is free again.
    tokio::time::sleep(Duration::from_millis(2100)).await;
    assert_eq!(
        served.code("tasks/get", json!({ "taskId": "slow" })).await,
        -32602
    );
    served.ask("tools/call", task("quick", "slow")).await;
}

#[tokio::test]
async fn a_task_that_asks_without_a_stream_fails_and_does_not_hang() {
    let asks = Tool::new("asks").handler(|_: NoArguments, ctx: Context| async move {
        let said = ctx.sample(Sample::user("Say something.")).await;
        said.map(|said| said.text().into_owned())
    });
    let served = Served::start(server().tool(asks)).await;
    let (session, _) = served
        .open(json!({ "capabilities": { "sampling": true } }))
        .await;
    let served = Served { session, ..served };
    served.ask("tools/call", task("asks", "t")).await;
    let ended = tokio::time::timeout(Duration::from_secs(30), served.ended("t")).await;
    assert_eq!(ended.expect("an end")["status"], "failed");
}

/// Says what it was asked for.
struct Mirror;

impl ModelHandler for Mirror {
    fn create_message<'a>(
        &'a self,
        _: &'a Context,
        params: CreateMessageParams,
    ) -> wharf::BoxFuture<'a, wharf::Result<wharf::protocol::sampling::CreateMessageResult>> {
        let hints = params
            .model_preferences
            .map(|preferences| preferences.hints);
        let hints = hints.unwrap_or_default();
        let about = json!({
            "maxTokens": params.max_tokens,
            "temperature": params.temperature,
            "system": params.system_prompt,
            "stop": params.stop_sequences,
            "model": hints.first().and_then(|hint| hint.name.clone()),
            "metadata": params.metadata,
            "messages": params.messages.iter().map(|one| one.content.text()).collect::<Vec<_>>(),
        });
        let answer = json!({
            "role": "assistant", "model": "mirror",
            "content": { "type": "text", "text": about.to_string() },
        });
        Box::pin(async move { serde_json::from_value(answer).map_err(Error::new) })
    }
}

#[tokio::test]
async fn options_become_official_members() {
    let served = Served::start(server().model(Mirror)).await;
    let understood = |params: Value| {
        let served = &served;
        async move {
            let answer = served.ask("sampling/createMessage", params).await;
            let text = answer["message"]["content"]["text"]
                .as_str()
                .expect("text")
                .to_owned();
            serde_json::from_str::<Value>(&text).expect("JSON")
        }
    };
    let messages = json!([
        { "role": "system", "content": "Be brief." },
        { "role": "system", "content": { "type": "text", "text": "Be kind." } },
        { "role": "user", "content": "One" },
        { "role": "assistant", "content": { "type": "text", "text": "Two" } },
        { "role": "user", "content": [{ "type": "text", "text": "Three" }] },
    ]);
    let plain = understood(json!({ "messages": messages })).await;
    let texts = json!(["One", "Two", "Three"]);
    assert_eq!(
        plain,
        json!({
            "maxTokens": 1024, "temperature": null, "system": "Be brief.\nBe kind.", "stop": [],
            "model": null, "metadata": null, "messages": texts,
        })
    );
    let options = json!({
        "maxTokens": 7, "temperature": 0.5, "systemPrompt": "Be long.", "stop": ["a", "b"],
        "model": "large", "topP": 0.9, "metadata": { "user": 1 }, "stream": false,
    });
    let full = understood(json!({ "messages": messages, "options": options })).await;
    assert_eq!(
        full,
        json!({
            "maxTokens": 7, "temperature": 0.5, "system": "Be long.", "stop": ["a", "b"],
            "model": "large", "metadata": { "user": 1, "topP": 0.9 }, "messages": texts,
        })
    );
    // What is said officially counts.
    let both = json!({ "messages": messages, "maxTokens": 3, "options": { "maxTokens": 7 } });
    assert_eq!(understood(both).await["maxTokens"], 3);
}
