//! Against an authorization server that others wrote: npm's `oidc-provider`.
//!
//! It is installed once, into `${WHARF_CACHE:-$HOME/.cache/wharf-ci}/oidc`. Where npm is absent,
//! the tests say so and pass.

#![allow(clippy::unwrap_used, reason = "a helper that fails must fail the test")]

mod client;
mod person;
mod server;

use std::sync::Arc;
use std::time::Duration;

use client::Caller;
use person::Person;
use serde_json::json;
use server::Server;
use wharf_auth::{Client, Dpop, FileStore, Flow, OAuth, SigningKey};

fn oauth(server: &Server) -> OAuth {
    OAuth::new(&server.resource)
        .unwrap()
        .interaction(Person::default())
        .patience(Duration::from_secs(20))
}

/// A folder that is gone with the test.
struct Folder(std::path::PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let name = format!("wharf-auth-{name}-{}", std::process::id());
        Self(std::env::temp_dir().join(name))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[tokio::test]
async fn a_person_signs_in_and_out() {
    let Some(server) = Server::start(json!({})).await else {
        return;
    };
    let caller = Caller::new(&server, oauth(&server));
    assert!(caller.oauth.status().await.unwrap().is_none());
    let answer = caller.call(None).await.unwrap();
    assert_eq!(answer["scope"], "read");
    assert_eq!(answer["bound"], false);
    let again = caller.call(None).await.unwrap();
    assert_eq!(again["token"], answer["token"]);

    let status = caller.oauth.status().await.unwrap().unwrap();
    assert_eq!(status.issuer, server.issuer);
    assert!(status.is_renewable && !status.is_bound);
    assert!(status.expires_in.unwrap() > 3500);
    let log = server.log().await;
    assert_eq!(log["registered"], 1);
    assert_eq!(log["grants"], json!({"authorization_code": 1}));

    let sent = caller.headers().await;
    assert!(caller.oauth.sign_out().await.unwrap());
    assert!(caller.oauth.status().await.unwrap().is_none());
    assert!(caller.headers().await.is_empty());
    assert_eq!(caller.send(&sent, None).await.0, 401, "the token lives on");
}

#[tokio::test]
async fn more_scopes_are_asked_for_on_top() {
    let Some(server) = Server::start(json!({})).await else {
        return;
    };
    let caller = Caller::new(&server, oauth(&server));
    caller.call(None).await.unwrap();
    let answer = caller.call(Some("write")).await.unwrap();
    assert_eq!(answer["scope"], "read write");
    // A scope that the server never gives does not make a person sign in for ever.
    let error = caller.call(Some("admin")).await.unwrap_err();
    assert!(error.is_insufficient_scope(), "{error}");
    let log = server.log().await;
    assert!(
        log["grants"]["authorization_code"].as_u64().unwrap() <= 4,
        "{log}"
    );
}

#[tokio::test]
async fn a_person_says_no() {
    let Some(server) = Server::start(json!({"deny": true})).await else {
        return;
    };
    let caller = Caller::new(&server, oauth(&server).scopes(["read", "write"]));
    let error = caller.call(None).await.unwrap_err();
    assert!(error.is_refused_by_user(), "{error:?}");
    assert!(error.to_string().contains("Ann said no"), "{error}");
}

#[tokio::test]
async fn tokens_are_refreshed_once_for_all() {
    let Some(server) = Server::start(json!({"ttl": 4})).await else {
        return;
    };
    let caller = Arc::new(Caller::new(&server, oauth(&server)));
    let first = caller.call(None).await.unwrap();
    for round in 1..=2 {
        tokio::time::sleep(Duration::from_millis(3200)).await;
        let mut calls = tokio::task::JoinSet::new();
        for _ in 0..20 {
            let caller = caller.clone();
            calls.spawn(async move { caller.call(None).await.unwrap()["token"].clone() });
        }
        let tokens = calls.join_all().await;
        assert!(tokens.iter().all(|token| *token == tokens[0]));
        assert_ne!(tokens[0], first["token"]);
        let log = server.log().await;
        assert_eq!(log["grants"]["refresh_token"], round, "{log}");
        assert_eq!(log["grants"]["authorization_code"], 1, "{log}");
    }
}

#[tokio::test]
async fn processes_that_share_a_store_do_not_use_a_refresh_token_twice() {
    let Some(server) = Server::start(json!({"ttl": 4})).await else {
        return;
    };
    let folder = Folder::new("shared");
    let caller = || {
        let store = FileStore::open(&folder.0).unwrap();
        Arc::new(Caller::new(&server, oauth(&server).store(store)))
    };
    let first = caller();
    first.call(None).await.unwrap();
    let mut all = vec![first];
    for _ in 0..4 {
        let next = caller();
        // It finds the token of the first, and nobody is asked.
        next.call(None).await.unwrap();
        all.push(next);
    }
    tokio::time::sleep(Duration::from_millis(4200)).await;
    let mut calls = tokio::task::JoinSet::new();
    for caller in all {
        calls.spawn(async move { caller.call(None).await.unwrap()["token"].clone() });
    }
    let tokens = calls.join_all().await;
    assert!(tokens.iter().all(|token| *token == tokens[0]));
    let log = server.log().await;
    assert_eq!(
        log["grants"],
        json!({"authorization_code": 1, "refresh_token": 1}),
        "{log}"
    );
    assert_eq!(log["revoked"], 0, "{log}");
}

#[tokio::test]
async fn a_revoked_session_leads_to_a_new_sign_in() {
    let Some(server) = Server::start(json!({})).await else {
        return;
    };
    let folder = Folder::new("revoked");
    let with_store = || oauth(&server).store(FileStore::open(&folder.0).unwrap());
    let one = Caller::new(&server, with_store());
    one.call(None).await.unwrap();
    let other = Caller::new(&server, with_store());
    other.call(None).await.unwrap();
    assert!(one.oauth.sign_out().await.unwrap());
    // The other still has the tokens in memory; they and their refresh token are refused.
    other.call(None).await.unwrap();
    let log = server.log().await;
    assert_eq!(log["grants"]["authorization_code"], 2, "{log}");
}

#[tokio::test]
async fn a_code_on_another_device() {
    let Some(server) = Server::start(json!({})).await else {
        return;
    };
    let caller = Caller::new(&server, oauth(&server).flow(Flow::Device));
    let answer = caller.call(None).await.unwrap();
    assert_eq!(answer["scope"], "read");
    let log = server.log().await;
    assert_eq!(log["grants"], json!({"device_code": 1}), "{log}");
    // Also where there is no browser, without being told.
    let blind = oauth(&server).interaction(Person::without_browser());
    Caller::new(&server, blind).call(None).await.unwrap();
    assert_eq!(server.log().await["grants"], json!({"device_code": 2}));
}

#[tokio::test]
async fn a_client_asks_for_itself() {
    for (method, id, secret) in [
        ("client_secret_basic", "robot", "a secret: with % and +"),
        ("client_secret_post", "robot-post", "another secret"),
    ] {
        let options = json!({"methods": ["none", method, "private_key_jwt"]});
        let Some(server) = Server::start(options).await else {
            return;
        };
        let with = |secret: &str| {
            let client = Client::new(id).with_secret(secret);
            let oauth = oauth(&server).client(client).flow(Flow::ClientCredentials);
            Caller::new(&server, oauth)
        };
        assert_eq!(with(secret).call(None).await.unwrap()["client"], id);
        let error = with("guessed").call(None).await.unwrap_err();
        assert!(error.is_refused_by_server(), "{error:?}");
        assert!(error.next_step().unwrap().contains("secret"));
        assert!(!format!("{error:?}").contains("guessed"));
        assert_eq!(server.log().await["registered"], 0);
    }
}

#[tokio::test]
async fn a_client_without_a_person_gets_new_tokens_by_itself() {
    let Some(server) = Server::start(json!({"ttl": 3})).await else {
        return;
    };
    let client = Client::new("robot").with_secret("a secret: with % and +");
    let oauth = oauth(&server).client(client).flow(Flow::ClientCredentials);
    let caller = Caller::new(&server, oauth);
    let first = caller.call(None).await.unwrap();
    tokio::time::sleep(Duration::from_millis(3200)).await;
    // Before the request, not after a refusal.
    let headers = caller.headers().await;
    assert_eq!(caller.send(&headers, None).await.0, 200);
    assert_ne!(caller.call(None).await.unwrap()["token"], first["token"]);
}

#[tokio::test]
async fn a_client_proves_itself_with_its_key() {
    let mut keys = client::keys();
    let public: Vec<_> = keys.iter().map(|(_, public)| public.clone()).collect();
    let options = json!({ "keys": public });
    let Some(server) = Server::start(options).await else {
        return;
    };
    for alg in ["RS256", "PS256"] {
        keys.push((server.rsa.clone(), json!({"kid": alg, "alg": alg})));
    }
    for (pem, public) in keys {
        let id = public["kid"].as_str().unwrap();
        let key = SigningKey::from_pem(pem).unwrap();
        let key = key.with_algorithm(public["alg"].as_str().unwrap());
        let client = Client::new(format!("robot-{id}")).with_key(key.unwrap().with_id(id));
        let oauth = oauth(&server).client(client).flow(Flow::ClientCredentials);
        let answer = Caller::new(&server, oauth).call(None).await.unwrap();
        assert_eq!(answer["client"], format!("robot-{id}"));
    }
}

#[tokio::test]
async fn row_17_jwt_traps_a_key_never_signs_as_the_server_likes() {
    let options = json!({"algorithms": ["PS256"]});
    let Some(server) = Server::start(options).await else {
        return;
    };
    let key = SigningKey::from_pem(server.rsa.clone()).unwrap();
    let client = Client::new("robot-RS256").with_key(key);
    let oauth = oauth(&server).client(client).flow(Flow::ClientCredentials);
    let error = Caller::new(&server, oauth).call(None).await.unwrap_err();
    assert!(error.is_misconfigured(), "{error}");
    assert_eq!(server.log().await["refused"], json!([]));
}

#[tokio::test]
async fn tokens_are_bound_to_a_key() {
    for nonce in [false, true] {
        let options = json!({"dpop": true, "nonce": nonce, "ttl": 4});
        let Some(server) = Server::start(options).await else {
            return;
        };
        let folder = Folder::new(if nonce { "dpop-nonce" } else { "dpop" });
        let with_store = || oauth(&server).store(FileStore::open(&folder.0).unwrap());
        let caller = Caller::new(&server, with_store());
        assert_eq!(caller.call(None).await.unwrap()["bound"], true);
        assert_eq!(caller.call(None).await.unwrap()["bound"], true);
        assert!(caller.oauth.status().await.unwrap().unwrap().is_bound);
        tokio::time::sleep(Duration::from_millis(3200)).await;
        assert_eq!(caller.call(None).await.unwrap()["bound"], true);
        // The key is kept with the tokens.
        let later = Caller::new(&server, with_store());
        assert_eq!(later.call(None).await.unwrap()["bound"], true);
        let log = server.log().await;
        assert_eq!(
            log["grants"],
            json!({"authorization_code": 1, "refresh_token": 1}),
            "{log}"
        );
    }
}

#[tokio::test]
async fn tokens_are_bound_when_that_is_demanded_and_not_when_it_is_not_wanted() {
    let Some(server) = Server::start(json!({})).await else {
        return;
    };
    let always = Caller::new(&server, oauth(&server).dpop(Dpop::Always));
    assert_eq!(always.call(None).await.unwrap()["bound"], true);
    let Some(server) = Server::start(json!({"dpop": true})).await else {
        return;
    };
    let never = Caller::new(&server, oauth(&server).dpop(Dpop::Never));
    assert_eq!(never.call(None).await.unwrap()["bound"], false);
}
