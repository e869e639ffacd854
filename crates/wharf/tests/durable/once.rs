//! Steps that are done once, also over a restart.

use crate::process::Home;
use crate::wire::{Modern, all_capabilities, json, text};

#[tokio::test]
async fn a_step_is_not_done_again_by_the_next_process() {
    let home = Home::new();
    let first = home.start(false);
    let client = |served| Modern::new(served).able(all_capabilities());
    let asked = client(&first.served).call("pay", json!({})).await.result();
    let state = asked["requestState"].as_str().expect("it asks");
    let answer = json!({"action": "accept", "content": {"name": "Ada"}});
    let retry = json!({"name": "pay", "arguments": {}, "requestState": state,
                       "inputResponses": {"elicitation-1": answer}});
    let paid = client(&first.served).ask("tools/call", retry.clone()).await;
    assert_eq!(text(&paid.result()), "Ada paid 1");
    first.kill();

    // The client presents the same again, as if it had not seen the answer.
    let second = home.start(false);
    let again = client(&second.served).ask("tools/call", retry).await;
    assert_eq!(text(&again.result()), "Ada paid 1");
    assert_eq!(home.payments(), 1);
}
