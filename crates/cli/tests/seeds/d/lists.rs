//! Lists page by page, structured results, and what a server asks of its client.

use serde_json::{Value, json};
use wharf::{Context, Limits, NoArguments, Prompt, Resource, Server, Tool};

use super::wire::{Lines, open, send, within};
use crate::support::served::Served;
use crate::support::{Answer, Http, call, request};

/// A server in this process, called by hand.
struct Remote {
    port: u16,
    session: String,
    _served: Served,
}

impl Remote {
    fn start(server: Server, capabilities: Value) -> Self {
        let served = Served::start(server);
        let port = served
            .url
            .split([':', '/'])
            .nth(4)
            .and_then(|port| port.parse().ok());
        let port = port.expect("a port");
        let mut first = crate::support::initialize();
        first["params"]["capabilities"] = capabilities;
        let this = Self {
            port,
            session: String::new(),
            _served: served,
        };
        let opened = this.post(&first);
        let session = opened.header("mcp-session-id").expect("a session");
        Self { session, ..this }
    }

    fn head(&self) -> Vec<(&str, &str)> {
        let mut headers = vec![
            ("content-type", "application/json"),
            ("accept", "application/json, text/event-stream"),
        ];
        if !self.session.is_empty() {
            headers.extend(within(&self.session));
        }
        headers
    }

    fn post(&self, message: &Value) -> Answer {
        send(self.port, "POST /mcp", &self.head(), &message.to_string())
    }

    /// Posts a request whose answer is a stream.
    fn stream(&self, message: &Value) -> Lines {
        use std::io::Write as _;
        let mut stream = super::wire::connect(self.port);
        let body = message.to_string();
        let mut head = "POST /mcp HTTP/1.1\r\nhost: localhost\r\n".to_owned();
        for (name, value) in self.head() {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        write!(stream, "{head}content-length: {}\r\n\r\n{body}", body.len()).expect("sent");
        Lines::of(stream).1
    }
}

#[test]
fn seed_d04_every_list_has_pages() {
    let mut server = Server::new("pages").limits(Limits {
        page_items: 2,
        ..Limits::default()
    });
    for number in 0..5 {
        let tool =
            Tool::new(format!("t{number}")).handler(|_: NoArguments, _: Context| async { "done" });
        let template = format!("{{x}}:{number}");
        server = server
            .tool(tool)
            .resource(Resource::text(format!("r:{number}"), "text"))
            .resource(Resource::template(
                format!("t{number}:{template}"),
                |_: Value, _: Context| async { "text" },
            ))
            .prompt(
                Prompt::new(format!("p{number}"))
                    .handler(|_: NoArguments, _: Context| async { "text" }),
            );
    }
    let remote = Remote::start(server, json!({}));
    for (method, list, key) in [
        ("tools/list", "tools", "name"),
        ("resources/list", "resources", "uri"),
        (
            "resources/templates/list",
            "resourceTemplates",
            "uriTemplate",
        ),
        ("prompts/list", "prompts", "name"),
    ] {
        let mut seen = Vec::new();
        let mut cursor = None;
        loop {
            let params = cursor.map_or(json!({}), |cursor| json!({"cursor": cursor}));
            let answer = remote.post(&request(1, method, params)).json();
            let page = answer["result"][list]
                .as_array()
                .unwrap_or_else(|| panic!("{method}: {answer}"));
            assert!((1..=2).contains(&page.len()), "{method}: {answer}");
            seen.extend(page.iter().map(|item| item[key].to_string()));
            match answer["result"].get("nextCursor") {
                Some(next) => cursor = Some(next.clone()),
                None => break,
            }
        }
        assert_eq!(seen.len(), 5, "{method}: {seen:?}");
        seen.dedup();
        assert_eq!(seen.len(), 5, "{method}: {seen:?}");
        let wrong = remote
            .post(&request(2, method, json!({"cursor": "made up"})))
            .json();
        assert_eq!(wrong["error"]["code"], -32602, "{method}: {wrong}");
    }
}

#[test]
fn seed_d04_results_have_structure() {
    let server = Http::start(&["serve"]);
    let session = open(&server);
    let tools = server
        .ask(&within(&session), &request(1, "tools/list", json!({})))
        .json();
    let tools = tools["result"]["tools"].as_array().expect("tools").clone();
    let add = tools
        .iter()
        .find(|tool| tool["name"] == "add")
        .expect("add");
    assert_eq!(
        add["outputSchema"]["properties"]["result"]["type"], "integer",
        "{add}"
    );
    let sum = server
        .ask(
            &within(&session),
            &call(2, "add", json!({"a": 20, "b": 22})),
        )
        .json();
    assert_eq!(sum["result"]["structuredContent"], json!({"result": 42}));
    // For clients that know nothing of it, the same as text.
    let text = sum["result"]["content"][0]["text"].as_str().expect("text");
    assert_eq!(
        serde_json::from_str::<Value>(text).expect("JSON"),
        json!({"result": 42})
    );
}

#[test]
fn seed_d04_the_clients_model_and_its_roots_are_asked_for() {
    let ask = Tool::new("ask").handler(|_: NoArguments, ctx: Context| async move {
        let answer = ctx.sample("How many roots?").await?;
        let roots = ctx.roots().await?;
        let roots: Vec<_> = roots.iter().map(|root| root.uri.to_string()).collect();
        Ok::<_, wharf::Error>(format!("{}: {}", answer.text(), roots.join(" ")))
    });
    let able = json!({"sampling": {}, "roots": {"listChanged": true}});
    let remote = Remote::start(Server::new("asks").tool(ask), able);
    let mut lines = remote.stream(&call(1, "ask", json!({})));
    for (method, result) in [
        (
            "sampling/createMessage",
            json!({"role": "assistant", "model": "m", "content": {"type": "text", "text": "one"}}),
        ),
        ("roots/list", json!({"roots": [{"uri": "file:///work"}]})),
    ] {
        let asked = lines.message();
        assert_eq!(asked["method"], method, "{asked}");
        let answer = json!({"jsonrpc": "2.0", "id": asked["id"], "result": result});
        assert_eq!(remote.post(&answer).status, 202);
    }
    let done = lines.message();
    assert_eq!(
        done["result"]["content"][0]["text"], "one: file:///work",
        "{done}"
    );
}
