//! People: how they answer, how often they are asked, how long it takes.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http::{HeaderMap, Method, StatusCode, Uri};
use serde_json::json;
use wharf_auth::{
    Authorize, Error, Interaction, Nobody, Outgoing, Pending, Refusal, Shown, SignIn,
};

use crate::world::World;

type Answer = dyn Fn(&SignIn) -> Result<Shown, Error> + Send + Sync;

/// A person who answers as a function says, after some time.
pub(crate) struct Asked {
    answer: Box<Answer>,
    after: Duration,
    times: Arc<AtomicUsize>,
}

impl Asked {
    pub(crate) fn new(
        answer: impl Fn(&SignIn) -> Result<Shown, Error> + Send + Sync + 'static,
    ) -> Self {
        Self {
            answer: Box::new(answer),
            after: Duration::ZERO,
            times: Arc::default(),
        }
    }

    fn after(mut self, after: Duration) -> Self {
        self.after = after;
        self
    }

    fn times(&self) -> Arc<AtomicUsize> {
        self.times.clone()
    }
}

impl Interaction for Asked {
    fn sign_in<'a>(&'a self, sign_in: &'a SignIn) -> Pending<'a, Result<Shown, Error>> {
        self.times.fetch_add(1, Ordering::SeqCst);
        Box::pin(async move {
            tokio::time::sleep(self.after).await;
            (self.answer)(sign_in)
        })
    }
}

/// A refusal without a token, as all first ones are.
async fn refused(world: &World, oauth: &impl Authorize) -> Result<wharf_auth::Next, Error> {
    let url: Uri = world.server.parse().unwrap();
    let none = HeaderMap::new();
    let request = Outgoing {
        method: &Method::POST,
        url: &url,
    };
    let refusal = Refusal {
        request,
        sent: &none,
        status: StatusCode::UNAUTHORIZED,
        headers: &none,
    };
    oauth.refused(refusal).await
}

#[tokio::test]
async fn all_who_wait_for_a_person_get_one_answer() {
    let world = World::new().await;
    let no = Asked::new(|_| Err(Error::refused_by_user("no"))).after(Duration::from_millis(300));
    let times = no.times();
    let oauth = Arc::new(world.oauth().interaction(no));
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..10 {
        let (world, oauth) = (world.clone(), oauth.clone());
        calls.spawn(async move { refused(&world, &oauth).await });
    }
    for result in calls.join_all().await {
        assert!(result.unwrap_err().is_refused_by_user());
    }
    assert_eq!(times.load(Ordering::SeqCst), 1);
    // Whoever comes later asks anew.
    refused(&world, &oauth).await.unwrap_err();
    assert_eq!(times.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn who_gives_up_waiting_does_not_keep_others_from_signing_in() {
    let world = World::new().await;
    let slow = Asked::new(|_| Ok(Shown::Open));
    let times = slow.times();
    let oauth = world.oauth().interaction(slow);
    let waited = tokio::time::timeout(Duration::from_millis(500), refused(&world, &oauth)).await;
    assert!(waited.is_err(), "nobody answered");
    assert_eq!(times.load(Ordering::SeqCst), 1);
    let waited = tokio::time::timeout(Duration::from_millis(500), refused(&world, &oauth)).await;
    assert!(waited.is_err());
    assert_eq!(
        times.load(Ordering::SeqCst),
        2,
        "the first one still holds the gate"
    );
}

#[tokio::test]
async fn nobody_waits_for_ever() {
    let world = World::new().await;
    let oauth = world
        .oauth()
        .interaction(Asked::new(|_| Ok(Shown::Open)))
        .patience(Duration::from_millis(200));
    let error = refused(&world, &oauth).await.unwrap_err();
    assert!(error.is_timed_out(), "{error:?}");
}

#[tokio::test]
async fn nothing_is_begun_where_nobody_is() {
    let world = World::new().await;
    let error = refused(&world, &world.oauth().interaction(Nobody))
        .await
        .unwrap_err();
    assert!(error.is_authorization_required());
    assert!(error.to_string().contains(&world.issuer), "{error}");
    assert!(world.seen("/register").is_empty());
}

#[tokio::test]
async fn a_person_can_give_back_the_address_that_the_browser_ended_at() {
    let world = World::new().await;
    let issuer = world.issuer.clone();
    let oauth = world.oauth().interaction(Asked::new(move |sign_in| {
        assert_eq!(sign_in.scopes(), ["read"]);
        let state = sign_in.page().split("state=").nth(1).unwrap();
        let state = state.split('&').next().unwrap();
        let redirect = sign_in.redirect();
        Ok(Shown::Answered(format!(
            " {redirect}?code=c&state={state}&iss={issuer}\n"
        )))
    }));
    world.call(&oauth).await.unwrap();
    let asked = &world.seen("/token")[0].params;
    assert_eq!(asked["code"], "c");
    assert_eq!(asked["resource"], world.server);
}

#[tokio::test]
async fn a_refusal_is_shown_in_the_servers_words() {
    let world = World::new().await;
    for (error, by_user) in [("access_denied", true), ("server_error", false)] {
        world.set(|script| {
            script.answer = vec![
                ("code", None),
                ("error", Some(error.to_owned())),
                ("error_description", Some("no\u{1b}[31m thanks".to_owned())),
            ];
        });
        let error = world.call(&world.oauth()).await.unwrap_err();
        assert_eq!(error.is_refused_by_user(), by_user);
        assert_eq!(error.is_refused_by_server(), !by_user);
        let text = error.to_string();
        assert!(
            text.contains("thanks") && !text.contains('\u{1b}'),
            "{text}"
        );
    }
    world.set(|script| script.metadata = json!({"registration_endpoint": null}));
    let error = world.call(&world.oauth()).await.unwrap_err();
    assert!(
        error.is_client_required() && error.next_step().is_some(),
        "{error}"
    );
}
