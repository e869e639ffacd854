//! No secret in a log, an error or a `Debug`.

use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::json;
use tracing_subscriber::fmt::MakeWriter;
use wharf_auth::Client;

use crate::world::World;

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn row_19_secrets_are_not_logged_or_shown() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(log.clone())
        .finish();
    // The runtime of this test has one thread, so what it spawns logs here too.
    let _guard = tracing::subscriber::set_default(subscriber);

    let world = World::new().await;
    world.set(|script| {
        script.metadata = json!({"token_endpoint_auth_methods_supported": ["client_secret_post"]});
    });
    let oauth = world
        .oauth()
        .client(Client::new("mine").with_secret("my-secret"));
    let headers = world.call(&oauth).await.unwrap();
    let status = oauth.status().await.unwrap().unwrap();
    let asked = world.seen("/token")[0].params.clone();
    assert_eq!(asked["client_secret"], "my-secret");
    // A server that repeats secrets where they are not expected.
    let odd = json!({"error": 7, "access_token": "odd-token", "error_description": "my-secret"});
    world.set(|script| script.tokens.push_back((400, odd, Duration::ZERO)));
    let one = oauth.sign_in().await.unwrap_err();
    let odd = json!({"access_token": ["odd-token"], "token_type": "Bearer"});
    world.set(|script| script.tokens.push_back((200, odd, Duration::ZERO)));
    let other = oauth.sign_in().await.unwrap_err();
    assert!(oauth.sign_out().await.unwrap());

    let shown = format!("{oauth:?} {headers:?} {status:?} {one:?} {one} {other:?} {other}");
    let logged = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(logged.contains("asking for a token"), "nothing was logged");
    for secret in [
        "my-secret",
        "access-token-1",
        "refresh-token-1",
        "odd-token",
        "the-code",
        &asked["code_verifier"],
    ] {
        assert!(!shown.contains(secret), "{secret} in {shown}");
        assert!(!logged.contains(secret), "{secret} was logged");
    }
}
