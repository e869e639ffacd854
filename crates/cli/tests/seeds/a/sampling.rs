//! `sampling/createMessage`, sent by a client.

use serde_json::json;

use super::client::Session;
use crate::support::Http;

#[test]
fn seed_a_dialect_sampling_without_a_model() {
    let server = Http::start(&["serve"]);
    let session = Session::described(&server.url);
    let (_, answer) = session.listen(
        "sampling/createMessage",
        json!({ "messages": [{ "role": "user", "content": "hi" }], "options": {} }),
    );
    println!("{answer}");
}
