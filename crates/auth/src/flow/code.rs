//! A person signs in in a browser: authorization code with PKCE (OAuth 2.1, section 4.1).

use super::{Ask, Outcome};
use crate::client::Client;
use crate::interaction::{Shown, SignIn};
use crate::net::Place;
use crate::redirect::{Browsing, Page, Params, Redirect, params};
use crate::text::shown;
use crate::token::{KeptClient, Refused};
use crate::{Error, random};

/// What only we know of a sign-in, from its begin to its end.
struct Ours {
    state: String,
    verifier: String,
    redirect: String,
}

/// Runs the flow.
pub(crate) async fn run(ask: &Ask<'_>) -> Result<Outcome, Error> {
    let server = ask.server;
    let Some(endpoint) = &server.authorization else {
        return Err(Error::unsupported(format_args!(
            "{} has no page to sign in",
            shown(&server.issuer)
        )));
    };
    // Spec 2026-07-28, security considerations: without it, refuse to proceed.
    if server.pkce == Some(false) {
        return Err(Error::unsupported(format_args!(
            "{} does not say that it protects codes by PKCE (`S256` in `code_challenge_methods_supported`)",
            shown(&server.issuer)
        )));
    }
    let state = random::text::<24>()?;
    let to = ask.session.redirect_for(&server.issuer).await?;
    let mut listener = Redirect::listen(to.clone(), &state).await;
    if listener.is_err() && !ask.session.settings.has_fixed_redirect() {
        // The port of an earlier registration is taken: any other, and register anew.
        listener = Redirect::listen(Default::default(), &state).await;
    }
    let mut listener = listener?;
    let ours = Ours {
        state,
        verifier: random::text::<32>()?,
        redirect: listener.uri().to_owned(),
    };
    let (client, kept) = ask
        .session
        .identity(server, Some(&ours.redirect), ask.dpop.is_some())
        .await?;
    let page = page(ask, endpoint, &client, &ours);
    let (params, browsing) = signed_in(ask, page, &mut listener, &ours).await?;
    let result = finish(ask, &client, kept, &ours, params).await;
    if let Some(browsing) = browsing {
        let name = ask.session.server.as_str();
        let verdict = Page::of(result.as_ref().map(|_| ()), name);
        // The token must not wait for the browser.
        tokio::spawn(async move {
            browsing.show(verdict).await;
            drop(listener);
        });
    }
    result
}

fn page(ask: &Ask<'_>, endpoint: &Place, client: &Client, ours: &Ours) -> String {
    let challenge = random::sha256(ours.verifier.as_bytes());
    let mut query = vec![
        ("response_type", "code"),
        ("client_id", client.id.as_str()),
        ("redirect_uri", ours.redirect.as_str()),
        ("state", ours.state.as_str()),
        ("code_challenge", challenge.as_str()),
        ("code_challenge_method", "S256"),
        ("resource", ask.resource),
    ];
    let scope = ask.scopes.param();
    if let Some(scope) = &scope {
        query.push(("scope", scope));
    }
    // OpenID Connect Core, section 11: without it the wish is ignored.
    if ask.scopes.contains(crate::scope::OFFLINE_ACCESS) {
        query.push(("prompt", "consent"));
    }
    let thumbprint = ask.dpop.map(|key| key.thumbprint());
    if let Some(thumbprint) = &thumbprint {
        query.push(("dpop_jkt", thumbprint));
    }
    endpoint.with_query(&query).as_str().to_owned()
}

/// Shows the page and waits for the answer, whichever way it comes.
async fn signed_in(
    ask: &Ask<'_>,
    page: String,
    listener: &mut Redirect,
    ours: &Ours,
) -> Result<(Params, Option<Browsing>), Error> {
    let settings = &ask.session.settings;
    let sign_in = SignIn {
        page,
        redirect: ours.redirect.clone(),
        issuer: ask.server.issuer.clone(),
        server: ask.session.server.as_str().to_owned(),
        scopes: ask.scopes.iter().map(str::to_owned).collect(),
    };
    let show = settings.interaction.sign_in(&sign_in);
    let wait = async {
        tokio::select! {
            // First what has come already.
            biased;
            Some((params, browsing)) = listener.answer() => return Ok((params, Some(browsing))),
            shown = show => if let Shown::Answered(address) = shown? {
                return given_back(&address, ours).map(|params| (params, None));
            },
        }
        match listener.answer().await {
            Some((params, browsing)) => Ok((params, Some(browsing))),
            None => Err(Error::authorization_required(
                "nobody listens for the answer of the sign-in",
            )),
        }
    };
    ask.person(wait).await
}

/// Reads an answer that did not come to the listener.
fn given_back(address: &str, ours: &Ours) -> Result<Params, Error> {
    let foreign = || {
        Error::untrusted("the address that was given back is not the answer of this sign-in")
            .with_next_step("give the whole address that the browser ended at")
    };
    let (base, query) = address.trim().split_once('?').ok_or_else(foreign)?;
    let query = query.split('#').next().unwrap_or_default();
    let params = params(query).ok_or_else(foreign)?;
    if base != ours.redirect || params.get("state") != Some(&ours.state) {
        return Err(foreign());
    }
    Ok(params)
}

/// From the answer to the token. The issuer comes first: of an answer from another one nothing is
/// used or shown (RFC 9207, section 2.4).
async fn finish(
    ask: &Ask<'_>,
    client: &Client,
    kept: KeptClient,
    ours: &Ours,
    mut params: Params,
) -> Result<Outcome, Error> {
    let server = ask.server;
    match params.get("iss") {
        Some(issuer) if *issuer != server.issuer => {
            return Err(Error::untrusted(
                "the answer of the sign-in came from another authorization server than was asked",
            ));
        }
        None if server.sends_issuer => {
            return Err(Error::untrusted(format_args!(
                "the answer of the sign-in does not say that it came from {}, which promised that",
                shown(&server.issuer)
            )));
        }
        _ => {}
    }
    if let Some(error) = params.remove("error") {
        let refused = Refused::new(error, params.remove("error_description"));
        return Err(refused.into_error(&server.issuer, "the sign-in"));
    }
    let Some(code) = params.remove("code").map(crate::Secret::from) else {
        return Err(Error::unsupported(format_args!(
            "the answer of the sign-in at {} has no code",
            shown(&server.issuer)
        )));
    };
    let params = [
        ("grant_type", "authorization_code"),
        ("code", code.expose()),
        ("redirect_uri", &ours.redirect),
        ("code_verifier", &ours.verifier),
    ];
    let granted = ask
        .token(client, &params, "the code of the sign-in")
        .await?;
    Ok(Outcome {
        granted,
        client: kept,
    })
}
