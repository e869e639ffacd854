//! What is sent, what is kept, and what happens when a server fails.

use std::sync::Arc;
use std::time::Duration;

use http::{Method, Uri};
use serde_json::{Value, json};
use wharf_auth::{
    Assertion, Authorize, Client, Enterprise, Error, Flow, MemoryStore, OAuth, Outgoing, Secret,
};

use crate::world::World;

async fn headers(world: &World, oauth: &OAuth) -> Result<String, Error> {
    let url: Uri = world.server.parse().unwrap();
    let request = Outgoing {
        method: &Method::GET,
        url: &url,
    };
    let headers = oauth.headers(request).await?;
    Ok(headers
        .get("authorization")
        .map_or(String::new(), |h| h.to_str().unwrap().to_owned()))
}

#[tokio::test]
async fn a_client_introduces_itself_once_and_keeps_its_redirect_address() {
    let world = World::new().await;
    world.set(|script| {
        script.metadata = json!({"scopes_supported": ["read", "offline_access"], "token_endpoint_auth_methods_supported": ["client_secret_basic"]});
    });
    let store = Arc::new(MemoryStore::new());
    for _ in 0..3 {
        let oauth = world.oauth().store(store.clone()).client_name("Test");
        oauth.sign_in().await.unwrap();
    }
    let registered = world.seen("/register");
    assert_eq!(registered.len(), 1);
    let said: Value = serde_json::from_str(&registered[0].body).unwrap();
    assert_eq!(said["application_type"], "native");
    assert_eq!(said["client_name"], "Test");
    assert_eq!(
        said["grant_types"],
        json!(["authorization_code", "refresh_token"])
    );
    assert_eq!(said["token_endpoint_auth_method"], "client_secret_basic");
    let asked = world.seen("/authorize");
    for asked in &asked {
        assert_eq!(asked.params["redirect_uri"], said["redirect_uris"][0]);
        assert_eq!(asked.params["scope"], "read offline_access");
        assert_eq!(asked.params["prompt"], "consent");
        assert_eq!(asked.params["resource"], world.server);
        assert_eq!(asked.params["code_challenge_method"], "S256");
    }
    assert_ne!(asked[0].params["state"], asked[1].params["state"]);
    assert_ne!(
        asked[0].params["code_challenge"],
        asked[1].params["code_challenge"]
    );
    // What was registered with a secret shows it.
    let exchanged = &world.seen("/token")[0];
    assert!(
        exchanged.headers["authorization"]
            .to_str()
            .unwrap()
            .starts_with("Basic ")
    );
    assert!(!exchanged.params.contains_key("client_secret"));
}

#[tokio::test]
async fn who_asks_with_a_document_does_not_register() {
    let world = World::new().await;
    let document = "https://client.example/document.json";
    let oauth = || world.oauth().metadata_document(document).unwrap();
    world.call(&oauth()).await.unwrap();
    assert_eq!(
        world.seen("/register").len(),
        1,
        "this server reads no documents"
    );
    world.set(|script| script.metadata = json!({"client_id_metadata_document_supported": true}));
    world.call(&oauth()).await.unwrap();
    assert_eq!(world.seen("/register").len(), 1);
    assert_eq!(world.seen("/authorize")[1].params["client_id"], document);
    for bad in [
        "http://client.example/x",
        "https://client.example/",
        "https://client.example",
    ] {
        let server = "https://mcp.example";
        assert!(
            OAuth::new(server)
                .unwrap()
                .metadata_document(bad)
                .unwrap_err()
                .is_misconfigured()
        );
    }
}

#[tokio::test]
async fn a_refresh_that_nobody_waits_for_is_finished() {
    let world = World::new().await;
    world.set(|script| script.token_lifetime = json!(1));
    let store = Arc::new(MemoryStore::new());
    let oauth = world.oauth().store(store.clone());
    oauth.sign_in().await.unwrap();
    tokio::time::sleep(Duration::from_millis(1100)).await;
    let new = json!({"access_token": "rotated", "refresh_token": "r2", "token_type": "bearer", "expires_in": "3600"});
    world.set(|script| {
        script
            .tokens
            .push_back((200, new, Duration::from_millis(500)))
    });
    let waited = tokio::time::timeout(Duration::from_millis(200), headers(&world, &oauth)).await;
    assert!(waited.is_err(), "it was too quick to be dropped");
    assert_eq!(headers(&world, &oauth).await.unwrap(), "Bearer rotated");
    assert_eq!(world.seen("/token").len(), 2);
    assert_eq!(
        world.seen("/token")[1].params["refresh_token"],
        "refresh-token-1"
    );
    let later = world.oauth().store(store);
    assert_eq!(headers(&world, &later).await.unwrap(), "Bearer rotated");
}

#[tokio::test]
async fn a_token_is_used_while_it_counts_though_its_server_is_down() {
    let world = World::new().await;
    world.set(|script| script.token_lifetime = json!(8));
    let oauth = world.oauth();
    oauth.sign_in().await.unwrap();
    tokio::time::sleep(Duration::from_millis(6100)).await;
    world.set(|script| {
        for _ in 0..2 {
            script.tokens.push_back((503, json!({}), Duration::ZERO));
        }
    });
    assert_eq!(
        headers(&world, &oauth).await.unwrap(),
        "Bearer access-token-1"
    );
    tokio::time::sleep(Duration::from_millis(2000)).await;
    assert!(headers(&world, &oauth).await.unwrap_err().is_unreachable());
    // A server that rotates nothing leaves the refresh token as it is.
    let new = json!({"access_token": "second", "token_type": "Bearer", "expires_in": 1});
    world.set(|script| script.tokens.push_back((200, new, Duration::ZERO)));
    assert_eq!(headers(&world, &oauth).await.unwrap(), "Bearer second");
    tokio::time::sleep(Duration::from_millis(1100)).await;
    assert_eq!(
        headers(&world, &oauth).await.unwrap(),
        "Bearer access-token-2"
    );
    let asked = world.seen("/token");
    assert_eq!(
        asked.last().unwrap().params["refresh_token"],
        "refresh-token-1"
    );
}

#[tokio::test]
async fn a_server_that_refuses_its_own_tokens_does_not_make_one_sign_in_for_ever() {
    let world = World::new().await;
    world.set(|script| script.refuses = true);
    let oauth = world.oauth();
    let error = world.call(&oauth).await.unwrap_err();
    assert!(error.is_refused_by_server(), "{error:?}");
    assert!(world.seen("/authorize").len() <= 2);
    assert!(world.seen("/token").len() <= 3);
}

#[tokio::test]
async fn signing_out_forgets_even_when_the_server_does_not() {
    let world = World::new().await;
    let oauth = world.oauth();
    world.call(&oauth).await.unwrap();
    world.set(|script| script.revocation_status = 503);
    let error = oauth.sign_out().await.unwrap_err();
    assert!(error.is_refused_by_server(), "{error:?}");
    assert_eq!(headers(&world, &oauth).await.unwrap(), "");
    assert!(!oauth.sign_out().await.unwrap());
    world.set(|script| script.revocation_status = 200);
    world.call(&oauth).await.unwrap();
    assert_eq!(
        world.seen("/register").len(),
        2,
        "the client was forgotten too"
    );
    assert!(oauth.sign_out().await.unwrap());
    let revoked: Vec<_> = world
        .seen("/revoke")
        .iter()
        .map(|s| s.params["token"].clone())
        .collect();
    assert_eq!(
        revoked,
        ["refresh-token-1", "refresh-token-2", "access-token-2"]
    );
}

#[tokio::test]
async fn an_employer_vouches_for_a_person() {
    let (world, employer) = (World::new().await, World::new().await);
    employer.set(|script| {
        let answer = json!({
            "access_token": "id-jag", "token_type": "N_A",
            "issued_token_type": "urn:ietf:params:oauth:token-type:id-jag",
        });
        script.tokens.push_back((200, answer, Duration::ZERO));
        // Another kind of token is not passed on.
        let other = json!({"access_token": "other", "token_type": "Bearer"});
        script.tokens.push_back((200, other, Duration::ZERO));
    });
    let (issuer, server) = (world.issuer.clone(), world.server.clone());
    let id_token = Assertion::from_fn(move |audience| {
        assert_eq!(audience.resource(), server);
        std::future::ready(Ok(Secret::from("id-token")))
    });
    let enterprise = Enterprise::new(&employer.issuer, Client::new("at-idp"), id_token);
    let client = Client::new("mine").with_secret("my-secret");
    let oauth = || {
        let flow = Flow::Enterprise(enterprise.clone());
        world.oauth().client(client.clone()).flow(flow)
    };
    world.call(&oauth()).await.unwrap();
    let exchange = &employer.seen("/token")[0].params;
    assert_eq!(exchange["subject_token"], "id-token");
    assert_eq!(exchange["audience"], issuer);
    assert_eq!(exchange["client_id"], "at-idp");
    let bearer = &world.seen("/token")[0];
    assert_eq!(bearer.params["assertion"], "id-jag");
    assert_eq!(
        bearer.params["grant_type"],
        "urn:ietf:params:oauth:grant-type:jwt-bearer"
    );
    assert!(bearer.headers.contains_key("authorization"));
    assert!(world.call(&oauth()).await.unwrap_err().is_unsupported());
    assert_eq!(world.seen("/token").len(), 1);
}

#[tokio::test]
async fn a_platform_vouches_for_a_program() {
    let world = World::new().await;
    let folder = std::env::temp_dir().join(format!("wharf-auth-jwt-{}", std::process::id()));
    std::fs::write(&folder, "first-jwt\n").unwrap();
    let oauth = world.oauth().flow(Flow::Workload(Assertion::file(&folder)));
    world.call(&oauth).await.unwrap();
    std::fs::write(&folder, "second-jwt").unwrap();
    oauth.sign_in().await.unwrap();
    std::fs::remove_file(&folder).unwrap();
    let sent: Vec<_> = world
        .seen("/token")
        .iter()
        .map(|s| s.params["assertion"].clone())
        .collect();
    assert_eq!(sent, ["first-jwt", "second-jwt"]);
    assert!(!world.seen("/token")[0].params.contains_key("client_id"));
    assert!(oauth.sign_in().await.unwrap_err().is_misconfigured());
    // A refusal is final: nothing is sent twice, and no other way is tried.
    for error in ["invalid_grant", "invalid_scope", "unauthorized_client"] {
        let asked = world.seen("/token").len();
        world.set(|script| {
            script
                .tokens
                .push_back((400, json!({"error": error}), Duration::ZERO))
        });
        let oauth = world.oauth().flow(Flow::Workload(Assertion::fixed("jwt")));
        assert!(world.call(&oauth).await.unwrap_err().is_refused_by_server());
        assert_eq!(world.seen("/token").len(), asked + 1);
    }
}

#[tokio::test]
async fn tokens_of_a_kind_that_cannot_be_sent_are_refused() {
    let world = World::new().await;
    for (answer, unsupported) in [
        (json!({"access_token": "t", "token_type": "mac"}), true),
        (json!({"access_token": "", "token_type": "Bearer"}), true),
        (json!({"access_token": "t", "token_type": "DPoP"}), true),
        (json!({"token_type": "Bearer"}), true),
        (json!({"access_token": "t"}), false),
    ] {
        world.set(|script| {
            script
                .tokens
                .push_back((200, answer.clone(), Duration::ZERO))
        });
        let result = world.call(&world.oauth()).await;
        assert_eq!(
            result.is_err_and(|e| e.is_unsupported()),
            unsupported,
            "{answer}"
        );
    }
}

#[tokio::test]
async fn a_server_that_says_nothing_of_itself_is_asked_at_the_default_endpoints() {
    let world = World::new().await;
    let nothing = vec![
        "/.well-known/oauth-protected-resource/mcp",
        "/.well-known/oauth-authorization-server",
    ];
    world.set(|script| {
        script.missing = nothing.clone();
        script.answer = vec![("iss", None)];
    });
    let oauth = world.oauth();
    world.call(&oauth).await.unwrap();
    let origin = world.server.strip_suffix("/mcp").unwrap();
    assert_eq!(oauth.status().await.unwrap().unwrap().issuer, origin);
    assert_eq!(world.seen("/authorize")[0].params["resource"], world.server);
    // It may as well be a server that wants a key of some other kind.
    world.set(|script| script.missing = [&nothing[..], &["/register"]].concat());
    let error = world.call(&world.oauth()).await.unwrap_err();
    assert!(error.is_authorization_required(), "{error:?}");
    assert!(error.next_step().unwrap().contains("token"), "{error}");
}
