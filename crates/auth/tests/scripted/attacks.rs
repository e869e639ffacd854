//! Rows 9, 15 and 16 of SECURITY.md: servers that lie about themselves and others.

use http::{Method, Uri};
use serde_json::json;
use wharf_auth::{Authorize, Client, Error, MemoryStore, Outgoing, Shown};

use crate::people::Asked;
use crate::world::World;

/// What comes of a sign-in; nothing may have reached the token endpoint.
async fn refused(world: &World) -> Error {
    let error = world.call(&world.oauth()).await.expect_err("it is refused");
    assert_eq!(world.seen("/token").len(), 0, "a code was shown");
    error
}

#[tokio::test]
async fn row_16_mix_up_answers_of_another_issuer_are_neither_used_nor_shown() {
    let world = World::new().await;
    let evil = || Some("https://evil.example".to_owned());
    for answer in [
        vec![("iss", evil())],
        vec![("iss", Some(format!("{}/", world.issuer)))],
        vec![("iss", None)],
        vec![
            ("iss", evil()),
            ("code", None),
            ("error", Some("call_me".to_owned())),
        ],
        vec![("iss", None), ("error", Some("call_me".to_owned()))],
    ] {
        world.set(|script| script.answer = answer.clone());
        let error = refused(&world).await;
        assert!(error.is_untrusted(), "{answer:?}: {error:?}");
        assert!(!format!("{error:?}").contains("call_me"), "{error:?}");
    }
    // Also when it did not promise to name itself.
    world.set(|script| {
        script.metadata = json!({"authorization_response_iss_parameter_supported": null});
        script.answer = vec![("iss", evil())];
    });
    assert!(refused(&world).await.is_untrusted());
    world.set(|script| script.answer = vec![("iss", None)]);
    world.call(&world.oauth()).await.unwrap();
}

#[tokio::test]
async fn row_16_mix_up_metadata_of_another_issuer_is_not_used() {
    let world = World::new().await;
    for issuer in [
        "https://evil.example".to_owned(),
        format!("{}/", world.issuer),
        world.issuer.to_uppercase(),
    ] {
        world.set(|script| script.metadata = json!({ "issuer": issuer }));
        assert!(refused(&world).await.is_untrusted());
        assert!(world.seen("/authorize").is_empty() && world.seen("/register").is_empty());
    }
}

#[tokio::test]
async fn row_16_confused_deputy_a_token_for_another_resource_is_not_asked_for() {
    let world = World::new().await;
    for resource in ["https://bank.example/mcp", "http://127.0.0.1:1/mcp"] {
        world.set(|script| script.resource = json!({ "resource": resource }));
        assert!(refused(&world).await.is_untrusted());
        assert!(world.seen("/authorize").is_empty());
    }
}

#[tokio::test]
async fn row_16_codes_are_not_asked_for_without_pkce() {
    let world = World::new().await;
    for methods in [json!(null), json!([]), json!(["plain"])] {
        world.set(|script| script.metadata = json!({"code_challenge_methods_supported": methods}));
        assert!(refused(&world).await.is_unsupported());
        assert!(world.seen("/authorize").is_empty());
    }
}

#[tokio::test]
async fn row_16_an_answer_with_another_state_is_not_used() {
    let world = World::new().await;
    // So that the missing issuer is not what is refused.
    world.set(|script| {
        script.metadata = json!({"authorization_response_iss_parameter_supported": null});
    });
    for wrong in ["guessed", ""] {
        let oauth = world.oauth().interaction(Asked::new(move |sign_in| {
            let address = format!("{}?code=stolen&state={wrong}", sign_in.redirect());
            Ok(Shown::Answered(address))
        }));
        assert!(world.call(&oauth).await.unwrap_err().is_untrusted());
    }
    let oauth = world.oauth().interaction(Asked::new(|sign_in| {
        let state = sign_in.page().split("state=").nth(1).unwrap();
        let state = state.split('&').next().unwrap();
        Ok(Shown::Answered(format!(
            "https://evil.example/cb?code=x&state={state}"
        )))
    }));
    assert!(world.call(&oauth).await.unwrap_err().is_untrusted());
    assert_eq!(world.seen("/token").len(), 0);
}

#[tokio::test]
async fn row_16_a_client_is_shown_to_no_other_issuer_than_its_own() {
    let (honest, evil) = (World::new().await, World::new().await);
    let client = || Client::new("mine").with_secret("my-secret");
    // The server names another issuer than the client was registered with.
    let oauth = evil.oauth().client(client().with_issuer(&honest.issuer));
    assert!(evil.call(&oauth).await.unwrap_err().is_untrusted());
    // One that is not bound belongs to the first issuer that it is used with.
    let store = std::sync::Arc::new(MemoryStore::new());
    let oauth = honest.oauth().client(client()).store(store.clone());
    honest.call(&oauth).await.unwrap();
    honest.set(|script| {
        script.resource = json!({"authorization_servers": [evil.issuer]});
        script.refuses = true;
    });
    let error = honest.call(&oauth).await.unwrap_err();
    assert!(error.is_untrusted(), "{error:?}");
    let later = honest.oauth().client(client()).store(store);
    assert!(honest.call(&later).await.unwrap_err().is_untrusted());
    assert_eq!(evil.seen("/token").len() + evil.seen("/authorize").len(), 0);
}

#[tokio::test]
async fn row_16_token_passthrough_a_token_goes_to_its_server_only() {
    let world = World::new().await;
    let oauth = world.oauth();
    world.call(&oauth).await.unwrap();
    for elsewhere in [
        &world.issuer,
        "https://evil.example/mcp",
        "http://127.0.0.1/mcp",
        "/mcp",
    ] {
        let url: Uri = elsewhere.parse().unwrap();
        let request = Outgoing {
            method: &Method::POST,
            url: &url,
        };
        assert!(
            oauth.headers(request).await.unwrap().is_empty(),
            "{elsewhere}"
        );
    }
}

#[tokio::test]
async fn row_15_ssrf_servers_cannot_send_us_to_private_addresses() {
    let world = World::new().await;
    for issuer in [
        "https://10.0.0.1",
        "https://192.168.0.1/tenant",
        "https://169.254.169.254",
        "https://[::ffff:10.0.0.1]",
        "https://[fd00::1]",
        "https://167772161",
        "https://0x0a.0.0.1",
        "https://0.0.0.0",
        "http://10.0.0.1",
        "file:///etc/passwd",
        "gopher://127.0.0.1",
        "https://user:password@127.0.0.1",
    ] {
        world.set(|script| script.resource = json!({"authorization_servers": [issuer]}));
        let error = refused(&world).await;
        assert!(error.is_untrusted(), "{issuer}: {error:?}");
    }
    world.set(|script| script.resource = json!({}));
    for (name, endpoint) in [
        ("token_endpoint", "https://10.0.0.1/token"),
        ("token_endpoint", "http://good.example/token"),
        (
            "registration_endpoint",
            "https://169.254.169.254/latest/meta-data",
        ),
    ] {
        world.set(|script| script.metadata = json!({ name: endpoint }));
        let error = world.call(&world.oauth()).await.unwrap_err();
        assert!(error.is_untrusted(), "{endpoint}: {error:?}");
    }
}

#[tokio::test]
async fn row_09_command_injection_odd_pages_are_not_opened() {
    let world = World::new().await;
    for page in [
        "file:///etc/passwd",
        "a:$(calc)",
        "javascript:alert(1)",
        "--flag",
        "http://evil.example/authorize",
        "https://evil.example/a\" & calc",
    ] {
        world.set(|script| script.metadata = json!({"authorization_endpoint": page}));
        let asked = Asked::new(|_| panic!("a person was sent there"));
        let error = world
            .call(&world.oauth().interaction(asked))
            .await
            .unwrap_err();
        assert!(error.is_untrusted(), "{page}: {error:?}");
    }
}
