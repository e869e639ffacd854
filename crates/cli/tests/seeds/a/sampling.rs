//! `sampling/createMessage`, sent by a client: by the simulator, and by a provider over HTTP.

use serde_json::{Value, json};
use wharf::Server;

use super::client::Session;
use super::provider::Provider;
use crate::support::served::Served;
use crate::support::{Folder, Http, wharf};

const METHOD: &str = "sampling/createMessage";
const KEY: &str = "sk-secret-of-the-seed";
const PROGRESS: &str = "notifications/progress";

fn asks(text: &str, options: Value) -> Value {
    json!({ "messages": [{ "role": "user", "content": text }], "options": options })
}

/// A server whose model is the provider's.
fn with_model(folder: &Folder, provider: &Provider) -> Http {
    let config = format!(
        "[llm]\nprovider = \"openai\"\nmodel = \"m-1\"\nkey = \"${{SEED_KEY}}\"\nbase_url = {:?}\n\
         retries = 0\n",
        provider.url
    );
    let config = folder.file("wharf.toml", &config);
    let mut command = wharf(&["serve", "-c"]);
    command.arg(config).env("SEED_KEY", KEY);
    Http::start_with(command)
}

#[test]
fn seed_a_dialect_sampling() {
    let server = Http::start(&["serve"]);
    let session = Session::described(&server.url);
    let answer = session.ask(METHOD, asks("one two three", json!({})));
    let content = json!({ "type": "text", "text": "one two three" });
    assert_eq!(
        answer["message"],
        json!({ "role": "assistant", "content": content })
    );
    // Beside the official members.
    assert_eq!(answer["role"], "assistant");
    assert_eq!(answer["content"], content);
    assert!(answer["model"].is_string());
    assert_eq!(answer["stopReason"], "endTurn");
    for (options, stop) in [
        (json!({ "maxTokens": 2 }), "maxTokens"),
        (json!({ "max_tokens": 2, "temperature": 0.5 }), "maxTokens"),
        (json!({ "stopSequences": ["three"] }), "stopSequence"),
        (json!({ "stop": "three" }), "stopSequence"),
    ] {
        let answer = session.ask(METHOD, asks("one two three", options.clone()));
        assert_eq!(answer["stopReason"], stop, "{options}");
        assert_eq!(answer["message"]["content"]["text"], "one two ");
    }
    // The official spelling is good too.
    let official = json!({
        "maxTokens": 9, "messages": [{ "role": "user", "content": content }],
    });
    assert_eq!(session.ask(METHOD, official)["content"], content);
    for wrong in [
        json!({}),
        json!({ "messages": [] }),
        json!({ "messages": "hi" }),
        json!({ "messages": [{ "role": "user" }] }),
        json!({ "messages": [{ "role": "nobody", "content": "hi" }] }),
        asks("hi", json!([])),
        asks("hi", json!({ "stream": "yes" })),
        asks("hi", json!({ "model": 1 })),
        asks("hi", json!({ "maxTokens": "many" })),
        asks("hi", json!({ "metadata": 1 })),
    ] {
        assert_eq!(session.refused(METHOD, wrong.clone()), -32602, "{wrong}");
    }
}

#[test]
fn seed_a_dialect_sampling_streams() {
    let server = Http::start(&["serve"]);
    let session = Session::described(&server.url);
    for (meta, expected) in [
        (json!({}), None),
        (json!({ "progressToken": "mine" }), Some("mine")),
    ] {
        let mut params = asks("one two three", json!({ "stream": true }));
        params["_meta"] = meta;
        let (id, response) = session.post(METHOD, params);
        let mut events = response.events();
        let mut partial = String::new();
        let answer = loop {
            let message = events.message();
            if message["method"] != PROGRESS {
                break message;
            }
            let token = &message["params"]["progressToken"];
            match expected {
                Some(expected) => assert_eq!(token, expected),
                None => assert_eq!(token, id),
            }
            partial.push_str(message["params"]["message"].as_str().expect("text"));
        };
        assert_eq!(answer["id"], id);
        assert_eq!(
            answer["result"]["message"]["content"]["text"],
            "one two three"
        );
        assert_eq!(partial, "one two three");
    }
    // Who does not ask for it gets the answer alone.
    let (said, _) = session.listen(METHOD, asks("one two", json!({ "stream": false })));
    assert!(said.is_empty(), "{said:?}");
}

#[test]
fn seed_a_dialect_sampling_as_a_task() {
    let server = Http::start(&["serve"]);
    let session = Session::described(&server.url);
    let mut stream = session.stream_by_query();
    let mut params = asks("one two three", json!({ "stream": true }));
    params["taskId"] = json!("talk");
    let begun = session.ask(METHOD, params.clone());
    assert_eq!(begun["taskId"], "talk");
    // The status, the text as it comes, the status.
    let mut partial = String::new();
    assert_eq!(stream.message()["params"]["status"], "working");
    let end = loop {
        let message = stream.message();
        if message["method"] != PROGRESS {
            break message;
        }
        assert_eq!(message["params"]["progressToken"], "talk");
        partial.push_str(message["params"]["message"].as_str().expect("text"));
    };
    assert_eq!(partial, "one two three");
    assert_eq!(end["params"]["status"], "completed");
    let task = session.ask("tasks/get", json!({ "taskId": "talk" }));
    assert_eq!(
        task["result"]["message"]["content"]["text"],
        "one two three"
    );
    assert_eq!(session.refused(METHOD, params), -32602, "the id is in use");
}

#[test]
fn seed_a_dialect_sampling_without_a_model() {
    let server = Server::new("mute").interpreter(wharf_ready::Dialect::default());
    let served = Served::start(server);
    let session = Session::described(&served.url);
    let (_, answer) = session.listen(METHOD, asks("hi", json!({})));
    assert_eq!(answer["error"]["code"], -32601);
    let why = answer["error"]["message"].as_str().expect("text");
    assert!(why.contains("no model"), "{why}");
    let mut task = asks("hi", json!({}));
    task["taskId"] = json!("t");
    assert_eq!(session.refused(METHOD, task), -32601);
    assert_eq!(
        session.refused("tasks/get", json!({ "taskId": "t" })),
        -32602
    );
}

/// The server asks a provider, and hands its words on while they are said: the provider says the
/// next one only after the client has the one before.
#[test]
fn seed_a04_a_model_of_a_provider_as_it_speaks() {
    let folder = Folder::new("seed-a04");
    let provider = Provider::start();
    let server = with_model(&folder, &provider);
    let session = Session::described(&server.url);
    let mut params = asks(
        "Capital of France?",
        json!({
            "stream": true, "maxTokens": 50, "temperature": 0.25, "stop": "END",
            "systemPrompt": "Be brief.",
        }),
    );
    params["messages"][0]["role"] = json!("user");
    let (id, mut events) = std::thread::scope(|scope| {
        let posting = scope.spawn(|| {
            let (id, response) = session.post(METHOD, params);
            (id, response.events())
        });
        let mut asked = provider.asked();
        assert!(
            asked.head.contains(&format!("Bearer {KEY}")),
            "{}",
            asked.head
        );
        assert_eq!(asked.body["model"], "m-1");
        assert_eq!(asked.body["stream"], true);
        assert_eq!(asked.body["temperature"], 0.25);
        let sent = asked.body.to_string();
        for part in ["Capital of France?", "Be brief.", "END", "50"] {
            assert!(sent.contains(part), "{part}: {sent}");
        }
        asked.begin();
        asked.says("Par");
        let (id, mut events) = posting.join().expect("a response");
        for (heard, next) in [("Par", Some("is")), ("is", Some(".")), (".", None)] {
            let told = events.notice(PROGRESS);
            assert_eq!(told["params"]["message"], heard);
            if let Some(next) = next {
                asked.says(next);
            }
        }
        asked.ends();
        (id, events)
    });
    let answer = events.message();
    assert_eq!(answer["id"], id);
    assert_eq!(answer["result"]["message"]["content"]["text"], "Paris.");

    // An official session asks the same way, in the specification's spelling.
    let official = Session::official(&server.url);
    let content = json!({ "type": "text", "text": "Again?" });
    let params = json!({ "maxTokens": 5, "messages": [{ "role": "user", "content": content }] });
    let answer = std::thread::scope(|scope| {
        let asking = scope.spawn(|| official.ask(METHOD, params));
        let mut asked = provider.asked();
        asked.begin();
        asked.says("Paris!");
        asked.ends();
        asking.join().expect("an answer")
    });
    assert_eq!(answer["content"]["text"], "Paris!");
    assert!(answer.get("message").is_none());

    // A provider that fails is an error, and the key is in nothing that is said or written.
    let failed = std::thread::scope(|scope| {
        let asking = scope.spawn(|| session.listen(METHOD, asks("?", json!({}))).1);
        provider
            .asked()
            .fails("500 Internal Server Error", &format!("{KEY} is no key"));
        asking.join().expect("an answer")
    });
    assert_eq!(failed["error"]["code"], -32603);
    server.process.signal("TERM");
    let (_, out, log) = server.process.end();
    let all = format!("{failed}{out:?}{log:?}");
    assert!(!all.contains(KEY), "{all}");
}

/// A cancelled question is taken back from the provider.
#[test]
fn seed_a_dialect_sampling_is_cancelled() {
    let folder = Folder::new("seed-a-cancel");
    let provider = Provider::start();
    let server = with_model(&folder, &provider);
    let session = Session::described(&server.url);
    let mut stream = session.stream();
    let mut params = asks("A long story, please.", json!({ "stream": true }));
    params["taskId"] = json!("story");
    session.ask(METHOD, params);
    let mut asked = provider.asked();
    asked.begin();
    asked.says("Once");
    assert_eq!(stream.notice(PROGRESS)["params"]["message"], "Once");
    let cancelled = session.ask("tasks/cancel", json!({ "taskId": "story" }));
    assert_eq!(cancelled["cancelled"], true);
    assert!(
        asked.loses_its_client(),
        "the provider still speaks to somebody"
    );
    let told = stream.notice("notifications/tasks/status");
    assert_eq!(told["params"]["status"], "cancelled");
}
