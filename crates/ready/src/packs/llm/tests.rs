//! The pack with its simulator, as clients reach it.

use serde_json::json;
use wharf::Server;

use super::*;

async fn served(options: Options) -> wharf::InProcess {
    let server = Server::new("test");
    let at = Surroundings {
        catalog: server.catalog().clone(),
        base: ".".into(),
    };
    let pack = open(&options, &at).await.expect("a pack");
    server
        .catalog()
        .update(|edit| edit.add_items(pack.items))
        .expect("items");
    server.in_process().await.expect("a server")
}

#[tokio::test]
async fn the_tool_answers() {
    let server = served(Options::default()).await;
    let asked = json!({"prompt": "Say this", "max_tokens": 1});
    let result = server.call("ask_llm", asked).await.expect("a result");
    assert_eq!(result.content[0].as_text(), Some("Say "));
}
