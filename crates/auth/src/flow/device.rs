//! A person signs in with a code on another device (RFC 8628).

use std::time::Duration;

use serde::Deserialize;
use tokio::time::{Instant, sleep};

use super::{Ask, DEVICE, Outcome};
use crate::interaction::DeviceCode;
use crate::net::Place;
use crate::store::exposed;
use crate::text::shown;
use crate::token::{self, Answered, Refused};
use crate::{Error, Secret};

#[derive(Deserialize)]
struct Begun {
    #[serde(deserialize_with = "exposed::deserialize")]
    device_code: Secret,
    user_code: String,
    verification_uri: String,
    verification_uri_complete: Option<String>,
    #[serde(default = "half_an_hour")]
    expires_in: u64,
    #[serde(default = "five")]
    interval: u64,
}

fn half_an_hour() -> u64 {
    30 * 60
}

fn five() -> u64 {
    5
}

/// The longest pause between two questions, in seconds, whatever the server wants.
const LONGEST_PAUSE: u64 = 60;

/// Runs the flow.
pub(crate) async fn run(ask: &Ask<'_>) -> Result<Outcome, Error> {
    let server = ask.server;
    let Some(endpoint) = &server.device else {
        return Err(Error::unsupported(format_args!(
            "{} has no sign-in for other devices",
            shown(&server.issuer)
        ))
        .with_next_step("sign in with a browser"));
    };
    let (client, kept) = ask
        .session
        .identity(server, None, ask.dpop.is_some())
        .await?;
    let scope = ask.scopes.param();
    let mut form = vec![("resource", ask.resource)];
    if let Some(scope) = &scope {
        form.push(("scope", scope));
    }
    let http = &ask.session.http;
    let received = token::send(http, endpoint, &ask.endpoint, &client, None, &form).await?;
    if !received.status.is_success() {
        let status = received.status.as_u16();
        let refused: Refused = serde_json::from_slice(&received.body)
            .unwrap_or_else(|_| Refused::new(format!("HTTP {status}"), None));
        return Err(refused.into_error(&server.issuer, "a sign-in on another device"));
    }
    let begun: Begun = received.json()?;
    let patience = ask.session.settings.patience.as_secs();
    let code = read(&begun, &server.issuer, patience)?;
    ask.session.settings.interaction.show_code(&code).await?;

    let end = Instant::now() + Duration::from_secs(code.seconds);
    let mut pause = begun.interval.clamp(1, LONGEST_PAUSE);
    loop {
        ask.person(async {
            sleep(Duration::from_secs(pause)).await;
            Ok(())
        })
        .await?;
        if Instant::now() >= end {
            return Err(Error::timed_out(format_args!(
                "nobody typed the code at {} in time",
                shown(&server.issuer)
            )));
        }
        let params = [
            ("grant_type", DEVICE),
            ("device_code", begun.device_code.expose()),
        ];
        match ask.answer(&client, &params).await {
            Ok(Answered::Granted(granted)) => {
                return Ok(Outcome {
                    granted,
                    client: kept,
                });
            }
            Ok(Answered::Refused(refused)) if refused.is("authorization_pending") => {}
            Ok(Answered::Refused(refused)) if refused.is("slow_down") => pause = slower(pause + 5),
            Ok(Answered::Refused(refused)) => {
                return Err(refused.into_error(&server.issuer, "the sign-in"));
            }
            // Section 3.5: the person may still be typing, so wait longer and ask again.
            Err(error) if error.is_timed_out() || error.is_unreachable() => {
                pause = slower(pause * 2);
            }
            Err(error) => return Err(error),
        }
    }
}

fn slower(pause: u64) -> u64 {
    pause.min(LONGEST_PAUSE)
}

fn read(begun: &Begun, issuer: &str, patience: u64) -> Result<DeviceCode, Error> {
    let printable = begun
        .user_code
        .chars()
        .all(|c| c.is_ascii_graphic() || c == ' ');
    if !printable || begun.user_code.is_empty() || begun.user_code.len() > 64 {
        return Err(Error::untrusted(format_args!(
            "{} gave a code that nobody can type",
            shown(issuer)
        )));
    }
    let complete = begun.verification_uri_complete.as_deref();
    Ok(DeviceCode {
        page: Place::parse(&begun.verification_uri)?.as_str().to_owned(),
        complete: match complete {
            Some(page) => Some(Place::parse(page)?.as_str().to_owned()),
            None => None,
        },
        code: begun.user_code.clone(),
        seconds: begun.expires_in.min(patience),
        issuer: issuer.to_owned(),
    })
}
