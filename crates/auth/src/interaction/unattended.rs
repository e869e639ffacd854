//! [`Unattended`]: for authorization servers that ask nobody.

use http::HeaderMap;

use super::{Interaction, Shown, SignIn};
use crate::net::{Http, Place};
use crate::{Error, Pending};

/// For authorization servers that ask nobody: opens the page itself and takes the redirect for
/// the answer. For tests, and for servers that know who asks by other means.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unattended;

impl Interaction for Unattended {
    fn sign_in<'a>(&'a self, sign_in: &'a SignIn) -> Pending<'a, Result<Shown, Error>> {
        Box::pin(async move {
            let http = Http::new(Place::parse(&sign_in.server)?);
            let mut place = Place::parse(&sign_in.page)?;
            for _ in 0..10 {
                let received = http.get_once(&place, HeaderMap::new()).await?;
                let Some(next) = received.location() else {
                    break;
                };
                if next.split('?').next() == Some(&sign_in.redirect) {
                    return Ok(Shown::Answered(next));
                }
                place = place.join(&next)?;
            }
            Err(Error::authorization_required(
                "the authorization server wants a person to sign in",
            ))
        })
    }
}
